"""What only a graphics card can show, in one to ten minutes: whether all of Ganvas works on one, and how fast.

    python -m benchmarks.gpu [--seconds 75] [--sections devices speed] [--device cuda] [--out FOLDER]
    python -m benchmarks.gpu --sections quality --data icons --seconds 420
    python -m benchmarks.gpu --sections go_on --run runs/NAME [--images 2000000] --seconds 600

Each printed line is a measurement and is written to FOLDER/rows.jsonl immediately, so that a kill loses only the one in
progress. A section has its share of the seconds and a measurement its share of the section's; one that fails or takes
longer becomes a row with `failed` and stops nothing else. With `--device cpu` everything runs at a small scale, as a
trial.

`devices`  The recipes that differ most train two steps on the CPU and on the card: `off` is the difference of the loss
           terms, relative to their size, with and without TF32 in convolutions. A state written on one device continues
           on the other; samples of one model are drawn on both; features, and a whole `ganvas.fit`, run on the card.
`speed`    images/s of `ganvas.train`, in turns with the usual tutorial loops, all in this process and with pictures in
           memory. `float32` is ours without bfloat16, `as it comes` the recipe unchanged, `graph` its game with all
           random numbers made on the card and a step recorded once as a CUDA graph, which shows the cost of the host.
           `busy` is the share of the time that the card computes, `of ceiling` its share of the rate of a large
           bfloat16 product; `waits` counts the times per step that the host waits for the card, `waits at` says where.
`quality`  Trains recipes for two minutes each, or as long as the time allows, and scores them. Whatever needs a package
           that is missing says so.
`go_on`    Continues a run folder until the time is up, and leaves it in FOLDER as NAME.tar.00, NAME.tar.01, ... of at
           most 16 MiB: `cat NAME.tar.* | tar x`.

The model `icons` has a faster training of its own, `python -m benchmarks.teach run CARRY OUT --start BEFORE --compile`.
"""

import time

BEGAN = time.perf_counter()  # before torch is imported, which may take a while
