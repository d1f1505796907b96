"""The clusterings of a run's faces; those by DBSCAN go on from what earlier ones found."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from castgraph.base.locks import locked
from castgraph.clustering.algorithms import ALGORITHMS, ITERATIVE
from castgraph.clustering.attach import ATTACH, MARGIN, attach
from castgraph.clustering.constraints import NEAR, links
from castgraph.clustering.dbscan import require_memory, validated
from castgraph.clustering.linkage import RULES, linkage
from castgraph.clustering.projection import Points
from castgraph.clustering.scan import Options
from castgraph.clustering.search import search_all, search_new
from castgraph.clustering.state import Level, State
from castgraph.run.counted import CountedFaces
from castgraph.run.saved import StateError, load, save

log = logging.getLogger(__name__)

SHORT_RUN = 20_000
"""Faces below which a run is short: about those of nine hours of a talk show."""

_FEWEST_OF_SHORT, _FEWEST = 3, 5


def decided(settings: Mapping[str, Any], n_faces: int) -> dict[str, Any]:
    """Decide what the settings of a clustering leave open: how many faces make a person.

    The more faces there are, the more often some strangers' lie near each other by chance; in a short run
    hardly anybody is seen five times.

    Examples
    --------
    >>> [decided({"min_samples": None}, n)["min_samples"] for n in (500, 774_615)]
    [3, 5]
    """
    usual = _FEWEST_OF_SHORT if n_faces < SHORT_RUN else _FEWEST
    return {**settings, "min_samples": settings["min_samples"] or usual}


def cluster_faces(
    faces: CountedFaces,
    settings: Mapping[str, Any],
    saved: str | os.PathLike[str],
    options: Options,
    *,
    all_eps: Collection[float] = (),
    max_memory_mb: float | None = None,
) -> NDArray[np.int32]:
    """Label the faces of a run.

    Faces that cannot found a person are left out by every algorithm, and join whom others have found: see
    `castgraph.clustering.attach.attach`.

    Parameters
    ----------
    faces
        The faces that count.
    settings
        One of `castgraph.run.names.clusterings`, with what it leaves open `decided`.
    saved, all_eps
        Of DBSCAN: as for `cluster_by_dbscan`.
    options
        Threads, kernel and progress.
    max_memory_mb
        Refuse to begin when more memory would be needed, in MB.

    Returns
    -------
    ndarray of shape (n_faces,), int32
        Of all faces of the table; -1 is noise, or a face that does not count.

    Raises
    ------
    ValueError, MemoryError
        As the algorithm, before any work.
    """
    given = {key: value for key, value in settings.items() if key not in ("algorithm", "adapt")}
    founders = faces.founders()
    limits: dict[str, Any] = {"threads": options.threads, "max_memory_mb": max_memory_mb}
    if not len(founders.points):
        return founders.spread(np.empty(0, dtype=np.int32))
    if settings["algorithm"] == "linkage":
        frames, boxes = faces.places()
        must = links(faces.points, frames, boxes, near=NEAR * faces.scale)
        return faces.spread(
            linkage(
                faces.points,
                **given,
                frames=frames,
                must_link=must,
                founding=faces.founding,
                rules=RULES.scaled(faces.scale),
                **limits,
            )
        )
    if settings["algorithm"] == "dbscan":
        labels = cluster_by_dbscan(
            founders, **given, saved=saved, options=options, all_eps=all_eps, max_memory_mb=max_memory_mb
        )
    else:
        if settings["algorithm"] == "iterative":
            given |= {name: value * faces.scale for name, value in ITERATIVE.items()}
        labels = founders.spread(ALGORITHMS[settings["algorithm"]](founders.points, **given, **limits))
    if founders is faces:
        return labels
    frames, _ = faces.places()
    joined = attach(
        faces.points,
        labels[faces.counted],
        frames=frames,
        joining=~faces.founding,
        within=ATTACH * faces.scale,
        margin=MARGIN * faces.scale,
        threads=options.threads,
    )
    return faces.spread(joined)


def cluster_by_dbscan(
    faces: CountedFaces,
    eps: float,
    min_samples: int,
    saved: str | os.PathLike[str],
    options: Options,
    *,
    all_eps: Collection[float] = (),
    max_memory_mb: float | None = None,
) -> NDArray[np.int32]:
    """Label the faces of a run by DBSCAN, doing only what the saved state does not tell.

    Parameters
    ----------
    faces
        The faces that count.
    eps, min_samples
        As for `castgraph.clustering.dbscan`.
    saved
        The state to go on from, and to leave for the next time. Whatever is wrong with it is logged, and
        everything is done anew. Who comes while another works on it waits.
    options
        Threads, kernel and progress.
    all_eps
        All eps that are wanted of these faces, `eps` or not. Those that are not known yet are found as well,
        since together they cost little more than one, and a state that is written has all of them.
    max_memory_mb
        Refuse to begin when more memory would be needed, in MB.

    Returns
    -------
    ndarray of shape (n_faces,), int32
        The labels of all faces of the table: those of a run from scratch.

    Raises
    ------
    ValueError, MemoryError
        As `castgraph.clustering.sweep`, before any work.
    """
    wanted = sorted({float(value) for value in [eps, *all_eps]})
    if not len(faces.points):
        return faces.spread(np.empty(0, dtype=np.int32))
    points = validated(faces.points, wanted, min_samples)
    require_memory(points, len(wanted), min_samples, options.threads, max_memory_mb)
    with locked(Path(saved).with_suffix(".lock")):
        levels = _up_to_date(faces, points, wanted, min_samples, saved, options)
    return faces.spread(levels[float(eps)].labels())


def _up_to_date(
    faces: CountedFaces,
    points: Points,
    wanted: Sequence[float],
    min_samples: int,
    saved: str | os.PathLike[str],
    options: Options,
) -> dict[float, Level]:
    """Give all there is to know at each of the wanted eps, and save what the state did not tell."""
    state, new = State((), min_samples), np.zeros(len(points), dtype=bool)
    try:
        found = load(saved, faces.portions, min_samples, wanted)
    except StateError as reason:
        log.info("everything is done anew: there is no state to go on from: %s", reason)
    else:
        state, new = found.state, found.new
    if new.any():
        log.info("going on from %d faces with %d new ones", (~new).sum(), new.sum())
        search_new(points, state, new, options)
    known = dict(zip(state.eps, state.levels, strict=True))
    missing = [value for value in wanted if value not in known]
    log.info("%d faces, kernel %s", len(points), options.kernel)
    log.info("known: eps %s; to be found: %s", list(known), missing)
    if missing or new.any():
        known |= _completed(points, known, missing, min_samples, options)
        save(saved, State(tuple(wanted), min_samples, [known[value] for value in wanted]), faces.portions)
    return known


def _completed(
    points: Points, known: dict[float, Level], missing: Sequence[float], min_samples: int, options: Options
) -> dict[float, Level]:
    """Find all there is to know at missing eps (ascending), from what is known at smaller and larger ones."""
    found: dict[float, Level] = {}
    for above, group in groupby(missing, partial(_next_above, known)):
        values = tuple(group)
        state = State(
            values, min_samples, [_begun(known, value, len(points), min_samples) for value in values]
        )
        search_all(points, state, options, None if above is None else known[above])
        found |= dict(zip(values, state.levels, strict=True))
    return found


def _next_above(known: dict[float, Level], value: float) -> float | None:
    return min((e for e in known if e > value), default=None)


def _begun(known: dict[float, Level], value: float, n: int, min_samples: int) -> Level:
    """Give what is known at the next smaller eps: all of it holds at `value`, too."""
    below = max((e for e in known if e < value), default=None)
    return Level.unknown(n, min_samples) if below is None else known[below].copy()
