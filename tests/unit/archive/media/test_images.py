"""Whatever pictures lie in a folder: what is taken, how it is turned, and what is said of the rest."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import ExifTags, Image

from castgraph.archive import Limits, unzip
from castgraph.archive.media.images import KINDS, pictures
from castgraph.archive.media.pack import Note, Picture, TooLarge
from castgraph.archive.media.sources import obtain

ID = "NTV_20261001_030000"
SUFFIXES = {
    "JPEG": ".jpg",
    "PNG": ".png",
    "WEBP": ".webp",
    "BMP": ".bmp",
    "TIFF": ".tif",
    "GIF": ".gif",
    "JPEG2000": ".jp2",
    "AVIF": ".avif",
    "HEIF": ".heic",
}
LOSSLESS = {"WEBP": {"lossless": True}, "JPEG": {"quality": 95}}


def saved(image, kind="JPEG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **LOSSLESS.get(kind, {}) | options)
    return buffer.getvalue()


def plain(level=100, size=(32, 24), mode="L"):
    return Image.new(mode, size, level)


def fill(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def taken(folder, *limits, **options):
    """Give the frames of a folder, what is wrong with it, and what is noted."""
    found = list(pictures(folder, *limits, **options))
    texts = [each for each in found if isinstance(each, str)]
    notes = [str(text) for text in texts if isinstance(text, Note)]
    frames = {each.frame: each.jpeg for each in found if isinstance(each, Picture)}
    return frames, [str(text) for text in texts if not isinstance(text, Note)], notes


def read(jpeg):
    with Image.open(io.BytesIO(jpeg)) as image:
        assert (image.format, image.mode) == ("JPEG", "RGB")
        assert "exif" not in image.info
        return image.copy()


# ---- turned pictures


def corners(size=(96, 64)):
    """A picture whose four corners differ: red, green, blue, white."""
    image = Image.new("RGB", size, "white")
    width, height = size[0] // 2, size[1] // 2
    for colour, place in (("red", (0, 0)), ("green", (width, 0)), ("blue", (0, height))):
        image.paste(colour, (*place, place[0] + width, place[1] + height))
    return image


def as_a_camera_stores_it(orientation):
    """Turn a picture so that EXIF's orientation turns it back."""
    pixels = np.asarray(corners())
    stored = {
        1: pixels,
        2: pixels[:, ::-1],
        3: pixels[::-1, ::-1],
        4: pixels[::-1],
        5: pixels.transpose(1, 0, 2),
        6: pixels.transpose(1, 0, 2)[::-1],
        7: pixels.transpose(1, 0, 2)[::-1, ::-1],
        8: pixels.transpose(1, 0, 2)[:, ::-1],
    }[orientation]
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return Image.fromarray(np.ascontiguousarray(stored)), exif


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_pictures_are_upright(kind, orientation, tmp_path):
    stored, exif = as_a_camera_stores_it(orientation)
    content = saved(stored, kind, exif=exif)
    frames, problems, notes = taken(fill(tmp_path / "in", {f"1{SUFFIXES[kind]}": content}))
    assert (problems, notes) == ([], [])
    if (kind, orientation) == ("JPEG", 1):
        assert frames[1] == content
        return
    upright = np.asarray(read(frames[1]), dtype=int)
    assert upright.shape == (64, 96, 3)
    assert np.abs(upright - np.asarray(corners(), dtype=int))[8:24, 8:40].max() < 40
    for y, x in ((16, 24), (16, 72), (48, 24), (48, 72)):
        assert np.abs(upright[y, x] - np.asarray(corners())[y, x].astype(int)).max() < 40


@pytest.mark.parametrize("orientation", [2, 6])
def test_of_a_heic_exif_counts_where_it_does_not_say_itself_how_it_is_shown(orientation, tmp_path):
    """Editors write EXIF alone; phones both, and then the picture must not be turned twice."""
    stored, exif = as_a_camera_stores_it(orientation)
    files = {"1.heic": saved(stored, "HEIF", exif=exif), "2.heic": saved(stored, "HEIF", exif=exif.tobytes())}
    boxes = [any(box in content for box in (b"irot", b"imir")) for content in files.values()]
    assert boxes == [False, True]
    frames, _, _ = taken(fill(tmp_path / "in", files))
    for jpeg in frames.values():
        assert np.abs(np.asarray(read(jpeg), int) - np.asarray(corners(), int))[8:24, 8:40].max() < 40


def test_a_turned_jpeg_loses_next_to_nothing(tmp_path):
    noise = Image.effect_noise((200, 120), 40).convert("RGB")
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 3
    frames, _, _ = taken(fill(tmp_path / "in", {"1.jpg": saved(noise, exif=exif)}))
    before = Image.open(io.BytesIO(saved(noise))).transpose(Image.Transpose.ROTATE_180)
    assert np.abs(np.asarray(read(frames[1]), dtype=int) - np.asarray(before)).mean() < 2


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # Pillow's, for the log
@pytest.mark.parametrize(
    "broken",
    [
        b"Exif\0\0",
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x07\0\0\0\x04soon\0\0\0\0",
        b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x09\0\0\0\0\0\0",  # no such orientation
        b"Exif\0\0nothing of the kind",
    ],
)
def test_broken_exif_says_nothing(broken, tmp_path):
    jpeg = saved(plain().convert("RGB"))
    content = jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(broken) + 2) + broken + jpeg[2:]
    files = {"1.jpg": content, "2.png": saved(plain(), "PNG", exif=broken)}
    frames, problems, notes = taken(fill(tmp_path / "in", files))
    assert frames[1] == content
    assert read(frames[2]).size == (32, 24)
    assert (problems, notes) == ([], [])


# ---- kinds


@pytest.mark.parametrize("kind", ["JPEG", *KINDS])
@pytest.mark.parametrize("name", ["1{}", "1.JPG", "1.png", "1.tiff", "1", "1.jpg_large", "1.txt"])
def test_what_a_file_is_its_content_says(kind, name, tmp_path):
    content = saved(plain(90).convert("RGB"), kind)
    frames, problems, notes = taken(fill(tmp_path / "in", {name.format(SUFFIXES[kind]): content}))
    assert (problems, notes) == ([], [])
    assert frames[1] == content if kind == "JPEG" else np.abs(np.asarray(read(frames[1]), int) - 90).max() < 4


@pytest.mark.parametrize("suffix", [".jpeg", ".jfif", ".jpe", ".heif", ".tif", ".JPG"])
def test_all_endings_of_pictures_are_known(suffix, tmp_path):
    folder = fill(tmp_path / "in", {f"1{suffix}": b"this is none"})
    assert taken(folder)[1] == [f"1 of 1 pictures left out: 1 like 1{suffix} (no picture that can be read)"]


def grey16(level):
    return Image.fromarray(np.full((24, 32), level * 257, np.uint16))


def palette():
    image = plain(60).convert("P")
    image.info["transparency"] = 0
    image.putpixel((0, 0), 0)
    return image


COLOURS = {
    "grey": (plain(100), "PNG", 100),
    "16 bits": (grey16(100), "PNG", 100),
    "16 bits in a TIFF": (grey16(100), "TIFF", 100),
    "16 bits the other way round": (
        Image.frombytes("I;16B", (32, 24), struct.pack(">H", 25700) * 32 * 24), "TIFF", 100
    ),
    "16 bits of JPEG 2000": (grey16(100), "JPEG2000", 100),
    "one bit": (Image.new("1", (32, 24), 1), "PNG", 255),
    "a palette": (plain(60).convert("P"), "GIF", 60),
    "CMYK": (Image.new("CMYK", (32, 24), (0, 0, 0, 155)), "TIFF", 100),
    "half of it transparent": (Image.new("RGBA", (32, 24), (0, 0, 0, 128)), "PNG", 127),
    "grey and transparent": (Image.new("LA", (32, 24), (50, 0)), "PNG", 255),
    "a transparent WebP": (Image.new("RGBA", (32, 24), (50, 50, 50, 0)), "WEBP", 255),
    "a transparent HEIC": (Image.new("RGBA", (32, 24), (50, 50, 50, 0)), "HEIF", 255),
}  # fmt: skip


@pytest.mark.parametrize("what", COLOURS)
def test_all_colours_become_those_that_are_seen(what, tmp_path):
    image, kind, level = COLOURS[what]
    options = {"exact": True} if kind == "WEBP" else {}
    frames, problems, _ = taken(fill(tmp_path / "in", {"1.x": saved(image, kind, **options)}))
    assert problems == []
    assert np.abs(np.asarray(read(frames[1]), int) - level).max() <= 4


def test_a_palette_can_be_transparent(tmp_path):
    frames, problems, _ = taken(fill(tmp_path / "in", {"1.png": saved(palette(), "PNG", transparency=0)}))
    assert problems == []
    assert np.abs(np.asarray(read(frames[1]), int)[12:, 16:] - 60).max() <= 4


def test_decimal_numbers_are_no_colours(tmp_path):
    image = Image.fromarray(np.full((24, 32), 0.5, np.float32))
    _, [problem], _ = taken(fill(tmp_path / "in", {"1.tif": saved(image, "TIFF")}))
    assert "not colours but decimal numbers" in problem


@pytest.mark.parametrize("kind", ["TIFF", "GIF", "WEBP", "PNG", "AVIF", "HEIF"])
def test_of_several_pages_or_frames_the_first_is_taken_and_it_is_said(kind, tmp_path):
    several = {"save_all": True, "append_images": [plain(200).convert("RGB"), plain(10).convert("RGB")]}
    content = saved(plain(90).convert("RGB"), kind, **several)
    frames, problems, notes = taken(fill(tmp_path / "in", {"1.x": content, "2.png": saved(plain(), "PNG")}))
    assert problems == []
    assert notes == ["1 picture of several pages or frames: the first of each taken"]
    assert np.abs(np.asarray(read(frames[1]), int) - 90).max() <= 4


# ---- what is not taken


def test_what_systems_and_hidden_files_put_there_is_left_alone_without_a_word(tmp_path):
    folder = fill(tmp_path / "in", {"1.jpg": saved(plain())})
    fill(folder, dict.fromkeys(["._1.jpg", ".DS_Store", "Thumbs.db", "desktop.ini", ".hidden.png"], b"x"))
    for name in ("@eaDir", "#recycle", "__MACOSX", ".thumbnails", "$RECYCLE.BIN"):
        fill(folder / name, {"1.jpg": saved(plain())})
    assert taken(folder)[1:] == ([], [])


def test_everything_else_is_counted(tmp_path):
    folder = fill(tmp_path / "in", {"1.jpg": saved(plain()), "notes.txt": b"BM, she said", "film.mp4": b"x"})
    fill(folder, {"a.txt": b"", "README": b"", "x.xmp": b"", "archive.zip": b"PK"})
    (folder / "empty").mkdir()
    _, problems, notes = taken(folder)
    assert problems == []
    assert notes == ["6 other files left alone: 2 .txt, 1 .mp4, 1 .xmp, 2 more"]


def test_raw_photographs_are_told_unless_their_jpeg_lies_beside_them(tmp_path):
    tiff = saved(plain(), "TIFF")  # as by their content they are
    files = {"IMG_1.JPG": saved(plain()), "IMG_1.CR2": tiff, "IMG_2.NEF": tiff, "IMG_3.nef": tiff}
    frames, problems, notes = taken(fill(tmp_path / "in", files | {"4.psd": b"8BPS"}))
    assert list(frames) == [1]
    assert problems == ["3 pictures of kinds that are not read: 2 .nef, 1 .psd"]
    assert notes == ["1 other file left alone: 1 .cr2"]


def test_links_to_pictures_are_followed_and_no_others(tmp_path):
    secret = fill(tmp_path / "elsewhere", {"9.jpg": saved(plain(9)), "passwd": saved(plain(9))})
    folder = fill(tmp_path / "in", {"1.jpg": saved(plain(1))})
    (folder / "2.jpg").symlink_to(secret / "9.jpg")
    (folder / "3.png").symlink_to(secret / "passwd")  # by its content it is a picture
    (folder / "notes").symlink_to(secret / "passwd")
    (folder / "4.jpg").symlink_to("4.jpg")
    (folder / "5.jpg").symlink_to("nowhere")
    (folder / "6.jpg").symlink_to("/dev/zero")
    (folder / "7").symlink_to(secret)
    frames, problems, notes = taken(folder)
    assert frames == {n: saved(plain(level)) for n, level in ((1, 1), (2, 9), (3, 9))}
    assert problems == []
    assert notes == [
        "4 other files left alone: 3 .jpg, 1 without ending",
        "1 picture in the subfolder '7' left alone",
    ]


@pytest.mark.parametrize(
    ("files", "status", "reason"),
    [
        ({}, "empty", "no picture in it"),
        ({"notes.txt": b""}, "empty", "no picture in it; 1 other file left alone: 1 .txt"),
        ({"part1/1.jpg": b"", "part1/2.jpg": b""}, "empty", "2 pictures in the subfolder 'part1' left alone"),
        ({"a/1.jpg": b"", "b/2.jpg": b""}, "empty", "2 pictures in 2 subfolders, the first 'a', left alone"),
        ({"a/b/1.jpg": b"", "c/x.txt": b""}, "empty", "no picture in it"),
        (
            {"1.png": b"text"},
            "damaged",
            "1 of 1 pictures left out: 1 like 1.png (no picture that can be read)",
        ),
        ({"1.jpg": b""}, "damaged", "1 of 1 pictures left out: 1 like 1.jpg (an empty file)"),
        ({"1.dng": b"II*\0"}, "damaged", "1 picture of kinds that are not read: 1 .dng"),
    ],
)
def test_a_folder_without_any_picture_says_what_is_in_it(files, status, reason, tmp_path):
    folder = fill(tmp_path / "in", {})
    for name, content in files.items():
        fill((folder / name).parent, {(folder / name).name: content})
    (tmp_path / "out").mkdir()
    obtain("", ID, tmp_path / "a.zip", source=str(folder))
    manifest = unzip(tmp_path / "a.zip", ID, tmp_path / "out")
    assert manifest.status == status
    assert manifest.reason.endswith(reason)


def test_a_note_makes_no_broadcast_worse(tmp_path):
    folder = fill(tmp_path / "in", {"1.jpg": saved(plain()), "notes.txt": b""})
    fill(folder / "more", {"2.jpg": b"", "3.PNG": b""})
    (tmp_path / "out").mkdir()
    obtain("", ID, tmp_path / "a.zip", source=str(folder))
    manifest = unzip(tmp_path / "a.zip", ID, tmp_path / "out")
    assert (manifest.status, len(manifest.frames)) == ("ok", 1)
    assert manifest.reason == "1 other file left alone: 1 .txt; 2 pictures in the subfolder 'more' left alone"


def test_pictures_that_cannot_be_taken_are_counted_by_their_reason(tmp_path):
    files = {
        "1.jpg": saved(plain()),
        "2.png": b"\x89PNG and nothing more",
        "3.png": saved(plain(size=(300, 300)), "PNG"),
        "4.png": saved(plain(size=(400, 300)), "PNG"),
        "5.jpg": bytes(5000),
        "6.jpg": saved(plain())[:200],
        "7.avif": saved(plain().convert("RGB"), "AVIF")[:-10],
    }
    limits = Limits(max_picture_pixels=300 * 299, max_frame_bytes=4999)
    found = list(pictures(fill(tmp_path / "in", files), limits))
    assert [each.frame for each in found if isinstance(each, Picture)] == [1]
    [problem] = [each for each in found if isinstance(each, TooLarge)]
    assert problem.startswith(
        "6 of 7 pictures left out: 2 like 3.png (300x300 pixels; at most 89700 pixels are allowed), "
    )
    assert "1 like 2.png (no picture that can be read)" in problem


def test_a_file_that_is_too_large_is_taken_where_larger_ones_are_allowed(tmp_path):
    folder = fill(tmp_path / "in", {"1.jpg": saved(plain()), "2.jpg": saved(plain()) + bytes(5000)})
    found = obtain("", ID, tmp_path / "a.zip", source=str(folder), limits=Limits(max_frame_bytes=5000))
    assert found.needed["max_frame_bytes"] is None
    [problem] = taken(folder, Limits(max_frame_bytes=5000))[1]
    size = (folder / "2.jpg").stat().st_size
    assert f"({size} bytes; at most 5000 are allowed (archive.max_frame_mb))" in problem
    assert obtain("", ID, tmp_path / "a.zip", source=str(folder)).needed["max_frame_bytes"] == size


def png_that_claims(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


@pytest.mark.filterwarnings("error")
def test_bombs_are_refused_before_they_are_decoded(tmp_path):
    turned, exif = as_a_camera_stores_it(6)
    jpeg = saved(turned, exif=exif)
    at = jpeg.index(b"\xff\xc0") + 5
    files = {
        "1.png": png_that_claims(60_000, 60_000),
        "2.bmp": b"BM"
        + struct.pack("<IIIIiiHHIIiiII", 100, 0, 54, 40, 50_000, 50_000, 1, 24, 0, 0, 0, 0, 0, 0),
        "3.gif": b"GIF89a"
        + struct.pack("<HH", 65_000, 65_000)
        + b"\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;",
        "4.jpg": jpeg[:at] + struct.pack(">HH", 60_000, 60_000) + jpeg[at + 4 :],
    }
    _, [problem], _ = taken(fill(tmp_path / "in", files))
    assert problem == (
        "4 of 4 pictures left out: 4 like 1.png (60000x60000 pixels; at most 128000000 pixels are allowed)"
    )


@pytest.mark.parametrize("content", [b"%!PS-Adobe-3.0 EPSF-3.0\n", b"8BPS\0\x01", b"<svg/>", b"P6 9 9 255 "])
def test_no_other_parser_sees_a_file(content, tmp_path):
    _, [problem], _ = taken(fill(tmp_path / "in", {"1.png": content}))
    assert "no picture that can be read" in problem


# ---- large photographs


@pytest.mark.slow
def test_large_photographs_of_every_kind_are_taken(tmp_path):
    """12 million pixels; a turned JPEG and a PNG were not."""
    photograph = Image.linear_gradient("L").resize((4032, 3024)).convert("RGB")
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    files = {
        "1.jpg": saved(photograph),
        "2.jpg": saved(photograph, exif=exif),
        "3.png": saved(photograph, "PNG"),
        "4.heic": saved(photograph, "HEIF", quality=50),
    }
    frames, problems, _ = taken(fill(tmp_path / "in", files))
    assert problems == []
    assert frames[1] == files["1.jpg"]
    assert [read(frames[n]).size for n in (2, 3, 4)] == [(3024, 4032), (4032, 3024), (4032, 3024)]


def test_a_progressive_jpeg_that_takes_too_much_memory_becomes_a_plain_one(tmp_path):
    photograph = Image.linear_gradient("L").resize((7008, 4672)).convert("RGB")
    content = saved(photograph, progressive=True, subsampling=0)
    frames, problems, _ = taken(fill(tmp_path / "in", {"1.jpg": content}))
    assert problems == []
    with Image.open(io.BytesIO(frames[1])) as image:
        assert image.size == (7008, 4672)
        assert "progressive" not in image.info


# ---- numbers


@pytest.mark.parametrize(
    ("way", "numbers"), [("auto", [1, 2, 3]), ("names", [100, 200, 300]), ("order", [1, 2, 3])]
)
def test_the_numbers_of_frames_are_chosen_and_it_is_said(way, numbers, tmp_path, caplog):
    caplog.set_level("INFO")
    folder = fill(tmp_path / "in", {f"frame_{n}00.jpg": saved(plain(n)) for n in (1, 2, 3)})
    (tmp_path / "out").mkdir()
    obtain("", ID, tmp_path / "a.zip", source=str(folder), picture_numbers=way)
    manifest = unzip(tmp_path / "a.zip", ID, tmp_path / "out")
    assert [each.frame for each in manifest.frames] == numbers
    odd = "numbered in the order of the names: the numbers go up in steps of 100"
    assert manifest.reason == (odd if way == "auto" else "")
    assert f"3 pictures of {folder}, numbered " in caplog.text


def test_pictures_whose_names_tell_no_number_are_told_where_the_names_count(tmp_path):
    folder = fill(tmp_path / "in", {"7.jpg": saved(plain()), "title.jpg": saved(plain())})
    frames, problems, _ = taken(folder, numbers="names")
    assert list(frames) == [7]
    assert problems == ["1 of 2 pictures left out: 1 like title.jpg (its name ends with no number)"]


def test_what_is_no_picture_spoils_no_numbers(tmp_path):
    files = {f"{n}.jpg": saved(plain(n)) for n in (5, 6, 7)}
    assert list(taken(fill(tmp_path / "in", files | {"title.txt": b"", "a.nef": b""}))[0]) == [5, 6, 7]
