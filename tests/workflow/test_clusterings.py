"""Several clusterings of one run: found together, gone on from, compared."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from sklearn.cluster import DBSCAN

from castgraph.base import tables
from tests.workflow.conftest import Config, Run, jobs
from tests.workflow.test_kill import kill, wait_for, workers

EPS = (0.36, 0.38, 0.40, 0.42, 0.44, 0.46)
ALGORITHMS = ("dbscan", "hdbscan", "chinese_whispers", "iterative", "linkage")


def state_of(run: Run) -> Path:
    """What is kept of a run's clusterings by DBSCAN."""
    return run.folder / "results" / "ledger" / "dbscan" / f"{run.results.name}.parquet"


@pytest.fixture(scope="session")
def configured(root: Path) -> Callable[..., Config]:
    """Give the configuration of the demo with another section ``clustering``; DBSCAN if none is named."""
    shipped = yaml.safe_load((root / "config" / "config.yaml").read_text())
    return lambda **clustering: shipped | {"clustering": {"algorithm": "dbscan"} | clustering}


def labels(run: Run, clustering: str) -> np.ndarray:
    return pq.read_table(run.results / clustering / "labels.parquet")["label"].to_numpy()


def expected(run: Run, eps: float) -> np.ndarray:
    """scikit-learn's labels of the same faces."""
    faces = tables.open_embeddings(run.results / "faces.parquet")
    return DBSCAN(eps=eps, min_samples=3).fit(faces).labels_


def clustering_log(run: Run, clustering: str) -> str:
    logs = run.folder / "results" / "logs" / run.results.name
    return (logs / clustering / "clustering.log").read_text()


NEW = [f"eps-{eps:.2f}" for eps in EPS if eps != 0.40]


@pytest.fixture(scope="module")
def one_eps(demo_run: Run, configured, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The demo, clustered by DBSCAN as well."""
    run = demo_run.copied(tmp_path_factory.mktemp("one-eps") / "run", configured())
    run("sweep")
    return run


@pytest.fixture(scope="module")
def swept(one_eps: Run, configured, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The same, and then five more eps."""
    run = one_eps.copied(tmp_path_factory.mktemp("swept") / "run", configured(eps=EPS))
    run("sweep")
    return run


def test_one_job_finds_all_that_is_new_and_nothing_else_is_made_again(swept: Run, one_eps: Run) -> None:
    assert jobs(swept.output) == {"clustering": 5, "scores": 1, "sweep": 1}
    logs = "".join(clustering_log(swept, name) for name in NEW)
    assert logs.count("known: eps [0.4]; to be found: [0.36, 0.38, 0.42, 0.44, 0.46]") == 1
    assert logs.count("to be found: []") == 4
    old = [name for name in one_eps.digests() if "eps-0.40" in name or "faces" in name]
    assert len(old) > 10
    for files in (Run.digests, Run.written):
        before, after = files(one_eps), files(swept)
        assert {name: after[name] for name in old} == {name: before[name] for name in old}


def test_killed_after_the_first_of_them(swept: Run, one_eps: Run, tmp_path: Path) -> None:
    run = one_eps.copied(tmp_path / "run", swept.config)
    run.warm_jobs = False
    process = run.start("sweep")
    wait_for(lambda: any((run.results / name / "labels.parquet").exists() for name in NEW), process)
    kill(process, workers(run.folder, "clustering.py"))
    state = state_of(run)
    written = state.stat().st_mtime_ns
    missing = [name for name in NEW if not (run.results / name / "labels.parquet").exists()]
    assert missing

    made = jobs(run("sweep"))["clustering"]
    assert len(missing) <= made <= len(NEW)  # Snakemake may not have recorded what was finished
    assert [name for name in missing if "to be found: []" not in clustering_log(run, name)] == []
    assert state.stat().st_mtime_ns == written
    assert run.digests() == swept.digests()


@pytest.mark.parametrize("eps", EPS)
def test_labels_of_every_eps_are_those_of_scikit_learn(eps: float, swept: Run) -> None:
    assert labels(swept, f"eps-{eps:.2f}").tolist() == expected(swept, eps).tolist()
    facts = tables.read_provenance(swept.results / f"eps-{eps:.2f}" / "labels.parquet")
    assert facts["settings"] == {"algorithm": "dbscan", "eps": eps, "min_samples": 3}


def test_every_eps_is_scored_and_the_right_one_recommended(swept: Run) -> None:
    scores = pq.read_table(swept.results / "sweep.parquet").to_pylist()
    assert [row["eps"] for row in scores] == list(EPS)
    assert [row["n_people"] for row in scores] == [
        labels(swept, row["clustering"]).max() + 1 for row in scores
    ]
    assert [row["clustering"] for row in scores if row["recommended"]] == ["eps-0.38"]
    facts = tables.read_provenance(swept.results / "sweep.parquet")
    assert facts["recommended"] == "eps-0.38"
    assert facts["reason"] in (swept.results / "sweep.html").read_text()
    # Two people who look alike are taken for one from 0.42 on, although they are seen together.
    changes = pq.read_table(swept.results / "sweep_changes.parquet").to_pylist()
    merge = [change for change in changes if change["to"] == "eps-0.42"]
    assert [(change["kind"], change["n_from"], change["same_frame"]) for change in merge] == [
        ("merge", 56, 25),
        ("merge", 43, 25),
    ]


@pytest.fixture(scope="module")
def otherwise(swept: Run, configured, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The same by every algorithm at one of the eps."""
    folder = tmp_path_factory.mktemp("otherwise") / "run"
    run = swept.copied(folder, configured(algorithm=list(ALGORITHMS), eps=[0.40]))
    run("sweep")
    return run


def test_every_algorithm_has_its_own_folder(otherwise: Run, swept: Run) -> None:
    assert jobs(otherwise.output) == {"clustering": 4, "scores": 1, "sweep": 1}
    names = {"dbscan": "eps-0.40", "hdbscan": "hdbscan-auto"}
    names |= {name: f"{name}-0.40" for name in ("chinese_whispers", "iterative", "linkage")}
    n_faces = pq.read_metadata(otherwise.results / "faces.parquet").num_rows
    for algorithm, name in names.items():
        table = otherwise.results / name / "labels.parquet"
        found, facts = labels(otherwise, name), tables.read_provenance(table)
        assert facts["settings"]["algorithm"] == algorithm
        assert facts["settings"].get("eps") == (None if algorithm == "hdbscan" else 0.40)
        assert (facts["stage"], facts["n_faces"]) == ("clustering", len(found)) == ("clustering", n_faces)
        assert facts["n_people"] == len(set(found) - {-1}) >= 13
    scores = pq.read_table(otherwise.results / "sweep.parquet").to_pylist()
    assert {row["algorithm"]: row["clustering"] for row in scores} == names
    assert len(scores) == len(names)
    page = (otherwise.results / "sweep.html").read_text()
    assert [name for name in names.values() if name not in page] == []


def test_what_is_given_up_is_no_reason_to_make_the_rest_again(otherwise: Run, swept: Run) -> None:
    kept = {name for name in swept.digests() if name.startswith("demo/eps-")}
    for files in (Run.digests, Run.written):
        before, after = files(swept), files(otherwise)
        assert {name: after[name] for name in kept} == {name: before[name] for name in kept}


@dataclass
class Grown:
    """A run that one broadcast was added to."""

    run: Run
    added: str
    n_before: int
    output: str


BOTH = ("eps-0.38", "eps-0.42")
TARGET, OTHER = (f"results/grown/{name}/labels.parquet" for name in BOTH)


@pytest.fixture(scope="module")
def grown(demo_run: Run, configured, tmp_path_factory: pytest.TempPathFactory) -> Grown:
    """The broadcasts of the demo but one in their midst, and then that one, too."""
    rows = pq.read_table(demo_run.results / "broadcasts.parquet").to_pylist()
    ids = [row["broadcast"] for row in rows if row["n_faces"]]
    added = ids[3]
    config = configured(eps=[0.38, 0.42]) | {"run": "grown"}
    config["broadcasts"] = {"ids": [name for name in ids if name != added]}
    run = demo_run.copied(tmp_path_factory.mktemp("grown") / "run", config)
    assert jobs(run(TARGET)) == {"select": 1, "merge": 1, "clustering": 1}
    n_before = pq.read_metadata(run.results / "faces.parquet").num_rows
    config["broadcasts"] = {"ids": ids}
    run.config = config
    return Grown(run, added, n_before, run(TARGET, OTHER))


def test_a_run_that_has_grown_goes_on_from_what_is_known(grown: Grown) -> None:
    assert jobs(grown.output) == {"select": 1, "merge": 1, "clustering": 2}
    faces = pq.read_table(grown.run.results / "faces.parquet")
    new = faces["broadcast"].to_pylist().count(grown.added)
    assert len(faces) == grown.n_before + new
    logs = "".join(clustering_log(grown.run, name) for name in BOTH)
    assert logs.count(f"going on from {grown.n_before} faces with {new} new ones") == 1
    assert logs.count("known: eps [0.38, 0.42]; to be found: []") == 2
    for name in BOTH:
        assert labels(grown.run, name).tolist() == expected(grown.run, float(name[4:])).tolist()


def flip_a_byte_of_the_data(state: Path) -> None:
    column = pq.read_metadata(state).row_group(0).column(1)
    content = bytearray(state.read_bytes())
    content[column.data_page_offset + column.total_compressed_size - 5] ^= 0x10
    state.write_bytes(content)


def test_a_damaged_state_costs_time_and_nothing_else(grown: Grown, tmp_path: Path) -> None:
    run = grown.run.copied(tmp_path / "run")
    flip_a_byte_of_the_data(state_of(run))
    assert jobs(run(TARGET, "--forcerun=clustering")) == {"clustering": 1}
    log = clustering_log(run, BOTH[0])
    assert "everything is done anew" in log
    assert state_of(run).name in log
    assert run.digests() == grown.run.digests()


def test_the_state_of_other_faces_is_of_no_use(grown: Grown, tmp_path: Path) -> None:
    """A broadcast that is taken away again may have been what connected two people."""
    run = grown.run.copied(tmp_path / "run")
    run.config["broadcasts"]["ids"].remove(grown.added)
    run(TARGET, OTHER)
    logs = "".join(clustering_log(run, name) for name in BOTH)
    gone = f"the faces of {grown.added} are gone"
    assert logs.count(f"everything is done anew: there is no state to go on from: {gone}") == 1
    for name in BOTH:
        assert labels(run, name).tolist() == expected(run, float(name[4:])).tolist()


def test_too_little_memory_is_told_before_any_work(demo_run: Run, configured, tmp_path: Path) -> None:
    run = demo_run.copied(tmp_path / "run", configured(algorithm=list(ALGORITHMS)))
    before = run.digests()
    run.extra = ["--set-resources", "clustering:mem_mb=1", "--retries", "0"]
    run.detailed = False
    output = run("sweep", "--forcerun=clustering", fails=True)
    told = re.findall(
        r"failed: clustering: (.+) needs up to (\d+) MB, and 1 MB are allowed.*; details in (.+)$",
        output,
        re.M,
    )
    assert {Path(log).parent.name for _, _, log in told} == {
        "eps-0.40", "hdbscan-auto", "chinese_whispers-0.48", "iterative-0.46", "linkage-0.52",
    }  # fmt: skip
    assert all("580 points of 128 dimensions" in what and 100 < int(needed) < 400 for what, needed, _ in told)
    # Snakemake takes away the labels that it was told to make again; nothing else is touched.
    left = before.keys() - {"demo/linkage-0.52/labels.parquet"}
    assert run.digests().keys() == left
    assert {name for name in left if run.digests()[name] != before[name]} == {"demo/config.yaml"}
