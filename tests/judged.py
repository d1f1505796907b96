"""A finished run of which the truth is known, and somebody who judges a sample of it without a mistake."""

from __future__ import annotations

import io
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from castgraph.archive import frame_name, listed, write_selection
from castgraph.base import tables
from castgraph.base.files import write_json
from castgraph.faces.times import face_times
from castgraph.network.cooccurrence import cooccurrences
from castgraph.people.centre import middles
from castgraph.people.table import people_table
from castgraph.run.accuracy.draw import Item
from castgraph.run.accuracy.questions import questions
from tests.members import members

CLUSTERING = "eps-0.40"
ORIGIN = "gdelt"
NOT_A_FACE = -1

Place = tuple[str, int]


@dataclass(frozen=True)
class Truth:
    """What is true of a run.

    Attributes
    ----------
    who
        Broadcast and face → who is shown; `NOT_A_FACE` for a false alarm.
    label
        Broadcast and face → its person in the run, by rank from 0; -1 for nobody.
    missed
        Broadcast and frame → visible faces that were not found.
    """

    who: Mapping[Place, int]
    label: Mapping[Place, int]
    missed: Mapping[Place, int]

    def mostly(self, person: int) -> int:
        """Who most faces of a person of the run show."""
        found = Counter(self.who[place] for place, label in self.label.items() if label == person)
        return found.most_common(1)[0][0]


def made_up(folder: Path, *, n_frames: int = 50, n_broadcasts: int = 5, seed: int = 0) -> Truth:
    """Write ``results/made-up`` into a folder, and the truth about it.

    Of 14 who are shown two pairs are taken for one person each, one is split in two, and some faces of one
    stray to another; some faces are of nobody, some of these of people of the run, and some are none.
    """
    random = np.random.default_rng(seed)
    names = [f"NTV_202610{1 + n:02d}_030000" for n in range(n_broadcasts)]
    middles = random.normal(size=(14, 128))
    middles *= 0.5 / np.linalg.norm(middles, axis=1, keepdims=True)
    rows: list[dict[str, Any]] = []
    frames: list[dict[str, Any]] = []
    embeddings, labels = [], []
    who, label_of, missed = {}, {}, {}
    for broadcast in names:
        number = 0
        for frame in range(1, n_frames + 1):
            # The first are on more often.
            shown = [n for n in range(14) if random.random() < 0.5 / (1 + n / 2)]
            shown += [NOT_A_FACE] * int(random.random() < 0.06)
            missed[broadcast, frame] = int(random.binomial(len(shown), 0.2) + (random.random() < 0.1))
            frames.append({"broadcast": broadcast, "frame": frame, "n_faces": len(shown), "status": "ok"})
            for place, one in enumerate(shown):
                label = _label(one, random)
                rows.append({"broadcast": broadcast, "face": number, "frame": frame, "set_aside": ""})
                rows[-1] |= {"top": 40, "right": 40 * place + 44, "bottom": 80, "left": 40 * place + 8}
                labels.append(label)
                middle = middles[one] if one >= 0 else random.normal(size=128) * 0.04
                embeddings.append(middle + random.normal(size=128) * 0.01)
                who[broadcast, number], label_of[broadcast, number] = one, label
                number += 1
    run = folder / "results" / "made-up"
    values = np.unique(np.array(labels), return_inverse=True)[1].astype(np.int32) - 1  # the first is noise
    ranked = _write(run, names, rows, frames, np.array(embeddings, np.float32), values)
    label_of = {place: ranked.get(label, -1) for place, label in zip(label_of, values.tolist(), strict=True)}
    for name in names:
        mine = [row for row in frames if row["broadcast"] == name]
        _write_zip(folder / "resources" / "zips" / ORIGIN, name, [row["frame"] for row in mine])
    return Truth(who, label_of, missed)


def _label(one: int, random: np.random.Generator) -> int:
    if one == NOT_A_FACE or random.random() < 0.1:
        return -1
    if one == 0 and random.random() < 0.1:
        return 20  # a part of its own
    if one == 2 and random.random() < 0.1:
        return 3
    return {5: 4, 9: 8}.get(one, one)


def _write(
    run: Path,
    names: Iterable[str],
    rows: list[dict[str, Any]],
    frames: list[dict[str, Any]],
    embeddings: np.ndarray,
    labels: np.ndarray,
) -> dict[int, int]:
    """Write the tables of a run; give for each label the place of its person among the people."""
    faces = run / "faces.parquet"
    _table(faces, tables.MERGED_FACES, rows, {"digest": "of made-up faces"})
    np.save(run / tables.EMBEDDINGS, embeddings)
    for row in frames:
        row["time"] = datetime(2026, 10, 1, 3, tzinfo=UTC) + timedelta(seconds=4 * row["frame"])
    _table(run / "frames.parquet", tables.MERGED_FRAMES, frames)
    tables.write_labels(run / CLUSTERING / "labels.parquet", faces, labels, {"algorithm": "dbscan"}, 0)
    table = tables.read(faces, tables.MERGED_FACES)
    times = face_times(faces, run / "frames.parquet")
    who = members(labels)
    people = people_table(
        table, middles(embeddings, labels), who, times, frame_seconds=4, n_frames=len(frames)
    )
    tables.write_members(run / CLUSTERING / "members.parquet", faces, who, {})
    tables.write(run / CLUSTERING / "people.parquet", people, {}, tables.PEOPLE)
    tables.write(run / CLUSTERING / "edges.parquet", cooccurrences(table, who, times), {}, tables.EDGES)
    _table(run / "sweep.parquet", tables.SWEEP, [{"clustering": CLUSTERING}], {"recommended": None})
    write_json(run / "summary.json", {"clusterings": {CLUSTERING: {}}})
    selected = [replace(row, origin=ORIGIN) for row in listed(dict.fromkeys(names, ""))]
    write_selection(run / "selected.csv", selected)
    ids = people["person_id"].to_pylist()
    return {label: ids.index(name) for label, name in enumerate(who.ids)}


def _table(path: Path, schema: pa.Schema, rows: list[dict[str, Any]], facts: Any = None) -> None:
    empty = {field.name: 0 if pa.types.is_integer(field.type) else None for field in schema}
    tables.write(path, pa.Table.from_pylist([empty | row for row in rows], schema=schema), facts or {})


def _write_zip(folder: Path, broadcast: str, frames: Iterable[int]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    file = io.BytesIO()
    Image.linear_gradient("L").resize((320, 180)).convert("RGB").save(file, "JPEG")
    with zipfile.ZipFile(folder / f"{broadcast}.zip", "w") as archive:
        for frame in frames:
            archive.writestr(f"{broadcast}/{frame_name(broadcast, frame)}", file.getvalue())


# ---- the judge -------------------------------------------------------------------------------------------


def judged(items: Iterable[Item], truth: Truth) -> dict[str, str]:
    """Answer every question about a sample rightly."""
    answers: dict[str, str] = {}
    for item in items:
        names = [each.id for each in questions(item.written())]
        answers |= zip(names, _JUDGING[item.kind](item, truth), strict=False)
    return answers


def _frame(item: Item, truth: Truth) -> list[str]:
    [shown] = item.shown
    false = [face for face, _ in shown.boxes if truth.who[face.broadcast, face.face] == NOT_A_FACE]
    return [str(truth.missed[shown.broadcast, shown.frame]), str(len(false))]


def _compared(item: Item, truth: Truth) -> list[str]:
    first, *others = (truth.who[face.broadcast, face.face] for face in item.strips[0])
    return [str(sum(other != first for other in others))]


def _pair(item: Item, truth: Truth) -> list[str]:
    one, other = map(truth.mostly, item.people)
    return ["yes" if one == other else "no"]


def _noise(item: Item, truth: Truth) -> list[str]:
    who = truth.who[item.strips[0][0].broadcast, item.strips[0][0].face]
    if who == NOT_A_FACE:
        return ["x"]
    found = [n for n, person in enumerate(item.people, start=1) if truth.mostly(person) == who]
    return [str(found[0] if found else 0)]


def _edge(item: Item, truth: Truth) -> list[str]:
    there = set()
    for shown in item.shown:
        for face, mark in shown.boxes:
            if truth.who[face.broadcast, face.face] == truth.mostly(item.people["AB".index(mark)]):
                there.add(mark)
    return ["yes" if len(there) == 2 else "no"]


_JUDGING: Mapping[str, Callable[[Item, Truth], list[str]]] = {
    "frame": _frame,
    "face": _compared,
    "person": _compared,
    "pair": _pair,
    "noise": _noise,
    "edge": _edge,
}


# ---- what the estimates should be ------------------------------------------------------------------------


def true_values(truth: Truth, nearest: Mapping[int, int]) -> dict[str, float]:
    """Compute the measures from all that is true; `nearest` gives the person that is most like another."""
    people: dict[int, list[int]] = defaultdict(list)
    for place, label in truth.label.items():
        people[label].append(truth.who[place])
    noise = people.pop(-1)
    found = [who for who in truth.who.values() if who != NOT_A_FACE]
    b_cubed, agreeing, pairs, within = 0.0, 0, 0, []
    for shown in people.values():
        counts = Counter(shown)
        b_cubed += sum(n * n for n in counts.values()) / len(shown)
        right, all_of = sum(n * (n - 1) for n in counts.values()), len(shown) * (len(shown) - 1)
        agreeing, pairs = agreeing + right, pairs + all_of
        within.append(right / all_of)
    mostly = {person: truth.mostly(person) for person in people}
    apart = [mostly[one] != mostly[other] for one, other in combinations(mostly, 2)]
    return {
        "faces_found": len(found) / (len(found) + sum(truth.missed.values())),
        "boxes_right": len(found) / len(truth.who),
        "person_right_by_face": b_cubed / sum(map(len, people.values())),
        "person_right_by_pair": agreeing / pairs,
        "person_right_by_person": float(np.mean(within)),
        "people_split": float(np.mean([mostly[one] == mostly[other] for one, other in nearest.items()])),
        "pairs_apart": float(np.mean(apart)),
        "noise_no_face": noise.count(NOT_A_FACE) / len(noise),
    }
