"""How good a model is. In: two sides, each a run, a model or data; out: every figure."""
