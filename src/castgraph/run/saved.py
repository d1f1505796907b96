"""What is known of a run's faces at several eps, kept in a file so that the next clustering begins there."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from castgraph.base import tables
from castgraph.clustering.state import Level, State
from castgraph.run.counted import Portion

_VERSION = 1


class StateError(ValueError):
    """A saved state that cannot be continued from; the message says why."""


@dataclass(frozen=True)
class Saved:
    """A saved state, brought to the faces of now.

    Attributes
    ----------
    state
        What is known, of all faces of now.
    new
        Shape (n_counted,), bool: the faces that were not there; of these nothing is known.
    """

    state: State
    new: NDArray[np.bool_]


def save(path: str | os.PathLike[str], state: State, portions: Sequence[Portion]) -> None:
    """Write a state to `path`, atomically.

    Parameters
    ----------
    path
        A Parquet file with one row a counted face; its provenance has the version, a checksum and the
        broadcasts.
    state
        What is known.
    portions
        Whose faces the points are.
    """
    columns: dict[str, pa.Array] = {}
    for place, level in enumerate(state.levels):
        pairs = level.pairs[np.lexsort(level.pairs.T[::-1])]
        ends = np.searchsorted(pairs[:, 0], np.arange(state.n + 1)).astype(np.int64)
        columns[f"core_{place}"] = pa.array(level.core)
        columns[f"root_{place}"] = pa.array(level.root)
        columns[f"neighbours_{place}"] = pa.LargeListArray.from_arrays(ends, pa.array(pairs[:, 1]))
    settings = {"min_samples": state.min_samples, "eps": list(state.eps)}
    broadcasts = [list(portion) for portion in portions]
    facts = tables.provenance("clustering", settings, version=_VERSION, broadcasts=broadcasts)
    table = pa.table(columns)
    tables.write(path, table, {**facts, "checksum": _checksum(facts, table)})


def load(
    path: str | os.PathLike[str], portions: Sequence[Portion], min_samples: int, wanted: Collection[float]
) -> Saved:
    """Read a state and bring it to the faces of now.

    Parameters
    ----------
    path
        What `save` wrote.
    portions
        The broadcasts of now: all of the saved ones, unchanged, and perhaps more.
    min_samples
        Has to be that of the state.
    wanted
        Which eps to read, of those that are there.

    Raises
    ------
    StateError
        When the file is not there, not whole, of another version, not of these faces, or has none of the eps.
    """
    try:
        facts, table = _read(Path(path))
    except (StateError, MemoryError):
        raise
    except FileNotFoundError as error:
        raise StateError("none was saved yet") from error
    except Exception as error:  # whatever a damaged file brings about
        raise StateError(f"{path} cannot be read ({error})") from error
    settings = facts["settings"]
    if settings["min_samples"] != min_samples:
        raise StateError(f"it was made with min_samples {settings['min_samples']}, not {min_samples}")
    rows = _rows([Portion(*portion) for portion in facts["broadcasts"]], portions)
    n = sum(portion.n_faces for portion in portions)
    levels = {
        value: _moved(table, place, rows, n, min_samples)
        for place, value in enumerate(settings["eps"])
        if value in wanted
    }
    if not levels:
        raise StateError(f"it knows of other eps only: {settings['eps']}")
    new = np.ones(n, dtype=bool)
    new[rows] = False
    return Saved(State(tuple(levels), min_samples, list(levels.values())), new)


def _read(path: Path) -> tuple[dict[str, Any], pa.Table]:
    facts = tables.read_provenance(path)
    if facts.get("version") != _VERSION:
        raise StateError(f"{path} has version {facts.get('version')}, not {_VERSION}")
    table = pq.read_table(path, partitioning=None)
    if facts.pop("checksum", None) != _checksum(facts, table):
        raise StateError(f"{path} is damaged: its checksum is wrong")
    return facts, table


def _checksum(facts: dict[str, object], table: pa.Table) -> str:
    digest = hashlib.blake2b(json.dumps([facts, table.column_names], sort_keys=True).encode(), digest_size=16)
    for name in table.column_names:
        column = table[name].combine_chunks()
        values = [column.value_lengths(), column.flatten()] if name.startswith("neighbours") else [column]
        for value in values:
            digest.update(value.to_numpy())
    return digest.hexdigest()


def _rows(saved: Sequence[Portion], portions: Sequence[Portion]) -> NDArray[np.int32]:
    """Tell for each saved face its row now."""
    begins = np.cumsum([0, *(portion.n_faces for portion in portions)])
    now = {portion.broadcast: place for place, portion in enumerate(portions)}
    before = -1
    rows = [np.empty(0, dtype=np.int32)]
    for portion in saved:
        place = now.get(portion.broadcast)
        if place is None:
            raise StateError(f"the faces of {portion.broadcast} are gone")
        if portions[place] != portion:
            raise StateError(f"the faces of {portion.broadcast} have changed")
        if place < before:
            raise StateError(f"{portion.broadcast} has another place among the broadcasts")
        before = place
        rows.append(np.arange(begins[place], begins[place + 1], dtype=np.int32))
    return np.concatenate(rows)


def _moved(table: pa.Table, place: int, rows: NDArray[np.int32], n: int, min_samples: int) -> Level:
    """Give each point its row of now; their order is the same, so a smallest point stays the smallest."""
    level = Level.unknown(n, min_samples)
    level.core[rows] = table[f"core_{place}"].to_numpy()
    level.root[rows] = rows[table[f"root_{place}"].to_numpy()]
    neighbours = table[f"neighbours_{place}"].combine_chunks()
    first = np.repeat(rows, neighbours.value_lengths().to_numpy())
    level.pairs = np.stack([first, rows[neighbours.flatten().to_numpy()]], axis=1)
    return level
