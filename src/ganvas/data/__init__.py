"""Samples ready for training.

In: a path or a name; out: a `Dataset`.

    dataset.py         Dataset, Source, and what a text means: source(), open_source()
    decode.py          any picture file -> one form, or the reason why not
    precautions.py     what is done to a picture file before it is decoded
    archives.py        folders and zip files read alike
    classes.py         files -> the class of each picture
    captions.py        files -> the keywords of each picture
    pack.py            pictures decoded once, in parallel, into a memory-mapped cache
    picture_files.py   picture files that a person hands over, in a model's form or refused
    zips.py            pictures -> a zip in the form of StyleGAN's programs
    look.py            what is in a source, what cannot be used, what is in it twice
    words.py           texts -> words -> vectors that are near if the words mean alike
    sources/           a file for each kind of source
"""
