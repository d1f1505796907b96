"""A run with an embedder of the user's own."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from castgraph.base import tables
from castgraph.run.status import states
from tests.unit.faces.networks import network
from tests.workflow.conftest import SHORT, Config, Run, jobs


@pytest.fixture
def run(small_config: Config, new_run: Callable[..., Run], tmp_path: Path) -> Run:
    """Two short broadcasts, with a model file in the folder of the run."""
    (tmp_path / "models").mkdir()
    network(tmp_path / "models" / "mine.onnx", dimensions=24)
    return new_run(
        small_config
        | {
            "broadcasts": {"ids": list(SHORT)[:2]},
            "faces": {"embedder": {"onnx": "models/mine.onnx", "name": "Tiny-1"}},
            "clustering": {"min_samples": 2, "eps": [0.3, 0.5], "algorithm": ["dbscan", "linkage"]},
            "export": {"database_json": True},
        }
    )


def test_from_its_file_to_the_network(run: Run) -> None:
    run()
    file = run.folder / "models" / "mine.onnx"
    checksum = hashlib.sha256(file.read_bytes()).hexdigest()
    encoder = f"fast-centerface-up0-Tiny-1-{checksum[:8]}"
    assert [path.name for path in (run.folder / "results" / "faces").iterdir()] == [encoder]

    n_faces = 0
    for table in (run.folder / "results" / "faces" / encoder).rglob("*.parquet"):
        facts = tables.read_provenance(table)
        assert facts["models"]["mine.onnx"] == facts["settings"]["embedder"]["sha256"] == checksum
        assert facts["settings"]["embedder"]["name"] == "Tiny-1"
        assert tables.embedding_size(table) == 24
        n_faces += pq.read_metadata(table).num_rows
    embeddings = tables.open_embeddings(run.results / "faces.parquet")
    assert embeddings.shape == (n_faces, 24)
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-6)
    assert tables.read_provenance(run.results / "faces.parquet")["settings"]["embedder"]["sha256"] == checksum
    assert "eps" in tables.read_provenance(run.results / "constraints.parquet")
    log = (run.folder / "results" / "logs" / "small" / "constraints.log").read_text()
    assert "Compare eps from" in log or "No eps is proposed" in log
    assert pq.read_metadata(run.results / "eps-0.30" / "people.parquet").num_rows > 0
    database = (run.results / "eps-0.30" / "DATABASE.json").read_text().splitlines()
    assert [len(json.loads(line)["encoding"]) for line in database] == n_faces * [24]

    # What is kept of the run tells which file it was, and its broadcasts are found by it.
    kept = yaml.safe_load((run.results / "config.yaml").read_text())
    assert kept["faces"]["embedder"]["sha256"] == checksum
    assert {state.status for state in states(run.results)} == {"ok"}

    # The same file elsewhere: only the report, which has the configuration in it. Another one: all of it.
    assert run.config is not None
    file.rename(run.folder / "elsewhere.onnx")
    run.config["faces"]["embedder"]["onnx"] = str(run.folder / "elsewhere.onnx")
    assert jobs(run("--dry-run")) == {"report": 1, "all": 1}
    network(run.folder / "elsewhere.onnx", dimensions=24, bias=0.1)
    assert jobs(run("--dry-run"))["encode"] == 2


def test_a_file_that_cannot_be_used_is_told_before_anything_begins(run: Run) -> None:
    assert run.config is not None
    embedder = run.config["faces"]["embedder"]
    embedder["onnx"] = "models/other.onnx"
    output = run(fails=True)
    assert "faces.embedder.onnx: found 'models/other.onnx'; not there, looked for in" in output
    embedder |= {"onnx": "models/mine.onnx", "sha256": "0" * 64}
    output = run(fails=True)
    assert f"faces.embedder.sha256: found {'0' * 64}; " in output
    assert "Traceback" not in output
