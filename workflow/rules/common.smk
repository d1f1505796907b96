# Shared by all rule files. The configuration, wildcards, input functions and resources.
import os
import re
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import castgraph.archive
import castgraph.run.config
import castgraph.run.inventories
import castgraph.run.ledger
from castgraph.archive.media.sources import state
from castgraph.base.files import expanded
from castgraph.network.layers import compared_networks
from castgraph.run.frames import FETCHED, UNPACKED, depend_on
from castgraph.run.names import (
    CODE_VERSIONS,
    clusterings,
    encoder_name,
    encoder_settings,
    quality,
    visual_name,
    visual_settings,
)
from castgraph.run.turn import take_turn
from castgraph.transcripts.beside import beside, may_be_transcript, own

# Where a relative path of the configuration is looked for.
FOLDERS = (Path.cwd(), HOME)

# Without a config file of the user's, config/config.yaml (the demo) is the configuration. It is not a layer
# under the user's own: a key left out there takes its own default, not the demo's value.
if not given_config_files() and "run" not in config:

    configfile: HOME / "config" / "config.yaml"


# For messages: the last file counts where there are several.
CONFIG_FILE = os.path.relpath(given_config_files()[-1]) if given_config_files() else ""
try:
    MERGED = castgraph.run.config.load(config, CONFIG_FILE)
    config.update(castgraph.run.config.located(MERGED, FOLDERS))
    # What is kept of the run tells which files it was.
    for section, key in (("faces", "embedder"), ("visual", "onnx")):
        if MERGED[section][key]:
            MERGED[section][key]["sha256"] = config[section][key]["sha256"]
    # What is wanted of those that inventories tell; ID → source of the broadcasts that are known without them, else
    # None; what is in the lists and is not taken.
    CHOICE, LISTED, LEFT_ALONE = castgraph.run.config.chosen(
        config["broadcasts"], config["archive"]["base_url"], check=is_main_process()
    )
except castgraph.run.config.ConfigError as error:
    raise refusal(str(error.within(CONFIG_FILE)))


ENCODER = encoder_name(**config["faces"])
EMBEDDER = visual_name(config["visual"]) if config["visual"]["embedder"] else ""
CLUSTERINGS = clusterings(**config["clustering"])
QUALITY = quality(config["faces"]["detector"], config["quality"])
NOW = datetime.now(UTC)
# The archive as the user named it, and relative where it lies within: where the folder is does not matter.
ARCHIVE_URL = castgraph.archive.relative(MERGED["archive"]["base_url"], Path.cwd())
ARCHIVE = castgraph.archive.archive_name(ARCHIVE_URL)

# For jobs that take what there is. Snakemake lowers it to --cores.
MOST_THREADS = 64


wildcard_constraints:
    run="[A-Za-z0-9][A-Za-z0-9._-]*",
    station=castgraph.archive.STATION_PATTERN,
    day="[0-9]{8}",
    broadcast=castgraph.archive.BROADCAST_PATTERN,
    archive="[A-Za-z0-9-]+",
    origin="[A-Za-z0-9.-]+",
    encoder="[A-Za-z0-9.-]+",
    embedder="[A-Za-z0-9.-]+",
    clustering="|".join(map(re.escape, CLUSTERINGS)),


def begin():
    """Tell what is to be run and, unless this is a dry run, take the working directory for it alone."""
    global RUN_LOCK
    tell(
        "\n  left alone: ".join([f"Run {config['run']}", *castgraph.archive.grouped(LEFT_ALONE)]),
        run=config["run"],
        results=Path("results") / config["run"],
        config=CONFIG_FILE,
        n_broadcasts=None if LISTED is None else len(LISTED),
        sources=LISTED or {},
        left_alone=LEFT_ALONE,
        encoder=ENCODER,
        frame_seconds=config["archive"]["frame_seconds"],
        keep_zips=config["compute"]["keep_zips"],
        cores=run_cores(),
        descriptions=descriptions(),
    )
    if not is_dry_run():
        try:
            RUN_LOCK = take_turn(Path("results") / config["run"], CONFIG_FILE)
        except BlockingIOError as error:
            raise refusal(str(error))


def growing(mem_mb):
    """Memory that grows with every retry of the job; a number, or a function of the wildcards."""
    return lambda wildcards, attempt: attempt * (mem_mb(wildcards) if callable(mem_mb) else mem_mb)


def with_faces(mem_mb):
    """Memory for a table of faces beside `mem_mb`; it grows with every retry of the job."""
    return lambda wildcards, input, attempt: int((mem_mb + 4 * input.size_mb) * attempt)


def embedder_mb():
    """Memory for an embedder of the user's own: 3.5 times its file were measured while it is loaded."""
    own = config["faces"]["embedder"]
    return 4 * os.path.getsize(own["onnx"]) // 10**6 if own else 0


def cores_of_run():
    """The cores among which encode jobs borrow idle ones; 0 where they do not."""
    # On a cluster this is read again on the node.
    if not is_main_process() or not config["compute"]["borrow"]:
        return 0
    # A GPU's memory is for the workers that the configuration asks for.
    if config["compute"]["providers"][0] != "CPUExecutionProvider":
        return 0
    # Where memory is limited (--resources mem_mb=…) idle cores may be idle for lack of it.
    mem_mb = run_limit("mem_mb")
    return run_cores() if mem_mb is None else min(run_cores(), mem_mb // (1000 + embedder_mb()))


def fetch_priority():
    """Fetch ahead of encoding where that leaves no core idle, so that the largest ZIPs can be taken first."""
    return 1 if run_cores() >= 16 or "://" not in config["archive"]["base_url"] else 0


def scratch(path):
    """A path in the scratch folder, for what is needed only for a short time.

    Variables in it are those of the host that runs the job. Nothing is encoded again when scratch lies elsewhere.
    """
    try:
        folder = placed(expanded(config["compute"]["scratch"]))
    except ValueError as error:
        raise refusal(f"compute.scratch: {error}")
    return recorded_as(str(Path(folder) / path), f"scratch/{Path(path).parts[0]}")


def source_of(broadcast):
    """What a broadcast comes from; empty for the archive."""
    return (CHOICE.include if LISTED is None else LISTED).get(broadcast, "")


# What is taken out of a video.
SAMPLING = {key: config["archive"][key] for key in ("frame_seconds", "programme")}


@cache
def origin(broadcast):
    """Where a broadcast comes from, as a name for paths."""
    return castgraph.archive.origin(broadcast, source_of(broadcast), ARCHIVE_URL, **SAMPLING)


PACE = placed("results/ledger/pace")
# What `castgraph retry` wants to be fetched again.
ASKED = castgraph.run.ledger.read(Path(placed("results/ledger")) / castgraph.run.ledger.ASKED)
# Whose embeddings are not to come back.
FORGOTTEN = placed(f"results/ledger/{castgraph.run.ledger.FORGOTTEN}")
FETCHED_RECEIPT = "results/fetched/{origin}/{broadcast}.json"
INVENTORY_RECEIPT = "results/fetched/{archive}/inventories/{station}.{day}.json"


def times_asked(receipt):
    """How often something has been asked for again. One time more, and it is made again."""
    return castgraph.run.ledger.asked(ASKED, Path(placed(receipt)))


LIMITS_RECORD = placed("results/ledger/limits/{origin}/{broadcast}.json")


@cache
def dependencies(broadcast, stage):
    """What the ZIP of a broadcast, or its frames, depend on. Several rules ask, and files are read to tell it."""
    place = {"origin": origin(broadcast), "broadcast": broadcast}
    return depend_on(
        source_of(broadcast),
        config["archive"],
        Path(LIMITS_RECORD.format(**place)),
        times_asked(FETCHED_RECEIPT.format(**place)),
        stage,
    )


def frames(stage):
    """The same, for the params of a rule."""
    return lambda wildcards: dependencies(wildcards.broadcast, stage)


def is_recording(wildcards):
    """Whether a broadcast comes from a file or folder of the user's."""
    return castgraph.archive.is_local(source_of(wildcards.broadcast))


# What was said lies beside the ZIP or the recording.
TRANSCRIPT = "resources/transcripts/{origin}/{broadcast}.json"
TRANSCRIPT_RECEIPT = "results/fetched/{origin}/transcripts/{broadcast}.json"
PREFER = config["transcripts"]["prefer"] or []


@cache
def own_transcripts():
    """Recording -> the transcript beside it."""
    return own((CHOICE.include if LISTED is None else LISTED).values(), PREFER)


def has_transcript(broadcast):
    """Whether there may be a transcript of a broadcast: one is there, or one is to be fetched."""
    source = source_of(broadcast)
    return (
        source in own_transcripts() if castgraph.archive.is_local(source) else config["transcripts"]["fetch"]
    )


def transcript_depends(wildcards):
    """What the transcript of a broadcast depends on."""
    source = source_of(wildcards.broadcast)
    found = own_transcripts().get(source)
    return {
        "source": source,
        "name": found.name if found else "",
        "state": state(beside(source, found.name)) if found else None,
        "prefer": PREFER,
        "asked": times_asked(TRANSCRIPT_RECEIPT.format(**wildcards)),
    }


def per_transcript(path):
    """A file of every broadcast of the run that may have a transcript."""
    return lambda wildcards: [
        path.format(origin=origin(broadcast), broadcast=broadcast)
        for broadcast in broadcasts()
        if has_transcript(broadcast)
    ]


def with_words(*paths):
    """Paths of what is made of transcripts; none where the run can have no transcript."""
    return list(paths) if config["transcripts"]["fetch"] or own_transcripts() else []


if any(may_be_transcript(each.path) for each in LEFT_ALONE):
    TAKEN = {beside(source, found.name) for source, found in own_transcripts().items()}
    LEFT_ALONE = tuple(each for each in LEFT_ALONE if each.path not in TAKEN)


def with_labelling(*paths):
    """Paths of what tells of broadcasts that are not what their title says; none where nobody looks for them."""
    return list(paths) if config["labelling"]["enabled"] else []


def found_suspects(wildcards):
    """The suspects of a clustering, where they are looked for."""
    path = "results/{run}/{clustering}/labelling/suspects.parquet".format(**wildcards)
    return path if config["labelling"]["enabled"] else []


def suspects_out(wildcards):
    """The same, where they are not to be counted."""
    return found_suspects(wildcards) if config["labelling"]["exclude_suspects"] else []


def unless_outside(wildcards, *paths):
    """Paths of what a run knows of its broadcasts; none where these are judged by tables from outside."""
    return [] if config["labelling"]["entities"] else [path.format(**wildcards) for path in paths]


def outside_entities(wildcards):
    """The files of the tables from outside; another one, and they are read again."""
    sources = [Path(path) for path in config["labelling"]["entities"] or []]
    within = (file for source in sources for file in [source, *sorted(source.rglob("*"))])
    return [here(str(file)) for file in within if file.is_file()]


def counted_once(wildcards):
    """The replays, where footage that is on air again is not to be counted again."""
    return (
        []
        if config["network"]["count_replays"] == "always"
        else "results/{run}/replays.parquet".format(**wildcards)
    )


def portraits(wildcards):
    """The portraits of a clustering, where the configuration asks for them."""
    return "results/{run}/{clustering}/portraits".format(**wildcards) if config["people"]["portraits"] else []


INVENTORY = "resources/inventories/{archive}/{station}.{day}.json"
INVENTORY_RECORD = placed("results/ledger/inventories/{archive}/{station}.{day}.json")


def edition(wildcards):
    """Which edition of an inventory is wanted. A recent one is fetched again when it is old."""
    return castgraph.run.inventories.edition(
        Path(placed(INVENTORY.format(**wildcards))),
        Path(INVENTORY_RECORD.format(**wildcards)),
        datetime.strptime(wildcards.day, "%Y%m%d").date(),
        NOW,
        config["archive"]["inventory_hours"],
    )


def unless_kept(path):
    """The ZIPs are temporary unless the configuration keeps them."""
    return update(path) if config["compute"]["keep_zips"] else temp(path)


def inventories(path):
    """A file of each of the chosen stations and days; none when the configuration lists the IDs."""
    chosen = castgraph.run.config.station_days(config["broadcasts"])
    return [path.format(archive=ARCHIVE, station=station, day=f"{day:%Y%m%d}") for station, day in chosen]


def broadcasts():
    """The IDs of the run. Only when they come from inventories does the DAG wait for the checkpoint."""
    if LISTED is not None:
        return list(LISTED)
    selected = checkpoints.select.get(run=config["run"]).output.selected
    return [row.broadcast for row in castgraph.archive.read_selection(Path(selected))]


def per_broadcast(path):
    """A file of every broadcast of the run, made by `encode`."""
    return lambda wildcards: [
        path.format(encoder=ENCODER, origin=origin(broadcast), broadcast=broadcast)
        for broadcast in broadcasts()
    ]


FACE_TABLE = "results/faces/{encoder}/{origin}/{broadcast}.parquet"
FRAME_TABLE = "results/frames/{encoder}/{origin}/{broadcast}.parquet"
ENCODED = "results/encoded/{encoder}/{origin}/{broadcast}.json"


def encoded(wildcards):
    """What `encode` makes. It is listed in `all` so that a table that was lost is made again."""
    return [path for each in (FACE_TABLE, FRAME_TABLE, ENCODED) for path in per_broadcast(each)(wildcards)]


VISUAL_TABLE = "results/visual/{embedder}/{origin}/{broadcast}.parquet"
VISUAL_RECEIPT = "results/visual/{embedder}/{origin}/{broadcast}.json"


def with_frames():
    """The broadcasts of the run whose frames are embedded as wholes."""
    wanted = config["visual"]["broadcasts"]
    found = [
        each
        for each in broadcasts()
        if wanted is None or castgraph.archive.Choice(exclude=wanted).excludes(each)
    ]
    if not found:
        raise refusal(f"visual.broadcasts: found {wanted}; none of the broadcasts of the run is among these")
    return found


def per_embedded(path):
    """A file of each of these broadcasts."""
    return lambda wildcards: [
        path.format(embedder=EMBEDDER, origin=origin(broadcast), broadcast=broadcast)
        for broadcast in with_frames()
    ]


# How pictures are placed on a plane.
MAPS = ["pca", "tsne", *["umap"] * config["visual"]["umap"]]


def with_visual(*paths):
    """Paths of what is made of frames as wholes; none where the configuration does not ask for them."""
    return list(paths) if EMBEDDER else []


# The people of the first clustering give their IDs to those of the others.
FIRST = next(iter(CLUSTERINGS))


def followed(wildcards):
    """The members of the clustering that a clustering takes its IDs from, where it has none yet."""
    if config["people"]["follow"]:
        return [here(f"{config['people']['follow']}/members.parquet")]
    first = Path("results", wildcards.run, FIRST, "members.parquet")
    return [] if wildcards.clustering == FIRST else [str(first)]


def here(path):
    """A file of the user's, relative where it lies within, so that it does not matter where the folder is."""
    return castgraph.archive.relative(path, Path.cwd())


def gallery_pictures(wildcards):
    """The pictures of the gallery; another one, and it is encoded again."""
    from castgraph.people.gallery import GalleryError, pictures

    try:
        return [here(str(each.path)) for each in pictures(Path(config["people"]["gallery"]))]
    except GalleryError as error:
        raise refusal(str(error))


# The network of a clustering, and those that it is compared with, by what their files are called.
NETWORKS = ["", *(f"_{name}" for name in compared_networks(config["network"]))]
TITLES = {
    "": (
        "Who is seen beside whom"
        if config["network"]["mode"] == "standard"
        else "As published: who is seen beside whom"
    ),
    "_corrected": "Corrected: who is seen beside whom",
    "_without_hosts": "Beside those who are always on air",
}


def networks(*paths):
    """A file of each of these networks, for each of the paths of the files of the one that is asked for."""
    return [f"{Path(path).with_suffix('')}{name}{Path(path).suffix}" for name in NETWORKS for path in paths]


# What tells where a frame can be seen.
LINKS = {
    "base_url": ARCHIVE_URL,
    "frame_url": config["archive"]["frame_url"],
    "frame_seconds": config["archive"]["frame_seconds"],
}


def per_clustering(*names):
    """Files of every clustering of the run."""
    return expand("results/{run}/{clustering}/{name}", run=config["run"], clustering=CLUSTERINGS, name=names)


def results(wildcards):
    """What the run makes besides the encodings."""
    names = [
        "labels.parquet",
        "members.parquet",
        "people.parquet",
        "sightings.parquet",
        "appearances.parquet",
        "suggestions.parquet",
    ]
    names += [
        "screen_time.parquet",
        "meetings.parquet",
        "edges.parquet",
        "centrality.parquet",
        "nodes.csv",
        "edges.csv",
        "people.csv",
        "graph.gexf",
        "dynamic.gexf",
        "graph.graphml",
    ]
    names += [f"network{name}.{kind}" for name in NETWORKS for kind in ("png", "svg")]
    names += with_words("words.parquet")
    names += with_visual("seen_with.parquet")
    names += with_labelling("labelling.html")
    names += ["as_published.html"] * (config["network"]["mode"] == "as_published")
    names += ["portraits"] * config["people"]["portraits"]
    names += ["explorer"] * config["explorer"]["enabled"]
    names += ["DATABASE.json"] * config["export"]["database_json"]
    of_all = [
        "left_alone.csv",
        "merged.json",
        "replays.parquet",
        "summary.json",
        "report.html",
        "sweep.parquet",
        "sweep.html",
        "holds.parquet",
    ]
    of_all += with_words("transcripts.parquet", "utterances.parquet")
    of_all += with_visual("visual/frames.parquet", "visual/groups.parquet", "visual/map.parquet")
    of_all += with_visual("visual/map.html")
    of_all += with_visual("visual/sheets") if config["visual"]["sheets"] else []
    return [f"results/{config['run']}/{name}" for name in of_all] + per_clustering(*names)
