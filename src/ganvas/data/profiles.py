"""Colour profiles: the colours that a picture means, in sRGB, which screens and other pictures have."""

import io
from functools import lru_cache

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
    if image.mode in {"P", "PA"} or (image.mode in {"L", "RGB"} and image.has_transparency_data):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    if image.mode not in MODES:
        return image
    try:
        way = _way(profile, image.mode)
        return image if way is None else way.apply(image)
    except Exception:  # a broken profile can make Pillow raise anything
        return image


@lru_cache(maxsize=16)
def _way(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The way from the colours of a profile to sRGB; None if they are that.

    Kept, since to find one takes ten to seventy times as long as to decode a small picture, and the pictures of one
    camera or printer share a profile. Threads may use it at once.
    """
    theirs = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if "srgb" in ImageCms.getProfileDescription(theirs).lower():
        return None
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    return ImageCms.buildTransform(theirs, srgb, mode, MODES[mode])
