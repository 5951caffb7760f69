"""How the model `icons` is trained, on one card in ten minutes: an autoencoder, a flow in its latents, one step.

    python -m benchmarks.teach prepare CORPUS.jsonl.xz CARRY          # which icons, under which words; 21 MB to carry
    python -m benchmarks.teach run CARRY OUT --autoencoder 45 --flow 335 --one-step 150 --compile
    python -m benchmarks.teach assemble OUT FOLDER                    # the folder that is shipped, without its card
    python -m benchmarks.teach attribution CORPUS.jsonl.xz FILE       # whose drawings these are
    python -m benchmarks.teach held-out CORPUS.jsonl.xz FOLDER        # 400 that were not learned, for benchmarks.ideas

The networks and objectives are those of the recipes `idea_autoencoder`, `idea_flow` and `idea_icons`. The loop is
separate, because it has to be fast: all icons are kept on the card and tinted there, their latents are computed once in
several tints and the flow's endpoints once for many steps, and nothing waits for the host. Every stage saves its result
in files of less than 16 MiB; `run --start OUT_OF_BEFORE` continues from there. With more time on a card:

    run CARRY OUT --start BEFORE --flow 400 --one-step 150 --compile  # the flow continues, then one step anew
    --flow-from one_step      the flow continues from the one-step generator
    --span-from .5            only the second half of the flow's schedule, in which the rate falls
    --plain .3                a larger share of descriptions of noun, style and colour alone
    --pairs 200000 --real .4  more of the flow's endpoints, more of the data for the critic
    --adversarial-end .5      the critic counts more towards the end
    --refine 60               finally the generator learns to refine what it drew; the shipped one did so on a CPU
    prepare --everything      also learns what is held out for measuring; figures come from a run without it

A finished model can continue without the flow, also on a CPU, guided by a critic and a namer (finishing.py):

    python -m benchmarks.teach finish CARRY OUT --model icons --seconds 2700    # then assemble OUT FOLDER

It first learns sketches and how to draw from them, then the critic and the namer judge it. The same command continues
with what is in OUT, and `assemble OUT FOLDER --mean OTHER` averages two runs. Before `assemble`, this selects the kinds
of things that seeds choose among:

    python -m benchmarks.teach kinds CARRY OUT

`finish` leaves sheets along the way, which `ganvas film OUT` turns into a film.

Stages last so many seconds, so results depend on the machine; random draws are the same for the same steps. The corpus
is a file of SVG icons with words, one JSON object per line (fields: fit, svg, noun, words, named, style, palette,
colours, scheme, kind, licence, author, set); that of the shipped model had 105,465 icons of 155 open sets.

    prepare.py    which icons, their weights and their words
    corpus.py     icons drawn on many cores and kept on the device: sampled by weight, tinted and described at random
    stages.py     the stages of `run`
    refining.py   the last of them
    finishing.py  the training of `finish`, after all of these
    sketching.py  its first stage: sketches, which say in a few numbers what is where
    shaping.py    its second stage: drawing from sketches, without a critic
    facing.py     icons of a noun turned to face one way, for `finish`
    kinds.py      which kinds of a thing are drawn as that thing
    namer.py      which noun an icon shows, for finishing.py and kinds.py
    learner.py    optimizer, steps and average of all
    output.py     what a run leaves: weights, logs
    sheets.py     sheets of samples during training
    held_out.py   icons for measuring
    assemble.py   turns what was learned into a published model
"""
