"""Find and encode the faces of one broadcast."""

from functools import partial
from pathlib import Path

from castgraph.archive import is_local, read_manifest
from castgraph.base import files, tables
from castgraph.base.cores import of_run
from castgraph.base.joblog import joblog
from castgraph.faces.encode import encode, is_worse, write_encoded
from castgraph.faces.engine import load_engine
from castgraph.faces.forgotten import forget, read_forgotten

# The worker processes import this file, too, and nothing is theirs to do in it.
if __name__ == "__main__":
    with joblog(snakemake.log[0]):
        cores = of_run(snakemake.resources.cores_of_run, snakemake.threads)
        settings = snakemake.params.settings
        # With the place of a model file, of which the settings tell the content.
        faces, providers = snakemake.config["faces"], snakemake.config["compute"]["providers"]
        load = partial(load_engine, **faces, providers=providers)
        manifest = read_manifest(Path(snakemake.input.manifest))
        encoded = encode(manifest, Path(snakemake.input.frames), load, workers=snakemake.threads, cores=cores)
        encoded = encoded._replace(
            faces=forget(encoded.faces, read_forgotten(Path(snakemake.params.forgotten)))
        )
        facts = tables.provenance(
            "encode",
            settings,
            models=encoded.models,
            n_frames=encoded.frames.num_rows,
            n_faces=encoded.faces.num_rows,
            status=manifest.status,
            reason=manifest.reason,
            n_refused=manifest.n_refused,
        )
        tables_of = Path(snakemake.output.faces), Path(snakemake.output.frames)
        if not is_worse(manifest, *tables_of, replaced=is_local(snakemake.params.frames["source"])):
            write_encoded(encoded, facts, *tables_of)
        files.write_json(snakemake.output.receipt, facts)
        # Snakemake removes what is temporary on the host where it was started, not on the nodes of a cluster.
        # There it is left to it: this job may be an orphan, and another run may work on the same frames.
        if snakemake.resources.on_node:
            for path in (snakemake.input.frames, snakemake.input.manifest):
                files.remove(Path(path))
