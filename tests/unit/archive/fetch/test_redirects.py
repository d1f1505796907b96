"""Where a server may send us on to, and who is told the user's password."""

from __future__ import annotations

import logging
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import pytest
import trustme
from tests.faults import FaultServer, redirect, refuse

from castgraph.archive.fetch import FetchError, fetch, join

BODY = b"the file"
PUBLIC = "http://8.8.8.8/file"
NAME, PASSWORD = "ada", "hush-hush"
TOLD = f"Basic {b64encode(f'{NAME}:{PASSWORD}'.encode()).decode()}"


@pytest.fixture(autouse=True)
def _bare_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "netrc", "ssl_cert_file"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "file").write_bytes(BODY)
    return folder


@pytest.fixture
def site(folder: Path) -> Iterator[FaultServer]:
    with FaultServer(folder) as site:
        yield site


@pytest.fixture
def other(folder: Path) -> Iterator[FaultServer]:
    with FaultServer(folder) as other:
        yield other


@pytest.fixture
def proxy(site: FaultServer, monkeypatch: pytest.MonkeyPatch) -> FaultServer:
    """A proxy, by which all hosts lead to the one folder."""
    monkeypatch.setenv("HTTP_PROXY", site.url)
    return site


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    return tmp_path / "new" / "file"


def port(site: FaultServer) -> str:
    return site.url.rstrip("/").rpartition(":")[2]


def look_up(monkeypatch: pytest.MonkeyPatch, name: str, *answers: str) -> None:
    """Let a name have these addresses, one after the other; the last one stays."""
    real, left = socket.getaddrinfo, list(answers)

    def getaddrinfo(host, *arguments, **options):
        if host != name:
            return real(host, *arguments, **options)
        return real(left.pop(0) if len(left) > 1 else left[0], *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


# --- where to


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "2130706433",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "10.0.0.1",
        "169.254.169.254",
        "224.0.0.1",
    ],
)
def test_a_redirect_to_what_only_we_can_reach_is_refused(
    site: FaultServer, other: FaultServer, destination: Path, host: str
) -> None:
    site.faults["file"] = [redirect(f"http://{host}:{port(other)}/file")] * 6
    with pytest.raises(FetchError, match="is not public") as refused:
        fetch(site.url + "file", destination, timeout=5)
    assert f"127.0.0.1 sends us on to {host.strip('[]')}; that is refused: its address " in str(refused.value)
    assert other.requests == []
    assert len(site.requests) == 1
    assert not destination.exists()


def test_a_redirect_of_a_redirect_is_refused_as_well(proxy: FaultServer, destination: Path) -> None:
    proxy.faults["file"] = [redirect(PUBLIC), redirect("http://192.168.0.1/file")]
    with pytest.raises(FetchError, match=r"8\.8\.8\.8 sends us on to 192\.168\.0\.1; that is refused"):
        fetch("http://archive.example/file", destination)
    assert [request.host for request in proxy.requests] == ["archive.example", "8.8.8.8"]


def test_the_users_own_host_may_be_private_and_send_us_to_itself(
    site: FaultServer, other: FaultServer, destination: Path
) -> None:
    site.faults["file"] = [redirect(other.url + "file")]
    assert fetch(site.url + "file", destination).status == "ok"
    assert len(other.requests) == 1


def test_a_redirect_from_https_to_http_is_refused(
    site: FaultServer, folder: Path, destination: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with FaultServer(folder, tls=tls) as safe:
        safe.faults["file"] = [redirect(f"http://localhost:{port(site)}/file")]
        with pytest.raises(FetchError, match=r"localhost sends us on to localhost; .* from https to http"):
            fetch(safe.url + "file", destination)
    assert site.requests == []


def test_a_redirect_to_a_public_host_is_followed_and_said(
    proxy: FaultServer, destination: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "castgraph")
    proxy.faults["file"] = [redirect("file"), redirect(PUBLIC)]
    assert fetch("http://archive.example/file", destination).status == "ok"
    assert destination.read_bytes() == BODY
    assert [request.host for request in proxy.requests] == ["archive.example"] * 2 + ["8.8.8.8"]
    assert [record.message for record in caplog.records] == [
        "http://archive.example/file: archive.example sends us on to 8.8.8.8"
    ]


def test_a_name_that_only_the_proxy_knows_is_left_to_it(proxy: FaultServer, destination: Path) -> None:
    proxy.faults["file"] = [redirect("http://mirror.invalid/file")]
    assert fetch("http://archive.example/file", destination).status == "ok"


def test_a_public_host_is_asked_by_its_name(
    site: FaultServer, folder: Path, destination: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(IPv4Address, "is_global", True)  # there is no other host here
    look_up(monkeypatch, "mirror.example", "127.0.0.1")
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("mirror.example").configure_cert(tls)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with FaultServer(folder, tls=tls) as mirror:
        site.faults["file"] = [redirect(f"https://mirror.example:{port(mirror)}/file")]
        assert fetch(site.url + "file", destination).status == "ok"
        assert [request.host for request in mirror.requests] == [f"mirror.example:{port(mirror)}"]


def test_a_name_that_changes_its_address_after_the_check_is_told_nothing(
    site: FaultServer, other: FaultServer, destination: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up(monkeypatch, "mirror.example", "8.8.8.8", "127.0.0.1")
    site.faults["file"] = [redirect(f"http://mirror.example:{port(other)}/file")]
    with pytest.raises(FetchError, match=r"mirror\.example; that is refused: its address 127\.0\.0\.1 is"):
        fetch(site.url + "file", destination)
    assert other.requests == []


@pytest.mark.parametrize("host", ["a" * 70, "a..b"])
def test_a_redirect_to_what_is_no_name_is_an_error(site: FaultServer, destination: Path, host: str) -> None:
    site.faults["file"] = [redirect(f"http://{host}/file")] * 2
    with pytest.raises(FetchError, match=site.url):
        fetch(site.url + "file", destination, attempts=2, wait_seconds=0)


def test_what_comes_with_a_redirect_is_not_waited_for(site: FaultServer, destination: Path) -> None:
    site.faults["file"] = [replace(redirect("file"), body=bytes(1000), after=10, then="stall")]
    assert fetch(site.url + "file", destination, timeout=30, attempts=1).status == "ok"


# --- passwords


def write_netrc(path: Path, host: str, mode: int = 0o600) -> None:
    path.write_text(f"machine {host} login {NAME} password {PASSWORD}\n")
    path.chmod(mode)


def test_a_password_goes_to_the_users_host_and_to_no_other(
    proxy: FaultServer, destination: Path, tmp_path: Path
) -> None:
    write_netrc(tmp_path / ".netrc", "archive.example")
    with (tmp_path / ".netrc").open("a") as file:
        file.write(f"machine 8.8.8.8 login {NAME} password another\n")
    proxy.faults["file"] = [redirect("file"), redirect(PUBLIC), redirect("http://archive.example/file")]
    assert fetch("http://archive.example/file", destination).status == "ok"
    assert [(request.host, request.authorization) for request in proxy.requests] == [
        ("archive.example", TOLD),
        ("archive.example", TOLD),
        ("8.8.8.8", None),
        ("archive.example", None),
    ]


def test_a_host_without_a_password_is_told_none(site: FaultServer, destination: Path, tmp_path: Path) -> None:
    write_netrc(tmp_path / ".netrc", "archive.example")
    fetch(site.url + "file", destination)
    assert [request.authorization for request in site.requests] == [None]


def test_a_password_is_said_nowhere(
    site: FaultServer,
    destination: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    write_netrc(tmp_path / "passwords", "127.0.0.1", 0o644)
    monkeypatch.setenv("NETRC", str(tmp_path / "passwords"))
    site.faults["file"] = [refuse(503), refuse(401)]
    with pytest.raises(FetchError, match="401 Unauthorized") as refused:
        fetch(site.url + "file", destination, wait_seconds=0)
    assert [request.authorization for request in site.requests] == [TOLD] * 2
    said = str(refused.value) + caplog.text
    assert PASSWORD not in said
    assert TOLD not in said


@pytest.mark.parametrize(
    "content",
    [
        f"machine a login {NAME} pass word {PASSWORD}\n",
        f"machine a\nlogin {NAME}\n{PASSWORD}\n",
        f"\n{PASSWORD}\n",
    ],
)
def test_a_damaged_file_of_passwords_is_an_error_that_tells_none(
    site: FaultServer, destination: Path, tmp_path: Path, content: str
) -> None:
    (tmp_path / ".netrc").write_text(content)
    with pytest.raises(
        FetchError, match=r"^~/.netrc cannot be read .*: not of the form .* near line [1-4]$"
    ) as refused:
        fetch(site.url + "file", destination)
    assert PASSWORD not in str(refused.value)
    assert (refused.value.__cause__, refused.value.__context__) == (None, None)
    assert site.requests == []


def test_a_file_of_passwords_that_all_can_read_is_an_error(
    site: FaultServer, destination: Path, tmp_path: Path
) -> None:
    write_netrc(tmp_path / ".netrc", "127.0.0.1", 0o644)
    with pytest.raises(
        FetchError, match=r"~/\.netrc .* access permissions must restrict access to only the owner"
    ):
        fetch(site.url + "file", destination)


def test_a_file_of_passwords_that_is_named_must_be_there(
    site: FaultServer, destination: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    with pytest.raises(FetchError, match=r"none cannot be read .*: No such file"):
        fetch(site.url + "file", destination)


def test_a_password_in_an_address_is_refused_and_not_repeated(destination: Path) -> None:
    for address in (f"http://{NAME}:{PASSWORD}@127.0.0.1:9/", f"https://{PASSWORD}@archive.example"):
        with pytest.raises(ValueError, match=r"archive\.base_url holds a name or a password") as refused:
            join(address, "a.zip")
        assert PASSWORD not in str(refused.value)
        with pytest.raises(FetchError, match=r"the address holds a name or a password.*\.netrc") as error:
            fetch(address, destination)
        assert PASSWORD not in str(error.value)
