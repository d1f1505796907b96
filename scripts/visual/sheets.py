"""Draw a sheet of each group of pictures, one of all, and a storyboard of each broadcast."""

from pathlib import Path

from castgraph.base.files import atomic_directory
from castgraph.base.joblog import joblog
from castgraph.visual.pictures import hidden_faces
from castgraph.visual.sheets import write_sheets

with joblog(snakemake.log[0]), atomic_directory(snakemake.output[0]) as folder:
    given = snakemake.input
    hidden = hidden_faces(given.faces, given.of_run, given.members)
    embedded = {Path(each).stem: each for each in given.embedded}
    write_sheets(folder, given.frames, given.groups, embedded, hidden)
