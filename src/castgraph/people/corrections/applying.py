"""Applying decisions to the groups of a clustering."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from castgraph.base.tables import NOISE, WHY
from castgraph.base.text import quoted, visible
from castgraph.people.corrections.anchors import NOWHERE, find_faces
from castgraph.people.corrections.decisions import KINDS, Decision, Person
from castgraph.people.places import Places

_SET_ASIDE, _NOT_A_FACE, _IGNORED, _FORGOTTEN = map(
    WHY.index, ("set_aside", "not_a_face", "ignored", "forgotten")
)
_NO_MEMBER = {
    _SET_ASIDE: "the face is set aside by a filter of quality",
    _NOT_A_FACE: "another decision says that it is not a face",
    _FORGOTTEN: "the face is forgotten",
}
_MOST_LINES = 10  # that a sentence names
_MOST_TOLD = 3  # of anything longer

Word = Literal["no_face", "contradiction", "does_not_hold", "question"]
"""The kinds of problems; `Problem` tells what each means."""

Node = int
"""A group; of a face that has none the number of its row, behind all groups."""


@dataclass(frozen=True)
class Problem:
    """Why decisions were not applied, or what they leave open.

    Attributes
    ----------
    kind
        ``no_face``: there is no face where it says, or none that can be in a person; ``contradiction``: with
        another decision; ``does_not_hold``: with the clustering; ``question``: they are applied, and one more
        is to be made.
    sentence
        The same in words, with the file and the lines.
    decisions
        Their lines in the file.
    """

    kind: Word
    sentence: str
    decisions: tuple[int, ...]


class Applied(NamedTuple):
    """The groups of a clustering after decisions.

    Attributes
    ----------
    groups
        The group of each face, `NOISE` for none; the numbers need not be dense. Shape (n_faces,), int32.
    why
        Why it has none, as an index into `castgraph.base.tables.WHY`; shape (n_faces,), int8.
    names
        Group → its name, and where the name is known from.
    portraits
        Group → the row of the face that is its portrait.
    different
        Rows of two faces each that are of two people, neither of whom is ignored; sorted.
    problems
        What was not applied, in the order of the file.
    same
        Rows of two faces each of which it was decided that they are one person, and so they are; sorted.
    """

    groups: NDArray[np.int32]
    why: NDArray[np.int8]
    names: dict[int, tuple[str, str]]
    portraits: dict[int, int]
    different: list[tuple[int, int]]
    problems: list[Problem]
    same: list[tuple[int, int]]


class _Told(NamedTuple):
    """A problem before it is put into a sentence."""

    kind: Word
    decisions: Sequence[Decision]
    text: str


class _Placed(NamedTuple):
    """A decision, and the rows of the faces that it is about."""

    decision: Decision
    rows: list[int]


def apply(
    decisions: Sequence[Decision], places: Places, groups: NDArray[np.int32], why: NDArray[np.int8]
) -> Applied:
    """Apply decisions to the groups of a clustering.

    Parameters
    ----------
    decisions
        What was decided, in any order.
    places
        Where the faces are.
    groups
        The group of each face as the algorithm has it, `NOISE` for none; shape (n_faces,).
    why
        Why it has none, as an index into `castgraph.base.tables.WHY`; shape (n_faces,).

    Returns
    -------
    Applied

    Raises
    ------
    ValueError
        When there are not as many groups as faces.

    Notes
    -----
    The kinds follow each other as in `castgraph.people.corrections.KINDS`; within a kind the order does not
    matter, and to apply the same decisions to what came out changes nothing. What contradicts is left out on
    both sides: of ``same`` and ``different`` every ``same`` without which the two would not be one person.

    Examples
    --------
    >>> day = ["NTV_20220519_083000"]
    >>> frame = np.arange(1, 5, dtype=np.int32)
    >>> boxes = np.tile(np.array([[10], [60], [60], [10]], np.int32), 4)
    >>> places = Places(day, np.zeros(4, np.int32), frame - 1, frame, boxes)
    >>> there = [{"broadcast": day[0], "frame": n, "at": (35, 35)} for n in frame.tolist()]
    >>> same = KINDS["same"].model_validate({"same": [there[0], there[2]]})
    >>> name = KINDS["person"].model_validate({"person": there[3], "name": "Ann", "source": "caption"})
    >>> found = apply([same, name], places, np.array([0, 0, 1, 1], np.int32), np.zeros(4, np.int8))
    >>> found.groups.tolist(), found.names
    ([0, 0, 0, 0], {0: ('Ann', 'caption')})
    """
    if not len(places) == len(groups) == len(why):
        raise ValueError(f"{len(groups)} groups and {len(why)} reasons do not fit {len(places)} faces")
    found = iter(find_faces([anchor for each in decisions for anchor in each.anchors], places).tolist())
    faces = [[next(found) for _ in each.anchors] for each in decisions]
    present = set(places.broadcasts)
    groups, why, told = groups.astype(np.int32), why.astype(np.int8), list[_Told]()
    applied = _applied(decisions, faces, present, groups, why, told)
    ignored = (applied.why == _IGNORED) & (why != _IGNORED)
    if ignored.any():
        # What is said of people who are left out goes with them, and so does what contradicts it.
        before, told = told, []
        groups[ignored], why[ignored] = NOISE, _IGNORED
        applied = _applied(decisions, faces, present, groups, why, told)
        of_ignored = [
            each
            for each, own in zip(decisions, faces, strict=True)
            if ignored[[n for n in own if n >= 0]].any()
        ]
        told += _still_told(before, of_ignored, told)
    problems = sorted(map(_problem, told), key=lambda each: (each.decisions, each.sentence))
    return applied._replace(problems=problems)


def _applied(
    decisions: Sequence[Decision],
    faces: Sequence[Sequence[int]],
    present: Collection[str],
    groups: NDArray[np.int32],
    why: NDArray[np.int8],
    told: list[_Told],
) -> Applied:
    """Apply decisions about the rows `faces`, without those about somebody who is ignored already."""
    groups, why = groups.copy(), why.copy()
    placed = _placed(decisions, faces, present, why, told)
    begin = int(groups.max(initial=NOISE)) + 1  # of the numbers of faces without a group
    for each in placed["not_a_face"]:
        groups[each.rows], why[each.rows] = NOISE, _NOT_A_FACE

    held = _split(placed["split"], placed["different"], begin, groups, why, told)
    held = _merge(placed["same"], held, begin, groups, why, told)
    different = sorted({(min(each.rows), max(each.rows)) for each in held})
    two = {frozenset(groups[list(rows)].tolist()) for rows in different}

    ignored = _ignored(placed["ignore"], groups, why, told)
    named, shown = (_by_group(placed[kind], groups, why, ignored, told) for kind in ("person", "portrait"))
    names, portraits = _names(named, two, told), _portraits(shown, told)
    gone = np.isin(groups, list(ignored))
    groups[gone], why[gone] = NOISE, _IGNORED
    said = {(min(each.rows), max(each.rows)) for each in placed["same"]}
    same = sorted((a, b) for a, b in said if groups[a] == groups[b] != NOISE)
    return Applied(groups, why, names, portraits, different, [], same)


def _still_told(
    before: Iterable[_Told], of_ignored: Sequence[Decision], now: Collection[_Told]
) -> Iterator[_Told]:
    """Choose what is to be told although it is about somebody who is left out; places are not."""
    about = set(map(id, of_ignored))
    for each in before:
        kinds = {decision.kind for decision in each.decisions}
        if kinds == {"ignore"} and each not in now:
            yield each
        elif "different" in kinds and len(kinds) > 1 and any(id(one) in about for one in each.decisions):
            text = (
                "they contradict each other about somebody who is left out; look whether all of that "
                "person is"
            )
            yield _Told("contradiction", each.decisions, text)


# ---- where the faces are ---------------------------------------------------------------------------------


def _placed(
    decisions: Sequence[Decision],
    faces: Sequence[Sequence[int]],
    present: Collection[str],
    why: NDArray[np.int8],
    told: list[_Told],
) -> dict[str, list[_Placed]]:
    """Sort decisions by their kinds; of those that have too few faces it is told."""
    not_faces = {
        row for each, own in zip(decisions, faces, strict=True) if each.kind == "not_a_face" for row in own
    }
    placed: dict[str, list[_Placed]] = {kind: [] for kind in KINDS}
    for each, own in zip(decisions, faces, strict=True):
        is_of_all = each.kind in ("not_a_face", "ignore")
        if not is_of_all and any(row != NOWHERE and why[row] == _IGNORED for row in own):
            continue
        faults = []
        usable: list[int] = []
        for anchor, row in zip(each.anchors, own, strict=True):
            # Who is left out is not to be found by what is said of it.
            place = "the place that it names" if each.kind == "ignore" else str(anchor)
            if row == NOWHERE:
                there = "no face" if anchor.broadcast in present else "no such broadcast in the run"
                faults.append(f"there is {there} at {place}")
                continue
            state = _NOT_A_FACE if row in not_faces else int(why[row])
            if is_of_all or state not in _NO_MEMBER:
                usable.append(row)
            else:
                faults.append(f"{_NO_MEMBER[state]}, at {place}")
        usable = list(dict.fromkeys(usable))
        is_applied = len(usable) >= each.fewest
        if not faults and len(set(own)) < each.fewest:
            faults.append(f"all of it leads to one face, at {each.anchors[0]}")
        if faults:
            what = "it holds for the other faces" if is_applied else "it is left out"
            told.append(_Told("no_face", [each], f"{_and(faults, _MOST_TOLD)}; {what}"))
        if is_applied:
            placed[each.kind].append(_Placed(each, usable))
    return placed


# ---- who is one person -----------------------------------------------------------------------------------


def _split(
    splits: Sequence[_Placed],
    different: Sequence[_Placed],
    begin: int,
    groups: NDArray[np.int32],
    why: NDArray[np.int8],
    told: list[_Told],
) -> list[_Placed]:
    """Take faces out of their groups into groups of their own, those of splits that share a face into one.

    Returns
    -------
    list of _Placed
        What of `different` no split contradicts.
    """
    links, held = _consistent(splits, different, lambda row: row, told)
    for rows in _connected(links):
        groups[rows], why[rows] = begin + min(rows), 0
    return held


def _merge(
    same: Sequence[_Placed],
    different: Sequence[_Placed],
    begin: int,
    groups: NDArray[np.int32],
    why: NDArray[np.int8],
    told: list[_Told],
) -> list[_Placed]:
    """Make one group of those that are one person.

    Returns
    -------
    list of _Placed
        What holds of `different`.
    """

    def node(row: int) -> Node:
        group = int(groups[row])
        return begin + row if group == NOISE else group

    of_one = [each for each in different if node(each.rows[0]) == node(each.rows[1])]
    for each in of_one:
        one, other = each.decision.anchors
        text = f"the clustering has the faces at {one} and {other} in one person; a split says which leave"
        told.append(_Told("does_not_hold", [each.decision], text))
    links, held = _consistent(same, [each for each in different if each not in of_one], node, told)
    merged = {number: min(nodes) for nodes in _connected(links) for number in nodes}
    for number, group in merged.items():
        if number >= begin and groups[number - begin] == NOISE:
            groups[number - begin], why[number - begin] = group, 0
    before = np.array(sorted(merged), np.int64)
    touched = np.flatnonzero(np.isin(groups, before))
    after = np.array([merged[each] for each in before.tolist()], np.int32)
    groups[touched] = after[np.searchsorted(before, groups[touched])]
    return held


def _connected(links: Iterable[Sequence[Node]]) -> Iterator[list[Node]]:
    """Put together what links in a row connect."""
    if not (links := list(links)):
        return
    import networkx as nx  # takes as long to load as all the rest

    graph = nx.Graph()
    for nodes in links:
        nx.add_path(graph, nodes)
    for found in nx.connected_components(graph):
        yield list(found)


def _consistent(
    links: Sequence[_Placed],
    apart: Sequence[_Placed],
    node: Callable[[int], Node],
    told: list[_Told],
) -> tuple[list[list[Node]], list[_Placed]]:
    """Leave out what connects two that are different, and what says that they are.

    Returns
    -------
    links : list of list of Node
        What the other links connect.
    apart : list of _Placed
        Those that nothing contradicts.
    """
    nodes = [[node(row) for row in each.rows] for each in links]
    pairs = [(node(each.rows[0]), node(each.rows[1])) for each in apart]
    links_out: set[int] = set()
    apart_out: set[int] = set()
    for joined, parted in _contradictions(nodes, pairs):
        links_out |= joined
        apart_out |= parted
        one = [links[place].decision for place in sorted(joined)]
        two = [apart[place].decision for place in sorted(parted)]
        faces = [f"{' and '.join(map(str, each.anchors))} ({_lines([each])})" for each in two]
        text = (
            f"{_and(faces, _MOST_TOLD)} are of two people by different, and of one by {one[0].kind} in "
            f"{_lines(one)}; all of this is left out"
        )
        told.append(_Told("contradiction", [*one, *two], text))
    return (
        [each for place, each in enumerate(nodes) if place not in links_out],
        [each for place, each in enumerate(apart) if place not in apart_out],
    )


def _contradictions(
    links: Sequence[Sequence[Node]], pairs: Sequence[tuple[Node, Node]]
) -> Iterator[tuple[set[int], set[int]]]:
    """Find pairs that links connect.

    Parameters
    ----------
    links
        Each connects all its nodes.
    pairs
        Two nodes each.

    Yields
    ------
    links : set of int
        Those on any path between the two of a pair, by their places. Pairs that share some come together.
    pairs : set of int
        The pairs.

    Notes
    -----
    With an edge between the two of each such pair, a link is on a path between them where it is in one
    biconnected component with that edge. Edges and links are nodes of the graph themselves.
    """
    if not (links and pairs):
        return
    import networkx as nx

    graph = nx.Graph((each, ("link", place)) for place, nodes in enumerate(links) for each in nodes)
    component = {each: n for n, found in enumerate(nx.connected_components(graph)) for each in found}
    for place, (one, other) in enumerate(pairs):
        if one in component and component[one] == component.get(other):
            nx.add_path(graph, [one, ("pair", place), other])
    for found in nx.biconnected_components(graph):
        kinds = [each for each in found if isinstance(each, tuple)]
        if parted := {place for kind, place in kinds if kind == "pair"}:
            yield {place for kind, place in kinds if kind == "link"}, parted


# ---- what is known of them -------------------------------------------------------------------------------


def _ignored(
    placed: Sequence[_Placed], groups: NDArray[np.int32], why: NDArray[np.int8], told: list[_Told]
) -> set[int]:
    """Find the groups that are left out; a face without one is left out alone."""
    found = set()
    for each in placed:
        [row] = each.rows
        if groups[row] != NOISE:
            found.add(int(groups[row]))
        elif why[row] not in (_NOT_A_FACE, _IGNORED):
            why[row] = _IGNORED
            text = "the face at the place that it names is of nobody; it alone is left out"
            told.append(_Told("no_face", [each.decision], text))
    return found


def _by_group(
    placed: Sequence[_Placed],
    groups: NDArray[np.int32],
    why: NDArray[np.int8],
    ignored: Collection[int],
    told: list[_Told],
) -> dict[int, list[_Placed]]:
    """Sort what is said of people by their groups; of those that are left out nothing is told."""
    found: dict[int, list[_Placed]] = {}
    for each in placed:
        [row] = each.rows
        group = int(groups[row])
        if group != NOISE and group not in ignored:
            found.setdefault(group, []).append(each)
        elif group == NOISE and why[row] != _IGNORED:
            text = f"the face at {each.decision.anchors[0]} is of nobody; it is left out"
            told.append(_Told("no_face", [each.decision], text))
    return found


def _names(
    placed: Mapping[int, Sequence[_Placed]], two: Collection[frozenset[int]], told: list[_Told]
) -> dict[int, tuple[str, str]]:
    names: dict[int, tuple[str, str]] = {}
    called: dict[str, list[int]] = {}
    for group, given in placed.items():
        persons = [each.decision for each in given if isinstance(each.decision, Person)]
        persons.sort(key=lambda each: each.line)
        name, source = min((each.name, each.source) for each in persons)
        if any(each.name != name for each in persons):
            given_names = [f"{quoted(each.name)} ({_lines([each])}, {each.person})" for each in persons]
            text = f"one person has several names, {_and(given_names, _MOST_TOLD)}; none is given"
            told.append(_Told("contradiction", persons, text))
        else:
            names[group] = name, source
            called.setdefault(name.casefold(), []).append(group)
    for same in called.values():
        if all(frozenset(pair) in two for pair in itertools.combinations(same, 2)):
            continue
        decisions = [each.decision for group in same for each in placed[group][:1]]
        places = _and([str(each.anchors[0]) for each in decisions], _MOST_TOLD)
        text = (
            f"{len(same)} people are called {quoted(names[same[0]][0])}, at {places}; if they are one, say "
            "same, and if not, say different"
        )
        told.append(_Told("question", decisions, text))
    return names


def _portraits(placed: Mapping[int, Sequence[_Placed]], told: list[_Told]) -> dict[int, int]:
    portraits = {}
    for group, given in placed.items():
        rows = {row for each in given for row in each.rows}
        if len(rows) > 1:
            decisions = [each.decision for each in given]
            text = f"one person has {len(rows)} portraits; none is taken"
            told.append(_Told("contradiction", decisions, text))
        else:
            portraits[group] = rows.pop()
    return portraits


# ---- in words --------------------------------------------------------------------------------------------


def _problem(told: _Told) -> Problem:
    lines = tuple(sorted({each.line for each in told.decisions}))
    kinds = sorted({each.kind for each in told.decisions})
    # Without its folder: what a table says is not to differ by where the run is.
    file = visible(Path(told.decisions[0].file).name) or "corrections"
    where = f"{file}, {_lines(told.decisions)} ({' and '.join(kinds)})"
    return Problem(told.kind, f"{where}: {told.text}.", lines)


def _lines(decisions: Iterable[Decision]) -> str:
    lines = sorted({each.line for each in decisions})
    if len(lines) == 1:
        return f"line {lines[0]}"
    return f"lines {_and([str(each) for each in lines], _MOST_LINES)}"


def _and(texts: Sequence[str], most: int) -> str:
    *texts, last = texts if len(texts) <= most else [*texts[:most], f"{len(texts) - most:,} more"]
    return f"{', '.join(texts)} and {last}" if texts else last
