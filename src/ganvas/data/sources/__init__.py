"""Where samples come from: one class per source, each a part of kind "data".

In: settings; out: a `Dataset`. These files never import one another.

    folder.py    any folder or zip of pictures
    shards.py    tar shards of pictures with classes and words
    parquet.py   tables of pictures, as on Hugging Face
    clips.py     animations: a folder of clips, and moving digits
    icons.py     drawn from OpenMoji, with keywords
    digits.py    handwritten digits that come with the toolkit (digits.npz)
    pebbles.py   pieces of a ground of pebbles, drawn by rules
    toys.py      points in the plane with known modes
    points.py    a table of numbers from a file
    stacked.py   three digits as red, green and blue
    mnist.py, cifar10.py, celeba.py   known data sets, from their published files
"""
