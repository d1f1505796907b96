"""Make embeddings like those of dlib for a year of one programme, and check that they are like them.

    uv run python benchmarks/embeddings.py [--seed N] N FILE

writes N embeddings to FILE (``.npy``, float32, shape (N, 128)) and prints what they are like. No real face
is in them: only the shape of the data matters to a clustering, how many people with how many faces each, and
how far these lie apart.

Notes
-----
What was to be met: a norm of about 1.3 to 1.45; distances of 0.1 to 0.45 between faces of a person in one
tight sitting, of about 0.8 between people; one host with 15 % of the faces, a heavy tail of 5,000 people, a
quarter of the faces nobody's; at eps 0.4 and 774,615 faces about 7.8e9 pairs of neighbours.

A face is its person's place, and what a sitting, and each picture, add to it. All three are normal with the
same spectrum, which has about 40 effective dimensions as real faces have; the variances, summed over the
dimensions, are `PEOPLE`, `SITTING` and `PICTURE`. Some pictures are worse than others: their part is
stretched by a log-normal factor. Rows are in random order, so no contender can profit from it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

DIMENSIONS = 128
PEOPLE, SITTING, PICTURE = 0.29, 0.02, 0.02
"""Variance between people, between the sittings of a person, and between the pictures of a sitting."""
STRETCH = 0.45
"""Standard deviation of the logarithm by which a picture's part is stretched."""
NORM = 1.25
"""Length of the mean of all faces."""

HOST, NOBODY = 0.15, 0.25
"""Share of the faces that are the host's, and that are nobody's."""
MOST_PEOPLE, FEWEST_FACES, SITTING_FACES = 5_000, 6, 60
CHUNK = 16_384
"""Rows that are made at a time."""
EPS = 0.4
PERCENTILES = (1, 10, 50, 90, 99)


@dataclass(frozen=True, slots=True)
class Faces:
    """Embeddings (n, 128), and the person and sitting of each, -1 for nobody; the host is person 0."""

    embeddings: NDArray[np.float32]
    person: NDArray[np.int32]
    sitting: NDArray[np.int32]


def generate(n: int, seed: int = 0) -> Faces:
    """Make `n` embeddings, 100 or more; the same for the same arguments.

    It needs little more memory than they take.
    """
    rng = np.random.default_rng(seed)
    person, sitting = population(n, rng)
    spectrum = np.exp(-np.arange(DIMENSIONS) / 20) + 0.003
    spectrum /= spectrum.sum()
    rotation = np.linalg.qr(rng.normal(size=(DIMENSIONS, DIMENSIONS)))[0]
    axes = (np.sqrt(spectrum)[:, None] * rotation).astype(np.float32)
    mean = rng.normal(size=DIMENSIONS)
    mean = (mean * (NORM / np.linalg.norm(mean))).astype(np.float32)

    def draw(rows: int, variance: float) -> NDArray[np.float32]:
        return rng.standard_normal((rows, DIMENSIONS), np.float32) * np.float32(np.sqrt(variance))

    places = draw(int(person.max()) + 1, PEOPLE)
    shifts = draw(int(sitting.max()) + 1, SITTING)
    embeddings = np.empty((n, DIMENSIONS), np.float32)
    for start in range(0, n, CHUNK):
        rows = slice(start, min(start + CHUNK, n))
        stretch = np.exp(STRETCH * rng.standard_normal(rows.stop - start, np.float32))
        points = draw(rows.stop - start, PICTURE) * stretch[:, None]
        somebody = person[rows] >= 0
        points[somebody] += places[person[rows][somebody]] + shifts[sitting[rows][somebody]]
        points[~somebody] = draw(np.count_nonzero(~somebody), PEOPLE + SITTING)
        np.matmul(points, axes, out=embeddings[rows])
        embeddings[rows] += mean
    return Faces(embeddings, person, sitting)


def population(n: int, rng: np.random.Generator) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Choose the person and the sitting of each of `n` faces, in random order.

    The host first, then people by Zipf's law, each with at least `FEWEST_FACES`; where there are few faces,
    half of them go that way. A sitting is at most `SITTING_FACES` faces of one person.
    """
    host, nobody = round(HOST * n), round(NOBODY * n)
    rest = n - host - nobody
    people = min(MOST_PEOPLE, rest // (2 * FEWEST_FACES))
    weights = 1 / np.arange(1, people + 1)
    tail = FEWEST_FACES + rng.multinomial(rest - FEWEST_FACES * people, weights / weights.sum())
    sizes = np.concatenate([[host], tail])
    person = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    first = np.repeat(np.cumsum(sizes) - sizes, sizes)
    begins = (np.arange(len(person)) - first) % SITTING_FACES == 0
    sitting = np.cumsum(begins, dtype=np.int32) - np.int32(1)
    order = rng.permutation(n)
    nobodies = np.full(nobody, -1, np.int32)
    return np.concatenate([person, nobodies])[order], np.concatenate([sitting, nobodies])[order]


# --- what they are like


def describe(faces: Faces, eps: float = EPS, seed: int = 1) -> dict[str, Any]:
    """Sample norms and distances.

    Returns
    -------
    dict
        Percentiles (`PERCENTILES`): ``norm``, ``sitting`` (distances within a sitting), ``person`` (within a
        person), ``people`` (between people). ``pairs``: unordered pairs within `eps`, those of one person and
        those of two estimated apart, as the first are nearly all and a few people have most of them.
        ``effective_dimensions`` of the faces of nobody; ``n_people``, ``host_share``, ``nobody_share``.
    """
    rng = np.random.default_rng(seed)
    X, person, n = faces.embeddings, faces.person, len(faces.embeddings)
    starts = range(0, n, CHUNK)

    def distances(a: NDArray[np.intp], b: NDArray[np.intp]) -> NDArray[np.float32]:
        return np.linalg.norm(X[a] - X[b], axis=1)

    def within(group: NDArray[np.int32]) -> tuple[NDArray[np.float32], int]:
        """Sample distances of all pairs of one group; returns them and the number of all such pairs."""
        order = np.argsort(group, kind="stable")
        sizes = np.bincount(group[group >= 0])
        begin = np.count_nonzero(group < 0) + np.cumsum(sizes) - sizes
        pairs = sizes * (sizes - 1) // 2
        chosen = rng.choice(len(sizes), 50_000, p=pairs / pairs.sum())
        first = rng.integers(0, sizes[chosen])
        second = (first + rng.integers(1, sizes[chosen])) % sizes[chosen]
        return distances(order[begin[chosen] + first], order[begin[chosen] + second]), int(pairs.sum())

    sitting, _ = within(faces.sitting)
    same, n_same = within(person)
    a, b = rng.integers(0, n, (2, 100_000))
    apart = (person[a] != person[b]) | ((person[a] < 0) & (a != b))
    squares = np.concatenate([np.square(X[i : i + CHUNK]).sum(1) for i in starts])
    rows = rng.choice(n, min(n, 500), replace=False)
    near = 0
    for part in (slice(i, i + CHUNK) for i in starts):
        others = (person[rows, None] != person[part]) | (person[rows, None] < 0)
        d2 = squares[rows, None] + squares[part] - 2 * X[rows] @ X[part].T
        near += np.count_nonzero(others & (d2 <= eps * eps))
    near -= np.count_nonzero(person[rows] < 0)  # a face is its own neighbour
    variances = np.linalg.eigvalsh(np.cov(X[np.flatnonzero(person < 0)[:20_000]].T.astype(np.float64)))
    return {
        "norm": np.percentile(np.sqrt(squares), PERCENTILES),
        "sitting": np.percentile(sitting, PERCENTILES),
        "person": np.percentile(same, PERCENTILES),
        "people": np.percentile(distances(a[apart], b[apart]), PERCENTILES),
        "pairs": float(np.mean(same <= eps) * n_same + near / len(rows) * n / 2),
        "effective_dimensions": float(variances.sum() ** 2 / np.square(variances).sum()),
        "n_people": int(person.max()) + 1,
        "host_share": float(np.mean(person == 0)),
        "nobody_share": float(np.mean(person < 0)),
    }


def main(
    n: int, file: Path, seed: Annotated[int, typer.Option(help="Another seed, other faces.")] = 0
) -> None:
    """Make embeddings like dlib's, and print what they are like."""
    faces = generate(n, seed)
    np.save(file, faces.embeddings)
    found = describe(faces)
    table = Table("percentile", *map(str, PERCENTILES), title=f"{n:,} faces")
    for key, name in {
        "norm": "norm",
        "sitting": "distance within a sitting",
        "person": "distance within a person",
        "people": "distance between people",
    }.items():
        table.add_row(name, *(f"{value:.3f}" for value in found[key]))
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    console.print(table)
    console.print(
        f"{found['n_people']:,} people, the host with {found['host_share']:.1%} of the faces, nobody with "
        f"{found['nobody_share']:.1%}; {found['effective_dimensions']:.0f} effective dimensions; about "
        f"{found['pairs']:.2e} pairs within {EPS}"
    )


if __name__ == "__main__":
    typer.run(main)
