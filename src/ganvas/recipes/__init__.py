"""Whole runs as values.

In: a few words; out: a `Recipe`. Apart from the first three, files hold functions that return recipes, each a part of
kind "recipe", and never import one another.

    recipe.py     Recipe: a whole run as one value; change() changes it by words
    settings.py   parts <-> words <-> JSON, every field checked by its type
    plan.py       a target, data, a size -> a recipe, and the name of its run
    images.py, ideas.py, keywords.py, labels.py, r3gan.py, wasserstein.py   of pictures
    autoencoders.py, toys.py, stacked.py, videos.py               of other things
"""
