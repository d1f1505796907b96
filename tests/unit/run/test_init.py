"""A folder of whatever becomes a run: `castgraph init`."""

import csv
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from castgraph.cli import app
from castgraph.run import config as configuration


@pytest.fixture
def tapes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of recordings in the working directory."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "My tapes"
    (folder / "stills 2024-01-04").mkdir(parents=True)
    names = ["Evening 2024-01-02 19.00.mp4", '=Late, "best" 2024-01-03.mkv', "tape 17.mp4", "x.srt", "y.srt"]
    for name in (*names, "stills 2024-01-04/1.jpg", "NTV_20240105_180000.zip", "Thumbs.db"):
        (folder / name).touch()
    return folder


def init(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["init", *map(str, arguments)])


def listed(name: str) -> dict[str, str]:
    """Which broadcasts the configuration that was written lists, as the workflow reads it."""
    loaded = configuration.load(yaml.safe_load(Path(f"{name}.yaml").read_text(encoding="utf-8")))
    located = configuration.located(loaded, [Path.cwd()])
    chosen = configuration.chosen(located["broadcasts"])
    assert chosen.left_alone == ()
    return dict(chosen.sources or {})


def test_what_is_written_can_be_run(tapes: Path) -> None:
    result = init("My tapes", "--station", "MYTV", "--timezone", "Europe/Moscow")
    assert result.exit_code == 0, result.output
    assert listed("My_tapes") == {
        "MYTV_20240102_160000_Evening": "My tapes/Evening 2024-01-02 19.00.mp4",
        "MYTV_20240103_000000_Late_best": 'My tapes/=Late, "best" 2024-01-03.mkv',
        "MYTV_20240104_000000_stills": "My tapes/stills 2024-01-04",
        "NTV_20240105_180000": "My tapes/NTV_20240105_180000.zip",
    }
    assert sorted(path.name for path in tapes.parent.iterdir()) == [
        "My tapes",
        "My_tapes.csv",
        "My_tapes.yaml",
    ]
    assert result.output.splitlines() == [
        "My_tapes.csv: 4 broadcasts (1 folder of pictures, 2 videos, 1 ZIP)",
        "  2 with a guess: time",
        "My_tapes.yaml: the configuration; times in names were taken for Europe/Moscow",
        "Without an ID, as comments in the table:",
        "  My tapes/tape 17.mp4: no date in its name",
        "Left alone:",
        "  2 entries: subtitles (.srt); the first: My tapes/x.srt",
        "Check the table, then run:",
        "  uv run snakemake --cores all --configfile My_tapes.yaml",
    ]


def test_the_transcript_of_a_recording_is_not_left_alone(tapes: Path) -> None:
    (tapes / "Evening 2024-01-02 19.00.en.srt").touch()
    (tapes / "stills 2024-01-04.vtt").touch()
    (tapes / "tape 17.srt").touch()  # whose recording has no ID
    lines = init("My tapes", "--station", "MYTV").output.splitlines()
    assert "  3 entries: subtitles (.srt); the first: My tapes/tape 17.srt" in lines
    assert not any("Evening" in line or "stills" in line for line in lines)


def test_what_has_no_date_counts_when_it_is_given_an_id(tapes: Path) -> None:
    init("My tapes", "--station", "MYTV")
    table = Path("My_tapes.csv")
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    assert [row for row in rows if row["broadcast"] == "#"] == [
        {"broadcast": "#", "source": "My tapes/tape 17.mp4", "guessed": "no date in its name"}
    ]
    table.write_text(table.read_text().replace("#,", "MYTV_20240101_000000,"))
    assert listed("My_tapes")["MYTV_20240101_000000"] == "My tapes/tape 17.mp4"


@pytest.mark.parametrize(
    ("option", "guess"),
    [(["--date", "2024-02-03"], "date as given, time"), (["--date-from-file"], "date and time by its file")],
)
def test_dates_are_guessed_on_request_and_marked(option: list[str], guess: str, tapes: Path) -> None:
    assert f"1 with a guess: {guess}" in init("My tapes", "--station", "MYTV", *option).output
    assert len(listed("My_tapes")) == 5


def test_nothing_is_replaced_unasked(tapes: Path) -> None:
    init("My tapes", "--station", "MYTV")
    for name in ("My_tapes.csv", "My_tapes.yaml"):
        before = Path(name).read_text()
        Path("My_tapes.csv" if name.endswith("yaml") else "My_tapes.yaml").unlink()
        result = init("My tapes", "--station", "OTHER")
        assert result.exit_code == 1
        assert (
            result.output
            == f"error: {name} is there already; --force replaces it, --name gives another name\n"
        )
        assert Path(name).read_text() == before
        init("My tapes", "--station", "MYTV", "--force")
    assert init("My tapes", "--station", "OTHER", "--name", "other").exit_code == 0
    assert "OTHER_20240102_190000_Evening" in listed("other")
    assert init("My tapes", "--station", "OTHER", "--force").exit_code == 0
    assert "OTHER_20240102_190000_Evening" in listed("My_tapes")


def test_a_folder_of_pictures_is_one_broadcast(tapes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert init("My tapes/stills 2024-01-04", "--station", "MYTV").exit_code == 0
    assert listed("stills_2024-01-04") == {"MYTV_20240104_000000_stills": "My tapes/stills 2024-01-04"}
    monkeypatch.chdir(tapes / "stills 2024-01-04")
    assert init(".", "--station", "MYTV", "--name", "here").exit_code == 0
    assert listed("here") == {"MYTV_20240104_000000_stills": "."}


def test_a_folder_named_as_one_of_results_gets_another_name_of_its_run(tapes: Path) -> None:
    tapes.rename("frames")
    assert init("frames", "--station", "MYTV").exit_code == 0
    assert len(listed("run-frames")) == 4


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["My tapes"], "Missing option '--station'"),
        (
            ["My tapes", "--station", "MY TV"],
            "error: the station 'MY TV'; allowed: letters (A to Z) and digits",
        ),
        (["My tapes", "--station", "НТВ"], "error: the station 'НТВ'; allowed: letters (A to Z)"),
        (["My tapes", "--station", "X", "--timezone", "Moscow"], "error: 'Moscow' is no time zone"),
        (["My tapes", "--station", "X", "--name", "../x"], "run: found '../x'; allowed: letters, digits"),
        (["My tapes", "--station", "X", "--date", "2024-01-02", "--date-from-file"], "one of --date and"),
        (["nowhere", "--station", "X"], "error: nowhere: cannot be read"),
        (["empty", "--station", "X"], "error: empty: nothing in it gets an ID: it is empty"),
        (
            ["undated", "--station", "X"],
            "nothing in it gets an ID: undated/17.mp4: no date in its name; --date or",
        ),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_written(arguments: list[str], told: str, tapes: Path) -> None:
    Path("empty").mkdir()
    Path("undated").mkdir()
    Path("undated/17.mp4").touch()
    before = sorted(Path.cwd().iterdir())
    result = init(*arguments)
    assert result.exit_code != 0
    assert told in " ".join(result.output.replace("│", "").split())
    assert "Traceback" not in result.output
    assert sorted(Path.cwd().iterdir()) == before


def test_nothing_in_a_name_reaches_the_terminal(tapes: Path) -> None:
    (tapes / "\x1b[31m 2024-01-01\n.mp4").touch()
    result = init("My tapes", "--station", "MYTV")
    assert "\x1b" not in result.output
    assert r"My tapes/\x1b[31m 2024-01-01\n.mp4: its name cannot be written" in result.output
    assert len(listed("My_tapes")) == 4
