"""Maps of pictures that are made up: the tables of their runs, and the page that is made of them."""

import io
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image, ImageDraw

from castgraph.base import tables
from castgraph.base.tables import NOISE
from castgraph.pages.map.folder import Given, write_map_page
from castgraph.visual.groups import SETTINGS
from castgraph.visual.store import vectors_writer
from tests.explored import CLUSTERING, Explorer, Face, Story, loaded, read, write_tables
from tests.finished import write

SIZE = 16  # numbers of an embedding
LABELS = (
    "anchor",
    "desk",
    "street",
    "crowd",
    "map",
    "rocket",
    "stage",
    "ship",
    "snow",
    "field",
    "car",
    "sea",
)


@dataclass(frozen=True)
class Shot:
    """A picture: where it is, what group it is of, and what is in it."""

    broadcast: str
    frame: int
    group: int = NOISE
    at: tuple[float, float] = (0.0, 0.0)
    people: Sequence[str] = ()
    labels: Sequence[str] = ()
    texts: Sequence[str] | None = None
    setting: int = NOISE
    n_alike: int = 1  # frames that are nearly the same, it and those after it
    why: Mapping[int, str] = field(default_factory=dict)  # place of a face that is nobody's → why

    @property
    def faces(self) -> list[Face]:
        return [
            *(Face(self.broadcast, self.frame, person, place) for place, person in enumerate(self.people)),
            *(Face(self.broadcast, self.frame, None, place, why) for place, why in self.why.items()),
        ]


Unread = Mapping[str, Sequence[int]]
"""Of broadcasts the frames that could not be read."""

ALL_READ: Unread = {}


def story_of(shots: Sequence[Shot], unread: Unread, **more: Any) -> Story:
    """The run that has these pictures."""
    frames: dict[str, dict[int, str]] = {name: dict.fromkeys(of, "damaged") for name, of in unread.items()}
    for shot in shots:
        frames.setdefault(shot.broadcast, {}).update(
            dict.fromkeys(range(shot.frame, shot.frame + shot.n_alike), "ok")
        )
    return Story([face for shot in shots for face in shot.faces], frames, **more)


def make_map(
    folder: Path,
    shots: Sequence[Shot],
    *,
    names: Mapping[str, str] = {},
    unread: Unread = ALL_READ,
    **config: Mapping[str, Any],
) -> Explorer:
    """Write a run with these pictures, and its map; `config` is more of the sections of the configuration."""
    run = folder / "made-up"
    shots = sorted(shots, key=lambda shot: (shot.broadcast, shot.frame))
    story = story_of(shots, unread, names=names, config=config)
    write_tables(run, story, loaded(story))
    _write_sightings(run, shots)
    embedded = write_visual(run, shots, unread)
    return page_of(run, embedded, loaded(story))


def page_of(run: Path, embedded: Mapping[str, Path], config: Mapping[str, Any], to: str = "map") -> Explorer:
    """Write the map of a run, and read it back."""
    folder = run / "visual" / to
    folder.mkdir()
    write_map_page(folder.with_suffix(".html"), folder, Given(run, CLUSTERING, embedded, "made"), config)
    return Explorer(folder)


def _write_sightings(run: Path, shots: Sequence[Shot]) -> None:
    people = read(run / CLUSTERING / "people.parquet", "people")["person_id"].to_pylist()
    faces = read(run / "faces.parquet", "faces").to_pylist()
    who = tables.read_members(run / CLUSTERING / "members.parquet", run / "faces.parquet", people).person
    rows = [
        {**{key: face[key] for key in ("broadcast", "face", "frame", "top", "right", "bottom", "left")}}
        | {"person_id": people[person], "time": face.get("time"), "distance": 0.1, "link": ""}
        for face, person in zip(faces, who.tolist(), strict=True)
        if person >= 0
    ]
    rows.sort(key=lambda row: (row["person_id"], row["broadcast"], row["face"]))
    write(run / CLUSTERING / "sightings.parquet", tables.TABLES["sightings"].schema, rows)


def write_visual(run: Path, shots: Sequence[Shot], unread: Unread) -> dict[str, Path]:
    """Write the tables of frames as wholes, and where pictures lie; gives those of each broadcast."""
    visual = run / "visual"
    visual.mkdir()
    times = {
        (row["broadcast"], row["frame"]): row["time"]
        for row in read(run / "frames.parquet", "frames").select(["broadcast", "frame", "time"]).to_pylist()
    }
    rows: list[dict[str, Any]] = []
    embedded: dict[str, list[dict[str, Any]]] = {}
    for shot in shots:
        for frame in range(shot.frame, shot.frame + shot.n_alike):
            said = {"labels": list(shot.labels), "scores": [0.9 / (n + 1) for n in range(len(shot.labels))]}
            said |= {"texts": None if shot.texts is None else list(shot.texts)}
            where = {"broadcast": shot.broadcast, "frame": frame, "alike": shot.frame}
            rows.append(
                {**where, **said, "time": times[shot.broadcast, frame], "group": shot.group}
                | {
                    "broadcast_group": shot.group,
                    "setting": shot.setting,
                    "near": 0.9,
                    "n_faces": len(shot.faces),
                }
            )
            picture = thumbnail(shot) if frame == shot.frame else None
            embedded.setdefault(shot.broadcast, []).append(
                {**where, **said, "status": "ok", "reason": "", "thumbnail": picture, "phash": 1}
                | {"embedding": vector(shot).tolist()}
            )
    rows += [
        {"broadcast": name, "frame": frame, "alike": None, "time": times[name, frame], "group": NOISE}
        | {"broadcast_group": NOISE, "setting": NOISE, "n_faces": 0, "labels": [], "scores": []}
        for name, of in unread.items()
        for frame in of
    ]
    rows.sort(key=lambda row: (row["broadcast"], row["frame"]))
    facts = {"n_pictures": len(shots), "n_placed": len(shots), "seed": 42}
    write(visual / "frames.parquet", tables.VISUAL_FRAMES, rows, facts)
    with vectors_writer(visual / "vectors.npy", SIZE) as add:
        for shot in shots:
            add(vector(shot)[None])
    placed = [
        {
            "broadcast": shot.broadcast,
            "frame": shot.frame,
            "group": shot.group,
            "umap_x": None,
            "umap_y": None,
        }
        | {"pca_x": shot.at[0], "pca_y": shot.at[1] / 2, "tsne_x": shot.at[0], "tsne_y": shot.at[1]}
        for shot in shots
    ]
    write(visual / "map.parquet", tables.VISUAL_MAP, placed, facts)
    write(
        visual / "groups.parquet",
        tables.GROUPS,
        [*_groups("", shots, times), *_groups(SETTINGS, shots, times)],
    )
    paths = {}
    for name, of in embedded.items():
        paths[name] = run.parent / "embedded" / f"{name}.parquet"
        paths[name].parent.mkdir(exist_ok=True)
        schema = tables.visual(SIZE)
        tables.write(paths[name], pa.Table.from_pylist(of, schema=schema), {}, schema)
    return paths


def _groups(scope: str, shots: Sequence[Shot], times: Mapping[Any, Any]) -> list[dict[str, Any]]:
    found: dict[int, list[Shot]] = {}
    for shot in shots:
        found.setdefault(shot.setting if scope else shot.group, []).append(shot)
    return [
        {"scope": scope, "group": group, "n_frames": sum(shot.n_alike for shot in of), "n_pictures": len(of)}
        | {"n_broadcasts": len({shot.broadcast for shot in of}), "labels": list(of[0].labels), "z": []}
        | {"broadcast": of[0].broadcast, "frame": of[0].frame, "n_faces": 1.0}
        | {
            "first_seen": times[of[0].broadcast, of[0].frame],
            "last_seen": times[of[-1].broadcast, of[-1].frame],
        }
        for group, of in sorted(found.items())
    ]


def vector(shot: Shot) -> np.ndarray:
    """A unit vector: those of a group are near each other."""
    middle = np.random.default_rng(shot.group + 1).normal(size=SIZE)
    own = np.random.default_rng([shot.frame, zlib.crc32(shot.broadcast.encode())]).normal(size=SIZE)
    found = middle + 0.3 * own
    return np.asarray(found / np.linalg.norm(found), np.float32)


def thumbnail(shot: Shot) -> bytes:
    """A picture in the colours of its group, with a stripe for each face."""
    rng = np.random.default_rng(shot.group + 7)
    sky, ground = (tuple(rng.integers(30, 226, 3).tolist()) for _ in range(2))
    image = Image.new("RGB", (160, 90), sky)
    draw = ImageDraw.Draw(image)
    horizon = int(rng.integers(35, 70)) + shot.frame % 5
    draw.rectangle((0, horizon, 160, 90), fill=ground)
    draw.ellipse((20 + shot.frame % 90, 8, 44 + shot.frame % 90, 32), fill=(250, 240, 200))
    for face in shot.faces:
        top, right, bottom, left = (side // 4 for side in face.box)
        draw.rectangle((left, top, right, bottom), fill=(255, 255, 255))
        draw.rectangle((left, top + 4, right, top + 8), fill=(200, 0, 0))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=85)
    return file.getvalue()


def many(n: int = 2000, n_groups: int = 40, seed: int = 5) -> list[Shot]:
    """Pictures of many groups in twelve broadcasts of three stations, some of them with people in them."""
    rng = np.random.default_rng(seed)
    shows = ["Morning", "News", "Late_Night", "Film_Talk"]
    broadcasts = [
        f"{('NTV', '1TV', 'OWN')[k % 3]}_2024010{2 + k // 4}_{6 + 4 * (k % 4):02d}0000_{shows[k % 4]}"
        for k in range(12)
    ]
    people = [f"{letter}{digit}Q{digit}" for letter in "KAMTZ" for digit in "237"][:14]
    middles = rng.uniform(-0.9, 0.9, (n_groups, 2))
    weights = 1 / np.arange(1, n_groups + 1) ** 0.6
    number = dict.fromkeys(broadcasts, 1)
    shots = []
    for k in range(n):
        name = broadcasts[k % 12]
        group = NOISE if rng.random() < 0.1 else int(rng.choice(n_groups, p=weights / weights.sum()))
        at = rng.uniform(-1, 1, 2) if group == NOISE else middles[group] + rng.normal(0, 0.045, 2)
        seen = [people[group % 14]] if group % 3 == 0 and group >= 0 else []
        seen += [people[(group + 5) % 14]] * (rng.random() < 0.2 and bool(seen))
        labels = [] if group == NOISE else [LABELS[group % 12], LABELS[(group + 3) % 12]]
        n_alike = 1 + int(rng.random() < 0.2)
        shot = Shot(name, number[name], group, tuple(at.tolist()), list(dict.fromkeys(seen)), labels, [])
        shots.append(replace(shot, n_alike=n_alike, setting=group // 6 if group >= 0 else NOISE))
        number[name] += n_alike
    return shots
