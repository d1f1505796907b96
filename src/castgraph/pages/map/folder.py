"""The map of a run, whole: its page, its tables, and its pictures."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from castgraph import __version__
from castgraph.archive import read_selection
from castgraph.archive.address import openable
from castgraph.archive.links import frame_templates
from castgraph.base import tables
from castgraph.base.text import counted
from castgraph.pages import theme
from castgraph.pages.explorer.columns import data_id, file_names, script_json, write_table
from castgraph.pages.explorer.data import people_shown
from castgraph.pages.explorer.folder import WEB
from castgraph.pages.explorer.law import LAW
from castgraph.pages.map import data
from castgraph.pages.map.pictures import read_pictures, write_pages
from castgraph.visual.groups import SETTINGS
from castgraph.visual.pictures import Place, hidden_faces

log = logging.getLogger(__name__)

FORMAT = 1
"""Of the data, which the script has to know."""

SCRIPT = ("map.js", "map.css", "LICENSES.txt")

_LAZY = ("near", "texts")
_RATIO = 9 / 16  # of pictures of which nothing tells it


class Given(NamedTuple):
    """What the map is made of.

    Attributes
    ----------
    run
        The results of the run.
    clustering
        The name of the clustering that tells who is who.
    embedded
        Broadcast → the table of its embedded frames.
    embedder
        What turned frames into numbers.
    """

    run: Path
    clustering: str
    embedded: Mapping[str, str | os.PathLike[str]]
    embedder: str


def write_map_page(page: Path, folder: Path, given: Given, config: Mapping[str, Any]) -> None:
    """Write the map of the pictures of a run.

    Parameters
    ----------
    page
        The HTML file to write.
    folder
        The folder to fill. It has to lie beside the page as ``map`` when that is opened.
    given
        What it is made of.
    config
        Of the configuration ``base_url``, ``frame_url`` and ``frame_seconds`` of the section ``archive``,
        ``min_seconds`` of ``people``, and the section ``explorer``, which says who is shown and whose face
        is blurred here, too.

    Raises
    ------
    TableError
        When tables do not fit each other, or were made by an earlier castgraph.

    Notes
    -----
    Who is not shown (`castgraph.pages.explorer.data.people_shown`) is in no table. In all pictures faces of
    people who are ignored or forgotten are blurred; with ``blur: others`` all faces, for these pictures are
    about nobody.
    """
    run, options, archive = given.run, config["explorer"], config["archive"]
    here = run / given.clustering
    people = people_shown(
        tables.read(here / "people.parquet", tables.PEOPLE),
        config["people"]["min_seconds"],
        only_named=options["people"] == "named",
    )
    frames, where = run / "visual" / "frames.parquet", run / "visual" / "map.parquet"
    placed = data.read_placed(frames, where, here / "sightings.parquet", people["person_id"].to_pylist())
    template = frame_templates(
        read_selection(run / "selected.csv"), archive["base_url"], archive["frame_url"]
    )
    groups = tables.read(run / "visual" / "groups.parquet", tables.GROUPS)
    columns, whole, labels = data.picture_columns(placed)
    of_page: dict[str, data.Columns] = {
        "pictures": columns,
        "labels": {"name": labels},
        "groups": data.group_columns(groups, "", placed),
        "settings": data.group_columns(groups, SETTINGS, placed),
        "broadcasts": data.broadcast_columns(
            tables.read(run / "broadcasts.parquet", tables.BROADCASTS),
            placed,
            lambda name: openable(template(name)),
        ),
        "people": data.people_columns(people, placed),
        "near": data.near_columns(frames, placed),
    }
    if texts := data.text_columns(placed):
        of_page["texts"] = texts
    for name in ("data", "sheets"):
        (folder / name).mkdir()
    written = {
        name: write_table(folder / "data", name, each, whole=whole if name == "pictures" else None)
        for name, each in of_page.items()
    }

    told = tables.read_provenance(where)
    facts: dict[str, Any] = {
        "format": FORMAT,
        "run": run.name,
        "clustering": given.clustering,
        "embedder": given.embedder,
        "frame_seconds": archive["frame_seconds"],
        "people": options["people"],
        "methods": list(placed.methods),
        "seed": told["seed"],
        "counts": {
            "frames": len(tables.read(frames, tables.VISUAL_FRAMES, ["frame"])),
            "pictures": told["n_pictures"],
            "placed": told["n_placed"],
            "broadcasts": len(placed.broadcasts),
        },
    }
    known = data_id(facts, written)
    places = placed.places()
    hidden = hidden_faces(
        run / "faces.parquet", run / "frames.parquet", here / "members.parquet",
        everybody_in=set(places) if options["blur"] == "others" else (),
    )  # fmt: skip

    def put_small(number: int, jpeg: bytes) -> None:
        name = f"atlas{number}"
        written[name] = write_table(folder / "data", name, {"jpeg": np.frombuffer(jpeg, np.uint8)})

    def put_large(number: int, jpeg: bytes) -> None:
        (folder / "sheets" / f"{number}.jpg").write_bytes(jpeg)

    grids = write_pages(
        read_pictures(given.embedded, places, hidden),
        len(places),
        _ratio(run / "frames.parquet", places),
        {"small": put_small, "large": put_large},
    )
    eager = [name for name in of_page if name not in _LAZY]
    manifest = {
        **facts,
        "data_id": known,
        "blur": options["blur"],
        "castgraph": __version__,
        "cosines": data.COSINES,
        "neighbours": data.NEIGHBOURS,
        **{kind: {**grid._asdict(), "per_page": grid.per_page} for kind, grid in grids.items()},
        "law": LAW,
        "citation": f"castgraph {__version__}, {run.name}: map of {counted(len(places), 'picture')} "
        f"by {given.embedder}; data {known}",
        "back": "../report.html",
        "explorer": f"../{given.clustering}/explorer/index.html" if options["enabled"] else "",
        "files": {
            name: {"parts": each.parts, "eager": name in eager, "bytes": each.n_bytes}
            for name, each in written.items()
        },
    }
    (folder / "data" / "manifest.js").write_text(f"CG.manifest({script_json(manifest)});\n", encoding="ascii")
    for name in SCRIPT:
        shutil.copyfile(WEB / name, folder / name)
    scripts = [file for name in eager for file in file_names(name, written[name].parts)]
    theme.render(page, "map/map.html.j2", run=run.name, n_pictures=len(places), scripts=scripts)
    log.info("map of %d pictures, %d people", len(places), len(placed.people))


def _ratio(frames: Path, places: list[Place]) -> float:
    """Tell the height of most frames by their width, between half of it and all of it."""
    wanted: dict[str, set[int]] = {}
    for name, frame in places:
        wanted.setdefault(name, set()).add(frame)
    found: list[float] = []
    columns = ["frame", "width", "height"]
    for name, [number, wide, high] in tables.by_broadcast(frames, tables.MERGED_FRAMES, columns):
        is_wanted = np.isin(number, list(wanted.get(name, ())))
        found += (high[is_wanted] / wide[is_wanted]).tolist()
    known = [ratio for ratio in found if np.isfinite(ratio)]
    return float(np.clip(np.median(known), 0.5, 1)) if known else _RATIO
