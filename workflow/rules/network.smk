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
    """Count who is seen beside whom and write the network, as a whole and over time."""
    input:
        selected="results/{run}/selected.csv",
        faces="results/{run}/faces.parquet",
        frames="results/{run}/frames.parquet",
        members="results/{run}/{clustering}/members.parquet",
        people="results/{run}/{clustering}/people.parquet",
        replays=counted_once,
        suspects=suspects_out,
    output:
        pairs="results/{run}/{clustering}/edges.parquet",
        meetings="results/{run}/{clustering}/meetings.parquet",
        centrality="results/{run}/{clustering}/centrality.parquet",
        nodes="results/{run}/{clustering}/nodes.csv",
        edges="results/{run}/{clustering}/edges.csv",
        people="results/{run}/{clustering}/people.csv",
        graphs=networks("results/{run}/{clustering}/graph.gexf", "results/{run}/{clustering}/graph.graphml"),
        dynamic="results/{run}/{clustering}/dynamic.gexf",
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
        network=config["network"],
        min_seconds=config["people"]["min_seconds"],
        # A function, since braces in it are no wildcards.
        links=lambda wildcards: LINKS,
        code_version=CODE_VERSIONS["network"],
    script:
        "../../scripts/network/network.py"


rule picture:
    """Draw the network, with portraits as nodes."""
    input:
        graphs=networks("results/{run}/{clustering}/graph.graphml"),
        portraits=portraits,
    output:
        png=networks("results/{run}/{clustering}/network.png"),
        svg=networks("results/{run}/{clustering}/network.svg"),
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
        titles=[TITLES[name] for name in NETWORKS],
        code_version=CODE_VERSIONS["picture"],
    script:
        "../../scripts/network/picture.py"


rule holds:
    """Tell which pairs hold over the clusterings of the run."""
    input:
        faces="results/{run}/faces.parquet",
        clusterings=per_clustering("labels.parquet", "members.parquet", "people.parquet", "edges.parquet"),
        others=lambda wildcards: [here(f"{folder}/edges.parquet") for folder in config["network"]["compare"]],
    output:
        "results/{run}/holds.parquet",
    log:
        "results/logs/{run}/holds.log",
    benchmark:
        "results/benchmarks/{run}/holds.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
    params:
        clusterings=list(CLUSTERINGS),
        others=[here(folder) for folder in config["network"]["compare"]],
        code_version=CODE_VERSIONS["holds"],
    script:
        "../../scripts/network/holds.py"


if config["network"]["mode"] == "as_published":

    rule published:
        """Show the network as published beside the corrected one, and what differs."""
        input:
            pairs="results/{run}/{clustering}/edges.parquet",
            people="results/{run}/{clustering}/people.parquet",
            pictures=networks("results/{run}/{clustering}/network.png"),
        output:
            "results/{run}/{clustering}/as_published.html",
        log:
            "results/logs/{run}/{clustering}/published.log",
        benchmark:
            "results/benchmarks/{run}/{clustering}/published.tsv"
        conda:
            "../../envs/environment.yaml"
        threads: 1
        resources:
            mem_mb=growing(1000),
        params:
            network=config["network"],
            min_seconds=config["people"]["min_seconds"],
            code_version=CODE_VERSIONS["published"],
        script:
            "../../scripts/pages/published.py"
