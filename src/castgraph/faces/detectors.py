"""The detectors that there are, and what each needs; it imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple


class Square(NamedTuple):
    """The box that dlib's landmark model expects, in heights of a detector's box."""

    side: float
    right: float  # from the centre of the detector's box to that of the square
    down: float
    least_height: float = 0  # of a whole face, in widths: the top is missing of a box that is lower


class Detector(NamedTuple):
    """A detector: how it is loaded and what it is given when the configuration says nothing else."""

    module: str  # with a function load(upsample, min_size_px, score_threshold, providers)
    models: tuple[str, ...]  # its model files, names in `castgraph.faces.models.FILES`
    upsample: int
    threshold: float  # least score
    scores: tuple[float, float] | None  # both ends excluded; None: any number
    square: Square | None  # None: the landmark model gets the detector's own box
    engines: tuple[str, ...] = ("fast",)
    founding_px: int = 0  # smaller faces found no person, unless the configuration says otherwise


DETECTORS: Mapping[str, Detector] = {
    "hog": Detector("castgraph.faces.hog", (), 1, 0, None, None, ("fast", "reference")),
    "cnn": Detector(
        "castgraph.faces.cnn", ("mmod_human_face_detector.dat",), 1, 0, None, None, ("fast", "reference")
    ),
    "blazeface": Detector(
        "castgraph.faces.blazeface",
        ("face_detection_full_range_sparse.tflite",),
        0,
        0.5,
        (0, 1),
        Square(0.921, -0.01, -0.02),
    ),
    "centerface": Detector(
        "castgraph.faces.centerface",
        ("centerface.onnx",),
        0,
        0.5,
        (0, 1),
        Square(0.816, -0.04, 0.02, 1.3),
        # It finds small faces in the back. Where those below about 40 pixels could found people on
        # television, 35 pairs of people were wrong rather than none.
        founding_px=40,
    ),
}
"""Name → detector.

The squares are those of dlib's boxes on faces of television that both find, between those of HOG and CNN.
``benchmarks/boxes.py`` measures them.
"""


def problems(
    engine: str, detector: str, score_threshold: float | None, has_embedder: bool = False
) -> Iterator[tuple[str, str]]:
    """Tell what an engine or a detector does not offer.

    Parameters are the keys of the section ``faces`` of the configuration, the last whether there is an
    embedder of the user's own; engine and detector are known ones.

    Yields
    ------
    tuple of (str, str)
        The key, and what was found and is allowed.
    """
    known = DETECTORS[detector]
    if engine not in known.engines:
        offered = " or ".join(name for name, other in DETECTORS.items() if engine in other.engines)
        yield (
            "detector",
            f"found {detector!r}; allowed: {offered} with faces.engine {engine}, which is dlib itself; "
            "use engine fast",
        )
    if has_embedder and engine == "reference":
        yield (
            "embedder",
            "found one of your own; allowed: null with faces.engine reference, which is dlib itself; "
            "use engine fast",
        )
    if score_threshold is None:
        return
    if known.scores and not known.scores[0] < score_threshold < known.scores[1]:
        yield (
            "score_threshold",
            f"found {score_threshold}; allowed: a number above {known.scores[0]} and below "
            f"{known.scores[1]} with faces.detector {detector}, or null for its own, {known.threshold}",
        )
    if (engine, detector) == ("reference", "cnn") and score_threshold < 0:
        yield (
            "score_threshold",
            f"found {score_threshold}; allowed: at least 0 with faces.engine reference and "
            "faces.detector cnn, as dlib offers no lower one; use engine fast",
        )
