"""What the docstrings of the metrics show is what they answer."""

import doctest
import importlib

import pytest
import torch

SHOWN = {"auc": 2, "classes": 2, "frechet": 1, "kernel": 2, "neighbours": 2}
"""File -> how many of its functions show something."""


@pytest.mark.parametrize("name", SHOWN)
def test_examples(name):
    module = importlib.import_module(f"ganvas.metrics.{name}")
    found = [each for each in doctest.DocTestFinder(exclude_empty=True).find(module) if each.examples]
    assert len(found) == SHOWN[name]
    for each in found:
        results = doctest.DocTestRunner().run(
            doctest.DocTest(
                each.examples, {**vars(module), "torch": torch}, each.name, each.filename, each.lineno, each.docstring
            )
        )
        assert results.failed == 0, each.name
