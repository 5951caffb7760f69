"""Training.

In: a `Recipe`; out: a run folder.

    fit.py          fit(): resolves what to train, on which data and for how long, and trains it
    session.py      one session of a training: logs, scores, draws, shows and saves as it runs
    task.py         what to train, from words or from an existing run
    stages.py       recipes that are trained before another one
    state.py        what changes from step to step, and how it begins
    loop.py         train(): yields one tick per step; knows nothing of files or kinds of models
    alarm.py        detects divergence in the step in which it happens
    rescue.py       the response: a rollback to a sound state, and smaller steps from there
    mender.py       follows the doctor's advice once, if asked to
    dealer.py       each batch of a run, whole or in pieces if memory cannot hold it
    status.py       the state of a training, for outside observers
    events.py       the log for TensorBoard, if that is installed
    recorder.py     the writing half of a run folder: log, sheets, checkpoints, lock
    start_from.py   the weights and the recipe of another run to start from
    budget.py       minutes -> images and widths, by a probe and then by the measured speed
    allowance.py    limits the time for work other than learning
    pulse.py        health signs that the losses do not show, measured now and then
    meter.py        a score during training, within a small share of its time
"""
