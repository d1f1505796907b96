"""What the registry says, for people: the tables in ``docs/outputs.md``.

After a change of the registry: ``make generate``, which is ``python -m castgraph.base.tables.documents``
in the folder of the repository.
"""

from __future__ import annotations

import re
from pathlib import Path

from castgraph.base.tables.registry import TABLES, Kind

BEGIN, END = "<!-- generated: tables -->", "<!-- end of what is generated -->"
"""What stands around the part that is made here."""


def generate(root: Path) -> dict[Path, str]:
    """Give the documents as they should be: the files that the registry is written into, and their text."""
    path = root / "docs" / "outputs.md"
    pattern = rf"(?<={re.escape(BEGIN)}\n).*?(?={re.escape(END)})"
    text, n = re.subn(pattern, lambda _: details(), path.read_text(encoding="utf-8"), flags=re.DOTALL)
    if n != 1:
        raise ValueError(f"{path}: {BEGIN} and {END} should stand there once, in this order")
    return {path: text}


def details() -> str:
    """Tell what each column of each table means."""
    return "\n".join(["", *map(_section, TABLES.values()), ""])


def _section(kind: Kind) -> str:
    order = ", ".join(
        f"`{name.removeprefix('-')}`{' (largest first)' if name[0] == '-' else ''}" for name in kind.order
    )
    lines = [
        f"### `{kind.path}`",
        "",
        f"{kind.what[0].upper()}{kind.what[1:]}. Key: {', '.join(f'`{name}`' for name in kind.key)}."
        + (f" Sorted by {order}." if order else ""),
        "",
        "| column | type | meaning |",
        "|---|---|---|",
        *(f"| `{name}` | {type_} | {meaning} |" for name, type_, meaning in map(_words, kind.columns)),
        "",
    ]
    return "\n".join(lines)


def _words(column: tuple[str, object, str]) -> tuple[str, str, str]:
    """Put the type of a column into a word or two."""
    name, kind, meaning = column
    text = str(kind)
    for pattern, word in _TYPES:
        text = re.sub(pattern, word, text)
    return name, text, meaning


_TYPES = (
    (r"^dictionary<values=string.*", "text"),
    (r"^string$", "text"),
    (r"^date32\[day\]$", "day"),
    (r"^timestamp\[(\w+), tz=UTC\]$", r"time (\1), UTC"),
    (r"^fixed_size_list<.*: (\w+)>\[(\d+)\]$", r"\2 × \1"),
)


if __name__ == "__main__":
    for path, text in generate(Path()).items():
        path.write_text(text, encoding="utf-8")
