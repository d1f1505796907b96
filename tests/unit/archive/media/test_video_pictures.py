"""How the pictures of a video look: what holds for one is read from it, as ffmpeg does."""

import io
import itertools
import struct
from fractions import Fraction

import av
import numpy as np
import pytest
from av.bitstream import BitStreamFilterContext
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from tests import films
from tests.films import HEIGHT, WIDTH, every, frames, grey, join, pixels

from castgraph.archive import Limits
from castgraph.archive.media.video import video_frames

CORNERS = list(itertools.product((-1, 1), repeat=2))  # x and y, as seen from the middle; y goes down
EIGHT = [(a, b, c, d) for a, b, c, d in itertools.product((-1, 0, 1), repeat=4) if abs(a * d - b * c) == 1]
EIGHT = [each for each in EIGHT if each.count(0) == 2]


def quarters():
    """Give a picture whose corners differ."""
    picture = grey(0)
    for level, (x, y) in zip((40, 100, 160, 220), CORNERS, strict=True):
        picture[slice(32, 64) if y > 0 else slice(32), slice(48, 96) if x > 0 else slice(48)] = level
    return picture


def corners(picture):
    """Read the corners of a picture: {(x, y): grey level}."""
    return {(x, y): picture[(y > 0) * -1, (x > 0) * -1].mean() for x, y in CORNERS}


def with_matrix(path, matrix, unit=1 << 16):
    """Write a display matrix into an MP4: a, b, c and d, of which a point x, y becomes ax + cy, bx + dy."""
    a, b, c, d = (round(each * unit) for each in matrix)
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 44
    content[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    return path


def shown(path, **options):
    """Give the pictures of frames; what is said of them does not matter."""
    return [pixels(each) for each in video_frames(path, **options) if not isinstance(each, str)]


# Turned and mirrored.


@pytest.mark.parametrize("unit", [1 << 16, 1 << 14])
@pytest.mark.parametrize("matrix", EIGHT)
def test_a_video_is_turned_and_mirrored_as_its_matrix_says(film, matrix, unit):
    a, b, c, d = matrix
    path = with_matrix(film([(0, quarters()), (1, quarters())]), matrix, unit)
    picture = shown(path)[0]
    assert picture.shape[:2] == ((HEIGHT, WIDTH) if a else (WIDTH, HEIGHT))
    stored = {(x, y): level for level, (x, y) in zip((40, 100, 160, 220), CORNERS, strict=True)}
    turned = {(a * x + c * y, b * x + d * y): level for (x, y), level in stored.items()}
    assert corners(picture) == pytest.approx(turned, abs=8)


def test_there_are_eight_matrices():
    assert len(EIGHT) == 8


def test_pixels_that_are_not_square_are_turned_with_the_picture(film):
    def wide(stream):
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)

    path = with_matrix(film([(0, quarters()), (1, quarters())], prepare=wide), (0, 1, -1, 0))
    assert shown(path)[0].shape == (128, 64, 3)


def test_a_frame_may_be_turned_otherwise_than_the_one_before(film, tmp_path):
    """In H.264 a message with a frame tells how to turn it."""
    upright = film([(n, quarters()) for n in range(4)], "0.ts", options={"g": "1", "bf": "0"})
    for number, how in enumerate(
        ("rotate=90", "rotate=0:flip=horizontal", "rotate=0:flip=vertical"), start=1
    ):
        with (
            av.open(str(upright)) as source,
            av.open(str(tmp_path / f"{number}.ts"), "w") as copy,
        ):
            stream = copy.add_stream_from_template(source.streams.video[0])
            turn = BitStreamFilterContext(
                f"h264_metadata=display_orientation=insert:{how}", source.streams[0]
            )
            for packet in [*source.demux(video=0), None]:
                for each in turn.filter(packet):
                    if each.size:
                        each.stream = stream
                        each.pts, each.dts = (time + number * 4 * 90_000 for time in (each.pts, each.dts))
                        copy.mux(each)
    path = join(tmp_path / "all.ts", *(tmp_path / f"{n}.ts" for n in range(4)))
    found = shown(path, frame_seconds=1)
    assert [found[n].shape[:2] for n in (0, 4, 8, 12)] == [(64, 96), (96, 64), (64, 96), (64, 96)]
    brightest = [max(CORNERS, key=corners(found[n]).get) for n in (0, 4, 8, 12)]
    assert brightest == [(1, 1), (1, -1), (-1, 1), (1, -1)]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.mov", "a.avi"])
def test_the_orientation_of_photographs_is_that_of_the_frames(tmp_path, orientation, name):
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    Image.fromarray(quarters()).save(buffer, "JPEG", exif=exif, quality=95)
    with av.open(str(tmp_path / name), "w") as container:
        stream = container.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuvj420p"
        stream.codec_context.open()
        packet = av.Packet(buffer.getvalue())
        packet.stream, packet.pts, packet.dts, packet.time_base = stream, 0, 0, Fraction(1)
        container.mux(packet)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(buffer)).convert("RGB"))
    picture = pixels(frames(tmp_path / name)[0])
    assert picture.shape == expected.shape
    assert np.abs(picture - expected).mean() < 3


@pytest.mark.parametrize("matrix", [(0, 0, 0, 0), (1, 0, 0, 0), (0, 0, 0, 1), (0, 1, 0, 1)])
def test_a_matrix_that_makes_a_picture_a_line_is_of_no_account(film, matrix):
    picture = shown(with_matrix(film([(0, quarters()), (1, quarters())]), matrix))[0]
    assert corners(picture) == pytest.approx(corners(quarters()), abs=8)


def test_a_picture_that_leans_is_shown_as_ffmpeg_shows_it(film):
    """It keeps its size, and corners are black."""
    cos, sin = np.cos(np.pi / 6), np.sin(np.pi / 6)
    picture = shown(with_matrix(film([(0, grey(200)), (1, grey(200))]), (cos, sin, -sin, cos)))[0]
    assert picture.shape == (HEIGHT, WIDTH, 3)
    assert picture[32, 48].min() > 190
    assert max(corners(picture).values()) < 30


@settings(max_examples=settings().max_examples // 2)
@given(matrix=st.tuples(*[st.integers(-(2**31), 2**31 - 1)] * 4))
def test_any_matrix_gives_a_picture(tmp_path_factory, matrix):
    path = tmp_path_factory.mktemp("films") / "a.mp4"
    films.film(path, [(0, quarters()), (1, quarters())])
    shown, told = films.taken(with_matrix(path, matrix, unit=1))  # it may stretch the picture, too
    assert list(shown) == [1] or told == ["frames that cannot be shown (too many pixels): 2"]


# The shape of pixels.


def shaped(numerator, denominator=1):
    def prepare(stream):
        stream.codec_context.sample_aspect_ratio = Fraction(numerator, denominator)

    return prepare


def test_pixels_that_are_not_square_are_made_so(film):
    path = film(every(1, 2), prepare=shaped(4, 3))
    assert shown(path)[0].shape == (64, 128, 3)


@pytest.mark.parametrize(
    ("codec", "shapes", "widths"),
    [
        ("libx264", [(1, 1), (4, 3), (16, 9)], [96, 128, 171]),
        ("mpeg2video", [(8, 9), (32, 27)], [85, 114]),
    ],
)
def test_the_shape_of_pixels_may_change(film, tmp_path, codec, shapes, widths):
    """Pictures in their old shape may still be in the decoder when the new shape is read."""
    parts = [
        film(
            [(i / 25, grey(60 * (n + 1))) for i in range(25)],
            f"{n}.ts",
            codec=codec,
            rate=25,
            start=n,
            prepare=shaped(*shape),
        )
        for n, shape in enumerate(shapes)
    ]
    found = shown(join(tmp_path / "all.ts", *parts), frame_seconds=0.04)
    assert len(found) == pytest.approx(25 * len(parts), abs=2)
    by_level = {(round(each.mean() / 60), each.shape[1]) for each in found}
    assert by_level == set(enumerate(widths, start=1))


@pytest.mark.parametrize("own", [(4, 3), (1, 1)])
def test_the_container_is_right_about_the_shape_where_the_pictures_say_another(film, own):
    path = film(every(1, 2), prepare=shaped(*own))
    content = path.read_bytes()
    at = content.index(b"pasp") + 4
    path.write_bytes(content[:at] + struct.pack(">II", 2, 1) + content[at + 8 :])
    assert shown(path)[0].shape == (64, 192, 3)


def test_pixels_that_are_stretched_too_far_are_not_drawn(film, status):
    path = film(every(1, 5), prepare=shaped(4, 1))
    found, reason, numbers = status(path, limits=Limits(max_pixels=2 * WIDTH * HEIGHT))
    assert (found, numbers) == ("damaged", [])
    assert reason == "frames that cannot be shown (too many pixels): 5"


@pytest.mark.parametrize(("shape", "numbers"), [((2**31 - 1, 1), []), ((1, 2**31 - 1), [1, 2])])
def test_no_shape_makes_a_picture_of_any_size(film, status, shape, numbers):
    path = film(every(1, 5), prepare=shaped(4, 3))
    content = path.read_bytes()
    at = content.index(b"pasp") + 4
    path.write_bytes(content[:at] + struct.pack(">II", *shape) + content[at + 8 :])
    assert status(path)[2] == numbers


# Size, fields and pixel formats.


def changing(film, folder, sizes):
    """Make a film of four frames, one a second, of each size (height, width)."""
    parts = [
        film(
            [(n, grey(90, width, height)) for n in range(4)],
            f"{part}.ts",
            start=4 * part,
            options={"bf": "0"},
        )
        for part, (height, width) in enumerate(sizes)
    ]
    return join(folder / "all.ts", *parts)


@pytest.mark.parametrize("threads", [1, 3])
def test_the_size_of_frames_may_change(film, tmp_path, threads):
    sizes = [(64, 96), (96, 64), (48, 128)]
    found = shown(changing(film, tmp_path, sizes), frame_seconds=1, threads=threads)
    assert [each.shape[:2] for each in found] == [size for size in sizes for _ in range(4)]


def test_frames_that_become_too_large_are_left_out(film, tmp_path, status):
    path = changing(film, tmp_path, [(64, 96), (640, 960), (64, 96)])
    found, reason, numbers = status(path, frame_seconds=1, limits=Limits(max_pixels=100 * 100))
    assert found == "partial"
    assert numbers == [1, 2, 3, 4, 9, 10, 11, 12]
    assert "corrupt packets" in reason


def woven(bar_of_one, bar_of_the_other):
    """Give a picture of two fields as planes of YUV; each has a bar elsewhere, in brightness and colour."""

    def field(bar):
        y, u, v = (np.full((32, 96), 90), np.full((16, 48), 128), np.full((16, 48), 128))
        y[:, bar : bar + 16], v[:, bar // 2 : bar // 2 + 8] = 180, 200
        return y, u, v

    fields = zip(field(bar_of_one), field(bar_of_the_other), strict=True)
    planes = [np.stack(pair, axis=1) for pair in fields]
    return np.concatenate([plane.ravel() for plane in planes]).astype(np.uint8).reshape(96, 96)


def test_of_interlaced_frames_one_field_is_taken(film):
    path = film(
        [(n, woven(16, 64)) for n in range(3)],
        options={"x264-params": "interlaced=1:qp=0"},
        size=(HEIGHT, WIDTH),
    )
    picture = shown(path)[0]
    assert picture.shape == (HEIGHT, WIDTH, 3)
    assert np.abs(np.diff(picture, axis=0)).max() < 12  # no combs, neither of brightness nor of colour
    assert picture[:, 18:30, 0].min() > picture[:, 66:78, 0].max() + 80


def test_some_frames_may_be_interlaced_and_others_not(film, tmp_path):
    stripes = grey(40)
    stripes[::2] = 200  # what a field would show as one grey
    parts = [
        film(
            [(n, woven(16, 64)) for n in range(4)],
            "0.ts",
            options={"x264-params": "interlaced=1:qp=0:bframes=0"},
            size=(HEIGHT, WIDTH),
        ),
        film([(n, stripes) for n in range(4)], "1.ts", start=4, options={"qp": "0", "bf": "0"}),
    ]
    found = shown(join(tmp_path / "all.ts", *parts), frame_seconds=1)
    assert np.abs(np.diff(found[1], axis=0)).max() < 12
    assert np.abs(np.diff(found[6], axis=0)).min() > 100


def test_the_pixel_format_may_change(film, tmp_path):
    colour = np.full((64, 96, 3), (180, 60, 30), np.uint8)
    parts = [
        film(
            [(n, colour) for n in range(4)],
            f"{part}.ts",
            start=4 * part,
            pix_fmt=pix_fmt,
            options={"bf": "0"},
        )
        for part, pix_fmt in enumerate(["yuv420p", "yuv444p", "yuv422p10le", "yuv420p"])
    ]
    found = shown(join(tmp_path / "all.ts", *parts), frame_seconds=1)
    assert len(found) == 16
    assert all(np.abs(each - (180, 60, 30)).max() < 12 for each in found)


def test_colours_are_kept(film):
    picture = shown(film([(0, np.full((64, 96, 3), (180, 60, 30), np.uint8))]))[0]
    assert np.abs(picture - (180, 60, 30)).max() < 8
