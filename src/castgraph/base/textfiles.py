"""Text files as programs in any country write them: packed or not, in the encoding that they begin with."""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO, TextIO, cast

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""What a text begins with → its encoding; the longer marks of those that begin alike come first."""


class NotDecodedError(ValueError):
    """A file that is not of the encoding that it was read in."""


@contextmanager
def opened(path: Path, encoding: str, errors: str = "strict") -> Iterator[TextIO]:
    """Open a text file, packed or not; whatever goes wrong while it is read is a ValueError."""
    with _unpacked(path) as file:
        try:
            yield TextIOWrapper(file, encoding=encoding, errors=errors)
        except UnicodeError as error:
            raise NotDecodedError(f"cannot be read ({error})") from error


@contextmanager
def _unpacked(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as file:
            is_packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if not is_packed:
                yield file
                return
            with gzip.open(file) as unpacked:
                yield cast("BinaryIO", unpacked)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"cannot be read ({error})") from error


def encoding_of(path: Path) -> str:
    """Tell the encoding that a text file begins with; empty where it does not say.

    Raises
    ------
    ValueError
        When it cannot be read, or is a spreadsheet and no text.
    """
    with _unpacked(path) as file:
        head = file.read(512)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise ValueError("is no text: of a spreadsheet (.xlsx, .xls, .ods) save the table as CSV UTF-8")
    # Without a mark: of a sign of ASCII, of which IDs are made, one of two bytes is 0. A few tell nothing.
    before, behind = head[::2].count(0), head[1::2].count(0)
    if before + behind < len(head) / 16:
        return ""
    return "utf-16-be" if before > behind else "utf-16-le" if behind else ""
