"""A contact sheet of the faces that were found."""

import io
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image
from tests.unit.ask.conftest import ANN, DAY, OTHER, Cast

from castgraph.archive import read_selection
from castgraph.archive.broadcast import frame_name
from castgraph.ask.find import matches
from castgraph.ask.results import Results
from castgraph.ask.sheet import write_sheet
from castgraph.people.sheets import THUMBNAIL
from castgraph.run.shown import RunFrames

RED, BLUE = (200, 20, 20), (20, 20, 200)


def picture(colour: tuple[int, int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (320, 180), colour).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


@pytest.fixture
def results(make_run: Callable[..., Path]) -> Results:
    """Two faces near to the origin in frames that are there, and one in a broadcast that was not kept."""
    embeddings = np.zeros((3, 128), np.float32)
    embeddings[:, 0] = (0.3, 0.1, 0.2)
    cast = Cast([(DAY, 1, ANN), (DAY, 2, ANN), (OTHER, 1, ANN)], embeddings=embeddings)
    run = make_run("week", cast)
    origins = {row.broadcast: row.origin for row in read_selection(run / "selected.csv")}
    path = run.parent.parent / "resources" / "zips" / origins[DAY] / f"{DAY}.zip"
    path.parent.mkdir(parents=True)
    with ZipFile(path, "w") as file:
        for frame, colour in ((1, RED), (2, BLUE)):
            file.writestr(f"{DAY}/{frame_name(DAY, frame)}", picture(colour))
    return Results(run)


def thumbnails(path: Path, many: int) -> list[tuple[int, ...]]:
    """Give the colour of the middle of each thumbnail of the first row."""
    with Image.open(path) as sheet:
        assert sheet.format == "JPEG"
        across = (sheet.width - 40 - 8 * THUMBNAIL) // 7 + THUMBNAIL
        return [sheet.getpixel((20 + across * n + THUMBNAIL // 2, 96 + THUMBNAIL // 2)) for n in range(many)]


def test_the_nearest_first_and_what_is_not_there_in_grey(results: Results, tmp_path: Path) -> None:
    found = matches(results, np.zeros(128), 1)
    path = tmp_path / "new" / "sheet.jpg"
    problems = write_sheet(path, "photo.jpg", found, RunFrames(results.run, fetch=False))
    assert len(problems) == 1
    assert problems[0].startswith(f"{OTHER}: 1 face cannot be shown: ")
    assert problems[0].endswith("is not there; --fetch fetches the ZIP again for the time of need")
    blue, grey, red = thumbnails(path, 3)
    assert np.abs(np.subtract(blue, BLUE)).max() < 12
    assert np.abs(np.subtract(red, RED)).max() < 12
    assert max(grey) - min(grey) < 12


def test_without_any_face(results: Results, tmp_path: Path) -> None:
    found = matches(results, np.full(128, 9), 1)
    assert write_sheet(tmp_path / "sheet.jpg", "photo.jpg", found, RunFrames(results.run, fetch=False)) == []
    assert (tmp_path / "sheet.jpg").is_file()
