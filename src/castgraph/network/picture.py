"""The network as a picture: portraits, joined by lines, on one page."""

from __future__ import annotations

import logging
import math
import os
import textwrap
import warnings
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.image import AxesImage
from matplotlib.patches import Circle, PathPatch
from matplotlib.path import Path as Curve
from matplotlib.textpath import text_to_path
from numpy.typing import NDArray
from PIL import Image, ImageOps

from castgraph.base import files, times
from castgraph.base.colours import COMMUNITIES, GREY, INK, PAPER
from castgraph.base.text import counted, shortened
from castgraph.network.graph import colour
from castgraph.network.places import HEIGHT, UNITS, WIDTH, fitted, relative_radii, wrapped

logger = logging.getLogger(__name__)

MAX_PEOPLE = 200
"""The most people that fit on the page."""

# Lengths are inches of the page; font sizes and line widths are points.
_PAGE = (12.0, 9.0)
_DPI = 200
_SVG_DPI = 130  # of the portraits in the SVG
_FIELD = (0.4, 1.42, 0.4 + WIDTH, 1.42 + HEIGHT)  # left, bottom, right and top of what the network may fill

# How they are drawn.
_BEND = 0.12  # of an edge, sideways, in units of its length
_WIDTH = (0.5, 5.5)
_OPACITY = (0.18, 0.62)

_STYLE = {
    "font.family": ["DejaVu Sans", "sans-serif"],  # the second is for viewers of the SVG who lack the first
    "font.sans-serif": ["DejaVu Sans"],
    "svg.fonttype": "none",  # text stays text, so it can be searched and edited
    "svg.hashsalt": "castgraph",
    "image.composite_image": False,  # or all portraits would become one picture
}

Points = NDArray[np.float64]


def draw(
    graph: nx.Graph,
    portraits: str | os.PathLike[str] | None,
    png: str | os.PathLike[str],
    svg: str | os.PathLike[str],
    *,
    max_people: int = 80,
    title: str = "Who is seen with whom",
) -> None:
    """Draw the network with the portraits of its people, as PNG (2400 x 1800 pixels) and SVG.

    The area of a portrait is proportional to the PageRank (the smallest are enlarged until one can see them),
    its ring has the colour of the community, and the width of a line grows with the logarithm of the weight.
    People stand where their ``x`` and ``y`` say, and portraits and names are as large as there is room for.

    Parameters
    ----------
    graph
        What `castgraph.network.build` returns.
    portraits
        The folder of the portraits; None when there are none. A person without a portrait is drawn as a disc
        with initials; so is one whose portrait cannot be read, which is logged.
    png, svg
        The files to write. Equal input gives equal bytes.
    max_people
        How many people to draw at most (up to 200), by PageRank. The caption says how many there are. The
        network is best built for as many (`castgraph.network.graph.build`).
    title
        The headline.

    Raises
    ------
    ValueError
        When `max_people` is out of range.
    """
    if not 1 <= max_people <= MAX_PEOPLE:
        raise ValueError(f"max_people: {max_people} is not allowed; it must be from 1 to {MAX_PEOPLE}")
    people = sorted(graph, key=lambda person: (-graph.nodes[person]["pagerank"], person))[:max_people]
    with style.context(["default", _STYLE]), warnings.catch_warnings():
        # A name may hold letters that the font lacks: the PNG has boxes in their place, the SVG the text.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=_PAGE, dpi=_DPI, facecolor=PAPER)
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, _PAGE[0]), ylim=(0, _PAGE[1]), autoscale_on=False)
        axes.set_axis_off()
        _text(axes, _FIELD[0], 8.5, shortened(title, 60), size=22, weight="bold")
        if people:
            _text(axes, _FIELD[0], 8.22, _subtitle(graph), size=10.5, color=GREY)
            shown = graph.subgraph(people)
            _draw_network(axes, shown, people, None if portraits is None else Path(portraits))
            _draw_legend(axes, graph, shown)
        else:
            message = "No two people were seen together."
            _text(axes, _PAGE[0] / 2, _PAGE[1] / 2, message, size=16, ha="center", color=GREY)
        with files.atomic(png) as part:
            figure.savefig(part, format="png", dpi=_DPI, metadata={"Software": None})
        with files.atomic(svg) as part:
            figure.savefig(part, format="svg", dpi=_SVG_DPI, metadata={"Date": None})


# ---- what is drawn ---------------------------------------------------------------------------------------


def _draw_network(axes: Axes, graph: nx.Graph, people: Sequence[int], portraits: Path | None) -> None:
    nodes = [graph.nodes[person] for person in people]
    names = [wrapped(node["label"]) for node in nodes]
    relative = relative_radii(np.array([node["pagerank"] for node in nodes]))
    places = np.array([(node["x"], node["y"]) for node in nodes], dtype=np.float64) / UNITS
    lines = np.array([name.count("\n") + 1 for name in names])
    widths = np.array([_text_width(name, 1.0) for name in names])
    radii, sizes, _, _ = fitted(places, relative, widths, lines)
    centres = places + np.array(_FIELD).reshape(2, 2).mean(axis=0)

    _draw_edges(axes, graph, dict(zip(people, centres, strict=True)))
    chip = {
        "boxstyle": "round,pad=0.12,rounding_size=0.3",
        "facecolor": PAPER,
        "edgecolor": "none",
        "alpha": 0.78,
    }
    for node, name, (x, y), radius, size in zip(nodes, names, centres, radii, sizes, strict=True):
        _draw_person(axes, node, portraits, x, y, radius)
        top = y - radius - 0.35 * size / 72
        _text(axes, x, top, name, size=size, ha="center", va="top", linespacing=1.05, bbox=chip, zorder=4)


def _draw_edges(axes: Axes, graph: nx.Graph, centres: dict[int, Points]) -> None:
    """Draw bent lines, the weakest first, in the mixed colour of both ends."""
    edges = sorted(
        (edge["weight"], *sorted((source, target))) for source, target, edge in graph.edges(data=True)
    )
    strengths = _strengths([weight for weight, _, _ in edges])
    for strength, (_, source, target) in zip(strengths, edges, strict=True):
        start, end = centres[source], centres[target]
        across = (end - start)[::-1] * (-1.0, 1.0)
        curve = Curve(
            [start, (start + end) / 2 + _BEND * across, end], [Curve.MOVETO, Curve.CURVE3, Curve.CURVE3]
        )
        colours = [to_rgb(graph.nodes[person]["colour"]) for person in (source, target)]
        axes.add_patch(
            PathPatch(
                curve,
                facecolor="none",
                edgecolor=tuple(np.mean(colours, axis=0)),
                linewidth=_between(_WIDTH, strength),
                alpha=_between(_OPACITY, strength),
                capstyle="round",
                zorder=1,
            )
        )


def _draw_person(
    axes: Axes, node: dict[str, Any], portraits: Path | None, x: float, y: float, radius: float
) -> None:
    """Draw a portrait in a ring, or initials on a disc."""
    ring = min(max(0.025, 0.075 * radius), 0.3 * radius)
    axes.add_patch(Circle((x, y), radius, facecolor=node["colour"], edgecolor="none", zorder=2))
    axes.add_patch(Circle((x, y), radius - ring, facecolor=PAPER, edgecolor="none", zorder=2))
    inner = radius - 1.45 * ring
    pixels = _portrait(portraits, node["portrait"], math.ceil(2 * inner * _DPI))
    if pixels is None:
        text = _initials(node["label"])
        looks = {"size": 110 * inner / max(2, len(text)), "weight": "bold", "ha": "center", "va": "center"}
        axes.add_patch(
            Circle((x, y), inner, facecolor=node["colour"], edgecolor="none", alpha=0.22, zorder=2)
        )
        _text(axes, x, y, text, color=node["colour"], zorder=3, **looks)
        return
    image = AxesImage(axes, extent=(x - inner, x + inner, y - inner, y + inner), zorder=3)
    image.set_data(pixels)
    image.set_clip_path(Circle((x, y), inner, transform=axes.transData))
    axes.add_image(image)


def _draw_legend(axes: Axes, graph: nx.Graph, shown: nx.Graph) -> None:
    """Explain colours, sizes and lines, and say how much of the network is drawn."""
    left, y = _FIELD[0] + 0.07, 1.2
    x = left
    for swatch, entry in _community_entries(shown):
        width = 0.14 + _text_width(entry, 8.5) + 0.28
        if x + width > _FIELD[2]:
            x, y = left, y - 0.22
        axes.add_patch(Circle((x, y), 0.065, facecolor=swatch, edgecolor="none"))
        _text(axes, x + 0.14, y, entry, size=8.5, va="center_baseline")
        x += width

    x, y = left, 0.34
    weights = sorted({weight for _, _, weight in shown.edges(data="weight")})
    samples = sorted({*weights[:1], *weights[len(weights) // 2 :][:1], *weights[-1:]})
    for weight, strength in zip(samples, _strengths(samples), strict=True):
        axes.plot(
            [x, x + 0.42], [y, y], color=GREY, linewidth=_between(_WIDTH, strength), solid_capstyle="round"
        )
        entry = f"{weight:g}"
        _text(axes, x + 0.53, y, entry, size=8.5, va="center_baseline")
        x += 0.53 + _text_width(entry, 8.5) + 0.22
    sentences = [
        f"{_share(len(shown), len(graph), 'person', 'people')} and "
        f"{_share(shown.number_of_edges(), graph.number_of_edges(), 'pair')} are shown"
        f"{' (the people of the highest PageRank)' if len(shown) < len(graph) else ''}.",
        "Width of a line: weight of the pair, from the frames that show both or one right after the other.",
        "Area of a portrait: PageRank, the smallest enlarged.",
        "Colour: community of people often seen together.",
    ]
    if any(degree == 0 for _, degree in shown.degree):
        sentences.append("Who has no line is seen with people who are not shown.")
    for i, line in enumerate(textwrap.wrap(" ".join(sentences), 130)):
        _text(axes, max(x + 0.2, 3.2), 0.51 - 0.17 * i, line, size=8.5, color=GREY, va="center_baseline")


def _community_entries(graph: nx.Graph) -> list[tuple[str, str]]:
    """Name each community after its member of the highest PageRank; those without a colour come as one."""
    members: dict[int, list[tuple[float, int]]] = {}
    for person, node in graph.nodes.items():
        members.setdefault(min(node["community"], len(COMMUNITIES)), []).append((-node["pagerank"], person))
    entries = []
    for community, people in sorted(members.items()):
        first = shortened(graph.nodes[min(people)[1]]["label"], 28)
        others = f" and {counted(len(people) - 1, 'other')}" if len(people) > 1 else ""
        text = f"{first}{others}" if community < len(COMMUNITIES) else f"{len(people)} in smaller communities"
        entries.append((colour(community), text))
    return entries


# ---- small helpers ---------------------------------------------------------------------------------------


def _strengths(weights: Sequence[float]) -> Points:
    """Map weights to 0 (weakest) to 1 (strongest) by their logarithm; all to 0.5 when they are equal."""
    logs = np.log(np.asarray(weights, dtype=np.float64))
    if len(logs) == 0 or logs.max() == logs.min():
        return np.full(len(logs), 0.5)
    return np.asarray((logs - logs.min()) / (logs.max() - logs.min()))


def _between(limits: tuple[float, float], share: float) -> float:
    return float(limits[0] + (limits[1] - limits[0]) * share**1.5)


def _portrait(folder: Path | None, name: str, size: int) -> NDArray[np.uint8] | None:
    """Read a portrait as `size` x `size` RGB pixels; None when there is none."""
    if folder is None or not name or Path(name).name != name or not (folder / name).is_file():
        return None
    try:
        with Image.open(folder / name) as picture:
            return np.asarray(ImageOps.fit(picture.convert("RGB"), (size, size), Image.Resampling.LANCZOS))
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        logger.warning("portrait %s cannot be read, initials are drawn instead: %s", name, error)
        return None


def _initials(name: str) -> str:
    """Shorten a name to the initials of its first and last word, or to the number it ends with."""
    words = name.split() or ["?"]
    if words[-1].isdigit():
        return words[-1]
    return "".join(word[0].upper() for word in dict.fromkeys((words[0], words[-1])))


def _share(shown: int, all_: int, *noun: str) -> str:
    return f"{shown:,} of {counted(all_, *noun)}" if shown < all_ else counted(all_, *noun)


def _subtitle(graph: nx.Graph) -> str:
    """Tell from when to when what was read was on air; where that is not known, when the pairs were seen."""
    first = graph.graph.get("first_seen") or min(time for _, _, time in graph.edges(data="first_seen"))
    last = graph.graph.get("last_seen") or max(time for _, _, time in graph.edges(data="last_seen"))
    days = (times.day_in_words(datetime.fromisoformat(time)) for time in (first, last))
    return " – ".join(dict.fromkeys(days))


def _text(axes: Axes, x: float, y: float, text: str, *, color: str = INK, **looks: Any) -> None:
    axes.text(x, y, text, color=color, parse_math=False, **looks)


def _text_width(text: str, size: float) -> float:
    """Tell the width of the widest line of a text, in inches."""
    font = FontProperties(size=size)
    widths = [text_to_path.get_text_width_height_descent(line, font, False)[0] for line in text.split("\n")]
    return float(max(widths)) / 72
