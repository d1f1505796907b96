"""Write what was said in all broadcasts of the run, and what became of their transcripts."""

from pathlib import Path

from castgraph.archive import read_selection
from castgraph.base.joblog import joblog
from castgraph.transcripts.utterances import write_tables

with joblog(snakemake.log[0]):
    write_tables(
        read_selection(Path(snakemake.input.selected)),
        {Path(path).stem: Path(path) for path in snakemake.input.transcripts},
        snakemake.input.frames,
        transcripts_to=Path(snakemake.output.transcripts),
        utterances_to=Path(snakemake.output.utterances),
        frame_seconds=snakemake.params.frame_seconds,
        language=snakemake.params.language or "",
    )
