"""A video as the frames of a broadcast, with exact times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.filter import Graph
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from castgraph.archive.media.images import encode
from castgraph.archive.media.pack import Picture
from castgraph.archive.media.zips import DEFAULT_LIMITS, MAX_FRAME_NUMBER, Limits

# A file can call itself anything. Formats that name other files, such as playlists, are not on the list, and
# what a QuickTime file says of pictures that lie elsewhere is of no account.
_OPTIONS = {"format_whitelist": "mov,matroska,mpegts", "protocol_whitelist": "file", "enable_drefs": "0"}

_MAX_SIDE = 65_500  # pixels, of a JPEG
_SET_BACK = 5  # frames in a row from the past; fewer are a fault, these are the clock


def video_frames(
    path: Path, *, frame_seconds: float = 4, limits: Limits = DEFAULT_LIMITS, threads: int = 1
) -> Iterator[Picture | str]:
    """Take a frame every `frame_seconds` out of a video, decoding it once from its beginning to its end.

    Parameters
    ----------
    path
        The video: MP4, QuickTime, Matroska, WebM or an MPEG transport stream.
    frame_seconds
        Seconds between two frames. Frame n is the first one from (n - 1) · `frame_seconds` on and before
        n · `frame_seconds`, as the stream says, since the first frame that can be decoded. Where the stream
        has a gap there is no such frame, and the number is left out. A clock that is set back, as where two
        recordings were put one behind the other, is taken to go on where it was.
    limits
        The most pixels of a frame.
    threads
        Threads of the decoder. The frames do not depend on it.

    Yields
    ------
    Picture or str
        The frames, sorted by number; at the end as text what could not be read, if anything.

    Notes
    -----
    Pixels that are not square are made so by the width. Of an interlaced frame one field is taken and scaled
    to the frame's height, so that it has no combs. A video that is marked as turned is turned back.

    The file may be hostile: only formats that cannot name other files are opened, nothing else is read or
    fetched, and frames that are too large are refused before they are decoded.
    """
    # The decoder reckons with edges that are not shown; the very limit is minded by `_jpeg`.
    own_limit = {"max_pixels": str(2 * limits.max_pixels)}
    try:
        container = av.open(
            f"file:{path.absolute()}", options=_OPTIONS | own_limit, metadata_errors="replace"
        )
    except av.FFmpegError as error:
        yield f"not a video that can be read: {_say(error)}"
        return
    with container:
        stream = container.streams.best("video")
        if not isinstance(stream, VideoStream) or stream.disposition & Disposition.attached_pic:
            yield "no video in the file"
            return
        if stream.codec_context is None:
            yield "a kind of video that cannot be decoded"
            return
        if stream.width * stream.height > limits.max_pixels:
            yield f"{stream.width}x{stream.height} pixels; at most {limits.max_pixels} pixels are allowed"
            return
        stream.codec_context.options = own_limit
        stream.codec_context.thread_type = "AUTO"
        stream.codec_context.thread_count = threads
        yield from _sampled(container, stream, Fraction(str(frame_seconds)), limits)


def stated_seconds(path: Path) -> float:
    """Tell how long a video is by its own account; 0 when it does not say, or cannot be read."""
    try:
        with av.open(f"file:{path.absolute()}", options=_OPTIONS, metadata_errors="replace") as container:
            return (container.duration or 0) / av.time_base
    except av.FFmpegError:
        return 0.0


def _sampled(
    container: InputContainer, stream: VideoStream, step: Fraction, limits: Limits
) -> Iterator[Picture | str]:
    """Decode a stream and give a frame every `step` seconds, then what went wrong."""
    problems: Counter[str] = Counter()
    first = begin = turn = Fraction(0)  # by the clock of the stream, as `time`
    elapsed = Fraction(0)  # since the first frame
    n_frames = n_behind = number = 0
    for frame in _decoded(container, stream, problems):
        pts = frame.dts if frame.pts is None else frame.pts
        if pts is None or stream.time_base is None:
            problems["frames without a time"] += 1
            continue
        time = pts * stream.time_base
        if not n_frames:
            first = begin = time
        n_frames += 1
        here = int((time - begin) // step) + 1
        if here < number or here > MAX_FRAME_NUMBER:
            n_behind += 1
            turn = turn if n_behind > 1 else time
            if n_behind < _SET_BACK:
                problems["frames with a wrong time"] += 1
                continue
            problems["places where the clock was set back"] += 1
            begin = turn - elapsed
            here = int((time - begin) // step) + 1
        n_behind = 0
        elapsed = max(elapsed, time - begin)
        if not number < here <= MAX_FRAME_NUMBER:
            continue
        try:
            jpeg = _jpeg(frame, stream.sample_aspect_ratio or Fraction(1), limits)
        except (av.FFmpegError, ValueError, OSError) as error:
            problems[f"frames that cannot be shown ({_say(error)})"] += 1
            continue
        number = here
        yield Picture(number, jpeg, time - begin)
    yield from (f"{kind}: {count}" for kind, count in problems.items())
    stated = _stated_end(container, stream)
    if not n_frames and not problems:
        yield "no frame in the video"
    elif n_frames and stated - first - elapsed > 2 * step:
        yield f"it ends after {float(first + elapsed):.0f} of {float(stated):.0f} seconds"


def _decoded(container: InputContainer, stream: VideoStream, problems: Counter[str]) -> Iterator[VideoFrame]:
    """Give the frames of a stream in the order in which they are shown; what is broken is counted."""
    for packet in _packets(container, stream, problems):
        if packet is not None and packet.is_corrupt:
            problems["corrupt packets"] += 1
            continue
        try:
            frames = stream.codec_context.decode(packet)
        except av.FFmpegError:
            problems["corrupt packets"] += 1
            continue
        for frame in frames:
            if frame.is_corrupt:
                problems["corrupt frames"] += 1
            else:
                yield frame


def _packets(
    container: InputContainer, stream: VideoStream, problems: Counter[str]
) -> Iterator[Packet[VideoStream] | None]:
    """Give the packets of a stream, and last the None that has the decoder give what it still holds."""
    packets = container.demux(stream)
    try:
        yield from (packet for packet in packets if packet.size)
    except av.FFmpegError:
        problems["places where reading failed"] += 1
    yield None


def _stated_end(container: InputContainer, stream: VideoStream) -> Fraction:
    """Tell when the video ends by its own account, or somewhat before; 0 when it does not say."""
    if "mpegts" in container.format.name:  # reckoned from the last packet
        return Fraction(0)
    if stream.duration is not None and stream.time_base is not None:
        return stream.duration * stream.time_base
    return Fraction(container.duration or 0, av.time_base)


def _jpeg(frame: VideoFrame, pixel_shape: Fraction, limits: Limits) -> bytes:
    """Turn a decoded frame into an upright JPEG with square pixels."""
    width, height = max(1, round(frame.width * pixel_shape)), frame.height
    pixels = max(width, frame.width) * height
    if pixels > limits.max_pixels or max(width, height) > _MAX_SIDE:
        raise ValueError("too many pixels")
    graph = Graph()
    nodes = [
        graph.add_buffer(
            width=frame.width, height=height, format=frame.format, time_base=frame.time_base or Fraction(1)
        )
    ]
    if frame.interlaced_frame:
        nodes.append(graph.add("field", "type=top"))
    nodes.append(
        graph.add("scale", f"w={width}:h={height}:flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp")
    )
    nodes.append(graph.add("format", "pix_fmts=rgb24"))
    nodes.append(graph.add("buffersink"))
    graph.link_nodes(*nodes).configure()
    graph.vpush(frame)
    picture = graph.vpull().to_ndarray()
    return encode(Image.fromarray(np.rot90(picture, round(frame.rotation / 90))))


def _say(error: Exception) -> str:
    """Tell what is wrong without the path."""
    return getattr(error, "strerror", None) or str(error)
