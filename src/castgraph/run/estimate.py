"""What a run will take, from what broadcasts took that were encoded here before."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from castgraph.archive import about_n_frames, is_local
from castgraph.base import tables
from castgraph.clustering.dbscan import predicted_memory_mb
from castgraph.run.timings import PER_BROADCAST, read_job

_MOST_READ = 300  # broadcasts of which is read what they took
_MOST_OPENED = 50  # recordings that are looked at for their length
_JOB_MB = 1000  # of an encode job of one core
_START_SECONDS = 5.0  # of one core, for the processes of a broadcast's jobs to start; nobody measures them


class Pace(NamedTuple):
    """What broadcasts took.

    Attributes
    ----------
    n_broadcasts
        Of how many it is known; 0 for a first guess.
    frames
        Frames of a broadcast.
    seconds
        Seconds of one core for a frame, from its ZIP to its faces.
    faces
        Faces on a frame.
    zip_bytes, table_bytes
        Bytes of a frame in its ZIP, and in the tables of the broadcast and the run.
    embedding_size
        Numbers of an embedding.
    """

    n_broadcasts: int
    frames: float
    seconds: float
    faces: float
    zip_bytes: float
    table_bytes: float
    embedding_size: int = tables.EMBEDDING_SIZE


FIRST_GUESS = Pace(0, 2215, 1 / 20, 1.02, 60_000, 1300)
"""A year of a talk show in the archive, 342 broadcasts; a face is kept twice, each time in 512 bytes."""


class Estimate(NamedTuple):
    """What is still to be done, and what it takes: seconds, bytes on disk, and the most bytes of memory."""

    frames: int
    seconds: float
    disk: float
    memory: float


def pace(results: Path, encoder: str) -> Pace:
    """Read what broadcasts took that lie in the results, or give a first guess.

    Parameters
    ----------
    results
        The folder of all results.
    encoder
        The name of the encoder.
    """
    n_broadcasts = n_frames = n_faces = zip_bytes = table_bytes = 0
    seconds, size = 0.0, tables.EMBEDDING_SIZE
    for place, found in islice(_encoded(results / "encoded" / encoder), _MOST_READ):
        measured = (
            results / "benchmarks" / each.format(encoder=encoder) / f"{place}.tsv" for each in PER_BROADCAST
        )
        took = sum(job.seconds for path in measured for job in read_job("", path))
        if not took:
            continue
        n_broadcasts += 1
        n_frames += found["n_frames"]
        n_faces += found["n_faces"]
        seconds += took
        zip_bytes += _size(results.parent / "resources" / "zips" / f"{place}.zip")
        with suppress(OSError, tables.TableError):  # it was lost, and will be made again
            size = tables.embedding_size(results / "faces" / encoder / f"{place}.parquet")
        table_bytes += sum(
            _size(results / kind / encoder / f"{place}.parquet") for kind in ("faces", "frames")
        )
    if not n_frames:
        return FIRST_GUESS
    return Pace(
        n_broadcasts,
        n_frames / n_broadcasts,
        seconds / n_frames,
        n_faces / n_frames,
        zip_bytes / n_frames or FIRST_GUESS.zip_bytes,
        2 * table_bytes / n_frames,  # the run holds them once more
        size,
    )


def estimate(
    to_encode: Sequence[str],
    n_all: int,
    sources: Mapping[str, str],
    known: Pace,
    *,
    frame_seconds: float,
    cores: int,
    keep_zips: bool,
) -> Estimate:
    """Estimate what a run takes.

    Parameters
    ----------
    to_encode
        The broadcasts that are to be encoded.
    n_all
        How many broadcasts the run has.
    sources
        ID → source. Of some recordings the length is looked at.
    known
        What broadcasts took.
    frame_seconds
        Seconds between two frames of a video.
    cores
        Jobs at a time.
    keep_zips
        Whether the ZIPs stay.
    """
    n_frames = _frames(to_encode, sources, known.frames, frame_seconds)
    seconds = n_frames * known.seconds + len(to_encode) * _START_SECONDS
    at_a_time = max(1, min(cores, len(to_encode)))
    n_faces = round((n_frames + (n_all - len(to_encode)) * known.frames) * known.faces)
    per_frame = known.table_bytes + (known.zip_bytes if keep_zips else 0)
    # As many wait unpacked as are being encoded.
    n_unpacked = n_frames * min(1, 2 * at_a_time / max(1, len(to_encode)))
    clustering_mb = predicted_memory_mb(n_faces, known.embedding_size, threads=cores)
    return Estimate(
        n_frames,
        seconds / at_a_time,
        n_frames * per_frame + n_unpacked * known.zip_bytes,
        max(at_a_time * _JOB_MB, clustering_mb) * 1e6,
    )


def _frames(broadcasts: Sequence[str], sources: Mapping[str, str], usual: float, frame_seconds: float) -> int:
    """Tell about how many frames broadcasts have; of recordings, from some of them."""
    own = [path for broadcast in broadcasts if is_local(path := sources.get(broadcast, ""))]
    some = own[:: max(1, len(own) // _MOST_OPENED)]
    looked_at = [n for path in some if (n := about_n_frames(path, frame_seconds))]
    usual_own = sum(looked_at) / len(looked_at) if looked_at else usual
    return round(len(own) * usual_own + (len(broadcasts) - len(own)) * usual)


def _encoded(folder: Path) -> Iterator[tuple[str, dict[str, int]]]:
    """Give the broadcasts that were encoded, by their place, and how many frames and faces they have."""
    for path in _newest(folder.glob("*/*.json")):
        with suppress(OSError, ValueError, KeyError, TypeError):
            found = json.loads(path.read_text(encoding="utf-8"))
            counts = {name: int(found[name]) for name in ("n_frames", "n_faces")}
            if counts["n_frames"]:
                yield str(path.relative_to(folder).with_suffix("")), counts


def _newest(paths: Iterable[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: path.stat().st_mtime, reverse=True)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
