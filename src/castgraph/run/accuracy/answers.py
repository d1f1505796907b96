"""The folder of a sample: what was drawn, and the table that somebody fills in."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from castgraph.base import csvs, files
from castgraph.base.text import counted, quoted, shortened
from castgraph.run.accuracy.questions import Question, check, questions

SAMPLE = "sample.json"
ANSWERS = "answers.csv"
COLUMNS = ("sample", "question", "ask", "allowed", "answer", "note")

MOST_GROUPS = 20

_LONGEST_GROUP = 40  # letters
_TOLD = 10  # wrong rows that are told one by one

Facts = Mapping[str, Any]


def write_sample(folder: Path, run: Path, facts: Facts) -> None:
    """Write what was drawn, and the table to fill in.

    Parameters
    ----------
    folder
        Where to. Its own files are replaced.
    run
        The results of the run; where they lie from `folder` is written down.
    facts
        Those of `castgraph.run.accuracy.draw.Sample`.
    """
    place = Path(os.path.relpath(run.resolve(), folder.resolve())).as_posix()
    rows = [
        (facts["sample"], each.id, each.text, _explained(each), "", "")
        for item in facts["items"]
        for each in questions(item)
    ]
    csvs.write(folder / ANSWERS, COLUMNS, rows)
    files.write_json(folder / SAMPLE, {**facts, "results": place})


def _explained(question: Question) -> str:
    """Tell what may be answered, and what it means, in a cell."""
    if question.most is not None:
        return question.told()
    words = "; ".join(f"{word}: {meaning}" for word, meaning in question.allowed.items())
    return f"{words}; ?: cannot tell"


def read_sample(folder: Path) -> dict[str, Any]:
    """Read what was drawn.

    Raises
    ------
    FileNotFoundError
        When the folder holds no sample.
    ValueError
        When the file is none of castgraph's.
    """
    path = folder / SAMPLE
    try:
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for key in ("sample", "run", "clustering", "digest", "castgraph", "results"):
            if not isinstance(facts[key], str):
                raise TypeError(key)
        for item in facts["items"]:
            check(item)
        numbers = {"seed": facts["seed"], "faces": None, "noise": None, **facts["population"]}
        for key, number in numbers.items():
            if not isinstance(number, int) or not 0 <= number < 2**63:
                raise ValueError(f"{key} is {number!r}")
        dict(facts["people"])
    except FileNotFoundError:
        raise FileNotFoundError(f"no {path}; castgraph accuracy sample writes it") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not a sample of castgraph ({error!r})") from error
    return facts


def read_answers(path: Path, facts: Facts) -> dict[str, str]:
    """Read the table that was filled in.

    Parameters
    ----------
    path
        As `castgraph.base.csvs.read_any` reads it, with the columns ``question`` and ``answer`` and, so that
        no other sample's answers are taken, ``sample``.
    facts
        What was drawn.

    Returns
    -------
    dict
        Question → answer, as `castgraph.run.accuracy.questions.Question.read` gives it; empty where there is
        none, also for questions that are not in the table.

    Raises
    ------
    ValueError
        When a row is of another sample, is of no question, or has an answer that is not allowed, and when a
        question has two answers; the message names up to ten of them by their lines.
    """
    this: str = facts["sample"]
    asked = {each.id: each for item in facts["items"] for each in questions(item)}
    found: dict[str, tuple[str, int]] = {}
    wrong: list[str] = []
    for line, row in csvs.read_any(path, ("question", "answer")):
        name = row["question"].strip().casefold()
        try:
            of = row.get("sample", "").strip().casefold()
            if of not in ("", this):
                raise ValueError(f"of the sample {quoted(of)}, not {this!r}")
            if name not in asked:
                raise ValueError(f"{quoted(row['question'])} is no question of this sample")
            answer = asked[name].read(row["answer"])
            before, first = found.get(name, ("", line))
            if before and answer and before != answer:
                raise ValueError(f"{name} is answered {before!r} in line {first} and {answer!r} here")
            found[name] = (before or answer, first if before else line)
        except ValueError as error:
            who = f"{name}: " if name in asked and not str(error).startswith(name) else ""
            wrong.append(f"line {line}: {who}{error}")
    if wrong:
        told = "; ".join(wrong[:_TOLD]) + ("; …" if len(wrong) > _TOLD else "")
        raise ValueError(f"{path}: {counted(len(wrong), 'row')} cannot be used: {told}")
    return {name: found.get(name, ("", 0))[0] for name in asked}


def read_groups(path: Path, facts: Facts, column: str) -> dict[str, str]:
    """Read to which group each piece belongs, by a column that the judges have added to the table.

    Returns
    -------
    dict
        Piece → what stands in the column, in one line; those without are not in it.

    Raises
    ------
    ValueError
        When there is no such column, it says two things about one piece, or it has more than `MOST_GROUPS`
        values.
    """
    name = csvs.column_name(column)
    of = {each.id: str(item["id"]) for item in facts["items"] for each in questions(item)}
    found: dict[str, str] = {}
    for row_line, row in csvs.read_any(path, ("question", name)):
        item, group = of.get(row["question"].casefold()), shortened(row[name], _LONGEST_GROUP)
        if item and group and found.setdefault(item, group) != group:
            raise ValueError(
                f"{path}: line {row_line}: {item} is {quoted(group)} here and {quoted(found[item])} above"
            )
    groups = set(found.values())
    if len(groups) > MOST_GROUPS or not groups:
        raise ValueError(f"{path}: {len(groups)} values in the column {name!r}; allowed: 1 to {MOST_GROUPS}")
    return found
