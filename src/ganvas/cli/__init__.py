"""The command line: the door for people at a terminal.

In: words; out: words. app.py registers the commands; they are in a file for each room that they open.

    app.py       the commands, in their order; main()
    options.py   options that commands share, and how they answer
    sample.py    drawing with a model, and drawing again what made a file
    new.py       a package with a part of one's own begun, from the skeletons beside it
    learn.py     the course's exercises: begin one, or be told what is wrong with it
    exercises/   their files with holes, and what checks them
    data.py, recipes.py, runs.py, models.py, training.py, latent.py, evaluation.py, studio.py   a room's commands
"""
