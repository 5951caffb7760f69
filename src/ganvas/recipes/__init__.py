"""Recipes: the complete description of a run as one value.

In: a few words; out: a `Recipe`. The first three files define and build recipes. All others hold functions that return
one, each a part of kind "recipe", and never import one another.

    recipe.py     Recipe: a whole run as one value; change() changes one setting, given as text
    settings.py   parts <-> text <-> JSON, every field checked against its type
    plan.py       a target, data, a size -> a recipe, and the name of its run
    images.py, ideas.py, keywords.py, labels.py, r3gan.py, wasserstein.py   for pictures
    autoencoders.py, toys.py, stacked.py, videos.py               for other things
"""
