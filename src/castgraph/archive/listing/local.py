"""Sources that lie on this machine: how their paths are written, and what they are.

What a file is, its content says. Where its name ends as those of recordings do, the content is not asked
here: there may be 50,000 of them, and every job lists them anew. What a file then turns out to be is told
where it is read (`castgraph.archive.media.sources.obtain`).
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from castgraph.archive.listing.choose import PICTURE_SUFFIXES, VIDEO_SUFFIXES
from castgraph.base.text import is_formula

Kind = Literal["folder", "zip", "video"]

_NO_RECORDING: Mapping[str, str] = {
    ending: what
    for what, endings in {
        "a picture outside a folder of pictures": (
            *PICTURE_SUFFIXES,
            ".bmp",
            ".gif",
            ".tif",
            ".tiff",
            ".svg",
        ),
        "subtitles": (*(".srt", ".vtt", ".ass", ".ssa", ".sub", ".idx", ".sup"), ".smi", ".sbv", ".ttml"),
        "sound only": (*(".mp3", ".m4a", ".wav", ".flac", ".aac", ".ac3", ".wma"), ".ogg", ".oga", ".opus"),
        "a download that is not whole": (*(".part", ".crdownload", ".download", ".partial"), ".ytdl", ".tmp"),
        "an archive that is no ZIP": (*(".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst"), ".iso"),
        "no recording": (
            *(".nfo", ".txt", ".md", ".log", ".pdf", ".doc", ".docx", ".rtf", ".html", ".htm", ".url"),
            *(".json", ".xml", ".csv", ".tsv", ".xls", ".xlsx", ".ods", ".yaml", ".yml", ".ini", ".db"),
            *(".m3u", ".m3u8", ".pls", ".cue", ".edl", ".torrent", ".md5", ".sha1", ".sha256", ".sfv"),
        ),
    }.items()
    for ending in endings
}
"""How names end of what lies beside recordings → what it is."""

_ENDING = re.compile(r"(?<=[^/])\.(?=[0-9]*[a-z])[a-z0-9]{1,10}\Z", re.IGNORECASE)
_MOST_READ = 600  # bytes of a file that are looked at

_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_VIDEO = re.compile(
    rb"\x00...(?:moov|mdat|free|skip|wide|pnot|styp)|....mdat"  # QuickTime
    # MP4, but not what pictures (HEIC, AVIF), sound and e-books have of it.
    rb"|....ftyp(?!hei|hev|mif1|msf1|avi[fs]|jp[2x]|crx|M4[AB])"
    rb"|\x1a\x45\xdf\xa3"  # Matroska and WebM
    rb"|\x47(?:.{187}\x47){2}|.{4}\x47(?:.{191}\x47){2}"  # MPEG transport stream, plain and with times
    rb"|\x00\x00\x01[\xba\xb3]"  # MPEG programme stream and MPEG video
    rb"|RIFF....AVI "
    rb"|\x30\x26\xb2\x75\x8e\x66\xcf\x11"  # ASF: WMV
    rb"|FLV\x01"
    rb"|OggS(?!.{24}(?:\x01vorbis|OpusHead|Speex|\x7fFLAC))"
    rb"|\x06\x0e\x2b\x34\x02\x05\x01\x01",  # MXF
    re.DOTALL,
)


def is_local(source: str) -> bool:
    """Tell whether a source is a path, rather than the archive or an address."""
    return bool(source) and "://" not in source


def local_source(path: str, here: Path) -> str:
    """Write the path of a source: relative to `here` where it lies inside, so that both can be moved."""
    # By text alone: a Path for each of 50,000, or os.path.relpath, takes seconds.
    base = os.path.abspath(here)  # noqa: PTH100
    whole = os.path.normpath(os.path.join(base, path))  # noqa: PTH118
    within = f"{base.rstrip('/')}/"
    if whole != base and not whole.startswith(within):
        return whole
    relative = whole[len(within) :] or "."
    # An apostrophe would make it another path.
    return f"./{relative}" if is_formula(relative) else relative


def ending(name: str) -> str:
    """Give the ending of a file's name in small letters, with its dot; empty when there is none.

    Examples
    --------
    >>> [ending(name) for name in ("tape.MTS", "No. 7", "tape")]
    ['.mts', '', '']
    """
    match = _ENDING.search(name)
    return match[0].lower() if match else ""


def is_recording(name: str) -> bool:
    """Tell whether a file is a ZIP or a video by its name."""
    found = ending(name)
    return found == ".zip" or found in VIDEO_SUFFIXES


def no_recording(name: str) -> str:
    """Tell why a file is no recording by its name; empty where the name does not say so."""
    found = ending(name)
    return f"{_NO_RECORDING[found]} ({found})" if found in _NO_RECORDING else ""


def content(path: str | os.PathLike[str]) -> Literal["zip", "video", ""]:
    """Tell by the first bytes of a file whether it is a ZIP or a video; empty when it is neither.

    Raises
    ------
    OSError
        When it cannot be read.
    """
    with open(path, "rb") as file:  # noqa: PTH123 (there may be many)
        head = file.read(_MOST_READ)
    return "zip" if head.startswith(_ZIP) else "video" if _VIDEO.match(head) else ""


def kind_of(path: str) -> Kind:
    """Tell what a source is. Links are followed.

    Parameters
    ----------
    path
        Where it lies.

    Raises
    ------
    ValueError
        When it is none; the message is the reason alone, without the path.
    """
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 (there may be many)
        if stat.S_ISDIR(mode):
            return "folder"
        if not stat.S_ISREG(mode):
            raise ValueError("neither a file nor a folder")
        found = ending(path)
        kind = "zip" if found == ".zip" else "video" if found in VIDEO_SUFFIXES else content(path)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            is_link = os.path.islink(path)  # noqa: PTH114
            raise ValueError("a link that leads nowhere" if is_link else "not there") from None
        raise ValueError(f"cannot be read ({error.strerror})") from None
    if not kind:
        raise ValueError(
            no_recording(path) or f"neither a ZIP nor a video by its content{_in_brackets(found)}"
        )
    return kind


def _in_brackets(text: str) -> str:
    return f" ({text})" if text else ""
