"""Frames that can be read, frames that cannot, and what is measured on them."""

import io
import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageFilter
from tests.unit.faces.fakes import as_jpeg, odd_files, rotated

from castgraph.archive.media.jpeg import coefficients, opened
from castgraph.faces.frame import MAX_PIXELS, UnreadableFrameError, phash, read_frame, sharpness


@pytest.fixture
def jpeg(frames) -> bytes:
    manifest, folder = frames
    return (folder / manifest.frames[4].file).read_bytes()


@pytest.mark.parametrize("name", odd_files(as_jpeg(Image.new("RGB", (64, 64)))))
def test_every_file_is_read_or_refused_with_a_reason(name: str, jpeg: bytes, tmp_path: Path) -> None:
    content, status, reason = odd_files(jpeg)[name]
    path = tmp_path / "1.jpg"
    path.write_bytes(content)
    if status == "ok":
        picture, width, height, note = read_frame(path)
        assert note == reason
        assert picture.dtype == np.uint8
        assert (width, height) == Image.open(path).size
        assert (picture.shape == (height, width, 3)) == ("made smaller" not in note)
        assert 0 <= phash(picture) < 2**64
    else:
        with pytest.raises(UnreadableFrameError) as raised:
            read_frame(path)
        assert re.fullmatch(reason, str(raised.value))


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_colours_are_those_of_the_picture(mode: str, tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_bytes(as_jpeg(Image.new("RGB", (20, 10), "red").convert(mode)))
    expected = Image.new("RGB", (20, 10), "red").convert(mode).convert("RGB")
    assert np.abs(read_frame(tmp_path / "1.jpg").picture - np.asarray(expected, dtype=int)).max() <= 3


@pytest.mark.slow
def test_pictures_are_those_of_face_recognition(jpeg: bytes, tmp_path: Path, face_recognition) -> None:
    for name in ("plain", "CMYK", "greyscale", "rotated", "progressive", "1x1"):
        path = tmp_path / f"{name}.jpg"
        path.write_bytes(odd_files(jpeg)[name][0])
        assert np.array_equal(read_frame(path).picture, face_recognition.load_image_file(path))


@pytest.mark.filterwarnings("ignore:.*(EXIF|Tag data|Metadata)")  # Pillow's, for the log
@settings(max_examples=3 * settings().max_examples)
@given(
    changes=st.lists(st.tuples(st.integers(2, 900), st.integers(0, 255)), min_size=1, max_size=8),
    cut=st.integers(0, 2000),
)
def test_no_file_fails_the_job(changes: list[tuple[int, int]], cut: int) -> None:
    content = bytearray(rotated(Image.effect_noise((48, 32), 60)))
    for at, value in changes:
        content[at % len(content)] = value
    with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
        Path(file.name).write_bytes(content[: cut or None])
        try:
            picture = read_frame(Path(file.name)).picture
        except UnreadableFrameError as error:
            assert str(error)
        else:
            assert 0 < picture.shape[0] * picture.shape[1] <= MAX_PIXELS


def test_a_frame_that_is_gone_is_an_error_of_the_job(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_frame(tmp_path / "gone.jpg")


def test_the_largest_frame_that_is_not_made_smaller_is_ultra_high_definition_but_not_much_more() -> None:
    assert 3840 * 2160 <= MAX_PIXELS <= 4096 * 2160


# In an eighth of what is allowed each way.
@pytest.mark.parametrize("size", [(512, 270), (513, 270), (504, 378), (1125, 750), (4000, 50)])
def test_large_frames_are_made_smaller_and_keep_their_shape(
    size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 512 * 270
    assert most == MAX_PIXELS / 64
    monkeypatch.setattr("castgraph.faces.frame.MAX_PIXELS", most)
    gradient = Image.linear_gradient("L").resize(size).convert("RGB")
    (tmp_path / "1.jpg").write_bytes(as_jpeg(gradient))
    picture, width, height, note = read_frame(tmp_path / "1.jpg")
    assert (width, height) == size
    small = picture.shape[1], picture.shape[0]
    assert small[0] * small[1] <= most
    assert small == size if size == (512, 270) else small[0] * small[1] > 0.98 * most
    assert small[0] / small[1] == pytest.approx(width / height, rel=0.02)
    assert bool(note) == (small != size)
    expected = np.asarray(gradient.resize(small, Image.Resampling.BOX), dtype=int)
    assert np.abs(picture - expected).max() <= 4


def test_a_jpeg_of_several_scans_is_known_by_its_first(tmp_path: Path) -> None:
    """Not by what else is in the file: a thumbnail in the EXIF data has a scan of its own."""
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.MakerNote] = as_jpeg(
        Image.new("L", (8, 8)), progressive=True
    )
    for options, n_bytes in (
        ({}, 0),
        ({"exif": exif}, 0),
        ({"progressive": True}, 2 * 600 * 400 * 1.5),
        ({"progressive": True, "subsampling": 0}, 2 * 600 * 400 * 3),
        ({"progressive": True, "exif": exif}, 2 * 600 * 400 * 1.5),
    ):
        content = as_jpeg(Image.new("RGB", (600, 400)), **options)
        with opened(content, 600 * 400) as image:
            assert coefficients(image, content) == n_bytes


def test_a_jpeg_whose_colours_come_one_after_another_has_several_scans() -> None:
    content = as_jpeg(Image.new("RGB", (60, 40)), subsampling=0)
    at = content.rindex(b"\xff\xda")
    assert content[at : at + 10] == bytes.fromhex("ffda 000c 03 0100 0211 03")
    alone = content[:at] + bytes.fromhex("ffda 0008 01 0100 003f00") + content[at + 14 :]
    with opened(alone, 60 * 40) as image:
        assert coefficients(image, alone) == 2 * 60 * 40 * 3


def test_phash_is_stable_under_small_changes_and_differs_between_scenes(frames) -> None:
    manifest, folder = frames
    picture, other = (read_frame(folder / manifest.frames[n].file).picture for n in (4, 30))
    noisy = np.clip(picture.astype(int) + 3, 0, 255).astype(np.uint8)
    assert 0 <= phash(picture) < 2**64
    assert (phash(picture) ^ phash(noisy)).bit_count() <= 6
    assert (phash(picture) ^ phash(other)).bit_count() >= 12


def test_a_blurred_chip_is_less_sharp(jpeg: bytes) -> None:
    image = Image.open(io.BytesIO(jpeg)).convert("RGB").resize((150, 150))
    blurred = image.filter(ImageFilter.GaussianBlur(2))
    assert sharpness(np.asarray(blurred)) < sharpness(np.asarray(image)) / 2
    assert sharpness(np.zeros((150, 150, 3), np.uint8)) == 0
