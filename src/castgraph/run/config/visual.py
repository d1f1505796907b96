"""The section ``visual``: frames as wholes, grouped, mapped and searched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from castgraph.archive.listing.choose import check_excluded
from castgraph.run.config.broadcasts import Pattern
from castgraph.run.config.fields import WHOLE, Distinct, Path, Section, matching

_Scale = Annotated[float, Field(gt=0)]
_Three = Annotated[list[float], Field(min_length=3, max_length=3)]
_Name = Annotated[str, matching("[A-Za-z0-9][A-Za-z0-9-]{0,39}", "letters, digits and '-', at most 40")]
_Sha256 = Annotated[str, matching("[0-9a-f]{64}", "64 digits 0 to 9 and a to f")]
_Language = Annotated[
    str, matching("[a-z]{3}(?:_[a-z]{2,8})?", "what tesseract calls it, such as eng, rus or chi_sim")
]


class OwnNetwork(Section):
    """A pair of networks of your own, see docs/visual.md."""

    name: _Name = Field(description="A name for it; the folder of its results is named after it.")
    images: Path = Field(
        description="The ONNX file that turns pictures into numbers, with its weights in it. Paths are "
        "looked for as others are."
    )
    texts: Path | None = Field(
        None,
        description="The ONNX file that turns texts into numbers that can be compared with them; `null` for "
        "none.",
    )
    tokenizer: Path | None = Field(
        None, description="The `tokenizer.json` (Hugging Face) for it; needed with `texts`."
    )
    size: Annotated[int, Field(ge=16, le=2048), WHOLE] = Field(
        224, description="Side of the pictures that it takes, in pixels."
    )
    crop: bool = Field(
        False,
        description="Whether it gets the middle of a frame rather than all of it, squeezed to a square.",
    )
    mean: float | _Three = Field(
        127.5, description="What is taken from each value (0 to 255) first, a number or one for each colour."
    )
    std: _Scale | Annotated[list[_Scale], Field(min_length=3, max_length=3)] = Field(
        127.5, description="What each value is then divided by, a number or one for each colour."
    )
    text_length: Annotated[int, Field(ge=4, le=4096), WHOLE] = Field(
        77, description="To how many tokens a text is cut or filled up."
    )
    sha256: _Sha256 | None = Field(
        None,
        description="The SHA-256 of `images`; another file is refused. `null` takes what is there; the "
        "configuration that is kept with the results has it.",
    )

    def problems(self) -> Iterator[tuple[str, str]]:
        """Tell where one of a pair is missing."""
        if self.texts and not self.tokenizer:
            yield "tokenizer", "found null; allowed: the path of a tokenizer.json, with texts"


class Vertex(Section):
    """Google's service for embeddings, which is paid for."""

    project: Annotated[str, matching("[a-z][a-z0-9-]{4,61}", "the ID of a project of Google Cloud")] = Field(
        description="The ID of your project."
    )
    location: Annotated[str, matching("[a-z]+(?:-[a-z]+[0-9]+)?", "a region, such as us-central1")] = Field(
        "us-central1", description="The region that is asked."
    )
    model: Annotated[str, matching("[A-Za-z0-9@._-]{1,80}", "the name of a model")] = Field(
        "multimodalembedding@001", description="The model."
    )
    dimensions: Literal[128, 256, 512, 1408] = Field(1408, description="Numbers of an embedding.")
    per_minute: Annotated[int, Field(ge=1, le=100_000), WHOLE] = Field(
        120, description="Most requests in a minute: your quota."
    )
    price: Annotated[float, Field(ge=0, le=1)] = Field(
        0.0001, description="What a picture costs, in US dollars, by the price list of the day."
    )
    most_usd: Annotated[float, Field(ge=0)] = Field(
        0,
        description="Most that may be spent in all, in US dollars, as castgraph's cache counts it. What a "
        "broadcast would cost at most is told before the first call; where that is more, nothing is asked. 0 "
        "asks for nothing, so that nobody pays by accident.",
    )
    endpoint: Annotated[str, matching(r"https?://[^\s\x00-\x1f]+", "an address")] | None = Field(
        None, description="Another address of the service, such as a proxy; `null` for Google's."
    )


class Visual(Section):
    """Frames as wholes: what is in the picture, groups of like pictures, and search."""

    embedder: Literal["lite0", "clip", "vertex", "onnx"] | None = Field(
        None,
        description="What turns a frame into numbers; `null` leaves all of this out. `lite0` needs no "
        "network and names what it sees; `clip` can be asked in words; `vertex` is a service of Google that "
        "is paid for; `onnx` is a network of your own. [The visual landscape](../docs/visual.md) tells more.",
    )
    broadcasts: Distinct[Pattern] | None = Field(
        None,
        description="Which broadcasts of the run, by ID or by patterns of IDs as in `broadcasts.exclude`; "
        "`null` for all.",
    )
    model_path: Path | None = Field(
        None,
        description="A folder with the models of `clip`, for machines without network; `null` fetches them "
        "once.",
    )
    onnx: OwnNetwork | None = Field(None, description="The network of your own, for the embedder `onnx`.")
    vertex: Vertex | None = Field(None, description="How the service is asked, for the embedder `vertex`.")
    ocr: bool = Field(
        False,
        description="Whether text on the screen is read, too, once for frames that are alike. It needs "
        "castgraph's extra `ocr`, and tesseract with its languages.",
    )
    ocr_languages: Distinct[_Language] = Field(
        ["eng", "rus"], description="The languages of text on the screen, as tesseract calls them."
    )
    min_cluster_size: Annotated[int, Field(ge=2, le=1000), WHOLE] = Field(
        3, description="Fewest pictures of a group."
    )
    most_pictures: Annotated[int, Field(ge=100, le=200_000), WHOLE] = Field(
        50_000,
        description="Most pictures that are grouped over a run. Of more, so many are drawn, always the same, "
        "and the others join the group that is nearest.",
    )
    umap: bool = Field(
        False, description="Whether the map is also drawn by UMAP; it needs castgraph's extra `umap`."
    )
    sheets: bool = Field(True, description="Whether a sheet of pictures of each group is drawn.")

    def problems(self) -> Iterator[tuple[str, str]]:
        """Tell what an embedder needs, and what is no ID or pattern."""
        try:
            check_excluded(self.broadcasts or [])
        except ValueError as error:
            yield "broadcasts", str(error)
        if self.embedder == "onnx" and self.onnx is None:
            yield "onnx", "found null; allowed: a section with name and images, with the embedder onnx"
        if self.embedder == "vertex" and self.vertex is None:
            yield "vertex", "found null; allowed: a section with project, with the embedder vertex"
