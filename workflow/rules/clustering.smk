# Reads: results/{run}/faces.parquet and, beside it, embeddings.npy.
# Makes: the labels, one folder a clustering, what frames tell of pairs of faces, and the scores of all clusterings.


rule adapt:
    """Learn from the frames of the run how its faces are told apart better."""
    input:
        faces="results/{run}/faces.parquet",
        embeddings="results/{run}/embeddings.npy",
        merged="results/{run}/merged.json",
    output:
        matrix="results/{run}/adaptation.npy",
        facts="results/{run}/adaptation.json",
    log:
        "results/logs/{run}/adapt.log",
    benchmark:
        "results/benchmarks/{run}/adapt.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=with_faces(1500),
    params:
        method=config["clustering"]["adapt"],
        code_version=CODE_VERSIONS["adapt"],
    script:
        "../../scripts/clustering/adapt.py"


rule clustering:
    """Group the faces of the run into people."""
    input:
        faces="results/{run}/faces.parquet",
        embeddings="results/{run}/embeddings.npy",
        merged="results/{run}/merged.json",
        adaptation="results/{run}/adaptation.npy" if config["clustering"]["adapt"] else [],
    output:
        labels="results/{run}/{clustering}/labels.parquet",
    log:
        "results/logs/{run}/{clustering}/clustering.log",
    benchmark:
        "results/benchmarks/{run}/{clustering}/clustering.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: MOST_THREADS
    resources:
        mem_mb=with_faces(4000),
        # The first job by DBSCAN finds what is new at every eps, and the next ones have little to do.
        clustering_slots=lambda wildcards: int(CLUSTERINGS[wildcards.clustering]["algorithm"] == "dbscan"),
    params:
        settings=lambda wildcards: CLUSTERINGS[wildcards.clustering],
        code_version=CODE_VERSIONS["clustering"],
        # What is kept of a clustering by DBSCAN for the next one; it changes no result.
        state=placed("results/ledger/dbscan/{run}.parquet"),
    script:
        "../../scripts/clustering/clustering.py"


rule constraints:
    """Find the pairs of faces of which frames tell whether they are one person."""
    input:
        faces="results/{run}/faces.parquet",
        embeddings="results/{run}/embeddings.npy",
        merged="results/{run}/merged.json",
    output:
        table="results/{run}/constraints.parquet",
    log:
        "results/logs/{run}/constraints.log",
    benchmark:
        "results/benchmarks/{run}/constraints.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=with_faces(1000),
    params:
        code_version=CODE_VERSIONS["constraints"],
    script:
        "../../scripts/clustering/constraints.py"


rule scores:
    """Score the clusterings of the run without labels, and recommend one."""
    input:
        faces="results/{run}/faces.parquet",
        constraints="results/{run}/constraints.parquet",
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
