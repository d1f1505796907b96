# Reads: the ZIP of each broadcast, of which the frames are taken as they are needed, and the tables of the run.
# Makes: results/visual, frames as wholes, one table a broadcast, and in results/{run}/visual their groups, maps and
# pictures; nothing without visual.embedder.


rule visual:
    """Embed the frames of one broadcast as wholes."""
    input:
        zip="resources/zips/{origin}/{broadcast}.zip",
        fetched=FETCHED_RECEIPT,
    output:
        table=update(VISUAL_TABLE),
        receipt=VISUAL_RECEIPT,
    log:
        "results/logs/visual/{embedder}/{origin}/{broadcast}.log",
    benchmark:
        "results/benchmarks/visual/{embedder}/{origin}/{broadcast}.tsv"
    # Faces first: most of what follows waits for them.
    priority: 0
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        # A service is asked by one job at a time, so that it is not asked more often than it may be.
        visual_slots=int(config["visual"]["embedder"] == "vertex"),
    params:
        settings=visual_settings(config["visual"]) if EMBEDDER else None,
        frames=frames(UNPACKED),
        code_version=CODE_VERSIONS["visual"],
    script:
        "../../scripts/visual/visual.py"


rule groups:
    """Group the frames of the run that are alike."""
    input:
        embedded=per_embedded(VISUAL_TABLE),
        receipts=per_embedded(VISUAL_RECEIPT),
        frames="results/{run}/frames.parquet",
    output:
        frames=update("results/{run}/visual/frames.parquet"),
        groups=update("results/{run}/visual/groups.parquet"),
        index=[update(f"results/{{run}}/visual/{name}.npy") for name in ("axes", "heads", "vectors")],
        receipt="results/{run}/visual/grouped.json",
    log:
        "results/logs/{run}/groups.log",
    benchmark:
        "results/benchmarks/{run}/groups.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=with_faces(2000),
    params:
        embedder=EMBEDDER,
        min_cluster_size=config["visual"]["min_cluster_size"],
        most=config["visual"]["most_pictures"],
        code_version=CODE_VERSIONS["groups"],
    script:
        "../../scripts/visual/groups.py"
