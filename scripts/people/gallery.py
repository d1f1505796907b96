"""Encode the pictures of people that the user knows."""

from pathlib import Path

from castgraph.base import tables
from castgraph.base.joblog import joblog
from castgraph.faces.engine import load_engine
from castgraph.people.gallery import encode_gallery

with joblog(snakemake.log[0]):
    providers = snakemake.config["compute"]["providers"]
    engine = load_engine(**snakemake.config["faces"], providers=providers)
    gallery = encode_gallery(Path(snakemake.params.folder), engine)
    facts = tables.provenance("gallery", snakemake.params.settings, models=engine.models)
    tables.write(snakemake.output[0], gallery, facts, tables.GALLERY)
