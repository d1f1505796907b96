"""A finished run that is made up: the tables and pictures of which its report is made."""

import copy
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pyarrow as pa
from PIL import Image

from castgraph.archive import listed, write_inventory_report, write_selection
from castgraph.base import tables
from castgraph.base.files import write_json
from castgraph.network.export import write_graphml
from castgraph.people.table import portrait_name
from castgraph.run.names import clusterings
from castgraph.run.summary import summarise
from tests.members import person

START = datetime(2026, 10, 1, 3, tzinfo=UTC)
ENCODER = "fast-hog-up1"
ORIGIN = "gdelt"
CONFIG: dict[str, Any] = {
    "run": "made-up",
    "broadcasts": {"ids": ["NTV_20261001_030000"]},
    "archive": {
        "base_url": "https://archive.example/zips",
        "frame_url": "https://archive.example/frame?id={broadcast}&frame={frame}",
        "frame_seconds": 4,
    },
    "faces": {"engine": "fast", "detector": "hog", "upsample": 1, "min_size_px": 0, "score_threshold": 0},
    "clustering": {"algorithm": "dbscan", "eps": [0.4], "min_samples": 5},
    "people": {"portraits": True, "min_seconds": 0},
    "explorer": {"enabled": True},
    "visual": {"embedder": None},
    "network": {"mode": "standard", "significant": None, "always_on": 0.15, "count_replays": "always"},
}
"""As much of a configuration as the report looks at."""

NOBODY: dict[str, Any] = {"n_noise": 1, "n_set_aside": 0, "n_not_a_face": 0, "n_ignored": 0, "problems": []}
"""What the people table says of faces that are of nobody."""


def configured(*eps: float, **sections: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with other eps, and other keys in its sections."""
    config = copy.deepcopy(CONFIG)
    config["clustering"]["eps"] = list(eps or [0.4])
    for section, keys in sections.items():
        config[section] |= keys
    return config


def names(config: Mapping[str, Any]) -> list[str]:
    """The clusterings of a configuration."""
    return list(clusterings(**config["clustering"]))


def finish(
    folder: Path,
    config: Mapping[str, Any],
    *,
    statuses: Iterable[str] = ("ok", "ok", "missing"),
    reason: str = "no such file",
    note: str = "",
    n_people: int = 3,
    name: str = "Person {}",
    recommended: str | None = "eps-0.40",
    inventories: str = "",
    hosts: Sequence[str] = (),
    replays: list[dict[str, Any]] = [],  # noqa: B006
) -> None:
    """Write what a run of this configuration leaves in `folder`, which is ``results/{run}``."""
    rows = [
        {
            "broadcast": f"{'NTV' if number % 2 else '1TV'}_{START + timedelta(hours=number):%Y%m%d_%H%M%S}",
            "station": "NTV" if number % 2 else "1TV",
            "start": START + timedelta(hours=number),
            "status": status,
            "reason": note if status == "ok" else reason,
            "n_frames": 900 if status in ("ok", "partial") else 0,
            "n_faces": 1000 if status in ("ok", "partial") else 0,
        }
        for number, status in enumerate(statuses)
    ]
    facts = {"settings": {"quality": {}}, "set_aside": {}, "n_set_aside": 0, "n_founding": 0}
    write(folder / "broadcasts.parquet", tables.BROADCASTS, rows, facts)
    selected = [replace(row, origin=ORIGIN) for row in listed({row["broadcast"]: "" for row in rows})]
    write_selection(folder / "selected.csv", selected)
    write_inventory_report(folder / "inventories.csv", [])
    if inventories:
        (folder / "inventories.csv").write_text(inventories, encoding="utf-8")
    scores = [
        {"clustering": clustering, "n_people": n_people, "noise_share": 0.1, "largest_share": 0.2}
        | {"violation_rate": 0.01, "recommended": clustering == recommended}
        for clustering in names(config)
    ]
    reasoned = {"recommended": recommended, "reason": f"{recommended} is <the> middle."}
    write(folder / "sweep.parquet", tables.SWEEP, scores, reasoned)
    picture(folder / "sweep.png", (180, 100))
    frames = [
        {"broadcast": row["broadcast"], "frame": number, "status": "ok"}
        | {"time": row["start"] + timedelta(seconds=4 * (number - 1))}
        for row in rows
        for number in ((1, row["n_frames"]) if row["n_frames"] else ())
    ]
    write(folder / "frames.parquet", tables.MERGED_FRAMES, frames)
    faces = merged_faces(folder, 1)
    paths = {}
    for clustering in names(config):
        here = folder / clustering
        people = [
            {"person_id": person(n), "name": name.format(n), "name_from": "", "n_frames": 1000 - n % 1000}
            | {"n_broadcasts": 2, "screen_seconds": 4.0 * (1000 - n % 1000)}
            | {"first_seen": START, "last_seen": START + timedelta(days=2)}
            for n in range(n_people)
        ]
        pairs = [
            {"source": person(n), "target": person(n + 1), "same_frame": 5, "adjacent": 3}
            | {"n_broadcasts": 1, "first_seen": START, "broadcast": rows[0]["broadcast"], "frame": 12}
            | {"weight": 13.5, "expected": 1.25, "q": 0.0001 if n == 0 else 0.25}
            for n in range(n_people - 1)
        ]
        paths[clustering] = {
            "labels": labelled(here, faces, [-1]),
            "people": write(here / "people.parquet", tables.PEOPLE, people, NOBODY),
            "changes": write(here / "people_changes.parquet", tables.PEOPLE_CHANGES, []),
            "pairs": write(here / "edges.parquet", tables.EDGES, pairs, {"hosts": hosts}),
        }
        graph = nx.Graph()
        for row in pairs:
            graph.add_edge(row["source"], row["target"], weight=row["weight"])
        nx.set_node_attributes(graph, 0.5, "pagerank")
        write_graphml(graph, here / "graph.graphml")
        graph.remove_nodes_from(hosts)
        write_graphml(graph, here / "graph_without_hosts.graphml")
        picture(here / "network_without_hosts.png", (240, 180))
        on_screen = [
            {"person_id": person(n), "by": "day", "part": f"2026-10-{day:02d}"}
            | {"screen_seconds": 60.0 * (n + 1), "read_seconds": 3600.0, "share": (n + 1) / 60}
            for n in range(min(n_people, 3))
            for day in (1, 3)
        ]
        write(here / "screen_time.parquet", tables.SCREEN_TIME, on_screen)
        standing = [
            {"part": f"2026-W{week}", "person_id": person(n), "pagerank": 0.25 + 0.5 * (n == rising)}
            for week, rising in ((40, 0), (41, 1))
            for n in range(min(n_people, 2))
        ]
        write(here / "centrality.parquet", tables.CENTRALITY, standing)
        picture(here / "network.png", (240, 180))
        for n in range(min(n_people, 30)):
            picture(here / "portraits" / portrait_name(person(n)), (192, 192))
    write(folder / "replays.parquet", tables.REPLAYS, replays)
    tables_of = [folder / "broadcasts.parquet", folder / "inventories.csv"]
    held = [
        {"clustering": clustering, "source": person(n), "target": person(n + 1), "n_compared": 1}
        | {"holds": f"0.4 to 0.{5 + n % 4}" if len(names(config)) > 1 else ""}
        for clustering in names(config)
        for n in range(n_people - 1)
    ]
    write(folder / "holds.parquet", tables.HOLDS, held)
    of_all = [folder / "sweep.parquet", folder / "replays.parquet"]
    write_json(folder / "summary.json", summarise(folder.name, *tables_of, paths, *of_all))


def merged_faces(folder: Path, n_faces: int) -> Path:
    """Write a merged face table of one broadcast, and its digest."""
    rows = [{"broadcast": f"NTV_{START:%Y%m%d_%H%M%S}", "face": n, "frame": n + 1} for n in range(n_faces)]
    return write(folder / "faces.parquet", tables.MERGED_FACES, rows, {"digest": f"of {n_faces} faces"})


def labelled(folder: Path, faces: Path, labels: Iterable[int]) -> Path:
    """Write labels of a face table."""
    values = np.array([*labels], np.int32)
    tables.write_labels(
        folder / "labels.parquet", faces, values, {"algorithm": "dbscan", "min_samples": 5}, 0
    )
    return folder / "labels.parquet"


def write(path: Path, schema: pa.Schema, rows: list[dict[str, Any]], facts: Any = None) -> Path:
    """Write a table; columns that the rows lack are filled with nothing."""
    empty = {field.name: 0 if pa.types.is_integer(field.type) else None for field in schema}
    tables.write(path, pa.Table.from_pylist([empty | row for row in rows], schema=schema), facts or {})
    return path


def picture(path: Path, size: tuple[int, int]) -> None:
    """Write a picture that has something in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.linear_gradient("L").resize(size).convert("RGB").save(path)


def measured(path: Path, end: float, seconds: float, cpu: object = 0.0, memory: object = 100.0) -> None:
    """Write a measurement of a job as Snakemake does; it says when the job ended by its own date."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
        f"{seconds}\t0:00:00\t{memory}\t-\t-\t-\t0.00\t0.00\t0.00\t{cpu}\n",
        encoding="utf-8",
    )
    os.utime(path, (end, end))
