"""What is wrong with a configuration, in the words of its user."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from pydantic import ValidationError

from castgraph.archive.address import without_login
from castgraph.run.config.fields import TOGETHER
from castgraph.run.config.model import Config

_NOT_SHARED = "taken out: one job makes a clustering, however large it is; see docs/clustering.md"
_COMPUTE = {
    "faces": ("threads", "providers", "borrow"),
    "archive": ("attempts", "timeout", "max_mb_per_s", "keep_zips"),
}
OLD_KEYS: Mapping[str, str] = {
    "scratch": "now compute.scratch",
    "cluster": "now clustering",
    **{f"{section}.{key}": f"moved to compute.{key}" for section, keys in _COMPUTE.items() for key in keys},
    **{
        f"{section}.{key}": _NOT_SHARED
        for section in ("cluster", "clustering")
        for key in ("share_jobs", "share_above")
    },
}
"""Key of an older configuration → what became of it."""

_TOLD = 10  # wrong items of one list that are told one by one
_LONGEST = 200  # characters of a value that are shown

Rule = Mapping[str, Any]
Where = Sequence[str | int]


@cache
def rules() -> Mapping[str, Rule]:
    """Give the JSON Schema of every section and key by its path, such as ``faces.engine``."""
    whole = Config.model_json_schema()
    return dict(_rules("", whole, whole["$defs"]))


def _rules(path: str, section: Rule, sections: Mapping[str, Rule]) -> Iterator[tuple[str, Rule]]:
    """Give the rules of a section's keys and, after each that is a section or may be one, of its keys."""
    for name, rule in section["properties"].items():
        key = f"{path}.{name}" if path else name
        options = [
            sections[option["$ref"].rpartition("/")[2]] if "$ref" in option else option
            for option in rule.get("anyOf", [rule])
        ]
        yield key, {**rule, "anyOf": options} if "anyOf" in rule else options[0]
        for option in options:
            if "properties" in option:
                yield from _rules(key, option, sections)


def words(rule: Rule) -> str:
    """Put the rule of a key into words."""
    if "anyOf" in rule:
        single, several, *others = rule["anyOf"]
        if several.get("items") == single:  # a value that may stand for a list of one
            told = f"{words(single)}, or a list of such values{_limits(several)}"
            return ", or ".join([told, *map(words, others)])
        return " or ".join(words(option) for option in rule["anyOf"])
    if "const" in rule:
        return repr(rule["const"])
    if "enum" in rule:
        *values, last = map(repr, rule["enum"])
        return f"{', '.join(values)} or {last}"
    if rule["type"] == "array":
        return f"a list{_limits(rule)}, each {words(rule['items'])}"
    if rule["type"] == "object":
        return f"a section with the keys {', '.join(rule['properties'])}"
    if rule["type"] == "string":
        return str(rule.get("allowed", "text"))
    return _TYPES[str(rule["type"])] + _limits(rule)


_TYPES = {"integer": "a whole number", "number": "a number", "boolean": "true or false", "null": "null"}
_LIMITS = (
    (("minimum", "maximum"), "{} to {}"),
    (("minItems", "maxItems"), "{}"),
    (("minimum",), "at least {}"),
    (("exclusiveMinimum",), "above {}"),
    (("maximum",), "at most {}"),
    (("minItems",), "{} or more"),
    (("allowed",), "{}"),
)


def _limits(rule: Rule) -> str:
    said: set[str] = set()
    limits = []
    for keys, text in _LIMITS:
        if said.isdisjoint(keys) and rule.keys() >= set(keys):
            limits.append(text.format(*(rule[key] for key in keys)))
            said.update(keys)
    return f" ({', '.join(limits)})" if limits else ""


def meaning(rule: Rule) -> str:
    """Give the first sentence of a key's description, or of a section's."""
    text = str(rule["description"])
    first, end, _ = text.partition(". ")
    return (first + end).strip().removesuffix(".")


def problems(error: ValidationError, given: Mapping[str, Any]) -> list[str]:
    """Tell everything that is wrong with a configuration: the key, what was found, and what is allowed.

    Parameters
    ----------
    error
        What its model says.
    given
        The configuration.
    """
    known = rules()
    old = {path for path in OLD_KEYS if _is_in(given, path)}
    lines = [f"{path}: {told}" for path, told in OLD_KEYS.items() if path in old]
    n_told: Counter[str] = Counter()
    for each in error.errors(include_url=False):
        where = each["loc"]
        depth = _depth(where, known)
        key = ".".join(map(str, where[:depth]))
        if each["type"] == TOGETHER:
            lines += [f"{'.'.join(filter(None, (key, name)))}: {told}" for name, told in _listed(each)]
        elif each["type"] in ("extra_forbidden", "invalid_key"):
            if key not in old:
                lines.append(_unknown(key, ".".join(map(str, where[: depth - 1])), known))
        elif each["type"] == "missing":
            lines.append(f"{key}: missing; {meaning(known[key])}")
        else:
            n_told[key] += 1
            line = _wrong(where, key, given, known)
            if n_told[key] <= _TOLD and line not in lines:  # each part of an alternative has an error
                lines.append(line)
    lines += [f"{key}: {n - _TOLD} more" for key, n in n_told.items() if n > _TOLD]
    return lines


def _depth(where: Where, known: Mapping[str, Rule]) -> int:
    """Tell how many parts of a place are those of its key; what follows is a place in the value."""
    sections = {path.rpartition(".")[0] for path in known}
    depth = 0
    while depth < len(where) and ".".join(map(str, where[:depth])) in sections:
        depth += 1
    return depth


def _listed(error: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    found: Sequence[tuple[str, str]] = error["ctx"]["problems"]
    return found


def _unknown(key: str, section: str, known: Mapping[str, Rule]) -> str:
    prefix = f"{section}." if section else ""
    allowed = [path.removeprefix(prefix) for path in known if path.startswith(prefix)]
    allowed = [name for name in allowed if "." not in name]
    near = difflib.get_close_matches(key.removeprefix(prefix), allowed, n=1)
    hint = f"; did you mean {near[0]}?" if near else ";"
    return f"{key}: unknown key{hint} Allowed here: {', '.join(allowed)}"


def _wrong(where: Where, key: str, given: Any, known: Mapping[str, Rule]) -> str:
    """Tell of one wrong value, by its place in a list where it is in one."""
    rule = known.get(key, {"type": "object", "properties": known})
    found, depth = given, _depth(where, known)
    for part in where[:depth]:
        found = found[part]
    place = where[depth] if len(where) > depth else None
    if isinstance(found, list) and isinstance(place, int):
        options = [option for option in rule.get("anyOf", [rule]) if option.get("type") == "array"]
        rule = options[0]["items"]
        found, key = found[place], f"{key}.{place}"
    return f"{key or 'configuration'}: found {_shortened(found)}; allowed: {words(rule)}"


def _shortened(found: Any) -> str:
    whole = without_login(repr(found))  # before it is cut: what is hidden ends with a sign
    return whole if len(whole) <= _LONGEST else f"{whole[:_LONGEST]}…"


def _is_in(given: Mapping[str, Any], path: str) -> bool:
    section, _, key = path.partition(".")
    if not key:
        return section in given
    return isinstance(given.get(section), Mapping) and key in given[section]
