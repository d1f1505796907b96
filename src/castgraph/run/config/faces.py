"""The section ``faces``: how faces are found and encoded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, field_serializer

from castgraph.faces.detectors import DETECTORS, problems
from castgraph.run.config.fields import DECIMALS, WHOLE, Path, Section, matching

_Scale = Annotated[float, Field(gt=0)]
_Name = Annotated[str, matching("[A-Za-z0-9][A-Za-z0-9-]{0,39}", "letters, digits and '-', at most 40")]


class Embedder(Section):
    """An embedder of your own, see docs/models.md."""

    onnx: Path = Field(
        description="The ONNX file, with its weights in it. It is looked for as other paths are, and "
        "never fetched. The file may lie elsewhere later; what counts is its content."
    )
    name: _Name = Field(
        description="A name for it. Encodings lie in a folder that is named after it and the beginning of "
        "the file's SHA-256, such as `fast-centerface-up0-mine-1a2b3c4d`."
    )
    size: Annotated[int, Field(ge=16, le=1024), WHOLE] = Field(
        112, description="Side of the pictures of faces that it takes, in pixels."
    )
    mean: float | Annotated[list[float], Field(min_length=3, max_length=3)] = Field(
        127.5,
        description="What is taken from each value (0 to 255) first, a number or one for each channel. "
        "Three are in the order of `channels`.",
    )
    std: _Scale | Annotated[list[_Scale], Field(min_length=3, max_length=3)] = Field(
        127.5, description="What each value is then divided by, a number or one for each channel."
    )
    channels: Literal["rgb", "bgr"] = Field("rgb", description="The order of the colours that it takes.")
    alignment: Literal["arcface", "dlib"] = Field(
        "arcface",
        description="How a face is cut out. `arcface`: eyes, nose and mouth come to lie where InsightFace "
        "has them; `dlib`: as for dlib's embedder, with more around the face.",
    )
    sha256: Annotated[str, matching("[0-9a-f]{64}", "64 digits 0 to 9 and a to f")] | None = Field(
        None,
        description="Its SHA-256; another file is refused. `null` takes what is there; the configuration "
        "that is kept with the results has it.",
    )


class Faces(Section):
    """How faces are found and encoded; another value makes other encodings, in a folder of their own."""

    engine: Literal["fast", "reference"] = Field(
        "fast",
        description="`fast`, or `reference`: dlib as the package face_recognition calls it. `fast` finds the "
        "same faces and gives the same embeddings, many times faster.",
    )
    detector: Literal["centerface", "blazeface", "hog", "cnn"] = Field(
        "centerface",
        description="What finds faces: `centerface`, `blazeface`, or dlib's `hog` or `cnn`. `hog` finds "
        "frontal faces, the others also faces turned away and, with the same `upsample`, smaller ones; "
        "`blazeface` is the fastest and `cnn` the slowest. The first two are for the engine `fast`.",
    )
    upsample: Annotated[int, Field(ge=0, le=2), WHOLE] | None = Field(
        None,
        description="How often (0 to 2) a frame is doubled in size before detection; `null` for the "
        "detector's own. That is 1 for `hog` and `cnn` and 0 for `blazeface` and `centerface`. Each step "
        "finds faces of half the size and takes four times as long. `blazeface` looks at frames of any size "
        "as if they were 320 pixels long, so there a face's share of the frame counts.",
    )
    min_size_px: Annotated[int, Field(ge=0, le=4096), WHOLE] = Field(
        0,
        description="Smaller faces are not looked for; 0 takes all. It is the shorter side of the box, in "
        "pixels of the frame (of a photograph that is made smaller to look for faces, of the smaller one). "
        "`hog` and `cnn` of `fast` save the time that they would take; a face just below the limit may "
        "then be found in a box just above it.",
    )
    score_threshold: Annotated[float, Field(ge=-2, le=10), DECIMALS] | None = Field(
        None,
        description="Least score of the detector; `null` for its own. That is 0 for `hog` and `cnn`, below "
        "which they find more faces and more false ones (not for `reference` with `cnn`), and 0.5 for "
        "`blazeface` and `centerface`, whose scores lie between 0 and 1. To leave poor faces out without "
        "encoding again, see `quality.min_score`.",
    )
    embedder: Embedder | None = Field(
        None,
        description="What turns a face into numbers; `null` for dlib's, else a section for one of your own. "
        "[Models](../docs/models.md#an-embedder-of-your-own) tells how and which. `clustering.eps` then has "
        "another scale and has to be given, except with `hdbscan`. For the engine `fast`.",
    )

    def problems(self) -> Iterator[tuple[str, str]]:
        """Tell what the engine or the detector does not offer."""
        return problems(self.engine, self.detector, self.score_threshold, self.embedder is not None)

    # What is kept of a run says the number, and a run that says it is the same run.
    @field_serializer("upsample")
    def _upsample(self, value: int | None) -> int:
        return DETECTORS[self.detector].upsample if value is None else value

    @field_serializer("score_threshold")
    def _score_threshold(self, value: float | None) -> float:
        return DETECTORS[self.detector].threshold if value is None else value
