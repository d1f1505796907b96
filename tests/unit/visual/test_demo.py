"""The groups and settings of the demo, against what its frames show."""

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import adjusted_rand_score
from tests.unit.visual.made import frame_table

from castgraph.archive import Limits
from castgraph.base import tables
from castgraph.visual.embed import embed
from castgraph.visual.embedder import load
from castgraph.visual.groups import write_groups

pytestmark = pytest.mark.slow

EVENING, MORNING, NIGHT, FORUM = "Evening Review", "Morning Desk", "Night Debate", "City Forum"
MISLABELLED = "DEMO1_20240104_190000_Evening_Review"
DESK = "DEMO1_20240103_070000_Morning_Desk"

SHOWS: dict[str, tuple[str, list[range]]] = {
    "DEMO1_20240102_190000_Evening_Review": (EVENING, [range(28, 35), range(37, 38)]),
    DESK: (MORNING, [range(30, 34), range(52, 55)]),
    "DEMO1_20240103_190000_Evening_Review": (EVENING, [range(28, 35)]),
    MISLABELLED: (MORNING, [range(30, 35), range(47, 50)]),
    "DEMO1_20240105_190000_Evening_Review": (EVENING, [range(28, 35)]),
    "DEMO2_20240102_220000_Night_Debate": (NIGHT, [range(23, 27), range(30, 34), range(53, 56)]),
    "DEMO2_20240104_220000_Night_Debate": (NIGHT, [range(23, 27), range(30, 34), range(53, 56)]),
    "DEMO2_20240105_120000": (FORUM, [range(18, 19), range(23, 31), range(43, 46)]),
}
"""Broadcast → the show that it holds, and which of its frames with faces are no studio shots (split screens,
interviews elsewhere), by looking at them. Frames 38 to 43 of Morning Desk are of Evening Review."""


@pytest.fixture(scope="module")
def frames(root: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    """Every frame of the demo, its group and setting; `show` is empty where there is no face."""
    folder, demo = tmp_path_factory.mktemp("demo"), root / "resources" / "demo"
    embedder, embedded, n_frames = load({"embedder": "lite0"}), {}, {}
    for name in sorted(SHOWS):
        table = embed(demo / f"{name}.zip", name, embedder, Limits()).table
        embedded[name], n_frames[name] = folder / f"{name}.parquet", len(table)
        tables.write(embedded[name], table, {}, tables.visual(embedder.size))
    merged = frame_table(folder / "frames.parquet", n_frames)
    write_groups(embedded, merged, to=folder / "visual", facts={}, min_cluster_size=3, most=50_000)
    people = defaultdict(set)
    with (demo / "ground_truth.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            people[row["broadcast"], int(row["frame"])].add(row["person"])
    rows = pq.read_table(folder / "visual" / "frames.parquet").to_pylist()
    for row in rows:
        show, elsewhere = SHOWS[row["broadcast"]]
        if row["broadcast"] == DESK and 38 <= row["frame"] <= 43:
            show = EVENING
        row["show"] = show if people[row["broadcast"], row["frame"]] else ""
        row["studio"] = bool(row["show"]) and not any(row["frame"] in each for each in elsewhere)
    return rows


def usual(rows: list[dict], key: str) -> int:
    values, counts = np.unique([row[key] for row in rows if row[key] >= 0], return_counts=True)
    return int(values[counts.argmax()])


def test_the_studio_of_a_show_is_one_setting_in_all_its_broadcasts(frames: list[dict]) -> None:
    studio = [row for row in frames if row["studio"]]
    assert len(studio) == 296
    shows = [row["show"] for row in studio]
    assert adjusted_rand_score(shows, [row["setting"] for row in studio]) > 0.97
    with_faces = [row for row in frames if row["show"]]
    of_all = adjusted_rand_score([row["show"] for row in with_faces], [row["setting"] for row in with_faces])
    assert of_all > 0.9
    for show in set(shows):
        of_show = [row for row in studio if row["show"] == show]
        setting = usual(of_show, "setting")
        for name in {row["broadcast"] for row in of_show}:
            here = [row["setting"] == setting for row in of_show if row["broadcast"] == name]
            assert np.mean(here) > 0.9, (show, name)


def test_field_footage_and_titles_are_apart_from_every_studio(frames: list[dict]) -> None:
    for kind in ("setting", "group"):
        studios = {row[kind] for row in frames if row["studio"]} - {-1}
        footage = [row for row in frames if not row["show"]]
        assert len(footage) > 60
        assert not [row for row in footage if row[kind] in studios]


def test_the_mislabelled_broadcast_lies_with_the_show_that_it_holds(frames: list[dict]) -> None:
    """Its title says Evening Review."""
    mislabelled = [row for row in frames if row["broadcast"] == MISLABELLED and row["studio"]]
    rest = [row for row in frames if row["broadcast"] != MISLABELLED and row["studio"]]
    of_desk = [row for row in rest if row["show"] == MORNING]
    of_review = [row for row in rest if row["show"] == EVENING]
    assert {row["setting"] for row in mislabelled} == {usual(of_desk, "setting")}
    assert not {row["setting"] for row in mislabelled} & {row["setting"] for row in of_review}
    grouped = [row["group"] for row in mislabelled if row["group"] >= 0]
    assert np.isin(grouped, [row["group"] for row in of_desk]).mean() > 0.9
    assert not np.isin(grouped, [row["group"] for row in of_review]).any()
