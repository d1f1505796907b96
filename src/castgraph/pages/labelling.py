"""Broadcasts that are not what their title says, as a page: each suspect with what speaks against it."""

from __future__ import annotations

import base64
import hashlib
import logging
import math
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from markupsafe import Markup

from castgraph.archive.address import openable
from castgraph.base import tables, times
from castgraph.base.text import line, shortened
from castgraph.pages import theme
from castgraph.pages.explorer.columns import script_json
from castgraph.pages.images import data_uri
from castgraph.people import pictures
from castgraph.people.table import portrait_name
from castgraph.visual.pictures import Place, Share, blurred

log = logging.getLogger(__name__)

FRAMES = 12
"""Pictures of a broadcast, evenly over it."""

MOST_PICTURED = 10
"""Runs of suspects that are shown with pictures, the least like their title: the page has to stay small."""

MOST_SHOWN = 60
"""Runs of suspects that have a part of their own; of more, the others are in the table of all."""

MOST_LISTED = 1000
"""Rows of a table of the page."""

MOST_PAIRS = 6
"""Lines of the chart that are of pairs of stations; of more, a line is of a station."""

MOST_LINES = 12
"""Stations that the chart draws, those that depart first."""

MOST_DOTS = 400
"""Broadcasts of a title that are drawn as dots."""

_WEB = Path(__file__).parent / "web"
_WIDTH = 220
_QUALITY = 80
_PORTRAIT_PX = 128
_MOST_TITLE = 80  # letters
_MOST_LETTERS = 300  # of a reason

Facts = dict[str, Any]
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Shown:
    """What a run can show of its broadcasts.

    Attributes
    ----------
    opened
        Opens the frames of a broadcast; see `castgraph.archive.media.frames.frames_of`.
    frames
        The merged frame table.
    hidden
        What is blurred; see `castgraph.visual.pictures.hidden_faces`.
    link
        Gives the address of a frame.
    portraits
        The folder of portraits; None where there is none.
    explorer
        Where the explorer lies, from the page; empty for nowhere.
    """

    opened: Callable[[str], AbstractContextManager[Callable[[int], bytes]]]
    frames: Path
    hidden: Mapping[Place, Sequence[Share]]
    link: Callable[[str, int], str]
    portraits: Path | None = None
    explorer: str = ""


def write_labelling(
    page: Path,
    folder: Path,
    *,
    of: str,
    left_out: bool | None = None,
    back: str = "",
    shown: Shown | None = None,
) -> None:
    """Write the page of what was found.

    Parameters
    ----------
    page
        The HTML file to write. It needs no other file.
    folder
        Where the tables ``correlation``, ``dips``, ``likeness`` and ``suspects`` lie, as Parquet and CSV.
    of
        What was judged: a run and its clustering, or names of tables.
    left_out
        Whether suspects are left out of what is counted; None where nothing is.
    back
        Where the report lies, from the page; empty for nowhere.
    shown
        What a run can show of its broadcasts; None for tables from outside.

    Raises
    ------
    TableError
        When a table was made by an earlier castgraph.

    Notes
    -----
    Pictures that cannot be had are left out; the log tells which, and why.
    """
    likeness = tables.read(folder / "likeness.parquet", tables.LIKENESS).to_pylist()
    suspects = tables.read(folder / "suspects.parquet", tables.SUSPECTS).to_pylist()
    correlation = tables.read(folder / "correlation.parquet", tables.CORRELATION)
    dips = tables.read(folder / "dips.parquet", tables.DIPS).to_pylist()
    settings = tables.read_provenance(folder / "correlation.parquet").get("settings", {})
    ranked = sorted(suspects, key=_least_like)
    runs = _runs(ranked)
    told = [_run(rows, likeness, shown) for rows in runs[:MOST_SHOWN]]
    boards = _storyboards([each["boards"] for each in told[:MOST_PICTURED]], shown)
    for each in told:
        each["boards"] = [
            {**board, "pictures": boards.get(board["broadcast"], [])} for board in each["boards"]
        ]
    judged = [row for row in likeness if row["verdict"] != "not judged"]
    script = (_WEB / "labelling.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    theme.render(
        page,
        "labelling.html.j2",
        of=of,
        tables=os.path.relpath(folder, page.parent),
        back=back,
        left_out=left_out,
        unit="broadcast" if any(row["broadcast"] for row in likeness) or not likeness else "day of a station",
        units="broadcasts"
        if any(row["broadcast"] for row in likeness) or not likeness
        else "days of stations",
        n_judged=len(judged),
        verdicts=Counter(row["verdict"] for row in judged),
        not_judged=Counter(
            _sentence(row["reason"]) for row in likeness if row["verdict"] == "not judged"
        ).most_common(),
        suspects=told,
        n_suspects=len(suspects),
        n_runs=len(runs),
        all_suspects=[_listed(row) for row in ranked[:MOST_LISTED]],
        noted=[_listed(row) for row in judged if row["verdict"] not in ("suspect", "usual")][:MOST_LISTED],
        titles=_titles(judged)[:MOST_LISTED],
        n_pictured=min(len(told), MOST_PICTURED) if shown else 0,
        chart=_chart(correlation, dips),
        dips=[_dip(row) for row in sorted(dips, key=lambda row: (row["first"], row["station"]))],
        undefined=Counter(each for each in correlation["reason"].to_pylist() if each).most_common(),
        n_days=len(set(correlation["day"].to_pylist())),
        settings=settings,
        policy=f"sha256-{digest}",
        script=Markup(script),  # noqa: S704 (our own)
        style=Markup((_WEB / "labelling.css").read_text(encoding="utf-8")),  # noqa: S704 (our own)
        most_listed=MOST_LISTED,
    )


# ---- suspects --------------------------------------------------------------------------------------------


def _runs(ranked: Iterable[Row]) -> list[list[Row]]:
    """Put suspects together that follow each other; the least like first, in a run and of the runs."""
    found: dict[int, list[Row]] = {}
    for row in ranked:
        found.setdefault(row["run"], []).append(row)
    return list(found.values())


def _run(rows: Sequence[Row], likeness: Sequence[Row], shown: Shown | None) -> Facts:
    """Tell of a run of suspects by the one of them that is least like its title."""
    row, *_ = rows
    of_run = {_key(each) for each in rows}
    by_time = sorted(rows, key=lambda each: (each["day"], _name(each)))
    same = [
        each
        for each in likeness
        if (each["station"], each["title"]) == (row["station"], row["title"])
        and _key(each) not in of_run
        and _is_number(each["own"])
    ]
    values = sorted(each["own"] for each in same)
    dots = (
        values
        if len(values) <= MOST_DOTS
        else [values[n] for n in np.linspace(0, len(values) - 1, MOST_DOTS).round().astype(int).tolist()]
    )
    usual = [each for each in same if each["verdict"] == "usual" and each["broadcast"]]
    nearest = min(usual, key=lambda each: _apart(each, row), default=None)
    low, high = _ends([*(each["own"] for each in rows), row["other"], *values])
    place = partial(_place, low=low, high=high)
    portrait = ""
    if shown and shown.portraits and row["missing"]:
        portrait = data_uri(shown.portraits / portrait_name(row["missing"]), _PORTRAIT_PX)
    return {
        **_listed(row),
        "members": [
            {"when": _when(each), "id": each["broadcast"] or "", "own": _number(each["own"])}
            | {"explorer": _in_explorer(each, shown)}
            for each in by_time
        ],
        "beside": [place(each["own"]) for each in rows[1:]],
        "own_place": place(row["own"]),
        "other_place": place(row["other"]),
        "dots": [place(value) for value in dots],
        "nothing": place(0.0),
        "same": place(1.0),
        "n_others": len(values),
        "usual": float(np.median(values)) if values else None,
        "before": _number(row["before"]),
        "after": _number(row["after"]),
        "hour": _number(row["hour"]),
        "own_r": _number(row["own_r"]),
        "portrait": portrait,
        "missing": line(row["missing_name"] or row["missing"] or ""),
        "link": openable(row["link"] or ""),
        "explorer": _in_explorer(row, shown),
        "boards": [
            {"broadcast": broadcast, "what": what}
            for broadcast, what in (
                (row["broadcast"], "This broadcast" if len(rows) == 1 else f"One of them, {_when(row)}"),
                (nearest and nearest["broadcast"], f"A usual {_title(row)}"),
                (row["other_broadcast"], f"What it is most like: {_plain(row['other_title'])}"),
            )
            if broadcast
        ],
    }


def _in_explorer(row: Row, shown: Shown | None) -> str:
    """Give the address of a broadcast in the explorer; empty where there is none."""
    there = shown and shown.explorer and row["broadcast"]
    return f"{shown.explorer}#/broadcast/{row['broadcast']}" if shown and there else ""


def _least_like(row: Row) -> tuple[float, str]:
    return _number(row["z"]) or 0.0, _name(row)


def _listed(row: Row) -> Facts:
    return {
        "id": row["broadcast"] or "",
        "station": line(row["station"]),
        "title": _title(row),
        "when": _when(row),
        "other_title": _plain(row["other_title"]),
        "own": _number(row["own"]),
        "other": _number(row["other"]),
        "z": _number(row["z"]),
        "q": _number(row["q"]),
        "verdict": row["verdict"],
        "reason": _sentence(row["reason"] or ""),
    }


def _titles(judged: Iterable[Row]) -> list[Facts]:
    """Sum up what was judged by station and title."""
    found = defaultdict(list)
    for row in judged:
        found[row["station"], row["title"]].append(row)
    rows = [
        {
            "station": line(station),
            "title": _title(of[0]),
            "spellings": sorted({_plain(row["show"]) for row in of} - {_title(of[0])}),
            "n": len(of),
            "own": _median(row["own"] for row in of),
            "n_suspects": sum(row["verdict"] == "suspect" for row in of),
        }
        for (station, _), of in found.items()
    ]
    return sorted(rows, key=lambda each: (-each["n_suspects"], each["station"], each["title"]))


def _sentence(text: str) -> str:
    """Put a reason into a sentence."""
    told = shortened(text, _MOST_LETTERS)
    return f"{told[:1].upper()}{told[1:]}." if told else ""


def _key(row: Row) -> tuple[Any, ...]:
    return row["broadcast"], row["station"], row["day"]


def _name(row: Row) -> str:
    return row["broadcast"] or f"{row['station']} {row['day']}"


def _title(row: Row) -> str:
    return _plain(row["title"]) or _plain(row["show"]) or line(row["station"])


def _plain(title: str | None) -> str:
    return shortened((title or "").replace("_", " "), _MOST_TITLE)


def _when(row: Row) -> str:
    return times.minute(row["start"]) + " UTC" if row["start"] else _day(row["day"])


def _day(day: date | None) -> str:
    return f"{day:%Y-%m-%d}" if day else ""


def _apart(one: Row, other: Row) -> tuple[float, str]:
    if one["start"] and other["start"]:
        return abs((one["start"] - other["start"]).total_seconds()), _name(one)
    return math.inf, _name(one)


def _is_number(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _number(value: float | None) -> float | None:
    return value if _is_number(value) else None


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None and math.isfinite(value)]
    return float(np.median(known)) if known else None


def _ends(values: Iterable[float | None]) -> tuple[float, float]:
    """Give the ends of a scale that has 0, 1 and all values on it."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    low, high = min(0.0, *known, 0.0), max(1.0, *known, 1.0)
    room = 0.03 * (high - low)
    return low - room, high + room


def _place(value: float | None, *, low: float, high: float) -> float | None:
    """Give the place of a likeness on a scale from 0 to 100."""
    if value is None or not math.isfinite(value):
        return None
    return round(100 * (value - low) / (high - low), 1)


# ---- pictures --------------------------------------------------------------------------------------------


def _storyboards(wanted: Iterable[Sequence[Facts]], shown: Shown | None) -> dict[str, list[Facts]]:
    """Make pictures of some frames of each broadcast, evenly over it."""
    if shown is None:
        return {}
    names = {board["broadcast"] for boards in wanted for board in boards}
    frames = _frames(shown.frames, names)
    made: dict[str, list[Facts]] = {}
    for name in sorted(frames):
        numbers, moments = frames[name]
        chosen = sorted(set(np.linspace(0, len(numbers) - 1, FRAMES).round().astype(int).tolist()))
        made[name] = []
        try:
            with shown.opened(name) as read:
                for place in chosen if len(numbers) else ():
                    number = numbers[place]
                    try:
                        uri = _picture(read(number), shown.hidden.get((name, number), ()))
                    except (LookupError, pictures.PictureError) as error:
                        log.warning("%s, frame %d: %s", name, number, error)
                        continue
                    made[name].append(
                        {
                            "uri": uri,
                            "time": times.second(moments[place])[-8:],
                            "frame": number,
                            "link": openable(shown.link(name, number)),
                        }
                    )
        except (OSError, ValueError) as error:
            log.warning("%s: %s", name, error)
    return made


def _frames(path: Path, names: set[str]) -> dict[str, tuple[list[int], list[datetime]]]:
    """Tell which frames of broadcasts were read, and when they were on air."""
    found = {}
    for name, [number, time, status] in tables.by_broadcast(
        path, tables.MERGED_FRAMES, ["frame", "time", "status"]
    ):
        if name in names:
            read = status == "ok"
            moments = pa.array(time[read]).cast(pa.timestamp("us", tz="UTC")).to_pylist()
            found[name] = (number[read].tolist(), moments)
    return found


def _picture(data: bytes, hidden: Sequence[Share]) -> str:
    image = pictures.decode_frame(data, width=_WIDTH).image
    image.thumbnail((_WIDTH, _WIDTH))
    content = pictures.encode(blurred(image, hidden), _QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(content).decode()}"


# ---- stations day by day ---------------------------------------------------------------------------------


def _chart(correlation: pa.Table, dips: Sequence[Row]) -> Markup | None:
    """Give what the chart draws as JSON; None where no day of any stations can be compared."""
    rows = [row for row in correlation.to_pylist() if _is_number(row["r"])]
    if not rows:
        return None
    of_pair: dict[tuple[str, str], dict[date, float]] = defaultdict(dict)
    for row in rows:
        of_pair[row["station"], row["other"]][row["day"]] = row["r"]
    stations = sorted({station for pair in of_pair for station in pair})
    departing = {row["station"] for row in dips}
    if len(of_pair) <= MOST_PAIRS:
        series = {" – ".join(pair): of_pair[pair] for pair in combinations(stations, 2) if pair in of_pair}
    else:
        chosen = sorted(stations, key=lambda each: (each not in departing, each))[:MOST_LINES]
        series = {f"{each} – others": _with_others(each, of_pair) for each in sorted(chosen)}
    days = sorted({day for values in series.values() for day in values})
    return Markup(  # noqa: S704 (no text of it ends the element)
        script_json(
            {
                "days": [_number_of(day) for day in days],
                "series": [
                    {
                        "name": line(name),
                        "values": [round(values[day], 3) if day in values else None for day in days],
                    }
                    for name, values in series.items()
                ],
                "dips": [
                    {
                        "station": line(row["station"]),
                        "first": _number_of(row["first"]),
                        "last": _number_of(row["last"]),
                        "r": _number(row["r"]),
                        "usual": _number(row["usual"]),
                    }
                    for row in sorted(dips, key=lambda row: (row["first"], row["station"]))
                ],
                "file": "correlation",
            }
        )
    )


def _with_others(station: str, of_pair: Mapping[tuple[str, str], Mapping[date, float]]) -> dict[date, float]:
    """Give the median of a station's correlation with the others, day by day."""
    found = defaultdict(list)
    for pair, values in of_pair.items():
        if station in pair:
            for day, r in values.items():
                found[day].append(r)
    return {day: float(np.median(values)) for day, values in found.items()}


def _dip(row: Row) -> Facts:
    return {
        "station": line(row["station"]),
        "first": _day(row["first"]),
        "last": _day(row["last"]),
        "from": _number_of(row["first"]),
        "to": _number_of(row["last"]),
        "n_days": row["n_days"],
        "r": _number(row["r"]),
        "usual": _number(row["usual"]),
        "z": _number(row["z"]),
        "q": _number(row["q"]),
    }


def _number_of(day: date) -> int:
    """Give the days since 1970."""
    return (day - date(1970, 1, 1)).days
