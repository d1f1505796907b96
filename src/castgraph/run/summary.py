"""What a run read and found, as counts and as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from castgraph import __version__
from castgraph.base import tables
from castgraph.base.statuses import NOT_READ, READ, STATUSES
from castgraph.base.text import counted, shortened
from castgraph.base.times import duration
from castgraph.transcripts.statuses import STATUSES as TRANSCRIPTS

Summary = dict[str, Any]

_ALWAYS_TOLD = ("missing", "damaged", "empty")  # also where there are none

TOP = 5
"""How many people and pairs are named."""

SIGNIFICANT = 0.05
"""The largest q of a pair that counts as more than chance."""

MOST_CHANGES = 10
"""How many sentences of a kind are told."""


def summarise(
    run: str,
    broadcasts: Path,
    inventories: Path,
    clusterings: Mapping[str, Mapping[str, Path]],
    scores: Path,
    replays: Path,
    min_seconds: float = 0,
    transcripts: Path | None = None,
) -> Summary:
    """Count what a run read and found.

    Parameters
    ----------
    run
        The name of the run.
    broadcasts
        The broadcast table of the run; its provenance tells which faces are set aside.
    inventories
        The report on inventories that `castgraph.archive.write_inventory_report` wrote; empty for a run
        whose broadcasts are listed.
    clusterings
        For each clustering the paths of its ``labels``, ``people``, ``changes`` and ``pairs`` (all edges,
        uncut), and where suspects are looked for those of ``likeness`` and ``suspects``.
    scores
        The scores of the clusterings; their provenance tells which one is recommended.
    replays
        The table of what is on air again.
    min_seconds
        Who is on screen for less is counted, and not named.
    transcripts
        The table of transcripts, of a run that has any.

    Returns
    -------
    dict
        What ``summary.json`` holds, and `render` prints.

    Raises
    ------
    TableError
        When a table was made by an earlier castgraph.
    """
    from castgraph.archive import read_inventory_report  # loads much that `render` can do without

    table = tables.read(broadcasts, tables.BROADCASTS)
    merged = tables.read_provenance(broadcasts)
    statuses = Counter(table["status"].to_pylist())
    station_days = read_inventory_report(inventories)
    return {
        "run": run,
        "castgraph": __version__,
        "station_days": {
            "listed": len(station_days),
            **_counts(Counter(day.status for day in station_days), ("ok", "missing", "damaged")),
            "refused_shows": sum(day.n_refused for day in station_days),
        },
        "broadcasts": {
            "listed": table.num_rows,
            "read": sum(statuses[status] for status in READ),
            **_counts(statuses, reversed(STATUSES)),
        },
        "not_ok": _told(table, pc.not_equal(table["status"], "ok")),
        "noted": _told(table, pc.and_(pc.equal(table["status"], "ok"), pc.greater(table["reason"], ""))),
        "frames": _total(table["n_frames"]),
        "frames_unreadable": _total(table["n_unreadable"]),
        "entries_refused": _total(table["n_refused"]),
        "transcripts": _transcripts(transcripts) if transcripts else {},
        "faces": _total(table["n_faces"]),
        "quality": merged["settings"]["quality"],
        "set_aside": merged["set_aside"],
        "faces_found_nobody": _total(table["n_faces"]) - merged["n_set_aside"] - merged["n_founding"],
        "replays": _replays(replays),
        "recommended": tables.read_provenance(scores)["reason"],
        "out_of_range": tables.read_provenance(scores).get("out_of_range", ""),
        "clusterings": {
            name: _clustering(**paths, min_seconds=min_seconds) for name, paths in clusterings.items()
        },
    }


def _transcripts(path: Path) -> dict[str, int]:
    table = tables.read(path, tables.TRANSCRIPTS, ["status", "n_utterances"])
    statuses = Counter(table["status"].to_pylist())
    return {
        "listed": table.num_rows,
        "utterances": _total(table["n_utterances"]),
        **{word: statuses[word] for word in reversed(list(TRANSCRIPTS)) if statuses[word]},
    }


def _told(broadcasts: pa.Table, chosen: pa.ChunkedArray) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = (
        broadcasts.filter(chosen).select(["broadcast", "status", "reason"]).to_pylist()
    )
    return rows


def _replays(path: Path) -> Summary:
    """Count what is on air again, and for how long, by kind."""
    found: Summary = {}
    for row in tables.read(path, tables.REPLAYS, ["kind", "start", "end"]).to_pylist():
        of_kind = found.setdefault(row["kind"], {"stretches": 0, "seconds": 0.0})
        of_kind["stretches"] += 1
        of_kind["seconds"] += (row["end"] - row["start"]).total_seconds()
    return dict(sorted(found.items()))


def _clustering(
    labels: Path,
    people: Path,
    changes: Path,
    pairs: Path,
    min_seconds: float,
    likeness: Path | None = None,
    suspects: Path | None = None,
) -> Summary:
    from castgraph.network.cooccurrence import among
    from castgraph.people.identify import sentences
    from castgraph.people.table import shown

    persons = tables.read(people, tables.PEOPLE)
    edges = tables.read(pairs, tables.EDGES)
    names = dict(zip(persons["person_id"].to_pylist(), persons["name"].to_pylist(), strict=True))
    facts = tables.read_provenance(people)
    told = shown(persons, min_seconds)
    named = {row["person_id"]: row["name"] for row in persons.to_pylist() if row["name_from"]}
    return {
        "people": persons.num_rows,
        "min_samples": tables.read_provenance(labels)["settings"]["min_samples"],
        "noise": facts["n_noise"],
        "left_out": facts["n_not_a_face"] + facts["n_ignored"],
        "replayed": tables.read_provenance(pairs).get("n_replayed", 0),
        "too_short": persons.num_rows - told.num_rows,
        **({"labelling": _labelling(likeness, suspects, pairs)} if likeness and suspects else {}),
        "problems": facts["problems"],
        "changes": sentences(tables.read(changes, tables.PEOPLE_CHANGES), named),
        "pairs_same_frame": _total(pc.greater(edges["same_frame"], 0)),
        "pairs": edges.num_rows,
        "more_than_chance": _total(pc.less_equal(edges["q"], SIGNIFICANT)),
        "on_screen": told.slice(0, TOP)
        .select(["person_id", "name", "n_frames", "n_broadcasts", "screen_seconds"])
        .to_pylist(),
        "strongest_pairs": [
            {"names": [names[row["source"]], names[row["target"]]], **row}
            for row in among(edges, told["person_id"])
            .slice(0, TOP)
            .select(["source", "target", "weight", "same_frame", "expected", "q", "adjacent", "n_broadcasts"])
            .to_pylist()
        ],
    }


def _labelling(likeness: Path, suspects: Path, pairs: Path) -> Summary:
    """List the broadcasts that are not what their title says, and count those that were judged."""
    verdicts = Counter(tables.read(likeness, tables.LIKENESS, ["verdict"])["verdict"].to_pylist())
    columns = ["broadcast", "station", "day", "title", "other_title", "missing_name", "reason"]
    rows = tables.read(suspects, tables.SUSPECTS, columns).to_pylist()
    return {
        "judged": verdicts.total() - verdicts["not judged"],
        "not_judged": verdicts["not judged"],
        "left_out": "n_suspected" in tables.read_provenance(pairs),
        "suspects": [row | {"day": row["day"] and row["day"].isoformat()} for row in rows],
    }


def _total(values: pa.ChunkedArray) -> int:
    return int(pc.sum(values).as_py() or 0)


def _counts(found: Mapping[str, int], statuses: Iterable[str]) -> dict[str, int]:
    return {status: found.get(status, 0) for status in statuses}


def render(summary: Summary, folder: Path) -> RenderableType:
    """Put a summary into a form for the terminal.

    Parameters
    ----------
    summary
        What `summarise` gave.
    folder
        The results of the run, for the paths to open.
    """
    parts: list[RenderableType] = [_overview(summary)]
    for heading, rows in (
        ("Not, or not wholly, read", summary["not_ok"]),
        ("Read, and worth knowing", summary.get("noted", [])),  # of an older castgraph there are none
    ):
        if rows:
            parts += [Text(f"\n{heading}", style="bold"), _reasons(rows)]
    for name, clustering in summary["clusterings"].items():
        parts += _render_clustering(name, clustering, folder / name)
    if len(summary["clusterings"]) > 1:
        parts += [
            Text("\nwhich clustering", style="bold"),
            Text(summary["recommended"]),
            Text(f"  {folder / 'sweep.html'}").append("  the clusterings compared", style="dim"),
        ]
    if beware := summary.get("out_of_range"):  # an older castgraph has none
        parts += [Text("\nbeware", style="bold"), Text(beware)]
    for file, meaning in OF_RUN.items():
        if (folder / file).exists():
            parts.append(Text(f"\n{folder / file}").append(f"  {meaning}", style="dim"))
    return Group(*parts)


def _overview(summary: Summary) -> Table:
    broadcasts, days = summary["broadcasts"], summary["station_days"]
    grid = Table.grid(padding=(0, 2))
    grid.add_row("[bold]run[/]", escape(summary["run"]))
    if days["listed"]:
        without = days["listed"] - days["ok"]
        grid.add_row("station-days", f"{days['listed']:,} searched, {without:,} without a usable inventory")
    grid.add_row("broadcasts", f"{broadcasts['listed']:,} listed: {_fates(broadcasts)}")
    grid.add_row("frames", f"{summary['frames']:,} ({summary['frames_unreadable']:,} unreadable)")
    grid.add_row("faces", f"{summary['faces']:,}")
    if found := dict(summary.get("transcripts", {})):  # an older castgraph has none
        listed, said = found.pop("listed"), found.pop("utterances")
        fates = ", ".join(f"{n:,} {word}" for word, n in found.items())
        grid.add_row("transcripts", f"{listed:,}: {fates}; {counted(said, 'utterance')}")
    if caught := _set_aside(summary["quality"], summary["set_aside"]):
        grid.add_row("set aside", caught)
    if poor := summary.get("faces_found_nobody"):  # an older castgraph has none
        grid.add_row("poor", f"{poor:,} that can join a person, but found none")
    if replays := summary.get("replays"):  # an older castgraph has none
        told = (
            f"{counted(each['stretches'], kind)} ({duration(each['seconds'])})"
            for kind, each in replays.items()
        )
        grid.add_row("replays", ", ".join(told))
    return grid


def _fates(counts: Mapping[str, int]) -> str:
    """Tell how many broadcasts were read, and what became of the others."""
    partial = f" ({counts['partial']:,} of them partial)" if counts["partial"] else ""
    others = [f"{counts[word]:,} {word}" for word in NOT_READ if counts[word] or word in _ALWAYS_TOLD]
    return ", ".join([f"{counts['read']:,} read{partial}", *others])


def _set_aside(quality: Mapping[str, float | None], counts: Mapping[str, int]) -> str:
    """Tell how many faces are set aside and why, without filters that are off; nothing when all are."""
    shown = [name for name, n in counts.items() if n or quality.get(name)]
    if not shown:
        return ""
    limits = {
        name: f"by {name} {'(no number)' if least is None else least}" for name, least in quality.items()
    }
    told = (f"{counts[name]:,} {limits.get(name, name)}" for name in shown)
    return f"{sum(counts.values()):,}: {', '.join(told)}"


def _reasons(rows: list[dict[str, str]]) -> Table:
    table = Table("broadcast", "status", "reason", box=None, header_style="dim")
    for row in rows[:20]:
        table.add_row(*(escape(row[key]) for key in ("broadcast", "status", "reason")))
    if len(rows) > 20:
        table.add_row(f"… and {len(rows) - 20} more", "", "see broadcasts.parquet")
    return table


def _render_clustering(name: str, found: Summary, folder: Path) -> list[RenderableType]:
    heading = Text(f"\n{name}", style="bold")
    heading.append(
        f"  {counted(found['people'], 'person', 'people')}{_of_at_least(found)}, "
        f"{counted(found['noise'], 'face')} of nobody (noise), "
        f"{counted(found['pairs_same_frame'], 'pair')} in one frame, "
        f"{found['pairs']:,} with the frame before counted",
        style="not bold",
    )
    people = Table("most on screen", "time", "frames", "broadcasts", box=None, header_style="dim")
    for person in found["on_screen"]:
        people.add_row(
            escape(person["name"]),
            duration(person["screen_seconds"]),
            f"{person['n_frames']:,}",
            f"{person['n_broadcasts']:,}",
        )
    pairs = Table("strongest pairs", "weight", "same frame", "adjacent", box=None, header_style="dim")
    for pair in found["strongest_pairs"]:
        pairs.add_row(
            escape(" – ".join(pair["names"])),
            f"{pair['weight']:g}",
            f"{pair['same_frame']:,}",
            f"{pair['adjacent']:,}",
        )
    paths = Table.grid(padding=(0, 2))
    for file, meaning in OUTPUTS.items():
        if (folder / file).exists():
            paths.add_row(f"  {escape(str(folder / file))}", f"[dim]{meaning}[/]")
    return [heading, *_listed(found), people, pairs, Text("open", style="dim"), paths]


def _listed(found: Summary) -> Iterator[RenderableType]:
    """Tell what became of people who were known, and which decisions ask for a look.

    An older castgraph has none of it.
    """
    if left_out := found.get("left_out"):
        yield Text(f" {counted(left_out, 'face')} left out by corrections", style="dim")
    if replayed := found.get("replayed"):
        yield Text(f" {counted(replayed, 'face')} left out of the network as on air before", style="dim")
    if "labelling" in found:
        yield from _suspects(**found["labelling"])
    if too_short := found.get("too_short"):
        yield Text(
            f" {counted(too_short, 'person', 'people')} on screen for too short to be named", style="dim"
        )
    for key, heading in (("changes", "who was known before"), ("problems", "to be looked at")):
        sentences = found.get(key, [])
        if sentences:
            yield Text(f" {heading}", style="dim")
        for sentence in sentences[:MOST_CHANGES]:
            yield Text(f"  {sentence}")
        if len(sentences) > MOST_CHANGES:
            yield Text(f"  … and {len(sentences) - MOST_CHANGES:,} more in summary.json")


def _suspects(
    judged: int, not_judged: int, left_out: bool, suspects: Sequence[Mapping[str, Any]]
) -> Iterator[RenderableType]:
    """Tell which broadcasts are not what their title says, also where there is none."""
    others = f", {not_judged:,} not judged" if not_judged else ""
    done = "" if not suspects else ", left out of the network" if left_out else ", counted all the same"
    yield Text(
        f" {counted(len(suspects), 'suspect')} of {judged:,} judged by likeness{others}{done}", style="dim"
    )
    for row in suspects[:MOST_CHANGES]:
        like = f", like {shortened(row['other_title'], 80)}" if row["other_title"] else ""
        yield Text(f"  {row['broadcast'] or ' '.join([row['station'], row['day']])}{like}")
    if len(suspects) > MOST_CHANGES:
        yield Text(f"  … and {len(suspects) - MOST_CHANGES:,} more in suspects.csv")


def _of_at_least(found: Summary) -> str:
    """Tell the fewest faces of a person, which may depend on the run."""
    return f" of {found['min_samples']} faces or more" if "min_samples" in found else ""


OF_RUN = {
    "visual/map.html": "the pictures as a map, for a browser: like ones near each other",
    "report.html": "all of it in one page",
}
"""The outputs of a run that a person opens first, and what each is."""

OUTPUTS = {
    "explorer/index.html": "all of it to explore, for a browser: every number leads to its frames",
    "labelling.html": "broadcasts that are not what their title says, and what they are like instead",
    "network.png": "the picture",
    "portraits": "one portrait a person",
    "contact_sheets": "the faces of each person, doubtful ones last",
    "people.csv": "everybody, for a spreadsheet",
    "nodes.csv": "the people of the network, for Gephi or a spreadsheet",
    "edges.csv": "pairs, with a link to the frame that shows them",
    "graph.gexf": "the network for Gephi, with positions and colours",
    "dynamic.gexf": "the same over time, for Gephi's timeline",
}
"""The outputs of a clustering that a person opens first, and what each is."""
