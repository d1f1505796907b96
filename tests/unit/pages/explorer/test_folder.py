"""The explorer's folder: what it holds is what the tables of the run say, and nobody who is left out."""

import base64
import shutil
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from PIL import Image
from tests import explored
from tests.explored import CLUSTERING, EVENING, FILM, MISSING, MORNING, Explorer, Face, Story, explore, read

from castgraph.archive.media.jpeg import START
from castgraph.network import layers, variants
from castgraph.pages.explorer import atlas, data
from castgraph.people.table import shown

PEOPLE = ["K7Q2", "A3BC", "M3XA", "T4K9", "Z0Z0"]
HOSTILE = "</script><img src=x onerror=alert(1)>\"'&\u2028{{ 7 * 7 }}"


def story(seed: int = 0) -> Story:
    """Five people, one of them once, faces of nobody and of who is left out; a film and two of stills."""
    rng = np.random.default_rng(seed)
    frames = {
        MORNING: dict.fromkeys(range(1, 31), "ok"),
        EVENING: {
            n: {7: "damaged", 8: "damaged", 9: "unreadable"}.get(n, "ok")
            for n in range(3, 41)
            if n not in (20, 21)
        },
        FILM: dict.fromkeys(range(1, 21), "ok"),
        MISSING: {},
    }
    faces = []
    for name, of in frames.items():
        for frame in (n for n, status in of.items() if status == "ok"):
            place = 0
            for person, often in zip(PEOPLE[:4], (0.6, 0.5, 0.3, 0.1), strict=True):
                if rng.random() < often:
                    faces.append(Face(name, frame, person, place))
                    place += 1
            if rng.random() < 0.5:
                why = ("ignored", "forgotten", "noise", "not_a_face")[int(rng.integers(4))]
                faces.append(Face(name, frame, None, place, why))
    # Twice in a frame, as a mirror shows it, and once in all.
    faces += [Face(MORNING, 30, "K7Q2", 5), Face(MORNING, 30, "Z0Z0", 6)]
    if (MORNING, 30, "K7Q2") not in {(face.broadcast, face.frame, face.person) for face in faces[:-2]}:
        faces.append(Face(MORNING, 30, "K7Q2", 4))
    return Story(
        faces,
        frames,
        clock={FILM: lambda frame: 3.9 * (frame - 1)},
        names={"A3BC": "Ann Example", "Z0Z0": HOSTILE},
        replays=[(EVENING, 5, 15, MORNING, 4), (EVENING, 30, 31, FILM, 2)],
        words=True,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("explored")


@pytest.fixture(scope="module")
def explorer(folder: Path) -> Explorer:
    return explore(folder, story())


@pytest.fixture(scope="module")
def here(explorer: Explorer, folder: Path) -> Path:
    return folder / "made-up" / CLUSTERING


def test_people_are_those_of_the_table_and_stand_where_the_network_has_them(explorer, here) -> None:
    table, found = read(here / "people.parquet", "people"), explorer.tables["people"]
    assert found["person_id"] == table["person_id"].to_pylist()
    for name in (
        "name_from",
        "n_faces",
        "n_frames",
        "n_broadcasts",
        "screen_seconds",
        "n_outliers",
        "spread",
    ):
        assert list(found[name]) == table[name].to_pylist(), name
    for name in ("top", "right", "bottom", "left"):
        assert found[name].tolist() == table[name].to_pylist()
    moments = [datetime.fromtimestamp(seconds, UTC) for seconds in found["first_seen"]]
    assert moments == table["first_seen"].to_pylist()
    best = [explorer.tables["broadcasts"]["broadcast"][n] for n in found["best_broadcast"]]
    assert (best, found["best_frame"].tolist()) == (
        table["broadcast"].to_pylist(),
        table["frame"].to_pylist(),
    )
    names = dict(zip(found["person_id"], found["name"], strict=True))
    assert names["A3BC"] == "Ann Example"
    assert names["K7Q2"] == "Person K7Q2"
    graph = dict(nx.read_graphml(here / "graph.graphml").nodes(data=True))
    for number, person in enumerate(found["person_id"]):
        node = graph.get(person)
        assert np.isnan(found["x"][number]) == (node is None)
        if node:
            assert found["x"][number] == np.float32(node["x"])
            assert found["strength"][number] == node["strength"]
            assert found["community"][number] == node["community"]
            assert found["colour"][number] == node["colour"]


def test_broadcasts_say_what_was_read_where_it_can_be_seen_and_by_which_clock(explorer) -> None:
    found = explorer.tables["broadcasts"]
    assert found["broadcast"] == [MORNING, EVENING, FILM, MISSING]
    assert found["n_frames"].tolist() == [30, 40, 20, 0]
    assert found["width"].tolist() == [640, 640, 640, 0]
    assert found["height"].tolist() == [360, 360, 360, 0]
    assert found["timed"].tolist() == [0, 0, 1, 0]
    assert found["show"] == ["Morning", "News", "Film", "News"]
    assert found["status"] == ["ok", "ok", "ok", "missing"]
    assert found["reason"][3] == "not in <the> archive"
    viewer = "https://api.gdeltproject.org/api/v2/tvv/tvv?id="
    assert found["link"][0] == f"{viewer}{MORNING}&frame={{frame}}"
    clock = explorer.tables["times"]
    assert set(clock["broadcast"].tolist()) == {2}
    assert np.allclose(clock["seconds"], 3.9 * (clock["frame"].astype(float) - 1))
    assert explorer.manifest["gaps"] == {"missing": 1}


def test_what_was_not_read_is_told_by_stretches(explorer) -> None:
    found = explorer.tables["unread"]
    rows = list(zip(*(found[name] for name in ("broadcast", "first", "last", "status")), strict=True))
    assert rows == [
        (1, 1, 2, "absent"), (1, 7, 8, "damaged"), (1, 9, 9, "unreadable"), (1, 20, 21, "absent"),
    ]  # fmt: skip


def test_edges_are_all_pairs_of_the_table(explorer, here) -> None:
    table, found = read(here / "edges.parquet", "edges").to_pylist(), explorer.tables["edges"]
    ids = explorer.tables["people"]["person_id"]
    names = explorer.tables["broadcasts"]["broadcast"]
    assert len(found["weight"]) == len(table) > 5
    assert (found["source"] < found["target"]).all()
    for n, row in enumerate(table):
        assert {ids[found["source"][n]], ids[found["target"][n]]} == {row["source"], row["target"]}
        for name in ("weight", "same_frame", "adjacent", "within", "same_broadcast", "n_broadcasts", "frame"):
            assert found[name][n] == row[name], name
        for name in ("expected", "ratio", "z", "p", "q"):
            given = np.nan if row[name] is None else row[name]
            assert found[name][n] == pytest.approx(given, rel=1e-6, nan_ok=True)
        assert found["q"].dtype == np.float64
        assert names[found["broadcast"][n]] == row["broadcast"]
        assert datetime.fromtimestamp(found["last_seen"][n], UTC) == row["last_seen"]


@pytest.mark.parametrize(
    "settings",
    [
        {"top_edges": 3},
        {"significant": 0.2},
        {"always_on": 0.3, "exclude": ["Ann Example"]},
        {"mode": "as_published"},
    ],
)
def test_the_edges_of_the_network_are_marked(settings, tmp_path: Path) -> None:
    told = story().with_config(network=settings)
    found = explore(tmp_path, told)
    here = tmp_path / "made-up" / CLUSTERING
    pairs, people = read(here / "edges.parquet", "edges"), read(here / "people.parquet", "people")
    networks = variants.networks(pairs, shown(people, 0), explored.loaded(told)["network"])
    for name, network in (
        ("kept", networks.asked),
        ("without_hosts", networks.compared[layers.WITHOUT_HOSTS]),
    ):
        ids = found.tables["people"]["person_id"]
        rows = np.flatnonzero(found.tables["edges"][name])
        ends = {
            frozenset(ids[found.tables["edges"][end][row]] for end in ("source", "target")) for row in rows
        }
        assert ends == {frozenset((row["source"], row["target"])) for row in network.to_pylist()}
    assert found.manifest["counts"]["edges"] == networks.asked.num_rows
    assert [found.tables["people"]["person_id"][n] for n in found.manifest["hosts"]] == networks.hosts
    assert [found.tables["people"]["person_id"][n] for n in found.manifest["excluded"]] == networks.excluded


def meetings(explorer: Explorer, *, without: str = "") -> Counter:
    """Make the meetings of the faces, as the page does, without the stretches of a table."""
    broadcast, frame, person = explorer.faces
    keep = np.ones(len(frame), bool)
    if without:
        left = explorer.tables[without]
        for n, of in enumerate(left["broadcast"]):
            keep &= ~((broadcast == of) & (left["first"][n] <= frame) & (frame <= left["last"][n]))
    seen = set(zip(broadcast[keep].tolist(), frame[keep].tolist(), person[keep].tolist(), strict=True))
    people = range(len(explorer.tables["people"]["person_id"]))
    found: Counter = Counter()
    for of, number in {(each[0], each[1]) for each in seen}:
        for one in people:
            for other in range(one + 1, len(people)):
                at, before = ([(of, n, who) in seen for who in (one, other)] for n in (number, number - 1))
                same, adjacent = all(at), (at[0] and before[1]) or (at[1] and before[0])
                if same or adjacent:
                    found[(one, other, of, number, same, adjacent)] += 1
    return found


@pytest.mark.parametrize("counting", ["always", "once"])
def test_the_faces_make_the_meetings_of_the_table(counting: str, tmp_path: Path) -> None:
    found = explore(tmp_path, story().with_config(network={"count_replays": counting}))
    assert found.manifest["count_replays"] == counting
    table = read(tmp_path / "made-up" / CLUSTERING / "meetings.parquet", "meetings").to_pylist()
    ids, names = found.tables["people"]["person_id"], found.tables["broadcasts"]["broadcast"]
    rows = Counter(
        (*sorted((ids.index(row["source"]), ids.index(row["target"]))), names.index(row["broadcast"]),
         row["frame"], row["same_frame"], row["adjacent"])
        for row in table
    )  # fmt: skip
    assert meetings(found, without="replays" if counting == "once" else "") == rows
    assert len(rows) > 50
    if counting == "once":
        assert meetings(found) != rows


@pytest.mark.parametrize("counting", ["always", "once"])
def test_suspects_make_no_meetings_where_they_are_left_out(counting: str, tmp_path: Path) -> None:
    made = replace(story(), suspects={FILM: "Morning <i>", MISSING: ""})
    config = {"labelling": {"enabled": True, "exclude_suspects": True}}
    found = explore(tmp_path, made.with_config(**config, network={"count_replays": counting}))
    table = read(tmp_path / "made-up" / CLUSTERING / "meetings.parquet", "meetings").to_pylist()
    assert FILM not in {row["broadcast"] for row in table}
    assert meetings(found, without="uncounted").total() == len(table) < meetings(found).total()
    names = found.tables["broadcasts"]["broadcast"]
    told = found.manifest["suspects"]
    assert told["left_out"]
    like = dict(zip(told["broadcast"], told["like"], strict=True))
    assert {names[n]: text for n, text in like.items()} == {FILM: "Morning <i>", MISSING: ""}


def test_suspects_that_count_are_told_of_and_change_nothing(tmp_path: Path) -> None:
    made = replace(story(), suspects={FILM: "Morning"})
    plain = explore(tmp_path / "plain", made)
    found = explore(tmp_path / "told", made.with_config(labelling={"enabled": True}))
    assert "suspects" not in plain.manifest
    assert not found.manifest["suspects"]["left_out"]
    assert "uncounted" not in found.tables
    assert meetings(found) == meetings(plain)


def test_every_face_of_everybody_is_there_with_its_box_and_distance(explorer, here, folder) -> None:
    broadcast, frame, person = explorer.faces
    ids, names = explorer.tables["people"]["person_id"], explorer.tables["broadcasts"]["broadcast"]
    faces = read(folder / "made-up" / "faces.parquet", "faces").to_pylist()
    members = read(here / "members.parquet", "members").to_pylist()
    told = sorted(
        (names.index(face["broadcast"]), face["frame"], ids.index(who["person_id"]), face["left"],
         face["top"], face["right"], face["bottom"], who["distance"])
        for face, who in zip(faces, members, strict=True)
        if who["person_id"]
    )  # fmt: skip
    boxes, apart = explorer.tables["boxes"], explorer.tables["distances"]["distance"]
    found = list(
        zip(
            broadcast,
            frame,
            person,
            *(boxes[side] for side in ("left", "top", "right", "bottom")),
            strict=True,
        )
    )
    assert found == [row[:-1] for row in told]
    scale = explorer.manifest["distance_scale"]
    assert np.allclose(apart / 255 * scale, [row[-1] for row in told], atol=scale / 500)
    counts = explorer.manifest["counts"]
    assert (counts["faces"], counts["faces_with_person"]) == (len(faces), len(told))
    assert (counts["frames"], counts["frames_read"]) == (30 + 36 + 20, 30 + 33 + 20)
    assert (counts["broadcasts"], counts["broadcasts_read"], counts["people"]) == (4, 3, 5)


def test_replays_words_and_what_was_said(explorer) -> None:
    found = explorer.tables["replays"]
    assert found["broadcast"].tolist() == [1, 1]
    columns = (found[name].tolist() for name in ("first", "last", "earlier_broadcast", "earlier_first"))
    assert list(zip(*columns, strict=True)) == [(5, 15, 0, 4), (30, 31, 2, 2)]
    words = explorer.tables["words"]
    assert Counter(zip(words["person"].tolist(), words["other"].tolist(), strict=True)) == {
        (0, -1): 20,
        (0, 1): 1,
    }
    assert words["word"][:2] == ["word0", "word1"]
    assert words["word"][-1] == "</script>"
    said = explorer.tables["said"]
    assert said["broadcast"].tolist() == [0, 0, 1, 1]
    assert said["text"][0] == "“0” было"
    assert explorer.manifest["files"]["said"]["eager"] is False


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(float)


def stripes(picture: np.ndarray, face: Face) -> float:
    """How much of a face's stripes can be seen: differences of neighbouring rows within its box."""
    top, right, bottom, left = (side // 2 for side in face.box)
    return float(np.abs(np.diff(picture[top + 3 : bottom - 3, left + 3 : right - 3], axis=0)).mean())


@pytest.mark.parametrize("blur", ["none", "others"])
def test_pictures_of_frames_show_the_pair_and_never_who_is_left_out(blur: str, tmp_path: Path) -> None:
    told = story().with_config(explorer={"blur": blur, "frames": 8})
    found = explore(tmp_path, told)
    shipped, edges, ids = found.tables["frames"], found.tables["edges"], found.tables["people"]["person_id"]
    names = found.tables["broadcasts"]["broadcast"]
    assert len(shipped["edge"]) == len(list((found.folder / "frames").iterdir())) > 20
    met = {(one, other, of, frame): same for one, other, of, frame, same, _ in meetings(found)}
    of_edges: dict[int, list[tuple[int, int]]] = {}
    n_blurred = 0
    for n, edge in enumerate(shipped["edge"].tolist()):
        broadcast, frame = int(shipped["broadcast"][n]), int(shipped["frame"][n])
        pair = int(edges["source"][edge]), int(edges["target"][edge])
        of_edges.setdefault(edge, []).append((broadcast, frame))
        assert (*pair, broadcast, frame) in met
        assert (shipped["width"][n], shipped["height"][n]) == (640, 360)
        picture = pixels(found.folder / "frames" / f"{edge}-{shipped['k'][n]}.jpg")
        assert picture.shape == (180, 320, 3)
        faces = [face for face in told.faces if (face.broadcast, face.frame) == (names[broadcast], frame)]
        for face in faces:
            about = face.person in {ids[who] for who in pair}
            always = face.why in ("ignored", "forgotten") and not face.person
            if always or (blur == "others" and not about):
                n_blurred += 1
                assert stripes(picture, face) < 8, (face, edge)
            elif blur == "none":
                assert stripes(picture, face) > 20, (face, edge)
    assert n_blurred > 3
    for edge, places in of_edges.items():
        pair = int(edges["source"][edge]), int(edges["target"][edge])
        both = sorted(place[2:] for place, same in met.items() if place[:2] == pair and same)
        assert len(set(places)) == len(places) <= 8
        if len(both) >= 8:
            assert set(places) <= set(both)
            assert {both[0], both[-1]} <= set(places)
        else:
            assert set(both) <= set(places)


# The pictures that people are seen with


def test_what_stands_out_is_that_of_the_table_with_its_frames(tmp_path: Path) -> None:
    found = explore(tmp_path, replace(story(), visual=True))
    run, ids = tmp_path / "made-up", found.tables["people"]["person_id"]
    sights, sighted, told = (found.tables[name] for name in ("sights", "sighted", "seen_with"))
    names = list(zip(sights["kind"], sights["name"], strict=True))
    assert names == [
        ("setting", "1"), ("group", "0"), ("group", "1"),
        ("label", explored.HOSTILE_LABEL), ("label", "studio"),
    ]  # fmt: skip
    rows = sorted(
        read(run / CLUSTERING / "seen_with.parquet", "seen_with").to_pylist(),
        key=lambda row: (ids.index(row["person_id"]), "sgl".index(row["kind"][0]), -row["z"]),
    )
    assert [(ids[p], *names[s]) for p, s in zip(told["person"], told["sight"], strict=True)] == [
        (row["person_id"], row["kind"], row["name"]) for row in rows
    ]
    for name in ("n", "n_pictures", "z"):
        assert told[name].tolist() == [row[name] for row in rows]
    # Every frame shows what the first of its like shows.
    frames = read(run / "visual" / "frames.parquet", "visual_frames").to_pylist()
    by_place = {(row["broadcast"], row["frame"]): row for row in frames}
    expected = {
        sight: {
            (row["broadcast"], row["frame"])
            for row in frames
            for shown in [by_place[row["broadcast"], row["alike"]]]
            if (name in shown["labels"] if kind == "label" else name == str(shown[kind]))
        }
        for sight, (kind, name) in enumerate(names)
    }
    for sight, places in expected.items():
        stretches = slice(*sighted["begins"][sight : sight + 2])
        broadcasts, first, last = (
            sighted[name][stretches].tolist() for name in ("broadcast", "first", "last")
        )
        there = [
            (found.tables["broadcasts"]["broadcast"][broadcast], frame)
            for broadcast, begin, end in zip(broadcasts, first, last, strict=True)
            for frame in range(begin, end + 1)
        ]
        assert len(there) == len(set(there))
        assert set(there) == places
    assert [found.tables["broadcasts"]["broadcast"][n] for n in sights["broadcast"][:3]] == [
        EVENING,
        MORNING,
        EVENING,
    ]
    assert sights["broadcast"].tolist()[3:] == [-1, -1]
    assert sights["frame"].tolist() == [5, 4, 11, 0, 0]
    assert found.manifest["visual"] == {"broadcasts": 2, "frames": len(frames)}
    assert not found.manifest["files"]["sighted"]["eager"]


@pytest.mark.parametrize("blur", ["none", "others"])
def test_of_a_group_a_picture_is_shown_and_nobody_who_is_left_out(blur: str, tmp_path: Path) -> None:
    told = replace(story(), visual=True).with_config(explorer={"blur": blur})
    rest = [
        face
        for face in told.faces
        if (face.broadcast, face.frame) not in {(MORNING, 4), (EVENING, 11), (EVENING, 5)}
    ]
    seen = [Face(MORNING, 4, "K7Q2"), Face(MORNING, 4, None, 2, "ignored")]
    for number in (5, 11):
        seen += [Face(EVENING, number, "A3BC"), Face(EVENING, number, None, 2, "forgotten")]
    found = explore(tmp_path, replace(told, faces=[*rest, *seen]))
    pictures = sorted(path.stem for path in (found.folder / "groups").iterdir())
    assert pictures == ["group-0", "group-1", "setting-1"]
    assert found.tables["group_pictures"]["sight"].tolist() == [0, 1, 2]
    for name in pictures:
        picture = pixels(found.folder / "groups" / f"{name}.jpg")
        assert picture.shape == (90, 160, 3)
        known, hidden = (picture[26:39, left : left + 12].std(axis=0).mean() for left in (2, 48))
        assert hidden < 20
        assert bool(known > 40) == (blur == "none")


def test_who_is_not_shown_leaves_no_trace_in_what_stands_out(tmp_path: Path) -> None:
    told = replace(story(), visual=True)
    named = explore(tmp_path, told.with_config(explorer={"people": "named"}), "named")
    assert set(named.tables["seen_with"]["person"].tolist()) == {0, 1}
    assert named.tables["sights"]["name"] == ["1", explored.HOSTILE_LABEL, "studio"]
    assert [path.name for path in (named.folder / "groups").iterdir()] == ["group-1.jpg"]
    assert b"K7Q2" not in named.everything()
    without = explore(tmp_path, told.with_config(people={"min_seconds": 1e6}), "nobody")
    assert without.tables["sights"]["name"] == []
    assert list((without.folder / "groups").iterdir()) == []


def test_a_run_without_frames_as_wholes_has_nothing_of_them(explorer) -> None:
    assert not {"seen_with", "sights", "sighted", "group_pictures"} & set(explorer.tables)
    assert "visual" not in explorer.manifest
    assert not (explorer.folder / "groups").exists()


def test_the_atlas_and_the_portraits_show_everybody(explorer, here) -> None:
    atlas, ids = explorer.manifest["atlas"], explorer.tables["people"]["person_id"]
    [page] = explorer.tables["atlas"]["jpeg"]
    jpeg = base64.b64decode(page)
    assert jpeg.startswith(START)
    with Image.open(BytesIO(jpeg)) as image:
        shown_ = np.asarray(image.convert("RGB")).astype(int)
    for n, person in enumerate(ids):
        portrait = here / "portraits" / f"{person}.jpg"
        assert (explorer.folder / "portraits" / f"{person}.jpg").read_bytes() == portrait.read_bytes()
        row, column = divmod(n, atlas["columns"])
        middle = shown_[64 * row + 32, 64 * column + 32]
        assert np.abs(middle - pixels(portrait)[96, 96]).max() < 12
    assert explorer.tables["people"]["portrait"].tolist() == [1] * len(ids)


def test_an_atlas_goes_on_another_page_and_a_broken_portrait_is_none(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(atlas, "COLUMNS", 2)
    monkeypatch.setattr(atlas, "PER_PAGE", 4)
    people = [f"P{n}" for n in range(7)]
    for place, folder in enumerate(("given", "copied")):
        (tmp_path / folder).mkdir()
        for n, person in enumerate(people[:6] if place == 0 else []):
            Image.new("RGB", (100, 100), (40 * n, 0, 0)).save(tmp_path / folder / f"{person}.jpg")
    (tmp_path / "given" / "P1.jpg").write_bytes(START + b"broken")
    (tmp_path / "given" / "Z9Z9.jpg").write_bytes(b"somebody else")
    pictured, pages = atlas.write_portraits(people, tmp_path / "given", tmp_path / "copied")
    assert pictured == {"P0", "P2", "P3", "P4", "P5"}
    assert {path.stem for path in (tmp_path / "copied").iterdir()} == pictured
    sizes = [Image.open(BytesIO(base64.b64decode(page))).size for page in pages]
    assert sizes == [(128, 128), (128, 128)]
    second = np.asarray(Image.open(BytesIO(base64.b64decode(pages[1]))).convert("RGB")).astype(int)
    assert abs(second[32, 96, 0] - 200) < 10  # P5 stands beside P4


def test_very_many_pairs_are_cut_and_counted(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(data, "MOST_PAIRS", 3)
    found = explore(tmp_path, story())
    table = read(tmp_path / "made-up" / CLUSTERING / "edges.parquet", "edges")
    assert found.tables["edges"]["weight"].tolist() == table["weight"].to_pylist()[:3]
    assert found.manifest["counts"]["pairs"] == 3
    assert found.manifest["counts"]["pairs_left_out"] == len(table) - 3


def test_the_same_run_gives_the_same_bytes_for_any_number_of_threads(explorer, folder) -> None:
    again = explore(folder, story(), "again", workers=3)
    assert again.digests() == explorer.digests()
    assert not [name for name in again.digests() if name.startswith(".")]


def test_it_leads_to_the_map_of_pictures_where_there_is_one(explorer, folder) -> None:
    assert explorer.manifest["map"] == ""
    beside = explore(folder, story().with_config(visual={"embedder": "lite0"}), "beside")
    assert beside.manifest["map"] == "../../visual/map.html"


def test_the_data_id_tells_other_data_and_not_other_pictures(explorer, folder, tmp_path: Path) -> None:
    data_id = explorer.manifest["data_id"]
    assert len(data_id) == 12
    assert int(data_id, 16) >= 0
    assert data_id in explorer.manifest["citation"]
    options = {"pairs": 1, "frames": 2, "blur": "others"}
    fewer = explore(folder, story().with_config(explorer=options), "fewer")
    assert fewer.manifest["data_id"] == data_id
    assert set(fewer.tables["frames"]["edge"].tolist()) == {0}
    other = explore(tmp_path, story(seed=1))
    assert other.manifest["data_id"] != data_id


def test_nobody_who_is_ignored_or_left_out_is_in_any_byte(tmp_path: Path) -> None:
    """Who has no name, is seen too shortly or is left out has no row, no face and no picture."""
    told = story()
    everything = explore(tmp_path, told).everything()
    assert b"T4K9" in everything
    named = explore(tmp_path, told.with_config(explorer={"people": "named"}), "named")
    assert set(named.tables["people"]["person_id"]) == {"A3BC", "Z0Z0"}
    assert named.manifest["people"] == "named"
    assert named.manifest["counts"]["people_left_out"] == 3
    assert len(named.tables["boxes"]["top"]) == sum(face.person in ("A3BC", "Z0Z0") for face in told.faces)
    assert named.manifest["hosts"] == [0]
    assert all(n < 2 for n in named.tables["words"]["person"].tolist())
    for gone in (b"K7Q2", b"M3XA", b"T4K9"):
        assert gone not in named.everything()
    shutil.rmtree(tmp_path / "made-up")
    short = explore(tmp_path, told.with_config(people={"min_seconds": 20.0}), "short")
    assert b"Z0Z0" not in short.everything()
    assert HOSTILE.encode() not in short.everything()
    assert (short.tables["people"]["screen_seconds"] >= 20).all()


class Page(HTMLParser):
    """The tags of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))


def test_names_and_addresses_stay_data(tmp_path: Path) -> None:
    names = {
        "K7Q2": HOSTILE,
        "A3BC": "\u202edrowssap \u0627\u0644",
        "M3XA": "\U0001f600 é",
        "T4K9": "=cmd()",
    }
    bad = {"frame_url": "javascript:alert('{broadcast}')"}
    found = explore(tmp_path, replace(story(), names=names), archive=bad)
    people = dict(zip(found.tables["people"]["person_id"], found.tables["people"]["name"], strict=True))
    assert people["K7Q2"] == HOSTILE.replace("\u2028", " ")
    assert people["A3BC"] == "drowssap \u0627\u0644"
    assert people["T4K9"] == "=cmd()"
    assert set(found.tables["broadcasts"]["link"]) == {""}
    for path in sorted((found.folder / "data").iterdir()):
        text = path.read_text(encoding="ascii")
        assert "</script" not in text
    page = Page((found.folder / "index.html").read_text(encoding="utf-8"))
    scripts = [tag["src"] for name, tag in page.tags if name == "script"]
    assert scripts[:2] == ["explorer.js", "data/manifest.js"]
    assert all((found.folder / str(script)).is_file() for script in scripts)
    eager = {f"data/{name}.js" for name, of in found.manifest["files"].items() if of["eager"]}
    assert set(scripts[2:]) == eager
    [policy] = [tag["content"] for _, tag in page.tags if "http-equiv" in tag]
    assert "connect-src 'none'" in str(policy)
    assert not [tag for name, tag in page.tags if name in ("script", "link", "img") and "://" in str(tag)]


def test_frames_that_cannot_be_had_are_left_out_and_counted(tmp_path: Path, caplog) -> None:
    told = story()
    explored.make_run(tmp_path / "made-up", told)
    (tmp_path / "zips" / f"{EVENING}.zip").unlink()
    (tmp_path / "zips" / f"{FILM}.zip").write_bytes(b"PK")
    found = explore(tmp_path, told)
    counts = found.manifest["counts"]
    assert counts["pictures"] == len(found.tables["frames"]["edge"]) > 0
    assert counts["pictures_missing"] > 0
    assert set(found.tables["frames"]["broadcast"].tolist()) == {0}
    assert f"{EVENING}: frames are left out" in caplog.text
    assert f"{FILM}: frames are left out" in caplog.text


@pytest.mark.parametrize(
    ("faces", "n_people", "n_edges"),
    [
        ([], 0, 0),
        ([Face(MORNING, 2, "K7Q2")], 1, 0),
        ([Face(MORNING, 2, None)], 0, 0),
        ([Face(MORNING, 2, "K7Q2"), Face(MORNING, 5, "A3BC")], 2, 0),
        ([Face(MORNING, 2, "K7Q2"), Face(MORNING, 2, "A3BC", 1)], 2, 1),
    ],
)
def test_a_run_may_have_nobody_or_one_face(faces, n_people: int, n_edges: int, tmp_path: Path) -> None:
    frames = {MORNING: dict.fromkeys(range(1, 8), "ok") if faces else {}}
    told = Story(faces, frames).with_config(people={"portraits": False})
    found = explore(tmp_path, told)
    assert len(found.tables["people"]["person_id"]) == found.manifest["counts"]["people"] == n_people
    assert len(found.tables["edges"]["weight"]) == found.manifest["counts"]["pairs"] == n_edges
    assert len(found.tables["boxes"]["top"]) == len(found.tables["distances"]["distance"])
    assert found.tables["faces"]["first"] == [0, sum(face.person is not None for face in faces)]
    assert "atlas" not in found.tables
    assert "words" not in found.tables
    assert found.manifest["atlas"]["pages"] == 0
    assert len(found.tables["frames"]["edge"]) == n_edges


def test_pairs_of_other_layers_have_the_frame_of_the_table(tmp_path: Path) -> None:
    """A pair that is only within some frames, or shares a broadcast, has no meeting."""
    faces = [Face(MORNING, 2, "K7Q2"), Face(MORNING, 4, "A3BC"), Face(MORNING, 20, "M3XA")]
    told = Story(faces, {MORNING: dict.fromkeys(range(1, 31), "ok")})
    found = explore(tmp_path, told.with_config(network={"within_weight": 1.5, "same_broadcast_weight": 1}))
    edges, shipped = found.tables["edges"], found.tables["frames"]
    assert edges["weight"].tolist() == [2.5, 1.0, 1.0]
    assert shipped["frame"].tolist() == edges["frame"].tolist()
    assert found.manifest["weights"] == {
        "same_frame": 2, "adjacent": 1, "within": 1.5, "same_broadcast": 1,
    }  # fmt: skip
