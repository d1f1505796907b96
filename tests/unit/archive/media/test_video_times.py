"""When the pictures of a video are on the screen: frame n is what is, n - 1 steps after the first."""

import random
from fractions import Fraction

import av
import numpy as np
import pytest
from av.filter import Graph
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import films
from tests.films import ID, check, every, grey, join, taken

from castgraph.archive import Limits, unzip
from castgraph.archive.media.sources import obtain
from castgraph.archive.media.video import video_frames

NO_ENDS = {"movflags": "frag_keyframe+empty_moov"}  # an MP4 that does not say how long it is


def slides(*seconds, begin=0):
    """Give grey pictures, each for some seconds; each is 2 lighter than the one before."""
    return [(begin + sum(seconds[:n]), grey(10 + 2 * n)) for n in range(len(seconds))]


def by_fps_filter(path, step):
    """Give what ``ffmpeg -vf fps=1/step:round=up`` takes: {number: grey level}."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        graph = Graph()
        nodes = [
            graph.add_buffer(template=stream, time_base=stream.time_base),
            graph.add("fps", f"fps={1 / Fraction(step)}:round=up:start_time=0"),
            graph.add("buffersink"),
        ]
        graph.link_nodes(*nodes).configure()
        for frame in container.decode(stream):
            graph.vpush(frame)
        graph.vpush(None)
        levels = []
        while True:
            try:
                levels.append(graph.vpull().to_ndarray(format="gray").mean())
            except (av.BlockingIOError, av.EOFError):
                break
    return dict(enumerate(levels, start=1))


# How long a picture stays.


@settings(max_examples=settings().max_examples // 2)
@given(
    lengths=st.lists(st.integers(1, 400), min_size=2, max_size=12),
    step=st.sampled_from([Fraction(1, 2), 1, 2, 4]),
)
def test_the_frames_are_those_of_ffmpeg(tmp_path_factory, lengths, step):
    path = tmp_path_factory.mktemp("films") / "a.mp4"
    lengths = [length / 20 for length in lengths]
    films.film(path, slides(*lengths), last=lengths[-1], rate=20, options={"bf": "0"})
    shown, problems = taken(path, frame_seconds=float(step))
    assert problems == []
    assert {number: round(level) for number, (_, level) in shown.items()} == pytest.approx(
        by_fps_filter(path, step), abs=3
    )
    assert {number: seconds for number, (seconds, _) in shown.items()} == {
        number: (number - 1) * step for number in shown
    }


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp4", {}),
        ("a.mkv", {}),
        ("a.webm", {"codec": "libvpx"}),
        ("a.flv", {}),
        ("a.wmv", {"codec": "wmv2"}),
        ("a.avi", {"codec": "mpeg4", "rate": 25}),
        ("b.avi", {"rate": 25, "options": {"bf": "2"}}),
        ("a.ts", {}),
        ("b.ts", {"rate": 25}),
    ],
)
def test_a_still_gives_a_frame_for_each_step(film, status, name, options):
    path = film(slides(*[20] * 5), name, last=20, **options)
    shown, problems = taken(path)
    check(shown, {n + 1: (4 * n, 10 + 2 * (n // 5)) for n in range(len(shown))})
    # Some muxers do not write how long the last picture is; no film is longer than it should be.
    assert len(shown) == 25 or (len(shown) == 21 and name in {"a.flv", "a.wmv", "a.avi", "b.avi"})
    assert problems == []
    assert status(path)[:2] == ("ok", "")


def test_stills_and_motion_may_alternate(film):
    pictures = every(0.04, 50) + [(2 + 30 * n, grey(150 + n)) for n in range(3)] + every(0.04, 100, begin=92)
    for name in ("a.mp4", "a.mkv"):
        shown, problems = taken(film(pictures, name))
        assert list(shown) == list(range(1, 25))
        assert [round(shown[n][1], -1) for n in (1, 2, 9, 10, 17, 23, 24)] == [
            10,
            150,
            150,
            150,
            150,
            150,
            10,
        ]
        assert problems == []


def test_the_rate_may_vary(film):
    times = [0, 0.04, 0.5, 1.99, 2.013, 3.5, 3.9, 3.999, 4.0, 5.5]
    path = film([(time, grey(10 + 20 * n)) for n, time in enumerate(times)])
    shown, problems = taken(path, frame_seconds=2)
    check(shown, {1: (0, 10), 2: (2, 70), 3: (4, 170)})
    assert problems == []


def test_a_picture_that_stays_is_encoded_once(film, monkeypatch):
    encoded = []
    encode = films.video_frames.__globals__["encode"]
    monkeypatch.setitem(
        films.video_frames.__globals__, "encode", lambda image: encoded.append(1) or encode(image)
    )
    shown, _ = taken(film(slides(20, 0.5, 0.5, 20), last=20))
    assert (len(shown), len(encoded)) == (11, 3)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_one_picture_is_one_frame(film, name):
    shown, problems = taken(film([(0, grey(90))], name))
    check(shown, {1: (0, 90)})
    assert problems == []


def test_the_last_picture_lasts_as_long_as_it_says(film):
    check(taken(film(slides(4, 9), last=9))[0], {1: (0, 10), 2: (4, 12), 3: (8, 12), 4: (12, 12)})


def test_the_last_picture_lasts_like_the_one_before_where_nothing_tells(film):
    check(
        taken(film(slides(9, 9), "a.ts"))[0], {1: (0, 10), 2: (4, 10), 3: (8, 10), 4: (12, 12), 5: (16, 12)}
    )


# Gaps.


@pytest.mark.parametrize("rate", [25, 1000])
def test_where_the_signal_was_lost_numbers_are_left_out(film, rate):
    path = film(every(0.04, 75) + every(0.04, 75, begin=11.52), "a.ts", rate=rate)
    shown, problems = taken(path, frame_seconds=2)
    check(shown, {1: (0, 10), 2: (2, 110), 6: (11.52, 10), 7: (12, 34), 8: (14, 134)})
    assert problems == []


def test_a_signal_may_be_lost_more_than_once_and_at_any_rate(film):
    pictures = every(0.5, 6) + every(0.5, 6, begin=11.5) + every(0.5, 2, begin=40)
    shown, problems = taken(film(pictures, "a.ts"), frame_seconds=2)
    assert list(shown) == [1, 2, 6, 7, 8, 21]
    assert problems == []


@pytest.mark.parametrize("name", ["a.mpg", "a.vob"])
def test_a_programme_stream_may_have_a_gap(film, name):
    noise = np.random.default_rng(1)  # pictures that are so large that each has a time of its own
    pictures = [
        (begin + n * 0.04, noise.integers(0, 255, (128, 192, 3), np.uint8))
        for begin in (0, 60)
        for n in range(60)
    ]
    shown, problems = taken(film(pictures, name, codec="mpeg2video", options={"q:v": "2"}), frame_seconds=2)
    assert problems == []
    assert list(shown) == [1, 2, 31, 32]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.flv"])
def test_in_a_file_a_picture_stays_until_the_next(film, name):
    path = film(every(0.5, 6) + every(0.5, 6, begin=11.5), name)
    shown, problems = taken(path, frame_seconds=2)
    check(
        shown,
        {1: (0, 10), 2: (2, 18)} | {n: (2 * n - 2, 20) for n in range(3, 7)} | {7: (12, 12), 8: (14, 20)},
    )
    assert problems == []


def test_a_picture_stays_until_the_next_even_if_that_is_broken(film, status):
    """What was on the screen while a part of the file cannot be read is not known."""
    noise = np.random.default_rng(1)
    pictures = [(n, noise.integers(0, 255, (64, 96, 3), np.uint8)) for n in range(60)]
    path = film(pictures, options={"g": "1", "bf": "0"})
    content = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    for at, size in places[14:40]:
        content[at : at + size] = bytes(size)
    path.write_bytes(content)
    found, reason, numbers = status(path)
    assert (found, numbers) == ("partial", [1, 2, 3, 4, *range(11, 16)])
    assert reason == "corrupt packets: 26"


# The clock.


@pytest.mark.parametrize("name", ["a.mkv", "a.ts", "a.mp4", "a.flv"])
def test_times_begin_with_the_first_frame(film, name):
    shown, problems = taken(film(every(0.5, 10), name, start=5000), frame_seconds=2)
    check(shown, {1: (0, 10), 2: (2, 18), 3: (4, 26)})
    assert problems == []


@pytest.mark.parametrize("name", ["a.mp4", "a.avi", "a.flv", "a.ts", "a.mkv"])
def test_frames_that_are_stored_out_of_order_come_in_order(film, name):
    path = film(every(0.12, 60), name, rate=25, options={"bf": "3", "b-pyramid": "normal", "b-adapt": "0"})
    with av.open(str(path)) as container:
        types = {frame.pict_type for frame in container.decode(video=0)}
    assert av.video.frame.PictureType.B in types
    shown, problems = taken(path, frame_seconds=0.6)
    check(shown, {n + 1: (n * 0.6, 10 + 10 * n) for n in range(12)})
    assert problems == []


@pytest.mark.parametrize("frame_seconds", [0.1, 0.04, 1 / 3, 4])
def test_times_are_reckoned_exactly(film, frame_seconds):
    shown, _ = taken(film(every(0.04, 60), name="a.mkv"), frame_seconds=frame_seconds)
    step = Fraction(str(frame_seconds))
    expected, n = {}, 0
    while n * step < Fraction(60, 25):
        expected[n + 1] = (float(n * step), 10 + 2 * int(n * step * 25))
        n += 1
    check(shown, expected)


def test_a_clock_that_is_set_back_goes_on_where_it_was(film, tmp_path):
    # Transport streams can be put one behind the other.
    parts = [film(every(0.5, 9), f"{n}.ts", start=start) for n, start in enumerate((100, 50))]
    (tmp_path / "both.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    shown, problems = taken(tmp_path / "both.ts", frame_seconds=2)
    check(shown, {1: (0, 10), 2: (2, 18), 3: (4, 26), 4: (6, 18), 5: (8, 26)})
    assert "places where the clock was set back: 1" in problems


def test_no_frame_is_lost_where_the_clock_is_set_back(film, tmp_path):
    parts = [film(every(0.5, 9), f"{n}.ts", start=start) for n, start in enumerate((100, 50))]
    shown, problems = taken(join(tmp_path / "both.ts", *parts), frame_seconds=0.5)
    check(shown, {n + 1: (n / 2, 10 + 2 * (n if n < 9 else n - 8)) for n in range(17)})
    assert problems == ["places where the clock was set back: 1"]


def test_the_clock_of_a_dvd_begins_anew_in_each_cell(film, tmp_path):
    parts = [film(every(0.04, 100), f"{n}.vob", codec="mpeg2video").read_bytes() for n in range(3)]
    (tmp_path / "all.vob").write_bytes(b"".join(parts))
    shown, problems = taken(tmp_path / "all.vob", frame_seconds=2)
    assert list(shown) == list(range(1, 7))
    assert [round(level, -2) for _, level in shown.values()] == [0, 100] * 3
    assert problems == ["places where the clock was set back: 2"]


@pytest.mark.parametrize(("wrong", "like"), [(5, 0), (5, 15)])
def test_a_single_wrong_time_changes_no_other(film, wrong, like):
    """One frame says that it is an earlier one, or a later one."""
    path = film(every(0.5, 20), "a.ts", options={"bf": "0"})
    content = bytearray(path.read_bytes())
    starts = [
        at
        for at in range(0, len(content), 188)
        if content[at + 1] & 0x5F == 0x41 and b"\0\0\1\xe0" in content[at : at + 188]
    ]
    assert len(starts) == 20
    times = [content.index(b"\0\0\1\xe0", at) + 9 for at in starts]
    content[times[wrong] : times[wrong] + 5] = content[times[like] : times[like] + 5]
    path.write_bytes(content)
    shown, problems = taken(path, frame_seconds=2)
    check(shown, {1: (0, 10), 2: (2, 18), 3: (4, 26), 4: (6, 34), 5: (8, 42)})
    assert problems == ["frames with a wrong time: 1"]


def test_threads_change_nothing(film):
    path = film(every(0.1, 40), options={"bf": "2"})
    assert list(video_frames(path, frame_seconds=1)) == list(video_frames(path, frame_seconds=1, threads=3))


def test_the_times_reach_the_manifest(film, tmp_path):
    (tmp_path / "frames").mkdir()
    path = film([(0, grey(1)), (1 / 3, grey(2)), (9.1, grey(3)), (9.2, grey(3))], "a.ts")
    obtain("", ID, tmp_path / "a.zip", source=str(path), frame_seconds=0.8)
    first = (tmp_path / "a.zip").read_bytes()
    manifest = unzip(tmp_path / "a.zip", ID, tmp_path / "frames")
    assert manifest.status == "ok"
    assert {each.frame: each.seconds for each in manifest.frames} == {1: 0, 12: 9.1}
    obtain("", ID, tmp_path / "a.zip", source=str(path), frame_seconds=0.8, threads=2)
    assert (tmp_path / "a.zip").read_bytes() == first


# How long the whole is said to be.


@pytest.mark.parametrize(
    ("name", "codec", "sound_codec"),
    [
        ("a.mp4", "libx264", "aac"),
        ("a.mkv", "libx264", "aac"),
        ("a.webm", "libvpx", "libopus"),
        ("a.ts", "libx264", "aac"),
        ("a.flv", "libx264", "aac"),
        ("a.avi", "mpeg4", "mp2"),
        ("a.mpg", "mpeg2video", "mp2"),
    ],
)
def test_sound_that_is_longer_than_the_pictures_is_told(film, status, name, codec, sound_codec):
    options = {"codec": codec, "sound_codec": sound_codec, "rate": 25}
    found, reason, numbers = status(film(every(0.2, 50), name, sound=40, **options))
    assert (found, numbers) == ("ok", [1, 2, 3])
    assert reason in {f"the sound goes on for {n} seconds after the last picture" for n in (29, 30)}
    assert status(film(every(0.2, 50), name, sound=10.5, **options)) == ("ok", "", [1, 2, 3])


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
def test_sound_does_not_make_a_still_longer(film, status, name):
    found, reason, numbers = status(film(slides(20, 20, 20), name, sound=90, last=20))
    assert (found, numbers) == ("ok", list(range(1, 16)))
    assert reason == "the sound goes on for 30 seconds after the last picture"


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp4", {}),
        ("a.mkv", {}),
        ("a.flv", {}),
        ("b.mkv", {"sound": 40}),
        ("b.flv", {"sound": 40}),
        ("a.avi", {"codec": "mpeg4", "rate": 25}),
        ("a.wmv", {"codec": "wmv2"}),
    ],
)
def test_a_video_that_is_cut_off_is_partial(film, status, name, options):
    noise = np.random.default_rng(1)
    path = film([(n, noise.integers(0, 255, (64, 96, 3), np.uint8)) for n in range(40)], name, **options)
    assert status(path)[:2] == ("ok", "")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    found, reason, frames = status(path)
    assert found == "partial"
    assert any(each in reason for each in ("it ends after", "corrupt packets", "corrupt frames"))
    assert frames == list(range(1, len(frames) + 1))
    assert 4 <= len(frames) <= 7


def test_a_tag_of_the_whole_does_not_make_a_part_of_it_partial(film, status):
    """Who cuts a Matroska file may leave the tag that says how long it was."""
    path = film(every(1, 30), "a.mkv")
    path.write_bytes(path.read_bytes().replace(b"00:00:29.001000000", b"00:59:29.001000000"))
    assert status(path)[:2] == ("ok", "")


def test_stills_that_are_cut_off_are_partial(film, status):
    noise = np.random.default_rng(1)
    path = film(
        [(20 * n, noise.integers(0, 255, (64, 96, 3), np.uint8)) for n in range(10)], "a.mkv", last=20
    )
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    found, reason, frames = status(path)
    assert found == "partial"
    assert "of 200 seconds" in reason
    assert 20 <= len(frames) <= 30


# What a file may claim.


def with_long_frames(path, ticks):
    """Have each picture of an MP4 last some ticks of its clock, and the file as long as it can say."""
    content = bytearray(path.read_bytes())
    table = content.index(b"stts") + 8
    for n in range(int.from_bytes(content[table : table + 4], "big")):
        content[table + 8 + 8 * n : table + 12 + 8 * n] = ticks.to_bytes(4, "big")
    for name in (b"mvhd", b"mdhd"):
        at = content.index(name) + 20
        content[at : at + 4] = (2**32 - 1).to_bytes(4, "big")
    at = content.index(b"tkhd") + 24
    content[at : at + 4] = (2**32 - 1).to_bytes(4, "big")
    content[:] = content.replace(b"edts", b"free")
    path.write_bytes(content)
    return path


def test_how_often_a_picture_is_written_is_limited(film, status):
    path = with_long_frames(film(slides(1, 1, 1), rate=1, options={"bf": "0"}), 2**31 - 1)
    found, reason, numbers = status(path, limits=Limits(max_frames=100))
    assert (found, reason, len(numbers)) == ("partial", "more than 100 frames", 100)


@pytest.mark.parametrize("name", ["a.mkv", "a.flv"])
def test_no_picture_stays_beyond_the_end_of_the_file(film, name):
    """A time that cannot be, at the end, makes no copies of the picture before."""
    path = film([*every(0.5, 20), (3000, grey(90))], name, options={"bf": "0"})
    content = path.read_bytes()
    stated = {"a.mkv": b"\x44\x89\x88", "a.flv": b"duration\0"}[name]
    at = content.index(stated) + len(stated)
    unit = 1000 if name == "a.mkv" else 1
    length = np.array([12.0 * unit], ">f8").tobytes()
    path.write_bytes((content[:at] + length + content[at + 8 :]).replace(b"DURATION", b"duration"))
    shown, _ = taken(path, frame_seconds=2)
    assert list(shown) == [1, 2, 3, 4, 5, 6, 1501, 1502]


@pytest.mark.parametrize("seed", range(5))
def test_whatever_the_lengths_are_said_to_be(film, status, seed):
    chance = random.Random(seed)
    path = film(every(1, 8), container_options=NO_ENDS if seed % 2 else None)
    content = bytearray(path.read_bytes())
    boxes = [
        at for name in (b"stts", b"mvhd", b"mdhd", b"trun", b"elst", b"tfdt") for at in [content.find(name)]
    ]
    for at in [each for each in boxes if each > 0]:
        where = at + chance.randrange(8, 28)
        content[where : where + 4] = chance.choice([b"\xff" * 4, b"\x7f" * 4, b"\0" * 4])
    path.write_bytes(content)
    found, reason, numbers = status(path, limits=Limits(max_frames=50))
    assert found in {"ok", "partial", "damaged"}
    assert len(numbers) <= 50
    assert (found == "ok") or reason
