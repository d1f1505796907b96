# Reads: the tables of the run and of each of its clusterings.
# Makes: the counts that `castgraph summary` prints.


rule summary:
    """Count what was read and found."""
    input:
        broadcasts="results/{run}/broadcasts.parquet",
        inventories="results/{run}/inventories.csv" if LISTED is None else [],
        labels=per_clustering("labels.parquet"),
        people=per_clustering("people.parquet"),
        pairs=per_clustering("edges.parquet"),
        scores="results/{run}/sweep.parquet",
    output:
        "results/{run}/summary.json",
    log:
        "results/logs/{run}/summary.log",
    benchmark:
        "results/benchmarks/{run}/summary.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
    params:
        clusterings=list(CLUSTERINGS),
        code_version=CODE_VERSIONS["summary"],
    script:
        "../../scripts/summary.py"
