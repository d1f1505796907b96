"""Groups of pictures that are alike, in each broadcast and over a run."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from castgraph.base import tables
from castgraph.base.files import atomic_together, temporary
from castgraph.base.odds import log_odds
from castgraph.base.tables import NOISE
from castgraph.clustering.algorithms import hdbscan
from castgraph.visual.search import axes_of, heads_of
from castgraph.visual.settings import palettes, settings
from castgraph.visual.store import leader_of, leaders, read_embedded, vectors_writer

log = logging.getLogger(__name__)

SEED = 42

COORDINATES = 64
"""Of pictures of a large run: HDBSCAN takes as many of their principal axes."""

LARGE = 5_000
"""Pictures above which it does."""

_BLOCK = 1_024  # pictures that are compared with all groups at a time

PRIOR_LABELS = 50.0
"""How many labels the prior counts for."""

MOST_LABELS = 5
LEAST_Z = 1.96

WRITTEN = ("axes.npy", "heads.npy", "vectors.npy", "groups.parquet", "frames.parquet")
"""The files that `write_groups` writes."""

SETTINGS = "settings"
"""The scope of settings in the table of groups; no broadcast is called so."""

_FRAMES = ("broadcast", "frame", "alike", "labels", "scores", "texts", "thumbnail")

Vectors = NDArray[np.float32]
Numbers = NDArray[np.int64]


class Grouped(NamedTuple):
    """Pictures in groups.

    Attributes
    ----------
    group
        Of each picture; -1 is noise.
    middles
        The middle of each group, a unit vector; shape (n_groups, d).
    near
        The cosine of each picture to the middle of its group; of noise, to the nearest; NaN where there is
        no group.
    n_sampled
        Pictures that the groups were made of; the others joined the nearest.
    """

    group: Numbers
    middles: Vectors
    near: NDArray[np.float32]
    n_sampled: int


def grouped(vectors: Vectors, n_frames: Numbers, min_cluster_size: int, *, most: int = 50_000) -> Grouped:
    """Group pictures by HDBSCAN.

    Parameters
    ----------
    vectors
        Of different pictures, of unit length; shape (n, d).
    n_frames
        In how many nearly identical frames each is seen; shape (n,).
    min_cluster_size
        Fewest pictures of a group. A single picture that is seen in as many frames is one, too.
    most
        Most pictures to group. Of more, so many are drawn, and the others join the group whose middle is
        nearest if they are as near to it as all but a twentieth of its pictures.

    Returns
    -------
    Grouped
        The groups by the number of frames, the largest first; the same for the same input.
    """
    n = len(vectors)
    rows = np.arange(n)
    if n > most:
        rows = np.sort(np.random.default_rng(SEED).choice(n, most, replace=False))
    found = np.full(n, NOISE, np.int64)
    found[rows] = hdbscan(_coordinates(vectors[rows]), min_cluster_size)
    middles = _middles(vectors, found)
    if n > most:
        found = _joined(vectors, found, middles, np.setdiff1d(np.arange(n), rows))
    alone = np.flatnonzero((found == NOISE) & (n_frames >= min_cluster_size))
    found[alone] = len(middles) + np.arange(len(alone))
    found = _by_size(found, n_frames)
    middles = _middles(vectors, found)
    return Grouped(found, middles, _near(vectors, found, middles), len(rows))


def _coordinates(vectors: Vectors) -> Vectors:
    """Give few coordinates of many pictures, which take long to compare; of few all."""
    if len(vectors) <= LARGE or vectors.shape[1] <= COORDINATES:
        return vectors
    centred = vectors - vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
    covariance = np.zeros((vectors.shape[1],) * 2)
    for start in range(0, len(centred), LARGE):
        block = centred[start : start + LARGE].astype(np.float64)
        covariance += block.T @ block
    axes = np.linalg.eigh(covariance)[1][:, : -COORDINATES - 1 : -1]
    return np.asarray(centred @ axes.astype(np.float32))


def _middles(vectors: Vectors, group: Numbers) -> Vectors:
    n_groups = int(group.max(initial=NOISE)) + 1
    sums = np.zeros((n_groups, vectors.shape[1]))
    order = np.argsort(group, kind="stable")
    bounds = np.searchsorted(group[order], np.arange(n_groups + 1))
    for number, (start, end) in enumerate(pairwise(bounds.tolist())):
        sums[number] = vectors[order[start:end]].sum(axis=0, dtype=np.float64)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.asarray(sums / np.where(lengths > 0, lengths, 1), np.float32)


def _cosines(
    vectors: Vectors, rows: Numbers, middles: Vectors
) -> Iterator[tuple[Numbers, NDArray[np.float32]]]:
    """Give the cosines of some pictures to all middles, some at a time."""
    for start in range(0, len(rows), _BLOCK):
        part = rows[start : start + _BLOCK]
        yield part, vectors[part] @ middles.T


def _near(vectors: Vectors, group: Numbers, middles: Vectors) -> NDArray[np.float32]:
    near = _own(vectors, group, middles)
    if len(middles):
        rest = np.flatnonzero(group == NOISE)
        for rows, cosines in _cosines(vectors, rest, middles):
            near[rows] = cosines.max(axis=1)
    return near.clip(-1, 1)


def _own(vectors: Vectors, group: Numbers, middles: Vectors) -> NDArray[np.float32]:
    """Give the cosine of each picture to the middle of its own group; NaN for noise."""
    near = np.full(len(vectors), np.nan, np.float32)
    grouped_ = np.flatnonzero(group != NOISE)
    for start in range(0, len(grouped_), LARGE):
        rows = grouped_[start : start + LARGE]
        near[rows] = np.einsum("ij,ij->i", vectors[rows], middles[group[rows]])
    return near


def _joined(vectors: Vectors, group: Numbers, middles: Vectors, others: Numbers) -> Numbers:
    """Let pictures that were not drawn join the group whose middle is nearest."""
    if not len(middles):
        return group
    near = _own(vectors, group, middles)
    order = np.argsort(group, kind="stable")
    bounds = np.searchsorted(group[order], np.arange(len(middles) + 1))
    least = np.array([np.quantile(near[order[a:b]], 0.05) for a, b in pairwise(bounds.tolist())])
    joined = group.copy()
    for rows, cosines in _cosines(vectors, others, middles):
        best = cosines.argmax(axis=1)
        is_near = cosines[np.arange(len(best)), best] >= least[best]
        joined[rows] = np.where(is_near, best, NOISE)
    return joined


def _by_size(group: Numbers, n_frames: Numbers) -> Numbers:
    """Give groups numbers by their frames; of as many, that of the first picture comes first."""
    kept = group != NOISE
    names, first, place = np.unique(group[kept], return_index=True, return_inverse=True)
    sizes = np.bincount(place, weights=n_frames[kept], minlength=len(names))
    order = np.lexsort((first, -sizes))
    number = np.empty(len(names), np.int64)
    number[order] = np.arange(len(names))
    found = np.full(len(group), NOISE, np.int64)
    found[kept] = number[place]
    return found


def in_settings(colours: Vectors, n_frames: Numbers, fewest: int) -> Grouped:
    """Group pictures by their palettes.

    Parameters
    ----------
    colours
        `castgraph.visual.settings.palettes` of different pictures.
    n_frames
        In how many nearly identical frames each is seen; shape (n,).
    fewest
        Frames of a setting.

    Returns
    -------
    Grouped
        The settings by the number of frames, the largest first. ``near`` is of palettes.
    """
    found = settings(colours, n_frames)
    seen = np.bincount(found[found != NOISE], weights=n_frames[found != NOISE], minlength=1)
    found = _by_size(np.where(seen[found] >= fewest, found, NOISE), n_frames)
    middles = _middles(colours, found)
    return Grouped(found, middles, _near(colours, found, middles), len(found))


def standing_out(labels: Sequence[Sequence[str]], here: NDArray[np.bool_]) -> list[tuple[str, float]]:
    """Tell which labels stand out in some pictures beside the others.

    Parameters
    ----------
    labels
        Of each picture.
    here
        Which pictures are meant; shape (n,).

    Returns
    -------
    list of tuple
        At most `MOST_LABELS` labels, each with its z, which is `LEAST_Z` or more; the highest first.

    See Also
    --------
    castgraph.base.odds.log_odds : How they are weighed.
    """
    counted = _counts(labels)
    return _standing_out(counted, counted.of(np.flatnonzero(here)))


class _Counts(NamedTuple):
    """The labels of pictures, numbered."""

    names: list[str]
    label: Numbers  # of each mention
    begins: Numbers  # the first mention of each picture, and the end of the last
    total: Numbers  # mentions of each label

    def of(self, rows: Numbers) -> Numbers:
        """Count the labels of some pictures."""
        parts = [self.label[self.begins[row] : self.begins[row + 1]] for row in rows.tolist()]
        return np.bincount(np.concatenate([self.label[:0], *parts]), minlength=len(self.names))


def _counts(labels: Sequence[Sequence[str]]) -> _Counts:
    names = sorted({name for each in labels for name in each})
    place = {name: n for n, name in enumerate(names)}
    label = np.array([place[name] for each in labels for name in each], np.int64)
    begins = np.concatenate([[0], np.cumsum([len(each) for each in labels], dtype=np.int64)]).astype(np.int64)
    return _Counts(names, label, begins, np.bincount(label, minlength=len(names)))


def _standing_out(counted: _Counts, here: Numbers) -> list[tuple[str, float]]:
    rest = counted.total - here
    said = np.flatnonzero(here)
    if not len(said) or not rest.sum():
        return []
    odds = log_odds(here[said], rest[said], int(here.sum()), int(rest.sum()), PRIOR_LABELS)
    order = np.argsort(-odds.z, kind="stable")[:MOST_LABELS]
    return [(counted.names[said[n]], float(odds.z[n])) for n in order if odds.z[n] >= LEAST_Z]


class _Broadcast(NamedTuple):
    """The frames of one broadcast."""

    table: pa.Table
    time: NDArray[np.datetime64]
    n_faces: NDArray[np.int32]


def write_groups(
    embedded: Mapping[str, str | os.PathLike[str]],
    frames: str | os.PathLike[str],
    *,
    to: Path,
    facts: Mapping[str, Any],
    min_cluster_size: int,
    most: int,
) -> None:
    """Group the frames of a run and write them: the table of frames, their vectors and the groups.

    Parameters
    ----------
    embedded
        Broadcast → the table of its embedded frames.
    frames
        The merged frame table of the run, which tells times and faces.
    to
        The folder for ``frames.parquet``, ``groups.parquet`` and what `castgraph.visual.store` and
        `castgraph.visual.search` open; none of them takes its place before all are whole.
    facts
        What the provenance begins with.
    min_cluster_size, most
        As of `grouped`.

    Raises
    ------
    TableError
        When tables do not fit each other.
    """
    paths = [to / name for name in WRITTEN]
    with (
        threadpool_limits(1),  # several threads add up in another order
        atomic_together(*paths) as (axes_to, heads_to, vectors_to, groups_to, frames_to),
        temporary(to / "palettes.npy") as colours_to,  # too many for memory, as the vectors
    ):
        names, parts = [], []
        with vectors_writer(vectors_to) as add, vectors_writer(colours_to) as add_colours:
            for name, part, vectors in _read(embedded, frames):
                names.append(name)
                parts.append(part._replace(table=part.table.drop_columns("thumbnail")))
                leading = leaders(*_columns(part.table, "frame", "alike"))
                add(vectors[leading])
                add_colours(palettes(part.table["thumbnail"].take(pa.array(leading)).to_pylist()))
        of_run, colours = np.empty((0, 1), np.float32), np.empty((0, 1), np.float32)
        if parts:
            of_run, colours = (np.lib.format.open_memmap(path, mode="r") for path in (vectors_to, colours_to))
        axes = axes_of(of_run)
        with axes_to.open("wb") as file:
            np.save(file, axes)
        with vectors_writer(heads_to, axes.shape[1] + 1) as add:
            for heads in heads_of(of_run, axes):
                add(heads)
        whole, groups, counts = _tables(names, parts, of_run, colours, min_cluster_size, most)
        told = {**facts, "n_pictures": len(of_run), **counts}
        for path, table, schema in (
            (frames_to, whole, tables.VISUAL_FRAMES),
            (groups_to, groups, tables.GROUPS),
        ):
            with tables.writer(path, schema, told) as put:
                put(table)


def _read(
    embedded: Mapping[str, str | os.PathLike[str]], frames: str | os.PathLike[str]
) -> Iterator[tuple[str, _Broadcast, Vectors]]:
    """Read the embedded frames of each broadcast that has some, with their times."""
    for name, [number, time, n_faces] in tables.by_broadcast(
        frames, tables.MERGED_FRAMES, ["frame", "time", "n_faces"]
    ):
        if name not in embedded:
            continue
        table, vectors = read_embedded(embedded[name], _FRAMES)
        if not len(table):
            continue
        [wanted] = _columns(table, "frame")
        place = np.searchsorted(number, wanted).clip(max=len(number) - 1)
        if (number[place] != wanted).any():
            raise tables.TableError(f"{embedded[name]} has frames that are not in {frames}")
        yield name, _Broadcast(table, time[place], n_faces[place]), vectors


def _columns(table: pa.Table, *names: str) -> list[NDArray[Any]]:
    return [table[name].to_numpy(zero_copy_only=False) for name in names]


def _split(group: Numbers, numbers: Numbers, rows: Numbers) -> list[Numbers]:
    """Give the rows of each group, ascending."""
    order = np.argsort(group, kind="stable")
    return np.split(rows[order], np.searchsorted(group[order], numbers[1:]))


def _tables(
    names: Sequence[str],
    parts: Sequence[_Broadcast],
    vectors: Vectors,
    colours: Vectors,
    min_cluster_size: int,
    most: int,
) -> tuple[pa.Table, pa.Table, dict[str, Any]]:
    """Make the table of frames and that of groups, and count."""
    if not parts:
        empty = tables.VISUAL_FRAMES.empty_table(), tables.GROUPS.empty_table()
        return *empty, {"n_frames": 0, "n_groups": 0, "n_settings": 0, "n_sampled": 0, "n_noise": 0}
    whole = pa.concat_tables([part.table for part in parts])
    broadcast = np.repeat(np.arange(len(parts)), [len(part.table) for part in parts])
    frame, alike = _columns(whole, "frame", "alike")
    time, n_faces = (np.concatenate(list(each)) for each in list(zip(*parts, strict=True))[1:])
    leader = leader_of(broadcast, frame, alike)
    leading = leaders(frame, alike)
    n_frames = np.bincount(leader, minlength=len(leading))
    labels = [each or [] for each in whole["labels"].take(pa.array(leading)).to_pylist()]
    over_run = grouped(vectors, n_frames, min_cluster_size, most=most)
    own = np.full(len(leading), NOISE, np.int64)
    rows = []

    def told(scope: str, pictures: Numbers, found: Grouped, of_scope: Numbers) -> None:
        counted = _counts([labels[n] for n in pictures.tolist()])
        numbers = np.arange(NOISE, len(found.middles))
        group = np.full(len(leading), NOISE, np.int64)
        group[pictures] = found.group
        of_pictures = _split(found.group, numbers, np.arange(len(pictures)))
        of_frames = _split(group[leader[of_scope]], numbers, of_scope)
        for number, members, at in zip(numbers.tolist(), of_pictures, of_frames, strict=True):
            if not len(members):
                continue
            best = members[np.argmax(np.nan_to_num(found.near[members], nan=-1))]
            shown = leading[pictures[best]]
            odds = _standing_out(counted, counted.of(members)) if number != NOISE else []
            spread = float(np.median(1 - found.near[members])) if number != NOISE else None
            rows.append(
                {
                    "scope": scope,
                    "group": number,
                    "n_frames": len(at),
                    "n_pictures": len(members),
                    "n_broadcasts": len(np.unique(broadcast[at])),
                    "first_seen": time[at].min().astype("datetime64[us]").item(),
                    "last_seen": time[at].max().astype("datetime64[us]").item(),
                    "broadcast": names[broadcast[shown]],
                    "frame": int(frame[shown]),
                    "spread": spread,
                    "n_faces": float(n_faces[at].mean()),
                    "labels": [name for name, _ in odds],
                    "z": [z for _, z in odds],
                }
            )

    all_pictures, all_frames = np.arange(len(leading)), np.arange(len(leader))
    told("", all_pictures, over_run, all_frames)
    of_settings = in_settings(colours, n_frames, min_cluster_size)
    told(SETTINGS, all_pictures, of_settings, all_frames)
    for number, name in enumerate(names):
        pictures = np.flatnonzero(broadcast[leading] == number)
        found = grouped(np.asarray(vectors[pictures]), n_frames[pictures], min_cluster_size)
        own[pictures] = found.group
        told(name, pictures, found, np.flatnonzero(broadcast == number))
    table = pa.table(
        {
            "broadcast": pa.DictionaryArray.from_arrays(pa.array(broadcast, pa.int32()), list(names)),
            "frame": frame,
            "time": pa.array(time.astype("datetime64[us]")),
            "alike": alike,
            "group": over_run.group[leader],
            "broadcast_group": own[leader],
            "near": pa.array(over_run.near[leader], from_pandas=True),
            "setting": of_settings.group[leader],
            "n_faces": n_faces,
            **{name: whole[name] for name in ("labels", "scores", "texts")},
        }
    ).cast(tables.VISUAL_FRAMES)
    rows.sort(key=lambda row: (row["scope"], row["group"]))
    groups = pa.Table.from_pylist(rows, tables.GROUPS)
    counts = {
        "n_frames": len(table),
        "n_groups": len(over_run.middles),
        "n_settings": len(of_settings.middles),
        "n_sampled": over_run.n_sampled,
        "n_noise": int((over_run.group[leader] == NOISE).sum()),
    }
    return table, groups, counts
