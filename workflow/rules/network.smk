# Reads: the merged frames and faces, who they are, the people and their portraits.
# Makes: what is on air again; who is seen beside whom, as tables, graph files and a picture.


rule replays:
    """Find the footage that is on air again."""
    input:
        faces="results/{run}/faces.parquet",
        embeddings="results/{run}/embeddings.npy",
        frames="results/{run}/frames.parquet",
    output:
        "results/{run}/replays.parquet",
    log:
        "results/logs/{run}/replays.log",
    benchmark:
        "results/benchmarks/{run}/replays.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=with_faces(1000),
    params:
        frame_seconds=config["archive"]["frame_seconds"],
        code_version=CODE_VERSIONS["replays"],
    script:
        "../../scripts/network/replays.py"


rule network:
    """Count who is seen beside whom and write the network."""
    input:
        selected="results/{run}/selected.csv",
        faces="results/{run}/faces.parquet",
        frames="results/{run}/frames.parquet",
        members="results/{run}/{clustering}/members.parquet",
        people="results/{run}/{clustering}/people.parquet",
        replays=counted_once,
    output:
        pairs="results/{run}/{clustering}/edges.parquet",
        meetings="results/{run}/{clustering}/meetings.parquet",
        nodes="results/{run}/{clustering}/nodes.csv",
        edges="results/{run}/{clustering}/edges.csv",
        gexf="results/{run}/{clustering}/graph.gexf",
        graphml="results/{run}/{clustering}/graph.graphml",
    log:
        "results/logs/{run}/{clustering}/network.log",
    benchmark:
        "results/benchmarks/{run}/{clustering}/network.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
    params:
        network=network_settings(),
        min_seconds=config["people"]["min_seconds"],
        # A function, since braces in it are no wildcards.
        links=lambda wildcards: LINKS,
        code_version=CODE_VERSIONS["network"],
    script:
        "../../scripts/network/network.py"


rule picture:
    """Draw the network, with portraits as nodes."""
    input:
        graph="results/{run}/{clustering}/graph.graphml",
        portraits=portraits,
    output:
        png="results/{run}/{clustering}/network.png",
        svg="results/{run}/{clustering}/network.svg",
    log:
        "results/logs/{run}/{clustering}/picture.log",
    benchmark:
        "results/benchmarks/{run}/{clustering}/picture.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
    params:
        people=config["network"]["picture_people"],
        code_version=CODE_VERSIONS["picture"],
    script:
        "../../scripts/network/picture.py"
