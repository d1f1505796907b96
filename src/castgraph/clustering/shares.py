"""A clustering that is shared out among jobs, on as many machines as there are.

One job plans: it does what tells nearly all there is to know, and puts the faces into the order of the
search. Each of the others compares its share of the pairs and writes down the few that changed something.
Whoever takes all of these in knows all there is to know; a share may be done twice.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from castgraph.base import files, tables
from castgraph.clustering.dbscan import require_memory, validated
from castgraph.clustering.layout import Layout, Leaves, rectangle, squares
from castgraph.clustering.projection import Projection
from castgraph.clustering.scan import TILE, Edges, Options, scan
from castgraph.clustering.search import search_cells
from castgraph.clustering.state import Level, State
from castgraph.run.counted import CountedFaces
from castgraph.run.saved import StateError, load, save

log = logging.getLogger(__name__)

_RANGES_A_JOB = 4  # pairs of ranges: few, to load little; several, since some are done in no time
_EDGES = pa.schema([("x", pa.int32()), ("y", pa.int32()), ("finest", pa.uint8())])


@dataclass(frozen=True)
class _Plan:
    """What the jobs have to agree on.

    Attributes
    ----------
    shared
        Whether there is anything for other jobs to do; if not, the rest says nothing.
    key
        Tells the plan from every other.
    """

    shared: bool
    key: str = ""
    min_samples: int = 1
    eps: tuple[float, ...] = ()
    n_jobs: int = 0

    @classmethod
    def read(cls, folder: Path) -> _Plan:
        facts = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
        return cls(**{**facts, "eps": tuple(facts["eps"])})


def plan(
    folder: str | os.PathLike[str],
    faces: CountedFaces,
    eps: Sequence[float],
    min_samples: int,
    saved: str | os.PathLike[str],
    options: Options,
    *,
    kept: Sequence[float],
    n_jobs: int,
    above: int,
    max_memory_mb: float | None = None,
) -> None:
    """Prepare what `compare` needs, in a new folder.

    Parameters
    ----------
    folder
        What to make, atomically.
    faces, eps, min_samples, options, max_memory_mb
        As for `castgraph.run.clusterings.cluster_faces`.
    saved, kept
        A state that one job can go on from alone, at any eps; then there is nothing to share.
    n_jobs
        Among how many jobs.
    above
        With no more faces than this there is nothing to share either.

    Raises
    ------
    ValueError, MemoryError
        As `castgraph.clustering.sweep`, before any work.
    """
    values = tuple(sorted({float(value) for value in eps}))
    with files.atomic_directory(folder) as part:
        shared = len(faces.points) > above and not _can_go_on(saved, faces, min_samples, [*values, *kept])
        if not shared:
            log.info("%d faces: one job does it all", len(faces.points))
            files.write_json(part / "plan.json", asdict(_Plan(shared=False)))
            return
        points = validated(faces.points, values, min_samples)
        require_memory(points, len(values), min_samples, options.threads, max_memory_mb)
        state = State.unknown(len(points), values, min_samples)
        leaves = search_cells(points, state, options)
        save(part / "state.parquet", state, faces.portions)
        np.save(part / "order.npy", leaves.order)
        np.save(part / "starts.npy", leaves.starts)
        np.save(part / "core.npy", np.stack([level.core[leaves.order] for level in state.levels]))
        np.save(part / "root.npy", np.stack([level.root[leaves.order] for level in state.levels]))
        rearranged = np.lib.format.open_memmap(part / "points.npy", "w+", points.dtype, points.shape)
        for start in range(0, len(points), 8_192):
            rearranged[start : start + 8_192] = points[leaves.order[start : start + 8_192]]
        rearranged.flush()
        agreed = [values, min_samples, n_jobs, faces.portions]
        key = hashlib.blake2b(json.dumps(agreed).encode(), digest_size=16).hexdigest()
        log.info("%d faces in %d leaves, shared among %d jobs", len(points), len(leaves.apart), n_jobs)
        files.write_json(part / "plan.json", asdict(_Plan(True, key, min_samples, values, n_jobs)))


def _can_go_on(
    saved: str | os.PathLike[str], faces: CountedFaces, min_samples: int, eps: Sequence[float]
) -> bool:
    try:
        load(saved, faces.portions, min_samples, eps)
    except StateError:
        return False
    return True


def compare(
    folder: str | os.PathLike[str],
    job: int,
    share: str | os.PathLike[str],
    options: Options,
    *,
    max_memory_mb: float | None = None,
) -> None:
    """Do one share of the work.

    Parameters
    ----------
    folder
        What `plan` made. Of the faces only those that are needed are read.
    job
        Which share, from 0.
    share
        The table to write, atomically: the pairs that changed something.
    options
        Threads, kernel and progress.
    max_memory_mb
        Refuse to begin when more memory would be needed, in MB.
    """
    folder = Path(folder)
    agreed = _Plan.read(folder)
    found = [Edges(np.empty((0, 2), dtype=np.int32), np.empty(0, dtype=np.uint8))]
    if agreed.shared:
        starts = np.load(folder / "starts.npy")
        for first, second in _ranges(len(starts) - 1, agreed.n_jobs)[job :: agreed.n_jobs]:
            log.info("leaves %d to %d with %d to %d", *first, *second)
            found.append(_compared(folder, agreed, starts, first, second, options, max_memory_mb))
    columns = [
        *np.concatenate([edges.pairs for edges in found]).T,
        np.concatenate([edges.finest for edges in found]),
    ]
    facts = tables.provenance(
        "compare", {"min_samples": agreed.min_samples, "eps": agreed.eps}, plan=agreed.key
    )
    tables.write(share, pa.table(columns, schema=_EDGES), facts)


def _ranges(n_leaves: int, n_jobs: int) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Cut the leaves so that the pairs of ranges are some for each job."""
    n_ranges = int(np.ceil((np.sqrt(1 + 8 * _RANGES_A_JOB * n_jobs) - 1) / 2))
    cuts = np.unique(np.linspace(0, n_leaves, n_ranges + 1).astype(int)).tolist()
    ranges = list(pairwise(cuts))
    return [(first, second) for place, first in enumerate(ranges) for second in ranges[place:]]


def _compared(
    folder: Path,
    agreed: _Plan,
    starts: NDArray[np.int32],
    first: tuple[int, int],
    second: tuple[int, int],
    options: Options,
    max_memory_mb: float | None,
) -> Edges:
    """Compare the points of two ranges of leaves; the same one twice is compared with itself."""
    ranges = [first] if first == second else [first, second]
    at = np.concatenate([np.arange(starts[begin], starts[end]) for begin, end in ranges])
    points, order = (np.load(folder / name, mmap_mode="r")[at] for name in ("points.npy", "order.npy"))
    core, root = (np.load(folder / name, mmap_mode="r")[:, at] for name in ("core.npy", "root.npy"))
    require_memory(points, len(agreed.eps), agreed.min_samples, options.threads, max_memory_mb)
    state = State(agreed.eps, agreed.min_samples, [_local(*level) for level in zip(core, root, strict=True)])
    sizes = np.concatenate([np.diff(starts[begin : end + 1]) for begin, end in ranges])
    here = np.arange(len(at), dtype=np.int32)
    layout = Layout(here, np.cumsum([0, *sizes]).astype(np.int32), np.zeros(len(sizes), dtype=np.int32))
    projection = Projection.fit(points, agreed.eps[-1])
    leaves = Leaves.of(layout, projection(points), projection.scale)
    middle = first[1] - first[0]
    tiles = (
        squares([(0, middle)], TILE)
        if first == second
        else rectangle((0, middle), (middle, len(sizes)), TILE)
    )
    edges = scan(points, leaves, tiles, state, options)
    return Edges(order[edges.pairs], edges.finest)


def _local(core: NDArray[np.uint8], root: NDArray[np.int32]) -> Level:
    """Give what is known of some points as if they were all; that is less, and does no harm."""
    here = np.arange(len(root), dtype=np.int32)
    _, first, component = np.unique(root, return_index=True, return_inverse=True)
    local = np.where(core > 0, first.astype(np.int32)[component], here)
    return Level(core, local, np.empty((0, 2), dtype=np.int32))


def gathered(
    folder: str | os.PathLike[str], shares: Sequence[str | os.PathLike[str]], faces: CountedFaces
) -> dict[float, Level]:
    """Take all shares in.

    Parameters
    ----------
    folder
        What `plan` made.
    shares
        What `compare` wrote, of every job.
    faces
        Those that were planned for.

    Returns
    -------
    dict
        eps → all there is to know; empty when nothing was shared.

    Raises
    ------
    ValueError
        When a share belongs to another plan, or the plan to other faces.
    """
    folder = Path(folder)
    agreed = _Plan.read(folder)
    if not agreed.shared:
        return {}
    state = load(folder / "state.parquet", faces.portions, agreed.min_samples, agreed.eps).state
    for share in shares:
        if (found := tables.read_provenance(share)["plan"]) != agreed.key:
            raise ValueError(
                f"{share} was made for plan {found}, not for {agreed.key} ({folder / 'plan.json'})"
            )
        x, y, finest = (column.to_numpy() for column in pq.read_table(share).columns)
        state.consume(np.stack([x, y], axis=1), finest)
    return dict(zip(state.eps, state.levels, strict=True))
