"""Write every face of every person, the stretches in which each is seen, and how long that is."""

from pathlib import Path

from castgraph.archive import frame_links, read_selection
from castgraph.base import tables
from castgraph.base.joblog import joblog
from castgraph.faces.times import face_times, read_frames
from castgraph.people.places import read_places
from castgraph.people.screen_time import screen_time
from castgraph.people.sightings import appearances, sightings

with joblog(snakemake.log[0]):
    given, links = snakemake.input, snakemake.params.links
    places = read_places(given.faces)
    ids = tables.read(given.people, tables.PEOPLE, ["person_id"])["person_id"].to_pylist()
    members = tables.read_members(given.members, given.faces, ids)
    times = face_times(given.faces, given.frames)
    link = frame_links(read_selection(Path(given.selected)), **links)
    distances = tables.read(given.members, tables.MEMBERS, ["distance"])["distance"].to_numpy()
    seen = sightings(places, members, distances, times, link)
    settings = {"frame_seconds": links["frame_seconds"], "gap_seconds": snakemake.params.gap_seconds}
    joined = appearances(places, members, times, link, **settings)
    facts = tables.provenance("sightings", settings, n_sightings=len(seen), n_appearances=len(joined))
    tables.write(snakemake.output.sightings, seen, facts, tables.SIGHTINGS)
    tables.write(snakemake.output.appearances, joined, facts, tables.APPEARANCES)
    replayed = tables.read_replayed(given.replays) if given.replays else {}
    counted, _ = tables.without_replays(members, given.faces, replayed)
    read = read_frames(given.frames, replayed)
    on_screen = screen_time(places, counted, times, read, links["frame_seconds"])
    tables.write(snakemake.output.screen_time, on_screen, facts, tables.SCREEN_TIME)
