"""The words that stand out beside people, and beside pairs of people."""

from __future__ import annotations

import itertools
import os
from array import array
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from castgraph.base import tables
from castgraph.base.odds import log_odds
from castgraph.transcripts.statuses import NOT_ALIGNED
from castgraph.transcripts.text import is_word, stop_words, words

LEAST = 3
"""A word that is said less often beside somebody is not listed."""

LEAST_Z = 1.96
"""A word that stands out less is not listed."""

MOST = 50
"""Most words that are listed of a person or pair, and language."""

Numbers = NDArray[np.int64]


class _Said(NamedTuple):
    """All that is said in a run; utterances are numbered over all broadcasts, words over all languages.

    Attributes
    ----------
    vocabulary
        Of each word its language and the word.
    word
        The word at each place of the run.
    begins
        The place of the first word of each utterance, and the end of the last.
    broadcast
        Of each utterance, as an index into `broadcasts`.
    start, end
        Of each utterance, in microseconds since 1970.
    broadcasts
        The broadcasts that have utterances, in order.
    """

    vocabulary: list[tuple[str, str]]
    word: Numbers
    begins: Numbers
    broadcast: Numbers
    start: Numbers
    end: Numbers
    broadcasts: list[str]

    def at(self, utterances: Numbers) -> tuple[Numbers, Numbers]:
        """Give the words of some utterances, and of each its broadcast."""
        n = self.begins[utterances + 1] - self.begins[utterances]
        return self.word[_ranges(self.begins[utterances], n)], np.repeat(self.broadcast[utterances], n)


def words_table(
    utterances: str | os.PathLike[str],
    transcripts: str | os.PathLike[str],
    frames: str | os.PathLike[str],
    sightings: str | os.PathLike[str],
    meetings: str | os.PathLike[str],
    frame_seconds: float,
) -> tuple[pa.Table, dict[str, int]]:
    """Tell which words stand out beside each person and each pair.

    An utterance is said beside somebody where it overlaps a frame that shows the person, and beside a pair
    where it overlaps one that makes the pair (in the same frame or adjacent). Each is compared with
    everything else that is said in that language in the run.

    Parameters
    ----------
    utterances, transcripts, frames, sightings, meetings
        Tables of the run. Transcripts whose times are known to be wrong are left out.
    frame_seconds
        Seconds between two frames: how long one stands for what is on air.

    Returns
    -------
    Table
        Of the schema `castgraph.base.tables.WORDS`.
    dict
        How many utterances there are in all (``n_utterances``) and, each in one of them, how many are
        ``n_left_out``, as their times are wrong, ``n_without_frames``, as no frame was read at their time,
        ``n_outside``, said while nobody of the people is on the screen, and ``n_beside`` somebody.
    """
    said, n_left_out = _read(utterances, _not_aligned(transcripts))
    keys, at = _at_frames(said, frames, frame_seconds)
    number = {name: place for place, name in enumerate(said.broadcasts)}
    ids, [person], key = _in_frames(sightings, tables.SIGHTINGS, ["person_id"], number)
    people = _beside(person, key, keys, at)
    pair_ids, [one, other], key = _in_frames(meetings, tables.MEETINGS, ["source", "target"], number)
    pairs = _beside(one * len(pair_ids) + other, key, keys, at)
    n_covered, n_beside = len(np.unique(at)), len(np.unique(people[1]))
    counts = {
        "n_utterances": len(said.start) + n_left_out,
        "n_left_out": n_left_out,
        "n_without_frames": len(said.start) - n_covered,
        "n_outside": n_covered - n_beside,
        "n_beside": n_beside,
    }
    rows = [(ids[group], "", *row) for group, row in _standing_out(said, *people)]
    rows += [
        (pair_ids[group // len(pair_ids)], pair_ids[group % len(pair_ids)], *row)
        for group, row in _standing_out(said, *pairs)
    ]
    rows.sort(key=lambda row: (*row[:3], -row[-1], row[3]))
    columns = zip(*rows, strict=True) if rows else [()] * len(tables.WORDS)
    return pa.table(
        [_column(list(column), kind) for column, kind in zip(columns, tables.WORDS.types, strict=True)],
        schema=tables.WORDS,
    ), counts


def _column(values: list[Any], kind: pa.DataType) -> pa.Array:
    return (
        pa.array(values, kind.value_type).dictionary_encode().cast(kind)
        if pa.types.is_dictionary(kind)
        else pa.array(values, kind)
    )


def _not_aligned(transcripts: str | os.PathLike[str]) -> set[str]:
    rows = tables.read(transcripts, tables.TRANSCRIPTS, ["broadcast", "status"]).to_pylist()
    return {row["broadcast"] for row in rows if row["status"] in NOT_ALIGNED}


def _read(utterances: str | os.PathLike[str], left_out: Container[str]) -> tuple[_Said, int]:
    """Read what is said but for some broadcasts, and count what these have."""
    vocabulary: dict[tuple[str, str], int] = {}
    word, n_words = array("q"), array("q")
    parts: list[list[Numbers]] = [[], [], []]
    names: list[str] = []
    n_left_out = 0
    columns = ["start", "end", "text", "language"]
    for name, [start, end, text, language] in tables.by_broadcast(utterances, tables.UTTERANCES, columns):
        if name in left_out:
            n_left_out += len(text)
            continue
        for each, of in zip(text, language, strict=True):
            found = [(of, each) for each in words(each, of) if is_word(each, stop_words(of))]
            word.extend(vocabulary.setdefault(key, len(vocabulary)) for key in found)
            n_words.append(len(found))
        micro = [each.astype("datetime64[us]").astype(np.int64) for each in (start, end)]
        for column, values in zip(parts, [np.full(len(text), len(names)), *micro], strict=True):
            column.append(values)
        names.append(name)
    broadcast, start, end = (np.concatenate([np.empty(0, np.int64), *column]) for column in parts)
    begins = np.concatenate([[0], np.cumsum(np.array(n_words, np.int64))]).astype(np.int64)
    return _Said(list(vocabulary), np.array(word, np.int64), begins, broadcast, start, end, names), n_left_out


def _at_frames(said: _Said, frames: str | os.PathLike[str], frame_seconds: float) -> tuple[Numbers, Numbers]:
    """Tell which utterances overlap which frames that were read.

    Returns
    -------
    keys : ndarray of shape (n,), int64
        Broadcast and frame, ascending.
    utterances : ndarray of shape (n,), int64
    """
    number = {name: place for place, name in enumerate(said.broadcasts)}
    lasts = round(frame_seconds * 1e6)
    keys, at = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    columns = ["frame", "time", "status"]
    for name, [frame, time, status] in tables.by_broadcast(frames, tables.MERGED_FRAMES, columns):
        if name not in number:
            continue
        read = np.flatnonzero(status == "ok")
        on_air = time[read].astype("datetime64[us]").astype(np.int64)
        order = np.argsort(on_air, kind="stable")
        on_air, read = on_air[order], read[order]
        utterance = np.arange(*np.searchsorted(said.broadcast, [number[name], number[name] + 1]))
        start = said.start[utterance]
        first = np.searchsorted(on_air, start - lasts, "right")
        end = np.searchsorted(on_air, np.maximum(said.end[utterance], start + 1), "left")
        n = np.maximum(end - first, 0)
        keys.append(_key(number[name], frame[read[_ranges(first, n)]]))
        at.append(np.repeat(utterance, n))
    whole, utterances = np.concatenate(keys), np.concatenate(at)
    order = np.argsort(whole, kind="stable")
    return whole[order], utterances[order]


def _in_frames(
    path: str | os.PathLike[str], schema: pa.Schema, people: Sequence[str], number: Mapping[str, int]
) -> tuple[list[str], list[Numbers], Numbers]:
    """Read who is in which frames, of broadcasts that have utterances.

    Returns
    -------
    ids : list of str
        The people, in the order of the alphabet.
    codes : list of ndarray of shape (n,), int64
        For each of the columns `people` the person of each row, as an index into `ids`.
    keys : ndarray of shape (n,), int64
        Broadcast and frame.
    """
    table = tables.read(path, schema, [*people, "broadcast", "frame"])
    table = table.filter(pc.is_in(table["broadcast"].cast(pa.string()), pa.array(list(number), pa.string())))
    columns = [table[name].cast(pa.string()).to_pylist() for name in people]
    ids = sorted(set().union(*columns))
    place = {name: n for n, name in enumerate(ids)}
    codes = [np.array([place[name] for name in column], np.int64) for column in columns]
    broadcast = [number[name] for name in table["broadcast"].cast(pa.string()).to_pylist()]
    return ids, codes, _key(np.array(broadcast, np.int64), table["frame"].to_numpy())


def _key(broadcast: int | Numbers, frame: NDArray[np.integer]) -> Numbers:
    key: Numbers = np.asarray(broadcast, np.int64) << 32 | frame.astype(np.int64)
    return key


def _ranges(first: Numbers, n: Numbers) -> Numbers:
    """Give first, first + 1, … of each, `n` of them."""
    ends = np.cumsum(n)
    return np.arange(ends[-1] if len(ends) else 0) + np.repeat(first - ends + n, n)


def _beside(group: Numbers, key: Numbers, keys: Numbers, at: Numbers) -> tuple[Numbers, Numbers]:
    """Give each group with each utterance that overlaps one of its frames, once, by group."""
    first = np.searchsorted(keys, key, "left")
    n = np.searchsorted(keys, key, "right") - first
    size = int(at.max(initial=0)) + 1
    both = np.unique(np.repeat(group, n) * size + at[_ranges(first, n)])
    return both // size, both % size


def _standing_out(
    said: _Said, group: Numbers, utterance: Numbers
) -> Iterator[tuple[int, tuple[str, str, int, int, int, int, float, float]]]:
    """Give the words that stand out in each group of utterances, as they are in the table, by z."""
    languages = sorted({language for language, _ in said.vocabulary})
    place = {language: n for n, language in enumerate(languages)}
    language = np.array([place[each] for each, _ in said.vocabulary], np.int64)
    total = np.bincount(said.word, minlength=len(said.vocabulary))
    in_all = np.bincount(language[said.word], minlength=len(languages))
    bounds = np.flatnonzero(np.diff(group, prepend=-1, append=-1))
    for begin, end in itertools.pairwise(bounds.tolist()):
        word, broadcast = said.at(utterance[begin:end])
        found, here = np.unique(word, return_counts=True)
        n_here = np.bincount(language[found], weights=here, minlength=len(languages)).astype(np.int64)
        kept = here >= LEAST
        found, here = found[kept], here[kept]
        of = language[found]
        odds = log_odds(here, total[found] - here, n_here[of], (in_all - n_here)[of])
        listed = [0] * len(languages)
        # Of words that stand out as much the first of the alphabet.
        order = sorted(
            np.flatnonzero(odds.z >= LEAST_Z).tolist(),
            key=lambda n: (-odds.z[n], said.vocabulary[found[n]]),
        )
        for n in order:
            listed[of[n]] += 1
            if listed[of[n]] <= MOST:
                name = said.vocabulary[found[n]]
                n_broadcasts = len(np.unique(broadcast[word == found[n]]))
                counts = here[n], total[found[n]] - here[n], n_here[of[n]], n_broadcasts
                yield (
                    int(group[begin]),
                    (*name, *map(int, counts), float(odds.log_odds[n]), float(odds.z[n])),
                )
