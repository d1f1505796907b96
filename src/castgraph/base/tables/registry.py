"""The registry of tables: where each lies, its key and order, its columns and what each of them means.

The tables in ``docs/outputs.md`` and the checks are made from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

EMBEDDING_SIZE = 128
"""Numbers of dlib's face embedding; another embedder gives others."""

VISUAL_SIZE = 1280
"""Numbers of a frame by the embedder lite0; another gives others."""

Column = tuple[str, pa.DataType, str]
"""The name of a column, its type, and what it means."""


@dataclass(frozen=True)
class Kind:
    """A kind of table.

    Attributes
    ----------
    path
        Where it lies, with wildcards as in the rules.
    what
        What it is, in a few words.
    key
        The columns that tell a row from all others.
    order
        The columns by which the rows are sorted, ``-`` before those whose largest comes first; none where
        `what` tells the order.
    columns
        The columns in order.
    """

    path: str
    what: str
    key: tuple[str, ...]
    order: tuple[str, ...]
    columns: tuple[Column, ...]

    @cached_property
    def schema(self) -> pa.Schema:
        """The columns for Arrow."""
        return pa.schema([(name, kind) for name, kind, _ in self.columns])


_SECOND, _MICROSECOND = (pa.timestamp(unit, tz="UTC") for unit in ("s", "us"))
_TEXTS = pa.dictionary(pa.int32(), pa.string())  # few different ones

_BROADCAST: Column = ("broadcast", _TEXTS, "the broadcast's ID")
_FRAME: Column = ("frame", pa.int32(), "number of the frame, from 1")
_FACE: Column = (
    "face",
    pa.int32(),
    "number of the face in its broadcast, from 0, by frame and then from left to right",
)
_BOX: tuple[Column, ...] = tuple(
    (side, pa.int32(), f"{side} side of the box, in pixels of the original frame")
    for side in ("top", "right", "bottom", "left")
)
_LOOKS: tuple[Column, ...] = (
    *_BOX,
    ("score", pa.float32(), "score of the detector"),
    ("sharpness", pa.float32(), "variance of the Laplacian on the aligned face"),
    ("landmarks", pa.list_(pa.float32(), 10), "x, y of 5 points, in pixels of the original frame"),
)


def _chance(beginning: str, layer: str, null: str) -> tuple[Column, ...]:
    """Give the columns that compare a layer of the network with chance."""
    return (
        (f"{beginning}expected", pa.float64(), f"what {layer} would be in the mean, {null}"),
        (f"{beginning}ratio", pa.float64(), f"{layer} / {beginning}expected"),
        (
            f"{beginning}z",
            pa.float64(),
            f"{layer} less {beginning}expected, in standard deviations of chance",
        ),
        (f"{beginning}p", pa.float64(), f"how probable that {layer}, or more, is by chance"),
        (
            f"{beginning}q",
            pa.float64(),
            f"{beginning}p corrected for all pairs that could have met (Benjamini and Hochberg)",
        ),
    )


_ALIKE: Column = (
    "alike",
    pa.int32(),
    "the first frame of the broadcast that is identical or nearly so, perhaps itself; null where it could "
    "not be read",
)
_SHOWN: tuple[Column, ...] = (
    (
        "labels",
        pa.list_(pa.string()),
        "what it shows, the surest first; empty for embedders that name nothing",
    ),
    ("scores", pa.list_(pa.float32()), "the score of each label, from 0 to 1"),
    ("texts", pa.list_(pa.string()), "the lines of text on the screen; null where they were not read"),
)

_FRAME_COLUMNS: tuple[Column, ...] = (
    (
        "seconds",
        pa.float64(),
        "since the first frame of the video, by its own clock; null for what is no video",
    ),
    ("width", pa.int32(), "pixels; null where it could not be read"),
    ("height", pa.int32(), "pixels; null where it could not be read"),
    ("n_faces", pa.int32(), "faces found in it"),
    ("status", pa.string(), "ok, damaged or unreadable"),
    ("reason", pa.string(), "why it is not ok; of one that is, what is odd about its file; else empty"),
    ("phash", pa.uint64(), "perceptual hash of the whole frame; null where it could not be read"),
)

_UNIT: tuple[Column, ...] = (
    ("broadcast", pa.string(), "the broadcast's ID; null where only station and day are known"),
    ("station", pa.string(), "the station"),
    ("show", pa.string(), "its title, as the ID or the source has it; null where it is not known"),
    ("start", _SECOND, "when it began; null where only the day is known"),
    (
        "day",
        pa.date32(),
        "the day, in the time zone `labelling.timezone`; null in entities where start is there",
    ),
)
_LIKENESS: tuple[Column, ...] = (
    *_UNIT,
    ("title", pa.string(), "the show in the one spelling that stands for all of its spellings"),
    ("n_same", pa.int32(), "other broadcasts of this title that it is compared with"),
    (
        "own",
        pa.float64(),
        "how like it is to these, by the cosine of the logarithms of counts: 1 is as they are to each other, "
        "0 as different titles are",
    ),
    ("own_r", pa.float64(), "Pearson's correlation with the mean of these"),
    ("before", pa.float64(), "how like it is to the broadcast of its title before"),
    ("after", pa.float64(), "to the one after"),
    ("hour", pa.float64(), "to what other stations have at its hour, or on its day"),
    ("other", pa.float64(), "to the title that it is most like instead"),
    ("other_title", pa.string(), "that title; empty where there is none"),
    ("other_broadcast", pa.string(), "the broadcast of that title that it is most like; empty for none"),
    ("z", pa.float64(), "how far `own` lies from that of its title, in robust standard deviations"),
    ("p", pa.float64(), "how probable so little likeness is by chance"),
    ("q", pa.float64(), "p corrected for all that were judged (Benjamini and Hochberg)"),
    ("verdict", _TEXTS, "suspect, usual, new season, new host, holiday, or not judged"),
    ("reason", pa.string(), "why, in a sentence"),
)

TABLES: Mapping[str, Kind] = {
    "encoded_faces": Kind(
        path="results/faces/{encoder}/{origin}/{broadcast}.parquet",
        what="every face of a broadcast, encoded once for all runs",
        key=("broadcast", "face"),
        order=("broadcast", "frame", "left"),
        columns=(
            _BROADCAST,
            _FACE,
            _FRAME,
            *_LOOKS,
            (
                "embedding",
                pa.list_(pa.float32(), EMBEDDING_SIZE),
                "the face as 128 numbers; another embedder gives others",
            ),
        ),
    ),
    "encoded_frames": Kind(
        path="results/frames/{encoder}/{origin}/{broadcast}.parquet",
        what="every frame of a broadcast",
        key=("broadcast", "frame"),
        order=("broadcast", "frame"),
        columns=(_BROADCAST, _FRAME, *_FRAME_COLUMNS),
    ),
    "encoded_visual": Kind(
        path="results/visual/{embedder}/{origin}/{broadcast}.parquet",
        what="every frame of a broadcast as a whole, embedded once for all runs",
        key=("broadcast", "frame"),
        order=("broadcast", "frame"),
        columns=(
            _BROADCAST,
            _FRAME,
            ("status", pa.string(), "ok, damaged or unreadable"),
            ("reason", pa.string(), "why it is not ok; else empty"),
            ("phash", pa.uint64(), "perceptual hash of the whole frame; null where it could not be read"),
            _ALIKE,
            *_SHOWN,
            (
                "text_boxes",
                pa.list_(pa.list_(pa.int32(), 4)),
                "of each line of text the box: top, right, bottom, left, in pixels of the frame",
            ),
            (
                "thumbnail",
                pa.binary(),
                "a small JPEG; null but for the first of frames that are alike",
            ),
            (
                "embedding",
                pa.list_(pa.float16(), VISUAL_SIZE),
                "the frame as a unit vector, of 1,280 numbers by lite0; another embedder gives others",
            ),
        ),
    ),
    "broadcasts": Kind(
        path="results/{run}/broadcasts.parquet",
        what="what became of each broadcast of the run",
        key=("broadcast",),
        order=("broadcast",),
        columns=(
            ("broadcast", pa.string(), "the broadcast's ID"),
            ("station", pa.string(), "the station, as the ID has it"),
            ("start", _SECOND, "when it began, as the ID has it"),
            ("title", pa.string(), "as the ID has it, with underscores; empty where it has none"),
            ("status", pa.string(), "ok, partial, empty, damaged, missing or unreachable"),
            (
                "reason",
                pa.string(),
                "why it is not ok, and what else there is to know of it, such as how many frames are odd",
            ),
            ("n_frames", pa.int32(), "its frames"),
            ("n_unreadable", pa.int32(), "of these, frames that could not be read"),
            ("n_refused", pa.int32(), "entries of the ZIP that are no frame of this broadcast"),
            ("n_faces", pa.int32(), "its faces"),
            ("n_set_aside", pa.int32(), "of these, faces that are forgotten or fail a quality filter"),
        ),
    ),
    "faces": Kind(
        path="results/{run}/faces.parquet",
        what="all faces of the run, those that fail a quality filter, too",
        key=("broadcast", "face"),
        order=("broadcast", "frame", "left"),
        columns=(
            _BROADCAST,
            _FACE,
            _FRAME,
            *_LOOKS,
            (
                "set_aside",
                _TEXTS,
                "forgotten, or the first quality filter that the face fails (min_face_px, min_score, "
                "min_sharpness); empty where it counts",
            ),
            (
                "turn",
                pa.float32(),
                "how far it is turned to a side: 0 looks into the camera, 1 has the nose below an eye",
            ),
            ("founds", pa.bool_(), "whether it can found a person; one that cannot may join one"),
        ),
    ),
    "frames": Kind(
        path="results/{run}/frames.parquet",
        what="all frames of the run",
        key=("broadcast", "frame"),
        order=("broadcast", "frame"),
        columns=(
            _BROADCAST,
            _FRAME,
            (
                "time",
                _MICROSECOND,
                "when it was on air: the broadcast's start and, of a video, its own clock, "
                "else the seconds between two frames",
            ),
            *_FRAME_COLUMNS,
        ),
    ),
    "transcripts": Kind(
        path="results/{run}/transcripts.parquet",
        what="what became of the transcript of each broadcast of the run",
        key=("broadcast",),
        order=("broadcast",),
        columns=(
            ("broadcast", pa.string(), "the broadcast's ID"),
            (
                "status",
                pa.string(),
                "ok, partial, short, longer, shifted, unchecked, empty, damaged, unreachable or missing",
            ),
            ("reason", pa.string(), "why it is not ok, and what else there is to know of it"),
            ("name", pa.string(), "the name of its file; empty where there is none"),
            (
                "language",
                pa.string(),
                "two or three letters (ISO 639), by the file's name or head, else by the configuration; "
                "empty where nothing tells it",
            ),
            ("n_utterances", pa.int32(), "its utterances"),
            ("n_joined", pa.int32(), "cues that only repeat the lines of the cue before"),
            ("n_broken", pa.int32(), "cues that cannot be used, or only in part: their times are none"),
            (
                "first_seconds",
                pa.float64(),
                "when the first begins, since the broadcast began; null for none",
            ),
            ("last_seconds", pa.float64(), "when the last ends; null for none"),
            ("frames_seconds", pa.float64(), "when the last frame that was read ends; null for none"),
        ),
    ),
    "utterances": Kind(
        path="results/{run}/utterances.parquet",
        what="what was said, as the transcripts have it, a row a cue",
        key=("broadcast", "utterance"),
        order=("broadcast", "utterance"),
        columns=(
            _BROADCAST,
            ("utterance", pa.int32(), "number of the utterance in its broadcast, from 1"),
            ("start", _MICROSECOND, "when it begins: the broadcast's start and the time of the cue"),
            ("end", _MICROSECOND, "when it ends"),
            ("seconds", pa.float64(), "when it begins, since the broadcast began"),
            ("text", pa.string(), "what was said, in one line"),
            ("language", _TEXTS, "the language of the transcript; empty where nothing tells it"),
        ),
    ),
    "constraints": Kind(
        path="results/{run}/constraints.parquet",
        what="pairs of faces of which frames tell whether they are one person, likely rather than certain",
        key=("broadcast", "face", "other"),
        order=("broadcast", "face", "other"),
        columns=(
            _BROADCAST,
            _FACE,
            ("other", pa.int32(), "number of the other face; always larger"),
            (
                "kind",
                _TEXTS,
                "must: nearly the same box in two neighbouring frames, and near embeddings; "
                "cannot: both in one frame",
            ),
            ("distance", pa.float32(), "between the embeddings"),
            (
                "contradicted",
                pa.bool_(),
                "whether they are in one frame and links in a row say that they are one person",
            ),
        ),
    ),
    "replays": Kind(
        path="results/{run}/replays.parquet",
        what="stretches of a broadcast that were on air before, and where",
        key=("broadcast", "first_frame"),
        order=("broadcast", "first_frame"),
        columns=(
            ("broadcast", pa.string(), "the broadcast's ID"),
            ("first_frame", pa.int32(), "number of the first frame of the stretch"),
            ("last_frame", pa.int32(), "number of the last"),
            ("start", _MICROSECOND, "when the first frame was on air"),
            ("end", _MICROSECOND, "when the last frame was on air, and the seconds between two frames later"),
            (
                "earlier_broadcast",
                pa.string(),
                "where it was on air before, the earliest place that was compared",
            ),
            ("earlier_first_frame", pa.int32(), "number of the frame there that is like the first"),
            ("earlier_last_frame", pa.int32(), "number of the frame there that is like the last"),
            ("earlier_start", _MICROSECOND, "when that first frame was on air"),
            ("earlier_end", _MICROSECOND, "when that last frame was on air, and the same seconds later"),
            ("n_frames", pa.int32(), "frames of the stretch"),
            ("n_alike", pa.int32(), "of these, frames that are near-identical to one there"),
            ("distance", pa.float32(), "median of the bits, of 64, in which the hashes of these differ"),
            (
                "face_distance",
                pa.float32(),
                "median distance of the embeddings of faces at the same place in these; null without faces",
            ),
            (
                "score",
                pa.float32(),
                "how much speaks for a replay rather than chance, in bits: one more is twice as much",
            ),
            (
                "n_showings",
                pa.int32(),
                "how often this footage is on air in the run, the first time included",
            ),
            ("kind", _TEXTS, "scene; or what is repeated often: opening or commercial"),
        ),
    ),
    "labels": Kind(
        path="results/{run}/{clustering}/labels.parquet",
        what="what the algorithm said of each face; its provenance names the face table (`digest`)",
        key=("broadcast", "face"),
        order=("broadcast", "face"),
        columns=(
            _BROADCAST,
            _FACE,
            ("label", pa.int32(), "the group; -1 is noise, or a face that is set aside"),
        ),
    ),
    "gallery": Kind(
        path="results/{run}/gallery.parquet",
        what="the pictures of people that the user knows",
        key=("file",),
        order=("name", "file"),
        columns=(
            ("name", pa.string(), "who is shown"),
            ("file", pa.string(), "the picture, its path in the gallery"),
            ("embedding", pa.list_(pa.float32()), "the face as numbers, by the encoder of the run"),
        ),
    ),
    "members": Kind(
        path="results/{run}/{clustering}/members.parquet",
        what="the person of each face, corrections applied; its provenance names the face table (`digest`)",
        key=("broadcast", "face"),
        order=("broadcast", "face"),
        columns=(
            _BROADCAST,
            _FACE,
            ("person_id", _TEXTS, "the person; null for none"),
            (
                "why",
                _TEXTS,
                "why there is none: noise, set_aside, not_a_face, ignored or forgotten; empty where there "
                "is one",
            ),
            ("distance", pa.float32(), "from the middle of the person's faces; empty where there is none"),
            ("outlier", pa.bool_(), "whether it is unusually far from that"),
        ),
    ),
    "people": Kind(
        path="results/{run}/{clustering}/people.parquet",
        what="the people, most seen first",
        key=("person_id",),
        order=("rank",),
        columns=(
            (
                "person_id",
                pa.string(),
                "letters and digits that stay with the person when the run grows or is grouped otherwise",
            ),
            ("rank", pa.int32(), "by n_frames, from 1; of as many the one seen first"),
            (
                "name",
                pa.string(),
                "what the person is called in every output: the name given, else Person and ID",
            ),
            ("name_from", pa.string(), "where the name comes from: correction, gallery, or empty for none"),
            (
                "gallery_distance",
                pa.float32(),
                "distance of the middle of the faces from the nearest picture of that name in the gallery; "
                "null without",
            ),
            ("n_faces", pa.int32(), "faces"),
            ("n_frames", pa.int32(), "frames that show the person"),
            ("n_broadcasts", pa.int32(), "broadcasts that show the person"),
            ("screen_seconds", pa.float64(), "n_frames times the seconds between two frames"),
            ("airtime_share", pa.float64(), "screen_seconds of the seconds that were read"),
            ("first_seen", _SECOND, "time of the first frame"),
            ("last_seen", _SECOND, "time of the last frame"),
            ("n_outliers", pa.int32(), "doubtful faces, left out when the middle was taken"),
            ("spread", pa.float32(), "median distance of the faces from their middle"),
            ("broadcast", pa.string(), "of the best face, as all that follows"),
            _FACE,
            _FRAME,
            *_BOX,
            ("portrait", pa.string(), "file name in the folder of portraits"),
        ),
    ),
    "people_changes": Kind(
        path="results/{run}/{clustering}/people_changes.parquet",
        what="what became of the people that were known before, one row for each two that share faces",
        key=("from", "to", "kind"),
        order=("kind", "-n_faces", "from", "to"),
        columns=(
            ("from", pa.string(), "person_id before; empty for new"),
            ("to", pa.string(), "person_id now; empty for gone"),
            (
                "kind",
                pa.string(),
                "kept; merged: from is no more, and these faces of it are of to; split: from is still there, "
                "and these faces of it are of to; new; gone",
            ),
            ("n_faces", pa.int64(), "faces that were of from and are of to; of new and gone all their faces"),
            ("n_from", pa.int64(), "faces that from had"),
            ("n_to", pa.int64(), "faces that to has"),
            ("broadcast", pa.string(), "of the first of these faces, to look at"),
            _FRAME,
        ),
    ),
    "sightings": Kind(
        path="results/{run}/{clustering}/sightings.parquet",
        what="every face of every person",
        key=("broadcast", "face"),
        order=("person_id", "broadcast", "face"),
        columns=(
            ("person_id", _TEXTS, "the person"),
            _BROADCAST,
            _FACE,
            _FRAME,
            ("time", _MICROSECOND, "when the frame was on air"),
            *_BOX,
            ("distance", pa.float32(), "of the face from the middle of the faces of the person"),
            ("link", pa.string(), "where the frame can be seen; empty where nothing shows it"),
        ),
    ),
    "appearances": Kind(
        path="results/{run}/{clustering}/appearances.parquet",
        what="stretches of a broadcast in which a person is seen: sightings joined over small gaps",
        key=("person_id", "broadcast", "first_frame"),
        order=("person_id", "broadcast", "first_frame"),
        columns=(
            ("person_id", _TEXTS, "the person"),
            _BROADCAST,
            ("first_frame", pa.int32(), "number of the first frame that shows the person"),
            ("last_frame", pa.int32(), "number of the last"),
            ("start", _MICROSECOND, "when the first frame was on air"),
            ("end", _MICROSECOND, "when the last frame was on air, and the seconds between two frames later"),
            ("n_frames", pa.int32(), "frames in between, both included, that show the person"),
            ("screen_seconds", pa.float64(), "n_frames times the seconds between two frames"),
            ("link", pa.string(), "where the first frame can be seen; empty where nothing shows it"),
        ),
    ),
    "screen_time": Kind(
        path="results/{run}/{clustering}/screen_time.parquet",
        what="how long people are on the screen by show, station, day, week and month (UTC)",
        key=("person_id", "by", "part"),
        order=("person_id", "by", "part"),
        columns=(
            ("person_id", pa.string(), "the person"),
            ("by", pa.string(), "show, station, day, week or month"),
            (
                "part",
                pa.string(),
                "which: the title part of the IDs, the station, 2024-01-31, 2024-W05 (ISO 8601) or 2024-01",
            ),
            ("screen_seconds", pa.float64(), "frames that show the person, times the seconds between two"),
            ("read_seconds", pa.float64(), "all frames of it that were read, times the same"),
            ("share", pa.float64(), "screen_seconds / read_seconds"),
        ),
    ),
    "meetings": Kind(
        path="results/{run}/{clustering}/meetings.parquet",
        what="every frame that makes a pair",
        key=("source", "target", "broadcast", "frame"),
        order=("source", "target", "broadcast", "frame"),
        columns=(
            ("source", _TEXTS, "person_id, the first of the two in the alphabet"),
            ("target", _TEXTS, "person_id of the other"),
            _BROADCAST,
            _FRAME,
            ("time", _MICROSECOND, "when the frame was on air"),
            ("same_frame", pa.bool_(), "whether it shows both"),
            ("adjacent", pa.bool_(), "whether it shows one, with the other in the frame before"),
        ),
    ),
    "suggestions": Kind(
        path="results/{run}/{clustering}/suggestions.parquet",
        what="what a look could put right, the most first",
        key=("kind", "person_id", "other_id", "broadcast", "face"),
        order=("-gain", "kind", "person_id", "other_id", "broadcast", "face"),
        columns=(
            (
                "kind",
                pa.string(),
                "same: the two are probably one; split: the person is probably two; member: a face of nobody "
                "is probably of the person",
            ),
            ("person_id", pa.string(), "the person"),
            ("other_id", pa.string(), "of same, the other person, who is seen less; else empty"),
            (
                "probability",
                pa.float64(),
                "that it is so, by the distance and what pairs tell that frames label",
            ),
            ("seconds", pa.float64(), "on the screen, of what would have another person"),
            ("gain", pa.float64(), "probability times seconds"),
            (
                "distance",
                pa.float32(),
                "between the faces of the two: root mean square over all pairs of a face of each",
            ),
            ("reason", pa.string(), "what speaks for it, in words"),
            (
                "broadcast",
                pa.string(),
                "of a typical face to look at: of the person, of the smaller part of it, or of nobody",
            ),
            _FACE,
            _FRAME,
            (
                "other_broadcast",
                pa.string(),
                "of a typical face of the other person, of the larger part or of the person",
            ),
            ("other_face", pa.int32(), "number of that face in its broadcast"),
            ("other_frame", pa.int32(), "number of its frame"),
        ),
    ),
    "edges": Kind(
        path="results/{run}/{clustering}/edges.parquet",
        what="all pairs of people, uncut",
        key=("source", "target"),
        order=("-weight", "source", "target"),
        columns=(
            ("source", pa.string(), "person_id, the first of the two in the alphabet"),
            ("target", pa.string(), "person_id of the other"),
            ("same_frame", pa.int64(), "frames that show both"),
            ("adjacent", pa.int64(), "frames that show one, with the other in the frame before"),
            (
                "within",
                pa.int64(),
                "frames that show one, with the other in it or at most network.within before",
            ),
            ("same_broadcast", pa.int64(), "broadcasts that show both, whenever"),
            ("n_broadcasts", pa.int32(), "broadcasts in which they are same_frame or adjacent"),
            ("first_seen", _SECOND, "time of the first of these frames"),
            ("last_seen", _SECOND, "time of the last of these frames"),
            ("broadcast", pa.string(), "of the first frame that makes the pair, as evidence"),
            _FRAME,
            ("weight", pa.float64(), "the layers (network.layers), each times its weight"),
            *_chance("", "same_frame", "frames drawn by chance in each broadcast"),
            *_chance("same_broadcast_", "same_broadcast", "broadcasts drawn by chance"),
        ),
    ),
    "centrality": Kind(
        path="results/{run}/{clustering}/centrality.parquet",
        what="where everybody stands in the network of each day or week (`network.period`, UTC)",
        key=("part", "person_id"),
        order=("part", "-pagerank", "person_id"),
        columns=(
            ("part", pa.string(), "which day or week: 2024-01-31 or 2024-W05 (ISO 8601)"),
            ("start", pa.date32(), "its first day"),
            ("person_id", pa.string(), "the person, who has an edge in it"),
            ("degree", pa.int32(), "with how many people"),
            ("strength", pa.float64(), "the sum of the weights of these edges"),
            (
                "pagerank",
                pa.float64(),
                "high for people seen with many who are themselves seen with many; all of a part make 1",
            ),
            (
                "betweenness",
                pa.float64(),
                "share of the shortest ways between two others that lead over the person, "
                "an edge being 1 / weight long",
            ),
            (
                "community",
                pa.int32(),
                "number of a group that is often seen together; it stays with most of those who had it last",
            ),
        ),
    ),
    "holds": Kind(
        path="results/{run}/holds.parquet",
        what="every edge of every clustering, and whether it is one in the others, people matched by faces",
        key=("clustering", "source", "target"),
        order=("clustering",),
        columns=(
            ("clustering", pa.string(), "the name of its folder"),
            ("source", pa.string(), "person_id, the first of the two in the alphabet"),
            ("target", pa.string(), "person_id of the other"),
            (
                "holds",
                pa.string(),
                "over which eps of its algorithm it is an edge without a gap, and in how many of the others; "
                "empty where there is nothing to compare",
            ),
            ("n_held", pa.int32(), "other clusterings that have it"),
            ("n_compared", pa.int32(), "other clusterings, those of network.compare among them"),
            ("least_weight", pa.float64(), "the smallest weight where it is an edge"),
            ("most_weight", pa.float64(), "the largest"),
        ),
    ),
    "words": Kind(
        path="results/{run}/{clustering}/words.parquet",
        what="the words that are said more while a person, or both people of a pair, are on the screen than "
        "at other times, those that stand out most first",
        key=("person_id", "other_id", "language", "word"),
        order=("person_id", "other_id", "language", "-z", "word"),
        columns=(
            ("person_id", _TEXTS, "the person; of a pair the first of the two in the alphabet"),
            ("other_id", _TEXTS, "the other one of a pair; empty for one person"),
            ("language", _TEXTS, "of the transcripts that are compared; empty where nothing tells it"),
            ("word", pa.string(), "in small letters; stop words of the language are left out"),
            ("n", pa.int64(), "how often it is said in frames that show the person, or make the pair"),
            ("n_rest", pa.int64(), "how often in everything else"),
            ("n_words", pa.int64(), "all words that are said in these frames, without stop words"),
            ("n_broadcasts", pa.int32(), "in how many broadcasts it is said in these frames"),
            (
                "log_odds",
                pa.float64(),
                "logarithm of the ratio of the odds of the word, here and in the rest, with a prior",
            ),
            ("z", pa.float64(), "log_odds over its standard error; only words of 1.96 or more are listed"),
        ),
    ),
    "visual_frames": Kind(
        path="results/{run}/visual/frames.parquet",
        what="every frame of the run that was embedded, and the group of pictures that it belongs to",
        key=("broadcast", "frame"),
        order=("broadcast", "frame"),
        columns=(
            _BROADCAST,
            _FRAME,
            ("time", _MICROSECOND, "when it was on air, as in frames"),
            _ALIKE,
            (
                "group",
                pa.int32(),
                "the group over the whole run, from 0, the one of most frames first; -1 for none",
            ),
            (
                "broadcast_group",
                pa.int32(),
                "the group of the broadcast alone, from 0, the one of most frames first; -1 for none",
            ),
            (
                "near",
                pa.float32(),
                "cosine to the middle of its group over the run; of a frame without, to the nearest one; "
                "null where there is no group",
            ),
            (
                "setting",
                pa.int32(),
                "the setting: pictures of one palette, such as those of a studio by all its cameras; from 0, "
                "the one of most frames first; -1 for none",
            ),
            ("n_faces", pa.int32(), "faces found in it"),
            *_SHOWN,
        ),
    ),
    "seen_with": Kind(
        path="results/{run}/{clustering}/seen_with.parquet",
        what="the labels, groups of pictures and settings that each person is seen with more than others "
        "are, what stands out most first",
        key=("person_id", "kind", "name"),
        order=("person_id", "kind", "-z", "name"),
        columns=(
            ("person_id", _TEXTS, "the person"),
            ("kind", _TEXTS, "label, or group or setting of the run"),
            ("name", pa.string(), "the label, or the number of the group or setting"),
            ("n", pa.int64(), "in how many different pictures that show the person"),
            ("n_rest", pa.int64(), "in how many others"),
            ("n_pictures", pa.int64(), "different pictures that show the person"),
            (
                "log_odds",
                pa.float64(),
                "logarithm of the ratio of its odds, here and in the rest, with a prior",
            ),
            ("z", pa.float64(), "log_odds over its standard error; only what has 1.96 or more is listed"),
        ),
    ),
    "entities": Kind(
        path="results/{run}/{clustering}/labelling/entities.parquet",
        what="what is seen and heard in each broadcast, or at a station on a day, and how much of it",
        key=("broadcast", "station", "day", "kind", "entity"),
        order=("station", "start", "day", "broadcast", "kind", "entity"),
        columns=(
            *_UNIT,
            ("kind", _TEXTS, "person, group, label, text, word, faces, shot; entity for tables from outside"),
            ("entity", pa.string(), "which: the person_id, the number of the group, the label, the word, …"),
            ("count", pa.float64(), "how much of it: seconds, frames, times; always above 0"),
        ),
    ),
    "correlation": Kind(
        path="results/{run}/{clustering}/labelling/correlation.parquet",
        what="how alike the entities of two stations are on a day",
        key=("day", "station", "other"),
        order=("day", "station", "other"),
        columns=(
            ("day", pa.date32(), "the day, in the time zone `labelling.timezone`"),
            ("station", pa.string(), "a station"),
            ("other", pa.string(), "another, later in the alphabet; empty on a day with one station"),
            ("r", pa.float64(), "Pearson's correlation of their counts; not a number where it is undefined"),
            ("n_entities", pa.int32(), "entities of that day that are compared"),
            ("reason", pa.string(), "why it is undefined; else empty"),
        ),
    ),
    "dips": Kind(
        path="results/{run}/{clustering}/labelling/dips.parquet",
        what="runs of days in which a station is less like the others than it usually is",
        key=("station", "first"),
        order=("station", "first"),
        columns=(
            ("station", pa.string(), "the station that departs"),
            ("first", pa.date32(), "the first of these days"),
            ("last", pa.date32(), "the last"),
            ("n_days", pa.int32(), "of these, days that are compared"),
            ("r", pa.float64(), "median of its correlation with the others in these days"),
            ("usual", pa.float64(), "the same of the days around, as the season has it"),
            ("z", pa.float64(), "how far below, in robust standard deviations"),
            ("p", pa.float64(), "how probable a run so far below is by chance"),
            ("q", pa.float64(), "p corrected for all runs that were tried (Benjamini and Hochberg)"),
        ),
    ),
    "likeness": Kind(
        path="results/{run}/{clustering}/labelling/likeness.parquet",
        what="how like each broadcast is to the others of its title, and what it is most like instead; also "
        "those that could not be judged",
        key=("broadcast", "station", "day"),
        order=("station", "start", "day", "broadcast"),
        columns=_LIKENESS,
    ),
    "suspects": Kind(
        path="results/{run}/{clustering}/labelling/suspects.parquet",
        what="the broadcasts that are not what their title says",
        key=("broadcast", "station", "day"),
        order=("station", "start", "day", "broadcast"),
        columns=(
            *_LIKENESS,
            (
                "run",
                pa.int32(),
                "number of the run of suspects of one title and station that follow each other, from 0",
            ),
            (
                "missing",
                pa.string(),
                "who is in nearly every other one of the title and not in this: a person_id, or an entity "
                "from outside; empty for nobody",
            ),
            ("missing_name", pa.string(), "the name; empty for nobody"),
            ("link", pa.string(), "where it can be seen; empty where nothing shows it"),
        ),
    ),
    "visual_map": Kind(
        path="results/{run}/visual/map.parquet",
        what="where the different pictures of the run lie on its maps, from -1 to 1; of very many, some",
        key=("broadcast", "frame"),
        order=("broadcast", "frame"),
        columns=(
            _BROADCAST,
            _FRAME,
            ("group", pa.int32(), "as in visual_frames"),
            *(
                (f"{method}_{axis}", pa.float64(), f"{axis} by {told}")
                for method, told in (
                    ("pca", "PCA"),
                    ("tsne", "t-SNE"),
                    ("umap", "UMAP; null where that is not wanted"),
                )
                for axis in "xy"
            ),
        ),
    ),
    "groups": Kind(
        path="results/{run}/visual/groups.parquet",
        what="the groups of pictures that are alike, over the run and of each broadcast, and the settings; "
        "those without a group are group -1",
        key=("scope", "group"),
        order=("scope", "group"),
        columns=(
            (
                "scope",
                _TEXTS,
                "the broadcast's ID; empty for the groups over the whole run; `settings` for its settings",
            ),
            ("group", pa.int32(), "its number, as in visual_frames"),
            ("n_frames", pa.int32(), "its frames"),
            ("n_pictures", pa.int32(), "of these, such as are unlike every earlier one of their broadcast"),
            ("n_broadcasts", pa.int32(), "in how many broadcasts it is seen"),
            ("first_seen", _MICROSECOND, "its first frame"),
            ("last_seen", _MICROSECOND, "its last frame"),
            ("broadcast", pa.string(), "where the frame is that is nearest to the middle of the group"),
            ("frame", pa.int32(), "that frame"),
            (
                "spread",
                pa.float32(),
                "median of 1 - cosine to the middle, of settings that of palettes; null for frames without a "
                "group",
            ),
            ("n_faces", pa.float32(), "mean number of faces"),
            ("labels", pa.list_(pa.string()), "what stands out in it beside all other frames of the scope"),
            ("z", pa.list_(pa.float32()), "log odds of each of these labels over its standard error"),
        ),
    ),
    "sweep": Kind(
        path="results/{run}/sweep.parquet",
        what="one row a clustering, DBSCAN first, by min_samples and eps: its scores without labels; "
        "a rate of nothing is null",
        key=("clustering",),
        order=(),
        columns=(
            ("clustering", pa.string(), "the name of its folder"),
            ("algorithm", pa.string(), "as in the configuration"),
            ("eps", pa.float64(), "null for algorithms without"),
            ("min_samples", pa.int32(), "null for algorithms without"),
            ("n_people", pa.int32(), "people"),
            ("n_noise", pa.int64(), "faces that count and have no person"),
            ("noise_share", pa.float64(), "of the faces that count"),
            ("largest", pa.int64(), "faces of the largest person"),
            ("largest_share", pa.float64(), "of the faces that count"),
            ("frame_pairs", pa.int64(), "pairs of faces in one frame that both have a person"),
            ("violations", pa.int64(), "of these, the pairs of one person"),
            ("violation_rate", pa.float64(), "violations / frame_pairs"),
            ("chance", pa.float64(), "the rate if the labels were shuffled among the faces with a person"),
            ("violation_ratio", pa.float64(), "violation_rate / chance"),
            ("adjacent_pairs", pa.int64(), "pairs of faces with nearly the same box in frames n and n+1"),
            ("adjacent_same", pa.int64(), "of these, the pairs of one person"),
            ("adjacent_different", pa.int64(), "of two people"),
            ("adjacent_one_noise", pa.int64(), "of a person and noise; the rest are noise twice"),
            ("adjacent_agreement", pa.float64(), "adjacent_same / (adjacent_same + adjacent_different)"),
            ("adjacent_kept", pa.float64(), "adjacent_same / adjacent_pairs"),
            ("links", pa.int64(), "pairs of faces that must be one person (constraints.parquet)"),
            ("links_kept", pa.int64(), "of these, the pairs of one person"),
            ("links_broken", pa.int64(), "of two people; the others have noise"),
            ("balance", pa.float64(), "adjacent_kept - 3 * violation_rate"),
            ("next", pa.string(), "the clustering with the next larger eps; null for the last"),
            ("ari_next", pa.float64(), "adjusted Rand index with it, over the faces with a person in both"),
            (
                "moved_next",
                pa.float64(),
                "share of the faces that count which are noise in one of the two only",
            ),
            ("merges_next", pa.int32(), "people of the next that several of this one merge into"),
            ("splits_next", pa.int32(), "people of this one that are split into several of the next"),
            ("recommended", pa.bool_(), "whether it is the one to begin with"),
        ),
    ),
    "sweep_changes": Kind(
        path="results/{run}/sweep_changes.parquet",
        what="who merges and who splits from each clustering to the next, one row a part, in the order of "
        "the sweep; those that move most faces come first",
        key=("from", "to", "kind", "person_from", "person_to"),
        order=(),
        columns=(
            ("from", pa.string(), "a clustering"),
            ("to", pa.string(), "the next"),
            (
                "kind",
                pa.string(),
                "merge: several of from are one of to; split: one of from is several of to",
            ),
            ("person_from", pa.int32(), "label of from"),
            ("person_to", pa.int32(), "label of to"),
            ("n_from", pa.int64(), "faces of person_from"),
            ("n_to", pa.int64(), "faces of person_to"),
            ("n_faces", pa.int64(), "faces that are of both"),
            (
                "same_frame",
                pa.int64(),
                "frames that show this part and another of the same merge or split",
            ),
        ),
    ),
}
"""Every Parquet table of a run by its name."""

FACES = TABLES["encoded_faces"].schema
VISUAL = TABLES["encoded_visual"].schema
VISUAL_FRAMES = TABLES["visual_frames"].schema
GROUPS = TABLES["groups"].schema
VISUAL_MAP = TABLES["visual_map"].schema
SEEN_WITH = TABLES["seen_with"].schema
ENTITIES = TABLES["entities"].schema
CORRELATION = TABLES["correlation"].schema
DIPS = TABLES["dips"].schema
LIKENESS = TABLES["likeness"].schema
SUSPECTS = TABLES["suspects"].schema
FRAMES = TABLES["encoded_frames"].schema
BROADCASTS = TABLES["broadcasts"].schema
MERGED_FACES = TABLES["faces"].schema
MERGED_FRAMES = TABLES["frames"].schema
TRANSCRIPTS = TABLES["transcripts"].schema
UTTERANCES = TABLES["utterances"].schema
CONSTRAINTS = TABLES["constraints"].schema
REPLAYS = TABLES["replays"].schema
LABELS = TABLES["labels"].schema
GALLERY = TABLES["gallery"].schema
MEMBERS = TABLES["members"].schema
PEOPLE = TABLES["people"].schema
PEOPLE_CHANGES = TABLES["people_changes"].schema
SIGHTINGS = TABLES["sightings"].schema
APPEARANCES = TABLES["appearances"].schema
SCREEN_TIME = TABLES["screen_time"].schema
MEETINGS = TABLES["meetings"].schema
SUGGESTIONS = TABLES["suggestions"].schema
EDGES = TABLES["edges"].schema
HOLDS = TABLES["holds"].schema
CENTRALITY = TABLES["centrality"].schema
WORDS = TABLES["words"].schema
SWEEP = TABLES["sweep"].schema
SWEEP_CHANGES = TABLES["sweep_changes"].schema


def encoded_faces(size: int) -> pa.Schema:
    """Give the columns of encoded faces whose embeddings have `size` numbers."""
    field = pa.field("embedding", pa.list_(pa.float32(), size))
    return FACES.set(FACES.get_field_index("embedding"), field)


def visual(size: int) -> pa.Schema:
    """Give the columns of embedded frames whose embeddings have `size` numbers."""
    field = pa.field("embedding", pa.list_(pa.float16(), size))
    return VISUAL.set(VISUAL.get_field_index("embedding"), field)
