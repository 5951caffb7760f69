"""Whole runs as values. In: a few words; out: a `Recipe`."""
