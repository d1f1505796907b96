"""A configuration and a table of recordings for whatever lies in a folder."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import yaml

from castgraph.archive.broadcast import STATION_PATTERN
from castgraph.archive.listing import names
from castgraph.archive.listing.left_alone import LeftAlone, grouped
from castgraph.archive.listing.local import local_source
from castgraph.archive.listing.recordings import NO_DATE, Dates, Row, survey, with_ids
from castgraph.base import csvs, files
from castgraph.base.text import visible
from castgraph.run import config
from castgraph.transcripts.beside import beside, own

DEPTH = 5
"""How many folders deep recordings are looked for."""

_OURS = ("results", "resources", "scratch")  # what runs write in the working directory


class Begun(NamedTuple):
    """What was written for a folder of recordings.

    Attributes
    ----------
    config, table
        The files.
    kinds
        How many recordings of each kind are in the table.
    rows
        The rows of the table.
    without_id
        What got no ID. Its rows in the table are comments: with an ID in the place of ``#`` they count.
    left_alone
        What else lies in the folder.
    """

    config: Path
    table: Path
    kinds: Mapping[str, int]
    rows: list[Row]
    without_id: list[LeftAlone]
    left_alone: list[LeftAlone]


def begin(
    folder: Path,
    station: str,
    dates: Dates | None = None,
    *,
    name: str = "",
    depth: int = DEPTH,
    force: bool = False,
    here: Path | None = None,
) -> Begun:
    """Write the configuration of a run on the recordings in a folder, and the table that gives them IDs.

    Parameters
    ----------
    folder
        Where to look for recordings.
    station
        The station of those that have no ID yet.
    dates
        Where days and times come from that names do not say; None where they come from nowhere else.
    name
        Of the run and of the files, ``{name}.yaml`` and ``{name}.csv``; empty for that of the folder.
    depth
        How many folders deep to look.
    force
        Whether to replace files of these names.
    here
        The folder to write into, from which sources are relative; None for the working directory.

    Raises
    ------
    ValueError
        When something that is given is wrong, when nothing gets an ID, and when a file is there already.
    """
    here = here or Path.cwd()
    if not re.fullmatch(STATION_PATTERN, station):
        raise ValueError(f"the station {station!r}; allowed: letters (A to Z) and digits, as in IDs")
    folder = folder.resolve() if folder.name in ("", "..") else folder
    name = name or _run_name(folder)
    table, file = here / f"{name}.csv", here / f"{name}.yaml"
    loaded = {"run": name, "broadcasts": {"file": table.name}}
    config.load(loaded)
    for path in (table, file):
        if path.exists() and not force:
            raise ValueError(f"{path.name} is there already; --force replaces it, --name gives another name")
    try:
        found, left = survey(folder, depth, [here / each for each in _OURS])
    except ValueError as error:
        raise ValueError(f"{folder}: {error}") from error
    rows, without = with_ids(found, station, dates or Dates(), here)
    if not rows:
        reasons = "; ".join(grouped([*without, *left])) or "it is empty"
        advice = (
            "; --date or --date-from-file gives one"
            if any(each.reason == NO_DATE for each in without)
            else ""
        )
        raise ValueError(f"{folder}: nothing in it gets an ID: {reasons}{advice}")
    # What a run takes beside a recording is not left alone.
    transcripts = own(str(here / row.source) for row in rows)
    taken = {beside(source, found.name) for source, found in transcripts.items()}
    left = [each for each in left if str(here / local_source(each.path, here)) not in taken]
    comments = [("#", visible(each.path), each.reason) for each in without]
    text = (
        f"# Written by castgraph init; {table.name} is to be checked. config/README.md explains all keys.\n"
    )
    with files.atomic_together(table, file) as (table_part, file_part):
        with table_part.open("w", encoding="utf-8", newline="") as part:
            csvs.put(part, Row._fields, [*rows, *comments])
        file_part.write_text(text + yaml.safe_dump(loaded, sort_keys=False), encoding="utf-8")
    sources = {row.source for row in rows}
    kinds = Counter[str](each.kind for each in found if local_source(str(each.path), here) in sources)
    return Begun(file, table, kinds, rows, without, left)


def _run_name(folder: Path) -> str:
    """Make the name of a run of that of a folder."""
    name = names.title(folder.name) or "recordings"
    try:
        config.load({"run": name, "broadcasts": {"folder": name}})
    except config.ConfigError:  # the name of a folder of results
        return f"run-{name}"
    return name
