"""Clustering the faces of a run: going on from a saved state, and sharing the work among jobs."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import DBSCAN
from sklearn.neighbors import NearestNeighbors

from castgraph.base import tables
from castgraph.clustering import kernels, shares
from castgraph.clustering.scan import Options
from castgraph.run.clusterings import cluster_faces
from castgraph.run.counted import CountedFaces, Portion

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
    return CountedFaces(np.concatenate(kept), counted, tuple(portions))


def expected(found: CountedFaces, eps: float, min_samples: int = MIN_SAMPLES) -> list[int]:
    labels = np.full(len(found.counted), tables.NOISE)
    labels[found.counted] = DBSCAN(eps=eps, min_samples=min_samples).fit(found.points).labels_
    return labels.tolist()


def check(found: CountedFaces, eps: Sequence[float], saved: Path, kernel: str, **given) -> None:
    labels = cluster_faces(found, eps, MIN_SAMPLES, saved, Options(1, kernel), **given)
    assert list(labels) == list(eps)
    for value in eps:
        assert labels[value].dtype == np.int32
        assert labels[value].tolist() == expected(found, value)


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
        check(faces(points, range(8)), after, saved, kernel, kept=before)
        saved.unlink()


@pytest.mark.parametrize("after", [[0.3], [0.3, 0.5], [2.0]])
def test_where_nobody_was_found_a_smaller_eps_finds_nobody(after, kernel, tmp_path) -> None:
    alone = faces(np.eye(128, dtype=np.float32)[:100], [0])
    check(alone, [0.4], tmp_path / "state", kernel)
    check(alone, after, tmp_path / "state", kernel, kept=[0.4])


def test_eps_that_are_kept_grow_too(kernel, tmp_path, reasons) -> None:
    points = embeddings(800)
    check(faces(points, range(6)), [0.3, 0.4, 0.5], tmp_path / "state", kernel)
    check(faces(points, range(8)), [0.4], tmp_path / "state", kernel, kept=[0.4, 0.5])
    reasons.clear()
    check(faces(points, range(8)), [0.5], tmp_path / "state", kernel, kept=[0.4, 0.5])
    assert "known: eps [0.4, 0.5]; to be found: []" in reasons.text


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
    labels = cluster_faces(found, eps, min_samples, tmp_path / "state", Options(1, kernels()[0]))
    assert reason in reasons.text
    for value in eps:
        assert labels[value].tolist() == expected(found, value, min_samples)


def test_a_changed_face_is_noticed(tmp_path: Path, reasons) -> None:
    points = embeddings(400)
    check(faces(points, range(4)), EPS, tmp_path / "state", kernels()[0])
    points[300, 0] += 1e-6
    check(faces(points, range(4)), EPS, tmp_path / "state", kernels()[0])
    assert "the faces of B_0003 have changed" in reasons.text


def test_no_faces_give_no_people(tmp_path: Path) -> None:
    nobody = CountedFaces(np.empty((0, 128), np.float32), np.zeros(3, bool), ())
    labels = cluster_faces(nobody, EPS, MIN_SAMPLES, tmp_path / "state", Options(1, kernels()[0]))
    assert {value: found.tolist() for value, found in labels.items()} == {0.3: [-1] * 3, 0.4: [-1] * 3}


def test_too_little_memory_is_refused_before_any_work(tmp_path: Path) -> None:
    found = faces(embeddings(400), range(4))
    with pytest.raises(MemoryError, match=r"needs up to \d+ MB, and 10 MB are allowed"):
        cluster_faces(found, EPS, MIN_SAMPLES, tmp_path / "state", Options(1, kernels()[0]), max_memory_mb=10)
    assert not (tmp_path / "state").exists()


# --- shared among jobs


def shared(found: CountedFaces, folder: Path, kernel: str, n_jobs: int, again: Sequence[int] = ()) -> dict:
    options = Options(1, kernel)
    shares.plan(
        folder / "plan", found, EPS, MIN_SAMPLES, folder / "none", options, kept=EPS, n_jobs=n_jobs, above=0
    )
    paths = [folder / f"share-{job}.parquet" for job in range(n_jobs)]
    for job in [*reversed(range(n_jobs)), *again]:
        shares.compare(folder / "plan", job, paths[job], options)
    return shares.gathered(folder / "plan", paths, found)


@pytest.mark.parametrize("n_jobs", [1, 2, 12])
def test_a_shared_clustering_is_that_of_one_job(n_jobs: int, kernel: str, tmp_path: Path) -> None:
    found = faces(embeddings(2_000), range(20))
    begun = shared(found, tmp_path, kernel, n_jobs)
    check(found, EPS, tmp_path / "state", kernel, begun=begun)
    # What was found is kept for the next time.
    check(faces(embeddings(2_000), range(20)), [0.36], tmp_path / "state", kernel, kept=EPS)


def test_shares_may_be_done_twice(tmp_path: Path) -> None:
    found = faces(embeddings(1_000), range(10))
    begun = shared(found, tmp_path, kernels()[0], n_jobs=4, again=[2, 2, 0])
    check(found, EPS, tmp_path / "state", kernels()[0], begun=begun)


def test_a_share_is_short(tmp_path: Path) -> None:
    found = faces(embeddings(1_200), range(12))
    shared(found, tmp_path, kernels()[0], n_jobs=3)
    rows = [pq.read_metadata(tmp_path / f"share-{job}.parquet").num_rows for job in range(3)]
    n_pairs = NearestNeighbors(radius=EPS[-1]).fit(found.points).radius_neighbors_graph().nnz // 2
    assert 0 < sum(rows) < 0.2 * n_pairs


def test_few_faces_are_not_shared(tmp_path: Path) -> None:
    found = faces(embeddings(400), range(4))
    options = Options(1, kernels()[0])
    given = {"kept": EPS, "n_jobs": 3}
    shares.plan(tmp_path / "plan", found, EPS, MIN_SAMPLES, tmp_path / "none", options, above=400, **given)
    shares.compare(tmp_path / "plan", 0, tmp_path / "share.parquet", options)
    assert pq.read_metadata(tmp_path / "share.parquet").num_rows == 0
    assert shares.gathered(tmp_path / "plan", [tmp_path / "share.parquet"], found) == {}
    assert [path.name for path in (tmp_path / "plan").iterdir()] == ["plan.json"]


def test_what_one_job_can_go_on_from_is_not_shared(tmp_path: Path) -> None:
    points = embeddings(400)
    check(faces(points, range(3)), EPS, tmp_path / "state", kernels()[0])
    found = faces(points, range(4))
    shares.plan(
        tmp_path / "plan", found, EPS, MIN_SAMPLES, tmp_path / "state", Options(1, kernels()[0]),
        kept=(), n_jobs=3, above=0,
    )  # fmt: skip
    assert shares.gathered(tmp_path / "plan", [], found) == {}


def test_a_share_of_another_plan_is_refused(tmp_path: Path) -> None:
    points = embeddings(800)
    for name, broadcasts in (("a", range(8)), ("b", range(1, 8))):
        (tmp_path / name).mkdir()
        shared(faces(points, broadcasts), tmp_path / name, kernels()[0], n_jobs=2)
    with pytest.raises(ValueError, match=r"share-1\.parquet was made for plan"):
        shares.gathered(
            tmp_path / "a" / "plan",
            [tmp_path / "a" / "share-0.parquet", tmp_path / "b" / "share-1.parquet"],
            faces(points, range(8)),
        )


def test_a_plan_of_other_faces_is_refused(tmp_path: Path) -> None:
    points = embeddings(800)
    shared(faces(points, range(8)), tmp_path, kernels()[0], n_jobs=1)
    with pytest.raises(ValueError, match="B_0000 are gone"):
        shares.gathered(tmp_path / "plan", [tmp_path / "share-0.parquet"], faces(points, range(1, 8)))
