"""Measure frames as wholes: embedding, grouping, maps and search; and what is found on demo and real sample.

The vectors of a year are made up: shots around a few thousand places, most of each along few axes, as with
real frames (of the 224 frames of the real sample 128 axes hold 0.99 of the squares).
"""

from __future__ import annotations

import csv
import json
import resource
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import typer
from numpy.typing import NDArray
from PIL import Image
from sklearn.metrics import adjusted_rand_score

from castgraph.archive import FrameReader, Limits
from castgraph.base import tables
from castgraph.base.files import atomic
from castgraph.base.models import converted, session
from castgraph.faces.frame import decode
from castgraph.visual.embed import embed, thumbnail
from castgraph.visual.embedder import Embedder, fitted, load
from castgraph.visual.groups import grouped, in_settings, write_groups
from castgraph.visual.lite0 import LITE0, SIZE, classes, labels_for
from castgraph.visual.maps import placed
from castgraph.visual.search import Index, axes_of, heads_of, nearest
from castgraph.visual.settings import palettes
from castgraph.visual.store import leader_of, leaders

DEMO = Path(__file__).resolve().parents[1] / "resources" / "demo"
YEAR, NUMBERS, PLACES, ALONG = 757_559, 1280, 3000, 64
TOP = 50

CONTENT = {
    **{f"DEMO1_202401{day}_190000_Evening_Review": "Evening Review" for day in ("02", "03", "05")},
    "DEMO1_20240103_070000_Morning_Desk": "Morning Desk",
    "DEMO1_20240104_190000_Evening_Review": "Morning Desk",  # it is mislabelled
    **{f"DEMO2_202401{day}_220000_Night_Debate": "Night Debate" for day in ("02", "04")},
    "DEMO2_20240105_120000": "City Forum",
}
"""Broadcast of the demo → the show that it holds; frames 38 to 43 of Morning Desk are of Evening Review."""

MISLABELLED = "DEMO1_20240104_190000_Evening_Review"


def speed(embedder: Embedder) -> dict[str, float]:
    """Measure the network alone, on prepared pictures, and all of it, from the ZIPs of the demo."""
    paths = sorted(DEMO.glob("*.zip"))
    network = session(converted(LITE0))
    batch = np.random.default_rng(0).integers(0, 256, (16, SIZE, SIZE, 3), dtype=np.uint8)
    network.run(None, {"pictures": batch})
    start = time.process_time()
    for _ in range(6):
        network.run(None, {"pictures": batch})
    of_network = (time.process_time() - start) / (6 * len(batch))
    start, n_frames = time.process_time(), 0
    for path in paths[:3]:
        n_frames += embed(path, path.stem, embedder, Limits()).table.num_rows
    each = (time.process_time() - start) / n_frames
    return {
        "lite0_ms_frame": 1000 * of_network,
        "prepared_frames_s_core": 1 / of_network,
        "frames_s_core": 1 / each,
    }


def made_up(n: int, path: Path) -> NDArray[np.float32]:
    """Make up unit vectors on disk, a block at a time."""
    rng = np.random.default_rng(0)
    scale = np.arange(1, ALONG + 1, dtype=np.float32) ** -0.7
    places = rng.standard_normal((PLACES, ALONG), dtype=np.float32) * scale
    axes = np.linalg.qr(rng.standard_normal((NUMBERS, ALONG)))[0].T.astype(np.float32)
    found = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(n, NUMBERS))
    for start in range(0, n, 8192):
        m = min(8192, n - start)
        along = places[rng.integers(0, PLACES, m)] + 0.1 * rng.standard_normal((m, ALONG), dtype=np.float32)
        rows = along @ axes + 0.004 * rng.standard_normal((m, NUMBERS), dtype=np.float32) + 0.02
        found[start : start + m] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return found


def searched(n: int, folder: Path) -> dict[str, float]:
    """Measure the index and the search of `n` vectors, warm; the result must be that of looking at all."""
    vectors = made_up(n, folder / "vectors.npy")
    start = time.process_time()
    axes = axes_of(vectors)
    index = Index(axes, np.concatenate(list(heads_of(vectors, axes))))
    built = time.process_time() - start
    rng, times, cpu = np.random.default_rng(1), [], []
    for _ in range(12):
        query = vectors[rng.integers(n)] + 0.01 * rng.standard_normal(NUMBERS).astype(np.float32)
        query /= np.linalg.norm(query)
        wall, used = time.perf_counter(), time.process_time()
        rows, _ = nearest(vectors, query, TOP, index=index)
        times.append(time.perf_counter() - wall)
        cpu.append(time.process_time() - used)
    equal = rows.tolist() == nearest(vectors, query, TOP)[0].tolist()
    return {
        f"search_ms_{n}": 1000 * float(np.median(times[2:])),
        f"search_cpu_ms_{n}": 1000 * float(np.median(cpu[2:])),
        f"index_cpu_s_{n}": built,
        "search_equal": float(equal),
    }


def mapped() -> dict[str, float]:
    """Measure PCA and t-SNE of 2,000 pictures, and their groups."""
    with tempfile.TemporaryDirectory() as folder:
        vectors = np.array(made_up(2000, Path(folder) / "vectors.npy"))
    start = time.process_time()
    placed(vectors, ["pca", "tsne"])
    of_map = time.process_time() - start
    start = time.process_time()
    grouped(vectors, np.ones(len(vectors), int), 3)
    return {"map_s_2000": of_map, "groups_s_2000": time.process_time() - start}


def of_year(n: int, folder: Path) -> dict[str, float]:
    """Measure the rule `groups` on tables of `n` made-up frames, a third of them like the one before."""
    thumbnails = [thumbnail(picture) for picture in _pictures(DEMO)]
    labels = [each.name for each in classes()[:400]]
    vectors = made_up(n, folder / "made.npy")
    rng, embedded, merged = np.random.default_rng(2), {}, []
    start = datetime(2024, 1, 1, tzinfo=UTC)
    for number, rows in enumerate(np.array_split(np.arange(n), max(1, n // 2215))):
        name = f"NTV_{start + timedelta(hours=number):%Y%m%d_%H%M%S}_Made_Up"
        frame = np.arange(1, len(rows) + 1)
        alike = np.maximum.accumulate(np.where((rng.random(len(rows)) < 1 / 3) & (frame > 1), 0, frame))
        shot = rng.integers(len(thumbnails) - 4)
        pictures = [
            thumbnails[shot + at % 4] if leads else None
            for at, leads in zip(np.cumsum(rng.random(len(rows)) < 0.1).tolist(), alike == frame, strict=True)
        ]
        some = pa.array([[labels[k % 400], labels[k * 7 % 400]] for k in (rows // 9).tolist()])
        times = pa.array([start + timedelta(hours=number, seconds=4 * k) for k in frame.tolist()])
        flat = pa.array(np.asarray(vectors[rows], np.float16).ravel())
        known = {
            "broadcast": pa.array([name] * len(rows)),
            "frame": frame,
            "alike": alike,
            "status": pa.array(["ok"] * len(rows)),
            "labels": some,
            "thumbnail": pa.array(pictures, pa.binary()),
            "embedding": pa.FixedSizeListArray.from_arrays(flat, NUMBERS),
            "time": times,
            "n_faces": frame % 3,
        }
        embedded[name] = folder / f"{name}.parquet"
        schema = tables.visual(NUMBERS)
        tables.write(embedded[name], _filled(known, schema, len(rows)), {}, schema)
        merged.append(_filled(known, tables.MERGED_FRAMES, len(rows)))
    tables.write(folder / "frames.parquet", pa.concat_tables(merged), {}, tables.MERGED_FRAMES)
    del vectors, merged
    # Its own process, which has its own most memory.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        used, peak = pool.submit(_grouped, embedded, folder).result()
    told = tables.read_provenance(folder / "visual" / "frames.parquet")
    return {f"groups_cpu_s_{n}": used, f"groups_peak_mb_{n}": peak} | {
        f"groups_{name}_{n}": float(told[name])
        for name in ("n_pictures", "n_sampled", "n_groups", "n_settings")
    }


def _filled(known: Mapping[str, Any], schema: pa.Schema, n: int) -> pa.Table:
    """Make a table of what is known; of the other columns nothing."""
    columns = [known.get(field.name, pa.nulls(n, field.type)) for field in schema]
    return pa.table(dict(zip(schema.names, columns, strict=True))).cast(schema)


def _grouped(embedded: Mapping[str, Path], folder: Path) -> tuple[float, float]:
    start = time.process_time()
    to = folder / "visual"
    write_groups(embedded, folder / "frames.parquet", to=to, facts={}, min_cluster_size=3, most=50_000)
    return time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _pictures(folder: Path) -> Iterator[NDArray[np.uint8]]:
    for path in sorted(folder.glob("*.zip")):
        with FrameReader(path, path.stem) as archive:
            for number in archive.frames:
                yield decode(archive.read(number)).picture


def on_demo(embedder: Embedder) -> dict[str, float]:
    """Compare the groups of the demo with what its frames show."""
    with (DEMO / "ground_truth.csv").open(encoding="utf-8") as file:
        people: dict[tuple[str, int], set[str]] = defaultdict(set)
        for row in csv.DictReader(file):
            people[row["broadcast"], int(row["frame"])].add(row["person"])
    names, frames, alike, vectors, colours = [], [], [], [], []
    for number, name in enumerate(sorted(CONTENT)):
        table = embed(DEMO / f"{name}.zip", name, embedder, Limits()).table
        names += [number] * len(table)
        frames += table["frame"].to_pylist()
        alike += table["alike"].to_pylist()
        rows = np.flatnonzero(table["frame"].to_numpy() == table["alike"].to_numpy())
        flat = table["embedding"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        vectors.append(flat.reshape(len(table), -1)[rows].astype(np.float32))
        colours.append(palettes(table["thumbnail"].take(rows).to_pylist()))
    broadcast, frame, first = np.array(names), np.array(frames), np.array(alike)
    leader = leader_of(broadcast, frame, first)
    n_frames = np.bincount(leader, minlength=len(leaders(frame, first)))
    group = grouped(np.concatenate(vectors), n_frames, 3).group[leader]
    setting = in_settings(np.concatenate(colours), n_frames, 3).group[leader]
    places = [(sorted(CONTENT)[n], int(at)) for n, at in zip(broadcast, frame, strict=True)]

    def show(name: str, at: int) -> str:
        return "Evening Review" if "Morning" in name and 38 <= at <= 43 else CONTENT[name]

    studio = [n for n, place in enumerate(places) if people[place]]
    shows = [show(*places[n]) for n in studio]
    who = [f"{show(*places[n])}: {sorted(people[places[n]])}" for n in studio]
    inside = {int(group[n]) for n in studio} - {-1}
    footage = [n for n, place in enumerate(places) if not people[place]]
    of_desk = {
        int(group[n]) for n in studio if show(*places[n]) == "Morning Desk" and places[n][0] != MISLABELLED
    }
    wrong = [int(group[n]) for n in studio if places[n][0] == MISLABELLED and group[n] >= 0]
    return {
        "demo_ari_show": adjusted_rand_score(shows, group[studio]),
        "demo_settings_ari_show": adjusted_rand_score(shows, setting[studio]),
        "demo_ari_show_and_people": adjusted_rand_score(who, group[studio]),
        "demo_footage_apart": float(np.mean([int(group[n]) not in inside for n in footage])),
        "demo_mislabelled_with_its_content": float(np.mean([each in of_desk for each in wrong])),
        "demo_groups": float(group.max() + 1),
        "demo_settings": float(setting.max() + 1),
    }


def on_real(folder: Path, embedder: Embedder) -> dict[str, float]:
    """Find rockets by label, altered copies of pictures, and the settings of shows, on the real sample."""
    with (folder / "ground_truth.csv").open(encoding="utf-8") as file:
        truth = list(csv.DictReader(file))
    rockets = {(row["broadcast"], int(row["frame"])) for row in truth if "Launch" in row["source"]}
    faces = {(row["broadcast"], int(row["frame"])) for row in truth if row["person"]}
    pictures, places = [], []
    for path in sorted(folder.glob("*.zip")):
        with FrameReader(path, path.stem) as archive:
            for number in archive.frames:
                pictures.append(decode(archive.read(number)).picture)
                places.append((path.stem, number))
    seen = embedder.pictures(pictures)
    wanted = set(labels_for("rocket"))
    labelled = {
        place
        for place, labels in zip(places, seen.labels, strict=True)
        if wanted & {name for name, _ in labels}
    }
    figures = {
        "real_rockets": float(len(rockets)),
        "real_rockets_found": float(len(rockets & labelled)),
        "real_other_with_that_label": float(len(labelled - rockets)),
    }
    setting = in_settings(palettes([thumbnail(each) for each in pictures]), np.ones(len(pictures), int), 3)
    shown = [n for n, place in enumerate(places) if place in faces and place[0].startswith("DEMO")]
    titles = [places[n][0].split("_", 3)[3] for n in shown]
    figures["real_settings_ari_show"] = adjusted_rand_score(titles, setting.group[shown])
    for name, alter in ALTERED.items():
        rank = []
        for row in range(0, len(pictures), 4):
            vector = embedder.pictures([alter(pictures[row])]).vectors[0]
            order = nearest(seen.vectors, vector, 20)[0]
            rank.append(row in order)
        figures[f"real_{name}_within_20"] = float(np.mean(rank))
    return figures


def _cropped(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    return picture[height // 10 : -height // 10, width // 10 : -width // 10]


def _brighter(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return (255 * (picture / 255) ** 0.7).astype(np.uint8)


def _mirrored(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(picture).transpose(Image.Transpose.FLIP_LEFT_RIGHT))


ALTERED = {"cropped": _cropped, "brighter": _brighter, "mirrored": _mirrored}


def main(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
    vectors: Annotated[int, typer.Option(min=1000, help="Vectors that are made up for the search.")] = YEAR,
    data: Annotated[Path | None, typer.Option(help="Folder for them, 5 kB each; they are removed.")] = None,
    real: Annotated[Path | None, typer.Option(help="The real sample, if there is one.")] = None,
    year: Annotated[int, typer.Option(min=0, help="Frames that are made up for the groups; 0 for none.")] = 0,
) -> None:
    """Measure what frames as wholes take, and what is found."""
    embedder = load({"embedder": "lite0"})
    embedder.pictures([fitted(np.zeros((9, 9, 3), np.uint8), SIZE)])
    figures = speed(embedder) | mapped() | on_demo(embedder)
    if real is not None:
        figures |= on_real(real, embedder)
    figures["peak_mb_before_search"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with tempfile.TemporaryDirectory(dir=data) as folder:
        figures |= searched(vectors, Path(folder))
    if year:
        with tempfile.TemporaryDirectory(dir=data) as folder:
            figures |= of_year(year, Path(folder))
    figures["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for name, value in figures.items():
        sys.stdout.write(f"{name} {value:,.3f}\n")
    if json_file is not None:
        with atomic(json_file) as part:
            part.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    typer.run(main)
