"""The exercises of the course.

In: a file whose hole a learner has filled; out: that it is right, or a sentence that says what is wrong.

    exercise.py   the list of exercises, and their files as learners get them (in begun)
    answer.py     compares an answer with the right one and with the results of usual mistakes
    numbers.py    checks for exercises that are formulas: entropy, divergences, losses, the Fréchet distance
    gradients.py  checks for exercises about gradients: whole steps, the gradient penalty, steering
    crowds.py     checks for exercises about many samples: Bayes' rule, earth mover's distance, modes, mismatched words
    shapes.py     checks for exercises about shapes: blocks, conditions, frames
    judge.py      the program that runs one check on one file
"""
