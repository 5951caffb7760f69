"""What only a graphics card can show, in a minute or ten: whether all of Ganvas is right on one, and how fast.

    python -m benchmarks.gpu [--seconds 75] [--sections devices speed] [--device cuda] [--out FOLDER]
    python -m benchmarks.gpu --sections quality --data icons --seconds 420
    python -m benchmarks.gpu --sections go_on --run runs/NAME [--images 2000000] --seconds 600

Each line that is printed is a measurement, and is in FOLDER/rows.jsonl at once, so that a kill loses none but the one
at work. A section has its share of the seconds and a measurement its share of the section's; what fails or takes longer
is a row with `failed` and ends nothing else. With `--device cpu` all of it runs in small, to be tried beforehand.

`devices`  The recipes that differ most train two steps here and on the card: `off` is how far the terms of the losses
           come apart, relative to their size, with TF32 in convolutions or without. State that one device wrote goes on
           on the other; samples of one model are drawn on both; features, and a whole `ganvas.fit` on the card.
`speed`    images/s of `ganvas.train`, in turns with the plain loops that tutorials have, all in this process and from
           pictures in memory. `float32` is ours without bfloat16, `as it comes` the recipe, `graph` its game with all
           random numbers made on the card and a step recorded once as a CUDA graph: what the host costs us. `busy` is
           the share of the time that the card computes, `of ceiling` that of the rate of a large bfloat16 product;
           `waits` are the times in a step that the host waits for the card, and `waits at` is where.
`quality`  Recipes for two minutes each, or as long as the time allows, with scores. Whatever needs a package that is
           missing says so.
`go_on`    Goes on with a run folder until the time is up, and leaves it in FOLDER as NAME.tar.00, NAME.tar.01, ... of
           at most 16 MiB: `cat NAME.tar.* | tar x`.

The model `icons` has a faster way of its own, `python -m benchmarks.teach run CARRY OUT --start BEFORE --compile`.
"""

import time

BEGAN = time.perf_counter()  # before torch is imported, which may take a while
