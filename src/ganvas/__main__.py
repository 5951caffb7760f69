"""`python -m ganvas` is `ganvas`, for torchrun."""

from .cli import main

main()
