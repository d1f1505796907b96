"""Getting the transcript of a broadcast, as text."""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Unpack

from charset_normalizer import from_bytes

from castgraph.archive.broadcast import Broadcast
from castgraph.archive.fetch import FetchError, FetchOptions, TooLargeError, fetch, join
from castgraph.archive.listing.local import is_local
from castgraph.base import files
from castgraph.base.textfiles import NotDecodedError, encoding_of, opened
from castgraph.transcripts.beside import Named, beside, in_archive, of_address, own

log = logging.getLogger(__name__)

MAX_BYTES = 16 * 2**20
"""A transcript larger than this is damaged, also unpacked; an hour takes some 100 kB."""

_TOO_LARGE = f"larger than {MAX_BYTES:,} bytes"


@dataclass(frozen=True, slots=True)
class Transcript:
    """The transcript of a broadcast.

    Attributes
    ----------
    status
        ``ok``: its text is there, whatever is in it; ``missing``, ``unreachable`` or ``damaged``.
    reason
        Why it is not ok; of one that is, what else there is to know of it.
    name
        The name of its file; empty where there is none.
    language
        The language that its name tells; empty where it tells none.
    text
        What the file holds.
    """

    status: Literal["ok", "missing", "unreachable", "damaged"]
    reason: str = ""
    name: str = ""
    language: str = ""
    text: str = ""


def obtain(
    base_url: str,
    broadcast_id: str,
    destination: Path,
    *,
    source: str = "",
    prefer: Sequence[str] = (),
    give_up: bool = False,
    **options: Unpack[FetchOptions],
) -> Transcript:
    """Fetch or read the transcript of a broadcast and write it to `destination`, for `read_transcript`.

    Parameters
    ----------
    base_url
        Where the archive lies; see `castgraph.archive.fetch.join`.
    broadcast_id
        The broadcast.
    destination
        The file to write, atomically. A transcript that is there and could be read is not replaced by one
        that could not.
    source
        What the broadcast comes from; empty for the archive. The transcript lies beside it.
    prefer
        Languages that are wanted rather than that of the broadcast, such as ``en``.
    give_up
        Whether one that cannot be had at the last attempt is ``unreachable`` rather than an error.
    **options
        How patiently to fetch; see `castgraph.archive.fetch.fetch`.

    Returns
    -------
    Transcript
        What was found now.

    Raises
    ------
    FetchError
        When the archive does not answer, unless `give_up`.
    """
    Broadcast.parse(broadcast_id)
    found = (
        _read_own(source, prefer)
        if is_local(source)
        else _fetched(base_url, broadcast_id, source, prefer, give_up, options)
    )
    if found.status != "ok" and _is_ok(destination):
        log.warning("%s: %s; what was there before is kept", found.status, found.reason)
    else:
        files.write_json(destination, asdict(found))
    return found


def read_transcript(path: Path) -> Transcript:
    """Read a transcript that `obtain` wrote.

    Raises
    ------
    ValueError
        When the file is none.
    """
    try:
        return Transcript(**files.known(Transcript, json.loads(path.read_text(encoding="utf-8"))))
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is not a transcript written by castgraph: {error!r}") from error


def _is_ok(path: Path) -> bool:
    """Tell whether a transcript is there that could be read."""
    try:
        return read_transcript(path).status == "ok"
    except (OSError, ValueError):
        return False


def _read_own(source: str, prefer: Sequence[str]) -> Transcript:
    found = own([source], prefer).get(source)
    if found is None:
        return Transcript("missing", "no .srt or .vtt of its name lies beside the recording")
    return _read(Path(beside(source, found.name)), found)


def _fetched(
    base_url: str,
    broadcast_id: str,
    source: str,
    prefer: Sequence[str],
    give_up: bool,
    options: FetchOptions,
) -> Transcript:
    try:
        base_url, stem = of_address(source) if source else (base_url, broadcast_id)
        asked = [(each, join(base_url, each.name)) for each in in_archive(stem, prefer)]
    except ValueError as error:
        if not source:
            raise
        return Transcript("missing", str(error))
    reason = ""
    with tempfile.TemporaryDirectory() as folder:
        for named, address in asked:
            path = Path(folder) / "transcript"
            try:
                got = fetch(address, path, max_bytes=MAX_BYTES, **options)
            except TooLargeError:
                return Transcript("damaged", _TOO_LARGE, named.name, named.language)
            except FetchError as error:
                if not give_up:
                    raise
                # Without the address: the reason is published with the results.
                said = str(error).removeprefix(f"{address}: ")
                return Transcript("unreachable", said, named.name, named.language)
            if got.status == "ok":
                return _read(path, named)
            reason = reason or got.reason
    return Transcript("missing", reason)


def _read(path: Path, named: Named) -> Transcript:
    """Read a file that may hold anything, in whatever encoding it is."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(_TOO_LARGE)
        text, reason = _decoded(path)
    except (ValueError, OSError) as error:
        return Transcript("damaged", _said(error), named.name, named.language)
    return Transcript("ok", reason, named.name, named.language, text)


def _decoded(path: Path) -> tuple[str, str]:
    """Give the text of a file, and what is to be said of how it was read."""
    encoding = encoding_of(path)
    try:
        return _text(path, encoding or "utf-8"), ""
    except NotDecodedError:
        if encoding:
            raise
    # In which of the encodings of countries, what it says tells best.
    best = from_bytes(_text(path, "latin-1").encode("latin-1")).best()
    if best is None:
        raise ValueError("neither UTF-8 nor UTF-16, nor what could be told to be another encoding")
    return str(best), f"read as {best.encoding}, which is a guess; UTF-8 is sure"


def _text(path: Path, encoding: str) -> str:
    with opened(path, encoding) as file:
        text = file.read(MAX_BYTES + 1)
        if len(text) > MAX_BYTES:
            raise ValueError(_TOO_LARGE)
        return text


def _said(error: Exception) -> str:
    """Say an error without a path: the reason is published with the results."""
    if isinstance(error, OSError):
        return f"it cannot be read ({error.strerror})"
    return str(error)
