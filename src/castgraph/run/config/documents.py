"""What is written about the configuration, made from its models.

``make generate`` writes the comments of ``config/config.yaml``, the tables of ``config/README.md`` and the
JSON Schema for editors; a test sees that they are as it writes them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from castgraph.run.config.messages import Rule, meaning, rules, words
from castgraph.run.config.model import Config

_WIDTH = 110
_COMMENTS = 30  # the column where comments behind values begin
_TABLE = re.compile(r"(?<=<!-- keys: )(\w+(?: \w+)*)( -->\n).*?(?=<!-- -->)", re.DOTALL)
_HEAD = """\
# yaml-language-server: $schema=../workflow/schemas/config.schema.json
# The demo: nine listed broadcasts of synthetic people, read from this repository as an archive would be.
# This is the configuration when none is given. Copy it to config/mine.yaml for a run of your own and use
#     uv run snakemake --cores 64 --configfile config/mine.yaml
# Every key that is left out there takes its default; config/README.md explains them all. The comments here
# come from src/castgraph/run/config (make generate).
"""


def json_schema() -> str:
    """Write the JSON Schema of the configuration, for editors."""
    schema = _told({"$schema": "https://json-schema.org/draft/2020-12/schema", **Config.model_json_schema()})
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def tables(readme: str) -> str:
    """Put the tables of keys into the text of ``config/README.md``, each between its marks.

    ``<!-- keys: run broadcasts -->`` begins the table of these sections and keys, ``<!-- -->`` ends it.
    """
    known = rules()

    def table(found: re.Match[str]) -> str:
        wanted = found[1].split()
        rows = [
            _row(path, rule) for path, rule in known.items() if path.split(".")[0] in wanted and _is_key(rule)
        ]
        return "\n".join(
            [found[1] + found[2] + "| key | type, default | meaning |", "|---|---|---|", *rows, ""]
        )

    return _TABLE.sub(table, readme)


def demo(values: Mapping[str, Any]) -> str:
    """Write ``config/config.yaml``: every key with its comment.

    Parameters
    ----------
    values
        Of the demo. A key that it does not give is shown with an example, as a comment.
    """
    return _HEAD + "\n".join(_demo_lines(values)) + "\n"


def _demo_lines(values: Mapping[str, Any]) -> Iterator[str]:
    known = rules()
    for path, rule in known.items():
        section, _, key = path.rpartition(".")
        if not _is_key(rule):
            yield from ("", f"# {rule['description']}", f"{path}:")
        elif not section:
            yield from ("", *_entry(path, values[path], _comment(rule), ""))
        elif "." in section:
            continue  # of a section that may be there
        elif key in values[section]:
            yield from _entry(key, values[section][key], _comment(rule), "  ")
        else:
            yield from _entry(key, rule["examples"][0], _comment(rule), "  # ")


def _entry(key: str, value: Any, comment: str, indent: str) -> Iterator[str]:
    """Put the comment behind the value, or above it where it is too long."""
    line = f"{indent}{key}: {_in_yaml(value)}"
    behind = f"{line.ljust(_COMMENTS)} # {comment}"
    if len(behind) <= _WIDTH:
        yield behind
    else:
        yield from (f"{indent[:2]}# {comment}", line)


def _in_yaml(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        value = date.fromisoformat(value)
    text = yaml.safe_dump(value, default_flow_style=True, width=1000, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")


def _comment(rule: Rule) -> str:
    return meaning(rule).replace("`", "")


def _row(path: str, rule: Rule) -> str:
    default = (
        f", `{_in_yaml(rule['default'])}`" if rule.get("default") is not None or "null" in words(rule) else ""
    )
    allowed = re.sub(r"'([^']+)'", r"`\1`", words(rule))
    return f"| `{path}` | {allowed}{default} | {rule['description']} |"


def _is_key(rule: Rule) -> bool:
    return rule.get("type") != "object"


def _told(rule: Any) -> Any:
    """Leave out of a schema what is not for editors: made-up titles, and what is allowed in our words."""
    if isinstance(rule, list):
        return [_told(item) for item in rule]
    if not isinstance(rule, dict):
        return rule
    left_out = {"title"} if isinstance(rule.get("title"), str) else set()
    left_out |= {"allowed"} if isinstance(rule.get("allowed"), str) else set()
    return {key: _told(item) for key, item in rule.items() if key not in left_out}


GENERATED: Mapping[Path, Callable[[str], str]] = {
    Path("config/config.yaml"): lambda text: demo(yaml.safe_load(text)),
    Path("config/README.md"): tables,
    Path("workflow/schemas/config.schema.json"): lambda text: json_schema(),
}
"""File → its text made of the text that it has; the same text where it is as it should be."""


def main() -> None:
    """Write all of it into the working directory, which is that of the repository."""
    config, readme, schema = (
        Path(name)
        for name in ("config/config.yaml", "config/README.md", "workflow/schemas/config.schema.json")
    )
    made: list[tuple[Path, Callable[[], str]]] = [
        (config, lambda: demo(yaml.safe_load(config.read_text(encoding="utf-8")))),
        (readme, lambda: tables(readme.read_text(encoding="utf-8"))),
        (schema, json_schema),
    ]
    for path, make in made:
        path.write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    main()
