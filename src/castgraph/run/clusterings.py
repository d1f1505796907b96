"""The clusterings of a run's faces by DBSCAN, going on from what earlier ones found."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from functools import partial
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from castgraph.clustering.dbscan import require_memory, validated
from castgraph.clustering.projection import Points
from castgraph.clustering.scan import Options
from castgraph.clustering.search import search_all, search_new
from castgraph.clustering.state import Level, State
from castgraph.run.counted import CountedFaces
from castgraph.run.saved import StateError, load, save

log = logging.getLogger(__name__)


def cluster_faces(
    faces: CountedFaces,
    eps: Sequence[float],
    min_samples: int,
    saved: str | os.PathLike[str],
    options: Options,
    *,
    kept: Sequence[float] = (),
    begun: dict[float, Level] | None = None,
    max_memory_mb: float | None = None,
) -> dict[float, NDArray[np.int32]]:
    """Label the faces of a run at each eps, doing only what the saved state does not tell.

    Parameters
    ----------
    faces
        The faces that count.
    eps, min_samples
        As for `castgraph.clustering.sweep`.
    saved
        The state to go on from, and to leave for the next time. Whatever is wrong with it is logged, and
        everything is done anew.
    options
        Threads, kernel and progress.
    kept
        Other eps of which the saved state is kept and brought up to date.
    begun
        What is known of these faces already, from `castgraph.clustering.shares.gathered`; then the saved
        state is only written.
    max_memory_mb
        Refuse to begin when more memory would be needed, in MB.

    Returns
    -------
    dict
        eps → labels of all faces of the table, shape (n_faces,), int32: those of a run from scratch.

    Raises
    ------
    ValueError, MemoryError
        As `castgraph.clustering.sweep`, before any work.
    """
    if not len(faces.points):
        return {float(value): faces.spread(np.empty(0, dtype=np.int32)) for value in eps}
    points = validated(faces.points, eps, min_samples)
    wanted = {float(value) for value in [*eps, *kept]}
    require_memory(points, len(wanted), min_samples, options.threads, max_memory_mb)
    known = begun or continued(faces, wanted, min_samples, saved, options)
    missing = sorted({float(value) for value in eps} - set(known))
    log.info("%d faces, kernel %s", len(points), options.kernel)
    log.info("known: eps %s; to be found: %s", sorted(known), missing)
    known |= completed(points, known, missing, min_samples, options)
    values = tuple(sorted(known))
    save(saved, State(values, min_samples, [known[value] for value in values]), faces.portions)
    return {float(value): faces.spread(known[float(value)].labels()) for value in eps}


def continued(
    faces: CountedFaces,
    wanted: set[float],
    min_samples: int,
    saved: str | os.PathLike[str],
    options: Options,
) -> dict[float, Level]:
    """Give all there is to know at those of the wanted eps that are in the saved state, of new faces, too."""
    try:
        found = load(saved, faces.portions, min_samples, wanted)
    except StateError as reason:
        log.info("everything is done anew: there is no state to go on from: %s", reason)
        return {}
    if found.new.any():
        log.info("going on from %d faces with %d new ones", (~found.new).sum(), found.new.sum())
        search_new(faces.points, found.state, found.new, options)
    return dict(zip(found.state.eps, found.state.levels, strict=True))


def completed(
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
