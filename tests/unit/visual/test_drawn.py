"""Maps, sheets and storyboards: the same bytes every time, for whatever there is, and nobody hidden."""

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from tests.unit.visual.made import MADE, jpeg, picture, write_zip
from tests.unit.visual.test_groups import KINDS, ONE, OTHER, around, frame_table

from castgraph.archive import Limits
from castgraph.base import tables
from castgraph.visual.embed import embed
from castgraph.visual.embedder import EmbedderError
from castgraph.visual.groups import write_groups
from castgraph.visual.maps import draw_pictures, draw_points, drawn, placed, principal, write_map
from castgraph.visual.seen_with import seen_with
from castgraph.visual.sheets import MOST_GROUPS, write_sheets


def run_of(folder: Path, kinds: dict[str, list[str]]) -> dict[str, Path]:
    """Embed and group broadcasts of some kinds of frames; gives their tables."""
    embedded = {}
    folder.mkdir(exist_ok=True)
    for name, here in kinds.items():
        frames = [jpeg(picture(kind, seed, 14)) for seed, kind in enumerate(here)]
        embedded[name] = folder / f"{name}.parquet"
        found = embed(write_zip(folder, name, frames), name, MADE, Limits()).table
        tables.write(embedded[name], found, {}, tables.visual(MADE.size))
    frames = frame_table(folder / "frames.parquet", {name: len(here) for name, here in kinds.items()})
    write_groups(embedded, frames, to=folder / "visual", facts={}, min_cluster_size=3, most=1000)
    return embedded


def draw(folder: Path, embedded: dict[str, Path], to: Path, hidden=None) -> dict[str, bytes]:
    """Draw everything; gives what was written."""
    (to / "sheets").mkdir(parents=True)
    visual = folder / "visual"
    write_map(to / "map.parquet", visual / "frames.parquet", ["pca", "tsne"], {})
    tables.check(to / "map.parquet", tables.TABLES["visual_map"])
    table = tables.read(to / "map.parquet", tables.VISUAL_MAP)
    for method in ("pca", "tsne"):
        draw_points(to / f"{method}.png", table, method)
        draw_pictures(to / f"{method}_pictures.png", table, method, embedded, hidden or {})
    write_sheets(to / "sheets", visual / "frames.parquet", visual / "groups.parquet", embedded, hidden or {})
    found = {str(path.relative_to(to)): path.read_bytes() for path in to.rglob("*") if path.is_file()}
    for name in found:
        if not name.endswith(".parquet"):
            with Image.open(to / name) as image:
                image.load()
    return found


@pytest.mark.slow
def test_everything_is_drawn_and_the_same_every_time(tmp_path: Path) -> None:
    embedded = run_of(tmp_path / "run", KINDS)
    found = draw(tmp_path / "run", embedded, tmp_path / "one")
    assert {name for name in found if name.startswith("sheets")} == {
        *(f"sheets/groups/{number}.jpg" for number in ("000", "001", "002", "noise")),
        "sheets/clusters.jpg",
        "sheets/settings.jpg",
        *(f"sheets/storyboards/{name}.jpg" for name in KINDS),
    }
    assert draw(tmp_path / "run", embedded, tmp_path / "again") == found
    # A face that is nobody's to see is blurred wherever its picture is.
    hidden = {(ONE, 1): [(0.0, 1.0, 1.0, 0.0)]}
    other = draw(tmp_path / "run", embedded, tmp_path / "hidden", hidden)
    changed = {name for name in found if other[name] != found[name]}
    assert {"sheets/groups/002.jpg", f"sheets/storyboards/{ONE}.jpg", "pca_pictures.png"} <= changed
    assert not changed & {"pca.png", "map.parquet", f"sheets/storyboards/{OTHER}.jpg"}


@pytest.mark.parametrize(
    "kinds", [{}, {ONE: []}, {ONE: ["red"]}, {ONE: ["red", "blue"]}], ids=["none", "empty", "one", "two"]
)
def test_with_hardly_anything_to_draw(tmp_path: Path, kinds: dict[str, list[str]]) -> None:
    found = draw(tmp_path / "run", run_of(tmp_path / "run", kinds), tmp_path / "to")
    n = sum(map(len, kinds.values()))
    assert pq.read_table(tmp_path / "to" / "map.parquet").num_rows == n
    assert ("sheets/groups/noise.jpg" in found) == bool(n)


def test_pictures_that_are_not_there_any_more_are_grey(tmp_path: Path) -> None:
    embedded = run_of(tmp_path / "run", {ONE: ["red"] * 4})
    embedded[ONE].unlink()
    assert draw(tmp_path / "run", embedded, tmp_path / "to")
    assert MOST_GROUPS > 0


def test_like_pictures_lie_near_each_other() -> None:
    vectors, which = around(15, 4)
    found = placed(vectors, ["pca", "tsne"])
    for points in found.values():
        assert points.shape == (60, 2)
        assert np.abs(points).max() == 1
        off = np.linalg.norm(points[:, None] - points[None], axis=2) + 9 * np.eye(60)
        assert (which[off.argmin(axis=1)] == which).mean() > 0.95
    again = placed(vectors, ["pca", "tsne"])
    assert all((again[method] == found[method]).all() for method in found)


def test_all_identical_pictures_have_a_place_too() -> None:
    found = placed(np.ones((9, 4), np.float32) / 2, ["pca", "tsne"])
    assert all(np.isfinite(points).all() for points in found.values())


def test_the_axes_are_those_of_the_variance() -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((50, 8)) * np.arange(8, 0, -1)
    wide = np.pad(rows, [(0, 0), (0, 60)])
    few, many = principal(rows, 3), principal(wide, 3)
    np.testing.assert_allclose(few, many, atol=1e-9)
    values = np.linalg.svd(rows - rows.mean(axis=0), compute_uv=False)
    np.testing.assert_allclose(np.linalg.norm(few, axis=0), values[:3])


def test_of_very_many_pictures_some_are_drawn() -> None:
    rows = drawn(50_000)
    assert len(rows) == 20_000
    assert (np.diff(rows) > 0).all()
    assert drawn(50_000).tolist() == rows.tolist()


def test_umap_that_is_not_there_says_how_to_get_it(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(EmbedderError, match="uv sync --extra umap"):
        placed(around(5, 2)[0], ["umap"])


def test_what_people_are_seen_with(tmp_path: Path) -> None:
    kinds = {ONE: ["red"] * 12 + ["blue"] * 12, OTHER: ["green"] * 12 + ["blue"] * 12}
    run_of(tmp_path / "run", kinds)
    empty = {"face": 0, "distance": 0.1, "link": ""}
    seen = [
        *(("ANN", ONE, frame) for frame in range(1, 13)),
        *(("BEA", name, frame) for name in kinds for frame in range(1, 25)),
        ("CID", ONE, 1),
        ("CID", "XTV_20240102_190000", 1),  # a broadcast that was not embedded
    ]
    rows = [
        dict.fromkeys(("top", "right", "bottom", "left"), 0)
        | {"person_id": person, "broadcast": name, "frame": frame, **empty, "face": n}
        for n, (person, name, frame) in enumerate(seen)
    ]
    table = pa.Table.from_pylist(
        [{**dict.fromkeys(tables.SIGHTINGS.names), **row} for row in rows], tables.SIGHTINGS
    )
    tables.write(tmp_path / "sightings.parquet", table, {})
    found = seen_with(tmp_path / "run" / "visual" / "frames.parquet", tmp_path / "sightings.parquet")
    tables.write(tmp_path / "seen_with.parquet", found, {}, tables.SEEN_WITH)
    tables.check(tmp_path / "seen_with.parquet", tables.TABLES["seen_with"])
    told = [
        (row["person_id"], row["kind"], row["name"], row["n"], row["n_rest"]) for row in found.to_pylist()
    ]
    # Who is in every picture is seen with nothing more than others are.
    assert [row[:2] for row in told] == [("ANN", "group"), ("ANN", "label"), ("ANN", "setting")]
    assert told[1][2:] == ("red", 12, 0)
