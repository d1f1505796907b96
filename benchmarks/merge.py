"""Measure the merge of all broadcasts of a run, and how a clustering reads what it makes: time and memory.

    uv run python benchmarks/merge.py [--json FILE] [--sizes N,N,...] [--data FOLDER]

For each size there are as many broadcasts as hold that many faces, 2,265 in each, as an issue of the
reference job has on average, and 2,215 frames. The tables of one broadcast are made up; the others are copies
with another broadcast ID in its place, since only the amount matters here. Embeddings are random numbers,
which Parquet cannot compress; above 10 million faces those of 16 faces come again and again, so that the
tables of the broadcasts take little room: 4 GB for 45 million faces, and what is made of them 24 GB. All lies
in a temporary folder (in ``TMPDIR``, or in ``--data``) and is removed.

Every step runs in a process of its own (`merge_worker.py`) and is measured once:

- ``merge``: no face is set aside;
- ``mapped``: reading the faces that count, which are all: the embeddings are a mapped file, and the peak
  holds all of it, though the system takes that memory back whenever it is needed elsewhere;
- ``merge_filter``: the merge with a tenth of the faces set aside; ``copied``: reading those that are left.

Figures
-------
``--json`` writes them flat, for each step and size: ``{step}_mb_{n}``, the peak memory of the whole process;
``{step}_added_mb_{n}``, how far that is above what it had before the step; ``{step}_s_{n}``, the time that
passed; ``{step}_cpu_s_{n}``, the seconds of processor. Above 10 million faces only the merge is measured; the
rest is null.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import typer
from rich.console import Console
from rich.table import Table

from castgraph.base import tables
from castgraph.base.files import atomic

WORKER = Path(__file__).with_name("merge_worker.py")
SIZES = (100_000, 774_615, 3_000_000)
FACES, FRAMES = 2_265, 2_215
"""Faces and frames of a broadcast."""
LARGE = 10_000_000
"""Above so many faces the tables of the broadcasts compress well, and only the merge is measured."""
STEPS = {
    "merge": ("merge", "0"),
    "mapped": ("read", "0"),
    "merge_filter": ("merge", "10"),
    "copied": ("read", "10"),
}
"""Step → what `merge_worker.py` is told; sharpness is from 0 to 100, evenly."""

console = Console(highlight=False, width=None if sys.stdout.isatty() else 130)


def broadcast_id(n: int) -> bytes:
    """Name a broadcast; all names are equally long."""
    return b"STATION_%06d01_000000_Show" % (100_001 + 100 * (n // 12) + n % 12)


def make(folder: Path, n_faces: int) -> None:
    """Write the tables of as many broadcasts as have `n_faces` faces; the last one has the rest."""
    rng = np.random.default_rng(0)
    few = 16 if n_faces > LARGE else FACES
    embeddings = rng.normal(size=(few, tables.EMBEDDING_SIZE)).astype(np.float32)[np.arange(FACES) % few]
    frame = np.sort(rng.integers(1, FRAMES + 1, FACES)).astype(np.int32)
    top, left, size = (rng.integers(20, 400, FACES, np.int32) for _ in range(3))
    faces = {
        "face": np.arange(FACES, dtype=np.int32),
        "frame": frame,
        **dict(zip(("top", "right", "bottom", "left"), (top, left + size, top + size, left), strict=True)),
        "score": rng.random(FACES, np.float32),
        "sharpness": 100 * rng.random(FACES, np.float32),
        "landmarks": list(rng.random((FACES, 10), np.float32)),
        "embedding": list(embeddings),
    }
    frames = {
        "frame": np.arange(1, FRAMES + 1, dtype=np.int32),
        "status": ["ok"] * FRAMES,
        "reason": [""] * FRAMES,
        "phash": rng.integers(0, 2**63, FRAMES, np.uint64),
    }
    n_whole, rest = divmod(n_faces, FACES)
    for name, schema, columns, n_rest in (
        ("faces", tables.FACES, faces, rest),
        ("frames", tables.FRAMES, frames, FRAMES),
    ):
        (folder / name).mkdir()
        whole = first_table(schema, columns, len(columns["frame"]))
        last = first_table(schema, columns, n_rest)
        for n in range(n_whole + (rest > 0)):
            id_ = broadcast_id(n)
            content = (whole if n < n_whole else last).replace(broadcast_id(0), id_)
            (folder / name / f"{id_.decode()}.parquet").write_bytes(content)


def first_table(schema: pa.Schema, columns: dict[str, Any], n_rows: int) -> bytes:
    """Make a table of the first broadcast, whose ID can be replaced: it is not compressed."""
    ids = pa.array([broadcast_id(0).decode()] * n_rows)
    filled = {
        name: pa.array(columns[name][:n_rows], kind) if name in columns else pa.nulls(n_rows, kind)
        for name, kind in zip(schema.names, schema.types, strict=True)
    }
    table = pa.table(filled | {"broadcast": ids}).cast(schema)
    facts = tables.provenance("encode", {}, status="ok", reason="", n_refused=0)
    sink = pa.BufferOutputStream()
    compression = dict.fromkeys(leaves(schema), "zstd") | {"broadcast": "none"}
    with pq.ParquetWriter(sink, schema, compression=compression) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({"castgraph": json.dumps(facts)})
    return bytes(sink.getvalue())


def leaves(schema: pa.Schema) -> list[str]:
    """Name the columns as Parquet does."""
    return [f"{f.name}.list.element" if pa.types.is_nested(f.type) else f.name for f in schema]


def measure(folder: Path, step: str) -> dict[str, float]:
    """Do a step in a process of its own."""
    command = [sys.executable, str(WORKER), str(folder), *STEPS[step]]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)  # noqa: S603
    found: dict[str, float] = json.loads(done.stdout)
    return found


def measure_size(
    n_faces: int, data: Path | None, report: Callable[[str], None]
) -> dict[str, dict[str, float]]:
    """Do all steps at a size, step → figures."""
    with tempfile.TemporaryDirectory(dir=data) as temporary:
        folder = Path(temporary)
        report("making the tables of the broadcasts")
        make(folder, n_faces)
        found = {}
        for step in list(STEPS)[: 1 if n_faces > LARGE else None]:
            report(step)
            found[step] = measure(folder, step)
        return found


def figures_of(results: dict[int, dict[str, dict[str, float]]]) -> dict[str, float | None]:
    """Name all figures."""
    return {
        f"{step}_{what}_{size}": found.get(step, {}).get(what)
        for size, found in results.items()
        for step in STEPS
        for what in ("mb", "added_mb", "s", "cpu_s")
    }


def show(results: dict[int, dict[str, dict[str, float]]]) -> None:
    """Print a table."""
    table = Table("faces", "step", title="Merging the tables of broadcasts, and reading what counts")
    for name in ("peak MB", "added MB", "s", "CPU s"):
        table.add_column(name, justify="right")
    for size, found in results.items():
        table.add_section()
        for step, one in found.items():
            numbers = (f"{one[what]:,.0f}" for what in ("mb", "added_mb"))
            table.add_row(f"{size:,}", step, *numbers, *(f"{one[what]:,.1f}" for what in ("s", "cpu_s")))
    console.print(table)


def main(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
    sizes: Annotated[str, typer.Option(help="Numbers of faces.")] = ",".join(map(str, SIZES)),
    data: Annotated[Path | None, typer.Option(help="Folder for the tables while they are needed.")] = None,
) -> None:
    """Measure the merge of all broadcasts of a run, and how a clustering reads what it makes."""
    results = {}
    with Console(stderr=True).status("") as status:
        for size in sorted(map(int, sizes.split(","))):
            results[size] = measure_size(
                size, data, lambda text, n=size: status.update(f"{n:,} faces: {text}")
            )
    show(results)
    if json_file is not None:
        with atomic(json_file) as part:
            part.write_text(json.dumps(figures_of(results), indent=2) + "\n")


if __name__ == "__main__":
    typer.run(main)
