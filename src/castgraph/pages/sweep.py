"""The scores of the clusterings of a run, as a page and as a picture."""

from __future__ import annotations

import io
import os
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from markupsafe import Markup
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, PercentFormatter, StrMethodFormatter
from numpy.typing import NDArray

from castgraph.base import files
from castgraph.base.colours import ACCENT, CURVES, GREY, INK, PAPER, RULE
from castgraph.base.text import counted, shortened
from castgraph.pages import theme
from castgraph.run.scores import MIN_FACES, MIN_SHARE

# Lengths are inches; font sizes are points.
_WIDTH = 12.0
_PANELS_HEIGHT = 7.0
_HEADER = 1.15  # over the panels of the picture, for title and reason
_FOOTER = 0.35  # below them, for the caution
_DPI = 150
_LEAST_SPAN = 0.05  # of a scale that does not begin at zero
_STYLE = {
    "font.family": ["DejaVu Sans", "sans-serif"],  # the second is for browsers that lack the first
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.formatter.useoffset": False,
    "text.color": INK,
    "axes.facecolor": PAPER,
    "axes.edgecolor": RULE,
    "axes.labelcolor": INK,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "castgraph",
}

_LOOKS: tuple[dict[str, Any], ...] = (
    {"linestyle": "-", "marker": "o"},
    {"linestyle": (0, (4, 2)), "marker": "o", "markerfacecolor": PAPER},
)
"""Of a first and a second column."""

_CAUTION = (
    "Mirrors, screens in the studio and replays show a person twice in one frame, and after a cut another "
    "person can be in the same box: these are rates to compare, not proofs."
)

_ALT = "Six charts of the scores; the table below has all their numbers."

_TOP = 10
"""Merges or splits that are listed for a step, and parts that are listed for one of them."""

_Row = Mapping[str, Any]


class _Panel(NamedTuple):
    """One chart: its heading, what to look for, and the column drawn solid, perhaps another dashed."""

    heading: str
    text: str
    columns: Mapping[str, str]  # and what they are called
    shares: bool = False
    from_zero: bool = True
    roots: bool = False  # whether the scale is of square roots, so that small values can be told apart
    between: bool = False  # whether a value stands between its clustering and the next


_PANELS = (
    _Panel(
        "People",
        "A larger eps joins groups, and makes people of noise.",
        {"n_people": "people"},
    ),
    _Panel(
        "Noise and the largest person",
        "When the largest leaps up, it has swallowed others.",
        {"noise_share": "noise, of all faces", "largest_share": "largest person, of all faces"},
        shares=True,
    ),
    _Panel(
        "Same-frame violations",
        "One person twice in one frame: look where it rises.",
        {"violation_rate": "of the pairs in one frame", "chance": "by chance"},
        shares=True,
        roots=True,
    ),
    _Panel(
        "Adjacent-frame agreement",
        "Nearly the same box in the next frame: same person?",
        {"adjacent_kept": "of all adjacent pairs", "adjacent_agreement": "of those without noise"},
        shares=True,
        from_zero=False,
    ),
    _Panel(
        "Stability",
        "Adjusted Rand index of neighbours; 1: the same people.",
        {"ari_next": "adjusted Rand index"},
        from_zero=False,
        between=True,
    ),
    _Panel(
        "Balance",
        "Adjacent pairs kept minus 3 × violations; 1: perfect.",
        {"balance": "balance"},
        from_zero=False,
    ),
)


class _Column(NamedTuple):
    """A column of the page's table."""

    name: str
    heading: str
    format: Callable[[Any], str]
    meaning: str


_COLUMNS = (
    _Column("clustering", "clustering", str, "its folder"),
    _Column("n_people", "people", theme.count, "how many there are"),
    _Column("noise_share", "noise", theme.percent, "share of the faces that have no person"),
    _Column("largest", "largest", theme.count, "faces of the largest person"),
    _Column("largest_share", "its share", theme.percent, "share of the faces that are of the largest person"),
    _Column(
        "frame_pairs",
        "pairs in one frame",
        theme.count,
        "pairs of faces in one frame that both have a person",
    ),
    _Column("violations", "violations", theme.count, "of these, the pairs of one person"),
    _Column("violation_rate", "rate", theme.percent, "violations per pair in one frame"),
    _Column(
        "chance", "by chance", theme.percent, "the rate if labels were shuffled among the faces with a person"
    ),
    _Column("violation_ratio", "times chance", theme.decimal, "rate divided by chance"),
    _Column(
        "adjacent_pairs", "adjacent pairs", theme.count, "faces with nearly the same box in the next frame"
    ),
    _Column("adjacent_kept", "kept", theme.percent, "share of the adjacent pairs that are of one person"),
    _Column(
        "adjacent_agreement", "agreement", theme.percent, "the same, of those in which both have a person"
    ),
    _Column("balance", "balance", theme.decimal, "kept minus 3 × the rate; 0 is no better than guessing"),
    _Column(
        "ari_next",
        "Rand",
        theme.decimal,
        "adjusted Rand index with the next, over faces with a person in both",
    ),
    _Column("moved_next", "moved", theme.percent, "share of the faces that are noise in only one of the two"),
    _Column("merges_next", "merges", theme.count, "people of the next that several of this one merge into"),
    _Column(
        "splits_next", "splits", theme.count, "people of this one that are split into several of the next"
    ),
)


def draw(
    sweep: pa.Table,
    changes: pa.Table,
    reason: str,
    html: str | os.PathLike[str],
    png: str | os.PathLike[str],
    *,
    title: str = "Scores of the clusterings",
) -> None:
    """Draw the scores, as a page that needs no other file and as a picture (1800 pixels wide).

    Parameters
    ----------
    sweep, changes, reason
        What `castgraph.run.scores.score` found.
    html
        The page to write: the charts, who merges and who splits, all numbers and what they mean. It loads
        nothing and runs nothing.
    png
        The picture to write: the charts. Equal input gives equal bytes in both.
    title
        The headline.
    """
    rows = sweep.to_pylist()
    with style.context(["default", _STYLE]):
        with files.atomic(png) as part:
            figure = _draw_charts(rows, title, reason)
            figure.savefig(part, format="png", dpi=_DPI, metadata={"Software": None})
        svg = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        _draw_charts(rows).savefig(svg, format="svg", metadata=nothing)
    theme.render(
        html,
        "sweep.html.j2",
        title=title,
        reason=reason,
        chart=_inline(svg.getvalue()),
        caution=_CAUTION,
        columns=_COLUMNS,
        rows=[
            {
                "recommended": row["recommended"],
                "cells": [column.format(row[column.name]) for column in _COLUMNS],
            }
            for row in rows
        ],
        changes=list(_changes(changes.to_pylist())),
        min_faces=MIN_FACES,
        min_share=MIN_SHARE,
    )


# ---- the charts ------------------------------------------------------------------------------------------


def _draw_charts(rows: Sequence[_Row], title: str = "", reason: str = "") -> Figure:
    """Draw the panels and, with a title, what the page has around them."""
    header, footer = (_HEADER, _FOOTER) if title else (0.0, 0.0)
    height = header + _PANELS_HEIGHT + footer
    figure = Figure(figsize=(_WIDTH, height), facecolor=PAPER)
    FigureCanvasAgg(figure)
    left, right, bottom = 0.058, 0.985, footer / height
    if title:
        looks: dict[str, Any] = {"va": "top", "parse_math": False}
        figure.text(left, 1 - 0.2 / height, shortened(title, 80), size=18, weight="bold", **looks)
        figure.text(left, 1 - 0.62 / height, textwrap.fill(reason, 160), linespacing=1.4, **looks)
        figure.text(left, bottom, _CAUTION, size=8.5, color=GREY, **looks)
    axes = figure.subplots(2, 3, sharex=True).ravel()
    top = 1 - (header + 0.65) / height
    figure.subplots_adjust(left, bottom + 0.85 / height, right, top, wspace=0.2, hspace=0.42)

    # What the clusterings stand side by side by; those that have none of it are drawn as levels.
    step = "min_samples" if all(row["eps"] is None for row in rows) else "eps"
    series = list(_series(rows))
    colours = [CURVES[number % len(CURVES)] for number in range(len(series))]
    for panel, axis in zip(_PANELS, axes, strict=True):
        _draw_panel(axis, panel, list(zip(series, colours, strict=True)), step)
    for axis in axes[3:]:
        axis.set_xlabel(step)
    keys: list[Any] = [
        Line2D([], [], color=colour, marker="o", label=_series_name(members[0]))
        for members, colour in zip(series, colours, strict=True)
    ]
    if any(row["recommended"] for row in rows):
        keys.append(Patch(color=ACCENT, label="recommended"))
    figure.legend(handles=keys, loc="lower center", bbox_to_anchor=(0.5, bottom), ncols=5, frameon=False)
    return figure


def _series(rows: Sequence[_Row]) -> Iterator[list[_Row]]:
    """Split the rows into those that follow each other."""
    series: list[_Row] = []
    for row in rows:
        if series and series[-1]["next"] != row["clustering"]:
            yield series
            series = []
        series.append(row)
    if series:
        yield series


def _series_name(row: _Row) -> str:
    both = row["eps"] is not None and row["min_samples"] is not None
    return f"{row['algorithm']}, min_samples {row['min_samples']}" if both else str(row["algorithm"])


def _draw_panel(axes: Axes, panel: _Panel, series: Sequence[tuple[list[_Row], str]], step: str) -> None:
    axes.set_title(panel.heading, loc="left", size=11, weight="bold", pad=20)
    axes.annotate(panel.text, (0, 1), (0, 7), "axes fraction", "offset points", size=8.5, color=GREY)
    if panel.roots:
        axes.set_yscale("function", functions=(_roots, np.square))
    for rows, colour in series:
        steps = np.array([row[step] for row in rows], dtype=np.float64)
        for column, looks in zip(panel.columns, _LOOKS, strict=False):
            values = np.array([row[column] for row in rows], dtype=np.float64)
            if not np.isnan(steps).any():
                shift = np.diff(steps, append=np.nan) / 2 if panel.between else 0
                axes.plot(
                    steps + shift, values, color=colour, markersize=4.5, clip_on=False, zorder=3, **looks
                )
            elif not panel.between:
                for number, row in enumerate(rows):
                    if row[column] is not None:
                        axes.axhline(row[column], color=colour, linestyle=looks["linestyle"], linewidth=1.2)
                        _name_level(axes, row["clustering"], row[column], number, colour)
        for row in rows:
            if row["recommended"] and row[step] is not None:
                axes.axvline(row[step], color=ACCENT, linewidth=8, zorder=0)
    if len(panel.columns) > 1:
        keys = [
            Line2D([], [], color=GREY, label=name, markersize=4.5, **looks)
            for name, looks in zip(panel.columns.values(), _LOOKS, strict=True)
        ]
        axes.legend(handles=keys, fontsize=8, facecolor=PAPER, edgecolor="none", framealpha=0.8)
    axes.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10], integer=step == "min_samples"))
    axes.tick_params(labelbottom=True, length=0, pad=6)
    axes.margins(x=0.06)
    if panel.shares:
        axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    elif panel.from_zero:
        axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    shown = [row[column] for rows, _ in series for row in rows for column in panel.columns]
    _set_limits(axes, [value for value in shown if value is not None], panel.from_zero)
    if panel.roots:
        axes.set_yticks(list(_root_ticks(axes.get_ylim()[1])))


def _name_level(axes: Axes, name: str, value: float, number: int, colour: str) -> None:
    """Name a clustering that has no place on the horizontal axis, beside those named before it."""
    place: dict[str, Any] = {"xycoords": axes.get_yaxis_transform(), "textcoords": "offset points"}
    looks: dict[str, Any] = {"size": 7.5, "color": colour, "ha": "right", "parse_math": False}
    axes.annotate(name, (1 - 0.22 * number, value), (0, 2), **place, **looks)


def _set_limits(axes: Axes, values: Sequence[float], from_zero: bool) -> None:
    """Begin at zero, or let the values fill the chart unless they hardly differ."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    if from_zero:
        axes.set_ylim(0, 1.15 * high or 1)
    else:
        span = max(high - low, _LEAST_SPAN)
        axes.set_ylim(high - 1.08 * span, high + 0.08 * span)


def _root_ticks(top: float) -> Iterator[float]:
    """Choose round shares up to `top` that are far enough apart on a scale of roots."""
    yield 0.0
    last = 0.0
    for share in (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0):
        if share <= top and share**0.5 - last**0.5 >= 0.1 * top**0.5:
            yield share
            last = share


def _roots(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sqrt(np.maximum(values, 0))


# ---- the page --------------------------------------------------------------------------------------------


class _Change(NamedTuple):
    """A line of the page's list of who merges and who splits."""

    step: str
    kind: str
    who: str
    becomes: str


def _inline(svg: str) -> Markup:
    """Take a drawing as a part of the page; matplotlib has escaped its texts."""
    labelled = svg[svg.index("<svg") :].replace("<svg ", f'<svg role="img" aria-label="{_ALT}" ', 1)
    return Markup(labelled)  # noqa: S704


def _changes(parts: Sequence[_Row]) -> Iterator[_Change]:
    """List the changes of most faces of every step."""
    for (from_, to, kind), of_step in groupby(parts, lambda part: (part["from"], part["to"], part["kind"])):
        found = [list(of_one) for _, of_one in groupby(of_step, _whole)]
        for of_one in found[:_TOP]:
            yield _change(f"{from_} → {to}", kind, of_one)
        if len(found) > _TOP:
            more = f"… and {len(found) - _TOP:,} more of this kind: see sweep_changes.parquet"
            yield _Change(f"{from_} → {to}", kind, more, "")


def _whole(part: _Row) -> int:
    """Tell who is merged into, or split."""
    return int(part["person_to" if part["kind"] == "merge" else "person_from"])


def _change(step: str, kind: str, parts: Sequence[_Row]) -> _Change:
    one, many = ("to", "from") if kind == "merge" else ("from", "to")
    whole = f"Person {parts[0][f'person_{one}']} ({counted(parts[0][f'n_{one}'], 'face')})"
    named = [
        f"Person {part[f'person_{many}']} "
        f"({counted(part[f'n_{many}'], 'face')}, {part['same_frame']:,} beside)"
        for part in parts[:_TOP]
    ]
    if len(parts) > _TOP:
        named.append(f"{len(parts) - _TOP:,} more")
    listed = ", ".join(named)
    return _Change(step, kind, *((listed, whole) if kind == "merge" else (whole, listed)))
