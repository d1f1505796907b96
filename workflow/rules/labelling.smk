# Reads: the tables of the run and of each clustering, what there is of visual and transcripts, or tables from outside.
# Makes: which broadcasts are not what their title says, and how alike stations are day by day, as tables and a page;
# nothing without labelling.enabled.


# Of the members and not of the sightings, whose rule also makes screen_time, of which suspects may be left out.
rule entities:
    """Count what is seen and heard in each broadcast."""
    input:
        outside=outside_entities,
        tables=lambda wildcards: unless_outside(
            wildcards,
            "results/{run}/broadcasts.parquet",
            "results/{run}/frames.parquet",
            "results/{run}/faces.parquet",
            "results/{run}/{clustering}/members.parquet",
            "results/{run}/replays.parquet",
        ),
        visual=lambda wildcards: unless_outside(
            wildcards, *with_visual("results/{run}/visual/frames.parquet")
        ),
        utterances=lambda wildcards: unless_outside(
            wildcards, *with_words("results/{run}/utterances.parquet")
        ),
    output:
        "results/{run}/{clustering}/labelling/entities.parquet",
    log:
        "results/logs/{run}/{clustering}/entities.log",
    benchmark:
        "results/benchmarks/{run}/{clustering}/entities.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=with_faces(1000),
    params:
        sources=[here(path) for path in config["labelling"]["entities"] or []],
        kinds=config["labelling"]["kinds"],
        timezone=config["labelling"]["timezone"],
        frame_seconds=config["archive"]["frame_seconds"],
        code_version=CODE_VERSIONS["entities"],
    script:
        "../../scripts/labelling/entities.py"


rule suspects:
    """Compare stations day by day, and each broadcast with the others of its title."""
    input:
        entities="results/{run}/{clustering}/labelling/entities.parquet",
        broadcasts=lambda wildcards: unless_outside(wildcards, "results/{run}/broadcasts.parquet"),
        people="results/{run}/{clustering}/people.parquet",
        selected="results/{run}/selected.csv",
    output:
        correlation="results/{run}/{clustering}/labelling/correlation.parquet",
        dips="results/{run}/{clustering}/labelling/dips.parquet",
        likeness="results/{run}/{clustering}/labelling/likeness.parquet",
        suspects="results/{run}/{clustering}/labelling/suspects.parquet",
        csvs=[
            "results/{run}/{clustering}/labelling/correlation.csv",
            "results/{run}/{clustering}/labelling/dips.csv",
            "results/{run}/{clustering}/labelling/likeness.csv",
            "results/{run}/{clustering}/labelling/suspects.csv",
        ],
    log:
        "results/logs/{run}/{clustering}/suspects.log",
    benchmark:
        "results/benchmarks/{run}/{clustering}/suspects.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
    params:
        settings={key: config["labelling"][key] for key in ("timezone", "weekdays", "above")},
        # A function, since braces in it are no wildcards.
        links=lambda wildcards: LINKS,
        code_version=CODE_VERSIONS["suspects"],
    script:
        "../../scripts/labelling/suspects.py"


rule labelling:
    """Show the broadcasts that are not what their title says, and what each is like instead."""
    input:
        correlation="results/{run}/{clustering}/labelling/correlation.parquet",
        dips="results/{run}/{clustering}/labelling/dips.parquet",
        likeness="results/{run}/{clustering}/labelling/likeness.parquet",
        suspects="results/{run}/{clustering}/labelling/suspects.parquet",
        selected="results/{run}/selected.csv",
        faces="results/{run}/faces.parquet",
        frames="results/{run}/frames.parquet",
        members="results/{run}/{clustering}/members.parquet",
        portraits=portraits,
    output:
        "results/{run}/{clustering}/labelling.html",
    log:
        "results/logs/{run}/{clustering}/labelling.log",
    benchmark:
        "results/benchmarks/{run}/{clustering}/labelling.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
    params:
        left_out=config["labelling"]["exclude_suspects"],
        explorer=config["explorer"]["enabled"],
        # A function, since braces in it are no wildcards.
        links=lambda wildcards: LINKS,
        code_version=CODE_VERSIONS["labelling"],
        # Not an input: a ZIP that is gone is fetched again for the time of need, and nothing is encoded again.
        zips=placed("resources/zips"),
        pace=PACE,
    script:
        "../../scripts/labelling/labelling.py"
