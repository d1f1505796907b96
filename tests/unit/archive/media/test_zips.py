"""ZIPs of broadcasts: fetched, unzipped and read, good and hostile ones."""

import json
import random
import stat
import struct
import zipfile
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castgraph.archive import frame_name
from castgraph.archive.media.zips import (
    FrameError,
    FrameReader,
    Limits,
    Manifest,
    RefusedEntry,
    UnzippedFrame,
    damage,
    read_manifest,
    read_placeholder,
    unzip,
    write_manifest,
    write_placeholder,
)
from castgraph.base.text import shortened

ID = "NTV_20261001_030000"
NOISE = random.Random(1).randbytes(3000)  # as incompressible as a JPEG


def entry(number, folder=ID, name=ID, ending="jpg"):
    return f"{folder}/{name}-{number:06d}.{ending}"


def info(name, mode=0, method=zipfile.ZIP_DEFLATED):
    made = zipfile.ZipInfo(name)
    made.external_attr = mode << 16
    made.compress_type = method
    return made


@pytest.fixture
def make(tmp_path):
    """Make a ZIP of (name or ZipInfo, content) pairs."""

    def make(*entries, method=zipfile.ZIP_DEFLATED):
        path = tmp_path / f"{ID}.zip"
        with zipfile.ZipFile(path, "w", method) as archive:
            for name, content in entries:
                archive.writestr(name, content)
        return path

    return make


@pytest.fixture
def unzipped(tmp_path):
    """Unzip into an empty folder; check that the manifest tells all that is new on the disk."""

    def unzipped(path, limits=None):
        folder = tmp_path / "deep" / "frames"
        folder.mkdir(parents=True)
        before = set(tmp_path.rglob("*"))
        manifest = unzip(path, ID, folder, limits or Limits())
        new = set(tmp_path.rglob("*")) - before
        assert new == {folder / each.file for each in manifest.frames if each.status == "ok"}
        assert all(each.is_file() and not each.is_symlink() for each in new)
        assert all(each.file is None and each.reason for each in manifest.frames if each.status == "damaged")
        assert [each.frame for each in manifest.frames] == sorted({each.frame for each in manifest.frames})
        return manifest

    return unzipped


def numbers(manifest, status="ok"):
    return [each.frame for each in manifest.frames if each.status == status]


def patch(path, old, new, which=0):
    """Replace bytes in a file, at the first place or the last (-1) that holds them."""
    content = path.read_bytes()
    at = content.index(old) if which == 0 else content.rindex(old)
    path.write_bytes(content[:at] + new + content[at + len(old) :])


def test_the_demo_is_unzipped(demo, tmp_path):
    for path in sorted(demo.glob("*.zip")):
        folder = tmp_path / path.stem
        folder.mkdir()
        manifest = unzip(path, path.stem, folder)
        assert (manifest.status, manifest.reason, manifest.n_refused) == ("ok", "", 0)
        with zipfile.ZipFile(path) as archive:
            expected = {name.rpartition("/")[2]: archive.read(name) for name in archive.namelist()}
        assert {each.name: each.read_bytes() for each in folder.iterdir()} == expected
        assert [each.file for each in manifest.frames] == sorted(expected)


def test_frames_get_our_names_in_the_order_of_their_numbers(make, unzipped, tmp_path):
    path = make(
        (f"{ID}/", b""),
        (f"{ID}/{ID}-12.JPEG", b"twelve"),
        (f"{ID}/{ID}-0000003.jpeg", b"three"),
        (entry(1), b"one"),
        (f"{ID}/{ID}-123456789.jpg", b"many"),
    )
    manifest = unzipped(path)
    assert manifest == Manifest(
        ID,
        "ok",
        "",
        tuple(UnzippedFrame(n, frame_name(ID, n)) for n in (1, 3, 12, 123456789)),
        needed={"max_frames": 4, "max_frame_bytes": 6, "max_total_bytes": 18},
    )
    assert (tmp_path / "deep" / "frames" / f"{ID}-000003.jpg").read_bytes() == b"three"


def test_what_is_no_picture_is_a_frame_all_the_same(make, unzipped):
    """Whether a file is a picture is seen by those who decode it."""
    assert numbers(unzipped(make((entry(1), b"<html>"), (entry(2), b"")))) == [1, 2]


REFUSED = [
    (f"../{entry(2)}", "its path climbs out of the folder"),
    (f"{ID}/../../{ID}-000002.jpg", "its path climbs out of the folder"),
    (f"{ID}/../{ID}/{ID}-000002.jpg", "its path climbs out of the folder"),
    (f"/{entry(2)}", "its path is absolute"),
    (f"C:/{entry(2)}", "its path is absolute"),
    (f"{ID}\\{ID}-000002.jpg", "its name has a backslash"),
    ("..\\..\\x", "its name has a backslash"),
    (info(entry(2), stat.S_IFLNK | 0o777), "a link"),
    (info(entry(2), stat.S_IFIFO | 0o666), "not a regular file"),
    (info(entry(2), stat.S_IFCHR | 0o666), "not a regular file"),
    (info(entry(2), stat.S_IFDIR | 0o777), "not a regular file"),
    (f"{ID}/{ID}.zip", "a ZIP in the ZIP"),
    (f"{ID}-000002.jpg", "not the name of a frame of this broadcast"),
    (entry(2, name="NTV_20261001_040000"), "not the name of a frame of this broadcast"),
    (entry(2, folder="NTV_20261001_040000"), "not the name of a frame of this broadcast"),
    (entry(2, ending="png"), "not the name of a frame of this broadcast"),
    (entry(2, ending="jpg.exe"), "not the name of a frame of this broadcast"),
    (entry(2) + "\n", "not the name of a frame of this broadcast"),
    (entry(2) + " ", "not the name of a frame of this broadcast"),
    (f"{ID}/{entry(2)}", "not the name of a frame of this broadcast"),
    (f"./{entry(2)}", "not the name of a frame of this broadcast"),
    (entry(0), "not the name of a frame of this broadcast"),
    (f"{ID}/{ID}--00002.jpg", "not the name of a frame of this broadcast"),
    (f"{ID}/{ID}-1234567890.jpg", "not the name of a frame of this broadcast"),
    (f"{ID}/{ID}-00000٢.jpg", "not the name of a frame of this broadcast"),
    (f"{ID}/{ID}-.jpg", "not the name of a frame of this broadcast"),
    ("Thumbs.db", "not the name of a frame of this broadcast"),
    (f"{ID}/{ID}-000001.jpeg", "a second frame 1"),
    (f"{ID}/{ID}-1.jpg", "a second frame 1"),
]


@pytest.mark.parametrize(("name", "reason"), REFUSED)
def test_what_is_no_frame_of_the_broadcast_is_refused(make, unzipped, tmp_path, name, reason):
    manifest = unzipped(make((entry(1), b"one"), (name, b"evil")))
    assert (manifest.status, manifest.reason, numbers(manifest)) == ("ok", "", [1])
    name = name if isinstance(name, str) else name.filename
    assert (manifest.refused, manifest.n_refused) == ((RefusedEntry(repr(name), reason),), 1)
    assert (tmp_path / "deep" / "frames" / f"{ID}-000001.jpg").read_bytes() == b"one"


def test_a_name_that_hides_its_ending_behind_a_nul_is_refused(make, unzipped):
    path = make((entry(1), b"one"), (entry(2) + "?.exe", b"evil"))
    for which in (0, -1):  # in the entry's own header and in the central directory
        patch(path, b"?.exe", b"\0.exe", which)
    manifest = unzipped(path)
    assert (numbers(manifest), manifest.n_refused) == ([1], 1)
    assert manifest.refused[0].name == repr(entry(2) + "\0.exe")


def test_an_encrypted_entry_is_refused(make, unzipped):
    path = make((entry(1), b"one"), (entry(2), b"two"))
    at = path.read_bytes().rindex(b"PK\x01\x02") + 8
    content = bytearray(path.read_bytes())
    content[at] |= 1
    path.write_bytes(content)
    manifest = unzipped(path)
    assert (manifest.status, numbers(manifest)) == ("ok", [1])
    assert manifest.refused == (RefusedEntry(repr(entry(2)), "encrypted"),)


def test_a_zip_without_frames_is_empty(make, unzipped):
    manifest = unzipped(make(("readme.txt", b""), (f"{ID}/", b"")))
    assert (manifest.status, manifest.reason) == ("empty", "no entry of the ZIP is a frame (refused: 1)")


@pytest.mark.parametrize("form", ["{0}/{0}-{1:06}.jpg", "{0}-{1}.JPEG", "frames/{0}-{1:04}.jpg"])
def test_a_zip_with_the_frames_of_another_broadcast_says_whose_they_are(make, unzipped, form):
    other = "NTV_20261002_030000_News"
    manifest = unzipped(make(*((form.format(other, n), b"") for n in (1, 2, 3)), ("readme.txt", b"")))
    expected = f"no entry of the ZIP is a frame (refused: 4); 3 entries are frames of {other}"
    assert (manifest.status, manifest.reason) == ("empty", expected)


@pytest.mark.parametrize(
    "names",
    [
        ["NTV_20261002_030000-1.jpg", "a.txt"],  # not most of them
        [f"NTV_20261002_0{n}0000-1.jpg" for n in range(3)],  # of no one broadcast
        [f"IMG-{n}.jpg" for n in range(3)],
        [f"{ID}-1.jpg"],  # its own, elsewhere than they should be
        ["NTV_20261002_030000" + "x" * 60_000 + "-1.jpg/"],
    ],
)
def test_nothing_is_said_of_others_where_that_cannot_be_told(make, unzipped, names):
    manifest = unzipped(make(*((name, b"") for name in names)))
    assert manifest.reason.startswith("no entry of the ZIP is a frame (refused: ")
    assert manifest.reason.endswith(")")


def test_a_zip_without_entries_is_empty(make, unzipped):
    manifest = unzipped(make())
    assert (manifest.status, manifest.frames, manifest.n_refused) == ("empty", (), 0)


def test_of_many_refused_entries_the_first_are_listed_and_all_counted(make, unzipped):
    path = make((entry(1), b"one"), *((f"x{n}" + "\x1b" * 400, b"") for n in range(30)))
    manifest = unzipped(path, Limits(max_refused_listed=7))
    assert (manifest.status, len(manifest.refused), manifest.n_refused) == ("ok", 7, 30)
    assert all(each.name.isprintable() and len(each.name) <= 802 for each in manifest.refused)


def test_a_bomb_is_a_damaged_frame(make, unzipped):
    path = make((entry(1), b"one"), (entry(2), bytes(5_000_000)), (entry(3), b"three"))
    assert path.stat().st_size < 10_000
    manifest = unzipped(path, Limits(max_frame_bytes=10_000))
    assert (manifest.status, numbers(manifest)) == ("partial", [1, 3])
    assert manifest.frames[1] == UnzippedFrame(2, None, "damaged", "larger than 10000 bytes")
    assert manifest.reason == "1 of 3 frames damaged; the first: larger than 10000 bytes"


def test_a_frame_of_just_the_largest_size_is_fine(make, unzipped):
    assert unzipped(make((entry(1), bytes(1000))), Limits(max_frame_bytes=1000)).status == "ok"


def test_a_size_that_is_stated_too_small_is_not_believed(make, unzipped):
    path = make((entry(1), bytes(5_000_000)), (entry(2), b"two"))
    for which in (0, -1):
        patch(path, struct.pack("<I", 5_000_000), struct.pack("<I", 10), which)
    manifest = unzipped(path, Limits(max_frame_bytes=10_000))
    assert (numbers(manifest), numbers(manifest, "damaged")) == ([2], [1])
    assert "CRC" in manifest.frames[0].reason


def test_a_broadcast_that_is_too_large_is_cut(make, unzipped):
    path = make(*((entry(n), bytes(1000)) for n in (4, 1, 2, 3)))
    manifest = unzipped(path, Limits(max_total_bytes=2500))
    assert (manifest.status, numbers(manifest), numbers(manifest, "damaged")) == ("partial", [1, 2], [3, 4])
    assert manifest.reason == "the frames have more than 2500 bytes together; 2 of 4 frames damaged"


def test_a_broadcast_with_too_many_frames_is_cut(make, unzipped):
    path = make(*((entry(n), b"x") for n in range(1, 6)))
    manifest = unzipped(path, Limits(max_frames=3))
    assert (manifest.status, manifest.reason) == ("partial", "more than 3 frames")
    assert (numbers(manifest), manifest.n_refused) == ([1, 2, 3], 2)
    assert manifest.refused[0] == RefusedEntry(repr(entry(4)), "more than 3 frames")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_wrong_checksum_damages_one_frame(make, unzipped, method):
    path = make((entry(1), b"one"), (entry(2), NOISE), (entry(3), b"three"), method=method)
    patch(path, NOISE[1000:1010], bytes(10))
    manifest = unzipped(path)
    assert (manifest.status, numbers(manifest)) == ("partial", [1, 3])
    assert "Bad CRC-32" in manifest.frames[1].reason


def test_a_broken_stream_damages_one_frame(make, unzipped):
    path = make((entry(1), b"one"), (entry(2), b"two " * 500), (entry(3), b"three"))
    with zipfile.ZipFile(path) as archive:
        at = archive.getinfo(entry(2)).header_offset + 30 + len(entry(2))
    content = path.read_bytes()
    path.write_bytes(content[:at] + b"\xff" * 10 + content[at + 10 :])
    manifest = unzipped(path)
    assert (manifest.status, numbers(manifest)) == ("partial", [1, 3])
    assert "decompressing" in manifest.frames[1].reason


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, 99])
def test_other_compression_methods_are_not_unpacked(make, unzipped, method):
    real = method if method != 99 else zipfile.ZIP_STORED
    path = make((entry(1), b"one"), (info(entry(2), method=real), b"two"))
    if method == 99:
        content = bytearray(path.read_bytes())
        struct.pack_into("<H", content, content.rindex(b"PK\x01\x02") + 10, 99)
        path.write_bytes(content)
    manifest = unzipped(path)
    assert numbers(manifest, "damaged") == [2]
    assert manifest.frames[1].reason.startswith(f"compression method {method}; allowed are 0 (stored)")


def test_when_no_frame_can_be_read_the_broadcast_is_damaged(make, unzipped):
    manifest = unzipped(make((entry(1), bytes(100)), (entry(2), bytes(100))), Limits(max_frame_bytes=10))
    assert manifest.status == "damaged"
    assert manifest.reason == "2 of 2 frames damaged; the first: larger than 10 bytes"


@pytest.mark.parametrize("offset", [2**31, 2**32 - 2])
def test_an_entry_that_lies_outside_the_file_is_damaged(make, unzipped, offset):
    path = make((entry(1), b"one"), (entry(2), b"two"))
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, content.rindex(b"PK\x01\x02") + 42, offset)
    path.write_bytes(content)
    manifest = unzipped(path)
    assert (numbers(manifest), numbers(manifest, "damaged")) == ([1], [2])


@pytest.mark.parametrize("offset", [2**62, 2**63, 2**64 - 1])
def test_an_entry_that_lies_beyond_all_files_is_damaged(make, unzipped, offset):
    extra = struct.pack("<HHQ", 1, 8, offset)
    wide = info(entry(2))
    wide.extra = struct.pack("<HH", 0x9999, 8) + bytes(8)
    path = make((entry(1), b"one"), (wide, b"two"))
    patch(path, wide.extra, extra, -1)
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, content.rindex(b"PK\x01\x02") + 42, 0xFFFFFFFF)
    path.write_bytes(content)
    assert numbers(unzipped(path), "damaged") == [2]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK",
        b"PK\x05\x06",
        b"<!DOCTYPE html><html><body>Not today</body></html>",
        NOISE,
        b"PK\x06\x07" + bytes(16) + b"PK\x05\x06" + bytes(18),  # a ZIP64 locator and nothing to locate
        b"PK\x05\x06" + bytes(8) + b"\xff" * 8 + bytes(2),  # a central directory of 4 GB, elsewhere
        NOISE + b"PK\x05\x06" + bytes(8) + struct.pack("<II", len(NOISE), 0) + bytes(2),
    ],
)
def test_what_is_no_zip_is_damaged(unzipped, tmp_path, content):
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    manifest = unzipped(path)
    assert (manifest.status, manifest.frames) == ("damaged", ())
    assert manifest.reason


def test_a_zip_cut_short_is_damaged(make, unzipped):
    path = make((entry(1), NOISE), (entry(2), NOISE))
    path.write_bytes(path.read_bytes()[:4000])
    assert unzipped(path).status == "damaged"


def test_a_zip_that_lists_too_many_entries_is_not_opened(make, unzipped):
    path = make(*((f"{n}", b"") for n in range(101)))
    manifest = unzipped(path, Limits(max_entries=100))
    assert (manifest.status, manifest.reason) == ("damaged", "it lists more than 100 entries")


def test_a_zip_with_as_many_entries_as_allowed_is_opened(make, unzipped):
    assert unzipped(make(*((entry(n), b"") for n in range(1, 101))), Limits(max_entries=100)).status == "ok"


def test_a_zip_with_a_central_directory_too_large_is_not_opened(make, unzipped):
    path = make(*((f"{n}" + "x" * 60_000, b"") for n in range(2)))
    manifest = unzipped(path, Limits(max_entries=100))
    assert manifest.status == "damaged"
    assert "its central directory has" in manifest.reason


@settings(max_examples=3 * settings().max_examples)
@given(
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=8),
    st.integers(0, 10_000) | st.none(),
    st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
)
def test_no_damage_raises_or_leaves_the_folder(tmp_path_factory, flips, cut, method):
    top = tmp_path_factory.mktemp("flips")
    path = top / "a.zip"
    contents = {1: b"one", 2: NOISE[:100], 3: b"three " * 30}
    with zipfile.ZipFile(path, "w", method) as archive:
        for number, content in contents.items():
            archive.writestr(entry(number), content)
        archive.writestr("../x", b"evil")
        archive.comment = b"comment"
    content = bytearray(path.read_bytes())
    for at, value in flips:
        content[at % len(content)] = value
    path.write_bytes(content[: cut and cut % len(content)])
    folder = top / "frames"
    folder.mkdir()

    manifest = unzip(path, ID, folder)

    assert {each.name for each in top.iterdir()} == {"a.zip", "frames"}
    written = {each.name for each in folder.iterdir()}
    assert written == {each.file for each in manifest.frames if each.file}
    assert manifest.status in {"ok", "partial", "empty", "damaged"}
    assert (manifest.status == "ok") == (manifest.reason == "")
    write_manifest(top / "m.json", manifest)
    assert read_manifest(top / "m.json") == manifest


def test_unzip_takes_no_wrong_id(make, tmp_path):
    with pytest.raises(ValueError, match="is not a broadcast ID"):
        unzip(make(), "../x", tmp_path)


def test_a_zip_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        unzip(tmp_path / "none.zip", ID, tmp_path)


def test_a_disk_that_fails_is_an_error_and_no_damage(make, tmp_path):
    path = make((entry(1), b"one"))
    with pytest.raises(FileNotFoundError):
        unzip(path, ID, tmp_path / "no" / "folder")


@pytest.mark.parametrize("status", ["missing", "unreachable", "damaged"])
def test_a_placeholder_is_an_empty_zip_that_says_why(unzipped, tmp_path, status):
    path = tmp_path / "a.zip"
    write_placeholder(path, "404 Not Found", status)
    assert read_placeholder(path) == (status, "404 Not Found")
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == []
        assert archive.comment == f"castgraph: {status}: 404 Not Found".encode()
    assert unzipped(path) == Manifest(ID, status, "404 Not Found")


def with_comment(path, comment):
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = comment
    return path


@pytest.mark.parametrize(
    "comment",
    [b"", b"castgraph", b"castgraph: ok: all is well", b"castgraph: partial: x", b"castgraph: lost: x"],
)
def test_an_empty_zip_with_another_comment_is_empty(make, unzipped, comment):
    assert unzipped(with_comment(make(), comment)).status == "empty"


def test_a_comment_makes_a_broadcast_partial(make, unzipped):
    manifest = unzipped(with_comment(make((entry(1), b"one")), b"castgraph: partial: it ends early"))
    assert (manifest.status, manifest.reason, numbers(manifest)) == ("partial", "it ends early", [1])


def test_a_comment_does_not_hide_what_else_is_wrong(make, unzipped):
    path = with_comment(make((entry(1), b"one"), (entry(2), bytes(50))), b"castgraph: partial: it ends early")
    manifest = unzipped(path, Limits(max_frame_bytes=9))
    assert manifest.reason == "it ends early; 1 of 2 frames damaged; the first: larger than 9 bytes"


def test_a_comment_says_what_there_is_to_know(make, unzipped):
    manifest = unzipped(with_comment(make((entry(1), b"one")), b"castgraph: ok: 3 other files left alone"))
    assert (manifest.status, manifest.reason) == ("ok", "3 other files left alone")


def test_a_zip_that_is_empty_says_why(tmp_path, unzipped):
    write_placeholder(tmp_path / "a.zip", "no picture in it", "empty")
    manifest = unzipped(tmp_path / "a.zip")
    assert (manifest.status, manifest.reason) == ("empty", "no picture in it")


@pytest.mark.parametrize(
    ("sizes", "status", "reason"),
    [
        ([3], "ok", "two languages"),
        ([3, 50], "partial", "two languages; 1 of 2 frames damaged; the first: larger than 9 bytes"),
        ([50], "damaged", "1 of 1 frames damaged; the first: larger than 9 bytes"),
    ],
)
def test_a_comment_may_tell_something_else_of_a_broadcast(make, unzipped, sizes, status, reason):
    entries = [(entry(n), bytes(size)) for n, size in enumerate(sizes, start=1)]
    path = with_comment(make(*entries), b"castgraph: ok: two languages")
    manifest = unzipped(path, Limits(max_frame_bytes=9))
    assert (manifest.status, manifest.reason) == (status, reason)


@pytest.mark.parametrize("status", ["lost", "missing", "unreachable", "damaged", "empty"])
def test_other_comments_of_a_zip_with_frames_are_of_no_account(make, unzipped, status):
    manifest = unzipped(with_comment(make((entry(1), b"one")), f"castgraph: {status}: not at all".encode()))
    assert (manifest.status, manifest.reason) == ("ok", "")


def test_what_a_comment_says_is_one_short_harmless_line(make, unzipped):
    comment = b"castgraph: partial: \x1b[2J<b>\n\xff\0" + b"x" * 500
    manifest = unzipped(with_comment(make((entry(1), b"one")), comment))
    assert manifest.reason.startswith("[2J<b> \ufffdxxx")
    assert len(manifest.reason) == 400


TIMES = [
    (b"castgraph: 12.345678 s", 12.345678),
    (b"castgraph: 0.000000 s", 0.0),
    (b"castgraph: -1.000000 s", None),
    (b"castgraph: 1e9 s", None),
    (b"castgraph: nan s", None),
    (b"castgraph: inf s", None),
    (b"castgraph: 12.34567 s", None),
    (b"castgraph: 12.345678 s\n", None),
    ("castgraph: ١٢.345678 s".encode(), None),
    (b"castgraph: " + b"9" * 400 + b".000000 s", None),
    (b"a fine picture", None),
    (b"", None),
]


@pytest.mark.parametrize(("comment", "seconds"), TIMES)
def test_the_comment_of_an_entry_tells_the_time_of_its_frame(make, unzipped, comment, seconds):
    timed = info(entry(1))
    timed.comment = comment
    manifest = unzipped(make((timed, b"one"), (entry(2), b"two")))
    assert (manifest.status, [each.seconds for each in manifest.frames]) == ("ok", [seconds, None])


def test_what_is_no_placeholder(make, tmp_path):
    assert read_placeholder(make()) is None
    assert read_placeholder(make((entry(1), b"one"))) is None
    (tmp_path / "none").write_bytes(b"")
    assert read_placeholder(tmp_path / "none") is None
    path = make((entry(1), b"one"))
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"castgraph: missing: not at all"
    assert read_placeholder(path) is None


@given(st.text(st.characters(codec="utf-8")))
def test_of_any_reason_a_short_line_is_kept(tmp_path_factory, reason):
    path = tmp_path_factory.mktemp("placeholder") / "a.zip"
    write_placeholder(path, reason)
    assert read_placeholder(path) == ("missing", shortened(reason, 400))


def test_damage_is_told(make, tmp_path):
    assert damage(make((entry(1), b"one"))) == ""
    assert damage(make()) == ""
    assert damage(make(*((entry(n), b"") for n in range(9))), Limits(max_entries=8)) != ""
    path = make((entry(1), NOISE))
    path.write_bytes(path.read_bytes()[:-1])
    assert damage(path) == "File is not a zip file"


FULL = Manifest(
    ID,
    "partial",
    "1 of 2 frames damaged; the first: Bad “CRC”",
    (UnzippedFrame(1, frame_name(ID, 1), seconds=0.1), UnzippedFrame(2, None, "damaged", "Bad “CRC”")),
    (RefusedEntry("'../x'", "its path climbs out of the folder"),),
    1,
)


@pytest.mark.parametrize("manifest", [FULL, Manifest(ID, "missing", "404 Not Found")])
def test_a_manifest_is_written_and_read(tmp_path, manifest):
    path = tmp_path / "manifest.json"
    write_manifest(path, manifest)
    first = path.read_bytes()
    assert read_manifest(path) == manifest
    assert json.loads(first)["broadcast"] == ID
    write_manifest(path, manifest)
    assert path.read_bytes() == first


def test_a_manifest_has_a_line_for_each_frame(tmp_path):
    path = tmp_path / "manifest.json"
    for n_frames in (0, 1, 50):
        frames = tuple(UnzippedFrame(n, frame_name(ID, n)) for n in range(1, n_frames + 1))
        write_manifest(path, replace(FULL, frames=frames))
        lines = path.read_text().splitlines()
        assert sum('"frame":' in line for line in lines) == n_frames


def test_a_manifest_of_another_version_is_read(tmp_path):
    path = tmp_path / "m.json"
    write_manifest(path, FULL)
    value = json.loads(path.read_text())
    for part in (value, *value["frames"], *value["refused"]):
        part["new"] = ["of a newer version"]
    path.write_text(json.dumps(value))
    assert read_manifest(path) == FULL
    for frame in value["frames"]:
        del frame["seconds"]
    del value["refused"]
    path.write_text(json.dumps(value))
    frames = tuple(replace(frame, seconds=None) for frame in FULL.frames)
    assert read_manifest(path) == replace(FULL, frames=frames, refused=())
    del value["frames"][0]["file"]
    path.write_text(json.dumps(value))
    with pytest.raises(ValueError, match="not a manifest written by castgraph"):
        read_manifest(path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"frames": [], "refused": [], "x": 1}', '{"frames": 5}'])
def test_reading_what_is_no_manifest_names_the_file(tmp_path, text):
    (tmp_path / "m.json").write_text(text)
    with pytest.raises(ValueError, match=r"m\.json is not a manifest written by castgraph"):
        read_manifest(tmp_path / "m.json")


def test_single_frames_are_read(demo):
    broadcast = "DEMO2_20240105_120000"
    path = demo / f"{broadcast}.zip"
    with FrameReader(path, broadcast) as reader, zipfile.ZipFile(path) as archive:
        for number in (50, 1, 7, 7):
            assert reader.read(number) == archive.read(f"{broadcast}/{frame_name(broadcast, number)}")
        for number in (0, 51, -1):
            with pytest.raises(FrameError, match=rf"{broadcast}\.zip: no frame {number}"):
                reader.read(number)


def test_single_frames_are_read_by_the_same_rules(make):
    path = make(
        (entry(1), b"one"),
        (entry(2), bytes(1000)),
        (info(entry(3), stat.S_IFLNK), b"/etc/hostname"),
        ("../4", b""),
    )
    with FrameReader(path, ID, Limits(max_frame_bytes=10)) as reader:
        assert reader.read(1) == b"one"
        with pytest.raises(FrameError, match="frame 2 is damaged: larger than 10 bytes"):
            reader.read(2)
        with pytest.raises(FrameError, match="no frame 3"):
            reader.read(3)


def test_frames_of_what_is_no_zip_cannot_be_read(tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(b"<html>")
    with pytest.raises(FrameError, match=r"a\.zip: File is not a zip file"):
        FrameReader(path, ID)
    write_placeholder(path, "404 Not Found")
    with FrameReader(path, ID) as reader, pytest.raises(FrameError, match="no frame 1"):
        reader.read(1)
    with pytest.raises(ValueError, match="is not a broadcast ID"):
        FrameReader(path, "../x")


def test_limits_are_those_of_the_configuration():
    limits = Limits.of({"max_frames": 5, "max_frame_mb": 0.5, "max_broadcast_mb": 2, "timeout": 60})
    assert limits == Limits(max_frames=5, max_frame_bytes=2**19, max_total_bytes=2**21)
