"""Which file is the transcript of a broadcast: by its name, beside the ZIP or the recording."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from urllib.parse import unquote

from castgraph.archive.listing.folders import named_id
from castgraph.archive.listing.local import is_local
from castgraph.base.files import is_hidden
from castgraph.transcripts.languages import language_code

_ENGLISH = "en"

_BEHIND = re.compile(
    r"(?:\.transcript)?(?:\.(?!sdh|cc\b)(?P<language>[a-z]{2,3})(?:[-_][a-z0-9]+)*)?(?:\.(?:sdh|cc))?"
    r"\.(?:srt|vtt)",
    re.IGNORECASE,
)
"""What is behind the name of a recording in that of its transcript."""


class Named(NamedTuple):
    """A file that may be the transcript of a broadcast, and the language that its name tells, if any."""

    name: str
    language: str


def in_archive(broadcast_id: str, prefer: Sequence[str] = ()) -> list[Named]:
    """Name the transcripts that an archive may have of a broadcast, in the order in which to ask for them.

    Parameters
    ----------
    broadcast_id
        The broadcast, or what else the name of its ZIP is without its ending.
    prefer
        Languages that are wanted rather than that in which it was on air.

    Examples
    --------
    >>> [each.name for each in in_archive("NTV_20220519_083000")]
    ['NTV_20220519_083000.transcript.srt', 'NTV_20220519_083000.transcript.en.srt']
    """
    languages = dict.fromkeys([*prefer, "", _ENGLISH])
    return [
        Named(f"{broadcast_id}.transcript{f'.{language}' if language else ''}.srt", language)
        for language in languages
    ]


def own(sources: Iterable[str], prefer: Sequence[str] = ()) -> dict[str, Named]:
    """Find the transcripts beside recordings: files of their names that end with .srt or .vtt.

    Parameters
    ----------
    sources
        What broadcasts come from; those that are no paths have none. Each folder is listed once.
    prefer
        Languages, the one that is wanted most first.

    Returns
    -------
    dict
        Source → its transcript, where there is one; the path is that of `beside`. Of several it is that of a
        preferred language, else the one whose name tells no language, else the first by its name. Beside
        ``tape.mp4`` they are called ``tape.srt``, ``tape.en.vtt``, ``tape.transcript.srt`` or
        ``tape.mp4.srt``.
    """
    wanted = [*map(language_code, prefer), ""]

    def rank(each: Named) -> tuple[int, str]:
        return (wanted.index(each.language) if each.language in wanted else len(wanted)), each.name

    folders: dict[str, dict[str, list[Named]]] = {}
    found = {}
    for source in filter(is_local, sources):
        folder, name = os.path.split(source)
        if folder not in folders:
            folders[folder] = _by_stem(folder or ".")
        there = folders[folder]
        if several := [*there.get(named_id(name), ()), *there.get(name, ())]:
            found[source] = min(several, key=rank)
    return found


def may_be_transcript(name: str) -> bool:
    """Tell whether a file may be a transcript by the ending of its name."""
    return name.lower().endswith((".srt", ".vtt"))


def beside(source: str, name: str) -> str:
    """Give the path of what lies beside a recording, written as the recording's own."""
    return os.path.join(os.path.dirname(source), name)  # noqa: PTH118, PTH120 (a leading ./ stays)


def _by_stem(folder: str) -> dict[str, list[Named]]:
    """List what may be a transcript in a folder, by the name of the recording that it would be of."""
    found: dict[str, list[Named]] = {}
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if may_be_transcript(entry.name)]
    except OSError:  # the recording itself is not there: what reads it tells so
        return found
    for name in names:
        if is_hidden(name):
            continue
        for dot in re.finditer(r"\.", name):
            if match := _BEHIND.fullmatch(name, dot.start()):
                named = Named(name, language_code(match["language"] or ""))
                found.setdefault(name[: dot.start()], []).append(named)
    return found


def of_address(source: str) -> tuple[str, str]:
    """Take the address of a ZIP apart: the folder that it lies in, and its name without its ending.

    Raises
    ------
    ValueError
        When nothing can lie beside it.
    """
    if "?" in source or "#" in source:
        raise ValueError("an address with '?' or '#' has nothing beside it")
    folder, _, name = source.rpartition("/")
    return folder, re.sub(r"\.zip\Z", "", unquote(name), flags=re.IGNORECASE)
