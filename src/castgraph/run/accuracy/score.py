"""What the judged sample says, in numbers, as a table, and as a sentence to cite."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from castgraph import __version__
from castgraph.base import files
from castgraph.base.text import counted, line
from castgraph.run.accuracy.agreement import Agreement, agreement
from castgraph.run.accuracy.answers import ANSWERS, read_answers, read_groups, read_sample
from castgraph.run.accuracy.estimate import Estimate
from castgraph.run.accuracy.measures import FEW, Measure, Result, Tally, measure, tally, wrong
from castgraph.run.accuracy.population import digest_of
from castgraph.run.accuracy.questions import KINDS, questions

ACCURACY = "accuracy.json"

_GIVEN = Measure(
    "faces_given",
    "noise",
    "faces of the run's people that were put to a person",
    lambda item, answers: (0, 0, 0),
    "so {share} ({interval}) of the found faces of the run's people had been put to a person",
)
"""What follows from the faces of nobody."""

_TOO_FEW = " [too few judged to cite]"
_MOST_NAMED = 20  # pieces with a fault that are named

_CHANGED = (
    "The run is not any more what the sample was drawn of: it was made again, with other faces or another "
    "grouping. These numbers are of what it was then; draw a new sample to cite what it is now."
)
_GONE = "The run is not where it was when the sample was drawn, so the two were not compared."

Score = dict[str, Any]


def score(
    folder: Path, answers: Path | None = None, second: Path | None = None, by: str | None = None
) -> Score:
    """Tell how accurate a run is, by the answers about a sample of it.

    Parameters
    ----------
    folder
        What `castgraph accuracy sample` wrote.
    answers
        The table that was filled in, where it is another than ``answers.csv`` in the folder.
    second
        The answers of somebody else about the same sample, or a part of it, to tell how far the two agree.
    by
        A column that the judges have added to the table, to tell the measures of each group apart, too.

    Returns
    -------
    dict
        What ``accuracy.json`` holds, and `render` prints.

    Raises
    ------
    FileNotFoundError
        When the folder holds no sample, or the table is not there.
    ValueError
        When either is not what it should be, or nothing was answered; see
        `castgraph.run.accuracy.answers.read_answers`.
    """
    facts = read_sample(folder)
    path = answers or folder / ANSWERS
    given = read_answers(path, facts)
    if not any(given.values()):
        raise ValueError(f"{path}: no question is answered yet; the answers go into the column 'answer'")
    items = facts["items"]
    results = list(_with_given(list(measure(items, given)), facts["population"]))
    if not results:
        raise ValueError(f"{path}: nothing is judged yet: each piece has a question that is open, or a ?")
    tallies = tally(items, given)
    groups = {} if by is None else _by_group(items, given, read_groups(path, facts, by))
    agreed = {} if second is None else _agreements(items, given, read_answers(second, facts))
    return {
        "castgraph": __version__,
        **{key: line(facts[key]) for key in ("run", "clustering", "sample", "digest")},
        **{key: facts[key] for key in ("seed", "population")},
        "sampled_with": line(facts["castgraph"]),
        "is_of_the_run": _is_of_the_run(folder, facts),
        "judged": {kind: each._asdict() for kind, each in tallies.items()},
        "measures": {each.measure.name: _told(each) for each in results},
        "groups": {
            name: {each.measure.name: _told(each) for each in found} for name, found in groups.items()
        },
        "faults": [
            {"id": line(item["id"]), "people": [_name(facts, person) for person in item.get("people", [])]}
            for item in wrong(items, given)
        ],
        "agreement": {kind: each._asdict() for kind, each in agreed.items()},
        "sentence": _sentence(facts, results, tallies, agreed.get("all")),
    }


def _by_group(
    items: Sequence[Mapping[str, Any]], given: Mapping[str, str], groups: Mapping[str, str]
) -> dict[str, list[Result]]:
    """Estimate the measures within each group; a share of a group is that of a part of the population."""
    return {
        name: list(measure([item for item in items if groups.get(item["id"]) == name], given))
        for name in sorted(set(groups.values()))
    }


def _agreements(
    items: Sequence[Mapping[str, Any]], first: Mapping[str, str], second: Mapping[str, str]
) -> dict[str, Agreement]:
    """Compare two judges, of each kind that both judged some of, and of all."""
    asked: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for item in items:
        asked[item["kind"]] += [each.id for each in questions(item)]
    asked["all"] = [name for names in asked.values() for name in names]
    found = {kind: agreement(first, second, names) for kind, names in asked.items()}
    return {kind: each for kind, each in found.items() if each.n or kind == "all"}


def write_score(path: Path, found: Score) -> None:
    """Write what `score` found, as JSON."""
    files.write_json(path, found)


def _with_given(results: Sequence[Result], population: Mapping[str, int]) -> Iterator[Result]:
    """Add what the share of noise that has a person means for all faces that could have one."""
    for each in results:
        yield each
        if each.measure.name == "noise_has_person":
            noise, faces = population["noise"], population["faces"]
            share, high, low = (
                faces / (faces + noise * value) for value in (each.estimate.value, *each.estimate[1:3])
            )
            estimate = Estimate(share, low, high, each.estimate.n_units, each.estimate.n_effective)
            yield Result(_GIVEN, estimate, each.hits, each.total)


def _is_of_the_run(folder: Path, facts: Mapping[str, Any]) -> bool | None:
    """Tell whether the run is still as it was sampled; None where it is not there."""
    members = folder / facts["results"] / facts["clustering"] / "members.parquet"
    return digest_of(members) == facts["digest"] if members.is_file() else None


def _told(result: Result) -> dict[str, Any]:
    value, low, high, n_units, n_effective = result.estimate
    return {
        "title": result.measure.title,
        "value": round(value, 6),
        "low": round(low, 6),
        "high": round(high, 6),
        "n": n_units,
        "n_effective": round(n_effective, 3),
        "hits": round(result.hits, 6),
        "total": round(result.total, 6),
        "too_few": n_units < FEW,
        "sentence": _cited(result),
    }


def _name(facts: Mapping[str, Any], person: int) -> str:
    return line(str(facts["people"].get(str(person), f"Person {person}")))


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _interval(low: float, high: float) -> str:
    return f"{100 * low:.1f} to {100 * high:.1f} %"


def _cited(result: Result) -> str:
    """Put a result into words."""
    value, low, high, n_units, _ = result.estimate
    return result.measure.sentence.format(
        share=_percent(value),
        interval=f"95 % interval {_interval(low, high)}",
        n=f"{n_units:,}",
        hits=f"{result.hits:,g}",
        total=f"{result.total:,g}",
    ) + (_TOO_FEW if n_units < FEW else "")


def _sentence(
    facts: Mapping[str, Any],
    results: Sequence[Result],
    tallies: Mapping[str, Tally],
    agreed: Agreement | None,
) -> str:
    """Say for a methods section what was drawn and what was found."""
    told = [_cited(each) for each in results if each.measure.is_cited] or [_cited(results[0])]
    unsure = sum(each.unsure for each in tallies.values())
    if unsure:
        told.append(f"{counted(unsure, 'piece')} could not be judged and did not count")
    if agreed and agreed.n:
        kappa = "" if agreed.kappa is None else f", Cohen's kappa {agreed.kappa:.2f}"
        told.append(
            f"a second judge gave the same answer to {agreed.same:,} of {agreed.n:,} questions "
            f"({_percent(agreed.same / agreed.n)}{kappa})"
        )
    run, clustering, version = (line(facts[key]) for key in ("run", "clustering", "castgraph"))
    return (
        f"In random samples of the run {run} ({clustering}; castgraph {version}; seed {facts['seed']}), "
        f"judged by eye, {'; '.join(told)}."
    )


_LEFT_OUT = {
    "frames_unread": ("frame that was not read", "frames that were not read"),
    "faces_alone": (
        "face that is the only one of its person",
        "faces that are the only ones of their people",
    ),
    "set_aside": ("face that is set aside", "faces that are set aside"),
}
"""What there is and is not drawn from."""


def _left_out(population: Mapping[str, int]) -> str:
    return ", ".join(
        counted(population[key], *words) for key, words in _LEFT_OUT.items() if population.get(key)
    )


def render(found: Score) -> RenderableType:
    """Put what `score` found into a form for the terminal."""
    parts: list[RenderableType] = [
        Text(f"{found['run']}, {found['clustering']}", style="bold").append(
            f"  sample {found['sample']}, seed {found['seed']}", style="not bold"
        )
    ]
    if found["is_of_the_run"] is not True:
        parts.append(Text(_CHANGED if found["is_of_the_run"] is False else _GONE, style="yellow"))
    parts.append(_table(found["measures"]))
    parts += [
        part for name, of_group in found["groups"].items() for part in (Text(f"\n{name}"), _table(of_group))
    ]
    if any(each["too_few"] for each in found["measures"].values()):
        parts.append(
            Text(
                f"Too few: fewer than {FEW} were judged. The interval holds; the estimate alone says little."
            )
        )
    counts = Table("\nanswers", "drawn", "judged", "cannot tell", "blank", box=None, header_style="dim")
    for kind, each in found["judged"].items():
        counts.add_row(KINDS[kind].title.lower(), *(f"{number:,}" for number in each.values()))
    parts.append(counts)
    if left := _left_out(found["population"]):
        parts.append(Text(f"not drawn from: {left}", style="dim"))
    if agreed := found["agreement"]:
        both = Table(
            "\ntwo judges", "answered by both", "alike", "Cohen's kappa", box=None, header_style="dim"
        )
        for kind, each in agreed.items():
            kappa = "–" if each["kappa"] is None else f"{each['kappa']:.2f}"
            name = KINDS[kind].title.lower() if kind in KINDS else kind
            both.add_row(name, f"{each['n']:,}", f"{each['same']:,}", kappa)
        parts.append(both)
    if faults := found["faults"]:
        parts.append(Text("\nfound wrong", style="bold"))
        parts += [
            Text(f"  {each['id']}  ").append(", ".join(each["people"]), style="dim")
            for each in faults[:_MOST_NAMED]
        ]
        if len(faults) > _MOST_NAMED:
            parts.append(Text(f"  … and {len(faults) - _MOST_NAMED:,} more: see {ACCURACY}"))
    parts += [Text("\nto cite", style="bold"), Text(found["sentence"])]
    return Group(*parts)


def _table(measures: Mapping[str, Mapping[str, Any]]) -> Table:
    table = Table("", "estimate", "95 % interval", "judged", "", box=None, header_style="dim")
    for each in measures.values():
        few = Text("too few", style="yellow") if each["too_few"] else ""
        interval = _interval(each["low"], each["high"])
        table.add_row(escape(each["title"]), _percent(each["value"]), interval, f"{each['n']:,}", few)
    return table
