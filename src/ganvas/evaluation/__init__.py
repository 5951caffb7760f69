"""How good a model is, and what is fake.

In: two sides, each a run, a model or data; out: every figure.

    compare.py    compare(): two sets of samples and every figure that they allow, from features computed once
    sides.py      Side, and opening runs, models and data in a common form
    checkup.py    doctor(): what is wrong with a run, and what is most likely to fix it
    inspect.py    fake or real: pictures with their scores, and what these do not mean
    quiz.py       fake or real as a game: a page of pairs for visitors, who are compared with the detector
    halves.py     real and generated pictures in two halves: one to train a detector, one to test it
    detector.py   a classifier that tells a model's pictures from real ones
"""
