"""Standard output and error that take any text."""

from __future__ import annotations

import io
import sys

from rich.console import Console


def console(*, stderr: bool = False) -> Console:
    """Give a console to print on; on anything but a terminal it has no colours, and no line is broken."""
    found = Console(stderr=stderr, highlight=False)
    return found if found.is_terminal else Console(stderr=stderr, highlight=False, width=1000)


def take_any_text() -> None:
    """Have a sign that the terminal's encoding lacks be replaced by a question mark rather than raise."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def write_utf8() -> None:
    """Have what is written for programs be whole, whatever encoding a terminal would have."""
    if isinstance(sys.stdout, io.TextIOWrapper) and not sys.stdout.isatty():
        sys.stdout.reconfigure(encoding="utf-8")
