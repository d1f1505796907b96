"""What the frames of a broadcast depend on."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castgraph.archive import Limits
from castgraph.archive.media.zips import could_change
from castgraph.run import ledger
from castgraph.run.frames import FETCHED, UNPACKED, depend_on, note

LIMITS = {"max_frames": 1000, "max_frame_mb": 2, "max_broadcast_mb": 100}
NEEDED = {"max_frames": 900, "max_frame_bytes": 2**20, "max_total_bytes": 50 * 2**20}


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "ledger" / "limits" / "gdelt" / "X_20260101_100000.json"


def test_a_broadcast_of_the_archive_depends_on_no_file(record: Path) -> None:
    found = depend_on("", LIMITS, record)
    versions = found["versions"]
    assert found == {"source": "", "state": None, "asked": 0, "limits": LIMITS, "versions": versions}
    assert set(found["versions"]) == {"download", "unzip"}
    assert set(depend_on("", LIMITS, record, stage=FETCHED)["versions"]) == {"download"}
    assert set(depend_on("a.mp4", LIMITS, record)["versions"]) == {"recording", "unzip"}


def test_a_recording_depends_on_size_and_date(record: Path, tmp_path: Path) -> None:
    video = tmp_path / "a.mp4"
    states = [depend_on(str(video), LIMITS, record)["state"]]
    for content, moment in ((b"one", 1), (b"two", 2), (b"three", 2)):
        video.write_bytes(content)
        os.utime(video, (moment, moment))
        states.append(depend_on(str(video), LIMITS, record)["state"])
    assert len(set(states)) == 4
    assert states[0] == "not there"
    moved = video.rename(tmp_path / "b.mp4")
    assert depend_on(str(moved), LIMITS, record)["state"] == states[-1]


def test_a_video_that_is_not_called_one_depends_on_the_seconds_between_its_frames(
    record: Path, tmp_path: Path
) -> None:
    """The path of its frames says nothing of them, as it does where the name ends as those of videos."""
    for name, depends in (
        ("a.mp4", False),
        ("a.zip", False),
        ("a.dat", True),
        ("a", True),
        ("folder", False),
    ):
        path = tmp_path / name
        path.mkdir() if name == "folder" else path.touch()
        archive = LIMITS | {"picture_numbers": "auto"}
        one, other = (depend_on(str(path), archive | {"frame_seconds": n}, record) for n in (4, 2))
        assert (one != other) == depends


def test_a_folder_depends_on_its_pictures(record: Path, tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    archive = LIMITS | {"picture_numbers": "auto"}
    state = lambda: depend_on(str(folder), archive, record)["state"]  # noqa: E731
    states = [state()]
    for name in ("1.jpg", "2.PNG"):
        (folder / name).touch()
        states.append(state())
    os.utime(folder / "1.jpg", (5, 5))
    states.append(state())
    (folder / "1.jpg").rename(folder / "3.jpg")
    states.append(state())
    assert len(set(states)) == 5
    (folder / ".DS_Store").touch()
    (folder / "Thumbs.db").touch()
    (folder / "more").mkdir()
    assert state() == states[-1]
    folder = folder.rename(tmp_path / "b")
    assert state() == states[-1]
    # By its name it is none, by its content it may be one. And what is left alone is told.
    (folder / "0001").touch()
    (folder / "lost.jpg").symlink_to("nowhere")
    assert state() != states[-1]
    assert depend_on(str(folder), archive, record)["picture_numbers"] == "auto"
    assert "picture_numbers" not in depend_on(str(folder / "1.mp4"), archive, record)


def test_a_folder_depends_on_what_its_links_lead_to(record: Path, tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "1.jpg").symlink_to(tmp_path / "elsewhere.jpg")
    found = []
    for content in (None, b"one", b"another"):
        if content:
            (tmp_path / "elsewhere.jpg").write_bytes(content)
        found.append(depend_on(str(folder), LIMITS | {"picture_numbers": "auto"}, record)["state"])
    assert len(set(found)) == 3


@pytest.mark.parametrize("stage", [FETCHED, UNPACKED])
def test_limits_that_change_nothing_do_not_count(stage: str, record: Path) -> None:
    note(record, stage, LIMITS, LIMITS, NEEDED)
    for other in ({"max_frames": 900}, {"max_frames": 5000, "max_frame_mb": 1}, {"max_broadcast_mb": 50}):
        assert depend_on("", LIMITS | other, record, stage=stage)["limits"] == LIMITS
    for other in ({"max_frames": 899}, {"max_frame_mb": 0.9}, {"max_broadcast_mb": 49.9}):
        assert depend_on("", LIMITS | other, record, stage=stage)["limits"] == LIMITS | other


def test_one_that_was_cut_depends_on_the_limit_that_cut_it(record: Path) -> None:
    note(record, UNPACKED, LIMITS, LIMITS, NEEDED | {"max_total_bytes": None})
    assert depend_on("", LIMITS | {"max_frames": 2000}, record)["limits"] == LIMITS
    more = LIMITS | {"max_broadcast_mb": 200}
    assert depend_on("", more, record)["limits"] == more
    # It is done, and turns out to be whole now.
    note(record, UNPACKED, more, more, NEEDED)
    assert depend_on("", more, record)["limits"] == more
    assert depend_on("", LIMITS, record)["limits"] == more


def test_what_has_grown_since_is_cut_by_the_limits_of_today(record: Path) -> None:
    note(record, UNPACKED, LIMITS, LIMITS, NEEDED)
    today = LIMITS | {"max_frames": 2000}
    counting = depend_on("", today, record)["limits"]
    assert counting == LIMITS
    note(record, UNPACKED, counting, today, NEEDED | {"max_frames": 1500})
    assert depend_on("", today, record)["limits"] == today


@pytest.mark.parametrize("content", ["", "[]", "null", '{"unpacked": 5}', '{"unpacked": {"limits": {}}}'])
def test_a_spoilt_record_is_none(content: str, record: Path) -> None:
    record.parent.mkdir(parents=True)
    record.write_text(content)
    assert depend_on("", LIMITS, record)["limits"] == LIMITS
    note(record, UNPACKED, LIMITS, LIMITS, NEEDED)
    assert ledger.read(record)[UNPACKED]["needed"] == NEEDED


AMOUNTS = st.integers(1, 50)


@given(needs=AMOUNTS, before=AMOUNTS, now=AMOUNTS)
def test_could_change_is_right(needs: int, before: int, now: int) -> None:
    taken = lambda limit: min(needs, limit)  # noqa: E731
    known = needs if needs <= before else None
    found = could_change({"max_frames": known}, Limits(max_frames=before), Limits(max_frames=now))
    if taken(before) != taken(now):
        assert found
    if before == now or needs <= min(before, now):
        assert not found
