"""Print what a run found."""

import json
from pathlib import Path

from castgraph.base.joblog import joblog
from castgraph.cli.output import console
from castgraph.run.summary import render

with joblog(snakemake.log[0]):
    path = Path(snakemake.input.summary)
    console().print(render(json.loads(path.read_text(encoding="utf-8")), path.parent))
