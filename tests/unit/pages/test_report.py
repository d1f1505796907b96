"""The run in one page: what it shows, what it escapes, and what may be missing."""

import json
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from tests.finished import ENCODER, ORIGIN, configured, finish, measured, names, person, write

import castgraph
from castgraph.base import tables
from castgraph.pages import report
from castgraph.pages.report import write_report

HOSTILE = """"'><script>alert(1)</script><img src="https://spy.example/x" onerror=alert(2)>&amp;{{ 7 * 7 }}"""


EXPLORER = "eps-0.40/explorer/index.html"


class Page(HTMLParser):
    """The tags of a page with their attributes, and its words without style, a space between two of them."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.text = " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] != "style":
            self.texts.append(data)

    def all(self, tag: str, attribute: str) -> list[str]:
        return [found[attribute] or "" for name, found in self.tags if name == tag and attribute in found]


def made(tmp_path: Path, config: dict[str, Any], **facts: Any) -> Page:
    """The page of a run that is made up."""
    folder = tmp_path / "results" / "made-up"
    if not folder.exists():
        finish(folder, config, **facts)
    write_report(folder / "report.html", names(config), config)
    return Page(folder / "report.html")


def test_the_page_shows_what_was_read_and_found(tmp_path: Path) -> None:
    page = made(tmp_path, configured(), statuses=["ok", "partial", "missing", "unreachable"])
    for text in (
        "made-up",
        "On air from 2026-10-01 03:00 to 2026-10-01 05:00",
        "of 4 listed",
        "1 ok",
        "1 partial",
        "1 unreachable",
        "2 h 0 min",
        "2 stations",
        "2,000",  # faces
        "3 people",
        "Person 0 – Person 1",
        "13.5",
        "1 pair of 2 in one frame is there together more often than chance would have it",
        "< 0.001",
        "0.250",
        "eps-0.40 is <the> middle.",
        "frame_seconds: 4",
        f"--configfile {tmp_path}/results/made-up/config.yaml",
        f"castgraph {castgraph.__version__} Python",
    ):
        assert text in page.text, text
    evidence = "https://archive.example/frame?id=1TV_20261001_030000&frame=12"
    assert page.all("a", "href").count(evidence) == 2
    assert "Portrait of Person 2" in page.all("img", "alt")


def test_the_page_leads_to_the_map_of_pictures_where_there_is_one(tmp_path: Path) -> None:
    page = made(tmp_path, configured(0.4, visual={"embedder": "lite0"}))
    assert "visual/map.html" in page.all("a", "href")
    assert "visual/map.html" not in made(tmp_path, configured(0.4)).all("a", "href")


def test_the_page_leads_to_the_explorer_of_each_clustering(tmp_path: Path) -> None:
    page = made(tmp_path, configured(0.4, 0.5))
    links = [link for link in page.all("a", "href") if not link.startswith(("#", "https:"))]
    assert links == [EXPLORER, "eps-0.50/explorer/index.html"]
    without = made(tmp_path, configured(0.4, 0.5, explorer={"enabled": False}))
    assert not [link for link in without.all("a", "href") if "explorer" in link]


def test_a_network_of_what_is_more_than_chance_is_said_to_be_one(tmp_path: Path) -> None:
    said = "The network holds only pairs of a q of at most 0.01"
    assert said in made(tmp_path, configured(network={"significant": 0.01})).text
    assert said[:30] not in made(tmp_path, configured()).text
    as_published = {"significant": 0.01, "mode": "as_published"}
    assert said[:30] not in made(tmp_path, configured(network=as_published)).text


def test_what_comes_from_an_archive_is_escaped_and_loads_nothing(tmp_path: Path) -> None:
    config = configured(archive={"frame_url": "javascript:alert('{broadcast}')"})
    inventories = (
        f'station,day,status,n_shows,n_refused,reason,archive\nNTV,2026-10-01,damaged,0,1,"{"<b>" * 3}",x\n'
    )
    page = made(tmp_path, config, reason=HOSTILE, name="{} " + HOSTILE.replace("{", "{{").replace("}", "}}"),
                inventories=inventories)  # fmt: skip
    assert not page.all("script", "src")
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "iframe", "link", "object", "b", "form"})
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert all(source.startswith("data:image/webp;base64,") for source in page.all("img", "src"))
    assert all(link.startswith("#") or link == EXPLORER for link in page.all("a", "href"))
    assert page.text.count(HOSTILE) > 3
    assert "<b><b><b>" in page.text
    [policy] = [found["content"] for _, found in page.tags if "http-equiv" in found]
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_the_page_tells_what_is_worth_knowing_of_whole_broadcasts(tmp_path: Path) -> None:
    note = f"12 frames: EXIF orientation 6 not applied; {HOSTILE}"
    page = made(tmp_path, configured(), statuses=["ok", "ok", "missing"], note=note)
    assert "Read, and worth knowing: 2" in page.text
    assert page.text.count(note) == 2
    assert not page.all("script", "src")


@pytest.mark.parametrize("url", ["http://[broken", "//host/x", "data:text/html,x", " "])
def test_only_addresses_of_the_web_become_links(url: str, tmp_path: Path) -> None:
    page = made(tmp_path, configured(archive={"frame_url": url}))
    assert all(link.startswith("#") or link == EXPLORER for link in page.all("a", "href"))


def test_what_is_optional_may_be_missing(tmp_path: Path) -> None:
    page = made(tmp_path, configured(people={"portraits": False}), statuses=["ok"], recommended=None)
    assert [text for text in page.all("img", "alt") if "Portrait" in text] == []
    for text in ("Every broadcast was read whole", "No measurement of this run's jobs"):
        assert text in page.text
    for text in ("Inventories", "Stations", "Encodings of", "recommended", "worth knowing"):
        assert text not in page.text
    for picture in (tmp_path / "results").rglob("*.png"):
        picture.unlink()
    assert made(tmp_path, configured()).all("img", "alt") == [f"Portrait of Person {n}" for n in range(3)]


def test_a_run_in_which_nothing_was_read_or_found_has_a_page(tmp_path: Path) -> None:
    page = made(tmp_path, configured(), statuses=["missing"], n_people=0)
    assert "0 people" in page.text
    assert "Most on screen" not in page.text


def test_the_recommended_clustering_comes_first_and_few_have_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "MOST_PICTURED", 2)
    page = made(tmp_path, configured(0.3, 0.35, 0.4), recommended="eps-0.40")
    order = [page.text.index(text) for text in ("eps-0.40, recommended", "eps-0.30 3 people", "eps-0.35 3")]
    assert order == sorted(order)
    pictures = page.all("img", "alt")
    pictured = {name for name in ("eps-0.30", "eps-0.35", "eps-0.40") for alt in pictures if name in alt}
    assert pictured == {"eps-0.40", "eps-0.30"}
    assert any("Charts of the scores" in alt for alt in pictures)
    assert not any("Charts" in alt for alt in made(tmp_path / "one", configured()).all("img", "alt"))


def test_inventories_that_are_not_whole_are_listed(tmp_path: Path) -> None:
    rows = ["station,day,status,n_shows,n_refused,reason,archive", "NTV,2026-10-01,ok,3,0,,x"]
    rows += ["NTV,2026-10-02,ok,3,2,,x", "NTV,2026-10-03,missing,0,0,404 Not Found,x"]
    page = made(tmp_path, configured(), inventories="\n".join([*rows, ""]))
    assert "3 station-days searched, 1 without a usable inventory" in page.text
    assert "2 missing, damaged, or with entries that were refused" in page.text
    assert "404 Not Found" in page.text
    assert "NTV 2026-10-01" not in page.text


def test_time_and_memory_of_the_jobs_are_shown(tmp_path: Path) -> None:
    benchmarks, start = tmp_path / "results" / "benchmarks", 1_790_000_000
    measured(
        benchmarks / "encode" / ENCODER / ORIGIN / "1TV_20261001_030000.tsv", start + 3600, 3600, 3500, 420
    )
    measured(
        benchmarks / "encode" / ENCODER / ORIGIN / "NTV_20261001_040000.tsv", start + 3600, 3600, 3500, 20_480
    )
    measured(benchmarks / "made-up" / "merge.tsv", start + 90_000, 60, "NA", "NA")
    page = made(tmp_path, configured())
    assert "3 jobs in 61 min of work, without the 23 h 59 min in which nothing ran" in page.text
    assert "117 min of CPU time, which is 1.9 cores on average and 1.9 at most" in page.text
    assert "from left to right: minutes of work" in page.text
    assert "encode 2 2 h 0 min 117 min 0.97 20.0 GB" in page.text
    assert "merge 1 1 min 0 s 0 s 0.00 –" in page.text
    assert "all 3 2 h 1 min 117 min 0.96 20.0 GB" in page.text
    assert len(page.all("polygon", "points")) == len(page.all("line", "x1")) == 1


def test_models_and_versions_of_the_encodings_are_told(tmp_path: Path) -> None:
    folder = tmp_path / "results" / "faces" / ENCODER / ORIGIN
    for broadcast, version in (("1TV_20261001_030000", "0.1.0"), ("NTV_20261001_040000", "0.0.9")):
        facts = {"castgraph": version, "models": {"embedder.dat": "55533b28"}}
        tables.write(folder / f"{broadcast}.parquet", tables.FACES.empty_table(), facts)
    page = made(tmp_path, configured())
    assert page.text.count("Encodings of 1 broadcast") == page.text.count("55533b28") == 2
    assert "of castgraph 0.0.9" in page.text


def test_passwords_in_addresses_are_not_shown(tmp_path: Path) -> None:
    page = made(tmp_path, configured(archive={"base_url": "https://me:secret@archive.example/zips"}))
    assert "base_url: https://…@archive.example/zips" in page.text
    assert "secret" not in page.text


@pytest.mark.slow
def test_a_large_run_gives_a_small_page(tmp_path: Path) -> None:
    statuses = ["missing" if number % 33 == 0 else "ok" for number in range(10_000)]
    config = configured(
        0.4, 0.42, broadcasts={"ids": [f"NTV_20261001_{number:06d}" for number in range(10_000)]}
    )
    page = made(tmp_path, config, statuses=statuses, n_people=5000, reason="404 " + "so " * 500)
    assert (tmp_path / "results" / "made-up" / "report.html").stat().st_size < 2e6
    assert "304 missing" in page.text
    assert "And 4,976 more" in page.text
    assert "… and 5," in page.text  # lines of the configuration
    rows = json.loads((tmp_path / "results" / "made-up" / "summary.json").read_text())["not_ok"]
    assert all(row["broadcast"] in page.text for row in rows)


def test_screen_time_is_shown_by_day_with_what_was_read(tmp_path):
    page = made(tmp_path, configured())
    assert "Screen time by day" in page.text
    assert "2026-10-01 2026-10-03" in page.text
    assert "Person 2 3.0 3.0" in page.text
    assert "read 60 60" in page.text


def test_who_rose_and_who_fell_is_told(tmp_path):
    page = made(tmp_path, configured())
    assert "Person 1 rose most, from 25.0% to 75.0% of the PageRank." in page.text
    assert "Person 0 fell most, from 75.0% to 25.0% of the PageRank." in page.text
    assert "The mean PageRank of 2026-W40 and of 2026-W41" in page.text
    assert "Person 1 25.0% 75.0% +50.0 Person 0 75.0% 25.0% -50.0" in page.text


def test_who_is_first_without_those_who_are_always_on_air_is_told(tmp_path):
    page = made(tmp_path, configured(), n_people=4, hosts=["P01"])
    assert "Person 1 is on air in more than 15% of all frames" in page.text
    assert "Without Person 1" in page.text
    alone = made(tmp_path / "none", configured(), n_people=4)
    assert "always on air" not in alone.text
    assert "always on air" not in made(tmp_path, configured(network={"always_on": None})).text


def test_over_which_clusterings_a_pair_holds_is_told_where_there_are_several(tmp_path):
    page = made(tmp_path, configured(0.4, 0.45))
    assert "0.4 to 0.5" in page.text
    assert "holds" not in made(tmp_path / "one", configured()).text


def test_who_is_on_screen_for_too_short_is_not_shown(tmp_path):
    page = made(tmp_path, configured(people={"min_seconds": 3997}))
    assert "Person 0" in page.text
    assert "Person 1" not in page.text


def test_the_words_that_stand_out_are_shown_and_what_became_of_transcripts(tmp_path: Path) -> None:
    config = configured()
    folder = tmp_path / "results" / "made-up"
    finish(folder, config, n_people=3)
    selected = [
        row["broadcast"] for row in tables.read(folder / "broadcasts.parquet", tables.BROADCASTS).to_pylist()
    ]
    told = [
        {"broadcast": name, "status": status, "reason": HOSTILE * (status != "ok")}
        for name, status in zip(selected, ("ok", "shifted", "missing"), strict=True)
    ]
    write(folder / "transcripts.parquet", tables.TRANSCRIPTS, told)
    counts = {"n_utterances": 1200, "n_outside": 300, "n_without_frames": 20, "n_left_out": 10}
    for clustering in names(config):
        rows = [
            {"person_id": who, "other_id": other, "language": "en", "word": word, "n": n, "z": z}
            | {"n_rest": 7, "n_words": 90, "n_broadcasts": 2, "log_odds": 1.0}
            for who, other, word, n, z in (
                (person(0), "", HOSTILE, 3, 2.0),
                (person(0), person(1), "boat", 5, 4.0),
                (person(0), person(1), "lake", 4, 3.0),
                (person(9), "", "nobody", 9, 9.0),
            )
        ]
        write(folder / clustering / "words.parquet", tables.WORDS, rows, counts)
    page = made(tmp_path, config)
    assert "Said while they are on the screen" not in page.text  # an earlier configuration left them there
    write_report(folder / "report.html", names(config), config, with_words=True)
    page = Page(folder / "report.html")
    for text in (
        "Of 1,200 utterances 300 were said while none",
        "20 while no frame was read",
        "10 are left out",
        "Person 0 – Person 1 boat 5 , lake 4",
        "1 ok, 1 shifted, 1 missing.",
        "and moved they would: they are wrong",
    ):
        assert text in page.text, text
    assert "nobody 9" not in page.text
    assert "z 4.0; 7 elsewhere" in page.all("span", "title")
    assert not [tag for tag, _ in page.tags if tag == "script"]
    assert page.all("img", "onerror") == []


def test_what_is_on_air_again_is_listed_and_drawn(tmp_path):
    ids = [f"{station}_20261001_0{hour}0000" for hour, station in ((3, "1TV"), (4, "NTV"))]
    start = datetime(2026, 10, 1, 4, 20, tzinfo=UTC)
    row = {"broadcast": ids[1], "first_frame": 301, "last_frame": 310, "start": start}
    row |= {"end": start + timedelta(seconds=40), "earlier_broadcast": ids[0], "earlier_first_frame": 31}
    row |= {"earlier_start": start - timedelta(hours=1, minutes=18), "n_frames": 10, "n_showings": 2}
    rows = [row | {"kind": kind, "distance": 2.0} for kind in ("commercial", "scene")]
    rows += [
        row | {"kind": "scene", "first_frame": 400 + n, "distance": 2.0, "n_frames": 4} for n in range(25)
    ]
    page = made(tmp_path, configured(), replays=rows)
    assert "On air again" in page.text and "All of it counts each time" in page.text
    assert (
        f"scene 40 s 2 2026-10-01 03:02 {ids[0]}, frame 31 2026-10-01 04:20 {ids[1]}, frame 301" in page.text
    )
    assert "And 7 more" in page.text
    assert f"https://archive.example/frame?id={ids[0]}&frame=31" in page.all("a", "href")
    drawn = [path for path in page.all("path", "d") if "Q" in path]
    assert len(drawn) == 20 and len(set(drawn)) == 1
    assert "counts the first time only" in made(tmp_path, configured(network={"count_replays": "once"})).text
    assert "On air again" not in made(tmp_path / "other", configured()).text


def test_suspects_are_told_of_where_they_are_looked_for(tmp_path: Path) -> None:
    assert "labelling.html" not in (page := made(tmp_path, configured())).text + str(page.tags)
    folder = tmp_path / "results" / "made-up"
    summary = json.loads((folder / "summary.json").read_text())
    rows = [
        {"broadcast": None, "station": "NTV", "day": "2026-10-01", "other_title": HOSTILE}
        | {"title": "", "missing_name": "", "reason": ""}
    ]
    found = {"judged": 3, "not_judged": 1, "left_out": True, "suspects": rows * 7}
    summary["clusterings"]["eps-0.40"]["labelling"] = found
    (folder / "summary.json").write_text(json.dumps(summary))
    page = made(tmp_path, configured())
    assert "eps-0.40/labelling.html" in page.all("a", "href")
    assert "7 suspects of 3 broadcasts that were judged by their likeness" in page.text
    assert "left out of pairs and of screen time by day. NTV 2026-10-01 (like" in page.text
    assert "and 2 more" in page.text
    assert not [name for name, _ in page.tags if name == "script"]
