"""Where people stand: on no one else, in the picture as in the files, whatever the layout made of them."""

from functools import partial

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castgraph.network import places
from castgraph.network.graph import build
from castgraph.network.places import UNITS, arranged, boxes, fitted, relative_radii, wrapped

build = partial(build, link="https://tv.example/?id={}&frame={}".format, layout_method="fruchterman_reingold")


def gaps(points: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """How far the discs are apart; below 0 where two overlap."""
    one, other = np.triu_indices(len(points), 1)
    return np.linalg.norm(points[one] - points[other], axis=1) - radii[one] - radii[other]


def discs(graph: nx.Graph) -> tuple[np.ndarray, np.ndarray]:
    nodes = graph.nodes.values()
    return np.array([(node["x"], node["y"]) for node in nodes]), np.array([node["size"] for node in nodes])


GRAPHS = {
    "one pair": nx.path_graph(2),
    "star": nx.star_graph(90),
    "clique": nx.complete_graph(20),
    "one show": nx.barabasi_albert_graph(200, 2, seed=1),
    "pairs": nx.disjoint_union_all([nx.path_graph(2)] * 100),
    "a show and pairs": nx.disjoint_union(
        nx.barabasi_albert_graph(60, 2, seed=1), nx.Graph([(0, 1), (2, 3)])
    ),
}


@pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS)
def test_no_disc_overlaps_another(graph, make_people, make_edges):
    pairs = [(min(pair), max(pair), 1 + sum(pair) % 9) for pair in graph.edges]
    built = build(make_edges(pairs), make_people({n: f"Ann {n}" for n in graph}), drawn=40)
    points, radii = discs(built)
    assert radii.min() > 0
    assert gaps(points, radii).min() >= 0


@settings(max_examples=15, deadline=None)
@given(n=st.integers(1, 60), drawn=st.integers(1, 30), spread=st.sampled_from([0.0, 1e-9, 1.0]))
def test_people_get_apart_wherever_they_were(n, drawn, spread):
    rng = np.random.default_rng(n)
    points, ranks = spread * rng.normal(size=(n, 2)), rng.dirichlet(np.ones(n)) + 1e-9
    found = arranged(points, ranks, [f"Person Number {i}" for i in range(n)], drawn)
    radii = found.largest * np.sqrt(ranks / ranks.max())
    assert np.isfinite(found.places).all()
    assert n == 1 or gaps(found.places, radii).min() >= 0


def test_those_who_are_drawn_stand_on_the_picture_with_room_for_portraits_and_names():
    rng = np.random.default_rng(1)
    points, ranks = rng.normal(size=(150, 2)), rng.dirichlet(np.ones(150))
    names = [f"Person With The Number {i}" for i in range(150)]
    found = arranged(points, ranks, names, 40)
    drawn = np.argsort(-ranks)[:40]
    centres = found.places[drawn] / UNITS
    lines = np.array([wrapped(names[i]).count("\n") + 1 for i in drawn])
    widths = np.full(40, places._NAME_LETTERS * 0.5 / 72)
    shown = fitted(centres, relative_radii(ranks[drawn]), widths, lines)
    assert shown.radii[0] > 0.25  # inches
    assert np.all(
        np.abs(centres - shown.shift) + shown.half <= np.array([places.WIDTH, places.HEIGHT]) / 2 + 0.01
    )
    for one in range(40):
        for other in range(one):
            apart = np.abs(centres[one] - shown.shift[one] - centres[other] + shown.shift[other])
            assert np.any(apart >= shown.half[one] + shown.half[other] - 0.01)


def test_who_is_left_of_whom_in_the_layout_stays_so_on_the_whole():
    rng = np.random.default_rng(2)
    points = rng.normal(size=(60, 2)) * (3, 1)
    found = arranged(points, np.full(60, 1 / 60), ["Ann"] * 60, 30)
    # All are turned together; what remains is a mirror at most.
    correlation = np.abs(np.corrcoef(points[:, 0], found.places[:, 0])[0, 1])
    assert correlation > 0.9


def test_more_people_than_were_planned_for_are_drawn_smaller_and_not_over_each_other():
    centres = np.array([(0.0, 0.0), (0.4, 0.0), (3.0, 2.0)])
    relative, widths, lines = np.ones(3), np.full(3, 0.001), np.ones(3)
    found = fitted(centres, relative, widths, lines)
    assert found.radii.max() <= 0.2
    assert boxes(relative, widths, lines, 1.0).radii.max() > 0.2
