"""Text on the screen: RapidOCR finds the lines, Tesseract reads them in the languages that are named.

Where Tesseract is not there RapidOCR reads them itself, if the languages have Latin letters. Both are extras;
neither fetches anything.
"""

from __future__ import annotations

import csv
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from castgraph.base.text import visible
from castgraph.visual.embed import Line, Reader
from castgraph.visual.embedder import EmbedderError, Picture

LATIN = frozenset({"eng", "deu", "fra", "spa", "ita", "por", "nld"})
"""Languages that RapidOCR reads by itself."""

LEAST_CONFIDENCE = 50.0
"""Of a word, from 0 to 100; of less sure ones nothing is taken."""

MOST_LINES = 60
"""On one picture, the largest; more are none that anybody reads."""

_HEIGHT = 48  # to which a line is brought for Tesseract, in pixels
_TIMEOUT = 120
_LONGEST = 500


def reader(languages: Sequence[str]) -> Reader:
    """Load what reads text on pictures.

    Parameters
    ----------
    languages
        As Tesseract calls them.

    Returns
    -------
    callable
        Takes a picture of shape (height, width, 3), uint8, RGB; gives its lines from above.

    Raises
    ------
    EmbedderError
        When a package, a program or a language is not there; the message says how to get it.
    """
    try:
        from rapidocr import RapidOCR
    except ImportError as error:
        raise EmbedderError("visual.ocr needs the package rapidocr; run `uv sync --extra ocr`") from error
    has_tesseract = shutil.which("tesseract") is not None
    if has_tesseract:
        _check(languages)
    elif not LATIN.issuperset(languages):
        others = ", ".join(sorted(set(languages) - LATIN))
        raise EmbedderError(
            f"visual.ocr_languages: {others} need tesseract, which is not there; on Debian `apt install "
            f"{' '.join(f'tesseract-ocr-{_package(each)}' for each in languages)}`"
        )
    threads = "EngineConfig.onnxruntime"
    engine = RapidOCR(
        params={
            "Global.log_level": "error",
            f"{threads}.intra_op_num_threads": 1,
            f"{threads}.inter_op_num_threads": 1,
        }
    )

    def read(picture: Picture) -> list[Line]:
        given = np.ascontiguousarray(picture[..., ::-1])  # as OpenCV has colours
        if not has_tesseract:
            found = engine(given, use_det=True, use_cls=False, use_rec=True)
            return _lines(found.boxes, found.txts, picture)
        corners = engine(given, use_det=True, use_cls=False, use_rec=False).boxes
        boxes = _largest([] if corners is None else [_box(each, picture) for each in corners])
        return _ordered(zip(_by_tesseract(picture, boxes, languages), boxes, strict=True))

    return read


def _package(language: str) -> str:
    return language.replace("_", "-")


def _check(languages: Sequence[str]) -> None:
    done = subprocess.run(
        ["tesseract", "--list-langs"],  # noqa: S607
        capture_output=True,
        timeout=_TIMEOUT,
        check=False,
    )
    there = set(done.stdout.decode(errors="replace").split())
    if missing := [each for each in languages if each not in there]:
        packages = " ".join(f"tesseract-ocr-{_package(each)}" for each in missing)
        raise EmbedderError(
            f"visual.ocr_languages: tesseract does not know {', '.join(missing)}; on Debian "
            f"`apt install {packages}`"
        )


def _lines(corners: Any, texts: Any, picture: Picture) -> list[Line]:
    if corners is None or texts is None:
        return []
    return _ordered((str(text), _box(each, picture)) for each, text in zip(corners, texts, strict=True))


def _box(corners: NDArray[Any], picture: Picture) -> tuple[int, int, int, int]:
    """Give the upright box around four corners, within the picture: top, right, bottom, left."""
    points = np.asarray(corners, np.float64).reshape(-1, 2)
    height, width = picture.shape[:2]
    left, top = np.clip(np.floor(points.min(axis=0)), 0, (width - 1, height - 1)).astype(int).tolist()
    right, bottom = (
        np.clip(np.ceil(points.max(axis=0)), (left + 1, top + 1), (width, height)).astype(int).tolist()
    )
    return top, right, bottom, left


def _largest(boxes: list[tuple[int, int, int, int]]) -> list[tuple[int, int, int, int]]:
    return sorted(boxes, key=lambda box: (box[2] - box[0]) * (box[1] - box[3]), reverse=True)[:MOST_LINES]


def _ordered(found: Any) -> list[Line]:
    lines = [Line(visible(" ".join(text.split()))[:_LONGEST], box) for text, box in found if text.strip()]
    return sorted(lines, key=lambda line: (line.box[0], line.box[3], line.text))


def _by_tesseract(
    picture: Picture, boxes: Sequence[tuple[int, int, int, int]], languages: Sequence[str]
) -> list[str]:
    """Read the lines in boxes, all in one process."""
    if not boxes:
        return []
    image = Image.fromarray(picture)
    with TemporaryDirectory(prefix="lines-") as folder:
        names = []
        for number, (top, right, bottom, left) in enumerate(boxes):
            margin = max(2, (bottom - top) // 6)
            line = image.crop((left - margin, top - margin, right + margin, bottom + margin)).convert("L")
            width = min(4096, max(1, round(line.width * _HEIGHT / line.height)))
            line.resize((width, _HEIGHT), Image.Resampling.LANCZOS).save(Path(folder, f"{number}.png"))
            names.append(str(Path(folder, f"{number}.png")))
        listed = Path(folder, "lines.txt")
        listed.write_text("\n".join(names) + "\n", encoding="utf-8")
        command = ["tesseract", str(listed), "stdout", "-l", "+".join(languages), "--psm", "7", "tsv"]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_TIMEOUT, check=True)  # noqa: S603
        except (subprocess.SubprocessError, OSError) as error:
            told = getattr(error, "stderr", b"") or str(error).encode()
            raise EmbedderError(f"tesseract fails: {told.decode(errors='replace').strip()[-300:]}") from error
    texts: list[list[str]] = [[] for _ in boxes]
    rows = csv.DictReader(
        done.stdout.decode(errors="replace").splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE
    )
    for row in rows:
        try:
            page, sure = int(row["page_num"] or 0), float(row["conf"] or -1)
        except (KeyError, ValueError, TypeError):
            continue
        if 1 <= page <= len(texts) and sure >= LEAST_CONFIDENCE and (row["text"] or "").strip():
            texts[page - 1].append(row["text"])
    return [" ".join(words) for words in texts]
