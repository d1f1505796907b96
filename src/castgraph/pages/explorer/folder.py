"""The folder of the explorer, whole: tables, portraits, pictures of frames, and the page that shows them."""

from __future__ import annotations

import logging
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from castgraph import __version__
from castgraph.archive import read_selection
from castgraph.archive.address import openable
from castgraph.archive.links import frame_templates
from castgraph.base import tables, times
from castgraph.base.statuses import NOT_OK, READ
from castgraph.base.text import counted
from castgraph.faces.times import on_air
from castgraph.network import layers, variants
from castgraph.network.export import read_nodes
from castgraph.pages import theme
from castgraph.pages.explorer import atlas, data
from castgraph.pages.explorer.columns import Values, data_id, file_names, script_json, write_table
from castgraph.pages.explorer.data import NOBODY, Columns, Numbers
from castgraph.pages.explorer.frames import Open, chosen_frames, write_frames
from castgraph.pages.explorer.landscape import Embedded, read_landscape, write_group_pictures
from castgraph.pages.explorer.law import LAW
from castgraph.pages.made import configuration_text, versions
from castgraph.people.places import read_places
from castgraph.people.table import shown
from castgraph.run.uncounted import read_uncounted

log = logging.getLogger(__name__)

FORMAT = 1
"""Of the data, which the script has to know."""

WEB = Path(__file__).parents[1] / "web"
"""Where the script lies, and what belongs to it."""

SCRIPT = ("explorer.js", "explorer.css", "LICENSES.txt")

_MOST_LINES = 2000  # of the configuration
_LAZY = ("times", "distances", "boxes", "said", "sighted")
_PICTURES = ("frames", "atlas", "group_pictures")  # which are not what was counted


def write_explorer(
    folder: Path,
    run: Path,
    clustering: str,
    config: Mapping[str, Any],
    opened: Open,
    *,
    workers: int = 1,
    with_words: bool = False,
    embedded: Embedded | None = None,
    suspects: Path | None = None,
    back: str = "",
) -> None:
    """Write the explorer of a clustering.

    Parameters
    ----------
    folder
        The folder to fill.
    run
        The results of the run.
    clustering
        The name of the clustering, whose tables lie in the folder of that name there.
    config
        Its configuration: the page tells all of it, and the sections ``archive``, ``people``, ``network`` and
        ``explorer`` say what is shown.
    opened
        Opens the frames of a broadcast; see `castgraph.archive.media.frames.frames_of`. Several threads call
        it.
    workers
        Threads that make pictures. What is written does not depend on it.
    with_words
        Whether the run has transcripts.
    embedded
        The tables of the frames as wholes; None where the run has none.
    suspects
        The table of suspects; None where the run does not look for them. They count unless
        ``labelling.exclude_suspects`` of the configuration says otherwise.
    back
        Where the report lies, from the page; empty for nowhere.

    Raises
    ------
    TableError
        When tables do not fit each other, or were made by an earlier castgraph.

    Notes
    -----
    Who is not shown (`castgraph.pages.explorer.data.people_shown`) is in no table and has no portrait. Frames
    that cannot be had are left out; the log names the broadcasts, and the page counts them.
    """
    settings, network, options = (config[section] for section in ("archive", "network", "explorer"))
    here = run / clustering
    everybody = tables.read(here / "people.parquet", tables.PEOPLE)
    of_network = shown(everybody, config["people"]["min_seconds"])
    people = data.people_shown(
        everybody, config["people"]["min_seconds"], only_named=options["people"] == "named"
    )
    broadcasts = data.in_order(tables.read(run / "broadcasts.parquet", tables.BROADCASTS))
    numbers = Numbers(people["person_id"].to_pylist(), broadcasts["broadcast"].to_pylist())

    places = read_places(run / "faces.parquet")
    ids = everybody["person_id"].to_pylist()
    found = tables.read_members(here / "members.parquet", run / "faces.parquet", ids)
    page_number = np.append(numbers.of_people(pa.array(ids, pa.string())), NOBODY)
    members = tables.Members(page_number[found.person].astype(np.int32), found.why, numbers.people)

    frames = data.read_frames(run / "frames.parquet", broadcasts, numbers, settings["frame_seconds"])
    template = frame_templates(
        read_selection(run / "selected.csv"), settings["base_url"], settings["frame_url"]
    )
    pairs = tables.read(here / "edges.parquet", tables.EDGES)
    networks = variants.networks(pairs, of_network, network)
    edges = data.edge_columns(pairs, numbers, networks.asked, networks.compared.get(layers.WITHOUT_HOSTS))
    faces = data.faces_shown(places, members.person.astype(np.int64), numbers)
    distance = tables.read(here / "members.parquet", tables.MEMBERS, ["distance"])["distance"].to_numpy()
    distances, scale = data.distance_columns(distance[faces.rows])

    for name in ("data", "portraits", "frames"):
        (folder / name).mkdir()
    portraits = here / "portraits" if config["people"]["portraits"] else None
    pictured, pages = atlas.write_portraits(numbers.people, portraits, folder / "portraits")
    wanted = chosen_frames(here / "meetings.parquet", edges, numbers, options["pairs"], options["frames"])
    pictures, problems = write_frames(
        folder / "frames", wanted, edges, numbers, places, members, opened,
        blur=options["blur"], workers=workers,
    )  # fmt: skip
    for broadcast, problem in problems.items():
        log.warning("%s: frames are left out; %s", broadcast, problem)

    step, first = faces.columns()
    of_page: dict[str, Columns] = {
        "people": data.people_columns(people, read_nodes(here / "graph.graphml"), numbers, pictured),
        "broadcasts": data.broadcast_columns(broadcasts, frames, lambda name: openable(template(name))),
        "unread": frames.unread,
        "replays": data.replay_columns(tables.read(run / "replays.parquet", tables.REPLAYS), numbers),
        "edges": edges,
        "faces": step,
        "frames": pictures,
        "times": frames.times,
        "distances": distances,
        "boxes": data.box_columns(places, faces),
    }
    cuts = {"boxes": faces.first.tolist()}
    if pages:
        of_page["atlas"] = {"jpeg": pages}
    if with_words:
        of_page["words"] = data.word_columns(tables.read(here / "words.parquet", tables.WORDS), numbers)
        utterances = tables.read(run / "utterances.parquet", tables.UTTERANCES)
        of_page["said"], cuts["said"] = data.said_columns(utterances, numbers)
    suspected: dict[str, Any] = {}
    if suspects:
        leaves_out = config["labelling"]["exclude_suspects"]
        suspected = {"suspects": _suspects(suspects, numbers, left_out=leaves_out)}
        if leaves_out:
            once = network["count_replays"] == "once"
            replays = run / "replays.parquet" if once else None
            out = read_uncounted(replays, suspects, numbers.broadcasts).all
            of_page["uncounted"] = data.uncounted_columns(out, frames.n_frames, numbers)
    whole: dict[str, Mapping[str, Values]] = {"faces": first}
    of_visual: dict[str, Any] = {}
    if embedded:
        landscape = read_landscape(run, clustering, numbers)
        (folder / "groups").mkdir()
        there = write_group_pictures(
            folder / "groups", landscape, embedded, run / "frames.parquet", numbers, places, members,
            blur=options["blur"],
        )  # fmt: skip
        of_page["seen_with"] = landscape.seen_with
        of_page["sights"] = landscape.sights
        of_page["group_pictures"] = {"sight": there}
        of_page["sighted"] = landscape.sighted
        whole["sighted"] = {"begins": landscape.first}
        of_visual["visual"] = {"broadcasts": landscape.n_broadcasts, "frames": landscape.n_frames}
    written = {
        name: write_table(folder / "data", name, columns, whole=whole.get(name), cuts=cuts.get(name))
        for name, columns in of_page.items()
    }

    counts = {
        **_read_of(broadcasts, frames),
        "faces": len(places),
        "faces_with_person": int((found.person != tables.NOISE).sum()),
        "faces_shown": len(faces.rows),
        "people": len(numbers.people),
        "people_left_out": len(everybody) - len(numbers.people),
        "pairs": len(edges["weight"]),
        "pairs_left_out": len(pairs) - len(edges["weight"]),
        "edges": int(np.sum(edges["kept"])),
        "pictures": len(pictures["edge"]),
        "pictures_missing": len(wanted) - len(pictures["edge"]),
    }
    facts: dict[str, Any] = {
        "format": FORMAT,
        "run": run.name,
        "clustering": clustering,
        **_counting(network, settings["frame_seconds"]),
        **suspected,
        "people": options["people"],
        "hosts": _of_page(networks.hosts, numbers),
        "excluded": _of_page(networks.excluded, numbers),
        "distance_scale": scale,
        **of_visual,
    }
    # Whatever pictures there are, they are not what was counted.
    known = data_id(facts, {name: each for name, each in written.items() if name not in _PICTURES})
    period = on_air(run / "frames.parquet", settings["frame_seconds"])
    cells = {"cell": atlas.CELL, "columns": atlas.COLUMNS, "pages": len(pages), "per_page": atlas.PER_PAGE}
    manifest = {
        **facts,
        "data_id": known,
        "blur": options["blur"],
        "frames": options["frames"],
        "atlas": cells,
        "castgraph": __version__,
        "counts": counts,
        "gaps": _gaps(broadcasts),
        "settings": configuration_text(config, _MOST_LINES),
        "versions": versions(),
        "law": LAW,
        "citation": _citation(run.name, clustering, counts, period, known),
        "back": back,
        "map": "../../visual/map.html" if config["visual"]["embedder"] else "",
        "files": {
            name: {"parts": each.parts, "eager": name not in _LAZY, "bytes": each.n_bytes}
            for name, each in written.items()
        },
    }
    (folder / "data" / "manifest.js").write_text(f"CG.manifest({script_json(manifest)});\n", encoding="ascii")
    for name in SCRIPT:
        shutil.copyfile(WEB / name, folder / name)
    theme.render(
        folder / "index.html",
        "explorer/index.html.j2",
        run=run.name,
        clustering=clustering,
        n_people=counts["people"],
        n_pairs=counts["pairs"],
        n_broadcasts=counts["broadcasts"],
        scripts=[
            file
            for name, each in written.items()
            if name not in _LAZY
            for file in file_names(name, each.parts)
        ],
    )
    log.info(
        "explorer of %d people, %d pairs, %d pictures of frames",
        *map(counts.get, ("people", "pairs", "pictures")),
    )


def _read_of(broadcasts: pa.Table, frames: data.Frames) -> dict[str, int]:
    """Count what there is and what of it was read."""
    read = pc.is_in(broadcasts["status"], pa.array(READ))
    return {
        "broadcasts": len(broadcasts),
        "broadcasts_read": pc.sum(read).as_py() or 0,
        "frames": frames.n_all,
        "frames_read": frames.n_read,
    }


def _counting(network: Mapping[str, Any], frame_seconds: float) -> dict[str, Any]:
    """Tell how pairs are counted: what the page needs to count them itself."""
    told = ("mode", "count_replays", "significant", "always_on", "top_edges", "period")
    return {
        "frame_seconds": frame_seconds,
        **{key: network[key] for key in told},
        "layers": list(layers.exported(network)),
        "weights": dict(layers.weights(network)),
        "within": layers.frames_within(network["within"], frame_seconds),
    }


def _suspects(suspects: Path, numbers: Numbers, *, left_out: bool) -> dict[str, Any]:
    """Tell which broadcasts of the page are suspects, and what each is like instead."""
    like = {
        row["broadcast"]: (row["other_title"] or "").replace("_", " ")
        for row in tables.read(suspects, tables.SUSPECTS, ["broadcast", "other_title"]).to_pylist()
    }
    of_page = set(read_uncounted(None, suspects, numbers.broadcasts).suspected)
    found = [number for number, name in enumerate(numbers.broadcasts) if name in of_page]
    return {
        "left_out": left_out,
        "page": "../labelling.html",
        "broadcast": found,
        "like": [like.get(numbers.broadcasts[number], "") for number in found],
    }


def _of_page(ids: Sequence[str], numbers: Numbers) -> list[int]:
    found = numbers.of_people(pa.array(ids, pa.string()))
    return [number for number in found.tolist() if number != NOBODY]


def _gaps(broadcasts: pa.Table) -> dict[str, int]:
    """Count the broadcasts that were not, or not wholly, read, by status."""
    found = Counter(broadcasts["status"].to_pylist())
    return {word: found[word] for word in NOT_OK if found[word]}


def _citation(run: str, clustering: str, counts: Mapping[str, int], period: Any, data_id: str) -> str:
    when = f", {times.day(period[0])} to {times.day(period[1])}" if period else ""
    told = ", ".join(
        [
            f"{counts['broadcasts_read']:,} of {counted(counts['broadcasts'], 'broadcast')} read{when}",
            counted(counts["frames_read"], "frame"),
            counted(counts["people"], "person", "people"),
            counted(counts["pairs"], "pair"),
        ]
    )
    return f"castgraph {__version__}, {run} ({clustering}): {told}; data {data_id}"
