"""Print the wall time and peak memory of each rule of finished runs.

    uv run python benchmarks/rules.py [RESULTS]

RESULTS is the folder ``results`` of a working directory (default: results). Snakemake measured each job as
it ran and wrote the figures to RESULTS/benchmarks. A very short job may have no figure for memory.
"""

import csv
import sys
from collections import defaultdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

ORDER = ["inventory", "select", "download", "unzip", "encode", "merge"]
ORDER += ["plan_shares", "share", "cluster", "cluster_otherwise", "scores"]
ORDER += ["people", "portraits", "database_json", "network", "picture", "summary", "demo"]


def rule_of(path: Path, root: Path) -> str:
    """Name the rule: files of the archive lie in a folder named after it, a run's are named after it."""
    first = path.relative_to(root).parts[0]
    stem = path.stem.partition("-")[0]  # of a share its number follows
    return first if first in ("inventory", "download", "unzip", "encode") else stem


def main() -> None:
    """Read the figures and print the table."""
    root = Path(sys.argv[1] if len(sys.argv) > 1 else "results") / "benchmarks"
    seconds: dict[str, list[float]] = defaultdict(list)
    memory: dict[str, list[float]] = defaultdict(list)
    for path in sorted(root.rglob("*.tsv")):
        with path.open(newline="") as file:
            for row in csv.DictReader(file, delimiter="\t"):
                rule = rule_of(path, root)
                seconds[rule].append(float(row["s"]))
                if row["max_rss"] not in ("-", "NA"):
                    memory[rule].append(float(row["max_rss"]))
    if not seconds:
        sys.exit(f"error: no measured job in {root}; run the workflow first")
    table = Table("rule", "jobs", "wall s, sum", "wall s, longest", "peak MB, largest")
    for rule in sorted(seconds, key=ORDER.index):
        largest = f"{max(memory[rule]):.0f}" if memory[rule] else "-"
        times = seconds[rule]
        table.add_row(rule, str(len(times)), f"{sum(times):.1f}", f"{max(times):.1f}", largest)
    Console().print(table)


if __name__ == "__main__":
    main()
