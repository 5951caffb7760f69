"""Colour profiles: the colours that a picture means, in sRGB, which screens and other pictures have."""

import io
from functools import cache
from typing import Any

from PIL import Image, ImageCms

__all__ = ["in_srgb"]

MODES = {"L": "RGB", "RGB": "RGB", "RGBA": "RGBA", "CMYK": "RGB"}
"""Mode of a picture whose profile is followed -> its mode in sRGB."""


def in_srgb(image: Image.Image) -> Image.Image:
    """The picture in sRGB if it has a profile of other colours, such as a telephone's Display P3 or a printer's CMYK.

    One whose profile is damaged or of another kind of picture is left as it is.
    """
    profile = image.info.get("icc_profile")
    if not profile:
        return image
    if image.mode in {"P", "PA"}:
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    if image.mode not in MODES:
        return image
    try:
        theirs = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(theirs).lower():
            return image
        return ImageCms.profileToProfile(image, theirs, _srgb(), outputMode=MODES[image.mode]) or image
    except Exception:  # a broken profile can make Pillow raise anything
        return image


@cache
def _srgb() -> Any:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
