import random
from functools import partial

import igraph
import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castgraph.network.graph import betweenness, build, communities, layout, pagerank

# The archive's own address of a frame.
build = partial(build, link="https://tv.example/?id={}&frame={}".format)

METHODS = ["forceatlas2", "fruchterman_reingold"]


def weighted(graph: nx.Graph, seed: int = 0) -> nx.Graph:
    numbers = random.Random(seed)
    for _, _, edge in graph.edges(data=True):
        edge["weight"] = float(numbers.randint(1, 40))
    return graph


def two_groups() -> nx.Graph:
    """Two cliques, of 5 and 7, with one weak edge between them."""
    graph = nx.disjoint_union(nx.complete_graph(5), nx.complete_graph(7))
    nx.set_edge_attributes(graph, 10.0, "weight")
    graph.add_edge(0, 5, weight=1.0)
    return graph


def test_build_gives_people_with_an_edge_all_that_is_known(make_people, make_edges):
    people = make_people({0: "Ada", 1: "Bo", 2: "Cy", 9: "nobody's friend"})
    graph = build(make_edges([(1, 2, 3), (0, 2, 1)]), people, link="https://tv.example/{}#{}".format)
    assert list(graph) == ["P00", "P01", "P02"]
    assert graph.nodes["P02"] | {"x": 0, "y": 0, "pagerank": 0, "size": 0} == {
        "label": "Cy",
        "n_faces": 12,
        "n_frames": 0,
        "n_broadcasts": 0,
        "screen_seconds": 44.0,
        "first_seen": "2024-01-02T19:00:08Z",
        "last_seen": "2024-01-02T19:00:08Z",
        "portrait": "2.jpg",
        "degree": 2,
        "strength": 8.0,
        "pagerank": 0,
        "community": 0,
        "x": 0,
        "y": 0,
        "size": 0,
        "colour": "#d1495b",
    }
    assert graph.edges["P01", "P02"] == {
        "weight": 6.0,
        "same_frame": 3,
        "adjacent": 0,
        "within": 3,
        "same_broadcast": 1,
        "expected": 0.5,
        "ratio": 6.0,
        "z": 1.25,
        "p": 0.1**3,
        "q": 0.2**3,
        "n_broadcasts": 1,
        "first_seen": "2024-01-02T19:00:08Z",
        "last_seen": "2024-01-02T19:00:08Z",
        "broadcast": "DEMO1_20240102_190000",
        "frame": 3,
        "evidence": "https://tv.example/DEMO1_20240102_190000#3",
    }


def test_the_area_of_a_node_is_proportional_to_its_pagerank(make_people, make_edges):
    graph = build(make_edges([(0, 1, 9), (0, 2, 1), (1, 3, 2)]), make_people(dict.fromkeys(range(4), "x")))
    ratios = [node["size"] ** 2 / node["pagerank"] for node in graph.nodes.values()]
    assert ratios == pytest.approx([ratios[0]] * 4, rel=1e-3)


def test_build_is_deterministic(make_people, make_edges):
    edges = make_edges([(a, b, 1 + a) for a, b in nx.gnm_random_graph(40, 90, seed=1).edges])
    people = make_people({i: f"person {i}" for i in range(40)})
    first, second = (nx.to_dict_of_dicts(build(edges, people, seed=3)) for _ in range(2))
    assert first == second


def test_build_of_nothing_is_empty(make_people, make_edges):
    assert len(build(make_edges([]), make_people({0: "Ada"}))) == 0


def test_an_edge_to_nobody_is_refused(make_people, make_edges):
    with pytest.raises(ValueError, match="person P07 is not among the 2 people"):
        build(make_edges([(0, 7, 1)]), make_people({0: "Ada", 1: "Bo"}))


def test_a_name_becomes_one_line_without_control_characters(make_people, make_edges):
    graph = build(make_edges([(0, 1, 1)]), make_people({0: "Ada\n \tLovelace", 1: "B\x00o\x1b"}))
    assert [node["label"] for node in graph.nodes.values()] == ["Ada Lovelace", "Bo"]


@settings(max_examples=settings().max_examples // 2)
@given(n=st.integers(2, 30), p=st.floats(0.05, 1.0), seed=st.integers(0, 99))
def test_pagerank_is_that_of_networkx(n, p, seed):
    graph = weighted(nx.gnp_random_graph(n, p, seed=seed), seed)
    expected = nx.pagerank(graph, weight="weight", tol=1e-12, max_iter=1000)
    found = pagerank(graph)
    assert list(found) == list(graph)
    assert found == pytest.approx(expected, abs=1e-8)


@settings(max_examples=settings().max_examples // 2)
@given(n=st.integers(1, 25), p=st.floats(0.05, 1.0), seed=st.integers(0, 99))
def test_betweenness_is_that_of_networkx(n, p, seed):
    graph = weighted(nx.gnp_random_graph(n, p, seed=seed), seed)
    for _, _, edge in graph.edges(data=True):
        edge["length"] = 1 / edge["weight"]
    expected = nx.betweenness_centrality(graph, weight="length")
    assert betweenness(graph) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("method", ["leiden", "louvain"])
def test_planted_communities_are_found_largest_first(method):
    found = communities(two_groups(), method)
    assert found == {i: int(i < 5) for i in range(12)}


@pytest.mark.parametrize("method", ["leiden", "louvain"])
def test_communities_are_deterministic_and_numbered_without_a_gap(method):
    graph = weighted(nx.gnm_random_graph(150, 300, seed=2))
    first = communities(graph, method, seed=5)
    random.seed(0)  # what others draw has no say
    igraph.Graph.Erdos_Renyi(n=20, m=30)
    assert communities(graph, method, seed=5) == first
    sizes = np.bincount(list(first.values()))
    assert np.all(sizes > 0)
    assert np.all(np.diff(sizes) <= 0)


def test_communities_leave_the_random_numbers_of_others_alone():
    random.seed(1)
    expected = random.random()
    random.seed(1)
    communities(two_groups())
    layout(two_groups())
    assert random.random() == expected
    random.seed(4)
    first = igraph.Graph.Erdos_Renyi(n=20, m=30).get_edgelist()
    random.seed(4)
    assert igraph.Graph.Erdos_Renyi(n=20, m=30).get_edgelist() == first


@pytest.mark.parametrize("call", [communities, layout])
def test_an_unknown_method_is_refused_by_name(call):
    with pytest.raises(ValueError, match="'metis' is not known; it must be one of"):
        call(two_groups(), "metis")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "graph",
    [
        nx.path_graph(1),
        nx.path_graph(2),
        nx.star_graph(30),
        nx.complete_graph(20),
        nx.disjoint_union_all([nx.path_graph(2)] * 25 + [nx.cycle_graph(9)]),
        nx.gnm_random_graph(120, 240, seed=1),
    ],
    ids=["one", "two", "star", "clique", "many parts", "random"],
)
def test_a_layout_is_finite_distinct_deterministic_and_within_bounds(graph, method):
    weighted(graph)
    found = layout(graph, method, seed=1)
    assert list(found) == list(graph)
    points = np.array(list(found.values()))
    assert np.isfinite(points).all()
    assert np.abs(points).max() <= 1000
    assert len(np.unique(points, axis=0)) == len(graph)
    assert layout(graph, method, seed=1) == found


@pytest.mark.parametrize("method", METHODS)
def test_a_layout_puts_groups_apart(method):
    found = layout(two_groups(), method)
    first, second = (np.array([found[i] for i in group]) for group in (range(5), range(5, 12)))
    spread = max(np.linalg.norm(group - group.mean(axis=0), axis=1).mean() for group in (first, second))
    assert np.linalg.norm(first.mean(axis=0) - second.mean(axis=0)) > 1.5 * spread


@settings(max_examples=25, deadline=None)
@given(sizes=st.lists(st.integers(2, 40) | st.integers(2, 4), min_size=1, max_size=40))
def test_parts_of_a_layout_do_not_overlap(sizes):
    graph = weighted(nx.disjoint_union_all([nx.path_graph(n) for n in sizes]))
    assert_apart(graph, layout(graph, "fruchterman_reingold"))


@pytest.mark.slow
def test_thousands_of_pairs_stand_about_in_a_square_beside_the_largest_part():
    pairs = nx.Graph([(2 * i, 2 * i + 1) for i in range(5000)])
    graph = weighted(nx.disjoint_union(pairs, nx.barabasi_albert_graph(200, 2, seed=1)))
    found = layout(graph)
    assert_apart(graph, found)
    points = np.array(list(found.values()))
    assert (points.max(axis=0) - points.min(axis=0)).min() > 1900
    largest = points[10_000:]
    assert largest[:, 0].mean() < -700
    assert largest[:, 1].mean() > 700


def assert_apart(graph, found):
    """Check that no two parts touch, and that all is in bounds."""
    points = [np.array([found[i] for i in part]) for part in nx.connected_components(graph)]
    assert max(np.abs(each).max() for each in points) <= 1000
    boxes = np.array([[*each.min(axis=0), *each.max(axis=0)] for each in points])
    boxes = boxes[np.argsort(boxes[:, 0])]
    for place, (_, low, right, high) in enumerate(boxes):  # of those further right, to the end of this one
        beside = boxes[place + 1 : np.searchsorted(boxes[:, 0], right, side="right")]
        assert not np.any((beside[:, 1] <= high) & (beside[:, 3] >= low))


@pytest.mark.slow
def test_a_large_part_takes_no_memory_quadratic_in_its_people():
    graph = weighted(nx.barabasi_albert_graph(3000, 2, seed=1))
    assert layout(graph, "forceatlas2") == layout(graph, "fruchterman_reingold")


def test_nothing_has_no_layout_rank_or_community():
    empty = nx.Graph()
    assert layout(empty) == pagerank(empty) == betweenness(empty) == communities(empty) == {}
