"""Group the faces of the run into people by another algorithm than DBSCAN."""

from functools import partial

from castgraph.base import tables
from castgraph.base.joblog import joblog
from castgraph.clustering.algorithms import ALGORITHMS
from castgraph.run.counted import read_counted

with joblog(snakemake.log[0]):
    settings = dict(snakemake.params.settings)
    given = {key: value for key, value in settings.items() if key != "algorithm"}
    faces = read_counted(snakemake.input.faces)
    cluster = partial(
        ALGORITHMS[settings["algorithm"]],
        **given,
        threads=snakemake.threads,
        max_memory_mb=snakemake.resources.mem_mb,
    )
    tables.write_labels(snakemake.output.labels, faces.labels(cluster), settings, faces.n_set_aside)
