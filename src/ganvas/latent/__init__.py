"""Moving through latent space.

In: a `Model`; out: its pictures, moved.

    places.py       a place in latent space, by a seed or from a file
    morph.py        from picture to picture, or clip to clip; truncation
    attributes.py   a picture -> how warm, large, round, ... as numbers with gradients
    survey.py       which attributes go together, and how often classes and words are there, beside the data
    directions.py   directions, and how purely each one acts
    edit.py         a picture moved along directions, or by gradients of attributes
    draw.py         the pictures of places that are spelled out, drawn and saved
    project.py      the place that comes nearest to a picture of one's own
"""
