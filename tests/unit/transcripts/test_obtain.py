"""Which transcript is a broadcast's, and what becomes of it whatever it holds."""

import gzip
import json
from pathlib import Path

import pytest
from tests.faults import FaultServer

from castgraph.archive.fetch import FetchError
from castgraph.transcripts import obtain as obtaining
from castgraph.transcripts.beside import Named, beside, in_archive, own
from castgraph.transcripts.obtain import Transcript, obtain, read_transcript

ID = "NTV_20220519_083000_60_minut"
SRT = "1\n00:00:01,000 --> 00:00:02,000\nДобрый вечер\n"
QUICK = {"attempts": 2, "wait_seconds": 0.01, "timeout": 5.0}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    folder.mkdir()
    return folder


def got(archive: Path, to: Path, **options) -> Transcript:
    found = obtain(str(archive), ID, to / "out.json", **options)
    assert read_transcript(to / "out.json") == found
    return found


# ---- beside what -----------------------------------------------------------------------------------------


def test_an_archive_is_asked_for_the_language_of_the_broadcast_then_for_english() -> None:
    assert [each.name for each in in_archive(ID)] == [f"{ID}.transcript.srt", f"{ID}.transcript.en.srt"]
    assert [each.language for each in in_archive(ID, ["en"])] == ["en", ""]
    assert [each.language for each in in_archive(ID, ["de"])] == ["de", "", "en"]


def touched(folder: Path, *names: str) -> None:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()


@pytest.mark.parametrize(
    ("names", "prefer", "found"),
    [
        (["tape.srt"], [], ("tape.srt", "")),
        (["tape.vtt", "tape.en.srt"], [], ("tape.vtt", "")),
        (["tape.vtt", "tape.en.srt"], ["en"], ("tape.en.srt", "en")),
        (["tape.EN-us.VTT"], [], ("tape.EN-us.VTT", "en")),
        (["tape.ger.srt", "tape.eng.srt"], ["de"], ("tape.ger.srt", "de")),
        (["tape.srt", "tape.de.srt"], ["ger"], ("tape.de.srt", "de")),
        (["tape.srt", "tape.vtt"], [], ("tape.srt", "")),
        (["tape.mp4.srt"], [], ("tape.mp4.srt", "")),
        (["tape.transcript.ru.srt"], ["en"], ("tape.transcript.ru.srt", "ru")),
        (["tape.sdh.srt"], [], ("tape.sdh.srt", "")),
        (["tape.en.sdh.srt"], [], ("tape.en.sdh.srt", "en")),
        (["tape 2.srt", "tap.srt", "tape.mp4.txt", ".tape.srt", "tape.forced.srt", "tape.ass"], [], None),
    ],
)
def test_the_transcript_of_a_recording_has_its_name(tmp_path: Path, names, prefer, found) -> None:
    touched(tmp_path, *names)
    source = f"{tmp_path}/tape.mp4"
    assert own([source], prefer) == ({source: Named(*found)} if found else {})


def test_recordings_with_dots_in_their_names_and_folders_have_transcripts_too(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    touched(tmp_path / "rec", "News 2024.01.02.mkv", "News 2024.01.02.srt", "X.vtt", "news.srt")
    sources = [
        "rec/News 2024.01.02.mkv",
        "rec/X",
        "./rec/news.ts",
        "",
        "https://a.example/X.zip",
        "gone/a.mp4",
    ]
    assert {source: beside(source, each.name) for source, each in own(sources).items()} == {
        "rec/News 2024.01.02.mkv": "rec/News 2024.01.02.srt",
        "rec/X": "rec/X.vtt",
        "./rec/news.ts": "./rec/news.srt",
    }


# ---- what becomes of it ----------------------------------------------------------------------------------


def test_it_is_fetched_from_a_folder_and_the_english_one_where_there_is_no_other(archive, tmp_path) -> None:
    assert got(archive, tmp_path) == Transcript("missing", "no such file")
    (archive / f"{ID}.transcript.en.srt").write_text("1\n")
    assert got(archive, tmp_path) == Transcript("ok", "", f"{ID}.transcript.en.srt", "en", "1\n")
    (archive / f"{ID}.transcript.srt").write_text(SRT, encoding="utf-8")
    assert got(archive, tmp_path).text == SRT
    assert got(archive, tmp_path, prefer=["en"]).language == "en"


def test_one_that_is_there_is_not_replaced_by_none(archive: Path, tmp_path: Path) -> None:
    (archive / f"{ID}.transcript.srt").write_text(SRT, encoding="utf-8")
    got(archive, tmp_path)
    (archive / f"{ID}.transcript.srt").unlink()
    assert obtain(str(archive), ID, tmp_path / "out.json").status == "missing"
    assert read_transcript(tmp_path / "out.json").text == SRT


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (SRT.encode("utf-8-sig"), SRT),
        (SRT.encode("utf-16"), SRT),
        (SRT.encode("utf-16-be"), SRT),
        (SRT.replace("\n", "\r\n").encode(), SRT),
        (gzip.compress(SRT.encode(), mtime=0), SRT),
        (b"", ""),
    ],
    ids=["marked", "utf-16", "utf-16-be", "windows", "gzip", "empty"],
)
def test_it_may_be_in_any_encoding_of_unicode(
    archive: Path, tmp_path: Path, content: bytes, text: str
) -> None:
    (archive / f"{ID}.transcript.srt").write_bytes(content)
    found = got(archive, tmp_path)
    assert (found.status, found.reason, found.text) == ("ok", "", text)


def test_the_encoding_of_a_country_is_guessed_and_told(archive: Path, tmp_path: Path) -> None:
    long = (
        SRT + "2\n00:00:03,000 --> 00:00:04,000\nсегодня в нашей программе новости экономики и спорта\n" * 20
    )
    (archive / f"{ID}.transcript.srt").write_bytes(long.encode("cp1251"))
    found = got(archive, tmp_path)
    assert (found.status, found.text) == ("ok", long)
    assert found.reason == "read as cp1251, which is a guess; UTF-8 is sure"


def test_what_is_too_large_is_damaged_packed_or_not(archive: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(obtaining, "MAX_BYTES", 1000)
    path = archive / f"{ID}.transcript.srt"
    for content in (b"x" * 1001, gzip.compress(b"x" * 10**6)):
        path.write_bytes(content)
        found = got(archive, tmp_path)
        assert (found.status, found.text) == ("damaged", "")
        assert found.reason.startswith("larger than")


@pytest.mark.parametrize("content", [b"PK\x03\x04" + b"x" * 100, b"\x1f\x8b broken", bytes(range(256)) * 20])
def test_what_is_no_text_is_damaged_or_has_nothing_in_it(
    archive: Path, tmp_path: Path, content: bytes
) -> None:
    (archive / f"{ID}.transcript.srt").write_bytes(content)
    found = got(archive, tmp_path)
    assert found.status == "damaged" or found.reason.endswith("which is a guess; UTF-8 is sure")
    assert str(tmp_path) not in json.dumps(found.reason)


def test_from_the_web_it_is_fetched_as_carefully_as_a_zip(archive: Path, tmp_path: Path) -> None:
    with FaultServer(archive) as server:
        assert obtain(server.url, ID, tmp_path / "out.json", **QUICK).status == "missing"
        (archive / f"{ID}.transcript.en.srt").write_text(SRT, encoding="utf-8")
        assert obtain(server.url, ID, tmp_path / "out.json", **QUICK).name == f"{ID}.transcript.en.srt"
        # Beside the address of a ZIP, whatever the ZIP is called.
        (archive / "other.transcript.srt").write_text("1\n")
        found = obtain("", ID, tmp_path / "of.json", source=f"{server.url}/other.zip", **QUICK)
        assert (found.status, found.name) == ("ok", "other.transcript.srt")


def test_an_archive_that_does_not_answer_is_an_error_or_a_status(tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:9/archive"
    with pytest.raises(FetchError, match="transcript"):
        obtain(nowhere, ID, tmp_path / "out.json", **QUICK)
    found = obtain(nowhere, ID, tmp_path / "out.json", give_up=True, **QUICK)
    assert found.status == "unreachable"
    assert nowhere not in found.reason


def test_nothing_lies_beside_an_address_with_a_question(tmp_path: Path) -> None:
    found = obtain("", ID, tmp_path / "out.json", source="https://a.example/get?id=1", **QUICK)
    assert (found.status, "'?'" in found.reason) == ("missing", True)


def test_that_of_a_recording_is_read_where_it_lies(tmp_path: Path) -> None:
    source = f"{tmp_path}/tape.mp4"
    assert got(tmp_path, tmp_path, source=source).status == "missing"
    (tmp_path / "tape.ru.vtt").write_text(f"WEBVTT\n\n{SRT}", encoding="utf-8")
    found = got(tmp_path, tmp_path, source=source)
    assert (found.status, found.name, found.language) == ("ok", "tape.ru.vtt", "ru")


def test_another_file_is_no_transcript_of_ours(tmp_path: Path) -> None:
    for text in ("{", "[]", "{}"):
        (tmp_path / "x.json").write_text(text)
        with pytest.raises(ValueError, match="not a transcript written by castgraph"):
            read_transcript(tmp_path / "x.json")
