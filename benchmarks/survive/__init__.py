"""What Ganvas survives: odd files, odd words, and everything else that the parts here try on it.

    cases.py    Case, and the table of what was tried, what held and what failed
    child.py    runs work in a separate process, with limits on its time and memory
    files.py    odd pictures, zips and tables as data
    words.py    names and texts that break terminals, HTML and JSON
    models.py   hostile model files, state dicts and runs
    kills.py    trainings that are killed and continue
    damage.py   damaged files of runs and of the cache
    disks.py    disks that are full or closed, folders that disappear, files of other versions

A part is a file with `cases()`, and its first line says what it tries.
"""
