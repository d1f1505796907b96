"""How what a page shows was made: the configuration and the versions."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import yaml

from castgraph import __version__
from castgraph.archive.address import without_login

_PACKAGES = ("snakemake", "numpy", "pyarrow", "onnxruntime", "dlib-bin")


def configuration_text(config: Mapping[str, Any], most_lines: int) -> str:
    """Write the configuration as YAML, without passwords in addresses and cut after very many lines."""
    text = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)
    lines = [without_login(line) for line in text.splitlines()]
    more = len(lines) - most_lines
    return "\n".join([*lines[:most_lines], f"# … and {more:,} more lines"] if more > 0 else lines)


def versions() -> dict[str, str]:
    """Tell the versions of castgraph, Python and the packages on which results depend."""
    found = {"castgraph": __version__, "Python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # conda names some otherwise
            found[package] = "unknown"
    return found
