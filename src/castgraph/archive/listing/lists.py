"""Files that list broadcasts: one a line, or as a table (``table``)."""

from __future__ import annotations

import itertools
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, TextIO, TypeVar
from urllib.parse import unquote, urlsplit

from castgraph.archive.address import has_login, without_login
from castgraph.archive.broadcast import Broadcast
from castgraph.archive.listing import table
from castgraph.archive.listing.choose import FORM, Choice, perhaps, some, with_included
from castgraph.archive.listing.folders import NO_ID, Found, named_id
from castgraph.archive.listing.left_alone import LeftAlone
from castgraph.archive.listing.local import is_local, is_recording, kind_of, local_source
from castgraph.archive.listing.table import Entry
from castgraph.base.csvs import SEPARATORS, separator_line
from castgraph.base.text import quoted
from castgraph.base.textfiles import NotDecodedError, encoding_of, opened

_COMMENT = re.compile(r"(?:^|\s)#")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CODE_PAGES = (
    *("cp1252", "cp1251", "cp1250", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp874"),
    *("cp932", "gbk", "cp949", "big5", "mac_roman", "mac_cyrillic", "mac_latin2", "koi8_r", "cp866", "cp850"),
)
"""In what spreadsheets write CSV that is not UTF-8, by the country; which it is, the paths tell."""
_SLASHES = "the folders of a path are parted by / here; in WSL the drive C: is /mnt/c"
_TOLD = 10  # sources that are told one by one
_MOST_PATHS = 100  # that are looked for to tell the code page

Result = TypeVar("Result")


def read_list(
    path: Path, choice: Choice, base_url: str = "", here: Path | None = None, *, check: bool = True
) -> Found:
    """Take what is wanted of the broadcasts that a file lists, and what is included.

    Parameters
    ----------
    path
        A text file, packed with gzip or not, in UTF-8, UTF-16 or, where its paths tell which, in the encoding
        of a country. It has one entry a line: a broadcast ID, the address of a ZIP, or the path of a ZIP, a
        folder of images or a video; the ID is the name without its ending. Or it is a table, see `table`,
        with the columns ``broadcast`` (an ID) and, if need be, ``source`` (such an address or path). ``#``
        begins a comment.
    choice
        What is wanted.
    base_url
        Where the archive lies. An address there is that of the archive's own ZIP.
    here
        The folder that relative paths start from; None for the working directory.
    check
        Whether to see that paths which are wanted lead to sources. Jobs need not do so again.

    Returns
    -------
    Found
        As of `narrow`. Paths within `here` are relative to it, others absolute. Left alone are columns of a
        table that are not read, and, where the list is narrowed, addresses of ZIPs whose names are no
        broadcast IDs, of which the archive has a few: they have no station and no day.

    Raises
    ------
    ValueError
        When the file cannot be read or lists nothing, when entries are wrong, when a broadcast has two
        sources, and when sources are not there or are none.
    """
    here = here or Path.cwd()

    def read(file: TextIO) -> Found:
        found = _read(file, path, choice, base_url, here)
        if check:
            _refuse_absent(found.sources.values(), path, here)
        return found

    return _decoded(path, here, read)


def read_names(path: Path) -> Iterator[str]:
    """Give the IDs of a file that lists broadcasts, whatever they are; see `read_list`.

    Raises
    ------
    ValueError
        When the file cannot be read or lists nothing.
    """
    here = Path.cwd()
    # An ID looks the same in the encodings of all countries.
    with opened(path, encoding_of(path) or "latin-1") as file:
        for _, broadcast_id, _ in _entries(file, here).rows:
            yield broadcast_id


def read_excluded(path: Path) -> list[str]:
    """Read IDs and shell patterns of IDs, one a line, from a text file or one packed with gzip.

    Raises
    ------
    ValueError
        When it cannot be read.
    """
    with opened(path, encoding_of(path) or "utf-8") as file:
        texts = (_COMMENT.split(line, maxsplit=1)[0].strip() for line in file)
        return [text for text in texts if text]


def _read(file: TextIO, path: Path, choice: Choice, base_url: str, here: Path) -> Found:
    own = f"{base_url.rstrip('/')}/"
    found: dict[str, str] = {}
    wrong: list[tuple[int, str]] = []
    left: list[LeftAlone] = []
    listed = _entries(file, here)
    for line, broadcast_id, source in listed.rows:
        is_zip = not listed.columns and _is_address(source)
        if is_zip and not choice.may_take(broadcast_id):  # here most of a long list ends, at little cost
            continue
        if "://" in source and has_login(source):
            raise ValueError(f"{without_login(source)} holds a user name or password; put them into ~/.netrc")
        told = broadcast_id if listed.columns else source or broadcast_id
        try:
            broadcast = Broadcast.parse(broadcast_id)
            told = source
            recorded = _recorded(source, broadcast_id, own, here)
        except ValueError:
            if is_zip and choice.narrows:
                left.append(LeftAlone(source, NO_ID))
            elif not choice.excludes(broadcast_id, source.rpartition("/")[2]):
                wrong.append((line, told))
            continue
        if choice.takes(broadcast) and found.setdefault(broadcast_id, recorded) != recorded:
            two = " and ".join(each or "the archive" for each in (found[broadcast_id], recorded))
            raise ValueError(f"{broadcast_id} has two sources: {two}")
    if wrong:
        raise ValueError(_wrong(wrong, is_table=bool(listed.columns)))
    left += table.unread(local_source(str(path), here), listed.columns)
    return Found(with_included(found, choice), tuple(left))


class _Listed(NamedTuple):
    """The entries of a file, and the columns where it is a table."""

    rows: Iterator[Entry]
    columns: tuple[str, ...] = ()


def _entries(file: Iterable[str], here: Path) -> _Listed:
    lines: Iterator[tuple[int, str]] = (
        (number, line) for number, line in enumerate(file, 1) if (text := line.lstrip()) and text[0] != "#"
    )
    # Above the first row of a table there may be rows without anything in them.
    first = next((each for each in lines if each[1].strip(' \t\r\n,;|"')), None)
    if first is None:
        raise ValueError("holds no broadcast ID; one a line is expected, or the address or path of a source")
    if separator := separator_line(first[1]):
        first = next(lines, (first[0], ""))
    if head := table.header(first[1], separator):
        return _Listed(table.rows(lines, head, here, first[0]), head.columns)
    return _Listed(_entry(number, line, here) for number, line in itertools.chain([first], lines))


def _entry(number: int, line: str, here: Path) -> Entry:
    """Read a line of a list: the ID, or what should be one, and the source."""
    text = (_COMMENT.split(line, maxsplit=1)[0] if "#" in line else line).strip()
    if "://" in text:
        stem, _, ending = _file_name(text).rpartition(".")
        return (number, stem, text) if ending.lower() == "zip" else (number, text, "")
    name = text.rstrip("/").rpartition("/")[2]
    if is_recording(name) or ("." in name and os.path.isfile(here / text)):  # noqa: PTH113
        return number, named_id(name), text
    return number, name, text if "/" in text else ""


def _file_name(address: str) -> str:
    """Tell the name of the file that an address means."""
    if "%" in address or "?" in address or "#" in address:
        try:
            address = unquote(urlsplit(address).path)
        except ValueError:
            return ""
    return address.rpartition("/")[2]


def _is_address(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def _recorded(source: str, broadcast_id: str, own: str, here: Path) -> str:
    """Write a source as it is recorded; `own` is the address of the archive, with a slash."""
    if source in ("", f"{own}{broadcast_id}.zip"):
        return ""
    if _CONTROL.search(source) or ("://" in source and not _is_address(source)):
        raise ValueError(f"{source!r} is no source")
    if _is_address(source):
        return source
    return local_source(source if source.isascii() else _as_spelled(source, here), here)


def _as_spelled(path: str, here: Path) -> str:
    """Spell a path as the disk does: letters with marks are one sign there, or two as on a Mac."""
    spellings = (path, unicodedata.normalize("NFC", path), unicodedata.normalize("NFD", path))
    return next((each for each in spellings if _is_there(here, each)), path)


def _is_there(folder: Path, path: str) -> bool:
    return os.path.exists(os.path.join(folder, path))  # noqa: PTH110, PTH118 (there may be many)


def _wrong(entries: Sequence[tuple[int, str]], *, is_table: bool) -> str:
    """Tell of entries that are none, by their lines."""
    texts = [text for _, text in entries]
    first = f"the first in line {entries[0][0]}"
    told = (
        f"{len(entries)} of the entries are not broadcast IDs, nor addresses of ZIPs or paths that are named "
        f"by one: {some(texts)} ({first}); {FORM}{perhaps(texts)}"
    )
    if is_table:
        return told
    if "\\" in texts[0]:
        return f"{told}; {_SLASHES}"
    if any(separator in texts[0] for separator in SEPARATORS):
        return f"{told}; the first line of a table names its columns, broadcast and source"
    return (
        f"{told}; a CSV table with the columns broadcast,source tells the IDs of files that have other "
        "names: castgraph init FOLDER --station STATION writes one"
    )


def _refuse_absent(sources: Iterable[str], path: Path, here: Path) -> None:
    """Refuse paths that lead to no source: their broadcasts would all be missing."""
    wrong: list[tuple[str, str]] = []
    for source in sources:
        if is_local(source):
            try:
                kind_of(os.path.join(here, source))  # noqa: PTH118 (there may be many)
            except ValueError as error:
                wrong.append((source, str(error)))
    if wrong:
        told = "; ".join(f"{quoted(source)}: {reason}" for source, reason in wrong[:_TOLD])
        hints = dict.fromkeys(filter(None, (_hint(source, path, here) for source, _ in wrong[:_TOLD])))
        more = "; …" if len(wrong) > _TOLD else ""
        raise ValueError("; ".join([f"{len(wrong)} of the sources cannot be taken: {told}{more}", *hints]))


def _hint(source: str, path: Path, here: Path) -> str:
    """Tell what may be wrong with the path of a source."""
    if "\\" in source:
        if _is_there(here, source.replace("\\", "/")):
            return "with / in the place of \\ it would be there"
        return _SLASHES
    if source.startswith("~") or "$" in source:
        return "~ and $NAME are not filled in: write the path in full"
    if _is_there(path.parent, source):
        return f"paths start from {here}, and not from where the list lies"
    return ""


# Files as text.


def _decoded(path: Path, here: Path, read: Callable[[TextIO], Result]) -> Result:
    """Read a file in the encoding in which it was written."""
    mark = encoding_of(path)
    try:
        with opened(path, mark or "utf-8") as file:
            return read(file)
    except NotDecodedError:
        if mark:
            raise
    page = _code_page(path, here)
    try:
        with opened(path, page, errors="replace") as file:
            return read(file)
    except ValueError as error:
        raise ValueError(
            f"{error}; the file is not UTF-8 and was read as {page}: if letters are wrong, save it as UTF-8"
        ) from error


def _code_page(path: Path, here: Path) -> str:
    """Tell the encoding in which most paths of a file lead somewhere; the first one where none does."""
    raw: list[bytes] = []
    with suppress(ValueError), opened(path, "latin-1") as file:  # a byte a sign, and none is lost
        for _, _, source in _entries(file, here).rows:
            if not source.isascii() and is_local(source):
                raw.append(source.encode("latin-1"))
            if len(raw) == _MOST_PATHS:
                break

    def n_there(page: str) -> int:
        return sum(_is_there(here, _as_spelled(each.decode(page, "replace"), here)) for each in raw)

    return max(_CODE_PAGES, key=n_there)
