"""Tools that every room shares; they know neither where pictures come from nor how anything is trained.

In: nothing; out: tools. Each is used by at least three rooms.

    errors.py        errors that the user can fix, by kind
    guess.py         what was meant by a name that does not exist
    version.py       the version number
    catalog.py       the names of parts: part(), find(), names()
    seeds.py         the valid range of seeds
    batch.py         Batch and Dice: what a loss sees; every shape and range stated once
    paper.py         sheets, captions and picture files from uint8 arrays, without torch
    pixels.py        uint8 [0, 255] <-> float [-1, 1]: the only converter; films
    files.py         small files, written atomically; pictures named by numbers
    download.py      files of known data sets: resumed, checked by hash
    tensors.py       safetensors files with the permissions of any new file
    sums.py          checksums in JSON and in single files of tensors, to detect corruption
    manifest.py      which checkpoints there are, and whether they are intact
    checkpoint.py    folders of tensors with hashes, written atomically
    weights.py       weights published by others, read without running code in their files
    distributed.py   several processes; does nothing with only one
    machine.py       device, threads, memory, and how reports describe them
    console.py       live bars, or plain lines without a terminal
"""
