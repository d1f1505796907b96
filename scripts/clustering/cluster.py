"""Group the faces of the run into people by DBSCAN, at each eps that is new."""

from pathlib import Path

from castgraph.base import tables
from castgraph.base.joblog import joblog, log_progress
from castgraph.clustering import kernels
from castgraph.clustering.scan import Options
from castgraph.clustering.shares import gathered
from castgraph.run.clusterings import cluster_faces
from castgraph.run.counted import read_counted
from castgraph.run.names import record_sweep

with joblog(snakemake.log[0]):
    chosen = snakemake.config["clustering"]
    paths = {Path(path).parent.name: path for path in snakemake.output.labels}
    eps = {name: float(name.removeprefix("eps-")) for name in paths}
    faces = read_counted(snakemake.input.faces)
    found = cluster_faces(
        faces,
        list(eps.values()),
        snakemake.params.min_samples,
        snakemake.params.state,
        Options(snakemake.threads, kernels()[0], log_progress()),
        kept=chosen["eps"],
        begun=gathered(snakemake.input.plan, snakemake.input.shares, faces) if snakemake.input.plan else None,
        max_memory_mb=snakemake.resources.mem_mb,
    )
    for name, path in paths.items():
        settings = {"algorithm": "dbscan", "eps": eps[name], "min_samples": snakemake.params.min_samples}
        tables.write_labels(path, found[eps[name]], settings, faces.n_set_aside)
    record_sweep(paths, Path(snakemake.params.record))
