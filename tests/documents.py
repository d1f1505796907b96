"""The documents of the project, taken apart: their blocks, headings and commands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from tests.conftest import ROOT

DOCUMENTS = (
    *("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "config/README.md"),
    *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")),
)
"""All that is written for people, by their paths in the repository."""

_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"# (\S+\.yaml)\n")
_SEPARATORS = frozenset({";", "&&", "||", "|", "&"})
_KEYWORDS = frozenset({"do", "done", "then", "fi", "else"})


def text(document: str) -> str:
    """Read a document."""
    return (ROOT / document).read_text(encoding="utf-8")


def blocks(document: str, language: str) -> list[str]:
    """Give the blocks of a language in a document, as they are to be typed."""
    return [
        re.sub(rf"^{indent}", "", content, flags=re.MULTILINE)
        for indent, named, content in _BLOCK.findall(text(document))
        if named == language
    ]


def prose(document: str) -> str:
    """Give a document without its blocks."""
    return _BLOCK.sub("", text(document))


def anchors(document: str) -> set[str]:
    """Give the anchors of the headings of a document, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def configurations(document: str) -> dict[Path, str]:
    """Give the blocks of YAML that begin with the name of their file, by that name."""
    found = ((_NAMED.match(block), block) for block in blocks(document, "yaml"))
    return {Path(match[1]): block for match, block in found if match}


def commands(script: str) -> list[list[str]]:
    """Give the commands of a block as words, without what is the shell's own.

    Examples
    --------
    >>> commands("for n in 1 2; do\\n    make demo RUN=$n || break  # twice\\ndone")
    [['for', 'n', 'in', '1', '2'], ['make', 'demo', 'RUN=$n'], ['break']]
    """
    found: list[list[str]] = [[]]
    for line in script.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        is_file = False
        for word in lexer:
            if word in _SEPARATORS:
                found.append([])
            elif not is_file and word not in _KEYWORDS and word != ">":
                found[-1].append(word)
            is_file = word == ">"
        found.append([])
    return [command for command in found if command]
