"""Count what was read and found."""

from pathlib import Path

from castgraph.base.files import write_json
from castgraph.base.joblog import joblog
from castgraph.run.summary import summarise

with joblog(snakemake.log[0]):
    kinds = [
        "labels",
        "people",
        "changes",
        "pairs",
        *["likeness", "suspects"] * bool(snakemake.input.suspects),
    ]
    clusterings = {
        name: {kind: Path(snakemake.input[kind][n]) for kind in kinds}
        for n, name in enumerate(snakemake.params.clusterings)
    }
    found = summarise(
        snakemake.wildcards.run,
        Path(snakemake.input.broadcasts),
        Path(snakemake.input.inventories),
        clusterings,
        Path(snakemake.input.scores),
        Path(snakemake.input.replays),
        snakemake.params.min_seconds,
        *map(Path, snakemake.input.transcripts),
    )
    write_json(snakemake.output[0], found)
