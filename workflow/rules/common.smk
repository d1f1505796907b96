# Shared by all rule files. The configuration, wildcards, input functions and resources.
from pathlib import Path

from snakemake.exceptions import WorkflowError

import castgraph.archive
import castgraph.config
from castgraph.runlock import RunLock
from castgraph.stages import CODE_VERSIONS, ENCODER_KEYS, clusterings, encoder_name, sweeps

# Where a relative path of the configuration is looked for.
FOLDERS = (Path.cwd(), Path(workflow.basedir))


# Without a config file of the user's, config/config.yaml (the demo) is the configuration. It is not a layer
# under the user's own: a key left out there takes the default of the schema, not the demo's value.
if not workflow.configfiles and "run" not in config:

    configfile: Path(workflow.basedir) / "config" / "config.yaml"


try:
    MERGED = castgraph.config.load(
        config,
        Path(workflow.basedir) / "workflow" / "schemas" / "config.schema.yaml",
    )
    config.update(castgraph.config.located(MERGED, FOLDERS))
    LISTED = castgraph.config.listed_ids(config["broadcasts"])
except castgraph.config.ConfigError as error:
    raise WorkflowError(str(error))


ENCODER_SETTINGS = {key: config["faces"][key] for key in ENCODER_KEYS}
ENCODER = encoder_name(**ENCODER_SETTINGS)
CLUSTERINGS = clusterings(**{key: config["cluster"][key] for key in ("algorithm", "eps", "min_samples")})
OTHERWISE = [name for name, settings in CLUSTERINGS.items() if settings["algorithm"] != "dbscan"]
SWEEPS = sweeps(
    [name for name in CLUSTERINGS if name not in OTHERWISE],
    Path("results") / config["run"] / "sweeps.json",
)
# Whether jobs share a clustering.
SHARED = config["cluster"]["share_jobs"] > 1


scattergather:
    share=config["cluster"]["share_jobs"],


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
    castgraph.config.write(Path("results") / config["run"] / "config.yaml", MERGED)


def growing(mem_mb):
    """Memory that grows with every retry of the job."""
    return lambda wildcards, attempt: mem_mb * attempt


def with_faces(mem_mb):
    """Memory for a table of faces beside `mem_mb`; it grows with every retry of the job."""
    return lambda wildcards, input, attempt: int((mem_mb + 4 * input.size_mb) * attempt)


def fetch_priority():
    """Fetch ahead of encoding where that leaves no core idle, so that the largest ZIPs can be taken first."""
    many_cores = (workflow.resource_settings.cores or 0) >= 16
    return 1 if many_cores or "://" not in config["archive"]["base_url"] else 0


def scratch(path):
    """A path in the scratch folder, for what is needed only for a short time."""
    return str(Path(config["scratch"]) / path)


def archive_limits():
    """How much one ZIP may hold, in the units of `castgraph.archive.Limits`."""
    archive = config["archive"]
    return {
        "max_frames": archive["max_frames"],
        "max_frame_bytes": int(archive["max_frame_mb"] * 2**20),
        "max_total_bytes": int(archive["max_broadcast_mb"] * 2**20),
    }


def network_settings():
    """What the network depends on; the size of the picture does not belong to it."""
    return {key: value for key, value in config["network"].items() if key != "picture_people"}


def portraits(wildcards):
    """The portraits of a clustering, where the configuration asks for them."""
    return "results/{run}/{clustering}/portraits".format(**wildcards) if config["people"]["portraits"] else []


def unless_kept(path):
    """The ZIPs are temporary unless the configuration keeps them."""
    return path if config["archive"]["keep_zips"] else temp(path)


def inventories(wildcards):
    """The inventories of the chosen stations and days; none when the configuration lists the IDs."""
    chosen = castgraph.config.station_days(config["broadcasts"])
    return [f"resources/inventories/{station}.{day:%Y%m%d}.json" for station, day in chosen]


def broadcasts():
    """The IDs of the run. Only when they come from inventories does the DAG wait for the checkpoint."""
    if LISTED is not None:
        return LISTED
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
    of_all = ["summary.json", "sweep.parquet", "sweep.html"]
    return [f"results/{config['run']}/{name}" for name in of_all] + per_clustering(*names)
