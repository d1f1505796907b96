"""Find and encode the faces of one broadcast."""

from pathlib import Path

from castgraph import tables
from castgraph.archive import read_manifest
from castgraph.faces import encode, load_engine
from castgraph.joblog import joblog

with joblog(snakemake.log[0]):
    settings = snakemake.params.settings
    engine = load_engine(**settings)
    manifest = read_manifest(Path(snakemake.input.manifest))
    faces, frames = encode(manifest, Path(snakemake.input.frames), engine)
    facts = tables.provenance(
        "encode",
        settings,
        models=dict(engine.models),
        n_frames=frames.num_rows,
        n_faces=faces.num_rows,
        status=manifest.status,
        reason=manifest.reason,
        n_refused=manifest.n_refused,
    )
    tables.write(snakemake.output.frames, frames, facts)
    tables.write(snakemake.output.faces, faces, facts)
