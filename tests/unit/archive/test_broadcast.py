"""Broadcast IDs."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castgraph.archive import Broadcast, frame_name

STATIONS = st.text("ABCZabcz0189", min_size=1, max_size=20)
MOMENTS = st.datetimes(datetime(1000, 1, 1), datetime(9000, 1, 1)).map(
    lambda moment: moment.replace(microsecond=0)
)
TITLES = st.text("Aa9._-", max_size=100)


@given(STATIONS, MOMENTS, TITLES)
def test_an_id_says_what_it_was_made_of(station, moment, title):
    broadcast_id = f"{station}_{moment:%Y%m%d_%H%M%S}" + (f"_{title}" if title else "")
    broadcast = Broadcast.parse(broadcast_id)
    assert broadcast == Broadcast(broadcast_id, station, moment.replace(tzinfo=UTC), title)


@pytest.mark.parametrize(
    ("broadcast_id", "station", "title"),
    [
        ("RUSSIA1_20220519_083000_60_minut", "RUSSIA1", "60_minut"),
        ("1TV_20220519_083000_Vremya", "1TV", "Vremya"),
        ("NTV_20261001_030000", "NTV", ""),
    ],
)
def test_examples(broadcast_id, station, title):
    broadcast = Broadcast.parse(broadcast_id)
    assert (broadcast.station, broadcast.title) == (station, title)


@pytest.mark.parametrize(
    "broadcast_id",
    [
        "",
        "NTV",
        "NTV_20261001",
        "NTV_20261001_0300",
        "NTV_20261001_030000_",
        "NTV_20261301_030000",  # no 13th month
        "NTV_20260229_030000",  # no leap year
        "NTV_20261001_250000",
        "NTV_00000101_000000",
        "_20261001_030000",
        "N TV_20261001_030000",
        "NTV_20261001_030000_a/b",
        "NTV_20261001_030000_a\\b",
        "NTV_20261001_030000_a b",
        "NTV_20261001_030000_é",
        "NTV_20261001_030000\n",
        "NTV_20261001_030000_a\0",
        "NTV_２０２６1001_030000",  # digits, but not ASCII ones
        "../../NTV_20261001_030000",
        "../../x",
        "NTV_20261001_030000_" + "a" * 200,
    ],
)
def test_what_is_no_id_is_refused_by_name(broadcast_id):
    with pytest.raises(ValueError, match="is not a broadcast ID"):
        Broadcast.parse(broadcast_id)


@given(st.text(max_size=60))
def test_any_text_is_an_id_or_is_refused(text):
    try:
        broadcast = Broadcast.parse(text)
    except ValueError as error:
        assert "is not a broadcast ID" in str(error)
    else:
        assert broadcast.id == text


def test_frame_name():
    assert frame_name("NTV_20261001_030000", 17) == "NTV_20261001_030000-000017.jpg"
    assert frame_name("NTV_20261001_030000", 1_234_567) == "NTV_20261001_030000-1234567.jpg"
