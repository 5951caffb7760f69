"""The command line: the interface for people at a terminal.

In: words; out: words. app.py registers the commands; each file holds the commands that use one room.

    app.py       the commands, in their order; main()
    options.py   options that commands share, and output helpers
    sample.py    drawing with a model, and redrawing a file from what made it
    new.py       a new package with a part, made from the skeletons
    learn.py     the course's exercises: start one, or have one checked
    exercises/   their files with holes, and the checks
    data.py, recipes.py, runs.py, models.py, training.py, latent.py, evaluation.py, studio.py   a room's commands
"""
