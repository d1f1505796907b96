"""Tell what a look could put right, what puts right the most first."""

from castgraph.base import tables
from castgraph.base.joblog import joblog
from castgraph.people.places import read_places
from castgraph.people.suggest import suggest
from castgraph.run.constraints import must_links
from castgraph.run.counted import scale_of

with joblog(snakemake.log[0]):
    given, frame_seconds = snakemake.input, snakemake.params.frame_seconds
    places = read_places(given.faces)
    ids = tables.read(given.people, tables.PEOPLE, ["person_id"])["person_id"].to_pylist()
    decided = tables.read_provenance(given.people)
    found, calibration = suggest(
        tables.read_members(given.members, given.faces, ids),
        tables.open_embeddings(given.faces),
        places,
        must_links(
            tables.read(given.constraints, tables.CONSTRAINTS),
            tables.read(given.faces, tables.MERGED_FACES, ["broadcast"]),
        ),
        frame_seconds=frame_seconds,
        scale=scale_of(given.faces),
        **{
            kind: [(places.row(*pair[:2]), places.row(*pair[2:])) for pair in decided[kind]]
            for kind in ("different", "same")
        },
    )
    facts = tables.provenance(
        "suggestions",
        {"frame_seconds": frame_seconds},
        n_suggestions=len(found),
        calibration=calibration.facts(),
    )
    tables.write(snakemake.output[0], found, facts, tables.SUGGESTIONS)
