"""One pace for all jobs of a run, also after a change of the clock and with rubbish in the file."""

import multiprocessing
import struct
import time

import pytest

from castgraph.archive.fetch.pace import paced, reserve

MB = 1_000_000


def reserve_often(pace_file, n_times):
    for _ in range(n_times):
        reserve(pace_file, MB, MB)


def test_whoever_comes_later_waits_until_the_others_bytes_are_paid_for(tmp_path):
    pace_file = tmp_path / "new" / ".pace"
    start = time.time()
    assert [reserve(pace_file, 10 * MB, MB) for _ in range(4)] == pytest.approx(
        [0, 10, 20, 30], abs=time.time() - start + 1e-3
    )
    assert reserve(pace_file, 0, MB) == pytest.approx(40, abs=time.time() - start + 1e-3)


def test_processes_at_once_never_take_the_same_moment(tmp_path):
    pace_file = tmp_path / ".pace"
    start = time.time()
    context = multiprocessing.get_context("fork")
    jobs = [context.Process(target=reserve_often, args=(pace_file, 20)) for _ in range(3)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert reserve(pace_file, 0, MB) == pytest.approx(60, abs=time.time() - start + 1e-3)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"abc",
        b"\xff" * 8,
        b"rubbish, and much of it",
        struct.pack("<d", float("inf")),
        struct.pack("<d", float("nan")),
        struct.pack("<d", -1e300),
        struct.pack("<d", time.time() + 1e6),  # the clock was put back
        struct.pack("<d", time.time() - 1e6),
    ],
    ids=["nothing", "too-little", "no-number", "text", "infinity", "nan", "long-ago", "ahead", "behind"],
)
def test_whatever_the_file_holds_the_pace_is_kept_from_now_on(tmp_path, content):
    pace_file = tmp_path / ".pace"
    pace_file.write_bytes(content)
    start = time.time()
    assert reserve(pace_file, 10 * MB, MB) == 0
    assert reserve(pace_file, 10 * MB, MB) == pytest.approx(10, abs=time.time() - start + 1e-3)


def test_a_thousand_jobs_at_a_low_pace_are_no_change_of_the_clock(tmp_path):
    pace_file = tmp_path / ".pace"
    waits = [reserve(pace_file, 16_384, 10_000) for _ in range(1000)]
    assert waits == sorted(waits)
    assert waits[-1] > 1600


def test_pieces_pass_unchanged_and_are_paid_for_also_when_the_transfer_breaks(tmp_path, monkeypatch):
    monkeypatch.setattr("castgraph.archive.fetch.pace.time.sleep", lambda seconds: None)
    pace_file = tmp_path / ".pace"
    start = time.time()

    def pieces():
        yield from [bytes(300_000), b"", b"ab"]
        raise ConnectionError

    passed = []
    with pytest.raises(ConnectionError):
        passed.extend(paced(pieces(), pace_file, 10_000))
    assert passed == [bytes(300_000), b"", b"ab"]
    assert reserve(pace_file, 0, 10_000) == pytest.approx(30, abs=time.time() - start + 1e-2)
