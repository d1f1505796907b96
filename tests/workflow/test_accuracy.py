"""A sample of the demo, judged by its truth."""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from castgraph.run.accuracy.draw import draw
from castgraph.run.accuracy.population import main_clustering, read_population
from tests.judged import NOT_A_FACE, Truth, judged
from tests.truth import matched, of_demo
from tests.workflow.conftest import persons


@pytest.fixture(scope="module")
def clustering(demo_run) -> str:
    return main_clustering(demo_run.results)


@pytest.fixture(scope="module")
def truth(demo: Path, demo_run, clustering: str) -> Truth:
    faces = of_demo(demo)
    found = pq.read_table(demo_run.results / "faces.parquet").to_pylist()
    labels = persons(demo_run.results / clustering)
    places = [(face["broadcast"], face["face"]) for face in found]
    names = [NOT_A_FACE if name is None else name for name in matched(found, faces)]
    # All that can be seen is found (test_demo.py).
    return Truth(
        dict(zip(places, names, strict=True)), dict(zip(places, labels, strict=True)), defaultdict(int)
    )


def castgraph(folder: Path, *arguments: object) -> str:
    command = [Path(sys.executable).with_name("castgraph"), "accuracy", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def test_the_demo_is_as_accurate_as_its_truth_says(
    demo_run, clustering: str, truth: Truth, tmp_path: Path
) -> None:
    folder = tmp_path / "sample"
    castgraph(demo_run.folder, "sample", "results/demo", "--frames", 1000, "--to", folder)
    drawn = draw(read_population(demo_run.results, clustering), {"frame": 1000}, seed=1)
    assert json.loads((folder / "sample.json").read_text())["sample"] == drawn.facts["sample"]
    answers = judged(drawn.items, truth)
    (folder / "answers.csv").write_text(
        "question;answer\n" + "".join(f"{q};{a}\n" for q, a in answers.items())
    )
    told = castgraph(demo_run.folder, "score", folder)
    found = json.loads((folder / "accuracy.json").read_text())
    assert found["sentence"] in told
    assert found["is_of_the_run"]
    assert found["population"]["frames"] == found["judged"]["frame"]["judged"] == 449
    measures = {name: each["value"] for name, each in found["measures"].items()}
    never = ("people_split", "noise_has_person", "noise_no_face")
    assert {name: measures[name] for name in never} == dict.fromkeys(never, 0)
    perfect = ("boxes_right",)
    perfect += ("faces_found", "person_right_by_face", "person_right_by_pair", "person_right_by_person")
    perfect += ("pairs_apart", "faces_given", "edges_right")
    assert {name: measures[name] for name in perfect} == dict.fromkeys(perfect, 1)
    for name, each in found["measures"].items():
        assert each["low"] < each["high"], name  # also where nothing is wrong
