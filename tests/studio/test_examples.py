"""The pictures of the first page, which are there before a model is: the model draws just these."""

import numpy as np
from PIL import Image

from scripts.examples import WEB, examples


def test_the_first_page_shows_what_the_model_draws():
    drawn = dict(examples())
    assert {file.name for file in (WEB / "public/examples").iterdir()} == {file.name for file in drawn}
    for file, picture in drawn.items():
        kept = np.asarray(Image.open(file).convert("RGB"), float)
        assert np.abs(kept - np.asarray(picture.convert("RGB"), float)).mean() < 2, file.name
