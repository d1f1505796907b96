"""Make up a year of television: hashes of frames and embeddings of faces, with footage on air again.

Each broadcast is a talk show: cameras that are the same every day, of which some show more than others, and
people before each who look a little otherwise from day to day; reports of footage that is on air once; an
opening, and commercials out of a stock. Into it scenes are put again, with other bits in their hashes, as
another station's bug or another encoder leaves them. No real picture is in it.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from castgraph.base import tables
from castgraph.base.files import atomic
from embeddings import PEOPLE, PICTURE, SITTING
from people import FRAME_SECONDS, FRAMES, _filled, broadcast_id

CAMERAS, COMMERCIALS, SHOWN, SCENES = 12, 200, 12, 300
LIVE, WIDE, EFFECTIVE, SLOT = 0.7, 128, 40, 50
AGAIN = 0.002
"""Variance between the pictures of a face and the same on air again; others are those of `embeddings.py`."""

Codes = NDArray[np.uint64]


class Scene(NamedTuple):
    """A scene that is on air again: broadcasts, first rows in them, and its length in frames."""

    earlier: int
    earlier_first: int
    later: int
    later_first: int
    n_frames: int


def make(folder: Path, n_broadcasts: int) -> list[Scene]:
    """Write ``frames.parquet``, ``faces.parquet`` and the embeddings; give what is on air again."""
    rng = np.random.default_rng(0)
    codes = np.empty((n_broadcasts, FRAMES), np.uint64)
    camera = np.full((n_broadcasts, FRAMES), -1, np.int8)
    weights = 1 / np.arange(1, CAMERAS + 1)
    cameras, opening = _codes(rng, CAMERAS), _codes(rng, 8)
    stock = [_codes(rng, int(n)) for n in rng.integers(5, 9, COMMERCIALS)]
    for n in range(n_broadcasts):
        shot = np.repeat(np.arange(FRAMES), rng.integers(1, 5, FRAMES))[:FRAMES]
        live = rng.random(FRAMES) < LIVE
        of_shot = rng.choice(CAMERAS, FRAMES, p=weights / weights.sum())
        camera[n] = np.where(live, of_shot, -1)[shot]
        codes[n] = _noisy(rng, np.where(live, cameras[of_shot], _codes(rng, FRAMES))[shot], 3)
        pieces = [(2, opening)]
        for at in rng.integers(100, FRAMES - 200, 3):
            for commercial in rng.choice(COMMERCIALS, SHOWN // 3, replace=False):
                pieces.append((int(at), stock[commercial]))
                at += len(stock[commercial])
        for at, piece in pieces:
            codes[n, at : at + len(piece)] = _noisy(rng, piece, 3)
            camera[n, at : at + len(piece)] = -1
    scenes = _scenes(rng, n_broadcasts)
    _write(folder, rng, codes, camera, scenes)
    return scenes


def _write(
    folder: Path, rng: np.random.Generator, codes: Codes, camera: NDArray[np.int8], scenes: list[Scene]
) -> None:
    for earlier, first, later, again, n_frames in scenes:
        codes[later, again : again + n_frames] = _noisy(rng, codes[earlier, first : first + n_frames], 6)
        camera[later, again : again + n_frames] = camera[earlier, first : first + n_frames]
    # Two people before every other camera.
    n_faces = np.where(camera < 0, 0, 2 - camera % 2).astype(np.int32)
    people = _apart(rng, (CAMERAS, 2), PEOPLE)
    kept = {scene: np.empty((0, WIDE), np.float32) for scene in scenes}
    numbers = np.arange(1, FRAMES + 1, dtype=np.int32)
    frames, faces = folder / "frames.parquet", folder / "faces.parquet"
    with (
        atomic(frames) as part,
        tables.writer(part, tables.MERGED_FRAMES, {}) as add_frames,
        atomic(faces) as faces_part,
        tables.writer(faces_part, tables.MERGED_FACES, {"digest": "of faces that are made up"}) as add_faces,
        atomic(folder / tables.EMBEDDINGS) as embeddings_part,
        tables.embeddings_writer(embeddings_part, {}) as add_embeddings,
    ):
        for n, (code, shown, n_here) in enumerate(zip(codes, camera, n_faces, strict=True)):
            name = broadcast_id(n)
            start = np.datetime64(f"{name[8:12]}-{name[12:14]}-{name[14:16]}T19:00", "us")
            times = start + (numbers - 1) * np.timedelta64(FRAME_SECONDS * 10**6, "us")
            add_frames(
                _filled(
                    {
                        "broadcast": pa.array([name] * FRAMES),
                        "frame": numbers,
                        "time": pa.array(times).cast(pa.timestamp("us", tz="UTC")),
                        "width": np.full(FRAMES, 640, np.int32),
                        "n_faces": n_here,
                        "phash": code,
                    },
                    tables.MERGED_FRAMES,
                    FRAMES,
                )
            )
            today = people + _apart(rng, people.shape[:2], SITTING)
            row = np.repeat(np.arange(FRAMES), n_here)
            which = np.arange(len(row)) - np.repeat(np.cumsum(n_here) - n_here, n_here)
            found = today[shown[row], which] + _apart(rng, (len(row),), PICTURE)
            for scene in scenes:
                if scene.earlier == n:
                    inside = (row >= scene.earlier_first) & (row < scene.earlier_first + scene.n_frames)
                    kept[scene] = found[inside]
            for scene in scenes:
                if scene.later == n:
                    inside = (row >= scene.later_first) & (row < scene.later_first + scene.n_frames)
                    found[inside] = kept[scene] + _apart(rng, (int(inside.sum()),), AGAIN)
            left = (200 + 150 * which).astype(np.int32)
            box = {"top": left * 0 + 80, "right": left + 100, "bottom": left * 0 + 180, "left": left}
            columns = {"broadcast": pa.array([name] * len(row)), "face": np.arange(len(row), dtype=np.int32)}
            columns |= {"frame": numbers[row], "set_aside": pa.array([""] * len(row)), **box}
            add_faces(_filled(columns, tables.MERGED_FACES, len(row)))
            add_embeddings(found.astype(np.float32))


def _codes(rng: np.random.Generator, n: int) -> Codes:
    return rng.integers(0, 2**64, n, np.uint64)


def _noisy(rng: np.random.Generator, codes: Codes, most: int) -> Codes:
    """Change up to `most` bits of each hash."""
    changed = codes.copy()
    for _ in range(most):
        bit = np.uint64(1) << rng.integers(0, 64, len(codes), np.uint64)
        changed ^= np.where(rng.random(len(codes)) < 0.5, bit, np.uint64(0))
    return changed


def _apart(rng: np.random.Generator, shape: tuple[int, ...], variance: float) -> NDArray[np.float32]:
    """Draw what is added to embeddings: `EFFECTIVE` of their numbers differ, as with real faces."""
    drawn = np.zeros((*shape, WIDE), np.float32)
    drawn[..., :EFFECTIVE] = rng.normal(0, (variance / EFFECTIVE) ** 0.5, (*shape, EFFECTIVE))
    return drawn


def _scenes(rng: np.random.Generator, n_broadcasts: int) -> list[Scene]:
    """Choose what is on air again; no two of the places overlap."""
    slots = FRAMES // SLOT
    n_scenes = min(SCENES, n_broadcasts * slots // 4)
    chosen = rng.choice(n_broadcasts * slots, (n_scenes, 2), replace=False)
    lengths = rng.integers(8, SLOT - 10, n_scenes).tolist()
    return [
        Scene(earlier // slots, earlier % slots * SLOT, later // slots, later % slots * SLOT, n_frames)
        for (earlier, later), n_frames in zip(np.sort(chosen, axis=1).tolist(), lengths, strict=True)
    ]
