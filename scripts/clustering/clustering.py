"""Group the faces of the run into people."""

import numpy as np

from castgraph.base import tables
from castgraph.base.joblog import joblog, log_progress
from castgraph.clustering import kernels
from castgraph.clustering.scan import Options
from castgraph.run.clusterings import cluster_faces, decided
from castgraph.run.counted import read_counted
from castgraph.run.names import clusterings

with joblog(snakemake.log[0]):
    adaptation = snakemake.input.adaptation
    faces = read_counted(snakemake.input.faces, np.load(adaptation) if adaptation else None)
    settings = decided(snakemake.params.settings, len(faces.points))
    # No parameter of the rule: an eps that comes or goes makes no other clustering again.
    wanted = clusterings(**snakemake.config["clustering"]).values()
    labels = cluster_faces(
        faces,
        settings,
        snakemake.params.state,
        Options(snakemake.threads, kernels()[0], log_progress()),
        all_eps=[each["eps"] for each in wanted if each["algorithm"] == "dbscan"],
        max_memory_mb=snakemake.resources.mem_mb,
    )
    tables.write_labels(snakemake.output.labels, snakemake.input.faces, labels, settings, faces.n_set_aside)
