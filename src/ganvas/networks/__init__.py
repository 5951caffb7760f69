"""Generators and critics: one file per paper; each settings class is a part of kind "network".

In: a shape; out: a network. Only the first seven files may be imported by others of this room.

    layers.py        base classes of networks, and shared layers
    strided.py       down- and upsampling convolutions, fast on a CPU and fast to differentiate twice
    modulation.py    norms whose scale and shift depend on z
    torus.py         convolutions that go on at the opposite edge, for seamless tiles
    winograd.py      a 3x3 convolution with fewer multiplications, for inference on a CPU
    transformer.py   transformer blocks: the positions of a latent grid attend to one another and to words
    sketch.py        a low-dimensional sketch of a picture, drawn from noise and words
    fill.py          builds a network for a weight file; shapes are compared before memory is allocated
    mlp.py, dcgan.py, wgan.py, resnet.py, sngan.py, r3gan.py, stylegan2.py   for pictures, named after the paper
    feature.py       a critic on the features of a network pretrained on photographs
    autoencoder.py   pictures -> codes -> pictures
    latent.py        drawings from words, generated in the latent space of an autoencoder
    plane.py         for points in the plane
    video.py         for clips
"""
