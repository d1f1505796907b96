"""Measure where dlib's 5 points lie in the chips that ArcFace-type embedders want.

    uv run python benchmarks/arcface_points.py [SAMPLE]

SAMPLE is a folder with ZIPs of broadcasts, as for `encode.py`. A run takes half a minute on one core.

Their template has the eyes, the tip of the nose and the corners of the mouth; dlib's model has the corners of
the eyes and the base of the nose. Of every face that CenterFace and dlib's HOG detector both find, and that
looks into the camera, CenterFace's points (which are those of the template) are laid on the template. The
medians of the places where dlib's points come to lie are what `castgraph.faces.align.ARCFACE` says; the
quartiles tell how sure they are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import dlib
import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from boxes import frames, pairs, points_of_centerface
from castgraph.faces.engine import load_engine
from castgraph.faces.models import LANDMARKS, model_path
from castgraph.faces.quality import turn
from encode import default_sample

ARCFACE_DST = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
"""``arcface_dst`` of InsightFace (python-package/insightface/utils/face_align.py), of a chip of 112×112."""

MOST_TURN = 0.3
"""Of a face that looks into the camera; see `castgraph.faces.quality.turn`."""

POINTS = ("outer corner", "inner corner", "outer corner of the other eye", "inner corner", "base of the nose")


def similarity(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Find a, b with target = a * source + b, by least squares; points are complex numbers."""
    known = np.stack([_complex(source), np.ones(len(source))], axis=1)
    return np.linalg.lstsq(known, _complex(target), rcond=None)[0]


def _complex(points: NDArray[np.float64]) -> NDArray[np.complex128]:
    return np.asarray(points[:, 0] + 1j * points[:, 1])


def main(
    sample: Annotated[Path | None, typer.Argument(help="Folder with ZIPs of broadcasts.")] = None,
) -> None:
    """Measure where dlib's 5 points lie in chips for ArcFace-type embedders."""
    find, reference = (load_engine("fast", name, up).detect for name, up in (("centerface", 0), ("hog", 1)))
    locate = points_of_centerface()
    predict = dlib.shape_predictor(str(model_path(LANDMARKS)))
    found = []
    for _, image in frames(sample or default_sample()):
        picture = np.asarray(image)
        ours, theirs = find(picture), reference(picture)
        for row, column in pairs(ours, theirs):
            box = theirs[column].trimmed(picture)
            shape = predict(picture, dlib.rectangle(*box[:4]))
            points = np.array([(point.x, point.y) for point in shape.parts()], float)
            if turn(points.reshape(1, 10).astype(np.float32))[0] <= MOST_TURN:
                a, b = similarity(locate(picture, ours[row]), ARCFACE_DST)
                found.append(a * _complex(points) + b)
    places = np.stack([np.real(found), np.imag(found)], axis=2)
    low, middle, high = np.percentile(places, (25, 50, 75), axis=0)
    table = Table("point", "x", "y", title=f"dlib's points of {len(found)} faces in a chip of 112×112")
    for name, *sides in zip(POINTS, middle, low, high, strict=True):
        told = (f"{at:.2f} ({one:.2f} to {other:.2f})" for at, one, other in zip(*sides, strict=True))
        table.add_row(name, *told)
    Console(width=110).print(table)


if __name__ == "__main__":
    typer.run(main)
