"""How accurate a run is: what is drawn, what is asked, what the answers say."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import cohen_kappa_score
from tests.judged import CLUSTERING, Truth, judged, made_up, true_values

from castgraph.base import tables
from castgraph.run.accuracy.agreement import agreement
from castgraph.run.accuracy.answers import ANSWERS, SAMPLE, read_answers, read_sample, write_sample
from castgraph.run.accuracy.draw import draw, systematic
from castgraph.run.accuracy.estimate import proportion, wilson
from castgraph.run.accuracy.measures import MEASURES, measure, tally, wrong
from castgraph.run.accuracy.population import Population, main_clustering, read_population
from castgraph.run.accuracy.questions import KINDS, questions
from castgraph.run.accuracy.score import score

NONE = dict.fromkeys(KINDS, 0)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    folder = tmp_path_factory.mktemp("made-up")
    truth = made_up(folder)
    return folder / "results" / "made-up", truth


@pytest.fixture(scope="module")
def population(made) -> Population:
    return read_population(made[0], CLUSTERING)


@pytest.fixture
def sampled(made, population, tmp_path: Path) -> Path:
    """The folder of a small sample, with no answers."""
    sample = draw(population, dict.fromkeys(KINDS, 8), seed=3)
    write_sample(tmp_path / "sample", made[0], sample.facts)
    return tmp_path / "sample"


def fill(folder: Path, answers: dict[str, str], **options: str) -> Path:
    """Write answers into the table, as a spreadsheet would."""
    path = folder / ANSWERS
    encoding = options.pop("encoding", "utf-8")
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row | {"answer": answers.get(row["question"], "")} for row in csv.DictReader(file)]
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), **options)
        writer.writeheader()
        writer.writerows(rows)
    return path


# ---- statistics ------------------------------------------------------------------------------------------


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_that_of_scipy(counts: tuple[int, int]) -> None:
    hits, n = counts
    expected = binomtest(hits, n).proportion_ci(method="wilson")
    found = proportion([1] * hits + [0] * (n - hits), np.ones(n))
    assert wilson(hits / n, n) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert found[:3] == pytest.approx((hits / n, expected.low, expected.high), abs=1e-6)
    assert found.n_units == n


units = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 5), st.floats(0.1, 10)).map(
        lambda unit: (min(unit[:2]), max(unit[:2]), unit[2])
    ),
    min_size=1,
    max_size=60,
).filter(lambda found: any(unit[1] for unit in found))


@given(units, st.randoms(use_true_random=False))
def test_an_interval_holds_its_share_and_depends_on_neither_order_nor_scale(found, random) -> None:
    x, d, w = map(np.array, zip(*found, strict=True))
    estimate = proportion(x, d, w)
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
    assert estimate.low < estimate.high
    assert estimate.value == pytest.approx((w * x).sum() / (w * d).sum())
    order = random.sample(range(len(found)), len(found))
    assert proportion(x[order], d[order], 7 * w[order]) == pytest.approx(estimate)
    other = proportion(d - x, d, w)
    assert (1 - other.value, 1 - other.high, 1 - other.low) == pytest.approx(estimate[:3])


@given(units)
def test_a_unit_that_is_all_or_nothing_counts_as_one_answer(found) -> None:
    """However many faces a frame has: as long as nearly all answers are alike, it is one unit."""
    d = np.array([unit[1] for unit in found])
    assert proportion(d, d).n_effective <= (d > 0).sum() + 1e-9
    assert proportion(d, d).high == 1


def test_answers_that_hang_together_make_the_interval_wider() -> None:
    together = proportion([4] * 15 + [0] * 15, [4] * 30)
    apart = proportion([2] * 30, [4] * 30)
    assert together.n_effective == pytest.approx(30)
    assert apart.n_effective == pytest.approx(120)
    assert apart.high - apart.low < together.high - together.low


def test_nothing_judged_is_no_share_and_nonsense_is_refused() -> None:
    assert np.isnan(proportion([], []).value)
    assert proportion([0, 0], [0, 0]).n_units == 0
    for hits, out_of, weights in (([2], [1], 1), ([-1], [1], 1), ([1], [1], -1)):
        with pytest.raises(ValueError, match="0 or more"):
            proportion(hits, out_of, weights)
    with pytest.raises(ValueError, match=r"allowed: 0 to 1"):
        wilson(1.5, 3)


@pytest.mark.parametrize("share", [0.5, 0.8, 0.97, 1.0])
@pytest.mark.parametrize("together", [0.0, 0.7])
def test_intervals_hold_the_truth_about_as_often_as_they_say(share: float, together: float) -> None:
    """Frames with several faces, of which more or fewer are found together."""
    random = np.random.default_rng(7)
    held = 0
    for _ in range(400):
        d = random.integers(0, 6, 60)
        of_frame = random.random(60) < share
        x = [
            sum(bool(all_) if random.random() < together else random.random() < share for _ in range(n))
            for n, all_ in zip(d, of_frame, strict=True)
        ]
        found = proportion(x, d)
        held += found.low - 1e-12 <= share <= found.high + 1e-12
    assert held / 400 >= 0.92


# ---- what is drawn ---------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 5), min_size=1, max_size=80), st.integers(0, 90), st.integers(0, 2**32))
def test_each_stratum_gives_its_due(strata: list[int], size: int, seed: int) -> None:
    found = systematic(np.array(strata), size, np.random.default_rng(seed))
    assert len(found) == len(set(found.tolist())) == min(size, len(strata))
    drawn = Counter(strata[place] for place in found)
    for stratum, n in Counter(strata).items():
        assert abs(drawn[stratum] - n * len(found) / len(strata)) < 1 + 1e-9


def test_each_element_has_the_same_chance() -> None:
    strata = np.repeat([0, 1, 2], [3, 17, 27])
    counts = np.zeros(len(strata))
    for seed in range(3000):
        counts[systematic(strata, 10, np.random.default_rng(seed))] += 1
    expected = 3000 * 10 / len(strata)
    deviations = (counts - expected) / np.sqrt(expected * (1 - 10 / len(strata)))
    assert np.abs(deviations).max() < 4.5


def test_the_seed_decides_and_the_size_of_one_kind_changes_no_other(population) -> None:
    first = draw(population, {}, seed=1)
    assert draw(population, {}, seed=1) == first
    assert draw(population, {}, seed=2).facts["sample"] != first.facts["sample"]
    fewer = draw(population, {"frame": 3, "edge": 0}, seed=1)
    for kind in ("face", "person", "pair", "noise"):
        of_kind = [item for item in first.items if item.kind == kind]
        assert [item for item in fewer.items if item.kind == kind] == of_kind
    assert Counter(item.kind for item in fewer.items)["frame"] == 3
    assert Counter(item.kind for item in fewer.items)["edge"] == 0
    assert len({item.id for item in first.items}) == len(first.items)
    assert first.facts["sample"].startswith("s")  # no spreadsheet takes it for a number


def test_what_is_shown_is_what_is_asked_about(population, made) -> None:
    truth = made[1]
    sample = draw(population, {}, seed=5)
    for item in sample.items:
        labels = [{truth.label[face.broadcast, face.face] for face in strip} for strip in item.strips]
        assert all(len(set(strip)) == len(strip) for strip in item.strips)
        if item.kind == "noise":
            assert labels == [{-1}, *({person} for person in item.people)]
        else:
            assert labels == [{person} for person in item.people]
        if item.kind == "edge":
            there = {(face.broadcast, face.frame) for strip in item.strips for face in strip}
            assert not there & {(shown.broadcast, shown.frame) for shown in item.shown}
            assert {mark for shown in item.shown for _, mark in shown.boxes} == {"A", "B"}
            assert len(item.shown) == 2 - item.facts["same_frame"]


def test_a_face_that_is_set_aside_has_no_box_and_is_no_noise(population) -> None:
    counts = population.counts.copy()
    counts[::2] = False
    labels = np.where(counts, population.labels, -1).astype(np.int32)
    changed = Population(
        **{name: getattr(population, name) for name in Population.__dataclass_fields__}
        | {"counts": counts, "labels": labels}
    )
    sample = draw(changed, NONE | {"frame": 250, "noise": 1000}, seed=1)
    kept = {changed.face(row) for row in np.flatnonzero(counts).tolist()}
    shown = [face for item in sample.items for place in item.shown for face, _ in place.boxes]
    assert set(shown) == kept
    assert sample.facts["population"]["set_aside"] == (~counts).sum()
    noise = [item.strips[0][0] for item in sample.items if item.kind == "noise"]
    assert set(noise) == {changed.face(row) for row in np.flatnonzero((labels == -1) & counts).tolist()}


@pytest.mark.slow
def test_the_estimates_are_right_on_average_and_as_often_as_they_say(population, made) -> None:
    """Samples that are judged without a mistake, against the truth of the whole run."""
    truth = made[1]
    people = range(len(population.sizes))
    near = population.nearest(population.middles, 2)
    nearest = {one: int(row[1] if row[0] == one else row[0]) for one, row in zip(people, near, strict=True)}
    expected = true_values(truth, nearest)
    everything = draw(population, dict.fromkeys(KINDS, 10**6), seed=0)
    whole = {
        each.measure.name: each.estimate.value
        for each in measure(everything.facts["items"], judged(everything.items, truth))
    }
    for name in ("noise_has_person",):  # of which three people tell, whoever they are
        expected[name] = whole[name]
    found: dict[str, list] = {name: [] for name in expected}
    sizes = {"frame": 50, "face": 60, "person": 8, "pair": 16, "noise": 30, "edge": 0}
    for seed in range(150):
        sample = draw(population, sizes, seed)
        for each in measure(sample.facts["items"], judged(sample.items, truth)):
            if each.measure.name in found:
                found[each.measure.name].append(each.estimate)
    for name, estimates in found.items():
        values = np.array([each.value for each in estimates])
        error = values.std(ddof=1) / np.sqrt(len(values))
        assert abs(values.mean() - expected[name]) < 4 * error + 1e-9, name
        held = np.mean([each.low <= expected[name] <= each.high for each in estimates])
        assert held >= 0.9, name


@pytest.mark.slow
def test_edges_are_estimated_without_bias(population, made) -> None:
    """Of each edge one frame is drawn among all that make it: the mean is over edges, then over frames."""
    truth = made[1]
    edges = population.edges.to_pylist()
    right = []
    for edge in edges:
        one, other = (population.rows_of(edge[end]) for end in ("source", "target"))
        met = np.intersect1d(population.keys[one], population.keys[other])
        if len(met):
            right.append(
                np.mean(
                    [
                        all(
                            any(
                                population.keys[row] == key
                                and truth.who[population.face(row)[0], population.face(row)[2]]
                                == truth.mostly(edge[end])
                                for row in rows
                            )
                            for end, rows in (("source", one), ("target", other))
                        )
                        for key in met
                    ]
                )
            )
    values = []
    for seed in range(60):
        sample = draw(population, NONE | {"edge": 25}, seed)
        items = [item for item in sample.items if item.facts["same_frame"]]
        answers = judged(items, truth)
        values.append(np.mean([answers[item.id] == "yes" for item in items]))
    assert abs(np.mean(values) - np.mean(right)) < 4 * np.std(values, ddof=1) / np.sqrt(60)


@pytest.mark.parametrize("size", [{"frame": -1}, {"faces": 3}, NONE], ids=["negative", "unknown", "nothing"])
def test_sizes_that_make_no_sense_are_refused(population, size) -> None:
    with pytest.raises(ValueError, match=r"not allowed|no kinds of questions|nothing to draw"):
        draw(population, size, seed=1)


@pytest.mark.parametrize("n_people", [0, 1, 2, 3])
def test_small_runs_can_be_sampled(population, n_people: int) -> None:
    """Without people, with one, and with so few that there are no pairs that are not near."""
    rows = [row for person in range(n_people) for row in population.rows_of(person)[:2].tolist()]
    labels = np.full_like(population.labels, -1)
    labels[rows] = population.labels[rows]
    best = np.array([rows[2 * person] for person in range(n_people)], np.int64)
    people = population.people.slice(0, n_people)
    changed = Population(
        **{name: getattr(population, name) for name in Population.__dataclass_fields__}
        | {"labels": labels, "people": people, "best": best, "edges": population.edges.slice(0, 0)}
    )
    sample = draw(changed, {}, seed=1)
    kinds = Counter(item.kind for item in sample.items)
    assert kinds["frame"] == 40
    assert kinds["person"] == n_people
    assert kinds["pair"] == n_people * (n_people - 1) // 2
    assert kinds["edge"] == 0
    assert (kinds["noise"] > 0) == (n_people > 0)


# ---- the table to fill in --------------------------------------------------------------------------------


def test_the_table_has_a_row_a_question_and_says_what_may_be_answered(sampled: Path) -> None:
    facts = read_sample(sampled)
    asked = [each for item in facts["items"] for each in questions(item)]
    with (sampled / ANSWERS).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["question"] for row in rows] == [each.id for each in asked]
    assert {row["answer"] for row in rows} == {""}
    assert all(row["ask"] and "?" in row["allowed"] and row["sample"] == facts["sample"] for row in rows)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"delimiter": ";", "encoding": "cp1252"},
        {"delimiter": "\t", "encoding": "utf-16"},
        {"encoding": "utf-8-sig", "quoting": csv.QUOTE_ALL},
        {"lineterminator": "\n", "delimiter": "|"},
    ],
    ids=["plain", "semicolons", "utf-16", "quoted", "bars"],
)
def test_answers_come_back_from_any_spreadsheet(options, made, population, sampled: Path) -> None:
    sample = draw(population, dict.fromkeys(KINDS, 8), seed=3)
    answers = judged(sample.items, made[1])
    fill(sampled, answers, **options)
    assert read_answers(sampled / ANSWERS, read_sample(sampled)) == answers


@pytest.mark.parametrize(
    ("written", "read"),
    [("YES", "yes"), (" y ", "yes"), ("n", "no"), ("?", "?"), ("", ""), ("  ", "")],
)
def test_words_may_be_short_and_in_capitals(written: str, read: str) -> None:
    [question] = questions({"id": "pair-01", "kind": "pair"})
    assert question.read(written) == read


@pytest.mark.parametrize(
    ("written", "read"), [("2", "2"), ("2.0", "2"), ("2,0", "2"), ("x", "x"), ("0", "0")]
)
def test_numbers_may_be_as_programs_write_them(written: str, read: str) -> None:
    [question] = questions({"id": "noise-01", "kind": "noise", "people": [4, 5, 6]})
    assert question.read(written) == read


@pytest.mark.parametrize("written", ["maybe", "-1", "4", "1.5", "nan", "inf", "1e1", "=1", "9" * 5000])
def test_other_answers_are_refused_with_what_is_allowed(written: str) -> None:
    [question] = questions({"id": "noise-01", "kind": "noise", "people": [4, 5, 6]})
    with pytest.raises(ValueError, match=r"allowed: 0 to 3, x, \?") as error:
        question.read(written)
    assert len(str(error.value)) < 200


def test_wrong_rows_are_told_by_their_lines(sampled: Path) -> None:
    facts = read_sample(sampled)
    rows = [
        ("pair-01", "perhaps", facts["sample"]),
        ("pair-99", "yes", facts["sample"]),
        ("face-01", "7", facts["sample"]),
        ("pair-02", "yes", "0badcafe"),
        ("pair-03", "yes", facts["sample"]),
        ("pair-03", "no", facts["sample"]),
        ("pair-04", "no", facts["sample"]),
        ("pair-04", "", facts["sample"]),
    ]
    path = sampled / "filled.csv"
    path.write_text("\nQuestion ; ANSWER;sample\n" + "".join(";".join(row) + "\n" for row in rows))
    with pytest.raises(ValueError, match="5 rows cannot be used") as error:
        read_answers(path, facts)
    told = str(error.value)
    assert told.startswith(f"{path}: ")
    for part in (
        "line 3: pair-01: found 'perhaps'; allowed: yes, no, ?",
        "line 4: 'pair-99' is no question of this sample",
        "line 5: face-01: found '7'; allowed: 0 to 4, ?",
        "line 6: pair-02: of the sample '0badcafe'",
        "line 8: pair-03 is answered 'yes' in line 7 and 'no' here",
    ):
        assert part in told


def test_a_table_that_is_none_is_refused_by_name(sampled: Path) -> None:
    facts = read_sample(sampled)
    for content, problem in (
        (b"a,b\n1,2\n", "no column 'question'"),
        (b"", "no column 'question'"),
        (b"PK\x03\x04", "save the table as CSV"),
        (b"question,answer,answer\n", "2 columns are called 'answer'"),
    ):
        (sampled / "wrong.csv").write_bytes(content)
        with pytest.raises(ValueError, match=problem):
            read_answers(sampled / "wrong.csv", facts)


_WRONG_ITEMS = (
    {"id": "frame-1", "kind": "frame"},
    {"id": "frame-1", "kind": "frame", "boxes": -1},
    {"id": "frame-1", "kind": "frame", "boxes": "2"},
    {"id": "face-1", "kind": "face", "others": 0, "n_faces": 2},
    {"id": "face-1", "kind": "face", "others": 1, "n_faces": 0},
    {"id": "pair-1", "kind": "pair", "near": 1, "weight": float("nan")},
    {"id": 3, "kind": "edge"},
    {"id": "noise-1", "kind": "noise"},
    {"id": "noise-1", "kind": "noise", "people": ["x"]},
    {"id": "noise-1", "kind": "noise", "people": list(range(1000))},
)


def test_a_sample_that_is_none_is_refused(sampled: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="castgraph accuracy sample writes it"):
        read_sample(tmp_path)
    good = json.loads((sampled / SAMPLE).read_text())
    changes = [
        *({"items": 3}, {"items": [{"id": "a", "kind": "other"}]}, {"items": ["frame"]}),
        *({"items": [item]} for item in _WRONG_ITEMS),
        *({"sample": None}, {"seed": "x"}, {"seed": -1}, {"people": 3}),
        *({"population": population} for population in (3, {}, {"faces": 1, "noise": "many"})),
    ]
    for change in changes:
        (sampled / SAMPLE).write_text(json.dumps(good | change))
        with pytest.raises(ValueError, match=r"sample\.json is not a sample of castgraph"):
            read_sample(sampled)


# ---- what the answers say --------------------------------------------------------------------------------


def test_one_kind_of_question_is_enough(made, population, sampled: Path) -> None:
    sample = draw(population, dict.fromkeys(KINDS, 8), seed=3)
    answers = judged(sample.items, made[1])
    for kind in KINDS:
        fill(sampled, {name: answer for name, answer in answers.items() if name.startswith(f"{kind}-")})
        found = score(sampled)
        kinds = {each.kind for each in MEASURES if each.name in found["measures"]}
        assert kinds == {kind}
        assert found["judged"][kind]["judged"] == found["judged"][kind]["drawn"]
        assert all(each["blank"] == each["drawn"] for other, each in found["judged"].items() if other != kind)
        assert found["sentence"].startswith("In random samples of the run made-up (eps-0.40; castgraph ")
        assert "95 % interval" in found["sentence"]
        assert found["is_of_the_run"] is True


def test_what_cannot_be_told_and_what_is_blank_do_not_count_and_are_counted() -> None:
    items = [{"id": f"pair-{n}", "kind": "pair", "near": 1, "weight": 1.0} for n in range(4)]
    items += [{"id": "frame-0", "kind": "frame", "boxes": 2}, {"id": "frame-1", "kind": "frame", "boxes": 0}]
    answers = {"pair-0": "yes", "pair-1": "no", "pair-2": "?", "frame-0-missed": "1", "frame-1-missed": "2"}
    counts = tally(items, answers)
    assert counts["pair"] == (4, 2, 1, 1)
    assert counts["frame"] == (2, 1, 0, 1)  # of one frame only half is judged
    found = {each.measure.name: each.estimate for each in measure(items, answers)}
    assert found["people_split"].value == 0.5
    assert found["faces_found"].value == 0  # two missed where there is no box
    assert "boxes_right" not in found
    assert [item["id"] for item in wrong(items, answers)] == ["pair-0"]


def test_precision_is_b_cubed_over_faces_and_by_pairs() -> None:
    """Where all others are shown, it is what the definitions say of a person of 2 faces and one of 5."""
    items = [
        {"id": "face-0", "kind": "face", "others": 1, "n_faces": 2},
        {"id": "face-1", "kind": "face", "others": 4, "n_faces": 5},
        {"id": "person-0", "kind": "person", "others": 1, "n_faces": 2},
        {"id": "person-1", "kind": "person", "others": 4, "n_faces": 5},
    ]
    answers = {"face-0": "1", "face-1": "2", "person-0": "1", "person-1": "2"}
    found = {each.measure.name: each.estimate.value for each in measure(items, answers)}
    assert found == pytest.approx(
        {
            "person_right_by_face": (1 / 2 + 3 / 5) / 2,
            "person_right_by_pair": (0 + 2) / (1 + 4),
            "person_right_by_person": (0 + 1 / 2) / 2,
        }
    )


def test_pairs_count_by_what_they_stand_for() -> None:
    items = [
        {"id": "pair-0", "kind": "pair", "near": 2, "weight": 2.0},
        {"id": "pair-1", "kind": "pair", "near": 1, "weight": 1.0},
        {"id": "pair-2", "kind": "pair", "near": 0, "weight": 47.0},
    ]
    answers = {"pair-0": "yes", "pair-1": "no", "pair-2": "no"}
    found = {each.measure.name: each.estimate for each in measure(items, answers)}
    assert found["people_split"].value == pytest.approx(2 / 3)
    assert found["pairs_apart"].value == pytest.approx(48 / 50)
    assert found["pairs_apart"].n_effective < 3


def test_noise_with_a_person_lowers_what_was_given(made, population, sampled: Path) -> None:
    names = [item["id"] for item in read_sample(sampled)["items"] if item["kind"] == "noise"]
    fill(sampled, dict.fromkeys(names, "1"))
    found = score(sampled)
    given, all_of = found["measures"]["faces_given"], found["population"]
    assert found["measures"]["noise_has_person"]["value"] == 1
    assert given["value"] == pytest.approx(all_of["faces"] / (all_of["faces"] + all_of["noise"]), abs=1e-6)
    assert given["low"] <= given["value"] <= given["high"]
    assert given["too_few"]
    assert "[too few judged to cite]" in found["sentence"]
    assert [fault["id"] for fault in found["faults"]] == names
    assert all(len(fault["people"]) == 3 for fault in found["faults"])


def test_nothing_answered_is_said(sampled: Path) -> None:
    with pytest.raises(ValueError, match="no question is answered yet"):
        score(sampled)
    fill(sampled, {"pair-01": "?"})
    with pytest.raises(ValueError, match="nothing is judged yet"):
        score(sampled)


def test_a_run_that_was_made_again_or_is_gone_is_told(tmp_path: Path) -> None:
    made_up(tmp_path, n_frames=20, n_broadcasts=2)
    run = tmp_path / "results" / "made-up"
    folder = run / CLUSTERING / "accuracy-1"
    write_sample(folder, run, draw(read_population(run, CLUSTERING), NONE | {"pair": 3}, seed=1).facts)
    fill(folder, {"pair-01": "no"})
    assert score(folder)["is_of_the_run"] is True
    ids = tables.read(run / CLUSTERING / "people.parquet", tables.PEOPLE, ["person_id"])[
        "person_id"
    ].to_pylist()
    members = tables.read_members(run / CLUSTERING / "members.parquet", run / "faces.parquet", ids)
    members.person[0] = members.person[1]
    tables.write_members(run / CLUSTERING / "members.parquet", run / "faces.parquet", members, {})
    assert score(folder)["is_of_the_run"] is False
    (run / CLUSTERING / "members.parquet").unlink()
    assert score(folder)["is_of_the_run"] is None


answered = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from(["yes", "no", "apart", "?", ""]))


@given(answered, answered)
def test_two_judges_agree_as_cohen_has_it(first: dict[str, str], second: dict[str, str]) -> None:
    found = agreement(first, second, list("abcdefgh"))
    both = [name for name in "abcdefgh" if not {first.get(name, ""), second.get(name, "")} & {"", "?"}]
    ones, others = ([judge[name] for name in both] for judge in (first, second))
    assert (found.n, found.same) == (len(both), sum(map(str.__eq__, ones, others)))
    if found.kappa is None:
        assert len({*ones, *others}) < 2
    else:
        assert found.kappa == pytest.approx(cohen_kappa_score(ones, others), abs=1e-6)


def test_a_second_judge_is_compared(sampled: Path, tmp_path: Path) -> None:
    fill(sampled, {"pair-01": "yes", "pair-02": "no", "pair-03": "no", "edge-01": "yes"})
    (tmp_path / "second.csv").write_text(
        "question,answer\npair-01,yes\npair-02,no\npair-03,yes\nedge-02,no\n"
    )
    found = score(sampled, second=tmp_path / "second.csv")
    assert found["agreement"] == {
        "pair": {"n": 3, "same": 2, "kappa": 0.4},
        "all": {"n": 3, "same": 2, "kappa": 0.4},
    }
    assert (
        "a second judge gave the same answer to 2 of 3 questions (66.7 %, Cohen's kappa 0.40)"
        in (found["sentence"])
    )
    assert score(sampled)["agreement"] == {}
    assert score(sampled)["measures"] == found["measures"]  # the second judge changes no estimate


def test_groups_that_the_judges_note_have_figures_of_their_own(sampled: Path) -> None:
    """A column that is added, with capitals and spaces, blank for some pieces."""
    fill(sampled, {f"face-{n:02d}": str(2 * (n % 2)) for n in range(1, 9)} | {"frame-01-missed": "0"})
    with (sampled / ANSWERS).open(newline="") as file:
        rows = list(csv.DictReader(file))
    groups = {f"face-{n:02d}": ("odd", " even ")[n % 2 == 0] for n in range(1, 8)}
    with (sampled / "grouped.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["question", "answer", " Group "], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(row | {" Group ": groups.get(row["question"], "")} for row in rows)
    found = score(sampled, sampled / "grouped.csv", by="GROUP")
    by = {name: each["person_right_by_face"] for name, each in found["groups"].items()}
    assert {name: each["n"] for name, each in by.items()} == {"even": 3, "odd": 4}
    assert by["even"]["value"] == 1 > by["odd"]["value"]
    assert all("faces_found" not in each for each in found["groups"].values())
    assert found["measures"]["person_right_by_face"]["n"] == 8
    with pytest.raises(ValueError, match="no column 'colour'"):
        score(sampled, sampled / "grouped.csv", by="colour")
    with pytest.raises(ValueError, match="0 values in the column 'note'; allowed: 1 to 20"):
        score(sampled, by="note")
    lines = [f"pair-{1 + n % 8:02d},yes,{n}" for n in range(9)]
    (sampled / "grouped.csv").write_text("\n".join(["question,answer,group", *lines]))
    with pytest.raises(ValueError, match=r"line 10: pair-01 is '8' here and '0' above"):
        score(sampled, sampled / "grouped.csv", by="group")


# ---- which run -------------------------------------------------------------------------------------------


def test_the_recommended_clustering_is_looked_at_else_the_first(made, tmp_path: Path) -> None:
    assert main_clustering(made[0]) == CLUSTERING  # none is recommended
    with pytest.raises(FileNotFoundError, match="the run is not finished, or its results are elsewhere"):
        main_clustering(tmp_path)
    (tmp_path / "summary.json").write_text("{}")
    tables.write(tmp_path / "sweep.parquet", tables.SWEEP.empty_table(), {"recommended": "eps-0.42"})
    assert main_clustering(tmp_path) == "eps-0.42"
    with pytest.raises(ValueError, match=r"no clustering 'eps-0\.99'; there are: eps-0\.40"):
        read_population(made[0], "eps-0.99")


def test_tables_of_other_labels_are_refused(tmp_path: Path) -> None:
    made_up(tmp_path, n_frames=20, n_broadcasts=2)
    run = tmp_path / "results" / "made-up"
    people = tables.read(run / CLUSTERING / "people.parquet", tables.PEOPLE)
    tables.write(run / CLUSTERING / "people.parquet", people.slice(1), {}, tables.PEOPLE)
    with pytest.raises(ValueError, match=r"members\.parquet has 'P00' and the people do not"):
        read_population(run, CLUSTERING)
    tables.write(run / CLUSTERING / "people.parquet", people, {}, tables.PEOPLE)
    edges = tables.read(run / CLUSTERING / "edges.parquet", tables.EDGES).to_pylist()
    for change in ({"target": "P99"}, {"same_frame": 0}):
        changed = [row | change for row in edges]
        tables.write(
            run / CLUSTERING / "edges.parquet",
            tables.EDGES.empty_table().from_pylist(changed, tables.EDGES),
            {},
        )
        with pytest.raises(tables.TableError, match="of other people"):
            draw(read_population(run, CLUSTERING), {}, seed=1)
