# Reads: the merged faces, who they are, the people and their portraits.
# Makes: who is seen beside whom, as tables, graph files and a picture.


rule network:
    """Count who is seen beside whom and write the network, as a whole and over time."""
    input:
        selected="results/{run}/selected.csv",
        faces="results/{run}/faces.parquet",
        frames="results/{run}/frames.parquet",
        members="results/{run}/{clustering}/members.parquet",
        people="results/{run}/{clustering}/people.parquet",
    output:
        pairs="results/{run}/{clustering}/edges.parquet",
        meetings="results/{run}/{clustering}/meetings.parquet",
        centrality="results/{run}/{clustering}/centrality.parquet",
        nodes="results/{run}/{clustering}/nodes.csv",
        edges="results/{run}/{clustering}/edges.csv",
        people="results/{run}/{clustering}/people.csv",
        gexf="results/{run}/{clustering}/graph.gexf",
        dynamic="results/{run}/{clustering}/dynamic.gexf",
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
