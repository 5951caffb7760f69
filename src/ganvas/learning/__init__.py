"""How networks learn: games, losses, penalties, augmentation, conditions, optimizers.

In: networks and a batch; out: loss terms, and steps.

    turns.py          Turn: one network's turn to learn; the base class of games
    adversarial.py    a generator against critics
    autoencoding.py   an autoencoder alone, with a prior or without
    latents.py        an autoencoder, a flow in its latents, and a one-step generator distilled from the flow
    sketches.py       a flow of sketches, and generators that draw from sketches
    losses.py         logits -> per sample: minimax, nonsaturating, least squares, hinge, wasserstein, relativistic
    penalties.py      gradients -> per sample: R1, R2, gradient penalty; weight clipping
    augment.py        translation, cutout, colour, differentiable; their strength fixed, scheduled or adaptive
    told.py           seeds, words -> noise, conditions, as arrays without torch
    conditions.py     labels, keywords -> one vector per sample
    groups.py         clusters of similar pictures, as classes without labels
    phrases.py        keywords as a sequence of word vectors
    optimizers.py     Adam and RMSProp with schedules
    schedules.py      progress -> value: linear, cosine
    surface.py        the logits and gradients of a critic of points, over the plane
    ema.py            the average of the weights, with a half-life in images
"""
