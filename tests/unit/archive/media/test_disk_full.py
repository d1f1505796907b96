"""A disk that is full while frames come: a clear error, nothing that looks finished, and nothing left behind.

The disk is a small RAM disk that a process of its own sees. Where none can be made the tests are skipped, and
say so.
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import threading
import warnings
import zipfile
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ID = "NTV_20261001_030000"
SIZE = 256 * 1024

# As root, or as a user who is root to nobody else.
WAYS = (["unshare", "--mount"], ["unshare", "--user", "--map-root-user", "--mount"])
MOUNT = f'mount -t tmpfs -o size={SIZE} none "$1" && shift && exec "$@"'


def make_sources(folder: Path) -> None:
    """Make a ZIP, a folder of images and a video, of more than `SIZE` each."""
    import av
    import numpy as np
    from PIL import Image

    noise = np.random.default_rng(1)
    pictures = [noise.integers(0, 255, (120, 160, 3), np.uint8) for _ in range(20)]
    (folder / "images").mkdir()
    with zipfile.ZipFile(folder / f"{ID}.zip", "w") as archive:
        for number, picture in enumerate(pictures, start=1):
            buffer = io.BytesIO()
            Image.fromarray(picture).save(buffer, "JPEG", quality=95)
            (folder / "images" / f"{number}.jpg").write_bytes(buffer.getvalue())
            archive.writestr(f"{ID}/{ID}-{number:06d}.jpg", buffer.getvalue())
    with av.open(str(folder / "film.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=1, options={"qp": "20"})
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = number, Fraction(1)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def jobs(disk: Path, sources: Path, address: str) -> dict[str, Callable[[], None]]:
    """Give what fills the disk, as the scripts of the workflow do it."""
    from castgraph.archive import obtain, unzip
    from castgraph.base.files import atomic_directory

    def take_out() -> None:
        with atomic_directory(disk / "frames") as frames:
            unzip(sources / f"{ID}.zip", ID, frames)

    destination = disk / f"{ID}.zip"
    return {
        "the archive on the web": partial(obtain, address, ID, destination, attempts=2, wait_seconds=0.0),
        "the archive in a folder": partial(obtain, str(sources), ID, destination),
        "a ZIP": partial(obtain, "", ID, destination, source=str(sources / f"{ID}.zip")),
        "a folder": partial(obtain, "", ID, destination, source=str(sources / "images")),
        "a video": partial(obtain, "", ID, destination, source=str(sources / "film.mp4"), frame_seconds=1),
        "unzip": take_out,
    }


def run(disk: Path, sources: Path) -> dict[str, dict[str, Any]]:
    """Have each job fill the disk; tell what the user is told, and what lies on the disk afterwards."""
    from castgraph.base.joblog import failure, joblog

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(sources)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found = {}
    log = str(sources / "job.log")
    for name, job in jobs(disk, sources, f"http://127.0.0.1:{server.server_port}").items():
        with suppress(SystemExit), joblog(log):
            job()
        found[name] = {"message": failure(log), "left": sorted(each.name for each in disk.iterdir())}
        for each in disk.iterdir():
            each.unlink()
    return found


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("full")
    disk, sources = folder / "disk", folder / "sources"
    disk.mkdir()
    sources.mkdir()
    make_sources(sources)
    for way in WAYS if shutil.which("unshare") else ():
        tried = [*way, "sh", "-c", MOUNT, "sh", str(disk)]
        if not subprocess.run([*tried, "true"], capture_output=True, check=False).returncode:
            break
    else:
        message = "NOT TESTED WITH A FULL DISK: no RAM disk can be mounted here"
        warnings.warn(message, stacklevel=1)
        pytest.skip(message)
    command = [*tried, sys.executable, __file__, str(disk), str(sources)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    result: dict[str, dict[str, Any]] = json.loads(done.stdout)
    result["disk"] = {"path": str(disk)}
    return result


SOURCES = ["the archive on the web", "the archive in a folder", "a ZIP", "a folder", "a video", "unzip"]


@pytest.mark.parametrize("name", SOURCES)
def test_a_full_disk_is_told_and_nothing_looks_finished(found, name):
    disk = found["disk"]["path"]
    assert found[name]["message"].startswith(disk)
    assert found[name]["message"].endswith(": the disk is full")
    # What came over the network is kept for the next try.
    assert all(each.startswith(f".{ID}.zip.partial") for each in found[name]["left"])
    assert not found[name]["left"] or name == "the archive on the web"


if __name__ == "__main__":
    print(json.dumps(run(*map(Path, sys.argv[1:]))))
