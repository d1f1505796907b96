"""Applying decisions to the groups of a clustering."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from castgraph.base.tables import NOISE, WHY
from castgraph.base.text import quoted, visible
from castgraph.people.corrections.anchors import NOWHERE, find_faces
from castgraph.people.corrections.decisions import KINDS, Decision, Person
from castgraph.people.places import Places

_SET_ASIDE, _NOT_A_FACE, _IGNORED = (WHY.index(word) for word in ("set_aside", "not_a_face", "ignored"))
_NO_MEMBER = {
    _SET_ASIDE: "the face is set aside by a filter of quality",
    _NOT_A_FACE: "another decision says that it is not a face",
}
_MOST_LINES = 10  # that a sentence names
_MOST_TOLD = 3  # of anything longer

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

    kind: Literal["no_face", "contradiction", "does_not_hold", "question"]
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
    groups, why = groups.astype(np.int32), why.astype(np.int8)
    problems: list[Problem] = []
    placed = _placed(decisions, places, why, problems)
    begin = int(groups.max(initial=NOISE)) + 1  # of the numbers of faces without a group

    for each in placed["not_a_face"]:
        groups[each.rows], why[each.rows] = NOISE, _NOT_A_FACE

    held = _split(placed["split"], placed["different"], begin, groups, why, problems)
    held = _merge(placed["same"], held, begin, groups, why, problems)
    different = sorted({(min(each.rows), max(each.rows)) for each in held})
    two = {frozenset(groups[list(rows)].tolist()) for rows in different}

    ignored = _ignored(placed["ignore"], groups, why, problems)
    named, shown = (
        _by_group(placed[kind], groups, why, ignored, problems) for kind in ("person", "portrait")
    )
    names, portraits = _names(named, two, problems), _portraits(shown, problems)
    gone = np.isin(groups, list(ignored))
    groups[gone], why[gone] = NOISE, _IGNORED
    different = [rows for rows in different if _IGNORED not in why[list(rows)]]
    said = {(min(each.rows), max(each.rows)) for each in placed["same"]}
    same = sorted((a, b) for a, b in said if groups[a] == groups[b] != NOISE)
    problems.sort(key=lambda each: (each.decisions, each.sentence))
    return Applied(groups, why, names, portraits, different, problems, same)


# ---- where the faces are ---------------------------------------------------------------------------------


def _placed(
    decisions: Sequence[Decision], places: Places, why: NDArray[np.int8], problems: list[Problem]
) -> dict[str, list[_Placed]]:
    """Find the faces of all decisions, by their kinds; those that have too few are told."""
    found = find_faces([anchor for each in decisions for anchor in each.anchors], places).tolist()
    rows = iter(found)
    faces = [[next(rows) for _ in each.anchors] for each in decisions]
    not_faces = {
        row for each, own in zip(decisions, faces, strict=True) if each.kind == "not_a_face" for row in own
    }
    present = set(places.broadcasts)
    placed: dict[str, list[_Placed]] = {kind: [] for kind in KINDS}
    for each, own in zip(decisions, faces, strict=True):
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
            if each.kind in ("not_a_face", "ignore") or state not in (*_NO_MEMBER, _IGNORED):
                usable.append(row)
            elif state in _NO_MEMBER:
                faults.append(f"{_NO_MEMBER[state]}, at {place}")
        usable = list(dict.fromkeys(usable))
        is_applied = len(usable) >= each.fewest
        if not faults and len(set(own)) < each.fewest:
            faults.append(f"all of it leads to one face, at {each.anchors[0]}")
        if faults:
            what = "it holds for the other faces" if is_applied else "it is left out"
            problems.append(_problem("no_face", [each], f"{_and(faults, _MOST_TOLD)}; {what}"))
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
    problems: list[Problem],
) -> list[_Placed]:
    """Take faces out of their groups into groups of their own, those of splits that share a face into one.

    Returns
    -------
    list of _Placed
        What of `different` no split contradicts.
    """
    links, held = _consistent(splits, different, lambda row: row, problems)
    for rows in _connected(links):
        groups[rows], why[rows] = begin + min(rows), 0
    return held


def _merge(
    same: Sequence[_Placed],
    different: Sequence[_Placed],
    begin: int,
    groups: NDArray[np.int32],
    why: NDArray[np.int8],
    problems: list[Problem],
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
        problems.append(_problem("does_not_hold", [each.decision], text))
    links, held = _consistent(same, [each for each in different if each not in of_one], node, problems)
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
    graph = nx.Graph()
    for nodes in links:
        nx.add_path(graph, nodes)
    for found in nx.connected_components(graph):
        yield list(found)


def _consistent(
    links: Sequence[_Placed],
    apart: Sequence[_Placed],
    node: Callable[[int], Node],
    problems: list[Problem],
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
        problems.append(_problem("contradiction", [*one, *two], text))
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
    placed: Sequence[_Placed], groups: NDArray[np.int32], why: NDArray[np.int8], problems: list[Problem]
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
            problems.append(_problem("no_face", [each.decision], text))
    return found


def _by_group(
    placed: Sequence[_Placed],
    groups: NDArray[np.int32],
    why: NDArray[np.int8],
    ignored: Collection[int],
    problems: list[Problem],
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
            problems.append(_problem("no_face", [each.decision], text))
    return found


def _names(
    placed: Mapping[int, Sequence[_Placed]], two: Collection[frozenset[int]], problems: list[Problem]
) -> dict[int, tuple[str, str]]:
    names: dict[int, tuple[str, str]] = {}
    called: dict[str, list[int]] = {}
    for group, given in placed.items():
        persons = [each.decision for each in given if isinstance(each.decision, Person)]
        name, source = min((each.name, each.source) for each in persons)
        if any(each.name != name for each in persons):
            told = [f"{quoted(each.name)} ({_lines([each])}, {each.person})" for each in persons]
            text = f"one person has several names, {_and(told, _MOST_TOLD)}; none is given"
            problems.append(_problem("contradiction", persons, text))
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
        problems.append(_problem("question", decisions, text))
    return names


def _portraits(placed: Mapping[int, Sequence[_Placed]], problems: list[Problem]) -> dict[int, int]:
    portraits = {}
    for group, given in placed.items():
        rows = {row for each in given for row in each.rows}
        if len(rows) > 1:
            decisions = [each.decision for each in given]
            text = f"one person has {len(rows)} portraits; none is taken"
            problems.append(_problem("contradiction", decisions, text))
        else:
            portraits[group] = rows.pop()
    return portraits


# ---- in words --------------------------------------------------------------------------------------------


def _problem(
    kind: Literal["no_face", "contradiction", "does_not_hold", "question"],
    decisions: Sequence[Decision],
    text: str,
) -> Problem:
    lines = tuple(sorted({each.line for each in decisions}))
    kinds = sorted({each.kind for each in decisions})
    where = f"{visible(decisions[0].file) or 'corrections'}, {_lines(decisions)}"
    return Problem(kind, f"{where} ({' and '.join(kinds)}): {text}.", lines)


def _lines(decisions: Iterable[Decision]) -> str:
    lines = sorted({each.line for each in decisions})
    if len(lines) == 1:
        return f"line {lines[0]}"
    return f"lines {_and([str(each) for each in lines], _MOST_LINES)}"


def _and(texts: Sequence[str], most: int) -> str:
    *texts, last = texts if len(texts) <= most else [*texts[:most], f"{len(texts) - most:,} more"]
    return f"{', '.join(texts)} and {last}" if texts else last
