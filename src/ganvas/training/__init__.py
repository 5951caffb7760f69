"""Training. In: a `Recipe`; out: a run folder."""
