"""How an edge fares in other clusterings."""

from collections import Counter

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from castgraph.base import tables
from castgraph.network.holds import Clustering, counterparts, holds

labels = st.integers(1, 12).flatmap(
    lambda n: st.tuples(*(st.lists(st.integers(-1, 3), min_size=n, max_size=n) for _ in range(2)))
)


def edges(*ends: tuple[str, str, float]) -> pa.Table:
    source, target, weight = zip(*ends, strict=True) if ends else ((), (), ())
    return pa.table(
        {"source": pa.array(source, pa.string()), "target": pa.array(target, pa.string())}
        | {"weight": pa.array(weight, pa.float64())}
    )


def clustering(name: str, person: list[int], *ends: tuple[str, str, float], **settings) -> Clustering:
    ids = [f"{name[0].upper()}{n}" for n in range(max(person) + 1)]
    return Clustering(name, settings, np.array(person, np.int32), ids, edges(*ends))


@given(labels)
def test_a_counterpart_has_most_of_the_faces(drawn) -> None:
    one, other = (np.array(each, np.int32) for each in drawn)
    n_people = max(drawn[0]) + 1
    found = counterparts(one, other, n_people).tolist()
    for person in range(n_people):
        shared = Counter(b for a, b in zip(*drawn, strict=True) if a == person)
        if not shared:
            assert found[person] == tables.NOISE
        else:
            most = max(shared.values())
            assert found[person] == min(who for who, n in shared.items() if n == most)


def test_an_edge_holds_where_its_people_are_two_with_an_edge() -> None:
    person = [0, 0, 1, 1, 2, 2]
    found = holds(
        [
            clustering("a", person, ("A0", "A1", 5.0), ("A1", "A2", 2.0), algorithm="linkage", eps=0.4),
            # The same people by other numbers; the second and third have no edge.
            clustering("b", [2, 2, 0, 0, 1, 1], ("B0", "B2", 7.0), algorithm="linkage", eps=0.5),
            # The first two are one person.
            clustering("c", [0, 0, 0, 0, 1, 1], ("C0", "C1", 3.0), algorithm="linkage", eps=0.6),
        ]
    )
    assert found.schema == tables.HOLDS
    rows = {(row["source"], row["target"]): row for row in found.to_pylist()}
    first, second = rows["A0", "A1"], rows["A1", "A2"]
    assert (first["n_held"], first["n_compared"], first["holds"]) == (1, 2, "0.4 to 0.5")
    assert (first["least_weight"], first["most_weight"]) == (5.0, 7.0)
    # Not at 0.5, so what is there at 0.6 does not count for the range.
    assert (second["n_held"], second["holds"]) == (1, "0.4 only")
    assert rows["B0", "B2"]["holds"] == "0.4 to 0.5"
    assert rows["C0", "C1"]["holds"] == "0.6 only"


def test_others_of_another_kind_are_counted() -> None:
    one = clustering("a", [0, 1], ("A0", "A1", 1.0), algorithm="linkage", eps=0.5)
    other = clustering("b", [0, 1], ("B0", "B1", 1.0), algorithm="dbscan", eps=0.4)
    far = clustering("results/x/linkage-0.52", [0, -1], algorithm="linkage", eps=0.52)
    [mine, theirs] = holds([one, other], [far]).to_pylist()
    assert (mine["holds"], mine["n_held"], mine["n_compared"]) == ("1 of 2 others", 1, 2)
    assert theirs["holds"] == "1 of 2 others"
    [alone] = holds([one]).to_pylist()
    assert (alone["holds"], alone["n_compared"], alone["least_weight"]) == ("", 0, 1.0)
    assert holds([]).num_rows == 0


@given(labels, st.randoms())
def test_numbers_of_people_and_the_order_of_clusterings_do_not_matter(drawn, shuffle) -> None:
    def made(name: str, person: list[int]) -> Clustering:
        there = sorted({each for each in person if each >= 0})
        return clustering(
            name,
            person,
            *((f"{name.upper()}{a}", f"{name.upper()}{b}", 1.0 + a) for a in there for b in there if a < b),
            eps=0.1 + len(name),
            algorithm="x",
        )

    one, other = made("a", drawn[0]), made("b", drawn[1])
    assert holds([one, other]).equals(holds([other, one]))
    order = list(range(4))
    shuffle.shuffle(order)
    new = np.array([*order, tables.NOISE], np.int32)
    ids = [other.ids[order.index(n)] if order.index(n) < len(other.ids) else f"Z{n}" for n in range(4)]
    renamed = other._replace(person=new[other.person], ids=ids)
    found, before = holds([one, renamed]).to_pylist(), holds([one, other]).to_pylist()
    # Ties fall to the first number, so only people without a tie are told the same.
    tied = any(
        list(Counter(b for a, b in zip(*drawn, strict=True) if a == person).values()).count(most) > 1
        for person in set(drawn[0])
        for most in [max(Counter(b for a, b in zip(*drawn, strict=True) if a == person).values())]
    )
    if not tied:
        assert [row for row in found if row["clustering"] == "a"] == [
            row for row in before if row["clustering"] == "a"
        ]
