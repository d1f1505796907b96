"""Runs that are made up, for the explorer, and what reads the explorer back."""

import base64
import gzip
import itertools
import json
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial, reduce
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pyarrow as pa
from PIL import Image

from castgraph.archive import Broadcast, frame_name, listed, write_selection
from castgraph.archive.media.frames import frames_of
from castgraph.base import tables
from castgraph.base.tables import NOISE
from castgraph.faces.times import frame_times
from castgraph.network.replays import KINDS
from castgraph.pages.explorer.folder import SCRIPT, write_explorer
from castgraph.people.centre import middles
from castgraph.people.table import Called, people_table, portrait_name
from castgraph.run import config as configuration
from castgraph.run.network import Given, write_network
from castgraph.visual.embed import thumbnail
from tests.finished import write

WIDTH, HEIGHT = 640, 360
CLUSTERING = "linkage-0.52"
SUSPECTS = "suspects.parquet"
MORNING, EVENING, FILM = "NTV_20240102_070000_Morning", "NTV_20240102_190000_News", "OWN_20240102_190000_Film"
MISSING = "NTV_20240103_190000_News"

TYPES = {"u8": "<u1", "u16": "<u2", "u32": "<u4", "i32": "<i4", "f32": "<f4", "f64": "<f8"}


@dataclass(frozen=True)
class Face:
    """A face of a run: where it is and who it is; nobody's with a reason."""

    broadcast: str
    frame: int
    person: str | None
    place: int = 0  # from the left
    why: str = "noise"

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Top, right, bottom, left."""
        left = 8 + 92 * self.place
        return 100, left + 50, 160, left


@dataclass(frozen=True)
class Story:
    """What a run has.

    `frames` gives of each broadcast the numbers of its frames and what became of them, `clock` the seconds of
    a video's frames, `names` the names of people, `replays` (broadcast, first, last, earlier, first there),
    `suspects` what each is like instead; they are looked for where ``labelling.enabled`` says so.
    """

    faces: Sequence[Face]
    frames: Mapping[str, Mapping[int, str]]
    clock: Mapping[str, Callable[[int], float]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    replays: Sequence[tuple[str, int, int, str, int]] = ()
    suspects: Mapping[str, str] = field(default_factory=dict)
    words: bool = False
    visual: bool = False
    config: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def with_config(self, **sections: Mapping[str, Any]) -> "Story":
        return replace(self, config={**self.config, **sections})


def loaded(story: Story) -> dict[str, Any]:
    """The configuration of a run, with all defaults."""
    given = {"run": "made-up", "broadcasts": {"ids": sorted(story.frames)}, **story.config}
    return configuration.load(given)


def make_run(folder: Path, story: Story) -> None:
    """Write what a run leaves in `folder`, which is ``results/{run}``, and its ZIPs in ``zips`` beside it."""
    config = loaded(story)
    write_tables(folder, story, config)
    here = folder / CLUSTERING
    once = config["network"]["count_replays"] == "once"
    given = Given(
        *(folder / name for name in ("selected.csv", "faces.parquet", "frames.parquet")),
        *(here / name for name in ("members.parquet", "people.parquet")),
        folder / "replays.parquet" if once else None,
        here / SUSPECTS if config["labelling"]["exclude_suspects"] else None,
    )
    links = {key: config["archive"][key] for key in ("base_url", "frame_url", "frame_seconds")}
    write_network(here, given, config["network"], links, min_seconds=config["people"]["min_seconds"])
    if story.words:
        _write_words(folder)
    if story.visual:
        _write_visual(folder, story)
    _write_zips(folder.parent / "zips", story)


def write_tables(folder: Path, story: Story, config: Mapping[str, Any]) -> None:
    """Write the tables of a run without its network: faces, frames, broadcasts and people."""
    here = folder / CLUSTERING
    here.mkdir(parents=True)
    rows = sorted(story.faces, key=lambda face: (face.broadcast, face.frame, face.place))
    numbers: dict[str, int] = {}
    table = [
        {"broadcast": face.broadcast, "face": numbers.setdefault(face.broadcast, 0), "frame": face.frame}
        | dict(zip(("top", "right", "bottom", "left"), face.box, strict=True))
        | {"score": 1.0, "sharpness": 9.0, "landmarks": [0.0] * 10, "set_aside": "", "founds": True}
        for face in rows
        if not numbers.update({face.broadcast: numbers.get(face.broadcast, -1) + 1})
    ]
    faces = write(folder / "faces.parquet", tables.MERGED_FACES, table, {"digest": "made up"})
    frames = [
        {"broadcast": name, "frame": number, "status": status, "reason": ""}
        | {"time": moment, "seconds": clock(number) if clock else None}
        | ({"width": WIDTH, "height": HEIGHT} if status == "ok" else {"width": None, "height": None})
        for name, of in sorted(story.frames.items())
        for clock in [story.clock.get(name)]
        for number, status in sorted(of.items())
        for moment in _times(name, [number], clock, config)
    ]
    write(folder / "frames.parquet", tables.MERGED_FRAMES, frames)
    write(
        folder / "broadcasts.parquet",
        tables.BROADCASTS,
        [
            {"broadcast": name, "station": parsed.station, "start": parsed.start, "title": parsed.title}
            | {"status": "ok" if of else "missing", "reason": "" if of else "not in <the> archive"}
            | {"n_frames": len(of)}
            for name, of in sorted(story.frames.items())
            for parsed in [Broadcast.parse(name)]
        ],
    )
    write_selection(folder / "selected.csv", listed(dict.fromkeys(story.frames, "")))
    write(
        folder / "replays.parquet",
        tables.REPLAYS,
        [
            {"broadcast": name, "first_frame": first, "last_frame": last, "earlier_broadcast": earlier}
            | {"earlier_first_frame": there, "kind": KINDS[0]}
            for name, first, last, earlier, there in sorted(story.replays)
        ],
    )
    _write_people(here, faces, rows, story, config)
    suspects = [
        {"broadcast": name, "station": parsed.station, "start": parsed.start, "other_title": like}
        for name, like in sorted(story.suspects.items())
        for parsed in [Broadcast.parse(name)]
    ]
    facts = tables.provenance("suspects", {"timezone": config["labelling"]["timezone"]})
    write(here / SUSPECTS, tables.SUSPECTS, suspects, facts)


def _times(name: str, frames: list[int], clock: Callable[[int], float] | None, config: Any) -> list[Any]:
    seconds = np.array([clock(number) if clock else np.nan for number in frames])
    start, every = Broadcast.parse(name).start, config["archive"]["frame_seconds"]
    return frame_times(start, np.array(frames), seconds, every).tolist()


def _write_people(here: Path, faces: Path, rows: Sequence[Face], story: Story, config: Any) -> None:
    ids = sorted({face.person for face in rows if face.person})
    person = np.array([ids.index(face.person) if face.person else -1 for face in rows], np.int32)
    why = np.array([tables.WHY.index("" if face.person else face.why) for face in rows], np.int8)
    who = tables.Members(person, why, ids)
    embeddings = np.random.default_rng(0).normal(size=(len(rows), 128)).astype(np.float32)
    middle = middles(embeddings, person)
    merged = tables.read(faces, tables.MERGED_FACES)
    clocks = [story.clock.get(face.broadcast) for face in rows]
    times = np.array(
        [
            moment
            for face, clock in zip(rows, clocks, strict=True)
            for moment in _times(face.broadcast, [face.frame], clock, config)
        ],
        "datetime64[us]",
    )
    called = {each: Called(name, "correction") for each, name in story.names.items()}
    people = people_table(
        merged, middle, who, times, frame_seconds=config["archive"]["frame_seconds"],
        n_frames=max(1, sum(map(len, story.frames.values()))), called=called,
    )  # fmt: skip
    tables.write(here / "people.parquet", people, {}, tables.PEOPLE)
    ranked = people["person_id"].to_pylist()
    number = np.array([*(ranked.index(each) for each in ids), -1], np.int32)
    who = tables.Members(number[person], why, ranked)
    tables.write_members(
        here / "members.parquet", faces, who, {}, distances=middle.distances, outlier=middle.outlier
    )
    (here / "portraits").mkdir()
    for place, each in enumerate(ranked):
        colour = (37 * place % 256, 200, 255 - 37 * place % 256)
        Image.new("RGB", (192, 192), colour).save(here / "portraits" / portrait_name(each), quality=95)


def _write_words(folder: Path) -> None:
    people = tables.read(folder / CLUSTERING / "people.parquet", tables.PEOPLE)["person_id"].to_pylist()
    some = {"n_rest": 1, "n_words": 9, "n_broadcasts": 1, "log_odds": 1.0, "language": "en"}
    pair = sorted(people[:2])
    rows = [
        {"person_id": people[0], "other_id": "", "word": f"word{n}", "n": n, "z": 9.0 - n / 8, **some}
        for n in range(30)
    ] + [{"person_id": pair[0], "other_id": pair[1], "word": "</script>", "n": 3, "z": 2.0, **some}]
    write(folder / CLUSTERING / "words.parquet", tables.WORDS, rows)
    said = [
        {"broadcast": name, "utterance": n + 1, "start": start, "end": start, "seconds": 0.0}
        | {"text": f"“{n}” \u2028 было"}
        for name in (EVENING, MORNING)
        for n, start in enumerate([Broadcast.parse(name).start] * 2)
    ]  # fmt: skip
    write(folder / "utterances.parquet", tables.UTTERANCES, said)


GROUP_OF = (0, 1, NOISE)
"""The group of frames 1 to 6, of 7 to 12, of 13 to 18, and so on."""

HOSTILE_LABEL = "</script><b>café"


def _write_visual(folder: Path, story: Story) -> None:
    """Write two broadcasts as wholes: frame 12 is like 11, and of three people something stands out."""
    (folder / "visual").mkdir()
    (folder.parent / "visual").mkdir()
    rows: list[dict[str, Any]] = []
    for name in (MORNING, EVENING):
        of = [
            {"broadcast": name, "frame": n, "alike": 11 if n == 12 else n, "time": moment}
            | {"group": GROUP_OF[(n - 1) // 6 % 3], "broadcast_group": NOISE, "near": 0.9}
            | {"setting": NOISE if n > 24 else int(name == EVENING), "n_faces": 0}
            | {"labels": ["studio"] * (n % 2) + [HOSTILE_LABEL] * (n % 3 == 0), "scores": [], "texts": None}
            for n, status in sorted(story.frames[name].items())
            if status == "ok"
            for moment in _times(name, [n], story.clock.get(name), loaded(story))
        ]
        small = [thumbnail(np.asarray(Image.open(BytesIO(_frame(story, name, row["frame"]))))) for row in of]
        write(
            folder.parent / "visual" / f"{name}.parquet",
            tables.visual(2),
            [
                {key: row[key] for key in ("broadcast", "frame", "alike", "labels", "scores")}
                | {"status": "ok", "reason": "", "phash": 0, "embedding": [1.0, 0.0], "thumbnail": picture_}
                | {"texts": None, "text_boxes": None}
                for row, picture_ in zip(of, small, strict=True)
            ],
        )
        rows += of
    write(folder / "visual" / "frames.parquet", tables.VISUAL_FRAMES, rows)
    some = {"n_pictures": 5, "n_broadcasts": 2, "first_seen": rows[0]["time"]}
    some |= {"last_seen": rows[0]["time"], "spread": 0.1, "n_faces": 1.0, "z": [3.0]}
    write(
        folder / "visual" / "groups.parquet",
        tables.GROUPS,
        [
            {**some, "scope": scope, "group": number, "broadcast": name, "frame": frame}
            | {"labels": [HOSTILE_LABEL], "n_frames": sum(row[kind] == number for row in rows)}
            for kind, scope, number, name, frame in (
                ("group", "", NOISE, MORNING, 13),
                ("group", "", 0, MORNING, 4),
                ("group", "", 1, EVENING, 11),
                ("setting", "settings", 0, MORNING, 10),
                ("setting", "settings", 1, EVENING, 5),
            )
        ],
    )
    people = tables.read(folder / CLUSTERING / "people.parquet", tables.PEOPLE)["person_id"].to_pylist()
    stands_out = [
        (people[0], "group", "0", 4.0),
        (people[0], "group", "1", 5.0),
        (people[0], "setting", "1", 3.5),
        (people[0], "label", "studio", 3.0),
        (people[1], "group", "1", 2.5),
        (people[1], "label", HOSTILE_LABEL, 2.0),
        (people[-1], "label", "studio", 2.25),
    ]
    told = {"n": 4, "n_rest": 2, "n_pictures": 9, "log_odds": 1.0}
    write(
        folder / CLUSTERING / "seen_with.parquet",
        tables.SEEN_WITH,
        [
            {"person_id": person, "kind": kind, "name": name, "z": z, **told}
            for person, kind, name, z in sorted(stands_out, key=lambda row: (row[0], row[1], -row[3]))
        ],
    )


def colour_of(face: Face) -> tuple[int, int, int]:
    """The colour of a face's stripes."""
    return (230, 40, 40) if face.place % 2 else (40, 40, 230)


def _write_zips(folder: Path, story: Story) -> None:
    folder.mkdir(exist_ok=True)
    for name, of in story.frames.items():
        if not of:
            continue
        with ZipFile(folder / f"{name}.zip", "w") as archive:
            for number in (number for number, status in of.items() if status == "ok"):
                archive.writestr(f"{name}/{frame_name(name, number)}", _frame(story, name, number))


def _frame(story: Story, name: str, number: int) -> bytes:
    return picture([face for face in story.faces if (face.broadcast, face.frame) == (name, number)])


def picture(faces: Sequence[Face]) -> bytes:
    """Draw a frame: grey, and a face is stripes of white and its colour."""
    image = Image.new("RGB", (WIDTH, HEIGHT), (128, 128, 128))
    for face in faces:
        top, right, bottom, left = face.box
        for y in range(top, bottom, 8):
            image.paste(colour_of(face), (left, y, right, min(y + 4, bottom)))
            image.paste((255, 255, 255), (left, min(y + 4, bottom), right, min(y + 8, bottom)))
    file = BytesIO()
    image.save(file, "JPEG", quality=95)
    return file.getvalue()


def explore(
    folder: Path, story: Story, out: str = "explorer", *, workers: int = 1, archive: Mapping[str, Any] = {}
) -> "Explorer":
    """Write the explorer of a made-up run and read it back; `archive` is more of that section, unchecked."""
    run, target = folder / "made-up", folder / out
    if not run.exists():
        make_run(run, story)
    target.mkdir()
    opened, config = partial(_opened, folder), loaded(story)
    config["archive"] |= archive
    embedded = {path.stem: path for path in sorted((folder / "visual").glob("*.parquet"))}
    write_explorer(
        target, run, CLUSTERING, config, opened,
        workers=workers, with_words=story.words, embedded=embedded or None,
        suspects=run / CLUSTERING / SUSPECTS if config["labelling"]["enabled"] else None,
        back="../../report.html",
    )  # fmt: skip
    return Explorer(target)


def _opened(folder: Path, broadcast: str) -> Any:
    return frames_of(broadcast, folder / "zips" / f"{broadcast}.zip", base_url=None, scratch=folder)


class Explorer:
    """What an explorer holds, as its page reads it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest: dict[str, Any] = _call(folder / "data" / "manifest.js", "manifest")[0]
        self.tables: dict[str, dict[str, Any]] = {
            name: self._table(name, of["parts"]) for name, of in self.manifest["files"].items()
        }

    def _table(self, name: str, parts: int) -> dict[str, Any]:
        found: list[dict[str, Any]] = []
        for part in range(parts):
            path = self.folder / "data" / (f"{name}-{part}.js" if parts > 1 else f"{name}.js")
            said, columns, *number = _call(path, "put")
            assert (said, number) == (name, [part] if part else [])
            found.append({column: decoded(*packed) for column, packed in columns.items()})
        assert all(list(each) == list(found[0]) for each in found)
        return {
            column: reduce(operator.iadd, (each[column] for each in found), [])
            if isinstance(found[0][column], list)
            else np.concatenate([each[column] for each in found])
            for column in found[0]
        }

    @property
    def faces(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of each face its broadcast, frame and person."""
        columns = self.tables["faces"]
        first = np.array(columns["first"])
        broadcast = np.repeat(np.arange(len(first) - 1), np.diff(first))
        frame = np.zeros(len(broadcast), np.int64)
        for begin, end in itertools.pairwise(first):
            frame[begin:end] = np.cumsum(columns["frame_step"][begin:end].astype(np.int64))
        return broadcast, frame, columns["person"].astype(np.int64)

    def everything(self) -> bytes:
        """All that is in the folder but the script, which is the same for all; what is packed is unpacked."""
        files = [
            path for path in sorted(self.folder.rglob("*")) if path.is_file() and path.name not in SCRIPT
        ]
        data = b"".join(path.read_bytes() for path in files if path.parent.name != "data")
        return (
            "\n".join(map(str, files)).encode()
            + data
            + json.dumps([self.manifest, self.tables], default=str, ensure_ascii=False).encode()
        )

    def digests(self) -> dict[str, bytes]:
        """Every file."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }


def _call(path: Path, function: str) -> list[Any]:
    """Read the arguments of the one call that a script is; nothing in it ends a script."""
    text = path.read_text(encoding="ascii")
    found = re.fullmatch(rf"CG\.{function}\((.*)\);\n", text)
    assert found, f"{path} is not one line that calls {function}"
    assert "<" not in found[1]
    arguments: list[Any] = json.loads(f"[{found[1]}]")
    return arguments


def decoded(dtype: str, text: str) -> Any:
    """Unpack a column."""
    data = gzip.decompress(base64.b64decode(text, validate=True))
    return json.loads(data) if dtype == "json" else np.frombuffer(data, TYPES[dtype])


def read(path: Path, name: str) -> pa.Table:
    """Read a table of the registry."""
    return tables.read(path, tables.TABLES[name].schema)
