"""Maps: where like pictures lie near each other on a plane, by PCA, t-SNE and perhaps UMAP."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image
from threadpoolctl import threadpool_limits

from castgraph.base import tables
from castgraph.base.colours import COMMUNITIES, GREY, INK, OTHER_COMMUNITY, PAPER
from castgraph.base.files import atomic
from castgraph.base.tables import NOISE
from castgraph.visual.embed import THUMBNAIL
from castgraph.visual.embedder import EmbedderError
from castgraph.visual.pictures import Place, Share, paste, thumbnails
from castgraph.visual.store import leaders, open_vectors

SEED = 42

MOST_PICTURES = 20_000
"""That are placed; of more, so many are drawn, always the same."""

COORDINATES = 50
"""Principal axes that t-SNE and UMAP are given."""

PERPLEXITY = 30.0

METHODS = ("pca", "tsne", "umap")

_SIDE = 2400
_TILE = 64  # of many pictures
_EDGE = 32
_MOST_TILES = 1500

Points = NDArray[np.float64]


def drawn(n: int) -> NDArray[np.int64]:
    """Choose which of `n` pictures are placed, ascending."""
    if n <= MOST_PICTURES:
        return np.arange(n)
    return np.sort(np.random.default_rng(SEED).choice(n, MOST_PICTURES, replace=False))


def placed(vectors: NDArray[np.float32], methods: Sequence[str]) -> dict[str, Points]:
    """Place pictures on planes.

    Parameters
    ----------
    vectors
        Of unit length, shape (n, d).
    methods
        Of `METHODS`.

    Returns
    -------
    dict
        Method → coordinates of shape (n, 2), the same for the same vectors, for any number of threads.

    Raises
    ------
    EmbedderError
        When umap is asked for and not there.

    References
    ----------
    L. van der Maaten and G. Hinton, "Visualizing Data using t-SNE", JMLR 9 (2008); scikit-learn's
    Barnes-Hut. L. McInnes, J. Healy and J. Melville, "UMAP", arXiv 1802.03426 (2018).
    """
    n = len(vectors)
    # With several threads sums are made in another order.
    with threadpool_limits(1):
        few = principal(vectors, min(COORDINATES, *vectors.shape)) if n else np.empty((0, 2))
        found: dict[str, Points] = {}
        if "pca" in methods:
            found["pca"] = np.pad(few, [(0, 0), (0, 2)])[:, :2]
        if "tsne" in methods:
            found["tsne"] = _tsne(few)
        if "umap" in methods:
            found["umap"] = _umap(few)
    return {method: _rounded(points) for method, points in found.items()}


def _rounded(points: Points) -> Points:
    """Leave out digits that nobody sees."""
    size = float(np.abs(points).max(initial=0))
    return np.round(points / size, 5) if size else points


def principal(vectors: NDArray[np.floating], k: int) -> Points:
    """Give coordinates along the `k` principal axes, each turned so that its largest entry is positive."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    if len(vectors) < vectors.shape[1]:  # the same from the products of pictures, which are fewer
        values, sides = np.linalg.eigh(centred @ centred.T)
        found = sides[:, ::-1][:, :k] * np.sqrt(np.maximum(values[::-1][:k], 0))
    else:
        axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :k]
        found = centred @ axes
    at = np.abs(found).argmax(axis=0)
    signs = np.sign(found[at, np.arange(found.shape[1])])
    return np.asarray(found * np.where(signs == 0, 1, signs))


def _tsne(few: Points) -> Points:
    n = len(few)
    if n < 4:  # scikit-learn needs more pictures than the perplexity
        return np.pad(few, [(0, 0), (0, 2)])[:, :2]
    from sklearn.manifold import TSNE  # slow to import

    start = np.pad(few, [(0, 0), (0, 2)])[:, :2]
    spread = float(start[:, 0].std())
    start = start / spread * 1e-4 if spread else np.random.default_rng(SEED).normal(0, 1e-4, (n, 2))
    # As scikit-learn's "auto" (Belkina et al. 2019), whose least, 50, throws some of few pictures far away.
    rate = max(n / 48, 10.0)
    model = TSNE(
        perplexity=min(PERPLEXITY, (n - 1) / 3),
        learning_rate=rate,
        init=start.astype(np.float32),
        random_state=SEED,
        n_jobs=1,
    )
    return np.asarray(model.fit_transform(few.astype(np.float32)), np.float64)


def _umap(few: Points) -> Points:
    try:
        from umap import UMAP
    except ImportError as error:
        raise EmbedderError(
            "visual.umap needs the package umap-learn; run `uv sync --extra umap`, or set visual.umap: false"
        ) from error
    if len(few) < 5:
        return np.pad(few, [(0, 0), (0, 2)])[:, :2]
    model = UMAP(n_neighbors=min(15, len(few) - 1), random_state=SEED, n_jobs=1)
    return np.asarray(model.fit_transform(few), np.float64)


def write_map(
    path: Path, frames: str | os.PathLike[str], methods: Sequence[str], facts: Mapping[str, Any]
) -> None:
    """Place the pictures of a run, and write where they are.

    Parameters
    ----------
    path
        The table to write.
    frames
        The table of the frames of the run as wholes.
    methods
        Of `METHODS`.
    facts
        What the provenance begins with.
    """
    table = tables.read(frames, tables.VISUAL_FRAMES, ["broadcast", "frame", "alike", "group"])
    number, alike = (table[name].to_numpy() for name in ("frame", "alike"))
    leading = leaders(number, alike)
    vectors = open_vectors(frames)
    rows = drawn(len(vectors))
    points = placed(np.asarray(vectors[rows]), methods)
    part = table.select(["broadcast", "frame", "group"]).take(pa.array(leading[rows]))
    for method in METHODS:
        empty = np.full((len(rows), 2), np.nan)
        for axis, values in zip("xy", points.get(method, empty).T, strict=True):
            part = part.append_column(f"{method}_{axis}", pa.array(values, from_pandas=True))
    told = {**facts, "n_pictures": len(vectors), "n_placed": len(rows), "seed": SEED}
    tables.write(path, part.cast(tables.VISUAL_MAP), told, tables.VISUAL_MAP)


def draw_points(path: Path, table: pa.Table, method: str) -> None:
    """Draw the pictures as points, the groups in colours and what is in no group in grey, as a PNG."""
    from matplotlib.figure import Figure

    points, group = _points(table, method)
    figure = Figure(figsize=(10, 10), layout="constrained", facecolor=PAPER)
    axes = figure.add_subplot(facecolor=PAPER)
    colours = np.array([*COMMUNITIES, OTHER_COMMUNITY])
    n_told = len(COMMUNITIES)
    for number in range(NOISE, n_told + 1):
        here = group >= n_told if number == n_told else group == number
        if here.any():
            told = (
                "no group" if number == NOISE else "other groups" if number == n_told else f"group {number}"
            )
            colour = GREY if number == NOISE else colours[number]
            axes.scatter(
                points[here, 0],
                points[here, 1],
                s=6 if number == NOISE else 14,
                color=colour,
                alpha=0.35 if number == NOISE else 0.85,
                linewidths=0,
                label=f"{told} ({here.sum()})",
            )
    if len(points):
        axes.legend(frameon=False, fontsize=8, markerscale=1.5)
    _bare(axes, method, len(points))
    with atomic(path) as part:
        figure.savefig(part, format="png", dpi=150, metadata={"Software": None})


def draw_pictures(
    path: Path,
    table: pa.Table,
    method: str,
    embedded: Mapping[str, str | os.PathLike[str]],
    hidden: Mapping[Place, Sequence[Share]],
) -> None:
    """Draw the pictures themselves where they lie, as a PNG.

    Of more than fit, such as stand apart from those before; earlier ones lie on top.
    """
    points, _ = _points(table, method)
    image = Image.new("RGB", (_SIDE, _SIDE), PAPER)
    if len(points):
        low, high = points.min(axis=0), points.max(axis=0)
        size = np.where(high > low, high - low, 1)
        tile = int(np.clip(_SIDE / (2 * np.sqrt(len(points))), _TILE, THUMBNAIL))  # few have room
        room = _SIDE - 2 * _EDGE - tile
        corner = ((points - low) / size * room).round().astype(int)
        corner[:, 1] = room - corner[:, 1]
        corner += _EDGE
        rows = np.arange(len(points))
        if len(rows) > _MOST_TILES:
            cells = corner // (tile // 2)
            rows = np.sort(np.unique(cells, axis=0, return_index=True)[1])[:_MOST_TILES]
        names, frames = table["broadcast"].to_pylist(), table["frame"].to_pylist()
        places = [(names[row], frames[row]) for row in rows.tolist()]
        pictures = thumbnails(embedded, places, hidden)
        for row, place in reversed(list(zip(rows.tolist(), places, strict=True))):
            left, top = corner[row].tolist()
            paste(image, pictures.get(place), left, top, width=tile)
    with atomic(path) as part:
        image.save(part, format="PNG")


def _points(table: pa.Table, method: str) -> tuple[Points, NDArray[np.int64]]:
    columns = [table[f"{method}_{axis}"].to_numpy(zero_copy_only=False) for axis in "xy"]
    points = np.column_stack([np.asarray(column, np.float64) for column in columns])
    return points, table["group"].to_numpy().astype(np.int64)


def _bare(axes: Any, method: str, n: int) -> None:
    names = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}
    axes.set_title(f"{n:,} pictures by {names[method]}; near means alike", color=INK, fontsize=11, loc="left")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
