"""Which files are read as videos: formats that name no other file; and what of them: one programme."""

import struct
from fractions import Fraction

import av
import pytest
from tests.films import ID, check, every, grey, taken

from castgraph.archive.listing.choose import VIDEO_SUFFIXES
from castgraph.archive.media.formats import FORMATS
from castgraph.archive.media.sources import is_video, obtain, origin
from castgraph.archive.media.video import video_frames

QUIET = {"x265-params": "log-level=none"}

FILMS = [
    ("a.mp4", "libx264", {}),
    ("a.m4v", "mpeg4", {}),
    ("a.MOV", "libx264", {}),
    ("a.mov", "mjpeg", {"pix_fmt": "yuvj420p"}),
    ("a.3gp", "h263", {"size": (96, 128)}),
    ("a.3g2", "mpeg4", {}),
    ("a.f4v", "libx264", {}),
    ("a.mkv", "libx265", {"options": QUIET}),
    ("b.mkv", "mpeg2video", {}),
    ("a.webm", "libvpx", {}),
    ("b.webm", "libvpx-vp9", {}),
    ("a.ts", "mpeg2video", {}),
    ("b.ts", "libx265", {"options": QUIET}),
    ("a.m2ts", "libx264", {}),
    ("a.MTS", "libx264", {"kind": "mpegts", "container_options": {"mpegts_m2ts_mode": "1"}}),
    ("a.mpg", "mpeg1video", {"options": {"bf": "2"}}),
    ("a.mpeg", "mpeg2video", {"kind": "mpeg", "options": {"bf": "2"}}),
    ("a.vob", "mpeg2video", {"options": {"bf": "2"}}),
    ("b.mpg", "mpeg2video", {"kind": "mpeg2video", "options": {"bf": "2"}}),
    ("a.m2v", "mpeg2video", {"kind": "mpeg2video"}),
    ("a.avi", "mpeg4", {"rate": 25, "options": {"bf": "2"}}),
    ("b.avi", "libx264", {"rate": 25}),
    ("c.avi", "mjpeg", {"rate": 25, "pix_fmt": "yuvj420p"}),
    ("a.wmv", "wmv2", {}),
    ("a.asf", "wmv1", {}),
    ("a.flv", "flv", {}),
    ("b.flv", "libx264", {"container_options": {"flvflags": "no_duration_filesize"}}),
    ("a.ogv", "libvpx", {"kind": "ogg"}),
    ("a.mxf", "mpeg2video", {"options": {"bf": "2"}}),
]


@pytest.mark.parametrize(("name", "codec", "options"), FILMS)
def test_a_frame_is_taken_every_few_seconds(film, status, name, codec, options):
    assert is_video(name)
    pictures = [(n * 0.04, grey(10 + n)) for n in range(160)]
    if size := options.get("size"):
        pictures = [(time, grey(picture[0, 0, 0], size[1], size[0])) for time, picture in pictures]
    path = film(pictures, name, codec=codec, **options)
    shown, problems = taken(path, frame_seconds=2)
    check(shown, {1: (0, 10), 2: (2, 60), 3: (4, 110), 4: (6, 160)})
    assert problems == []
    assert status(path, frame_seconds=2) == ("ok", "", [1, 2, 3, 4])


def test_every_ending_and_every_format_is_tried():
    assert {f".{name.rpartition('.')[2].lower()}" for name, *_ in FILMS} >= VIDEO_SUFFIXES - {
        ".qt",
        ".m2t",
        ".ogm",
    }
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in VIDEO_SUFFIXES)
    for name in FORMATS:
        assert any(name in each.split(",") for each in av.formats_available), name


def test_what_a_file_is_its_content_says(film, tmp_path):
    shown, problems = taken(film(every(1, 9), "a.mkv").rename(tmp_path / "a.avi"))
    assert (list(shown), problems) == ([1, 2, 3], [])


# Files that name others.

PLAYLISTS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{other}\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile {other}\n",
    "dash": "<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011' type='static' "
    "mediaPresentationDuration='PT9S'><Period><AdaptationSet mimeType='video/mp4'><Representation id='1' "
    "bandwidth='1'><BaseURL>{other}</BaseURL><SegmentBase/></Representation></AdaptationSet></Period></MPD>",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n"
    "a=rtpmap:96 H264/90000\n",
    "asx": "<asx version='3.0'><entry><ref href='{other}'/></entry></asx>",
    "reference": "[Reference]\nRef1={other}\n",
    "rtsp": "RTSPtext\nrtsp://127.0.0.1:9/{other}\n",
    "webvtt": "WEBVTT\n\n00:00.000 --> 00:09.000\n{other}\n",
}


@pytest.mark.parametrize("kind", PLAYLISTS)
@pytest.mark.parametrize("name", [f"list{suffix}" for suffix in sorted(VIDEO_SUFFIXES)])
def test_a_list_of_other_files_opens_none_of_them(film, tmp_path, status, kind, name):
    other = film(every(1, 2), "other.mp4")
    (tmp_path / name).write_text(PLAYLISTS[kind].format(other=other.name))
    assert status(tmp_path / name)[::2] == ("damaged", [])


def box(name, *contents):
    body = b"".join(contents)
    return struct.pack(">I", len(body) + 8) + name + body


@pytest.mark.parametrize("name", ["a.mov", "a.mp4", "a.3gp"])
def test_pictures_in_another_file_are_not_read(film, tmp_path, status, name):
    """A QuickTime file may say that its pictures lie elsewhere."""
    other = film(every(1, 9), "other.mov", codec="mpeg4")
    content = other.read_bytes()
    at = content.index(b"dref") - 4
    size = struct.unpack(">I", content[at : at + 4])[0]
    alias = bytearray(150)
    alias[130:134] = struct.pack(">HH", 1, 1)  # in the same folder
    where = str(other).encode()
    alias += struct.pack(">hH", 2, len(where)) + where + b"\0" * (len(where) % 2) + struct.pack(">hH", -1, 0)
    reference = box(b"dref", struct.pack(">II", 0, 1), box(b"alis", bytes(4), bytes(alias)))
    changed = bytearray(content[:at] + reference + content[at + size :])
    for each in (b"dinf", b"minf", b"mdia", b"trak", b"moov"):
        place = changed.index(each) - 4
        length = struct.unpack(">I", changed[place : place + 4])[0] + len(reference) - size
        changed[place : place + 4] = struct.pack(">I", length)
    # Without its own pictures.
    (tmp_path / name).write_bytes(changed[: changed.index(b"mdat") - 4])
    found, reason, numbers = status(tmp_path / name)
    assert (found, numbers) == ("damaged", [])
    assert reason
    assert "other" not in reason


# Several programmes.


def crc(section):
    """Give the check sum of a table of a transport stream."""
    register = 0xFFFFFFFF
    for byte in section:
        register ^= byte << 24
        for _ in range(8):
            register = (register << 1 ^ (0x04C11DB7 if register >> 31 else 0)) & 0xFFFFFFFF
    return struct.pack(">I", register)


@pytest.fixture
def several(film, tmp_path):
    """Make a transport stream with services: {number: grey level of its pictures}."""

    def several(levels, sound=0.0, seconds=10):
        parts = []
        for place, (number, level) in enumerate(levels.items()):
            options = {
                "mpegts_service_id": str(number),
                "mpegts_start_pid": hex(0x100 * (place + 1)),
                "mpegts_pmt_start_pid": hex(0x1000 + 0x10 * place),
            }
            pictures = [(n / 5, grey(level)) for n in range(5 * seconds)]
            content = film(pictures, f"{number}.ts", container_options=options, sound=sound).read_bytes()
            parts.append([content[at : at + 188] for at in range(0, len(content), 188)])
        table = b"".join(
            struct.pack(">HH", number, 0xE000 | 0x1000 + 0x10 * place) for place, number in enumerate(levels)
        )
        section = struct.pack(">BHHBBB", 0, 0xB000 | len(table) + 9, 1, 0xC1, 0, 0) + table
        section += crc(section)
        packet = b"\x47\x40\x00\x10\x00" + section
        content = packet.ljust(188, b"\xff")
        for n in range(max(map(len, parts))):
            # The table of programmes and that of services are those of one of them.
            content += b"".join(
                part[n]
                for part in parts
                if (n < len(part) and part[n][1] & 0x1F) or (n < len(part) and part[n][2] > 0x11)
            )
        path = tmp_path / "several.ts"
        path.write_bytes(content)
        return path

    return several


def test_of_several_programmes_one_is_taken_and_told(several, status):
    path = several({7: 60, 300: 120, 65000: 200})
    shown, told = taken(path)
    assert list(shown) == [1, 2, 3]
    (number,) = [n for n, level in {7: 60, 300: 120, 65000: 200}.items() if abs(shown[1][1] - level) < 5]
    assert told == [f"programme {number} was taken, one of 7, 300, 65000"]
    assert status(path) == ("ok", told[0], [1, 2, 3])


@pytest.mark.parametrize(("programme", "level"), [(7, 60), (300, 120), (65000, 200)])
@pytest.mark.parametrize("sound", [0, 10])
def test_the_programme_can_be_chosen(several, programme, level, sound):
    shown, told = taken(several({7: 60, 300: 120, 65000: 200}, sound=sound), programme=programme)
    check(shown, {n: (4 * n - 4, level) for n in (1, 2, 3)})
    assert told == [f"programme {programme} was taken, one of 7, 300, 65000"]


def test_the_programme_reaches_the_zip(several, tmp_path):
    zips = set()
    for programme in (7, 300):
        obtain("", ID, tmp_path / "a.zip", source=str(several({7: 60, 300: 200})), programme=programme)
        zips.add((tmp_path / "a.zip").read_bytes())
    assert len(zips) == 2


def test_a_programme_that_is_not_there_is_damaged(several, film, status):
    path = several({7: 60, 300: 120})
    assert status(path, programme=8) == ("damaged", "no programme 8 in the file; there are: 7, 300", [])
    path = film(every(1, 9), "a.ts")  # one service has a number, too
    assert status(path, programme=8) == ("damaged", "no programme 8 in the file; there are: 1", [])
    assert status(path, programme=1) == ("ok", "", [1, 2, 3])


@pytest.fixture
def two(tmp_path):
    """Make a file with two video streams."""

    def two(name):
        with av.open(str(tmp_path / name), "w") as container:
            streams = [container.add_stream("libx264", rate=5) for _ in range(2)]
            for stream in streams:
                stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
            for n in range(50):
                for stream, level in zip(streams, (60, 200), strict=True):
                    frame = av.VideoFrame.from_ndarray(grey(level)).reformat(format="yuv420p")
                    frame.pts, frame.time_base = n, Fraction(1, 5)
                    container.mux(stream.encode(frame))
            for stream in streams:
                container.mux(stream.encode(None))
        return tmp_path / name

    return two


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_where_there_are_no_services_video_streams_are_numbered(two, status, name):
    path = two(name)
    for programme, number, level in ((None, 1, 60), (1, 1, 60), (2, 2, 200)):
        shown, told = taken(path, programme=programme)
        check(shown, {n: (4 * n - 4, level) for n in (1, 2, 3)})
        assert told == [f"video stream {number} was taken, one of 1, 2"]
    found = status(path, programme=3)
    assert found == ("damaged", "no video stream 3 in the file; there are: 1, 2", [])


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "a.mpg"])
def test_where_there_is_one_stream_and_no_service_there_is_nothing_to_choose(film, status, name):
    path = film(
        [(n / 25, grey(90)) for n in range(225)],
        name,
        codec="mpeg2video" if name == "a.mpg" else "mpeg4",
        rate=25,
    )
    assert status(path, programme=300) == ("ok", "", [1, 2, 3])


def test_a_picture_of_the_cover_is_no_programme(film, tmp_path, status):
    with av.open(str(film(every(1, 9)))) as source, av.open(str(tmp_path / "b.mp4"), "w") as copy:
        stream = copy.add_stream_from_template(source.streams.video[0])
        cover = copy.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 300, 300, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        frame = av.VideoFrame.from_ndarray(grey(9, 300, 300)).reformat(format="yuvj420p")
        frame.pts, frame.time_base = 0, Fraction(1)
        packets = [*source.demux(video=0)]
        for packet in [each for each in packets if each.size]:
            packet.stream = stream
            copy.mux(packet)
        copy.mux(cover.encode(frame))
        copy.mux(cover.encode(None))
    assert status(tmp_path / "b.mp4") == ("ok", "", [1, 2, 3])


def test_the_names_of_services_are_hostile(several, film, tmp_path):
    for name in ("x\n  Program 9\n  Stream #0:0: Video", "\x1b[31mred", "é" * 90):
        path = film(every(1, 9), "a.ts")
        with av.open(str(path)) as source, av.open(str(tmp_path / "b.ts"), "w") as copy:
            copy.metadata["service_name"] = name
            stream = copy.add_stream_from_template(source.streams.video[0])
            for packet in [each for each in source.demux(video=0) if each.size]:
                packet.stream = stream
                copy.mux(packet)
        shown, told = taken(tmp_path / "b.ts")
        assert (list(shown), told) == ([1, 2, 3], [])


def test_a_look_at_the_programmes_leaves_the_log_alone(several, capfd, caplog):
    level = av.logging.get_level()
    list(video_frames(several({7: 60, 300: 120})))
    assert av.logging.get_level() == level
    assert capfd.readouterr() == ("", "")
    assert [record for record in caplog.records if "libav" in record.name] == []


def test_another_programme_lies_elsewhere():
    places = {
        origin(ID, source, "https://archive", 4, programme)
        for source in (f"a/{ID}.ts", f"b/{ID}.ts")
        for programme in (None, 1, 2)
    }
    assert len(places) == 6
    # What is no video has no programme.
    assert origin(ID, f"a/{ID}.zip", "https://archive", 4, 1) == origin(
        ID, f"a/{ID}.zip", "https://archive", 4
    )
