"""Reading, writing and checking a table, whichever it is."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from castgraph import __version__
from castgraph.base import files
from castgraph.base.tables.registry import Kind

ROW_GROUP = 65_536
"""Rows of a table that are written, and read, at a time, about."""

ROW_GROUP_BYTES = 64 << 20
"""The most of them, in bytes, about."""

_BUFFER = 1 << 20
"""Bytes of a column that are read at a time where a table is read some rows at a time."""


# Parquet knows no whole seconds: they come back as milliseconds.
_SECOND, _MILLISECOND = (pa.timestamp(unit, tz="UTC") for unit in ("s", "ms"))


class TableError(ValueError):
    """A table is not what it should be; the message says which, and why."""


def provenance(stage: str, settings: Mapping[str, Any], **facts: Any) -> dict[str, Any]:
    """Tell how a table came about: the version, the stage, its settings and facts such as counts."""
    return {"castgraph": __version__, "stage": stage, "settings": dict(settings), **facts}


def read_provenance(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the provenance of the Parquet file at `path`."""
    return _facts(pq.read_metadata(path))


def _facts(metadata: pq.FileMetaData) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((metadata.metadata or {}).get(b"castgraph", b"{}"))
    return facts


def read(path: str | os.PathLike[str], schema: pa.Schema, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a table, once it is known that it has the columns.

    Parameters
    ----------
    path
        The Parquet file.
    schema
        The columns that a table of this kind has now.
    columns
        Which of them to read; None for all. The others need not be there.

    Raises
    ------
    TableError
        When a column is not there or is of another type, as an earlier castgraph left it, or the file is not
        whole.
    """
    wanted = _wanted(schema, columns)
    with opened(path, wanted) as file:
        return file.read(wanted.names).cast(wanted)


def batches(
    path: str | os.PathLike[str],
    schema: pa.Schema,
    columns: Sequence[str] | None = None,
    rows: int = ROW_GROUP,
) -> Iterator[pa.RecordBatch]:
    """Read a table as `read` does, but `rows` rows at a time."""
    wanted = _wanted(schema, columns)
    # Without these two a row group of the file, up to a million faces, is read as one piece.
    with opened(path, wanted, buffer_size=_BUFFER, pre_buffer=False) as file:
        for batch in file.iter_batches(rows, columns=wanted.names, use_threads=False):
            yield batch.cast(wanted)


def by_broadcast(
    path: str | os.PathLike[str], schema: pa.Schema, columns: Sequence[str]
) -> Iterator[tuple[str, list[NDArray[Any]]]]:
    """Read a table that is sorted by broadcast as `read` does, but a broadcast at a time.

    Yields
    ------
    broadcast : str
    values : list of ndarray of shape (n_rows,)
        Its rows of each of the columns.
    """
    parts = (
        (name, [batch[column][part].to_numpy(zero_copy_only=False) for column in columns])
        for batch in batches(path, schema, ["broadcast", *columns])
        for name, part in runs(batch["broadcast"])
    )
    for name, group in groupby(parts, itemgetter(0)):
        yield name, [np.concatenate(values) for values in zip(*(part for _, part in group), strict=True)]


def runs(texts: pa.DictionaryArray) -> Iterator[tuple[str, slice]]:
    """Find the stretches of rows that hold the same text."""
    codes = texts.indices.to_numpy()
    begins = np.flatnonzero(np.diff(codes, prepend=-1))
    names = texts.dictionary.take(texts.indices.take(begins)).to_pylist()
    return zip(names, map(slice, begins.tolist(), [*begins[1:].tolist(), len(codes)]), strict=False)


def _wanted(schema: pa.Schema, columns: Sequence[str] | None) -> pa.Schema:
    return schema if columns is None else pa.schema([schema.field(name) for name in columns])


@contextmanager
def opened(path: str | os.PathLike[str], wanted: pa.Schema, **options: Any) -> Iterator[pq.ParquetFile]:
    """Open a table, once it is known that it has the columns `wanted`; raises as `read`."""
    try:
        file = pq.ParquetFile(path, **options)
    except pa.ArrowInvalid as error:
        raise TableError(f"{path} cannot be read as a table: {error}") from error
    with file:
        found = file.schema_arrow
        for name, needed in zip(wanted.names, wanted.types, strict=True):
            kind = found.field(name).type if name in found.names else None
            if kind != (_MILLISECOND if needed == _SECOND else needed):
                fault = f"has no column {name}" if kind is None else f"has a column {name} of {kind}"
                made = _facts(file.metadata).get("castgraph", "of unknown version")
                raise TableError(
                    f"{path} {fault}: it was made by an earlier castgraph ({made}); "
                    "the next run makes it again"
                )
        yield file


def write(
    path: str | os.PathLike[str],
    table: pa.Table,
    facts: Mapping[str, Any],
    schema: pa.Schema | None = None,
) -> None:
    """Write `table` to `path` with its provenance, atomically.

    Parameters
    ----------
    path
        The Parquet file to write.
    table
        The rows.
    facts
        The provenance.
    schema
        The columns that it has to have, in this order; None for what is in no registry.

    Raises
    ------
    TableError
        When it has others, before anything is written.
    """
    if schema is not None and not table.schema.equals(schema):
        raise TableError(f"{path}: the columns are\n{table.schema}\nand not\n{schema}")
    with files.atomic(path) as part, _parquet(part, table.schema, facts) as file:
        if table.num_rows:
            file.write_table(table)


@contextmanager
def writer(
    path: str | os.PathLike[str], schema: pa.Schema, facts: Mapping[str, Any]
) -> Iterator[Callable[[pa.Table], None]]:
    """Write a table part by part, with one row group in memory at a time.

    Parts are put together until they make a row group of `ROW_GROUP` rows or `ROW_GROUP_BYTES`: what a reader
    has to keep of each row group would else be more than what it reads.

    Parameters
    ----------
    path
        The Parquet file to write. It is written in place: give what `castgraph.base.files.atomic` yields.
    schema
        The columns. A part that differs is refused by Arrow.
    facts
        The provenance, as it is when the block ends.

    Yields
    ------
    callable
        Takes the parts, in order.
    """
    parts: list[pa.Table] = []
    n_rows = n_bytes = 0

    with _parquet(path, schema, facts) as file:

        def flush() -> None:
            nonlocal n_rows, n_bytes
            if n_rows:
                # With one dictionary for all, or Parquet writes the texts out.
                file.write_table(pa.concat_tables(parts).unify_dictionaries().combine_chunks())
            parts.clear()
            n_rows = n_bytes = 0

        def add(part: pa.Table) -> None:
            nonlocal n_rows, n_bytes
            parts.append(part.cast(schema))
            n_rows += part.num_rows
            n_bytes += part.nbytes
            if n_rows >= ROW_GROUP or n_bytes >= ROW_GROUP_BYTES:
                flush()

        yield add
        flush()


@contextmanager
def _parquet(
    path: str | os.PathLike[str], schema: pa.Schema, facts: Mapping[str, Any]
) -> Iterator[pq.ParquetWriter]:
    with pq.ParquetWriter(path, schema, compression="zstd") as file:
        yield file
        text = json.dumps(facts, sort_keys=True, ensure_ascii=False)
        file.add_key_value_metadata({"castgraph": text})


def check(path: str | os.PathLike[str], kind: Kind) -> None:
    """Check that a table is what the registry says: its columns, its key and its order.

    The whole table is read; it is meant for tests and for finding a fault.

    Raises
    ------
    TableError
        When it is not.
    """
    table = read(path, kind.schema)
    if (found := pq.read_schema(path).names) != kind.schema.names:
        raise TableError(f"{path} has the columns {found}, not {kind.schema.names}")
    keys = table.select(list(kind.key))
    if keys.group_by(list(kind.key)).aggregate([]).num_rows < len(keys):
        raise TableError(f"{path} has several rows with the same {', '.join(kind.key)}")
    order = [(name.removeprefix("-"), "descending" if name[0] == "-" else "ascending") for name in kind.order]
    if order:
        columns = {name: _plain(table[name]) for name, _ in order}
        rows = pa.table(columns)
        if not rows.sort_by(order).equals(rows):
            raise TableError(f"{path} is not sorted by {', '.join(kind.order)}")


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Write out a column of few different texts: Arrow does not sort it otherwise."""
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
