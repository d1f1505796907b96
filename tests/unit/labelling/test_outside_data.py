"""Broadcasts of others, filed under another title: real faces, and characters of two series."""

import csv
import random
from collections import Counter, defaultdict
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from tests.conftest import outside

from castgraph.base import tables
from castgraph.labelling.likeness import judge

Episode = tuple[str, datetime, Counter[str]]


def suspected(episodes: dict[str, Episode]) -> set[str]:
    rows = [
        {"broadcast": name, "station": "NTV", "show": title, "start": start}
        | {"kind": "person", "entity": entity, "count": count}
        for name, (title, start, counts) in episodes.items()
        for entity, count in counts.items()
    ]
    found = judge(pa.Table.from_pylist(rows, tables.ENTITIES)).to_pylist()
    return {row["broadcast"] for row in found if row["verdict"] == "suspect"}


def swapped(episodes: dict[str, Episode], names: Collection[str]) -> dict[str, Episode]:
    titles = sorted({title for title, _, _ in episodes.values()})
    assert len(titles) == 2
    return {
        name: (titles[1 - titles.index(title)] if name in names else title, start, counts)
        for name, (title, start, counts) in episodes.items()
    }


@pytest.fixture(scope="module")
def series() -> dict[str, Episode]:
    folder = outside("CASTGRAPH_ENTITIES", "entities", "sitcom_characters.csv")
    counts: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    with (folder / "sitcom_characters.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            counts[row["series"], row["video"]][row["character"]] += float(row["time"])  # type: ignore[assignment]
    place = Counter[str]()
    found = {}
    for (title, name), of in sorted(counts.items()):
        found[name] = (title, datetime(1964, 9, 17, 20, tzinfo=UTC) + timedelta(weeks=place[title]), of)
        place[title] += 1
    return found


@pytest.fixture(scope="module")
def filmed(sample: Path) -> dict[str, Episode]:
    found: dict[str, Episode] = {}
    with (sample / "ground_truth.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            station, day, time, title = row["broadcast"].split("_", 3)
            if station.startswith("DEMO") and row["person"] not in ("", "other"):
                start = datetime.strptime(day + time, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
                _, _, counts = found.setdefault(row["broadcast"], (title, start, Counter()))
                counts[row["person"]] += 4
    return found


def test_no_episode_is_suspected_as_it_is(series: dict[str, Episode]) -> None:
    assert len(series) == 385
    assert suspected(series) == set()


@pytest.mark.parametrize(("n", "seeds"), [(1, 6), (10, 2), (60, 1)])
def test_episodes_that_are_filed_under_the_other_series_are_found(
    series: dict[str, Episode], n: int, seeds: int
) -> None:
    for seed in range(seeds):
        wrong = set(random.Random(seed).sample(sorted(series), n))
        assert suspected(swapped(series, wrong)) == wrong


def test_of_real_faces_none_is_suspected_and_each_is_found_that_is_renamed(
    filmed: dict[str, Episode],
) -> None:
    assert len(filmed) == 6
    assert suspected(filmed) == set()
    for name in filmed:
        assert suspected(swapped(filmed, [name])) == {name}
