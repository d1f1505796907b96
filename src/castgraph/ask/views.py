"""SQL over the tables of a run, and over nothing else: it reads no file, writes none, and asks no server."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from threading import Thread
from typing import Any, NamedTuple, TypeVar

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from castgraph.ask.results import ALL_FACES, RUN_TABLES, Results
from castgraph.base import tables
from castgraph.base.tables import Kind
from castgraph.base.text import line, quoted

MEMORY_MB = 2000
"""What a question may take, in MB; more is refused rather than put on disk."""

NAMES = "names"
"""The view of who is called what: ``person_id`` and ``name``."""

_LOCKED: Mapping[str, str] = {
    "enable_external_access": "false",
    "temp_directory": "",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",  # else a name in SQL may be that of a variable here
}
_NO_TABLE = re.compile(r"Table with name (.+?) does not exist")
_ROWS = 8192
"""Rows of an answer that are taken at a time."""

_AGAIN_S = 0.1
"""Seconds after which DuckDB is told once more to stop: while a statement only begins, it forgets that."""

_T = TypeVar("_T")


class QueryError(ValueError):
    """A question that cannot be answered; the message is a sentence for whoever asked it."""


class Column(NamedTuple):
    """A column of a view."""

    table: str
    column: str
    type: str
    meaning: str


class Views:
    """The tables of some results as views: whatever the registry has of a run.

    Parameters
    ----------
    results
        The run and the clustering.
    memory_mb
        What a question may take, in MB.

    Attributes
    ----------
    absent
        Table → why there is no view of it.

    Notes
    -----
    The tables are read as far as a question needs them, some rows at a time. Faces that are nobody's to see
    (ignored, or no faces) are left out of every table of faces.
    """

    def __init__(self, results: Results, memory_mb: int = MEMORY_MB) -> None:
        self.results = results
        self.absent: dict[str, str] = {}
        self._connection = duckdb.connect(
            ":memory:",
            config={**_LOCKED, "memory_limit": f"{memory_mb}MB", "preserve_insertion_order": "true"},
        )
        left_out = pa.array([f"{broadcast}/{face}" for broadcast, face in results.left_out()], pa.string())
        for name, kind in of_run().items():
            self._add(name, kind, left_out)
        if "people" not in self.absent:
            self._connection.execute(f"CREATE VIEW {NAMES} AS SELECT person_id, name FROM people")  # noqa: S608
        self._connection.execute("SET TimeZone = 'UTC'")
        self._connection.execute("SET lock_configuration = true")

    def _add(self, name: str, kind: Kind, left_out: pa.Array) -> None:
        path = self.results.path(name)
        if "{clustering}" in kind.path and not self.results.clustering:
            self.absent[name] = f"{self.results.run} has no clustering yet"
            return
        try:
            with tables.opened(path, kind.schema):
                pass
        except FileNotFoundError:
            self.absent[name] = f"there is no {path}: the run has not made it"
            return
        except (OSError, tables.TableError) as error:
            self.absent[name] = str(error)
            return
        source = ds.dataset(str(path), schema=_plain(kind.schema), format="parquet")
        for column in ALL_FACES.get(name, ()) if len(left_out) else ():
            number = ds.field(column).cast(pa.string())
            key = pc.binary_join_element_wise(ds.field("broadcast"), number, "/")
            source = source.filter(~pc.is_in(key, value_set=left_out))
        self._connection.register(name, source)

    def ask(self, sql: str, parameters: Mapping[str, Any] | None = None) -> pa.RecordBatchReader:
        """Answer a question in SQL.

        Parameters
        ----------
        sql
            One statement that reads: ``SELECT``, ``FROM``, ``DESCRIBE``, ``SUMMARIZE``, ``EXPLAIN``.
        parameters
            Values for ``$name`` in it.

        Returns
        -------
        RecordBatchReader
            The rows, some at a time. Moments are UTC.

        Raises
        ------
        QueryError
            When it is something else, is wrong, or takes more memory than there is for it; also when rows are
            taken.
        KeyboardInterrupt
            On Ctrl-C; the question has ended by then. Also when rows are taken.
        """
        reader = self._waited(lambda: self._reader(sql, dict(parameters or {})))
        return pa.RecordBatchReader.from_batches(reader.schema, self._taken(reader))

    def _reader(self, sql: str, parameters: dict[str, Any]) -> pa.RecordBatchReader:
        try:
            statements = self._connection.extract_statements(sql)
            if len(statements) != 1:
                raise QueryError(f"one statement is needed; found {len(statements)}")
            allowed = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
            if statements[0].type not in allowed:
                raise QueryError(
                    f"only what reads can be asked, such as SELECT; found {statements[0].type.name}"
                )
            found = self._connection.sql(sql, params=parameters)
            if found is None:
                raise QueryError("that gives no rows")
            return found.to_arrow_reader(_ROWS)
        except duckdb.Error as error:
            raise QueryError(self._told(error)) from error

    def _taken(self, reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        try:
            while (batch := self._waited(lambda: next(reader, None))) is not None:
                yield batch
        except (duckdb.Error, pa.ArrowException) as error:
            raise QueryError(self._told(error)) from error

    def _waited(self, work: Callable[[], _T]) -> _T:
        """Do it in another thread: DuckDB's own work may keep the main thread from hearing of Ctrl-C."""
        future: Future[_T] = Future()

        def begin() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(work())
                except BaseException as error:
                    future.set_exception(error)

        try:
            Thread(target=begin).start()
            return future.result()
        except BaseException:
            while not future.cancel() and not future.done():
                self._connection.interrupt()
                wait([future], _AGAIN_S)
            raise

    def _told(self, error: Exception) -> str:
        text = str(error)
        if match := _NO_TABLE.search(text):
            name = match[1]
            return f"no table {quoted(name)}: {self.absent.get(name, 'castgraph ask --tables tells them')}"
        if isinstance(error, duckdb.OutOfMemoryException) or "Out of Memory" in text:
            return "the question takes more memory than it may; ask for less at a time"
        if isinstance(error, duckdb.PermissionException):
            return "only the tables of the run can be asked: no file, no address, no extension, no setting"
        # The statement itself stands behind an empty line.
        return line(text.split("\n\n")[0])

    def columns(self) -> list[Column]:
        """Describe the columns of all tables of a run, and of `NAMES`; also of those that are not there."""
        found = []
        for name, kind in of_run().items():
            types = self._connection.from_arrow(_plain(kind.schema).empty_table()).types
            for (column, _, meaning), type_ in zip(kind.columns, types, strict=True):
                found.append(Column(name, column, str(type_), meaning))
        meanings = {name: meaning for name, _, meaning in tables.TABLES["people"].columns}
        return found + [Column(NAMES, name, "VARCHAR", meanings[name]) for name in ("person_id", "name")]


def rows_of(batch: pa.RecordBatch) -> Iterator[tuple[Any, ...]]:
    """Give the rows as plain values; a number of float32 has no more digits than it needs."""

    def values(column: pa.Array) -> list[Any]:
        if pa.types.is_float32(column.type):
            column = column.cast(pa.string()).cast(pa.float64())
        return column.to_pylist()  # type: ignore[no-any-return]

    return zip(*map(values, batch.columns), strict=True)


def of_run() -> dict[str, Kind]:
    """Give the tables of a run by name: all of the registry but those of all runs."""
    return {name: kind for name, kind in tables.TABLES.items() if kind.path.startswith(RUN_TABLES)}


def _plain(schema: pa.Schema) -> pa.Schema:
    """Write out texts, and moments to the microsecond, as DuckDB has them and compares them in the files."""

    def plain(kind: pa.DataType) -> pa.DataType:
        if pa.types.is_dictionary(kind):
            return kind.value_type
        return pa.timestamp("us", tz="UTC") if pa.types.is_timestamp(kind) else kind

    return pa.schema([(field.name, plain(field.type)) for field in schema])
