"""Sleep instead of unpacking; the manifest is the number of frames."""

import time
from pathlib import Path

from simulated import FRAME_BYTES, SETTINGS, began, import_as, now, record

import_as("archive/unzip.py")
if n_frames := Path(snakemake.input[0]).stat().st_size // FRAME_BYTES:
    from castgraph.base.cores import of_run  # not where nothing is simulated but the start of a job

    cores = of_run(snakemake.resources.get("cores_of_run", 0), snakemake.threads)
    time.sleep(n_frames * SETTINGS["unzip_s"])
Path(snakemake.output.frames).mkdir(parents=True)
Path(snakemake.output.manifest).write_text(str(n_frames))
record("unzip", snakemake.wildcards.broadcast, [(began(), now())])
