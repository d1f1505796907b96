"""A server as a process of its own: what never reaches the application, and its end."""

import socket
from pathlib import Path

import pytest
from tests.cast import CLUSTERING, ONE, made
from tests.processes import serving

from castgraph.pages.server.serving import serve


@pytest.fixture
def run(tmp_path: Path) -> Path:
    run = made(tmp_path, {ONE: [[0, 1], [0]]})
    folder = run / CLUSTERING / "explorer"
    folder.mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><html><head></head><body>the page</body></html>")
    return run


def test_what_is_sent_through_a_socket(run: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    with serving(tmp_path, "explore", run) as server:
        assert b"the page" in server.get(server.path)
        assert server.get(f"{server.path}frame/0/1.jpg").startswith(b"HTTP/1.1 200")
        line = f"GET {server.path} HTTP/1.1\r\n".encode()
        host = f"Host: {server.host}\r\n".encode()
        begins = {
            line + b"Host: evil.example\r\nConnection: close\r\n\r\n": b"421",
            line + host + host + b"Connection: close\r\n\r\n": b"400",
            line + b"Connection: close\r\n\r\n": b"400",
            f"GET {server.path} HTTP/1.0\r\n\r\n".encode(): b"421",
            f"GET http://evil.example{server.path} HTTP/1.1\r\n".encode()
            + host
            + b"Connection: close\r\n\r\n": b"404",
            f"GET {server.path}\0.js HTTP/1.1\r\n".encode() + host + b"\r\n": b"400",
            b"GET " + b"x" * 100_000: b"400",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n": b"400",
        }
        for request, status in begins.items():
            assert server.send(request).startswith(b"HTTP/1.1 " + status), request[:80]
        for path in (
            "../secret.txt",
            "..%2f..%2f..%2fsecret.txt",
            "%2e%2e/%2e%2e/secret.txt",
            "%00",
            "%ff%fe",
        ):
            found = server.get(server.path + path)
            assert found.startswith(b"HTTP/1.1 404")
            assert b"secret" not in found.replace(b"secret.txt", b"")
        # Somebody who sends slowly, many times, holds nobody up; more than there may be are told.
        slow = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
        for sock in slow:
            sock.sendall(line[:10])
        assert b"the page" in server.get(server.path)
        slow += [socket.create_connection(("127.0.0.1", server.port)) for _ in range(130)]
        assert server.get(server.path).startswith(b"HTTP/1.1 503")
        for sock in slow:
            sock.close()
        for _ in range(200):
            if (found := server.get(server.path)).startswith(b"HTTP/1.1 200"):
                break
        assert b"the page" in found
        assert server.stop() == 0
        assert server.popen.stdout.read() == "Only this machine reaches it. Ctrl-C ends it.\n"
        assert server.popen.stderr.read() == ""


def test_a_port_that_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"port {port} cannot be had"):
            serve(lambda _: pytest.fail("it has no port"), print, port=port, browser=False)
