# castgraph: from broadcast IDs to the network of who is seen beside whom.
# A stage is one rule file here, one package in src/castgraph and its scripts in scripts/.
from snakemake.utils import min_version

min_version("9.27")


include: "workflow/rules/internals.smk"
include: "workflow/rules/common.smk"
include: "workflow/rules/archive.smk"
include: "workflow/rules/faces.smk"
include: "workflow/rules/clustering.smk"
include: "workflow/rules/people.smk"
include: "workflow/rules/network.smk"
include: "workflow/rules/summary.smk"


localrules:
    all,
    encodings,
    sweep,
    demo,
    inventory,
    select,
    left_alone,


rule all:
    """Make everything the configuration asks for."""
    default_target: True
    input:
        encoded,
        results,


rule encodings:
    """Make the encodings of every broadcast, and stop there."""
    input:
        encoded,


rule sweep:
    """Compare the clusterings, and stop there."""
    input:
        f"results/{config['run']}/sweep.html",


rule demo:
    """Make everything and print what was found."""
    input:
        encoded,
        results,
        summary=f"results/{config['run']}/summary.json",
    log:
        f"results/logs/{config['run']}/demo.log",
    benchmark:
        f"results/benchmarks/{config['run']}/demo.tsv"
    conda:
        "envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
    script:
        "scripts/run/demo.py"


onstart:
    start_run()


onsuccess:
    print(f"Done. The results of this run lie in results/{config['run']}/.")
