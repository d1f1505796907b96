"""Jobs that need not import anew what all jobs import: half of what a short one takes is that.

A server imports it once and forks for each script. To Snakemake its Python is one that has the server run a
script that it is asked for, and lasts as long as that.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

SERVER = "CASTGRAPH_TEST_SCRIPTS"
"""The variable that names the server's socket."""

# Nothing that starts threads, which a fork lacks.
_IMPORTED = (
    *("snakemake.script", "numpy", "pyarrow.compute", "pyarrow.dataset", "pyarrow.parquet", "PIL.Image"),
    *("duckdb", "igraph", "jinja2", "matplotlib.figure", "scipy.special", "scipy.stats"),
    *(f"castgraph.{name}" for name in ("base.joblog", "base.tables", "network.graph", "people.table")),
)


def python(folder: Path) -> tuple[Path, dict[str, str]]:
    """Start a server that ends with this process; give the Python that asks it, and the variables for it."""
    address = folder / "socket"
    subprocess.Popen([sys.executable, __file__, str(address)])
    asks = folder / "python"
    asked = f'"{sys.executable}" -S -E "{__file__}" --'
    asks.write_text(
        f'#!/bin/sh\ncase "$1" in\n*.py) exec {asked} "$@" ;;\nesac\nexec "{sys.executable}" "$@"\n'
    )
    asks.chmod(0o755)
    while not address.exists():
        time.sleep(0.05)
    return asks, {SERVER: str(address)}


def _ask(arguments: list[str]) -> int:
    """Have a script run with the streams, the folder and the environment of this process."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(os.environ[SERVER])
        told = json.dumps([arguments, str(Path.cwd()), dict(os.environ)]).encode()
        socket.send_fds(sock, [len(told).to_bytes(8, "big")], [0, 1, 2])
        sock.sendall(told)
        return int.from_bytes(sock.recv(1) or b"\1", "big")


def _serve(address: str) -> None:
    from importlib import import_module

    for name in _IMPORTED:
        import_module(name)
    gc.freeze()  # else a collection copies all of it
    parent = os.getppid()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{address}.new")
        listening.listen(64)
        Path(f"{address}.new").rename(address)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while os.getppid() == parent:
            if select.select([listening], [], [], 1)[0]:
                asked, _ = listening.accept()
                if os.fork() == 0:
                    break
                asked.close()
        else:
            os._exit(0)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _attend(asked)
    os._exit(0)  # what an interpreter does in its end takes longer than a short job


def _attend(asked: socket.socket) -> None:
    """Run a script in a process of its own, which ends at once where nobody waits for it any more."""
    size, streams, _, _ = socket.recv_fds(asked, 8, 3)
    with asked.makefile("rb") as file:
        told = json.loads(file.read(int.from_bytes(size, "big")))
    worker = os.fork()
    if worker == 0:
        asked.close()
        code = 1
        try:
            code = _run(streams, *told)
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    ended = os.pidfd_open(worker)
    if ended not in select.select([ended, asked], [], [])[0]:
        with suppress(ProcessLookupError):
            os.killpg(worker, signal.SIGKILL)
    _, status = os.waitpid(worker, 0)
    with suppress(OSError):
        asked.sendall(bytes([abs(os.waitstatus_to_exitcode(status))]))


def _run(streams: list[int], arguments: list[str], folder: str, environment: dict[str, str]) -> int:
    import runpy

    os.setpgid(0, 0)
    for stream, one in enumerate(streams):
        os.dup2(one, stream)
        os.close(one)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None
    sys.argv = arguments
    sys.path[0] = str(Path(arguments[0]).parent)
    try:
        runpy.run_path(arguments[0], run_name="__main__")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


if __name__ == "__main__":
    if sys.argv[1] == "--":
        sys.exit(_ask(sys.argv[2:]))
    _serve(sys.argv[1])
