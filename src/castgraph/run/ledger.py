"""What a run remembers beside its results: one folder, in which every entry says what it costs to delete it.

Snakemake knows which file was made of which and by which parameters. What it cannot know lies here, in the
folder `FOLDER` beside the results of all runs. Nothing here is needed to read a result.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from castgraph.base import files
from castgraph.base.locks import locked

FOLDER = "ledger"
"""The folder in ``results/``."""


class Kind(StrEnum):
    """What it costs to delete an entry: time; that something is made again; what a person has decided."""

    CACHE = "cache"
    BOOKKEEPING = "bookkeeping"
    DECISION = "decision"


class Entry(NamedTuple):
    """One kind of file in the ledger: its path in the folder, and what becomes of a run without it."""

    path: str
    kind: Kind
    holds: str
    without: str


ASKED = "asked.json"
"""The entry that says what was asked for again, by the paths of their receipts, and how often."""

CORRECTED = "corrected.json"
"""The entry that knows again what was added to files of corrections: digests by the paths of the files."""

FORGOTTEN = "forgotten.parquet"
"""The entry that says which faces are to be forgotten; see `castgraph.faces.forgotten`."""

REVIEWED = "reviewed"
"""The folder of the entries that say what was asked and answered by ``castgraph review``, one a run."""

ENTRIES = (
    Entry(
        ASKED,
        Kind.BOOKKEEPING,
        "what `castgraph retry` asked for again, and how often",
        "what was asked for and not had yet has to be asked for once more; what was had stays as it is",
    ),
    Entry(
        CORRECTED,
        Kind.BOOKKEEPING,
        "which decisions `castgraph people` added to a file of corrections, so that `undo` finds the last",
        "`castgraph people undo` has to be told the line",
    ),
    Entry(
        FORGOTTEN,
        Kind.DECISION,
        "where the faces are that `castgraph people forget` was told to forget",
        "a broadcast that is encoded again has the embeddings of people who were forgotten",
    ),
    Entry(
        f"{REVIEWED}/{{run}}.json",
        Kind.DECISION,
        "what `castgraph review` has asked and how it was answered, unsure or not, step by step",
        "questions are asked again, and what was decided can only be taken back with `castgraph people undo`",
    ),
    Entry(
        "limits/{origin}/{broadcast}.json",
        Kind.BOOKKEEPING,
        "under which limits a broadcast was fetched and unpacked, and what it would take without them",
        "broadcasts that were made under other limits than today's are made again",
    ),
    Entry(
        "inventories/{archive}/{station}.{day}.json",
        Kind.BOOKKEEPING,
        "when an inventory was fetched",
        "its age is told by the date of its file; one that was fetched again before is fetched once more",
    ),
    Entry(
        "dbscan/{run}.parquet",
        Kind.CACHE,
        "what DBSCAN knows of each face, so that the next clustering goes on from there",
        "the next clustering compares all faces anew",
    ),
    Entry(
        "register/{run}/{clustering}.parquet",
        Kind.BOOKKEEPING,
        "which faces each person had, now and before the last change",
        "people may get new IDs",
    ),
    Entry(
        "pace",
        Kind.CACHE,
        "up to which moment the line is taken, where `compute.max_mb_per_s` limits the fetches",
        "fetches that are at work may be too fast for a second",
    ),
)
"""Every kind of file that there is in the folder."""


def read(path: Path) -> dict[str, Any]:
    """Read an entry; empty when it is not there or is damaged."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def change(path: Path, make: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Write an entry as `make` makes it of what is there; nobody else writes to the ledger meanwhile.

    Parameters
    ----------
    path
        The file of the entry, in a ledger; its folder is made when it is not there.
    make
        Gets what `read` gives, and returns what is to be written.
    """
    root = next(folder for folder in path.parents if folder.name == FOLDER)
    with locked(root / ".lock"):
        files.write_json(path, make(read(path)))


def asked(entry: Mapping[str, Any], receipt: Path) -> int:
    """Tell how often something has been asked for again: by the ledger, or by what was had of it.

    Parameters
    ----------
    entry
        The entry `ASKED`.
    receipt
        What the job that had it left, ``results/fetched/….json``. Without it the ledger alone tells, without
        the ledger the receipt.
    """
    numbers = (entry.get(_key(receipt)), read(receipt).get("asked"))
    return max((number for number in numbers if isinstance(number, int)), default=0)


def ask(results: Path, receipts: Iterable[Path]) -> None:
    """Ask once more for what these are the receipts of; the next run does."""
    receipts = list(receipts)

    def more(entry: dict[str, Any]) -> dict[str, Any]:
        return entry | {_key(receipt): asked(entry, receipt) + 1 for receipt in receipts}

    change(results / FOLDER / ASKED, more)


def _key(receipt: Path) -> str:
    """Name what a receipt is of: its path in ``fetched/``, wherever that lies."""
    parts = receipt.with_suffix("").parts
    return "/".join(parts[len(parts) - parts[::-1].index("fetched") :])


def table() -> str:
    """Write the entries as a table in Markdown, for ``docs/operations.md``."""
    rows = [f"| `{entry.path}` | {entry.kind} | {entry.holds} | {entry.without} |" for entry in ENTRIES]
    return "\n".join(["| file | kind | holds | without it |", "|---|---|---|---|", *rows]) + "\n"
