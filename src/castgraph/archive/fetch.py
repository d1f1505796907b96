"""Getting a file from the archive: from the web, or from a folder that holds a copy of it.

What fails for the moment is tried again; what the archive does not have is reported, not raised; anything
else is an error that names the address.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Literal, TypedDict
from urllib.parse import quote, unquote, urlsplit

import httpx
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential,
    wait_random,
)

from castgraph import __version__, files

_CHUNK = 1 << 18  # bytes read at a time
_LONGEST_WAIT = 120.0  # seconds between two attempts at most, whatever the server asks for
_MISSING = {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}
_PASSING = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}  # and every 5xx

_HEADERS = {
    "User-Agent": f"castgraph/{__version__}",
    "Accept-Encoding": "identity",  # the file as the archive stores it
}


class FetchError(RuntimeError):
    """A file could not be had, although it may well be in the archive."""


class TooLargeError(FetchError):
    """A file is larger than it may be."""


class _PassingError(Exception):
    """A problem that may have gone by the next attempt."""

    def __init__(self, problem: str, retry_after: float = 0.0) -> None:
        super().__init__(problem)
        self.retry_after = retry_after


class FetchOptions(TypedDict, total=False):
    """How patiently to fetch; see `fetch`."""

    attempts: int
    timeout: float
    wait_seconds: float


@dataclass(frozen=True, slots=True)
class Fetched:
    """What became of a file that was asked for.

    Attributes
    ----------
    status
        ``ok``, or ``missing`` when the archive does not have it.
    reason
        How the archive said that it is missing; empty when ok.
    n_bytes
        The size of the file.
    """

    status: Literal["ok", "missing"]
    reason: str
    n_bytes: int


def join(base_url: str, name: str) -> str:
    """Tell the address of a file in the archive.

    Parameters
    ----------
    base_url
        Where the archive lies: ``https://…``, ``http://…``, ``file:///…`` or the path of a folder, with or
        without a slash at its end.
    name
        The file's name, without a folder. It is quoted where the address is a URL.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        When `base_url` is none of these, or a folder that does not exist; when `name` is no plain file name.
    """
    if name in {"", ".", ".."} or "/" in name or "\0" in name:
        raise ValueError(f"{name!r} is not the name of a file in the archive; it must not hold a folder")
    quoted = f"{base_url.rstrip('/')}/{quote(name, safe='')}"
    if _is_site(base_url):
        return quoted
    folder = _local(base_url) if base_url else None
    if folder is not None and folder.is_dir():
        return quoted if _scheme(base_url) else str(folder / name)
    raise ValueError(
        f"archive.base_url is {base_url!r}; allowed are https://…, http://… (without '?' and '#'), file:///… "
        "or a path, the last two of a folder that exists"
    )


def fetch(
    source: str,
    destination: Path,
    *,
    attempts: int = 6,
    timeout: float = 60.0,
    max_bytes: int | None = None,
    wait_seconds: float = 1.0,
) -> Fetched:
    """Fetch a file of the archive.

    Parameters
    ----------
    source
        Its address, as `join` gives it.
    destination
        Where to write it, atomically. It is left as it was when the file is missing or cannot be had.
    attempts
        How often to try at most.
    timeout
        Seconds to wait for the connection, and for each piece of the file.
    max_bytes
        The largest size allowed; None for any.
    wait_seconds
        The wait before the second attempt. It doubles with each attempt and is lengthened at random by up to
        as much, so that many jobs do not come back at once; a server that asks for a longer wait gets it, up
        to two minutes.

    Returns
    -------
    Fetched

    Raises
    ------
    FetchError
        When the file cannot be had: refused, or failing still at the last attempt.
    TooLargeError
        When it is larger than `max_bytes`.

    Notes
    -----
    Tried again are HTTP 408, 429 and 5xx, timeouts, broken connections, and a body shorter than its
    ``Content-Length``. Of a body that is longer, HTTP gives us the announced part only. HTTP 404 and 410 mean
    that the file is missing. Redirects are followed to other web addresses only.
    """
    path = _local(source)
    if path is not None:
        return _copy(path, destination, max_bytes)
    retrying = Retrying(
        retry=retry_if_exception_type(_PassingError),
        stop=stop_after_attempt(attempts),
        wait=_wait(wait_seconds),
        reraise=True,
    )
    with httpx.Client(follow_redirects=True, timeout=timeout, headers=_HEADERS) as client:
        try:
            return retrying(_download, client, source, destination, max_bytes)
        except _PassingError as error:
            raise FetchError(f"{source}: {error}, in {attempts} attempts") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise FetchError(f"{source}: {_say(error)}") from error


def _download(client: httpx.Client, url: str, destination: Path, max_bytes: int | None) -> Fetched:
    """Try once to fetch `url`."""
    try:
        with client.stream("GET", url) as response:
            status = response.status_code
            if status == HTTPStatus.OK:
                return _write(response.iter_bytes(_CHUNK), url, destination, max_bytes)
            answer = f"the server answered {_phrase(status)}"
            if status in _MISSING:
                return Fetched("missing", _phrase(status), 0)
            if status in _PASSING or status >= 500:
                raise _PassingError(answer, _retry_after(response))
            raise FetchError(f"{url}: {answer}")
    except httpx.UnsupportedProtocol:  # a redirect out of the web; the only TransportError that would stay
        raise
    except httpx.TransportError as error:
        raise _PassingError(_say(error)) from error


def _copy(path: Path, destination: Path, max_bytes: int | None) -> Fetched:
    """Fetch a file from a folder."""
    if not path.parent.is_dir():
        raise FetchError(f"{path}: there is no such folder")
    if not path.exists():
        return Fetched("missing", "no such file", 0)
    if not path.is_file():  # a pipe would block, a folder cannot be copied
        raise FetchError(f"{path}: not a regular file")
    with path.open("rb") as source:
        return _write(iter(lambda: source.read(_CHUNK), b""), str(path), destination, max_bytes)


def _write(chunks: Iterator[bytes], source: str, destination: Path, max_bytes: int | None) -> Fetched:
    """Write what `source` gives to `destination`."""
    n_bytes = 0
    with files.atomic(destination) as part, part.open("wb") as file:
        for chunk in chunks:
            n_bytes += len(chunk)
            if max_bytes is not None and n_bytes > max_bytes:
                raise TooLargeError(f"{source}: larger than the {max_bytes} bytes allowed")
            file.write(chunk)
    return Fetched("ok", "", n_bytes)


def _wait(wait_seconds: float) -> Callable[[RetryCallState], float]:
    """Make the rule that tells how many seconds to wait before the next attempt."""
    backoff = wait_exponential(multiplier=wait_seconds, max=_LONGEST_WAIT) + wait_random(0, wait_seconds)

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked_for = error.retry_after if isinstance(error, _PassingError) else 0.0
        return min(max(asked_for, backoff(state)), _LONGEST_WAIT)

    return wait


def _retry_after(response: httpx.Response) -> float:
    """Tell the seconds that the server asks us to wait; 0 when it does not say."""
    text = response.headers.get("Retry-After", "").strip()
    if re.fullmatch("[0-9]{1,9}", text):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()


def _phrase(status: int) -> str:
    """Name an HTTP status in our words, not the server's."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _say(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _scheme(address: str) -> str:
    """Tell the scheme of a URL; empty for a path."""
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", address)
    return match[1].lower() if match else ""


def _is_site(address: str) -> bool:
    """Tell whether `address` is a web address that a file's name can be put behind."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return bool(
        parts.scheme in {"http", "https"} and parts.hostname and not parts.query and not parts.fragment
    )


def _local(address: str) -> Path | None:
    """Tell the path that `address` means; None when it lies on the web."""
    kind = _scheme(address)
    if not kind:
        return Path(address)
    path = address[len("file://") :]
    return Path(unquote(path)) if kind == "file" and address[5:7] == "//" and path.startswith("/") else None
