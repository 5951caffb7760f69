"""The studio: a door for people with a browser, `ganvas studio`.

In: requests; out: pictures, the state of trainings, and files. It holds no learning code: pictures are drawn by the
room latent, and everything that takes longer than a moment is a command of the toolkit in a process of its own.

    serve.py       the port, the workspace, the first URL; uvicorn
    app.py         the application: its parts, its routes, its errors, the page
    guard.py       who may ask at all: host, origin, token, size and pace of bodies, headers of answers
    refused.py     what is refused, as a status and a sentence
    shapes.py      what is asked and answered, as types
    workspace.py   the folder: names, paths that stay inside, small files
    worker.py      the one thread that computes with torch
    models.py      the models there are, loaded when they are needed
    gallery.py     pictures by their places, drawn in chunks when somebody looks
    places.py      around, between and from two places
    kept.py        what somebody kept
    data.py        sets of pictures: uploaded, read, shown
    uploads.py     files on their way in
    runs.py        trainings: started, paused, watched
    folders.py     a run's folder as the page shows it
    jobs.py        other commands, and the files they make
    asks.py        what a job is asked -> its command
    children.py    processes that outlive the server
    playgrounds.py the processes of Learn
    plane.py       one of them: a training of points, step by step
    events.py      what happens, told to every tab
    page/          the built page
    api/           the routes
"""
