"""The routes of the HTTP API, a file for each part of it.

In: requests that the guard let through; out: answers.

    common.py    what routes share
    draw.py      models, pictures, places, what is kept
    data.py      sets
    runs.py      trainings
    jobs.py      jobs, uploads, files
    plane.py     playgrounds
    live.py      the state, and events
"""
