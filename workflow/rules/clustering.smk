# Reads: results/{run}/faces.parquet.
# Makes: the labels, one folder a clustering.


rule cluster:
    """Group the faces of the run into people."""
    input:
        faces="results/{run}/faces.parquet",
    output:
        labels="results/{run}/{clustering}/labels.parquet",
    log:
        "results/logs/{run}/{clustering}/cluster.log",
    benchmark:
        "results/benchmarks/{run}/{clustering}/cluster.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: MOST_THREADS
    resources:
        mem_mb=growing(4000),
    params:
        eps=lambda wildcards: CLUSTERINGS[wildcards.clustering],
        min_samples=config["cluster"]["min_samples"],
        code_version=CODE_VERSIONS["cluster"],
    script:
        "../../scripts/cluster.py"
