"""Generators and critics: one file per paper, each setting a part of kind "network".

In: a shape; out: a network. These files never import one another, but for the first five.

    layers.py        base classes of networks, and layers they share
    strided.py       what halves and doubles pictures, quick on a processor and quick to differentiate twice
    winograd.py      a 3x3 convolution that draws with fewer products
    transformer.py   places of a latent space that look at one another and at words
    sketch.py        a few numbers that say what is where, drawn from noise and words
    fill.py          a network with the weights of a file: shapes are compared before memory is taken
    mlp.py, dcgan.py, wgan.py, resnet.py, sngan.py, r3gan.py, stylegan2.py   of pictures, by the paper's name
    feature.py       a critic that looks through a network which knows photographs
    autoencoder.py   pictures -> codes -> pictures
    latent.py        drawings from words, made in the latents of an autoencoder
    plane.py         for points in the plane
    video.py         for clips
"""
