"""The commands that tell what an archive has."""

import csv
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.formulas import FORMULAS
from typer.testing import CliRunner, Result

from castgraph.cli import app, output

DAYS = ("--from", "2024-01-01", "--to", "2024-01-05")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_shows_of_a_station(demo: Path) -> None:
    found = run("shows", "DEMO1", *DAYS, "--title", "Desk|Review$", "--archive", demo)
    assert found.exit_code == 0
    assert [line.split() for line in found.stdout.splitlines()][:3] == [
        ["broadcast", "start", "runtime", "title"],
        ["DEMO1_20240102_190000_Evening_Review", "2024-01-02T19:00:00Z", "00:03:48", "Evening", "Review"],
        ["DEMO1_20240103_070000_Morning_Desk", "2024-01-03T07:00:00Z", "00:03:52", "Morning", "Desk"],
    ]
    assert found.stderr.splitlines() == [
        "DEMO1 2024-01-01  missing: no such file",
        "shows: 5; days: 5, without a usable inventory: 1",
    ]


def test_shows_as_csv(demo: Path) -> None:
    found = run("shows", "DEMO2", *DAYS, "--csv", "--archive", demo.as_uri())
    rows = list(csv.DictReader(io.StringIO(found.stdout)))
    assert (rows[0]["broadcast"], rows[0]["title"]) == ("DEMO2_20240102_220000_Night_Debate", "Night Debate")
    assert len(rows) == 4


def test_what_an_inventory_says_does_no_harm_and_is_not_cut(tmp_path: Path) -> None:
    broadcast_id = f"X_20240101_000000_{'long' * 45}"
    title = "[red]=1+1\x1b[31m\n" + "word " * 60
    shows = [{"id": broadcast_id, "title": title, "runtime": "=2"}, {"id": "../../x"}]
    (tmp_path / "X.20240101.inventory.json").write_text(json.dumps({"shows": shows}))
    (tmp_path / "X.20240102.inventory.json").write_text("<html>")
    command = ["shows", "X", "--from", "2024-01-01", "--to", "2024-01-02", "--archive", str(tmp_path)]
    piped = subprocess.run(
        [str(Path(sys.executable).with_name("castgraph")), *command],
        capture_output=True,
        text=True,
        check=True,
    )
    line = next(line for line in piped.stdout.splitlines() if broadcast_id in line)
    assert "[red]=1+1[31m word" in line
    assert line.count("word") == 57  # titles are kept up to 300 characters
    assert piped.stderr.splitlines() == [
        "X 2024-01-01  entries that are no shows of the station: 1",
        "X 2024-01-02  damaged: not JSON: Expecting value: line 1 column 1 (char 0)",
        "shows: 1; days: 2, without a usable inventory: 1",
    ]


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_title_becomes_a_formula(formula: str, tmp_path: Path) -> None:
    shows = [{"id": "X_20240101_000000", "title": formula, "runtime": formula}]
    (tmp_path / "X.20240101.inventory.json").write_text(json.dumps({"shows": shows}))
    found = run("shows", "X", "--from", "2024-01-01", "--to", "2024-01-01", "--archive", tmp_path, "--csv")
    row = next(csv.DictReader(io.StringIO(found.stdout)))
    assert (row["runtime"], row["title"]) == (f"'{formula.strip()}", f"'{formula.strip()}")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("DEMO1", *DAYS, "--archive", "nowhere"), "archive.base_url is 'nowhere'"),
        (("DEMO1", *DAYS, "--title", "("), "title '(' is not a regular expression"),
        (("../x", *DAYS, "--archive", "."), "'../x.20240101.inventory.json' is not the name of a file"),
        (("DEMO1", "--from", "2024-01-02", "--to", "2024-01-01"), "the last day is before the first"),
        (("DEMO1", "--from", "2024-13-02", "--to", "2024-01-01"), "does not match the formats"),
    ],
)
def test_what_cannot_be_shown_is_told(arguments: tuple[str, ...], problem: str) -> None:
    found = run("shows", *arguments)
    assert found.exit_code != 0
    assert problem in " ".join(found.stderr.replace("│", "").split())
    assert "Traceback" not in found.output


def test_stations(demo: Path, tmp_path: Path) -> None:
    found = run("stations", "--archive", demo)
    assert [line.split() for line in found.stdout.splitlines()] == [
        ["station", "first", "last", "n_inventories", "n_broadcasts"],
        ["DEMO1", "2024-01-02", "2024-01-05", "4", "5"],
        ["DEMO2", "2024-01-02", "2024-01-05", "4", "3"],
    ]
    assert found.stderr == "stations: 2\n"
    (tmp_path / "list.txt").write_text("https://example.org/NTV_20240102_000000.zip\nNTV_20240101_000000\n")
    found = run("stations", "--csv", "--list", tmp_path / "list.txt")
    assert found.stdout == "station,first,last,n_broadcasts\nNTV,2024-01-01,2024-01-02,2\n"
    found = run("stations", "--list", tmp_path / "nowhere.txt")
    assert found.exit_code == 1
    assert "nowhere.txt: cannot be read" in found.stderr


def test_output_never_raises_whatever_the_encoding(tmp_path: Path) -> None:
    """A name that the terminal's encoding lacks is shown with question marks; CSV is UTF-8 and whole."""
    listed = tmp_path / "список.csv"
    listed.write_text("NTV_20261001_030000\n")
    castgraph = Path(sys.executable).with_name("castgraph")
    for options in (["--csv"], []):
        for encoding in ("ascii", "latin-1", "utf-8"):
            done = subprocess.run(
                [castgraph, "stations", "--list", listed, *options],
                env={**os.environ, "PYTHONIOENCODING": encoding, "COLUMNS": "40"},
                capture_output=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            assert b"NTV" in done.stdout
    missing = subprocess.run(
        [castgraph, "stations", "--list", tmp_path / "нет.csv"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert missing.returncode == 1
    assert b"Traceback" not in missing.stderr
    assert b".csv: cannot be read" in missing.stderr


def test_a_slow_archive_is_said_to_be_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    with output.waiting("the stations of https://archive.example"):
        time.sleep(1.2)
    assert capsys.readouterr().err == "waiting for the stations of https://archive.example …\n"
    with output.waiting("nothing"):
        pass
    time.sleep(1.2)
    assert capsys.readouterr().err == ""
