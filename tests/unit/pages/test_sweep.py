"""The page and the picture of the scores."""

import re
from html.parser import HTMLParser
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from castgraph.base import tables
from castgraph.pages.sweep import draw
from castgraph.pages.theme import DARK, LIGHT
from castgraph.run.recommend import recommend

VOID = {"meta", "br", "hr", "img", "input", "link"}
NAME = "eps-0.40 <b>\"a\" & 'b'</b> $x^2$"


class Page(HTMLParser):
    """The elements of a page, its text, and whether every element is closed."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict]] = []
        self.cells: list[list[str]] = []
        self.words: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert self.open == []
        self.text = re.sub(r"\s+", " ", " ".join(self.words))

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.cells.append([])

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.open[-1:] in (["td"], ["th"]):
            self.cells[-1].append(data)
        self.words.append(data)


def make_sweep(n: int, **columns: list) -> pa.Table:
    """A plausible sweep of `n` eps; `columns` replaces whole columns."""
    step = np.arange(n)
    rows = []
    for k in step.tolist():
        rate, kept = max(0.002, 0.03 * (k - 4)), 0.9 + 0.004 * k
        row = dict.fromkeys(tables.SWEEP.names, 7) | {
            "clustering": f"eps-{0.3 + 0.02 * k:.2f}",
            "algorithm": "dbscan",
            "eps": 0.3 + 0.02 * k,
            "min_samples": 5,
            "n_people": 5200 - 100 * k,
            "noise_share": 0.25 / (k + 1),
            "largest": 116_000 + 1000 * k,
            "largest_share": 0.15 + 0.002 * k * k,
            "violation_rate": rate,
            "chance": 0.04 + 0.001 * k,
            "violation_ratio": rate / 0.04,
            "adjacent_agreement": 0.98,
            "adjacent_kept": kept,
            "balance": kept - rate,
            "next": f"eps-{0.3 + 0.02 * (k + 1):.2f}" if k + 1 < n else None,
            "ari_next": 0.999 - 0.01 * max(0, k - 4) if k + 1 < n else None,
            "moved_next": 0.01,
            "recommended": False,
        }
        rows.append(row)
    recommended, _ = recommend(rows)
    for number, row in enumerate(rows):
        row["recommended"] = row["clustering"] == recommended
        row |= {name: values[number] for name, values in columns.items()}
    return pa.Table.from_pylist(rows, schema=tables.SWEEP)


def make_changes(n_merges: int, n_parts: int = 2) -> pa.Table:
    rows = [
        {
            "from": "eps-0.30",
            "to": "eps-0.32",
            "kind": "merge",
            "person_from": 100 * merge + part,
            "person_to": merge,
            "n_from": 1234,
            "n_to": 2468,
            "n_faces": 1234,
            "same_frame": 17,
        }
        for merge in range(n_merges)
        for part in range(n_parts)
    ]
    return pa.Table.from_pylist(rows, schema=tables.SWEEP_CHANGES)


def drawn(folder: Path, sweep: pa.Table, changes: pa.Table | None = None, **named: str) -> Page:
    """Draw, check what holds of every chart, and give the page."""
    html, png = folder / "sweep.html", folder / "sweep.png"
    draw(
        sweep,
        make_changes(1) if changes is None else changes,
        named.pop("reason", "Because."),
        html,
        png,
        **named,
    )
    with Image.open(png) as picture:
        assert picture.size == (1800, 1275)
        assert all(darkest < 60 < 240 < lightest for darkest, lightest in picture.convert("RGB").getextrema())
    page = Page(html)
    links = [
        value
        for _, attributes in page.elements
        for name, value in attributes.items()
        if name in ("src", "href", "xlink:href", "srcset", "data", "action")
    ]
    assert all(link.startswith("#") for link in links)
    text = html.read_text(encoding="utf-8")
    assert not re.search(r"@import|url\((?!#)|<script|<link|javascript:", text)
    assert "nan" not in text.lower().split("<dl>")[0].split("</style>")[-1]
    return page


SWEEP_OF_20 = make_sweep(20)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """The page of twenty eps."""
    folder = tmp_path_factory.mktemp("page")
    return drawn(folder, SWEEP_OF_20, title="Scores of year", reason="The best by far.")


def test_the_page_has_a_row_for_each_clustering_and_marks_the_recommended(page: Page) -> None:
    rows = [cells for cells in page.cells if cells and cells[0].startswith("eps-") and len(cells) > 10]
    assert [row[0] for row in rows] == SWEEP_OF_20["clustering"].to_pylist()
    assert rows[0][1] == "5,200"
    assert "The best by far." in page.text
    assert [e for e, _ in page.elements].count("svg") == 1
    assert [attributes for tag, attributes in page.elements if tag == "h1"] == [{}]
    marked = [attributes for tag, attributes in page.elements if tag == "tr" and "class" in attributes]
    assert marked == [{"class": "recommended"}]


def test_the_charts_say_what_to_look_for_and_that_mirrors_and_replays_exist(page: Page) -> None:
    for text in (
        "People",
        "Noise and the largest person",
        "Same-frame violations",
        "by chance",
        "Adjacent-frame agreement",
        "Stability",
        "Balance",
        "Mirrors, screens in the studio and replays show a person twice in one frame",
        "min_samples 5",
        "recommended",
    ):
        assert text in page.text
    for heading in ("times chance", "kept", "Rand", "moved"):
        assert page.text.count(heading) >= 2  # in the table, and explained


def test_the_page_runs_under_the_policy_of_all_pages(page: Page) -> None:
    [policy] = [attributes["content"] for _, attributes in page.elements if "http-equiv" in attributes]
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    style = "".join(page.words[: page.words.index("castgraph comparison")])
    assert all(f"--{name}: {colour};" in style for look in (LIGHT, DARK) for name, colour in look.items())


def test_everything_is_escaped(tmp_path: Path) -> None:
    sweep = make_sweep(3, clustering=[NAME, "eps-0.32", "eps-0.34"], algorithm=["<i>&"] * 3)
    page = drawn(tmp_path, sweep, title=f"{NAME} title", reason=f"{NAME} reason")
    assert page.text.count(NAME) >= 4  # head, headline, reason, table
    assert "<i>&" in page.text
    assert not {"b", "i"} & {tag for tag, _ in page.elements}


@pytest.mark.slow
def test_equal_input_makes_equal_bytes_and_leaves_the_settings_of_matplotlib_alone(tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        drawn(tmp_path / name, make_sweep(3))
    assert dict(mpl.rcParams) == before
    for file in ("sweep.html", "sweep.png"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


@pytest.mark.filterwarnings("error")
def test_what_is_not_known_is_a_dash_and_a_gap(tmp_path: Path) -> None:
    rates = ("violation_rate", "chance", "violation_ratio", "adjacent_agreement", "adjacent_kept", "balance")
    sweep = make_sweep(4, **{name: [None] * 4 for name in (*rates, "ari_next", "moved_next", "noise_share")})
    page = drawn(tmp_path, sweep)
    assert page.cells[1].count("–") == 9
    drawn(tmp_path, make_sweep(4, balance=[None, 0.1, None, 0.2], violation_rate=[None, None, 0.1, None]))
    page = drawn(tmp_path, tables.SWEEP.empty_table(), make_changes(0))
    assert "Nobody, between any two neighbours." in page.text


def test_clusterings_without_eps_are_drawn_as_levels_and_alone_by_min_samples(tmp_path: Path) -> None:
    sweep = make_sweep(4)
    levels = make_sweep(
        2,
        clustering=["hdbscan-5", "hdbscan-10"],
        algorithm=["hdbscan"] * 2,
        eps=[None] * 2,
        min_samples=[5, 10],
        next=["hdbscan-10", None],
        recommended=[False] * 2,
    )
    page = drawn(tmp_path, pa.concat_tables([sweep, levels]))
    assert page.text.count("hdbscan-10") > 5
    assert "eps" in page.words
    page = drawn(tmp_path, levels)
    assert "min_samples" in page.words
    assert "eps" not in page.words


def test_the_largest_changes_are_listed_and_the_rest_counted(tmp_path: Path) -> None:
    merges, split = make_changes(12, n_parts=13), make_changes(1).to_pylist()
    split = [{**row, "kind": "split", "person_from": 4, "person_to": n} for n, row in enumerate(split)]
    page = drawn(
        tmp_path,
        make_sweep(2),
        pa.concat_tables([merges, pa.Table.from_pylist(split, schema=tables.SWEEP_CHANGES)]),
    )
    assert "Person 100 (1,234 faces, 17 beside)" in page.text
    assert "Person 9 (2,468 faces)" in page.text
    assert "Person 10 (2,468 faces)" not in page.text
    assert "… and 2 more of this kind: see sweep_changes.parquet" in page.text
    assert ", 3 more" in page.text
    assert page.cells[-1] == [
        "eps-0.30 → eps-0.32",
        "split",
        "Person 4 (1,234 faces)",
        "Person 0 (2,468 faces, 17 beside), Person 1 (2,468 faces, 17 beside)",
    ]
