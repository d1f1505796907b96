"""The configuration of a run: checked against its schema, with defaults filled in."""

from __future__ import annotations

import copy
import difflib
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError

from castgraph.archive.listing.choose import (
    Choice,
    check_excluded,
    narrow,
    parse_all,
    read_excluded,
    read_folder,
    read_list,
    time_zone,
)
from castgraph.base import files

Config = dict[str, Any]

LISTS = ("ids", "file", "folder")
"""The ways to list broadcasts; without any of them, inventories list those of some stations and days."""

_PATHS = ("file", "folder", "exclude", "include")
_NARROWING = ("stations", "from", "to", "title", "weekdays", "hours", "exclude")


class ConfigError(ValueError):
    """A configuration that cannot be used; the message has a line for each thing that is wrong."""


def load(given: Mapping[str, Any], schema: Path) -> Config:
    """Check a configuration and fill in its defaults.

    Parameters
    ----------
    given
        The configuration as the user wrote it. It is not changed.
    schema
        The JSON Schema, as YAML, with defaults.

    Returns
    -------
    dict
        A copy with every key of the schema that has a default. Dates are ISO strings.

    Raises
    ------
    ConfigError
        For unknown keys and wrong types or values: a line each, with the key's path, what was found and
        what is allowed.
    """
    rules = yaml.safe_load(schema.read_text(encoding="utf-8"))
    validator = Draft202012Validator(rules, format_checker=FormatChecker(["date", "regex"]))
    config: Config = _dates_as_text(copy.deepcopy(dict(given)))
    errors = sorted(validator.iter_errors(config), key=lambda error: [str(part) for part in error.path])
    problems = [line for error in errors for line in _describe(error)] + list(_no_numbers(config))
    if not problems:
        _fill_defaults(config, rules)
        problems = [*_broadcast_problems(config["broadcasts"]), *_faces_problems(config["faces"])]
        problems += _clustering_problems(config["clustering"])
    if problems:
        raise ConfigError("the configuration cannot be used:\n" + "\n".join(f"  {line}" for line in problems))
    return config


def located(config: Config, folders: Sequence[Path]) -> Config:
    """Give a copy of `config` in which relative paths to be read are found.

    Parameters
    ----------
    config
        A loaded configuration.
    folders
        Where ``archive.base_url`` and the files and folders of ``broadcasts`` are looked for; the first that
        has them counts. Addresses (``https://…``, ``file://…``) and absolute paths stay as they are.

    Raises
    ------
    ConfigError
        When one of them is nowhere.
    """
    config = copy.deepcopy(config)
    for section, key in (("archive", "base_url"), *(("broadcasts", key) for key in _PATHS)):
        path = config[section].get(key)
        if isinstance(path, str) and "://" not in path:  # some may be lists instead
            found = next((folder / path for folder in folders if (folder / path).exists()), None)
            if found is None:
                where = " and ".join(str(folder) for folder in folders)
                raise ConfigError(f"{section}.{key}: found {path!r}; not there, looked for in {where}")
            config[section][key] = str(found)
    return config


def choice(broadcasts: Mapping[str, Any], base_url: str = "", here: Path | None = None) -> Choice:
    """Tell which broadcasts of a list or of inventories are wanted.

    Parameters
    ----------
    broadcasts
        That section of a loaded configuration, with its paths located.
    base_url
        Where the archive lies.
    here
        The folder that relative sources start from; None for the working directory.

    Raises
    ------
    ConfigError
        When a file of excluded or included broadcasts cannot be used.
    """
    excluded, included = broadcasts.get("exclude", []), broadcasts.get("include", [])
    with _blaming("exclude", excluded):
        if isinstance(excluded, str):
            excluded = read_excluded(Path(excluded))
        check_excluded(excluded)
    with _blaming("include", included):
        if isinstance(included, str):
            include = _not_ours(read_list(Path(included), Choice(), base_url, here))
        else:
            include = dict.fromkeys(included, "")
    # Inventories are those of the stations and days already. What they list beyond midnight belongs to them.
    narrowing = any(key in broadcasts for key in LISTS)
    return Choice(
        stations=broadcasts.get("stations", []) if narrowing else [],
        first=broadcasts.get("from", "") if narrowing else "",
        last=broadcasts.get("to", "") if narrowing else "",
        title=broadcasts.get("title", ""),
        weekdays=broadcasts.get("weekdays", []),
        hours=broadcasts.get("hours", []),
        timezone=broadcasts.get("timezone", "UTC"),
        exclude=excluded,
        include=include,
    )


def listed(
    broadcasts: Mapping[str, Any], base_url: str = "", here: Path | None = None
) -> dict[str, str] | None:
    """Tell the broadcasts that are known without inventories, and what each comes from.

    Parameters
    ----------
    broadcasts
        That section of a loaded configuration, with its paths located.
    base_url
        Where the archive lies. A listed address there is that of the archive's own ZIP.
    here
        The folder that relative sources start from; None for the working directory.

    Returns
    -------
    dict or None
        ID → source, sorted by ID; see `castgraph.archive.listing.choose`. None when inventories tell the
        broadcasts.

    Raises
    ------
    ConfigError
        When what lists them cannot be read or holds something else, and when none is left.
    """
    kind = next((key for key in LISTS if key in broadcasts), None)
    if kind is None:
        return None
    wanted = choice(broadcasts, base_url, here)
    with _blaming(kind, broadcasts[kind]):
        if kind == "file":
            found = _not_ours(read_list(Path(broadcasts["file"]), wanted, base_url, here))
        elif kind == "folder":
            found = narrow(_not_ours(read_folder(Path(broadcasts["folder"]), here)), wanted)
        else:
            found = narrow(dict.fromkeys(broadcasts["ids"], ""), wanted)
    if not found:
        keys = [key for key in _NARROWING if key in broadcasts]
        raise ConfigError(f"broadcasts: none of broadcasts.{kind} is left; narrowed by {', '.join(keys)}")
    return found


def station_days(broadcasts: Mapping[str, Any]) -> list[tuple[str, date]]:
    """List the stations and days whose inventories tell the broadcasts; none when a list does."""
    if any(key in broadcasts for key in LISTS):
        return []
    first, last = (date.fromisoformat(broadcasts[key]) for key in ("from", "to"))
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [(station, day) for station in sorted(broadcasts["stations"]) for day in days]


def _not_ours(sources: dict[str, str]) -> dict[str, str]:
    """Refuse sources where the run keeps its own ZIPs: it would overwrite and remove them."""
    ours = [source for source in sources.values() if "/resources/zips/" in f"/{source}"]
    within = [source for source in ours if "://" not in source and not Path(source).is_absolute()]
    if within:
        raise ValueError(
            f"{within[0]} lies in resources/zips, where the run keeps its own ZIPs and removes them; "
            "move it elsewhere"
        )
    return sources


@contextmanager
def _blaming(key: str, value: object) -> Iterator[None]:
    """Name the key, and the file or folder that it means, in what is wrong with it."""
    try:
        yield
    except ValueError as error:
        where = f"broadcasts.{key}: {value}" if isinstance(value, str) else f"broadcasts.{key}"
        raise ConfigError(f"{where}: {error}") from error


def write(path: Path, config: Config) -> None:
    """Write a configuration as YAML, atomically, so that the run can be repeated with it."""
    with files.atomic(path) as part:
        part.write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _dates_as_text(value: Any) -> Any:
    """YAML reads 2024-01-02 as a date; the schema and the user mean the text."""
    if isinstance(value, Mapping):
        return {key: _dates_as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_dates_as_text(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


def _no_numbers(value: Any, path: str = "") -> Iterator[str]:
    """YAML's ``.nan`` and ``.inf`` are numbers to the schema, and NaN is within any bounds."""
    if isinstance(value, Mapping | list):
        items = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, item in items:
            yield from _no_numbers(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{path}: found {value}; allowed: a finite number"


def _fill_defaults(config: Config, schema: Mapping[str, Any]) -> None:
    for key, rule in schema["properties"].items():
        if "default" in rule:
            config.setdefault(key, copy.deepcopy(rule["default"]))
        if "properties" in rule and key in config:
            _fill_defaults(config[key], rule)


def _describe(error: ValidationError) -> Iterator[str]:
    """Say what is wrong in the words of the configuration rather than of JSON Schema."""
    path = ".".join(str(part) for part in error.path)
    found: Any = error.instance
    rule: Any = error.schema
    if error.validator == "additionalProperties":
        allowed = list(rule["properties"])
        for key in sorted(str(key) for key in found if key not in allowed):
            near = difflib.get_close_matches(key, allowed, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            yield f"{path + '.' if path else ''}{key}: unknown key{hint} Allowed here: {', '.join(allowed)}"
    elif error.validator == "required":
        for key in rule["required"]:
            if key not in found:
                yield f"{path + '.' if path else ''}{key}: missing; {_meaning(rule['properties'][key])}"
    else:
        yield f"{path or 'configuration'}: found {found!r}; allowed: {_allowed(rule)}"


def _meaning(rule: Mapping[str, Any]) -> str:
    return str(rule.get("description", "it must be given"))


def _allowed(rule: Mapping[str, Any]) -> str:
    """Put the rule of a key into words."""
    if "oneOf" in rule:
        return " or ".join(_allowed(option) for option in rule["oneOf"])
    if "const" in rule:
        return repr(rule["const"])
    if "enum" in rule:
        return ", ".join(repr(value) for value in rule["enum"])
    words = {
        "minimum": "at least {}",
        "exclusiveMinimum": "above {}",
        "maximum": "at most {}",
        "minItems": "at least {} item(s)",
        "maxItems": "at most {} item(s)",
        "uniqueItems": "no item twice",
        "minLength": "not empty",
        "pattern": "matching {}",
        "not": "none of {}",
        "format": "a valid {}",
    }
    values = {**rule, "not": rule.get("not", {}).get("enum")}
    limits = [text.format(values[key]) for key, text in words.items() if key in rule]
    return ", ".join([str(rule.get("type", "any value")), *limits])


def _faces_problems(faces: Mapping[str, Any]) -> Iterator[str]:
    if (faces["engine"], faces["detector"]) == ("reference", "cnn") and faces["score_threshold"] < 0:
        yield (
            f"faces.score_threshold: found {faces['score_threshold']}; allowed: at least 0 with faces.engine "
            "reference and faces.detector cnn, as dlib offers no lower one"
        )


def _clustering_problems(clustering: Mapping[str, Any]) -> Iterator[str]:
    if "hdbscan" in clustering["algorithm"] and clustering["min_samples"] < 2:
        yield f"clustering.min_samples: found {clustering['min_samples']}; allowed: at least 2 with hdbscan"
    for place, eps in enumerate(clustering["eps"]):
        # Folders are named after eps, and the name has to tell it.
        if float(f"{eps:.10f}") != eps:
            yield f"clustering.eps.{place}: found {eps!r}; allowed: at most 10 decimals"


def _broadcast_problems(broadcasts: Mapping[str, Any]) -> Iterator[str]:
    """Check what a schema cannot say: which keys go together, real IDs, the order of dates."""
    given = [key for key in LISTS if key in broadcasts]
    if len(given) > 1 or not (given or "stations" in broadcasts):
        found = " and ".join(given) or "none of them"
        yield (
            f"broadcasts: found {found}; allowed: exactly one of {', '.join(LISTS)}, "
            "or stations with from and to"
        )
    elif not given:
        for key in ("from", "to"):
            if key not in broadcasts:
                yield f"broadcasts.{key}: missing; a day YYYY-MM-DD goes with broadcasts.stations"
    if {"from", "to"} <= set(broadcasts) and broadcasts["from"] > broadcasts["to"]:
        first, last = broadcasts["from"], broadcasts["to"]
        yield f"broadcasts.to: found {last}; allowed: {first} (broadcasts.from) or later"
    checks = {"ids": parse_all, "include": parse_all, "exclude": check_excluded, "timezone": time_zone}
    for key, check in checks.items():
        value = broadcasts.get(key, [])
        if value and not (key in _PATHS and isinstance(value, str)):  # a file is read later
            try:
                check(value)
            except ValueError as error:
                yield f"broadcasts.{key}: {error}"
