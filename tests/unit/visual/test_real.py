"""On real pictures: rockets by their label, and altered copies of a picture."""

import csv
from pathlib import Path

import numpy as np
import pytest

from castgraph.archive import FrameReader
from castgraph.faces.frame import decode
from castgraph.visual.embedder import load
from castgraph.visual.lite0 import labels_for
from castgraph.visual.search import nearest


@pytest.mark.slow
def test_rockets_and_altered_copies_are_found(sample: Path) -> None:
    pictures, places = [], []
    for path in sorted(sample.glob("*.zip")):
        with FrameReader(path, path.stem) as archive:
            for number in archive.frames:
                pictures.append(decode(archive.read(number)).picture)
                places.append((path.stem, number))
    with (sample / "ground_truth.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    rockets = {(row["broadcast"], int(row["frame"])) for row in rows if "Launch" in row["source"]}
    embedder = load({"embedder": "lite0"})
    seen = embedder.pictures(pictures)
    wanted = set(labels_for("rocket"))
    found = {
        place
        for place, labels in zip(places, seen.labels, strict=True)
        if wanted & {name for name, _ in labels}
    }
    assert rockets
    assert rockets <= found
    assert len(found) < 2 * len(rockets)
    rows_of = [places.index(place) for place in sorted(rockets)]
    for row in rows_of:
        height, width = pictures[row].shape[:2]
        cropped = pictures[row][height // 12 : -height // 12, width // 12 : -width // 12]
        brighter = (255 * (pictures[row] / 255) ** 0.8).astype(np.uint8)
        for altered in (cropped, brighter, np.ascontiguousarray(pictures[row][:, ::-1])):
            order, _ = nearest(seen.vectors, embedder.pictures([altered]).vectors[0], 20)
            assert row in order
