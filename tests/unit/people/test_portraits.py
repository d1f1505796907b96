"""Portraits and contact sheets, made of frames that may be anything."""

import logging
from datetime import datetime
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from castgraph.base import csvs, tables
from castgraph.people import pictures, sheets
from castgraph.people.centre import middles
from castgraph.people.portraits import SHEET_COLUMNS, SHEET_FACES, write_portraits
from castgraph.people.table import people_table

MORNING = "DEMO1_20240102_070000_Morning_Desk"
EVENING = "DEMO1_20240102_190000"
RED = {"top": 60, "right": 260, "bottom": 120, "left": 200}
GREEN = {"top": 0, "right": 40, "bottom": 40, "left": 0}
SVG = (
    b"<svg xmlns='http://www.w3.org/2000/svg' width='320' height='180'><rect width='320' height='180'/></svg>"
)


def link(broadcast: str, frame: int) -> str:
    return f"https://example.org/{broadcast}?frame={frame}"


def people_of(faces, embeddings, labels, times):
    """Sum people up whose IDs are P0, P1 …; give the table, and what portraits need to know of each face."""
    numbers = sorted(set(labels) - {tables.NOISE})
    place = {number: row for row, number in enumerate(numbers)}
    person = np.array([place.get(label, tables.NOISE) for label in labels], np.int32)
    members = tables.Members(person, (person < 0).astype(np.int8), [f"P{number}" for number in numbers])
    middle = middles(embeddings, person)
    people = people_table(faces, middle, members, times, frame_seconds=4, n_frames=100)
    row = {name: rank for rank, name in enumerate(people["person_id"].to_pylist())}
    ranks = np.array([*(row[name] for name in members.ids), tables.NOISE], np.int32)
    return people, (ranks[person], middle.distances, middle.outlier)


@pytest.fixture
def write(tmp_path, make_faces, on_air):
    """Write the pictures of faces, given as rows of the face table and labels, below tmp_path/out."""

    def run(rows, labels, *, embeddings=None, names=None, with_sheets=True, out="out", **options):
        faces = make_faces(rows)
        embeddings = np.zeros((len(rows), 128), np.float32) if embeddings is None else embeddings
        times = on_air(faces)
        people, person = people_of(faces, embeddings, labels, times)
        if names:
            people = people.set_column(people.schema.get_field_index("name"), "name", pa.array(names))
        folder = tmp_path / out
        sheets_dir = folder / "sheets" if with_sheets else None
        options = {
            "zip_path": tmp_path / "zips",
            "scratch": tmp_path / "scratch",
            "link": link,
            **options,
        }
        zip_path = options.pop("zip_path")
        portraits_dir = folder / "portraits"
        write_portraits(people, faces, *person, times, zip_path, portraits_dir, sheets_dir, **options)
        return folder

    return run


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.format == "JPEG"
        return np.asarray(image.convert("RGB")).astype(int)


def middle_colour(path: Path) -> str:
    """Name the strongest channel in the middle of a picture, or grey."""
    picture = pixels(path)
    height, width = picture.shape[:2]
    colour = picture[height // 2, width // 2]
    return "grey" if np.ptp(colour) < 30 else ("red", "green", "blue")[colour.argmax()]


def thumbnail(sheet: Path, place: int) -> np.ndarray:
    """Cut a face out of a contact sheet."""
    size = sheets.THUMBNAIL
    left, top = 20 + place * (size + 14), 20 + 76
    return pixels(sheet)[top : top + size, left : left + size]


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# The square around a face.

sides = st.integers(-200, 2500)


@given(sides, sides, st.integers(-5, 800), st.integers(-5, 800), st.integers(1, 2000), st.integers(1, 2000))
def test_the_square_lies_in_the_frame(top, left, box_height, box_width, width, height):
    box = (top, left + box_width, top + box_height, left)
    square_top, square_right, square_bottom, square_left = pictures.crop_box(box, width, height)
    side = square_right - square_left
    assert square_bottom - square_top == side >= 1
    assert 0 <= square_top < square_bottom <= height
    assert 0 <= square_left < square_right <= width
    assert side <= max(1, round(max(box_width, box_height) * 1.7))


@given(st.integers(200, 400), st.integers(200, 400), st.integers(10, 100), st.integers(10, 100))
def test_the_square_holds_the_whole_face(top, left, box_height, box_width):
    square = pictures.crop_box((top, left + box_width, top + box_height, left), 800, 800)
    assert square[0] <= top
    assert square[1] >= left + box_width
    assert square[2] >= top + box_height
    assert square[3] <= left


@pytest.mark.parametrize(
    ("box", "square"),
    [
        ((400, 500, 500, 400), (357, 535, 527, 365)),  # free on all sides: a little raised
        ((0, 100, 100, 0), (0, 170, 170, 0)),  # shifted away from the top left
        ((900, 1000, 1000, 900), (830, 1000, 1000, 830)),  # and from the bottom right
        ((100, 1000, 900, 200), (0, 1000, 1000, 0)),  # shrunk to the frame
    ],
)
def test_the_square_is_shifted_and_shrunk(box, square):
    assert pictures.crop_box(box, 1000, 1000) == square


# What is written.


def test_every_person_gets_a_portrait_and_a_sheet(write, make_zip, squares, tmp_path):
    make_zip(MORNING, {1: squares, 2: squares})
    make_zip(EVENING, {5: squares})
    rows = [
        {"broadcast": MORNING, "frame": 1, **RED},
        {"broadcast": MORNING, "frame": 1, **GREEN},
        {"broadcast": MORNING, "frame": 2, **RED},
        {"broadcast": EVENING, "frame": 5, **GREEN},
        {"broadcast": EVENING, "frame": 5, **RED},
    ]
    out = write(rows, [0, 12, 0, 12, -1])
    assert set(content(out)) == {
        f"{folder}/{person}.jpg" for folder in ("portraits", "sheets") for person in ("P0", "P12")
    } | {"sheets/faces.csv"}
    assert pixels(out / "portraits" / "P0.jpg").shape == (192, 192, 3)
    assert middle_colour(out / "portraits" / "P0.jpg") == "red"
    assert middle_colour(out / "portraits" / "P12.jpg") == "green"
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_portrait_shows_the_box_and_its_margin(write, make_zip, squares):
    make_zip(MORNING, {1: squares})
    out = write([{"broadcast": MORNING, "frame": 1, **RED}], [0], with_sheets=False, size=102)
    picture = pixels(out / "portraits" / "P0.jpg")
    assert picture.shape == (102, 102, 3)
    red = (picture[..., 0] > 120) & (picture[..., 2] < 120)
    top, left = (np.flatnonzero(red.any(axis=axis))[0] for axis in (1, 0))
    bottom, right = (np.flatnonzero(red.any(axis=axis))[-1] + 1 for axis in (1, 0))
    # 60 px in a square of 102 px: a margin of 21 px, the square raised by 5 px.
    assert [top, right, bottom, left] == pytest.approx([26, 81, 86, 21], abs=1)


def test_a_face_at_the_edge_of_the_frame_has_no_border(write, make_zip, jpeg):
    make_zip(MORNING, {1: jpeg(Image.new("RGB", (64, 36), (200, 190, 180)))})
    rows = [
        {"broadcast": MORNING, "frame": 1, "top": -8, "right": 12, "bottom": 12, "left": -8},
        {"broadcast": MORNING, "frame": 1, "top": 20, "right": 80, "bottom": 50, "left": 50},
        {"broadcast": MORNING, "frame": 1, "top": -100, "right": 300, "bottom": 300, "left": -100},
    ]
    out = write(rows, [0, 1, 2])
    for person in range(3):
        picture = pixels(out / "portraits" / f"P{person}.jpg")
        assert picture.shape == (192, 192, 3)
        assert np.abs(picture - (200, 190, 180)).max() < 8


def test_a_sheet_shows_faces_by_distance_and_marks_the_doubtful(write, make_zip, squares):
    make_zip(MORNING, dict.fromkeys(range(1, 8), squares))
    rows = [{"broadcast": MORNING, "frame": 7, **GREEN}]
    rows += [{"broadcast": MORNING, "frame": frame, **RED} for frame in range(1, 7)]
    embeddings = np.random.default_rng(4).normal(size=(7, 128)).astype(np.float32) * 0.02
    embeddings[0] = 0.2
    sheet = write(rows, [0] * 7, embeddings=embeddings) / "sheets" / "P0.jpg"
    faces = [thumbnail(sheet, place) for place in range(7)]
    assert [int(face[48, 48].argmax()) for face in faces] == [0] * 6 + [1], "the outlier comes last"
    frame_of = [face[0, 10:90].mean(axis=0) for face in faces]
    assert all(colour[2] > 150 for colour in frame_of[:6]), "blue up to the edge"
    assert frame_of[6][0] > 130 > 100 > frame_of[6][2], "a red frame around it"


def test_a_sheet_grows_with_its_faces_up_to_the_limit(write, make_zip, squares):
    make_zip(MORNING, {1: squares})
    rows = [{"broadcast": MORNING, "frame": 1, **RED}] * 50
    few = write(rows[:1], [0], out="few") / "sheets" / "P0.jpg"
    limited = write(rows, [0] * 50, out="limited", sheet_faces=16) / "sheets" / "P0.jpg"
    assert pixels(few).shape[1] == pixels(limited).shape[1]
    assert pixels(limited).shape[0] - pixels(few).shape[0] == 152, "two rows of 8 instead of one"


def test_people_may_be_chosen(make_faces, on_air, make_zip, squares, tmp_path):
    path = make_zip(MORNING, {1: squares})
    faces = make_faces([{"broadcast": MORNING, "frame": 1, **RED}] * 3)
    embeddings, times = np.zeros((3, 128), np.float32), on_air(faces)
    people, person = people_of(faces, embeddings, [0, 1, 2], times)
    portraits, contacts, scratch = (tmp_path / name for name in ("portraits", "sheets", "scratch"))
    write_portraits(
        people.slice(0, 1),
        faces,
        *person,
        times,
        path.parent,
        portraits,
        contacts,
        link=link,
        scratch=scratch,
    )
    assert set(content(portraits)) == {"P0.jpg"}
    assert set(content(contacts)) == {"P0.jpg", SHEET_FACES}


def test_a_table_tells_what_is_on_the_sheets(write, make_zip, squares):
    make_zip(MORNING, {1: squares, 31: squares})
    make_zip(EVENING, {5: squares})
    embeddings = np.zeros((4, 128), np.float32)
    embeddings[1, 0] = 0.3
    rows = [
        {"broadcast": MORNING, "frame": 1, **RED},
        {"broadcast": MORNING, "frame": 31, **RED},
        {"broadcast": EVENING, "frame": 5, **RED},
        {"broadcast": EVENING, "frame": 5, **GREEN},
    ]
    out = write(rows, [7, 7, 3, -1], embeddings=embeddings, names=["=Ann", "Person P3"])
    found = csvs.read(out / "sheets" / SHEET_FACES, SHEET_COLUMNS)
    assert [tuple(row[name] for name in SHEET_COLUMNS[:7]) for row in found] == [
        ("P7.jpg", "1", "P7", "'=Ann", MORNING, "1", "2024-01-02 07:00:00"),
        ("P7.jpg", "2", "P7", "'=Ann", MORNING, "31", "2024-01-02 07:02:00"),
        ("P3.jpg", "1", "P3", "Person P3", EVENING, "5", "2024-01-02 19:00:16"),
    ]
    assert [float(row["distance"]) for row in found] == pytest.approx([0.15, 0.15, 0.0])
    assert [row["link"] for row in found] == [link(row["broadcast"], int(row["frame"])) for row in found]


def test_a_sheet_shows_the_id_beside_a_name_that_lacks_it(write, make_zip, squares):
    make_zip(MORNING, {1: squares})
    row = {"broadcast": MORNING, "frame": 1, **RED}
    heads = {
        name: pixels(write([row], [0], names=[name], out=str(place)) / "sheets" / "P0.jpg")[:40]
        for place, name in enumerate(["Person P0", "Person", "Person P00"])
    }
    dark = {name: np.flatnonzero((head < 100).all(axis=2).any(axis=0))[-1] for name, head in heads.items()}
    assert dark["Person P0"] < dark["Person"] < dark["Person P00"]


def test_a_sheet_tells_when_each_frame_was_on_air(write, make_zip, squares, monkeypatch):
    """And not when the broadcast began, which was said under every face."""
    make_zip(MORNING, {1: squares, 31: squares})
    drawn, draw = [], sheets.draw_sheet
    monkeypatch.setattr(sheets, "draw_sheet", lambda *given: drawn.append(given) or draw(*given))
    write([{"broadcast": MORNING, "frame": frame, **RED} for frame in (1, 31)], [0, 0])
    [(_, _, _, faces)] = drawn
    assert sorted(face.captions for face in faces) == [
        ("2024-01-02 07:00:00", "DEMO1 #1"),
        ("2024-01-02 07:02:00", "DEMO1 #31"),
    ]


def person(**values):
    row = {"n_faces": 1, "n_broadcasts": 1, "screen_seconds": 4.0, "n_outliers": 0}
    return {**row, "first_seen": datetime(2024, 1, 2, 7), "last_seen": datetime(2024, 1, 2, 19, 30), **values}


@pytest.mark.parametrize(
    ("row", "n_shown", "text"),
    [
        (person(), 1, "1 face  ·  1 broadcast  ·  4 s on screen  ·  2024-01-02 07:00 – 2024-01-02 19:30 UTC"),
        (person(screen_seconds=196.0), 1, "3 min 16 s on screen"),
        (person(screen_seconds=431_188.0), 1, "120 h on screen"),
        (person(n_faces=116_000, n_broadcasts=342), 48, "116,000 faces (48 shown)  ·  342 broadcasts"),
        (person(n_outliers=1234), 1, "1,234 doubtful"),
    ],
)
def test_the_header_sums_a_person_up(row, n_shown, text):
    assert text in sheets.facts(row, n_shown)


def test_sheets_may_be_left_out(write, make_zip, squares):
    make_zip(MORNING, {1: squares})
    out = write([{"broadcast": MORNING, "frame": 1, **RED}], [0], with_sheets=False, sheet_faces=0)
    assert set(content(out)) == {"portraits/P0.jpg"}


@pytest.mark.parametrize("sheet_faces", [0, 501])
def test_a_sheet_of_impossible_size_is_refused(write, make_zip, squares, sheet_faces):
    make_zip(MORNING, {1: squares})
    with pytest.raises(ValueError, match=f"sheet_faces is {sheet_faces}; allowed: 1 to 500"):
        write([{"broadcast": MORNING, "frame": 1}], [0], sheet_faces=sheet_faces)


@pytest.mark.slow
def test_the_largest_sheet_can_be_drawn(write, make_zip, squares):
    make_zip(MORNING, {1: squares})
    out = write([{"broadcast": MORNING, "frame": 1, **RED}] * 500, [0] * 500, sheet_faces=500)
    assert pixels(out / "sheets" / "P0.jpg").shape[0] < 10_000


def test_without_people_nothing_is_written(write):
    out = write([{"broadcast": MORNING, "frame": 1}], [-1])
    assert set(content(out)) == {"sheets/faces.csv"}
    assert sorted(path.name for path in out.iterdir()) == ["portraits", "sheets"]


def test_pictures_are_the_same_for_any_number_of_workers(write, demo):
    rows = [
        {"broadcast": path.stem, "frame": frame, "top": 100, "right": 330, "bottom": 220, "left": 220}
        for path in sorted(demo.glob("DEMO1_*.zip"))[:3]
        for frame in (3, 4, 21)
    ]
    labels = [0, 1, 0, 1, 0, 1, 2, 0, -1]
    alone = content(write(rows, labels, zip_path=demo, workers=1, out="alone"))
    shared = content(write(rows, labels, zip_path=demo, workers=2, out="shared"))
    assert len(alone) == 7
    assert shared == alone


def test_no_metadata_goes_from_the_frame_into_the_picture(write, make_zip, jpeg):
    exif = Image.Exif()
    exif[0x0132] = "2024:01:02 03:04:05"
    make_zip(MORNING, {1: jpeg(Image.new("RGB", (320, 180)), exif=exif, comment=b"a comment")})
    out = write([{"broadcast": MORNING, "frame": 1, **RED}], [0])
    for data in content(out).values():
        assert b"2024:01:02" not in data
        assert b"Exif" not in data
        assert b"a comment" not in data


@pytest.mark.parametrize("size", [(4032, 3024), (8064, 6048), (20_000, 500)])
def test_faces_are_cut_out_of_large_photographs(write, make_zip, jpeg, squares, size):
    """In pixels of the photograph, though it is decoded smaller."""
    photograph = Image.open(BytesIO(squares)).resize(size)
    make_zip(MORNING, {1: jpeg(photograph), 2: squares})
    across, down = size[0] / 320, size[1] / 180
    side = min(60 * across, 60 * down)
    left, top = 230 * across - side / 2, 90 * down - side / 2
    large = {"top": int(top), "right": int(left + side), "bottom": int(top + side), "left": int(left)}
    rows = [{"broadcast": MORNING, "frame": 1, **large}, {"broadcast": MORNING, "frame": 2, **RED}]
    out = write(rows, [0, 1])
    of_large, of_small = (pixels(out / "portraits" / f"P{person}.jpg") for person in (0, 1))
    middle = slice(70, 122)  # what lies around the face is not of the same shape
    assert np.abs(of_large - of_small)[middle, middle].max() < 40


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_frames_of_other_colour_spaces_can_be_shown(write, make_zip, jpeg, mode):
    make_zip(MORNING, {1: jpeg(Image.new("RGB", (320, 180), (230, 230, 230)).convert(mode))})
    out = write([{"broadcast": MORNING, "frame": 1, **RED}], [0])
    for path in out.glob("*/*.jpg"):
        assert Image.open(path).mode in {"L", "RGB"}
    assert pixels(out / "portraits" / "P0.jpg").min() > 200


def test_a_folder_of_zips_or_a_function_says_where_they_are(write, make_zip, squares):
    path = make_zip(MORNING, {1: squares})
    row = {"broadcast": MORNING, "frame": 1, **RED}
    by_folder = content(write([row], [0], zip_path=path.parent, out="folder"))
    by_function = content(
        write([row], [0], zip_path=lambda broadcast: path.parent / f"{broadcast}.zip", out="function")
    )
    assert by_function == by_folder


# What goes wrong.


def test_a_missing_zip_gives_placeholders_and_a_warning(write, make_zip, squares, caplog):
    make_zip(MORNING, {1: squares})
    rows = [{"broadcast": MORNING, "frame": 1, **RED}, {"broadcast": EVENING, "frame": 1, **RED}]
    out = write(rows, [0, 1])
    assert middle_colour(out / "portraits" / "P0.jpg") == "red"
    assert middle_colour(out / "portraits" / "P1.jpg") == "grey"
    assert np.ptp(thumbnail(out / "sheets" / "P1.jpg", 0).mean(axis=(0, 1))) < 10
    (warning,) = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert warning.startswith(f"{EVENING}: 1 frame(s) could not be shown")
    assert "is not there" in warning


def test_a_zip_that_was_deleted_is_fetched_for_the_time_of_need(write, make_zip, squares, tmp_path):
    archive = make_zip(MORNING, {1: squares}).parent.rename(tmp_path / "archive")
    out = write([{"broadcast": MORNING, "frame": 1, **RED}], [0], base_url=str(archive))
    assert middle_colour(out / "portraits" / "P0.jpg") == "red"
    assert not (tmp_path / "zips").exists()
    assert list((tmp_path / "scratch").iterdir()) == []


def test_what_a_recording_shows_is_taken_from_it_again(write, squares, tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "1.jpg").write_bytes(squares)
    out = write(
        [{"broadcast": MORNING, "frame": 1, **RED}, {"broadcast": EVENING, "frame": 1, **RED}],
        [0, 1],
        base_url="http://127.0.0.1:9/",
        sources={MORNING: str(tmp_path / "images"), EVENING: str(tmp_path / "lost.mp4")},
        fetch_options={"attempts": 1, "frame_seconds": 4.0},
    )
    assert middle_colour(out / "portraits" / "P0.jpg") == "red"
    assert middle_colour(out / "portraits" / "P1.jpg") == "grey"
    assert not (tmp_path / "zips").exists()


def test_a_zip_that_the_archive_lost_gives_placeholders(write, tmp_path, caplog):
    (tmp_path / "archive").mkdir()
    out = write([{"broadcast": MORNING, "frame": 1, **RED}], [0], base_url=str(tmp_path / "archive"))
    assert middle_colour(out / "portraits" / "P0.jpg") == "grey"
    assert MORNING in caplog.text
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_server_that_cannot_be_reached_gives_placeholders(write, caplog):
    out = write(
        [{"broadcast": MORNING, "frame": 1, **RED}],
        [0],
        base_url="http://127.0.0.1:9/",  # the port of the discard service: nobody listens
        fetch_options={"attempts": 1, "timeout": 2.0},
    )
    assert middle_colour(out / "portraits" / "P0.jpg") == "grey"
    assert MORNING in caplog.text


def test_a_file_that_is_no_zip_gives_placeholders(write, make_zip, squares, caplog):
    make_zip(MORNING, {1: squares}).write_bytes(b"<html>not found</html>")
    out = write([{"broadcast": MORNING, "frame": 1, **RED}], [0])
    assert middle_colour(out / "portraits" / "P0.jpg") == "grey"
    assert MORNING in caplog.text


def hostile_frames(jpeg):
    whole = jpeg(Image.effect_noise((320, 180), 80).convert("RGB"))
    return {
        "empty": b"",
        "text": b"this is no picture",
        "cut off": whole[: len(whole) // 2],
        "header only": whole[:4],
        "no pixels": whole[:20] + b"\xff\xda\xff\xd9",
        "svg": SVG,
        "svg behind the first bytes of a jpeg": b"\xff\xd8\xff" + SVG + b"\xff\xda\xff\xd9",
        "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 320 180\nshowpage\n",
        "mvg": b"push graphic-context\nviewbox 0 0 320 180\nimage over 0,0 0,0 'label:x'\n",
        "png": _png(),
        "too many pixels": whole.replace(b"\0\xb4\1\x40", b"\x2f\xd0\x3f\xc0", 1),  # 16320x12240
    }


def _png() -> bytes:
    file = BytesIO()
    Image.new("RGB", (320, 180), "red").save(file, "PNG")
    return file.getvalue()


def test_a_frame_that_is_no_usable_picture_gives_a_placeholder(write, make_zip, jpeg, squares, caplog):
    bad = hostile_frames(jpeg)
    make_zip(MORNING, {1: squares} | dict(enumerate(bad.values(), start=2)))
    rows = [{"broadcast": MORNING, "frame": frame, **RED} for frame in range(1, len(bad) + 3)]
    out = write(rows, list(range(len(rows))))
    colours = [middle_colour(out / "portraits" / f"P{person}.jpg") for person in range(len(rows))]
    assert dict(zip(["good", *bad, "not in the ZIP"], colours, strict=True)) == {
        "good": "red",
        **dict.fromkeys(bad, "grey"),
        "not in the ZIP": "grey",
    }
    assert len(list((out / "sheets").glob("*.jpg"))) == len(rows)
    assert (
        f"{MORNING}: {len(bad) + 1} frame(s) could not be shown; frame 2: not a JPEG picture" in caplog.text
    )


def test_one_bad_frame_does_not_spoil_the_others(write, make_zip, squares):
    make_zip(MORNING, {1: squares, 2: b"broken", 3: squares})
    rows = [{"broadcast": MORNING, "frame": frame, **RED} for frame in (1, 2, 3)]
    out = write(rows, [0, 0, 0])
    faces = [thumbnail(out / "sheets" / "P0.jpg", place)[48, 48] for place in range(3)]
    assert [bool(colour[0] > colour[2] + 100) for colour in faces] == [True, False, True]


def test_nothing_is_written_outside_the_given_folders(write, make_zip, squares, tmp_path):
    """A portrait is named after the label, whatever the table says."""
    make_zip(MORNING, {1: squares})
    before = set(content(tmp_path))
    write([{"broadcast": MORNING, "frame": 1, **RED}], [0], names=["../../evil"])
    assert set(content(tmp_path)) - before == {
        "out/portraits/P0.jpg",
        "out/sheets/P0.jpg",
        "out/sheets/faces.csv",
    }


@pytest.mark.parametrize(
    "name", ["", "  ", "\n\0\x1b[31m", "%f %w %[EXIF:*]", 'it\'s "quoted" \\ {x} $(y)', "Ж" * 500]
)
def test_any_name_can_be_written_on_a_sheet(write, make_zip, squares, name):
    make_zip(MORNING, {1: squares})
    out = write([{"broadcast": MORNING, "frame": 1, **RED}], [0], names=[name])
    assert middle_colour(out / "portraits" / "P0.jpg") == "red"
    assert pixels(out / "sheets" / "P0.jpg").shape[1] == 906


def test_a_name_does_not_make_imagemagick_read_a_file(write, make_zip, squares, tmp_path, monkeypatch):
    """ImageMagick's programs take a text that begins with @ for the name of a file that holds the text."""
    monkeypatch.chdir(tmp_path)
    make_zip(MORNING, {1: squares})
    row = {"broadcast": MORNING, "frame": 1, **RED}
    without = content(write([row], [0], names=["@secret"], out="without"))
    Path("secret").write_text("TOP SECRET")
    assert content(write([row], [0], names=["@secret"], out="with")) == without
    other = content(write([row], [0], names=["TOP SECRET"], out="other"))
    assert other["sheets/P0.jpg"] != without["sheets/P0.jpg"]


def test_a_percent_sign_in_a_name_is_drawn_as_it_is(write, make_zip, squares):
    """ImageMagick's programs put properties of the picture in the place of %w and the like."""
    make_zip(MORNING, {1: squares})
    row = {"broadcast": MORNING, "frame": 1, **RED}
    percent = content(write([row], [0], names=["%w"], out="percent"))
    width = content(write([row], [0], names=["906"], out="width"))
    assert percent["sheets/P0.jpg"] != width["sheets/P0.jpg"]
