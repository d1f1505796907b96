"""Servers as processes of their own, and what can only be sent through a socket."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit


class Process(NamedTuple):
    """A server, and the address that it has printed."""

    popen: subprocess.Popen[str]
    address: str

    @property
    def port(self) -> int:
        return urlsplit(self.address).port or 0

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def path(self) -> str:
        return urlsplit(self.address).path

    def send(self, request: bytes) -> bytes:
        """Send bytes as they are, and read until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as sock:
            sock.sendall(request)
            return b"".join(iter(lambda: sock.recv(65536), b""))

    def get(self, path: str, *headers: str) -> bytes:
        lines = [f"GET {path} HTTP/1.1", f"Host: {self.host}", "Connection: close", *headers]
        return self.send("\r\n".join([*lines, "", ""]).encode())

    def stop(self) -> int:
        """Press Ctrl-C; give the exit status."""
        self.popen.send_signal(signal.SIGINT)
        return self.popen.wait(20)


@contextmanager
def serving(folder: Path, *arguments: object) -> Iterator[Process]:
    """Run a command of castgraph that serves, in a folder, until the block ends."""
    command = [
        sys.executable,
        "-c",
        "from castgraph.cli import app; app()",
        *map(str, arguments),
        "--no-browser",
    ]
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as popen:
        assert popen.stdout is not None
        assert popen.stderr is not None
        try:
            address = popen.stdout.readline().strip()
            assert address.startswith("http://127.0.0.1:"), popen.stderr.read()
            yield Process(popen, address)
        finally:
            popen.kill()
