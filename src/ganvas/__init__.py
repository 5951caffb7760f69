"""Ganvas: train a GAN on pictures, know how good it is, and use it."""

__version__ = "0.1.0"
