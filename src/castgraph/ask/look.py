"""Looking for frames: by words, by a picture, by text on the screen or by label, and who is in them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from castgraph.archive import read_selection
from castgraph.archive.broadcast import Broadcast
from castgraph.ask.results import Results
from castgraph.ask.views import QueryError
from castgraph.ask.who import Person
from castgraph.base import tables, times
from castgraph.base.files import atomic
from castgraph.base.text import counted, quoted
from castgraph.run import config as configuration
from castgraph.run.shown import home_of
from castgraph.visual import search
from castgraph.visual.embedder import Embedder, load
from castgraph.visual.lite0 import labels_for
from castgraph.visual.pictures import Tile, draw_grid, hidden_faces, thumbnails, write_jpeg
from castgraph.visual.store import leader_of, leaders, open_vectors

FOUND = pa.schema(
    [
        ("score", pa.float64()),
        ("broadcast", pa.string()),
        ("frame", pa.int32()),
        ("time", pa.timestamp("us", tz="UTC")),
        ("n_alike", pa.int32()),
        ("group", pa.int32()),
        ("labels", pa.string()),
        ("text", pa.string()),
        ("n_faces", pa.int32()),
        ("people", pa.string()),
        ("link", pa.string()),
    ]
)
"""What `look` finds: of frames of a broadcast that are alike the first, and how many there are."""

_FRAME = re.compile(r"(?P<broadcast>.+?)[/:#](?P<frame>[0-9]{1,9})|(?P<named>.+)-(?P<number>[0-9]{6})")
_GRID_COLUMNS = 6
_TEXTLESS = {
    "lite0": "the embedder lite0 knows pictures, and no words",
    "onnx": "this network was given without one for texts (visual.onnx.texts)",
}


class Filters(NamedTuple):
    """Which frames are meant.

    Attributes
    ----------
    people
        Who has to be in the frame, all of them.
    n_faces
        How many faces it has to have; None for any number.
    first, last
        Days on which its broadcast began; None for any.
    station
        As IDs have it; empty for any.
    setting
        Its number; None for any.
    """

    people: Sequence[Person] = ()
    n_faces: int | None = None
    first: date | None = None
    last: date | None = None
    station: str = ""
    setting: int | None = None


class Frames:
    """The frames of a run as wholes.

    Parameters
    ----------
    results
        The run.

    Raises
    ------
    QueryError
        When it has none.
    """

    def __init__(self, results: Results) -> None:
        self.results = results
        self.path = results.path("visual_frames")
        if not self.path.is_file():
            raise QueryError(
                f"{results.run} has no frames as wholes; they are made with visual.embedder in its "
                "configuration, such as lite0"
            )
        self.table = tables.read(self.path, tables.VISUAL_FRAMES)
        codes = self.table["broadcast"].combine_chunks()
        self.broadcasts: list[str] = codes.dictionary.to_pylist() if len(self.table) else []
        self.broadcast = codes.indices.to_numpy() if len(self.table) else np.empty(0, np.int32)
        self.frame, alike = (self.table[name].to_numpy() for name in ("frame", "alike"))
        self.leader = leader_of(self.broadcast, self.frame, alike)
        self.leading = leaders(self.frame, alike)
        self.embedder = str(tables.read_provenance(self.path).get("embedder", ""))

    def place(self, text: str) -> int | None:
        """Give the row of a frame that is written ``BROADCAST/18`` or as its file is called, or None."""
        match = _FRAME.fullmatch(text)
        if match is None:
            return None
        name, number = match["broadcast"] or match["named"], int(match["frame"] or match["number"])
        if name not in self.broadcasts:
            return None
        rows = np.flatnonzero(self.broadcast == self.broadcasts.index(name))
        at = np.flatnonzero(self.frame[rows] == number)
        if not len(at):
            raise QueryError(f"no frame {number} of {name} was read; it has {counted(len(rows), 'frame')}")
        return int(rows[at[0]])

    @cached_property
    def embedded(self) -> dict[str, Path]:
        """The table of the embedded frames of each broadcast."""
        folder = home_of(self.results.run) / "results" / "visual" / self.embedder
        selected = read_selection(self.results.run / "selected.csv")
        return {row.broadcast: folder / row.origin / f"{row.broadcast}.parquet" for row in selected}

    def load(self) -> Embedder:
        """Load the embedder that the frames were embedded by."""
        if not self.results.config:
            raise QueryError(
                f"no {self.results.run / 'config.yaml'}, which would tell the embedder of the run"
            )
        home = home_of(self.results.run)
        castgraph = Path(__file__).resolve().parents[3]
        config = configuration.located(self.results.config, (home, Path.cwd(), castgraph))
        return load(config["visual"])

    def hidden(self) -> dict[tuple[str, int], list[tuple[float, float, float, float]]]:
        """Tell which faces are not to be seen."""
        members = self.results.path("members")
        has_people = bool(self.results.clustering) and members.is_file()
        faces, frames = self.results.path("faces"), self.results.path("frames")
        return hidden_faces(faces, frames, members if has_people else None)


def by_words(frames: Frames, text: str) -> NDArray[np.float32]:
    """Turn words into a vector; shape (d,).

    Raises
    ------
    QueryError
        When the embedder of the run knows no words; it tells what there is instead.
    """
    embedder = frames.load()
    if embedder.words is None:
        like = labels_for(text)
        labels = f"--label {quoted(text)} (as {', '.join(like[:3])})" if like else "--label"
        why = _TEXTLESS.get(frames.embedder.partition("-")[0], "this embedder knows no words")
        raise QueryError(
            f"{why}; look by {labels}, --like FRAME or a photo, or --says, or run with visual.embedder: "
            "clip, which knows words"
        )
    return np.asarray(embedder.words([text])[0])


def by_picture(frames: Frames, text: str) -> tuple[NDArray[np.float32], int | None]:
    """Give the vector of a frame of the run, or of a photo; and the row of the frame."""
    row = frames.place(text)
    if row is not None:
        return np.asarray(open_vectors(frames.path)[frames.leader[row]]), row
    path = Path(text)
    if not path.is_file():
        raise QueryError(
            f"{quoted(text)} is neither a frame of the run, such as BROADCAST/18, nor a picture that is there"
        )
    from castgraph.archive.media.images import upright
    from castgraph.archive.media.jpeg import PictureError
    from castgraph.faces.frame import UnreadableFrameError, decode

    try:
        picture = decode(upright(path)).picture
    except (PictureError, UnreadableFrameError) as error:
        raise QueryError(f"{path}: {error}") from error
    return frames.load().pictures([picture]).vectors[0], None


def by_label(frames: Frames, text: str) -> tuple[list[str], NDArray[np.float64]]:
    """Find the labels that a word stands for, and how sure each frame shows them; shape (n_frames,).

    Raises
    ------
    QueryError
        When the embedder names nothing, or no frame of the run has such a label.
    """
    there = set(frames.table["labels"].combine_chunks().flatten().to_pylist())
    if not there:
        raise QueryError(f"the embedder {frames.embedder} names nothing; lite0 does (visual.embedder)")
    found = [name for name in there if name.lower() == text.lower()] or labels_for(text)
    if not found:
        raise QueryError(f"no label of the 1,000 of ImageNet has to do with {quoted(text)}")
    if not there & set(found):
        raise QueryError(f"no frame of the run shows {', '.join(found[:5])}")
    scores = np.zeros(len(frames.table))
    lists = frames.table["labels"].combine_chunks()
    is_label = pc.is_in(lists.flatten(), value_set=pa.array(found, pa.string())).to_numpy(
        zero_copy_only=False
    )
    values = frames.table["scores"].combine_chunks().flatten().to_numpy()
    rows = pc.list_parent_indices(lists).to_numpy()
    np.add.at(scores, rows[is_label], values[is_label])
    return sorted(there & set(found)), scores


def by_text(frames: Frames, text: str) -> NDArray[np.bool_]:
    """Tell which frames have a text on the screen; case, accents and breaks of lines do not matter."""
    lists = frames.table["texts"]
    if lists.null_count == len(lists):
        raise QueryError("text on the screen was not read in this run; visual.ocr: true reads it")
    wanted = _folded(text)
    if not wanted:
        raise QueryError(f"{quoted(text)} has no letters or digits to look for")
    whole = [_folded(" ".join(each or ())) for each in lists.to_pylist()]
    return np.array([wanted in each for each in whole], bool)


def _folded(text: str) -> str:
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
    return " ".join(re.findall(r"\w+", plain.casefold()))


def look(
    frames: Frames,
    filters: Filters,
    *,
    vector: NDArray[np.float32] | None = None,
    scores: NDArray[np.float64] | None = None,
    among: NDArray[np.bool_] | None = None,
    without: int | None = None,
    top: int = 50,
) -> pa.Table:
    """Find frames.

    Parameters
    ----------
    frames
        The frames of the run.
    filters
        Which are meant.
    vector
        What pictures are compared with; None to go by `scores`.
    scores
        Of each frame; those of 0 are not meant. Without both, frames are found in the order of time.
    among
        Which frames are meant besides; None for all.
    without
        The row of a frame that is left out, with those that are alike.
    top
        How many to find.

    Returns
    -------
    Table
        Of the schema `FOUND`, the best first. Frames of a broadcast that are alike are one.
    """
    meant = _meant(frames, filters)
    if among is not None:
        meant &= among
    if scores is not None:
        meant &= scores > 0
    rows = np.flatnonzero(meant)
    pictures, first, n_alike = np.unique(frames.leader[rows], return_index=True, return_counts=True)
    shown = rows[first]
    if without is not None:
        kept = pictures != frames.leader[without]
        pictures, shown, n_alike = pictures[kept], shown[kept], n_alike[kept]
    if vector is not None:
        found, value = search.nearest(
            open_vectors(frames.path),
            vector,
            top,
            index=search.open_index(frames.path.parent),
            allowed=pictures,
        )
        order = np.searchsorted(pictures, found)
    elif scores is not None:
        order = np.lexsort((shown, -scores[shown]))[:top]
        value = scores[shown[order]]
    else:
        order = np.argsort(frames.table["time"].to_numpy()[shown], kind="stable")[:top]
        value = np.full(len(order), np.nan)
    return _told(frames, shown[order], value, n_alike[order])


def _meant(frames: Frames, filters: Filters) -> NDArray[np.bool_]:
    said = [Broadcast.parse(name) for name in frames.broadcasts]
    if filters.station and filters.station not in (each.station for each in said):
        there = ", ".join(sorted({each.station for each in said}))
        raise QueryError(f"no frames of a station {quoted(filters.station)}; there are those of {there}")
    is_meant = [
        (not filters.station or each.station == filters.station)
        and (filters.first is None or each.start.date() >= filters.first)
        and (filters.last is None or each.start.date() <= filters.last)
        for each in said
    ]
    meant = np.array(is_meant, bool)[frames.broadcast] if said else np.zeros(0, bool)
    if filters.n_faces is not None:
        meant &= frames.table["n_faces"].to_numpy() == filters.n_faces
    if filters.setting is not None:
        is_there = frames.table["setting"].to_numpy() == filters.setting
        if not is_there.any():
            last = frames.table["setting"].to_numpy().max(initial=tables.NOISE)
            there = f"there are those from 0 to {last}" if last >= 0 else "the run has none"
            raise QueryError(f"no setting {filters.setting}; {there}")
        meant &= is_there
    for person in filters.people:
        places = _sightings(frames.results, person)
        meant &= np.array(
            [
                (frames.broadcasts[number], frame) in places
                for number, frame in zip(frames.broadcast.tolist(), frames.frame.tolist(), strict=True)
            ],
            bool,
        )
    return meant


def _sightings(results: Results, person: Person) -> set[tuple[str, int]]:
    columns = ["person_id", "broadcast", "frame"]
    table = tables.read(results.path("sightings"), tables.SIGHTINGS, columns)
    part = table.filter(pc.equal(table["person_id"].cast(pa.string()), person.person_id))
    return set(zip(part["broadcast"].to_pylist(), part["frame"].to_pylist(), strict=True))


def _told(
    frames: Frames, rows: NDArray[np.int64], scores: NDArray[np.float64], n_alike: NDArray[np.int64]
) -> pa.Table:
    part = frames.table.take(pa.array(rows))
    broadcasts = [frames.broadcasts[number] for number in frames.broadcast[rows].tolist()]
    numbers = frames.frame[rows].tolist()
    names = _names(frames.results, set(zip(broadcasts, numbers, strict=True)))
    link = frames.results.links()
    return pa.table(
        [
            pa.array(scores, from_pandas=True),
            broadcasts,
            part["frame"],
            part["time"],
            n_alike,
            part["group"],
            [", ".join(each or ()) for each in part["labels"].to_pylist()],
            [" / ".join(each or ()) for each in part["texts"].to_pylist()],
            part["n_faces"],
            [names.get(place, "") for place in zip(broadcasts, numbers, strict=True)],
            list(map(link, broadcasts, numbers)),
        ],
        names=FOUND.names,
    ).cast(FOUND)


def _names(results: Results, places: set[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """Tell who is seen in some frames."""
    if not results.clustering or not results.path("sightings").is_file():
        return {}
    people = tables.read(results.path("people"), tables.PEOPLE, ["person_id", "name"]).to_pylist()
    name_of = {row["person_id"]: row["name"] for row in people}
    names: dict[tuple[str, int], set[str]] = {}
    columns = ["person_id", "broadcast", "frame"]
    wanted = pa.array(sorted({name for name, _ in places}), pa.string())
    for batch in tables.batches(results.path("sightings"), tables.SIGHTINGS, columns):
        near = batch.filter(pc.is_in(batch["broadcast"].cast(pa.string()), value_set=wanted))
        for row in near.to_pylist():
            if (place := (row["broadcast"], row["frame"])) in places and row["person_id"] in name_of:
                names.setdefault(place, set()).add(name_of[row["person_id"]])
    return {place: ", ".join(sorted(each)) for place, each in names.items()}


def write_grid(path: Path, title: str, found: pa.Table, frames: Frames) -> None:
    """Draw what was found as a grid of pictures, as a JPEG, atomically."""
    with atomic(path) as part:
        rows = found.to_pylist()
        at = [frames.place(f"{row['broadcast']}/{row['frame']}") for row in rows]
        shown = [frames.leading[frames.leader[row]] for row in at]
        places = [(frames.broadcasts[frames.broadcast[row]], int(frames.frame[row])) for row in shown]
        pictures = thumbnails(frames.embedded, places, frames.hidden())
        tiles = [
            Tile(
                pictures.get(place),
                [
                    "" if row["score"] is None else f"Sim: {row['score']:.3f}",
                    times.second(row["time"]),
                    f"{Broadcast.parse(row['broadcast']).station} #{row['frame']}",
                ],
            )
            for place, row in zip(places, rows, strict=True)
        ]
        write_jpeg(part, draw_grid(title, counted(len(rows), "picture"), tiles, _GRID_COLUMNS))


def write_curve(path: Path, title: str, found: pa.Table) -> None:
    """Draw the scores in order, with the place where they fall most, as a PNG, atomically."""
    from matplotlib.figure import Figure

    from castgraph.base.colours import CURVES, GREY, INK, RED

    scores = found["score"].to_numpy(zero_copy_only=False)
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot(xlabel="place", ylabel="score", title=title)
    axes.plot(np.arange(1, len(scores) + 1), scores, color=CURVES[0], marker=".")
    fall = search.drop(scores)
    if fall.place:
        axes.axvline(fall.place + 0.5, color=RED, linestyle="--", linewidth=1)
        told = f"after {fall.place}: {fall.before:.3f} → {fall.after:.3f}"
        axes.annotate(
            told, (fall.place + 0.5, scores.max()), color=INK, textcoords="offset points", xytext=(4, -4)
        )
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=GREY)
    with atomic(path) as part:
        figure.savefig(part, format="png", dpi=150, metadata={"Software": None})
