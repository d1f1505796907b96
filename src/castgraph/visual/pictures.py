"""Small pictures of frames, and grids of them; faces that are nobody's to see are blurred."""

from __future__ import annotations

import io
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image, ImageDraw, ImageFilter

from castgraph.archive.media import jpeg
from castgraph.base import tables
from castgraph.base.boxes import BOX
from castgraph.base.colours import BLANK, GREY, INK, PAPER
from castgraph.base.text import shortened
from castgraph.people.pictures import encode, font
from castgraph.visual.embed import THUMBNAIL

Place = tuple[str, int]
"""A broadcast and a frame."""

Share = tuple[float, float, float, float]
"""Top, right, bottom, left of a box, as shares of the height and width of the frame."""

HEIGHT = THUMBNAIL * 9 // 16
"""Of a tile; a picture of another shape is put into it with room at its sides."""

_QUALITY = 85
_MARGIN = 0.25  # what is blurred around a box, as a share of its sides
_GAP, _EDGE, _CAPTION, _HEADER = 10, 20, 16, 64
_MOST_PIXELS = 60_000_000  # of a grid: 240 MB


def hidden_faces(
    faces: str | os.PathLike[str],
    frames: str | os.PathLike[str],
    members: str | os.PathLike[str] | None,
    *,
    everybody_in: Collection[Place] = (),
) -> dict[Place, list[Share]]:
    """Tell where the faces are that are nobody's to see: forgotten, and of people who are ignored.

    Parameters
    ----------
    faces, frames
        The merged tables of the run.
    members
        Who each face is; None where no clustering tells that.
    everybody_in
        Frames in which no face is to be seen.
    """
    names = ["broadcast", "face", "frame", *BOX, "set_aside"]
    found: list[tuple[str, int, tuple[int, ...]]] = []
    left_out: set[tuple[str, int]] = set()
    if members is not None:
        why = pa.array([tables.WHY[place] for place in tables.LEFT_OUT])
        for batch in tables.batches(members, tables.MEMBERS, ["broadcast", "face", "why"]):
            part = batch.filter(pc.is_in(batch["why"].cast(pa.string()), value_set=why))
            left_out |= set(zip(part["broadcast"].to_pylist(), part["face"].to_pylist(), strict=True))
    for batch in tables.batches(faces, tables.MERGED_FACES, names):
        is_forgotten = pc.equal(batch["set_aside"].cast(pa.string()), "forgotten")
        wanted = batch if left_out or everybody_in else batch.filter(is_forgotten)
        found += [
            (row["broadcast"], row["frame"], tuple(row[side] for side in BOX))
            for row in wanted.to_pylist()
            if row["set_aside"] == "forgotten"
            or (row["broadcast"], row["face"]) in left_out
            or (row["broadcast"], row["frame"]) in everybody_in
        ]
    places = {each[:2] for each in found}
    sizes: dict[Place, tuple[int, int]] = {}
    if places:
        for name, values in tables.by_broadcast(frames, tables.MERGED_FRAMES, ["frame", "width", "height"]):
            for number, width, height in zip(*(each.tolist() for each in values), strict=True):
                if (name, number) in places:
                    sizes[name, number] = int(width), int(height)
    shares: dict[Place, list[Share]] = {}
    for name, frame, (top, right, bottom, left) in found:
        width, height = sizes[name, frame]
        share = (top / height, right / width, bottom / height, left / width)
        shares.setdefault((name, frame), []).append(share)
    return shares


def blurred(image: Image.Image, boxes: Iterable[Share]) -> Image.Image:
    """Blur what is in boxes, and a little around them, so that nobody is known."""
    image = image.copy()
    for top, right, bottom, left in boxes:
        across, down = (right - left) * _MARGIN, (bottom - top) * _MARGIN
        area = (
            max(0, int((left - across) * image.width)),
            max(0, int((top - down) * image.height)),
            min(image.width, int((right + across) * image.width) + 1),
            min(image.height, int((bottom + down) * image.height) + 1),
        )
        if area[2] > area[0] and area[3] > area[1]:
            part = image.crop(area)
            few = part.resize((3, 3), Image.Resampling.BOX)  # nothing of it can be brought back
            image.paste(few.resize(part.size, Image.Resampling.BICUBIC).filter(ImageFilter.BoxBlur(1)), area)
    return image


def thumbnails(
    embedded: Mapping[str, str | os.PathLike[str]],
    wanted: Iterable[Place],
    hidden: Mapping[Place, Sequence[Share]],
) -> dict[Place, Image.Image]:
    """Read small pictures of frames.

    Parameters
    ----------
    embedded
        Broadcast → the table of its embedded frames.
    wanted
        Frames that have a thumbnail: the first of those that are alike. Others are left out.
    hidden
        What to blur in each, see `hidden_faces`.
    """
    by_broadcast: dict[str, set[int]] = {}
    for name, frame in wanted:
        by_broadcast.setdefault(name, set()).add(frame)
    found: dict[Place, Image.Image] = {}
    for name in sorted(by_broadcast):
        if name not in embedded or not Path(embedded[name]).is_file():
            continue
        table = tables.read(embedded[name], tables.VISUAL, ["frame", "thumbnail"])
        part = table.filter(pc.is_in(table["frame"], pa.array(sorted(by_broadcast[name]), pa.int32())))
        for frame, content in zip(part["frame"].to_pylist(), part["thumbnail"].to_pylist(), strict=True):
            if content is None:
                continue
            with (
                jpeg.errors("a broken thumbnail"),
                Image.open(io.BytesIO(content), formats=["JPEG"]) as image,
            ):
                picture = image.convert("RGB")
            found[name, frame] = blurred(picture, hidden.get((name, frame), ()))
    return found


class Tile(NamedTuple):
    """A picture of a grid.

    Attributes
    ----------
    picture
        None where it cannot be had.
    captions
        Short lines below it.
    """

    picture: Image.Image | None
    captions: Sequence[str] = ()


def draw_grid(title: str, facts: str, tiles: Sequence[Tile], columns: int) -> Image.Image:
    """Draw a grid of pictures under a title; those that do not fit into a picture are left out.

    Parameters
    ----------
    title, facts
        Two lines above it.
    tiles
        In order, row by row.
    columns
        Tiles of a row.
    """
    n_lines = max((len(tile.captions) for tile in tiles), default=0)
    across, down = THUMBNAIL + _GAP, HEIGHT + n_lines * _CAPTION + _GAP
    width = 2 * _EDGE + max(columns * across - _GAP, 3 * across)
    most_rows = max(1, (_MOST_PIXELS // width - 2 * _EDGE - _HEADER) // down)
    shown = tiles[: most_rows * columns]
    rows = -(-len(shown) // columns)
    grid = Image.new("RGB", (width, 2 * _EDGE + _HEADER + rows * down), PAPER)
    draw = ImageDraw.Draw(grid)
    most = width // 9
    draw.text((_EDGE, _EDGE + 20), shortened(title, most), INK, font(18, bold=True), anchor="ls")
    if len(shown) < len(tiles):
        facts = f"{facts}; the first {len(shown)} are shown"
    draw.text((_EDGE, _EDGE + 42), shortened(facts, most * 3 // 2), GREY, font(12), anchor="ls")
    for place, tile in enumerate(shown):
        row, column = divmod(place, columns)
        left, top = _EDGE + column * across, _EDGE + _HEADER + row * down
        paste(grid, tile.picture, left, top)
        for number, caption in enumerate(tile.captions):
            bold = number == 0
            at = (left, top + HEIGHT + 13 + number * _CAPTION)
            draw.text(at, shortened(caption, 26), INK if bold else GREY, font(11, bold=bold), anchor="ls")
    return grid


def paste(
    image: Image.Image, picture: Image.Image | None, left: int, top: int, width: int = THUMBNAIL
) -> None:
    """Put a picture into a tile of an image; grey where there is none."""
    height = width * HEIGHT // THUMBNAIL
    image.paste(BLANK, (left, top, left + width, top + height))
    if picture is not None:
        fit = picture.copy()
        fit.thumbnail((width, height), Image.Resampling.LANCZOS)
        image.paste(fit, (left + (width - fit.width) // 2, top + (height - fit.height) // 2))


def write_jpeg(path: Path, image: Image.Image) -> None:
    """Write an image as a JPEG, in place; the same image gives the same bytes."""
    path.write_bytes(encode(image, _QUALITY))
