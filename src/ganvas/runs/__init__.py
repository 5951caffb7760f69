"""Reading run folders. Nothing here trains, or writes anything but reports, films and evaluations.

In: a run folder; out: its recipe, its log, its pictures, a report.

    run.py           Run: recipe, log, newest sound checkpoint, data
    diagnosis.py     one problem of a training, as a value
    advice.py        the setting that most likely fixes a problem
    doctor.py        the problems that a training's log shows
    report.py        report.html, all of it on one page (template: report.html)
    rescues.py       when it diverged and was rolled back
    mends.py         whether it followed the doctor's advice, and from when on
    curves.py        what was logged, as inline SVG
    film.py          its sheets of samples as a film
    watch.py         a running training, followed from another shell
    evaluations.py   results of its evaluations, kept in its folder
"""
