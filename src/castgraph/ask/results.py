"""The results of a run, and which of its clusterings is meant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import yaml

from castgraph.archive import frame_links, read_selection
from castgraph.base import tables
from castgraph.base.text import quoted
from castgraph.run.config.people import People
from castgraph.run.names import clusterings

RUN_TABLES = "results/{run}/"
"""What the path of a table of one run begins with; the others are of all runs."""

ALL_FACES: Mapping[str, tuple[str, ...]] = {
    "faces": ("face",),
    "labels": ("face",),
    "members": ("face",),
    "constraints": ("face", "other"),
}
"""The tables of all faces of a run, hidden ones too, and their columns with numbers of faces."""


class Results:
    """The results of a run, as one of its clusterings has them.

    Parameters
    ----------
    path
        The folder of a run, such as ``results/demo``, or of one of its clusterings.
    clustering
        The folder of the clustering in the run; empty for that of `path`, else the recommended one, else the
        only one.

    Attributes
    ----------
    run
        The folder of the run.
    clustering
        The name of the clustering; empty where the run has none yet.

    Raises
    ------
    ValueError
        When there are no such results, or several clusterings of which none is recommended; the message names
        what there is.
    """

    def __init__(self, path: Path, clustering: str = "") -> None:
        self.run, of_path = path, ""
        if not _is_run(path) and _is_run(path.absolute().parent):
            self.run, of_path = path.parent, path.absolute().name
        if not _is_run(self.run):
            raise ValueError(f"{path}: not the results of a run; those are a folder such as results/demo")
        if of_path and clustering not in ("", of_path):
            raise ValueError(f"{path} is the clustering {of_path!r}, and --clustering says {clustering!r}")
        self.clustering = self._chosen(clustering or of_path)

    def _chosen(self, given: str) -> str:
        there = sorted({path.parent.name for path in self.run.glob("*/labels.parquet")})
        if given:
            if given not in there:
                raise ValueError(
                    f"{self.run} has no clustering {quoted(given)}; there are: {', '.join(there) or 'none'}"
                )
            return given
        recommended = self._recommended()
        if recommended in there:
            return recommended
        # What an earlier configuration left in the folder is not meant.
        configured = clusterings(**self.config["clustering"]) if "clustering" in self.config else {}
        meant = [name for name in there if name in configured] or there
        if len(meant) > 1:
            raise ValueError(
                f"{self.run} has several clusterings, none of them recommended; choose one with "
                f"--clustering: {', '.join(meant)}"
            )
        return meant[0] if meant else ""

    def _recommended(self) -> str:
        try:
            return str(tables.read_provenance(self.run / "sweep.parquet").get("recommended") or "")
        except (OSError, ValueError):  # there is none, or it is no table
            return ""

    @cached_property
    def config(self) -> dict[str, Any]:
        """The configuration that is kept with the results; empty where none is, as with a run of a module."""
        path = self.run / "config.yaml"
        try:
            found = yaml.safe_load(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ValueError(f"{path} cannot be read: {error}") from error
        if not isinstance(found, dict):
            raise ValueError(f"{path} is not the configuration of a run")
        return found

    def path(self, table: str) -> Path:
        """Tell where a table of the registry lies."""
        path = tables.TABLES[table].path.removeprefix(RUN_TABLES)
        return self.run / path.replace("{clustering}", self.clustering)

    @property
    def frame_seconds(self) -> float:
        """Seconds between two frames."""
        if "archive" in self.config:
            return float(self.config["archive"]["frame_seconds"])
        people = tables.read(self.path("people"), tables.PEOPLE, ["n_frames", "screen_seconds"])
        if not len(people):
            raise ValueError(f"{self.run} has no config.yaml, which tells the seconds between two frames")
        first = people.slice(0, 1).to_pylist()[0]
        return float(first["screen_seconds"] / first["n_frames"])

    @property
    def min_seconds(self) -> float:
        """Who is on screen for less is left out of what is written out."""
        section: dict[str, Any] = self.config.get("people") or {}
        return float(section.get("min_seconds", People.model_fields["min_seconds"].default))

    def links(self) -> Callable[[str, int], str]:
        """Make what gives the address of a frame; empty for all where no configuration is kept."""
        if "archive" not in self.config:
            return lambda broadcast, frame: ""
        keys = ("base_url", "frame_url", "frame_seconds")
        section = self.config["archive"]
        return frame_links(read_selection(self.run / "selected.csv"), **{key: section[key] for key in keys})

    def left_out(self) -> set[tuple[str, int]]:
        """Give the faces that are nobody's to see: ignored, or no faces; by broadcast and face."""
        path = self.path("members")
        if not self.clustering or not path.is_file():
            return set()
        hidden = pa.array([tables.WHY[place] for place in tables.LEFT_OUT])
        found: set[tuple[str, int]] = set()
        for batch in tables.batches(path, tables.MEMBERS, ["broadcast", "face", "why"]):
            part = batch.filter(pc.is_in(batch["why"].cast(pa.string()), value_set=hidden))
            found |= set(zip(part["broadcast"].to_pylist(), part["face"].to_pylist(), strict=True))
        return found


def _is_run(folder: Path) -> bool:
    return (folder / "faces.parquet").is_file() or (folder / "broadcasts.parquet").is_file()
