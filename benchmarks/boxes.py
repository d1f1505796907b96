"""Measure which box dlib's landmark model wants of a detector that is not dlib's, and how well faces align.

    uv run python benchmarks/boxes.py [--json FILE] [--detector NAME] [SAMPLE]

SAMPLE is a folder with ZIPs of broadcasts and their ``ground_truth.csv``, as for `encode.py`. A run takes
about five minutes on one core.

What it tells
-------------
The square: of every face that the detector and one of dlib's both find (boxes with the best, and at least
0.3, of their union in common), the side of dlib's box and the way from the detector's centre to dlib's, in
heights of the detector's box; and the height of the detector's box in widths: the median and the quartiles.

The alignment: each such face is embedded after dlib's own box, after the square, after the detector's own box
(no square), and, where the detector tells of the eyes, the nose and the mouth, after these: the chip is then
cut so that they come to lie where they do, as a median, in dlib's chips. ``moved``: how far the embedding is
from that of dlib's own box, median and 95th percentile. ``right``: how many pairs of two faces of one person
are closer than all but a thousandth of the pairs of two people. Frames are taken as they are and made 2 and 3
times smaller, where faces are nearer to those of television; persons are those of the truth.
"""

from __future__ import annotations

import csv
import io
import json
import sys
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import dlib
import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.table import Table

from castgraph.base.files import atomic
from castgraph.faces import align, blazeface, centerface, embed
from castgraph.faces.detectors import DETECTORS, Square
from castgraph.faces.engine import Detection, load_engine
from castgraph.faces.frame import Picture
from castgraph.faces.models import CENTERFACE, LANDMARKS, model_path, session
from encode import default_sample
from encode_quality import Place, iou

FACTORS = (1.0, 1 / 2, 1 / 3)
"""What frames are made smaller by."""

DLIB = {"hog": 1, "cnn": 1}
"""Detector of dlib → upsample."""

LEAST_IOU = 0.3
STRANGERS = 0.001
"""Share of the pairs of two people that are taken for one."""

console = Console(highlight=False, width=None if sys.stdout.isatty() else 110)

Points = NDArray[np.float64]
"""Shape (n, 2): x, y."""


class Face(NamedTuple):
    """A face that two detectors find."""

    factor: float
    place: Place
    person: str  # empty: not known
    ours: Detection
    theirs: Detection
    chips: dict[str, Picture]  # how it was aligned → its chip


def frames(sample: Path) -> Iterator[tuple[Place, Image.Image]]:
    """Give the frames of a sample."""
    for path in sorted(sample.glob("*.zip")):
        with zipfile.ZipFile(path) as file:
            for name in sorted(name for name in file.namelist() if name.endswith(".jpg")):
                number = int(name.rpartition("-")[2].removesuffix(".jpg"))
                yield (path.stem, number), Image.open(io.BytesIO(file.read(name))).convert("RGB")


def persons(sample: Path) -> dict[Place, list[tuple[str, NDArray[np.float64]]]]:
    """Read who is where; boxes are left, top, right, bottom."""
    known = defaultdict(list)
    with (sample / "ground_truth.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if row.get("x"):
                x, y, w, h = (float(row[side]) for side in "xywh")
                box = np.array([[x, y, x + w, y + h]])
            elif row.get("left"):
                box = np.array([[float(row[side]) for side in ("left", "top", "right", "bottom")]])
            else:
                continue
            known[row["broadcast"], int(row["frame"])].append((row["person"], box))
    return known


def sides(faces: list[Detection]) -> NDArray[np.float64]:
    """Give boxes as left, top, right, bottom; the last two are outside."""
    return np.array([[*face[:2], face.right + 1, face.bottom + 1] for face in faces], float).reshape(-1, 4)


def pairs(ours: list[Detection], theirs: list[Detection]) -> list[tuple[int, int]]:
    """Pair the faces of two detectors: each is the other's best."""
    if not ours or not theirs:
        return []
    overlaps = iou(sides(ours), sides(theirs))
    best = overlaps.argmax(axis=1)
    return [
        (row, int(column))
        for row, column in enumerate(best)
        if overlaps[row, column] >= LEAST_IOU and overlaps[:, column].argmax() == row
    ]


def square_of(ours: Detection, theirs: Detection) -> Square:
    """Tell where dlib's box lies in heights of the detector's."""
    height = ours.bottom - ours.top + 1
    return Square(
        (theirs.right - theirs.left + 1) / height,
        (theirs.left + theirs.right - ours.left - ours.right) / 2 / height,
        (theirs.top + theirs.bottom - ours.top - ours.bottom) / 2 / height,
        height / (ours.right - ours.left + 1),
    )


# --- the points of a detector


def points_of_centerface() -> Callable[[Picture, Detection], Points]:
    """Load what tells of the eyes, the nose and the corners of the mouth of a face that CenterFace finds."""
    network = session(CENTERFACE)

    def points(picture: Picture, face: Detection) -> Points:
        heatmap, scale, offset, places = network.run(None, {"input.1": centerface.tensor(picture)})
        boxes, _ = centerface.decode(heatmap, scale, offset, 0.3)
        rows, columns = np.nonzero(heatmap[0, 0] > 0.3)
        nearest = int(np.abs(boxes - sides([face])).sum(axis=1).argmin())
        left, top, right, bottom = boxes[nearest]
        shares = places[0, :, rows[nearest], columns[nearest]].reshape(5, 2)[:, ::-1]  # down, right
        return shares * [right - left, bottom - top] + [left, top]

    return points


def points_of_blazeface() -> Callable[[Picture, Detection], Points]:
    """Load what tells of the eyes, the nose and the mouth of a face that BlazeFace finds."""
    run = blazeface.network()

    def points(picture: Picture, face: Detection) -> Points:
        upsample = DETECTORS["blazeface"].upsample
        faces, _ = blazeface.averaged(*blazeface.places(run, picture, upsample, 0.5))
        nearest = int(np.abs(faces[:, :4] - sides([face])).sum(axis=1).argmin())
        return faces[nearest, 4:].reshape(6, 2)[:4]  # the ears are less sure

    return points


POINTS: dict[str, Callable[[], Callable[[Picture, Detection], Points]]] = {
    "blazeface": points_of_blazeface,
    "centerface": points_of_centerface,
}
"""Detector → what loads its points."""


def in_chip(details: dlib.chip_details, points: Points) -> Points:
    """Map points of a picture into a chip."""
    centre = np.array([details.rect.dcenter().x, details.rect.dcenter().y])
    cosine, sine = np.cos(details.angle), np.sin(details.angle)
    turned = (points - centre) @ np.array([[cosine, -sine], [sine, cosine]])  # by minus the angle
    scale = details.cols / details.rect.width()
    return turned * scale + np.array([details.cols, details.rows]) / 2


def chip_by(picture: Picture, points: Points, template: Points) -> Picture:
    """Cut a chip so that the points of a face come to lie on those of a template."""
    there, here = (dlib.dpoints([dlib.dpoint(x, y) for x, y in each.tolist()]) for each in (template, points))
    dims = dlib.chip_dims(align.CHIP_SIZE, align.CHIP_SIZE)
    return dlib.extract_image_chip(picture, dlib.chip_details(there, here, dims))


# --- what is measured


def common_faces(sample: Path, detector: str) -> dict[str, list[Face]]:
    """Find the faces that the detector and dlib's both find, and cut their chips out; by dlib's detector."""
    known = persons(sample)
    find = load_engine("fast", detector, DETECTORS[detector].upsample).detect
    references = {name: load_engine("fast", name, upsample).detect for name, upsample in DLIB.items()}
    aligners = {
        "dlib's box": (align.load(), False),
        "square": (align.load(DETECTORS[detector].square), True),
        "own box": (align.load(), True),
    }
    predict = dlib.shape_predictor(str(model_path(LANDMARKS)))
    locate = POINTS[detector]() if detector in POINTS else None
    found: dict[str, list[Face]] = {name: [] for name in references}
    located: dict[str, list[tuple[Picture, Points, Points]]] = {name: [] for name in references}
    for place, image in frames(sample):
        for factor in FACTORS:
            size = (round(image.width * factor), round(image.height * factor))
            picture = np.asarray(image if factor == 1 else image.resize(size, Image.Resampling.LANCZOS))
            ours = find(picture)
            for name, reference in references.items():
                theirs = reference(picture)
                for row, column in pairs(ours, theirs):
                    pair = {False: theirs[column], True: ours[row]}
                    chips = {how: cut(picture, pair[own]).chip for how, (cut, own) in aligners.items()}
                    face = Face(factor, place, "", ours[row], theirs[column], chips)
                    face = face._replace(person=who(face, known.get(place, [])))
                    if locate is not None:
                        box = theirs[column].trimmed(picture)
                        shape = predict(picture, dlib.rectangle(*box[:4]))
                        details = dlib.get_face_chip_details(shape, align.CHIP_SIZE, align.CHIP_PADDING)
                        points = locate(picture, ours[row])
                        located[name].append((picture, points, in_chip(details, points)))
                    found[name].append(face)
    for name, faces in found.items() if locate is not None else ():
        template = np.median([there for _, _, there in located[name]], axis=0)
        for face, (picture, points, _) in zip(faces, located[name], strict=True):
            face.chips["own points"] = chip_by(picture, points, template)
    return found


def who(face: Face, known: list[tuple[str, NDArray[np.float64]]]) -> str:
    """Tell whose face it is; empty when that is not known."""
    box = sides([face.ours])
    for person, true in known:
        if iou(box, true * face.factor)[0, 0] > 0.15 and person not in ("", "other"):
            return person
    return ""


def box_figures(faces: list[Face]) -> dict[str, float]:
    """Make the figures of the square: each number's median and quartiles."""
    squares = np.array([square_of(face.ours, face.theirs) for face in faces])
    made: dict[str, float] = {"n": len(faces)}
    for index, name in enumerate(Square._fields):
        for share, ending in ((50, ""), (25, "_25"), (75, "_75")):
            made[name + ending] = float(np.percentile(squares[:, index], share))
    return made


def alignment_figures(
    faces: list[Face], turn: Callable[[NDArray[np.uint8]], NDArray[np.float32]]
) -> dict[str, dict[str, float]]:
    """Make the figures of each kind of alignment."""
    embeddings = {how: turn(np.stack([face.chips[how] for face in faces])) for how in faces[0].chips}
    named = [index for index, face in enumerate(faces) if face.person]
    one, other = np.triu_indices(len(named), 1)
    same = np.array(
        [faces[named[a]].person == faces[named[b]].person for a, b in zip(one, other, strict=True)]
    )
    # A frame made smaller is no other picture of a person.
    apart = np.array(
        [faces[named[a]].place != faces[named[b]].place for a, b in zip(one, other, strict=True)]
    )
    made = {}
    for how, vectors in embeddings.items():
        moved = np.linalg.norm(vectors - embeddings["dlib's box"], axis=1)
        distances = np.linalg.norm(vectors[named][one] - vectors[named][other], axis=1)
        limit = np.quantile(distances[~same & apart], STRANGERS)
        made[how] = {
            "moved": float(np.median(moved)),
            "moved_95": float(np.percentile(moved, 95)),
            "right": float((distances[same & apart] <= limit).mean()),
            "limit": float(limit),
        }
    return made


def main(
    sample: Annotated[Path | None, typer.Argument(help="Folder with ZIPs of broadcasts.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
    detector: Annotated[str, typer.Option(help="One that is not dlib's.")] = "centerface",
) -> None:
    """Measure the box that dlib's landmark model wants of a detector, and how well faces align."""
    if detector not in DETECTORS or DETECTORS[detector].square is None:
        names = [name for name, one in DETECTORS.items() if one.square]
        sys.exit(f"error: --detector {detector}: allowed: {', '.join(names)}")
    sample = sample or default_sample()
    if not (sample / "ground_truth.csv").is_file():
        sys.exit(f"error: no ground_truth.csv in {sample}")
    figures: dict[str, Any] = {}
    turn = embed.load()
    for name, faces in common_faces(sample, detector).items():
        if not faces:
            sys.exit(f"error: {detector} and {name} find no face both in {sample}")
        figures[name] = {"square": box_figures(faces), "alignment": alignment_figures(faces, turn)}
    show(figures, detector)
    if json_file is not None:
        with atomic(json_file) as part:
            part.write_text(json.dumps(figures, indent=2) + "\n")


def show(figures: dict[str, Any], detector: str) -> None:
    """Print the tables."""
    table = Table("found also by", "faces", *Square._fields, title=f"dlib's box in heights of {detector}'s")
    for name, made in figures.items():
        square = made["square"]
        cells = (
            f"{square[key]:.3f} ({square[f'{key}_25']:.3f} to {square[f'{key}_75']:.3f})"
            for key in Square._fields
        )
        table.add_row(name, str(square["n"]), *cells)
    console.print(table)
    table = Table("found also by", "aligned by", "moved", "95 %", "right", "at", title="Alignment")
    for name, made in figures.items():
        table.add_section()
        for how, one in made["alignment"].items():
            table.add_row(name, how, *(f"{one[key]:.3f}" for key in ("moved", "moved_95", "right", "limit")))
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
