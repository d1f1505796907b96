"""Pictures of frames: what is blurred in them cannot be known again, and nothing else is touched."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from castgraph.base import tables
from castgraph.pages.explorer.evidence import cut_frame, faces_in, to_blur
from castgraph.people.pictures import PictureError
from castgraph.people.places import Places

BOX = (120, 460, 240, 340)  # top, right, bottom, left: a face of 120 pixels in a frame of 1280 × 720
NOISE = tables.NOISE


def frame(box: tuple[int, int, int, int] = BOX, seed: int = 0, **options: object) -> bytes:
    """A grey frame with a face of black and white squares of ten pixels, as they fall."""
    pixels = np.full((720, 1280, 3), 128, np.uint8)
    top, right, bottom, left = box
    cells = np.random.default_rng(seed).integers(0, 2, ((bottom - top) // 10, (right - left) // 10)) * 255
    pixels[top:bottom, left:right] = np.kron(cells, np.ones((10, 10)))[..., None]
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=95, **options)
    return file.getvalue()


def pixels(jpeg: bytes) -> np.ndarray:
    with Image.open(BytesIO(jpeg)) as image:
        assert image.format == "JPEG"
        assert not image.info.keys() & {"exif", "comment", "icc_profile"}
        return np.asarray(image.convert("L")).astype(float)


def test_a_picture_is_as_wide_as_asked_and_no_wider_than_the_frame():
    small, large = cut_frame(frame(), [], 320), cut_frame(frame(), [], 5000)
    assert pixels(small.jpeg).shape == (180, 320)
    assert pixels(large.jpeg).shape == (720, 1280)
    assert (small.width, small.height) == (large.width, large.height) == (1280, 720)
    assert len(small.jpeg) < 10_000


@pytest.mark.parametrize("width", [320, 640, 1280])
def test_of_a_blurred_face_no_detail_is_left_and_the_rest_stays(width: int) -> None:
    scale = width / 1280
    clear, blurred = pixels(cut_frame(frame(), [], width).jpeg), pixels(cut_frame(frame(), [BOX], width).jpeg)
    top, right, bottom, left = (round(side * scale) for side in BOX)
    inside = slice(top, bottom), slice(left, right)
    assert clear[inside].std() > 60
    # What is left is smooth: next to nothing of the differences between neighbouring pixels.
    assert np.abs(np.diff(blurred[inside], axis=1)).mean() < np.abs(np.diff(clear[inside], axis=1)).mean() / 8
    away = slice(None), slice(round((BOX[1] + 120) * scale), None)
    assert np.abs(blurred[away] - clear[away]).max() <= 3


def test_two_faces_of_the_same_means_become_the_same_picture():
    """All that is left are sixteen means: a face whose squares are mirrored within each cell is the same."""
    faces = []
    for phase in (0, 1):
        pixels_ = np.full((400, 400, 3), 100, np.uint8)
        rows, columns = np.indices((400, 400)) // 5
        pixels_[(rows + columns) % 2 == phase] = 200
        file = BytesIO()
        Image.fromarray(pixels_).save(file, "JPEG", quality=100)
        faces.append(pixels(cut_frame(file.getvalue(), [(0, 400, 400, 0)], 400).jpeg))
    assert np.abs(faces[0] - faces[1]).max() <= 2


def test_hair_chin_and_ears_are_blurred_too():
    whole = (60, 520, 290, 280)  # half a face above, a fifth below and half a face beside
    lower = pixels(cut_frame(frame(whole), [BOX], 1280).jpeg)
    assert np.abs(np.diff(lower[70:280, 295:505], axis=1)).mean() < 4


@pytest.mark.parametrize(
    "box",
    [(-50, 60, 60, -40), (700, 1400, 900, 1250), (719, 1281, 721, 1279), (300,) * 4, (90, 5, 80, 9)],
)
def test_boxes_may_lie_at_the_edge_or_be_odd(box: tuple[int, int, int, int]) -> None:
    assert pixels(cut_frame(frame(), [box], 320).jpeg).shape == (180, 320)


def test_a_box_out_of_the_frame_blurs_nothing():
    assert cut_frame(frame(), [(-900, 60, -800, 0), (0, 9000, 10, 8000)], 320) == cut_frame(frame(), [], 320)


def test_the_same_frame_gives_the_same_bytes_and_no_metadata():
    given = frame(comment=b"by Ann Example")
    assert cut_frame(given, [BOX], 320) == cut_frame(given, [BOX], 320)
    assert b"Ann" not in cut_frame(given, [], 320).jpeg


@pytest.mark.parametrize("data", [b"", b"<svg/>", b"\xff\xd8\xff\xe0broken"])
def test_nothing_but_a_jpeg_is_read(data: bytes) -> None:
    with pytest.raises(PictureError):
        cut_frame(data, [], 320)


WHY = ["", "", "noise", "ignored", "forgotten", "not_a_face", "set_aside"]
MEMBERS = tables.Members(
    np.array([0, 1] + [NOISE] * 5, np.int32), np.array([tables.WHY.index(why) for why in WHY], np.int8),
    ["K7Q2", "A3BC"],
)  # fmt: skip
BOXES = np.array([[10], [20], [20], [10]], np.int32) + np.arange(7, dtype=np.int32) * 100


@pytest.mark.parametrize(
    ("about", "blur", "blurred"),
    [
        ([0, 1], "none", [3, 4]),
        ([], "none", [3, 4]),
        ([0, 1], "others", [2, 3, 4, 5, 6]),
        ([0], "others", [1, 2, 3, 4, 5, 6]),
        ([NOISE], "others", [0, 1, 2, 3, 4, 5, 6]),
    ],
)
def test_who_is_ignored_or_forgotten_is_always_blurred(about, blur, blurred) -> None:
    found = to_blur(BOXES, MEMBERS, slice(0, 7), about, blur)
    assert found == [tuple(BOXES[:, number].tolist()) for number in blurred]


def test_the_faces_of_a_frame_are_found():
    names = ["A_20240101_190000", "B_20240101_190000"]
    broadcast, number = np.array([0, 0, 0, 1], np.int32), np.array([2, 2, 5, 2], np.int32)
    places = Places(names, broadcast, np.array([0, 1, 2, 0], np.int32), number, BOXES[:, :4])
    assert [faces_in(places, names[0], n) for n in (1, 2, 5, 9)] == [
        slice(0, 0), slice(0, 2), slice(2, 3), slice(3, 3),
    ]  # fmt: skip
    assert faces_in(places, names[1], 2) == slice(3, 4)
    for name in ("", "A", "C_20240101_190000"):
        assert faces_in(places, name, 2) == slice(0, 0)
