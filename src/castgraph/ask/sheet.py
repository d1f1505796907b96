"""A contact sheet of the faces that were found."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import pyarrow as pa

from castgraph.archive.broadcast import Broadcast
from castgraph.base import files
from castgraph.base.boxes import BOX
from castgraph.base.text import counted, shortened
from castgraph.people import pictures, sheets
from castgraph.run.shown import RunFrames

_QUALITY = 85
_LEGEND = "Numbers: distance from the face that was looked for. The nearest come first."
_MOST_TOLD = 200  # characters of a reason


def write_sheet(path: Path, title: str, found: pa.Table, frames: RunFrames) -> list[str]:
    """Draw a contact sheet of faces that were found, as a JPEG, atomically.

    Parameters
    ----------
    path
        The file.
    title
        What was looked for.
    found
        What `castgraph.ask.find.matches` gives; of more than `castgraph.people.sheets.MAX_FACES` the nearest.
    frames
        The frames of the run. Every ZIP is opened once.

    Returns
    -------
    list of str
        Which frames could not be shown, and why: a grey picture is in their place.

    Raises
    ------
    OSError
        When the disk fails.
    """
    rows: list[dict[str, Any]] = found.slice(0, sheets.MAX_FACES).to_pylist()
    thumbnails: dict[int, bytes] = {}
    problems = []
    order = sorted(range(len(rows)), key=lambda place: (rows[place]["broadcast"], rows[place]["frame"]))
    for broadcast, places in groupby(order, key=lambda place: str(rows[place]["broadcast"])):
        reasons = []
        with frames.of(broadcast) as read:
            for place in places:
                row = rows[place]
                top, right, bottom, left = itemgetter(*BOX)(row)
                box = (top, right, bottom, left)
                try:
                    frame = pictures.decode_frame(read(row["frame"]), [(box, sheets.THUMBNAIL)])
                    picture = pictures.cut_face(frame, box, sheets.THUMBNAIL)
                except (LookupError, pictures.PictureError) as error:
                    reasons.append(str(error))
                    picture = pictures.placeholder(sheets.THUMBNAIL)
                thumbnails[place] = pictures.encode(picture, _QUALITY)
        if reasons:
            told = shortened(reasons[0], _MOST_TOLD)
            problems.append(
                f"{broadcast}: {counted(len(reasons), 'face')} cannot be shown: {told}"
                f"{frames.hint(broadcast)}"
            )
    shown = [
        sheets.SheetFace(
            thumbnails[place],
            row["distance"],
            False,
            sheets.place_captions(Broadcast.parse(row["broadcast"]).station, row["frame"], row["time"]),
        )
        for place, row in enumerate(rows)
    ]
    facts = counted(len(found), "face") + (f" ({len(rows)} shown)" if len(rows) < len(found) else "")
    sheet = sheets.draw_sheet(title, "", facts, shown, legend=_LEGEND)
    with files.atomic(path) as part:
        part.write_bytes(pictures.encode(sheet, _QUALITY))
    return problems
