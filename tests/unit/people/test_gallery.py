"""The gallery: who looks like somebody in a picture."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from castgraph.base import tables
from castgraph.faces.engine import Face
from castgraph.people.gallery import GalleryError, encode_gallery, match, pictures


class Finding:
    """Finds as many faces as the darkest point of a picture says, in tens."""

    def encode(self, given):
        points = np.zeros(10, np.float32)
        return [
            [
                Face(0, 8 + n, 8, n, 0.9, 50.0, points, np.full(4, picture.min() + n, np.float32))
                for n in range(round(picture.min() / 10))
            ]
            for picture in given
        ]


def picture(path: Path, n_faces: int, kind: str = "JPEG") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (64, 64), (10 * n_faces,) * 3).save(path, kind)


def test_names_are_those_of_files_and_folders(tmp_path: Path) -> None:
    for name in ("Ann Example.jpg", "Bob_Test/1.png", "Bob_Test/2.jpg", ".hidden.jpg", "Thumbs.db"):
        picture(tmp_path / name, 1)
    found = [(each.name, each.path.name) for each in pictures(tmp_path)]
    assert found == [("Ann Example", "Ann Example.jpg"), ("Bob Test", "1.png"), ("Bob Test", "2.jpg")]
    table = encode_gallery(tmp_path, Finding())
    assert table.schema == tables.GALLERY
    assert table["file"].to_pylist() == ["Ann Example.jpg", "Bob_Test/1.png", "Bob_Test/2.jpg"]
    assert table["embedding"].to_pylist()[0] == [10.0] * 4


def test_every_picture_without_one_face_is_named(tmp_path: Path) -> None:
    picture(tmp_path / "Ann.jpg", 1)
    picture(tmp_path / "Nobody.jpg", 0)
    picture(tmp_path / "Two.jpg", 2)
    (tmp_path / "Text.jpg").write_text("no picture")
    with pytest.raises(GalleryError) as told:
        encode_gallery(tmp_path, Finding())
    lines = str(told.value).splitlines()
    assert len(lines) == 3
    assert "Nobody.jpg: no face is found in it" in lines[0]
    assert "Text.jpg: " in lines[1]
    assert "Two.jpg: 2 faces are found in it, at 0, 0, 1, 0; allowed: 1. Cut the picture" in lines[2]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (None, "0 pictures; allowed: 1 to"),
        ("a\nb.jpg", "allowed: one line"),
        ("x" * 220 + ".jpg", "one line"),
    ],
)
def test_a_gallery_that_cannot_be_one_is_refused(name: str | None, told: str, tmp_path: Path) -> None:
    if name:
        picture(tmp_path / name, 1)
    with pytest.raises(GalleryError, match=told):
        pictures(tmp_path)
    with pytest.raises(GalleryError, match="allowed: a folder of pictures"):
        pictures(tmp_path / "none")


def gallery(**points: list[list[float]]) -> pa.Table:
    rows = [
        {"name": name, "file": f"{name}/{n}.jpg", "embedding": point}
        for name, own in points.items()
        for n, point in enumerate(own)
    ]
    return pa.Table.from_pylist(rows, schema=tables.GALLERY)


KNOWN = gallery(Ann=[[0.0, 0.0], [0.0, 5.0]], Bob=[[1.0, 0.0]])


def named(**centres: tuple[float, float]) -> tuple[dict[str, tuple[str, float]], list[str]]:
    points = {person: np.array(point) for person, point in centres.items()}
    matches, conflicts = match(points, KNOWN, max_distance=0.45, margin=0.1)
    return {person: (each.name, round(each.distance, 6)) for person, each in matches.items()}, conflicts


def test_the_nearest_picture_counts_and_who_is_far_has_no_name() -> None:
    found, conflicts = named(K7Q2=(0.1, 5.0), M3XA=(1.2, 0.0), A3BC=(0.0, 0.5))
    assert found == {"K7Q2": ("Ann", 0.1), "M3XA": ("Bob", 0.2)}
    assert conflicts == []


def test_between_two_names_neither_is_guessed() -> None:
    matches, [told] = match({"K7Q2": np.array([0.52, 0.0])}, KNOWN, max_distance=0.6, margin=0.1)
    assert matches == {}
    assert told == "K7Q2 is as near to Bob (0.48) and Ann (0.52), and gets neither name"


def test_of_two_people_near_to_a_name_one_has_to_be_clearly_nearer() -> None:
    found, [told] = named(K7Q2=(0.1, 0.0), M3XA=(0.15, 0.0))
    assert found == {}
    assert told.startswith("K7Q2 (0.10) and M3XA (0.15) are as near to Ann, and none gets the name")
    found, [told] = named(K7Q2=(0.1, 0.0), M3XA=(0.3, 0.0))
    assert found == {"K7Q2": ("Ann", 0.1)}
    assert told.startswith("M3XA is near to Ann (0.30), too, who is K7Q2 (0.10)")


def test_nobody_and_embeddings_of_another_size() -> None:
    assert match({}, KNOWN, max_distance=1, margin=0) == ({}, [])
    with pytest.raises(ValueError, match="embeddings of 2 numbers, the run of 3"):
        match({"K7Q2": np.zeros(3)}, KNOWN, max_distance=1, margin=0)
