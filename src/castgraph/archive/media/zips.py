"""ZIPs of broadcasts: taking the frames out of them.

A ZIP holds the frames of one broadcast as ``{ID}/{ID}-000001.jpg``, ``{ID}/{ID}-000002.jpg``, …. What else
it holds is refused, and no name in it is ever used as a path: we name the file of a frame, from its number.
No size that it states is believed. What is wrong with it is told in the broadcast's *manifest*; a ZIP that
cannot be had is kept as a *placeholder*, an empty ZIP whose comment says why.

Comments that castgraph writes into ZIPs, and what an archive that forges them gains: ``castgraph: 12.345678
s`` at an entry is the time of a frame of a video (gain: a wrong time in a table); ``castgraph: STATUS:
reason`` at an empty ZIP says why it is empty, ``castgraph: partial: reason`` at another what it lacks (gain:
a broadcast that is called worse than it is), ``castgraph: ok: note`` what there is to know of it (gain: a
text in a table).
"""

from __future__ import annotations

import errno
import io
import json
import re
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, Self, cast

from castgraph.archive.broadcast import BROADCAST_PATTERN, Broadcast, frame_name
from castgraph.base import files, statuses
from castgraph.base.text import counted, quoted, shortened

_CHUNK = 1 << 16  # bytes unpacked at a time
_MAX_TEXT = 400  # characters kept of a reason

_ENCRYPTED = 0x1 | 0x40  # flag bits of an entry
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # zipfile unpacks the others without a bound on memory
_ENTRY_SIGNATURE = b"PK\x01\x02"
_MAX_ENTRY_BYTES = 512  # in the central directory, on average

MAX_FRAME_NUMBER = 999_999_999

_EMPTY_ZIP = b"PK\x05\x06" + bytes(16)  # followed by the length of the comment and the comment
_ABSENT = ("missing", "unreachable", "damaged", "empty")  # what a placeholder can say
_COMMENT = re.compile(f"castgraph: ({'|'.join((*_ABSENT, 'partial', 'ok'))}): (.*)", re.DOTALL)
_FRAME_OF_ANY = re.compile(rf"({BROADCAST_PATTERN})-[0-9]{{1,9}}\.(?i:jpe?g)", re.ASCII)
_FRAME_COMMENT = re.compile(rb"castgraph: ([0-9]{1,12}\.[0-9]{6}) s")

# What zipfile raises when a ZIP is broken. Of OSErrors see _reading.
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    ValueError,
)


class FrameError(LookupError):
    """A frame cannot be read out of a ZIP."""


class _DamagedError(Exception):
    """A ZIP or an entry of it cannot be read."""


class _TooLargeError(_DamagedError):
    """An entry is larger than a frame may be."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a ZIP is taken.

    Attributes
    ----------
    max_frames
        Frames of a broadcast; at one every 4 seconds the default makes 55 hours.
    max_frame_bytes
        Size of a frame, unpacked.
    max_total_bytes
        Size of all frames together, unpacked.
    max_refused_listed
        Refused entries that the manifest names; all are counted.
    max_entries
        Entries that a ZIP may list; one that lists more is not opened.
    max_pixels
        Pixels of a frame of a video.
    max_picture_pixels
        Pixels of a picture of a folder, and of a frame that faces are looked for in. Phones take up to 108
        million, and few of them more.
    """

    max_frames: int = 50_000
    max_frame_bytes: int = 20 * 2**20
    max_total_bytes: int = 20 * 2**30
    max_refused_listed: int = 100
    max_entries: int = 200_000
    max_pixels: int = 4096 * 2160
    max_picture_pixels: int = 128_000_000

    @classmethod
    def of(cls, archive: Mapping[str, Any]) -> Limits:
        """Take the limits that the section ``archive`` of the configuration sets."""
        return cls(
            max_frames=archive["max_frames"],
            max_frame_bytes=int(archive["max_frame_mb"] * 2**20),
            max_total_bytes=int(archive["max_broadcast_mb"] * 2**20),
        )

    @property
    def max_zip_bytes(self) -> int:
        """The size of the largest ZIP that is worth having."""
        return self.max_total_bytes + 2 * self.max_entries * _MAX_ENTRY_BYTES


DEFAULT_LIMITS = Limits()

Needed = dict[str, int | None]
"""What a broadcast would take without one of the limits, by its name in `Limits`; None where that cut it."""


def could_change(needed: Mapping[str, int | None], before: Limits, now: Limits) -> bool:
    """Tell whether a broadcast may be another one with other limits.

    Parameters
    ----------
    needed
        What it would take without limits, as `unzip`, `castgraph.archive.media.pack.pack` and
        `castgraph.archive.media.sources.obtain` tell.
    before, now
        The limits under which it was taken, and others.

    Examples
    --------
    >>> could_change({"max_frames": 900}, Limits(max_frames=1000), Limits(max_frames=2000))
    False
    >>> could_change({"max_frames": 900}, Limits(max_frames=500), Limits(max_frames=2000))
    True
    """
    pairs = [(getattr(before, name), getattr(now, name), amount) for name, amount in needed.items()]
    return any(old != new and (amount is None or amount > min(old, new)) for old, new, amount in pairs)


@dataclass(frozen=True, slots=True)
class UnzippedFrame:
    """What became of a frame: its number, the file that holds it (None when damaged), and what is wrong.

    `seconds` tells when a frame of a video is shown, since the first frame of the video; None for others.
    """

    frame: int
    file: str | None
    status: Literal["ok", "damaged"] = "ok"
    reason: str = ""
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class RefusedEntry:
    """An entry of a ZIP that is no frame of its broadcast: its name, escaped and cut, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a broadcast's ZIP holds.

    Attributes
    ----------
    broadcast
        The ID.
    status
        See `castgraph.base.statuses`.
    reason
        Why it is not ok; of one that is, what else there is to know of its recording, if anything.
    frames
        The frames that the ZIP lists, sorted by number.
    refused
        The first entries that are no frame of the broadcast, in the order of the ZIP.
    n_refused
        How many there are. They do not make a broadcast less than ok.
    needed
        What the frames would take without limits; see `could_change`.
    """

    broadcast: str
    status: statuses.Word
    reason: str
    frames: tuple[UnzippedFrame, ...] = ()
    refused: tuple[RefusedEntry, ...] = ()
    n_refused: int = 0
    needed: Needed = field(default_factory=dict)


def write_placeholder(path: Path, reason: str, status: statuses.Word = "missing") -> None:
    """Write the ZIP that stands for one which cannot be had: ``missing``, ``unreachable`` or ``damaged``."""
    with files.atomic(path) as part, zipfile.ZipFile(part, "w") as archive:
        archive.comment = zip_comment(status, reason)


def read_placeholder(path: Path) -> tuple[statuses.Word, str] | None:
    """Tell the status and reason of a ZIP that cannot be had; None when the file is no placeholder."""
    with path.open("rb") as file:
        start = file.read(len(_EMPTY_ZIP) + 2 + 4 * (len("castgraph: unreachable: ") + _MAX_TEXT))
    found = _read_comment(start[len(_EMPTY_ZIP) + 2 :]) if start.startswith(_EMPTY_ZIP) else None
    return found if found and found[0] in _ABSENT else None


def zip_comment(status: statuses.Word, reason: str) -> bytes:
    """Make the comment of a ZIP that says what is wrong with a broadcast, or what else there is to know."""
    return f"castgraph: {status}: {shortened(reason, _MAX_TEXT)}".encode()


def frame_comment(seconds: Fraction | None) -> bytes:
    """Make the comment of an entry that says when its frame is shown; empty for None."""
    return b"" if seconds is None else f"castgraph: {float(seconds):.6f} s".encode()


def _read_comment(comment: bytes) -> tuple[statuses.Word, str] | None:
    match = _COMMENT.fullmatch(comment.decode(errors="replace"))
    return (cast("statuses.Word", match[1]), shortened(match[2], _MAX_TEXT)) if match else None


def _read_seconds(comment: bytes) -> float | None:
    match = _FRAME_COMMENT.fullmatch(comment)
    return float(match[1]) if match else None


def damage(path: Path, limits: Limits = DEFAULT_LIMITS) -> str:
    """Tell why a file cannot be opened as a ZIP; empty when it can."""
    try:
        with _opened(path, limits):
            return ""
    except _DamagedError as error:
        return str(error)


def n_entries(path: Path, limits: Limits = DEFAULT_LIMITS) -> int:
    """Tell how many entries a ZIP lists; none of a file that cannot be opened as one."""
    try:
        with _opened(path, limits) as archive:
            return len(archive.infolist())
    except _DamagedError:
        return 0


def unzip(zip_path: Path, broadcast_id: str, folder: Path, limits: Limits = DEFAULT_LIMITS) -> Manifest:
    """Take the frames of a broadcast out of its ZIP.

    Parameters
    ----------
    zip_path
        The ZIP, or the placeholder of one.
    broadcast_id
        The broadcast whose frames to take.
    folder
        An empty folder. The frames are written into it, flat, named by `frame_name`.
    limits
        How much to take.

    Returns
    -------
    Manifest
        What is there, what is damaged and what was refused.

    Raises
    ------
    ValueError
        When `broadcast_id` is not a broadcast ID.
    OSError
        When the disk fails or is full. Nothing that is wrong with the ZIP itself raises.
    """
    Broadcast.parse(broadcast_id)
    placeholder = read_placeholder(zip_path)
    if placeholder is not None:
        return Manifest(broadcast_id, *placeholder)
    try:
        with _opened(zip_path, limits) as archive:
            comment = _read_comment(archive.comment)
            contents = _contents(archive, broadcast_id, limits)
            frames, cut, needed = _extract(archive, contents, broadcast_id, folder, limits)
    except _DamagedError as error:
        return Manifest(broadcast_id, "damaged", str(error))
    status, reason = _judge(frames, contents.n_refused, cut or contents.cut)
    if status == "empty" and (whose := contents.whose()):
        reason = f"{reason}; {whose}"
    if comment and comment[0] in {"ok", "partial"} and status in {"ok", "partial"}:
        status = "partial" if "partial" in {comment[0], status} else "ok"
        reason = "; ".join(filter(None, [comment[1], reason]))
    refused = tuple(contents.refused)
    return Manifest(broadcast_id, status, reason, tuple(frames), refused, contents.n_refused, needed)


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write `manifest` to `path` as JSON, a line for each frame, so that its size grows with the frames."""
    members = []
    for name, value in asdict(manifest).items():
        text = json.dumps(value)
        if isinstance(value, tuple):
            text = "[" + ",".join(f"\n  {json.dumps(row)}" for row in value) + "]"
        members.append(f" {json.dumps(name)}: {text}")
    text = "{\n" + ",\n".join(members) + "\n}\n"
    with files.atomic(path) as part:
        part.write_text(text, encoding="utf-8")


def read_manifest(path: Path) -> Manifest:
    """Read a manifest that `write_manifest` wrote, of this castgraph or of another version.

    Raises
    ------
    ValueError
        When the file is none.
    """
    try:
        value = files.known(Manifest, json.loads(path.read_text(encoding="utf-8")))
        for name, kind in (("frames", UnzippedFrame), ("refused", RefusedEntry)):
            value[name] = tuple(kind(**files.known(kind, each)) for each in value.get(name, ()))
        return Manifest(**value)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is not a manifest written by castgraph: {error!r}") from error


class FrameReader:
    """Reads single frames out of a broadcast's ZIP, by the same rules as `unzip`.

    Parameters
    ----------
    zip_path
        The ZIP. It is opened once and stays open until the ``with`` block ends.
    broadcast_id
        The broadcast.
    limits
        How much to take.

    Raises
    ------
    FrameError
        When the ZIP cannot be read.
    ValueError
        When `broadcast_id` is not a broadcast ID.

    Examples
    --------
    >>> with FrameReader(path, "NTV_20261001_030000") as reader:  # doctest: +SKIP
    ...     jpeg = reader.read(17)
    """

    def __init__(self, zip_path: Path, broadcast_id: str, limits: Limits = DEFAULT_LIMITS) -> None:
        Broadcast.parse(broadcast_id)
        self._path = zip_path
        self._limits = limits
        try:
            with ExitStack() as stack:
                self._archive = stack.enter_context(_opened(zip_path, limits))
                self._entries = _contents(self._archive, broadcast_id, limits).entries
                self._stack = stack.pop_all()
        except _DamagedError as error:
            raise FrameError(f"{zip_path}: {error}") from error

    @property
    def frames(self) -> list[int]:
        """The numbers of the frames that the ZIP lists, in order."""
        return sorted(self._entries)

    def read(self, frame: int) -> bytes:
        """Read the picture file of a frame.

        Raises
        ------
        FrameError
            When the ZIP does not hold the frame, or holds it damaged.
        """
        if frame not in self._entries:
            raise FrameError(f"{self._path}: no frame {frame}")
        try:
            return b"".join(_unpack(self._archive, self._entries[frame], self._limits))
        except _DamagedError as error:
            raise FrameError(f"{self._path}: frame {frame} is damaged: {error}") from error

    def close(self) -> None:
        """Close the ZIP."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(slots=True)
class _Contents:
    """The entries of a ZIP, sorted out: those of frames by number, the first refused ones, what was cut.

    `n_over` counts the frames beyond the limit; of one that is there twice perhaps both. `others` counts what
    looks like frames of other broadcasts, by their IDs.
    """

    entries: dict[int, zipfile.ZipInfo] = field(default_factory=dict)
    refused: list[RefusedEntry] = field(default_factory=list)
    n_refused: int = 0
    n_over: int = 0
    cut: str = ""
    others: Counter[str] = field(default_factory=Counter)

    def whose(self) -> str:
        """Tell of which other broadcast most of what was refused is; empty where there is none."""
        for other, number in self.others.most_common(1):
            if number > self.n_refused / 2:
                these = counted(number, "entry is a frame", "entries are frames")
                return f"{these} of {shortened(other, _MAX_TEXT)}"
        return ""


class _BoundedFile(io.FileIO):
    """A ZIP file whose central directory, which zipfile reads in one piece, may not be too large."""

    def __init__(self, path: Path, max_entries: int) -> None:
        super().__init__(path)
        self._max_entries = max_entries

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > max(_CHUNK, self._max_entries * _MAX_ENTRY_BYTES):
            raise zipfile.BadZipFile(f"its central directory has {size} bytes")
        piece = super().read(size) or b""
        if piece.count(_ENTRY_SIGNATURE) > self._max_entries:
            raise zipfile.BadZipFile(f"it lists more than {self._max_entries} entries")
        return piece


@contextmanager
def _reading() -> Iterator[None]:
    """Turn what zipfile raises on a broken ZIP into a `_DamagedError`."""
    try:
        yield
    except _BROKEN as error:
        raise _DamagedError(shortened(str(error), _MAX_TEXT) or "it ends too early") from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # a disk that fails tells nothing about the ZIP
            raise
        raise _DamagedError("it points to a place outside itself") from error


@contextmanager
def _opened(zip_path: Path, limits: Limits) -> Iterator[zipfile.ZipFile]:
    """Open a ZIP."""
    with _BoundedFile(zip_path, limits.max_entries) as file:
        with _reading():
            archive = zipfile.ZipFile(file)
        with archive:
            yield archive


def _contents(archive: zipfile.ZipFile, broadcast_id: str, limits: Limits) -> _Contents:
    """Sort out the entries of a ZIP."""
    contents = _Contents()
    pattern = re.compile(
        rf"{re.escape(broadcast_id)}/{re.escape(broadcast_id)}-([0-9]{{1,9}})\.(?i:jpe?g)", re.ASCII
    )
    for entry in archive.infolist():
        name = entry.orig_filename  # of the other name, zipfile has cut what follows a NUL
        if name.endswith("/"):
            continue
        match = pattern.fullmatch(name)
        frame = int(match[1]) if match else 0
        reason = _refusal(entry, frame)
        if not reason and frame in contents.entries:
            reason = f"a second frame {frame}"
        if not reason and len(contents.entries) >= limits.max_frames:
            reason = contents.cut = f"more than {limits.max_frames} frames"
            contents.n_over += 1
        if not reason:
            contents.entries[frame] = entry
            continue
        contents.n_refused += 1
        other = _FRAME_OF_ANY.fullmatch(name.rpartition("/")[2])
        if other and other[1] != broadcast_id:
            contents.others[other[1]] += 1
        if len(contents.refused) < limits.max_refused_listed:
            contents.refused.append(RefusedEntry(quoted(name), reason))
    return contents


def _refusal(entry: zipfile.ZipInfo, frame: int) -> str:
    """Tell why an entry is refused; empty when it is not. `frame` is 0 when its name is not of a frame."""
    kind = stat.S_IFMT(entry.external_attr >> 16)
    reasons = {
        "a link": stat.S_ISLNK(kind),
        "not a regular file": kind not in {0, stat.S_IFREG},
        "encrypted": entry.flag_bits & _ENCRYPTED,
    }
    if frame < 1:  # else the name is as it should be
        name = entry.orig_filename
        reasons = {
            "its name has a backslash": "\\" in name,
            "its path is absolute": name.startswith("/") or re.match("[A-Za-z]:", name) is not None,
            "its path climbs out of the folder": ".." in name.split("/"),
            **reasons,
            "a ZIP in the ZIP": name.lower().endswith(".zip"),
            "not the name of a frame of this broadcast": True,
        }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _extract(
    archive: zipfile.ZipFile, contents: _Contents, broadcast_id: str, folder: Path, limits: Limits
) -> tuple[list[UnzippedFrame], str, Needed]:
    """Write the frames into `folder`, by number; tell what became of each, what cut it, what it needs."""
    frames = []
    cut = ""
    total = largest = 0
    is_over = False
    for frame, entry in sorted(contents.entries.items()):
        seconds = _read_seconds(entry.comment)
        if cut:
            frames.append(UnzippedFrame(frame, None, "damaged", cut, seconds))
            continue
        name = frame_name(broadcast_id, frame)
        path = folder / name
        n_bytes = 0
        try:
            with path.open("xb") as file:
                for piece in _unpack(archive, entry, limits):
                    n_bytes += len(piece)
                    if total + n_bytes > limits.max_total_bytes:
                        cut = f"the frames have more than {limits.max_total_bytes} bytes together"
                        raise _DamagedError(cut)
                    file.write(piece)
        except _DamagedError as error:
            path.unlink()
            is_over |= isinstance(error, _TooLargeError)
            frames.append(UnzippedFrame(frame, None, "damaged", str(error), seconds))
        else:
            frames.append(UnzippedFrame(frame, name, seconds=seconds))
        total += n_bytes
        largest = max(largest, n_bytes)
    needed: Needed = {
        "max_frames": len(contents.entries) + contents.n_over,
        "max_frame_bytes": None if is_over else largest,
        "max_total_bytes": None if cut else total,
    }
    return frames, cut, needed


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limits: Limits) -> Iterator[bytes]:
    """Unpack an entry piece by piece, up to the largest size that a frame may have."""
    if entry.compress_type not in _METHODS:
        raise _DamagedError(
            f"compression method {entry.compress_type}; allowed are 0 (stored) and 8 (deflated)"
        )
    n_bytes = 0
    with _reading():
        source = archive.open(entry)
    with source:
        while True:
            with _reading():
                piece = source.read(_CHUNK)
            if not piece:
                return
            n_bytes += len(piece)
            if n_bytes > limits.max_frame_bytes:
                raise _TooLargeError(f"larger than {limits.max_frame_bytes} bytes")
            yield piece


def _judge(frames: list[UnzippedFrame], n_refused: int, cut: str) -> tuple[statuses.Word, str]:
    """Tell the status of a broadcast whose ZIP could be opened, and the reason."""
    if not frames:
        return "empty", f"no entry of the ZIP is a frame (refused: {n_refused})"
    damaged = [frame for frame in frames if frame.status == "damaged"]
    if not damaged and not cut:
        return "ok", ""
    reason = f"{len(damaged)} of {len(frames)} frames damaged" if damaged else ""
    reasons = [cut, reason] if cut else [reason, f"the first: {damaged[0].reason}"]
    return ("damaged" if len(damaged) == len(frames) else "partial"), "; ".join(filter(None, reasons))
