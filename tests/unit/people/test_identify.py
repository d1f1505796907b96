"""People keep their IDs."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from castgraph.base.tables import NOISE
from castgraph.people import register
from castgraph.people.identify import Identified, identify, sentences
from castgraph.people.ids import mint, read_id
from castgraph.people.places import Places

BROADCASTS = ["NTV_20240101_190000", "NTV_20240102_190000", "NTV_20240103_190000"]


def faces(n: int, broadcasts: list[str] = BROADCASTS, shift: int = 0) -> Places:
    """`n` faces a broadcast, two a frame, far apart."""
    index = np.arange(n, dtype=np.int32)
    left = 100 * (index % 2) + shift
    boxes = np.tile(np.stack([left * 0 + 20, left + 60, left * 0 + 80, left]), len(broadcasts))
    return Places(
        broadcasts,
        np.repeat(np.arange(len(broadcasts), dtype=np.int32), n),
        np.tile(index, len(broadcasts)),
        np.tile(index // 2 + 1, len(broadcasts)),
        boxes.astype(np.int32),
    )


def part(places: Places, kept: np.ndarray) -> Places:
    """The faces of some broadcasts."""
    names = [name for number, name in enumerate(places.broadcasts) if kept[number]]
    rows = kept[places.broadcast]
    number = np.cumsum(kept) - 1
    return Places(
        names,
        number[places.broadcast[rows]].astype(np.int32),
        places.face[rows],
        places.frame[rows],
        places.boxes[:, rows],
    )


def by_face(places: Places, found: Identified) -> dict[tuple[str, int], str]:
    return {
        (places.broadcasts[broadcast], face): found.ids[person]
        for broadcast, face, person in zip(
            places.broadcast.tolist(), places.face.tolist(), found.person.tolist(), strict=True
        )
        if person != NOISE
    }


def same(one: register.Register, other: register.Register) -> bool:
    def rows(each: register.Register) -> list[tuple]:
        return sorted(
            (each.ids[who], bool(each.now[who]), each.broadcasts[broadcast], frame, *box)
            for who, broadcast, frame, box in zip(
                each.person.tolist(),
                each.broadcast.tolist(),
                each.frame.tolist(),
                each.boxes.T.tolist(),
                strict=True,
            )
        )

    return rows(one) == rows(other)


GROUPS = st.lists(st.integers(-1, 4), min_size=18, max_size=18).map(lambda each: np.array(each, np.int32))


@given(GROUPS, st.permutations(range(5)))
def test_the_numbers_of_the_groups_do_not_matter(groups: np.ndarray, numbers: list[int]) -> None:
    renamed = np.array([*numbers, -1], np.int32)[groups]
    one, other = identify(faces(6), groups), identify(faces(6), renamed)
    assert by_face(faces(6), one) == by_face(faces(6), other)
    assert one.changes.equals(other.changes)


@given(GROUPS, GROUPS)
def test_to_ask_again_changes_nothing(before: np.ndarray, groups: np.ndarray) -> None:
    known = identify(faces(6), before).register
    once = identify(faces(6), groups, known)
    twice = identify(faces(6), groups, once.register)
    assert (once.ids, once.person.tolist()) == (twice.ids, twice.person.tolist())
    assert same(once.register, twice.register)
    assert set(twice.changes["kind"].to_pylist()) <= {"kept"}


@given(GROUPS, st.permutations(range(3)))
def test_broadcasts_added_one_by_one_in_any_order(groups: np.ndarray, order: list[int]) -> None:
    """Whoever has most faces in what was there before keeps the ID, whatever came first."""
    whole = faces(6)
    known, kept = None, np.zeros(3, bool)
    found: dict[tuple[str, int], str] = {}
    for broadcast in order:
        kept[broadcast] = True
        before = found
        places, now = part(whole, kept), groups[kept[whole.broadcast]]
        result = identify(places, now, known)
        known, found = result.register, by_face(places, result)
        # The groups only grow, so that nobody is merged or split.
        assert {key: found[key] for key in before} == before
    assert len(set(found.values())) == len(set(groups.tolist()) - {NOISE})


@given(GROUPS, st.integers(0, 2))
def test_the_register_survives_what_is_not_there(groups: np.ndarray, gone: int) -> None:
    """A broadcast is taken out and comes back."""
    whole, kept = faces(6), np.arange(3) != gone
    first = identify(whole, groups)
    places, rest = part(whole, kept), groups[kept[whole.broadcast]]
    without = identify(places, rest, first.register)
    assert by_face(places, without).items() <= by_face(whole, first).items()
    assert by_face(whole, identify(whole, groups, without.register)) == by_face(whole, first)


@given(GROUPS, st.integers(-15, 15))
def test_another_detector_draws_other_boxes(groups: np.ndarray, shift: int) -> None:
    first = identify(faces(6), groups)
    other = identify(faces(6, shift=shift), groups, first.register)
    assert other.ids == first.ids


def test_a_box_elsewhere_is_another_face() -> None:
    first = identify(faces(6), np.zeros(18, np.int32))
    assert identify(faces(6, shift=-300), np.zeros(18, np.int32), first.register).ids != first.ids


def test_one_who_was_merged_and_is_split_off_again_has_the_old_id() -> None:
    apart = np.array([0, 1] * 9, np.int32)
    first = identify(faces(6), apart)
    merged = identify(faces(6), np.zeros(18, np.int32), first.register)
    assert merged.ids == [min(first.ids)]  # as many faces of both
    [lost] = set(first.ids) - set(merged.ids)
    [told] = sentences(merged.changes)
    assert told == f"{lost} is now {merged.ids[0]}: 9 faces; look at {BROADCASTS[0]}, frame 1."
    again = identify(faces(6), apart, merged.register)
    assert by_face(faces(6), again) == by_face(faces(6), first)
    assert {row["kind"] for row in again.changes.to_pylist()} == {"kept", "split"}


def test_the_larger_part_keeps_the_id() -> None:
    first = identify(faces(6), np.zeros(18, np.int32))
    split = np.array([0] * 7 + [1] * 11, np.int32)
    second = identify(faces(6), split, first.register)
    assert second.ids[1] == first.ids[0]
    assert second.ids[0] not in first.ids
    assert sentences(second.changes) == [
        f"7 faces of {first.ids[0]} are now {second.ids[0]}; look at {BROADCASTS[0]}, frame 1."
    ]


def test_who_has_no_face_left_is_gone_and_comes_back() -> None:
    groups = np.array([0] * 9 + [1] * 9, np.int32)
    first = identify(faces(6), groups)
    alone = identify(faces(6), np.where(groups == 1, 1, NOISE).astype(np.int32), first.register)
    assert alone.ids == first.ids[1:]
    assert sentences(alone.changes) == [f"{first.ids[0]} is gone: none of 9 faces has a person."]
    assert identify(faces(6), groups, alone.register).ids == first.ids


@pytest.mark.parametrize("n", [0, 1])
def test_a_run_with_hardly_a_face(n: int) -> None:
    places = faces(n, BROADCASTS[:1])
    found = identify(places, np.zeros(n, np.int32), identify(places, np.full(n, NOISE, np.int32)).register)
    assert len(found.ids) == n
    assert found.changes.num_rows == n


def test_ids_can_be_said_and_are_no_numbers_or_days_to_a_spreadsheet() -> None:
    taken: set[str] = set()
    for frame in range(60_000):
        name = mint("NTV_20240101_190000", frame, (1, 2, 3, 4), taken)
        assert name not in taken
        assert name == read_id(name.lower()) == read_id(f" {name} ")
        taken.add(name)
    assert {len(name) for name in taken} == {4, 5}
    assert not {name for name in taken if set(name[3:]) <= set("0123456789") and name[:3] in ("MAR", "DEC")}
    assert not any(set(name) & set("ILOU") for name in taken)
    assert read_id("kOl1") == "K011"
    assert read_id("0K11") is read_id("K1") is read_id("K123456") is None


def test_a_job_that_is_done_once_more_finds_what_was_known_before(tmp_path: Path) -> None:
    path = tmp_path / "register" / "mine" / "linkage-0.52.parquet"
    assert register.before(path, "one") is None
    first = identify(faces(6), np.zeros(18, np.int32))
    register.save(path, first.register, None, "one")
    for _ in range(2):  # nothing was known before, however often it is done
        assert register.before(path, "one") is None
        register.save(path, first.register, None, "one")
    split = np.array([0] * 7 + [1] * 11, np.int32)
    known = register.before(path, "two")
    assert known is not None
    assert same(known, first.register)
    second = identify(faces(6), split, known)
    register.save(path, second.register, known, "two")
    again = register.before(path, "two")
    assert again is not None
    assert identify(faces(6), split, again).changes.equals(second.changes)
    newest = register.before(path, "three")
    assert newest is not None
    assert same(newest, second.register)


def test_a_damaged_register_costs_the_ids_and_is_told(tmp_path: Path, caplog) -> None:
    path = tmp_path / "mine.parquet"
    register.save(path, identify(faces(6), np.zeros(18, np.int32)).register, None, "one")
    path.write_bytes(path.read_bytes()[:-20])
    assert register.before(path, "two") is None
    assert register.read(path) is None
    assert str(path) in caplog.text
    register.save(path, identify(faces(6), np.zeros(18, np.int32)).register, None, "two")
    assert register.read(path) is not None
