"""Asking an application as a browser, or somebody hostile, would: every header and every piece as it is."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from starlette.types import ASGIApp, Message


class Answer(NamedTuple):
    """What an application answered; no status for a connection that was closed."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    app: ASGIApp,
    method: str,
    path: str,
    headers: Iterable[tuple[str, str]] | Mapping[str, str] = (),
    body: bytes | list[bytes] = b"",
    *,
    ends: bool = True,
    kind: str = "http",
) -> Answer:
    """Send a request; with `ends` false its body never comes to an end."""
    pieces = [body] if isinstance(body, bytes) else list(body)
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    path, _, query = path.partition("?")
    scope: dict[str, Any] = {
        "type": kind,
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in pairs],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
    }
    sent: list[Message] = []

    async def receive() -> Message:
        if pieces:
            piece = pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(pieces) or not ends}
        await asyncio.sleep(3600)
        raise AssertionError("nobody waits that long")

    async def send(message: Message) -> None:
        sent.append(message)

    # In a thread of its own: a browser that is driven has a loop that runs in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(app(scope, receive, send))).result()
    start = next((each for each in sent if each["type"] == "http.response.start"), None)
    if start is None:
        return Answer(0, {}, b"")
    found = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    parts = [each.get("body", b"") for each in sent if each["type"] == "http.response.body"]
    return Answer(start["status"], found, b"".join(parts))
