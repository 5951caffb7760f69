"""How good a model is, and what is fake.

In: two sides, each a run, a model or data; out: every figure.

    compare.py    compare(): two sets of samples, described once, and every figure that they allow
    sides.py      Side, and how runs, models and data are opened alike
    checkup.py    doctor(): what is wrong with a run, and what is most likely to mend it
    inspect.py    fake or real: pictures with their scores, and what these do not mean
    quiz.py       fake or real, asked: a page of pairs for visitors, who are compared with the detector
    halves.py     real and generated pictures in two halves: learned from, and tested on
    detector.py   what tells a model's pictures from real ones, learned from some of both
"""
