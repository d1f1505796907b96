"""Do one share of a clustering."""

from castgraph.base.joblog import joblog, log_progress
from castgraph.clustering import kernels
from castgraph.clustering.scan import Options
from castgraph.clustering.shares import compare

with joblog(snakemake.log[0]):
    compare(
        snakemake.input.plan,
        snakemake.params.job,
        snakemake.output.share,
        Options(snakemake.threads, kernels()[0], log_progress()),
        max_memory_mb=snakemake.resources.mem_mb,
    )
