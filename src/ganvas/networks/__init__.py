"""Generators and critics: one file per paper, each setting a part of kind "network"."""
