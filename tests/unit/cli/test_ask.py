"""The commands that ask what a run found."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from tests.unit.ask.conftest import ANN, BEA, CAST, DAY, Cast, link, write_run
from tests.unit.ask.test_said import with_words
from typer.testing import CliRunner, Result

from castgraph.ask.photo import run_engine
from castgraph.ask.results import Results
from castgraph.cli import app
from castgraph.cli.output import MOST_ROWS
from castgraph.faces.photo import faces_of


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("results") / "week", CAST)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


def told(found: Result) -> str:
    return " ".join(found.stderr.replace("│", "").split())


def test_sql_and_the_word_may_be_left_out(week: Path) -> None:
    sql = "SELECT name, sum(n_frames) AS n FROM people GROUP BY name ORDER BY n DESC"
    found = run("ask", sql, week, "--json")
    assert json.loads(found.stdout) == [
        {"name": "Ann Lee", "n": 10},
        {"name": "=Bea\x1b[31m", "n": 4},
        {"name": "Ann Lea", "n": 2},
    ]
    assert run("ask", "sql", sql, week, "--json").stdout == found.stdout
    rows = list(csv.DictReader(io.StringIO(run("ask", sql, week, "--csv").stdout)))
    assert rows[1]["name"] == "'=Bea\x1b[31m"
    assert "\x1b" not in run("ask", sql, week).stdout


def test_columns_of_one_name_are_kept_apart(week: Path) -> None:
    found = run("ask", "SELECT 1 AS a, 2 AS a, 3 AS a_1, 1e999::DOUBLE AS b", week, "--json")
    assert json.loads(found.stdout) == [{"a": 1, "a_1": 2, "a_1_1": 3, "b": None}]


def test_a_long_answer_is_cut_for_people_and_whole_for_programs(week: Path) -> None:
    sql = f"SELECT range AS n FROM range({MOST_ROWS + 5})"
    found = run("ask", sql, week)
    assert len(found.stdout.splitlines()) == MOST_ROWS + 1
    assert found.stderr == "5 more rows; --csv and --json tell all\n"
    assert len(run("ask", sql, week, "--csv").stdout.splitlines()) == MOST_ROWS + 6
    assert len(json.loads(run("ask", sql, week, "--json").stdout)) == MOST_ROWS + 5


@pytest.mark.parametrize("arguments", [("--tables",), ("tables",)])
def test_the_tables_are_told_with_what_columns_mean(week: Path, arguments: tuple[str, ...]) -> None:
    found = run("ask", *arguments, week)
    assert "sightings: every face of every person\n" in found.stdout
    assert "of the face from the middle of the faces of the person" in found.stdout
    assert "sweep: one row a clustering" in found.stdout
    assert "sweep.parquet: the run has not made it)" in found.stdout
    rows = json.loads(
        run("ask", week, *arguments[:1], "--json").stdout
        if arguments[0] == "--tables"
        else run("ask", *arguments, week, "--json").stdout
    )
    assert {"table": "names", "column": "name"}.items() <= rows[-1].items()
    assert {row["is_there"] for row in rows if row["table"] == "sweep"} == {False}


def test_what_was_said(tmp_path: Path) -> None:
    spoken = with_words(
        write_run(tmp_path / "results" / "spoken", CAST), {DAY: [(4, 6, "a café"), (60, 61, "=café")]}
    )
    found = run("said", "cafe", spoken, "--json")
    assert [(row["people"], row["link"]) for row in json.loads(found.stdout)] == [
        ("=Bea\x1b[31m, Ann Lee", link(DAY, 2)),
        ("", link(DAY, 16)),
    ]
    assert told(found) == "said 2 times in 1 broadcast; nobody of the people was on the screen 1 time"
    assert "'=café" in run("said", "cafe", spoken, "--csv").stdout
    assert "\x1b" not in run("said", "cafe", spoken).stdout
    text = run("ask", "together", "Ann Lee", BEA, spoken, "--text", "--json")
    assert [row["text"] for row in json.loads(text.stdout)] == ["a café"]
    pair = run("ask", "words", "Ann Lee", BEA, spoken, "--csv")
    assert [row["word"] for row in csv.DictReader(io.StringIO(pair.stdout))] == ["lake", "boat"]
    assert run("said", "?", spoken).exit_code == 1
    exported = run("export", spoken, "words", "utterances", "--to", tmp_path / "export")
    assert exported.exit_code == 0
    assert "Ann Lee" in (tmp_path / "export" / "words.csv").read_text(encoding="utf-8")


def test_ready_questions(week: Path) -> None:
    found = run("ask", "together", "Ann Lee", "m3xa", week, "--within", "8s", "--json")
    rows = json.loads(found.stdout)
    assert [(row["frame"], row["shows"]) for row in rows] == [
        (1, "Ann Lee"), (2, "both"), (3, "Ann Lee"), (5, "=Bea\x1b[31m"), (10, "both")
    ]  # fmt: skip
    assert rows[0]["link"] == link(DAY, 1)
    [row] = json.loads(run("ask", "first", BEA, week, "--json").stdout)
    assert row["frame"] == 2
    rows = json.loads(run("ask", "timeline", ANN, BEA, week, "--by", "week", "--json").stdout)
    assert [(row["person_id"], row["week"], row["seconds"]) for row in rows] == [
        (ANN, "2024-01-01", 16), (ANN, "2024-01-08", 8), (ANN, "2024-01-29", 16),
        (BEA, "2024-01-01", 12), (BEA, "2024-01-08", 4),
    ]  # fmt: skip
    rows = json.loads(run("ask", "timeline", BEA, week, "--by", "station", "--all", "--json").stdout)
    assert [(row["station"], row["seconds"]) for row in rows] == [("NTV", 16), ("RTR", 0)]
    assert len(json.loads(run("ask", "partners", ANN, week, "--json").stdout)) == 2
    assert len(json.loads(run("ask", "show", DAY, week, "--json").stdout)) == 2
    found = run("ask", "diff", f"{week}:2024-01", f"{week}:2024-02", "--json")
    assert [row["change"] for row in json.loads(found.stdout)] == ["lost", "gained", "gained", "lost"]
    assert found.stderr == "in both: 1 person, 0 pairs; people are matched by their IDs\n"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("ask", "SELECT * FROM nobody", "{run}"), "no table 'nobody'"),
        (("ask", "DROP VIEW names", "{run}"), "only what reads can be asked, such as SELECT; found DROP"),
        (("ask", "SELECT * FROM '/etc/passwd'", "{run}"), "no table '/etc/passwd'"),
        (("ask", "SELECT 1", "nowhere"), "nowhere: not the results of a run"),
        (("ask", "SELECT 1", "{run}", "--clustering", "x"), "no clustering 'x'; there are: linkage-0.52"),
        (("ask", "togehter", ANN, BEA, "{run}"), "No such command 'togehter'"),
        (("ask", "together", "Nobody", BEA, "{run}"), "nobody is called 'Nobody'"),
        (("ask", "together", ANN, BEA, "{run}", "--within", "soon"), "a time such as 8s, 2min or 1h"),
        (("ask", "together", ANN, BEA, "{run}", "--csv", "--json"), "one of --csv and --json"),
        (("ask", "timeline", ANN, "{run}", "--by", "year"), "'year' is not one of"),
        (("ask", "timeline", ANN, "{run}", "--timezone", "x"), "'x' is no time zone"),
        (("ask", "show", "x", "{run}"), "no broadcast 'x'"),
        (("ask", "diff", "{run}", "nowhere"), "nowhere: not the results of a run"),
        (("export", "{run}", "nothing"), "no table 'nothing'; there are: broadcasts"),
        (("find", "--run", "{run}"), "a photo, or --person"),
        (("find", "x.jpg", "--person", ANN, "--run", "{run}"), "a photo, or --person"),
        (("find", "x.jpg"), "the results of a run are needed"),
        (("find", "nowhere.jpg", "--run", "{run}"), "No such file or directory: 'nowhere.jpg'"),
        (("find", "--person", "Nobody", "--run", "{run}"), "nobody is called 'Nobody'"),
        (("find", "--person", ANN, "--run", "{run}", "--max-distance=-1"), "--max-distance"),
        (
            ("find", "--person", ANN, "--run", "{run}", "--from", "2024-01-02", "--to", "2024-01-01"),
            "the last day is before the first, 2024-01-02",
        ),
    ],
)
def test_what_cannot_be_answered_is_a_sentence(week: Path, arguments: tuple[str, ...], problem: str) -> None:
    found = run(*(each.format(run=week) for each in arguments))
    assert found.exit_code in (1, 2)
    assert problem in told(found)
    assert "Traceback" not in found.output
    assert found.stdout == ""


def test_export(week: Path, tmp_path: Path) -> None:
    found = run("export", week, "sightings", "faces", "--to", tmp_path)
    assert found.stdout.splitlines() == [
        f"{tmp_path / 'sightings.csv'}  16 rows",
        f"{tmp_path / 'faces.csv'}  17 rows; 1 row left out",
    ]
    run("export", week, "people")
    assert (week / "linkage-0.52" / "export" / "people.csv").is_file()


def test_find_by_a_photo(demo: Path, tmp_path: Path) -> None:
    """A run of the first pictures of the gallery; its second pictures find them again."""
    names = sorted(path.name for path in (demo / "gallery").iterdir())
    ids = [ANN, BEA, "A1B2", "ZZ99"]
    cast = Cast(
        [(DAY, frame, person) for frame, person in enumerate(ids, 1)],
        names=dict(zip(ids, names, strict=True)),
    )
    folder = write_run(tmp_path / "results" / "gallery", cast)
    load = run_engine(Results(folder))
    pictures = [faces_of(demo / "gallery" / name / "1.jpg", load)[0].embedding for name in names]
    np.save(folder / "embeddings.npy", np.array(pictures, np.float32))
    for name in names[:2]:
        photo = demo / "gallery" / name / "2.jpg"
        found = json.loads(run("find", photo, "--run", folder, "--max-distance", 1.5, "--json").stdout)
        assert found["faces"][0]["name"] == name
        assert found["faces"][0]["distance"] < 0.5 < found["faces"][1]["distance"]
        assert found["clips"][0]["seconds"] == 16
        assert found["days"][0]["n_frames"] == 4
    rows = list(csv.DictReader(io.StringIO(run("find", photo, "--run", folder, "--csv").stdout)))
    assert [row["name"] for row in rows] == [name]
    shown = run("find", photo, "--run", folder)
    assert [line for line in shown.stdout.splitlines() if line.endswith(":")] == [
        "The nearest faces:", "Clips:", "Days:"
    ]  # fmt: skip
    assert shown.stderr == "1 face in 1 frame (4 s), 1 clip, 1 day; distance up to 0.5\n"
    by_person = json.loads(run("find", "--person", ids[0], "--run", folder, "--by", "face", "--json").stdout)
    assert ids[0] not in {row["person_id"] for row in by_person}
