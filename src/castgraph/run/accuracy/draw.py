"""Drawing a sample of a run: by chance, fixed by a seed, with the chance of each piece known."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from castgraph import __version__
from castgraph.base.tables import NOISE, TableError
from castgraph.people.table import broadcast_codes
from castgraph.run.accuracy.population import Face, Population
from castgraph.run.accuracy.questions import KINDS

OTHERS = 4
"""Faces that are compared with one of the same person."""

REFERENCES = 3
"""Faces by which a person is shown, the best one first."""

CANDIDATES = 3
"""People that a face of nobody is compared with."""

_NEAR = 2 / 3
"""Share of the pairs of people in which one is the nearest to the other."""

_PAIR_MARKS = ("A", "B")

Ints = NDArray[np.int64]


class Shown(NamedTuple):
    """A frame that is shown whole, and the boxes on it, each with what stands beside it."""

    broadcast: str
    frame: int
    boxes: tuple[tuple[Face, str], ...]


@dataclass(frozen=True)
class Item:
    """A piece of the sample.

    Attributes
    ----------
    id
        Its name within the sample, such as ``face-007``.
    kind
        One of `castgraph.run.accuracy.questions.KINDS`.
    facts
        What the estimates need to know of it, and how many answers there are.
    people
        The people of which it is.
    shown
        The frames that are shown whole.
    strips
        The faces that are shown side by side.
    """

    id: str
    kind: str
    facts: Mapping[str, float]
    people: tuple[int, ...] = ()
    shown: tuple[Shown, ...] = ()
    strips: tuple[tuple[Face, ...], ...] = ()

    def written(self) -> dict[str, Any]:
        """Give what ``sample.json`` says of it."""
        places = [[shown.broadcast, shown.frame] for shown in self.shown]
        faces = [[[face.broadcast, face.face] for face in strip] for strip in self.strips]
        told = {"people": list(self.people), "frames": places, "faces": faces}
        return {"id": self.id, "kind": self.kind, **self.facts} | {k: v for k, v in told.items() if v}


@dataclass(frozen=True)
class Sample:
    """A sample of a run.

    Attributes
    ----------
    facts
        What is written into ``sample.json``: of what it was drawn, how, and each piece.
    items
        The pieces, a kind after the other, within a kind in random order: whoever judges only the first ones
        judges a random sample, too.
    names
        What the people are called.
    """

    facts: dict[str, Any]
    items: list[Item] = field(default_factory=list)
    names: Sequence[str] = ()


def systematic(strata: NDArray[Any], size: int, random: np.random.Generator) -> Ints:
    """Draw with equal chances, from each stratum in proportion to its size.

    The elements are put in order of their strata, at random within each, and every (n / size)-th is taken
    from a random place on (randomised systematic sampling). So each has the chance size / n, and of each
    stratum there are as many as is its due, to within one.

    Parameters
    ----------
    strata
        The stratum of each element; shape (n,).
    size
        How many to draw; all are, when there are no more.

    Returns
    -------
    ndarray of int64, shape (min(size, n),)
        Places of elements, in random order.

    References
    ----------
    L. Kish, "Survey Sampling", Wiley, 1965, chapters 3 and 4.

    Examples
    --------
    >>> strata = np.array(["a"] * 50 + ["b"] * 30 + ["c"] * 20)
    >>> places = systematic(strata, 10, np.random.default_rng(1))
    >>> "".join(sorted(strata[places]))
    'aaaaabbbcc'
    """
    n = len(strata)
    size = min(size, n)
    if size <= 0:
        return np.empty(0, np.int64)
    order = np.lexsort((random.random(n), strata))
    # The last place may reach n by rounding.
    places = np.minimum(((np.arange(size) + random.random()) * (n / size)).astype(np.int64), n - 1)
    return random.permutation(order[places])


def draw(population: Population, sizes: Mapping[str, int], seed: int) -> Sample:
    """Draw a sample of a run.

    Parameters
    ----------
    population
        What to draw from.
    sizes
        Kind → how many pieces; those that are missing have their default. All are taken where there are no
        more.
    seed
        Fixes what is drawn. Each kind has random numbers of its own, so the size of one changes no other.

    Returns
    -------
    Sample

    Raises
    ------
    ValueError
        When a size or the seed is negative, a kind is none, or there is nothing to draw.
    """
    wanted = {kind: sizes.get(kind, KINDS[kind].default) for kind in KINDS}
    if unknown := set(sizes) - set(KINDS):
        raise ValueError(f"{sorted(unknown)} are no kinds of questions; they are {', '.join(KINDS)}")
    for name, value in [*wanted.items(), ("seed", seed)]:
        if value < 0:
            raise ValueError(f"{name}: {value} is not allowed; it must be 0 or more")
    items: list[Item] = []
    universe: dict[str, Any] = {"frames_unread": population.n_unread}
    for number, (kind, of_kind) in enumerate(_DRAWING.items()):
        found, numbers = of_kind(population, wanted[kind], np.random.default_rng([seed, number]))
        universe |= numbers
        width = max(2, len(str(len(found))))
        items += [
            Item(f"{kind}-{n:0{width}d}", kind, item.facts, item.people, item.shown, item.strips)
            for n, item in enumerate(found, start=1)
        ]
    if not items:
        raise ValueError("there is nothing to draw: no frame that was read, or all sizes are 0")
    facts = {
        "castgraph": __version__,
        "run": population.run,
        "clustering": population.clustering,
        "digest": population.digest,
        "seed": seed,
        "sizes": wanted,
        "population": universe,
        "people": dict(sorted({p: population.names[p] for item in items for p in item.people}.items())),
        "items": [item.written() for item in items],
    }
    text = json.dumps(facts, sort_keys=True, ensure_ascii=False)
    # A letter first: a spreadsheet would take some of the others for numbers, such as 12e45678.
    name = f"s{hashlib.blake2b(text.encode(), digest_size=4).hexdigest()}"
    return Sample({"sample": name, **facts}, items, population.names)


# ---- a function a kind: the pieces, and of how many they were drawn ---------------------------------------

_Drawn = tuple[list[Item], dict[str, int]]


def _frames(population: Population, size: int, random: np.random.Generator) -> _Drawn:
    """Draw frames; strata are the broadcasts."""
    strata, names = broadcast_codes(population.frames)
    frames = population.frames["frame"].to_numpy()
    code = {name: number for number, name in enumerate(population.broadcasts[1])}
    items = []
    for n in systematic(strata, size, random):
        broadcast, frame = names[strata[n]], int(frames[n])
        key = code.get(broadcast, -1) << 32 | frame  # of a broadcast without faces there is none
        begin, end = np.searchsorted(population.keys, [key, key + 1])
        rows = [row for row in range(begin, end) if population.counts[row]]
        boxes = tuple((population.face(row), str(number)) for number, row in enumerate(rows, start=1))
        items.append(Item("", "frame", {"boxes": len(boxes)}, shown=(Shown(broadcast, frame, boxes),)))
    return items, {"frames": len(frames)}


def _faces(population: Population, size: int, random: np.random.Generator) -> _Drawn:
    """Draw faces of people of several: of one alone there is nothing to compare. Strata are the people."""
    labels = population.labels
    rows = np.flatnonzero(labels != NOISE)
    n_faces = len(rows)
    rows = rows[population.sizes[labels[rows]] > 1]
    drawn = rows[systematic(labels[rows], size, random)]
    items = [_compared(population, "face", int(row), random) for row in drawn]
    return items, {"faces": n_faces, "faces_alone": n_faces - len(rows)}


def _people(population: Population, size: int, random: np.random.Generator) -> _Drawn:
    """Draw people of several faces, and a face of each; strata are their sizes."""
    people = np.flatnonzero(population.sizes > 1)
    drawn = people[systematic(np.log2(population.sizes[people]).astype(int), size, random)]
    rows = [random.choice(population.rows_of(person)) for person in drawn]
    items = [_compared(population, "person", int(row), random) for row in rows]
    return items, {"people": len(population.sizes), "people_alone": len(population.sizes) - len(people)}


def _compared(population: Population, kind: str, row: int, random: np.random.Generator) -> Item:
    """Put others of the same person beside a face."""
    person = int(population.labels[row])
    rows = population.rows_of(person)
    others = _some(rows[rows != row], OTHERS, random)
    strip = tuple(population.face(each) for each in (row, *others))
    return Item("", kind, {"others": len(others), "n_faces": len(rows)}, (person,), strips=(strip,))


def _some(rows: Ints, many: int, random: np.random.Generator) -> list[int]:
    found: list[int] = random.choice(rows, min(many, len(rows)), replace=False).tolist()
    return found


def _references(
    population: Population, person: int, random: np.random.Generator, without: frozenset[int] = frozenset()
) -> tuple[Face, ...]:
    """Show a person by the best face and others; of some frames only where there is nothing else."""
    rows = population.rows_of(person)
    best = int(population.best[person])
    elsewhere = ~np.isin(population.keys[rows], list(without))
    rows = rows[elsewhere] if elsewhere.any() else rows
    first = [best] if best in rows else []
    others = _some(rows[rows != best], REFERENCES - len(first), random)
    return tuple(population.face(row) for row in (*first, *others))


def _pairs(population: Population, size: int, random: np.random.Generator) -> _Drawn:
    """Draw pairs of people, in two strata of the ordered pairs: the one and the nearest to it; all others."""
    many = len(population.sizes)
    numbers = {"pairs_near": many if many > 1 else 0, "pairs_far": many * max(many - 2, 0)}
    n_near = min(round(size * _NEAR), numbers["pairs_near"])
    n_far = min(size - n_near, numbers["pairs_far"])
    weights: dict[tuple[int, int], dict[str, float]] = {}

    def add(one: int, other: int, *, near: int, weight: float) -> None:
        found = weights.setdefault((min(one, other), max(one, other)), {"near": 0, "weight": 0.0})
        found["near"] += near
        found["weight"] += weight

    nearest: dict[int, int] = {}

    def nearest_to(people: Sequence[int]) -> None:
        asked = [person for person in dict.fromkeys(people) if person not in nearest]
        for person, (one, two) in zip(asked, population.nearest(population.middles[asked], 2), strict=True):
            nearest[person] = int(two if one == person else one)

    if n_near:
        people = systematic(np.log2(population.sizes).astype(int), n_near, random).tolist()
        nearest_to(people)
        for person in people:
            add(person, nearest[person], near=1, weight=numbers["pairs_near"] / n_near)
    if n_far:
        codes = random.choice(numbers["pairs_far"], n_far, replace=False)
        firsts, places = (codes // (many - 2)).tolist(), (codes % (many - 2)).tolist()
        nearest_to(firsts)
        for one, place in zip(firsts, places, strict=True):
            other = place
            for left_out in sorted((one, nearest[one])):
                other += other >= left_out
            add(one, other, near=0, weight=numbers["pairs_far"] / n_far)
    items = [
        Item(
            "", "pair", facts, pair, strips=tuple(_references(population, person, random) for person in pair)
        )
        for pair, facts in weights.items()
    ]
    return [items[n] for n in random.permutation(len(items))], numbers


def _noise(population: Population, size: int, random: np.random.Generator) -> _Drawn:
    """Draw faces that count and have no person; strata are the broadcasts."""
    rows = np.flatnonzero((population.labels == NOISE) & population.counts)
    numbers = {"noise": len(rows), "set_aside": int((~population.counts).sum())}
    if not len(population.sizes):
        return [], numbers
    items = []
    for row in rows[systematic(population.broadcasts[0][rows], size, random)].tolist():
        [people] = population.nearest(
            np.asarray(population.embeddings[[row]], np.float64), CANDIDATES
        ).tolist()
        face = population.face(row)
        strips = ((face,), *(_references(population, person, random) for person in people))
        shown = Shown(face.broadcast, face.frame, ((face, UNKNOWN),))
        items.append(Item("", "noise", {}, tuple(people), (shown,), strips))
    return items, numbers


UNKNOWN = "?"
"""What stands beside the box of a face of nobody."""


def _edges(population: Population, size: int, random: np.random.Generator) -> _Drawn:
    """Draw edges, and a frame of each; strata are whether one frame shows both, and the weight."""
    edges = population.edges
    same, weight = edges["same_frame"].to_numpy(), edges["weight"].to_numpy()
    strata = np.where(same > 0, 1000, 0) + np.log2(np.maximum(weight, 2.0**-100)).round().astype(int)
    items = []
    for n in systematic(strata, size, random):
        one, other = sorted((edges["source"][n].as_py(), edges["target"][n].as_py()))
        pair = one, other
        if not 0 <= one < other:
            raise TableError(f"edges.parquet of {population.clustering} is of other people; run again")
        ours, theirs = (np.unique(population.keys[population.rows_of(person)]) for person in pair)
        meetings = np.intersect1d(ours, theirs)
        is_same = len(meetings) > 0
        if not is_same:
            meetings = np.union1d(np.intersect1d(ours, theirs + 1), np.intersect1d(ours + 1, theirs))
        if not len(meetings) or is_same != bool(same[n]):
            raise TableError(f"edges.parquet of {population.clustering} is of other people; run again")
        frame = int(random.choice(meetings))
        frames = [frame] if is_same else [frame - 1, frame]
        shown = tuple(_shown(population, key, pair) for key in frames)
        strips = tuple(_references(population, person, random, frozenset(frames)) for person in pair)
        items.append(Item("", "edge", {"same_frame": int(is_same)}, pair, shown, strips))
    return items, {"edges": len(edges)}


def _shown(population: Population, key: int, pair: tuple[int, int]) -> Shown:
    """Show a frame with the boxes of two people."""
    begin, end = np.searchsorted(population.keys, [key, key + 1])
    marked = [
        (population.face(row), _PAIR_MARKS[pair.index(label)])
        for row, label in enumerate(population.labels[begin:end].tolist(), start=begin)
        if label in pair
    ]
    code, frame = key >> 32, key & 0xFFFFFFFF
    return Shown(population.broadcasts[1][code], frame, tuple(marked))


_DRAWING = {
    "frame": _frames,
    "face": _faces,
    "person": _people,
    "pair": _pairs,
    "noise": _noise,
    "edge": _edges,
}
