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
        axes=update("results/{run}/visual/axes.npy"),
        heads=update("results/{run}/visual/heads.npy"),
        vectors=update("results/{run}/visual/vectors.npy"),
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


# Faces that are nobody's to see are blurred, as the first clustering has them: corrections hold for all of them.
rule map:
    """Place the pictures of the run on maps."""
    input:
        frames="results/{run}/visual/frames.parquet",
        grouped="results/{run}/visual/grouped.json",
        embedded=per_embedded(VISUAL_TABLE),
        faces="results/{run}/faces.parquet",
        of_run="results/{run}/frames.parquet",
        members=f"results/{{run}}/{FIRST}/members.parquet",
    output:
        "results/{run}/visual/map.parquet",
        expand("results/{{run}}/visual/map_{method}.png", method=MAPS),
        expand("results/{{run}}/visual/map_{method}_pictures.png", method=MAPS),
    log:
        "results/logs/{run}/map.log",
    benchmark:
        "results/benchmarks/{run}/map.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
    params:
        methods=MAPS,
        code_version=CODE_VERSIONS["map"],
    script:
        "../../scripts/visual/map.py"


# Who is who is that of the first clustering, too.
rule map_page:
    """Put the map of the pictures into a page that opens by a double click."""
    input:
        selected="results/{run}/selected.csv",
        broadcasts="results/{run}/broadcasts.parquet",
        frames="results/{run}/visual/frames.parquet",
        groups="results/{run}/visual/groups.parquet",
        grouped="results/{run}/visual/grouped.json",
        placed="results/{run}/visual/map.parquet",
        embedded=per_embedded(VISUAL_TABLE),
        faces="results/{run}/faces.parquet",
        of_run="results/{run}/frames.parquet",
        of_clustering=expand(
            "results/{{run}}/{clustering}/{name}.parquet",
            clustering=FIRST,
            name=["members", "people", "sightings"],
        ),
    output:
        page="results/{run}/visual/map.html",
        folder=directory("results/{run}/visual/map"),
    log:
        "results/logs/{run}/map_page.log",
    benchmark:
        "results/benchmarks/{run}/map_page.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
    params:
        clustering=FIRST,
        embedder=EMBEDDER,
        # A function, since the braces in it are no wildcards.
        settings=lambda wildcards: {
            "archive": LINKS,
            "people": {"min_seconds": config["people"]["min_seconds"]},
            "explorer": {key: config["explorer"][key] for key in ("enabled", "people", "blur")},
        },
        code_version=CODE_VERSIONS["map_page"],
    script:
        "../../scripts/pages/map_page.py"


rule sheets:
    """Draw a sheet of each group of pictures, one of all, and a storyboard of each broadcast."""
    input:
        frames="results/{run}/visual/frames.parquet",
        groups="results/{run}/visual/groups.parquet",
        grouped="results/{run}/visual/grouped.json",
        embedded=per_embedded(VISUAL_TABLE),
        faces="results/{run}/faces.parquet",
        of_run="results/{run}/frames.parquet",
        members=f"results/{{run}}/{FIRST}/members.parquet",
    output:
        directory("results/{run}/visual/sheets"),
    log:
        "results/logs/{run}/sheets.log",
    benchmark:
        "results/benchmarks/{run}/sheets.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
    params:
        code_version=CODE_VERSIONS["sheets"],
    script:
        "../../scripts/visual/sheets.py"


rule seen_with:
    """Tell which labels and groups of pictures each person is seen with."""
    input:
        frames="results/{run}/visual/frames.parquet",
        grouped="results/{run}/visual/grouped.json",
        sightings="results/{run}/{clustering}/sightings.parquet",
    output:
        "results/{run}/{clustering}/seen_with.parquet",
    log:
        "results/logs/{run}/{clustering}/seen_with.log",
    benchmark:
        "results/benchmarks/{run}/{clustering}/seen_with.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=with_faces(1000),
    params:
        code_version=CODE_VERSIONS["seen_with"],
    script:
        "../../scripts/visual/seen_with.py"
