# Reads: the archive (archive.base_url).
# Makes: the list of broadcasts of the run, their ZIPs and, for a short time, their frames.


rule inventory:
    """Fetch the list of shows of one station and day."""
    output:
        "resources/inventories/{station}.{day}.json",
    log:
        "results/logs/inventory/{station}.{day}.log",
    benchmark:
        "results/benchmarks/inventory/{station}.{day}.tsv"
    retries: 2
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
        download_slots=1,
    params:
        edition=edition,
        asked=asked("{station}.{day}"),
    script:
        "../../scripts/archive/inventory.py"


# A checkpoint only where it is needed: one that ends while jobs of other branches run makes Snakemake 9.27 lose
# the jobs that follow, and listed IDs are known from the start.
if LISTED is None:

    checkpoint select:
        """Select the broadcasts of the run from the inventories."""
        input:
            inventories=inventories,
        output:
            selected="results/{run}/selected.csv",
            inventories="results/{run}/inventories.csv",
        log:
            "results/logs/{run}/select.log",
        benchmark:
            "results/benchmarks/{run}/select.tsv"
        conda:
            "../../envs/environment.yaml"
        threads: 1
        resources:
            mem_mb=growing(1000),
        params:
            choice=asdict(CHOICE),
            code_version=CODE_VERSIONS["select"],
        script:
            "../../scripts/archive/select.py"

else:

    rule select:
        """Describe the broadcasts that the configuration lists."""
        output:
            selected="results/{run}/selected.csv",
        log:
            "results/logs/{run}/select.log",
        benchmark:
            "results/benchmarks/{run}/select.tsv"
        conda:
            "../../envs/environment.yaml"
        threads: 1
        resources:
            mem_mb=growing(1000),
        params:
            listed=LISTED,
            code_version=CODE_VERSIONS["select"],
        script:
            "../../scripts/archive/select.py"


rule download:
    """Fetch the ZIP of one broadcast or make it of a recording, or note that there is none."""
    output:
        unless_kept("resources/zips/{broadcast}.zip"),
    log:
        "results/logs/download/{broadcast}.log",
    benchmark:
        "results/benchmarks/download/{broadcast}.tsv"
    priority: fetch_priority()
    retries: 2
    group:
        "broadcast"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
        # A recording keeps no host busy.
        download_slots=lambda wildcards: 0 if is_recording(wildcards) else 1,
    params:
        source=lambda wildcards: source_of(wildcards.broadcast),
        recording=recording,
        asked=asked("{broadcast}"),
    script:
        "../../scripts/archive/download.py"


rule unzip:
    """Unpack the frames of one broadcast and check every entry."""
    input:
        # Of the ZIPs that are there the scheduler takes the largest first. Not ancient(): a ZIP that was fetched
        # but not yet recorded when the run was killed would hide all that follows it from Snakemake 9.27.
        "resources/zips/{broadcast}.zip",
    output:
        frames=temp(directory(scratch("frames/{broadcast}"))),
        manifest=temp(scratch("manifests/{broadcast}.json")),
    log:
        "results/logs/unzip/{broadcast}.log",
    benchmark:
        "results/benchmarks/unzip/{broadcast}.tsv"
    group:
        "broadcast"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
        cores_of_run=cores_of_run(),
    params:
        limits=archive_limits(),
        code_version=CODE_VERSIONS["unzip"],
    script:
        "../../scripts/archive/unzip.py"
