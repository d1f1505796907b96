"""Which clustering is recommended: in tables whose answer is clear, and on faces of a made-up show."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from castgraph.base import tables
from castgraph.clustering import dbscan
from castgraph.run.recommend import recommend
from castgraph.run.scores import score


def make_rows(
    scores: list[tuple], likeness: list[float], algorithm: str = "dbscan", first: float = 0.30
) -> list[dict]:
    """Rows of (kept, violation rate) that are 0.02 apart, and the adjusted Rand indices between them."""
    rows = []
    for number, (kept, rate) in enumerate(scores):
        eps = first + 0.02 * number
        name = f"{'eps' if algorithm == 'dbscan' else algorithm}-{eps:.2f}"
        row = {"clustering": name, "algorithm": algorithm, "eps": eps, "min_samples": 5}
        row |= {"frame_pairs": 1000, "adjacent_pairs": 1000}
        balance = None if None in (kept, rate) else kept - rate
        rows.append({**row, "adjacent_kept": kept, "violation_rate": rate, "balance": balance})
    for (row, following), ari in zip(pairwise(rows), likeness, strict=True):
        row |= {"next": following["clustering"], "ari_next": ari}
    return rows


def test_the_middle_of_the_longest_stable_stretch_before_violations_rise() -> None:
    kept = [0.60, 0.94, 0.95, 0.95, 0.95, 0.95, 0.96, 0.99]
    rates = [0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.20, 0.90]
    rows = make_rows(list(zip(kept, rates, strict=True)), [0.7, 0.98, 1.0, 0.995, 1.0, 0.8, 0.3])
    name, reason = recommend(rows)
    assert name == "eps-0.36"  # of 0.34 to 0.40 the smaller of the two in the middle
    for number in ("eps-0.34 to eps-0.40", "0.995", "95.0 %", "0.0 %", "0.950"):
        assert number in reason
    assert reason.count(". ") == 0
    assert reason.endswith(".")


def test_a_floor_of_violations_that_mirrors_make_does_no_harm() -> None:
    rows = make_rows([(0.9, 0.08)] * 5 + [(0.92, 0.3)], [1.0] * 4 + [0.6])
    assert recommend(rows)[0] == "eps-0.34"


def test_of_two_stretches_as_long_the_one_that_changes_less_is_taken() -> None:
    rows = make_rows([(0.9, 0.0)] * 6, [0.992, 0.995, 0.8, 1.0, 0.999])
    assert recommend(rows)[0] == "eps-0.38"


def test_noise_that_becomes_people_outweighs_a_stable_beginning() -> None:
    rows = make_rows([(0.5, 0.0)] * 5 + [(0.9, 0.0)] * 3, [1.0] * 7)
    assert recommend(rows)[0] == "eps-0.42"


def test_a_stretch_that_ends_where_the_sweep_ends_says_so() -> None:
    rows = make_rows([(0.9, 0.0)] * 3, [1.0] * 2)
    assert recommend(rows)[1].endswith("the edge of what was tried: compare smaller and larger eps, too.")
    rows = make_rows([(0.9, 0.0)] * 3 + [(0.9, 0.5)], [1.0, 1.0, 0.2])
    assert recommend(rows)[1].endswith("compare smaller eps, too.")
    rows = make_rows([(0.9, 0.5)] + [(0.9, 0.0)] * 3 + [(0.9, 0.5)], [0.2, 1.0, 1.0, 0.2])
    assert "edge" not in recommend(rows)[1]


@pytest.mark.parametrize(
    ("scores", "likeness", "side"),
    [
        ([(0.5, 0.0), (0.6, 0.0), (0.9, 0.0)], [0.2, 0.2], "larger"),
        ([(0.9, 0.0), (0.6, 0.0), (0.5, 0.0)], [0.2, 0.2], "smaller"),
        ([(0.9, 0.1), (0.905, 0.1)], [0.5], "smaller"),  # of two that do well the smaller
    ],
)
def test_the_edge_of_what_was_tried_is_not_recommended(scores, likeness, side) -> None:
    name, reason = recommend(make_rows(scores, likeness))
    assert name is None
    assert "at the edge of what was tried" in reason
    assert reason.endswith(f"Compare {side} eps, too.")


def test_few_pairs_are_a_reason_to_beware() -> None:
    rows = make_rows([(0.9, 0.0)] * 3, [1.0] * 2)
    assert "beware" not in recommend(rows)[1]
    few = [row | {"frame_pairs": 7} for row in rows]
    assert "beware, this rests on 7 pairs of people in one frame" in recommend(few)[1]
    few = [row | {"frame_pairs": 7, "adjacent_pairs": 31} for row in rows[:1]]
    assert "on 7 pairs of people in one frame and 31 adjacent pairs" in recommend(few)[1]


def test_linkage_comes_before_dbscan() -> None:
    rows = make_rows([(0.9, 0.0)] * 3, [1.0] * 2) + make_rows([(0.8, 0.0)] * 3, [1.0] * 2, "linkage")
    assert recommend(rows)[0] == "linkage-0.32"


def test_one_clustering_alone_does_not_hide_several_of_another_algorithm() -> None:
    alone = make_rows([(0.9, 0.0)], [], "linkage", first=0.52)
    dbscans = make_rows([(0.8, 0.0)] * 3, [1.0] * 2)
    assert recommend(dbscans + alone)[0] == recommend(alone + dbscans)[0] == "eps-0.32"
    assert "linkage-0.52 is the only clustering" in recommend(dbscans[:1] + alone)[1]


@pytest.mark.parametrize(
    ("scores", "likeness", "expected"),
    [
        ([(0.9, 0.1), (0.95, 0.1), (0.9, 0.2)], [0.5, 0.5], "eps-0.32"),  # the best
        ([(0.9, 0.1), (0.9, 0.1), (0.9, 0.1)], [0.5, 0.5], "eps-0.32"),  # the middle of three as good
        ([(0.5, 0.1), (0.9, 0.1), (0.905, 0.1), (0.5, 0.1)], [0.5] * 3, "eps-0.32"),  # the smaller of two
        ([(0.5, 0.1), (0.9, 0.1), (0.9, 0.1), (0.5, 0.1)], [None] * 3, "eps-0.32"),
    ],
)
def test_where_everything_changes_the_best_and_then_the_middle_is_taken(scores, likeness, expected) -> None:
    name, reason = recommend(make_rows(scores, likeness))
    assert name == expected
    assert "its neighbours do worse or differ much" in reason


def test_of_one_alone_nothing_is_recommended() -> None:
    name, reason = recommend(make_rows([(0.9, 0.01)], [], first=0.4))
    assert name is None
    assert "eps-0.40 is the only clustering by dbscan, with nothing to compare it with. It keeps" in reason


@pytest.mark.parametrize(
    "scores",
    [
        [(0.0, None)],  # all noise
        [(1.0, 1.0)],  # one giant person
        [(0.0, None), (0.05, 0.06), (1.0, 1.0)],  # guessing between the two
        [(None, 0.1), (None, 0.0)],  # no adjacent pairs
        [(0.9, None)],  # no two faces in one frame
        [],
    ],
)
def test_nothing_is_recommended_where_nothing_speaks_for_it(scores: list[tuple]) -> None:
    name, reason = recommend(make_rows(scores, [1.0] * (len(scores) - 1)))
    assert name is None
    assert reason.endswith(".")


def test_dbscan_comes_before_other_algorithms_and_otherwise_the_first() -> None:
    others = make_rows([(0.99, 0.0)] * 3, [1.0] * 2, algorithm="chinese_whispers")
    dbscans = make_rows([(0.7, 0.1)] * 3, [1.0] * 2)
    assert recommend(dbscans + others)[0] == "eps-0.32"
    hdbscans = [
        {**row, "clustering": f"hdbscan-{n}", "algorithm": "hdbscan", "eps": None, "min_samples": n}
        for n, row in zip((5, 10, 20), make_rows([(0.9, 0.0)] * 3, [0.5] * 2), strict=True)
    ]
    assert recommend(others + hdbscans)[0] == "chinese_whispers-0.32"
    assert recommend(hdbscans)[0] == "hdbscan-10"


def test_of_several_min_samples_the_better_stretch_is_taken() -> None:
    fives = make_rows([(0.9, 0.05)] * 4, [1.0] * 3)
    threes = [
        {**row, "clustering": row["clustering"] + "-min3", "min_samples": 3}
        for row in make_rows([(0.9, 0.3)] * 4, [1.0] * 3)
    ]
    assert recommend(threes + fives)[0] == "eps-0.32"


def test_on_a_made_up_show_people_are_told_apart_at_the_recommended_eps() -> None:
    """A host, who is also on a screen, and guests: one looks otherwise the next day, two look alike."""
    rng = np.random.default_rng(0)
    middles = rng.normal(size=(6, 128)) * 0.07
    looks = np.repeat(middles[None], 2, axis=0)  # of each person on two days
    looks[1, 3] += 0.22 * np.eye(128)[0]
    looks[:, 2] = middles[1] + 0.55 * np.eye(128)[1]
    rows, who, embeddings = [], [], []
    for day in range(2):
        for frame in range(1, 121):
            shown = [(0, 0)] if frame % 4 else [(0, 0), (0, 500)]  # the host, on the screen as well
            guest = 1 + (frame // 10) % 5
            shown += [(guest, 150)] + [(3 - guest, 300)] * (guest in (1, 2))
            for person, left in shown:
                left += int(rng.integers(-5, 6))
                box = {"top": 40, "right": left + 100, "bottom": 140, "left": left}
                embeddings.append(looks[day, person] + rng.normal(size=128) * 0.008)
                rows.append({"broadcast": f"NTV_2026100{day + 1}_030000", "frame": frame, **box})
                rows[-1]["set_aside"] = ""
                who.append(person)
    faces = pa.Table.from_pylist(rows, schema=tables.MERGED_FACES)
    points = np.array(embeddings, np.float32)
    eps = [round(0.1 + 0.04 * n, 2) for n in range(18)]
    found = score(
        faces,
        {f"eps-{one:.2f}": {"algorithm": "dbscan", "eps": one, "min_samples": 5} for one in eps},
        lambda name: dbscan(points, float(name[4:]), 5),
    )
    assert found.recommended is not None
    best = next(row for row in found.sweep.to_pylist() if row["recommended"])
    assert best["clustering"] == found.recommended
    assert best["n_people"] == 6
    labels = dbscan(points, best["eps"], 5)
    assert len(set(zip(labels.tolist(), who, strict=True))) == 6
    n_people = found.sweep["n_people"].to_pylist()
    assert n_people[-1] < 6 < max(n_people)
