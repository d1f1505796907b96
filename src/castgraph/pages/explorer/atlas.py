"""All portraits, small, in a few pictures: a page draws thousands of them at once from these."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from castgraph.base.colours import BLANK
from castgraph.people import pictures
from castgraph.people.table import portrait_name

CELL = 64
"""Pixels of a side of a portrait there."""

COLUMNS = 64
"""Portraits side by side; and as many rows at most: 4,096 pixels, which every graphics card takes."""

PER_PAGE = COLUMNS * COLUMNS

_QUALITIES = (80, 70, 60, 45, 30)
_MOST_BYTES = 5_500_000  # of a page, so that it is one script file


def write_portraits(
    people: Sequence[str], portraits: Path | None, folder: Path
) -> tuple[set[str], list[str]]:
    """Copy the portraits, and put all of them together.

    Parameters
    ----------
    people
        The IDs, in the order in which they get their cells.
    portraits
        The portraits of the clustering; None where there are none.
    folder
        Gets a copy of those of these people.

    Returns
    -------
    pictured : set of str
        Whose portrait is there.
    pages : list of str
        The pages of the atlas, JPEG in base64: `PER_PAGE` cells each, in rows of `COLUMNS`. None where no
        portrait is there.
    """
    pictured: set[str] = set()
    pages: list[str] = []
    for begin in range(0, len(people), PER_PAGE):
        part = people[begin : begin + PER_PAGE]
        page = Image.new("RGB", (COLUMNS * CELL, math.ceil(len(part) / COLUMNS) * CELL), BLANK)
        for cell, person in enumerate(part):
            small = portraits and _copied(portraits / portrait_name(person), folder)
            if small:
                page.paste(small, (cell % COLUMNS * CELL, cell // COLUMNS * CELL))
                pictured.add(person)
        pages.append(base64.b64encode(_encoded(page)).decode())
    return pictured, pages if pictured else []


def _copied(path: Path, folder: Path) -> Image.Image | None:
    """Copy a portrait, and give it small; None where there is none."""
    try:
        data = path.read_bytes()
        small = pictures.decode_frame(data, width=CELL).image.resize((CELL, CELL), Image.Resampling.HAMMING)
    except (FileNotFoundError, pictures.PictureError):
        return None
    (folder / path.name).write_bytes(data)
    return small


def _encoded(page: Image.Image) -> bytes:
    """Encode a page as well as fits into a file."""
    for quality in _QUALITIES:
        data = pictures.encode(page, quality)
        if len(data) <= _MOST_BYTES:
            break
    return data
