"""How the model `icons` is taught, on one card in ten minutes: an autoencoder, a flow in its latents, one step.

    python -m benchmarks.teach prepare CORPUS.jsonl.xz CARRY          # which icons, under which words; 21 MB to carry
    python -m benchmarks.teach run CARRY OUT --autoencoder 45 --flow 335 --one-step 150 --compile
    python -m benchmarks.teach assemble OUT FOLDER                    # the folder that is shipped
    python -m benchmarks.teach attribution CORPUS.jsonl.xz FILE       # whose drawings these are

The networks and what they minimise are those of the recipes `idea_autoencoder`, `idea_flow` and `idea_icons`; the loop
is one of its own, because it has to be fast: all icons lie on the card, are tinted there, their latents are made once
in several tints, the flow's endpoints once for many steps, and nothing waits for the host. Every stage saves what it
has in files of less than 16 MiB, so that a lease may end at any time; `run --start OUT` goes on from there. The corpus
is a file of SVG icons with words, a JSON object a line (fields: fit, svg, noun, words, named, style, palette, colours,
scheme, kind, licence, author, set); that of the shipped model had 105,465 icons of 155 open sets.

    prepare.py    which icons, their weights and their words
    corpus.py     icons drawn on many cores, then on the device: drawn by weight, tinted and told at random
    stages.py     what is learned, one stage after another
    assemble.py   what was learned as a published model
"""
