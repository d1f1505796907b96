"""A finished run with faces and frames, of which a test says who is shown where, and how it was grouped."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import yaml
from PIL import Image, ImageDraw

from castgraph.archive import Broadcast, frame_name, listed, write_selection
from castgraph.base import tables
from castgraph.people.places import read_places
from castgraph.people.record import Given, Written, write_people
from castgraph.people.suggest import suggest
from castgraph.run import config as configuration
from castgraph.run.constraints import must_links

CLUSTERING = "linkage-0.52"
ORIGIN = "gdelt"
ONE, TWO = "NTV_20240102_190000_News", "NTV_20240103_190000_News"
SIZE = (640, 360)
_SIDE = 60  # of a face

Cast = Mapping[str, Sequence[Sequence[int]]]
"""Broadcast → for each frame, from 1, who is in it from left to right."""

Label = Callable[[int, str, int], int]
"""Gives the group of a face, by who it is, its broadcast and frame; -1 for none."""


def made(folder: Path, cast: Cast, label: Label = lambda who, *_: who, **sections: Mapping[str, Any]) -> Path:
    """Write ``results/made-up`` and its ZIPs into a folder; give the folder of the run.

    Faces of nobody in a broadcast that are of one are in one tracklet.
    """
    run = folder / "results" / "made-up"
    random = np.random.default_rng(0)
    most = max((who for frames in cast.values() for shown in frames for who in shown), default=0)
    middles = random.normal(size=(most + 1, 128))
    middles *= 0.5 / np.linalg.norm(middles, axis=1, keepdims=True)
    faces: list[dict[str, Any]] = []
    frames: list[dict[str, Any]] = []
    links: list[dict[str, Any]] = []
    embeddings, labels = [], []
    for broadcast in sorted(cast):
        number, start = 0, Broadcast.parse(broadcast).start
        nobody: dict[int, int] = {}
        for frame, shown in enumerate(cast[broadcast], start=1):
            time = start + timedelta(seconds=4 * (frame - 1))
            frames.append(
                {"broadcast": broadcast, "frame": frame, "time": time, "status": "ok", "reason": ""}
            )
            frames[-1] |= {"width": SIZE[0], "height": SIZE[1], "n_faces": len(shown)}
            for place, who in enumerate(shown):
                top, right, bottom, left = box(place)
                faces.append({"broadcast": broadcast, "face": number, "frame": frame, "set_aside": ""})
                faces[-1] |= {"top": top, "right": right, "bottom": bottom, "left": left}
                embeddings.append(middles[who] + random.normal(size=128) * 0.01)
                labels.append(label(who, broadcast, frame))
                if labels[-1] < 0:
                    if who in nobody:
                        links.append(
                            {"broadcast": broadcast, "face": nobody[who], "other": number, "kind": "must"}
                        )
                    nobody[who] = number
                number += 1
        _write_zip(folder / "resources" / "zips" / ORIGIN, broadcast, cast[broadcast])
    _table(run / "faces.parquet", tables.MERGED_FACES, faces, {"digest": "of made-up faces"})
    _table(run / "frames.parquet", tables.MERGED_FRAMES, frames)
    _table(run / "constraints.parquet", tables.CONSTRAINTS, links)
    np.save(run / tables.EMBEDDINGS, np.array(embeddings, np.float32).reshape(-1, 128))
    known = [
        {"broadcast": each, "station": Broadcast.parse(each).station, "start": Broadcast.parse(each).start}
        | {"title": Broadcast.parse(each).title, "status": "ok", "reason": "", "n_frames": len(cast[each])}
        for each in sorted(cast)
    ]
    _table(run / "broadcasts.parquet", tables.BROADCASTS, known)
    _table(run / "replays.parquet", tables.REPLAYS, [])
    write_selection(
        run / "selected.csv",
        [replace(row, origin=ORIGIN) for row in listed(dict.fromkeys(sorted(cast), ""))],
    )
    given = {"run": "made-up", "broadcasts": {"ids": sorted(cast)}}
    given["people"] = {"corrections": "corrections.yaml"}
    for name, keys in sections.items():
        given[name] = {**given.get(name, {}), **keys}
    text = yaml.safe_dump(configuration.load(given), sort_keys=False)
    (run / "config.yaml").write_text(text, encoding="utf-8")
    settings = {"algorithm": "linkage", "eps": 0.52}
    values = np.array(labels, np.int32)
    tables.write_labels(run / CLUSTERING / "labels.parquet", run / "faces.parquet", values, settings, 0)
    identified(run)
    return run


def identified(run: Path, corrections: Path | None = None) -> dict[str, float]:
    """Do what the rule ``identify`` does; give the screen time of everybody by ID."""
    here = run / CLUSTERING
    written = Written(here / "members.parquet", here / "people.parquet", here / "people_changes.parquet")
    given = Given(run / "faces.parquet", run / "frames.parquet", here / "labels.parquet", corrections)
    register = run.parent / "ledger" / "register" / "made-up" / f"{CLUSTERING}.parquet"
    register.parent.mkdir(parents=True, exist_ok=True)
    write_people(written, given, register, frame_seconds=4)
    people = tables.read(written.people, tables.PEOPLE, ["person_id", "screen_seconds"]).to_pylist()
    return {row["person_id"]: row["screen_seconds"] for row in people}


def suggested(run: Path) -> pa.Table:
    """Do what the rule ``suggestions`` does."""
    here, faces = run / CLUSTERING, run / "faces.parquet"
    places = read_places(faces)
    ids = tables.read(here / "people.parquet", tables.PEOPLE, ["person_id"])["person_id"].to_pylist()
    decided = tables.read_provenance(here / "people.parquet")
    found, _ = suggest(
        tables.read_members(here / "members.parquet", faces, ids),
        tables.open_embeddings(faces),
        places,
        must_links(
            tables.read(run / "constraints.parquet", tables.CONSTRAINTS),
            tables.read(faces, tables.MERGED_FACES, ["broadcast"]),
        ),
        frame_seconds=4,
        **{
            kind: [(places.row(*pair[:2]), places.row(*pair[2:])) for pair in decided[kind]]
            for kind in ("different", "same")
        },
    )
    tables.write(here / "suggestions.parquet", found, {}, tables.SUGGESTIONS)
    return found


def box(place: int) -> tuple[int, int, int, int]:
    """Give the box of the face at a place in a frame, from the left: top, right, bottom, left."""
    left = 20 + 100 * place
    return 100, left + _SIDE, 100 + _SIDE, left


def colour(who: int) -> tuple[int, int, int]:
    """Give the colour of the face of somebody."""
    return 60 + 45 * (who % 4), 60 + 60 * (who // 4 % 3), 200 - 50 * (who % 3)


def _table(path: Path, schema: pa.Schema, rows: list[dict[str, Any]], facts: Any = None) -> None:
    empty = {field.name: 0 if pa.types.is_integer(field.type) else None for field in schema}
    tables.write(path, pa.Table.from_pylist([empty | row for row in rows], schema=schema), facts or {})


def _write_zip(folder: Path, broadcast: str, frames: Sequence[Sequence[int]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / f"{broadcast}.zip", "w") as archive:
        for number, shown in enumerate(frames, start=1):
            archive.writestr(f"{broadcast}/{frame_name(broadcast, number)}", drawn(shown))


def drawn(shown: Sequence[int]) -> bytes:
    """Draw a frame: black, each face a square of its colour with white stripes."""
    image = Image.new("RGB", SIZE)
    draw = ImageDraw.Draw(image)
    for place, who in enumerate(shown):
        top, right, bottom, left = box(place)
        draw.rectangle((left, top, right, bottom), fill=colour(who))
        for stripe in range(left, right, 6):
            draw.rectangle((stripe, top, stripe + 2, bottom), fill="white")
    file = io.BytesIO()
    image.save(file, "JPEG", quality=92)
    return file.getvalue()
