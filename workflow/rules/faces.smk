# Reads: the frames of each broadcast.
# Makes: results/faces and results/frames, one table a broadcast, and their merge in results/{run}.


rule encode:
    """Find and encode the faces of one broadcast."""
    input:
        frames=scratch("frames/{origin}/{broadcast}"),
        manifest=scratch("manifests/{origin}/{broadcast}.json"),
        fetched=FETCHED_RECEIPT,
    output:
        faces=update(FACE_TABLE),
        frames=update(FRAME_TABLE),
        receipt=ENCODED,
    log:
        "results/logs/encode/{encoder}/{origin}/{broadcast}.log",
    benchmark:
        "results/benchmarks/encode/{encoder}/{origin}/{broadcast}.tsv"
    # Before another ZIP is unpacked: the scratch folder holds about as many broadcasts as there are cores.
    priority: 2
    group:
        "broadcast"
    conda:
        "../../envs/environment.yaml"
    threads: config["compute"]["threads"]
    resources:
        # A worker each, and what reads and collects beside them.
        mem_mb=growing(400 + (600 + embedder_mb()) * config["compute"]["threads"]),
        cores_of_run=cores_of_run(),
        # Read again on a node of a cluster.
        on_node=int(not is_main_process()),
    params:
        settings=encoder_settings(config["faces"]),
        # The output of unzip is gone when a broadcast is done, and the ZIP may be, so they are minded here.
        frames=frames(UNPACKED),
        forgotten=FORGOTTEN,
        code_version=CODE_VERSIONS["encode"],
    script:
        "../../scripts/faces/encode.py"


rule merge:
    """Join the tables of all broadcasts of the run."""
    input:
        selected="results/{run}/selected.csv",
        faces=per_broadcast(FACE_TABLE),
        frames=per_broadcast(FRAME_TABLE),
        receipts=per_broadcast(ENCODED),
    output:
        broadcasts=update("results/{run}/broadcasts.parquet"),
        faces=update("results/{run}/faces.parquet"),
        embeddings=update("results/{run}/embeddings.npy"),
        frames=update("results/{run}/frames.parquet"),
        receipt="results/{run}/merged.json",
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
        **QUALITY,
        encoder=ENCODER,
        embedder=encoder_settings(config["faces"]).get("embedder"),
        frame_seconds=config["archive"]["frame_seconds"],
        code_version=CODE_VERSIONS["merge"],
    script:
        "../../scripts/faces/merge.py"
