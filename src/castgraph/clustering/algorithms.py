"""All ways to group faces into people, on the same footing.

Every function of `ALGORITHMS` takes points of shape (n, d) and gives one label a point, int32; -1 is noise.
DBSCAN numbers people as scikit-learn does; the others number them by the first row of each. The same input
gives the same labels, and the input is not modified.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from castgraph.base.tables import NOISE
from castgraph.clustering.dbscan import dbscan, require_mb, validated
from castgraph.clustering.labels import by_first_row
from castgraph.clustering.linkage import linkage
from castgraph.clustering.projection import Points

_INTERPRETER_MB = 150
_SWEEPS = 100  # picks a face, as dlib has it
_SEED = 5489  # of a Mersenne Twister that nobody seeded, as dlib's is
_PRIMED = 10_000  # numbers that dlib throws away first
_SHORTEST = 1e-150  # a distance that stands for none
_BLOCK = 2_000_000  # distances that a thread holds at a time
_BLOCK_ROWS = 64  # but at least so many rows, or the matrix product is slow


def hdbscan(
    X: ArrayLike, min_samples: int, *, threads: int = 1, max_memory_mb: float | None = None
) -> NDArray[np.int32]:
    """Label points by a hierarchy of densities, without an eps (scikit-learn's HDBSCAN).

    Parameters
    ----------
    X
        Points as for `castgraph.clustering.dbscan`; faces are (n, 128).
    min_samples
        The fewest faces of a person, and the neighbour (a face counts itself) whose distance tells how dense
        the faces lie around a face; at least 2.
    threads
        How many threads look for neighbours; the labels do not depend on it.
    max_memory_mb
        Refuse to begin when more memory would be needed, in MB.

    Returns
    -------
    ndarray of shape (n,), int32
        The person of each face, numbered by the first row of each; -1 is noise.

    Raises
    ------
    ValueError
        As `castgraph.clustering.dbscan` raises it, and when `min_samples` is 1.
    MemoryError
        When more than `max_memory_mb` would be needed.

    Notes
    -----
    Distances are taken as they are needed, so memory grows with n and time with n²; see
    `castgraph.clustering.spanning`. Where a face is equally near to several people by mutual reachability,
    which scikit-learn decides by the order of the faces, it goes to the nearest. Where there is only one
    person, HDBSCAN finds nobody, as it looks for what parts people from each other.

    References
    ----------
    R. Campello, D. Moulavi and J. Sander, "Density-based clustering based on hierarchical density estimates",
    PAKDD 2013.
    """
    points = validated(X, [1.0], min_samples)
    if min_samples < 2:
        raise ValueError(f"min_samples is {min_samples}; HDBSCAN needs at least 2")
    n, d = points.shape
    # scikit-learn itself, a float64 copy of the points, what is compared, and the hierarchy.
    needed = 80e6 + 8 * n * d + threads * (16e6 + 40_000 * d) + 600 * n
    _require_memory("HDBSCAN", points, needed, max_memory_mb)
    if n < min_samples:  # scikit-learn refuses that
        return np.full(n, NOISE, dtype=np.int32)
    # Slow to import, and only used here.
    from scipy.sparse import csr_array
    from sklearn.cluster import HDBSCAN

    from castgraph.clustering.spanning import spanning_tree

    edges, lengths = spanning_tree(points, min_samples, threads=threads)
    # For scikit-learn a length of 0 is no edge, and the core distance by one neighbour is the shortest edge.
    lengths = np.maximum(lengths, _SHORTEST)
    ends, others = np.vstack([edges, edges[:, ::-1]]).T
    tree = csr_array((np.tile(lengths, 2), (ends, others)), shape=(n, n))
    model = HDBSCAN(min_cluster_size=min_samples, min_samples=1, metric="precomputed", copy=False)
    return by_first_row(model.fit(tree).labels_)


def chinese_whispers(
    X: ArrayLike, eps: float, min_samples: int, *, threads: int = 1, max_memory_mb: float | None = None
) -> NDArray[np.int32]:
    """Label points by Chinese Whispers, as dlib does.

    Every face starts as its own person. Faces are then picked at random, and each takes over the person whom
    most of its neighbours belong to. The labels are those of ``dlib.chinese_whispers_clustering``, whose
    random numbers are always the same; people with few faces become noise.

    Parameters
    ----------
    X
        Points as for `castgraph.clustering.dbscan`; faces are (n, 128).
    eps
        Two faces are neighbours when their Euclidean distance is below `eps` (dlib's ``threshold``).
    min_samples
        A person with fewer faces than this is noise.
    threads
        How many threads look for neighbours; the labels do not depend on it.
    max_memory_mb
        Refuse to begin when more memory would be needed, in MB.

    Returns
    -------
    ndarray of shape (n,), int32
        The person of each face, numbered by the first row of each; -1 is noise.

    Raises
    ------
    ValueError
        As `castgraph.clustering.dbscan` raises it.
    MemoryError
        When more than `max_memory_mb` would be needed. Neighbours are counted before, which takes little
        memory, and time that grows with n².

    Notes
    -----
    dlib compares all pairs one by one, keeps 72 bytes and more a pair of neighbours, and picks n faces a
    hundred times. Here distances come from matrix products, a pair takes 8 bytes, and picking ends as soon as
    no face would change any more, which changes no label. A pair whose distance is `eps` but for rounding
    (1e-15) may be neighbours here and not there, or the reverse.

    References
    ----------
    C. Biemann, "Chinese Whispers", TextGraphs 2006; D. King, dlib, ``dlib/clustering/chinese_whispers.h``.
    """
    points = validated(X, [eps], min_samples)
    people = _whispered(*_neighbours(points, eps, threads, max_memory_mb))
    faces = np.bincount(people)
    return by_first_row(np.where(faces[people] < min_samples, NOISE, people))


ITERATIVE: Mapping[str, float] = {"step": 0.02, "floor": 0.30, "compactness": 0.45, "reach": 0.42}
"""The distances that `iterative` goes by besides its eps, for embeddings of dlib's embedder."""


def iterative(
    X: ArrayLike,
    eps: float,
    min_samples: int,
    *,
    step: float = ITERATIVE["step"],
    floor: float = ITERATIVE["floor"],
    compactness: float = ITERATIVE["compactness"],
    reach: float = ITERATIVE["reach"],
    threads: int = 1,
    max_memory_mb: float | None = None,
) -> NDArray[np.int32]:
    """Label points by DBSCAN with an eps that is lowered round by round.

    A cluster is compact when the root mean square of the distances between its faces is at most
    `compactness`. Its faces within `reach` of its centre are set aside as a person. Its other faces and those
    of loose clusters are clustered again with an eps lowered by `step`, down to `floor`; what the last round
    finds are people, compact or not. Noise of any round is noise.

    Parameters
    ----------
    X
        Points as for `castgraph.clustering.dbscan`; faces are (n, 128).
    eps
        The eps of the first round, and the only one where it is below ``floor + step``.
    min_samples
        As for `castgraph.clustering.dbscan`. A cluster with fewer faces near its centre is loose, too.
    step
        How much eps is lowered from round to round, above 0.
    floor
        The lowest eps, above 0.
    compactness
        How far from each other the faces of a person may be (root mean square), above 0.
    reach
        How far from the centre each face of a person may be, above 0.
    threads
        As for `castgraph.clustering.dbscan`; the labels do not depend on it.
    max_memory_mb
        As for `castgraph.clustering.dbscan`. From the second round on, a copy of the faces that are left
        comes on top.

    Returns
    -------
    ndarray of shape (n,), int32
        The person of each face, numbered by the first row of each; -1 is noise.

    Raises
    ------
    ValueError
        As `castgraph.clustering.dbscan` raises it, and when `step`, `floor`, `compactness` or `reach` is not
        a number above 0.
    MemoryError
        As `castgraph.clustering.dbscan` raises it.

    Notes
    -----
    The idea is that of face-network 1.0.2, which lowers eps by 0.01 a round, measures distances from the
    face that is nearest to all others of its cluster (all pairs), takes a cluster whose median distance is at
    most ``max_distance`` and drops faces 0.1 beyond it, and leaves out what no round accepts. Here the
    distances between all pairs come from the distances to the centre: their mean square is
    2 / (m - 1) times the sum of squares of the latter, for m faces.

    What is noise in one round needs no further one: with fewer faces and a smaller eps no face gains
    neighbours.

    References
    ----------
    O. Ballinger, face-network, 2021, https://github.com/oballinger/face-network (MIT).
    """
    settings = {"step": step, "floor": floor, "compactness": compactness, "reach": reach}
    for name, value in settings.items():
        if not (np.isfinite(value) and value > 0):
            raise ValueError(f"{name} is {value}; it must be a number above 0")
    faces = validated(X, [eps], min_samples)
    labels = np.full(len(faces), NOISE, dtype=np.int32)
    rows = np.arange(len(faces))  # of `faces` in X
    n_people = 0
    n_rounds = 1 + max(0, int((eps - floor) / step + 1e-9))
    for i in range(n_rounds):
        radius = round(eps - i * step, 12) if i else eps  # 0.38 rather than 0.38000000000000006
        found = dbscan(faces, radius, min_samples, threads=threads, max_memory_mb=max_memory_mb)
        again = found != NOISE
        for members in _members(found):
            if i < n_rounds - 1:
                members = members[_near_centre(faces[members], compactness, reach)]
                if len(members) < min_samples:
                    continue
            labels[rows[members]] = n_people
            n_people += 1
            again[members] = False
        faces, rows = faces[again], rows[again]
        if len(rows) == 0:
            break
    return by_first_row(labels)


ALGORITHMS: Mapping[str, Callable[..., NDArray[np.int32]]] = MappingProxyType(
    {
        "dbscan": dbscan,
        "linkage": linkage,
        "hdbscan": hdbscan,
        "chinese_whispers": chinese_whispers,
        "iterative": iterative,
    }
)
"""The algorithms by the value of ``clustering.algorithm``.

Each is called with the points, and by keyword ``min_samples``, ``threads``, ``max_memory_mb`` and (but for
``hdbscan``) ``eps``.
"""


def _require_memory(name: str, points: Points, needed: float, max_memory_mb: float | None) -> None:
    """Refuse work that needs too much memory: `needed` bytes beside the points and the interpreter."""
    n, d = points.shape
    needed_mb = _INTERPRETER_MB + (points.nbytes + needed) / 1e6
    require_mb(f"{name} of {n} points of {d} dimensions", needed_mb, max_memory_mb)


def _members(labels: NDArray[np.int32]) -> Iterator[NDArray[np.intp]]:
    """Give the rows of each person, in order."""
    order = labels.argsort(kind="stable")
    bounds = np.flatnonzero(np.diff(labels[order], prepend=NOISE, append=-2))
    for start, end in pairwise(bounds):
        yield order[start:end]


def _near_centre(faces: Points, compactness: float, reach: float) -> NDArray[np.bool_]:
    """Tell which faces of a cluster are near its centre; none when it is loose."""
    offsets = faces - faces.mean(axis=0, dtype=np.float64).astype(faces.dtype)
    squares = np.einsum("ij,ij->i", offsets, offsets)
    pairs = 2 * squares.sum(dtype=np.float64) / max(len(faces) - 1, 1)  # mean square over all pairs
    return np.asarray((squares <= reach**2) & (pairs <= compactness**2))


def _neighbours(
    points: Points, eps: float, threads: int, max_memory_mb: float | None
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Find the faces below `eps` from each, itself included.

    Gives bounds, of shape (n + 1,), and the rows of the neighbours one face after the other: those of face i
    are ``neighbours[bounds[i] : bounds[i + 1]]``.
    """
    n, d = points.shape
    below = float(np.float32(eps)) ** 2  # dlib holds its threshold in single precision
    rows = max(_BLOCK_ROWS, _BLOCK // n)
    # The points and their blocks of distances in float64, and for each face numbers and lists.
    needed = 8 * n * d + 250 * n + threads * min(rows, n) * n * 25
    _require_memory("Chinese Whispers", points, needed + 4 * n, max_memory_mb)
    exact = points.astype(np.float64)
    squares = np.einsum("ij,ij->i", exact, exact)

    def near(start: int) -> NDArray[np.bool_]:
        distances = exact[start : start + rows] @ exact.T
        distances *= -2
        distances += squares
        distances += squares[start : start + rows, None]
        found: NDArray[np.bool_] = distances < below
        return found

    starts = range(0, n, rows)
    with ThreadPoolExecutor(threads) as pool:
        counts = np.concatenate(list(pool.map(lambda start: near(start).sum(axis=1), starts)))
        bounds = np.concatenate([[0], counts.cumsum()])
        _require_memory("Chinese Whispers", points, needed + 4 * int(bounds[-1]), max_memory_mb)
        neighbours = np.empty(bounds[-1], dtype=np.int32)

        def fill(start: int) -> None:
            neighbours[bounds[start] : bounds[min(start + rows, n)]] = near(start).nonzero()[1]

        list(pool.map(fill, starts))
    return bounds, neighbours


def _whispered(bounds: NDArray[np.int64], neighbours: NDArray[np.int32]) -> NDArray[np.int32]:
    """Let faces take over the label of most neighbours, in the order in which dlib picks them."""
    n = len(bounds) - 1
    labels = np.arange(n, dtype=np.int32)
    ends = bounds.tolist()
    linked = np.diff(bounds) > 1  # a face without neighbours never changes

    def loudest(face: int) -> np.int32:
        heard, votes = np.unique(labels[neighbours[ends[face] : ends[face + 1]]], return_counts=True)
        label: np.int32 = heard[votes.argmax()]  # of equal votes the smallest label
        return label

    draws = np.random.RandomState(_SEED)
    draws.randint(0, 2**32, _PRIMED, dtype=np.uint32)
    for _ in range(_SWEEPS):
        high, low = draws.randint(0, 2**32, (n, 2), dtype=np.uint32).astype(np.uint64).T
        picks = ((high << np.uint64(32)) | low) % np.uint64(n)
        changed = False
        for face in picks[linked[picks]].tolist():
            label = loudest(face)
            if label != labels[face]:
                labels[face] = label
                changed = True
        # Not every face was picked, so all are asked before the rest of the picks is left out.
        if not changed and all(loudest(face) == labels[face] for face in np.flatnonzero(linked).tolist()):
            break
    return labels
