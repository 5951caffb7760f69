"""How networks learn: who learns when, from what, and how their weights follow.

In: networks and a batch; out: loss terms, and steps.

    turns.py          Turn: one network's turn to learn; what a game is
    adversarial.py    a generator against critics
    autoencoding.py   an autoencoder alone, with a prior or without
    latents.py        an autoencoder, a flow in its latents, and one step that a flow teaches
    sketches.py       what there is to be drawn, roughly, and drawing from that
    losses.py         logits -> per sample: minimax, nonsaturating, least squares, hinge, wasserstein, relativistic
    penalties.py      gradients -> per sample: R1, R2, gradient penalty; weight clipping
    augment.py        translation, cutout, colour, differentiable; their strength fixed, scheduled or adaptive
    told.py           what a seed and words come to, in arrays and without torch
    conditions.py     labels, keywords -> one vector per sample
    groups.py         pictures that look alike, as classes without labels
    phrases.py        keywords one by one, each in a place of its own
    optimizers.py     Adam and RMSProp with schedules
    schedules.py      progress -> value: linear, cosine
    surface.py        what a critic of points thinks of every place
    ema.py            the average of the weights, with a half-life in images
"""
