"""Generators and critics, a file for each paper. In: a shape; out: a network."""
