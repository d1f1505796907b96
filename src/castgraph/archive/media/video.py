"""A video as the frames of a broadcast, with exact times."""

from __future__ import annotations

import heapq
import math
import re
import struct
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
from av.container import InputContainer
from av.filter import Graph
from av.packet import Packet
from av.sidedata.sidedata import SideData, Type
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from castgraph.archive.media.formats import FORMATS
from castgraph.archive.media.images import encode
from castgraph.archive.media.pack import Note, Picture
from castgraph.archive.media.zips import DEFAULT_LIMITS, MAX_FRAME_NUMBER, Limits

# A file can call itself anything. Formats that name other files, such as playlists, are not on the list, and
# what a QuickTime file says of pictures that lie elsewhere is of no account.
_OPTIONS = {"format_whitelist": ",".join(FORMATS), "protocol_whitelist": "file", "enable_drefs": "0"}

# Formats in which a signal is recorded: they state no durations, neither of frames nor of the whole.
_SIGNALS = {"mpegts", "mpeg", "mpegvideo"}
_LOST = 10  # times as long between two frames as between their neighbours: the signal was lost
_LATE = 1  # seconds by which frames may come out of order, for whatever reason
_SET_BACK = 5  # frames in a row from the past; fewer are a fault, these are the clock
_MAX_SIDE = 65_500  # pixels, of a JPEG


def video_frames(
    path: Path,
    *,
    frame_seconds: float = 4,
    programme: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
    threads: int = 1,
) -> Iterator[Picture | str]:
    """Take a frame every `frame_seconds` out of a video, decoding it once from its beginning to its end.

    Parameters
    ----------
    path
        The video, in one of the `castgraph.archive.media.formats.FORMATS`.
    frame_seconds
        Seconds between two frames. Frame n is the picture that is on the screen (n - 1) · `frame_seconds`
        after the first frame that can be decoded; where none is, the first one that begins before
        n · `frame_seconds`; where there is none of these, either, the number is left out.
    programme
        Which programme to take: the number of the service, or, where the file has no services, of the video
        stream, from 1 on. None for the one that libav finds best. Where there is only one video stream, and
        no service, there is nothing to choose.
    limits
        The most pixels of a frame.
    threads
        Threads of the decoder. The frames do not depend on it.

    Yields
    ------
    Picture or str
        The frames, sorted by number; as `Note` what there is to know of the video; at the end as text what
        could not be read, if anything.

    Notes
    -----
    These are the frames of ``ffmpeg -vf fps=1/4:round=up``; without ``round=up`` ffmpeg takes what is on the
    screen half an interval later. A picture stays until the next one begins, even if that is broken, however
    long it takes, but not beyond the end that the file states; the last one stays for as long as it says or
    as the one before it did. Transport and programme streams are recorded of a signal, and state no
    durations: where ten times as long passes between two frames as between those before and after, the signal
    was lost, and nothing was on the screen. A clock that is set back, as where two recordings were put one
    behind the other, is taken to go on where it was.

    What holds for a frame is read from it: size, pixel format, fields, the shape of its pixels and how it is
    to be turned. Pixels that are not square are made so by the width; where the container and the pictures
    differ about their shape from the beginning, the container is right. Of an interlaced frame one field is
    taken and scaled to the frame's height, so that it has no combs. A frame that is marked as turned or
    mirrored is shown as ffmpeg shows it.

    The file may be hostile: only formats that cannot name other files are opened, nothing else is read or
    fetched, and frames that are too large are refused before they are decoded. A picture that stays is
    encoded once; how often it is written is limited by whoever packs it.
    """
    try:
        container = _opened(path, limits)
    except av.FFmpegError as error:
        yield f"not a video that can be read: {_say(error)}"
        return
    with container:
        stream, told = _chosen(container, programme)
        if stream is None:
            yield told
            return
        if stream.codec_context is None:
            yield "a kind of video that cannot be decoded"
            return
        if stream.width * stream.height > limits.max_pixels:
            yield f"{stream.width}x{stream.height} pixels; at most {limits.max_pixels} pixels are allowed"
            return
        if told:
            yield Note(told)
        stream.codec_context.options = _most_pixels(limits)
        stream.codec_context.thread_type = "AUTO"
        stream.codec_context.thread_count = threads
        yield from _sampled(container, stream, Fraction(str(frame_seconds)), limits)


def stated_seconds(path: Path) -> float:
    """Tell how long a video is by its own account; 0 when it does not say, or cannot be read."""
    try:
        with _opened(path, DEFAULT_LIMITS) as container:
            return (container.duration or 0) / av.time_base
    except av.FFmpegError:
        return 0.0


def _opened(path: Path, limits: Limits) -> InputContainer:
    options = _OPTIONS | _most_pixels(limits)
    return av.open(f"file:{path.absolute()}", options=options, metadata_errors="replace")


def _most_pixels(limits: Limits) -> dict[str, str]:
    """Bound what libav decodes, which reckons with edges that are not shown; `_jpeg` minds the very limit."""
    return {"max_pixels": str(2 * limits.max_pixels)}


def _chosen(container: InputContainer, programme: int | None) -> tuple[VideoStream | None, str]:
    """Find the stream to take; tell which it is where there are several, or why there is none."""
    videos = [each for each in container.streams.video if not each.disposition & Disposition.attached_pic]
    if not videos:
        return None, "no video in the file"
    services = _services(container, videos)
    kind = "programme" if services else "video stream"
    found = services or {number: [stream] for number, stream in enumerate(videos, start=1)}
    listed = ", ".join(map(str, found))
    among, related = videos, None
    if programme is not None and (services or len(videos) > 1):
        if programme not in found:
            return None, f"no {kind} {programme} in the file; there are: {listed}"
        among = found[programme]
        related = among[0]
    best = container.streams.best("video", related=related)
    stream = next((each for each in among if each is best), among[0])
    number = next((number for number, streams in found.items() if stream in streams), None)
    several = len(found) > 1 and number is not None
    return stream, f"{kind} {number} was taken, one of {listed}" if several else ""


def _services(container: InputContainer, videos: list[VideoStream]) -> dict[int, list[VideoStream]]:
    """Give the video streams of each service that has some, by its number."""
    # Of PyAV's ways to libav's account of a file only the one by its log tells of services.
    level = av.logging.get_level()
    av.logging.set_level(av.logging.INFO)
    try:
        account: str = container.dumps_format()  # type: ignore[attr-defined]  # as old as PyAV
    finally:
        av.logging.set_level(level)
    services = {}
    # Texts of the file are indented further than that.
    for part in re.split(r"^  Program (?=[0-9])", account, flags=re.MULTILINE)[1:]:
        own = part.partition("\n  No Program")[0]
        indices = set(map(int, re.findall(r"^  Stream #0:([0-9]+)", own, re.MULTILINE)))
        streams = [each for each in videos if each.index in indices]
        if streams:
            services[int(re.split("[^0-9]", own, maxsplit=1)[0])] = streams
    return services


def _sampled(
    container: InputContainer, stream: VideoStream, step: Fraction, limits: Limits
) -> Iterator[Picture | str]:
    """Decode a stream and give a frame every `step` seconds, then what went wrong."""
    # Where the container says nothing else than the pictures at the beginning, each picture tells its own.
    stated, own = stream.sample_aspect_ratio or 1, stream.codec_context.sample_aspect_ratio or 1
    pixel_shape = "sar" if stated == own else str(stated)
    problems: Counter[str] = Counter()
    sound_ends: deque[Fraction] = deque(maxlen=1)
    decoded = _decoded(container, stream, problems, sound_ends)
    timed = _timed(decoded, stream, MAX_FRAME_NUMBER * step, problems)
    of_stream, of_file = _stated_ends(container, stream)
    stated_end = of_file if of_stream is None else of_stream
    first = None  # by the clock of the stream, as `last`
    last = end = Fraction(0)
    number = 0  # of the last one that was given
    for frame, begin, end in _shown(timed, container, stream, stated_end):
        last = _clock(frame, stream) + end - begin
        first = last - end if first is None else first
        most = min(math.ceil(end / step), MAX_FRAME_NUMBER)
        numbers = range(max(number, math.floor(begin / step)) + 1, most + 1)
        if not numbers:
            continue
        try:
            jpeg = _jpeg(frame, pixel_shape, limits)
        except (av.FFmpegError, ValueError, OSError) as error:
            problems[f"frames that cannot be shown ({_say(error)})"] += 1
            continue
        for number in numbers:
            yield Picture(number, jpeg, max(begin, (number - 1) * step))
    yield from (f"{kind}: {count}" for kind, count in problems.items())
    if first is None:
        if not problems:
            yield "no frame in the video"
        return
    sound_end = sound_ends[-1] if sound_ends else last
    reached = first + end if of_stream is not None else max(first + end, sound_end)
    if stated_end is not None and stated_end - reached > 2 * step:
        yield f"it ends after {float(first + end):.0f} of {float(stated_end):.0f} seconds"
    if sound_end - last > max(step, Fraction(1)):
        yield Note(f"the sound goes on for {float(sound_end - last):.0f} seconds after the last picture")


def _shown(
    timed: Iterator[tuple[Fraction, VideoFrame | None]],
    container: InputContainer,
    stream: VideoStream,
    stated_end: Fraction | None,
) -> Iterator[tuple[VideoFrame, Fraction, Fraction]]:
    """Give each frame with the times from and until which it is on the screen."""
    is_signal = container.format.name in _SIGNALS
    this, following = next(timed, None), next(timed, None)
    limit = None
    before = Fraction(0)  # how long the one before was on the screen
    while this:
        after = next(timed, None)
        begin, frame = this
        if frame is not None:
            if limit is None and stated_end is not None:
                limit = stated_end - _clock(frame, stream) + begin
            lasting = _seconds(max(frame.duration, 1), stream)
            if following is None:
                end = begin + max(lasting, before)
                if limit is not None and limit > begin:
                    end = min(end, limit)
            else:
                end = following[0]
                usual = max(before, after[0] - end) if after else before
                if is_signal and usual and end - begin > _LOST * usual:
                    end = min(end, begin + max(lasting, usual))
                elif limit is not None and begin <= limit < end:
                    end = min(end, max(limit, begin + lasting))
            yield frame, begin, end
            before = end - begin
        this, following = following, after


def _timed(
    decoded: Iterator[tuple[Fraction, VideoFrame | None]],
    stream: VideoStream,
    most: Fraction,
    problems: Counter[str],
) -> Iterator[tuple[Fraction, VideoFrame | None]]:
    """Turn the times of frames into those since the first one; each is later than the one before.

    Frames whose times cannot be, as they are before others or later than `most`, are left out and counted.
    """
    zero = None  # the time of the first frame by the clock of the stream
    earlier = None  # the time of the last one that was given
    held: tuple[Fraction, VideoFrame | None] | None = None  # until the next one tells that its time can be
    astray: list[VideoFrame] = []
    for clock, frame in decoded:
        if frame is None:
            if held and zero is not None and held[0] < clock - zero <= most:
                yield held
                earlier, held = held[0], (clock - zero, None)
            continue
        zero = clock if zero is None else zero
        time = clock - zero
        ready = [frame]
        if held and not held[0] - _LATE <= time <= most:
            if held[1] is not None and earlier is not None and earlier <= time < held[0]:
                astray, held = [*astray, held[1]], None
            else:
                astray.append(frame)
                if len(astray) < _SET_BACK:
                    continue
                problems["places where the clock was set back"] += 1
                zero = _clock(astray[0], stream) - held[0]
                ready, astray = astray, []
        if astray:
            problems["frames with a wrong time"] += len(astray)
            astray = []
        for each in ready:
            time = _clock(each, stream) - zero
            if held is None:
                held = time, each
            elif time > held[0]:
                yield held
                earlier, held = held[0], (time, each)
    if astray:
        problems["frames with a wrong time"] += len(astray)
    if held:
        yield held


def _decoded(
    container: InputContainer, stream: VideoStream, problems: Counter[str], sound_ends: deque[Fraction]
) -> Iterator[tuple[Fraction, VideoFrame | None]]:
    """Give the frames of a stream, each with its time, in the order in which they are shown.

    The time is also the `pts` of the frame. What is broken is counted; None stands in the place of a frame
    that is, where its time is known.
    """
    # An AVI tells when frames are decoded, and no order but that: the first that is shown has the first time.
    is_avi = container.format.name == "avi"
    times: deque[int | None] = deque()
    broken: list[Fraction] = []
    for packet in _packets(container, stream, problems, sound_ends):
        try:
            frames = stream.codec_context.decode(packet) if packet is None or not packet.is_corrupt else None
        except av.FFmpegError:
            frames = None
        if frames is None:
            problems["corrupt packets"] += 1
            if packet is not None:
                pts = packet.dts if is_avi or packet.pts is None else packet.pts
                if pts is not None:
                    heapq.heappush(broken, _seconds(pts, stream))
            continue
        if packet is not None:
            times.append(packet.dts)
        for frame in frames:
            time = times.popleft() if times else None
            if is_avi and time is not None:
                frame.pts = time
            elif frame.pts is None:
                frame.pts = frame.dts
            if frame.pts is None or stream.time_base is None:
                problems["frames without a time"] += 1
                continue
            clock = _clock(frame, stream)
            while broken and broken[0] < clock:
                yield heapq.heappop(broken), None
            if frame.is_corrupt:
                problems["corrupt frames"] += 1
            yield clock, None if frame.is_corrupt else frame


def _packets(
    container: InputContainer, stream: VideoStream, problems: Counter[str], sound_ends: deque[Fraction]
) -> Iterator[Packet[VideoStream] | None]:
    """Give the packets of a stream, and last the None that has the decoder give what it still holds.

    When the sound that belongs to it has ended so far is kept in `sound_ends`.
    """
    sound = container.streams.best("audio", related=stream)
    wanted = [each for each in (stream, sound) if each is not None]
    try:
        for packet in container.demux(*wanted):
            if not packet.size:
                continue
            if isinstance(packet.stream, VideoStream):
                yield cast("Packet[VideoStream]", packet)
            elif packet.dts is not None:
                sound_ends.append((packet.dts + (packet.duration or 0)) * packet.time_base)
    except av.FFmpegError:
        problems["places where reading failed"] += 1
    yield None


def _stated_ends(container: InputContainer, stream: VideoStream) -> tuple[Fraction | None, Fraction | None]:
    """Tell when the pictures end, and when the file does, by its own account, or somewhat before."""
    kind = container.format.name
    if kind in _SIGNALS or not container.duration:  # of signals it is reckoned from the last packet
        return None, None
    of_file = Fraction(container.duration, av.time_base)
    if kind.startswith("mov") or kind == "avi":
        if stream.duration:
            return _seconds((stream.start_time or 0) + stream.duration, stream), of_file
    elif kind.startswith("matroska"):
        tag = re.fullmatch(r"(\d{2,4}):(\d\d):(\d\d\.\d{1,9})", stream.metadata.get("DURATION", ""), re.ASCII)
        if tag:  # who cuts a file may leave it as it was
            return min(int(tag[1]) * 3600 + int(tag[2]) * 60 + Fraction(tag[3]), of_file), of_file
    return None, of_file


def _clock(frame: VideoFrame, stream: VideoStream) -> Fraction:
    """Tell when a frame begins, by the clock of the stream."""
    return _seconds(frame.pts or 0, stream)


def _seconds(ticks: int, stream: VideoStream) -> Fraction:
    return ticks * (stream.time_base or Fraction(1, 1000))


def _jpeg(frame: VideoFrame, pixel_shape: str, limits: Limits) -> bytes:
    """Turn a decoded frame into an upright JPEG with square pixels.

    `pixel_shape` is the width of a pixel by its height, as an expression in which ``sar`` is what the frame
    itself says.
    """
    height = frame.height
    widest = min(limits.max_pixels // height, _MAX_SIDE)
    if frame.width > widest or height > _MAX_SIDE:
        raise ValueError("too many pixels")
    width = f"max(1,min(round(iw*{pixel_shape}),{widest + 1}))"
    flags = "bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"
    picture = _filtered(
        frame,
        *[("field", "type=top")] * frame.interlaced_frame,
        ("scale", f"w={width}:h={height}:eval=frame:flags={flags}"),
        ("format", "pix_fmts=rgb24"),
    )
    if picture.width > widest:
        raise ValueError("too many pixels")
    # Filters in one graph with those above would not learn of the width.
    if turns := _turns(_display_matrix(frame)):
        picture = _filtered(picture, *turns)
    return encode(Image.fromarray(picture.to_ndarray()))


def _filtered(frame: VideoFrame, *filters: tuple[str, str]) -> VideoFrame:
    """Send a frame through filters of libav: names, and options."""
    graph = Graph()
    begin = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base or Fraction(1)
    )
    nodes = [graph.add(name, options) for name, options in [*filters, ("buffersink", "")]]
    graph.link_nodes(begin, *nodes).configure()
    graph.vpush(frame)
    return graph.vpull()


def _display_matrix(frame: VideoFrame) -> tuple[int, ...]:
    """Read how a frame is to be turned: the first five numbers of its display matrix."""
    # A frame and its side data hold each other until Python looks for garbage; the frame is large.
    small = _filtered(frame, ("scale", "w=1:h=1:flags=neighbor"))
    try:
        known = small.side_data
    except ValueError:  # PyAV has no name for something that is with the frame
        others = set(range(64)) - {each.value for each in Type}
        known = _filtered(small, *(("sidedata", f"mode=delete:type={each}") for each in others)).side_data
    matrix = cast("Mapping[str, SideData]", known).get("DISPLAYMATRIX")
    return struct.unpack("5i", bytes(matrix)[:20]) if matrix else (1, 0, 0, 0, 1)


def _turns(matrix: tuple[int, ...]) -> list[tuple[str, str]]:
    """Tell by which filters ffmpeg shows a frame upright; it leaves a matrix alone that makes it a line."""
    a, b, _, c, d = matrix
    if not (a or c) or not (b or d):
        return []
    degrees = round(math.degrees(math.atan2(b / math.hypot(b, d), a / math.hypot(a, c)))) % 360
    if degrees == 90:
        return [("transpose", "cclock_flip" if c > 0 else "clock")]
    if degrees == 270:
        return [("transpose", "clock_flip" if c < 0 else "cclock")]
    if degrees == 180:
        return [("hflip", "")] * (a < 0) + [("vflip", "")] * (d < 0)
    if degrees > 1:
        return [("rotate", f"{degrees}*PI/180")]
    return [("vflip", "")] * (d < 0)


def _say(error: Exception) -> str:
    """Tell what is wrong without the path."""
    return getattr(error, "strerror", None) or str(error)
