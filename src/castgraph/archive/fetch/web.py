"""Getting a file from the web.

What fails for the moment is tried again, from where it broke off.
"""

from __future__ import annotations

import logging
import netrc
import os
import ssl
from collections.abc import Callable
from pathlib import Path

import httpx
from tenacity import RetryCallState, Retrying, stop_after_attempt, wait_exponential, wait_random

from castgraph import __version__
from castgraph.archive.fetch.errors import FetchError, PassingError
from castgraph.archive.fetch.partial import Partial, held
from castgraph.archive.fetch.transfer import LONGEST_WAIT, say, transfer

log = logging.getLogger(__name__)

_LONGEST_BACKOFF = 120.0  # seconds between two attempts, unless the server asks for more
_PROGRESS = 1 << 16  # bytes that make an attempt worth while
_HEADERS = {
    "User-Agent": f"castgraph/{__version__}",
    "Accept-Encoding": "identity",  # the file as the archive stores it
}


def fetch(
    source: str,
    destination: Path,
    *,
    attempts: int,
    timeout: float,
    max_bytes: int | None,
    wait_seconds: float,
    max_bytes_per_s: float | None,
    pace_file: Path | None,
    check: Callable[[Path], str] | None,
    keeps_damaged: bool,
) -> tuple[str, int]:
    """Fetch a file, as `castgraph.archive.fetch.fetch` does from a web address.

    Returns
    -------
    str, int
        How the archive said that the file is missing, empty when it is there; and its size.
    """
    try:
        with held(destination, source, LONGEST_WAIT) as partial, _client(timeout) as client:
            if partial.is_finished:
                return "", partial.n_bytes

            def attempt() -> str:
                return transfer(
                    client,
                    partial,
                    timeout=timeout,
                    max_bytes=max_bytes,
                    max_bytes_per_s=max_bytes_per_s,
                    pace_file=pace_file,
                )

            retrying = _retrying(partial, attempts, wait_seconds)
            return _fetch(attempt, partial, retrying, check, keeps_damaged)
    except BlockingIOError as error:
        raise FetchError(
            f"{source}: another process has been fetching it to {destination} for too long"
        ) from error
    except PassingError as error:
        raise FetchError(f"{source}: {error}, in {attempts} attempts") from error
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:  # the last for a host's name
        raise FetchError(f"{source}: {say(error)}") from error


def _fetch(
    attempt: Callable[[], str],
    partial: Partial,
    retrying: Retrying,
    check: Callable[[Path], str] | None,
    keeps_damaged: bool,
) -> tuple[str, int]:
    """Attempt a transfer until it is complete and what came is sound."""
    chances = 2 if partial.n_bytes else 1  # what lay there may be at fault, too
    while True:
        missing = retrying(attempt)
        if missing:
            partial.restart()
            return missing, 0
        is_as_summed = partial.is_as_summed()
        damage = "" if is_as_summed else "it has not the MD5 that the server gives"
        if check is not None and not (partial.version.md5 and keeps_damaged):
            damage = check(partial.path)
        if not damage or not chances:
            break
        log.info("%s: what came is damaged, and fetched anew: %s", partial.version.url, damage)
        chances -= 1
        partial.restart()
    if not is_as_summed:
        partial.restart()
        raise FetchError(f"{partial.version.url}: what comes has not the MD5 that the server gives")
    if damage and not keeps_damaged:
        partial.restart()
        raise FetchError(f"{partial.version.url}: what comes is damaged: {damage}")
    partial.finish()
    return "", partial.n_bytes


def _retrying(partial: Partial, attempts: int, wait_seconds: float) -> Retrying:
    """Make the rule by which transfers are attempted again.

    They come to an end. The attempts are counted anew only after one that brought at least `_PROGRESS` bytes
    more than there ever were, so there are at most ``attempts`` for each `_PROGRESS` bytes of the largest
    size allowed, or of the disk. A single one ends, too: a server that sends next to nothing is given up.
    """
    most = partial.most

    def is_to_repeat(state: RetryCallState) -> bool:
        nonlocal most
        if state.outcome is None or not isinstance(state.outcome.exception(), PassingError):
            return False
        if partial.most >= most + _PROGRESS:
            most = partial.most
            state.attempt_number = 0
        return True

    backoff = wait_exponential(multiplier=wait_seconds, max=_LONGEST_BACKOFF) + wait_random(0, wait_seconds)

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return max(error.retry_after if isinstance(error, PassingError) else 0.0, backoff(state))

    def tell(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        url, n_bytes = partial.version.url, partial.n_bytes
        log.info("%s: %s; %d bytes so far, again in %.1f s", url, error, n_bytes, state.upcoming_sleep)

    return Retrying(
        retry=is_to_repeat, stop=stop_after_attempt(attempts), wait=wait, before_sleep=tell, reraise=True
    )


def _client(timeout: float) -> httpx.Client:
    """Make what asks servers; proxies and SSL_CERT_DIR are read from the environment by httpx itself."""
    trusted: ssl.SSLContext | bool = True
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        path = os.environ.get(name)
        if path:
            try:
                trusted = ssl.create_default_context(cafile=path)
            except OSError as error:
                raise FetchError(
                    f"{name} is {path!r}, which cannot be read as certificates: {error}"
                ) from error
            break
    return httpx.Client(timeout=timeout, headers=_HEADERS, verify=trusted, auth=_passwords())


def _passwords() -> httpx.NetRCAuth | None:
    """Read the user's names and passwords for hosts."""
    named = os.environ.get("NETRC")
    try:
        return httpx.NetRCAuth(named)  # of ~/.netrc, Python sees to it that nobody else can read it
    except FileNotFoundError as error:
        if not named:
            return None
        problem = str(error.strerror)
    except OSError as error:
        problem = str(error.strerror)
    except UnicodeError:
        problem = "it is not text"
    except netrc.NetrcParseError as error:
        # Not its message of a line, which may quote a password.
        form = "not of the form 'machine HOST login NAME password PASSWORD'"
        problem = f"{form} near line {error.lineno}" if error.lineno else error.msg
    raise FetchError(f"{named or '~/.netrc'} cannot be read for names and passwords: {problem}")
