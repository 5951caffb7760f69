"""What a run folder says. Nothing here trains, and nothing writes but reports, films and evaluations.

In: a run folder; out: its recipe, its log, its pictures, a report.

    run.py           Run: recipe, log, newest sound checkpoint, data
    diagnosis.py     one thing that is wrong with a training, as a value
    advice.py        the setting that most likely mends what is wrong
    doctor.py        what its log shows to be wrong with a training
    report.py        report.html, one page of it all (its frame: report.html)
    rescues.py       how often it blew up and went back
    mends.py         that it took the doctor's advice, and from where on
    curves.py        what was logged, as inline SVG
    film.py          its sheets of samples as a film
    watch.py         a training that goes on, followed from another shell
    evaluations.py   what evaluations of it found, kept in its folder
"""
