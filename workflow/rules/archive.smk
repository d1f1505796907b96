# Reads: the archive (archive.base_url), or recordings.
# Makes: the list of broadcasts of the run, their ZIPs and, for a short time, their frames.
#
# Of what is made again the old stays until the new is whole: update() keeps it when the job fails. But then Snakemake
# 9.27 takes the job for done. So each such rule has a receipt, too, which is not there unless the job ended well, and
# which is an input of what follows.


rule inventory:
    """Fetch the list of shows of one station and day."""
    output:
        inventory=update(INVENTORY),
        receipt=INVENTORY_RECEIPT,
    log:
        "results/logs/inventory/{archive}/{station}.{day}.log",
    benchmark:
        "results/benchmarks/inventory/{archive}/{station}.{day}.tsv"
    retries: 2
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
        download_slots=1,
    params:
        edition=edition,
        asked=lambda wildcards: times_asked(INVENTORY_RECEIPT.format(**wildcards)),
        record=INVENTORY_RECORD,
        pace=PACE,
        code_version=CODE_VERSIONS["inventory"],
    script:
        "../../scripts/archive/inventory.py"


# A checkpoint only where it is needed: one that ends while jobs of other branches run makes Snakemake 9.27 lose
# the jobs that follow, and listed IDs are known from the start.
if LISTED is None:

    checkpoint select:
        """Select the broadcasts of the run from the inventories."""
        input:
            inventories=inventories(INVENTORY),
            receipts=inventories(INVENTORY_RECEIPT),
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
            archive=ARCHIVE_URL,
            sampling=SAMPLING,
            code_version=CODE_VERSIONS["select"],
        script:
            "../../scripts/archive/select.py"

else:

    rule select:
        """Describe the broadcasts that the configuration lists."""
        output:
            selected="results/{run}/selected.csv",
            # Empty: inventories of an earlier configuration are none of this one's.
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
            listed=LISTED,
            archive=ARCHIVE_URL,
            sampling=SAMPLING,
            code_version=CODE_VERSIONS["select"],
        script:
            "../../scripts/archive/select.py"


rule left_alone:
    """List what the lists and folders of the configuration hold and the run does not take."""
    output:
        # A file of its own: when something else lies beside the recordings nothing else is made again.
        "results/{run}/left_alone.csv",
    log:
        "results/logs/{run}/left_alone.log",
    benchmark:
        "results/benchmarks/{run}/left_alone.tsv"
    # What is the matter can be seen while the run is at work.
    priority: 100
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
    params:
        left_alone=[tuple(each) for each in LEFT_ALONE],
        code_version=CODE_VERSIONS["left_alone"],
    script:
        "../../scripts/archive/left_alone.py"


rule download:
    """Fetch the ZIP of one broadcast or make it of a recording, or note that there is none."""
    output:
        zip=unless_kept("resources/zips/{origin}/{broadcast}.zip"),
        receipt=FETCHED_RECEIPT,
    log:
        "results/logs/download/{origin}/{broadcast}.log",
    benchmark:
        "results/benchmarks/download/{origin}/{broadcast}.tsv"
    priority: fetch_priority()
    retries: 2
    group:
        "broadcast"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        # A turned photograph of 108 million pixels takes 1 GB.
        mem_mb=growing(lambda wildcards: 1500 if is_recording(wildcards) else 500),
        # A recording keeps no host busy.
        download_slots=lambda wildcards: 0 if is_recording(wildcards) else 1,
    params:
        frames=frames(FETCHED),
        record=LIMITS_RECORD,
        pace=PACE,
    script:
        "../../scripts/archive/download.py"


rule unzip:
    """Unpack the frames of one broadcast and check every entry."""
    input:
        # Of the ZIPs that are there the scheduler takes the largest first. Not ancient(): a ZIP that was fetched
        # but not yet recorded when the run was killed would hide all that follows it from Snakemake 9.27.
        "resources/zips/{origin}/{broadcast}.zip",
    output:
        frames=temp(directory(scratch("frames/{origin}/{broadcast}"))),
        manifest=temp(scratch("manifests/{origin}/{broadcast}.json")),
    log:
        "results/logs/unzip/{origin}/{broadcast}.log",
    benchmark:
        "results/benchmarks/unzip/{origin}/{broadcast}.tsv"
    group:
        "broadcast"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
        cores_of_run=cores_of_run(),
    params:
        frames=frames(UNPACKED),
        record=LIMITS_RECORD,
    script:
        "../../scripts/archive/unzip.py"
