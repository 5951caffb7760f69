"""How the model `icons` is taught, on one card in ten minutes: an autoencoder, a flow in its latents, one step.

    python -m benchmarks.teach prepare CORPUS.jsonl.xz CARRY          # which icons, under which words; 21 MB to carry
    python -m benchmarks.teach run CARRY OUT --autoencoder 45 --flow 335 --one-step 150 --compile
    python -m benchmarks.teach assemble OUT FOLDER                    # the folder that is shipped, without its card
    python -m benchmarks.teach attribution CORPUS.jsonl.xz FILE       # whose drawings these are
    python -m benchmarks.teach held-out CORPUS.jsonl.xz FOLDER        # 400 that were not learned, for benchmarks.ideas

The networks and what they minimise are those of the recipes `idea_autoencoder`, `idea_flow` and `idea_icons`; the loop
is one of its own, because it has to be fast: all icons lie on the card, are tinted there, their latents are made once
in several tints, the flow's endpoints once for many steps, and nothing waits for the host. Every stage saves what it
has at its end, in files of less than 16 MiB; `run --start OUT_OF_BEFORE` goes on from there. With more time on a card:

    run CARRY OUT --start BEFORE --flow 400 --one-step 150 --compile  # the flow goes on, then one step anew
    --flow-from one_step      the flow goes on from the one-step generator
    --span-from .5            only the second half of the flow's schedule, where the rate falls
    --plain .3                noun, style and colour alone are told more often
    --pairs 200000 --real .4  more of the flow's endpoints, more of the data for the critic
    --adversarial-end .5      the critic counts more towards the end
    --refine 60               at last the generator learns to refine what it drew; the shipped one did so on a processor
    prepare --everything      what is held out for measuring is learned, too; figures come from a run without it

A finished model goes on where no flow is at hand, on a processor, too, told by a critic and a namer (finishing.py):

    python -m benchmarks.teach finish CARRY OUT --model icons --seconds 2700    # then assemble OUT FOLDER

First it learns sketches and what is drawn of them, then it is judged. The same command goes on with what lies in OUT,
and `assemble OUT FOLDER --mean OTHER` takes the mean of two. Which kinds of things seeds choose among is asked before:

    python -m benchmarks.teach kinds CARRY OUT

On the way it leaves sheets, of which `ganvas film OUT` makes a film.

Stages last so many seconds, so figures are of the machine; what is drawn at random is the same for the same steps.
The corpus is a file of SVG icons with words, a JSON object a line (fields: fit, svg, noun, words, named, style,
palette, colours, scheme, kind, licence, author, set); that of the shipped model had 105,465 icons of 155 open sets.

    prepare.py    which icons, their weights and their words
    corpus.py     icons drawn on many cores, then on the device: drawn by weight, tinted and told at random
    stages.py     what is learned, one stage after another
    refining.py   the last of them
    finishing.py  what a model learns after all of these
    sketching.py  what is where, in a few numbers, as that begins with it
    shaping.py    drawings of sketches without a critic, next
    facing.py     icons of a noun turned to face one way, for the same
    kinds.py      which kinds of a thing are drawn as that thing
    namer.py      which noun an icon is of, as finishing asks it
    learner.py    optimizer, steps and average of all
    output.py     what a run leaves: weights, logs
    sheets.py     what it draws on the way
    held_out.py   icons to measure by
    assemble.py   what was learned as a published model
"""
