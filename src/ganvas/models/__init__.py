"""Trained models. In: a run, a file, weights that others published; out: pictures, and files for others."""
