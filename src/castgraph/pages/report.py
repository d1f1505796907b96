"""A finished run as one page, which needs no other file and no network."""

from __future__ import annotations

import base64
import io
import json
import platform
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jinja2
import pyarrow as pa
import pyarrow.compute as pc
import yaml
from matplotlib.ticker import MaxNLocator
from PIL import Image

from castgraph import __version__
from castgraph.archive.listing.inventory import read_inventory_report, read_selected
from castgraph.base import files, tables
from castgraph.people.table import portrait_name
from castgraph.run import timings
from castgraph.run.names import encoder_name
from castgraph.run.summary import READ

TOP_PEOPLE = 24
TOP_PAIRS = 20
"""How many people and pairs are shown of a clustering."""

MOST_PICTURED = 6
"""Clusterings, the recommended first, that are shown with pictures: the page has to stay small."""

MOST_LISTED = 5000
"""Broadcasts of a status, inventories, or lines of the configuration that are listed."""

_MOST_LETTERS = 300  # of a reason
_PORTRAIT_PX = 128  # twice what is shown, for screens of fine pixels
_PICTURE_PX = 2400
_PACKAGES = ("snakemake", "numpy", "pyarrow", "onnxruntime", "dlib-bin")

MEANINGS = {
    "missing": "The archive has no ZIP.",
    "unreachable": "It could not be had after all attempts.",
    "damaged": "The ZIP, or every frame, cannot be read.",
    "partial": "Some frames were read and others not, or a limit cut the broadcast short.",
    "empty": "The ZIP can be opened, and no entry of it is a frame.",
}
"""The statuses of broadcasts that were not, or not wholly, read, worst first, and what each means."""

Facts = dict[str, Any]


def write_report(page: Path, clusterings: Sequence[str], config: Mapping[str, Any]) -> None:
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

    Notes
    -----
    The page tells when it was made and what the jobs took, so it is not the same for the same run.
    Measurements, encodings and portraits that are not there are left out.
    """
    folder = page.parent
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    broadcasts = tables.read(folder / "broadcasts.parquet", tables.BROADCASTS)
    inventories = read_inventory_report(folder / "inventories.csv")
    places = [f"{row.origin}/{row.broadcast}" for row in read_selected(folder / "selected.csv")]
    scores = tables.read(folder / "sweep.parquet", tables.SWEEP).to_pylist()
    recommended = tables.read_provenance(folder / "sweep.parquet")["recommended"]
    ordered = sorted(clusterings, key=lambda name: name != recommended)
    encoder = encoder_name(**config["faces"])
    jobs = timings.read_jobs(
        folder.parent / "benchmarks",
        folder.name,
        encoder,
        places,
        [f"{row['archive']}/{row['station']}.{row['day'].replace('-', '')}" for row in inventories],
    )
    text = _template().render(
        run=folder.name,
        made=datetime.now(UTC),
        castgraph=__version__,
        summary=summary,
        on_air=_on_air(broadcasts, folder / "frames.parquet", config["archive"]["frame_seconds"]),
        seconds_read=summary["frames"] * config["archive"]["frame_seconds"],
        statuses=_statuses(broadcasts),
        stations=_stations(broadcasts, config["archive"]["frame_seconds"]),
        not_ok=_not_ok(summary["not_ok"]),
        inventories=[row for row in inventories if row["status"] != "ok" or row["n_refused"] != "0"],
        clusterings=[
            _clustering(
                folder / name,
                summary["clusterings"][name],
                config["archive"]["frame_url"],
                pictured=number < MOST_PICTURED,
                with_portraits=config["people"]["portraits"],
            )
            for number, name in enumerate(ordered)
        ],
        recommended=recommended,
        scores=scores,
        chart=_picture(folder / "sweep.png", _PICTURE_PX) if len(scores) > 1 else "",
        rules=timings.by_rule(jobs),
        total=timings.total(jobs),
        course=_chart(timings.course(jobs)),
        config=_configuration(config),
        encodings=_encodings(folder.parent / "faces" / encoder, places),
        versions={"castgraph": __version__, "Python": platform.python_version(), **_versions()},
        config_path=folder / "config.yaml",
        most_listed=MOST_LISTED,
    )
    with files.atomic(page) as part:
        part.write_text(text, encoding="utf-8")


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    filters: dict[str, Callable[..., str]] = {
        "count": lambda value: f"{value:,}",
        "percent": lambda value: "–" if value is None else f"{100 * value:.1f} %",
        "decimal": lambda value: "–" if value is None else f"{value:.3f}",
        "duration": duration,
        "memory": _memory,
        "moment": lambda time: f"{time:%Y-%m-%d %H:%M}",
        "day": lambda time: f"{time:%Y-%m-%d}",
        "short": lambda text: text if len(text) <= _MOST_LETTERS else text[:_MOST_LETTERS] + "…",
    }
    environment.filters.update(filters)
    source = package_files("castgraph.pages").joinpath("report.html.j2").read_text(encoding="utf-8")
    return environment.from_string(source)


def duration(seconds: float) -> str:
    """Put seconds into words, in two units at most: ``4 min 36 s``, ``1,203 h``. The spaces do not break."""
    whole, minutes = round(seconds), round(seconds / 60)
    if seconds < 10:
        text = f"{seconds:.1f} s"
    elif whole < 60:
        text = f"{whole} s"
    elif whole < 600:
        text = f"{whole // 60} min {whole % 60} s"
    elif minutes < 120:
        text = f"{minutes} min"
    elif minutes < 6000:
        text = f"{minutes // 60} h {minutes % 60} min"
    else:
        text = f"{round(seconds / 3600):,} h"
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def _memory(mib: float) -> str:
    if not mib:
        return "–"
    return f"{mib:,.0f} MB" if mib < 10_000 else f"{mib / 1024:,.1f} GB"


# ---- what was read ---------------------------------------------------------------------------------------


def _on_air(broadcasts: pa.Table, frames: Path, frame_seconds: float) -> tuple[datetime, datetime] | None:
    """Tell from when to when what was read was on air; of all that is listed where nothing was read."""
    times: list[datetime] = []
    for batch in tables.batches(frames, tables.MERGED_FRAMES, ["time", "status"]):
        ends = pc.min_max(batch["time"].filter(pc.equal(batch["status"], "ok")))
        times += [end.as_py() for end in ends.values() if end.is_valid]
    if times:
        return min(times), max(times) + timedelta(seconds=frame_seconds)
    starts = broadcasts["start"].to_pylist()
    return (min(starts), max(starts)) if starts else None


def _statuses(broadcasts: pa.Table) -> dict[str, int]:
    """Count the broadcasts of each status: ok first, then the worst."""
    found = Counter(broadcasts["status"].to_pylist())
    order = ["ok", *MEANINGS]
    return {status: found[status] for status in [*order, *sorted(set(found) - set(order))] if found[status]}


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
    found: dict[str, list[Facts]] = {status: [] for status in MEANINGS}
    for row in rows:
        found.setdefault(row["status"], []).append(row)
    return [
        {"status": status, "meaning": MEANINGS.get(status, ""), "rows": members}
        for status, members in found.items()
        if members
    ]


# ---- people and pairs ------------------------------------------------------------------------------------


def _clustering(
    folder: Path, counts: Facts, frame_url: str, *, pictured: bool, with_portraits: bool
) -> Facts:
    people = tables.read(
        folder / "people.parquet",
        tables.PEOPLE,
        ["person", "name", "n_frames", "n_broadcasts", "screen_seconds", "first_seen", "last_seen"],
    )
    names = dict(zip(people["person"].to_pylist(), people["name"].to_pylist(), strict=True))
    longest = people.sort_by([("n_frames", "descending"), ("person", "ascending")])
    return {
        "name": folder.name,
        **counts,
        "network": _picture(folder / "network.png", _PICTURE_PX) if pictured else "",
        "shown": [
            {
                **row,
                "portrait": _picture(folder / "portraits" / portrait_name(row["person"]), _PORTRAIT_PX)
                if pictured and with_portraits
                else "",
            }
            for row in longest.slice(0, TOP_PEOPLE).to_pylist()
        ],
        "strongest": [
            {
                **row,
                "names": [names[row["source"]], names[row["target"]]],
                "evidence": _link(
                    frame_url.replace("{broadcast}", row["broadcast"]).replace("{frame}", str(row["frame"]))
                ),
            }
            for row in _head(folder / "edges.parquet", TOP_PAIRS)
        ],
    }


def _head(path: Path, n: int) -> list[Facts]:
    """Read the first rows of a table and not the others."""
    batch = next(tables.batches(path, tables.EDGES, rows=n), None)
    return [] if batch is None else batch.to_pylist()


def _link(url: str) -> str:
    """Give an address of the web, or nothing: a page opens no other kind from here."""
    try:
        return url if urlsplit(url).scheme in ("http", "https") else ""
    except ValueError:
        return ""


def _picture(path: Path, most_px: int) -> str:
    """Give a picture as a data URI; nothing where there is none."""
    if not path.is_file():
        return ""
    with Image.open(path) as picture:
        small = picture.convert("RGB")
    small.thumbnail((most_px, most_px))
    content = io.BytesIO()
    small.save(content, "webp", quality=82)
    return f"data:image/webp;base64,{base64.b64encode(content.getvalue()).decode()}"


# ---- how it was made -------------------------------------------------------------------------------------


def _chart(course: timings.Course | None) -> Facts | None:
    """Put the course into a chart of 1000 × 100, from the upper left corner; ticks are in percent."""
    if course is None:
        return None
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


def _configuration(config: Mapping[str, Any]) -> str:
    """Write the configuration as YAML, without passwords in addresses and cut after very many lines."""
    text = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)
    lines = re.sub(r"(?<=://)[^/@\s]+@", "…@", text).splitlines()
    more = len(lines) - MOST_LISTED
    return "\n".join([*lines[:MOST_LISTED], f"# … and {more:,} more lines"] if more > 0 else lines)


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


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # conda names some otherwise
            found[package] = "unknown"
    return found
