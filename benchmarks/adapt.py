"""Measure what a map learned from a run's own frames is worth, on labelled broadcasts.

    uv run python benchmarks/adapt.py [FOLDER ...] [--detector NAME] [--json FILE]

FOLDER is as for `chain.py`. The faces of a folder that show somebody with a name are compared before and
after `castgraph.clustering.adapt`, which learns from all faces of the folder and no name.

- The set: faces, tracklets (of two faces or more), characters, and *density*: characters by tracklets, and
  the mean share of a character's faces.
- Verification: of all pairs of faces with a name, the share of pairs of one person that are nearer than all
  but a share of the others (TPR at FPR).
- Clustering, each algorithm with its usual eps: B-cubed precision, recall and F, noise as single faces;
  normalised mutual information; weighted purity; the number of clusters.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from sklearn.metrics import normalized_mutual_info_score

from castgraph.base.files import atomic
from castgraph.clustering.adapt import METHODS, adapt
from castgraph.clustering.constraints import Constraints, constraints
from castgraph.clustering.dbscan import kernels
from castgraph.clustering.scan import Options
from castgraph.run.clusterings import cluster_faces
from castgraph.run.counted import read_counted
from castgraph.run.names import EPS
from chain import DETECTORS, FOLDERS, NOBODY, Found, find, read_truth

FPRS = (0.001, 0.01)
ALGORITHMS = (*EPS, "hdbscan")
MIN_SAMPLES = 3

console = Console(highlight=False, width=130)

Names = NDArray[np.int64]
Labels = NDArray[np.int32]


def b_cubed(labels: Labels, names: Names) -> tuple[float, float, float]:
    """Give B-cubed precision, recall and F; noise counts as single faces.

    References
    ----------
    A. Bagga and B. Baldwin, "Algorithms for scoring coreference chains", LREC 1998.
    """
    alone = labels < 0
    groups = labels.astype(np.int64)
    groups[alone] = labels.max(initial=0) + 1 + np.arange(int(alone.sum()))
    _, cell, n_cell = np.unique(np.stack([groups, names]), axis=1, return_inverse=True, return_counts=True)
    of_group, of_name = (np.unique(each, return_inverse=True, return_counts=True) for each in (groups, names))
    common = n_cell[cell.ravel()]
    precision = float((common / of_group[2][of_group[1]]).mean())
    recall = float((common / of_name[2][of_name[1]]).mean())
    return precision, recall, 2 * precision * recall / (precision + recall)


def purity(labels: Labels, names: Names) -> float:
    """Give the share of the faces in clusters that are of their cluster's main person."""
    known = labels >= 0
    if not known.any():
        return 0.0
    most = [np.bincount(names[labels == label]).max() for label in np.unique(labels[known])]
    return float(sum(most) / known.sum())


def verification(X: NDArray[np.float32], names: Names) -> dict[str, float]:
    """Give the share of pairs of one person that are found at a share of wrong ones."""
    a, b = np.triu_indices(len(X), 1)
    distance = np.linalg.norm(X[a] - X[b], axis=1)
    same = names[a] == names[b]
    found = {}
    for rate in FPRS:
        threshold = np.quantile(distance[~same], rate) if (~same).any() else np.inf
        found[f"tpr_at_{rate}"] = float((distance[same] < threshold).mean()) if same.any() else 0.0
    return found


def named(found: Found, truth: Any) -> tuple[NDArray[np.intp], Names]:
    """Give the rows of the faces whose person is known, and who it is."""
    rows, who = [], []
    for row, (key, place) in enumerate(zip(found.keys, found.true, strict=True)):
        if place is not None and truth[key][place].person != NOBODY:
            rows.append(row)
            who.append(truth[key][place].person)
    return np.array(rows, np.intp), np.unique(who, return_inverse=True)[1]


def ways(faces: Any, told: Constraints) -> Iterator[tuple[str, NDArray[np.float32] | None]]:
    """Give the maps to compare."""
    yield "raw", None
    for method in METHODS:
        learned = adapt(faces.points, told, method)
        yield method + ("" if learned.facts["learned"] else " (nothing learned)"), learned.matrix


def measure(folder: Path, detector: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Measure a folder."""
    truth = read_truth(folder / "ground_truth.csv")
    rows = []
    with tempfile.TemporaryDirectory(prefix="castgraph-adapt-") as work:
        found = find(folder, truth, detector, Path(work))
        known, names = named(found, truth)
        faces = read_counted(found.faces)
        told = constraints(faces.points, *faces.places())
        n_tracklets = int((np.bincount(told.tracklet, minlength=1) > 1).sum())
        n_people = len(np.unique(names))
        about = {
            "folder": folder.name,
            "faces": len(known),
            "tracklets": n_tracklets,
            "characters": n_people,
            "characters_by_tracklets": n_people / max(1, n_tracklets),
            "mean_share": float(np.mean(np.bincount(names) / len(names))),
        }
        for way, matrix in ways(faces, told):
            mapped = read_counted(found.faces, matrix)
            sure = verification(mapped.points[known], names)
            for algorithm in ALGORITHMS:
                settings = {"algorithm": algorithm, "min_samples": MIN_SAMPLES}
                if algorithm in EPS:
                    settings["eps"] = EPS[algorithm]
                saved = Path(work) / f"{way}-state"
                labels = cluster_faces(mapped, settings, saved, Options(1, kernels()[0]))[known]
                precision, recall, f = b_cubed(labels, names)
                rows.append(
                    {
                        "folder": folder.name,
                        "embeddings": way,
                        "algorithm": algorithm,
                        **sure,
                        "precision": precision,
                        "recall": recall,
                        "f": f,
                        "nmi": float(normalized_mutual_info_score(names, labels)),
                        "purity": purity(labels, names),
                        "clusters": len(np.unique(labels[labels >= 0])),
                    }
                )
    return about, rows


def show(about: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """Print a table."""
    table = Table(
        title=f"{about['folder']}: {about['faces']} faces, {about['tracklets']} tracklets, "
        f"{about['characters']} characters; characters by tracklets {about['characters_by_tracklets']:.2f}, "
        f"mean share {about['mean_share']:.3f}",
        title_justify="left",
    )
    columns = ("embeddings", "algorithm", *(f"tpr_at_{rate}" for rate in FPRS))
    columns = (*columns, "precision", "recall", "f", "nmi", "purity", "clusters")
    for name in columns:
        table.add_column(name, justify="left" if name in columns[:2] else "right")
    for row in rows:
        table.add_row(*(f"{row[c]:.3f}" if isinstance(row[c], float) else str(row[c]) for c in columns))
    console.print(table)


def main(
    folders: Annotated[
        list[Path] | None, typer.Argument(help="Folders with broadcasts and their truth.")
    ] = None,
    detector: Annotated[str, typer.Option(help=f"One of {', '.join(DETECTORS)}.")] = "hog",
    file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
) -> None:
    """Measure what adapted embeddings are worth."""
    if detector not in DETECTORS:
        raise typer.BadParameter(f"no detector {detector}; there are {', '.join(DETECTORS)}")
    measured = []
    for folder in folders or [each for each in FOLDERS if (each / "ground_truth.csv").is_file()]:
        about, rows = measure(folder, detector)
        show(about, rows)
        measured.append({**about, "rows": rows})
    if file:
        with atomic(file) as part:
            part.write_text(json.dumps(measured, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
