"""Scores of clusterings, against what is counted by hand, by brute force and by scikit-learn."""

from itertools import combinations, product

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from castgraph.base import tables
from castgraph.clustering.constraints import MIN_OVERLAP
from castgraph.run.scores import Scores, places, score

A, B = "NTV_20261001_030000", "NTV_20261002_030000"
DBSCAN = {"algorithm": "dbscan", "min_samples": 5}


def make_faces(rows: list[tuple]) -> pa.Table:
    """Make a face table of (broadcast, frame, left, top, size, set aside by); what is left out is common."""
    columns: dict[str, list] = {
        name: [] for name in ("broadcast", "frame", "top", "right", "bottom", "left", "set_aside")
    }
    for broadcast, frame, left, *rest in rows:
        top, size, aside = [*rest, *(0, 100, "")[len(rest) :]]
        box = {"top": top, "right": left + size, "bottom": top + size, "left": left}
        for name, value in {"broadcast": broadcast, "frame": frame, "set_aside": aside, **box}.items():
            columns[name].append(value)
    schema = pa.schema([tables.MERGED_FACES.field(name) for name in columns])
    return pa.table(
        {name: pa.array(values).cast(schema.field(name).type) for name, values in columns.items()},
        schema=schema,
    )


def sweep(faces: pa.Table, *labels: list[int]) -> Scores:
    """Score DBSCAN clusterings of eps 0.01, 0.02, …"""
    by_name = {f"eps-0.{n:02}": np.array(one, np.int32) for n, one in enumerate(labels, 1)}
    settings = {name: {**DBSCAN, "eps": float(name[4:])} for name in by_name}
    return score(faces, settings, by_name.__getitem__)


def row(faces: pa.Table, labels: list[int]) -> dict:
    return sweep(faces, labels).sweep.to_pylist()[0]


def random_run(seed: int, n_faces: int = 200) -> tuple[pa.Table, np.ndarray]:
    """Faces in random order, in crowded frames, some of them set aside; and 3 clusterings with noise."""
    rng = np.random.default_rng(seed)
    rows = [
        (
            (A, B)[rng.integers(2)],
            int(rng.integers(1, 12)),
            int(rng.integers(0, 120)),
            int(rng.integers(0, 60)),
            int(rng.integers(60, 100)),
            ("", "", "", "min_score")[rng.integers(4)],
        )
        for _ in range(n_faces)
    ]
    return make_faces(rows), rng.integers(-1, 6, size=(3, n_faces)).astype(np.int32)


# ---- one clustering --------------------------------------------------------------------------------------


def test_people_noise_and_the_largest_are_counted_among_the_faces_that_count() -> None:
    faces = make_faces([(A, n, 0) for n in range(1, 9)] + [(A, 9, 0, 0, 50, "min_face_px")] * 2)
    found = row(faces, [0, 0, 0, 1, 1, -1, -1, -1, -1, -1])
    assert (found["n_people"], found["n_noise"], found["largest"]) == (2, 3, 3)
    assert found["noise_share"] == 3 / 8
    assert found["largest_share"] == 3 / 8


def test_a_violation_is_a_pair_of_faces_of_one_person_in_one_frame() -> None:
    # Frame 1 shows person 0 three times and 1 once, frame 2 both once and noise; the same frame of another
    # broadcast is another frame.
    faces = make_faces(
        [(A, 1, x) for x in (0, 200, 400, 600)] + [(A, 2, x) for x in (0, 200, 400)] + [(B, 1, 0)]
    )
    found = row(faces, [0, 0, 0, 1, 0, 1, -1, 0])
    assert found["violations"] == 3
    assert found["frame_pairs"] == 6 + 1
    assert found["violation_rate"] == pytest.approx(3 / 7)
    assert found["chance"] == pytest.approx((5 * 4 + 2 * 1) / (7 * 6))
    assert found["violation_ratio"] == pytest.approx(3 / 7 / (22 / 42))


def test_chance_is_the_rate_of_shuffled_labels() -> None:
    faces, labels = random_run(1, 400)
    known = np.flatnonzero(labels[0] >= 0)
    rng = np.random.default_rng(2)
    rates = []
    for _ in range(200):
        shuffled = labels[0].copy()
        shuffled[known] = rng.permutation(shuffled[known])
        rates.append(row(faces, shuffled.tolist())["violation_rate"])
    # Labels of faces that are set aside take part in the shuffling, hence a little play.
    assert np.mean(rates) == pytest.approx(row(faces, labels[0].tolist())["chance"], rel=0.02)


@pytest.mark.parametrize(
    ("second", "is_pair"),
    [
        ((A, 2, 0), True),
        ((A, 2, 20), True),  # 0.67
        ((A, 2, -20, -20, 120), True),  # a larger box that holds the first: 0.69
        ((A, 2, 40), False),  # 0.43
        ((A, 2, 0, 0, 60), False),  # 0.36
        ((A, 3, 0), False),
        ((A, 1, 0), False),
        ((B, 2, 0), False),
        ((A, 2, 0, 0, 100, "min_score"), False),
    ],
)
def test_an_adjacent_pair_has_nearly_the_same_box_in_the_next_frame(second: tuple, is_pair: bool) -> None:
    found = row(make_faces([(A, 1, 0), second]), [0, 0])
    assert found["adjacent_pairs"] == is_pair
    assert found["adjacent_same"] == is_pair


def test_a_face_has_one_partner_the_one_it_overlaps_most() -> None:
    # The second face of frame 1 overlaps both of frame 2, but the first of frame 1 is nearer to the first.
    where = places(make_faces([(A, 1, 0), (A, 1, 30), (A, 2, 2), (A, 2, 35), (A, 3, 35)]))
    assert sorted(zip(where.rows[where.before], where.rows[where.after], strict=True)) == [
        (0, 2),
        (1, 3),
        (3, 4),
    ]
    where = places(make_faces([(A, 1, 0), (A, 1, 10), (A, 2, 2)]))
    assert list(zip(where.rows[where.before], where.rows[where.after], strict=True)) == [(0, 2)]


def test_adjacent_pairs_are_sorted_by_what_both_faces_are() -> None:
    faces = make_faces([(A, n, x) for n in (1, 2) for x in (0, 200, 400, 600, 800)])
    found = row(faces, [0, 1, 2, -1, -1, 0, 0, 2, 1, -1])
    assert found["adjacent_pairs"] == 5
    assert (found["adjacent_same"], found["adjacent_different"], found["adjacent_one_noise"]) == (2, 1, 1)
    assert found["adjacent_agreement"] == pytest.approx(2 / 3)
    assert found["adjacent_kept"] == pytest.approx(2 / 5)


@pytest.mark.parametrize("seed", range(5))
def test_scores_equal_those_counted_face_by_face(seed: int) -> None:
    faces, labels = random_run(seed)
    rows, label = faces.to_pylist(), labels[0].tolist()
    counts = [n for n, face in enumerate(rows) if not face["set_aside"]]

    def overlap(a: int, b: int) -> float:
        a, b = rows[a], rows[b]
        height = min(a["bottom"], b["bottom"]) - max(a["top"], b["top"])
        width = min(a["right"], b["right"]) - max(a["left"], b["left"])
        area = sum((box["bottom"] - box["top"]) * (box["right"] - box["left"]) for box in (a, b))
        return max(height, 0) * max(width, 0) / (area - max(height, 0) * max(width, 0))

    def of(broadcast: str, frame: int) -> list[int]:
        return [n for n in counts if (rows[n]["broadcast"], rows[n]["frame"]) == (broadcast, frame)]

    frames = {(rows[n]["broadcast"], rows[n]["frame"]) for n in counts}
    together = [pair for frame in frames for pair in combinations(of(*frame), 2)]
    known = [pair for pair in together if min(label[n] for n in pair) >= 0]
    adjacent = set()
    for broadcast, frame in frames:
        before, after = of(broadcast, frame), of(broadcast, frame + 1)
        for a, b in product(before, after):
            best = max(overlap(a, other) for other in after), max(overlap(other, b) for other in before)
            if overlap(a, b) >= MIN_OVERLAP and best == (overlap(a, b), overlap(a, b)):
                adjacent.add((a, b))
    where = places(faces)
    assert (
        set(zip(where.rows[where.before].tolist(), where.rows[where.after].tolist(), strict=True)) == adjacent
    )
    found = row(faces, label)
    assert found["frame_pairs"] == len(known)
    assert found["violations"] == sum(label[a] == label[b] for a, b in known)
    assert found["adjacent_same"] == sum(label[a] == label[b] >= 0 for a, b in adjacent)


def test_the_order_of_the_faces_does_not_matter() -> None:
    faces, labels = random_run(7)
    order = np.random.default_rng(0).permutation(len(faces))
    found = sweep(faces, *labels)
    shuffled = sweep(faces.take(order), *labels[:, order])
    assert shuffled.sweep.equals(found.sweep)
    assert shuffled.changes.equals(found.changes)


def test_faces_that_are_set_aside_are_as_if_they_were_not_there() -> None:
    faces, labels = random_run(8)
    counted = np.array([not aside for aside in faces["set_aside"].to_pylist()])
    found = sweep(faces, *labels)
    without = sweep(faces.filter(pa.array(counted)), *labels[:, counted])
    assert without.sweep.equals(found.sweep)
    assert without.changes.equals(found.changes)


def test_tables_in_several_row_groups_score_the_same() -> None:
    faces, labels = random_run(9)
    parts = pa.concat_tables([faces.slice(0, 50), faces.slice(50)])
    assert sweep(parts, *labels).sweep.equals(sweep(faces, *labels).sweep)


@pytest.mark.parametrize("rows", [[], [(A, 1, 0)], [(A, 1, 0, 0, 9, "min_score")] * 3])
def test_a_rate_of_nothing_is_null(rows: list[tuple]) -> None:
    found = sweep(make_faces(rows), [-1] * len(rows), [-1] * len(rows))
    assert found.recommended is None
    for one in found.sweep.to_pylist():
        assert one["n_people"] == one["violations"] == one["adjacent_pairs"] == one["largest"] == 0
        for name in (
            "violation_rate",
            "chance",
            "violation_ratio",
            "adjacent_agreement",
            "balance",
            "ari_next",
        ):
            assert one[name] is None


def test_labels_of_other_faces_are_refused() -> None:
    with pytest.raises(ValueError, match=r"eps-0\.01: shape \(3,\) does not fit 2 faces"):
        sweep(make_faces([(A, 1, 0), (A, 2, 0)]), [0, 0, 0])


# ---- neighbours ------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(-1, 4), st.integers(-1, 4)), min_size=2, max_size=60))
def test_the_adjusted_rand_index_is_that_of_scikit_learn_over_faces_with_a_person_in_both(pairs) -> None:
    left, right = np.array(pairs).T
    found = sweep(make_faces([(A, n, 0) for n in range(1, len(pairs) + 1)]), left, right).sweep.to_pylist()[0]
    both = (left >= 0) & (right >= 0)
    if both.sum() < 2:
        assert found["ari_next"] is None
    else:
        assert found["ari_next"] == pytest.approx(adjusted_rand_score(left[both], right[both]))
    assert found["moved_next"] == pytest.approx(np.mean((left >= 0) != (right >= 0)))


def test_each_is_compared_with_the_next_eps_of_its_algorithm() -> None:
    names = {
        "hdbscan-10": {"algorithm": "hdbscan", "min_samples": 10},
        "eps-0.50": {**DBSCAN, "eps": 0.5},
        "chinese_whispers-0.40": {"algorithm": "chinese_whispers", "eps": 0.4},
        "eps-0.40": {**DBSCAN, "eps": 0.4},
        "hdbscan-5": {"algorithm": "hdbscan", "min_samples": 5},
        "eps-0.45-min3": {**DBSCAN, "eps": 0.45, "min_samples": 3},
        "eps-0.45": {**DBSCAN, "eps": 0.45},
    }
    faces = make_faces([(A, n, 0) for n in range(1, 5)])
    found = score(faces, names, lambda name: np.zeros(4, np.int32)).sweep
    assert dict(zip(*(found[name].to_pylist() for name in ("clustering", "next")), strict=True)) == {
        "eps-0.45-min3": None,
        "eps-0.40": "eps-0.45",
        "eps-0.45": "eps-0.50",
        "eps-0.50": None,
        "chinese_whispers-0.40": None,
        "hdbscan-5": "hdbscan-10",
        "hdbscan-10": None,
    }
    assert found.schema == tables.SWEEP
    assert found["algorithm"].to_pylist()[:4] == ["dbscan"] * 4
    assert found["eps"].null_count == 2


# ---- changes ---------------------------------------------------------------------------------------------


def test_two_people_who_become_one_are_a_merge_and_two_who_come_of_one_a_split() -> None:
    # Persons 0 (10 faces) and 1 (6) become 0; person 2 (20) becomes 1 (13) and 2 (7); person 3 stays.
    left = [0] * 10 + [1] * 6 + [2] * 20 + [3] * 5
    right = [0] * 16 + [1] * 13 + [2] * 7 + [3] * 5
    found = sweep(make_faces([(A, n, 0) for n in range(1, len(left) + 1)]), left, right)
    assert found.changes.schema == tables.SWEEP_CHANGES
    common = {"from": "eps-0.01", "to": "eps-0.02", "same_frame": 0}
    merge, split = {**common, "kind": "merge", "person_to": 0}, {**common, "kind": "split", "person_from": 2}
    assert found.changes.to_pylist() == [
        {**merge, "person_from": 0, "n_from": 10, "n_to": 16, "n_faces": 10},
        {**merge, "person_from": 1, "n_from": 6, "n_to": 16, "n_faces": 6},
        {**split, "person_to": 1, "n_from": 20, "n_to": 13, "n_faces": 13},
        {**split, "person_to": 2, "n_from": 20, "n_to": 7, "n_faces": 7},
    ]
    first, last = found.sweep.to_pylist()
    assert (first["merges_next"], first["splits_next"]) == (1, 1)
    assert (last["merges_next"], last["splits_next"]) == (None, None)


def test_going_back_turns_merges_into_splits() -> None:
    faces, _ = random_run(3, 300)
    rng = np.random.default_rng(3)
    left = rng.integers(-1, 8, 300)
    right = np.where(left >= 0, left // 3, -1)
    there, back = sweep(faces, left, right).changes, sweep(faces, right, left).changes
    assert set(there["kind"].to_pylist()) == {"merge"}
    assert set(back["kind"].to_pylist()) == {"split"}
    for one, other in (
        ("person_from", "person_to"),
        ("n_from", "n_to"),
        ("n_faces",) * 2,
        ("same_frame",) * 2,
    ):
        assert there[one].to_pylist() == back[other].to_pylist()


@pytest.mark.parametrize(("n_moved", "n_stayed", "is_change"), [(4, 6, False), (5, 45, True), (5, 46, False)])
def test_a_few_faces_at_the_border_are_no_change(n_moved: int, n_stayed: int, is_change: bool) -> None:
    """Faces of person 0 go over to the 50 of person 1."""
    left = [0] * (n_moved + n_stayed) + [1] * 50
    right = [1] * n_moved + [0] * n_stayed + [1] * 50
    found = sweep(make_faces([(A, n, 0) for n in range(1, len(left) + 1)]), left, right)
    assert bool(found.changes.num_rows) == is_change


def test_a_tenth_of_the_smaller_of_the_two_is_needed() -> None:
    left = [0] * 1000 + [1] * 1000
    for n_moved, is_change in ((99, False), (120, True)):
        right = [1] * n_moved + [0] * (1000 - n_moved) + [1] * 1000
        found = sweep(make_faces([(A, n, 0) for n in range(1, len(left) + 1)]), left, right)
        assert bool(found.changes.num_rows) == is_change


def test_people_who_come_of_noise_or_become_noise_are_no_change() -> None:
    found = sweep(
        make_faces([(A, n, 0) for n in range(1, 31)]), [-1] * 10 + [0] * 20, [0] * 10 + [1] * 10 + [-1] * 10
    )
    assert found.changes.num_rows == 0


def test_a_merge_tells_how_many_frames_show_its_parts_together() -> None:
    # Person 0 is in frames 1 to 8, 1 in 5 to 12 (twice in 5), 2 in 20 to 25, 3 with all of them, but stays.
    seen = [(0, n) for n in range(1, 9)] + [(1, n) for n in [5, *range(5, 13)]]
    seen += [(2, n) for n in range(20, 26)] + [(3, n) for n in range(1, 26)]
    faces = make_faces([(A, frame, 150 * person) for person, frame in seen])
    found = sweep(faces, [person for person, _ in seen], [person // 3 for person, _ in seen]).changes
    assert dict(zip(*(found[name].to_pylist() for name in ("person_from", "same_frame")), strict=True)) == {
        0: 4,
        1: 4,
        2: 0,
    }


def test_changes_that_move_most_faces_come_first() -> None:
    left = np.repeat([0, 1, 2, 3, 4, 5], [90, 6, 30, 20, 8, 8])
    found = sweep(make_faces([(A, n, 0) for n in range(1, len(left) + 1)]), left, left // 2).changes
    assert found["person_from"].to_pylist() == [2, 3, 4, 5, 0, 1]
