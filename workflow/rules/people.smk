# Reads: the merged faces, the labels and, for pictures, the ZIPs.
# Makes: the table of people, portraits, contact sheets and DATABASE.json.


rule people:
    """Describe every person: screen time, first and last seen, best face."""
    input:
        faces="results/{run}/faces.parquet",
        embeddings="results/{run}/embeddings.npy",
        frames="results/{run}/frames.parquet",
        labels="results/{run}/{clustering}/labels.parquet",
    output:
        people="results/{run}/{clustering}/people.parquet",
    log:
        "results/logs/{run}/{clustering}/people.log",
    benchmark:
        "results/benchmarks/{run}/{clustering}/people.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
    params:
        frame_seconds=config["archive"]["frame_seconds"],
        code_version=CODE_VERSIONS["people"],
    script:
        "../../scripts/people/people.py"


rule portraits:
    """Crop each person's best face and a contact sheet out of the ZIPs."""
    input:
        faces="results/{run}/faces.parquet",
        embeddings="results/{run}/embeddings.npy",
        frames="results/{run}/frames.parquet",
        labels="results/{run}/{clustering}/labels.parquet",
        people="results/{run}/{clustering}/people.parquet",
    output:
        portraits=directory("results/{run}/{clustering}/portraits"),
        sheets=directory("results/{run}/{clustering}/contact_sheets"),
    log:
        "results/logs/{run}/{clustering}/portraits.log",
    benchmark:
        "results/benchmarks/{run}/{clustering}/portraits.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: MOST_THREADS
    resources:
        mem_mb=growing(4000),
    params:
        portrait_px=config["people"]["portrait_px"],
        sheet_faces=config["people"]["sheet_faces"],
        code_version=CODE_VERSIONS["portraits"],
        # Not an input: a ZIP that is gone is fetched again for the time of need, and nothing is encoded again.
        zips=placed("resources/zips"),
        selected=placed("results/{run}/selected.csv"),
        pace=PACE,
    script:
        "../../scripts/people/portraits.py"


rule database_json:
    """Write every face with its person, box and embedding, one JSON object a line."""
    input:
        faces="results/{run}/faces.parquet",
        embeddings="results/{run}/embeddings.npy",
        labels="results/{run}/{clustering}/labels.parquet",
    output:
        "results/{run}/{clustering}/DATABASE.json",
    log:
        "results/logs/{run}/{clustering}/database_json.log",
    benchmark:
        "results/benchmarks/{run}/{clustering}/database_json.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
    params:
        code_version=CODE_VERSIONS["database_json"],
    script:
        "../../scripts/people/database_json.py"
