"""Reading the frames of a run again, for whoever wants to see some of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from castgraph.archive import Limits, fetch_options, read_selection
from castgraph.archive.media.frames import frames_of
from castgraph.run import config as configuration

Read = Callable[[int], bytes]
"""Gives the picture file of a frame by its number; `LookupError`, with the reason, where it cannot be had."""


class RunFrames:
    """The frames of a run.

    Parameters
    ----------
    run
        The results of the run.
    fetch
        Whether to fetch ZIPs that are not there, for the time of need.

    Raises
    ------
    ValueError
        When the configuration that is kept with the results cannot be used, or is needed and not there.
    OSError
        When the run has no list of its broadcasts.
    """

    def __init__(self, run: Path, *, fetch: bool) -> None:
        self._run, self._fetch = run, fetch
        self._home = home_of(run)
        self._selected = {row.broadcast: row for row in read_selection(run / "selected.csv")}
        self._options = _options(run, self._home, fetch=fetch)

    @contextmanager
    def of(self, broadcast: str) -> Iterator[Read]:
        """Open the frames of a broadcast.

        Raises
        ------
        ValueError
            When the run does not have it.
        """
        path = self._path(broadcast)
        source = self._selected[broadcast].source
        with (
            TemporaryDirectory(prefix="frames-") as scratch,
            frames_of(broadcast, path, source, scratch=Path(scratch), **self._options) as read,
        ):
            yield read

    def hint(self, broadcast: str) -> str:
        """Say what may help where frames of a broadcast cannot be had; empty for nothing."""
        if self._fetch or self._path(broadcast).is_file():
            return ""
        return "; --fetch fetches the ZIP again for the time of need"

    def _path(self, broadcast: str) -> Path:
        row = self._selected.get(broadcast)
        if row is None:
            file = self._run / "selected.csv"
            raise ValueError(f"{file} does not have {broadcast}; the run has to be run again")
        return self._home / "resources" / "zips" / row.origin / f"{broadcast}.zip"


def home_of(run: Path) -> Path:
    """Tell the folder in which a run works: that of ``results/``, which may be a link."""
    return Path(os.path.abspath(run)).parent.parent  # noqa: PTH100


def _options(run: Path, home: Path, *, fetch: bool) -> dict[str, Any]:
    """Tell how frames are read, from the configuration that the run keeps."""
    path = run / "config.yaml"
    if not path.is_file():  # of a run that another workflow uses as a module
        if fetch:
            raise ValueError(f"no {path}, which would tell where to fetch from")
        return {"base_url": None}
    try:
        given = configuration.load(yaml.safe_load(path.read_text(encoding="utf-8")), str(path))
        if not fetch:
            return {"base_url": None, "limits": Limits.of(given["archive"])}
        config = configuration.located(given, (home, Path.cwd(), Path(__file__).resolve().parents[3]))
    except (configuration.ConfigError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: {error}") from error
    archive = config["archive"]
    return {
        "base_url": archive["base_url"],
        "limits": Limits.of(archive),
        **{key: archive[key] for key in ("frame_seconds", "picture_numbers", "programme")},
        **fetch_options(config["compute"], home / "results" / "ledger" / "pace"),
    }
