"""Suggestions: what a look could put right, by what it would change and how likely it is.

How likely two sets of faces are one person is told by how far apart their faces are: the root mean square of
the distances between a face of the one and a face of the other. That is the distance of the two means,
corrected for what it is by chance where there are few faces, and as large as that of a pair of faces. So it
can be held against pairs of which frames tell what they are: faces in one frame are two people, the ends of a
tracklet are one; and faces of a person in different tracklets, which are one as far as the clustering is
right.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from castgraph.archive.broadcast import Broadcast
from castgraph.base import tables
from castgraph.base.tables import NOISE, WHY
from castgraph.base.text import counted
from castgraph.clustering.components import components
from castgraph.clustering.constraints import FEW_PAIRS, Pairs, in_one_frame
from castgraph.clustering.distances import squared_distances
from castgraph.people.centre import rows_by_person
from castgraph.people.places import Places

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Embeddings = NDArray[np.float32]

PRIOR = 0.1
"""How likely it is of two people who look alike and are in no frame together that they are one, and of a
person that it is two, before their faces are looked at."""

PRIOR_TWICE = 0.5
"""How likely it is that a person is two who is twice in one frame: mirrors and screens show people twice."""

MIDDLE, SLOPE = 0.52, 20.0
"""Without enough pairs: at which distance it is as likely that two faces are one person as that they are two,
and how fast that changes; of dlib's embedder, about what the sample of television gives."""

LEAST = 0.2
"""Less likely suggestions are left out."""

CLEAR = 2.0
"""How many times as likely the nearest person has to be as the next for a face of nobody."""

MOST = 1_000
"""Suggestions of each kind."""

_PAIRS = 20_000  # of each sort, to tell likely from unlikely
_SHOTS = 8  # of a person that are compared with each other for that
_FACES = 65_536  # whose embeddings are in memory at a time, but for larger people
_CELLS = 4_000_000  # distances that are in memory at a time
_SAMPLE = 512  # faces of a person among which the nearest are looked for
_ROUNDS = 20  # of 2-means
_TURNS = 8  # of the power iteration
_SURE = 1e-6  # nothing is surer than this


@dataclass(frozen=True)
class Calibration:
    """How likely faces that are so far apart are one person.

    Attributes
    ----------
    middle
        The distance at which one person and two are as likely, if both were as frequent.
    slope
        How much the logarithm of the odds falls with each unit of distance; positive.
    n_one, n_two
        Of how many pairs of one person, and of two, that was learnt; 0 where there were too few.
    """

    middle: float
    slope: float
    n_one: int
    n_two: int

    def odds(self, distance: NDArray[np.floating[Any]], prior: float) -> Floats:
        """Tell the odds of one person against two, of pairs of which a share of `prior` is one person."""
        logarithm = np.clip(self.slope * (self.middle - np.asarray(distance, np.float64)), -50, 50)
        found: Floats = np.exp(logarithm) * prior / (1 - prior)
        return found

    def facts(self) -> dict[str, float]:
        """Say it for the provenance."""
        return {name: round(float(value), 4) for name, value in vars(self).items()}

    def farthest(self, odds: float, prior: float) -> float:
        """Tell how far apart faces may be for one person to have such odds."""
        return self.middle + (math.log(prior / (1 - prior)) - math.log(odds)) / self.slope


class _Group(NamedTuple):
    """Sets of faces: people, or tracklets that are of nobody."""

    rows: list[Integers]
    means: NDArray[np.float32]  # shape (n, d)
    variances: Floats  # mean square distance from the mean
    seconds: Floats
    typical: Integers  # the row of the face of each that is nearest to the mean


def suggest(
    members: tables.Members,
    embeddings: Embeddings,
    places: Places,
    must: Pairs,
    *,
    frame_seconds: float,
    different: Collection[tuple[int, int]] = (),
    same: Collection[tuple[int, int]] = (),
    scale: float = 1.0,
    most: int = MOST,
) -> tuple[pa.Table, Calibration]:
    """Tell what a look could put right, what puts right the most first.

    Parameters
    ----------
    members
        Who each face is.
    embeddings
        Of each face, shape (n_faces, d). Those of one person at a time are copied.
    places
        Where the faces are.
    must
        Rows of two adjacent faces each that are one person; see `castgraph.clustering.constraints`.
    frame_seconds
        Seconds between two frames.
    different, same
        Rows of two faces each of which it was decided that they are two people, or one. What they answer is
        not suggested.
    scale
        What distances of dlib's embedder are multiplied by where there are too few pairs to learn from.
    most
        The most suggestions of a kind.

    Returns
    -------
    table : Table
        Of the schema `castgraph.base.tables.SUGGESTIONS`.
    calibration : Calibration
        What the probabilities rest on.

    Notes
    -----
    Probabilities are those of `PRIOR` and of what the distance says; of a face that is of nobody all people
    near it count. Pairs of people who are in one frame anywhere are not suggested as one. Time grows with the
    square of the people and with people times tracklets of nobody; memory does not.
    """
    keys = places.broadcast.astype(np.int64) << 32 | places.frame
    tracklet = _tracklets(must, len(places))
    known = np.flatnonzero(members.person != NOISE)
    together = known[in_one_frame(keys[known])]
    together = together[tracklet[together[:, 0]] != tracklet[together[:, 1]]]
    apart_in_time = _other_shots(members.person, tracklet)
    calibration = _calibrate(embeddings, _ends(must, tracklet), apart_in_time, together, scale)
    people = _groups(
        [rows for _, rows in rows_by_person(members.person, len(places))], embeddings, keys, frame_seconds
    )
    numbers = np.unique(members.person[known])
    number = np.full(len(members.ids) + 1, NOISE, np.int64)
    number[numbers] = np.arange(len(numbers))
    person = number[members.person]  # the last stands for nobody
    ids = [members.ids[each] for each in numbers.tolist()]

    asked = _Asked(ids, person, people, keys, embeddings, places, calibration, most, frame_seconds)
    apart = np.concatenate([person[together], person[_pairs(different)]])
    twice = together[person[together[:, 0]] == person[together[:, 1]]]
    found = [
        *_one(asked, apart),
        *_two(asked, twice, _pairs(same)),
        *_of_nobody(asked, members.why == WHY.index("noise"), tracklet, _pairs(different)),
    ]
    found.sort(key=lambda row: (-row["gain"], *(row[name] for name in tables.TABLES["suggestions"].key)))
    return pa.Table.from_pylist(found, schema=tables.SUGGESTIONS), calibration


class _Asked(NamedTuple):
    """What all suggestions are made of."""

    ids: list[str]
    person: Integers  # of each face, as a place in `ids`
    people: _Group
    keys: Integers  # of each face, its frame
    embeddings: Embeddings
    places: Places
    calibration: Calibration
    most: int
    frame_seconds: float


# ---- what pairs of faces tell ----------------------------------------------------------------------------


def _calibrate(
    embeddings: Embeddings, ends: Pairs, other_shots: Pairs, together: Pairs, scale: float
) -> Calibration:
    """Learn from pairs that are one person, and from pairs in one frame, which are two.

    The ends of tracklets alone would not do: a person looks more alike within a shot than on another day.
    """
    if min(len(ends), len(together)) < FEW_PAIRS:
        return Calibration(MIDDLE * scale, SLOPE / scale, 0, 0)
    one = _distances(embeddings, np.concatenate([_some(ends), _some(other_shots)]))
    two = _distances(embeddings, _some(together))
    distance = np.concatenate([one, two])
    middle, spread = distance.mean(), distance.std() or 1.0
    from sklearn.linear_model import LogisticRegression  # takes longer to load than all the rest

    model = LogisticRegression(class_weight="balanced")
    model.fit(((distance - middle) / spread)[:, None], np.repeat([1, 0], [len(one), len(two)]))
    slope, offset = float(model.coef_[0, 0]), float(model.intercept_[0])
    if slope >= 0:  # the embeddings tell nothing
        return Calibration(MIDDLE * scale, SLOPE / scale, 0, 0)
    return Calibration(float(middle - offset / slope * spread), float(-slope / spread), len(one), len(two))


def _ends(must: Pairs, tracklet: Integers) -> Pairs:
    """Give the first and the last face of every tracklet of two faces or more."""
    rows = np.unique(must)
    order = rows[np.argsort(tracklet[rows], kind="stable")]
    begins = np.flatnonzero(np.diff(tracklet[order], prepend=-1))
    ends = np.append(begins[1:], len(order)) - 1
    return np.stack([order[begins], order[ends]], axis=1) if len(order) else np.empty((0, 2), np.int64)


def _other_shots(person: NDArray[np.int32], tracklet: Integers) -> Pairs:
    """Give pairs of faces of a person in different tracklets, a few of each person, as the clustering says.

    It is right more often than not, and a person of many faces counts no more than others.
    """
    known = np.flatnonzero(person != NOISE)
    _, first = np.unique(
        np.stack([person[known].astype(np.int64), tracklet[known]]), axis=1, return_index=True
    )
    shots = known[first]
    pairs = []
    for _, rows in rows_by_person(person[shots], len(shots)):
        n = min(len(rows), _SHOTS)
        chosen = shots[rows[np.arange(n) * len(rows) // n]]
        pairs.append(np.stack([chosen[:-1], chosen[1:]], axis=1))
    return np.concatenate([np.empty((0, 2), np.int64), *pairs])


def _some(pairs: Pairs) -> Pairs:
    """Take an even spread of at most `_PAIRS`."""
    n = min(len(pairs), _PAIRS)
    return pairs[np.arange(n) * len(pairs) // max(n, 1)]


def _distances(embeddings: Embeddings, pairs: Pairs) -> Floats:
    return np.sqrt(squared_distances(embeddings, *pairs.T.astype(np.int32)))


def _tracklets(must: Pairs, n_faces: int) -> Integers:
    """Give the number of the tracklet of each face; one that is linked to none has its own."""
    return components(n_faces, must).astype(np.int64)


def _pairs(rows: Collection[tuple[int, int]]) -> Pairs:
    return np.array(sorted(rows), np.int64).reshape(-1, 2)


def _groups(rows: list[Integers], embeddings: Embeddings, keys: Integers, frame_seconds: float) -> _Group:
    """Take the mean of sets of faces; of as many at a time as have some thousand faces."""
    n, size = len(rows), np.array([len(each) for each in rows], np.int64)
    means = np.empty((n, embeddings.shape[1]), np.float32)
    variances, seconds = np.empty((2, n))
    typical = np.empty(n, np.int64)
    ends = np.cumsum(size)
    begin = 0
    while begin < n:
        end = max(begin + 1, int(np.searchsorted(ends, ends[begin] + _FACES)))
        part = slice(begin, end)
        chosen = np.concatenate(rows[part])
        points = embeddings[chosen]
        starts = np.cumsum(size[part]) - size[part]
        mean = np.add.reduceat(points, starts, axis=0, dtype=np.float64) / size[part, None]
        means[part] = mean
        of = np.repeat(np.arange(end - begin), size[part])
        points -= means[part][of]
        square = np.einsum("ij,ij->i", points, points)
        variances[part] = np.add.reduceat(square, starts, dtype=np.float64) / size[part]
        typical[part] = chosen[np.lexsort((square, of))[starts]]
        by_frame = keys[chosen][np.lexsort((keys[chosen], of))]
        new = np.append(True, (np.diff(by_frame) != 0)) | (np.diff(of, prepend=-1) != 0)
        seconds[part] = np.add.reduceat(new.astype(np.int64), starts) * frame_seconds
        begin = end
    return _Group(rows, means, variances, seconds, typical)


def _nearest_to(points: Embeddings, mean: Floats) -> int:
    return int(((points - mean.astype(np.float32)) ** 2).sum(axis=1).argmin())


def _mean(points: Embeddings) -> tuple[Floats, float]:
    """Give the mean of points, and the mean square of their distance from it."""
    mean = points.mean(axis=0, dtype=np.float64)
    square = np.einsum("ij,ij->", points, points, dtype=np.float64) / len(points)
    return mean, max(0.0, float(square - mean @ mean))


def _apart(a: _Group, rows: slice, b: _Group) -> NDArray[np.float32]:
    """Tell how far the faces of some groups are from those of others: root mean square."""
    means = a.means[rows]
    squares = means @ b.means.T
    squares *= -2
    squares += ((means**2).sum(axis=1) + a.variances[rows])[:, None].astype(np.float32)
    squares += ((b.means**2).sum(axis=1) + b.variances).astype(np.float32)
    np.maximum(squares, 0, out=squares)
    found: NDArray[np.float32] = np.sqrt(squares, out=squares)
    return found


def _blocks(n_rows: int, n_columns: int) -> Iterator[slice]:
    step = max(1, _CELLS // max(1, n_columns))
    return (slice(begin, min(begin + step, n_rows)) for begin in range(0, n_rows, step))


# ---- who is probably one ---------------------------------------------------------------------------------


def _one(asked: _Asked, apart: Pairs) -> list[dict[str, Any]]:
    """Suggest people who are probably one; `apart` are people who are not."""
    people, n = asked.people, len(asked.ids)
    barred = _codes(apart, n)
    limit = asked.calibration.farthest(LEAST / (1 - LEAST), PRIOR)
    found = np.empty((0, 2))
    pairs = np.empty((0, 2), np.int64)
    for block in _blocks(n, n):
        distance = _apart(people, block, people)
        a, b = np.nonzero(distance <= limit)
        distances = distance[a, b]
        a = a + block.start
        kept = a < b
        kept[kept] = ~np.isin(a[kept] * n + b[kept], barred)
        new = np.stack([a, b], axis=1)[kept]
        gain = _sure(asked.calibration.odds(distances[kept], PRIOR)) * people.seconds[new].min(axis=1)
        pairs = np.concatenate([pairs, new])
        found = np.concatenate([found, np.stack([gain, distances[kept]], axis=1)])
        best = np.lexsort((pairs[:, 1], pairs[:, 0], -found[:, 0]))[: asked.most]
        pairs, found = pairs[best], found[best]
    seen = _Seen(asked)
    rows = []
    for pair, (_, apart_by) in zip(pairs.tolist(), found.tolist(), strict=True):
        # The one with more of it on the screen keeps its ID when they are merged.
        one, other = sorted(pair, key=lambda each: (-people.seconds[each], asked.ids[each]))
        faces = people.typical[[one, other]].tolist()
        probability = float(_sure(asked.calibration.odds(np.array(apart_by), PRIOR)))
        told = probability, float(people.seconds[other]), apart_by, seen.reason(one, other, apart_by)
        rows.append(_row(asked, "same", one, asked.ids[other], faces, *told))
    return rows


def _codes(pairs: Pairs, n: int) -> Integers:
    """Give each pair of people that are known a number, in either order."""
    known = pairs[(pairs != NOISE).all(axis=1)]
    return np.unique(np.concatenate([known[:, 0] * n + known[:, 1], known[:, 1] * n + known[:, 0]]))


class _Seen:
    """What else speaks for two people being one."""

    def __init__(self, asked: _Asked) -> None:
        self.asked = asked
        self.some: dict[int, Embeddings] = {}
        self.shows = [Broadcast.parse(name).title for name in asked.places.broadcasts]

    def reason(self, a: int, b: int, distance: float) -> str:
        """Tell in words."""
        nearest = math.sqrt(max(0.0, _nearest(self._sample(a), self._sample(b))))
        broadcasts = [set(self._broadcasts(each)) for each in (a, b)]
        both = len(broadcasts[0] & broadcasts[1])
        shows = [{self.shows[each] for each in each_of} - {""} for each_of in broadcasts]
        where = f"both in {counted(both, 'broadcast')}" if both else "in no broadcast together"
        if not both and shows[0] & shows[1]:
            where = f"both in {sorted(shows[0] & shows[1])[0].replace('_', ' ')}, in no broadcast together"
        return f"faces {distance:.2f} apart, the nearest {nearest:.2f}; never in one frame; {where}"

    def _broadcasts(self, person: int) -> list[int]:
        found: list[int] = np.unique(self.asked.places.broadcast[self.asked.people.rows[person]]).tolist()
        return found

    def _sample(self, person: int) -> Embeddings:
        if person not in self.some:
            rows = self.asked.people.rows[person]
            n = min(len(rows), _SAMPLE)
            self.some[person] = self.asked.embeddings[rows[np.arange(n) * len(rows) // n]]
        return self.some[person]


def _nearest(a: Embeddings, b: Embeddings) -> float:
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    return float(squares.min())


# ---- who is probably two ---------------------------------------------------------------------------------


def _two(asked: _Asked, twice: Pairs, same: Pairs) -> list[dict[str, Any]]:
    """Suggest people who are probably two; of `twice` both faces are of one person, in one frame."""
    of_person = _by_person(asked, twice)
    decided = _by_person(asked, same)
    found = []
    for person, rows in enumerate(asked.people.rows):
        points = np.asarray(asked.embeddings[rows])
        pairs, held = (
            np.searchsorted(rows, part.get(person, np.empty((0, 2), np.int64)))
            for part in (of_person, decided)
        )
        split = max(_splits(asked, rows, points, pairs), key=lambda each: each.gain, default=None)
        if split is None or split.probability < LEAST:
            continue
        if (split.side[held[:, 0]] != split.side[held[:, 1]]).any():
            continue  # it was decided that they are one
        faces = [
            int(rows[side][_nearest_to(points[side], points[side].mean(axis=0, dtype=np.float64))])
            for side in (split.side, ~split.side)
        ]
        found.append(_row(asked, "split", person, "", faces, *split[1:]))
    return sorted(found, key=lambda row: (-row["gain"], row["person_id"]))[: asked.most]


class _Split(NamedTuple):
    """A person in two: which faces are the smaller part, and what the table tells of it."""

    side: NDArray[np.bool_]
    probability: float
    seconds: float
    distance: float
    reason: str

    @property
    def gain(self) -> float:
        return self.probability * self.seconds


def _by_person(asked: _Asked, pairs: Pairs) -> dict[int, Pairs]:
    """Sort pairs of faces of one person by the person."""
    person = asked.person[pairs]
    pairs = pairs[(person[:, 0] == person[:, 1]) & (person[:, 0] != NOISE)]
    person = asked.person[pairs[:, 0]]
    order = np.argsort(person, kind="stable")
    numbers, begins = np.unique(person[order], return_index=True)
    parts = np.split(pairs[order], begins[1:]) if len(pairs) else []
    return dict(zip(numbers.tolist(), parts, strict=True))


def _splits(asked: _Asked, rows: Integers, points: Embeddings, twice: Pairs) -> Iterator[_Split]:
    """Split a person in two: along the longest axis, and by the two faces in one frame that differ most."""
    if len(points) < 2:
        return
    mean, _ = _mean(points)
    about = points - mean.astype(np.float32)
    begins = [about @ _longest_axis(about)]
    if len(twice):
        a, b = twice[np.argmax(((points[twice[:, 0]] - points[twice[:, 1]]) ** 2).sum(axis=1))]
        begins.append((about - (about[a] + about[b]) / 2) @ (about[b] - about[a]))
    for begin in begins:
        side = _two_means(about, begin > 0)
        if side.all() or not side.any():
            continue
        if side.sum() * 2 > len(side):
            side = ~side  # the smaller part
        (large, spread), (small, small_spread) = _mean(points[~side]), _mean(points[side])
        distance = math.sqrt(((large - small) ** 2).sum() + spread + small_spread)
        share = side.mean()
        parted = int((side[twice[:, 0]] != side[twice[:, 1]]).sum())
        by_chance = 2 * share * (1 - share) * len(twice)
        prior = PRIOR_TWICE if parted > by_chance else PRIOR
        probability = float(_sure(1 / asked.calibration.odds(np.array(distance), 1 - prior)))
        seconds = len(np.unique(asked.keys[rows[side]])) * asked.frame_seconds
        within = math.sqrt(2 * (share * small_spread + (1 - share) * spread))
        reason = f"two groups of faces, {distance:.2f} apart, within each {within:.2f}"
        if parted:
            reason += f"; both in one frame {parted:,} times"
        yield _Split(side, probability, seconds, distance, reason)


def parted(points: Embeddings, one: int, other: int) -> NDArray[np.bool_]:
    """Part a person in two, beginning with two faces that a suggestion calls typical of the parts.

    Parameters
    ----------
    points
        The embeddings of the person, shape (n_faces, d).
    one, other
        The faces, by their places in `points`.

    Returns
    -------
    ndarray of shape (n_faces,), bool
        Which faces are in the part of `one`; that of `other` has the rest.

    Examples
    --------
    >>> parted(np.array([[0.0], [0.1], [0.2], [1.0], [1.1]], np.float32), 4, 0).tolist()
    [False, False, False, True, True]
    """
    about = points - points.mean(axis=0)
    begin: NDArray[np.bool_] = (
        about @ (about[one] - about[other]) > (about[one] @ about[one] - about[other] @ about[other]) / 2
    )
    found = _two_means(about, begin)
    # Of faces that cannot be told apart it is as good a guess as any.
    return found if found[one] and not found[other] else begin


def _longest_axis(about: Embeddings) -> NDArray[np.float32]:
    """Find about the axis along which points are spread most around 0: 2-means does the rest."""
    axis: NDArray[np.float32] = about[(about**2).sum(axis=1).argmax()]
    for _ in range(_TURNS):
        axis = about.T @ (about @ axis)
        axis = axis / (np.linalg.norm(axis) or 1)
    return axis


def _two_means(points: Embeddings, side: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Move points to the nearer of two means until none moves."""
    for _ in range(_ROUNDS):
        if side.all() or not side.any():
            break
        a, b = points[~side].mean(axis=0), points[side].mean(axis=0)
        moved = points @ (b - a) > (b @ b - a @ a) / 2
        if (moved == side).all():
            break
        side = moved
    return side


# ---- whose the faces of nobody are -----------------------------------------------------------------------


def _of_nobody(
    asked: _Asked, noise: NDArray[np.bool_], tracklet: Integers, different: Pairs
) -> list[dict[str, Any]]:
    """Suggest tracklets of nobody to the people they are probably of."""
    rows = np.flatnonzero(noise)
    if not len(rows) or not asked.ids:
        return []
    _, unit = np.unique(tracklet[rows], return_inverse=True)
    order = np.argsort(unit, kind="stable")
    starts = np.flatnonzero(np.diff(unit[order], prepend=-1))
    loose = _groups(np.split(rows[order], starts[1:]), asked.embeddings, asked.keys, asked.frame_seconds)
    unit_of = np.full(len(noise), NOISE, np.int64)
    unit_of[rows] = unit
    barred = _barred(asked, rows, unit, unit_of, different)
    n = len(asked.ids)
    limit = asked.calibration.farthest(LEAST / (1 - LEAST), PRIOR)
    found: list[tuple[float, int, int, float, float, float]] = []
    for block in _blocks(len(loose.rows), n):
        distance = _apart(loose, block, asked.people)
        inside = barred[(barred >= block.start * n) & (barred < block.stop * n)] - block.start * n
        distance.ravel()[inside] = np.inf
        best = distance.argmin(axis=1)
        near = distance[np.arange(len(best)), best]
        close = np.flatnonzero(near <= limit)
        best, near, distance = best[close], near[close], distance[close]
        total = asked.calibration.odds(distance, PRIOR).sum(axis=1)
        probability = _limited(asked.calibration.odds(near, PRIOR) / (1 + total))
        distance[np.arange(len(best)), best] = np.inf
        next_best = distance.min(axis=1)
        clear = asked.calibration.odds(near, PRIOR) >= CLEAR * asked.calibration.odds(next_best, PRIOR)
        for place in np.flatnonzero((probability >= LEAST) & clear).tolist():
            whose = block.start + int(close[place])
            values = float(probability[place]), float(near[place]), float(next_best[place])
            found.append((-values[0] * loose.seconds[whose], whose, int(best[place]), *values))
        found = sorted(found)[: asked.most]
    suggested = []
    for _, whose, person, likely, apart, next_one in found:
        reason = f"{counted(len(loose.rows[whose]), 'face')} {apart:.2f} from the person's"
        if np.isfinite(next_one):
            reason += f", the next person {next_one:.2f}"
        faces = [int(loose.typical[whose]), int(asked.people.typical[person])]
        told = likely, float(loose.seconds[whose]), apart, reason
        suggested.append(_row(asked, "member", person, "", faces, *told))
    return suggested


def _barred(asked: _Asked, rows: Integers, unit: Integers, unit_of: Integers, different: Pairs) -> Integers:
    """Give each tracklet and person that are not one a number: in one frame, or so decided."""
    n = len(asked.ids)
    known = np.flatnonzero(asked.person != NOISE)
    known = known[np.argsort(asked.keys[known], kind="stable")]
    keys = asked.keys[known]
    begin, end = (np.searchsorted(keys, asked.keys[rows], side) for side in ("left", "right"))
    count = end - begin
    place = np.repeat(begin - np.cumsum(count) + count, count) + np.arange(count.sum())
    codes = np.repeat(unit, count) * n + asked.person[known[place]]
    both = np.concatenate([different, different[:, ::-1]])
    both = both[(unit_of[both[:, 0]] != NOISE) & (asked.person[both[:, 1]] != NOISE)]
    return np.unique(np.concatenate([codes, unit_of[both[:, 0]] * n + asked.person[both[:, 1]]]))


# ---- rows ------------------------------------------------------------------------------------------------


def _sure(odds: Floats) -> Floats:
    """Make probabilities of odds."""
    return _limited(odds / (1 + odds))


def _limited(probability: Floats) -> Floats:
    found: Floats = np.clip(probability, _SURE, 1 - _SURE)
    return found


def _row(
    asked: _Asked,
    kind: str,
    person: int,
    other_id: str,
    faces: Sequence[int],
    probability: float,
    seconds: float,
    distance: float,
    reason: str,
) -> dict[str, Any]:
    """Make a row of the table; `faces` are the rows of a typical face of each of the two."""
    places = asked.places

    def key(row: int, prefix: str = "") -> dict[str, Any]:
        return {
            f"{prefix}broadcast": places.broadcasts[places.broadcast[row]],
            f"{prefix}face": int(places.face[row]),
            f"{prefix}frame": int(places.frame[row]),
        }

    return {
        "kind": kind,
        "person_id": asked.ids[person],
        "other_id": other_id,
        "probability": probability,
        "seconds": seconds,
        "gain": probability * seconds,
        "distance": distance,
        "reason": reason,
        **key(faces[0]),
        **key(faces[1], "other_"),
    }
