"""The map of a run: what its tables tell, whom they do not tell of, and the pictures in few files."""

import io
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from tests.explored import CLUSTERING, Explorer, loaded, read
from tests.mapped import Shot, make_map, many, page_of, story_of, vector

from castgraph.base import tables
from castgraph.base.tables import NOISE
from castgraph.pages.map.data import MOST_LETTERS, NEIGHBOURS
from castgraph.pages.map.pictures import PAGE, large, small, write_pages

ONE, OTHER = "NTV_20240102_070000_Morning_News", "1TV_20240103_190000_Late"
HOSTILE = "</script>\u2028<img src=x onerror=alert(1)>"

SHOTS = [
    Shot(OTHER, 1, 0, (0.5, 0.1), ["A3Q3"], ["desk", HOSTILE], [HOSTILE, "=1+1"]),
    Shot(OTHER, 2, NOISE, (0.4, -0.3), [], [], []),
    Shot(ONE, 1, 0, (0.6, 0.2), ["K2Q2", "A3Q3"], ["desk"], None),
    Shot(ONE, 2, 1, (-0.5, 1.0), ["K2Q2"], ["street"], None, setting=0, n_alike=3),
    Shot(ONE, 7, 1, (-0.6, 0.9), ["K2Q2"], ["street", "car"], None, setting=0),
]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Explorer:
    return make_map(tmp_path_factory.mktemp("mapped"), SHOTS, names={"A3Q3": HOSTILE}, unread={ONE: [9]})


def lists(of: dict[str, np.ndarray], name: str) -> Iterator[list[int]]:
    """What a column holds of each picture."""
    first = of[f"{name}_first"]
    for begin, end in pairwise(first):
        yield of[name][begin:end].tolist()


def again(found: Explorer, to: str, **sections) -> Explorer:
    """The map of the same run, otherwise configured."""
    run = found.folder.parent.parent
    embedded = {path.stem: path for path in (run.parent / "embedded").iterdir()}
    config = loaded(story_of(SHOTS, {}))
    for section, keys in sections.items():
        config[section] |= keys
    return page_of(run, embedded, config, to)


def sheet(found: Explorer, number: int = 0) -> np.ndarray:
    with Image.open(found.folder / "sheets" / f"{number}.jpg") as image:
        return np.asarray(image.convert("RGB")).astype(int)


def tile(pixels: np.ndarray, found: Explorer, n: int) -> np.ndarray:
    """A picture of a sheet."""
    grid = found.manifest["large"]
    row, column = divmod(n, grid["columns"])
    top, left = row * grid["step"], column * grid["width"]
    return pixels[top : top + grid["height"], left : left + grid["width"]]


# ---- what is told ---------------------------------------------------------------------------------------


def test_it_tells_of_each_picture_what_the_tables_do(found: Explorer) -> None:
    shots = sorted(SHOTS, key=lambda shot: (shot.broadcast, shot.frame))
    pictures, people = found.tables["pictures"], found.tables["people"]
    ids = found.tables["broadcasts"]["broadcast"]
    assert [ids[k] for k in pictures["broadcast"]] == [shot.broadcast for shot in shots]
    assert pictures["frame"].tolist() == [shot.frame for shot in shots]
    assert pictures["group"].tolist() == [shot.group for shot in shots]
    assert pictures["setting"].tolist() == [shot.setting for shot in shots]
    assert pictures["n_faces"].tolist() == [len(shot.people) for shot in shots]
    assert pictures["n_frames"].tolist() == [shot.n_alike for shot in shots]
    np.testing.assert_allclose(np.c_[pictures["tsne_x"], pictures["tsne_y"]], [shot.at for shot in shots])
    assert found.manifest["methods"] == ["pca", "tsne"]
    names = found.tables["labels"]["name"]
    safe = "</script> <img src=x onerror=alert(1)>"
    told = [[names[label] for label in each] for each in lists(pictures, "label")]
    assert told == [[label.replace(HOSTILE, safe) for label in shot.labels] for shot in shots]
    seen = [[people["person_id"][person] for person in each] for each in lists(pictures, "person")]
    assert [sorted(each) for each in seen] == [sorted(shot.people) for shot in shots]
    assert dict(zip(people["person_id"], people["name"], strict=True)) == {
        "K2Q2": "Person K2Q2",
        "A3Q3": safe,
    }
    assert found.tables["broadcasts"]["show"] == ["Late", "Morning News"]
    assert found.tables["broadcasts"]["station"] == ["1TV", "NTV"]
    groups = found.tables["groups"]
    assert groups["group"].tolist() == [NOISE, 0, 1]
    assert groups["n_frames"].tolist() == [1, 2, 4]
    assert groups["picture"].tolist() == [1, 0, 3]
    settings = found.tables["settings"]
    assert settings["group"].tolist() == [NOISE, 0]
    assert settings["n_frames"].tolist() == [3, 4]
    assert found.tables["texts"]["text"] == [f"{safe} · =1+1", "", "", "", ""]
    assert found.manifest["counts"] == {"frames": 8, "pictures": 5, "placed": 5, "broadcasts": 2}
    page = found.folder.with_suffix(".html").read_text(encoding="utf-8")
    assert "connect-src 'none'" in page
    assert "alert" not in page


def test_who_is_seen_in_a_frame_that_is_alike_is_seen_in_its_picture(tmp_path: Path) -> None:
    shots = [Shot(ONE, 1, 0, people=["K2Q2"], n_alike=3), Shot(ONE, 4, 0)]
    found = make_map(tmp_path, shots)
    run = found.folder.parent.parent
    path = run / CLUSTERING / "sightings.parquet"
    rows = read(path, "sightings").to_pylist()
    later = pa.Table.from_pylist([{**row, "frame": 3} for row in rows], tables.SIGHTINGS)
    tables.write(path, later, {}, tables.SIGHTINGS)
    assert list(lists(again(found, "again").tables["pictures"], "person")) == [[0], []]


def test_the_nearest_are_those_of_the_highest_cosine(tmp_path: Path) -> None:
    shots = sorted(many(60, 4), key=lambda shot: (shot.broadcast, shot.frame))
    found = make_map(tmp_path, shots)
    vectors = np.array([vector(shot) for shot in shots], np.float64)
    cosines = vectors @ vectors.T - 9 * np.eye(60)
    near = found.tables["near"]["near"].reshape(60, NEIGHBOURS)
    expected = np.sort(cosines, axis=1)[:, ::-1][:, :NEIGHBOURS]
    np.testing.assert_allclose(np.take_along_axis(cosines, near.astype(int), 1), expected, atol=2e-4)
    told = found.tables["near"]["cosine"].reshape(60, NEIGHBOURS) / found.manifest["cosines"]
    np.testing.assert_allclose(told, expected.clip(0), atol=2e-4)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_with_hardly_any_picture(tmp_path: Path, n: int) -> None:
    found = make_map(tmp_path, [Shot(ONE, frame + 1) for frame in range(n)], unread={ONE: [9]})
    assert len(found.tables["pictures"]["frame"]) == n
    assert len(found.tables["near"]["near"]) == n * max(0, n - 1)
    assert (found.folder / "sheets" / "0.jpg").exists() == bool(n)
    assert "people" in found.tables


def test_pictures_that_are_all_the_same_have_their_places(tmp_path: Path) -> None:
    found = make_map(tmp_path, [Shot(ONE, frame + 1, 0) for frame in range(20)])
    assert not found.tables["pictures"]["tsne_x"].any()
    near = found.tables["near"]["near"].reshape(20, NEIGHBOURS)
    assert all(n not in of for n, of in enumerate(near.tolist()))


def test_text_on_a_picture_is_bounded(tmp_path: Path) -> None:
    found = make_map(tmp_path, [Shot(ONE, 1, texts=["word " * 10_000])])
    assert len(found.tables["texts"]["text"][0]) == MOST_LETTERS


def test_the_same_run_has_the_same_bytes(found: Explorer) -> None:
    one, other = again(found, "one"), again(found, "other")
    assert one.digests() == other.digests()
    pages = [each.folder.with_suffix(".html").read_bytes() for each in (one, other)]
    assert pages[0] == pages[1]
    assert one.manifest["data_id"] == found.manifest["data_id"]


def test_tables_of_other_runs_are_refused(found: Explorer, tmp_path: Path) -> None:
    other = make_map(tmp_path, [Shot(ONE, 1)])
    path = other.folder.parent / "map.parquet"
    path.write_bytes((found.folder.parent / "map.parquet").read_bytes())
    with pytest.raises(ValueError, match="not of the same run"):
        again(other, "again")


# ---- of whom it does not tell ---------------------------------------------------------------------------


@pytest.mark.parametrize("why", ["ignored", "forgotten"])
def test_of_who_is_left_out_there_is_no_trace(tmp_path: Path, why: str) -> None:
    shown = [Shot(ONE, 1, 0, people=["K2Q2"]), Shot(ONE, 2, 0, people=["A3Q3", "K2Q2"])]
    hidden = [Shot(ONE, 1, 0, people=["K2Q2"]), Shot(ONE, 2, 0, why={0: why, 1: "noise"})]
    (tmp_path / "with").mkdir()
    (tmp_path / "without").mkdir()
    before = make_map(tmp_path / "with", shown)
    after = make_map(tmp_path / "without", hidden)
    assert b"A3Q3" in before.everything()
    assert b"A3Q3" not in after.everything()
    pixels = [sheet(each) for each in (before, after)]
    assert np.abs(tile(pixels[0], before, 0) - tile(pixels[1], after, 0)).max() < 16
    one, other = (tile(each, before, 1) for each in pixels)
    assert np.ptp(other[25:40, 2:14, 1]) < np.ptp(one[25:40, 2:14, 1]) / 2  # the first face
    assert np.abs(one[25:40, 30:36] - other[25:40, 30:36]).max() < 12  # the second is as it was
    with Image.open(io.BytesIO(after.tables["atlas0"]["jpeg"].tobytes())) as page:
        width = after.manifest["small"]["width"]
        face = np.asarray(page.convert("RGB"))[20:32, width + 2 : width + 11].astype(int)
    assert np.ptp(face[..., 1]) < 120


@pytest.mark.parametrize(
    ("sections", "told"),
    [
        ({}, ["A3Q3", "K2Q2"]),
        ({"people": {"min_seconds": 10}}, ["K2Q2"]),
        ({"explorer": {"people": "named"}}, ["A3Q3"]),
        ({"people": {"min_seconds": 99}}, []),
    ],
)
def test_who_is_not_shown_is_in_no_table(found: Explorer, sections, told) -> None:
    other = again(found, "-".join(["shown", *sections, *told]), **sections)
    assert sorted(other.tables["people"]["person_id"]) == told
    pictures = other.tables["pictures"]
    assert set(pictures["person"].tolist()) == set(range(len(told)))
    for gone in {"A3Q3", "K2Q2"} - set(told):
        assert gone.encode() not in other.everything()


def test_with_others_blurred_no_face_is_to_be_seen(found: Explorer) -> None:
    clear, blurred = sheet(found), sheet(again(found, "blurred", explorer={"blur": "others"}))
    for n, shot in enumerate(sorted(SHOTS, key=lambda each: (each.broadcast, each.frame))):
        one, other = (tile(each, found, n) for each in (clear, blurred))
        if shot.people:
            assert np.ptp(other[25:40, 2:14, 1]) < np.ptp(one[25:40, 2:14, 1]) / 2
        else:
            assert np.abs(one - other).max() < 40


def test_without_explorer_nothing_leads_to_one(found: Explorer) -> None:
    assert found.manifest["explorer"] == f"../{CLUSTERING}/explorer/index.html"
    assert again(found, "alone", explorer={"enabled": False}).manifest["explorer"] == ""


# ---- pictures -------------------------------------------------------------------------------------------


def test_pictures_that_are_not_there_any_more_are_grey(tmp_path: Path) -> None:
    found = make_map(tmp_path, SHOTS)
    (tmp_path / "embedded" / f"{OTHER}.parquet").unlink()
    pixels = sheet(again(found, "again"))
    assert np.ptp(tile(pixels, found, 0).reshape(-1, 3), axis=0).max() < 6
    assert np.ptp(tile(pixels, found, 2).reshape(-1, 3), axis=0).max() > 60


@pytest.mark.parametrize("n", [1, 3_000, 3_001, 20_000, 50_000])
@pytest.mark.parametrize("ratio", [0.5, 9 / 16, 0.75, 1.0])
def test_pages_fit_every_graphics_card_and_not_too_many_are_needed(n: int, ratio: float) -> None:
    grid = small(n, ratio)
    assert grid.columns * grid.width <= PAGE
    assert grid.rows * grid.step <= PAGE
    assert grid.width % 4 == grid.height % 4 == 0, "halved twice, pictures would run into each other"
    assert abs(grid.height / grid.width - ratio) < 0.05
    assert -(-n // grid.per_page) * PAGE * PAGE * 3 < 700e6
    assert large(ratio).step >= large(ratio).height


def test_each_picture_lies_where_it_is_looked_for() -> None:
    colours = [(n * 7 % 256, n * 31 % 256, n * 101 % 256) for n in range(300)]
    images = iter([Image.new("RGB", (160, 90), colour) for colour in colours])
    files: dict[str, dict[int, bytes]] = {"small": {}, "large": {}}
    grids = write_pages(images, 300, 9 / 16, {kind: files[kind].__setitem__ for kind in files})
    assert {kind: len(of) for kind, of in files.items()} == {"small": 1, "large": 5}
    for kind, grid in grids.items():
        pages = [np.asarray(Image.open(io.BytesIO(data)).convert("RGB")) for data in files[kind].values()]
        for n, colour in enumerate(colours):
            left, top = grid.place(n)
            found = pages[n // grid.per_page][top + grid.height // 2, left + grid.width // 2]
            assert np.abs(found.astype(int) - colour).max() < 12


def test_pictures_of_other_shapes_are_whole_on_sheets() -> None:
    tall = Image.new("RGB", (51, 90), "red")
    files: dict[int, bytes] = {}
    grids = write_pages(iter([tall]), 1, 9 / 16, {"small": lambda *_: None, "large": files.__setitem__})
    with Image.open(io.BytesIO(files[0])) as page:
        pixels = np.asarray(page.convert("RGB")).astype(int)[: grids["large"].height, : grids["large"].width]
    is_red = (pixels[..., 0] - pixels[..., 1]) > 100
    assert is_red[:, 78:82].all()
    assert not is_red[:, :40].any()
