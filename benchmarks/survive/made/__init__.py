"""Odd files, made up here and the same in every run."""
