"""Group the faces of the run into people."""

from castgraph.base import tables
from castgraph.base.joblog import joblog, log_progress
from castgraph.clustering import kernels
from castgraph.clustering.scan import Options
from castgraph.run.clusterings import cluster_faces
from castgraph.run.counted import read_counted

with joblog(snakemake.log[0]):
    faces = read_counted(snakemake.input.faces)
    labels = cluster_faces(
        faces,
        snakemake.params.settings,
        snakemake.params.state,
        Options(snakemake.threads, kernels()[0], log_progress()),
        # No parameter of the rule: an eps that comes or goes makes no other clustering again.
        all_eps=snakemake.config["clustering"]["eps"],
        max_memory_mb=snakemake.resources.mem_mb,
    )
    tables.write_labels(
        snakemake.output.labels, snakemake.input.faces, labels, snakemake.params.settings, faces.n_set_aside
    )
