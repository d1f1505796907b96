"""Measure the whole chain on labelled broadcasts: which faces end up in the right person, and which pairs.

    uv run python benchmarks/chain.py [FOLDER ...] [--json FILE] [--detectors NAME,...]

FOLDER holds ZIPs of broadcasts and a ``ground_truth.csv``: a line a face with ``broadcast``, ``frame`` and
``person`` (``other`` for a face without a name; empty for a frame without a face), and its box as x, y, w, h
or as top, right, bottom, left where it is known. By default the real broadcasts beside the repository and the
demo. Every broadcast of a folder is encoded with every detector, all faces of a folder are clustered together
in every way, and the people are compared with the truth.

How it counts
-------------
- A face that was found is the true face whose box it overlaps most, one to one; where boxes are not known, a
  frame tells only who is in it.
- Each person found is the true person whom most of its faces show; where two are the same true person, the
  one with more faces is. So a person who was split counts once.
- *right*: visible faces (with a name) that a face of that person shows; *wrong*: visible faces whose face
  was given to another person. The others were not found, are noise, or are in the smaller part of a person
  who was split.
- *pairs*: two people in one frame. Right where the truth has the pair, wrong where it does not.
- ``cpu_ms_frame``: CPU time of the encoding for a frame, all of it: reading, finding, aligning, embedding.

``--json`` writes the sums over all folders by detector and clustering, and a row for each folder. The winner,
``default``, is the combination with the best balance on all folders together among those with at most 2 %
wrong and at most one wrong pair in 12, as fast as 15 frames a second and core. The balance is the share of
faces that are right and of pairs that are, what is wrong taken off three times, as in the recommended eps.
"""

from __future__ import annotations

import csv
import json
import os
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from castgraph.archive import unzip
from castgraph.base import tables
from castgraph.base.files import atomic
from castgraph.clustering.scan import Options
from castgraph.faces.encode import encode, write_encoded
from castgraph.faces.engine import load_engine
from castgraph.faces.merge import merge
from castgraph.faces.quality import Founding, Quality
from castgraph.run.clusterings import cluster_faces
from castgraph.run.counted import BOX, read_counted
from castgraph.run.names import EPS, quality
from castgraph.run.scores import PENALTY
from encode_quality import iou

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = (ROOT.parent / "shared" / "real", ROOT / "resources" / "demo")

DETECTORS: Mapping[str, Mapping[str, Any]] = {
    "hog": {"detector": "hog", "upsample": 1},
    "cnn": {"detector": "cnn", "upsample": 1},
    "blazeface": {"detector": "blazeface", "upsample": 0},
    "centerface": {"detector": "centerface", "upsample": 0},
}
"""Name in the figures → how it is loaded."""

CLUSTERINGS: tuple[tuple[str, float | None], ...] = (
    ("dbscan", EPS["dbscan"]),
    *(("linkage", eps) for eps in (0.48, EPS["linkage"], 0.56)),
    ("iterative", EPS["iterative"]),
    ("chinese_whispers", EPS["chinese_whispers"]),
    ("hdbscan", None),
)
MIN_SAMPLES = (2, 3, 5)

NOBODY = "other"
LEAST_IOU = 0.15
"""True boxes may be loose head boxes, so a face covers a small share of them."""

MOST_WRONG, PAIRS_PER_WRONG, LEAST_FPS = 0.02, 12, 15

console = Console(highlight=False, width=None if os.isatty(1) else 130)


class TrueFace(NamedTuple):
    """A face of the truth; `box` is left, top, right, bottom, or None where it is not known."""

    person: str
    box: tuple[float, float, float, float] | None


Truth = Mapping[tuple[str, int], Sequence[TrueFace]]
"""Broadcast and frame → the faces that it shows."""


class Found(NamedTuple):
    """The faces of a folder that a detector found.

    Attributes
    ----------
    faces
        The merged face table.
    keys
        The broadcast and frame of each of its rows.
    true
        The place among the true faces of that frame of the one that each row shows; None for the others.
    cpu_ms_frame
        CPU time of the encoding, in ms a frame.
    """

    faces: Path
    keys: list[tuple[str, int]]
    true: list[int | None]
    cpu_ms_frame: float


def read_truth(path: Path) -> Truth:
    """Read ``ground_truth.csv``."""
    truth: dict[tuple[str, int], list[TrueFace]] = defaultdict(list)
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if missing := {"broadcast", "frame", "person"} - set(reader.fieldnames or ()):
            raise ValueError(f"{path} has no column {', '.join(sorted(missing))}; it has {reader.fieldnames}")
        for row in reader:
            if row["person"]:
                truth[row["broadcast"], int(row["frame"])].append(TrueFace(row["person"], _box(row)))
    return truth


def _box(row: Mapping[str, str]) -> tuple[float, float, float, float] | None:
    if row.get("x"):
        x, y, w, h = (float(row[side]) for side in "xywh")
        return x, y, x + w, y + h
    if row.get("left"):
        left, top, right, bottom = (float(row[side]) for side in ("left", "top", "right", "bottom"))
        return left, top, right, bottom
    return None


def find(folder: Path, truth: Truth, detector: str, work: Path) -> Found:
    """Encode and merge the broadcasts of a folder, and tell which true face each face is."""
    load = partial(load_engine, "fast", **DETECTORS[detector])
    engine = load()
    encoded = []
    n_frames, seconds = 0, 0.0
    for path in sorted(folder.glob("*.zip")):
        frames = work / "frames" / path.stem
        frames.mkdir(parents=True)
        manifest = unzip(path, path.stem, frames)
        began = time.process_time()
        found = encode(manifest, frames, lambda: engine)
        seconds += time.process_time() - began
        n_frames += len(manifest.frames)
        pair = work / "faces" / f"{path.stem}.parquet", work / "frames" / f"{path.stem}.parquet"
        facts = tables.provenance(
            "encode", {}, status=manifest.status, reason=manifest.reason, n_refused=manifest.n_refused
        )
        pair[0].parent.mkdir(exist_ok=True)
        write_encoded(found, facts, *pair)
        encoded.append(pair)
    rules = quality(detector, {"founding_min_face_px": None})
    merge(
        encoded,
        broadcasts=work / "broadcasts.parquet",
        faces=work / "faces.parquet",
        frames=work / "frames.parquet",
        quality=Quality(),
        founding=Founding(**rules["founding"]),
        frame_seconds=4,
        settings={},
    )
    keys, true = _matched(work / "faces.parquet", truth)
    return Found(work / "faces.parquet", keys, true, 1000 * seconds / max(n_frames, 1))


def _matched(path: Path, truth: Truth) -> tuple[list[tuple[str, int]], list[int | None]]:
    from scipy.optimize import linear_sum_assignment

    table = tables.read(path, tables.MERGED_FACES, ["broadcast", "frame", *BOX])
    keys = list(zip(table["broadcast"].to_pylist(), table["frame"].to_pylist(), strict=True))
    top, right, bottom, left = (table[side].to_numpy().astype(float) for side in BOX)
    boxes = np.stack([left, top, right, bottom], axis=1)
    rows: dict[tuple[str, int], list[int]] = defaultdict(list)
    for row, key in enumerate(keys):
        rows[key].append(row)
    true: list[int | None] = [None] * len(keys)
    for key, own in rows.items():
        placed = [place for place, face in enumerate(truth.get(key, ())) if face.box is not None]
        if not placed:
            continue
        overlaps = iou(boxes[own], np.array([truth[key][place].box for place in placed]))
        for at, column in zip(*linear_sum_assignment(overlaps, maximize=True), strict=True):
            if overlaps[at, column] > LEAST_IOU:
                true[own[at]] = placed[column]
    return keys, true


def judge(found: Found, truth: Truth, labels: NDArray[np.int32]) -> dict[str, int]:
    """Compare people with the truth; see the module."""
    votes: dict[int, Counter[str]] = defaultdict(Counter)
    in_frame: dict[tuple[str, int], set[int]] = defaultdict(set)
    shown: dict[tuple[tuple[str, int], int], int] = {}
    for key, place, label in zip(found.keys, found.true, labels.tolist(), strict=True):
        if label >= 0:
            in_frame[key].add(label)
        if place is None:
            # Without boxes a frame with one person alone tells who it is.
            names = {face.person for face in truth.get(key, ()) if face.box is None}
            if label >= 0 and len(names) == 1 and all(face.box is None for face in truth[key]):
                votes[label][names.pop()] += 1
            continue
        shown[key, place] = label
        if label >= 0:
            votes[label][truth[key][place].person] += 1
    name_of = _names(votes)
    visible = right = wrong = 0
    for key, faces in truth.items():
        for place, face in enumerate(faces):
            if face.person == NOBODY:
                continue
            visible += 1
            if face.box is None:
                right += any(name_of.get(label) == (face.person, True) for label in in_frame[key])
                continue
            label = shown.get((key, place), -1)
            person, is_main = name_of.get(label, ("", False))
            right += person == face.person and is_main
            wrong += label >= 0 and person != face.person
    pairs = {
        tuple(sorted((one.person, two.person)))
        for faces in truth.values()
        for one, two in combinations(faces, 2)
        if NOBODY not in (one.person, two.person) and one.person != two.person
    }
    claimed: set[tuple[Any, ...]] = set()
    for here in in_frame.values():
        for one, two in combinations(sorted(here), 2):
            names = [name_of[each][0] if each in name_of else f"?{each}" for each in (one, two)]
            if names[0] != names[1]:
                claimed.add(tuple(sorted(names)))
    return {
        "visible": visible,
        "right": right,
        "wrong": wrong,
        "people": len(name_of),
        "true_pairs": len(pairs),
        "pairs_right": len(claimed & pairs),
        "pairs_wrong": len(claimed - pairs),
    }


def _names(votes: Mapping[int, Counter[str]]) -> dict[int, tuple[str, bool]]:
    """Name each person found, and tell whether it is the largest part of whom it shows."""
    names = {label: count.most_common(1)[0] for label, count in votes.items()}
    largest: dict[str, int] = {}
    for label, (name, n) in sorted(names.items()):
        if name not in largest or n > names[largest[name]][1]:
            largest[name] = label
    return {label: (name, largest[name] == label) for label, (name, _) in names.items()}


def clustered(found: Found) -> Iterator[tuple[str, int, NDArray[np.int32]]]:
    """Cluster the faces in every way."""
    faces = read_counted(found.faces)
    for algorithm, eps in CLUSTERINGS:
        for min_samples in MIN_SAMPLES:
            settings: dict[str, Any] = {"algorithm": algorithm, "min_samples": min_samples}
            if eps is not None:
                settings["eps"] = eps
            saved = found.faces.with_name(f"state-{min_samples}.parquet")
            labels = cluster_faces(faces, settings, saved, Options(1, _kernel()))
            yield algorithm if eps is None else f"{algorithm} {eps:.2f}", min_samples, labels


def _kernel() -> str:
    from castgraph.clustering import kernels

    return kernels()[0]


def measure(folders: Sequence[Path], detectors: Sequence[str]) -> list[dict[str, Any]]:
    """Give a row for each folder, detector, clustering and min_samples."""
    rows: list[dict[str, Any]] = []
    for folder in folders:
        truth = read_truth(folder / "ground_truth.csv")
        for detector in detectors:
            with tempfile.TemporaryDirectory(prefix="castgraph-chain-") as work:
                console.print(f"{folder.name}: {detector} …", style="dim")
                found = find(folder, truth, detector, Path(work))
                n_true = sum(each is not None for each in found.true)
                for clustering, min_samples, labels in clustered(found):
                    rows.append(
                        {
                            "folder": folder.name,
                            "detector": detector,
                            "clustering": clustering,
                            "min_samples": min_samples,
                            "cpu_ms_frame": round(found.cpu_ms_frame, 2),
                            "found": n_true,
                            "found_else": len(found.true) - n_true,
                            **judge(found, truth, labels),
                        }
                    )
    return rows


SUMMED = (
    "found",
    "found_else",
    "visible",
    "right",
    "wrong",
    "people",
    "true_pairs",
    "pairs_right",
    "pairs_wrong",
)


def together(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Sum the folders."""
    sums: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        key = row["detector"], row["clustering"], row["min_samples"]
        if key not in sums:
            sums[key] = {**row, "folder": "all"}
        else:
            for name in SUMMED:
                sums[key][name] += row[name]
            sums[key]["cpu_ms_frame"] = max(sums[key]["cpu_ms_frame"], row["cpu_ms_frame"])
    return list(sums.values())


def best(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Choose the winner among sums; see the module."""
    good = [
        row
        for row in rows
        if row["wrong"] <= MOST_WRONG * row["visible"]
        and row["pairs_wrong"] * PAIRS_PER_WRONG <= max(row["pairs_right"], PAIRS_PER_WRONG)
        and row["cpu_ms_frame"] <= 1000 / LEAST_FPS
    ]
    return max(good, key=lambda row: (balance(row), -row["cpu_ms_frame"]), default=None)


def balance(row: Mapping[str, Any]) -> float:
    """Weigh what is right against what is wrong; 2 is the best."""
    faces = (row["right"] - PENALTY * row["wrong"]) / max(row["visible"], 1)
    pairs = (row["pairs_right"] - PENALTY * row["pairs_wrong"]) / max(row["true_pairs"], 1)
    return float(faces + pairs)


def figures(sums: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Give the sums by detector and clustering, such as ``linkage 0.52, min_samples 3``."""
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for row in sums:
        name = f"{row['clustering']}, min_samples {row['min_samples']}"
        found[row["detector"]][name] = {key: row[key] for key in ("cpu_ms_frame", *SUMMED)}
    return {"detectors": found}


def show(rows: Sequence[Mapping[str, Any]], title: str) -> None:
    """Print a table."""
    table = Table(title=title, title_justify="left")
    columns = ("detector", "ms/frame", "found", "beyond", "clustering", "min", "people", "right", "wrong")
    for name in (*columns, "pairs", "wrong pairs"):
        table.add_column(name, justify="left" if name in ("detector", "clustering") else "right")
    for row in rows:
        table.add_row(
            row["detector"],
            f"{row['cpu_ms_frame']:.1f}",
            str(row["found"]),
            str(row["found_else"]),
            row["clustering"],
            str(row["min_samples"]),
            str(row["people"]),
            f"{row['right']} of {row['visible']}",
            str(row["wrong"]),
            f"{row['pairs_right']} of {row['true_pairs']}",
            str(row["pairs_wrong"]),
        )
    console.print(table)


def main(
    folders: Annotated[
        list[Path] | None, typer.Argument(help="Folders with broadcasts and their truth.")
    ] = None,
    file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
    detectors: Annotated[str, typer.Option(help="Which detectors, with commas.")] = ",".join(DETECTORS),
) -> None:
    """Measure the whole chain on labelled broadcasts."""
    chosen = folders or [folder for folder in FOLDERS if (folder / "ground_truth.csv").is_file()]
    names = detectors.split(",")
    for folder in chosen:
        if not (folder / "ground_truth.csv").is_file():
            raise typer.BadParameter(f"{folder} holds no ground_truth.csv")
    if unknown := sorted(set(names) - set(DETECTORS)):
        raise typer.BadParameter(f"no detector {', '.join(unknown)}; there are {', '.join(DETECTORS)}")
    rows = measure(chosen, names)
    for folder in chosen:
        show([row for row in rows if row["folder"] == folder.name], str(folder.name))
    sums = together(rows)
    show(sums, "all folders together")
    winner = best(sums)
    told = ("detector", "clustering", "min_samples")
    default = None if winner is None else {name: winner[name] for name in told}
    console.print(f"default: {default}")
    if file:
        with atomic(file) as part:
            part.write_text(
                json.dumps(figures(sums) | {"folders": rows, "default": default}, indent=1) + "\n"
            )


if __name__ == "__main__":
    typer.run(main)
