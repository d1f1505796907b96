"""One decision comes into a file of corrections or goes; everything else stays, byte for byte."""

import json
import stat
import threading
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.decided import decision, places

from castgraph.people.corrections import CorrectionsError, Decision, read_corrections
from castgraph.people.corrections.editing import EditError, blocks, change, with_decision, without_decision
from castgraph.people.corrections.reading import decisions

HERE = places(80)


def face(frame: int) -> str:
    return f"{{broadcast: NTV_20220519_083000_News, frame: {frame}, at: [25, 35]}}"


def at(frame: int, kind: str = "portrait") -> Decision:
    """A decision about the face that `face` writes down."""
    return decision(HERE, kind, 2 * (frame - 1))


def added(text: str, new: Decision) -> str:
    return with_decision("corrections.yaml", text, new)


SORTED = f"""# Corrections of May.

# two hosts
- split:
  - {face(2)}  # the left one
  - {face(3)}
  note: |
    two lines

    of it

- person: {face(5)}
  name: Ann   # spaces stay
  source: "a caption"
# the end
"""


def test_a_decision_comes_where_it_belongs() -> None:
    new = f"- portrait: {face(4)}"
    assert added(SORTED, at(4)) == SORTED.replace("    of it\n\n", f"    of it\n\n{new}\n\n")
    new = f"- portrait: {face(6)}"
    assert added(SORTED, at(6)) == SORTED.replace('caption"\n', f'caption"\n\n{new}\n')
    new = f"- portrait: {face(1)}"
    assert added(SORTED, at(1)) == SORTED.replace("# two hosts", f"{new}\n\n# two hosts")


def test_where_the_file_is_not_sorted_a_decision_comes_last() -> None:
    text = f"- portrait: {face(5)}\n- portrait: {face(2)}\n"
    assert added(text, at(3)) == f"{text}- portrait: {face(3)}\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "NEW\n"),
        ("# only this", "# only this\nNEW\n"),
        ("---\n", "---\nNEW\n"),
        (f"- portrait: {face(1)}", f"- portrait: {face(1)}\nNEW\n"),
        (f"# of May\n- portrait: {face(9)}\n", f"# of May\nNEW\n- portrait: {face(9)}\n"),
        (f"- portrait: {face(1)}\r\n", f"- portrait: {face(1)}\r\nNEW\r\n"),
        (f"---\n- portrait: {face(1)}\n...\n", f"---\n- portrait: {face(1)}\nNEW\n...\n"),
        (f"  - portrait: {face(1)}\n", f"  - portrait: {face(1)}\n  NEW\n"),
        (f"-\n  # why\n  portrait: {face(9)}\n", f"NEW\n-\n  # why\n  portrait: {face(9)}\n"),
        (f"- portrait: {face(1)}\n  by: a\n   b\n", f"- portrait: {face(1)}\n  by: a\n   b\nNEW\n"),
    ],
)
def test_files_of_any_shape(before: str, after: str) -> None:
    assert added(before, at(3)) == after.replace("NEW", f"- portrait: {face(3)}")


def test_lists_in_brackets() -> None:
    one = {"portrait": {"broadcast": "NTV_20220519_083000_News", "frame": 2, "at": [25, 35]}}
    two = {"portrait": {**one["portrait"], "frame": 6}}
    three = {"portrait": {**one["portrait"], "frame": 4}}
    assert added(json.dumps([one, two]), at(4)) == json.dumps([one, three, two])
    assert added(json.dumps([one, three]), at(6)) == json.dumps([one, three, two])
    apart = ",\n  ".join(json.dumps(each) for each in (one, three, two))
    assert added(f"[\n  {json.dumps(one)},\n  {json.dumps(two)}\n]", at(4)) == f"[\n  {apart}\n]"
    assert added("[]", at(4)) == f"- portrait: {face(4)}\n"
    assert added("# head\n[ ] # none\n", at(4)) == f"# head\n# none\n- portrait: {face(4)}\n"
    with pytest.raises(EditError, match="can only be changed by hand"):
        added("[ # none\n]", at(4))
    assert added(json.dumps([two]), at(4)) == json.dumps([three, two])
    text = json.dumps([one, two, three], indent=2)
    for number, left in enumerate(([two, three], [one, three], [one, two])):
        assert json.loads(without_decision("c", text, number)[0]) == left
    assert without_decision("c", json.dumps([one]), 0)[0] == "[]"


def test_all_that_a_decision_says_is_written() -> None:
    new = [
        decision(HERE, "same", 0, 2, 30, by="ann", note="one\ntwo: 3 # four"),
        decision(HERE, "person", 5, name="No, or: 'Yes'", source="# {x}", on="2024-01-02"),
        decision(HERE, "ignore", 7, reason="null", by="- a"),
        *(decision(HERE, kind, 9, 11) for kind in ("different", "split")),
        *(decision(HERE, kind, 13) for kind in ("not_a_face", "portrait")),
    ]
    first = {"portrait": {"broadcast": "NTV_20220519_083000_News", "frame": 2, "at": [25, 35]}}
    for begin in ("", json.dumps([first])):
        text = begin
        for each in new:
            text = added(text, each)
        found = [each for each in decisions("c", text) if each not in decisions("c", begin)]
        assert sorted(map(str, found)) == sorted(map(str, new))
    assert yaml.safe_load(added("", new[1]))[0]["name"] == "No, or: 'Yes'"
    assert added("", new[1]).splitlines() == [
        "- person: {broadcast: NTV_20220519_083000_News, frame: 3, at: [125, 35]}",
        "  name: 'No, or: ''Yes'''",
        "  source: '# {x}'",
        "  on: 2024-01-02",
    ]


def test_what_is_taken_out_is_told_and_comments_stay() -> None:
    text, taken = without_decision("c", SORTED, 0)
    assert taken.startswith(f"- split:\n  - {face(2)}  # the left one")
    assert text.startswith(f"# Corrections of May.\n\n# two hosts\n- person: {face(5)}")
    assert without_decision("c", SORTED, 1)[0].endswith("    of it\n\n# the end\n")
    assert [each.lines for each in blocks("c", SORTED)] == [range(4, 11), range(12, 15)]


def test_a_file_with_faults_is_not_changed() -> None:
    for wrong in ("- portrait: 5\n", "a: b\n", "- [\n"):
        with pytest.raises(CorrectionsError):
            added(wrong, at(3))
        with pytest.raises(CorrectionsError):
            without_decision("c", wrong, 0)


def test_a_file_that_only_a_hand_can_change_says_so() -> None:
    for text in ("null\n", f"- portrait: {face(1)}\n  note: |+\n    a\n\n"):
        with pytest.raises(EditError, match="can only be changed by hand"):
            added(text, at(3))


frames = st.lists(st.integers(1, 15), max_size=6)
breaks = st.sampled_from(["\n", "\r\n"])
gaps = st.sampled_from(["", "\n", "# a comment\n", "\n# a comment\n", "\n\n# one\n  # two\n\n"])
shapes = st.sampled_from(
    [
        "- portrait: {face}\n",
        "-   portrait: {face}   # a comment\n    note: |\n      a\n\n      b # no comment\n",
        "- portrait: {face}\n  note: >-\n    folded\n    text\n",
        "-\n  portrait:\n    broadcast: NTV_20220519_083000_News\n    # in\n    frame: {frame}\n"
        "    at:\n    - 25\n    - 35\n",
        "- {{portrait: {face},\n   note: 'a\n\n   b'}}\n",
    ]
)


@given(st.data(), frames, st.booleans(), st.integers(1, 15), breaks, st.sampled_from(["", "  "]))
def test_what_came_in_goes_out_without_a_trace(
    data: st.DataObject, numbers: list[int], is_sorted: bool, frame: int, eol: str, indent: str
) -> None:
    gap = data.draw(gaps)
    text = "# head\n" + gap
    for each in sorted(numbers) if is_sorted else numbers:
        shape = data.draw(shapes).format(face=face(each), frame=each)
        text += "".join(f"{indent}{line}" if line.strip() else line for line in shape.splitlines(True)) + gap
    text = text.replace("\n", eol)
    before = decisions("c", text)
    new = added(text, at(frame, "not_a_face"))
    found = decisions("c", new)
    [number] = [n for n, each in enumerate(found) if each.kind == "not_a_face"]
    assert [each.model_dump() for each in found if each.kind == "portrait"] == [
        each.model_dump() for each in before
    ]
    places_ = [each.anchors[0].place for each in before]
    if places_ == sorted(places_):
        assert [each.frame for every in found for each in every.anchors] == sorted([*numbers, frame])
    else:
        assert number == len(before)
    again, taken = without_decision("c", new, number)
    assert again == text
    assert taken == f"- not_a_face: {face(frame)}"
    assert blocks("c", new)[number].text == taken


# ---- files -----------------------------------------------------------------------------------------------


def test_a_file_that_is_not_there_is_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "corrections.yaml"
    change(path, lambda text: added(text, at(1)))
    assert path.read_text() == f"- portrait: {face(1)}\n"
    assert sorted(each.name for each in path.parent.iterdir()) == ["corrections.yaml"]


def test_what_fails_leaves_all_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "corrections.yaml"

    def fail(text: str) -> str:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        change(path, fail)
    assert list(tmp_path.iterdir()) == []
    path.write_text("- portrait: 5")
    with pytest.raises(CorrectionsError):
        change(path, lambda text: added(text, at(1)))
    assert path.read_text() == "- portrait: 5"
    assert list(tmp_path.iterdir()) == [path]


def test_links_rights_and_marks_stay(tmp_path: Path) -> None:
    path, link = tmp_path / "corrections.yaml", tmp_path / "link.yaml"
    path.write_bytes(f"\ufeff- portrait: {face(1)}\r\n".encode())
    path.chmod(0o640)
    link.symlink_to(path)
    change(link, lambda text: added(text, at(2)))
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert path.read_bytes() == f"\ufeff- portrait: {face(1)}\r\n- portrait: {face(2)}\r\n".encode()


def test_many_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "corrections.yaml"
    threads = [
        threading.Thread(target=change, args=(path, lambda text, n=n: added(text, at(n))))
        for n in range(1, 13)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert [each.anchors[0].frame for each in read_corrections(path)] == list(range(1, 13))
    assert list(tmp_path.iterdir()) == [path]
