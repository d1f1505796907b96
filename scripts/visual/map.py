"""Place the pictures of the run on maps."""

from pathlib import Path

from castgraph.base import tables
from castgraph.base.joblog import joblog
from castgraph.visual.maps import draw_pictures, draw_points, write_map
from castgraph.visual.pictures import hidden_faces

with joblog(snakemake.log[0]):
    path, methods = Path(snakemake.output[0]), snakemake.params.methods
    write_map(path, snakemake.input.frames, methods, tables.provenance("map", {"methods": methods}))
    table = tables.read(path, tables.VISUAL_MAP)
    hidden = hidden_faces(snakemake.input.faces, snakemake.input.of_run, snakemake.input.members)
    embedded = {Path(each).stem: each for each in snakemake.input.embedded}
    for method in methods:
        draw_points(path.with_name(f"map_{method}.png"), table, method)
        draw_pictures(path.with_name(f"map_{method}_pictures.png"), table, method, embedded, hidden)
