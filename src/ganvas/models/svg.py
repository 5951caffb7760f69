"""Drawings as an SVG document: one, or a sheet of many with captions, and what made them."""

import html
import math
from collections.abc import Sequence

from .made import Made
from .place import names_of
from .vectors import Drawing

__all__ = ["document"]

GAP, LINE = 0.1, 0.13  # between drawings, and the height of a line of a caption, in widths of a drawing
LETTER = 0.55  # approximate width of a letter, in heights


def document(drawings: Sequence[Drawing], made: Made, *, width: int) -> str:
    """The text of an SVG.

    Args:
        drawings: all of one size, which are its units.
        made: what made them, which is stored in it, and the layout.
        width: of one drawing, in pixels.
    """
    first, layout = drawings[0], made.layout
    several = not layout.separate
    captions = several and layout.captions
    columns = min(layout.columns or math.ceil(math.sqrt(len(drawings))), len(drawings))
    gap = round(GAP * first.width) if several and (captions or len(drawings) > 1) else 0
    across = first.width + gap
    down = first.height + gap + (round(len(made.captions[0]) * LINE * first.width) if captions else 0)
    size = columns * across + gap, math.ceil(len(drawings) / columns) * down + gap
    pixels = [round(side * width / first.width) for side in size]
    lines = []
    for number, (drawing, said, name) in enumerate(zip(drawings, made.captions, names_of(made.places), strict=True)):
        left, top = gap + number % columns * across, gap + number // columns * down
        lines += [
            f'<g id="{_id(name)}"' + (f' transform="translate({left} {top})">' if several else ">"),
            f"<title>{html.escape(', '.join(filter(None, said)))}</title>",
            drawing.elements(),
            *(_caption(said, drawing) if captions else ()),
            "</g>",
        ]
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{pixels[0]}" height="{pixels[1]}" '
            f'viewBox="0 0 {size[0]} {size[1]}">',
            *filter(None, [made.for_svg()]),
            *lines,
            "</svg>\n",
        ]
    )


def _id(name: str) -> str:
    """A name as a valid element id."""
    return name if name[0].isalpha() else f"a-{name}"


def _caption(lines: Sequence[str], drawing: Drawing) -> list[str]:
    """Lines of text below a drawing, the first one in black."""
    line = LINE * drawing.width
    size = 0.75 * line
    most = int(drawing.width / (LETTER * size))
    return [
        f'<text x="{drawing.width / 2:g}" y="{drawing.height + row * line:.1f}" font-family="sans-serif" '
        f'font-size="{size:.1f}" text-anchor="middle" fill="{"#000000" if row == 1 else "#777777"}">'
        f"{_cut(text, most)}</text>"
        for row, text in enumerate(lines, 1)
        if text
    ]


def _cut(text: str, most: int) -> str:
    return html.escape(text if len(text) <= most else f"{text[: most - 1]}…", quote=False)
