# Shared by all rule files. The configuration, wildcards, input functions and resources.
import os
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from snakemake.exceptions import WorkflowError

import castgraph.archive
import castgraph.run.config
from castgraph.base.files import expanded
from castgraph.base.locks import RunLock
from castgraph.run.names import (
    CODE_VERSIONS,
    asked_again,
    clusterings,
    encoder_name,
    inventory_edition,
    sweeps,
)

# The folder of our Snakefile, also where another workflow uses this one as a module.
HOME = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parents[1]
# Where a relative path of the configuration is looked for.
FOLDERS = (Path.cwd(), HOME)
# Such a workflow may put all our files under a prefix.
PREFIX = workflow.modifier.path_modifier


def placed(path):
    """Where a file of the workflow lies. Snakemake sees to inputs and outputs, not to params."""
    return str(PREFIX.replace_prefix(path))


# Without a config file of the user's, config/config.yaml (the demo) is the configuration. It is not a layer
# under the user's own: a key left out there takes its own default, not the demo's value.
if not workflow.configfiles and "run" not in config:

    configfile: HOME / "config" / "config.yaml"


# For messages: the last file counts where there are several.
CONFIG_FILE = os.path.relpath(workflow.configfiles[-1]) if workflow.configfiles else ""
try:
    MERGED = castgraph.run.config.load(config, CONFIG_FILE)
    config.update(castgraph.run.config.located(MERGED, FOLDERS))
    # ID → source of the broadcasts that are known without inventories; None when inventories tell them.
    LISTED = castgraph.run.config.listed(config["broadcasts"], config["archive"]["base_url"])
    # What is wanted of those that inventories tell.
    CHOICE = castgraph.run.config.choice(config["broadcasts"], config["archive"]["base_url"])
except castgraph.run.config.ConfigError as error:
    raise WorkflowError(str(error.within(CONFIG_FILE)))


ENCODER = encoder_name(**config["faces"])
CLUSTERINGS = clusterings(**config["clustering"])
OTHERWISE = [name for name, settings in CLUSTERINGS.items() if settings["algorithm"] != "dbscan"]
SWEEPS = sweeps(
    [name for name in CLUSTERINGS if name not in OTHERWISE],
    Path(placed(f"results/{config['run']}/sweeps.json")),
)
# What `castgraph retry` wants to be fetched again.
ASKED = asked_again(Path(placed("resources/asked_again.json")))
NOW = datetime.now(UTC)
# Whether jobs share a clustering.
SHARED = False


scattergather:
    share=1,


# For jobs that take what there is. Snakemake lowers it to --cores.
MOST_THREADS = 64


wildcard_constraints:
    run="[A-Za-z0-9][A-Za-z0-9._-]*",
    station=castgraph.archive.STATION_PATTERN,
    day="[0-9]{8}",
    broadcast=castgraph.archive.BROADCAST_PATTERN,
    encoder="[a-z0-9.-]+",
    clustering="[a-z0-9._-]+",
    sweep="[0-9]+",


def start_run():
    """Take the working directory for this run alone and keep the merged configuration beside its results."""
    global RUN_LOCK
    try:
        RUN_LOCK = RunLock(Path(".snakemake") / "castgraph.lock")
    except BlockingIOError as error:
        raise WorkflowError(str(error))
    castgraph.run.config.write(Path("results") / config["run"] / "config.yaml", MERGED)


def growing(mem_mb):
    """Memory that grows with every retry of the job."""
    return lambda wildcards, attempt: mem_mb * attempt


def with_faces(mem_mb):
    """Memory for a table of faces beside `mem_mb`; it grows with every retry of the job."""
    return lambda wildcards, input, attempt: int((mem_mb + 4 * input.size_mb) * attempt)


def cores_of_run():
    """The cores among which encode jobs borrow idle ones; 0 where they do not."""
    # On a cluster this is read again on the node, by a Snakemake that is not the main process.
    if not workflow.is_main_process or not config["compute"]["borrow"]:
        return 0
    # A GPU's memory is for the workers that the configuration asks for.
    if config["compute"]["providers"][0] != "CPUExecutionProvider":
        return 0
    # Where memory is limited (--resources mem_mb=…) idle cores may be idle for lack of it.
    mem_mb = workflow.global_resources.get("mem_mb").value
    cores = workflow.resource_settings.cores or 0
    return cores if mem_mb is None else min(cores, mem_mb // 1000)


def fetch_priority():
    """Fetch ahead of encoding where that leaves no core idle, so that the largest ZIPs can be taken first."""
    many_cores = (workflow.resource_settings.cores or 0) >= 16
    return 1 if many_cores or "://" not in config["archive"]["base_url"] else 0


def scratch(path):
    """A path in the scratch folder, for what is needed only for a short time.

    Variables in it are those of the host that runs the job. Snakemake records the path under a name that is the
    same everywhere, so that nothing is encoded again when scratch lies elsewhere.
    """
    try:
        folder = placed(expanded(config["compute"]["scratch"]))
    except ValueError as error:
        raise WorkflowError(f"compute.scratch: {error}")
    return sourcecache_entry(str(Path(folder) / path), f"scratch/{Path(path).parent}")


def archive_limits():
    """How much one ZIP may hold."""
    return {key: config["archive"][key] for key in ("max_frames", "max_frame_mb", "max_broadcast_mb")}


def is_recording(wildcards):
    """Whether a broadcast comes from a file or folder of the user's."""
    return castgraph.archive.is_local(source_of(wildcards.broadcast))


def recording(wildcards):
    """What the frames of a recording depend on; those of the archive are as they are."""
    if not is_recording(wildcards):
        return None
    return {"frame_seconds": config["archive"]["frame_seconds"], **archive_limits()}


def network_settings():
    """What the network depends on; the size of the picture does not belong to it."""
    return {key: value for key, value in config["network"].items() if key != "picture_people"}


def portraits(wildcards):
    """The portraits of a clustering, where the configuration asks for them."""
    return "results/{run}/{clustering}/portraits".format(**wildcards) if config["people"]["portraits"] else []


def edition(wildcards):
    """Which edition of an inventory is wanted. A recent one is fetched again when it is old."""
    day = datetime.strptime(wildcards.day, "%Y%m%d").date()
    return inventory_edition(day, NOW, config["archive"]["inventory_hours"])


def asked(name):
    """How often a broadcast or an inventory has been asked for again. One time more, and it is made again."""
    return lambda wildcards: ASKED.get(name.format(**wildcards), 0)


def unless_kept(path):
    """The ZIPs are temporary unless the configuration keeps them."""
    return path if config["compute"]["keep_zips"] else temp(path)


def inventories(wildcards):
    """The inventories of the chosen stations and days; none when the configuration lists the IDs."""
    chosen = castgraph.run.config.station_days(config["broadcasts"])
    return [f"resources/inventories/{station}.{day:%Y%m%d}.json" for station, day in chosen]


def source_of(broadcast):
    """What a broadcast comes from; empty for the archive."""
    return (CHOICE.include if LISTED is None else LISTED).get(broadcast, "")


def broadcasts():
    """The IDs of the run. Only when they come from inventories does the DAG wait for the checkpoint."""
    if LISTED is not None:
        return list(LISTED)
    return castgraph.archive.read_selection(checkpoints.select.get(run=config["run"]).output.selected)


def face_tables(wildcards):
    """The face table of every broadcast."""
    return expand("results/faces/{encoder}/{broadcast}.parquet", encoder=ENCODER, broadcast=broadcasts())


def frame_tables(wildcards):
    """The frame table of every broadcast."""
    return expand("results/frames/{encoder}/{broadcast}.parquet", encoder=ENCODER, broadcast=broadcasts())


def encoded(wildcards):
    """What `encode` makes. It is listed in `all` so that a table that was lost is made again."""
    return face_tables(wildcards) + frame_tables(wildcards)


def per_clustering(*names):
    """Files of every clustering of the run."""
    return expand("results/{run}/{clustering}/{name}", run=config["run"], clustering=CLUSTERINGS, name=names)


def results(wildcards):
    """What the run makes besides the encodings."""
    names = ["labels.parquet", "people.parquet", "nodes.csv", "edges.csv", "graph.gexf", "graph.graphml"]
    names += ["network.png", "network.svg"]
    names += ["portraits"] * config["people"]["portraits"]
    names += ["DATABASE.json"] * config["export"]["database_json"]
    of_all = ["summary.json", "report.html", "sweep.parquet", "sweep.html"]
    return [f"results/{config['run']}/{name}" for name in of_all] + per_clustering(*names)
