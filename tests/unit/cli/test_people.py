"""The commands that tell who is who, and that write down what is decided about people."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import yaml
from typer.testing import CliRunner, Result

from castgraph.base import tables
from castgraph.cli import app
from castgraph.people.corrections import read_corrections

MAY = datetime(2022, 5, 19, tzinfo=UTC)
NEWS = "NTV_20220519_083000_News"


def person(rank: int, person_id: str, name: str = "", name_from: str = "correction") -> dict[str, Any]:
    """A person whose best face is in the frame of the same number as the rank."""
    return {
        "person_id": person_id,
        "rank": rank,
        "name": name or f"Person {person_id}",
        "name_from": name_from if name else "",
        "n_faces": 20,
        "n_frames": 20 - rank,
        "n_broadcasts": 1,
        "screen_seconds": 4.0 * (20 - rank),
        "airtime_share": 0.1,
        "first_seen": MAY,
        "last_seen": MAY,
        "n_outliers": 0,
        "spread": 0.3,
        "broadcast": NEWS,
        "face": rank,
        "frame": rank,
        "top": 10,
        "right": 61,
        "bottom": 60,
        "left": 10,
        "portrait": f"{person_id}.jpg",
    }


PEOPLE = [
    person(1, "K7Q2"),
    person(2, "M3XA", "Ann Example"),
    person(3, "SM1T"),
    person(4, "B0B0", "Bob", "gallery"),
    person(5, "T4K9", "Twin"),
    person(6, "T5K9", "Twin"),
]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run with six people, whose configuration names `corrections.yaml`; the folder to work in."""
    monkeypatch.chdir(tmp_path)
    folder = Path("results/made-up")
    write_people(folder / "linkage-0.52", PEOPLE)
    (folder / "config.yaml").write_text("run: made-up\npeople:\n  corrections: corrections.yaml\n")
    return folder


def write_people(folder: Path, rows: list[dict[str, Any]]) -> None:
    folder.mkdir(parents=True)
    tables.write(
        folder / "people.parquet", pa.Table.from_pylist(rows, schema=tables.PEOPLE), {}, tables.PEOPLE
    )


def people(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["people", *map(str, arguments)])


def done(*arguments: object) -> list[str]:
    """Give a command that goes well; its lines without the last, which tells how to apply it."""
    found = people(*arguments)
    assert (found.exit_code, found.stderr) == (0, "")
    *lines, last = found.stdout.splitlines()
    assert last == "apply it: uv run snakemake --cores all --configfile results/made-up/config.yaml"
    return lines


def refused(*arguments: object) -> str:
    """Give a command that is refused; nothing is changed."""
    path = Path("corrections.yaml")
    before = path.read_bytes() if path.exists() else None
    found = people(*arguments)
    assert found.exit_code == 1, found.output
    assert isinstance(found.exception, SystemExit), "no traceback"
    assert (path.read_bytes() if path.exists() else None) == before
    return found.stderr


def decided() -> list[str]:
    """All decisions: kind and frames."""
    return [
        " ".join([each.kind, *(str(anchor.frame) for anchor in each.anchors)])
        for each in read_corrections("corrections.yaml")
    ]


def test_who_there_is(run: Path) -> None:
    found = people("list", run)
    assert [line.split() for line in found.stdout.splitlines()][:3] == [
        ["person_id", "name", "screen_seconds", "n_broadcasts"],
        ["K7Q2", "Person", "K7Q2", "1", "min", "16", "s", "1"],
        ["M3XA", "Ann", "Example", "1", "min", "12", "s", "1"],
    ]
    assert people("list", run, "--csv").stdout.splitlines()[2] == "M3XA,Ann Example,72.0,1"


def test_what_became_of_whom(run: Path) -> None:
    row = {"from": "OLD1", "to": "M3XA", "kind": "merged", "n_faces": 12, "n_from": 12, "n_to": 20}
    table = pa.Table.from_pylist([row | {"broadcast": NEWS, "frame": 3}], schema=tables.PEOPLE_CHANGES)
    tables.write(run / "linkage-0.52" / "people_changes.parquet", table, {})
    found = people("changes", run)
    assert found.stdout == f"OLD1 is now Ann Example (M3XA): 12 faces; look at {NEWS}, frame 3.\n"


def test_a_person_gets_a_name(run: Path) -> None:
    assert done("rename", run, "k7q2", "Cleo Doe", "--source", "caption: 7", "--by", "ann") == [
        "corrections.yaml, line 1: K7Q2 is called Cleo Doe"
    ]
    today = datetime.now().date()
    [found] = read_corrections("corrections.yaml")
    assert (found.name, found.source, found.by, found.on) == ("Cleo Doe", "caption: 7", "ann", today)
    assert (found.person.broadcast, found.person.frame, found.person.at) == (NEWS, 1, (35.5, 35))


def test_a_new_name_takes_the_place_of_the_old_one(run: Path) -> None:
    Path("corrections.yaml").write_text(
        f"# of May\n- person: {{broadcast: {NEWS}, frame: 7, at: [1, 2]}}\n  name: Ann Example\n  source: x\n"
    )
    lines = done("rename", run, "M3XA", "Anna Example", "--source", "caption")
    assert lines[:3] == [
        "corrections.yaml, line 2: Ann Example (M3XA) is called Anna Example",
        "instead of:",
        f"  - person: {{broadcast: {NEWS}, frame: 7, at: [1, 2]}}",
    ]
    assert decided() == ["person 2"]
    assert Path("corrections.yaml").read_text().startswith("# of May\n- person:")
    done("rename", run, "M3XA", "Anne Example", "--source", "caption")
    assert [each.name for each in read_corrections("corrections.yaml")] == ["Anne Example"]
    assert done("rename", run, "M3XA", "Anne Example", "--source", "caption") == [
        "corrections.yaml, line 2: says so already: Ann Example (M3XA) is called Anne Example"
    ]


def test_a_name_that_somebody_has_asks(run: Path) -> None:
    for name in ("bob", "BOB", " Bob "):
        told = refused("rename", run, "K7Q2", name, "--source", "caption")
        assert "Bob (B0B0) is called" in told
        assert "--anyway" in told
    assert not Path("corrections.yaml").exists()
    done("rename", run, "K7Q2", "Bob", "--source", "caption", "--anyway")
    # And one that somebody will have.
    done("rename", run, "SM1T", "Dora", "--source", "caption")
    told = refused("rename", run, f"{NEWS}#9@10,20", "dora", "--source", "caption")
    assert f"the person at {NEWS}#3@35.5,35 (corrections.yaml, line 5) is called dora" in told
    assert done("rename", run, "SM1T", "DORA", "--source", "caption")[1] == "instead of:"


def test_who_is_one_person_and_who_is_not(run: Path) -> None:
    told = done("same", run, "SM1T", "Ann Example", "K7Q2", "--note", "twins?")
    assert told == ["corrections.yaml, line 1: SM1T, Ann Example (M3XA) and K7Q2 are one person"]
    assert done("different", run, "K7Q2", f"{NEWS}#9@10.5,-2") == [
        f"corrections.yaml, line 7: K7Q2 and the person at {NEWS}#9@10.5,-2 are two people"
    ]
    assert decided() == ["same 1 2 3", "different 1 9"]
    assert "says so already" in done("same", run, "K7Q2", "m3xa", "sm1t")[0]
    told = refused("different", run, "K7Q2", "M3XA")
    assert "corrections.yaml, line 1: says same of these faces; take that out first" in told
    assert "same: found one face twice" in refused("same", run, "K7Q2", "Person K7Q2")
    assert "same: found 1 face; allowed: a list of two faces or more" in refused("same", run, "K7Q2")
    assert "different: found 3 faces; allowed: a list of two faces" in refused(
        "different", run, "K7Q2", "M3XA", "B0B0"
    )


def test_faces_leave(run: Path) -> None:
    assert done("split", run, f"{NEWS}#9@10,20", f"{NEWS}#3@7,8") == [
        f"corrections.yaml, line 1: one person of their own: {NEWS}#9@10,20, {NEWS}#3@7,8"
    ]
    assert decided() == ["split 3 9"]
    assert "K7Q2 is a person: which faces leave?" in refused("split", run, "K7Q2")


def test_a_person_is_left_out(run: Path) -> None:
    assert done("ignore", run, "Bob", "--reason", "a child") == [
        "corrections.yaml, line 1: Bob (B0B0) is left out"
    ]
    assert done("ignore", run, "Bob", "--reason", "asked")[1] == "instead of:"
    assert [each.reason for each in read_corrections("corrections.yaml")] == ["asked"]


def test_the_last_decision_is_taken_out(run: Path) -> None:
    Path("corrections.yaml").write_text(
        f"# by hand\n- not_a_face: {{broadcast: {NEWS}, frame: 2, at: [1, 2]}} # a poster\n"
    )
    before = Path("corrections.yaml").read_text()
    done("ignore", run, "SM1T", "--reason", "asked")
    done("same", run, "K7Q2", "M3XA")
    assert decided() == ["same 1 2", "not_a_face 2", "ignore 3"]
    lines = done("undo", run)
    assert lines[:2] == ["corrections.yaml, line 2: taken out:", "  - same:"]
    assert decided() == ["not_a_face 2", "ignore 3"]
    done("undo", run)
    assert Path("corrections.yaml").read_text() == before
    assert "no decision any more that castgraph people added" in refused("undo", run)
    assert "has no decision at line 9" in refused("undo", run, "--line", "9")
    assert done("undo", run, "--line", "2")[1].endswith("# a poster")
    assert Path("corrections.yaml").read_text() == "# by hand\n"


def test_what_was_taken_out_by_hand_is_not_looked_for(run: Path) -> None:
    done("same", run, "K7Q2", "M3XA")
    done("same", run, "B0B0", "SM1T")
    text = Path("corrections.yaml").read_text()
    Path("corrections.yaml").write_text(text[: text.index("- same", 5)])
    assert f"  - {{broadcast: {NEWS}, frame: 1, at: [35.5, 35]}}" in done("undo", run)[2]
    Path("results/ledger/corrected.json").write_text(json.dumps({str(Path("corrections.yaml").resolve()): 5}))
    assert "no decision any more" in refused("undo", run)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Twin", "'Twin' may be T4K9 (Twin, 1 min 0 s) or T5K9 (Twin, 56 s); say the ID"),
        ("ann example", "nobody is called 'ann example'; did you mean M3XA (Ann Example, 1 min 12 s)?"),
        ("Ann", "nobody is called 'Ann'; did you mean M3XA (Ann Example"),
        ("X9X9", "nobody is called 'X9X9', and nobody has that ID"),
        ("\x1b[31m", "nobody is called"),
        (f"{NEWS}#0@1,2", f"found '{NEWS}#0@1,2'; allowed: BROADCAST#FRAME@X,Y with a frame from 1"),
        (f"{NEWS}#1@1.2.3,2", "allowed: BROADCAST#FRAME@X,Y"),
    ],
)
def test_who_is_not_known_is_told(text: str, told: str, run: Path) -> None:
    error = refused("ignore", run, text, "--reason", "asked")
    assert told in error
    assert "\x1b" not in error


def test_ids_as_somebody_writes_them_down(run: Path) -> None:
    for number, text in enumerate(("k7q2", " SMIT ", "bobo", "person k7q2"), 1):
        found = people("ignore", run, text, "--reason", "asked")
        assert found.exit_code == (1 if number == 4 else 0), found.output
    assert decided() == ["ignore 1", "ignore 3", "ignore 4"]


def test_what_does_not_apply_is_told_at_once(run: Path) -> None:
    box = {"top": 10, "right": 60, "bottom": 60, "left": 10, "score": 1.0, "sharpness": 50.0}
    rows = [
        {"broadcast": NEWS, "face": n, "frame": n + 1, **box, "set_aside": "min_score" if n == 5 else ""}
        for n in range(6)
    ]
    faces = run / "faces.parquet"
    tables.write(faces, pa.Table.from_pylist(rows, schema=tables.MERGED_FACES), {"digest": "x"})
    labels = np.array([0, 1, 2, 2, -1, -1], np.int32)
    tables.write_labels(run / "linkage-0.52" / "labels.parquet", faces, labels, {}, 1)
    assert len(done("same", run, "K7Q2", "M3XA")) == 1
    assert len(done("different", run, "M3XA", "SM1T")) == 1
    told = done("same", run, "K7Q2", "SM1T")
    assert told[1].startswith("but: corrections.yaml, lines 1, 5 and 9 (different and same): ")
    assert told[1].endswith("; all of this is left out.")
    for frame, reason in (
        (4, "in one person; a split says which leave"),
        (6, "is set aside"),
        (9, "there is no face"),
    ):
        told = done("different", run, "SM1T", f"{NEWS}#{frame}@35,35")
        assert "but: corrections.yaml, line " in told[1]
        assert reason in told[1]


@pytest.mark.parametrize("name", ["", " ", "a\nb", "\x1b[31m", "A" * 201, "a\u202eb"])
def test_a_name_is_text_in_one_line(name: str, run: Path) -> None:
    told = refused("rename", run, "K7Q2", name, "--source", "caption")
    assert told.startswith("error: name: found ")
    assert told.count("\n") == 1
    assert "allowed: text in one line, of 1 to 200 characters" in told


def test_faults_of_the_file_are_told_line_by_line(run: Path) -> None:
    Path("corrections.yaml").write_text("- same: 3\n- portrait: 4\n")
    for command in (
        ("same", run, "K7Q2", "M3XA"),
        ("undo", run),
        ("rename", run, "K7Q2", "X", "--source", "y"),
    ):
        assert [each[:35] for each in refused(*command).splitlines()] == [
            "error: corrections.yaml, line 1: sa",
            "error: corrections.yaml, line 2: po",
        ]


def test_which_file_is_meant(run: Path) -> None:
    other = Path("other.yaml")
    lines = done("ignore", run, "K7Q2", "--reason", "asked", "--file", other)
    assert "results/made-up/config.yaml does not name this file" in lines[-1]
    assert (other.exists(), Path("corrections.yaml").exists()) == (True, False)
    (run / "config.yaml").write_text("run: made-up\n")
    told = refused("ignore", run, "K7Q2", "--reason", "asked")
    assert (
        "names no file of corrections; write people.corrections into it, or name a file with --file" in told
    )
    (run / "config.yaml").write_text("- 5\n")
    assert "is not the configuration of a run" in refused("ignore", run, "K7Q2", "--reason", "asked")
    assert "no nowhere/config.yaml" in refused("undo", "nowhere")


def test_a_run_is_found_from_anywhere(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    found = people("ignore", tmp_path / run, "K7Q2", "--reason", "asked")
    assert found.exit_code == 0, found.output
    assert (tmp_path / "corrections.yaml").exists()


def test_which_clustering_is_meant(run: Path) -> None:
    write_people(run / "linkage-0.60", [person(9, "Z9Z9")])
    assert "no results/made-up/summary.json" in refused("ignore", run, "K7Q2", "--reason", "asked")
    assert done("ignore", run, "Z9Z9", "--reason", "asked", "--clustering", "linkage-0.60")
    told = refused("ignore", run, "Z9Z9", "--reason", "asked", "--clustering", "x")
    assert "has no people of 'x'; there are: linkage-0.52, linkage-0.60" in told
    # Who is said by a place is known without people.
    for each in run.glob("*/people.parquet"):
        each.unlink()
    done("ignore", run, f"{NEWS}#9@10,20", "--reason", "asked")
    done("rename", run, f"{NEWS}#9@10,20", "Eve", "--source", "caption")


def test_what_is_written_is_yaml_for_others(run: Path) -> None:
    done("rename", run, "K7Q2", "No: 'Yes' # x", "--source", "- a")
    [block] = yaml.safe_load(Path("corrections.yaml").read_text())
    assert (block["name"], block["source"]) == ("No: 'Yes' # x", "- a")
