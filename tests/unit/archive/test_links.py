"""Where a person can see a frame."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from castgraph.archive import frame_links, listed
from castgraph.archive.listing.holdings import GDELT

ID = "X_20260101_100000"
MINE = "https://viewer.example/{broadcast}/{frame}"


@pytest.mark.parametrize(
    ("source", "base_url", "frame_url", "found"),
    [
        ("", GDELT, None, f"https://api.gdeltproject.org/api/v2/tvv/tvv?id={ID}&frame=18"),
        ("", GDELT.rstrip("/"), None, f"https://api.gdeltproject.org/api/v2/tvv/tvv?id={ID}&frame=18"),
        ("", "resources/demo", None, ""),  # not the archive whose viewer it is
        ("", "https://other.example/", None, ""),
        ("", "resources/demo", MINE, f"https://viewer.example/{ID}/18"),
        ("/tapes/one.mp4", GDELT, None, "file:///tapes/one.mp4#t=68"),
        ("/tapes/one.mp4", GDELT, MINE, f"https://viewer.example/{ID}/18"),
        ("/tapes/folder", GDELT, None, ""),
        (f"/tapes/{ID}.zip", GDELT, None, ""),
        ("", GDELT, "https://x/{broadcast.__class__}", "https://x/{broadcast.__class__}"),
    ],
)
def test_a_link_shows_the_frame(source: str, base_url: str, frame_url: str | None, found: str) -> None:
    assert frame_links(listed({ID: source}), base_url, frame_url, 4)(ID, 18) == found


def test_any_name_of_a_file_becomes_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = "ta pes/50 % #1?.mp4"
    link = urlsplit(frame_links(listed({ID: name}), GDELT, None, 0.5)(ID, 4))
    assert (link.scheme, unquote(link.path), link.fragment) == ("file", f"{tmp_path}/{name}", "t=1.5")
