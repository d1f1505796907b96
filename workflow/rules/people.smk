# Reads: the merged faces, the labels, corrections and gallery and, for pictures, the ZIPs.
# Makes: who each face is, the tables of people, portraits, contact sheets and DATABASE.json.


rule gallery:
    """Encode the pictures of people that the user knows."""
    input:
        pictures=gallery_pictures,
    output:
        "results/{run}/gallery.parquet",
    log:
        "results/logs/{run}/gallery.log",
    benchmark:
        "results/benchmarks/{run}/gallery.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000 + embedder_mb()),
    params:
        settings=encoder_settings(config["faces"]),
        code_version=CODE_VERSIONS["gallery"],
        folder=config["people"]["gallery"],
    script:
        "../../scripts/people/gallery.py"


rule identify:
    """Tell who is who: people keep the IDs that they had."""
    input:
        faces="results/{run}/faces.parquet",
        embeddings="results/{run}/embeddings.npy",
        frames="results/{run}/frames.parquet",
        labels="results/{run}/{clustering}/labels.parquet",
        corrections=here(config["people"]["corrections"]) if config["people"]["corrections"] else [],
        gallery="results/{run}/gallery.parquet" if config["people"]["gallery"] else [],
        follow=followed,
    output:
        members="results/{run}/{clustering}/members.parquet",
        people="results/{run}/{clustering}/people.parquet",
        changes="results/{run}/{clustering}/people_changes.parquet",
    log:
        "results/logs/{run}/{clustering}/identify.log",
    benchmark:
        "results/benchmarks/{run}/{clustering}/identify.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=with_faces(1000),
    params:
        settings={
            "frame_seconds": config["archive"]["frame_seconds"],
            **{key: config["people"][key] for key in ("max_distance", "margin", "strict")},
        },
        code_version=CODE_VERSIONS["identify"],
        # Who was known before; no result but the IDs depends on it.
        register=placed("results/ledger/register/{run}/{clustering}.parquet"),
    script:
        "../../scripts/people/identify.py"


rule sightings:
    """Write every face of every person, the stretches in which each is seen, and how long that is."""
    input:
        selected="results/{run}/selected.csv",
        faces="results/{run}/faces.parquet",
        frames="results/{run}/frames.parquet",
        members="results/{run}/{clustering}/members.parquet",
        people="results/{run}/{clustering}/people.parquet",
        replays=counted_once,
        suspects=suspects_out,
    output:
        sightings="results/{run}/{clustering}/sightings.parquet",
        appearances="results/{run}/{clustering}/appearances.parquet",
        screen_time="results/{run}/{clustering}/screen_time.parquet",
    log:
        "results/logs/{run}/{clustering}/sightings.log",
    benchmark:
        "results/benchmarks/{run}/{clustering}/sightings.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=with_faces(1000),
    params:
        gap_seconds=config["people"]["gap_seconds"],
        # A function, since braces in it are no wildcards.
        links=lambda wildcards: LINKS,
        code_version=CODE_VERSIONS["sightings"],
    script:
        "../../scripts/people/sightings.py"


rule suggestions:
    """Tell what a look could put right, what puts right the most first."""
    input:
        faces="results/{run}/faces.parquet",
        embeddings="results/{run}/embeddings.npy",
        members="results/{run}/{clustering}/members.parquet",
        people="results/{run}/{clustering}/people.parquet",
        constraints="results/{run}/constraints.parquet",
    output:
        "results/{run}/{clustering}/suggestions.parquet",
    log:
        "results/logs/{run}/{clustering}/suggestions.log",
    benchmark:
        "results/benchmarks/{run}/{clustering}/suggestions.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=with_faces(1000),
    params:
        frame_seconds=config["archive"]["frame_seconds"],
        code_version=CODE_VERSIONS["suggestions"],
    script:
        "../../scripts/people/suggestions.py"


rule portraits:
    """Crop each person's best face and a contact sheet out of the ZIPs."""
    input:
        faces="results/{run}/faces.parquet",
        frames="results/{run}/frames.parquet",
        members="results/{run}/{clustering}/members.parquet",
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
        min_seconds=config["people"]["min_seconds"],
        # A function, since braces in it are no wildcards.
        links=lambda wildcards: LINKS,
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
        members="results/{run}/{clustering}/members.parquet",
        people="results/{run}/{clustering}/people.parquet",
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
