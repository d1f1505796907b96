# Reads: the tables of the run and of each of its clusterings.
# Makes: the counts that `castgraph summary` prints, the explorer of each clustering, and the run in one page.


rule summary:
    """Count what was read and found."""
    input:
        broadcasts="results/{run}/broadcasts.parquet",
        inventories="results/{run}/inventories.csv",
        labels=per_clustering("labels.parquet"),
        people=per_clustering("people.parquet"),
        changes=per_clustering("people_changes.parquet"),
        pairs=per_clustering("edges.parquet"),
        scores="results/{run}/sweep.parquet",
        transcripts=lambda wildcards: with_words("results/{run}/transcripts.parquet".format(**wildcards)),
        replays="results/{run}/replays.parquet",
        likeness=with_labelling(*per_clustering("labelling/likeness.parquet")),
        suspects=with_labelling(*per_clustering("labelling/suspects.parquet")),
    output:
        "results/{run}/summary.json",
    log:
        "results/logs/{run}/summary.log",
    benchmark:
        "results/benchmarks/{run}/summary.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
    params:
        clusterings=list(CLUSTERINGS),
        min_seconds=config["people"]["min_seconds"],
        code_version=CODE_VERSIONS["summary"],
    script:
        "../../scripts/run/summary.py"


rule explorer:
    """Put a clustering into a folder of pages in which every number leads to its frames."""
    input:
        selected="results/{run}/selected.csv",
        broadcasts="results/{run}/broadcasts.parquet",
        faces="results/{run}/faces.parquet",
        frames="results/{run}/frames.parquet",
        replays="results/{run}/replays.parquet",
        members="results/{run}/{clustering}/members.parquet",
        people="results/{run}/{clustering}/people.parquet",
        pairs="results/{run}/{clustering}/edges.parquet",
        meetings="results/{run}/{clustering}/meetings.parquet",
        graph="results/{run}/{clustering}/graph.graphml",
        portraits=portraits,
        suspects=found_suspects,
        words=lambda wildcards: with_words(
            "results/{run}/{clustering}/words.parquet".format(**wildcards),
            "results/{run}/utterances.parquet".format(**wildcards),
        ),
        seen_with=with_visual(
            "results/{run}/{clustering}/seen_with.parquet",
            "results/{run}/visual/frames.parquet",
            "results/{run}/visual/groups.parquet",
        ),
        embedded=per_embedded(VISUAL_TABLE) if EMBEDDER else [],
    output:
        directory("results/{run}/{clustering}/explorer"),
    log:
        "results/logs/{run}/{clustering}/explorer.log",
    benchmark:
        "results/benchmarks/{run}/{clustering}/explorer.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: MOST_THREADS
    resources:
        mem_mb=with_faces(2000),
    params:
        # Functions, since braces in it are no wildcards. What other clusterings there are changes nothing here.
        settings=lambda wildcards: {
            **{key: value for key, value in MERGED.items() if key not in ("compute", "export")},
            "faces": encoder_settings(config["faces"]),
            "clustering": CLUSTERINGS[wildcards.clustering],
        },
        code_version=CODE_VERSIONS["explorer"],
        # Not an input: a ZIP that is gone is fetched again for the time of need, and nothing is encoded again.
        zips=placed("resources/zips"),
        pace=PACE,
    script:
        "../../scripts/pages/explorer.py"


# The page tells what the jobs took and when it was made, so it is never the same: no rule may take it as an input.
rule report:
    """Put the run into one page."""
    input:
        tables=expand(
            "results/{{run}}/{name}",
            name=[
                "selected.csv",
                "summary.json",
                "broadcasts.parquet",
                "frames.parquet",
                "replays.parquet",
                "sweep.parquet",
                "sweep.png",
                "holds.parquet",
            ],
        ),
        inventories="results/{run}/inventories.csv",
        clusterings=per_clustering(
            "people.parquet", "screen_time.parquet", "edges.parquet", "centrality.parquet"
        )
        + per_clustering(
            *(f"network{name}.png" for name in NETWORKS), *(f"graph{name}.graphml" for name in NETWORKS)
        ),
        portraits=per_clustering("portraits") if config["people"]["portraits"] else [],
        transcripts=lambda wildcards: with_words("results/{run}/transcripts.parquet".format(**wildcards)),
        words=lambda wildcards: with_words(*per_clustering("words.parquet")),
    output:
        "results/{run}/report.html",
    log:
        "results/logs/{run}/report.log",
    benchmark:
        "results/benchmarks/{run}/report.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
    params:
        clusterings=list(CLUSTERINGS),
        # A function, since the braces in it are no wildcards.
        config=lambda wildcards: MERGED,
        code_version=CODE_VERSIONS["report"],
    script:
        "../../scripts/pages/report.py"
