"""Measure the encode job: speed, memory, agreement with dlib, and how well each detector finds faces.

    uv run python benchmarks/encode.py [--json FILE] [--source-dlib PYTHON] [--rounds N] [SAMPLE]

SAMPLE is a folder with ZIPs of broadcasts and, for the detection quality, their ``ground_truth.csv``; by
default the folder CASTGRAPH_REAL_SAMPLE, else ``../shared/real``, else the demo, whose faces are drawn. A run
takes about five minutes on two cores, with a dlib from source six.

How it measures
---------------
Each contender lives in a process of its own, on one core. All are given the same few frames, one contender
after the other, round after round, every other round the other way about; each round takes other frames,
and the last is long enough for its batches to be those of a whole broadcast; peak memory is that of all
rounds so far, from the smallest size to the largest. A figure is the median of the rounds, a ratio the
median of the rounds' ratios. Frames are JPEG files on disk; those of another size than the sample's are
made from it and written with quality 90. What is measured is `castgraph.faces.encode`: JPEGs in, tables
out. Seconds are the processor's, all threads of the process together, so that other work on the machine
adds none (it may slow the memory they share); of a contender that uses a GPU, those that pass.

``--source-dlib`` names the Python (of the same version) of an environment with a dlib built from source with
OpenBLAS; all else comes from this environment. On Debian or Ubuntu, ten minutes, once::

    sudo apt-get install g++ cmake libopenblas-dev
    uv venv --python 3.11 ~/dlib-source
    VIRTUAL_ENV=~/dlib-source uv pip install --no-config --no-cache --no-binary dlib dlib==20.0.1 numpy
    uv run python benchmarks/encode.py --source-dlib ~/dlib-source/bin/python

Notes
-----
The projected time of the reference job is (frames x cost of a frame without its faces + faces x cost of a
face) / cores. It takes a core among 64 to be as fast as the one measured, and the frames to be there: no
fetching, no unzipping.

With the package onnxruntime-gpu in the place of onnxruntime,
``--providers CUDAExecutionProvider,CPUExecutionProvider`` measures the fast engine with one; the HOG detector
and the alignment run on the CPU all the same.
"""

from __future__ import annotations

import json
import os
import platform
import random
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Annotated, Any, NamedTuple

import numpy as np
import typer
from PIL import Image
from rich.console import Console
from rich.table import Table

from castgraph.archive import unzip
from castgraph.base.files import atomic
from castgraph.base.models import check_providers
from castgraph.faces import native
from castgraph.faces.encode import BATCH, BATCH_PIXELS
from castgraph.faces.frame import UnreadableFrameError, read_frame
from encode_quality import DETECTORS, Place, Truth, quality_figures, read_truth, show_quality

ROOT = Path(__file__).resolve().parent.parent
WORKER = Path(__file__).with_name("encode_worker.py")

FRAMES, FACES, CORES = 757_559, 774_615, 64
"""The reference job: one year of "60 Minutes"."""

Size = tuple[int, int]
"""Width and height."""

OWN, TYPICAL, LARGE = (640, 360), (853, 480), (1280, 720)
ROUND: Mapping[Size, int] = {OWN: 12, TYPICAL: 8, LARGE: 4}
"""Frames of a round; large ones take dlib long."""

SMALLER = (1 / 2, 1 / 3, 1 / 4)
"""Faces of the sample are large: what the frames are made smaller by for the detection of small ones."""

Figures = dict[str, float | int | None]
Report = Callable[[str], None]

console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)


@dataclass(frozen=True, slots=True)
class Contender:
    """An engine that is measured, and the Python that runs it; by default this one."""

    name: str
    engine: tuple[str, str, int]
    python: str = sys.executable


REFERENCE = "reference_hog1"
CONTENDERS = {
    REFERENCE: Contender("reference HOG up 1, dlib wheel", ("reference", "hog", 1)),
    "fast_hog1": Contender("fast HOG up 1", ("fast", "hog", 1)),
    "fast_cnn0": Contender("fast CNN up 0", ("fast", "cnn", 0)),
    "fast_cnn1": Contender("fast CNN up 1", ("fast", "cnn", 1)),
    "fast_blazeface0": Contender("fast BlazeFace up 0", ("fast", "blazeface", 0)),
    "fast_blazeface1": Contender("fast BlazeFace up 1", ("fast", "blazeface", 1)),
    "fast_centerface0": Contender("fast CenterFace up 0", ("fast", "centerface", 0)),
}
SOURCE = "reference_hog1_source"


# --- the processes of the contenders


class Worker:
    """A contender's process (`encode_worker.py`); without a core it may run on any."""

    def __init__(self, contender: Contender, providers: Sequence[str], core: int | None = None) -> None:
        self.name = contender.name
        foreign = contender.python != sys.executable
        settings = {
            "engine": contender.engine,
            "providers": providers,
            "core": core,
            "on_cpu": on_cpu(providers) or contender.engine[0] == "reference",
            "path": [str(ROOT / "src"), *installed()] if foreign else [],
        }
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        self.process = subprocess.Popen(  # noqa: S603
            [contender.python, str(WORKER), json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | threads,
        )

    def __call__(self, task: str, **request: Any) -> Any:
        """Have it do a task, and wait for the answer."""
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            print(json.dumps({"task": task} | request), file=self.process.stdin, flush=True)
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            sys.exit(f"error: the process of {self.name!r} ended; see its message above")
        return json.loads(line)

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate()


@contextmanager
def workers(
    contenders: Mapping[str, Contender], providers: Sequence[str], core: int | None = None
) -> Iterator[dict[str, Worker]]:
    """Start the contenders' processes; they end with the block."""
    with ExitStack() as stack:
        running = {}
        for key, contender in contenders.items():
            running[key] = Worker(contender, providers, core)
            stack.callback(running[key].close)
        yield running


def cores() -> set[int]:
    """Tell which cores this process may run on."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


def on_cpu(providers: Sequence[str]) -> bool:
    """Tell whether the CPU does all the work."""
    return providers[0] == "CPUExecutionProvider"


def installed() -> list[str]:
    """Tell where the packages of this environment lie."""
    return list(dict.fromkeys(sysconfig.get_path(kind) for kind in ("purelib", "platlib")))


def source_contender(python: Path) -> Contender:
    """Check that an environment has a dlib of its own which this one's packages can be used with."""
    facts = "[sys.version_info[:2], dlib.__version__, dlib.DLIB_USE_BLAS]"
    code = f"import json, sys, dlib; print(json.dumps({facts}))"
    try:
        text = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout  # noqa: S603
        python_version, dlib_version, blas = json.loads(text)
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        message = str(getattr(error, "stderr", error)).strip().splitlines()[-1:]
        sys.exit(f"error: --source-dlib {python}: no Python with dlib ({''.join(message)})")
    if tuple(python_version) != sys.version_info[:2]:
        wanted = ".".join(map(str, sys.version_info[:2]))
        sys.exit(
            f"error: --source-dlib {python} is Python {'.'.join(map(str, python_version))}; use {wanted}"
        )
    kind = "BLAS" if blas else "NO BLAS"
    name = f"reference HOG up 1, dlib {dlib_version} from source, {kind}"
    return Contender(name, CONTENDERS[REFERENCE].engine, str(python))


# --- the frames


class Sample(NamedTuple):
    """Frames of broadcasts in a folder; those that are like an earlier one are listed apart."""

    folder: Path
    files: dict[Place, str]
    unique: list[str]


def default_sample() -> Path:
    """Find the sample with real faces; without one take the demo, and say so."""
    folder = Path(os.environ.get("CASTGRAPH_REAL_SAMPLE") or ROOT.parent / "shared" / "real")
    if any(folder.glob("*.zip")):
        return folder
    console.print(
        f"[bold red]NOT MEASURED ON REAL FACES: no ZIPs in {folder} (set CASTGRAPH_REAL_SAMPLE). "
        "These are figures of the demo, whose faces are drawn: do not quote them.[/]"
    )
    return ROOT / "resources" / "demo"


def unpack(sample: Path, folder: Path) -> Sample:
    """Unzip the broadcasts of a sample; what cannot be decoded is left out."""
    files: dict[Place, str] = {}
    contents: dict[bytes, str] = {}
    for path in sorted(sample.glob("*.zip")):
        (folder / path.stem).mkdir(parents=True)
        for frame in unzip(path, path.stem, folder / path.stem).frames:
            if frame.file is None:
                continue
            file = f"{path.stem}/{frame.file}"
            try:
                read_frame(folder / file)
            except UnreadableFrameError:
                continue
            files[path.stem, frame.frame] = file
            contents.setdefault((folder / file).read_bytes(), file)
    if not files:
        sys.exit(f"error: no ZIP of a broadcast with a frame in {sample}")
    return Sample(folder, files, list(contents.values()))


def resized(source: Path, target: Path, files: Sequence[str], size: Size | float) -> str:
    """Write frames in another size, or smaller by a factor; one that has the size stays as it is."""
    for file in files:
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        with Image.open(source / file) as picture:
            wanted = size if isinstance(size, tuple) else tuple(round(side * size) for side in picture.size)
            if wanted == picture.size:
                shutil.copyfile(source / file, target / file)
            else:
                picture.convert("RGB").resize(wanted, Image.Resampling.LANCZOS).save(
                    target / file, quality=90
                )
    return str(target)


def rounds_of(files: Sequence[str], size: Size, n_rounds: int) -> list[list[str]]:
    """Choose the frames of each round, no frame twice in one.

    The last round fills a batch of the encode job, and the one that is read ahead meanwhile.
    """
    batch = max(1, min(BATCH, BATCH_PIXELS // (size[0] * size[1])))
    lengths = [ROUND[size]] * n_rounds + [2 * batch + 1]
    order = random.Random(0).sample(files, len(files))  # noqa: S311
    starts = np.cumsum([0, *lengths])
    return [
        [order[index % len(order)] for index in range(start, start + min(length, len(order)))]
        for start, length in zip(starts, lengths, strict=False)
    ]


# --- speed and memory


def race(running: Mapping[str, Worker], sample: Sample, size: Size, n_rounds: int) -> dict[str, list[dict]]:
    """Give the same frames to all contenders, round after round; returns each one's measurements by round."""
    rounds = rounds_of(sample.unique, size, n_rounds)
    files = sorted({file for names in rounds for file in names})
    folder = resized(sample.folder, sample.folder.with_name(f"{size[0]}x{size[1]}"), files, size)
    for worker in running.values():  # what is loaded or laid out at the first frame of a size is not measured
        worker("measure", folder=folder, files=files[:1])
    measured: dict[str, list[dict]] = {key: [] for key in running}
    for number, names in enumerate(rounds):
        for key in list(running)[:: -1 if number % 2 else 1]:
            measured[key].append(running[key]("measure", folder=folder, files=names))
    return measured


def speed_figures(measured: Mapping[str, list[dict]], size: Size) -> Figures:
    """Make the figures of all contenders at one size from their measurements by round."""
    figures: Figures = {}
    for key, rounds in measured.items():
        name = f"{key}_{size[0]}x{size[1]}"
        reference = measured[REFERENCE]
        with_faces = [one for one in rounds if one["faces"]]
        per_face = {
            part: 1000 * median(one[part] / one["faces"] for one in with_faces) if with_faces else None
            for part in ("align", "embed")
        }
        figures |= {
            f"{name}_frames_per_s": median(one["frames"] / one["total"] for one in rounds),
            f"{name}_speedup": median(
                theirs["total"] / ours["total"] for ours, theirs in zip(rounds, reference, strict=True)
            ),
            f"{name}_peak_mb": rounds[-1]["peak_mb"],
            f"{name}_detect_ms": 1000 * median(one["detect"] / one["frames"] for one in rounds),
            f"{name}_align_ms_a_face": per_face["align"],
            f"{name}_embed_ms_a_face": per_face["embed"],
            f"{name}_frame_ms": 1000
            * median((one["total"] - one["align"] - one["embed"]) / one["frames"] for one in rounds),
        }
    return figures


def core_hours(frame_ms: float, face_ms: float) -> float:
    """Project the reference job: hours on one core."""
    return (FRAMES * frame_ms + FACES * face_ms) / 1000 / 3600


def projection(figures: Mapping[str, Any], key: str, size: Size) -> float | None:
    """Project the reference job with a contender at a size; hours on one core, None without faces."""
    name = f"{key}_{size[0]}x{size[1]}"
    parts = [figures[f"{name}_{part}_ms_a_face"] for part in ("align", "embed")]
    return None if None in parts else core_hours(figures[f"{name}_frame_ms"], sum(parts))


# --- agreement and quality


def agreement(reference: Worker, fast: Worker, sample: Sample, boxes: list[list[list[float]]]) -> Figures:
    """Compare the two engines on the whole sample; `boxes` are what `fast` found in each frame."""
    folder, files = str(sample.folder), list(sample.files.values())
    expected = reference("detect", folder=folder, files=files)
    paths = {name: str(sample.folder.with_name(f"{name}.npy")) for name in ("chips", "reference", "fast")}
    reference("chips", folder=folder, files=files, boxes=expected, into=paths["chips"])
    for name, worker in (("reference", reference), ("fast", fast)):
        worker("embed", chips=paths["chips"], into=paths[name])
    theirs, ours = np.load(paths["reference"]), np.load(paths["fast"])
    return box_agreement(expected, boxes) | {
        "embedding_max_abs_diff": float(np.abs(theirs - ours).max()) if len(theirs) else None
    }


def box_agreement(reference: Sequence[Sequence], fast: Sequence[Sequence]) -> Figures:
    """Compare boxes (left, top, right, bottom, score) frame by frame.

    ``hog_box_agreement`` is the share of all boxes, of either engine, that both have.
    """
    theirs, ours = (
        {(frame, *box[:4]): box[4] for frame, boxes in enumerate(found) for box in boxes}
        for found in (reference, fast)
    )
    both, either = theirs.keys() & ours.keys(), theirs.keys() | ours.keys()
    return {
        "n_reference_faces": len(theirs),
        "n_fast_faces": len(ours),
        "hog_box_agreement": len(both) / len(either) if either else None,
        "hog_score_max_abs_diff": max((abs(theirs[box] - ours[box]) for box in both), default=None),
    }


def examine(sample: Sample, truth: Truth | None, providers: Sequence[str], report: Report) -> Figures:
    """Run the detectors over the whole sample, as many at a time as there are cores."""
    files = list(sample.files.values())
    folders = {1.0: str(sample.folder)}
    for factor in SMALLER if truth else ():
        report(f"making the frames {1 / factor:.0f} times smaller")
        folders[factor] = resized(sample.folder, sample.folder.with_name(f"{factor:.3f}"), files, factor)

    def detect(name: str) -> dict[float, list]:
        return {
            factor: running[f"fast_{name}"]("detect", folder=folder, files=files)
            for factor, folder in folders.items()
        }

    contenders = {key: one for key, one in CONTENDERS.items() if truth or "hog" in key}
    with workers(contenders, providers) as running, ThreadPoolExecutor(len(cores())) as pool:
        report("all frames of the sample: boxes and embeddings of both engines, detection quality")
        others = {name: pool.submit(detect, name) for name in DETECTORS if truth and name != "hog1"}
        found = {"hog1": detect("hog1")}
        figures = agreement(running[REFERENCE], running["fast_hog1"], sample, found["hog1"][1.0])
        found |= {name: future.result() for name, future in others.items()}
    if truth is None:
        return figures
    places = list(sample.files)
    placed = {
        name: {factor: dict(zip(places, rows, strict=True)) for factor, rows in by_factor.items()}
        for name, by_factor in found.items()
    }
    return figures | quality_figures(placed, truth)


# --- what is printed


def number(value: float | None, digits: int = 1) -> str:
    """Write a number; a dash where there is none."""
    return "-" if value is None else f"{value:,.{digits}f}"


def show_speed(figures: Mapping[str, Any], contenders: Mapping[str, Contender]) -> None:
    """Print the table of speed and memory."""
    table = Table(
        "", "frames/s", "× reference", "peak MB", "detect ms", "align ms/face", "embed ms/face",
        title="Encoding, JPEG in, rows out; one core",
    )  # fmt: skip
    for size in ROUND:
        table.add_section()
        table.add_row(f"[bold]{size[0]}×{size[1]}[/]")
        for key, contender in contenders.items():
            name = f"{key}_{size[0]}x{size[1]}"
            table.add_row(
                contender.name,
                number(figures[f"{name}_frames_per_s"], 2),
                number(figures[f"{name}_speedup"], 2),
                number(figures[f"{name}_peak_mb"], 0),
                number(figures[f"{name}_detect_ms"]),
                number(figures[f"{name}_align_ms_a_face"], 2),
                number(figures[f"{name}_embed_ms_a_face"]),
            )
    console.print(table)


def show_projection(figures: Mapping[str, Any], contenders: Mapping[str, Contender]) -> None:
    """Print the projected time of the reference job."""
    table = Table(
        "", "640×360: 64 cores, min", "2 cores, h", "853×480: 64 cores, min", "2 cores, h",
        title=f"The reference job ({FRAMES:,} frames, {FACES:,} faces): a PROJECTION, not a measurement",
    )  # fmt: skip
    for key, contender in contenders.items():
        row = []
        for size in (OWN, TYPICAL):
            hours = projection(figures, key, size)
            row += [number(hours and hours * 60 / CORES), number(hours and hours / 2)]
        table.add_row(contender.name, *row)
    console.print(table)


def machine() -> str:
    """Describe what is measured on."""
    cpu = platform.processor() or platform.machine()
    if (info := Path("/proc/cpuinfo")).exists():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line
        ]
        cpu = names[0] if names else cpu
    packages = ", ".join(f"{name} {version(name)}" for name in ("dlib-bin", "onnxruntime", "numpy", "pillow"))
    kernels = native.kernels()
    kernel = f"native kernels: {kernels[0]}" if kernels else "[bold red]NO native kernels[/]"
    return f"{cpu}, {os.cpu_count()} cores; {packages}; {kernel}"


def main(
    sample: Annotated[Path | None, typer.Argument(help="Folder with ZIPs of broadcasts.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
    source_dlib: Annotated[
        Path | None, typer.Option(help="Python of an environment with dlib built from source.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Short rounds; a long one comes last.")] = 3,
    providers: Annotated[
        str, typer.Option(help="onnxruntime's providers for the fast engine.")
    ] = "CPUExecutionProvider",
) -> None:
    """Measure the encode job: speed, memory, agreement with dlib, detection quality."""
    chosen = providers.split(",")
    try:
        check_providers(chosen)
    except ValueError as error:
        sys.exit(f"error: {error}")
    contenders = {REFERENCE: CONTENDERS[REFERENCE]}
    if source_dlib is not None:
        contenders[SOURCE] = source_contender(source_dlib)
    contenders |= CONTENDERS
    sample = sample or default_sample()
    truth_file = sample / "ground_truth.csv"
    try:
        truth = read_truth(truth_file) if truth_file.is_file() else None
    except ValueError as error:
        sys.exit(f"error: {error}")

    console.print(f"{machine()}\n{sample}")
    figures: Figures = {}
    waiting = Console(stderr=True)
    with tempfile.TemporaryDirectory() as temporary, waiting.status("unzipping") as status:
        report: Report = status.update
        frames = unpack(sample, Path(temporary) / "frames")
        busy = []
        with workers(contenders, chosen, min(cores())) as running:
            for size in ROUND:
                report(f"encoding at {size[0]}×{size[1]}, {len(running)} contenders in turn")
                measured = race(running, frames, size, rounds)
                figures |= speed_figures(measured, size)
                busy += [one["wall"] / one["total"] for one in measured[REFERENCE]]
        figures |= examine(frames, truth, chosen, report)
    figures["wall_over_cpu"] = median(busy)
    figures |= headline(figures)

    show_speed(figures, contenders)
    if source_dlib is None:
        console.print("dlib built from source with OpenBLAS: not measured; see --source-dlib.")
    console.print(
        f"While this was measured, {figures['wall_over_cpu']:.2f} s passed for each second of work; "
        "1 is a machine with nothing else to do."
    )
    console.print(
        f"HOG of both engines over the whole sample: {figures['n_reference_faces']} faces; share of "
        f"identical boxes {number(figures['hog_box_agreement'], 4)}; embeddings of the same chips differ by "
        f"at most {number(figures['embedding_max_abs_diff'], 8)}."
    )
    show_projection(figures, contenders)
    if truth:
        show_quality(figures, console)
    else:
        console.print(f"Detection quality: not measured, there is no {truth_file}.")
    import onnxruntime  # after castgraph, which tells it to send nothing

    console.print(
        f"onnxruntime's providers here: {', '.join(onnxruntime.get_available_providers())}; "
        f"used: {', '.join(chosen)}."
    )
    if json_file is not None:
        with atomic(json_file) as part:
            part.write_text(json.dumps(figures, indent=2) + "\n")


def headline(figures: Mapping[str, Any]) -> Figures:
    """Name the figures that the targets are about.

    ``hog_speedup`` and ``cnn0_over_reference_hog`` compare all of the encode job, at 640×360 and 853×480;
    ``cnn0_over_reference_hog_detection`` compares the detectors alone. The others are at 853×480.
    """
    own, typical = (f"{size[0]}x{size[1]}" for size in (OWN, TYPICAL))
    hours = projection(figures, "fast_hog1", TYPICAL)
    return {
        "hog_speedup": figures[f"fast_hog1_{own}_speedup"],
        "hog_ms": figures[f"fast_hog1_{typical}_detect_ms"],
        "cnn0_ms": figures[f"fast_cnn0_{typical}_detect_ms"],
        "cnn1_ms": figures[f"fast_cnn1_{typical}_detect_ms"],
        "embed_ms": figures[f"fast_hog1_{typical}_embed_ms_a_face"],
        "cnn0_over_reference_hog": 1 / figures[f"fast_cnn0_{typical}_speedup"],
        "cnn0_over_reference_hog_detection": figures[f"fast_cnn0_{typical}_detect_ms"]
        / figures[f"{REFERENCE}_{typical}_detect_ms"],
        "year_minutes_64_cores": hours and hours * 60 / CORES,
        "year_hours_2_cores": hours and hours / 2,
    }


if __name__ == "__main__":
    typer.run(main)
