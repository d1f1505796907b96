# Reads: results/{run}/faces.parquet and, beside it, embeddings.npy.
# Makes: the labels, one folder a clustering, and the scores of all of them.


# One job makes all clusterings by DBSCAN that are new, since together they cost little more than one.
for SWEEP, NAMES in SWEEPS.items():

    rule:
        """Group the faces of the run into people by DBSCAN."""
        name:
            f"cluster_{SWEEP}"
        input:
            faces="results/{run}/faces.parquet",
            embeddings="results/{run}/embeddings.npy",
            merged="results/{run}/merged.json",
            plan=f"results/{{run}}/shares/{SWEEP}/plan" if SHARED else [],
            shares=(
                gather.share(f"results/{{{{run}}}}/shares/{SWEEP}/{{scatteritem}}.parquet") if SHARED else []
            ),
        output:
            labels=expand("results/{{run}}/{clustering}/labels.parquet", clustering=NAMES),
        log:
            f"results/logs/{{run}}/sweep-{SWEEP}/cluster.log",
        benchmark:
            f"results/benchmarks/{{run}}/sweep-{SWEEP}/cluster.tsv"
        conda:
            "../../envs/environment.yaml"
        threads: MOST_THREADS
        resources:
            mem_mb=with_faces(2000),
        params:
            # The folders of the output tell eps. It is no parameter: to give one up does not change the others.
            min_samples=config["clustering"]["min_samples"],
            code_version=CODE_VERSIONS["cluster"],
            # What is kept of a clustering for the next one; it changes no result.
            state=placed("results/{run}/dbscan-state.parquet"),
            record=placed("results/{run}/sweeps.json"),
        script:
            "../../scripts/clustering/cluster.py"


rule plan_shares:
    """Prepare a clustering that is shared out among jobs."""
    input:
        faces="results/{run}/faces.parquet",
        embeddings="results/{run}/embeddings.npy",
    output:
        plan=temp(directory("results/{run}/shares/{sweep}/plan")),
    log:
        "results/logs/{run}/sweep-{sweep}/plan_shares.log",
    benchmark:
        "results/benchmarks/{run}/sweep-{sweep}/plan_shares.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: MOST_THREADS
    resources:
        mem_mb=with_faces(2000),
    params:
        eps=lambda wildcards: [CLUSTERINGS[name]["eps"] for name in SWEEPS[int(wildcards.sweep)]],
        min_samples=config["clustering"]["min_samples"],
        n_jobs=1,
        above=0,
        state=placed("results/{run}/dbscan-state.parquet"),
        code_version=CODE_VERSIONS["cluster"],
    script:
        "../../scripts/clustering/plan_shares.py"


rule share:
    """Do one share of a clustering."""
    input:
        plan="results/{run}/shares/{sweep}/plan",
    output:
        share=temp("results/{run}/shares/{sweep}/{scatteritem}.parquet"),
    log:
        "results/logs/{run}/sweep-{sweep}/share-{scatteritem}.log",
    benchmark:
        "results/benchmarks/{run}/sweep-{sweep}/share-{scatteritem}.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
    params:
        job=lambda wildcards: int(wildcards.scatteritem.split("-")[0]) - 1,
        code_version=CODE_VERSIONS["cluster"],
    script:
        "../../scripts/clustering/share.py"


rule cluster_otherwise:
    """Group the faces of the run into people by another algorithm than DBSCAN."""
    input:
        faces="results/{run}/faces.parquet",
        embeddings="results/{run}/embeddings.npy",
        merged="results/{run}/merged.json",
    output:
        labels="results/{run}/{clustering}/labels.parquet",
    log:
        "results/logs/{run}/{clustering}/cluster_otherwise.log",
    benchmark:
        "results/benchmarks/{run}/{clustering}/cluster_otherwise.tsv"
    wildcard_constraints:
        clustering="|".join(OTHERWISE) or "(?!)",
    conda:
        "../../envs/environment.yaml"
    threads: MOST_THREADS
    resources:
        mem_mb=with_faces(4000),
    params:
        settings=lambda wildcards: CLUSTERINGS[wildcards.clustering],
        code_version=CODE_VERSIONS["cluster"],
    script:
        "../../scripts/clustering/cluster_otherwise.py"


rule scores:
    """Score the clusterings of the run without labels, and recommend one."""
    input:
        faces="results/{run}/faces.parquet",
        labels=per_clustering("labels.parquet"),
    output:
        table="results/{run}/sweep.parquet",
        changes="results/{run}/sweep_changes.parquet",
        html="results/{run}/sweep.html",
        png="results/{run}/sweep.png",
    log:
        "results/logs/{run}/scores.log",
    benchmark:
        "results/benchmarks/{run}/scores.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=with_faces(2000),
    params:
        clusterings=CLUSTERINGS,
        code_version=CODE_VERSIONS["scores"],
    script:
        "../../scripts/clustering/scores.py"
