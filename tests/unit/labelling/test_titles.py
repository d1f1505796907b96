"""Titles that differ only in spelling are one, and no others."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castgraph.labelling.titles import joined


def titles(*shows: str, station: str = "NTV") -> dict[str, str]:
    return {show: found.title for (_, show), found in joined((station, show) for show in shows).items()}


@pytest.mark.parametrize(
    "spellings",
    [
        ("Evening_News", "Evening News", "evening-news", "EveningNews", "Evening_News_at_6"),
        ("Evening News", "The Evening News"),
        ("Evening News", "Evening News at 6:30 PM"),
        ("Tagesschau", "Tagesschau 20 Uhr"),
        ("ABC World News", "ABC World News With Diane Sawyer", "ABC World News with David Muir"),
        ("ABC World News With Diane Sawyer", "ABC World News with David Muir"),
        ("Columbo s01e02", "Columbo S01E03", "Columbo Episode 7"),
        ("Fox & Friends", "Fox and Friends"),
        ("Éveil", "Eveil"),
        ("Вечер", "вечер"),
        (*["Evening News"] * 20, "Evenning News"),
        (*["Evening News"] * 20, "Eveinng News"),
    ],
)
def test_spellings_of_one_title_are_joined(spellings: tuple[str, ...]) -> None:
    assert len(set(titles(*spellings).values())) == 1


@pytest.mark.parametrize(
    "shows",
    [
        ("News at 5", "News at 10", "News"),
        ("Channel 1", "Channel 2"),
        ("60 Minutes", "48 Hours"),
        ("BBC News", "BBC News America"),
        ("Evening News", "Morning News"),
        ("Evening News", "Evening News Special"),
        (*["Dateline"] * 30, "Lateline"),
        (*["Reporter"] * 30, "Reporters"),
        (*["Election 2020"] * 30, "Election 2024"),
        (*["Good Day LA"] * 30, "Good Day DC"),
        ("Evening News", "Evenning News"),
        ("An Evening With Ada", "An Evening With Bo", "A Morning With Cy"),
    ],
)
def test_other_titles_stay_apart(shows: tuple[str, ...]) -> None:
    found = titles(*shows)
    if "An Evening With Ada" not in shows:
        assert len(set(found.values())) == len(set(shows))
    else:
        assert found["A Morning With Cy"] != found["An Evening With Ada"]


def test_what_is_joined_is_explained() -> None:
    found = joined(("NTV", show) for show in ["Evening News"] * 3 + ["Evening_News_at_6", "evening news"])
    assert found["NTV", "Evening News"].why == ""
    assert found["NTV", "Evening_News_at_6"].why == "a time of day behind it"
    assert "case" in found["NTV", "evening news"].why


def test_stations_are_apart_and_no_title_is_none() -> None:
    found = joined([("A", "News"), ("B", "The News"), ("A", None), ("A", ""), ("A", "___"), ("B", "!")])
    assert found["B", "The News"].title == "The News"
    assert set(found) == {("A", "News"), ("B", "The News")}


@settings(max_examples=50)
@given(st.lists(st.text("aNews 1_&é\n\u202e", max_size=30), max_size=8))
def test_any_names_are_joined_the_same_in_any_order(names: list[str]) -> None:
    shows = [("A", name) for name in names]
    found = joined(shows)
    assert found == joined(reversed(shows))
    assert all("\n" not in title.title and len(title.title) <= 100 for title in found.values())
