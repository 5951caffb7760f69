"""The routes of the HTTP API, one file per topic.

In: requests that passed the guard; out: responses.

    common.py    what routes share
    draw.py      models, pictures, places, kept pictures
    data.py      sets
    runs.py      trainings
    jobs.py      jobs and their files
    plane.py     playgrounds
    live.py      the state, and events
"""
