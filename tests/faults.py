"""A web server on loopback that serves a folder and, when told to, serves it badly."""

from __future__ import annotations

import base64
import hashlib
import os
import random as randomness
import re
import select
import socket
import ssl
import struct
import threading
from dataclasses import dataclass, replace
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import unquote, urlsplit

HTML = b"<html><body>Please accept the terms of this network.</body></html>"
_PIECE = 1 << 14  # bytes sent at a time


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one answer. The functions below make the usual ones.

    Attributes
    ----------
    status
        Answered instead of the file's; 0 for the file's own.
    headers
        Sent beside, or in the place of, the usual ones.
    body
        Sent in the place of the file.
    after
        How many bytes of the body are sent before `then`; None for all, a fraction for that part of the body.
    then
        What happens after them.
    replacement
        What the file holds from then on.
    longer
        By how much the ``Content-Length`` exceeds the body.
    ignore_range, ignore_if_range
        Whether the server overlooks these headers of the request.
    garbled
        Whether every byte sent is another than the file's.
    """

    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    after: float | None = None
    then: str = ""  # "stall", "drip", "hold", "close" or "reset"
    replacement: bytes | None = None
    longer: int = 0
    ignore_range: bool = False
    ignore_if_range: bool = False
    garbled: bool = False


def stall(after: float = 0.5) -> Fault:
    """Send no more, but hold the line."""
    return Fault(after=after, then="stall")


def drip(after: float = 0.5) -> Fault:
    """Go on byte by byte, ten a second."""
    return Fault(after=after, then="drip")


def hold(after: float = 0.5) -> Fault:
    """Send the rest when `FaultServer.go_on` is set."""
    return Fault(after=after, then="hold")


def cut(after: float = 0.5) -> Fault:
    """Close the connection in the midst of the file."""
    return Fault(after=after, then="close")


def reset(after: float = 0.5) -> Fault:
    """Reset the connection in the midst of the file; with -1 before any answer."""
    return Fault(after=after, then="reset")


def announce_more(by: int = 1000) -> Fault:
    """State a length greater than the file's."""
    return Fault(longer=by)


def announce_less(by: int = 1000) -> Fault:
    """State a length smaller than the file's, and send no more than that."""
    return Fault(longer=-by)


def ignore_range() -> Fault:
    """Send the whole file whatever part was asked for."""
    return Fault(ignore_range=True)


def change(replacement: bytes, after: float = 0.5) -> Fault:
    """Break off, and have another file under the same name from then on."""
    return Fault(after=after, then="close", replacement=replacement)


def other_version(etag: str = '"other"') -> Fault:
    """Answer a Range with a part of another version of the file, as a mirror that is behind may."""
    headers = (("ETag", etag), ("Last-Modified", formatdate(0, usegmt=True) if etag else ""))
    return Fault(ignore_if_range=True, garbled=True, headers=headers)


def wrong_sum() -> Fault:
    """State the MD5 of another file."""
    return Fault(headers=(("x-goog-hash", f"crc32c=AAAAAA==,md5={'A' * 22}=="),))


def refuse(status: int) -> Fault:
    """Answer with an error."""
    return Fault(status, body=b"<html>no</html>")


def too_many(retry_after: str = "0", status: int = 429) -> Fault:
    """Ask to come back later."""
    return replace(refuse(status), headers=(("Retry-After", retry_after),))


def redirect(location: str) -> Fault:
    """Send elsewhere."""
    return Fault(302, (("Location", location),), b"")


def html() -> Fault:
    """Send a page with status 200, as the login page of a hotel's network does."""
    return Fault(
        body=HTML, ignore_range=True, headers=(("ETag", ""), ("Last-Modified", ""), ("x-goog-hash", ""))
    )


def corrupt(body: bytes = b"PK\x03\x04" + bytes(2000)) -> Fault:
    """Send what begins as a ZIP and is none, with status 200 and no word of a checksum."""
    return replace(html(), body=body)


# What goes by and leaves nothing wrong behind, however often it happens.
PASSING = (
    stall(), stall(0), cut(), cut(0.9), cut(0), reset(), reset(-1), announce_more(), ignore_range(),
    other_version(), too_many(), refuse(500), refuse(502), refuse(503),
)  # fmt: skip


class Request(NamedTuple):
    """A request that was answered: the file's name, the status (0 for none), and headers."""

    name: str
    range: str | None
    status: int
    agent: str
    host: str
    authorization: str | None


class FaultServer:
    """Serve the files of `folder` at `url`, as a context manager.

    Parameters
    ----------
    folder
        The files; those in folders are not served.
    random, rate
        When given, each request that no fault was set for meets one of `PASSING` with this probability;
        both can be set while it serves.
    tls
        Serve HTTPS.

    Attributes
    ----------
    url
        The address, with a slash at its end. It also serves as a proxy, for whatever host.
    faults
        File name -> the faults that its next requests meet, one each. Afterwards it is served well.
    requests
        What was asked for.
    hidden
        Names of headers that are not sent: ``ETag``, ``Last-Modified``, ``x-goog-hash``, ``Content-Length``.
    weak
        Whether ETags are weak.
    go_on
        To set for `hold`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        random: randomness.Random | None = None,
        rate: float = 0.3,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.folder = folder
        self.faults: dict[str, list[Fault]] = {}
        self.requests: list[Request] = []
        self.hidden: set[str] = set()
        self.weak = False
        self.over = threading.Event()
        self.go_on = threading.Event()
        self.random, self.rate = random, rate
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"site": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        if tls:
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        port = self._server.server_address[1]
        self.url = f"https://localhost:{port}/" if tls else f"http://127.0.0.1:{port}/"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def next_fault(self, name: str) -> Fault:
        """Take the fault that a request for `name` meets."""
        with self._lock:
            if self.faults.get(name):
                return self.faults[name].pop(0)
            if self.random is not None and self.random.random() < self.rate:
                return self.random.choice(PASSING)
            return Fault()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request, client_address):  # clients are killed; that is no news
        pass


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: FaultServer

    def log_message(self, *args):
        pass

    def do_GET(self):
        name = unquote(urlsplit(self.path).path).lstrip("/")
        fault = self.site.next_fault(name)
        if fault.after == -1:
            self._record(name, 0)
            self._end(fault)
            return
        status, headers, body = self._answer(name, fault)
        headers.update(fault.headers)
        self._record(name, status)
        self.send_response(status)
        length = {"Content-Length": str(len(body) + fault.longer)}
        for key, value in {**length, **headers}.items():
            if value and key not in self.site.hidden:
                self.send_header(key, value)
        if "Content-Length" in self.site.hidden:
            self.close_connection = True
            self.send_header("Connection", "close")
        self.end_headers()
        self._send(body, fault)

    def _record(self, name, status):
        headers = self.headers
        self.site.requests.append(
            Request(
                name,
                headers.get("Range"),
                status,
                headers.get("User-Agent", ""),
                headers.get("Host", ""),
                headers.get("Authorization"),
            )
        )

    def _answer(self, name, fault):
        """Tell the status, the headers and the body."""
        if fault.status:
            return fault.status, {}, fault.body or b""
        path = self.site.folder / name
        if "/" in name or not path.is_file():
            return 404, {}, b"<html>none</html>"
        content = path.read_bytes()
        md5 = hashlib.md5(content, usedforsecurity=False)
        headers = {
            "Accept-Ranges": "bytes",
            "ETag": f'{"W/" if self.site.weak else ""}"{md5.hexdigest()}"',
            "Last-Modified": formatdate(path.stat().st_mtime, usegmt=True),
            "x-goog-hash": f"crc32c=AAAAAA==,md5={base64.b64encode(md5.digest()).decode()}",
        }
        wanted = re.fullmatch(r"bytes=([0-9]+)-", self.headers.get("Range") or "")
        condition = self.headers.get("If-Range")
        valid = condition is None or condition in {headers["ETag"], headers["Last-Modified"]}
        if fault.body is not None:
            content = fault.body
        if fault.garbled:
            content = bytes(byte ^ 255 for byte in content)
            headers["x-goog-hash"] = ""
        if not wanted or fault.ignore_range or not (valid or fault.ignore_if_range):
            if fault.garbled:  # only a part can be of another version; a whole file is what it is
                return 200, headers, path.read_bytes()
            return 200, headers, content
        start = int(wanted[1])
        if start >= len(content):
            return 416, {"Content-Range": f"bytes */{len(content)}"}, b""
        headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        return 206, headers, content[start:]

    def _send(self, body, fault):
        body = body[: len(body) + min(fault.longer, 0)]
        end = len(body)
        if fault.after is not None:
            end = int(len(body) * fault.after) if isinstance(fault.after, float) else fault.after
        for at in range(0, min(end, len(body)), _PIECE):
            self.wfile.write(body[at : min(at + _PIECE, end)])
        self.wfile.flush()
        if fault.replacement is not None:
            name = unquote(urlsplit(self.path).path).lstrip("/")
            path = self.site.folder / name
            part = path.with_name(f".{name}.new")
            part.write_bytes(fault.replacement)
            os.utime(part, (path.stat().st_mtime + 60,) * 2)
            part.replace(path)
        if fault.then == "hold":
            self.site.go_on.wait(60)
            self.wfile.write(body[end:])
            return
        if fault.then in {"stall", "drip"}:
            rest = iter(body[end:])
            while not self.site.over.wait(0.1 if fault.then == "drip" else 0.02) and not self._gone():
                if fault.then == "drip":
                    self.wfile.write(bytes([next(rest)]))
        if fault.then or fault.longer:
            self._end(fault)

    def _gone(self):
        """Tell whether the client has hung up (it has nothing to say otherwise)."""
        return bool(select.select([self.connection], [], [], 0)[0])

    def _end(self, fault):
        self.close_connection = True
        if fault.then == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
