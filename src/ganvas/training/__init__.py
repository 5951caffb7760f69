"""Training.

In: a `Recipe`; out: a run folder.

    fit.py          fit(): what is to be trained, on what and for how long
    session.py      one sitting of a training: log, score, draw, show and save as it goes on
    task.py         what is to be trained, from words or from a run
    stages.py       recipes that are trained before another one
    loop.py         train(): yields one tick per step; knows no files and no kind of model
    alarm.py        what sees that the numbers blow up, in the step in which they do
    rescue.py       what is done then: back to where they were sound, and on by smaller steps
    mender.py       what takes the doctor's advice once, if that is asked for
    dealer.py       each batch of a run, whole or in pieces where memory does not hold it
    status.py       where a training is, for whoever looks on from outside
    events.py       the log for TensorBoard, if that is installed
    recorder.py     the writing half of a run folder: log, sheets, checkpoints, lock
    start_from.py   the weights and the recipe of another run to start from
    budget.py       minutes -> images and widths, by a probe and then by the run's own speed
    allowance.py    how much time goes to what teaches it nothing
    pulse.py        signs of it that the losses do not tell, now and then
    meter.py        a score as the training goes on, in a small share of its time
"""
