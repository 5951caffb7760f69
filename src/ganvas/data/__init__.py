"""Samples ready for training.

In: a path or a name; out: a `Dataset`.

    dataset.py         Dataset, Source, and the source that a text names: source(), open_source()
    decode.py          any picture file -> one form, or the reason why not
    svg.py             SVG files -> pixels
    svg_child.py       the process apart in which they are drawn
    profiles.py        the colours that a picture means, in sRGB
    others.py          what a file is that is no picture, and what to do with it
    precautions.py     checks and clean-up of a picture file before it is decoded
    archives.py        uniform access to folders and zip files
    classes.py         files -> the class of each picture
    captions.py        files -> the keywords of each picture, and the classes that tables tell
    pack.py            pictures decoded once, in parallel, into a memory-mapped cache
    picture_files.py   picture files given by a user, in a model's form or refused
    zips.py            pictures -> a zip in StyleGAN's format
    look.py            what a source holds, what cannot be used, duplicates
    words.py           texts -> words -> vectors, close for similar meanings
    sources/           one file per kind of source
"""
