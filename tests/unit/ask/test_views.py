"""SQL over the tables of a run, and over nothing else."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.ask.conftest import ANN, CAST, DAY, Cast, write_people

from castgraph.ask.results import Results
from castgraph.ask.views import QueryError, Views, of_run
from castgraph.base import tables


@pytest.fixture
def views(run: Path) -> Views:
    return Views(Results(run))


def rows(views: Views, sql: str) -> list[dict]:
    return views.ask(sql).read_all().to_pylist()


def test_views_have_every_column_of_the_registry(make_run: Callable[..., Path]) -> None:
    run = make_run("whole", CAST)
    for name in of_run():
        path = Results(run).path(name)
        if path.exists():
            continue
        tables.write(path, tables.TABLES[name].schema.empty_table(), {}, tables.TABLES[name].schema)
    views = Views(Results(run))
    assert views.absent == {}
    for name, kind in of_run().items():
        assert views.ask(f'SELECT * FROM "{name}"').schema.names == kind.schema.names
    assert {"encoded_faces", "encoded_frames", "encoded_visual"} == tables.TABLES.keys() - of_run().keys()
    told = [(each.table, each.column) for each in views.columns()]
    expected = [(name, column) for name, kind in of_run().items() for column in kind.schema.names]
    assert told == [*expected, ("names", "person_id"), ("names", "name")]
    assert all(each.meaning and each.type for each in views.columns())


def test_moments_are_utc_and_compared_in_the_files(views: Views) -> None:
    found = rows(
        views, "SELECT DISTINCT frame FROM sightings WHERE time > '2024-01-02 19:00:30' AND frame > 9"
    )
    assert sorted(row["frame"] for row in found) == [10, 20]
    [row] = rows(
        views,
        f"SELECT min(start) AS start, min(start)::DATE AS day FROM broadcasts WHERE broadcast = '{DAY}'",
    )
    assert (row["start"].isoformat(), row["day"].isoformat()) == ("2024-01-02T19:00:00+00:00", "2024-01-02")
    assert rows(views, "SELECT count(*) AS n FROM people WHERE first_seen >= '2024-01-01'") == [{"n": 0}]


def test_names_is_who_is_called_what(views: Views) -> None:
    assert {"person_id": ANN, "name": "Ann Lee"} in rows(views, "FROM names")


def test_what_is_ignored_is_in_no_view(run: Path, views: Views) -> None:
    for name in ("faces", "labels", "members"):
        found = {
            (row["broadcast"], row["face"]) for row in rows(views, f"SELECT broadcast, face FROM {name}")
        }
        assert len(found) == len(CAST.faces) - 1
        assert (DAY, 4) not in found
        [row] = rows(views, f"SELECT count(*) AS n FROM {name} WHERE broadcast = '{DAY}' AND face >= 3")
        assert row["n"] == 4
    assert len(tables.read(run / "faces.parquet", tables.MERGED_FACES)) == len(CAST.faces)
    assert rows(views, "SELECT * FROM members WHERE why = 'ignored'") == []


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.csv"
    path.write_text("a,b\nhidden,1\n")
    return path


HOSTILE = (
    "SELECT * FROM '{file}'",
    "SELECT * FROM read_csv('{file}')",
    "SELECT * FROM read_csv_auto(['{file}'])",
    "SELECT * FROM read_text('{file}')",
    "SELECT * FROM read_blob('{file}')",
    "SELECT * FROM read_json('{file}')",
    "SELECT * FROM read_parquet('{run}/faces.parquet')",
    "SELECT * FROM parquet_scan('{run}/faces.parquet')",
    "SELECT * FROM parquet_metadata('{run}/faces.parquet')",
    "SELECT * FROM parquet_schema('{run}/faces.parquet')",
    "SELECT * FROM glob('{folder}/*')",
    "SELECT * FROM sniff_csv('{file}')",
    "SELECT * FROM query('SELECT * FROM read_text(''{file}'')')",
    "SELECT * FROM query_table('{file}')",
    "SELECT * FROM (DESCRIBE SELECT * FROM read_text('{file}'))",
    "SELECT content FROM read_text('file://{file}')",
    "SELECT * FROM read_text('http://127.0.0.1:9/')",
    "SELECT * FROM read_parquet('s3://bucket/x.parquet')",
    "SELECT * FROM sqlite_scan('{file}', 'x')",
    "SELECT * FROM postgres_scan('', '', '')",
    "EXPLAIN ANALYZE SELECT * FROM read_text('{file}')",
    "WITH x AS (SELECT * FROM read_text('{file}')) SELECT * FROM x",
    "SELECT getenv('HOME')",
    "COPY people TO '{folder}/out.csv'",
    "COPY (SELECT 1) TO '{folder}/out.parquet' (FORMAT parquet)",
    "EXPORT DATABASE '{folder}/out'",
    "IMPORT DATABASE '{folder}/out'",
    "ATTACH '{folder}/out.db'",
    "ATTACH '{folder}/out.db' AS x (TYPE sqlite)",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{folder}/out.csv'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "FORCE INSTALL '{file}'",
    "LOAD '{file}'",
    "SET enable_external_access = true",
    "SET GLOBAL memory_limit = '100GB'",
    "SET temp_directory = '{folder}/out'",
    "RESET lock_configuration",
    "PRAGMA enable_external_access",
    "PRAGMA database_list",
    "CALL enable_logging(storage = 'file', storage_path = '{folder}/out')",
    "SELECT * FROM enable_logging(storage := 'file', storage_path := '{folder}/out')",
    "CREATE TABLE x AS SELECT 1",
    "CREATE SECRET x (TYPE s3)",
    "CREATE PERSISTENT SECRET x (TYPE s3)",
    "CREATE OR REPLACE VIEW people AS SELECT 1",
    "DROP VIEW names",
    "INSERT INTO people VALUES (1)",
    "DELETE FROM people",
    "UPDATE people SET name = 'x'",
    "BEGIN",
    "CHECKPOINT",
    "SELECT 1; COPY (SELECT 1) TO '{folder}/out.csv'",
    "SELECT 1; SELECT 2",
    "PREPARE x AS SELECT 1",
    "EXECUTE x",
    "SELECT * FROM self",
    "SELECT * FROM views",
    "SELECT * FROM left_out",
    "",
    ";",
    "-- nothing",
    "SELEC 1",
    "SELECT '\0",
)


@pytest.mark.parametrize("sql", HOSTILE)
def test_no_file_is_read_or_written_and_nothing_is_changed(
    sql: str, views: Views, run: Path, secret: Path
) -> None:
    left_out = "a variable of this name is none of SQL's business"  # noqa: F841
    before = {path: path.read_bytes() for path in sorted(secret.parent.rglob("*")) if path.is_file()}
    with pytest.raises(QueryError) as error:
        views.ask(sql.format(file=secret, folder=secret.parent, run=run.resolve())).read_all()
    told = str(error.value)
    assert "hidden" not in told.replace("hidden,1", "hidden")
    assert "\n" not in told
    assert told
    assert {path: path.read_bytes() for path in sorted(secret.parent.rglob("*")) if path.is_file()} == before
    assert rows(views, "SELECT name FROM names WHERE person_id = 'K7Q2'") == [{"name": "Ann Lee"}]
    assert [
        row["value"]
        for row in rows(views, "SELECT value FROM duckdb_settings() WHERE name = 'temp_directory'")
    ] == [""]


def test_more_memory_than_there_is_is_a_sentence(run: Path) -> None:
    views = Views(Results(run), memory_mb=50)
    with pytest.raises(QueryError, match="more memory than it may"):
        views.ask("SELECT list(a.range) FROM range(30000) a, range(3000) b").read_all()


def test_a_table_that_is_not_there_is_told(views: Views) -> None:
    with pytest.raises(
        QueryError, match=r"no table 'sweep': there is no .*sweep.parquet: the run has not made"
    ):
        views.ask("SELECT * FROM sweep")
    with pytest.raises(QueryError, match="no table 'swep': castgraph ask --tables tells them"):
        views.ask("SELECT * FROM swep")
    with pytest.raises(QueryError, match=r'column "naem" not found'):
        views.ask("SELECT naem FROM people")


def test_a_table_of_an_earlier_castgraph_is_told(make_run: Callable[..., Path]) -> None:
    run = make_run("old", CAST)
    path = Results(run).path("edges")
    tables.write(path, tables.read(path, tables.EDGES).drop_columns(["weight"]), {"castgraph": "0.0.1"})
    with pytest.raises(QueryError, match=r"'edges': .* no column weight: .*an earlier castgraph \(0.0.1\)"):
        Views(Results(run)).ask("FROM edges")


def test_which_clustering_is_meant(make_run: Callable[..., Path]) -> None:
    run = make_run("several", CAST)
    assert Results(run).clustering == Results(run / "linkage-0.52").clustering == "linkage-0.52"
    faces = [{"broadcast": DAY, "face": 0, "frame": 1, "person": ANN}]
    write_people(run, "eps-0.40", [*faces, *[faces[0] | {"person": ""}] * (len(CAST.faces) - 1)], {})
    # By the configuration: the other is left of an earlier one.
    assert Results(run).clustering == "linkage-0.52"
    assert Results(run, "eps-0.40").clustering == Results(run / "eps-0.40").clustering == "eps-0.40"
    (run / "config.yaml").unlink()
    with pytest.raises(ValueError, match=r"none of them recommended; choose one .*: eps-0.40, linkage-0.52"):
        Results(run)
    tables.write(run / "sweep.parquet", tables.SWEEP.empty_table(), {"recommended": "eps-0.40"})
    assert Results(run).clustering == "eps-0.40"
    with pytest.raises(ValueError, match=r"no clustering 'eps-0.5'; there are: eps-0.40, linkage-0.52"):
        Results(run, "eps-0.5")
    with pytest.raises(
        ValueError, match=r"is the clustering 'eps-0.40', and --clustering says 'linkage-0.52'"
    ):
        Results(run / "eps-0.40", "linkage-0.52")
    with pytest.raises(ValueError, match=r"not the results of a run"):
        Results(run.parent)


@pytest.mark.parametrize("text", ["run: [", "- a list", "run: 7\nnothing: here", "\xff", ""])
def test_a_configuration_that_is_none_is_told(make_run: Callable[..., Path], text: str) -> None:
    run = make_run("odd", CAST)
    (run / "config.yaml").write_text(text, encoding="latin-1")
    with pytest.raises(ValueError, match=r"config\.yaml"):
        _ = Results(run).config
    assert rows(Views(Results(run)), "SELECT count(*) AS n FROM people") == [{"n": 3}]


def test_a_run_without_people_can_be_asked(make_run: Callable[..., Path]) -> None:
    run = make_run("short", Cast([(DAY, 1, "")]))
    for path in (run / "linkage-0.52").iterdir():
        path.unlink()
    views = Views(Results(run))
    assert rows(views, "SELECT count(*) AS n FROM faces") == [{"n": 1}]
    with pytest.raises(QueryError, match=r"no table 'people': .* has no clustering yet"):
        views.ask("FROM people")


MOMENTS = [0.0, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2]
"""After how many seconds it is ended: while it is read, planned, begun, and at work."""

ENDED = f"""
import os, signal, sys
from pathlib import Path
from threading import Timer
from castgraph.ask.results import Results
from castgraph.ask.views import Views

# Where the tests run in the background Ctrl-C is ignored, which a process inherits.
signal.signal(signal.SIGINT, signal.default_int_handler)
views = Views(Results(Path(sys.argv[1])))
for moment in {MOMENTS}:
    try:
        Timer(moment, os.kill, [os.getpid(), signal.SIGINT]).start()
        views.ask(sys.argv[2]).read_all()
    except KeyboardInterrupt:
        (answer,) = views.ask("SELECT count(*) AS n FROM people").read_all()["n"].to_pylist()
        print(moment, answer, flush=True)
"""


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM range(100000000) a, range(100000000) b WHERE a.range * b.range % 7 = 3",
        "SELECT a.range, b.range FROM range(100000000) a, range(100000000) b",
    ],
    ids=["one row", "many rows"],
)
def test_a_question_can_be_ended(run: Path, sql: str) -> None:
    """Ctrl-C ends it at any moment, without it it would go on for years; the next one is answered."""
    with subprocess.Popen(
        [sys.executable, "-c", ENDED, str(run), sql],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            told, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert told.splitlines() == [f"{moment} 3" for moment in MOMENTS], errors
