"""Running a local server until somebody stops it."""

from __future__ import annotations

import html
import logging
import os
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import uvicorn
from starlette.types import ASGIApp

from castgraph.pages.server.guard import MOST_CONNECTIONS

LOOPBACK = "127.0.0.1"

_PATIENCE = 3  # seconds for answers that are under way when it ends


def serve(
    make: Callable[[int], tuple[ASGIApp, str]], say: Callable[[str], None], *, port: int = 0, browser: bool
) -> None:
    """Run a server on 127.0.0.1 until it is interrupted (Ctrl-C).

    Parameters
    ----------
    make
        Gets the port, and gives the application and the path of its page, its fragment included.
    say
        Is told the address of the page, and what else there is to say, each in a line.
    port
        The port; 0 for any that is free.
    browser
        Whether to open the page in a browser, where there is a desktop.

    Raises
    ------
    OSError
        When the port is taken; the message names it.
    """
    with _listening(port) as sock:
        number = sock.getsockname()[1]
        app, path = make(number)
        address = f"http://{LOOPBACK}:{number}{path}"
        say(address)
        say("Only this machine reaches it. Ctrl-C ends it.")
        config = uvicorn.Config(
            app,
            http="h11",  # refuses what is no HTTP
            ws="none",
            loop="asyncio",
            lifespan="off",
            access_log=False,  # addresses are secrets
            log_config=None,
            proxy_headers=False,
            server_header=False,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_graceful_shutdown=_PATIENCE,
        )
        logging.getLogger("uvicorn").setLevel(logging.ERROR)
        with TemporaryDirectory(prefix="castgraph-") as folder, suppress(KeyboardInterrupt):
            if browser and _has_desktop():
                threading.Thread(target=_open, args=(address, Path(folder)), daemon=True).start()
            uvicorn.Server(config).run(sockets=[sock])


@contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        # So that a server can be started again on its port at once; on Linux nobody else can take it, too.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((LOOPBACK, port))
            sock.listen()
        except OSError as error:
            raise OSError(
                error.errno, f"port {port} cannot be had ({error.strerror}); name another"
            ) from None
        yield sock


def _has_desktop() -> bool:
    """Tell whether a browser that opens would be seen, and not take the terminal over."""
    is_named = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or os.environ.get("BROWSER")
    return bool(is_named) or sys.platform == "darwin"


def _open(address: str, folder: Path) -> None:
    """Open the page by way of a file of our own: arguments of processes can be read by everybody."""
    page = folder / "open.html"
    with suppress(webbrowser.Error, OSError):
        page.write_text(
            '<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
            f'<meta http-equiv="refresh" content="0;url={html.escape(address)}"><title>castgraph</title>',
            encoding="utf-8",
        )
        webbrowser.open(page.as_uri())
