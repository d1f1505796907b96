"""Measure the explorer of a made-up year: how it is made and, in a browser, how it is used.

    uv run python benchmarks/explorer.py [--json FILE] [--data FOLDER] [--keep FOLDER] [--no-browser]

The year is the reference job in size: 342 broadcasts of 2,215 frames, 774,615 faces, 4,972 people. Each
broadcast has the hosts and a cast of its own, whose sizes follow a power law, and the network is counted by
the workflow's own code; of its pairs the strongest 100,000 are kept. Frames and portraits are pictures of the
demo; nobody real is in it. Each ZIP has an entry a frame; a picture is only in those that are wanted, or all
would take 15 GB.

Figures
-------
``--json`` writes them flat:

- ``build_cpu_s``: seconds of the processor to write the folder, pictures of 4,500 frames included;
- ``eager_mb``: what the page loads before it shows anything: script, style and eager data; ``total_mb``: the
  folder; ``largest_file_mb``; ``n_people``, ``n_pairs``, ``n_faces``, ``n_pictures``: what it holds;
  ``peak_mb``: memory of the process that made it, the network included;
- in Chromium, from file://, by the processor's clock of its main thread: ``first_view_cpu_s``: from nothing
  to the network; ``filter_ms``: another number of strongest pairs, drawn; ``recompute_ms``: all pairs of the
  year but its first days, counted and drawn; the median of `ROUNDS` each. ``heap_mb``: objects and arrays of
  the script after that. ``n_canvases`` is 0 where the browser has no WebGL, and the figures mean little.
"""

from __future__ import annotations

import json
import resource
import shutil
import sys
import tempfile
import time
import zipfile
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import typer
from numpy.typing import NDArray
from PIL import Image

from castgraph.archive import frame_name, listed, write_selection
from castgraph.archive.media.frames import frames_of
from castgraph.base import tables
from castgraph.base.files import atomic
from castgraph.faces.times import face_times
from castgraph.pages.explorer import folder as explorer
from castgraph.pages.explorer.frames import Read
from castgraph.people.centre import Middles
from castgraph.people.table import people_table, portrait_name
from castgraph.run import config as configuration
from castgraph.run.network import Given, write_network

BROADCASTS, FRAMES, FACES, PEOPLE, PAIRS = 342, 2_215, 774_615, 4_972, 100_000
"""The reference job."""
FRAME_SECONDS = 4
CAST = 45
"""People of a broadcast besides the hosts; chosen so that 100,000 pairs meet."""
HOSTS = 3
CLUSTERING = "linkage-0.52"
DEMO = Path(__file__).parents[1] / "resources" / "demo"


@dataclass(frozen=True, slots=True)
class Year:
    """A made-up year: its results, its ZIPs and its configuration."""

    run: Path
    zips: Path
    config: dict[str, Any]


def broadcast_id(n: int) -> str:
    """Name a broadcast: one a day."""
    return f"RUSSIA1_{str(np.datetime64('2022-01-01') + n).replace('-', '')}_160000_Show"


def make(folder: Path, n_broadcasts: int = BROADCASTS, n_frames: int = FRAMES, n_faces: int = FACES) -> Year:
    """Make a year, or as many broadcasts of it, with people in proportion."""
    rng = np.random.default_rng(0)
    names = [broadcast_id(n) for n in range(n_broadcasts)]
    config = configuration.load({"run": "year", "broadcasts": {"ids": names}})
    run = folder / "results" / "year"
    here = run / CLUSTERING
    here.mkdir(parents=True)
    broadcast, frame, person = _faces(rng, n_broadcasts, n_frames, n_faces)
    _write_frames(run / "frames.parquet", names, n_frames)
    _write_faces(run / "faces.parquet", names, broadcast, frame, rng)
    empty = pa.table({name: pa.nulls(0, kind) for name, kind in _fields(tables.REPLAYS)}).cast(tables.REPLAYS)
    tables.write(run / "replays.parquet", empty, {})
    write_selection(run / "selected.csv", listed(dict.fromkeys(names, "")))
    start = pa.array(
        [np.datetime64("2022-01-01T16:00:00") + np.timedelta64(n, "D") for n in range(n_broadcasts)]
    )
    columns = {
        "broadcast": names, "start": start, "n_frames": [n_frames] * n_broadcasts,
        **{name: [text] * n_broadcasts for name, text in
           (("station", "RUSSIA1"), ("status", "ok"), ("title", "Show"), ("reason", ""))},
    }  # fmt: skip
    tables.write(run / "broadcasts.parquet", _filled(columns, tables.BROADCASTS, n_broadcasts), {})
    _write_people(here, run, person, rng, n_broadcasts * n_frames)
    given = Given(
        *(run / name for name in ("selected.csv", "faces.parquet", "frames.parquet")),
        *(here / name for name in ("members.parquet", "people.parquet")),
    )
    links = {key: config["archive"][key] for key in ("base_url", "frame_url", "frame_seconds")}
    write_network(here, given, config["network"], links)
    pairs = tables.read(here / "edges.parquet", tables.EDGES).slice(0, PAIRS)
    facts = tables.read_provenance(here / "edges.parquet")
    tables.write(here / "edges.parquet", pairs, facts, tables.EDGES)
    pictures = _pictures()
    _write_portraits(here, pictures, rng)
    year = Year(run, folder / "zips", config)
    _write_zips(year, pictures, n_frames)
    return year


def _faces(
    rng: np.random.Generator, n_broadcasts: int, n_frames: int, n_faces: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]:
    """Draw who is in which frame: hosts often, and a cast by a power law; everybody is in some broadcast."""
    n_people = max(HOSTS + 1, PEOPLE * n_broadcasts // BROADCASTS)
    guests = np.arange(HOSTS, n_people)
    often = 1 / (guests - HOSTS + 8.0)
    place = np.sort(rng.integers(0, n_broadcasts * n_frames, n_faces))
    broadcast, frame = np.divmod(place, n_frames)
    person = np.empty(n_faces, np.int32)
    of_each = np.array_split(rng.permutation(guests), n_broadcasts)
    for n in range(n_broadcasts):
        rows = np.flatnonzero(broadcast == n)
        known = rng.choice(guests, min(CAST, len(guests)), replace=False, p=often / often.sum())
        cast = np.unique(np.concatenate([of_each[n], known]))[:CAST]
        cast = np.unique(np.concatenate([of_each[n], cast]))
        shares = np.concatenate([np.full(HOSTS, 0.5), 1 / (rng.permutation(len(cast)) + 3.0)])
        who = np.concatenate([np.arange(HOSTS), cast])
        person[rows] = rng.choice(who, len(rows), p=shares / shares.sum())
    return broadcast, frame + 1, person


def _fields(schema: pa.Schema) -> list[tuple[str, pa.DataType]]:
    return list(zip(schema.names, schema.types, strict=True))


def _filled(columns: dict[str, Any], schema: pa.Schema, n_rows: int) -> pa.Table:
    """Make a table of the columns that matter, the others empty."""
    return pa.table({name: columns.get(name, pa.nulls(n_rows, kind)) for name, kind in _fields(schema)}).cast(
        schema
    )


def _write_frames(path: Path, names: list[str], n_frames: int) -> None:
    numbers = np.arange(1, n_frames + 1, dtype=np.int32)
    with atomic(path) as part, tables.writer(part, tables.MERGED_FRAMES, {}) as add:
        for n, name in enumerate(names):
            start = np.datetime64("2022-01-01T16:00", "us") + np.timedelta64(n, "D")
            times = start + (numbers - 1) * np.timedelta64(FRAME_SECONDS * 10**6, "us")
            columns = {
                "broadcast": [name] * n_frames, "frame": numbers,
                "status": ["ok"] * n_frames, "reason": [""] * n_frames,
                "time": pa.array(times).cast(pa.timestamp("us", tz="UTC")),
                "width": np.full(n_frames, 640), "height": np.full(n_frames, 360),
            }  # fmt: skip
            add(_filled(columns, tables.MERGED_FRAMES, n_frames))


def _write_faces(
    path: Path,
    names: list[str],
    broadcast: NDArray[np.int64],
    frame: NDArray[np.int64],
    rng: np.random.Generator,
) -> None:
    n = len(broadcast)
    top, left = rng.integers(0, 240, n), rng.integers(0, 520, n)
    size = rng.integers(36, 150, n)
    columns = {
        "broadcast": pa.DictionaryArray.from_arrays(broadcast.astype(np.int32), names),
        "face": np.arange(n) - np.searchsorted(broadcast, broadcast), "frame": frame,
        **dict(zip(("top", "right", "bottom", "left"), (top, left + size, top + size, left), strict=True)),
        "score": np.ones(n), "sharpness": rng.random(n), "set_aside": [""] * n, "founds": np.ones(n, bool),
    }  # fmt: skip
    with atomic(path) as part, tables.writer(part, tables.MERGED_FACES, {"digest": "a made-up year"}) as add:
        add(_filled(columns, tables.MERGED_FACES, n))


def _write_people(
    here: Path, run: Path, person: NDArray[np.int32], rng: np.random.Generator, n_frames: int
) -> None:
    faces = tables.read(run / "faces.parquet", tables.MERGED_FACES)
    ids = [f"A{number:04d}" for number in range(int(person.max()) + 1)]
    distances = 0.2 + 0.3 * rng.random(len(person))
    outlier = distances > 0.49
    who = tables.Members(person, np.zeros(len(person), np.int8), ids)
    times = face_times(run / "faces.parquet", run / "frames.parquet")
    middle = Middles({}, distances, outlier)
    people = people_table(faces, middle, who, times, frame_seconds=FRAME_SECONDS, n_frames=n_frames)
    tables.write(here / "people.parquet", people, {}, tables.PEOPLE)
    tables.write_members(
        here / "members.parquet", run / "faces.parquet", who, {}, distances=distances, outlier=outlier
    )


def _pictures() -> list[bytes]:
    """Give the frames of the demo."""
    pictures: list[bytes] = []
    for path in sorted(DEMO.glob("*.zip")):
        with zipfile.ZipFile(path) as demo:
            pictures += [demo.read(entry) for entry in demo.infolist() if entry.filename.endswith(".jpg")]
    return pictures


def _write_portraits(here: Path, pictures: list[bytes], rng: np.random.Generator) -> None:
    """Cut a square out of a frame of the demo for everybody."""
    (here / "portraits").mkdir()
    for n, person in enumerate(tables.read(here / "people.parquet", tables.PEOPLE)["person_id"].to_pylist()):
        with Image.open(BytesIO(pictures[n % len(pictures)])) as image:
            left, top = (int(rng.integers(0, side - 192)) for side in image.size)
            image.crop((left, top, left + 192, top + 192)).save(
                here / "portraits" / portrait_name(person), quality=90
            )


def _write_zips(year: Year, pictures: list[bytes], n_frames: int) -> None:
    """Write the ZIPs; which frames are wanted is found by making the explorer without a frame."""
    wanted: dict[str, list[int]] = {}
    with tempfile.TemporaryDirectory(dir=year.run) as scratch:
        explorer.write_explorer(Path(scratch), year.run, CLUSTERING, year.config, partial(_noting, wanted))
    year.zips.mkdir()
    for name in year.config["broadcasts"]["ids"]:
        with zipfile.ZipFile(year.zips / f"{name}.zip", "w") as packed:
            for frame in range(1, n_frames + 1):
                data = pictures[frame % len(pictures)] if frame in wanted.get(name, ()) else b""
                packed.writestr(f"{name}/{frame_name(name, frame)}", data)


class _Noting:
    """Notes which frames are asked for, and has none."""

    def __init__(self, noted: list[int]) -> None:
        self._noted = noted

    def __enter__(self) -> Read:
        return self

    def __exit__(self, *_: object) -> None: ...

    def __call__(self, frame: int) -> bytes:
        self._noted.append(frame)
        raise LookupError("not yet")


def _noting(wanted: dict[str, list[int]], broadcast: str) -> AbstractContextManager[Read]:
    return _Noting(wanted.setdefault(broadcast, []))


def build(year: Year, out: Path) -> dict[str, float]:
    """Write the explorer, and measure that."""

    def opened(broadcast: str) -> AbstractContextManager[Read]:
        return frames_of(broadcast, year.zips / f"{broadcast}.zip", base_url=None, scratch=year.run)

    out.mkdir()
    cpu = time.process_time()
    explorer.write_explorer(out, year.run, CLUSTERING, year.config, opened, workers=2)
    cpu = time.process_time() - cpu
    text = (out / "data" / "manifest.js").read_text()
    manifest = json.loads(text.removeprefix("CG.manifest(").removesuffix(");\n"))
    sizes = {
        path.relative_to(out).as_posix(): path.stat().st_size for path in out.rglob("*") if path.is_file()
    }
    eager = sum(of["bytes"] for of in manifest["files"].values() if of["eager"])
    eager += sum(sizes[name] for name in ("index.html", "explorer.js", "explorer.css", "data/manifest.js"))
    counts = manifest["counts"]
    return {
        "build_cpu_s": cpu,
        "eager_mb": eager / 1e6,
        "total_mb": sum(sizes.values()) / 1e6,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "n_people": counts["people"],
        "n_pairs": counts["pairs"],
        "n_faces": counts["faces_shown"],
        "n_pictures": counts["pictures"],
        "largest_file_mb": max(size for name, size in sizes.items()) / 1e6,
    }


BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
ROUNDS = 5
_WAIT_S = 120

_HEAP = ("usedSize", "embedderHeapUsedSize", "backingStorageSize")  # objects, the page's own, arrays

_N_MEASURED = "name => performance.getEntriesByName(name).length"
_PAINTED = "() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))"


def browse(out: Path) -> dict[str, float]:
    """Open the explorer in Chromium and use it; nothing where there is none."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.stdout.write(f"not measured in a browser: none of {', '.join(BROWSERS)} is on the PATH\n")
        return {}
    from playwright.sync_api import Page, sync_playwright

    def wait(page: Page, measure: str, times: int) -> None:
        end = time.monotonic() + _WAIT_S
        while page.evaluate(_N_MEASURED, measure) < times:
            if time.monotonic() > end:
                raise TimeoutError(f"the page has not measured {measure} {times} times in {_WAIT_S} s")
            time.sleep(0.05)
        page.evaluate(_PAINTED)

    with sync_playwright() as playwright:
        # Software rendering is named, or Chromium may have no WebGL without a graphics card.
        options = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
        chromium = playwright.chromium.launch(executable_path=browser, args=options)
        page = chromium.new_page(viewport={"width": 1280, "height": 800})
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})

        def cpu() -> float:
            found = session.send("Performance.getMetrics")["metrics"]
            return float(next(each["value"] for each in found if each["name"] == "TaskDuration"))

        def took(addresses: list[str], measure: str) -> float:
            """Go from address to address; the median of the milliseconds that each takes."""
            seconds = []
            for address in addresses:
                before, times = cpu(), page.evaluate(_N_MEASURED, measure)
                page.evaluate("address => { location.hash = address }", address)
                wait(page, measure, times + 1)
                seconds.append(cpu() - before)
            return 1000 * median(seconds)

        begin = cpu()
        page.goto((out / "index.html").resolve().as_uri())
        wait(page, "castgraph:first-view", 1)
        first_view = cpu() - begin
        filtered = took([f"#/network?top={300 * n}" for n in range(2, 2 + ROUNDS)], "castgraph:filter")
        days = [f"#/network?from=2022-01-{n:02d}" for n in range(2, 2 + ROUNDS)]
        recomputed = took(days, "castgraph:filter")
        session.send("HeapProfiler.enable")
        session.send("HeapProfiler.collectGarbage")
        heap = session.send("Runtime.getHeapUsage")
        drawn = page.locator("canvas").count()
        chromium.close()
    return {
        "first_view_cpu_s": first_view,
        "filter_ms": filtered,
        "recompute_ms": recomputed,
        "heap_mb": sum(value for name, value in heap.items() if name in _HEAP) / 1e6,
        "n_canvases": drawn,
    }


def main(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder for the year; it is removed again.")] = None,
    keep: Annotated[Path | None, typer.Option(help="Folder for the explorer, which stays.")] = None,
    browser: Annotated[bool, typer.Option(help="Whether to measure it in a browser.")] = True,
) -> None:
    """Measure the explorer of a made-up year."""
    with tempfile.TemporaryDirectory(dir=data) as temporary:
        out = keep or Path(temporary) / "explorer"
        if out.exists():
            shutil.rmtree(out)
        figures = build(make(Path(temporary)), out)
        figures |= browse(out) if browser else {}
        for name, value in figures.items():
            sys.stdout.write(f"{name} {value:,.2f}\n")
    if json_file is not None:
        with atomic(json_file) as part:
            part.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    typer.run(main)
