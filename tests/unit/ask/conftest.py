"""A small run with its tables, as the rules write them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import yaml

from castgraph.archive import listed, write_selection
from castgraph.archive.broadcast import Broadcast
from castgraph.base import tables
from castgraph.run.config import load

SECONDS = 4
DAY, LATER, OTHER = (
    "NTV_20240102_190000_Evening_News",
    "NTV_20240109_190000_Evening_News",
    "RTR_20240201_235952",
)

Face = tuple[str, int, str]
"""Broadcast, frame, and the person's ID; empty for nobody, ``-`` for a face that is ignored."""


@dataclass
class Cast:
    """Who is seen where; a face's box depends on its place in the frame, its embedding on the person."""

    faces: Sequence[Face]
    names: dict[str, str] = field(default_factory=dict)
    read: dict[str, int] = field(default_factory=dict)  # frames of broadcasts, those without a face, too
    embeddings: np.ndarray | None = None
    shift: int = 0  # pixels by which another detector's boxes lie elsewhere


def link(broadcast: str, frame: int) -> str:
    return f"https://example.org/{broadcast}/{frame}"


def when(broadcast: str, frame: int) -> datetime:
    return Broadcast.parse(broadcast).start.replace(tzinfo=UTC) + timedelta(seconds=SECONDS * (frame - 1))


def write(path: Path, schema: pa.Schema, rows: list[dict[str, Any]], facts: Any = None) -> None:
    empty = {name.name: 0 if pa.types.is_integer(name.type) else None for name in schema}
    tables.write(path, pa.Table.from_pylist([empty | row for row in rows], schema=schema), facts or {})


def write_run(run: Path, cast: Cast, clustering: str = "linkage-0.52", **config: Any) -> Path:
    """Write the tables of a run; gives its folder."""
    faces: list[dict[str, Any]] = []
    for broadcast in sorted({face[0] for face in cast.faces}):
        here = sorted((face for face in cast.faces if face[0] == broadcast), key=lambda face: face[1])
        for number, (_, frame, person) in enumerate(here):
            left = 100 * sum(other["frame"] == frame for other in faces if other["broadcast"] == broadcast)
            box = {"top": 10, "right": left + 60 + cast.shift, "bottom": 60, "left": left + 10 + cast.shift}
            faces.append({"broadcast": broadcast, "face": number, "frame": frame, "person": person, **box})
    read = {
        name: max(row["frame"] for row in faces if row["broadcast"] == name)
        for name in {r["broadcast"] for r in faces}
    }
    read |= cast.read
    run.mkdir(parents=True)
    given = {"run": run.name, "broadcasts": {"ids": sorted(read)}, **config}
    given.setdefault("archive", {})
    given["archive"] |= {"frame_url": "https://example.org/{broadcast}/{frame}"}
    (run / "config.yaml").write_text(yaml.safe_dump(load(given)))
    write_selection(run / "selected.csv", listed(dict.fromkeys(sorted(read), "")))
    write(
        run / "broadcasts.parquet",
        tables.BROADCASTS,
        [
            {"broadcast": name, "station": (said := Broadcast.parse(name)).station, "title": said.title}
            | {"start": said.start.replace(tzinfo=UTC), "status": "ok", "reason": "", "n_frames": read[name]}
            for name in sorted(read)
        ],
    )
    write(
        run / "frames.parquet",
        tables.MERGED_FRAMES,
        [
            {"broadcast": name, "frame": frame, "time": when(name, frame), "status": "ok"}
            for name in sorted(read)
            for frame in range(1, read[name] + 1)
        ],
    )
    digest = {"digest": f"of {run.name}"}
    rows = [{"set_aside": "", **{key: row[key] for key in row if key != "person"}} for row in faces]
    write(run / "faces.parquet", tables.MERGED_FACES, rows, digest)
    embeddings = np.zeros((len(faces), 128), np.float32) if cast.embeddings is None else cast.embeddings
    np.save(run / tables.EMBEDDINGS, embeddings)
    write_people(run, clustering, faces, cast.names)
    return run


def write_people(run: Path, clustering: str, faces: list[dict[str, Any]], names: dict[str, str]) -> None:
    folder = run / clustering
    folder.mkdir()
    ids = sorted({row["person"] for row in faces} - {"", "-"})
    frames = {name: {(r["broadcast"], r["frame"]) for r in faces if r["person"] == name} for name in ids}
    ids.sort(key=lambda name: (-len(frames[name]), name))
    number = {name: place for place, name in enumerate(ids)} | {"": -1, "-": -1}
    person = np.array([number[row["person"]] for row in faces], np.int32)
    why = [{"": "noise", "-": "ignored"}.get(row["person"], "") for row in faces]
    codes = np.array([tables.WHY.index(word) for word in why], np.int8)
    tables.write_labels(folder / "labels.parquet", run / "faces.parquet", person, {}, 0)
    tables.write_members(
        folder / "members.parquet", run / "faces.parquet", tables.Members(person, codes, ids), {}
    )
    write(
        folder / "people.parquet",
        tables.PEOPLE,
        [
            {"person_id": name, "rank": rank, "name": names.get(name, f"Person {name}")}
            | {"name_from": "correction" if name in names else "", "n_frames": len(frames[name])}
            | {"screen_seconds": float(SECONDS * len(frames[name]))}
            for rank, name in enumerate(ids, 1)
        ],
    )
    seen = [
        {key: value for key, value in row.items() if key != "person"}
        | {"person_id": row["person"], "time": when(row["broadcast"], row["frame"])}
        | {"distance": 0.2, "link": link(row["broadcast"], row["frame"])}
        for row in sorted(faces, key=lambda row: (row["person"], row["broadcast"], row["face"]))
        if row["person"] in frames
    ]
    write(folder / "sightings.parquet", tables.SIGHTINGS, seen)
    spans = [
        {"person_id": name, "broadcast": broadcast, "first_frame": frame, "last_frame": frame, "n_frames": 1}
        | {"start": when(broadcast, frame), "end": when(broadcast, frame + 1)}
        | {"screen_seconds": float(SECONDS), "link": link(broadcast, frame)}
        for name in sorted(ids)
        for broadcast, frame in sorted(frames[name])
    ]
    write(folder / "appearances.parquet", tables.APPEARANCES, spans)
    met = []
    for source in sorted(ids):
        for target in sorted(name for name in ids if name > source):
            for broadcast, frame in sorted(frames[source] | frames[target]):
                here = [(broadcast, frame) in frames[name] for name in (source, target)]
                before = [(broadcast, frame - 1) in frames[name] for name in (source, target)]
                adjacent = (here[0] and before[1]) or (here[1] and before[0])
                if all(here) or adjacent:
                    met.append(
                        {"source": source, "target": target, "broadcast": broadcast, "frame": frame}
                        | {"time": when(broadcast, frame), "same_frame": all(here), "adjacent": adjacent}
                    )
    write(folder / "meetings.parquet", tables.MEETINGS, met)
    pairs = sorted({(row["source"], row["target"]) for row in met})
    edges = []
    for source, target in pairs:
        of_pair = [row for row in met if (row["source"], row["target"]) == (source, target)]
        edges.append(
            {"source": source, "target": target, "n_broadcasts": len({row["broadcast"] for row in of_pair})}
            | {name: sum(row[name] for row in of_pair) for name in ("same_frame", "adjacent")}
            | {"first_seen": of_pair[0]["time"].replace(microsecond=0), "last_seen": of_pair[-1]["time"]}
            | {name: of_pair[0][name] for name in ("broadcast", "frame")}
            | {"weight": float(len(of_pair))}
        )
    edges.sort(key=lambda row: (-row["weight"], row["source"], row["target"]))
    write(folder / "edges.parquet", tables.EDGES, edges)


ANN, BEA, CID, DAN = "K7Q2", "M3XA", "A1B2", "ZZ99"
CAST = Cast(
    [
        *((DAY, frame, ANN) for frame in (1, 2, 3, 10)),
        *((DAY, frame, BEA) for frame in (2, 5, 10)),
        *((LATER, frame, ANN) for frame in (4, 5)),
        *((OTHER, frame, ANN) for frame in (1, 2, 3, 4)),
        *((OTHER, frame, CID) for frame in (2, 3)),
        (LATER, 20, BEA),
        (LATER, 4, ""),
        (DAY, 4, "-"),
    ],
    names={ANN: "Ann Lee", BEA: "=Bea\x1b[31m", CID: "Ann Lea"},
    read={DAY: 20, LATER: 30},
)


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three broadcasts and three people."""
    return write_run(tmp_path_factory.mktemp("results") / "week", CAST)


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Path]:
    """Make another run beside it: its name, who is seen where, and keys of the configuration."""
    return lambda name, cast, **given: write_run(tmp_path / "results" / name, cast, **given)
