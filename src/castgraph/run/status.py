"""What has become of each broadcast of a run, also while the run is at work or after it failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import yaml
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from castgraph.archive import LeftAlone, Selected, grouped, read_inventory_report, read_selection
from castgraph.base import tables
from castgraph.base.joblog import failure
from castgraph.base.statuses import ASK_AGAIN
from castgraph.faces.merge import broadcast_row
from castgraph.run import ledger
from castgraph.run.config.faces import Faces
from castgraph.run.names import encoder_name
from castgraph.transcripts.statuses import NOT_READ

_JOBS = ("download", "unzip", "encode")  # of a broadcast, in order


KINDS: Mapping[str, str] = {
    "inventory": "inventories",
    "broadcast": "broadcasts",
    "transcript": "transcripts",
}
"""Of what there are states, and the word for several."""


class State(NamedTuple):
    """What has become of a broadcast, of its transcript, or of the inventory of a station and day.

    Attributes
    ----------
    name
        The broadcast ID; of an inventory ``{station}.{day}``.
    kind
        One of `KINDS`.
    status
        One of `castgraph.base.statuses`, of a transcript of `castgraph.transcripts.statuses`, where it is
        done. Else ``failed``: a job of it did; ``fetched``: its
        ZIP is there; ``waiting``.
    reason
        Why it is not ok, and what else there is to know of it.
    receipt
        The file that says that it was fetched.
    """

    name: str
    kind: str
    status: str
    reason: str
    receipt: Path


def states(run: Path) -> list[State]:
    """Tell what has become of each broadcast of a run, and of each inventory it was chosen from.

    Parameters
    ----------
    run
        The results of the run, for example ``results/demo``; they need not be finished.

    Returns
    -------
    list of State
        Inventories, broadcasts, then transcripts that were asked for, each in the order of their tables.

    Raises
    ------
    FileNotFoundError
        When the run has not come so far that its broadcasts are known; the message names the file.
    ValueError
        When its tables are not those of a run; the message names the file.
    """
    selected = read_selection(run / "selected.csv")
    encoder = _encoder(run)
    merged = _merged(run)
    broadcasts = [_broadcast(run, encoder, row, merged) for row in selected]
    return [*_inventories(run), *broadcasts, *_transcripts(run, selected)]


def ask_for_again(run: Path, statuses: Collection[str] = ASK_AGAIN) -> list[State]:
    """Have the next run fetch again what has one of these statuses, and nothing else.

    What there is of it stays until the next run has something better.

    Returns
    -------
    list of State
        What will be asked for again.
    """
    chosen = [
        state
        for state in states(run)
        if state.status in statuses and (state.kind != "transcript" or state.status in NOT_READ)
    ]
    if chosen:
        ledger.ask(run.parent, (state.receipt for state in chosen))
    return chosen


def _encoder(run: Path) -> str:
    """Tell the encoder of a run; one that another workflow uses as a module keeps no configuration."""
    try:
        config = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return str(tables.read_provenance(run / "broadcasts.parquet")["settings"]["encoder"])
    # Of an older run the section has more keys.
    faces = config["faces"]
    return encoder_name(**{key: faces[key] for key in Faces.model_fields if key in faces})


def _merged(run: Path) -> dict[str, tuple[str, str]]:
    """Read status and reason of a run that is merged; it is quicker than to read all tables."""
    path = run / "broadcasts.parquet"
    if not path.exists():
        return {}
    columns = tables.read(path, tables.BROADCASTS, ["broadcast", "status", "reason"])
    names, *rest = columns.to_pydict().values()
    return dict(zip(names, zip(*rest, strict=True), strict=True))


def _inventories(run: Path) -> list[State]:
    path = run / "inventories.csv"
    if not path.exists():
        return []
    folder = run.parent / "fetched"
    return [
        State(
            each.name,
            "inventory",
            each.status,
            each.reason,
            folder / each.archive / "inventories" / f"{each.name}.json",
        )
        for each in read_inventory_report(path)
    ]


def _transcripts(run: Path, selected: Sequence[Selected]) -> list[State]:
    path = run / "transcripts.parquet"
    if not path.exists():
        return []
    origins = {row.broadcast: row.origin for row in selected}
    folder = run.parent / "fetched"
    rows = tables.read(path, tables.TRANSCRIPTS, ["broadcast", "status", "reason"]).to_pylist()
    found = [
        State(
            row["broadcast"],
            "transcript",
            row["status"],
            row["reason"],
            folder / origins[row["broadcast"]] / "transcripts" / f"{row['broadcast']}.json",
        )
        for row in rows
        if row["broadcast"] in origins
    ]
    return [state for state in found if state.receipt.exists()]


def _broadcast(run: Path, encoder: str, row: Selected, merged: dict[str, tuple[str, str]]) -> State:
    results, place = run.parent, Path(row.origin) / row.broadcast
    receipt = results / "fetched" / place.with_name(f"{row.broadcast}.json")
    table = place.with_name(f"{row.broadcast}.parquet")
    faces, frames = (results / kind / encoder / table for kind in ("faces", "frames"))
    written = [path.stat().st_mtime for path in (faces, frames) if path.exists()]
    failure = next(filter(None, (_failure(results, job, encoder, place) for job in _JOBS)), "")
    if len(written) == 2:
        if row.broadcast in merged and max(written) <= (run / "broadcasts.parquet").stat().st_mtime:
            status, reason = merged[row.broadcast]
        else:
            found = broadcast_row(faces, frames)
            status, reason = found["status"], found["reason"]
        # One that was asked for again may have failed since.
        return State(row.broadcast, "broadcast", status, "; ".join(filter(None, [reason, failure])), receipt)
    status = "failed" if failure else "fetched" if receipt.exists() else "waiting"
    return State(row.broadcast, "broadcast", status, failure, receipt)


def _failure(results: Path, job: str, encoder: str, place: Path) -> str:
    """Tell how a job of a broadcast failed; empty when it did not, as far as its log tells."""
    log = results / "logs" / job / (encoder if job == "encode" else "") / place.with_name(f"{place.name}.log")
    found = failure(log)
    return f"{job}: {found}" if found else ""


def render(found: list[State], left: Sequence[LeftAlone] = ()) -> RenderableType:
    """Put states into a form for the terminal: counts, then all of which there is more to tell.

    What was left alone comes last, a line a reason.
    """
    counts = Table.grid(padding=(0, 2))
    for kind, heading in KINDS.items():
        if number := Counter(state.status for state in found if state.kind == kind):
            by_status = ", ".join(f"{n:,} {status}" for status, n in number.most_common())
            counts.add_row(f"[bold]{heading}[/]", f"{number.total():,}: {by_status}")
    rows = Table("name", "status", "reason", box=None, header_style="dim")
    for state in found:
        if state.status not in ("ok", "fetched", "waiting") or state.reason:
            name = f"{state.name} (transcript)" if state.kind == "transcript" else state.name
            rows.add_row(escape(name), escape(state.status), escape(state.reason))
    parts: list[RenderableType] = [counts, "", rows] if rows.row_count else [counts]
    if left:
        counts.add_row("[bold]left alone[/]", f"{len(left):,}: left_alone.csv lists them")
        parts += ["", *(escape(told) for told in grouped(left))]
    return Group(*parts)
