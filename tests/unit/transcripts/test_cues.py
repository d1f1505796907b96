"""Taking transcripts apart: what is read, what is joined, and that nothing is lost uncounted."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from webvtt import Caption, WebVTT

from castgraph.transcripts.cues import LONGEST_SECONDS, Cue, read_cues, utterances

SRT = """1
00:00:01,000 --> 00:00:02,500
<i>Good</i> evening &amp; welcome

2
00:01:03,000 --> 00:01:04,000
{\\an8}Two
lines
"""


def texts(text: str) -> list[str]:
    return [" / ".join(cue.lines) for cue in read_cues(text).cues]


def test_subrip_is_read_without_its_formatting() -> None:
    read = read_cues(SRT)
    assert read.cues == [Cue(1.0, 2.5, ("Good evening & welcome",)), Cue(63.0, 64.0, ("Two", "lines"))]
    assert (read.n_broken, read.language) == (0, "")


def test_webvtt_is_read_with_its_language_and_without_its_notes_and_styles() -> None:
    read = read_cues(
        "WEBVTT - made somewhere\nKind: captions\nLanguage: ru-RU\n\nNOTE not said\n\nSTYLE\n::cue {}\n\n"
        "first\n00:01.000 --> 00:02.000 align:start position:0%\n<v Ann>Да<00:00:01.500><c> и нет</c>\n\n"
        "01:00:00.000 --> 01:00:01.000\nlater\n"
    )
    assert read.cues == [Cue(1.0, 2.0, ("Да и нет",)), Cue(3600.0, 3601.0, ("later",))]
    assert (read.n_broken, read.language) == (0, "ru")


@pytest.mark.parametrize(
    "text",
    [
        SRT.replace("\n", "\r\n"),
        SRT.replace("\n", "\r"),
        f"\ufeff\n\n{SRT}",
        SRT.replace("-->", "->").replace(",", "."),
        SRT.replace("1\n00", "00", 1).replace("\n2\n", "\n"),  # without numbers
        SRT.replace("\n\n2", "\n2"),  # without blank lines
        SRT.replace("evening", "\n\nevening"),
        SRT.replace("00:01:03,000 --> 00:01:04,000", "01:03,000 --> 01:04,000"),
        SRT.replace("01:03,000 -->", "01:03,000-->") + "\n3\n",
        SRT.replace("01:03,000 --> 00:01:04,000", "1:3 --> 0:1:4 X1:40 Y1:20"),
        SRT.replace(",", ":"),
    ],
)
def test_subrip_as_programs_write_it_is_read_as_well(text: str) -> None:
    read = read_cues(text)
    assert [cue[:2] for cue in read.cues] == [(1.0, 2.5), (63.0, 64.0)]
    assert " ".join(read.cues[0].lines) == "Good evening & welcome"
    assert read.cues[1].lines[:2] == ("Two", "lines")
    assert read.n_broken == 0


def test_broken_cues_are_counted_and_what_follows_is_read() -> None:
    broken = (
        "1\n00:00:0x,000 --> 00:00:02,000\nlost\n\n"
        "2\n00:00:05,000 --> 00:00:04,000\nbackwards\n\n"
        "3\n99:00:00,000 --> 99:00:01,000\nafter four days\n\n"
    )
    read = read_cues(broken + SRT)
    assert len(read.cues) == 2
    assert read.n_broken == 3
    assert (
        read_cues("WEBVTT\n\n00:9x.000 --> 00:03.000\nlost\n\n00:01.000 --> 00:02.000\nkept\n").n_broken == 1
    )


def test_a_text_with_an_arrow_is_a_text() -> None:
    read = read_cues("1\n00:00:01,000 --> 00:00:02,000\nfrom Paris --> Rome\nand back\n")
    assert read.cues == [Cue(1.0, 2.0, ("from Paris → Rome", "and back"))]
    assert read.n_broken == 0


def test_a_number_that_is_said_is_said() -> None:
    read = read_cues("00:00:01,000 --> 00:00:02,000\nin\n2022\n\n00:00:03,000 --> 00:00:04,000\n1999\n")
    assert [cue.lines for cue in read.cues] == [("in", "2022"), ("1999",)]


def test_times_in_frames_are_none() -> None:
    assert read_cues("1\n00:00:01:12 --> 00:00:02:12\nx\n").n_broken == 1


def test_cues_without_a_text_are_no_cues() -> None:
    read = read_cues("1\n00:00:01,000 --> 00:00:02,000\n\n2\n00:00:03,000 --> 00:00:04,000\n<b></b> \u200b\n")
    assert (read.cues, read.n_broken) == ([], 0)


def test_what_is_too_long_is_cut_and_counted() -> None:
    read = read_cues("1\n00:00:01,000 --> 05:00:00,000\n" + "very " * 5000 + "\n")
    [cue] = read.cues
    assert cue.end == 1 + LONGEST_SECONDS
    assert len(" ".join(cue.lines)) <= 5000
    assert read.n_broken == 1


def test_nothing_that_a_terminal_obeys_is_left() -> None:
    [cue] = read_cues("1\n00:00:01,000 --> 00:00:02,000\na\x1b[31m\u202eb\x00c&#27;[0m\n").cues
    assert cue.lines == ("a[31mbc[0m",)


@pytest.mark.parametrize(
    "text", ["", "WEBVTT", "WEBVTTX\n\n1", "no transcript", "\x00" * 100, "-->", "WEBVTT\n\n-->\n"]
)
def test_what_is_no_transcript_has_no_cues(text: str) -> None:
    assert read_cues(text).cues == []


@given(st.text(st.sampled_from("01:,.->\n WEBVTNOTE<>&;{\\}\r→x"), max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    for begin in ("", "WEBVTT\n\n", "1\n00:00:01,000 --> 00:00:02,000\n"):
        read = read_cues(begin + text)
        assert read.n_broken >= 0
        assert all(0 <= cue.start <= cue.end and cue.lines for cue in read.cues)
        said, n_joined = utterances(read.cues)
        assert len(said) + n_joined == len(read.cues)


words = st.text(st.sampled_from("abcdéж1 "), min_size=1, max_size=12).filter(lambda text: text.strip())


@given(
    st.lists(
        st.tuples(st.integers(0, 10**6), st.integers(0, 5000), st.lists(words, min_size=1, max_size=3)),
        max_size=8,
    )
)
def test_what_is_written_is_read(given: list[tuple[int, int, list[str]]]) -> None:
    def stamp(ms: int) -> str:
        return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000:03}"

    captions = WebVTT()
    for start, lasts, lines in sorted(given, key=lambda each: each[:2]):
        # A line of digits alone could be the number of the next cue.
        captions.captions.append(Caption(stamp(start), stamp(start + lasts), [f"{line}." for line in lines]))
    expected = [
        Cue(start / 1000, (start + lasts) / 1000, tuple(f"{' '.join(line.split())}." for line in lines))
        for start, lasts, lines in sorted(given, key=lambda each: each[:2])
    ]
    for form in ("vtt", "srt"):
        file = io.StringIO()
        captions.write(file, format=form)
        read = read_cues(file.getvalue())
        assert [(cue.start, cue.end) for cue in read.cues] == [cue[:2] for cue in expected]
        assert [" ".join(cue.lines).replace(" .", ".") for cue in read.cues] == [
            " ".join(cue.lines).replace(" .", ".") for cue in expected
        ]
        assert read.n_broken == 0


# ---- captions that roll ----------------------------------------------------------------------------------


def said(*cues: tuple[float, float, str]) -> list[str]:
    found, _ = utterances([Cue(start, end, tuple(lines.split("|"))) for start, end, lines in cues])
    return [each.text for each in found]


def test_lines_that_roll_up_are_said_once() -> None:
    assert said((0, 2, "one"), (2, 4, "one|two"), (4, 6, "one|two|three"), (6, 8, "two|three|four")) == [
        "one",
        "two",
        "three",
        "four",
    ]


def test_captions_of_which_each_is_shown_twice_are_said_once() -> None:
    """So are those that machines make of the sound: a cue of words, then one of a moment."""
    rolling = ((0, 2, "good evening"), (2, 2.01, "good evening"), (2.01, 4, "good evening|and welcome"))
    assert said(*rolling, (4, 4.01, "and welcome"), (4.01, 6, "and welcome|to the news")) == [
        "good evening",
        "and welcome",
        "to the news",
    ]


def test_a_text_that_grows_is_said_once() -> None:
    found, n_joined = utterances(
        [Cue(n, n + 1, (text,)) for n, text in enumerate(("I", "I am", "I am here"))]
    )
    assert ([each.text for each in found], n_joined) == (["I am here"], 2)
    assert (found[0].start, found[0].end) == (0, 3)


def test_what_somebody_says_twice_is_said_twice() -> None:
    speech = ((0, 1, "No."), (1, 2, "No."), (2, 3, "I said"), (3, 4, "it before"), (4, 5, "all of you"))
    assert said(*speech) == ["No.", "No.", "I said", "it before", "all of you"]
    assert said((0, 1, "Yes."), (100, 101, "Yes.")) == ["Yes.", "Yes."]


def test_what_is_shown_twice_at_the_same_time_is_said_once() -> None:
    assert said((0, 4, "No."), (1, 5, "No."), (5, 6, "a"), (6, 7, "b"), (7, 8, "c"), (8, 9, "d")) == [
        "No.",
        *"abcd",
    ]


@pytest.mark.parametrize("piece", ["<", "00:", "{\\", "&#", "<v ", "-->", "1\n", "\n"])
@pytest.mark.parametrize("begin", ["", "WEBVTT\n\n", "1\n00:00:01,000 --> 00:00:02,000\n"])
def test_what_grows_by_the_square_in_careless_parsers_comes_to_an_end(begin: str, piece: str) -> None:
    """By the square of its length this would be hours."""
    read = read_cues(begin + piece * 50_000)
    assert len(read.cues) <= 1
