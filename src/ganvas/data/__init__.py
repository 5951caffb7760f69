"""Samples ready for training. In: a path or a name; out: a `Dataset`."""
