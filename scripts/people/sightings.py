"""Write every face of every person, the stretches in which each is seen, and how long that is."""

from pathlib import Path

from castgraph.archive import frame_links, read_selection
from castgraph.base import tables
from castgraph.base.joblog import joblog
from castgraph.faces.times import face_times, read_frames
from castgraph.people.places import read_places
from castgraph.people.screen_time import screen_time
from castgraph.people.sightings import appearances, sightings
from castgraph.run.uncounted import read_uncounted

with joblog(snakemake.log[0]):
    given, links = snakemake.input, snakemake.params.links
    places = read_places(given.faces)
    ids = tables.read(given.people, tables.PEOPLE, ["person_id"])["person_id"].to_pylist()
    members = tables.read_members(given.members, given.faces, ids)
    times = face_times(given.faces, given.frames)
    selected = read_selection(Path(given.selected))
    link = frame_links(selected, **links)
    distances = tables.read(given.members, tables.MEMBERS, ["distance"])["distance"].to_numpy()
    seen = sightings(places, members, distances, times, link)
    settings = {"frame_seconds": links["frame_seconds"], "gap_seconds": snakemake.params.gap_seconds}
    joined = appearances(places, members, times, link, **settings)
    facts = tables.provenance("sightings", settings, n_sightings=len(seen), n_appearances=len(joined))
    tables.write(snakemake.output.sightings, seen, facts, tables.SIGHTINGS)
    tables.write(snakemake.output.appearances, joined, facts, tables.APPEARANCES)
    given_out = (given.replays or None, given.suspects or None)
    left_out = read_uncounted(*given_out, (row.broadcast for row in selected)).all
    counted, _ = tables.without_replays(members, given.faces, left_out)
    read = read_frames(given.frames, left_out)
    on_screen = screen_time(places, counted, times, read, links["frame_seconds"])
    tables.write(snakemake.output.screen_time, on_screen, facts, tables.SCREEN_TIME)
