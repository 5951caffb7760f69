"""Where samples come from: one class per source, each a part of kind "data".

In: settings; out: a `Dataset`. These files never import one another.

    folder.py    any folder or zip of pictures
    shards.py    tar shards of pictures and what belongs to each
    parquet.py   tables of pictures, as Hugging Face has them
    clips.py     animations: a folder of clips, and digits that move
    icons.py     drawn from OpenMoji, with their words
    digits.py    handwritten digits that come along (digits.npz)
    toys.py      points in the plane whose modes are known
    points.py    a table of numbers from a file
    stacked.py   three digits as red, green and blue
    mnist.py, cifar10.py, celeba.py   known sets, in the files that they are published in
"""
