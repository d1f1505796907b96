"""The gallery: pictures of people that the user knows, and who of a run looks like one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from castgraph.base import tables
from castgraph.base.text import counted, line

if TYPE_CHECKING:
    from castgraph.faces.engine import Engine

MOST_PICTURES = 20_000
LONGEST_NAME = 200  # characters

_HIDDEN = (".", "~", "Thumbs.db", "desktop.ini")


class GalleryError(ValueError):
    """A gallery that cannot be used; the message names what is wrong, a line each."""


class Picture(NamedTuple):
    """A picture of somebody."""

    name: str
    path: Path


def pictures(folder: Path) -> list[Picture]:
    """List the pictures of a gallery: ``Name.jpg``, and ``Name/anything.jpg``; ``_`` stands for a space.

    Parameters
    ----------
    folder
        The gallery. What is hidden is left alone.

    Returns
    -------
    list of Picture
        Sorted by name, then by path.

    Raises
    ------
    GalleryError
        When there is no such folder, no picture in it or too many, or a name that cannot be one.
    """
    if not folder.is_dir():
        raise GalleryError(f"people.gallery: found {folder}; allowed: a folder of pictures")
    found = sorted(_pictures(folder))
    if not 0 < len(found) <= MOST_PICTURES:
        raise GalleryError(
            f"people.gallery: {folder} has {counted(len(found), 'picture')}; allowed: 1 to {MOST_PICTURES:,}"
        )
    for name, path in found:
        if not name or name != line(name) or len(name) > LONGEST_NAME:
            raise GalleryError(
                f"{path}: the name is {line(name)[:LONGEST_NAME]!r}; allowed: one line of 1 to "
                f"{LONGEST_NAME} characters"
            )
    return found


def _pictures(folder: Path) -> Iterator[Picture]:
    for entry in folder.iterdir():
        if entry.name.startswith(_HIDDEN):
            continue
        if entry.is_dir():
            for path in entry.iterdir():
                if path.is_file() and not path.name.startswith(_HIDDEN):
                    yield Picture(entry.name.replace("_", " "), path)
        else:
            yield Picture(entry.stem.replace("_", " "), entry)


def encode_gallery(folder: Path, engine: Engine) -> pa.Table:
    """Encode the faces of a gallery.

    Parameters
    ----------
    folder
        The gallery; each of its pictures shows one face.
    engine
        What finds and encodes faces: that of the run.

    Returns
    -------
    Table
        Of the schema `castgraph.base.tables.GALLERY`.

    Raises
    ------
    GalleryError
        When pictures show no face or several, or cannot be read; all are listed.
    """
    from castgraph.faces.photo import PhotoError, faces_of  # loads much that `match` can do without

    rows, problems = [], []
    for name, path in pictures(folder):
        try:
            faces = faces_of(path, lambda: engine)
        except (PhotoError, OSError) as error:
            problems.append(str(error))
            continue
        if len(faces) == 1:
            file = str(path.relative_to(folder))
            rows.append({"name": name, "file": file, "embedding": faces[0].embedding.tolist()})
        elif faces:
            where = ", ".join(f"{face.left}, {face.top}" for face in faces)
            problems.append(
                f"{path}: {len(faces)} faces are found in it, at {where}; allowed: 1. Cut the picture to the "
                f"face of {name}"
            )
        else:
            problems.append(f"{path}: no face is found in it; allowed: a picture of one face")
    if problems:
        raise GalleryError("\n".join(problems))
    return pa.Table.from_pylist(rows, schema=tables.GALLERY)


class Match(NamedTuple):
    """Whom a person looks like: the name of the gallery, and how far its nearest picture is."""

    name: str
    distance: float


def match(
    centres: Mapping[str, NDArray[np.float64]],
    gallery: pa.Table,
    *,
    max_distance: float,
    margin: float,
) -> tuple[dict[str, Match], list[str]]:
    """Tell who of a run looks like somebody in a gallery.

    Parameters
    ----------
    centres
        ID of a person → the middle of the faces, shape (d,).
    gallery
        What `encode_gallery` gave.
    max_distance
        The largest distance from the nearest picture of a name.
    margin
        How much further the next name has to be, and how much further the next person of the same name.

    Returns
    -------
    matches : dict
        ID → `Match`, of those who are near enough.
    conflicts : list of str
        Who has no name since two names are as near, or two people to one name.

    Raises
    ------
    ValueError
        When the embeddings are of another size.
    """
    names = gallery["name"].to_pylist()
    people = sorted(centres)
    if not names or not people:
        return {}, []
    points = np.array(gallery["embedding"].to_pylist(), np.float64)
    middles = np.array([centres[each] for each in people])
    if points.shape[1] != middles.shape[1]:
        raise ValueError(
            f"the gallery has embeddings of {points.shape[1]} numbers, the run of {middles.shape[1]}"
        )
    different = sorted(set(names))
    of = np.array([different.index(name) for name in names])
    distances = np.full((len(people), len(different)), np.inf)
    for begin in range(0, len(people), 1000):
        apart = np.linalg.norm(middles[begin : begin + 1000, None] - points[None], axis=2)
        for number in range(len(different)):
            distances[begin : begin + 1000, number] = apart[:, of == number].min(axis=1)

    conflicts: list[str] = []
    wanted: dict[int, list[tuple[float, str]]] = {}
    for person, row in zip(people, distances, strict=True):
        order = np.argsort(row, kind="stable")
        best = int(order[0])
        if row[best] > max_distance:
            continue
        if len(order) > 1 and row[order[1]] - row[best] < margin:
            told = " and ".join(f"{different[n]} ({row[n]:.2f})" for n in order[:2].tolist())
            conflicts.append(f"{person} is as near to {told}, and gets neither name")
            continue
        wanted.setdefault(best, []).append((float(row[best]), person))
    matches: dict[str, Match] = {}
    for number, near in sorted(wanted.items()):
        (distance, person), *others = sorted(near)
        if others and others[0][0] - distance < margin:
            told = _and([f"{each} ({far:.2f})" for far, each in sorted(near) if far - distance < margin])
            conflicts.append(
                f"{told} are as near to {different[number]}, and none gets the name; if they are one, a "
                "correction (same) says so"
            )
        else:
            matches[person] = Match(different[number], distance)
            conflicts += [
                f"{each} is near to {different[number]} ({far:.2f}), too, who is {person} ({distance:.2f}); "
                "if they are one, a correction (same) says so"
                for far, each in others
            ]
    return matches, conflicts


def _and(texts: Sequence[str]) -> str:
    return f"{', '.join(texts[:-1])} and {texts[-1]}"
