"""The page of broadcasts that are not what their title says: what it shows, escapes, and leaves out."""

import base64
import io
import json
import re
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.finished import picture, write
from tests.suspected import NOT_JUDGED, judged, suspect, write_tables
from tests.unit.pages.test_report import HOSTILE, Page

from castgraph.base import tables
from castgraph.pages.labelling import FRAMES, MOST_PICTURED, Shown, write_labelling

USUAL = [judged(n) for n in range(9)]
MORNINGS = [judged(n, "Morning_Desk") for n in range(9)]


def made(folder: Path, rows: list[dict[str, Any]], *, shown: Shown | None = None, **tables_: Any) -> Page:
    """The page of these rows, read back."""
    write_tables(folder / "labelling", rows, **tables_)
    write_labelling(
        folder / "labelling.html", folder / "labelling", of="made-up", left_out=False, shown=shown
    )
    return Page(folder / "labelling.html")


def test_a_suspect_is_told_with_what_it_is_like_and_who_is_missing(tmp_path: Path) -> None:
    rows = [*USUAL, suspect(9), *MORNINGS, judged(3, "Only_One", **NOT_JUDGED)]
    missing = {"missing": "K7Q2", "missing_name": "Wenda Lysgaard", "link": "https://archive.example/9"}
    page = made(tmp_path, rows, missing=missing)
    for text in (
        "suspect 1 broadcasts judged 19 not judged 1",
        "Evening Review DEMO1, 2024-01-10 19:00 UTC like Morning Desk",
        "Like Morning Desk (0.83), and not like the 9 others of Evening Review (0.21).",
        "Wenda Lysgaard is in nearly every other broadcast of Evening Review, and not in this one.",
        "z = -7.50, q < 0.001",
        "Suspects count as all others do",
        "It is the only one of its title. 1",
        "Evening Review DEMO1 10 0.82 1",
    ):
        assert text in page.text
    assert "https://archive.example/9" in page.all("a", "href")
    assert {"labelling/suspects.csv", "labelling/likeness.csv"} <= set(page.all("a", "href"))


def test_its_place_among_the_others_is_drawn_where_it_belongs(tmp_path: Path) -> None:
    page = made(tmp_path, [*USUAL, suspect(9, own=-0.4, other=1.6)])
    places = [float(each.rstrip("%")) for each in page.all("circle", "cx")]
    *others, own, other = places
    assert len(others) == len(USUAL)
    assert 0 <= own < min(others) < max(others) < other <= 100


def test_suspects_in_a_row_are_one(tmp_path: Path) -> None:
    late = [suspect(n, z=-9.0 + n / 10, run=0) for n in range(9, 30)]
    page = made(tmp_path, [*USUAL, *late, suspect(40, run=1), judged(41)])
    assert "suspects 22" in page.text
    assert "2024-01-10 19:00 UTC to 2024-01-30 19:00 UTC" in page.text
    assert "21 broadcasts in a row; told is of 2024-01-10 19:00 UTC, the least like." in page.text
    assert sum(name == "article" for name, _ in page.tags) == 2


def test_nothing_of_a_name_is_more_than_text(tmp_path: Path) -> None:
    name = HOSTILE + "\u2028" + "x" * 400
    told = {"title": name, "show": name, "reason": name, "other_title": name, "station": name}
    page = made(
        tmp_path,
        [judged(n, **told) for n in range(3)] + [suspect(4, **told, broadcast=None)],
        missing={"missing": "K7Q2", "missing_name": name, "link": "javascript:alert(1)"},
        stations=(name, "CBS"),
        days=30,
        dips=[(name, 3, 9)],
    )
    assert not {"img", "iframe"} & {tag for tag, _ in page.tags}
    assert sum(tag == "script" for tag, _ in page.tags) == 2  # the numbers of the chart, and our own
    assert not [each for each in page.all("a", "href") if each.startswith("javascript")]
    text = (tmp_path / "labelling.html").read_text(encoding="utf-8")
    assert "<script>alert" not in text and "<img src=" not in text


def test_the_numbers_of_the_chart_are_those_of_the_table(tmp_path: Path) -> None:
    page = made(tmp_path, USUAL, days=40, dips=[("CBS", 7, 11)])
    found = data(tmp_path)
    correlation = tables.read(tmp_path / "labelling" / "correlation.parquet", tables.CORRELATION).to_pylist()
    assert [each["name"] for each in found["series"]] == ["ABC – CBS", "ABC – NBC", "CBS – NBC"]
    days = sorted({row["day"] for row in correlation})
    assert [1970 + day / 365.2425 for day in found["days"]] == pytest.approx(
        [day.year + (day.timetuple().tm_yday - 1) / 365.2425 for day in days], abs=0.01
    )
    expected = [round(row["r"], 3) for row in correlation if (row["station"], row["other"]) == ("CBS", "NBC")]
    assert found["series"][2]["values"] == expected
    assert "CBS 2012-01-09 2012-01-13" in page.text


def data(folder: Path) -> dict[str, Any]:
    text = (folder / "labelling.html").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(
        re.search(r'<script type="application/json"[^>]*>(.*?)</script>', text)[1]
    )
    return found


def test_of_many_stations_a_line_is_of_one_and_those_that_depart_are_drawn(tmp_path: Path) -> None:
    stations = [f"S{n:02d}" for n in range(20)]
    made(tmp_path, USUAL, stations=stations, days=8, dips=[("S19", 1, 3)])
    names = [each["name"] for each in data(tmp_path)["series"]]
    assert len(names) == 12
    assert "S19 – others" in names


def test_where_nothing_can_be_compared_that_is_said(tmp_path: Path) -> None:
    page = made(tmp_path, [], days=0)
    assert "suspects 0" in page.text and "nothing could be judged" in page.text
    assert "On none of 0 days can two stations be compared" in page.text
    assert "No title could be judged." in page.text


# ---- pictures --------------------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path: Path) -> Shown:
    """A run whose frames are grey, the lighter the later, with a face to hide in all of one broadcast."""
    rows = [*USUAL, *(suspect(n) for n in range(9, 30)), *(judged(n, "Morning_Desk") for n in range(40))]
    frames = [
        {"broadcast": row["broadcast"], "frame": n, "time": row["start"] + timedelta(seconds=4 * n)}
        | {"status": "damaged" if n == 1 else "ok"}
        for row in sorted(rows, key=lambda row: row["broadcast"])
        for n in range(1, 50)
    ]
    write(tmp_path / "frames.parquet", tables.MERGED_FRAMES, frames)
    picture(tmp_path / "portraits" / "K7Q2.jpg", (192, 192))

    @contextmanager
    def opened(broadcast: str):
        if broadcast == judged(8)["broadcast"]:
            raise OSError("no such file")

        def read(number: int) -> bytes:
            if number == 49:
                raise LookupError("not in the ZIP")
            image = Image.new("L", (640, 360), 5 * number)
            image.paste(255, (304, 164, 320, 180))  # what a face is known by
            content = io.BytesIO()
            image.convert("RGB").save(content, "JPEG")
            return content.getvalue()

        yield read

    box = (110 / 360, 370 / 640, 230 / 360, 250 / 640)
    hidden = {(suspect(9)["broadcast"], number): [box] for number in range(50)}
    return Shown(
        opened,
        tmp_path / "frames.parquet",
        hidden,
        lambda broadcast, frame: f"https://archive.example/{broadcast}/{frame}",
        tmp_path / "portraits",
        "explorer/index.html",
    )


def test_pictures_stand_side_by_side_and_what_is_hidden_is_blurred(tmp_path: Path, run: Shown) -> None:
    page = made(tmp_path, [*USUAL, suspect(9), *MORNINGS], shown=run, missing={"missing": "K7Q2"})
    images = [attributes for name, attributes in page.tags if name == "img"]
    assert "Portrait" in (images.pop(0)["alt"] or "")
    # The usual one cannot be opened, and a frame of each cannot be had: what there is is shown.
    assert len(images) == 2 * (FRAMES - 1)
    links = [each for each in page.all("a", "href") if "archive.example" in each]
    assert f"https://archive.example/{suspect(9)['broadcast']}/2" in links  # the first that was read
    assert any(
        each.startswith("explorer/index.html#/broadcast/DEMO1_20240110") for each in page.all("a", "href")
    )
    own, like = images[3]["src"], images[FRAMES + 2]["src"]
    brightest = []
    for uri in (own, like):
        content = base64.b64decode((uri or "").removeprefix("data:image/jpeg;base64,"))
        with Image.open(io.BytesIO(content)) as image:
            brightest.append(image.convert("L").getextrema()[1])
    assert brightest[0] < 150 < 240 < brightest[1]


def test_of_many_suspects_the_least_like_have_pictures(tmp_path: Path, run: Shown) -> None:
    late = [suspect(n, z=-5 - n, run=n) for n in range(9, 30)]
    page = made(tmp_path, [*USUAL, *late, *(judged(n, "Morning_Desk") for n in range(40))], shown=run)
    assert sum(name == "figure" for name, _ in page.tags) == 2 * MOST_PICTURED
    assert f"The {MOST_PICTURED} that are least like their title have pictures." in page.text
    assert page.text.index("2024-01-30 19:00 UTC") < page.text.index("2024-01-10 19:00 UTC")


def test_the_same_tables_give_the_same_page(tmp_path: Path) -> None:
    for name in ("one", "other"):
        made(tmp_path / name, [*USUAL, suspect(9)], days=20)
    one, other = (tmp_path / name / "labelling.html" for name in ("one", "other"))
    assert one.read_bytes() == other.read_bytes()


def test_moments_are_those_of_the_frames(tmp_path: Path, run: Shown) -> None:
    page = made(tmp_path, [*USUAL, suspect(9), *MORNINGS], shown=run)
    first = datetime(2024, 1, 10, 19, 0, 8, tzinfo=UTC)
    assert f"{first:%H:%M:%S}" in page.text
