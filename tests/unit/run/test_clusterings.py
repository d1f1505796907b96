"""Clustering the faces of a run, and going on from a saved state."""

import logging
from collections.abc import Sequence
from pathlib import Path
from threading import Thread

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import DBSCAN

from castgraph.base import tables
from castgraph.clustering import kernels
from castgraph.clustering.algorithms import ALGORITHMS
from castgraph.clustering.scan import Options
from castgraph.run.clusterings import cluster_by_dbscan, cluster_faces
from castgraph.run.counted import CountedFaces, Portion
from castgraph.run.names import clusterings

MIN_SAMPLES = 4
EPS = (0.3, 0.4)


def embeddings(n: int, seed: int = 0) -> np.ndarray:
    """Faces of many people of all sizes, of whom a third come once; some people touch each other."""
    rng = np.random.default_rng(seed)
    spread = np.sqrt(np.exp(-np.arange(128) / 20.0) / 20.0)
    people = rng.normal(size=(n // 12 + 2, 128)) * spread * 0.5
    people[1] = people[0] + (people[1] - people[0]) * 0.6
    who = np.minimum(rng.geometric(0.08, size=n), len(people) - 1)
    points = people[who] + rng.normal(size=(n, 128)) * spread * rng.choice([0.1, 0.18, 0.5], size=(n, 1))
    return points.astype(np.float32)


def faces(points: np.ndarray, broadcasts: Sequence[int]) -> CountedFaces:
    """The faces of the chosen broadcasts, 100 in each; every ninth face does not count."""
    portions, kept = [], [np.empty((0, 128), np.float32)]
    for broadcast in broadcasts:
        part = np.ascontiguousarray(points[broadcast * 100 : broadcast * 100 + 100])
        portions.append(Portion(f"B_{broadcast:04}", len(part), part.tobytes().hex()[:40]))
        kept.append(part)
    counted = np.arange(sum(map(len, kept)) * 9 // 8) % 9 != 8
    assert counted.sum() == sum(map(len, kept))
    return CountedFaces(
        np.concatenate(kept), counted, tuple(portions), np.ones(counted.sum(), bool), Path("none")
    )


def expected(found: CountedFaces, eps: float, min_samples: int = MIN_SAMPLES) -> list[int]:
    labels = np.full(len(found.counted), tables.NOISE)
    labels[found.counted] = DBSCAN(eps=eps, min_samples=min_samples).fit(found.points).labels_
    return labels.tolist()


def check(
    found: CountedFaces, eps: Sequence[float], saved: Path, kernel: str, others: Sequence[float] = ()
) -> None:
    for value in eps:
        labels = cluster_by_dbscan(
            found, value, MIN_SAMPLES, saved, Options(1, kernel), all_eps=[*eps, *others]
        )
        assert labels.dtype == np.int32
        assert labels.tolist() == expected(found, value)


@pytest.fixture(params=[kernels()[0], "numpy"])
def kernel(request) -> str:
    return request.param


@pytest.fixture
def reasons(caplog) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO)
    return caplog


@pytest.mark.parametrize("first", [range(12), [0, 3, 4, 9], [11], range(1, 12)])
def test_a_run_that_has_grown_is_labelled_as_from_scratch(first, kernel, tmp_path, reasons) -> None:
    points = embeddings(1_200)
    check(faces(points, first), EPS, tmp_path / "state", kernel)
    check(faces(points, range(12)), EPS, tmp_path / "state", kernel)
    assert "anew" not in reasons.records[-1].message
    if len(first) < 12:
        assert (
            f"going on from {len(first) * 100} faces with {1200 - len(first) * 100} new ones" in reasons.text
        )


def test_a_run_that_grows_again_and_again(kernel, tmp_path, reasons) -> None:
    points = embeddings(1_200, seed=5)
    for n in range(1, 13):
        check(faces(points, range(12 - n, 12)), EPS, tmp_path / "state", kernel)
    assert reasons.text.count("going on from") == 11


@settings(max_examples=settings().max_examples // 4)
@given(
    before=st.lists(
        st.sampled_from([0.2, 0.26, 0.3, 0.36, 0.4, 0.5, 0.7]), min_size=1, max_size=3, unique=True
    ),
    after=st.lists(
        st.sampled_from([0.2, 0.26, 0.3, 0.36, 0.4, 0.5, 0.7]), min_size=1, max_size=4, unique=True
    ),
    grown=st.booleans(),
    seed=st.integers(0, 5),
)
def test_other_eps_use_what_is_known_of_smaller_and_larger_ones(
    before: list[float], after: list[float], grown: bool, seed: int, tmp_path_factory
) -> None:
    points = embeddings(800, seed)
    saved = tmp_path_factory.mktemp("state") / "state"
    for kernel in (kernels()[0], "numpy"):
        check(faces(points, range(1, 8) if grown else range(8)), before, saved, kernel)
        check(faces(points, range(8)), after, saved, kernel, before)
        saved.unlink()


@pytest.mark.parametrize("after", [[0.3], [0.3, 0.5], [2.0]])
def test_where_nobody_was_found_a_smaller_eps_finds_nobody(after, kernel, tmp_path) -> None:
    alone = faces(np.eye(128, dtype=np.float32)[:100], [0])
    check(alone, [0.4], tmp_path / "state", kernel)
    check(alone, after, tmp_path / "state", kernel, [0.4])


def test_other_eps_grow_too(kernel, tmp_path, reasons) -> None:
    points = embeddings(800)
    check(faces(points, range(6)), [0.3, 0.4, 0.5], tmp_path / "state", kernel)
    check(faces(points, range(8)), [0.4], tmp_path / "state", kernel, [0.5])
    reasons.clear()
    check(faces(points, range(8)), [0.5], tmp_path / "state", kernel, [0.4])
    assert "known: eps [0.4, 0.5]; to be found: []" in reasons.text


def test_the_first_finds_all_and_the_next_ones_write_nothing(kernel, tmp_path, reasons) -> None:
    found = faces(embeddings(800), range(8))
    saved = tmp_path / "state"
    check(found, [0.3], saved, kernel, [0.4, 0.5])
    assert reasons.text.count("to be found: [0.3, 0.4, 0.5]") == 1
    before, written = saved.read_bytes(), saved.stat().st_mtime_ns
    reasons.clear()
    check(found, [0.4, 0.5], saved, kernel, [0.3])
    assert reasons.text.count("known: eps [0.3, 0.4, 0.5]; to be found: []") == 2
    check(found, [0.5], saved, kernel)  # the others are given up
    assert (saved.read_bytes(), saved.stat().st_mtime_ns) == (before, written)


def test_who_comes_while_another_works_waits_and_finds_all_known(tmp_path, reasons) -> None:
    found = faces(embeddings(400), range(4))
    second = Thread(target=check, args=(found, [0.4], tmp_path / "state", kernels()[0], [0.3]))

    def meanwhile(done: float) -> None:
        if not second.ident:
            second.start()
            second.join(timeout=0.5)  # it would be done by then
            assert second.is_alive()

    options = Options(1, kernels()[0], meanwhile)
    cluster_by_dbscan(found, 0.3, MIN_SAMPLES, tmp_path / "state", options, all_eps=EPS)
    assert second.ident
    second.join()
    assert reasons.text.count("to be found: [0.3, 0.4]") == reasons.text.count("to be found: []") == 1


# `linkage` and `iterative` read the table of the faces; see `test_constraints.py`.
@pytest.mark.parametrize(
    "settings", clusterings(["dbscan", "hdbscan", "chinese_whispers"], [0.4], MIN_SAMPLES).values()
)
def test_other_algorithms_neither_need_nor_leave_a_state(settings, tmp_path) -> None:
    found = faces(embeddings(400), range(4))
    labels = cluster_faces(found, settings, tmp_path / "state", Options(1, kernels()[0]))
    given = {key: value for key, value in settings.items() if key != "algorithm"}
    assert labels[found.counted].tolist() == ALGORITHMS[settings["algorithm"]](found.points, **given).tolist()
    assert set(labels[~found.counted]) == {tables.NOISE}
    assert (tmp_path / "state").exists() == (settings["algorithm"] == "dbscan")


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 0xFF
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def of_the_future(path: Path) -> None:
    table = pq.read_table(path)
    tables.write(path, table, {**tables.read_provenance(path), "version": 99})


def with_another_core(path: Path) -> None:
    """A file that is whole, with one value changed by somebody."""
    table = pq.read_table(path)
    core = table["core_0"].to_numpy().copy()
    core[7] ^= 1
    tables.write(path, table.set_column(0, table.schema.field(0), [core]), tables.read_provenance(path))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (flipped, ""),
        (cut, "cannot be read"),
        (lambda path: path.write_bytes(b"no state"), "cannot be read"),
        (lambda path: path.write_bytes(b""), "cannot be read"),
        (lambda path: tables.write(path, pq.read_table(path), {}), "version None, not 1"),
        (of_the_future, "version 99, not 1"),
        (lambda path: path.write_bytes(path.read_bytes().replace(b"root_0", b"soot_0")), "checksum is wrong"),
        (with_another_core, "its checksum is wrong"),
    ],
)
def test_a_spoilt_state_means_a_run_from_scratch_with_the_reason_in_the_log(
    spoil, reason: str, tmp_path: Path, reasons
) -> None:
    found = faces(embeddings(400), range(4))
    saved = tmp_path / "state"
    check(found, EPS, saved, kernels()[0])
    spoil(saved)
    reasons.clear()
    check(found, EPS, saved, kernels()[0])
    assert "everything is done anew" in reasons.text
    assert reason in reasons.text
    reasons.clear()
    check(found, EPS, saved, kernels()[0])
    assert "anew" not in reasons.text


@pytest.mark.parametrize(
    ("now", "min_samples", "eps", "reason"),
    [
        ([0, 1, 3], MIN_SAMPLES, EPS, "the faces of B_0002 are gone"),
        ([0, 2, 1, 3], MIN_SAMPLES, EPS, "B_0002 has another place"),
        ([0, 1, 2, 3], MIN_SAMPLES + 1, EPS, "min_samples 4, not 5"),
        ([0, 1, 2, 3], MIN_SAMPLES, (0.6,), "knows of other eps only"),
    ],
)
def test_a_state_of_something_else_is_not_used(now, min_samples, eps, reason, tmp_path, reasons) -> None:
    points = embeddings(400)
    check(faces(points, range(4)), EPS, tmp_path / "state", kernels()[0])
    found = faces(points, now)
    for value in eps:
        labels = cluster_by_dbscan(
            found, value, min_samples, tmp_path / "state", Options(1, kernels()[0]), all_eps=eps
        )
        assert labels.tolist() == expected(found, value, min_samples)
    assert reason in reasons.text


def test_a_changed_face_is_noticed(tmp_path: Path, reasons) -> None:
    points = embeddings(400)
    check(faces(points, range(4)), EPS, tmp_path / "state", kernels()[0])
    points[300, 0] += 1e-6
    check(faces(points, range(4)), EPS, tmp_path / "state", kernels()[0])
    assert "the faces of B_0003 have changed" in reasons.text


def test_no_faces_give_no_people(tmp_path: Path) -> None:
    nobody = CountedFaces(
        np.empty((0, 128), np.float32), np.zeros(3, bool), (), np.empty(0, bool), Path("none")
    )
    labels = cluster_by_dbscan(nobody, 0.4, MIN_SAMPLES, tmp_path / "state", Options(1, kernels()[0]))
    assert labels.tolist() == [-1] * 3


def test_too_little_memory_is_refused_before_any_work(tmp_path: Path) -> None:
    found = faces(embeddings(400), range(4))
    with pytest.raises(MemoryError, match=r"needs up to \d+ MB, and 10 MB are allowed"):
        cluster_by_dbscan(
            found, 0.4, MIN_SAMPLES, tmp_path / "state", Options(1, kernels()[0]), max_memory_mb=10
        )
    assert not (tmp_path / "state").exists()
