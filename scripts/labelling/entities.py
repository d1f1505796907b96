"""Count what is seen and heard in each broadcast."""

import logging
from pathlib import Path

from castgraph.base import tables
from castgraph.base.joblog import joblog
from castgraph.labelling.of_run import entities_of_run
from castgraph.labelling.outside import read_entities

with joblog(snakemake.log[0]):
    given, params, path = snakemake.input, snakemake.params, Path(snakemake.output[0])
    if params.sources:
        try:
            read = read_entities(
                [Path(source) for source in params.sources],
                path,
                timezone=params.timezone,
                memory=f"{snakemake.resources.mem_mb // 2}MB",
            )
        except ValueError as error:
            raise ValueError(f"labelling.entities: {error}") from error
        for told in read.told:
            logging.warning("left out: %s", told)
    else:
        broadcasts, frames, faces, members, replays = given.tables
        settings = {"frame_seconds": params.frame_seconds, "kinds": list(params.kinds)}
        found = entities_of_run(
            broadcasts,
            frames,
            faces,
            members,
            replays=replays,
            visual=next(iter(given.visual), None),
            utterances=next(iter(given.utterances), None),
            **settings,
        )
        tables.write(path, found, tables.provenance("entities", settings), tables.ENTITIES)
