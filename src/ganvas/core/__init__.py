"""What every room shares, and what knows neither where pictures come from nor how anything is trained.

In: nothing; out: tools. What is here is used by at least three rooms.

    errors.py        what can go wrong that is the user's to mend, by kind
    version.py       the number of this version
    catalog.py       the names of parts: part(), find(), names()
    seeds.py         what is a seed
    batch.py         Batch and Dice: what a loss sees; every shape and range stated once
    paper.py         sheets, captions and files of pictures of bytes, without torch
    pixels.py        uint8 [0, 255] <-> float [-1, 1], and films: the only converter
    files.py         small files, written whole or not at all; pictures named by numbers
    download.py      files of known data sets: resumed, checked by hash
    tensors.py       files of tensors, as readable as any other
    sums.py          sums in JSON and in single files of tensors, so that a lost bit is seen
    manifest.py      which checkpoints there are, and whether they are sound
    checkpoint.py    folders of tensors with hashes, written whole or not at all
    weights.py       tensors that others published, read without running the programs in their files
    distributed.py   several processes; nothing in one
    machine.py       device, threads, memory, and what to call them
    console.py       live bars, or plain lines where there is no terminal
"""
