"""The exercises of the course.

In: a file with a hole that somebody has filled; out: that it is right, or what is wrong with it in a sentence.

    exercise.py   what exercises there are, and their files as they begin (in begun)
    answer.py     an answer, compared with the right one and with the usual wrong ones
    numbers.py    checks of exercises that are formulas: entropy, divergences, losses, the Fréchet distance
    gradients.py  checks of those that are about gradients: whole steps, the gradient penalty, steering
    crowds.py     checks of those about many samples: Bayes' rule, the earth mover's distance, modes, mismatched words
    shapes.py     checks of those that are about shapes: blocks, conditions, frames
    judge.py      the program that runs one check on one file
"""
