"""Every source of a broadcast becomes a ZIP in the archive's layout, or a placeholder that says why not."""

import io
import random
import shutil
import tracemalloc
import zipfile

import av
import numpy as np
import pytest
from PIL import Image

from castgraph.archive import Limits, frame_name, is_local, unzip
from castgraph.archive.fetch import FetchError, TooLargeError, fetch
from castgraph.archive.media.pack import Note, Picture, pack
from castgraph.archive.media.sources import obtain
from castgraph.archive.media.zips import read_placeholder

ID = "NTV_20261001_030000"
DEMO = "DEMO2_20240105_120000"
NOWHERE = "http://127.0.0.1:9"  # the port of the discard service: nobody listens


@pytest.fixture
def become(tmp_path):
    """Give what becomes of a source: the manifest, and the frames by number."""

    def become(source, base_url="", **options):
        folder = tmp_path / "out"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        obtain(str(base_url), ID, tmp_path / "zips" / "a.zip", source=str(source), **options)
        assert [path.name for path in (tmp_path / "zips").iterdir()] == ["a.zip"]
        manifest = unzip(tmp_path / "zips" / "a.zip", ID, folder)
        return manifest, {each.frame: (folder / each.file).read_bytes() for each in manifest.frames}

    return become


def image(level, kind="JPEG", size=(32, 24), mode="RGB", **options):
    buffer = io.BytesIO()
    picture = Image.new("L" if mode in {"P", "RGB"} else mode, size, level)
    (picture.convert(mode) if mode in {"P", "RGB"} else picture).save(buffer, kind, **options)
    return buffer.getvalue()


def fill(folder, files):
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def level(jpeg):
    with Image.open(io.BytesIO(jpeg)) as picture:
        assert (picture.format, picture.mode) == ("JPEG", "RGB")
        return round(float(np.asarray(picture).mean()))


# ZIPs.


def test_without_a_source_the_zip_comes_from_the_archive(demo, tmp_path):
    broadcast = "DEMO2_20240105_120000"
    obtain(str(demo), broadcast, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == (demo / f"{broadcast}.zip").read_bytes()


@pytest.mark.parametrize("address", ["{demo}/{id}.zip", "file://{demo}/{id}.zip"])
def test_a_zip_is_taken_as_it_is(demo, tmp_path, address):
    broadcast = "DEMO2_20240105_120000"
    source = address.format(demo=demo, id=broadcast)
    obtain(NOWHERE, broadcast, tmp_path / "a.zip", source=source)
    assert (tmp_path / "a.zip").read_bytes() == (demo / f"{broadcast}.zip").read_bytes()


def test_a_zip_may_have_a_name_that_looks_like_an_address(demo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(demo / "DEMO2_20240105_120000.zip", "a:b.ZIP")
    obtain(NOWHERE, "DEMO2_20240105_120000", tmp_path / "a.zip", source="a:b.ZIP")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "a:b.ZIP").read_bytes()


def test_what_the_archive_does_not_have_is_missing(become, tmp_path):
    (tmp_path / "archive").mkdir()
    manifest, _ = become("", tmp_path / "archive")
    assert (manifest.status, manifest.reason) == ("missing", "no such file")


@pytest.mark.parametrize("name", ["a.zip", "a.mp4", "a folder", "a folder/"])
def test_a_source_that_is_not_there_is_missing(become, tmp_path, name):
    manifest, _ = become(f"{tmp_path}/{name}")
    assert (manifest.status, manifest.reason) == ("missing", "no such file")


def test_a_source_on_a_disk_that_is_not_there_is_an_error(become, tmp_path):
    with pytest.raises(FetchError, match="there is no such folder"):
        become(tmp_path / "disk" / "a.mp4")


@pytest.mark.parametrize("name", ["a.txt", "a.mp4", "a"])
def test_what_is_neither_a_zip_nor_a_video_is_damaged(become, tmp_path, name):
    (tmp_path / name).write_text("text")
    manifest, _ = become(tmp_path / name)
    assert (manifest.status, manifest.reason[:33]) == ("damaged", "not a video that can be read: Inv")


@pytest.mark.parametrize("name", ["a.zip", "a.mp4", "a.dat", "a"])
def test_a_file_is_read_as_what_its_content_is(become, demo, tmp_path, name):
    shutil.copy(demo / f"{DEMO}.zip", tmp_path / name)
    obtain("", DEMO, tmp_path / "zips" / "a.zip", source=str(tmp_path / name))
    assert (tmp_path / "zips" / "a.zip").read_bytes() == (demo / f"{DEMO}.zip").read_bytes()
    with av.open(str(tmp_path / name), "w", format="matroska") as container:
        stream = container.add_stream("mpeg4", rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(9):
            container.mux(stream.encode(av.VideoFrame(64, 48, "yuv420p")))
        container.mux(stream.encode(None))
    manifest, frames = become(tmp_path / name)
    assert (manifest.status, sorted(frames)) == ("ok", [1, 2, 3])


def test_a_zip_that_is_none_is_damaged_as_one(become, tmp_path):
    (tmp_path / "a.zip").write_text("<html>")
    manifest, _ = become(tmp_path / "a.zip")
    assert (manifest.status, manifest.reason) == ("damaged", "File is not a zip file")


def test_a_page_is_kept_as_it_came_and_is_damaged(become, tmp_path):
    fill(tmp_path / "archive", {f"{ID}.zip": b"<html>"})
    assert become("", tmp_path / "archive")[0].status == "damaged"


def test_a_zip_that_cannot_be_had_is_an_error_or_unreachable(become, tmp_path):
    options = {"base_url": NOWHERE, "attempts": 1, "timeout": 2.0}
    with pytest.raises(FetchError):
        become("", **options)
    assert not (tmp_path / "zips" / "a.zip").exists()


def test_the_run_can_go_on_without_it(tmp_path):
    address = f"{NOWHERE}/{ID}.zip?signature=secret"
    obtain(NOWHERE, ID, tmp_path / "a.zip", source=address, give_up=True, attempts=1, timeout=2.0)
    status, reason = read_placeholder(tmp_path / "a.zip")
    assert status == "unreachable"
    assert reason.endswith("in 1 attempts")
    assert "secret" not in reason


def test_a_zip_that_is_too_large_is_damaged(become, demo, tmp_path):
    broadcast = "DEMO2_20240105_120000"
    limits = Limits(max_total_bytes=100, max_entries=1)
    obtain(str(demo), broadcast, tmp_path / "a.zip", limits=limits)
    assert read_placeholder(tmp_path / "a.zip")[0] == "damaged"
    with pytest.raises(TooLargeError):
        fetch(str(demo / f"{broadcast}.zip"), tmp_path / "a.zip", max_bytes=limits.max_zip_bytes)


def test_no_wrong_id_is_taken(tmp_path):
    for source in ("", str(tmp_path)):
        with pytest.raises(ValueError, match="is not a broadcast ID"):
            obtain(str(tmp_path), "../README", tmp_path / "a.zip", source=source)
    assert list(tmp_path.iterdir()) == []


def test_paths_are_told_from_addresses():
    assert [is_local(source) for source in ("", "a.mp4", "/a/b", "https://a/b.zip", "file:///a.zip")] == [
        False,
        True,
        True,
        False,
        False,
    ]


# Folders of images.


def test_jpegs_are_packed_byte_for_byte_by_their_numbers(become, tmp_path):
    files = {f"shot-{n:04d}.jpg": image(n) for n in (1, 2, 3, 5, 9)}
    manifest, frames = become(fill(tmp_path / "in", files))
    assert (manifest.status, manifest.reason, manifest.n_refused) == ("ok", "", 0)
    assert frames == {n: files[f"shot-{n:04d}.jpg"] for n in (1, 2, 3, 5, 9)}
    assert {each.seconds for each in manifest.frames} == {None}


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        (["b2.jpg", "b10.JPG", "a.jpeg"], {"a.jpeg": 1, "b2.jpg": 2, "b10.JPG": 3}),  # one has no number
        (["a1.jpg", "b1.jpg"], {"a1.jpg": 1, "b1.jpg": 2}),  # a number twice
        (["a0.jpg", "a1.jpg"], {"a0.jpg": 1, "a1.jpg": 2}),  # numbers begin with 0
        (["7.jpg", "007.jpg", "x.jpg"], {"007.jpg": 1, "7.jpg": 2, "x.jpg": 3}),
        (["2026-10-01 9.jpg", "2026-10-01 10.jpg"], {"2026-10-01 9.jpg": 9, "2026-10-01 10.jpg": 10}),
        (["1234567890.jpg", "2.jpg"], {"2.jpg": 1, "1234567890.jpg": 2}),  # a number too large
        (["٣.jpg", "²5.jpg"], {"²5.jpg": 1, "٣.jpg": 2}),
        (["a_00000000001.jpg"], {"a_00000000001.jpg": 1}),
        (["a7\n.jpg"], {"a7\n.jpg": 1}),  # its name ends with no number
    ],
)
def test_frames_are_numbered_by_their_names_or_in_natural_order(become, tmp_path, names, numbers):
    files = {name: image(9 * place) for place, name in enumerate(names)}
    _, frames = become(fill(tmp_path / "in", files))
    assert frames == {number: files[name] for name, number in numbers.items()}


def test_other_pictures_become_jpegs(become, tmp_path):
    files = {
        "1.png": image(100, "PNG"),
        "2.webp": image(150, "WEBP", lossless=True),
        "3.PNG": image(200, "PNG", mode="L"),
        "4.png": image(60, "PNG", mode="P"),
        "7.png": image(128 * 256, "PNG", mode="I;16"),
        "5.png": image((70, 70, 70, 0), "PNG", mode="RGBA"),  # nothing is seen of it
        "6.png": image(50, "JPEG"),
    }
    manifest, frames = become(fill(tmp_path / "in", files))
    assert manifest.status == "ok"
    assert {n: level(jpeg) for n, jpeg in frames.items()} == pytest.approx(
        {1: 100, 2: 150, 3: 200, 4: 60, 5: 255, 6: 50, 7: 128}, abs=2
    )


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(max_frames=2), "more than 2 frames"),
        (Limits(max_total_bytes=1400), "the frames have more than 1400 bytes together"),
    ],
)
def test_limits_cut_a_folder(become, tmp_path, limits, reason):
    files = {f"{n}.jpg": image(n) for n in range(1, 6)}
    assert {len(content) for content in files.values()} <= set(range(500, 700))
    manifest, frames = become(fill(tmp_path / "in", files), limits=limits)
    assert (manifest.status, manifest.reason, list(frames)) == ("partial", reason, [1, 2])


def test_equal_folders_give_equal_bytes(tmp_path):
    names = [f"{n}.jpg" for n in range(1, 30)] + ["x.png"]
    for place in ("one", "two"):
        random.Random(place).shuffle(names)
        fill(tmp_path / place, {name: image(9, "PNG" if "png" in name else "JPEG") for name in names})
        obtain("", ID, tmp_path / f"{place}.zip", source=str(tmp_path / place))
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


# Packing.


def test_a_zip_is_packed_in_the_layout_of_the_archive(tmp_path):
    pack(tmp_path / "a.zip", ID, [Picture(1, b"one"), Picture(3, b"three")])
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.namelist() == [f"{ID}/{frame_name(ID, n)}" for n in (1, 3)]
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
        assert archive.read(f"{ID}/{frame_name(ID, 3)}") == b"three"


@pytest.mark.parametrize(
    ("found", "status", "reason"),
    [
        ([Picture(1, b"one"), Note("two languages")], "ok", "two languages"),
        (
            [Note("two languages"), Picture(1, b"one"), "it ends early"],
            "partial",
            "it ends early; two languages",
        ),
        ([Note("two languages"), "no frame"], "damaged", "no frame; two languages"),
    ],
)
def test_a_note_makes_a_recording_no_worse(tmp_path, found, status, reason):
    (tmp_path / "frames").mkdir()
    pack(tmp_path / "a.zip", ID, found)
    manifest = unzip(tmp_path / "a.zip", ID, tmp_path / "frames")
    assert (manifest.status, manifest.reason) == (status, reason)


def test_nothing_is_left_of_a_zip_that_could_not_be_packed(tmp_path):
    def failing():
        yield Picture(1, b"one")
        raise PermissionError("no")

    with pytest.raises(PermissionError):
        pack(tmp_path / "a.zip", ID, failing())
    assert list(tmp_path.iterdir()) == []


def test_frames_are_packed_one_by_one(tmp_path):
    def many():
        for n in range(1, 101):
            yield Picture(n, bytes(10**6))

    tracemalloc.start()
    pack(tmp_path / "a.zip", ID, many())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5 * 10**6
    assert (tmp_path / "a.zip").stat().st_size > 10**8
