"""The faces of a photo."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image
from tests.unit.ask.conftest import ANN, DAY, Cast
from tests.unit.faces.fakes import claiming, many_scans

from castgraph.ask.photo import one_face, run_engine
from castgraph.ask.results import Results
from castgraph.ask.views import QueryError
from castgraph.faces.engine import Face
from castgraph.faces.photo import PhotoError, faces_of


def face(left: int, size: int) -> Face:
    points = np.arange(10, dtype=np.float32)
    return Face(5, left + size, 5 + size, left, 0.9, 50.0, points, np.full(128, left, np.float32))


class Finding:
    """Finds faces in pictures whose longer side is one of those that it knows."""

    def __init__(self, faces: dict[int, list[Face]]) -> None:
        self.faces, self.asked = faces, list[tuple[int, int]]()

    def encode(self, pictures):
        self.asked += [(picture.shape[1], picture.shape[0]) for picture in pictures]
        return [self.faces.get(max(picture.shape[:2]), []) for picture in pictures]


def photo(folder: Path, size: tuple[int, int], kind: str = "JPEG", **options) -> Path:
    path = folder / f"photo.{kind.lower()}"
    Image.linear_gradient("L").resize(size).convert("RGB").save(path, kind, **options)
    return path


def test_a_large_photo_is_looked_at_in_the_size_of_television(tmp_path: Path) -> None:
    engine = Finding({1280: [face(100, 200)]})
    [found] = faces_of(photo(tmp_path, (2560, 1600)), lambda: engine)
    assert engine.asked == [(1280, 800)]
    assert (found.left, found.top, found.right, found.bottom) == (200, 10, 600, 410)
    assert found.landmarks.tolist() == [2.0 * n for n in range(10)]


def test_other_sizes_are_tried_until_a_face_is_found(tmp_path: Path) -> None:
    engine = Finding({320: [face(10, 80)]})
    [found] = faces_of(photo(tmp_path, (1600, 800)), lambda: engine)
    assert engine.asked == [(1280, 640), (1600, 800), (640, 320), (320, 160)]
    assert (found.left, found.right) == (50, 450)
    small = Finding({})
    assert faces_of(photo(tmp_path, (200, 100)), lambda: small) == []
    assert small.asked == [(200, 100)]


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "TIFF", "BMP"])
def test_photos_of_any_kind(tmp_path: Path, kind: str) -> None:
    engine = Finding({64: [face(1, 20)]})
    assert len(faces_of(photo(tmp_path, (64, 48), kind), lambda: engine)) == 1


def test_a_photo_is_turned_as_exif_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    engine = Finding({64: [face(1, 20)]})
    faces_of(photo(tmp_path, (64, 48), exif=exif), lambda: engine)
    assert engine.asked == [(48, 64)]


def jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "an empty file"),
        (b"this is no picture", "no picture that can be read"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><image href="/etc/passwd"/></svg>', "no picture"),
        (b"push graphic-context\nfill 'url(https://example.com/x)'\n", "no picture"),
        (b"%!PS\n(%pipe%id) (w) file", "no picture"),
        (b"%PDF-1.7\n", "no picture"),
        (jpeg()[:500], "Truncated"),
        (claiming(jpeg(), 60_000, 60_000), "60000x60000 pixels; at most"),
        (many_scans(20_000), "scans; at most 100"),
    ],
)
def test_what_is_no_photo_is_told(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(PhotoError, match=rf"photo\.jpg: .*{told}"):
        faces_of(path, lambda: pytest.fail("nothing is to be looked for"))


def test_several_faces_are_told_and_one_is_chosen() -> None:
    two = [face(10, 50), face(200, 30)]
    told = r"a.jpg: 2 faces, from left to right 1 at 10, 5 \(50×50 pixels\), 2 at 200, 5 \(30×30 pixels\)"
    with pytest.raises(QueryError, match=f"{told}; choose one with --face"):
        one_face(Path("a.jpg"), two, None)
    with pytest.raises(QueryError, match=f"{told}; there is no --face 3"):
        one_face(Path("a.jpg"), two, 3)
    with pytest.raises(QueryError, match="no face is found in it"):
        one_face(Path("a.jpg"), [], None)
    assert one_face(Path("a.jpg"), two, 2)[0] == 200
    assert one_face(Path("a.jpg"), two[:1], None)[0] == 10


def test_the_encoder_is_that_of_the_run(make_run: Callable[..., Path]) -> None:
    faces = {"engine": "fast", "detector": "hog", "upsample": 0}
    run = make_run("hog", Cast([(DAY, 1, ANN)]), faces=faces)
    engine = run_engine(Results(run))()
    assert engine.embedding_size == 128
    assert not any("centerface" in name for name in engine.models)
    (run / "config.yaml").unlink()
    with pytest.raises(QueryError, match=r"config\.yaml does not tell the encoder"):
        run_engine(Results(run))
