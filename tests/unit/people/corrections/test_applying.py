"""Decisions are applied to groups of faces, whatever their order; what cannot be is told."""

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.decided import BROADCASTS, anchor, decision, parts, places

from castgraph.base.tables import NOISE, WHY
from castgraph.people.corrections import Anchor, Applied, Decision, apply, find_faces
from castgraph.people.places import Places

HERE = places(12)


def applied(groups: list[int], *decisions: Decision, why: dict[str, list[int]] | None = None) -> Applied:
    numbers = np.array(groups, np.int32)
    reasons = np.where(numbers == NOISE, WHY.index("noise"), 0).astype(np.int8)
    for word, rows in (why or {}).items():
        reasons[rows] = WHY.index(word)
    before = numbers.copy(), reasons.copy()
    found = apply(decisions, places(len(groups)), numbers, reasons)
    assert (numbers == before[0]).all(), "the input is as it was"
    assert (reasons == before[1]).all(), "the input is as it was"
    assert ((found.groups == NOISE) == (found.why != 0)).all(), "who has no person has a reason"
    return found


def of(kind: str, *rows: int, line: int = 0, n: int = 12, **own: Any) -> Decision:
    return decision(places(n), kind, *rows, line=line, **own)


GROUPS = [0, 0, 0, 1, 1, 1, 2, 2, 2, -1, -1, -1]


def groups(*decisions: Decision) -> set[frozenset[int]]:
    found = applied(GROUPS, *decisions)
    assert found.problems == []
    return parts(found.groups.tolist())


def sets(*rows: set[int]) -> set[frozenset[int]]:
    return {frozenset(each) for each in rows}


# ---- where a face is -------------------------------------------------------------------------------------


def find(**changed: Any) -> int:
    """Find the face that a changed anchor of the second face means; its box is 10 to 60, 100 to 150."""
    [row] = find_faces([Anchor.model_validate(anchor(HERE, 1) | changed)], HERE).tolist()
    return row


@pytest.mark.parametrize(
    ("changed", "row"),
    [
        ({}, 1),
        ({"at": (101, 11)}, 1),
        ({"at": (90, 35)}, 1),  # beside the box, nearer than to any other
        ({"at": (60, 35)}, 0),
        ({"at": (125, 84)}, 1),  # a box away from the middle
        ({"at": (125, 86)}, -1),
        ({"at": (5000, 35)}, -1),
        ({"frame": 3}, 5),
        ({"frame": 99}, -1),
        ({"broadcast": BROADCASTS[1]}, 7),
        ({"broadcast": "NTV_20220521_083000_News"}, -1),
        ({"at": (25, 35), "box": (10, 150, 60, 100)}, 1),  # the box says more than the point
        ({"at": (125, 35), "box": (0, 170, 90, 80)}, 1),  # of another detector
        ({"at": (125, 35), "box": (10, 105, 60, 45)}, 1),  # of nobody: it hardly touches two
        ({"at": (5000, 35), "box": (10, 5050, 60, 5000)}, -1),
    ],
)
def test_an_anchor_means_a_face(changed: dict[str, Any], row: int) -> None:
    assert find(**changed) == row


def test_of_boxes_in_each_other_the_one_with_the_nearest_middle_is_meant() -> None:
    boxes = np.array([[0, 100, 100, 0], [40, 70, 70, 40]], np.int32).T
    nested = Places(BROADCASTS[:1], *np.array([[0, 0], [0, 1], [1, 1]], np.int32), boxes)

    def row(x: int, y: int, **box: Any) -> int:
        there = Anchor(broadcast=BROADCASTS[0], frame=1, at=(x, y), **box)
        return int(find_faces([there], nested)[0])

    assert (row(49, 49), row(57, 57), row(5, 5)) == (0, 1, 0)
    assert (row(57, 57, box=(0, 90, 90, 0)), row(49, 49, box=(40, 72, 70, 40))) == (0, 1)


def test_faces_in_any_order_are_found() -> None:
    order = np.array([7, 3, 0, 11, 1, 2, 4, 9, 5, 6, 8, 10])
    mixed = Places(
        BROADCASTS, HERE.broadcast[order], HERE.face[order], HERE.frame[order], HERE.boxes[:, order]
    )
    anchors = [Anchor.model_validate(anchor(HERE, row)) for row in range(12)]
    assert order[find_faces(anchors, mixed)].tolist() == list(range(12))


def test_without_faces_or_anchors_nothing_is_found() -> None:
    nothing = Places([], *np.empty((3, 0), np.int32), np.empty((4, 0), np.int32))
    assert find_faces([Anchor.model_validate(anchor(HERE, 1))], nothing).tolist() == [-1]
    assert find_faces([], HERE).tolist() == []
    assert apply([], nothing, np.empty(0, np.int32), np.empty(0, np.int8)).groups.shape == (0,)


# ---- what decisions do -----------------------------------------------------------------------------------


def test_split() -> None:
    assert groups(of("split", 0, 3)) == sets({0, 3}, {1, 2}, {4, 5}, {6, 7, 8})
    assert groups(of("split", 0, 3), of("split", 3, 6)) == sets({0, 3, 6}, {1, 2}, {4, 5}, {7, 8})
    assert groups(of("split", 0), of("split", 1)) == sets({0}, {1}, {2}, {3, 4, 5}, {6, 7, 8})
    assert groups(of("split", 0, 9)) == sets({0, 9}, {1, 2}, {3, 4, 5}, {6, 7, 8})


def test_same() -> None:
    assert groups(of("same", 0, 3)) == sets({0, 1, 2, 3, 4, 5}, {6, 7, 8})
    assert groups(of("same", 0, 3, 6)) == sets(set(range(9)))
    assert groups(of("same", 0, 3), of("same", 8, 4)) == sets(set(range(9)))
    assert groups(of("same", 0, 9)) == sets({0, 1, 2, 9}, {3, 4, 5}, {6, 7, 8})
    assert groups(of("same", 9, 10)) == sets({0, 1, 2}, {3, 4, 5}, {6, 7, 8}, {9, 10})
    assert groups(of("same", 0, 1)) == groups()


def test_a_split_comes_before_a_merge() -> None:
    assert groups(of("same", 0, 3), of("split", 0)) == sets({1, 2}, {0, 3, 4, 5}, {6, 7, 8})


def test_not_a_face() -> None:
    found = applied(GROUPS, of("not_a_face", 0), of("not_a_face", 9))
    assert parts(found.groups.tolist()) == sets({1, 2}, {3, 4, 5}, {6, 7, 8})
    assert [WHY[each] for each in found.why[[0, 1, 9, 10]]] == ["not_a_face", "", "not_a_face", "noise"]
    assert found.problems == []


def test_who_is_ignored_is_left_out_with_all_faces_and_the_name() -> None:
    named = of("person", 0, line=1, name="Ann"), of("person", 1, line=2, name="Bob")
    also = of("person", 6, line=3, name="Ann"), of("portrait", 0, line=4), of("portrait", 1, line=5)
    found = applied(GROUPS, of("ignore", 4, line=6), *named, *also, of("same", 0, 3, line=7))
    assert parts(found.groups.tolist()) == sets({6, 7, 8})
    assert (found.why[:6] == WHY.index("ignored")).all()
    assert list(found.names.values()) == [("Ann", "caption")]
    assert found.portraits == {}
    assert found.problems == []


def test_names_and_portraits() -> None:
    found = applied(GROUPS, of("person", 0), of("person", 2), of("portrait", 7), of("same", 0, 3))
    group = int(found.groups[3])
    assert found.names == {group: ("Ann Example", "caption")}
    assert found.portraits == {int(found.groups[6]): 7}
    assert found.problems == []


def test_pairs_that_are_different_are_given() -> None:
    found = applied(GROUPS, of("different", 6, 0), of("different", 3, 9), of("same", 0, 3))
    assert found.different == [(0, 6), (3, 9)]
    assert found.problems == []


# ---- what does not go together ---------------------------------------------------------------------------


def told(found: Applied) -> list[tuple[str, tuple[int, ...]]]:
    return [(each.kind, each.decisions) for each in found.problems]


def test_same_against_different() -> None:
    found = applied(
        GROUPS,
        of("same", 0, 3, line=1),
        of("same", 4, 6, line=5),
        of("different", 7, 1, line=9),
        of("same", 8, 9, line=12),
        of("different", 9, 10, line=15),
    )
    assert parts(found.groups.tolist()) == sets({0, 1, 2}, {3, 4, 5}, {6, 7, 8, 9})
    assert told(found) == [("contradiction", (1, 5, 9))]
    assert found.different == [(9, 10)]
    assert found.problems[0].sentence == (
        "corrections.yaml, lines 1, 5 and 9 (different and same): NTV_20220520_083000_News#1@125,35 and "
        "NTV_20220519_083000_News#1@125,35 (line 9) are of two people by different, and of one by same in "
        "lines 1 and 5; all of this is left out."
    )


def test_what_is_on_no_path_between_the_two_stays() -> None:
    numbers = list(range(8))
    found = applied(
        numbers,
        # A ring of 1, 2, 3, 4 between 0 and 5; 6 and 7 hang on it.
        *(
            of("same", *pair, line=n, n=8)
            for n, pair in enumerate(((0, 1), (1, 2), (2, 4), (1, 3), (3, 4)), 1)
        ),
        of("same", 4, 5, line=6, n=8),
        of("same", 2, 6, line=7, n=8),
        of("same", 5, 7, line=8, n=8),
        of("different", 0, 5, line=9, n=8),
    )
    assert told(found) == [("contradiction", (1, 2, 3, 4, 5, 6, 9))]
    assert parts(found.groups.tolist()) == sets({0}, {1}, {3}, {4}, {2, 6}, {5, 7})


def test_each_contradiction_is_told_apart() -> None:
    found = applied(
        list(range(6)),
        of("same", 0, 1, line=1, n=6),
        of("same", 1, 2, line=2, n=6),
        of("different", 0, 1, line=3, n=6),
        of("different", 1, 2, line=4, n=6),
        of("same", 3, 4, 5, line=5, n=6),
        of("different", 3, 5, line=6, n=6),
        of("different", 4, 5, line=7, n=6),
    )
    assert told(found) == [
        ("contradiction", (1, 3)),
        ("contradiction", (2, 4)),
        ("contradiction", (5, 6, 7)),
    ]
    assert parts(found.groups.tolist()) == sets({0}, {1}, {2}, {3}, {4}, {5})
    assert found.different == []


def test_several_different_do_not_contradict_each_other() -> None:
    found = applied(GROUPS, of("same", 0, 3), of("different", 0, 6), of("different", 3, 6))
    assert found.problems == []
    assert found.different == [(0, 6), (3, 6)]


def test_different_against_the_clustering() -> None:
    found = applied(GROUPS, of("different", 0, 2, line=3))
    assert told(found) == [("does_not_hold", (3,))]
    assert "; a split says which leave" in found.problems[0].sentence
    assert found.different == []
    assert applied(GROUPS, of("different", 0, 2, line=3), of("split", 2)).problems == []


def test_split_against_different() -> None:
    found = applied(GROUPS, of("split", 0, 3, line=1), of("different", 0, 3, line=2), of("split", 6, line=3))
    assert told(found) == [("contradiction", (1, 2))]
    assert parts(found.groups.tolist()) == sets({0, 1, 2}, {3, 4, 5}, {6}, {7, 8})


def test_two_names_of_one_person() -> None:
    ann, bob = of("person", 0, line=2, name="Ann"), of("person", 1, line=5, name="Bob")
    found = applied(GROUPS, bob, ann, of("person", 3, line=8, name="Cleo"))
    assert found.names == {1: ("Cleo", "caption")}
    assert [each.sentence for each in found.problems] == [
        "corrections.yaml, lines 2 and 5 (person): one person has several names, 'Ann' (line 2, "
        "NTV_20220519_083000_News#1@25,35) and 'Bob' (line 5, NTV_20220519_083000_News#1@125,35); none is "
        "given."
    ]


def test_one_name_of_two_people_is_asked_about_and_merges_nobody() -> None:
    both = of("person", 0, line=2), of("person", 3, line=5, name="ann example")
    found = applied(GROUPS, *both)
    assert parts(found.groups.tolist()) == parts(GROUPS)
    assert found.names == {0: ("Ann Example", "caption"), 1: ("ann example", "caption")}
    assert told(found) == [("question", (2, 5))]
    assert "if they are one, say same, and if not, say different" in found.problems[0].sentence
    for answer in ("same", "different"):
        answered = applied(GROUPS, both[0], of("person", 3, line=5), of(answer, 1, 4))
        assert answered.problems == []


def test_two_portraits_of_one_person() -> None:
    found = applied(GROUPS, of("portrait", 0, line=2), of("portrait", 1, line=3), of("portrait", 3, line=4))
    assert (found.portraits, told(found)) == ({1: 3}, [("contradiction", (2, 3))])


# ---- what does not apply ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["split", "same", "different", "person", "portrait"])
def test_a_face_that_does_not_count_is_told(kind: str) -> None:
    rows = (0, 9) if kind in ("same", "different") else (9,)
    for word, reason in (
        ("set_aside", "is set aside by a filter"),
        ("not_a_face", "says that it is not a face"),
    ):
        found = applied(GROUPS, of(kind, *rows, line=4), why={word: [9]})
        [problem] = found.problems
        assert (problem.kind, problem.decisions) == ("no_face", (4,))
        assert reason in problem.sentence
        assert problem.sentence.endswith("it is left out.")
        assert parts(found.groups.tolist()) == parts(GROUPS)
    found = applied(GROUPS, of(kind, *rows, line=4), of("not_a_face", 9, line=1))
    assert told(found) == [("no_face", (4,))]


@pytest.mark.parametrize("kind", ["person", "portrait"])
def test_a_face_of_nobody_has_no_name(kind: str) -> None:
    found = applied(GROUPS, of(kind, 9, line=4))
    assert told(found) == [("no_face", (4,))]
    assert found.problems[0].sentence == (
        f"corrections.yaml, line 4 ({kind}): the face at NTV_20220520_083000_News#2@125,35 is of nobody; "
        "it is left out."
    )


def test_where_there_is_no_face() -> None:
    far = places(40)
    there = far.broadcasts[0]
    found = applied(
        GROUPS,
        decision(far, "same", 0, 2, 14, line=3),
        decision(far, "same", 0, 14, line=7),
        decision(far, "person", 14, line=9, name="Secret"),
        decision(far, "ignore", 14, line=11),
    )
    assert parts(found.groups.tolist()) == parts(GROUPS)
    assert [each.sentence for each in found.problems] == [
        f"corrections.yaml, line 3 (same): there is no face at {there}#8@25,35; it holds for the other "
        "faces.",
        f"corrections.yaml, line 7 (same): there is no face at {there}#8@25,35; it is left out.",
        f"corrections.yaml, line 9 (person): there is no face at {there}#8@25,35; it is left out.",
        "corrections.yaml, line 11 (ignore): there is no face at the place that it names; it is left out.",
    ]
    elsewhere = Anchor(broadcast="NTV_20000101_000000", frame=1, at=(1, 1))
    found = applied(GROUPS, type(of("portrait", 0))(portrait=elsewhere))
    assert "there is no such broadcast in the run at NTV_20000101_000000#1@1,1" in found.problems[0].sentence


@pytest.mark.parametrize("kind", ["same", "different"])
def test_one_face_twice_says_nothing(kind: str) -> None:
    found = applied(GROUPS, of(kind, 0, 0, line=3))
    assert told(found) == [("no_face", (3,))]
    assert "all of it leads to one face" in found.problems[0].sentence


def test_who_is_ignored_and_nobody_now_is_left_out_all_the_same() -> None:
    found = applied(GROUPS, of("ignore", 9, line=2), of("ignore", 10, line=3), why={"set_aside": [10]})
    assert [WHY[each] for each in found.why[[9, 10, 11]]] == ["ignored", "ignored", "noise"]
    assert told(found) == [("no_face", (2,)), ("no_face", (3,))]
    assert all(BROADCASTS[1] not in each.sentence for each in found.problems)
    assert applied(GROUPS, of("ignore", 9, line=2), of("person", 9, line=3), of("portrait", 9)).names == {}


def test_what_contradicts_only_who_is_ignored_holds_for_others() -> None:
    found = applied(
        GROUPS,
        of("same", 0, 3, line=1),
        of("same", 4, 6, line=2),
        of("different", 1, 7, line=3),
        of("ignore", 2, line=4),
        of("different", 0, 2, line=5),
    )
    assert parts(found.groups.tolist()) == sets({3, 4, 5, 6, 7, 8})
    assert [each.sentence for each in found.problems] == [
        "corrections.yaml, lines 1, 2 and 3 (different and same): they contradict each other about somebody "
        "who is left out; look whether all of that person is."
    ]
    assert found.different == []


def test_a_long_contradiction_is_a_sentence_still() -> None:
    n = 60
    found = applied(
        list(range(n)),
        *(of("same", row, row + 1, line=row + 1, n=n) for row in range(n - 1)),
        *(of("different", 0, n - 1 - row, line=100 + row, n=n) for row in range(20)),
    )
    [problem] = found.problems
    assert problem.decisions == (*range(1, n), *range(100, 120))
    assert len(problem.sentence) < 900
    assert "lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 49 more" in problem.sentence


# ---- properties ------------------------------------------------------------------------------------------

N = 16
rows = st.integers(0, N - 1)
several = st.lists(rows, min_size=1, max_size=4, unique=True)
texts = st.sampled_from(["Ann", "Bob"])
some = st.lists(
    st.one_of(
        st.tuples(st.just("same"), st.lists(rows, min_size=2, max_size=3, unique=True)),
        st.tuples(st.just("different"), st.lists(rows, min_size=2, max_size=2, unique=True)),
        st.tuples(st.just("split"), several),
        *(
            st.tuples(st.just(kind), st.lists(rows, min_size=1, max_size=1))
            for kind in ("not_a_face", "ignore", "person", "portrait")
        ),
    ),
    max_size=14,
)
labels = st.lists(st.integers(-1, 5), min_size=N, max_size=N)


def without_lines(found: Applied) -> list[Any]:
    kinds = sorted((each.kind, len(each.decisions)) for each in found.problems)
    return [found.groups.tolist(), found.why.tolist(), found.names, found.portraits, found.different, kinds]


@given(some, labels, st.randoms(use_true_random=False), st.sets(rows, max_size=3), texts)
def test_the_order_does_not_matter_and_twice_is_once(
    given_: list[tuple[str, list[int]]],
    numbers: list[int],
    random_: random.Random,
    aside: set[int],
    name: str,
) -> None:
    here = places(N)
    groups_ = np.array([NOISE if row in aside else group for row, group in enumerate(numbers)], np.int32)
    why = np.where(groups_ == NOISE, 1, 0).astype(np.int8)
    why[list(aside)] = WHY.index("set_aside")
    decisions = [
        decision(
            here,
            kind,
            *own,
            line=line,
            **({"name": name if line % 2 else "Cleo"} if kind == "person" else {}),
        )
        for line, (kind, own) in enumerate(given_)
    ]
    found = apply(decisions, here, groups_, why)
    shuffled = random_.sample(decisions, len(decisions))
    assert without_lines(apply(shuffled, here, groups_, why)) == without_lines(found)

    again = apply(decisions, here, found.groups, found.why)
    assert parts(again.groups.tolist()) == parts(found.groups.tolist())
    assert again.why.tolist() == found.why.tolist()
    assert sorted(again.names.values()) == sorted(found.names.values())
    assert sorted(again.portraits.values()) == sorted(found.portraits.values())
    assert again.different == found.different

    # The numbers of the groups count for nothing.
    other = np.array([NOISE if group == NOISE else 7 - group for group in groups_], np.int32)
    assert parts(apply(decisions, here, other, why).groups.tolist()) == parts(found.groups.tolist())

    # What is given holds.
    for one, two in found.different:
        assert found.groups[one] == NOISE or found.groups[one] != found.groups[two]
    assert all(found.groups[row] == group for group, row in found.portraits.items())


def test_as_many_groups_as_faces_are_needed() -> None:
    with pytest.raises(ValueError, match="3 groups and 2 reasons do not fit 12 faces"):
        apply([], HERE, np.zeros(3, np.int32), np.zeros(2, np.int8))
