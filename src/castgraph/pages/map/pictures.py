"""The pictures of the map, many in a file: small ones that are drawn at once, larger ones to look at."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from PIL import Image, ImageOps

from castgraph.base.colours import BLANK
from castgraph.people import pictures
from castgraph.visual.embed import THUMBNAIL
from castgraph.visual.pictures import Place, Share, thumbnails

PAGE = 2048
"""Pixels of a side of a page at most: every graphics card takes it."""

_SMALL = ((3_000, 128), (10_000, 96), (math.inf, 64))
"""Pictures of a map up to so many → pixels across each."""

_ACROSS = 8  # pictures side by side on a sheet
_BLOCK = 16  # pixels of JPEG: pictures that begin at one do not run into each other
_QUALITIES = {"small": 70, "large": 80}


class Grid(NamedTuple):
    """How pictures lie in a file, row by row.

    Attributes
    ----------
    width, height
        Of a picture, pixels.
    step
        Pixels from one row to the next.
    columns, rows
        Of a full file.
    """

    width: int
    height: int
    step: int
    columns: int
    rows: int

    @property
    def per_page(self) -> int:
        """Pictures of a full file."""
        return self.columns * self.rows

    def place(self, number: int) -> tuple[int, int]:
        """Give left and top of a picture in its file."""
        row, column = divmod(number % self.per_page, self.columns)
        return column * self.width, row * self.step


def small(n: int, ratio: float) -> Grid:
    """Give the pages of pictures that are drawn at once: the more there are, the smaller each.

    Parameters
    ----------
    n
        How many.
    ratio
        Height of a picture by its width.
    """
    width = next(width for most, width in _SMALL if n <= most)
    height = max(4, round(width * ratio / 4) * 4)  # which halved twice is still whole
    return Grid(width, height, height, PAGE // width, PAGE // height)


def large(ratio: float) -> Grid:
    """Give the sheets of pictures to look at."""
    height = round(THUMBNAIL * ratio)
    return Grid(THUMBNAIL, height, -(-height // _BLOCK) * _BLOCK, _ACROSS, _ACROSS)


def read_pictures(
    embedded: Mapping[str, str | os.PathLike[str]],
    places: Sequence[Place],
    hidden: Mapping[Place, Sequence[Share]],
) -> Iterator[Image.Image | None]:
    """Read the small pictures of frames, those of one broadcast at a time; None where there is none.

    Parameters are those of `castgraph.visual.pictures.thumbnails`; `places` lie broadcast by broadcast.
    """
    for name, group in groupby(places, itemgetter(0)):
        of_broadcast = list(group)
        here = {name: embedded[name]} if name in embedded else {}
        found = thumbnails(here, of_broadcast, hidden)
        for place in of_broadcast:
            yield found.get(place)


def write_pages(
    images: Iterator[Image.Image | None],
    n: int,
    ratio: float,
    put: Mapping[str, Callable[[int, bytes], None]],
) -> dict[str, Grid]:
    """Put pictures into pages of small and sheets of large ones.

    Parameters
    ----------
    images
        What `read_pictures` gives.
    n
        How many they are.
    ratio
        Height of a picture by its width. A small picture of another shape is cut, a large one has room at
        its sides.
    put
        ``small`` and ``large`` → what takes the number of a file and its JPEG.
    """
    grids = {"small": small(n, ratio), "large": large(ratio)}
    pages: dict[str, Image.Image] = {}
    for number, image in enumerate(images):
        for kind, grid in grids.items():
            page, cell = divmod(number, grid.per_page)
            if not cell:
                rows = -(-min(grid.per_page, n - number) // grid.columns)
                pages[kind] = Image.new("RGB", (grid.columns * grid.width, rows * grid.step), BLANK)
            if image is not None:
                pages[kind].paste(_fitted(image, grid, whole=kind == "large"), grid.place(number))
            if cell == grid.per_page - 1 or number == n - 1:
                put[kind](page, pictures.encode(pages[kind], _QUALITIES[kind]))
    return grids


def _fitted(image: Image.Image, grid: Grid, *, whole: bool) -> Image.Image:
    size = (grid.width, grid.height)
    if whole and abs(image.width * grid.height - image.height * grid.width) > grid.width:
        return ImageOps.pad(image, size, Image.Resampling.LANCZOS, color=BLANK)
    return ImageOps.fit(image, size, Image.Resampling.LANCZOS)
