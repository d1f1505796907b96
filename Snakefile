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
include: "workflow/rules/transcripts.smk"
include: "workflow/rules/visual.smk"
include: "workflow/rules/labelling.smk"
include: "workflow/rules/summary.smk"


localrules:
    all,
    encodings,
    sweep,
    inventory,
    select,
    left_alone,
    transcript,


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
        # By these `castgraph status` knows which broadcasts there are.
        f"results/{config['run']}/selected.csv",
        f"results/{config['run']}/left_alone.csv",


rule sweep:
    """Compare the clusterings, and stop there."""
    input:
        f"results/{config['run']}/sweep.html",


onstart:
    # Beside its results, so that they can be made again.
    castgraph.run.config.write(Path("results") / config["run"] / "config.yaml", MERGED)


if is_own_run():
    begin()
