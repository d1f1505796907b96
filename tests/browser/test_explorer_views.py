"""The explorer's views of a person, a pair, a broadcast and of time: every number leads to its frames."""

import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect
from tests.browser.conftest import HOSTILE
from tests.browser.test_explorer import saved, violations
from tests.explored import (
    CLUSTERING,
    EVENING,
    FILM,
    HOSTILE_LABEL,
    MISSING,
    MORNING,
    Explorer,
    Face,
    Story,
    explore,
    read,
)
from tests.node import installed

Open = Callable[..., Page]
SVG = {"svg": "http://www.w3.org/2000/svg"}
STILL = 4.0
IDS = ("K7Q2", "A3BC", "M3XA", "T4K9", "Z0Z0")
LONG = "1TV_20240110_190000_Debate"
NIGHT = "1TV_20240104_235800_Night"


@pytest.fixture(scope="module")
def made() -> Story:
    """Five people in stills, a film by its own clock, a night that goes on after midnight, and one debate.

    Frames are damaged, unreadable and absent, one broadcast is missing, two stretches were on air before.
    """
    rng = np.random.default_rng(7)
    frames = {
        MORNING: dict.fromkeys(range(1, 31), "ok"),
        EVENING: {
            n: {7: "damaged", 8: "damaged", 9: "unreadable"}.get(n, "ok")
            for n in range(3, 41)
            if n not in (20, 21)
        },
        FILM: dict.fromkeys(range(1, 21), "ok"),
        NIGHT: dict.fromkeys(range(1, 61), "ok"),
        LONG: dict.fromkeys(range(1, 121), "ok"),
        MISSING: {},
    }
    faces = []
    for name, of in frames.items():
        often = (0.9, 0.85) if name == LONG else (0.5, 0.4, 0.3)
        for frame in (n for n, status in of.items() if status == "ok"):
            place = 0
            for person, share in zip(IDS, often, strict=False):
                if rng.random() < share:
                    faces.append(Face(name, frame, person, place))
                    place += 1
    # Twice in a frame; once in all; and one who is only ever adjacent.
    faces += [Face(MORNING, 30, "K7Q2", 5), Face(MORNING, 30, "T4K9", 6), Face(FILM, 20, "Z0Z0", 6)]
    faces = [face for face in faces if not (face.broadcast == FILM and face.frame == 20 and face.place < 6)]
    return Story(
        faces,
        frames,
        clock={FILM: lambda frame: 3.9 * (frame - 1)},
        names={"A3BC": "Ann Example", "M3XA": HOSTILE},
        replays=[(EVENING, 10, 15, MORNING, 4), (EVENING, 30, 31, FILM, 2)],
        words=True,
        visual=True,
    )


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, made: Story) -> Explorer:
    return explore(tmp_path_factory.mktemp("views"), made)


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory, made: Story) -> Explorer:
    return explore(
        tmp_path_factory.mktemp("once"),
        made.with_config(network={"count_replays": "once"}, explorer={"frames": 0}),
    )


def address(found: Explorer) -> Path:
    return found.folder / "index.html"


def table_of(found: Explorer, name: str) -> list[dict[str, Any]]:
    return read(found.folder.parent / "made-up" / CLUSTERING / f"{name}.parquet", name).to_pylist()


def sightings(found: Explorer) -> list[dict[str, Any]]:
    """Every face of everybody: `person_id`, and what the tables say of it."""
    run = found.folder.parent / "made-up"
    faces = read(run / "faces.parquet", "faces").to_pylist()
    members = read(run / CLUSTERING / "members.parquet", "members").to_pylist()
    at = moments(found)
    return [
        {**face, **member, "time": at[face["broadcast"], face["frame"]]}
        for face, member in zip(faces, members, strict=True)
        if member["person_id"]
    ]


def rows(page: Page, of: str) -> list[dict[str, str]]:
    """What the CSV of a table or chart says."""
    file = saved(page, page.get_by_role("button", name=f"Save {of} as CSV", exact=True))
    return list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))


def plain(text: str) -> str:
    return re.sub("[\u2068\u2069]", "", text)


def go(page: Page, where: str, heading: str) -> None:
    page.evaluate("where => { location.hash = where }", where)
    expect(page.locator("h1").first).to_contain_text(heading)


def told(value: bool) -> str:
    return str(value).lower()


def utc(moment: datetime) -> str:
    return moment.replace(microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")


def moments(found: Explorer) -> dict[tuple[str, int], datetime]:
    """When each frame that was read was on air."""
    table = read(found.folder.parent / "made-up" / "frames.parquet", "frames").to_pylist()
    return {(row["broadcast"], row["frame"]): row["time"] for row in table if row["status"] == "ok"}


def names(found: Explorer) -> dict[str, str]:
    people = found.tables["people"]
    return dict(zip(people["person_id"], people["name"], strict=True))


# Every frame that makes a pair


@pytest.mark.parametrize("counting", ["always", "once"])
def test_the_frames_of_every_edge_are_the_meetings_of_the_table(
    open_page: Open, found: Explorer, once: Explorer, counting: str
) -> None:
    run = found if counting == "always" else once
    meetings = defaultdict(list)
    for row in table_of(run, "meetings"):
        meetings[row["source"], row["target"]].append(row)
    edges = [row for row in table_of(run, "edges") if row["same_frame"] or row["adjacent"]]
    assert len(edges) > 4
    assert any(row["same_frame"] == 0 for row in edges)  # one is only adjacent
    page = open_page(address(run), "#/about")
    for edge in edges:
        pair = edge["source"], edge["target"]
        go(page, f"#/pair/{pair[0]}/{pair[1]}", names(run)[pair[1]])
        expect(page.locator(".pair")).to_be_visible()
        figures = page.locator(".figures dd")
        expect(figures.nth(0)).to_have_text(f"{edge['same_frame']:,}")
        expect(figures.nth(1)).to_have_text(f"{edge['adjacent']:,}")
        expect(figures.nth(2)).to_have_text(f"{len(meetings[pair]):,}")
        expect(figures.nth(3)).to_have_text(f"{edge['n_broadcasts']}")
        expect(figures.nth(4)).to_have_text(f"{edge['weight']:g}")
        expect(page.locator(".callout:visible")).to_have_count(0)
        listed = rows(page, "Frames that make the pair")
        assert {
            (row["broadcast"], int(row["frame"]), row["time"], row["same_frame"], row["adjacent"])
            for row in listed
        } == {
            (
                row["broadcast"],
                row["frame"],
                utc(row["time"]),
                *map(told, (row["same_frame"], row["adjacent"])),
            )
            for row in meetings[pair]
        }
        assert len(listed) == len(meetings[pair])


def test_of_a_pair_only_what_the_filters_let_count_is_shown(open_page: Open, found: Explorer) -> None:
    both = ("A3BC", "K7Q2")
    all_ = [row for row in table_of(found, "meetings") if (row["source"], row["target"]) == both]
    page = open_page(address(found), "#/about")
    for asked, keep in {
        "from=2024-01-05": lambda row: row["time"] >= datetime(2024, 1, 5, tzinfo=UTC),
        "to=2024-01-04&station=1TV": lambda row: (
            row["broadcast"] == NIGHT and row["time"] < datetime(2024, 1, 5, tzinfo=UTC)
        ),
        "show=Film": lambda row: row["broadcast"] == FILM,
    }.items():
        expected = [row for row in all_ if keep(row)]
        assert 0 < len(expected) < len(all_)
        go(page, f"#/pair/K7Q2/A3BC?{asked}", "Ann Example")
        expect(page.locator(".figures dd").nth(0)).to_have_text(
            str(sum(row["same_frame"] for row in expected))
        )
        expect(page.locator(".figures dd").nth(1)).to_have_text(str(sum(row["adjacent"] for row in expected)))
        assert len(rows(page, "Frames that make the pair")) == len(expected)
    go(page, "#/pair/K7Q2/A3BC?station=OWN&show=News", "Ann Example")
    expect(page.get_by_text("In what the filters let count, the two are never")).to_be_visible()


def test_a_pair_is_compared_with_chance_in_words(open_page: Open, found: Explorer) -> None:
    edge = max(table_of(found, "edges"), key=lambda row: row["weight"])
    page = open_page(address(found), f"#/pair/{edge['target']}/{edge['source']}")
    more = {True: "more than chance", False: "no more than chance may do"}[edge["q"] <= 0.05]
    expect(page.locator(".lead")).to_contain_text(more)
    expect(page.locator(".lead")).to_contain_text(f"{edge['same_frame']} do")


def test_what_was_said_and_the_words_of_a_pair_are_shown(open_page: Open, found: Explorer) -> None:
    first, second = found.tables["people"]["person_id"][:2]
    page = open_page(address(found), f"#/pair/{first}/{second}")
    expect(page.get_by_role("heading", name="Words that stand out")).to_be_visible()
    assert [row["word"] for row in rows(page, "Words that stand out")] == ["</script>"]
    faces = {
        person: {(row["broadcast"], row["frame"]) for row in sightings(found) if row["person_id"] == person}
        for person in (first, second)
    }
    together = (MORNING, 1) in faces[first] & faces[second]
    said = page.get_by_role("heading", name="What was said in these frames")
    expect(said).to_have_count(1 if together else 0)


# A person


def test_the_time_of_a_person_is_what_the_frames_say(open_page: Open, found: Explorer) -> None:
    read_at = moments(found)
    seen = {(row["broadcast"], row["frame"]) for row in sightings(found) if row["person_id"] == "K7Q2"}
    page = open_page(address(found), "#/person/K7Q2")
    people = {row["person_id"]: row for row in table_of(found, "people")}
    expect(page.locator(".figures dd").nth(2)).to_have_text(str(people["K7Q2"]["n_frames"]))
    expect(page.locator(".figures dd").nth(3)).to_have_text(str(people["K7Q2"]["n_broadcasts"]))
    labels: dict[str, Callable[[datetime], str]] = {
        "day": lambda time: f"{time:%Y-%m-%d}",
        "week": lambda time: "{}-W{:02}".format(*time.isocalendar()),
        "month": lambda time: f"{time:%Y-%m}",
    }
    for by, label in labels.items():
        page.get_by_role("button", name=f"By {by}", exact=True).click()
        expect(page.get_by_role("button", name=f"By {by}", exact=True)).to_be_focused()
        title = f"\u2068Person K7Q2\u2069: time on the screen a {by}"
        expect(page.locator(".chart-title").first).to_have_text(title)
        found_rows = rows(page, title)
        on_screen = Counter(label(read_at[key]) for key in seen)
        whole = Counter(label(time) for time in read_at.values())
        assert {row[by]: float(row["read_seconds"]) for row in found_rows if float(row["read_seconds"])} == {
            part: n * STILL for part, n in whole.items()
        }
        assert {row[by]: float(row["K7Q2 seconds"]) for row in found_rows if row["K7Q2 seconds"]} == {
            part: on_screen[part] * STILL for part in whole
        }
        for row in found_rows:
            if row["K7Q2 share"]:
                assert float(row["K7Q2 share"]) == pytest.approx(on_screen[row[by]] / whole[row[by]])
        if by == "day":
            days = [datetime.fromisoformat(row["day"]) for row in found_rows]
            assert days == [days[0] + timedelta(n) for n in range(len(days))]  # none is left out
            missing = next(row for row in found_rows if row["day"] == "2024-01-03")
            assert missing["broadcasts_not_there"] == "1"
            assert missing["K7Q2 seconds"] == ""  # nothing was read: that is no zero
            assert page.locator(".chart-svg rect.gap").count() > 0


def test_appearances_and_broadcasts_of_a_person_are_those_of_the_tables(
    open_page: Open, found: Explorer
) -> None:
    page = open_page(address(found), "#/person/A3BC")
    gap = timedelta(seconds=12)
    at = moments(found)
    frames = defaultdict(set)
    for row in sightings(found):
        if row["person_id"] == "A3BC":
            frames[row["broadcast"]].add(row["frame"])
    expected = []
    for broadcast in sorted(frames, key=lambda name: (name.split("_")[1:3], name)):
        for frame in sorted(frames[broadcast]):
            time = at[broadcast, frame]
            if expected and expected[-1][0] == broadcast:
                last = expected[-1][2]
                if time - at[broadcast, last] - timedelta(seconds=STILL) <= gap:
                    expected[-1][2:] = [frame, expected[-1][3] + 1]
                    continue
            expected.append([broadcast, frame, frame, 1])
    listed = rows(page, "Appearances of Ann Example")
    assert [
        [row["broadcast"], int(row["first_frame"]), int(row["last_frame"]), int(row["n_frames"])]
        for row in listed
    ] == expected
    assert listed[0]["start"] == utc(at[expected[0][0], expected[0][1]])
    by_broadcast = {row["broadcast"]: row for row in rows(page, "Broadcasts with Ann Example")}
    assert {name: int(row["frames"]) for name, row in by_broadcast.items()} == {
        name: len(of) for name, of in frames.items()
    }
    assert float(by_broadcast[EVENING]["share_of_read"]) == pytest.approx(len(frames[EVENING]) / 33)
    strip = page.locator(".strip", has=page.locator(".hatch")).first
    expect(strip.locator(".hatch")).to_have_count(4)  # absent at first, damaged, unreadable, absent
    expect(strip.locator(".again")).to_have_count(2)


def test_partners_are_the_edges_and_under_filters_the_meetings(open_page: Open, found: Explorer) -> None:
    page = open_page(address(found), "#/person/K7Q2")
    names_ = ("weight", "same_frame", "adjacent", "n_broadcasts")
    expected = {
        other: {name: float(row[name]) for name in names_}
        for row in table_of(found, "edges")
        for one, other in ((row["source"], row["target"]), (row["target"], row["source"]))
        if one == "K7Q2"
    }
    listed = rows(page, "Seen with")
    assert {row["person_id"]: {name: float(row[name]) for name in names_} for row in listed} == expected
    page.locator(".filters select[name=show]").select_option("News")
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in table_of(found, "meetings"):
        if "K7Q2" in (row["source"], row["target"]) and row["broadcast"] == EVENING:
            other = row["target"] if row["source"] == "K7Q2" else row["source"]
            counts[other].update(
                same_frame=int(row["same_frame"]), adjacent=int(row["adjacent"]),
                weight=2 * int(row["same_frame"]) + int(row["adjacent"]),
            )  # fmt: skip
    expect(page.get_by_text("Ratio and chance are of the whole run")).to_be_visible()
    listed = rows(page, "Seen with")
    for name in ("weight", "same_frame", "adjacent"):
        assert {row["person_id"]: float(row[name]) for row in listed} == {
            other: float(count[name]) for other, count in counts.items()
        }


def test_faces_nearest_and_furthest_are_by_the_distances_of_the_table(
    open_page: Open, found: Explorer
) -> None:
    page = open_page(address(found), "#/person/K7Q2")
    mine = [row["distance"] for row in sightings(found) if row["person_id"] == "K7Q2"]
    scale = found.manifest["distance_scale"] / 255
    for label, best in (("Nearest to the middle", min(mine)), ("Furthest from the middle", max(mine))):
        cards = page.get_by_role("list", name=label).get_by_role("button")
        expect(cards.first).to_be_visible()
        told = [float((text or "").split()[-1]) for text in cards.locator(".distance").all_text_contents()]
        assert abs(told[0] - best) <= scale + 0.005
        assert told == sorted(told, reverse=label.startswith("Furthest"))
    cards.first.click()
    expect(page.get_by_role("dialog")).to_contain_text("Distance from the middle: ")


# A broadcast


def test_pictures_that_stand_out_lead_to_their_frames_and_to_who_else_is_seen_with_them(
    open_page: Open, found: Explorer
) -> None:
    frames = {
        (row["broadcast"], row["frame"]): row
        for row in read(
            found.folder.parent / "made-up" / "visual" / "frames.parquet", "visual_frames"
        ).to_pylist()
    }
    ids = found.tables["people"]["person_id"]
    told = [
        (ids[person], found.tables["sights"]["kind"][sight], found.tables["sights"]["name"][sight])
        for person, sight in zip(
            found.tables["seen_with"]["person"], found.tables["seen_with"]["sight"], strict=True
        )
    ]
    first = told[0][0]
    seen = {(row["broadcast"], row["frame"]) for row in sightings(found) if row["person_id"] == first}

    def shown(name: str) -> list[tuple[str, int]]:
        alike = ((place, frames[place[0], frames[place]["alike"]]) for place in sorted(seen & set(frames)))
        return [
            place
            for place, row in alike
            if name in (*row["labels"], f"Group {row['group']}", f"Setting {row['setting']}")
        ]

    page = open_page(address(found), f"#/person/{first}")
    section = page.locator("section").filter(has=page.get_by_role("heading", name="Pictures that stand out"))
    cards = section.locator(".sights li")
    mine = [f"{kind.title()} {name}" for person, kind, name in told if person == first and kind != "label"]
    assert mine == ["Setting 1", "Group 1", "Group 0"]
    expect(cards).to_have_count(len(mine))
    expect(section).to_contain_text(f"{len(frames)} frames of 2 broadcasts")
    for n, name in enumerate(mine):
        places = shown(name)
        assert places
        expect(cards.nth(n)).to_contain_text(f"{len(places)} frame")
        expect(cards.nth(n)).to_contain_text(HOSTILE_LABEL)
        loaded = cards.nth(n).locator("img")
        loaded.scroll_into_view_if_needed()
        expect(loaded).to_have_js_property("naturalWidth", 160)
        cards.nth(n).get_by_role("button").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("heading").first).to_contain_text(name)
        expect(dialog.get_by_role("status")).to_have_text(f"1 of {len(places)}")
        page.keyboard.press("End")
        expect(dialog.locator(".frame-facts")).to_contain_text(f"frame {places[-1][1]}, ")
        page.keyboard.press("Escape")
    others = [person for person, kind, name in told if (kind, name) == ("group", "1") and person != first]
    assert others
    expect(cards.nth(1).locator(".also a")).to_have_count(len(others))
    assert [row["n_frames"] for row in rows(page, "Labels that stand out")] == [
        str(len(shown(name))) for person, kind, name in told if (person, kind) == (first, "label")
    ]
    # Filters say what counts.
    page.evaluate("where => { location.hash = where }", f"#/person/{first}?from=2024-01-04")
    expect(cards.nth(0)).to_contain_text("0 frames")
    expect(cards.nth(0).get_by_role("button")).to_be_disabled()
    page.evaluate("where => { location.hash = where }", f"#/person/{first}")
    cards.nth(1).get_by_role("link", name="In its broadcast").click()
    expect(page.get_by_role("dialog").locator(".frame-facts")).to_contain_text("frame 11, ")


def test_the_lanes_of_a_broadcast_are_its_sightings(open_page: Open, found: Explorer) -> None:
    page = open_page(address(found), f"#/broadcast/{EVENING}")
    frames: dict[str, set[int]] = defaultdict(set)
    for row in sightings(found):
        if row["broadcast"] == EVENING:
            frames[row["person_id"]].add(row["frame"])
    listed = rows(page, "People in this broadcast")
    assert {row["person_id"]: int(row["frames"]) for row in listed} == {
        person: len(of) for person, of in frames.items()
    }
    assert [int(row["frames"]) for row in listed] == sorted((len(of) for of in frames.values()), reverse=True)
    lanes = page.locator(".lane-svg path.area")
    expect(lanes).to_have_count(len(frames))
    runs = [sum(frame - 1 not in of for frame in of) for of in frames.values()]
    drawn = [lane.get_attribute("d").count("z") for lane in lanes.all()]
    assert sorted(drawn) == sorted(runs)
    expect(page.locator(".lane-svg rect.gap")).to_have_count(4)
    expect(page.locator(".lane-svg .again-bracket")).to_have_count(2)
    gaps = [
        (int(row["first_frame"]), int(row["last_frame"]), row["status"]) for row in rows(page, "Not read")
    ]
    absent = "the archive has no picture"
    assert gaps == [(1, 2, absent), (7, 8, "damaged"), (9, 9, "unreadable"), (20, 21, absent)]
    again = rows(page, "On air before")
    assert [(row["first_frame"], row["earlier_broadcast"], row["earlier_first_frame"]) for row in again] == [
        ("10", MORNING, "4"),
        ("30", FILM, "2"),
    ]
    for order in ("By first appearance", "By name"):
        page.get_by_role("button", name=order).click()
        expect(page.get_by_role("button", name=order)).to_be_focused()
    told = page.locator(".lane-name").all_inner_texts()
    assert told == sorted(told, key=str.casefold)


def test_a_frame_of_the_address_is_open_and_lanes_are_walked_by_keys(
    open_page: Open, found: Explorer
) -> None:
    page = open_page(address(found), f"#/broadcast/{MORNING}?frame=18")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("frame 18, 1:08 into it, 2024-01-02 07:01:08 UTC")
    expect(page.locator(".lane-svg .chosen")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.locator(".lane-plot").focus()
    page.keyboard.press("ArrowRight")  # to the first lane
    first = min(
        row["frame"] for row in sightings(found) if row["broadcast"] == MORNING and row["person_id"] == "K7Q2"
    )
    expect(page.locator(".lane-plot .tip")).to_contain_text(f"Frame {first},")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(1)
    frame = re.search(r"frame (\d+),", dialog.inner_text())
    assert frame
    expect(page).to_have_url(re.compile(rf"frame={frame[1]}$"))
    page.keyboard.press("Escape")
    page.evaluate(f"location.hash = '#/broadcast/{EVENING}?frame=7'")
    expect(dialog).to_contain_text("This frame could not be read (damaged).")


def test_a_film_has_its_own_clock(open_page: Open, found: Explorer) -> None:
    page = open_page(address(found), f"#/broadcast/{FILM}?frame=11")
    expect(page.get_by_role("dialog")).to_contain_text("frame 11, 0:39 into it, 2024-01-02 19:00:39 UTC")
    page.keyboard.press("Escape")
    listed = {row["person_id"]: row for row in rows(page, "People in this broadcast")}
    at = moments(found)
    last = max(
        row["frame"] for row in sightings(found) if row["broadcast"] == FILM and row["person_id"] == "A3BC"
    )
    assert listed["A3BC"]["last_seen"] == utc(at[FILM, last])


def test_a_broadcast_that_is_not_there_says_why(open_page: Open, found: Explorer) -> None:
    page = open_page(address(found), f"#/broadcast/{MISSING}")
    expect(page.locator("main")).to_contain_text("not in <the> archive")
    expect(page.locator("main")).to_contain_text("nothing read")
    for where, text in (
        ("#/broadcast/NO", "No broadcast NO"),
        ("#/person/NO", "No person NO"),
        ("#/pair/K7Q2/NO", "No such pair"),
        ("#/pair/K7Q2/K7Q2", "No such pair"),
        ("#/pair/K7Q2", "No such pair"),
    ):
        go(page, where, text)


def test_filters_say_what_of_a_broadcast_counts(open_page: Open, found: Explorer) -> None:
    page = open_page(address(found), f"#/broadcast/{NIGHT}?from=2024-01-05")
    expect(page.locator(".callout:visible")).to_contain_text("only frames 31 to 60 count")
    page.evaluate(f"location.hash = '#/broadcast/{NIGHT}?station=NTV'")
    expect(page.locator(".callout:visible")).to_contain_text("leave this broadcast out")


# Over time


def test_a_timeline_has_its_address_and_is_changed_by_a_chooser(open_page: Open, found: Explorer) -> None:
    page = open_page(address(found), "#/timeline/K7Q2,A3BC+K7Q2?by=day&as=share")
    chips = page.get_by_role("list", name="What is shown").get_by_role("listitem")
    expect(chips).to_have_count(2)
    at = moments(found)
    whole = Counter(f"{time:%Y-%m-%d}" for time in at.values())
    met = Counter(
        f"{row['time']:%Y-%m-%d}"
        for row in table_of(found, "meetings")
        if (row["source"], row["target"]) == ("A3BC", "K7Q2")
    )
    title = "Share of the airtime read a day"
    shares = {row["day"]: row["A3BC+K7Q2 share"] for row in rows(page, title)}
    assert {day: float(share) for day, share in shares.items() if share} == pytest.approx(
        {day: met[day] / n for day, n in whole.items()}
    )
    page.get_by_label("Person", exact=True).fill("T4K9")
    page.keyboard.press("Enter")
    expect(chips).to_have_count(3)
    assert "/timeline/K7Q2,A3BC+K7Q2,T4K9?" in page.url
    assert "as=share" in page.url
    page.get_by_label("Person", exact=True).fill("ann exam")
    page.get_by_label("Together with").fill("Person T4K9")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(chips.last).to_contain_text("Ann Example and Person T4K9")
    page.get_by_label("Person", exact=True).fill("Person")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("Which person?")).to_be_visible()
    page.get_by_role("link", name="Take Person K7Q2 out").click()
    expect(chips).to_have_count(3)
    page.get_by_role("button", name="Time on the screen").click()
    expect(page.locator(".chart-title").first).to_have_text("Time on the screen a day")
    go(page, "#/timeline/K7Q2,NONE", "Timeline")
    expect(page.get_by_role("alert").filter(has_text="NONE")).to_be_visible()


def test_points_of_a_chart_are_reached_by_keys_and_open_their_frames(
    open_page: Open, found: Explorer
) -> None:
    page = open_page(address(found), "#/timeline/K7Q2,A3BC?by=day")
    plot = page.locator(".plot")
    plot.focus()
    page.keyboard.press("Home")
    tip = page.locator(".plot .tip")
    expect(tip).to_contain_text("2 Jan 2024")
    page.keyboard.press("ArrowRight")
    expect(tip).to_contain_text("1 broadcast not there")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)  # there is nothing to open
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    seen = {
        (row["broadcast"], row["frame"])
        for row in sightings(found)
        if row["person_id"] == "A3BC" and row["time"].day == 2
    }
    expect(page.get_by_role("dialog")).to_contain_text(f"1 of {len(seen)}")
    page.keyboard.press("Escape")
    expect(plot).to_be_focused()
    page.get_by_text("The numbers as a table").click()
    page.locator(".numbers tbody:not([aria-hidden]) button").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("1 of ")


# Pictures


def test_pictures_are_shipped_and_boxes_lie_where_the_faces_are(open_page: Open, found: Explorer) -> None:
    edge = max(table_of(found, "edges"), key=lambda row: row["weight"])
    page = open_page(address(found), f"#/pair/{edge['source']}/{edge['target']}")
    evidence = page.locator(".evidence")
    expect(evidence.nth(2)).to_be_visible()
    opener = evidence.first
    opener.click()
    dialog = page.get_by_role("dialog")
    picture = dialog.locator(".frame-body .frame")
    assert picture.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    where = re.search(r"frame (\d+), ", dialog.inner_text())
    assert where
    shown = dialog.get_by_role("link").first.get_attribute("href") or ""
    faces = [row for row in sightings(found) if row["broadcast"] in shown and row["frame"] == int(where[1])]
    assert len(faces) >= 2
    expect(picture.locator(".box")).to_have_count(len(faces))
    frame = picture.bounding_box()
    assert frame
    places = {
        (round(box["x"] - frame["x"]), round(box["width"]))
        for each in picture.locator(".box").all()
        if (box := each.bounding_box())
    }
    per = (frame["width"] - 2) / 640
    for row in faces:
        left, wide = row["left"] * per + 1, (row["right"] - row["left"]) * per
        assert any(abs(x - left) <= 2 and abs(w - wide) <= 2 for x, w in places), (left, wide, places)
    before = page.url
    page.keyboard.press("ArrowRight")
    expect(dialog.get_by_role("status")).to_have_text(re.compile(r"^\d+ of "))
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert page.url == before
    expect(opener).to_be_focused()


def test_frames_are_walked_in_the_list_and_in_the_broadcast(open_page: Open, found: Explorer) -> None:
    page = open_page(address(found), "#/pair/K7Q2/A3BC")
    page.locator(".figures button").nth(2).click()
    dialog = page.get_by_role("dialog")
    n = sum((row["source"], row["target"]) == ("A3BC", "K7Q2") for row in table_of(found, "meetings"))
    expect(dialog.get_by_role("status")).to_have_text(f"1 of {n}")
    expect(dialog.get_by_role("button", name="Previous of the list")).to_have_attribute(
        "aria-disabled", "true"
    )
    page.keyboard.press("End")
    expect(dialog.get_by_role("status")).to_have_text(f"{n} of {n}")
    expect(dialog).to_contain_text(
        utc(
            max(
                row["time"]
                for row in table_of(found, "meetings")
                if (row["source"], row["target"]) == ("A3BC", "K7Q2")
            )
        )[:10]
    )
    page.keyboard.press("Home")
    dialog.get_by_role("button", name="Next of the list").click()
    expect(dialog.get_by_role("status")).to_have_text(f"2 of {n}")
    for _ in range(40):
        page.keyboard.press("ArrowUp")  # to the first frame of the broadcast, and no further
    expect(dialog).to_contain_text("frame 1,")
    dialog.get_by_role("link").first.click()
    expect(dialog.get_by_text("1 of 1")).to_be_visible()
    expect(page).to_have_url(re.compile(r"#/broadcast/.*frame=1$"))


def test_a_gallery_has_only_the_cards_near_what_is_in_sight(open_page: Open, found: Explorer) -> None:
    page = open_page(address(found), "#/pair/K7Q2/A3BC")
    page.get_by_role("button", name="Pictures").click()
    n = sum((row["source"], row["target"]) == ("A3BC", "K7Q2") for row in table_of(found, "meetings"))
    cards = page.locator(".gallery .card")
    expect(cards.first).to_be_visible()
    assert cards.count() < n
    page.locator(".gallery button[tabindex='0']").focus()
    page.keyboard.press("End")
    last = page.locator(f".gallery .card[aria-posinset='{n}'] button")
    expect(last).to_be_focused()
    expect(last).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("status")).to_have_text(f"{n} of {n}")
    page.keyboard.press("Escape")
    page.locator("button[data-value=same]").click()
    same = sum(
        row["same_frame"]
        for row in table_of(found, "meetings")
        if (row["source"], row["target"]) == ("A3BC", "K7Q2")
    )
    expect(page.locator(".gallery .card").first).to_have_attribute("aria-setsize", str(same))


def test_without_pictures_the_archive_is_marked_as_online_or_it_is_said_why(
    open_page: Open, made: Story, tmp_path: Path
) -> None:
    bare = made.with_config(explorer={"frames": 0})
    own = explore(tmp_path, bare, "own", archive={"base_url": "https://archive.example/zips"})
    page = open_page(address(own), f"#/broadcast/{LONG}?frame=60")
    expect(page.get_by_role("dialog")).to_contain_text("castgraph explore results/made-up")
    viewer = "https://archive.example/{broadcast}/{frame}"
    linked = explore(tmp_path, bare, "linked", archive={"frame_url": viewer})
    page = open_page(address(linked), f"#/broadcast/{LONG}?frame=60")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("looking goes online")
    link = dialog.get_by_role("link", name="goes online")
    expect(link).to_have_attribute("href", f"https://archive.example/{LONG}/60")
    expect(link).to_have_attribute("rel", "noopener noreferrer")


def test_a_served_page_asks_for_any_frame_with_whom_it_is_about(open_page: Open, found: Explorer) -> None:
    page = open_page("about:blank")
    asked: list[str] = []

    def serve(route: Route) -> None:
        path = route.request.url.removeprefix("http://127.0.0.1:9/").split("?")[0]
        if path.startswith("frame/"):
            asked.append(route.request.url)
            return route.fulfill(
                path=next((found.folder / "frames").glob("*.jpg")), content_type="image/jpeg"
            )
        file = found.folder / (path or "index.html")
        if not path:
            meta = '<meta name="castgraph-frames" content="/frame">'
            return route.fulfill(
                body=file.read_text().replace("</head>", f"{meta}</head>"), content_type="text/html"
            )
        return route.fulfill(path=file)

    page.route("http://127.0.0.1:9/**", serve)
    page.goto("http://127.0.0.1:9/#/pair/K7Q2/A3BC")
    expect(page.locator(".gallery .card").first).to_be_visible()  # with pictures for all, these come first
    page.locator(".gallery button[tabindex='0']").focus()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").locator(".frame-body > .frame > img")).to_be_visible()
    number = found.tables["broadcasts"]["broadcast"].index(LONG)
    expect(page.get_by_text("cut from the recording on this machine")).to_be_visible()
    assert any(re.search(rf"/frame/{number}/\d+\.jpg\?people=K7Q2%2CA3BC&width=640$", url) for url in asked)
    assert not any(re.search(r"/frame/\d+/0\.jpg", url) for url in asked)  # no frame before the first


def test_pictures_with_others_blurred_are_only_shown_of_their_pair(
    open_page: Open, made: Story, tmp_path: Path
) -> None:
    blurred = explore(tmp_path, made.with_config(explorer={"blur": "others", "frames": 1}))
    edges, frames, people = (blurred.tables[name] for name in ("edges", "frames", "people"))
    of = {people["person_id"].index(person) for person in ("K7Q2", "A3BC")}
    page = open_page(address(blurred), "#/pair/K7Q2/A3BC")
    mine = [
        k for k, edge in enumerate(frames["edge"]) if {edges["source"][edge], edges["target"][edge]} == of
    ]
    assert len(mine) == 1
    expect(page.locator(".evidence")).to_have_count(len(mine))
    shipped = [row for row in rows(page, "Frames that make the pair") if row["picture"] == "in this folder"]
    assert len(shipped) == len(mine)


# What can be had, and for everyone


def test_charts_and_lanes_can_be_had_as_svg_and_png(open_page: Open, found: Explorer) -> None:
    page = open_page(address(found), "#/person/M3XA")
    title = f"\u2068{HOSTILE}\u2069: time on the screen a day"
    drawing = ElementTree.parse(
        saved(page, page.get_by_role("button", name=f"Save {title} as SVG", exact=True))
    )
    texts = [plain(text.text or "") for text in drawing.getroot().iterfind(".//svg:text", SVG)]
    assert any(found.manifest["data_id"] in text for text in texts)
    assert any(text.startswith("Airtime read a day") for text in texts)
    assert "{{ 7 * 7 }}" in " ".join(texts)
    assert not drawing.getroot().findall(".//svg:script", SVG)
    with Image.open(
        saved(page, page.get_by_role("button", name=f"Save {title} as PNG", exact=True))
    ) as picture:
        assert picture.width == 2 * int(drawing.getroot().get("width", "0"))
        assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 5
    go(page, f"#/broadcast/{EVENING}", "News")
    drawing = ElementTree.parse(saved(page, page.get_by_role("button", name="Save the lanes as SVG")))
    texts = [plain(text.text or "") for text in drawing.getroot().iterfind(".//svg:text", SVG)]
    assert {"Ann Example", "Person K7Q2"} <= set(texts)
    with Image.open(saved(page, page.get_by_role("button", name="Save the lanes as PNG"))) as picture:
        assert picture.width > 1000


def test_hostile_names_stay_names(open_page: Open, found: Explorer) -> None:
    page = open_page(address(found), "#/person/M3XA")
    expect(page.locator("h1")).to_contain_text(HOSTILE)
    for where in ("#/pair/M3XA/K7Q2", f"#/broadcast/{MORNING}?frame=30", "#/timeline/M3XA,M3XA+K7Q2"):
        page.evaluate("where => { location.hash = where }", where)
        expect(page.get_by_text("onerror=alert(1)").first).to_be_visible()
        assert page.locator("img[src=x], script:not([src])").count() == 0


VIEWS = {
    "person": "#/person/K7Q2",
    "pair": "#/pair/K7Q2/A3BC",
    "broadcast": f"#/broadcast/{EVENING}",
    "frame": f"#/broadcast/{MORNING}?frame=18",
    "timeline": "#/timeline/K7Q2,A3BC,A3BC+K7Q2,T4K9,M3XA,Z0Z0?by=week",
}


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_opens_from_a_file_for_everyone(
    open_page: Open, found: Explorer, root: Path, view: str
) -> None:
    page = open_page(address(found), VIEWS[view])
    expect(page.locator("main section, main .plot svg").first).to_be_visible()
    if view == "frame":
        expect(page.get_by_role("dialog").locator(".frame-facts")).to_be_visible()
    if view == "pair":
        page.get_by_role("button", name="Pictures").click()
        expect(page.locator(".gallery .card").first).to_be_attached()
    if view == "timeline":
        page.get_by_text("The numbers as a table").click()
        page.locator(".plot").focus()
        page.keyboard.press("Home")
    axe = (installed(root / "web") / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")
    assert violations(page, axe) == []
    page.emulate_media(color_scheme="dark")
    contrast = """async () => {
      const only = { runOnly: ["color-contrast"], preload: false };
      const { violations } = await axe.run(document, only);
      return violations.flatMap(({ nodes }) => nodes.map((node) => node.html));
    }"""
    assert page.evaluate(contrast) == []
    if view == "timeline":
        page.keyboard.press("Escape")
        expect(page.locator(".plot .tip")).to_be_hidden()
    page.set_viewport_size({"width": 360, "height": 740})
    expect(page.locator("main section, main .plot svg").first).to_be_visible()
    page.wait_for_function("document.documentElement.scrollWidth <= 360")
