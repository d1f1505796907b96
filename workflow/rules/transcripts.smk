# Reads: the transcripts that lie beside the ZIPs of the archive or beside recordings, and who is on the screen.
# Makes: what was said, and the words that stand out beside people and pairs; nothing where there are no transcripts.


rule transcript:
    """Fetch the transcript of one broadcast or read the one beside a recording, or note that there is none."""
    output:
        transcript=update(TRANSCRIPT),
        receipt=TRANSCRIPT_RECEIPT,
    log:
        "results/logs/transcript/{origin}/{broadcast}.log",
    benchmark:
        "results/benchmarks/transcript/{origin}/{broadcast}.tsv"
    retries: 2
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
        # A recording keeps no host busy.
        download_slots=lambda wildcards: 0 if is_recording(wildcards) else 1,
    params:
        depends=transcript_depends,
        pace=PACE,
        code_version=CODE_VERSIONS["transcript"],
    script:
        "../../scripts/transcripts/transcript.py"


rule utterances:
    """Write what was said in all broadcasts of the run, and what became of their transcripts."""
    input:
        selected="results/{run}/selected.csv",
        frames="results/{run}/frames.parquet",
        transcripts=per_transcript(TRANSCRIPT),
        receipts=per_transcript(TRANSCRIPT_RECEIPT),
    output:
        transcripts="results/{run}/transcripts.parquet",
        utterances="results/{run}/utterances.parquet",
    log:
        "results/logs/{run}/utterances.log",
    benchmark:
        "results/benchmarks/{run}/utterances.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
    params:
        frame_seconds=config["archive"]["frame_seconds"],
        language=config["transcripts"]["language"],
        code_version=CODE_VERSIONS["utterances"],
    script:
        "../../scripts/transcripts/utterances.py"


rule words:
    """Tell which words stand out beside each person and each pair."""
    input:
        utterances="results/{run}/utterances.parquet",
        transcripts="results/{run}/transcripts.parquet",
        frames="results/{run}/frames.parquet",
        sightings="results/{run}/{clustering}/sightings.parquet",
        meetings="results/{run}/{clustering}/meetings.parquet",
    output:
        "results/{run}/{clustering}/words.parquet",
    log:
        "results/logs/{run}/{clustering}/words.log",
    benchmark:
        "results/benchmarks/{run}/{clustering}/words.tsv"
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=with_faces(1000),
    params:
        frame_seconds=config["archive"]["frame_seconds"],
        code_version=CODE_VERSIONS["words"],
    script:
        "../../scripts/transcripts/words.py"
