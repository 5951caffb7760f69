"""How networks learn. In: networks and a batch; out: loss terms, and steps."""
