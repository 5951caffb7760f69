"""`python -m ganvas` is `ganvas`, for torchrun."""

from .cli.app import main

main()
