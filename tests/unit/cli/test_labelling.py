"""The command that looks for broadcasts that are not what their title says in tables from outside."""

import csv
from pathlib import Path

import pytest
from tests.documents import blocks
from typer.testing import CliRunner

from castgraph.base import tables
from castgraph.cli import app

RUNNER = CliRunner()
CAST = {"ABC": ("desk", "map", "flag"), "CBS": ("desk", "map", "river"), "NBC": ("desk", "flag", "river")}


def seen(path: Path, *, days: int = 30, header: str = "station,day,entity,count") -> Path:
    """Write a table: what three stations show on some days of December."""
    rows = [
        f"{station},2012-12-{day + 1:02d},{entity},{20 + (3 * day + 5 * place) % 17}"
        for day in range(days)
        for station, entities in CAST.items()
        for place, entity in enumerate(entities)
    ]
    path.write_text("\n".join([header, *rows, ""]))
    return path


def test_it_reads_judges_and_writes_tables_and_the_page(tmp_path: Path) -> None:
    table, to = seen(tmp_path / "seen.csv"), tmp_path / "found"
    done = RUNNER.invoke(app, ["labelling", str(table), "--output", str(to), "--weekdays", "mon-fri"])
    assert done.exit_code == 0, done.output
    assert "270 rows of 1 file read, 0 left out" in done.output
    assert f"open {to / 'labelling.html'}" in " ".join(done.output.split())
    names = ("correlation", "dips", "likeness", "suspects")
    for name in (*names, "entities"):
        tables.check(to / f"{name}.parquet", tables.TABLES[name])
    with (to / "correlation.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * 20  # three pairs, the twenty days from Monday to Friday until the 30th
    assert "seen.csv" in (to / "labelling.html").read_text()


def test_the_example_in_the_documents_does_what_it_says(tmp_path: Path, monkeypatch) -> None:
    [table] = blocks("docs/labelling.md", "csv")
    [command] = [
        line.split() for block in blocks("docs/labelling.md", "console") for line in block.splitlines()
    ]
    monkeypatch.chdir(tmp_path)
    Path("seen.csv").write_text(table)
    done = RUNNER.invoke(app, command[command.index("labelling") :])
    assert done.exit_code == 0, done.output
    assert "12 rows of 1 file read" in done.output
    found = tables.read("found/correlation.parquet", tables.CORRELATION).to_pylist()
    of_day = {(str(row["day"]), row["station"], row["other"]): row["r"] for row in found}
    assert of_day["2024-01-03", "ABC", "NBC"] > 0.9 > 0 > of_day["2024-01-03", "ABC", "CBS"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--weekdays", "mon-fry"], "found 'mon-fry'; allowed: mon, tue"),
        (["--weekdays", ""], "allowed: mon, tue"),
        (["--timezone", "Mars/Olympus"], "Mars/Olympus"),
        (["--above", "-1"], "--above"),
    ],
)
def test_a_wrong_option_is_refused(tmp_path: Path, options: list[str], told: str) -> None:
    table = seen(tmp_path / "seen.csv", days=1)
    done = RUNNER.invoke(app, ["labelling", str(table), "--output", str(tmp_path / "found"), *options])
    assert done.exit_code == 2
    assert told in " ".join(done.output.replace("│", " ").split())
    assert not (tmp_path / "found").exists()


@pytest.mark.parametrize(
    ("content", "told"),
    [("who,what\na,b\n", "seen.csv"), ("", "seen.csv"), (b"\x00\xff\xfe\x01" * 9, "seen.csv")],
)
def test_what_is_no_such_table_is_refused_by_name(tmp_path: Path, content: str | bytes, told: str) -> None:
    path = tmp_path / "seen.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    done = RUNNER.invoke(app, ["labelling", str(path), "--output", str(tmp_path / "found")])
    assert done.exit_code == 1
    assert done.output.startswith("error: ") and told in done.output
    assert "Traceback" not in done.output
    assert not (tmp_path / "found" / "labelling.html").exists()


def test_a_table_that_is_not_there_is_refused(tmp_path: Path) -> None:
    done = RUNNER.invoke(app, ["labelling", str(tmp_path / "none.csv"), "--output", str(tmp_path / "found")])
    assert done.exit_code == 1
    assert "none.csv" in done.output


def test_days_of_the_week_one_by_one_and_around(tmp_path: Path) -> None:
    table, to = seen(tmp_path / "seen.csv", days=7), tmp_path / "found"
    done = RUNNER.invoke(app, ["labelling", str(table), "--output", str(to), "--weekdays", "Sat-Mon, wed"])
    assert done.exit_code == 0, done.output
    days = tables.read(to / "correlation.parquet", tables.CORRELATION)["day"].to_pylist()
    # 1 December 2012 is a Saturday.
    assert sorted({day.day for day in days}) == [1, 2, 3, 5]
