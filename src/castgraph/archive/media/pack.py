"""Packing the frames of one's own recordings into a ZIP in the archive's layout.

What is packed says of itself, in comments of the ZIP, what a ZIP of the archive cannot: when each frame of a
video was on air, what is wrong with the recording, and what else there is to know of it.
`castgraph.archive.unzip` reads them.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from castgraph.archive.broadcast import Broadcast, frame_name
from castgraph.archive.media.zips import DEFAULT_LIMITS, Limits, Needed, frame_comment, zip_comment
from castgraph.base import files
from castgraph.base.statuses import Word


class Note(str):
    """What there is to know of a recording that makes it no worse."""

    __slots__ = ()


class Picture(NamedTuple):
    """A frame to be packed.

    Attributes
    ----------
    frame
        Its number, from 1.
    jpeg
        The picture file.
    seconds
        When it is shown, in seconds since the first frame of its video; None for a still.
    """

    frame: int
    jpeg: bytes
    seconds: Fraction | None = None


def pack(
    destination: Path, broadcast_id: str, found: Iterable[Picture | str], limits: Limits = DEFAULT_LIMITS
) -> Needed:
    """Write the ZIP of a broadcast, holding one frame of it in memory at a time.

    Parameters
    ----------
    destination
        The file to write, atomically. Equal input gives equal bytes.
    broadcast_id
        The broadcast.
    found
        The frames, sorted by number, and between them, as text, what is wrong with the recording. With frames
        that makes the broadcast ``partial``, without any ``damaged``. A `Note` is told, and makes it neither.
    limits
        How much to take. Frames beyond are left out, and the broadcast is ``partial``.

    Returns
    -------
    dict
        What the frames would take without limits; see `castgraph.archive.media.zips.could_change`.

    Raises
    ------
    ValueError
        When `broadcast_id` is not a broadcast ID.
    OSError
        When the disk fails or is full.
    """
    Broadcast.parse(broadcast_id)
    problems: list[str] = []
    notes: list[str] = []
    n_frames = n_bytes = largest = 0
    cut_by = ""
    with files.atomic(destination) as part, zipfile.ZipFile(part, "w") as archive:
        for each in found:
            if isinstance(each, str):
                (notes if isinstance(each, Note) else problems).append(each)
                continue
            largest = max(largest, len(each.jpeg))
            if len(each.jpeg) > limits.max_frame_bytes:
                problems.append(f"frame {each.frame} is larger than {limits.max_frame_bytes} bytes")
                continue
            n_frames += 1
            n_bytes += len(each.jpeg)
            if n_frames > limits.max_frames:
                problems.append(f"more than {limits.max_frames} frames")
                cut_by = "max_frames"
                break
            if n_bytes > limits.max_total_bytes:
                problems.append(f"the frames have more than {limits.max_total_bytes} bytes together")
                cut_by = "max_total_bytes"
                break
            # A ZipInfo that is made by hand has a fixed time.
            entry = zipfile.ZipInfo(f"{broadcast_id}/{frame_name(broadcast_id, each.frame)}")
            entry.comment = frame_comment(each.seconds)
            archive.writestr(entry, each.jpeg)
        if problems or notes:
            status: Word = "ok" if not problems else "partial" if archive.filelist else "damaged"
            archive.comment = zip_comment(status, "; ".join([*problems, *notes]))
    needed = {"max_frames": n_frames, "max_frame_bytes": largest, "max_total_bytes": n_bytes}
    return {name: None if name == cut_by else amount for name, amount in needed.items()}
