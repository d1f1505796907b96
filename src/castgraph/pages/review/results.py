"""What a run knows of its faces, read once for a review."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import yaml
from numpy.typing import NDArray

from castgraph.archive import frame_links, read_selection
from castgraph.base import tables
from castgraph.base.tables import NOISE
from castgraph.clustering.components import components
from castgraph.people.places import Places, read_places
from castgraph.people.record import reasons
from castgraph.run import config as configuration
from castgraph.run.constraints import must_links
from castgraph.run.uncounted import read_uncounted

Integers = NDArray[np.int64]


class Suggestion(NamedTuple):
    """A row of the table of suggestions; `rows` are the two faces."""

    kind: str
    rows: tuple[int, int]
    probability: float
    seconds: float
    reason: str


@dataclass(frozen=True, eq=False)
class Results:
    """What a run knows of its faces.

    Attributes
    ----------
    run, clustering
        The folder of the run, and the name of that of the clustering.
    places
        Where the faces are.
    keys
        Of each face its frame: the place of the broadcast in `places`, and the number of the frame in the
        lower 32 bits. Ascending.
    groups, why
        What the algorithm said of each face, and why it has no group.
    person
        Of each face its person by the last run, as an index into `ids`; `NOISE` for none.
    ids
        The people of the last run, the most seen first.
    called
        Who has a name by the gallery: ID → the name.
    distances
        Of each face from the middle of its person; NaN for none.
    tracklet
        Faces with one number are one person by where they are in neighbouring frames.
    counts
        Which faces make pairs: with `network.count_replays: once` not those of frames that were on air
        before, with `labelling.exclude_suspects` not those of suspects.
    embeddings
        Of each face.
    frame_keys, times, sizes
        Of each frame its key, as in `keys`, when it was on air, and width and height; 0 where unknown.
    n_frames
        The largest number of a frame of each broadcast.
    shows
        What each broadcast is called in words.
    link
        Gives the address of a frame; see `castgraph.archive.frame_links`.
    suggestions
        The rows of the table; none where there is no table.
    best
        The people of the last run by ID → the row of the best face.
    frame_seconds
        Seconds between two frames.
    notes
        What is missing, in sentences.
    state
        The dates of the tables, by which it is known whether they were made again.
    """

    run: Path
    clustering: str
    places: Places
    keys: Integers
    groups: NDArray[np.int32]
    why: NDArray[np.int8]
    person: NDArray[np.int32]
    ids: list[str]
    called: Mapping[str, str]
    distances: NDArray[np.float32]
    tracklet: Integers
    counts: NDArray[np.bool_]
    embeddings: NDArray[np.float32]
    frame_keys: Integers
    times: NDArray[np.datetime64]
    sizes: NDArray[np.int32]
    n_frames: Integers
    shows: list[str]
    link: Callable[[str, int], str]
    suggestions: list[Suggestion]
    best: Mapping[str, int]
    frame_seconds: float
    notes: tuple[str, ...]
    state: tuple[int, ...]

    def row(self, broadcast: str, face: int) -> int:
        """Give the row of a face by its key; `NOISE` where there is none."""
        return _row(self.places, broadcast, face)

    def frame_of(self, row: int) -> tuple[datetime | None, int, int]:
        """Tell when the frame of a face was on air, and its width and height; 0 where unknown."""
        at = int(np.searchsorted(self.frame_keys, self.keys[row]))
        if at == len(self.frame_keys) or self.frame_keys[at] != self.keys[row]:
            return None, 0, 0
        moment = self.times[at].astype("datetime64[us]").item()
        width, height = self.sizes[:, at].tolist()
        return moment.replace(tzinfo=UTC) if moment else None, width, height


def _row(places: Places, broadcast: str, face: int) -> int:
    number = bisect_left(places.broadcasts, broadcast)
    if number == len(places.broadcasts) or places.broadcasts[number] != broadcast:
        return NOISE
    row = places.row(broadcast, face)
    is_it = row < len(places) and places.broadcast[row] == number and places.face[row] == face
    return row if is_it else NOISE


def tables_of(run: Path, clustering: str) -> list[Path]:
    """Name the tables that a review needs."""
    here = run / clustering
    return [run / "faces.parquet", here / "labels.parquet", here / "members.parquet", here / "people.parquet"]


def state(run: Path, clustering: str) -> tuple[int, ...]:
    """Give the dates of the tables of a review; none while some are being made again."""
    try:
        return tuple(path.stat().st_mtime_ns for path in tables_of(run, clustering))
    except FileNotFoundError:
        return ()


def read_results(run: Path, clustering: str) -> Results:
    """Read what a review needs of a run.

    Raises
    ------
    FileNotFoundError, ValueError
        When a table is not there, does not fit the others, or was made by an earlier castgraph.
    """
    found_state = state(run, clustering)
    for path in tables_of(run, clustering):
        if not path.is_file():
            raise FileNotFoundError(f"no {path}; the run is not finished")
    faces, labels, members, people = tables_of(run, clustering)
    config = _config(run)
    places = read_places(faces)
    said = tables.read_labels(labels, faces)
    everybody = tables.read(
        people, tables.PEOPLE, ["person_id", "name", "name_from", "broadcast", "face"]
    ).to_pylist()
    known = tables.read_members(members, faces, [row["person_id"] for row in everybody])
    keys = places.broadcast.astype(np.int64) << 32 | places.frame
    notes: list[str] = []
    frame_keys, times, sizes, n_frames = _frames(run, places)
    archive = config["archive"]
    selected = read_selection(run / "selected.csv")
    titles = {row.broadcast: row.title or row.station for row in selected}
    return Results(
        run,
        clustering,
        places,
        keys,
        said,
        reasons(faces, said),
        known.person,
        list(known.ids),
        {row["person_id"]: row["name"] for row in everybody if row["name_from"] == "gallery"},
        tables.read(members, tables.MEMBERS, ["distance"])["distance"].to_numpy(),
        _tracklets(run, faces, len(places), notes),
        _counting(run, clustering, places, config),
        tables.open_embeddings(faces),
        frame_keys,
        times,
        sizes,
        n_frames,
        [titles.get(name, name).replace("_", " ") for name in places.broadcasts],
        frame_links(selected, archive["base_url"] or "", archive["frame_url"], archive["frame_seconds"]),
        _suggestions(run / clustering / "suggestions.parquet", places, notes),
        {row["person_id"]: _row(places, row["broadcast"], row["face"]) for row in everybody},
        float(archive["frame_seconds"]),
        tuple(notes),
        found_state,
    )


def _config(run: Path) -> dict[str, Any]:
    path = run / "config.yaml"
    try:
        return configuration.load(yaml.safe_load(path.read_text(encoding="utf-8")), str(path))
    except (OSError, configuration.ConfigError, yaml.YAMLError, AttributeError) as error:
        raise ValueError(f"{path} is not the configuration of a run: {error}") from error


def _frames(
    run: Path, places: Places
) -> tuple[Integers, NDArray[np.datetime64], NDArray[np.int32], Integers]:
    """Read when frames were on air and how large they are, in the order of their keys."""
    columns = ["broadcast", "frame", "time", "width", "height"]
    table = tables.read(run / "frames.parquet", tables.MERGED_FRAMES, columns)
    names = table["broadcast"].unify_dictionaries().combine_chunks()
    number = {name: place for place, name in enumerate(places.broadcasts)}
    of = np.array([number.get(name, NOISE) for name in names.dictionary.to_pylist()], np.int64)
    broadcast = of[names.indices.to_numpy()] if len(names) else np.empty(0, np.int64)
    frame = table["frame"].to_numpy().astype(np.int64)
    kept = np.flatnonzero(broadcast != NOISE)
    keys = broadcast[kept] << 32 | frame[kept]
    order = kept[np.argsort(keys, kind="stable")]
    n_frames = np.zeros(len(places.broadcasts), np.int64)
    np.maximum.at(n_frames, broadcast[kept], frame[kept])
    sizes = np.stack(
        [pc.fill_null(table[side], 0).to_numpy().astype(np.int32)[order] for side in ("width", "height")]
    )
    times = table["time"].cast(pa.timestamp("us")).to_numpy()[order]
    return broadcast[order] << 32 | frame[order], times, sizes, n_frames


def _tracklets(run: Path, faces: Path, n_faces: int, notes: list[str]) -> Integers:
    path = run / "constraints.parquet"
    if not path.is_file():
        notes.append(f"no {path}: faces of nobody are asked about one by one")
        return np.arange(n_faces)
    links = must_links(
        tables.read(path, tables.CONSTRAINTS), tables.read(faces, tables.MERGED_FACES, ["broadcast"])
    )
    return components(n_faces, links).astype(np.int64)


def _counting(run: Path, clustering: str, places: Places, config: Mapping[str, Any]) -> NDArray[np.bool_]:
    def left_out(path: Path, *, wanted: bool) -> Path | None:
        return path if wanted and path.is_file() else None

    uncounted = read_uncounted(
        left_out(run / "replays.parquet", wanted=config["network"]["count_replays"] == "once"),
        left_out(
            run / clustering / "labelling" / "suspects.parquet",
            wanted=config["labelling"]["exclude_suspects"],
        ),
        places.broadcasts,
    ).all
    begins = np.searchsorted(places.broadcast, np.arange(len(places.broadcasts) + 1))
    parts = [
        ~tables.is_replayed(uncounted, name, places.frame[begins[n] : begins[n + 1]])
        for n, name in enumerate(places.broadcasts)
    ]
    return np.concatenate([np.ones(0, bool), *parts])


def _suggestions(path: Path, places: Places, notes: list[str]) -> list[Suggestion]:
    if not path.is_file():
        notes.append(f"no {path}: only names are asked for; the run makes it")
        return []
    found = [
        Suggestion(
            row["kind"],
            (
                _row(places, row["broadcast"], row["face"]),
                _row(places, row["other_broadcast"], row["other_face"]),
            ),
            row["probability"],
            row["seconds"],
            row["reason"],
        )
        for row in tables.read(path, tables.SUGGESTIONS).to_pylist()
    ]
    return [each for each in found if NOISE not in each.rows]
