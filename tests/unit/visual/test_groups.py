"""Groups of pictures: in each broadcast and over a run, noise apart, the same every time."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.unit.visual.made import MADE, frame_table, jpeg, picture, write_zip

from castgraph.archive import Limits
from castgraph.base import tables
from castgraph.base.tables import TABLES, check
from castgraph.visual.embed import embed
from castgraph.visual.groups import WRITTEN, grouped, standing_out, write_groups
from castgraph.visual.search import heads_of, nearest, open_index
from castgraph.visual.store import open_vectors

ONE, OTHER = "NTV_20240102_190000_Evening_News", "RTR_20240103_120000"
KINDS = {
    ONE: ["red"] * 5 + ["blue"] * 4 + ["grey"],
    OTHER: ["blue"] * 4 + ["green"] * 6,
}


def around(n: int, of: int, spread: float = 0.05, d: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """`n` unit vectors around each of some places, and which."""
    rng = np.random.default_rng(3)
    places = np.linalg.qr(rng.standard_normal((d, d)))[0][:of]
    which = np.repeat(np.arange(of), n)
    found = places[which] + rng.normal(0, spread / np.sqrt(d), (n * of, d))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32), which


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two broadcasts, embedded and grouped."""
    folder = tmp_path_factory.mktemp("run")
    embedded = {}
    for name, kinds in KINDS.items():
        frames = [jpeg(picture(kind, seed, 14)) for seed, kind in enumerate(kinds)]
        table = embed(write_zip(folder, name, frames), name, MADE, Limits()).table
        embedded[name] = folder / f"{name}.parquet"
        tables.write(embedded[name], table, {}, tables.visual(MADE.size))
    frames = frame_table(folder / "frames.parquet", {name: len(kinds) for name, kinds in KINDS.items()})
    write_groups(embedded, frames, to=folder / "visual", facts={}, min_cluster_size=3, most=1000)
    return folder


def test_pictures_of_a_kind_are_a_group_and_others_are_none(made: Path) -> None:
    for name, kind in (("frames", "visual_frames"), ("groups", "groups")):
        check(made / "visual" / f"{name}.parquet", TABLES[kind])
    rows = pq.read_table(made / "visual" / "frames.parquet").to_pylist()
    kinds = [kind for name in sorted(KINDS) for kind in KINDS[name]]
    groups: dict[str, set[int]] = {}
    for row, kind in zip(rows, kinds, strict=True):
        groups.setdefault(kind, set()).add(row["group"])
    assert groups == {"blue": {0}, "green": {1}, "red": {2}, "grey": {-1}}  # by frames: 8, 6, 5
    assert {row["broadcast_group"] for row in rows[:5]} == {0}
    assert [row["n_faces"] for row in rows[:3]] == [1, 2, 0]
    settings = dict(zip(kinds, (row["setting"] for row in rows), strict=True))
    assert settings == {"blue": 0, "green": 1, "red": 2, "grey": -1}  # grey is one frame
    told = pq.read_table(made / "visual" / "groups.parquet").to_pylist()
    of_settings = [row for row in told if row["scope"] == "settings"]
    assert [(row["group"], row["n_frames"], row["n_broadcasts"]) for row in of_settings] == [
        (-1, 1, 1),
        (0, 8, 2),
        (1, 6, 1),
        (2, 5, 1),
    ]
    assert of_settings[1]["labels"] == ["blue"]


def test_a_group_tells_what_is_in_it(made: Path) -> None:
    rows = pq.read_table(made / "visual" / "groups.parquet").to_pylist()
    over_run = {row["group"]: row for row in rows if row["scope"] == ""}
    blue = over_run[0]
    assert (blue["n_frames"], blue["n_broadcasts"], blue["labels"]) == (8, 2, ["blue"])
    assert blue["first_seen"] < blue["last_seen"]
    assert 0 <= blue["spread"] < 0.1
    assert over_run[-1]["labels"] == []
    assert over_run[-1]["spread"] is None
    of_one = [row for row in rows if row["scope"] == ONE]
    assert [row["group"] for row in of_one] == [-1, 0, 1]
    kinds = dict(zip(range(1, 11), KINDS[ONE], strict=True))
    assert [kinds[row["frame"]] for row in of_one] == ["grey", "red", "blue"]


def test_the_same_input_gives_the_same_bytes(made: Path, tmp_path: Path) -> None:
    embedded = {name: made / f"{name}.parquet" for name in KINDS}
    write_groups(embedded, made / "frames.parquet", to=tmp_path, facts={}, min_cluster_size=3, most=1000)
    for name in WRITTEN:
        assert (tmp_path / name).read_bytes() == (made / "visual" / name).read_bytes()


def test_what_was_written_can_be_searched(made: Path) -> None:
    vectors = open_vectors(made / "visual" / "frames.parquet")
    index = open_index(made / "visual")
    rows, cosines = nearest(vectors, vectors[0], 3, index=index)
    assert rows[0] == 0
    assert cosines[0] == pytest.approx(1)
    assert np.concatenate(list(heads_of(vectors, index.axes))).tolist() == index.heads.tolist()


def test_a_run_without_frames_has_empty_tables(tmp_path: Path) -> None:
    frames = frame_table(tmp_path / "frames.parquet", {})
    write_groups({}, frames, to=tmp_path / "visual", facts={}, min_cluster_size=3, most=1000)
    assert len(pq.read_table(tmp_path / "visual" / "frames.parquet")) == 0
    assert len(pq.read_table(tmp_path / "visual" / "groups.parquet")) == 0
    assert len(open_vectors(tmp_path / "visual" / "frames.parquet")) == 0


def test_another_embedder_in_one_run_is_refused(tmp_path: Path, made: Path) -> None:
    other = MADE._replace(size=47, pictures=lambda given: MADE.pictures(given)._replace(vectors=_cut(given)))
    table = embed(made / f"{OTHER}.zip", OTHER, other, Limits()).table
    tables.write(tmp_path / "other", table, {}, tables.visual(47))
    embedded = {ONE: made / f"{ONE}.parquet", OTHER: tmp_path / "other"}
    with pytest.raises(ValueError, match="47 numbers"):
        write_groups(embedded, made / "frames.parquet", to=tmp_path, facts={}, min_cluster_size=3, most=9)


def _cut(given) -> np.ndarray:
    return MADE.pictures(given).vectors[:, 1:]


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_pictures_are_no_group(n: int) -> None:
    vectors, _ = around(n, 1)
    found = grouped(vectors, np.ones(n, int), 3)
    assert found.group.tolist() == [-1] * n
    assert np.isnan(found.near).all()


def test_a_picture_that_stands_still_is_a_group() -> None:
    vectors, which = around(1, 4)
    found = grouped(vectors, np.array([1, 2, 3, 40]), 3)
    assert found.group.tolist() == [-1, -1, 1, 0]
    assert found.near[2:].tolist() == pytest.approx([1, 1])
    assert len(which) == 4


def test_of_many_pictures_a_sample_is_grouped_and_the_others_join() -> None:
    vectors, which = around(60, 5)
    lone = np.linalg.qr(np.random.default_rng(0).standard_normal((24, 24)))[0][-1:].astype(np.float32)
    vectors, which = np.concatenate([vectors, lone]), np.append(which, -1)
    found = grouped(vectors, np.ones(len(vectors), int), 3, most=150)
    assert found.n_sampled == 150
    for group in range(5):
        assert len(set(which[found.group == group])) == 1
    assert (found.group[:-1] >= 0).mean() > 0.9
    assert found.group[-1] == -1
    again = grouped(vectors, np.ones(len(vectors), int), 3, most=150)
    assert again.group.tolist() == found.group.tolist()


def test_labels_that_all_have_do_not_stand_out() -> None:
    labels = [["desk", "rocket"]] * 6 + [["desk"]] * 60
    here = np.arange(66) < 6
    assert [name for name, _ in standing_out(labels, here)] == ["rocket"]
    assert standing_out(labels, here[::-1] & False) == []
    assert standing_out([["desk"]] * 3, np.ones(3, bool)) == []
