"""What Ganvas survives: odd files, odd words and whatever else a part here tries on it.

    cases.py    Case, and the table of what was tried, what held and what failed
    child.py    a piece of work in a process of its own, with bounds on its time and its memory
    files.py    odd pictures, zips and tables as data
    words.py    names and texts that terminals, HTML and JSON trip over
    models.py   hostile model files, state dicts and runs
    kills.py    trainings that are killed and go on
    damage.py   damaged files of runs and of the cache
    disks.py    disks that are full or closed, folders that go away, files of other versions

A part is a file with `cases()`, and its first line says what it tries.
"""
