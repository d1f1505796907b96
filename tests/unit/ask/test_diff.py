"""What two results differ in."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.ask.conftest import ANN, BEA, CID, DAN, DAY, LATER, OTHER, Cast, link

from castgraph.ask.diff import COLUMNS, Side, diff
from castgraph.ask.views import QueryError

SHARED = Cast([*((DAY, frame, ANN) for frame in range(1, 6)), *((DAY, frame, BEA) for frame in range(1, 4))])


def told(found) -> list[tuple[str, ...]]:
    return [
        tuple(str(row[COLUMNS.index(name)]) for name in ("change", "person_id", "other_id"))
        for row in found.rows
    ]


def test_months_of_one_run(run: Path) -> None:
    found = diff(Side.of(f"{run}:2024-01"), Side.of(f"{run}:2024-02"))
    assert told(found) == [("lost", BEA, ""), ("gained", CID, ""), ("gained", CID, ANN), ("lost", ANN, BEA)]
    assert (found.n_people, found.n_pairs, found.matched_by) == (1, 0, "IDs")
    gained = dict(zip(COLUMNS, found.rows[1], strict=True))
    assert (gained["seconds_before"], gained["seconds_after"], gained["link"]) == (0.0, 8.0, link(OTHER, 2))
    assert all(row[-1] for row in found.rows)


def test_a_result_and_itself(run: Path) -> None:
    found = diff(Side.of(str(run)), Side.of(str(run / "linkage-0.52")))
    assert (found.rows, found.n_people, found.n_pairs) == ([], 3, 2)


def test_runs_without_a_common_register_are_matched_by_faces(make_run: Callable[..., Path]) -> None:
    """The other detector has other boxes, the other register other IDs, one of them somebody else's."""
    before = make_run("before", SHARED)
    new = {ANN: BEA, BEA: DAN}
    faces = [(broadcast, frame, new[person]) for broadcast, frame, person in SHARED.faces]
    after = make_run("after", replace(SHARED, faces=[*faces, (DAY, 5, CID), (LATER, 1, CID)], shift=9))
    found = diff(Side.of(str(before)), Side.of(str(after)))
    assert found.matched_by == "faces"
    assert (found.n_people, found.n_pairs) == (2, 1)
    # Of pairs the new one with the person who was ANN, in whose frame the new person is.
    assert told(found) == [("gained", CID, ""), ("gained", CID, BEA)]
    back = diff(Side.of(str(after)), Side.of(str(before)))
    assert told(back) == [("lost", CID, ""), ("lost", CID, BEA)]


def test_a_person_of_nobody_is_lost(make_run: Callable[..., Path]) -> None:
    before = make_run("before", SHARED)
    faces = [(broadcast, frame, "" if person == BEA else DAN) for broadcast, frame, person in SHARED.faces]
    after = make_run("after", replace(SHARED, faces=faces))
    assert told(diff(Side.of(str(before)), Side.of(str(after)))) == [("lost", BEA, ""), ("lost", ANN, BEA)]


def test_a_run_that_follows_the_other_has_its_ids(make_run: Callable[..., Path]) -> None:
    january = make_run("january", Cast([(DAY, 1, ANN), (DAY, 2, BEA)]))
    follow = {"follow": "results/january/linkage-0.52"}
    february = make_run("february", Cast([(OTHER, 1, ANN), (OTHER, 9, CID)]), people=follow)
    for before, after, expected in ((january, february, "lost"), (february, january, "gained")):
        found = diff(Side.of(str(before)), Side.of(str(after)))
        assert (found.matched_by, found.n_people) == ("IDs", 1)
        assert (expected, BEA, "") in told(found)


def test_runs_with_nothing_in_common_are_told(make_run: Callable[..., Path]) -> None:
    january, february = (make_run(name, Cast([(day, 1, ANN)])) for name, day in (("a", DAY), ("b", OTHER)))
    with pytest.raises(QueryError, match=r"no broadcast with a person in common.*people.follow"):
        diff(Side.of(str(january)), Side.of(str(february)))


@pytest.mark.parametrize("month", ["2024-13", "24-01", "2024-1", "January"])
def test_what_is_no_month_is_told(run: Path, month: str) -> None:
    with pytest.raises(ValueError, match="not the results of a run"):
        Side.of(f"{run}:{month}")
