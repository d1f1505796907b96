"""Prepare a clustering that is shared out among jobs."""

from castgraph.base.joblog import joblog, log_progress
from castgraph.clustering import kernels
from castgraph.clustering.scan import Options
from castgraph.clustering.shares import plan
from castgraph.run.counted import read_counted

with joblog(snakemake.log[0]):
    given = snakemake.params
    plan(
        snakemake.output.plan,
        read_counted(snakemake.input.faces),
        given.eps,
        given.min_samples,
        given.state,
        Options(snakemake.threads, kernels()[0], log_progress()),
        kept=snakemake.config["clustering"]["eps"],
        n_jobs=given.n_jobs,
        above=given.above,
        max_memory_mb=snakemake.resources.mem_mb,
    )
