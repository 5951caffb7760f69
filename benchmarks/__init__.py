"""Benchmarks that anyone can repeat; each prints a table and writes a dated file into benchmarks/results."""
