"""A finished run as one page, which needs no other file and no network."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import networkx as nx
import pyarrow as pa
import pyarrow.compute as pc

from castgraph import __version__
from castgraph.archive import frame_links, read_inventory_report, read_selection
from castgraph.archive.address import openable
from castgraph.base import tables, times
from castgraph.base.statuses import NOT_OK, READ, STATUSES
from castgraph.faces.times import on_air
from castgraph.network.cooccurrence import among
from castgraph.network.export import read_graphml
from castgraph.network.layers import WITHOUT_HOSTS
from castgraph.network.replays import KINDS
from castgraph.network.trends import halves, rose_and_fell
from castgraph.pages import theme
from castgraph.pages.images import data_uri
from castgraph.pages.made import configuration_text, versions
from castgraph.people.table import portrait_name, shown
from castgraph.run import timings
from castgraph.run.names import encoder_name
from castgraph.run.summary import SIGNIFICANT
from castgraph.transcripts.statuses import STATUSES as TRANSCRIPTS

TOP_PEOPLE = 24
TOP_PAIRS = 20
"""How many people and pairs are shown of a clustering."""

TOP_WORDS = 10
"""Words that are shown of each of them."""

TOP_HEAT = 12
"""How many people are in the table of screen time."""

TOP_CHANGES = 8
"""How many people who rose, and who fell, are shown of a clustering."""

MOST_COLUMNS = 31
"""Days of that table; of more, weeks or months."""

TOP_REPLAYS = 20
"""How many stretches that are on air again are shown, scenes first, and of these the longest."""

HEAT_LEVELS = 6
"""Shades of its cells."""

MOST_PICTURED = 6
"""Clusterings, the recommended first, that are shown with pictures: the page has to stay small."""

MOST_LISTED = 5000
"""Broadcasts of a status, inventories, or lines of the configuration that are listed."""

TOP_RANKS = 10
"""How many people are ranked without those who are always on air."""

_BESIDE_PX = 1400
_PORTRAIT_PX = 128  # twice what is shown, for screens of fine pixels
_PICTURE_PX = 2400

Facts = dict[str, Any]


def write_report(
    page: Path, clusterings: Sequence[str], config: Mapping[str, Any], *, with_words: bool = False
) -> None:
    """Put a run into one page (HTML).

    It shows what was read and what was not, people and pairs of each clustering, the scores of the
    clusterings, the configuration, what the jobs took, and versions. What comes from an archive is escaped.

    Parameters
    ----------
    page
        The page to write, ``results/{run}/report.html``. The tables and pictures of the run lie beside it,
        the measurements of its jobs in ``results/benchmarks``.
    clusterings
        The names of the clusterings of the run.
    config
        The configuration of the run with all defaults. Portraits are shown if it asks for them.
    with_words
        Whether the run has transcripts: the words that stand out are shown, and what became of transcripts.

    Notes
    -----
    The page tells when it was made and what the jobs took, so it is not the same for the same run.
    Measurements, encodings and portraits that are not there are left out.
    """
    folder = page.parent
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    broadcasts = tables.read(folder / "broadcasts.parquet", tables.BROADCASTS)
    inventories = read_inventory_report(folder / "inventories.csv")
    selected = read_selection(folder / "selected.csv")
    places = [f"{row.origin}/{row.broadcast}" for row in selected]
    archive = {key: config["archive"][key] for key in ("base_url", "frame_url", "frame_seconds")}
    link = frame_links(selected, **archive)
    scores = tables.read(folder / "sweep.parquet", tables.SWEEP).to_pylist()
    recommended = tables.read_provenance(folder / "sweep.parquet")["recommended"]
    ordered = sorted(clusterings, key=lambda name: name != recommended)
    holds = _holds(folder / "holds.parquet")
    encoder = encoder_name(**config["faces"])
    jobs = timings.read_jobs(
        folder.parent / "benchmarks",
        folder.name,
        encoder,
        places,
        [f"{each.archive}/{each.name}" for each in inventories],
    )
    theme.render(
        page,
        "report.html.j2",
        run=folder.name,
        made=datetime.now(UTC),
        castgraph=__version__,
        summary=summary,
        on_air=_on_air(broadcasts, folder / "frames.parquet", config["archive"]["frame_seconds"]),
        seconds_read=summary["frames"] * config["archive"]["frame_seconds"],
        fates=_fates(broadcasts),
        stations=_stations(broadcasts, config["archive"]["frame_seconds"]),
        not_ok=_not_ok(summary["not_ok"]),
        transcripts=_transcripts(folder / "transcripts.parquet") if with_words else [],
        inventories=[each for each in inventories if each.status != "ok" or each.n_refused],
        clusterings=[
            _clustering(
                folder / name,
                summary["clusterings"][name],
                link,
                pictured=number < MOST_PICTURED,
                with_portraits=config["people"]["portraits"],
                min_seconds=config["people"]["min_seconds"],
                always_on=config["network"]["always_on"],
                holds=holds,
                with_words=with_words,
            )
            for number, name in enumerate(ordered)
        ],
        recommended=recommended,
        scores=scores,
        chart=data_uri(folder / "sweep.png", _PICTURE_PX) if len(scores) > 1 else "",
        replays=_replays(folder / "replays.parquet", broadcasts, link, config["archive"]["frame_seconds"]),
        count_replays=config["network"]["count_replays"],
        rules=timings.by_rule(jobs),
        total=timings.total(jobs),
        course=_chart(timings.course(jobs)),
        config=configuration_text(config, MOST_LISTED),
        encodings=_encodings(folder.parent / "faces" / encoder, places),
        versions=versions(),
        config_path=folder / "config.yaml",
        most_listed=MOST_LISTED,
        heat_levels=HEAT_LEVELS,
        significant=SIGNIFICANT,
        explorer=config["explorer"]["enabled"],
        visual=config["visual"]["embedder"],
        kept=config["network"]["significant"] if config["network"]["mode"] == "standard" else None,
    )


# ---- what was read ---------------------------------------------------------------------------------------


def _on_air(broadcasts: pa.Table, frames: Path, frame_seconds: float) -> tuple[datetime, datetime] | None:
    """Tell from when to when what was read was on air; of all that is listed where nothing was read."""
    starts = broadcasts["start"].to_pylist()
    return on_air(frames, frame_seconds) or ((min(starts), max(starts)) if starts else None)


def _fates(broadcasts: pa.Table) -> dict[str, int]:
    """Count the broadcasts of each status that there are: ok first, then the worst."""
    found = Counter(broadcasts["status"].to_pylist())
    return {word: found[word] for word in ("ok", *NOT_OK) if found[word]}


def _stations(broadcasts: pa.Table, frame_seconds: float) -> list[Facts]:
    """Sum the broadcasts up by station."""
    read = pc.cast(pc.is_in(broadcasts["status"], pa.array(READ)), pa.int32())
    table = broadcasts.select(["station", "n_frames", "n_faces"]).append_column("read", read)
    sums = [("n_frames", "sum"), ("n_faces", "sum"), ("read", "sum"), ("station", "count")]
    rows = table.group_by("station").aggregate(sums).sort_by("station").to_pylist()
    return [
        {
            "station": row["station"],
            "listed": row["station_count"],
            "read": row["read_sum"],
            "seconds": row["n_frames_sum"] * frame_seconds,
            "faces": row["n_faces_sum"],
        }
        for row in rows
    ]


def _not_ok(rows: Iterable[Facts]) -> list[Facts]:
    """Group what was not, or not wholly, read by status, worst first."""
    found: dict[str, list[Facts]] = {word: [] for word in NOT_OK}
    for row in rows:
        found[row["status"]].append(row)
    return [
        {"status": word, "meaning": STATUSES[word].meaning, "rows": found[word]}
        for word in NOT_OK
        if found[word]
    ]


def _transcripts(path: Path) -> list[Facts]:
    """Group what became of the transcripts by status, ok first."""
    rows = tables.read(path, tables.TRANSCRIPTS, ["broadcast", "status", "reason"]).to_pylist()
    groups = [
        {"status": word, "meaning": meaning, "rows": [row for row in rows if row["status"] == word]}
        for word, meaning in reversed(list(TRANSCRIPTS.items()))
    ]
    return [group for group in groups if group["rows"]]


# ---- people and pairs ------------------------------------------------------------------------------------


def _clustering(
    folder: Path,
    counts: Facts,
    link: Callable[[str, int], str],
    *,
    pictured: bool,
    with_portraits: bool,
    min_seconds: float,
    always_on: float | None,
    holds: Mapping[tuple[str, str, str], str],
    with_words: bool,
) -> Facts:
    everybody = tables.read(
        folder / "people.parquet",
        tables.PEOPLE,
        ["person_id", "name", "n_frames", "n_broadcasts", "screen_seconds", "first_seen", "last_seen"],
    )
    people = shown(everybody, min_seconds)
    names = dict(zip(people["person_id"].to_pylist(), people["name"].to_pylist(), strict=True))
    strongest = _head(folder / "edges.parquet", people["person_id"], TOP_PAIRS)
    return {
        "name": folder.name,
        **counts,
        "network": data_uri(folder / "network.png", _PICTURE_PX) if pictured else "",
        "beside_hosts": _beside_hosts(folder, names, always_on, pictured=pictured),
        "shown": [
            {
                **row,
                "portrait": data_uri(folder / "portraits" / portrait_name(row["person_id"]), _PORTRAIT_PX)
                if pictured and with_portraits
                else "",
            }
            for row in people.slice(0, TOP_PEOPLE).to_pylist()
        ],
        "strongest": [
            {
                **row,
                "names": [names[row["source"]], names[row["target"]]],
                "evidence": openable(link(row["broadcast"], row["frame"])),
                "holds": holds.get((folder.name, row["source"], row["target"]), ""),
            }
            for row in strongest
        ],
        "heat": _heat(folder / "screen_time.parquet", people.slice(0, TOP_HEAT)),
        "over_time": _over_time(folder / "centrality.parquet", names),
        "said": _said(folder / "words.parquet", names, strongest) if with_words else None,
    }


def _said(path: Path, names: Mapping[str, str], pairs: Sequence[Facts]) -> Facts:
    """Put together the words that stand out beside the people and pairs that are shown.

    Returns
    -------
    dict
        ``counts`` of utterances, as the provenance has them, and ``rows``: ``who`` and ``words``, those that
        stand out most first.
    """
    beside = [(name, "") for name in list(names)[:TOP_PEOPLE]] + [
        (row["source"], row["target"]) for row in pairs
    ]
    found: dict[tuple[str, str], list[Facts]] = {who: [] for who in beside}
    for batch in tables.batches(path, tables.WORDS):
        ids = zip(
            *(batch[name].cast(pa.string()).to_pylist() for name in ("person_id", "other_id")), strict=True
        )
        rows = [place for place, who in enumerate(ids) if who in found]
        for row in batch.take(rows).to_pylist():
            found[row["person_id"], row["other_id"]].append(row)
    return {
        "counts": tables.read_provenance(path),
        "rows": [
            {
                "who": " – ".join(names[each] for each in who if each),
                "words": sorted(rows, key=lambda row: -row["z"])[:TOP_WORDS],
            }
            for who, rows in found.items()
            if rows
        ],
    }


def _beside_hosts(
    folder: Path, names: Mapping[str, str], always_on: float | None, *, pictured: bool
) -> Facts | None:
    """Tell of the network without those who are always on air; None where there is nobody who is."""
    hosts = tables.read_provenance(folder / "edges.parquet").get("hosts") or []
    if always_on is None or not hosts:
        return None
    graphs = [read_graphml(folder / f"graph{name}.graphml") for name in ("", f"_{WITHOUT_HOSTS}")]
    ranks = [
        {person: place for place, person in enumerate(sorted(graph, key=lambda each: _rank(graph, each)), 1)}
        for graph in graphs
    ]
    return {
        "hosts": [names[person] for person in hosts if person in names],
        "share": always_on,
        "picture": data_uri(folder / f"network_{WITHOUT_HOSTS}.png", _BESIDE_PX) if pictured else "",
        "asked": data_uri(folder / "network.png", _BESIDE_PX) if pictured else "",
        "ranks": [
            {"name": names[person], "before": ranks[0].get(person), "after": place}
            for person, place in list(ranks[1].items())[:TOP_RANKS]
            if person in names
        ],
    }


def _rank(graph: nx.Graph, person: str) -> tuple[float, str]:
    return -graph.nodes[person]["pagerank"], person


def _holds(path: Path) -> dict[tuple[str, str, str], str]:
    """Tell over which clusterings each edge holds."""
    table = tables.read(path, tables.HOLDS, ["clustering", "source", "target", "holds"])
    rows = zip(*(table[name].to_pylist() for name in table.column_names), strict=True)
    return {(clustering, source, target): told for clustering, source, target, told in rows}


def _head(path: Path, ids: pa.ChunkedArray, n: int) -> list[Facts]:
    """Read the first edges between some people and not the others."""
    found: list[Facts] = []
    for batch in tables.batches(path, tables.EDGES):
        found += among(pa.Table.from_batches([batch]), ids).slice(0, n - len(found)).to_pylist()
        if len(found) == n:
            break
    return found


def _heat(path: Path, people: pa.Table) -> Facts | None:
    """Put the screen time of people into a table: a row a person, a column a day, or a week or month of many.

    Returns
    -------
    dict or None
        ``by``, ``parts`` (the columns), ``read`` (seconds that were read of each), and ``rows``: ``name`` and
        ``cells``, each the seconds, the share of what was read, and a level from 0 to `HEAT_LEVELS`. None
        where there is nobody, or only one column.
    """
    table = tables.read(path, tables.SCREEN_TIME)
    for by in ("day", "week", "month"):
        of = table.filter(pc.equal(table["by"], by))
        parts = sorted(set(of["part"].to_pylist()))
        if len(parts) <= MOST_COLUMNS:
            break
    parts = parts[-MOST_COLUMNS:]
    if len(people) == 0 or len(parts) < 2:
        return None
    cells = {(row["person_id"], row["part"]): row for row in of.to_pylist()}
    read = {row["part"]: row["read_seconds"] for row in cells.values()}
    ids = people["person_id"].to_pylist()
    most = max((cells[key]["share"] for key in cells if key[0] in ids and key[1] in parts), default=1.0)

    def cell(name: str, part: str) -> Facts:
        row = cells.get((name, part), {"screen_seconds": 0.0, "share": 0.0})
        level = math.ceil(HEAT_LEVELS * row["share"] / most) if most else 0
        return {"seconds": row["screen_seconds"], "share": row["share"], "level": level}

    return {
        "by": by,
        "parts": parts,
        "read": [read[part] for part in parts],
        "rows": [
            {"name": name, "cells": [cell(person, part) for part in parts]}
            for person, name in zip(ids, people["name"].to_pylist(), strict=True)
        ],
    }


def _over_time(path: Path, names: Mapping[str, str]) -> Facts | None:
    """Tell whose PageRank rose and whose fell.

    Returns
    -------
    dict or None
        The parts of either half (``first``, ``second``), and ``rose`` and ``fell``: ``name``, ``before`` and
        ``after``. None where nothing can be compared.
    """
    table = tables.read(path, tables.CENTRALITY, ["part", "person_id", "pagerank"])
    first, second = halves(table)
    if not first:
        return None
    rose, fell = (
        [
            {"name": names[each.person_id], "before": each.before, "after": each.after}
            for each in found
            if each.person_id in names
        ]
        for found in rose_and_fell(table, TOP_CHANGES)
    )
    return {"first": first, "second": second, "rose": rose, "fell": fell}


# ---- what is on air again --------------------------------------------------------------------------------


def _replays(
    path: Path, broadcasts: pa.Table, link: Callable[[str, int], str], frame_seconds: float
) -> Facts | None:
    """List what is on air again and draw when it was on where; None where nothing is.

    Returns
    -------
    dict or None
        ``all`` (how many), ``shown``: rows of the table with ``link`` and ``earlier_link``, and ``drawing``.
    """
    rows = tables.read(path, tables.REPLAYS).to_pylist()
    if not rows:
        return None
    rows.sort(key=lambda row: (KINDS.index(row["kind"]), -row["n_frames"], row["start"], row["broadcast"]))
    shown = [
        {
            **row,
            "link": openable(link(row["broadcast"], row["first_frame"])),
            "earlier_link": openable(link(row["earlier_broadcast"], row["earlier_first_frame"])),
            "seconds": row["n_frames"] * frame_seconds,
        }
        for row in rows[:TOP_REPLAYS]
    ]
    return {"all": len(rows), "shown": shown, "drawing": _drawing(shown, broadcasts, frame_seconds)}


def _drawing(shown: Sequence[Facts], broadcasts: pa.Table, frame_seconds: float) -> Facts:
    """Draw stations as lines and broadcasts as bars on them, and an arc from each place to the later one.

    All is in a chart 1000 wide, and as high as there are lines, from the upper left corner.
    """
    ids = {row[key] for row in shown for key in ("broadcast", "earlier_broadcast")}
    aired = {row["broadcast"]: row for row in broadcasts.to_pylist()}
    stations = sorted({aired[name]["station"] for name in ids})
    on_air = [row for row in aired.values() if row["station"] in stations and row["n_frames"]]
    begin = min(row["start"] for row in on_air)
    span = max((row["start"] - begin).total_seconds() + row["n_frames"] * frame_seconds for row in on_air)

    def x(moment: datetime) -> float:
        return float(1000 * (moment - begin).total_seconds() / span)

    def y(name: str) -> float:
        return 100 * stations.index(aired[name]["station"]) + 75

    arcs = []
    for row in shown:
        left, right = x(row["earlier_start"]), x(row["start"])
        low, high = y(row["earlier_broadcast"]), y(row["broadcast"])
        top = min(low, high) - 60
        arcs.append(
            {
                "kind": row["kind"],
                "path": f"M{left:.1f},{low} Q{(left + right) / 2:.1f},{top} {right:.1f},{high}",
            }
        )
    step = 86_400 * max(1, math.ceil(span / 86_400 / 8))
    first = datetime.combine(begin.date(), datetime.min.time(), begin.tzinfo)
    days = [first + timedelta(seconds=step * number) for number in range(10)]
    ticks = [(x(day) / 10, times.day(day)) for day in days if 0 <= x(day) <= 970]
    return {
        "stations": stations,
        "height": 100 * len(stations),
        "bars": _bars(
            (
                y(row["broadcast"]),
                x(row["start"]),
                x(row["start"] + timedelta(seconds=row["n_frames"] * frame_seconds)),
            )
            for row in on_air
        ),
        "arcs": arcs,
        "kinds": [kind for kind in KINDS if any(row["kind"] == kind for row in shown)],
        "ticks": ticks or [(0.0, times.minute(begin))],
    }


def _bars(bars: Iterable[tuple[float, float, float]]) -> str:
    """Draw bars (y, left, right) as one path; those that cannot be told apart become one."""
    joined: list[list[float]] = []
    for y, left, right in sorted(bars):
        if joined and joined[-1][0] == y and left < joined[-1][2] + 1:
            joined[-1][2] = max(joined[-1][2], right)
        else:
            joined.append([y, left, right])
    return "".join(f"M{left:.1f},{y:g}H{max(right, left + 1):.1f}" for y, left, right in joined)


# ---- how it was made -------------------------------------------------------------------------------------


def _chart(course: timings.Course | None) -> Facts | None:
    """Put the course into a chart of 1000 × 100, from the upper left corner; ticks are in percent."""
    if course is None:
        return None
    from matplotlib.ticker import MaxNLocator  # takes longer to load than all the rest

    seconds = float(course.edges[-1])
    units = (("hours", 3600), ("minutes", 60))
    unit, size = next((unit for unit in units if seconds >= 2 * unit[1]), ("seconds", 1))
    top = round(float(max(course.cores.max(), course.jobs.max(), 1.0)), 1)
    levels = [float(tick) for tick in MaxNLocator(4, integer=True).tick_values(0, top) if tick >= 0]
    top = levels[-1]
    times = [
        float(tick)
        for tick in MaxNLocator(6).tick_values(0, seconds / size)
        if 0 <= tick * size < 0.97 * seconds  # a label further to the right would stick out
    ]
    x = 1000 * course.edges / seconds

    def steps(values: Iterable[float]) -> str:
        heights = [100 - 100 * value / top for value in values]
        return " ".join(
            f"{left:.1f},{y:.2f} {right:.1f},{y:.2f}"
            for left, right, y in zip(x, x[1:], heights, strict=False)
        )

    return {
        "cores": steps(course.cores),
        "jobs": steps(course.jobs),
        "levels": [(100 - 100 * level / top, f"{level:,.0f}") for level in levels],
        "times": [(100 * tick * size / seconds, f"{tick:,g}") for tick in times],
        "unit": unit,
        "cuts": [1000 * cut / seconds for cut in course.cuts],
        "cut_seconds": course.cut_seconds,
        "seconds": seconds,
        "most_cores": float(course.cores.max()),
    }


def _encodings(folder: Path, places: Iterable[str]) -> list[Facts]:
    """Tell which versions and models made the encodings, and of how many broadcasts."""
    found: Counter[str] = Counter()
    for place in places:
        path = folder / f"{place}.parquet"
        if path.is_file():
            facts = tables.read_provenance(path)
            made_by = {"castgraph": facts.get("castgraph", "?"), "models": facts.get("models", {})}
            found[json.dumps(made_by, sort_keys=True)] += 1
    return [
        {"encoder": folder.name, "broadcasts": number, **json.loads(made_by)}
        for made_by, number in found.most_common()
    ]
