"""Learn from the frames of the run how its faces are told apart better."""

import numpy as np

from castgraph.base.files import atomic, write_json
from castgraph.base.joblog import joblog
from castgraph.clustering.adapt import adapt
from castgraph.run.constraints import find
from castgraph.run.counted import read_counted

with joblog(snakemake.log[0]):
    faces = read_counted(snakemake.input.faces)
    learned = adapt(faces.points, find(faces), snakemake.params.method)
    with atomic(snakemake.output.matrix) as part, part.open("wb") as file:
        np.save(file, learned.matrix)
    write_json(snakemake.output.facts, learned.facts)
