"""Where a server sends us on to: to itself, or to a host that all the world may ask, and nowhere else.

It could else have us ask what only this machine reaches, such as a router, or the service at 169.254.169.254
that tells a cloud's machines their passwords.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

import httpx

from castgraph.archive.fetch.errors import FetchError

log = logging.getLogger(__name__)

MOST_REDIRECTS = 10

_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052; the last 32 bits are an address of IPv4


@contextmanager
def opened(client: httpx.Client, source: str, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
    """Ask for a file, also where the server sends us on to.

    Parameters
    ----------
    client
        Asks; its names and passwords go to the host of `source` and to no other.
    source
        The file's address. Its host is the user's word: it may be private, or this machine.
    headers
        Sent to every host.

    Yields
    ------
    httpx.Response
        The first answer that sends us nowhere. Its body is not read yet.

    Raises
    ------
    FetchError
        When we are sent to a host with an address that is not public, from https to http, out of the web, or
        on and on.

    Notes
    -----
    Names are looked up before they are asked, and the address is looked at again once there is a connection
    and before anything is sent, so that a name which changes its addresses meanwhile gains nothing. Through
    a proxy it is the proxy that looks them up; what can be checked there is the name, where it is known here.
    """
    request = client.build_request("GET", source, headers=headers)
    home = request.url.host
    response = client.send(request, stream=True)
    try:
        for _ in range(MOST_REDIRECTS):
            if response.next_request is None:
                break
            response.close()
            request = response.next_request
            _follow(source, home, response.url, request)
            response = client.send(request, stream=True, auth=None)
        if response.next_request is not None:
            raise FetchError(f"{source}: more than {MOST_REDIRECTS} redirects")
        yield response
    finally:
        response.close()


def _follow(source: str, home: str, before: httpx.URL, request: httpx.Request) -> None:
    """Prepare the request that a server sends us on with; raise when we are not to follow."""
    url = request.url
    name = url.raw_host.decode("ascii")

    def refuse(why: str) -> FetchError:
        return FetchError(f"{source}: {before.host} sends us on to {url.host}; that is refused: {why}")

    def check(address: str) -> None:
        if not _is_public(address):
            raise refuse(f"its address {address} is not public")

    if url.scheme not in {"http", "https"}:
        raise refuse(f"{url.scheme} is not the web")
    if before.scheme == "https" and url.scheme == "http":
        raise refuse("from https to http")
    request.extensions.pop("trace", None)
    if url.host != home:
        for address in _addresses(name, url.port):
            check(address)
        request.extensions["trace"] = _watch(name, check)
    if url.host != before.host:
        log.info("%s: %s sends us on to %s", source, before.host, url.host)


def _addresses(name: str, port: int | None) -> list[str]:
    """Look up a name; where it is not known, the connection fails or a proxy knows it."""
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [str(address[0]) for *_, address in found]


def _watch(name: str, check: Callable[[str], None]) -> Callable[[str, Mapping[str, Any]], None]:
    """Make what httpcore tells of its steps: check the address of a new connection to the host itself."""
    is_direct = False

    def watch(event: str, info: Mapping[str, Any]) -> None:
        nonlocal is_direct
        if event == "connection.connect_tcp.started":
            is_direct = info["host"] == name  # else it is the proxy's
        elif event == "connection.connect_tcp.complete" and is_direct:
            stream = info["return_value"]
            try:
                check(stream.get_extra_info("server_addr")[0])
            except FetchError:
                stream.close()
                raise

    return watch


def _is_public(address: str) -> bool:
    """Tell whether an address is one of the Internet's, also one of IPv4 that is written as IPv6."""
    ip: IPv4Address | IPv6Address = ip_address(address)
    if isinstance(ip, IPv6Address):
        inner = IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else ip.ipv4_mapped or ip.sixtofour
        ip = inner or ip
    return ip.is_global and not ip.is_multicast and not ip.is_reserved
