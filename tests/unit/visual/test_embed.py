"""One broadcast: every frame has a row, like frames are joined, and what cannot be read says why."""

from pathlib import Path

import numpy as np
import pytest
from tests.unit.visual.made import MADE, jpeg, picture, seen, write_zip

from castgraph.archive import Limits
from castgraph.archive.media.zips import write_placeholder
from castgraph.base import tables
from castgraph.visual.alike import LEAST_COSINE, alike
from castgraph.visual.embed import Line, embed, is_worse
from castgraph.visual.store import read_embedded

DAY = "NTV_20240102_190000_Evening_News"


def rows(table) -> list[dict]:
    return table.drop(["embedding", "thumbnail"]).to_pylist()


def test_every_frame_has_a_row_and_each_picture_goes_through_once(tmp_path: Path) -> None:
    red, again, blue = jpeg(picture("red")), jpeg(picture("red"), 85), jpeg(picture("blue"))
    path = write_zip(tmp_path, DAY, [red, red, again, blue, b"\xff\xd8\xff no more", red])
    given: list[int] = []

    def counting(pictures):
        given.append(len(pictures))
        return seen(pictures)

    found = embed(path, DAY, MADE._replace(pictures=counting), Limits())
    assert sum(given) == found.n_embedded == 3
    assert found.n_alike == 3
    told = rows(found.table)
    assert [row["frame"] for row in told] == [1, 2, 3, 4, 5, 6]
    assert [row["alike"] for row in told] == [1, 1, 1, 4, None, 1]
    assert [row["status"] for row in told] == ["ok"] * 4 + ["unreadable", "ok"]
    assert told[4]["reason"]
    assert [row["labels"] for row in told] == [["red"], ["red"], ["red"], ["blue"], [], ["red"]]
    pictures = [each is not None for each in found.table["thumbnail"].to_pylist()]
    assert pictures == [True, False, False, True, False, False]
    tables.write(tmp_path / "table", found.table, {}, tables.visual(48))
    tables.write(tmp_path / "again", embed(path, DAY, MADE, Limits()).table, {}, tables.visual(48))
    assert (tmp_path / "table").read_bytes() == (tmp_path / "again").read_bytes()
    table, vectors = read_embedded(tmp_path / "table", ["frame"])
    assert table["frame"].to_pylist() == [1, 2, 3, 4, 6]
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_nothing_to_read_is_told(tmp_path: Path) -> None:
    write_placeholder(tmp_path / "none", "gone", "missing")
    (tmp_path / "broken").write_bytes(b"PK\5\6")
    none = embed(tmp_path / "none", DAY, MADE, Limits())
    broken = embed(tmp_path / "broken", DAY, MADE, Limits())
    empty = embed(write_zip(tmp_path, DAY, []), DAY, MADE, Limits())
    assert (none.status, none.reason) == ("missing", "gone")
    assert [each.status for each in (broken, empty)] == ["damaged", "empty"]
    assert str(tmp_path) not in broken.reason
    for each in (none, broken, empty):
        assert len(each.table) == 0
        tables.write(tmp_path / "table", each.table, {}, tables.visual(48))
        assert len(read_embedded(tmp_path / "table", ["frame"])[0]) == 0


def test_what_was_read_once_is_not_lost(tmp_path: Path) -> None:
    whole = embed(write_zip(tmp_path, DAY, [jpeg(picture("red"))]), DAY, MADE, Limits())
    write_placeholder(tmp_path / "none", "gone", "unreachable")
    none = embed(tmp_path / "none", DAY, MADE, Limits())
    table = tmp_path / "table"
    assert not is_worse(none, table)
    tables.write(table, whole.table, {}, tables.visual(48))
    assert is_worse(none, table)
    assert not is_worse(whole, table)


def test_all_frames_identical_or_only_one(tmp_path: Path) -> None:
    for n in (1, 7):
        found = embed(write_zip(tmp_path, DAY, [jpeg(picture("red"))] * n), DAY, MADE, Limits())
        assert found.table["alike"].to_pylist() == [1] * n


def test_the_limit_of_a_broadcast_holds(tmp_path: Path) -> None:
    frames = [jpeg(picture("red", seed, 40)) for seed in range(4)]
    path = write_zip(tmp_path, DAY, frames)
    found = embed(path, DAY, MADE, Limits(max_total_bytes=len(frames[0]) + 1))
    assert [row["status"] for row in rows(found.table)] == ["ok", "ok", "damaged", "damaged"]


def test_text_is_read_once_of_frames_that_are_alike(tmp_path: Path) -> None:
    path = write_zip(tmp_path, DAY, [jpeg(picture("red")), jpeg(picture("red"), 85), jpeg(picture("blue"))])
    read: list[tuple[int, ...]] = []

    def reader(image: np.ndarray) -> list[Line]:
        read.append(image.shape)
        return [Line(f"picture {len(read)}", (1, 2, 3, 4))]

    found = rows(embed(path, DAY, MADE, Limits(), reader).table)
    assert len(read) == 2
    assert [row["texts"] for row in found] == [["picture 1"], ["picture 1"], ["picture 2"]]
    assert found[0]["text_boxes"] == [[1, 2, 3, 4]]


def test_like_pictures_lead_to_the_first_that_leads() -> None:
    angle = np.arccos(LEAST_COSINE) * 0.9
    turns = np.arange(600) * angle  # each is alike to its neighbours, and to no other
    vectors = np.column_stack([np.cos(turns), np.sin(turns)]).astype(np.float32)
    hashes = np.zeros(len(turns), np.uint64)
    found = alike(hashes, vectors)
    for row, first in enumerate(found):
        assert found[first] == first
        assert vectors[row] @ vectors[first] >= LEAST_COSINE - 1e-6
        earlier = [n for n in range(row) if found[n] == n and vectors[n] @ vectors[row] >= LEAST_COSINE]
        assert first == (earlier[0] if earlier else row)
    other = hashes.copy()
    other[1] = 0x7F  # its picture has another hash
    assert alike(other[:2], vectors[:2]).tolist() == [0, 1]


def test_an_empty_broadcast_has_nothing_alike() -> None:
    assert alike(np.empty(0, np.uint64), np.empty((0, 3), np.float32)).tolist() == []


@pytest.mark.parametrize("n", [15, 16, 17, 33])
def test_batches_change_nothing(tmp_path: Path, n: int) -> None:
    frames = [jpeg(picture("red", seed, 40)) for seed in range(n)]
    found = embed(write_zip(tmp_path, DAY, frames), DAY, MADE, Limits())
    assert found.n_embedded == n == len(found.table)
