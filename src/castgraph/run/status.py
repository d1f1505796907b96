"""What has become of each broadcast of a run, also while the run is at work or after it failed."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq
import yaml
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from castgraph.base import tables
from castgraph.faces import broadcast_row
from castgraph.run.config.faces import Faces
from castgraph.run.names import ask_again, encoder_name

ASK_AGAIN = ("missing", "unreachable", "damaged", "partial")
"""The statuses of broadcasts and inventories that are worth another try."""

_JOBS = ("download", "unzip", "encode")  # of a broadcast, in order


class State(NamedTuple):
    """What has become of a broadcast, or of the inventory of a station and day.

    Attributes
    ----------
    name
        The broadcast ID; of an inventory ``{station}.{day}``.
    kind
        ``broadcast`` or ``inventory``.
    status
        As in the broadcast table (``ok``, ``partial``, ``empty``, ``damaged``, ``missing``,
        ``unreachable``) where it is done. Else ``failed``: a job of it did; ``fetched``: its ZIP is
        there; ``waiting``.
    reason
        Why it is not ok; empty when it is.
    """

    name: str
    kind: str
    status: str
    reason: str


def states(run: Path) -> list[State]:
    """Tell what has become of each broadcast of a run, and of each inventory it was chosen from.

    Parameters
    ----------
    run
        The results of the run, for example ``results/demo``; they need not be finished.

    Returns
    -------
    list of State
        Inventories, then broadcasts, each in the order of their tables.

    Raises
    ------
    FileNotFoundError
        When the run has not come so far that its broadcasts are known; the message names the file.
    """
    with (run / "selected.csv").open(encoding="utf-8", newline="") as file:
        selected = [row["broadcast"] for row in csv.DictReader(file)]
    encoder = _encoder(run)
    merged = _merged(run)
    return _inventories(run) + [_broadcast(run, encoder, name, merged) for name in selected]


def ask_for_again(run: Path, statuses: Collection[str] = ASK_AGAIN) -> list[State]:
    """Have the next run fetch again what has one of these statuses, and nothing else.

    What there is of it stays until the next run replaces it.

    Returns
    -------
    list of State
        What will be asked for again.
    """
    chosen = [state for state in states(run) if state.status in statuses]
    if chosen:
        ask_again((state.name for state in chosen), _resources(run) / "asked_again.json")
    return chosen


def _resources(run: Path) -> Path:
    return run.resolve().parent.parent / "resources"


def _encoder(run: Path) -> str:
    """Tell the encoder of a run; one that another workflow uses as a module keeps no configuration."""
    try:
        config = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return str(tables.read_provenance(run / "broadcasts.parquet")["settings"]["encoder"])
    # Of an older run the section has more keys.
    return encoder_name(**{key: config["faces"][key] for key in Faces.model_fields})


def _merged(run: Path) -> dict[str, State]:
    """Read the broadcasts of a run that is merged; it is quicker than to read all their tables."""
    path = run / "broadcasts.parquet"
    if not path.exists():
        return {}
    columns = pq.read_table(path, columns=["broadcast", "status", "reason"]).to_pydict()
    return {name: State(name, "broadcast", *rest) for name, *rest in zip(*columns.values(), strict=True)}


def _inventories(run: Path) -> list[State]:
    path = run / "inventories.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        rows = [(f"{row['station']}.{row['day'].replace('-', '')}", row) for row in csv.DictReader(file)]
    return [State(name, "inventory", row["status"], row["reason"]) for name, row in rows]


def _broadcast(run: Path, encoder: str, name: str, merged: dict[str, State]) -> State:
    results = run.parent
    faces, frames = (results / kind / encoder / f"{name}.parquet" for kind in ("faces", "frames"))
    written = [path.stat().st_mtime for path in (faces, frames) if path.exists()]
    if len(written) == 2:
        if name in merged and max(written) <= (run / "broadcasts.parquet").stat().st_mtime:
            return merged[name]
        row = broadcast_row(faces, frames)
        return State(name, "broadcast", row["status"], row["reason"])
    for job in _JOBS:
        folder = results / "logs" / job / (encoder if job == "encode" else "")
        if reason := _failure(folder / f"{name}.log"):
            return State(name, "broadcast", "failed", f"{job}: {reason}")
    fetched = (_resources(run) / "zips" / f"{name}.zip").exists()
    return State(name, "broadcast", "fetched" if fetched else "waiting", "")


def _failure(log: Path) -> str:
    """Tell how the job that wrote a log failed; empty when it did not, as far as the log tells."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    return lines[-1] if any(" ERROR failed" in line for line in lines) else ""


def render(found: list[State]) -> RenderableType:
    """Put states into a form for the terminal: counts, then all that is neither done nor waiting."""
    counts = Table.grid(padding=(0, 2))
    for kind, heading in (("inventory", "inventories"), ("broadcast", "broadcasts")):
        if number := Counter(state.status for state in found if state.kind == kind):
            by_status = ", ".join(f"{n:,} {status}" for status, n in number.most_common())
            counts.add_row(f"[bold]{heading}[/]", f"{number.total():,}: {by_status}")
    rows = Table("name", "status", "reason", box=None, header_style="dim")
    for state in found:
        if state.status not in ("ok", "fetched", "waiting"):
            rows.add_row(escape(state.name), escape(state.status), escape(state.reason))
    return Group(counts, "", rows) if rows.row_count else counts
