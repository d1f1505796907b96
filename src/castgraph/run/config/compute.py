"""The section ``compute``: how results are computed."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from castgraph.run.config.fields import WHOLE, Distinct, Path, Section, matching

Provider = Annotated[str, matching("[A-Za-z0-9]+ExecutionProvider", "a name like CUDAExecutionProvider")]


class Compute(Section):
    """How results are computed. Nothing here changes one, and nothing is made again."""

    scratch: Path = Field(
        "scratch",
        description="Folder of unpacked frames, for a short time; a RAM disk is fastest. They lie there "
        "until their broadcast is encoded; a RAM disk is `/dev/shm/castgraph`. A relative path is one of the "
        "folder you run in. Environment variables (`$TMPDIR`, `${NAME}`; `$$` is a dollar sign) are those of "
        "the host that runs the job; `TMPDIR` is the system's temporary folder where it is not set, any "
        "other variable that is not set is an error. Two runs at a time in different folders must not have "
        "the same one.",
    )
    threads: Annotated[int, Field(ge=1, le=64), WHOLE] = Field(
        1,
        description="Cores of one encode job. Its frames are shared out among as many processes. With more "
        "broadcasts than cores leave it at 1; idle cores are borrowed (`compute.borrow`). Each process takes "
        "a few seconds to start and 600 MB, so it pays from several hundred frames a broadcast on.",
    )
    providers: Distinct[Provider] = Field(
        ["CPUExecutionProvider"],
        description="onnxruntime's execution providers, in order of preference. They are for the "
        "embedder and all detectors but `hog` of `fast`: `[CUDAExecutionProvider, CPUExecutionProvider]` on "
        "a machine with an NVIDIA GPU and the package onnxruntime-gpu.",
    )
    borrow: bool = Field(
        True,
        description="Whether encode jobs use cores of the run that are idle. A job takes on further "
        "processes while cores (`--cores`) are idle, as at the end of a run, and gives them back when "
        "another job comes. Only where the jobs run on the machine of Snakemake (not on a cluster), on CPUs "
        "(not where the first of `compute.providers` is a GPU), while 2 GB of memory are available, and "
        "within `--resources mem_mb=…` where that is given.",
    )
    attempts: Annotated[int, Field(ge=1, le=100), WHOLE] = Field(
        6,
        description="How often in a row a fetch is tried without getting on. An attempt that brings 64 KiB "
        "or more starts the count anew. Waits grow to two minutes, or are what the server asks for "
        "(`Retry-After`), up to a quarter of an hour.",
    )
    timeout: float = Field(
        60,
        gt=0,
        description="Seconds of silence, or of less than 1 KiB each, until a fetch is tried again.",
    )
    max_mb_per_s: Annotated[float, Field(gt=0)] | None = Field(
        None,
        description="Most that all fetches of a run take together, in MiB a second; `null`: no limit. The "
        "jobs keep it by the file `results/ledger/pace`: on a cluster `results/` needs a file system with "
        "locks, and nodes need clocks that agree.",
    )
    keep_zips: bool = Field(
        True,
        description="Keep the ZIPs; `false`: each is removed once its frames are unpacked. They lie in "
        "`resources/zips/`. Portraits fetch those that they need again.",
    )
