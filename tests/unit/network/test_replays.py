"""What is on air again: footage, however noisy, and not what merely looks alike every day."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image, ImageDraw, ImageFilter

from castgraph.archive import Broadcast
from castgraph.base import tables
from castgraph.faces.frame import phash
from castgraph.faces.times import read_frames
from castgraph.network.hamming import near_pairs
from castgraph.network.replays import Stills, read_stills, replays

NTV, ORT = "NTV_202401{:02d}_190000_Evening_News", "ORT_202401{:02d}_210000_Late_Show"
SECONDS = 4
WIDE = 64  # numbers of an embedding


@dataclass
class Footage:
    """Frames: their hashes and, of those that show one, a face each; no face is NaN."""

    codes: np.ndarray
    faces: np.ndarray

    def __getitem__(self, part: slice) -> "Footage":
        return Footage(self.codes[part], self.faces[part])

    def put(self, at: int, other: "Footage") -> None:
        self.codes[at : at + len(other.codes)] = other.codes
        self.faces[at : at + len(other.codes)] = other.faces


def flipped(rng: np.random.Generator, codes: np.ndarray, most: int) -> np.ndarray:
    """Change up to `most` bits of each hash."""
    changed = codes.copy()
    for row, n in enumerate(rng.integers(0, most + 1, len(codes))):
        for bit in rng.choice(64, n, replace=False):
            changed[row] ^= np.uint64(1) << np.uint64(bit)
    return changed


def jittered(rng: np.random.Generator, faces: np.ndarray, by: float) -> np.ndarray:
    moves = rng.normal(size=faces.shape)
    return (faces + by * moves / np.linalg.norm(moves, axis=1)[:, None]).astype(np.float32)


def noisy(rng: np.random.Generator, footage: Footage, bits: int = 8, by: float = 0.08) -> Footage:
    """The same pictures, with another station's bug or encoded anew."""
    return Footage(flipped(rng, footage.codes, bits), jittered(rng, footage.faces, by))


def reports(rng: np.random.Generator, n: int) -> Footage:
    """Footage of shots of one to three frames, each of another place, without faces."""
    shots = rng.integers(0, 2**64, n, np.uint64)
    codes = np.repeat(shots, rng.integers(1, 4, n))[:n]
    return Footage(flipped(rng, codes, 2), np.full((n, WIDE), np.nan, np.float32))


class Studio:
    """A talk show: few cameras, the same every day, and a person before each."""

    def __init__(self, rng: np.random.Generator, cameras: int = 6) -> None:
        self.codes = rng.integers(0, 2**64, cameras, np.uint64)
        self.people = jittered(rng, np.zeros((cameras, WIDE)), 0.6)

    def day(self, rng: np.random.Generator, n: int) -> Footage:
        """A day of it: cuts at random, people who look as people look on another day."""
        camera = np.repeat(rng.integers(0, len(self.codes), n), rng.integers(1, 6, n))[:n]
        today = jittered(rng, self.people, 0.2)
        return Footage(flipped(rng, self.codes[camera], 4), jittered(rng, today[camera], 0.15))


def stills(broadcasts: dict[str, Footage]) -> Stills:
    ids = sorted(broadcasts)
    all_of = [broadcasts[name] for name in ids]
    sizes = [len(each.codes) for each in all_of]
    frame = np.concatenate([np.arange(1, n + 1, dtype=np.int32) for n in sizes])
    starts = [np.datetime64(Broadcast.parse(name).start.replace(tzinfo=None), "us") for name in ids]
    faces = np.concatenate([each.faces for each in all_of])
    seen = ~np.isnan(faces[:, 0])
    return Stills(
        broadcasts=ids,
        begins=np.cumsum([0, *sizes]),
        frame=frame,
        time=np.repeat(starts, sizes) + (frame - 1) * np.timedelta64(SECONDS, "s"),
        code=np.concatenate([each.codes for each in all_of]),
        readable=np.ones(len(frame), bool),
        first_face=np.cumsum([0, *seen]),
        places=np.tile([0.5, 0.3, 0.2], (int(seen.sum()), 1)),
        embeddings=faces[seen],
    )


def places(found: pa.Table) -> list[tuple]:
    names = ("broadcast", "first_frame", "last_frame")
    return [
        (*(row[name] for name in names), *(row[f"earlier_{name}"] for name in names))
        for row in found.to_pylist()
    ]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("bits", "n_frames"), [(0, 10), (6, 16), (10, 24)])
def test_footage_that_is_on_air_again_is_found_with_both_places(seed: int, bits: int, n_frames: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = reports(rng, 120), reports(rng, 150)
    second.put(90, noisy(rng, first[30 : 30 + n_frames], bits))
    found = replays(stills({NTV.format(2): first, ORT.format(3): second}), SECONDS)
    [row] = found.to_pylist()
    assert (row["broadcast"], row["earlier_broadcast"]) == (ORT.format(3), NTV.format(2))
    # A frame more or less at an end may look like its neighbour, or too little like itself.
    assert abs(row["first_frame"] - 91) <= 2 and abs(row["last_frame"] - (90 + n_frames)) <= 2
    assert row["first_frame"] - row["earlier_first_frame"] == 60
    assert row["n_frames"] == row["last_frame"] - row["first_frame"] + 1
    assert (row["end"] - row["start"]).total_seconds() == SECONDS * row["n_frames"]
    assert (row["kind"], row["n_showings"]) == ("scene", 2)
    assert row["face_distance"] is None and row["distance"] <= bits
    assert found.schema == tables.REPLAYS


def test_which_is_the_later_showing_the_times_tell() -> None:
    rng = np.random.default_rng(0)
    one, other = reports(rng, 100), reports(rng, 100)
    other.put(50, noisy(rng, one[20:30], 2))
    [there] = places(replays(stills({NTV.format(2): one, NTV.format(3): other}), SECONDS))
    [back] = places(replays(stills({NTV.format(3): one, NTV.format(2): other}), SECONDS))
    assert there[:3] == (NTV.format(3), 51, 60)
    assert (back[3:], back[:3]) == ((NTV.format(2), *there[1:3]), (NTV.format(3), *there[4:]))


def test_the_names_and_the_order_of_broadcasts_do_not_matter() -> None:
    rng = np.random.default_rng(1)
    days = {f"{station}_202401{day:02d}_190000": reports(rng, 80) for day in range(2, 6) for station in "AB"}
    ids = list(days)
    days[ids[5]].put(10, noisy(rng, days[ids[0]][40:52], 4))
    days[ids[6]].put(60, noisy(rng, days[ids[3]][5:17], 4))
    found = replays(stills(days), SECONDS)
    assert found.equals(replays(stills(dict(reversed(days.items()))), SECONDS))
    turned = {"BA"["AB".index(name[0])] + name[1:]: footage for name, footage in days.items()}
    swapped = [
        (
            "BA"["AB".index(row[0][0])] + row[0][1:],
            *row[1:3],
            "BA"["AB".index(row[3][0])] + row[3][1:],
            *row[4:],
        )
        for row in places(replays(stills(turned), SECONDS))
    ]
    assert len(found) == 2 and sorted(swapped) == places(found)


@pytest.mark.parametrize("seed", range(3))
def test_neither_chance_nor_a_talk_show_is_a_replay(seed: int) -> None:
    rng = np.random.default_rng(seed)
    studio = Studio(rng)
    shows = {NTV.format(day): studio.day(rng, 400) for day in range(2, 8)}
    shows |= {ORT.format(day): reports(rng, 300) for day in range(2, 5)}
    assert len(replays(stills(shows), SECONDS)) == 0
    # Nor is it where no face was found.
    faceless = {name: Footage(each.codes, np.full_like(each.faces, np.nan)) for name, each in shows.items()}
    assert len(replays(stills(faceless), SECONDS)) == 0


def test_a_scene_of_a_talk_show_on_air_again_is_found_by_its_faces() -> None:
    rng = np.random.default_rng(3)
    studio = Studio(rng)
    shows = {NTV.format(day): studio.day(rng, 300) for day in range(2, 8)}
    shows[NTV.format(6)].put(200, noisy(rng, shows[NTV.format(3)][100:115], 4))
    [row] = replays(stills(shows), SECONDS).to_pylist()
    assert (row["earlier_broadcast"], row["broadcast"]) == (NTV.format(3), NTV.format(6))
    assert abs(row["first_frame"] - 201) <= 1 and row["first_frame"] - row["earlier_first_frame"] == 100
    assert row["face_distance"] < 0.15


def test_a_still_card_is_no_replay_however_long() -> None:
    rng = np.random.default_rng(4)
    card = np.full(40, rng.integers(0, 2**64, dtype=np.uint64))
    shows = {NTV.format(day): reports(rng, 150) for day in range(2, 8)}
    for each in shows.values():
        each.put(50, Footage(flipped(rng, card, 2), np.full((40, WIDE), np.nan, np.float32)))
        each.put(120, Footage(np.zeros(20, np.uint64), np.full((20, WIDE), np.nan, np.float32)))  # black
    assert len(replays(stills(shows), SECONDS)) == 0


def test_what_is_repeated_often_is_an_opening_or_a_commercial() -> None:
    rng = np.random.default_rng(5)
    opening, commercial, scene = reports(rng, 8), reports(rng, 9), reports(rng, 10)
    shows = {NTV.format(day): reports(rng, 200) for day in range(2, 10)}
    for number, each in enumerate(shows.values()):
        each.put(number, noisy(rng, opening, 2))
        if number % 3:
            each.put(60 + 13 * number, noisy(rng, commercial, 2))
        if number in (2, 5):
            each.put(30, noisy(rng, scene, 2))
    found = replays(stills(shows), SECONDS).to_pylist()
    kinds = {
        kind: [row for row in found if row["kind"] == kind] for kind in ("opening", "commercial", "scene")
    }
    assert {kind: len(rows) for kind, rows in kinds.items()} == {"opening": 7, "commercial": 4, "scene": 1}
    assert {kind: {row["n_showings"] for row in rows} for kind, rows in kinds.items()} == {
        "opening": {8},
        "commercial": {5},
        "scene": {2},
    }
    assert {row["earlier_broadcast"] for row in kinds["opening"]} == {NTV.format(2)}


def test_footage_may_be_on_air_again_in_the_same_broadcast() -> None:
    rng = np.random.default_rng(6)
    show = reports(rng, 300)
    show.put(200, noisy(rng, show[20:32], 4))
    [row] = places(replays(stills({NTV.format(2): show}), SECONDS))
    assert row == (NTV.format(2), 201, 212, NTV.format(2), 21, 32)


def test_frames_that_cannot_be_read_or_are_lost_do_not_end_a_replay() -> None:
    rng = np.random.default_rng(7)
    one, other = reports(rng, 100), reports(rng, 100)
    other.put(50, one[20:40])
    given = stills({NTV.format(2): one, NTV.format(3): other})
    given.readable[[125 + 30, 25]] = False
    [row] = places(replays(given, SECONDS))
    assert row == (NTV.format(3), 51, 70, NTV.format(2), 21, 40)


def test_no_frames_are_no_replays() -> None:
    assert len(replays(stills({NTV.format(2): reports(np.random.default_rng(0), 0)}), SECONDS)) == 0


# ---- real pictures ---------------------------------------------------------------------------------------


def film(rng: np.random.Generator, seconds: int) -> list[Image.Image]:
    """A film of one picture a second: shots of four to nine seconds, in which the camera moves on."""
    pictures: list[Image.Image] = []
    while len(pictures) < seconds:
        spots = Image.fromarray(rng.integers(0, 256, (9, 20, 3), np.uint8)).resize((420, 190), Image.BICUBIC)
        spots = spots.filter(ImageFilter.GaussianBlur(3))
        x, step = int(rng.integers(0, 30)), int(rng.integers(-2, 3))
        for number in range(int(rng.integers(4, 10))):
            left = x + 30 + step * number
            pictures.append(spots.crop((left, 5, left + 320, 185)))
    return pictures[:seconds]


def with_bug(picture: Image.Image) -> Image.Image:
    """With the bug of another station in the corner."""
    marked = picture.copy()
    ImageDraw.Draw(marked).rectangle((280, 10, 308, 24), fill=(230, 30, 30))
    return marked


def cropped(picture: Image.Image) -> Image.Image:
    width, height = picture.size
    part = (int(0.02 * width), int(0.02 * height), int(0.98 * width), int(0.98 * height))
    return picture.crop(part).resize(picture.size)


def hashes(pictures: list[Image.Image]) -> Footage:
    codes = np.array([phash(np.asarray(each)) for each in pictures], np.uint64)
    return Footage(codes, np.full((len(codes), WIDE), np.nan, np.float32))


@pytest.mark.parametrize("change", [with_bug, cropped, lambda picture: cropped(with_bug(picture))])
@pytest.mark.parametrize("phase", [0, 1, 2])
def test_footage_with_a_bug_or_cropped_or_at_another_phase_is_found(change, phase: int) -> None:
    """The second showing is sampled at other seconds: its frames lie between those of the first."""
    rng = np.random.default_rng(8)
    scene = film(rng, 120)
    first, second = reports(rng, 100), reports(rng, 100)
    first.put(30, hashes(scene[::SECONDS]))
    second.put(60, hashes([change(picture) for picture in scene[phase::SECONDS]]))
    [row] = places(replays(stills({NTV.format(2): first, ORT.format(3): second}), SECONDS))
    assert abs(row[1] - 61) <= 8 and abs(row[2] - 90) <= 8
    assert abs(row[1] - row[4] - 30) <= 1


# ---- near hashes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("radius", [0, 3, 6, 8])
def test_near_hashes_are_found_all_and_no_others(radius: int) -> None:
    rng = np.random.default_rng(radius)
    codes = flipped(rng, np.repeat(rng.integers(0, 2**64, 40, np.uint64), 5), 8)
    codes = np.concatenate([codes, codes[:3]])
    apart = np.bitwise_count(codes[:, None] ^ codes[None])
    first, second = np.nonzero(np.triu(apart <= radius, 1))
    found = near_pairs(codes, radius)
    assert (found[0].tolist(), found[1].tolist()) == (first.tolist(), second.tolist())


# ---- the tables ------------------------------------------------------------------------------------------


def test_tables_give_what_was_read_and_once_leaves_the_later_showing_out(tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    studio = Studio(rng)
    shows = {NTV.format(day): studio.day(rng, 100) for day in range(2, 5)}
    shows[NTV.format(4)].put(60, noisy(rng, shows[NTV.format(2)][20:36], 4))
    expected = stills(shows)
    n_faces = np.diff(expected.first_face).astype(np.int32)
    number = np.repeat(np.arange(3), 100)
    frames = pa.table(
        {
            "broadcast": pa.array(expected.broadcasts).take(pa.array(number)),
            "frame": expected.frame,
            "time": pa.array(expected.time).cast(pa.timestamp("us", tz="UTC")),
            "width": np.full(300, 640, np.int32),
            "n_faces": n_faces,
            "status": ["ok"] * 300,
            # Without one where it could not be read.
            "phash": pa.array(expected.code, mask=np.arange(300) == 7),
        }
    )
    of_face = np.repeat(np.arange(300), n_faces)
    faces = frames.select(["broadcast", "frame"]).take(pa.array(of_face))
    faces = faces.append_column("face", pa.array(np.arange(len(of_face), dtype=np.int32)))
    for side, value in (("top", 142), ("right", 384), ("bottom", 242), ("left", 256)):
        faces = faces.append_column(side, pa.array(np.full(len(of_face), value, np.int32)))
    paths = {}
    for name, table in (("frames", frames), ("faces", faces)):
        schema = tables.TABLES[name].schema
        columns = {
            field.name: table[field.name]
            if field.name in table.column_names
            else pa.nulls(len(table), field.type)
            for field in schema
        }
        paths[name] = tmp_path / f"{name}.parquet"
        tables.write(paths[name], pa.table(columns).cast(schema), {"digest": "of these"})
    with tables.embeddings_writer(tmp_path / tables.EMBEDDINGS, {}, WIDE) as add:
        add(expected.embeddings)

    read = read_stills(paths["frames"], paths["faces"])
    assert read.broadcasts == expected.broadcasts
    assert not read.readable[7] and read.readable.sum() == 299
    for name in ("begins", "frame", "time", "first_face", "embeddings"):
        assert (np.asarray(getattr(read, name)) == getattr(expected, name)).all()
    assert (read.code[read.readable] == expected.code[read.readable]).all()
    found = replays(read, SECONDS)
    assert found.equals(replays(replace(expected, readable=read.readable, places=read.places), SECONDS))
    path = tmp_path / "replays.parquet"
    tables.write(path, found, {}, tables.REPLAYS)
    tables.check(path, tables.TABLES["replays"])

    [row] = found.to_pylist()
    again = (number == 2) & (expected.frame >= row["first_frame"]) & (expected.frame <= row["last_frame"])
    assert 15 <= again.sum() <= 18
    replayed = tables.read_replayed(path)
    person = (np.arange(len(of_face)) % 3 - 1).astype(np.int32)  # of every third nobody
    given = tables.Members(person, np.zeros(len(person), np.int8), ["K7Q2", "A3BC"])
    left, n_left = tables.without_replays(given, paths["faces"], replayed)
    gone = again[of_face]
    assert (left.person[gone] == tables.NOISE).all() and (left.person[~gone] == person[~gone]).all()
    assert n_left == (gone & (person != tables.NOISE)).sum() > 0
    _, broadcast, times = read_frames(paths["frames"], replayed)
    assert times.tolist() == expected.time[~again].tolist()
    assert broadcast.tolist() == number[~again].tolist()

    # A face that is forgotten is as none; that all such are alike tells nothing.
    kept = expected.embeddings.copy()
    gone = np.flatnonzero(rng.random(len(kept)) < 0.3)
    kept[gone] = 0
    with tables.embeddings_writer(tmp_path / tables.EMBEDDINGS, {}, WIDE) as add:
        add(kept)
    read = read_stills(paths["frames"], paths["faces"])
    assert (read.embeddings == np.delete(kept, gone, axis=0)).all()
    assert (np.diff(read.first_face) == n_faces - np.bincount(of_face[gone], minlength=300)).all()
    assert len(read.places) == len(kept) - len(gone)

    tables.write(paths["frames"], tables.read(paths["frames"], tables.MERGED_FRAMES).slice(0, 200), {})
    with pytest.raises(tables.TableError, match="merge them again"):
        read_stills(paths["frames"], paths["faces"])
