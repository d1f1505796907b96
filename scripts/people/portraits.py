"""Crop each person's best face and a contact sheet out of the ZIPs."""

from pathlib import Path

from castgraph.archive import Limits, fetch_options, frame_links, read_selection
from castgraph.base import tables
from castgraph.base.files import atomic_directory
from castgraph.base.joblog import joblog
from castgraph.faces.times import face_times
from castgraph.people.portraits import COLUMNS, write_portraits
from castgraph.people.table import shown


def main() -> None:
    archive = snakemake.config["archive"]
    sheet_faces = snakemake.params.sheet_faces
    zips = Path(snakemake.params.zips)
    members = snakemake.input.members
    everybody = tables.read(snakemake.input.people, tables.PEOPLE)
    people = shown(everybody, snakemake.params.min_seconds)
    selected = {row.broadcast: row for row in read_selection(Path(snakemake.params.selected))}
    with (
        atomic_directory(snakemake.output.portraits) as portraits,
        atomic_directory(snakemake.output.sheets) as sheets,
    ):
        write_portraits(
            people,
            tables.read(snakemake.input.faces, tables.MERGED_FACES, COLUMNS),
            tables.read_members(members, snakemake.input.faces, everybody["person_id"].to_pylist()).person,
            *(column.to_numpy() for column in tables.read(members, tables.MEMBERS, ["distance", "outlier"])),
            face_times(snakemake.input.faces, snakemake.input.frames),
            lambda broadcast: zips / selected[broadcast].origin / f"{broadcast}.zip",
            portraits,
            sheets if sheet_faces else None,
            link=frame_links(selected.values(), **snakemake.params.links),
            size=snakemake.params.portrait_px,
            sheet_faces=sheet_faces,
            workers=snakemake.threads,
            base_url=archive["base_url"],
            sources={broadcast: row.source for broadcast, row in selected.items()},
            limits=Limits.of(archive),
            fetch_options={
                "frame_seconds": archive["frame_seconds"],
                "picture_numbers": archive["picture_numbers"],
                "programme": archive["programme"],
                **fetch_options(snakemake.config["compute"], Path(snakemake.params.pace)),
            },
            scratch=Path(snakemake.resources.tmpdir),
        )


if __name__ == "__main__":  # the worker processes import this file
    with joblog(snakemake.log[0]):
        main()
