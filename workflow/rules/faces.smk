# Reads: the frames of each broadcast.
# Makes: results/faces and results/frames, one table a broadcast, and their merge in results/{run}.


rule encode:
    """Find and encode the faces of one broadcast."""
    input:
        frames=scratch("frames/{broadcast}"),
        manifest=scratch("manifests/{broadcast}.json"),
    output:
        faces="results/faces/{encoder}/{broadcast}.parquet",
        frames="results/frames/{encoder}/{broadcast}.parquet",
    log:
        "results/logs/encode/{encoder}/{broadcast}.log",
    benchmark:
        "results/benchmarks/encode/{encoder}/{broadcast}.tsv"
    # Before another ZIP is unpacked: the scratch folder holds about as many broadcasts as there are cores.
    priority: 2
    conda:
        "../../envs/environment.yaml"
    threads: config["compute"]["threads"]
    resources:
        # A worker each, and what reads and collects beside them.
        mem_mb=growing(400 + 600 * config["compute"]["threads"]),
        cores_of_run=cores_of_run(),
        # Read again on a node of a cluster, by a Snakemake that is not the main process.
        on_node=int(not workflow.is_main_process),
    params:
        settings=config["faces"],
        # The output of unzip is gone when a broadcast is done, and the ZIP may be, so they are minded here.
        asked=asked("{broadcast}"),
        source=lambda wildcards: source_of(wildcards.broadcast),
        recording=recording,
        code_version=[CODE_VERSIONS["unzip"], CODE_VERSIONS["encode"]],
    script:
        "../../scripts/faces/encode.py"


rule merge:
    """Join the tables of all broadcasts of the run."""
    input:
        selected="results/{run}/selected.csv",
        faces=face_tables,
        frames=frame_tables,
    output:
        broadcasts="results/{run}/broadcasts.parquet",
        faces="results/{run}/faces.parquet",
        embeddings="results/{run}/embeddings.npy",
        frames="results/{run}/frames.parquet",
    log:
        "results/logs/{run}/merge.log",
    benchmark:
        "results/benchmarks/{run}/merge.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
    params:
        encoder=ENCODER,
        quality=config["quality"],
        code_version=CODE_VERSIONS["merge"],
    script:
        "../../scripts/faces/merge.py"
