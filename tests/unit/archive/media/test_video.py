"""Videos as the frames of a broadcast: sampled at the times that the stream says, whatever the file is."""

import io
import random
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from castgraph.archive import Limits, unzip
from castgraph.archive.media.sources import obtain
from castgraph.archive.media.video import video_frames

ID = "NTV_20261001_030000"
WIDTH, HEIGHT = 96, 64
N_DAMAGED = 20


def grey(level, width=WIDTH, height=HEIGHT):
    return np.full((height, width, 3), level, np.uint8)


@pytest.fixture
def film(tmp_path):
    """Make a video of pictures, each shown from a second on."""

    def film(
        pictures,
        name="film.mp4",
        *,
        codec="libx264",
        options=None,
        prepare=lambda stream: None,
        start=0,
        size=None,
    ):
        path = tmp_path / name
        base = Fraction(1, 1000)
        with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
            stream = container.add_stream(codec, rate=1000, options={"threads": "1", **(options or {})})
            stream.height, stream.width = size or pictures[0][1].shape[:2]
            stream.pix_fmt = "yuv420p"
            stream.time_base = stream.codec_context.time_base = base
            prepare(stream)
            for seconds, picture in pictures:
                kind = "rgb24" if picture.ndim == 3 else "yuv420p"
                frame = av.VideoFrame.from_ndarray(picture, kind).reformat(format="yuv420p")
                frame.pts, frame.time_base = round((start + seconds) * 1000), base
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return film


def every(step, count, begin=0):
    """Give grey pictures, `step` seconds apart, each 2 lighter than the one before."""
    return [(begin + n * step, grey(10 + 2 * n)) for n in range(count)]


def taken(path, **options):
    """Give the frames of a video as {number: (seconds, grey level)}, and what is wrong with it."""
    found = list(video_frames(path, **options))
    frames = [each for each in found if not isinstance(each, str)]
    assert [each.frame for each in frames] == sorted({each.frame for each in frames})
    shown = {each.frame: (float(each.seconds), picture(each).mean()) for each in frames}
    return shown, [each for each in found if isinstance(each, str)]


def picture(each):
    with Image.open(io.BytesIO(each.jpeg)) as image:
        assert image.format == "JPEG"
        return np.asarray(image).astype(float)


def check(shown, expected):
    """Compare with {number: (seconds, grey level)}."""
    assert list(shown) == list(expected)
    assert {n: seconds for n, (seconds, _) in shown.items()} == pytest.approx(
        {n: seconds for n, (seconds, _) in expected.items()}, abs=1e-9
    )
    for n, (_, level) in expected.items():
        assert shown[n][1] == pytest.approx(level, abs=3), n


CODECS = [
    ("a.mp4", "libx264"),
    ("a.m4v", "mpeg4"),
    ("a.MOV", "libx264"),
    ("a.mkv", "libx265"),
    ("a.webm", "libvpx"),
    ("a.ts", "mpeg2video"),
    ("a.m2ts", "libx264"),
]


@pytest.mark.parametrize(("name", "codec"), CODECS)
def test_a_frame_is_taken_every_few_seconds(film, name, codec):
    prepare = {"mpeg2video": rate_25, "libx265": quiet}.get(codec, lambda stream: None)
    path = film(every(0.2, 32), name, codec=codec, prepare=prepare)
    shown, problems = taken(path, frame_seconds=2)
    check(shown, {1: (0, 10), 2: (2, 30), 3: (4, 50), 4: (6, 70)})
    assert problems == []


def quiet(stream):
    stream.codec_context.options = {**stream.codec_context.options, "x265-params": "log-level=none"}


def rate_25(stream):
    """MPEG-2 knows few frame rates."""
    stream.codec_context.framerate = 25
    stream.codec_context.time_base = Fraction(1, 25)


def test_the_rate_may_vary(film):
    times = [0, 0.04, 0.5, 1.99, 2.013, 3.5, 3.9, 3.999, 4.0, 5.5]
    path = film([(time, grey(10 + 20 * n)) for n, time in enumerate(times)])
    shown, problems = taken(path, frame_seconds=2)
    check(shown, {1: (0, 10), 2: (2.013, 90), 3: (4, 170)})
    assert problems == []


def test_where_the_stream_has_a_gap_numbers_are_left_out(film):
    path = film(every(0.5, 6) + every(0.5, 6, begin=11.5))
    shown, problems = taken(path, frame_seconds=2)
    check(shown, {1: (0, 10), 2: (2, 18), 6: (11.5, 10), 7: (12, 12), 8: (14, 20)})
    assert problems == []


@pytest.mark.parametrize("name", ["a.mkv", "a.ts", "a.mp4"])
def test_times_begin_with_the_first_frame(film, name):
    shown, problems = taken(film(every(0.5, 10), name, start=5000), frame_seconds=2)
    check(shown, {1: (0, 10), 2: (2, 18), 3: (4, 26)})
    assert problems == []


def test_frames_that_are_stored_out_of_order_come_in_order(film):
    path = film(every(0.1, 60), options={"bf": "3", "b-pyramid": "normal", "b-adapt": "0"})
    with av.open(str(path)) as container:
        times = [packet.pts for packet in container.demux(video=0) if packet.size]
    assert times != sorted(times)
    shown, problems = taken(path, frame_seconds=0.5)
    check(shown, {n + 1: (n * 0.5, 10 + 10 * n) for n in range(12)})
    assert problems == []


@pytest.mark.parametrize("frame_seconds", [0.1, 0.04, 1 / 3, 4])
def test_times_are_reckoned_exactly(film, frame_seconds):
    path = film(every(0.04, 60), name="a.mkv")
    shown, _ = taken(path, frame_seconds=frame_seconds)
    expected = {}
    for n in range(60):
        expected.setdefault(int(Fraction(n, 25) // Fraction(str(frame_seconds))) + 1, (n * 0.04, 10 + 2 * n))
    check(shown, expected)


def test_a_clock_that_is_set_back_goes_on_where_it_was(film, tmp_path):
    # Transport streams can be put one behind the other.
    parts = [film(every(0.5, 9), f"{n}.ts", start=start).read_bytes() for n, start in enumerate((100, 50))]
    (tmp_path / "both.ts").write_bytes(b"".join(parts))
    shown, problems = taken(tmp_path / "both.ts", frame_seconds=2)
    check(shown, {1: (0, 10), 2: (2, 18), 3: (4, 26), 4: (6, 18), 5: (8, 26)})
    assert "places where the clock was set back: 1" in problems


def test_a_single_wrong_time_changes_no_other(film):
    """The sixth frame says that it is the first one again."""
    path = film(every(0.5, 20), "a.ts", options={"bf": "0"})
    content = bytearray(path.read_bytes())
    starts = [
        at
        for at in range(0, len(content), 188)
        if content[at + 1] & 0x5F == 0x41 and b"\0\0\1\xe0" in content[at : at + 188]
    ]
    assert len(starts) == 20
    times = [content.index(b"\0\0\1\xe0", at) + 9 for at in starts]
    content[times[5] : times[5] + 5] = content[times[0] : times[0] + 5]
    path.write_bytes(content)
    shown, problems = taken(path, frame_seconds=2)
    check(shown, {1: (0, 10), 2: (2, 18), 3: (4, 26), 4: (6, 34), 5: (8, 42)})
    assert problems == ["frames with a wrong time: 1"]


def test_threads_change_nothing(film):
    path = film(every(0.1, 40), options={"bf": "2"})
    assert list(video_frames(path, frame_seconds=1)) == list(video_frames(path, frame_seconds=1, threads=3))


def test_pixels_that_are_not_square_are_made_so(film):
    def wide(stream):
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)

    path = film(every(1, 2), prepare=wide)
    assert picture(next(iter(video_frames(path)))).shape == (64, 128, 3)


def test_of_interlaced_frames_one_field_is_taken(film):
    def field(bar):
        """Give brightness and two colours, each of which has a bar, of a field."""
        y, u, v = (np.full((32, 96), 90), np.full((16, 48), 128), np.full((16, 48), 128))
        y[:, bar : bar + 16], v[:, bar // 2 : bar // 2 + 8] = 180, 200
        return y, u, v

    planes = [np.stack(pair, axis=1) for pair in zip(field(16), field(64), strict=True)]
    woven = np.concatenate([plane.ravel() for plane in planes]).astype(np.uint8).reshape(96, 96)
    path = film(
        [(n, woven) for n in range(3)],
        options={"x264-params": "interlaced=1:qp=0"},
        size=(HEIGHT, WIDTH),
    )
    shown = picture(next(iter(video_frames(path))))
    assert shown.shape == (HEIGHT, WIDTH, 3)
    assert np.abs(np.diff(shown, axis=0)).max() < 12  # no combs, neither of brightness nor of colour
    assert shown[:, 18:30, 0].min() > shown[:, 66:78, 0].max() + 80


@pytest.mark.parametrize(("degrees", "corner"), [(90, (-1, 0)), (180, (-1, -1)), (-90, (0, -1))])
def test_a_video_that_is_marked_as_turned_is_turned(film, degrees, corner):
    upright = grey(40)
    upright[:32, :32] = 220

    path = film([(0, upright), (1, upright)], prepare=lambda stream: stream.set_display_rotation(degrees))
    shown = picture(next(iter(video_frames(path))))
    assert shown.shape[:2] == ((HEIGHT, WIDTH) if degrees == 180 else (WIDTH, HEIGHT))
    corners = {(y, x): shown[y * 9, x * 9].mean() for y in (0, -1) for x in (0, -1)}
    assert max(corners, key=corners.get) == corner


def test_colours_are_kept(film):
    shown = picture(next(iter(video_frames(film([(0, np.full((64, 96, 3), (180, 60, 30), np.uint8))])))))
    assert np.abs(shown - (180, 60, 30)).max() < 8


# What is broken or hostile.


def status(tmp_path, path, **options):
    """Give what becomes of a broadcast that comes from the file: status, reason, numbers of frames."""
    (tmp_path / "frames").mkdir(exist_ok=True)
    obtain("", ID, tmp_path / "a.zip", source=str(path), **options)
    manifest = unzip(tmp_path / "a.zip", ID, tmp_path / "frames")
    return manifest.status, manifest.reason, [frame.frame for frame in manifest.frames]


def test_the_times_reach_the_manifest(film, tmp_path):
    (tmp_path / "frames").mkdir()
    path = film([(0, grey(1)), (1 / 3, grey(2)), (5.2, grey(3))])
    obtain("", ID, tmp_path / "a.zip", source=str(path), frame_seconds=0.2)
    first = (tmp_path / "a.zip").read_bytes()
    manifest = unzip(tmp_path / "a.zip", ID, tmp_path / "frames")
    assert manifest.status == "ok"
    assert {each.frame: each.seconds for each in manifest.frames} == {1: 0, 2: 0.333, 27: 5.2}
    obtain("", ID, tmp_path / "a.zip", source=str(path), frame_seconds=0.2, threads=2)
    assert (tmp_path / "a.zip").read_bytes() == first


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_video_that_is_cut_off_is_partial(film, tmp_path, name):
    noise = np.random.default_rng(1)
    path = film([(n, noise.integers(0, 255, (64, 96, 3), np.uint8)) for n in range(40)], name)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    found, reason, frames = status(tmp_path, path)
    assert found == "partial"
    assert "it ends after" in reason or "corrupt packets" in reason
    assert frames == list(range(1, len(frames) + 1))
    assert 4 <= len(frames) <= 6


def test_a_video_with_damage_in_the_middle_is_partial(film, tmp_path):
    noise = np.random.default_rng(1)
    path = film(
        [(n, noise.integers(0, 255, (64, 96, 3), np.uint8)) for n in range(40)],
        options={"g": "4"},
    )
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 20_000] = bytes(20_000)
    path.write_bytes(content)
    found, reason, frames = status(tmp_path, path)
    assert (found, frames[0], frames[-1]) == ("partial", 1, 10)
    assert "corrupt packets" in reason


def test_a_video_without_its_index_is_damaged(film, tmp_path):
    path = film(every(1, 9))
    content = path.read_bytes()
    path.write_bytes(content.replace(b"moov", b"none"))
    assert status(tmp_path, path)[0] == "damaged"


@pytest.mark.parametrize("name", ["a.mp4", "a.ts", "a.mkv", "a.webm"])
@pytest.mark.parametrize("content", [b"", b"Good morning\n" * 500, b"\0" * 5000, b"G" * 5000])
def test_what_is_no_video_is_damaged(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    found, reason, frames = status(tmp_path, tmp_path / name)
    assert (found, frames) == ("damaged", [])
    assert reason
    assert str(tmp_path) not in reason


def test_sound_alone_is_damaged(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.float32), "fltp", "mono")
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert status(tmp_path, tmp_path / "a.mp4") == ("damaged", "no video in the file", [])


PLAYLISTS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{other}\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile {other}\n",
    "dash": "<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011' type='static' "
    "mediaPresentationDuration='PT9S'><Period><AdaptationSet mimeType='video/mp4'><Representation id='1' "
    "bandwidth='1'><BaseURL>{other}</BaseURL><SegmentBase/></Representation></AdaptationSet></Period></MPD>",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n"
    "a=rtpmap:96 H264/90000\n",
}


@pytest.mark.parametrize("kind", PLAYLISTS)
@pytest.mark.parametrize("name", ["list.mp4", "list.ts", "list.webm"])
def test_a_list_of_other_files_opens_none_of_them(film, tmp_path, kind, name):
    other = film(every(1, 9), "other.mp4")
    (tmp_path / name).write_text(PLAYLISTS[kind].format(other=other.name))
    assert status(tmp_path, tmp_path / name)[::2] == ("damaged", [])


def test_frames_that_are_too_large_are_not_decoded(film, tmp_path):
    path = film(every(1, 5))
    found, reason, frames = status(tmp_path, path, limits=Limits(max_pixels=WIDTH * HEIGHT - 1))
    assert (found, frames) == ("damaged", [])
    assert reason == "96x64 pixels; at most 6143 pixels are allowed"
    assert status(tmp_path, path, limits=Limits(max_pixels=WIDTH * HEIGHT))[0] == "ok"


def test_pixels_that_are_stretched_too_far_are_not_drawn(film, tmp_path):
    def wide(stream):
        stream.codec_context.sample_aspect_ratio = Fraction(4, 1)

    path = film(every(1, 5), prepare=wide)
    found, reason, frames = status(tmp_path, path, limits=Limits(max_pixels=2 * WIDTH * HEIGHT))
    assert (found, frames) == ("damaged", [])
    assert "pixels" in reason


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(max_frames=2), "more than 2 frames"),
        (Limits(max_total_bytes=2000), "the frames have more than 2000 bytes together"),
    ],
)
def test_limits_cut_a_video(film, tmp_path, limits, reason):
    found = status(tmp_path, film(every(1, 20)), limits=limits)
    assert found == ("partial", reason, [1, 2])


def test_a_file_name_is_no_address(film, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    film(every(1, 5)).rename("concat:a|b.mp4")
    assert status(tmp_path, "concat:a|b.mp4")[0] == "ok"


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.webm"])
def test_no_damage_raises(film, tmp_path, name):
    sound = film(every(0.2, 30), name, codec="libvpx" if name == "a.webm" else "libx264").read_bytes()
    rng = random.Random(name)
    path = tmp_path / f"broken-{name}"
    for _ in range(N_DAMAGED):
        content = bytearray(sound[: rng.choice([len(sound), rng.randrange(len(sound))])])
        for _ in range(rng.choice([1, 5, 50]) if content else 0):
            at = rng.randrange(len(content))
            content[at : at + rng.choice([1, 4])] = rng.choice([b"\xff", b"\0\0\0\0", rng.randbytes(4)])
        path.write_bytes(content)
        found, reason, frames = status(tmp_path, path, frame_seconds=1)
        assert found in {"ok", "partial", "damaged"}
        assert (found == "ok") == (reason == "")
        assert len(frames) <= 50_000
        for each in (tmp_path / "frames").iterdir():
            each.unlink()
