"""Crop each person's best face and a contact sheet out of the ZIPs."""

from pathlib import Path

import pyarrow.parquet as pq

from castgraph.files import atomic_directory
from castgraph.joblog import joblog
from castgraph.people import write_portraits

FACE_COLUMNS = ["broadcast", "frame", "top", "right", "bottom", "left", "embedding"]


def main() -> None:
    archive = snakemake.config["archive"]
    sheet_faces = snakemake.params.sheet_faces
    with (
        atomic_directory(snakemake.output.portraits) as portraits,
        atomic_directory(snakemake.output.sheets) as sheets,
    ):
        write_portraits(
            pq.read_table(snakemake.input.people),
            pq.read_table(snakemake.input.faces, columns=FACE_COLUMNS),
            pq.read_table(snakemake.input.labels)["label"].to_numpy(),
            Path(snakemake.params.zips),
            portraits,
            sheets if sheet_faces else None,
            size=snakemake.params.portrait_px,
            sheet_faces=sheet_faces,
            workers=snakemake.threads,
            base_url=archive["base_url"],
            fetch_options={"attempts": archive["attempts"], "timeout": archive["timeout"]},
            scratch=Path(snakemake.resources.tmpdir),
        )


if __name__ == "__main__":  # the worker processes import this file
    with joblog(snakemake.log[0]):
        main()
