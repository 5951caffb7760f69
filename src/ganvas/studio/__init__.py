"""The studio: the browser interface of the toolkit, opened by `ganvas studio`.

In: requests; out: pictures, the state of trainings, and files. It holds no learning code: pictures are drawn by the
room latent, and everything slow runs as a command of the toolkit in its own process.

    serve.py       the port, the workspace, the first URL; uvicorn
    app.py         the application: its parts, routes, errors and the page
    guard.py       access control: host, origin, token, size and pace of bodies, headers of responses
    refused.py     refusals: a status and a sentence
    shapes.py      the types of requests and responses
    workspace.py   the folder: names, paths that stay inside it, small files
    worker.py      the one thread that computes with torch
    models.py      the available models, loaded when needed
    gallery.py     pictures by their places, drawn in batches when they are requested
    places.py      places near one, between several, and bred from two
    kept.py        the pictures that the user keeps
    data.py        sets of pictures: uploaded, read, shown
    uploads.py     files being uploaded
    runs.py        trainings: started, paused, watched
    folders.py     a run's folder as the page shows it
    jobs.py        other commands, and the files they make
    asks.py        a job's request -> its command
    children.py    processes that outlive the server
    playgrounds.py the processes of Learn
    plane.py       such a process: a training on points in the plane, step by step
    events.py      server-sent events to every tab
    page/          the built page
    api/           the routes
"""
