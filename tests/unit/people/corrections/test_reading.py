"""A file of corrections is read, and what is wrong with it is told; it does no harm."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from castgraph.people.corrections import CorrectionsError, read_corrections, reading
from castgraph.people.corrections.reading import MOST_BYTES

FACE = "{broadcast: NTV_20220519_083000, frame: 7, at: [312, 140]}"
NAMED = f"- person: {FACE}\n  name: Ann\n  source: caption\n"


def read(folder: Path, text: str | bytes) -> list[Any]:
    path = folder / "corrections.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_corrections(path)


def faults(folder: Path, text: str | bytes) -> list[str]:
    with pytest.raises(CorrectionsError) as error:
        read(folder, text)
    return str(error.value).replace(str(folder / "corrections.yaml"), "FILE").splitlines()


def test_all_kinds(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        f"""# of May
- same: [{FACE}, {FACE}, {FACE}]
- different:
  - {FACE}
  - broadcast: NTV_20220519_083000
    frame: 8
    at: [1.5, 2]
    box: [1, 40, 41, 0]
  by: ann
  on: 2024-01-02
  note: |
    two lines
    of it
- split: [{FACE}]
{NAMED}
- {{"ignore": {FACE}, "reason": "asked to be left out", "by": null}}
- not_a_face: {FACE}
- portrait: {FACE}
""",
    )
    assert [(each.kind, each.line, len(each.anchors)) for each in found] == [
        ("same", 2, 3),
        ("different", 3, 2),
        ("split", 14, 1),
        ("person", 15, 1),
        ("ignore", 19, 1),
        ("not_a_face", 20, 1),
        ("portrait", 21, 1),
    ]
    assert found[1].anchors[1].box == (1, 40, 41, 0)
    assert (found[1].by, found[1].on, found[1].note) == ("ann", date(2024, 1, 2), "two lines\nof it\n")
    assert (found[3].name, found[3].source, found[4].reason) == ("Ann", "caption", "asked to be left out")


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "---\n", "[]\n", "---\n...\n"])
def test_nothing_decided_yet(text: str, tmp_path: Path) -> None:
    assert read(tmp_path, text) == []


@pytest.mark.parametrize("name", ["No", "On", "Null", "007", "1e3", "2024-01-02", "Ян Ю", "O'Neil", "=1+1"])
def test_a_name_is_what_is_written(name: str, tmp_path: Path) -> None:
    [found] = read(tmp_path, NAMED.replace("Ann", name))
    assert found.name == name


def test_what_other_programs_write_is_read(tmp_path: Path) -> None:
    face = {"broadcast": "NTV_20220519_083000", "frame": 7, "at": [312, 140.5]}
    block = {"person": face, "name": "Анна", "source": "caption", "on": "2024-01-02", "by": None}
    texts = [yaml.safe_dump([block]), yaml.safe_dump([block], allow_unicode=True), json.dumps([block])]
    texts += [
        json.dumps([block], indent=2),
        f"\ufeff{json.dumps([block])}",
        yaml.safe_dump([block], line_break="\r\n"),
    ]
    for text in texts:
        [found] = read(tmp_path, text)
        assert (found.name, found.person.at, found.on, found.by) == (
            "Анна",
            (312, 140.5),
            date(2024, 1, 2),
            None,
        )


def test_a_name_is_one_however_it_is_written(tmp_path: Path) -> None:
    found = read(tmp_path, NAMED.replace("Ann", "Zoe\u0308  Doe") + NAMED.replace("Ann", "Zo\u00eb Doe"))
    assert found[0].name == found[1].name


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("5", "FILE, line 1: found '5'; allowed: a list, each decision with a dash before it"),
        ("same: []", "FILE, line 1: found keys; allowed: a list, each decision with a dash before it"),
        (
            "- 5",
            "FILE, line 1: found '5'; allowed: a decision with one of not_a_face, split, same, different",
        ),
        (
            "\n- sme: 1",
            "FILE, line 2: found the keys ['sme'] (did you mean same?); allowed: one of not_a_face",
        ),
        (
            f"- {{same: [], split: [{FACE}]}}",
            "FILE, line 1: found same and split in one decision; allowed: one of",
        ),
        (
            f"- same: [{FACE}]",
            "FILE, line 1: same: found [{'broadcast':...'312', '140']}]; allowed: a list of two faces or "
            "more, each as {broadcast: ID, frame: NUMBER, at: [x, y]}",
        ),
        (f"- different: [{FACE}, {FACE}, {FACE}]", "FILE, line 1: different: found ["),
        (f"- same: {FACE}", "FILE, line 1: same: found {"),
        (
            f"- same:\n  - {FACE}\n  - {FACE.replace('7', 'x7')}",
            "FILE, line 3: same.1.frame: found 'x7'; allowed: the number of a frame, a whole number from 1",
        ),
        (
            f"- portrait: {FACE.replace('7', '0')}",
            "FILE, line 1: portrait.frame: found '0'; allowed: the number",
        ),
        (
            f"- portrait: {FACE.replace('312', '.inf')}",
            "FILE, line 1: portrait.at.0: found '.inf'; allowed: [x, y]",
        ),
        (
            f"- portrait: {FACE.replace('312', 'nan')}",
            "FILE, line 1: portrait.at.0: found 'nan'; allowed: [x, y]",
        ),
        (
            f"- portrait: {FACE.replace(', 140', '')}",
            "FILE, line 1: portrait.at: found ['312']; allowed: [x, y]",
        ),
        (f"- portrait: {FACE[:-1]}, box: [9, 4, 3, 2]}}", "FILE, line 1: portrait.box: found ['9', "),
        (
            f"- portrait: {FACE[:-1]}, x: 2}}",
            "FILE, line 1: portrait.x: found a key that is not known; allowed: broad",
        ),
        (
            "- portrait: {frame: 2, at: [1, 2]}",
            "FILE, line 1: portrait.broadcast: found nothing; allowed: the ID",
        ),
        (
            f"- person: {FACE}\n  name: Ann",
            "FILE, line 1: source: found nothing; allowed: where the name is known",
        ),
        (
            f"- ignore: {FACE}\n  reason:",
            "FILE, line 2: reason: found nothing; allowed: why the person is left out",
        ),
        (f"{NAMED}  on: 2 May", "FILE, line 4: on: found '2 May'; allowed: a day, such as 2024-01-02"),
        (f"{NAMED}  on: 20240102", "FILE, line 4: on: found '20240102'; allowed: a day"),
        (
            f"{NAMED}  nam: 3",
            "FILE, line 4: nam: found a key that is not known; allowed: by, on, note",
        ),
        (f"{NAMED}  name: Bob", "FILE, line 4: name: found the key twice; allowed: once"),
        (f"{NAMED}  by: [a]", "FILE, line 4: by: found ['a']; allowed: text in one line"),
        (NAMED.replace("Ann", "A" * 201), "FILE, line 2: name: found 'AAAA"),
        (
            NAMED.replace("Ann", r'"A\e[31mnn"'),
            r"FILE, line 2: name: found 'A\x1b[31mnn'; allowed: text in one line",
        ),
        (NAMED.replace("Ann", r'"A\nB"'), r"FILE, line 2: name: found 'A\nB'; allowed: text in one line"),
        (
            NAMED.replace("Ann", r'"A\u202eB"'),
            r"FILE, line 2: name: found 'A\u202eB'; allowed: text in one line",
        ),
        (f"{NAMED}- [a: b", "FILE, line 5: found what is no YAML ("),
        ("- a\x01", "FILE, line 1: found what is no text (the sign U+0001); allowed: YAML"),
        (b"- a\n- \xff", "FILE, line 2: found what is not UTF-8; allowed: text in UTF-8"),
        (f"{NAMED}---\n{NAMED}", "FILE, line 4: found a second document; allowed: one list"),
        (
            NAMED.replace("Ann", "!!python/object/apply:os.system [id]"),
            "FILE, line 2: found a tag ('tag:yaml.org",
        ),
        ("- ? [a]\n  : b", "FILE, line 1: found a key that is a list or has keys; allowed: text"),
    ],
)
def test_what_is_wrong_is_told(text: str | bytes, told: str, tmp_path: Path) -> None:
    [found] = faults(tmp_path, text)
    assert found.startswith(told)
    assert len(found) < 500


def test_every_fault_is_told(tmp_path: Path) -> None:
    wrong = f"- portrait: {FACE.replace('7', '-1')}\n"
    assert [each.split(": ")[0] for each in faults(tmp_path, wrong + NAMED + wrong)] == [
        "FILE, line 1",
        "FILE, line 5",
    ]
    assert len(faults(tmp_path, wrong * 1000)) == 20
    with pytest.raises(CorrectionsError) as error:
        read(tmp_path, wrong)
    [fault] = error.value.faults
    assert fault[1:] == (1, "portrait.frame", "'-1'", "the number of a frame, a whole number from 1")


def bomb() -> str:
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}' if n else 'x'] * 10)}]" for n in range(9)]
    return "- " + "\n  ".join(levels)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (bomb(), "found a reference (& or *); allowed: every decision written out"),
        (f"- &x {FACE}\n- *x", "found a reference (& or *); allowed: every decision written out"),
        ("- " + "[" * 100_000, "found lists in lists; allowed: at most 8 in each other"),
        ("{a: " * 100_000, "found keys; allowed: a list, each decision with a dash before it"),
        ("- " * 100_000 + "a", "found lists in lists; allowed: at most 8 in each other"),
        (b" " * (MOST_BYTES + 1), f"found a larger file; allowed: at most {MOST_BYTES:,} bytes"),
    ],
)
def test_what_would_do_harm_is_refused(text: str | bytes, told: str, tmp_path: Path) -> None:
    [found] = faults(tmp_path, text)
    assert found.endswith(told)


def test_more_than_can_be_decided_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_EVENTS", 4000)
    assert len(read(tmp_path, NAMED * 50)) == 50
    [found] = faults(tmp_path, NAMED * 500)
    assert found.endswith("found more; allowed: about 100 decisions")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for path, told in (
        (tmp_path, "what is no file"),
        (tmp_path / "nowhere", "No such file"),
        (Path("/dev/zero"), "no f"),
    ):
        with pytest.raises(CorrectionsError, match=told):
            read_corrections(path)


whole = NAMED + f"- same:\n  - {FACE}\n  - {FACE}\n  note: |\n    a\n- split: [{FACE}]\n  on: 2024-01-02\n"
signs = st.sampled_from(
    [
        *":-[]{},&*!|>'\"#%@\n\t \\?\u2028\x85\ufeff",
        *("- ", "&a ", "*a", "!!int ", "<<: ", "9" * 50),
    ]
)


@given(st.lists(st.tuples(st.integers(0, len(whole)), st.integers(0, 5), signs), min_size=1, max_size=4))
def test_whatever_is_in_it_is_read_or_told(
    tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[int, int, str]]
) -> None:
    text = whole
    for place, n_gone, new in edits:
        text = text[:place] + new + text[place + n_gone :]
    path = tmp_path_factory.getbasetemp() / "edited.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        found = read_corrections(path)
    except CorrectionsError as error:
        assert error.faults
        assert all(fault.line <= text.count("\n") + 9 for fault in error.faults)
    else:
        assert all(each.anchors for each in found)


@given(st.binary(max_size=60))
def test_bytes_of_any_kind_are_read_or_told(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "bytes.yaml"
    path.write_bytes(content)
    try:
        assert read_corrections(path) == []
    except CorrectionsError as error:
        assert str(error).startswith(str(path))
