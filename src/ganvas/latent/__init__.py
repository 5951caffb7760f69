"""Moving through latent space.

In: a `Model`; out: its pictures, moved.

    places.py       points in latent space, given by a seed or a file
    morph.py        morphs from picture to picture, or clip to clip
    attributes.py   a picture -> how warm, large, round, ... as differentiable numbers
    survey.py       which attributes occur together, and how often classes and words occur, compared with the data
    directions.py   directions, and how selectively each one acts
    sefa.py         directions of the first layers' weights alone
    edit.py         a picture moved along directions, or by gradients of attributes
    draw.py         pictures from their specifications (models.place.Place), drawn and saved
    project.py      the point in latent space that comes nearest to a given picture
"""
