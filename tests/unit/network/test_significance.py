"""More than chance: against exact values, permutations, worlds without ties, and published figures."""

from collections.abc import Sequence
from typing import Any

import networkx as nx
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from tests.members import members
from threadpoolctl import threadpool_limits

from castgraph.base import tables
from castgraph.base.fdr import benjamini_hochberg
from castgraph.network import tails
from castgraph.network.bicm import bicm
from castgraph.network.cooccurrence import cooccurrences
from castgraph.network.presence import Presence, presence, shared
from castgraph.network.significance import compared, significant

Sums = list[list[tuple[int, int, int]]]


def p_of(counts: Sequence[int], sums: Sums) -> tuple[np.ndarray, np.ndarray]:
    of = np.repeat(np.arange(len(sums)), [len(terms) for terms in sums])
    size, a, b = np.array([term for terms in sums for term in terms], np.int64).reshape(-1, 3).T
    return tails.hypergeometric(np.array(counts, np.int64), of, size, a, b)


def convolved(terms: list[tuple[int, int, int]]) -> np.ndarray:
    """The distribution of a sum, by SciPy and one convolution after the other."""
    pmf = np.ones(1)
    for size, a, b in terms:
        pmf = np.convolve(pmf, stats.hypergeom.pmf(np.arange(min(a, b) + 1), size, a, b))
    return pmf


def of_trials(chances: np.ndarray) -> np.ndarray:
    """The distribution of how many trials succeed, by one convolution after the other."""
    pmf = np.ones(1)
    for each in chances:
        pmf = np.convolve(pmf, [1 - each, each])
    return pmf


terms = st.integers(1, 60).flatmap(
    lambda size: st.tuples(st.just(size), st.integers(1, size), st.integers(1, size))
)


@given(sums=st.lists(st.lists(terms, min_size=1, max_size=6), min_size=1, max_size=5), data=st.data())
def test_small_sums_are_exact(sums, data):
    pmfs = [convolved(each) for each in sums]
    counts = [data.draw(st.integers(0, len(pmf))) for pmf in pmfs]
    p, exact = p_of(counts, sums)
    for count, pmf, found, is_exact in zip(counts, pmfs, p, exact, strict=True):
        assert found == pytest.approx(pmf[count:].sum(), rel=1e-8 if is_exact else 0.03, abs=1e-290)


@pytest.mark.parametrize("seed", range(4))
def test_large_sums_are_approximated_closely_far_out_in_the_tail_too(seed):
    rng = np.random.default_rng(seed)
    size = rng.integers(500, 3000, 8)
    each = [(int(n), int(rng.integers(50, n)), int(rng.integers(50, n))) for n in size]
    pmf = convolved(each)
    tail = np.cumsum(pmf[::-1])[::-1]
    first = int(np.flatnonzero(pmf)[0])
    at = np.unique(np.searchsorted(-tail, -np.array([0.999, 0.9, 0.5, 0.1, 1e-3, 1e-9, 1e-30, 1e-100])))
    at = at[at > first + tails.EXACT]
    p, exact = p_of(at.tolist(), [each] * len(at))
    assert len(at) > 5
    assert not exact.any()
    np.testing.assert_allclose(p, tail[at], rtol=0.01)


def test_a_single_term_is_that_of_scipy():
    size, a, b = 900, 30, 40
    counts = np.arange(31)
    p, exact = p_of(counts.tolist(), [[(size, a, b)]] * 31)
    assert exact.all()
    np.testing.assert_allclose(p, stats.hypergeom.sf(counts - 1, size, a, b), rtol=1e-9)


@given(
    rows=st.lists(
        st.lists(st.floats(0, 1) | st.sampled_from([0.0, 1e-9, 1 - 1e-6, 1.0]), min_size=3, max_size=3),
        min_size=1,
    ),
    times=st.lists(st.integers(0, 40), min_size=3, max_size=3),
    exact_to=st.sampled_from([0, 5, tails.EXACT]),
    data=st.data(),
)
def test_trials_of_different_chance_add_up(rows, times, exact_to, data):
    chances, n = np.array(rows), np.array(times, np.int64)
    of = np.array(data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=8)))
    counts = np.array([data.draw(st.integers(0, int(n.sum()) + 1)) for _ in of])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("castgraph.network.tails._FEW_CELLS", 100)
        found, exact = tails.trials(counts, of, chances, n, exact_to)
    assert exact[counts <= exact_to].all()
    for p, is_exact, count, row in zip(found, exact, counts, chances[of], strict=True):
        pmf = of_trials(np.repeat(row, n))
        expected = pmf[count:].sum()
        # Where small sums are approximated, too, as in very large runs, that is rougher.
        rough = 0.03 if exact_to == tails.EXACT else 0.06
        varies = n @ (row * (1 - row)) > 0.5
        if is_exact or varies:
            assert p == pytest.approx(expected, rel=1e-8 if is_exact else rough, abs=1e-290)


@pytest.mark.parametrize(
    ("count", "chances", "times"),
    [
        (4, [0.5, 1e-9], [3, 5]),  # one more than the likely ones are
        (38, [0.023, 1e-10], [32, 23]),  # all of the one kind, and more
        (45, [0.6, 1e-10, 0.9999], [9, 29, 22]),
    ],
)
def test_trials_are_approximated_closely_where_hardly_another_sum_is_possible(count, chances, times):
    pmf = of_trials(np.repeat(chances, times))
    found, _ = tails.trials(np.array([count]), np.array([0]), np.array([chances]), np.array(times), 0)
    assert found[0] == pytest.approx(pmf[count:].sum(), rel=0.03, abs=0)


# --- the figures of the R package backbone 2.1.3 (inst/tinytest/test_backbone.R): figures only

BACKBONE = np.array([[1, 0, 1, 1], [0, 1, 0, 0], [1, 0, 0, 1]])


def test_the_probabilities_of_backbone():
    found = bicm(np.array([1, 1, 2]), np.array([1, 1, 2]))
    assert found.round(3).tolist() == [[0.216, 0.216, 0.568], [0.216, 0.216, 0.568], [0.568, 0.568, 0.863]]


def refined_normal(count: int, p: np.ndarray) -> float:
    """The approximation of a Poisson binomial tail that backbone takes (Hong 2013)."""
    variance = (p * (1 - p)).sum()
    skew = (p * (1 - p) * (1 - 2 * p)).sum() / variance**1.5
    z = (count - 0.5 - p.sum()) / np.sqrt(variance)
    return stats.norm.sf(z) - skew / 6 * (1 - z**2) * stats.norm.pdf(z)


def test_the_stochastic_degree_sequence_model_of_backbone():
    """backbone approximates a small sum; with its approximation our probabilities give its figures."""
    one = bicm(BACKBONE.sum(axis=1), BACKBONE.sum(axis=0))
    together = BACKBONE @ BACKBONE.T
    for (row, other), expected in {(0, 1): 0.977, (0, 2): 0.549, (1, 2): 0.972}.items():
        assert round(refined_normal(together[row, other], one[row] * one[other]), 3) == expected
    assert refined_normal(5, np.array([0.123, 0.234, 0.345, 0.456, 0.567, 0.678, 0.789, 0.801, 0.911])) == (
        pytest.approx(0.6268476, abs=1e-7)
    )


def test_the_fixed_row_model_of_backbone_is_one_broadcast_of_ours():
    """Its rows are our people, its columns our frames: the model is hypergeometric."""
    edges, _ = told(world([np.argwhere(BACKBONE)[:, ::-1]]), [4])
    p = {(row["source"], row["target"]): round(row["p"], 3) for row in edges.to_pylist()}
    assert p == {("P00", "P01"): 1.0, ("P00", "P02"): 0.5, ("P01", "P02"): 1.0}


# --- the configuration model

tables_of_ones = st.tuples(st.integers(1, 8), st.integers(1, 8)).flatmap(
    lambda shape: st.lists(
        st.lists(st.integers(0, 1), min_size=shape[1], max_size=shape[1]),
        min_size=shape[0],
        max_size=shape[0],
    )
)


@given(tables_of_ones)
def test_rows_and_columns_have_their_ones_in_the_mean(rows):
    table = np.array(rows)
    p = bicm(table.sum(axis=1), table.sum(axis=0))
    assert ((p >= 0) & (p <= 1)).all()
    np.testing.assert_allclose(p.sum(axis=1), table.sum(axis=1), atol=1e-6)
    np.testing.assert_allclose(p.sum(axis=0), table.sum(axis=0), atol=1e-6)
    # Odds are a number of the row times one of the column.
    inner = ((p > 1e-6) & (p < 1 - 1e-6)).all()
    if inner:
        odds = np.log(p / (1 - p))
        odds -= odds.mean(axis=0) + odds.mean(axis=1)[:, None] - odds.mean()
        np.testing.assert_allclose(odds, 0, atol=1e-6)


def test_rows_alike_are_given_once():
    davis = nx.davis_southern_women_graph()
    table = nx.bipartite.biadjacency_matrix(davis, davis.graph["top"], davis.graph["bottom"]).toarray()
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    (kinds, row, n), (others, column, m) = (
        np.unique(each, return_inverse=True, return_counts=True) for each in (rows, columns)
    )
    np.testing.assert_allclose(bicm(kinds, others, n, m)[np.ix_(row, column)], bicm(rows, columns), atol=1e-9)


def test_numbers_that_no_table_has_are_refused():
    with pytest.raises(ValueError, match="rows have 3 ones, columns 2"):
        bicm(np.array([1, 2]), np.array([1, 1]))
    with pytest.raises(ValueError, match="no table has so many ones"):
        bicm(np.array([3, 0, 0]), np.array([1, 2]))


# --- whole worlds


def world(broadcasts: Sequence[np.ndarray]) -> tuple[pa.Table, tables.Members]:
    """Make faces of the frames (from 0) and people of each broadcast, in rows of the two."""
    rows = sorted(
        (n, frame + 1, person) for n, each in enumerate(broadcasts) for frame, person in each.tolist()
    )
    faces = pa.table(
        {
            "broadcast": pa.array([broadcast(n) for n, _, _ in rows], pa.string()),
            "frame": pa.array([frame for _, frame, _ in rows], pa.int32()),
        }
    )
    return faces, members([person for _, _, person in rows])


def told(made: tuple[pa.Table, tables.Members], sizes: Sequence[int], **settings) -> tuple[pa.Table, dict]:
    """Count the pairs of a world whose broadcasts have so many frames, and compare them with chance."""
    faces, who = made
    times = np.zeros(faces.num_rows, "datetime64[us]")
    edges = cooccurrences(faces, who, times, **settings)
    n_frames = {broadcast(n): size for n, size in enumerate(sizes)}
    return compared(edges, presence(faces, who), n_frames)


def broadcast(number: int) -> str:
    return f"B_202401{number // 24 + 1:02d}_{number % 24:02d}0000"


def random_world(
    rng: np.random.Generator, n_broadcasts: int, n_frames: int, n_people: int, share: float = 0.6
) -> list[np.ndarray]:
    """Draw who is in which broadcast, how often, and in which frames, each on its own."""
    found = []
    for _ in range(n_broadcasts):
        on_air = np.flatnonzero(rng.random(n_people) < share)
        counts = rng.integers(1, n_frames // 3, len(on_air))
        places = [rng.choice(n_frames, n, replace=False) for n in counts]
        found.append(
            np.column_stack([np.concatenate([*places, np.empty(0, int)]), np.repeat(on_air, counts)])
        )
    return found


EVERY = {"weights": {"same_frame": 2.0, "adjacent": 1.0, "same_broadcast": 1.0}}


def test_expected_z_and_p_are_those_of_shuffled_frames():
    """10,000 times the frames of everybody are drawn anew in each broadcast."""
    rng = np.random.default_rng(1)
    broadcasts, sizes = random_world(rng, 3, 24, 5), [24, 24, 24]
    edges, facts = told(world(broadcasts), sizes, **EVERY)
    runs = 10_000
    shown = np.zeros((runs, 3, 24, 5), bool)
    for n, each in enumerate(broadcasts):
        for person, count in zip(*np.unique(each[:, 1], return_counts=True), strict=True):
            order = rng.random((runs, 24)).argsort(axis=1)[:, :count]
            shown[np.arange(runs)[:, None], n, order, person] = True
    for row in edges.to_pylist():
        a, b = (int(row[end][1:]) for end in ("source", "target"))
        drawn = (shown[..., a] & shown[..., b]).sum(axis=(1, 2))
        error = 5 * drawn.std() / np.sqrt(runs) + 1e-9
        assert row["expected"] == pytest.approx(drawn.mean(), abs=error)
        z = (row["same_frame"] - drawn.mean()) / drawn.std()
        assert row["z"] == pytest.approx(z, abs=0.1)
        p = np.mean(drawn >= row["same_frame"])
        assert row["p"] == pytest.approx(p, abs=5 * np.sqrt(row["p"] * (1 - row["p"]) / runs) + 1e-9)
        assert row["ratio"] == pytest.approx(row["same_frame"] / row["expected"])
    assert facts["same_frame"]["n_approximate"] == 0


def test_broadcasts_are_compared_as_a_loop_over_all_of_them_does():
    rng = np.random.default_rng(2)
    broadcasts = random_world(rng, 30, 12, 9, share=0.4)
    edges, facts = told(world(broadcasts), [12] * 30, **EVERY)
    table = np.array([[n in each[:, 1] for each in broadcasts] for n in range(9)])
    one = bicm(table.sum(axis=1), table.sum(axis=0))
    p = {}
    for a in range(9):
        for b in range(a):
            pmf = np.ones(1)
            for each in one[a] * one[b]:
                pmf = np.convolve(pmf, [1 - each, each])
            p[f"P{b:02d}", f"P{a:02d}"] = pmf[(table[a] & table[b]).sum() :].sum()
    q = dict(zip(p, stats.false_discovery_control(list(p.values())), strict=True))
    assert facts["same_broadcast"]["n_possible"] == len(p) == 36
    for row in edges.to_pylist():
        pair = row["source"], row["target"]
        a, b = (int(name[1:]) for name in pair)
        both = one[a] * one[b]
        assert row["same_broadcast_expected"] == pytest.approx(both.sum())
        z = (row["same_broadcast"] - both.sum()) / np.sqrt((both * (1 - both)).sum())
        assert row["same_broadcast_z"] == pytest.approx(z)
        assert row["same_broadcast_p"] == pytest.approx(p[pair], rel=1e-7)
        assert row["same_broadcast_q"] == pytest.approx(q[pair], rel=1e-7)


def test_q_counts_all_pairs_that_could_have_met():
    """Two who share a broadcast could have met in a frame, whether or not they did."""
    broadcasts = [np.array([[0, 0], [0, 1], [1, 0], [1, 1], [5, 2], [7, 3]]), np.array([[3, 4], [5, 5]])]
    edges, facts = told(world(broadcasts), [8, 8])
    assert edges.num_rows == 1
    assert facts["same_frame"]["n_possible"] == 6 + 1
    [row] = edges.to_pylist()
    assert row["p"] == pytest.approx(1 / 28)
    assert row["q"] == pytest.approx(7 / 28)
    assert facts["same_broadcast"]["n_possible"] == 15


def test_in_1000_worlds_without_ties_few_pairs_are_below_005():
    """All worlds are the broadcasts of one table: each has its own people."""
    rng = np.random.default_rng(3)
    n_worlds, n_people = 1000, 8
    broadcasts = []
    for n in range(n_worlds):
        drawn = random_world(rng, 3, 60, n_people, share=0.9)
        broadcasts += [np.add(each, (0, n * n_people)) for each in drawn]
    seen, source, target, count = counted(broadcasts, n_worlds * n_people)
    p = p_of_pairs(seen, source, target, count, dict.fromkeys(seen.broadcasts, 60))
    possible = n_worlds * n_people * (n_people - 1) // 2
    for level in (0.05, 0.01):
        # Pairs of a world hang together, so the error is that of worlds, not of pairs.
        below = np.bincount(source[p <= level] // n_people, minlength=n_worlds)
        error = 3 * below.std() / np.sqrt(n_worlds)
        assert below.mean() <= level * possible / n_worlds + error
        assert below.mean() > 0.4 * level * possible / n_worlds  # and the test is no empty promise


def test_planted_ties_are_found_with_the_power_of_theory():
    """Of two people, 10 and 12 frames of 60, in 2 broadcasts; the second follows the first more often."""
    rng = np.random.default_rng(4)
    n_pairs, size, a, b = 1500, 60, 10, 12
    for strength in (1.0, 3.0, 6.0):
        # Fisher's noncentral hypergeometric number: the odds of a frame with the first are larger.
        follows = stats.nchypergeom_fisher.pmf(np.arange(a + 1), size, a, b, strength)
        broadcasts = []
        for n, both in enumerate(rng.choice(a + 1, 2 * n_pairs, p=follows / follows.sum()).tolist()):
            order = rng.permutation(size)
            frames = np.concatenate([order[:a], order[:both], order[a : a + b - both]])
            broadcasts.append(np.column_stack([frames, np.repeat([n // 2 * 2, n // 2 * 2 + 1], [a, b])]))
        seen, source, target, count = counted(broadcasts, 2 * n_pairs)
        p = p_of_pairs(seen, source, target, count, dict.fromkeys(seen.broadcasts, size))
        null = np.convolve(*[stats.hypergeom.pmf(np.arange(a + 1), size, a, b)] * 2)
        tied = np.convolve(follows, follows)
        needed = int(np.flatnonzero(np.cumsum(null[::-1])[::-1] <= 0.05)[0])
        power = tied[needed:].sum()
        found = np.count_nonzero(p <= 0.05) / n_pairs
        assert found == pytest.approx(power, abs=4 * np.sqrt(power * (1 - power) / n_pairs))
    assert power > 0.9


def counted(
    broadcasts: list[np.ndarray], n_people: int
) -> tuple[Presence, np.ndarray, np.ndarray, np.ndarray]:
    """Count the pairs in one frame, without the rest of the network."""
    broadcast = np.repeat(np.arange(len(broadcasts)), [len(each) for each in broadcasts])
    frame, person = np.concatenate(broadcasts).T
    names = [f"B{n:05d}" for n in range(len(broadcasts))]
    faces = pa.table(
        {"broadcast": pa.DictionaryArray.from_arrays(broadcast.astype(np.int32), names), "frame": frame + 1}
    )
    ids = [f"P{n:06d}" for n in range(n_people)]
    who = tables.Members(person.astype(np.int32), np.zeros(len(person), np.int8), ids)
    order = np.lexsort((person, frame, broadcast))
    place = (broadcast * 1000 + frame)[order]
    same = [
        (person[order][:-step][hit], person[order][step:][hit])
        for step in range(1, 40)
        for hit in [place[:-step] == place[step:]]
    ]
    pairs, count = np.unique(np.hstack(same), axis=1, return_counts=True)
    return presence(faces, who), pairs[0], pairs[1], count


def p_of_pairs(*world: Any) -> np.ndarray:
    return edges_of(*world)["p"].to_numpy()


def edges_of(
    seen: Presence, source: np.ndarray, target: np.ndarray, count: np.ndarray, sizes: dict[str, int]
) -> pa.Table:
    edges = pa.table(
        {
            "source": pa.array(seen.people).take(pa.array(source)),
            "target": pa.array(seen.people).take(pa.array(target)),
            "same_frame": count,
            "same_broadcast": np.zeros(len(source), np.int64),
        }
    )
    for number, found in enumerate(shared(seen, source, target)):
        assert number < len(source)
        together = edges["same_broadcast"].to_numpy().copy()
        together[found.pairs] = np.bincount(found.pair, minlength=len(found.pairs))
        edges = edges.set_column(3, "same_broadcast", pa.array(together))
    nothing = pa.nulls(edges.num_rows, pa.float64())
    for name in tables.EDGES.names:
        if name not in edges.column_names:
            edges = edges.append_column(name, nothing)
    return compared(edges, seen, sizes)[0]


# --- what else holds


def test_somebody_who_is_always_on_is_tied_to_nobody():
    host = [[frame, 0] for frame in range(20)]
    edges, _ = told(world([np.array([*host, [3, 1], [4, 1], [9, 2]])]), [20])
    assert [row["same_frame"] for row in edges.to_pylist()] == [2, 1]
    assert edges["expected"].to_pylist() == [2, 1]
    assert edges["ratio"].to_pylist() == edges["p"].to_pylist() == [1, 1]
    assert edges["z"].to_pylist() == [0, 0]
    assert edges["same_broadcast_p"].to_pylist() == [1, 1]


def test_a_face_in_a_frame_that_was_not_read_breaks_nothing():
    made = world([np.array([[0, 0], [0, 1], [1, 0]])])
    edges, _ = told(made, [0])
    assert edges["expected"].to_pylist() == [1.0]


def test_the_number_of_threads_changes_no_byte():
    """Without a limit, 1 and 4 threads of BLAS solve so many kinds of people and broadcasts differently."""
    rng = np.random.default_rng(7)
    on_air = rng.random((200, 300)) < rng.random(300) ** 2 * rng.random((200, 1))
    broadcasts = [np.column_stack([np.zeros(each.sum(), int), np.flatnonzero(each)]) for each in on_air]
    seen, source, target, count = counted(broadcasts, 300)
    found = []
    for threads in (1, 4):
        with threadpool_limits(threads, user_api="blas"):
            found.append(edges_of(seen, source, target, count, dict.fromkeys(seen.broadcasts, 9)))
    assert found[0].equals(found[1])


def test_nobody_and_nothing():
    faces = pa.table({"broadcast": pa.array([], pa.string()), "frame": pa.array([], pa.int32())})
    edges, facts = told((faces, members([])), [])
    assert edges.num_rows == 0
    assert edges.schema.equals(tables.EDGES)
    assert facts["same_frame"] == {"n_possible": 0, "n_exact": 0, "n_approximate": 0}


def test_significant_keeps_what_is_more_than_chance_in_a_layer_that_weighs():
    rng = np.random.default_rng(6)
    broadcasts = random_world(rng, 4, 40, 12)
    together = rng.choice(40, 12, replace=False)
    for each, more in enumerate(broadcasts):
        own = [[frame, person] for frame in together for person in (12, 13)]
        broadcasts[each] = np.concatenate([more, own])
    edges, _ = told(world(broadcasts), [40] * 4)
    kept = significant(edges, {"same_frame": 2.0}, 0.05)
    assert kept.num_rows < edges.num_rows / 4
    assert ("P12", "P13") in set(zip(kept["source"].to_pylist(), kept["target"].to_pylist(), strict=True))
    assert max(kept["q"].to_pylist()) <= 0.05
    assert significant(edges, {"same_frame": 2.0}, None) is edges
    either = significant(edges, {"same_frame": 2.0, "same_broadcast": 1.0}, 0.05)
    assert either.num_rows >= kept.num_rows
    assert significant(edges, {"adjacent": 1.0, "same_frame": 0.0}, 0.05).num_rows == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(0, 50))
def test_q_is_that_of_scipy(p, more):
    expected = stats.false_discovery_control([*p, *[1.0] * more])[: len(p)]
    np.testing.assert_allclose(benjamini_hochberg(np.array(p), n_tests=len(p) + more), expected)
    kinds, times = np.unique(p, return_counts=True)
    q = benjamini_hochberg(kinds, times, len(p) + more)
    np.testing.assert_allclose(q[np.searchsorted(kinds, p)], expected)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9), st.integers(0, 6)), max_size=60))
def test_shared_broadcasts_are_those_of_a_loop(faces):
    """Also where very little is looked at at a time."""
    faces.sort()
    table = pa.table(
        {
            "broadcast": pa.array([f"B{b}" for b, _, _ in faces], pa.string()),
            "frame": pa.array([frame for _, frame, _ in faces], pa.int32()),
        }
    )
    who = members([person for _, _, person in faces])
    seen = presence(table, who)
    n = len(seen.people)
    source, target = (each.astype(np.int64) for each in np.triu_indices(n, 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("castgraph.network.presence._CELLS", 10)
        patch.setattr("castgraph.network.presence._ROWS", 3)
        found = {
            (int(source[pairs[p]]), int(target[pairs[p]]), seen.broadcasts[b]): (int(one), int(other))
            for pairs, *rows in shared(seen, source, target)
            for p, b, one, other in zip(*rows, strict=True)
        }
    frames = {
        (person, f"B{b}"): len({f for c, f, q in faces if (c, q) == (b, person)}) for b, _, person in faces
    }
    assert found == {
        (a, c, b): (frames[a, b], frames[c, b])
        for a, b in frames
        for c, other in frames
        if other == b and a < c
    }
