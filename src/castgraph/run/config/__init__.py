"""The configuration of a run: checked, with defaults filled in.

A section is a file here, with a pydantic model, and what is said of a key is said there alone:
``config/config.yaml``, the tables of ``config/README.md`` and the JSON Schema for editors are made from it
(``documents``).
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import ValidationError

from castgraph.archive.address import without_login
from castgraph.archive.listing.choose import Choice, check_excluded, narrow
from castgraph.archive.listing.folders import Found, read_folder
from castgraph.archive.listing.left_alone import LeftAlone
from castgraph.archive.listing.lists import read_excluded, read_list
from castgraph.base import files
from castgraph.run.config.broadcasts import LISTS
from castgraph.run.config.messages import problems
from castgraph.run.config.model import Config

__all__ = ["LISTS", "Chosen", "Config", "ConfigError", "chosen", "load", "located", "station_days", "write"]

_PATHS = (
    ("archive", "base_url"),
    *(("broadcasts", key) for key in ("file", "folder", "exclude", "include")),
    *(("people", key) for key in ("corrections", "gallery", "follow")),
)
_NARROWING = ("stations", "from", "to", "title", "weekdays", "hours", "exclude")


class ConfigError(ValueError):
    """A configuration that cannot be used; the message has a line for each thing that is wrong.

    Parameters
    ----------
    problems
        What is wrong, each beginning with the key.
    file
        The name of the configuration's file; empty where there is none.
    """

    def __init__(self, *problems: str, file: str = "") -> None:
        prefix = f"{file}: " if file else ""
        lines = "\n".join(f"  {prefix}{without_login(problem)}" for problem in problems)
        super().__init__(f"the configuration cannot be used:\n{lines}")
        self._problems = problems

    def within(self, file: str) -> ConfigError:
        """Give the same error with the name of the configuration's file."""
        return ConfigError(*self._problems, file=file)


def load(given: Mapping[str, Any], file: str = "") -> dict[str, Any]:
    """Check a configuration and fill in its defaults.

    Parameters
    ----------
    given
        The configuration as the user wrote it. It is not changed.
    file
        The name of its file, for messages.

    Returns
    -------
    dict
        A copy with every key that has a default: plain values, lists and one dictionary a section. Dates are
        ISO strings, a list of one is a list, and numbers without decimals are whole ones.

    Raises
    ------
    ConfigError
        For unknown keys, wrong types or values, and what does not go together: a line each, with the key's
        path, what was found and what is allowed.

    Examples
    --------
    >>> load({"run": "mine", "broadcasts": {"ids": "NTV_20261001_030000"}})["clustering"]["algorithm"]
    ['linkage']
    """
    config = _plain(given)
    try:
        checked = Config.model_validate(config)
    except ValidationError as error:
        raise ConfigError(*problems(error, config), file=file) from None
    whole: dict[str, Any] = _plain(checked.model_dump())
    return whole


def located(config: dict[str, Any], folders: Sequence[Path]) -> dict[str, Any]:
    """Give a copy of `config` in which relative paths to be read are found.

    Parameters
    ----------
    config
        A loaded configuration.
    folders
        Where ``archive.base_url``, the files and folders of ``broadcasts``, ``people`` and
        ``network.compare``, ``faces.embedder.onnx``, the files of ``visual`` and ``labelling.entities`` are
        looked for; the first that has them counts.
        Addresses (``https://…``, ``file://…``) and absolute paths stay as they are.

    Returns
    -------
    dict
        ``faces.embedder.sha256`` is that of the file.

    Raises
    ------
    ConfigError
        When one of them is nowhere, or an embedder is not the file that is wanted.
    """
    config = copy.deepcopy(config)
    for section, key in _PATHS:
        path = config[section].get(key)
        if isinstance(path, str) and "://" not in path:  # some may be lists instead
            config[section][key] = _found(f"{section}.{key}", path, folders)
    compared = config["network"]["compare"]
    config["network"]["compare"] = [_found("network.compare", path, folders) for path in compared]
    if embedder := config["faces"]["embedder"]:
        embedder["onnx"] = _found("faces.embedder.onnx", embedder["onnx"], folders)
        embedder["sha256"] = _identified("faces.embedder", **embedder)
    visual = config["visual"]
    if own := visual["onnx"]:
        for key in ("images", "texts", "tokenizer"):
            own[key] = own[key] and _found(f"visual.onnx.{key}", own[key], folders)
        own["sha256"] = _identified("visual.onnx", own["images"], own["sha256"], "images")
    if visual["model_path"]:
        visual["model_path"] = _found("visual.model_path", visual["model_path"], folders)
    labelling = config["labelling"]
    if paths := labelling["entities"]:
        labelling["entities"] = [_found("labelling.entities", path, folders) for path in paths]
    return config


def _found(key: str, path: str, folders: Sequence[Path]) -> str:
    found = next((folder / path for folder in folders if (folder / path).exists()), None)
    if found is None:
        where = " and ".join(str(folder) for folder in folders)
        raise ConfigError(f"{key}: found {path!r}; not there, looked for in {where}")
    return str(found)


def _identified(section: str, onnx: str, sha256: str | None, key: str = "onnx", **_: Any) -> str:
    """Take the SHA-256 of an embedder's file; it may only be the one that is wanted."""
    try:
        with Path(onnx).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ConfigError(f"{section}.{key}: {onnx} cannot be read ({error.strerror})") from error
    if sha256 not in (None, found):
        raise ConfigError(f"{section}.sha256: found {sha256}; {onnx} has {found}")
    return found


class Chosen(NamedTuple):
    """Which broadcasts a configuration means.

    Attributes
    ----------
    choice
        What is wanted of those that are listed, or that inventories tell.
    sources
        ID → what it comes from, sorted by ID, of the broadcasts that are known without inventories; see
        `castgraph.archive.listing.choose`. None when inventories tell them.
    left_alone
        What the lists and folders hold and is not taken.
    """

    choice: Choice
    sources: Mapping[str, str] | None
    left_alone: tuple[LeftAlone, ...]


def chosen(
    broadcasts: Mapping[str, Any], base_url: str = "", here: Path | None = None, *, check: bool = True
) -> Chosen:
    """Tell which broadcasts a configuration means, and what of its lists and folders is left alone.

    Parameters
    ----------
    broadcasts
        That section of a loaded configuration, with its paths located.
    base_url
        Where the archive lies. A listed address there is that of the archive's own ZIP.
    here
        The folder that relative sources start from; None for the working directory.
    check
        Whether to see that listed paths lead to sources. Jobs need not do so again: what has gone since is
        missing.

    Raises
    ------
    ConfigError
        When what lists broadcasts cannot be read or holds something else, and when none is left.
    """
    excluded, included = broadcasts.get("exclude", []), broadcasts.get("include", [])
    with _blaming("exclude", excluded):
        if isinstance(excluded, str):
            excluded = read_excluded(Path(excluded))
        check_excluded(excluded)
    with _blaming("include", included):
        if isinstance(included, str):
            include = _not_ours(read_list(Path(included), Choice(), base_url, here, check=check))
        else:
            include = Found(dict.fromkeys(included, ""))
    kind = next((key for key in LISTS if key in broadcasts), None)
    # Inventories are those of the stations and days already. What they list beyond midnight belongs to them.
    choice = Choice(
        stations=broadcasts.get("stations", []) if kind else [],
        first=broadcasts.get("from", "") if kind else "",
        last=broadcasts.get("to", "") if kind else "",
        title=broadcasts.get("title", ""),
        weekdays=broadcasts.get("weekdays", []),
        hours=broadcasts.get("hours", []),
        timezone=broadcasts.get("timezone", "UTC"),
        exclude=excluded,
        include=include.sources,
    )
    if kind is None:
        return Chosen(choice, None, include.left_alone)
    with _blaming(kind, broadcasts[kind]):
        if kind == "file":
            found = _not_ours(read_list(Path(broadcasts["file"]), choice, base_url, here, check=check))
        elif kind == "folder":
            found = _not_ours(read_folder(Path(broadcasts["folder"]), choice, here))
        else:
            found = Found(narrow(dict.fromkeys(broadcasts["ids"], ""), choice))
    if not found.sources:
        keys = [key for key in _NARROWING if key in broadcasts]
        raise ConfigError(f"broadcasts: none of broadcasts.{kind} is left; narrowed by {', '.join(keys)}")
    return Chosen(choice, found.sources, (*include.left_alone, *found.left_alone))


def station_days(broadcasts: Mapping[str, Any]) -> list[tuple[str, date]]:
    """List the stations and days whose inventories tell the broadcasts; none when a list does."""
    if any(key in broadcasts for key in LISTS):
        return []
    first, last = (date.fromisoformat(broadcasts[key]) for key in ("from", "to"))
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [(station, day) for station in sorted(broadcasts["stations"]) for day in days]


def _not_ours(found: Found) -> Found:
    """Refuse sources where the run keeps its own ZIPs: it would overwrite and remove them."""
    ours = [source for source in found.sources.values() if "/resources/zips/" in f"/{source}"]
    within = [source for source in ours if "://" not in source and not Path(source).is_absolute()]
    if within:
        raise ValueError(
            f"{within[0]} lies in resources/zips, where the run keeps its own ZIPs and removes them; "
            "move it elsewhere"
        )
    return found


@contextmanager
def _blaming(key: str, value: object) -> Iterator[None]:
    """Name the key, and the file or folder that it means, in what is wrong with it."""
    try:
        yield
    except ValueError as error:
        where = f"broadcasts.{key}: {value}" if isinstance(value, str) else f"broadcasts.{key}"
        raise ConfigError(f"{where}: {error}") from error


def write(path: Path, config: dict[str, Any]) -> None:
    """Write a configuration as YAML, atomically, so that the run can be repeated with it."""
    with files.atomic(path) as part:
        part.write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _plain(value: Any) -> Any:
    """Give a copy without kinds of values that are one to the user: 2024-01-02 and its text, 4 and 4.0."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value.isoformat() if isinstance(value, date) else value
