import base64
import io
import logging
import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import matplotlib as mpl
import networkx as nx
import numpy as np
import pytest
from PIL import Image

from castgraph.base.colours import COMMUNITIES, OTHER_COMMUNITY
from castgraph.network.graph import build
from castgraph.network.picture import draw
from castgraph.network.places import UNITS

# The archive's own address of a frame.
build = partial(build, link="https://tv.example/?id={}&frame={}".format)

SVG = "{http://www.w3.org/2000/svg}"
NAMES = {
    0: "<b>\"Ada\" & 'Bo'</b>",
    1: "Ольга $x^2$",
    2: "Żaneta\x00 \\frac",
    3: "person 17",
    4: "Wolfeschlegelstein" * 3,
}


@pytest.fixture
def graph(make_people, make_edges) -> nx.Graph:
    return build(make_edges([(0, 1, 3), (1, 2, 8), (0, 3, 1), (3, 4, 2)]), make_people(NAMES))


@pytest.fixture
def crowd(make_people, make_edges) -> nx.Graph:
    """30 people of one show."""
    pairs = [(min(a, b), max(a, b), 1 + a % 7) for a, b in nx.barabasi_albert_graph(30, 3, seed=1).edges]
    return build(make_edges(pairs), make_people({i: f"Person Number {i}" for i in range(30)}))


def texts(svg: Path) -> list[str]:
    return ["".join(element.itertext()).strip() for element in ET.parse(svg).iter(f"{SVG}text")]


def test_a_picture_is_2400_pixels_wide_and_has_the_names_as_text(graph, portraits, tmp_path):
    png, svg = tmp_path / "network.png", tmp_path / "network.svg"
    draw(graph, portraits, png, svg, title="Who & whom <2024>")
    with Image.open(png) as picture:
        picture.load()
        assert picture.size == (2400, 1800)
    assert png.stat().st_size < 3_000_000
    found = " ".join(texts(svg))
    for text in (
        "Who & whom <2024>",
        '<b>"Ada" &',
        "Ольга $x^2$",
        "\\frac",
        "person 17",
        "2 January 2024",
        "5 people",
    ):
        assert text in found
    # Each portrait on its own.
    images = re.findall(r"data:image/png;base64,\s*([A-Za-z0-9+/=\s]+)", svg.read_text())
    assert len(images) == len(list(ET.parse(svg).iter(f"{SVG}image"))) == 5
    for image in images:
        with Image.open(io.BytesIO(base64.b64decode(image))) as picture:
            assert max(picture.size) < 250


def settings() -> dict:
    return {
        key: value for key, value in mpl.rcParams.items() if key != "backend"
    }  # chosen when first asked for


def test_equal_input_makes_equal_bytes_whatever_the_reader_s_settings_of_matplotlib(
    graph, portraits, tmp_path
):
    draw(graph, portraits, tmp_path / "a.png", tmp_path / "a.svg")
    with mpl.rc_context({"lines.linewidth": 9, "font.family": "serif", "savefig.facecolor": "red"}):
        before = settings()
        draw(graph, portraits, tmp_path / "b.png", tmp_path / "b.svg")
        assert settings() == before
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_without_portraits_there_are_initials(graph, tmp_path):
    draw(graph, None, tmp_path / "a.png", tmp_path / "a.svg")
    draw(graph, tmp_path / "absent", tmp_path / "b.png", tmp_path / "b.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    found = texts(tmp_path / "a.svg")
    assert "О$" in found
    assert "17" in found
    assert not list(ET.parse(tmp_path / "a.svg").iter(f"{SVG}image"))


def test_a_portrait_that_cannot_be_read_is_logged_and_replaced(graph, portraits, tmp_path, caplog):
    (portraits / "3.jpg").write_bytes(b"\xff\xd8\xff no picture")
    with caplog.at_level(logging.WARNING):
        draw(graph, portraits, tmp_path / "a.png", tmp_path / "a.svg")
    assert "portrait 3.jpg cannot be read" in caplog.text
    assert "17" in texts(tmp_path / "a.svg")


@pytest.mark.parametrize("names", [("../secret.jpg", "/etc/secret.jpg", ""), (".", "..")])
def test_a_portrait_outside_its_folder_is_not_read(names, graph, portraits, tmp_path):
    Image.new("RGB", (9, 9)).save(tmp_path / "secret.jpg")
    for person, name in zip(graph, names, strict=False):
        graph.nodes[person]["portrait"] = name
    draw(graph, portraits, tmp_path / "a.png", tmp_path / "a.svg")
    assert len(list(ET.parse(tmp_path / "a.svg").iter(f"{SVG}image"))) == 5 - len(names)


def test_only_the_highest_pageranks_are_drawn_and_the_caption_says_so(crowd, tmp_path):
    draw(crowd, None, tmp_path / "a.png", tmp_path / "a.svg", max_people=10)
    found = " ".join(texts(tmp_path / "a.svg"))
    assert "10 of 30 people" in found
    highest = sorted(crowd, key=lambda person: (-crowd.nodes[person]["pagerank"], person))
    drawn = {f"Person Number {number}" for number in re.findall(r"Number (\d+)", found)}
    assert drawn == {crowd.nodes[person]["label"] for person in highest[:10]}


def test_one_person_alone_can_be_drawn(graph, tmp_path):
    draw(graph, None, tmp_path / "a.png", tmp_path / "a.svg", max_people=1)
    assert "Who has no line is seen with people who are not shown." in " ".join(texts(tmp_path / "a.svg"))


@pytest.mark.slow
def test_no_portrait_covers_another(crowd, portraits, tmp_path):
    for node in crowd.nodes.values():
        node["portrait"] = "7.jpg"
    draw(crowd, portraits, tmp_path / "a.png", tmp_path / "a.svg")
    boxes = []
    for clip in ET.parse(tmp_path / "a.svg").iter(f"{SVG}clipPath"):
        path = clip.find(f"{SVG}path")
        if path is None or "C" not in path.attrib["d"]:
            continue
        numbers = [float(number) for number in re.findall(r"-?[\d.]+", path.attrib["d"])]
        xs, ys = numbers[0::2], numbers[1::2]
        boxes.append((min(xs), min(ys), max(xs), max(ys)))
    assert len(boxes) == 30
    for i, (left, top, right, bottom) in enumerate(boxes):
        assert 0 < left < right < 864
        assert 0 < top < bottom < 648
        for other in boxes[:i]:
            middle = ((left + right - other[0] - other[2]) / 2, (top + bottom - other[1] - other[3]) / 2)
            assert (middle[0] ** 2 + middle[1] ** 2) ** 0.5 > (right - left + other[2] - other[0]) / 2


def test_people_stand_where_the_files_say(crowd, portraits, tmp_path):
    for node in crowd.nodes.values():
        node["portrait"] = "7.jpg"
    draw(crowd, portraits, tmp_path / "a.png", tmp_path / "a.svg", max_people=20)
    clips = ET.parse(tmp_path / "a.svg").iter(f"{SVG}clipPath")
    paths = [path.attrib["d"] for clip in clips if (path := clip.find(f"{SVG}path")) is not None]
    circles = [np.array(re.findall(r"-?[\d.]+", path), float).reshape(-1, 2) for path in paths if "C" in path]
    drawn = np.array([(circle.min(axis=0) + circle.max(axis=0)) / 2 for circle in circles])
    highest = sorted(crowd, key=lambda person: (-crowd.nodes[person]["pagerank"], person))[:20]
    told = np.array([(crowd.nodes[person]["x"], crowd.nodes[person]["y"]) for person in highest])
    # One scale for both directions; y points up in the files, as in Gephi, and down in an SVG.
    scale = 72 / UNITS
    expected = told * (scale, -scale)
    order = [np.lexsort(points.round(1).T) for points in (drawn, expected)]
    moved = drawn[order[0]] - expected[order[1]]
    assert np.ptp(moved, axis=0).max() < 0.1


def test_communities_without_a_colour_are_grey_in_the_files_and_in_the_legend(
    make_people, make_edges, tmp_path
):
    pairs = [(2 * n, 2 * n + 1, 3) for n in range(len(COMMUNITIES) + 3)]
    graph = build(make_edges(pairs), make_people({n: f"Ann {n}" for n in range(2 * len(pairs))}))
    grey = [node for node in graph.nodes.values() if node["colour"] == OTHER_COMMUNITY]
    assert len(grey) == 6
    draw(graph, None, tmp_path / "a.png", tmp_path / "a.svg")
    assert "6 in smaller communities" in texts(tmp_path / "a.svg")
    svg = (tmp_path / "a.svg").read_text()
    assert svg.count(f"fill: {OTHER_COMMUNITY}") > 2 * len(grey)  # a ring and a disc each, and the legend


def test_the_picture_tells_from_when_to_when_what_was_read_was_on_air(make_people, make_edges, tmp_path):
    period = datetime(2024, 1, 1, 8, tzinfo=UTC), datetime(2024, 3, 1, 9, tzinfo=UTC)
    graph = build(make_edges([(0, 1, 3)]), make_people({0: "Ada", 1: "Bo"}), period=period)
    draw(graph, None, tmp_path / "a.png", tmp_path / "a.svg")
    assert "1 January 2024 – 1 March 2024" in texts(tmp_path / "a.svg")


def test_nobody_seen_with_anybody_is_said(make_people, make_edges, tmp_path):
    draw(build(make_edges([]), make_people({0: "Ada"})), None, tmp_path / "a.png", tmp_path / "a.svg")
    assert "No two people were seen together." in texts(tmp_path / "a.svg")
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.size == (2400, 1800)


def test_letters_that_the_font_lacks_make_no_warning(make_people, make_edges, tmp_path, recwarn):
    graph = build(make_edges([(0, 1, 1)]), make_people({0: "王芳", 1: "محمد"}))
    draw(graph, None, tmp_path / "a.png", tmp_path / "a.svg")
    assert not [warning for warning in recwarn if "Glyph" in str(warning.message)]
    assert "王芳" in texts(tmp_path / "a.svg")


@pytest.mark.parametrize("number", [0, -1, 201])
def test_max_people_must_be_in_range(number, graph, tmp_path):
    with pytest.raises(ValueError, match=f"max_people: {number} is not allowed; it must be from 1 to 200"):
        draw(graph, None, tmp_path / "a.png", tmp_path / "a.svg", max_people=number)
