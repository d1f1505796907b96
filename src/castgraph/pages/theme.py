"""What all pages share: the environment of their templates, and how numbers and moments look on them.

A page extends ``base.html.j2``: it needs no other file and no network, and runs nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from castgraph.base import colours, files, text, times
from castgraph.base.statuses import STATUSES

LIGHT = {
    "paper": colours.PAPER,
    "card": "#ffffff",
    "ink": colours.INK,
    "grey": colours.GREY,
    "rule": colours.RULE,
    "accent": colours.ACCENT,
    "link": "#1f5a86",
    "first": colours.CURVES[0],
    "second": colours.CURVES[1],
    "ok": colours.CURVES[2],
    "partial": "#d9a21b",
    "empty": colours.OTHER_COMMUNITY,
    "damaged": "#b3402a",
    "missing": colours.CURVES[3],
    "unreachable": "#3d4d8a",
}
"""The colours of a page; a status word is the name of its own."""

DARK = {
    "paper": "#17191c",
    "card": "#202327",
    "ink": "#e9e6df",
    "grey": "#a5abb2",
    "rule": "#3a3e44",
    "accent": "#54471b",
    "link": "#8cc1ea",
    "first": "#5b9bcb",
    "second": "#ea8a72",
    "ok": "#79a877",
    "damaged": "#d4654f",
    "missing": "#a184c9",
    "unreachable": "#7e8fd0",
}
"""Those that differ where the reader prefers a dark page."""

_MOST_LETTERS = 300  # of a reason


def render(page: str | os.PathLike[str], template: str, **facts: Any) -> None:
    """Write a page, atomically.

    Parameters
    ----------
    page
        The HTML file to write.
    template
        The name of a template beside this file.
    **facts
        What the template names; a name that is not there is an error. Texts are escaped.
    """
    written = _environment().get_template(template).render(facts)
    with files.atomic(page) as part:
        part.write_text(written, encoding="utf-8")


def colour_sheet() -> str:
    """Give the colours of a page as variables, by a style sheet of their own."""
    return _environment().get_template("colours.css.j2").render()


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., str]] = {
        "count": count,
        "counted": text.counted,
        "percent": percent,
        "decimal": decimal,
        "probability": probability,
        "duration": lambda seconds: times.duration(seconds).replace(" ", "\N{NO-BREAK SPACE}"),
        "memory": _memory,
        "moment": times.minute,
        "utc": times.utc,
        "day": times.day,
        "short": lambda reason: text.shortened(reason, _MOST_LETTERS),
    }
    environment.filters.update(filters)
    environment.globals.update(light=LIGHT, dark=DARK, statuses=tuple(STATUSES))
    return environment


def count(value: int | None) -> str:
    """Write a whole number; a dash where there is none."""
    return "–" if value is None else f"{value:,}"


def percent(value: float | None) -> str:
    """Write a share; a dash where there is none."""
    return "–" if value is None else f"{100 * value:.2f} %"


def decimal(value: float | None) -> str:
    """Write a rate; a dash where there is none."""
    return "–" if value is None else f"{value:.3f}"


def probability(value: float | None) -> str:
    """Write a probability; a dash where there is none."""
    return "< 0.001" if value is not None and value < 0.001 else decimal(value)


def _memory(mib: float) -> str:
    if not mib:
        return "–"
    return f"{mib:,.0f} MB" if mib < 10_000 else f"{mib / 1024:,.1f} GB"
