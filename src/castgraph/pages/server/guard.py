"""What stands before a local server: only its own page, in the browser of whoever started it, gets through.

A server on 127.0.0.1 is not private. Every page that the browser shows can send requests to it, a name of
somebody else's can be made to lead to it (DNS rebinding), and everybody who has an account on the machine can
connect to it. So:

- **Host** has to be there once, as 127.0.0.1 or localhost with the port of the server: else 421. A rebound
  name has another host.
- **Methods** are GET, HEAD and POST: else 405. No answer allows another origin anything (no CORS).
- **What other pages embed** is refused by Sec-Fetch-Site, 403: scripts and pictures of other sites do not see
  that there is anything. A link that opens the page itself, which is no embedding, is let through. For
  reading, browsers that do not send it are let through, too (all since 2023 do); Cross-Origin-Resource-Policy
  then says the same of every answer.
- **POST** needs the server's own Origin (which a form of another page, or a sandboxed one with its origin
  ``null``, has not), Sec-Fetch-Site ``same-origin``, JSON, which no form can send, and the token; its body
  may not be larger than `MOST_BYTES`, whatever Content-Length says (413), nor come too slowly (408).
- **The token** of 256 bits is made anew for each server. The command prints it in the fragment of the
  address, which browsers send to nobody; the page takes it from there, strips it from the address, and sends
  it in the header `TOKEN_HEADER`. Whatever lies under ``/api/`` needs it for reading, too: 403 without.
- **Pictures and data files** are loaded by elements of the page, which cannot send a header. They lie under
  a path with a second secret of 256 bits in it, which only who has the token, or the printed address, is
  told: 404 without. A cookie would not do: cookies know no ports, so that every other
  server on 127.0.0.1, whoever's it is, would be sent it.
- **What a page may do** says the Content-Security-Policy of every answer. Nothing is stored (no-store), and
  no address goes along to other servers (no-referrer).
"""

from __future__ import annotations

import asyncio
import hmac
import json
import re
import secrets
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN_HEADER = "X-Castgraph-Token"  # noqa: S105 (its name)
"""The header that has the token."""

MOST_BYTES = 1 << 20
"""Of the body of a request."""

SLOWEST = 20.0
"""Seconds within which the body of a request has to be there."""

MOST_CONNECTIONS = 128
"""At a time; more are told 503. A browser opens six."""

METHODS = ("GET", "HEAD", "POST")
API = "/api/"

_LENGTH = re.compile("[0-9]{1,9}", re.ASCII)

_HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def secret() -> str:
    """Make a secret of 256 bits that can stand in an address."""
    return secrets.token_urlsafe(32)


def is_secret(given: str, known: str) -> bool:
    """Compare a secret with what somebody gives for it, in a time that tells nothing."""
    return hmac.compare_digest(given.encode(errors="replace"), known.encode())


class Guard:
    """Lets only those requests through to an application that its own page makes; see the module.

    Parameters
    ----------
    app
        The application. Requests that come to it have their whole body at hand: ``request.state.body``.
    port
        The port of the server.
    token
        The secret that requests have to have.
    policy
        The Content-Security-Policy of every answer.
    most_bytes, slowest
        As `MOST_BYTES` and `SLOWEST`.
    """

    def __init__(
        self,
        app: ASGIApp,
        port: int,
        token: str,
        policy: str,
        *,
        most_bytes: int = MOST_BYTES,
        slowest: float = SLOWEST,
    ) -> None:
        self._app, self._token = app, token
        self._hosts = [f"127.0.0.1:{port}", f"localhost:{port}"]
        self._most_bytes, self._slowest = most_bytes, slowest
        headers = {**_HEADERS, "Content-Security-Policy": policy}
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # a web socket
            await send({"type": "websocket.close", "code": 1008})
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in self._headers}
                others = [pair for pair in message.get("headers", ()) if pair[0].lower() not in own]
                message = {**message, "headers": [*others, *self._headers]}
            await send(message)

        if refused := self._refusal(scope):
            await _refuse(guarded, *refused)
            return
        if scope["method"] == "POST":
            try:
                body = await asyncio.wait_for(_body(receive, self._most_bytes), self._slowest)
            except TimeoutError:
                await _refuse(guarded, HTTPStatus.REQUEST_TIMEOUT, "the request did not come to an end")
                return
            if body is None:
                await _refuse(guarded, *self._too_large())
                return
            scope = {**scope, "state": {**scope.get("state", {}), "body": body}}
            receive = _again(body, receive)
        await self._app(scope, receive, guarded)

    def _refusal(self, scope: Scope) -> tuple[HTTPStatus, str] | None:
        """Tell why a request is refused before its body is read."""
        headers = _Headers(scope["headers"])
        host = headers.one("host")
        if host not in self._hosts:
            return HTTPStatus.MISDIRECTED_REQUEST, "this server has another name"
        method, site = scope["method"], headers.all("sec-fetch-site")
        if method not in METHODS:
            return HTTPStatus.METHOD_NOT_ALLOWED, f"allowed: {', '.join(METHODS)}"
        is_post = method == "POST"
        origin = headers.all("origin")
        if (origin or is_post) and origin != [f"http://{host}"]:
            return HTTPStatus.FORBIDDEN, "another origin"
        is_opened = headers.all("sec-fetch-dest") == ["document"]
        is_own = site == ["same-origin"] or (not is_post and (site in ([], ["none"]) or is_opened))
        if not is_own:
            return HTTPStatus.FORBIDDEN, "another site"
        if is_post:
            if headers.one("content-type").partition(";")[0].strip().lower() != "application/json":
                return HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "allowed: application/json"
            length = headers.one("content-length")
            if length and not (_LENGTH.fullmatch(length) and int(length) <= self._most_bytes):
                return self._too_large()
        if is_post or scope["path"].startswith(API):
            token = headers.one(TOKEN_HEADER.lower())
            if not is_secret(token, self._token):
                return HTTPStatus.FORBIDDEN, "open the address that the command has printed"
        return None

    def _too_large(self) -> tuple[HTTPStatus, str]:
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {self._most_bytes:,} bytes"


class _Headers:
    """The headers of a request, each as often as it is there."""

    def __init__(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        self._raw = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in raw]

    def all(self, name: str) -> list[str]:
        return [value for key, value in self._raw if key == name]

    def one(self, name: str) -> str:
        """Give a header that is there once; empty for none or several."""
        found = self.all(name)
        return found[0] if len(found) == 1 else ""


async def _body(receive: Receive, most_bytes: int) -> bytes | None:
    """Read the body of a request; None when it is larger than it may be."""
    parts: list[bytes] = []
    n_bytes, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        parts.append(message.get("body", b""))
        n_bytes += len(parts[-1])
        if n_bytes > most_bytes:
            return None
        more = message.get("more_body", False)
    return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """Give a body that was read to whoever asks for it, then what comes after it."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


async def _refuse(send: Send, status: HTTPStatus, reason: str) -> None:
    body = json.dumps({"error": reason}).encode() + b"\n"
    headers: list[Any] = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        headers.append((b"allow", ", ".join(METHODS).encode()))
    # What is left of the request is not read.
    headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status.value, "headers": headers})
    await send({"type": "http.response.body", "body": body})
