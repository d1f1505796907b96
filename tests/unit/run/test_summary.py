"""The summary: counts, and the text that is printed."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.finished import NOBODY, labelled, merged_faces
from tests.members import person
from tests.suspected import judged, suspect, write_tables
from typer.testing import CliRunner

from castgraph import __version__
from castgraph.archive import write_inventory_report
from castgraph.base import tables
from castgraph.base.files import write_json
from castgraph.base.statuses import STATUSES
from castgraph.base.text import counted
from castgraph.cli import app
from castgraph.run.summary import summarise

START = datetime(2024, 1, 2, 19, tzinfo=UTC)


def none_searched(folder: Path) -> Path:
    """The report on inventories of a run whose broadcasts are listed."""
    path = folder / "no-inventories.csv"
    write_inventory_report(path, [])
    return path


def table(schema: pa.Schema, path: Path, rows: list[dict], facts: dict | None = None) -> Path:
    tables.write(path, pa.Table.from_pylist(rows, schema=schema), facts or {})
    return path


def merge_facts(quality: dict, set_aside: dict) -> dict:
    """What the merge says of the faces that are set aside."""
    names = ("min_face_px", "min_score", "min_sharpness")
    counts = {name: set_aside.get(name, 0) for name in names}
    minima = {"min_face_px": 0, "min_score": None, "min_sharpness": 0, **quality}
    n_set_aside = sum(counts.values())
    facts = {"n_set_aside": n_set_aside, "n_founding": 600 - n_set_aside, "set_aside": counts}
    return tables.provenance("merge", {"quality": minima}, **facts)


def aired_again(folder: Path) -> Path:
    """Two stretches that were on air before."""
    rows = [
        {"broadcast": "NTV_20240101_000000", "first_frame": first, "start": START, "kind": "scene"}
        | {"end": START + timedelta(seconds=28)}
        for first in (3, 90)
    ]
    return table(tables.REPLAYS, folder / "replays.parquet", rows)


def scores(path: Path, reason: str = "") -> Path:
    return table(tables.SWEEP, path, [], {"reason": reason})


def described(number: int, n_frames: int, name: str | None = None) -> dict:
    return {
        "person_id": person(number),
        "name": name or f"Person {number}",
        "name_from": "correction" if name else "",
        "n_frames": n_frames,
        "n_broadcasts": 2,
        "screen_seconds": 4.0 * n_frames,
    }


def edge(source: int, target: int, same_frame: int, adjacent: int) -> dict:
    return {
        "source": person(source),
        "target": person(target),
        "same_frame": same_frame,
        "adjacent": adjacent,
        "n_broadcasts": 1,
        "weight": 2.0 * same_frame + adjacent,
        "q": 0.01 if same_frame > 3 else 0.5,
    }


@pytest.fixture
def run(tmp_path: Path) -> Path:
    statuses = ["ok", "ok", "partial", "damaged", "missing", "empty"]
    broadcasts = table(
        tables.BROADCASTS,
        tmp_path / "broadcasts.parquet",
        [
            {
                "broadcast": f"NTV_2024010{n}_000000",
                "start": START,
                "status": status,
                "reason": "" if status == "ok" else "because <it> is [red]",
                "n_frames": 10,
                "n_unreadable": n,
                "n_refused": 1,
                "n_faces": 100,
            }
            for n, status in enumerate(statuses)
        ],
        merge_facts({}, {}),
    )
    inventories = tmp_path / "inventories.csv"
    inventories.write_text(
        "station,day,status,n_shows,n_refused,reason,archive\n"
        "NTV,2024-01-01,ok,2,3,,gdelt\nNTV,2024-01-02,missing,0,0,404,gdelt\n"
    )
    folder = tmp_path / "eps-0.40"
    paths = {
        "labels": labelled(folder, merged_faces(tmp_path, 5), (-1, 0, 0, 1, -1)),
        "people": table(
            tables.PEOPLE,
            folder / "people.parquet",
            [described(n, 3 + n, "[bold]Zoë <b>" if n == 7 else None) for n in reversed(range(8))],
            NOBODY | {"n_noise": 2, "n_ignored": 3, "problems": ["line 3: there is <no> face."]},
        ),
        "changes": table(
            tables.PEOPLE_CHANGES,
            folder / "people_changes.parquet",
            [
                {"from": "K7Q2", "to": person(7), "kind": "merged", "n_faces": 412, "n_from": 412}
                | {"broadcast": "NTV_20240101_000000", "frame": 7}
            ],
        ),
        "pairs": table(
            tables.EDGES, folder / "edges.parquet", [edge(6, 7, 4, 0), edge(0, 1, 1, 2), edge(1, 2, 0, 1)]
        ),
    }
    scored = scores(tmp_path / "sweep.parquet")
    summary = summarise("test", broadcasts, inventories, {"eps-0.40": paths}, scored, aired_again(tmp_path))
    write_json(tmp_path / "summary.json", summary)
    return tmp_path


def test_what_was_read_and_found_is_counted(run: Path) -> None:
    summary = json.loads((run / "summary.json").read_text())
    assert summary["broadcasts"] == {
        "listed": 6, "read": 3, "ok": 2, "partial": 1, "empty": 1, "damaged": 1, "missing": 1,
        "unreachable": 0,
    }  # fmt: skip
    assert summary["station_days"] == {"listed": 2, "ok": 1, "missing": 1, "damaged": 0, "refused_shows": 3}
    assert [row["status"] for row in summary["not_ok"]] == ["partial", "damaged", "missing", "empty"]
    assert (summary["frames"], summary["frames_unreadable"], summary["faces"]) == (60, 15, 600)
    assert summary["replays"] == {"scene": {"stretches": 2, "seconds": 56}}
    clustering = summary["clusterings"]["eps-0.40"]
    assert (clustering["people"], clustering["noise"]) == (8, 2)
    assert (clustering["pairs_same_frame"], clustering["pairs"], clustering["more_than_chance"]) == (2, 3, 1)
    assert [row["person_id"] for row in clustering["on_screen"]] == ["P07", "P06", "P05", "P04", "P03"]
    assert clustering["left_out"] == 3
    output = CliRunner().invoke(app, ["summary", str(run)]).output
    assert "3 faces left out by corrections" in output
    assert "to be looked at\n  line 3: there is <no> face." in output
    assert "who was known before\n  K7Q2 is now [bold]Zoë <b> (P07): 412 faces; look at NTV" in output
    assert clustering["changes"] == [
        "K7Q2 is now [bold]Zoë <b> (P07): 412 faces; look at NTV_20240101_000000, frame 7."
    ]
    assert clustering["strongest_pairs"][1]["names"] == ["Person 0", "Person 1"]


def test_what_is_worth_knowing_of_whole_broadcasts_is_told(tmp_path: Path) -> None:
    note = "12 frames: [bold]EXIF orientation 6 not applied"
    rows = [
        {"broadcast": f"NTV_20240101_{n:06d}", "start": START, "status": status, "reason": reason}
        | dict.fromkeys(("n_frames", "n_unreadable", "n_refused", "n_faces"), 0)
        for n, (status, reason) in enumerate([("ok", ""), ("ok", note), ("partial", note)])
    ]
    broadcasts = table(tables.BROADCASTS, tmp_path / "broadcasts.parquet", rows, merge_facts({}, {}))
    scored = scores(tmp_path / "sweep.parquet")
    summary = summarise("test", broadcasts, none_searched(tmp_path), {}, scored, aired_again(tmp_path))
    assert summary["noted"] == [{"broadcast": "NTV_20240101_000001", "status": "ok", "reason": note}]
    write_json(tmp_path / "summary.json", summary)
    result = CliRunner().invoke(app, ["summary", str(tmp_path)])
    heading = result.output.index("Read, and worth knowing")
    assert result.output.index("NTV_20240101_000002") < heading < result.output.index("NTV_20240101_000001")
    assert result.output.count(note) == 2


def test_it_is_printed_with_names_and_reasons_taken_literally(run: Path) -> None:
    result = CliRunner().invoke(app, ["summary", str(run)])
    assert result.exit_code == 0
    for text in (
        "6 listed: 3 read (1 of them partial), 1 missing, 1 damaged, 1 empty",
        "2 searched, 1 without a usable inventory",
        "60 (15 unreadable)",
        "8 people of 5 faces or more, 2 faces of nobody (noise), 2 pairs in one frame, "
        "3 with the frame before counted",
        "because <it> is [red]",
        "[bold]Zoë <b>",
        "40 s",
    ):
        assert text in result.output


def test_the_pages_of_the_run_that_are_there_are_named(run: Path) -> None:
    pages = {run / "visual" / "map.html": "pictures as a map", run / "report.html": "all of it in one page"}
    for page in pages:
        page.unlink(missing_ok=True)
    before = CliRunner().invoke(app, ["summary", str(run)]).output
    for page, meaning in pages.items():
        assert meaning not in before
        page.parent.mkdir(exist_ok=True)
        page.touch()
    after = CliRunner().invoke(app, ["summary", str(run)]).output
    assert all(meaning in after for meaning in pages.values())


@pytest.mark.parametrize(
    ("fates", "told"),
    [
        ({"ok": 2}, "2 listed: 2 read, 0 missing, 0 damaged, 0 empty"),
        ({"ok": 2, "unreachable": 3}, "5 listed: 2 read, 0 missing, 3 unreachable, 0 damaged, 0 empty"),
        (
            {"partial": 1200},
            "1,200 listed: 1,200 read (1,200 of them partial), 0 missing, 0 damaged, 0 empty",
        ),
    ],
)
def test_what_became_of_the_broadcasts_adds_up(fates: dict[str, int], told: str, run: Path) -> None:
    summary = json.loads((run / "summary.json").read_text())
    counts = dict.fromkeys(STATUSES, 0) | fates
    read = counts["ok"] + counts["partial"]
    summary["broadcasts"] = {"listed": sum(fates.values()), "read": read, **counts}
    write_json(run / "summary.json", summary)
    lines = CliRunner().invoke(app, ["summary", str(run)]).output.splitlines()
    assert f"broadcasts    {told}" in [line.rstrip() for line in lines]


def test_without_filters_nothing_is_said_of_faces_set_aside(run: Path) -> None:
    summary = json.loads((run / "summary.json").read_text())
    assert summary["set_aside"] == {"min_face_px": 0, "min_score": 0, "min_sharpness": 0}
    assert summary["quality"] == {"min_face_px": 0, "min_score": None, "min_sharpness": 0}
    assert "set aside" not in CliRunner().invoke(app, ["summary", str(run)]).output


@pytest.mark.parametrize(
    ("quality", "set_aside", "noise", "printed"),
    [
        ({"min_face_px": 40}, {"min_face_px": 1}, 1, "1: 1 by min_face_px 40"),
        (
            {"min_face_px": 40, "min_score": 0.25, "min_sharpness": 12.5},
            {"min_face_px": 1, "min_sharpness": 1},
            0,
            "2: 1 by min_face_px 40, 0 by min_score 0.25, 1 by min_sharpness 12.5",
        ),
        ({"min_score": -1}, {}, 2, "0: 0 by min_score -1"),
        ({}, {"min_score": 1}, 1, "1: 1 by min_score (no number)"),
    ],
)
def test_faces_set_aside_are_told_by_filter_and_are_no_noise(
    quality: dict, set_aside: dict, noise: int, printed: str, run: Path
) -> None:
    broadcasts, folder = run / "broadcasts.parquet", run / "eps-0.40"
    tables.write(broadcasts, pq.read_table(broadcasts), merge_facts(quality, set_aside))
    people = folder / "people.parquet"
    tables.write(people, pq.read_table(people), NOBODY | {"n_noise": noise})
    paths = {"labels": "labels", "people": "people", "changes": "people_changes", "pairs": "edges"}
    clustering = {kind: folder / f"{name}.parquet" for kind, name in paths.items()}
    of_all = run / "sweep.parquet", run / "replays.parquet"
    summary = summarise("test", broadcasts, none_searched(run), {"eps-0.40": clustering}, *of_all)
    assert summary["faces"] == 600
    assert summary["clusterings"]["eps-0.40"]["noise"] == noise
    assert {name: n for name, n in summary["set_aside"].items() if n} == set_aside
    write_json(run / "summary.json", summary)
    output = CliRunner().invoke(app, ["summary", str(run)]).output
    assert f"set aside   {printed}\n" in re.sub(r" +\n", "\n", output)
    assert f"8 people of 5 faces or more, {counted(noise, 'face')} of nobody (noise)" in output


def test_a_run_of_listed_broadcasts_says_nothing_of_station_days(run: Path) -> None:
    summary = summarise(
        "test",
        run / "broadcasts.parquet",
        none_searched(run),
        {},
        scores(run / "sweep.parquet"),
        run / "replays.parquet",
    )
    assert summary["station_days"]["listed"] == 0
    write_json(run / "summary.json", summary)
    assert "station-days" not in CliRunner().invoke(app, ["summary", str(run / "summary.json")]).output


@pytest.mark.parametrize(
    ("content", "message"), [(None, "not finished"), ("{", "not a summary"), ("{}", "not a")]
)
def test_what_is_no_summary_is_said_in_one_line(content: str | None, message: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "summary.json").write_text(content)
    result = CliRunner().invoke(app, ["summary", str(tmp_path)])
    assert result.exit_code == 1
    assert message in result.output
    assert "Traceback" not in result.output


def test_the_command_tells_its_version_and_helps() -> None:
    assert CliRunner().invoke(app, ["--version"]).output.strip() == __version__
    assert "summary" in CliRunner().invoke(app, ["--help"]).output


def test_with_several_clusterings_the_recommended_one_is_named(run: Path) -> None:
    summary = json.loads((run / "summary.json").read_text())
    summary["recommended"] = "eps-0.40, since [it] is <so>."
    write_json(run / "summary.json", summary)
    assert "since" not in CliRunner().invoke(app, ["summary", str(run)]).output
    summary["clusterings"]["eps-0.42"] = summary["clusterings"]["eps-0.40"]
    write_json(run / "summary.json", summary)
    output = CliRunner().invoke(app, ["summary", str(run)]).output
    assert "eps-0.40, since [it] is <so>." in output
    assert "sweep.html" in output


@pytest.mark.parametrize("left_out", [False, True])
@pytest.mark.parametrize("n_suspects", [0, 1, 14])
def test_suspects_are_told_of_also_where_there_is_none(
    tmp_path: Path, run: Path, n_suspects, left_out
) -> None:
    write_tables(tmp_path, [judged(30), *(suspect(n, other_title="[b]Desk") for n in range(n_suspects))])
    folder = run / "eps-0.40"
    names = {"labels": "labels", "people": "people", "changes": "people_changes", "pairs": "edges"}
    paths = {kind: folder / f"{name}.parquet" for kind, name in names.items()}
    edges = tables.read(paths["pairs"], tables.EDGES)
    facts = tables.read_provenance(paths["pairs"]) | ({"n_suspected": 7} if left_out else {})
    paths["pairs"] = tmp_path / "edges.parquet"
    tables.write(paths["pairs"], edges, facts)
    of_labelling = {name: tmp_path / f"{name}.parquet" for name in ("likeness", "suspects")}
    given = run / "broadcasts.parquet", none_searched(run), {"eps-0.40": paths | of_labelling}
    found = summarise("test", *given, run / "sweep.parquet", run / "replays.parquet")
    told = found["clusterings"]["eps-0.40"]["labelling"]
    assert (told["judged"], told["not_judged"], told["left_out"]) == (n_suspects + 1, 0, left_out)
    assert [row["broadcast"] for row in told["suspects"]] == [
        suspect(n)["broadcast"] for n in range(n_suspects)
    ]
    write_json(tmp_path / "summary.json", found)
    output = CliRunner().invoke(app, ["summary", str(tmp_path)]).output
    assert f"{counted(n_suspects, 'suspect')} of {n_suspects + 1} judged by likeness" in output
    assert ("left out of the network" in output) == (left_out and n_suspects > 0)
    assert ("counted all the same" in output) == (not left_out and n_suspects > 0)
    assert ("like [b]Desk" in output) == (n_suspects > 0)
    assert ("and 4 more in suspects.csv" in output) == (n_suspects == 14)


def test_who_is_on_screen_for_too_short_is_counted_and_not_named(run: Path) -> None:
    folder = run / "eps-0.40"
    names = {"labels": "labels", "people": "people", "changes": "people_changes", "pairs": "edges"}
    paths = {kind: folder / f"{name}.parquet" for kind, name in names.items()}
    given = run / "broadcasts.parquet", none_searched(run), {"eps-0.40": paths}, run / "sweep.parquet"
    found = summarise("test", *given, run / "replays.parquet", min_seconds=28)["clusterings"]["eps-0.40"]
    assert (found["people"], found["too_short"]) == (8, 4)
    assert [row["person_id"] for row in found["on_screen"]] == ["P07", "P06", "P05", "P04"]
    assert [pair["names"] for pair in found["strongest_pairs"]] == [["Person 6", "[bold]Zoë <b>"]]
