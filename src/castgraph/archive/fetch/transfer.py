"""One transfer over HTTP: the whole of a file, or the rest of it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from itertools import chain
from pathlib import Path

import httpx

from castgraph.archive.fetch.errors import FetchError, PassingError, TooLargeError
from castgraph.archive.fetch.pace import paced, reserve
from castgraph.archive.fetch.partial import Partial, Version
from castgraph.archive.fetch.redirects import opened

LONGEST_WAIT = 900.0
"""Seconds that are waited at most when a server asks for it."""

_LEAST_PACE = 1024  # bytes a second; a server that sends fewer is as good as one that sends none
_PART = HTTPStatus.PARTIAL_CONTENT
_NO_SUCH_PART = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE  # of a file that is complete, too
_MISSING = {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}
_PASSING = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}  # and every 5xx


def transfer(
    client: httpx.Client,
    partial: Partial,
    *,
    timeout: float,
    max_bytes: int | None,
    max_bytes_per_s: float | None,
    pace_file: Path | None,
) -> str:
    """Try once to complete a file.

    Parameters
    ----------
    client
        Asks the server.
    partial
        The bytes so far. If there are any, the server is asked for those that follow, provided that it still
        has the same file (``If-Range``). If it has not, or knows no ranges, it sends the whole file, and the
        bytes so far are thrown away.
    timeout, max_bytes, max_bytes_per_s, pace_file
        See `castgraph.archive.fetch.fetch`.

    Returns
    -------
    str
        How the server said that it does not have the file; empty when `partial` is complete.

    Raises
    ------
    PassingError
        When another attempt may succeed.
    FetchError
        When it will not; see also `castgraph.archive.fetch.redirects.opened`.
    """
    url = partial.version.url
    headers = {}
    if partial.can_go_on:
        headers = {"Range": f"bytes={partial.n_bytes}-", "If-Range": partial.version.validator}
    if max_bytes_per_s is not None and pace_file is not None:
        time.sleep(reserve(pace_file, 0, max_bytes_per_s))
    try:
        with opened(client, url, headers) as response:
            pieces = _lively(response.iter_bytes(), timeout)
            if max_bytes_per_s is not None and pace_file is not None:
                pieces = paced(pieces, pace_file, max_bytes_per_s)
            if response.status_code == HTTPStatus.OK:
                partial.begin(_version(response, url))
            elif not headers or response.status_code not in {_PART, _NO_SUCH_PART}:
                return _refusal(response, url)
            elif not _goes_on(response, partial):
                partial.restart()
                raise PassingError("the file has changed")
            elif response.status_code == _NO_SUCH_PART:
                pieces = iter(())
            _take(pieces, partial, max_bytes)
            return ""
    except httpx.UnsupportedProtocol:  # the only TransportError that would stay
        raise
    except httpx.TransportError as error:
        raise PassingError(say(error)) from error


def _take(pieces: Iterator[bytes], partial: Partial, max_bytes: int | None) -> None:
    """Add what comes to the bytes so far, and check their number."""
    total = partial.version.total
    for piece in chain((b"",), pieces):  # the size that the server states counts before the first byte
        if max_bytes is not None and max(total or 0, partial.n_bytes + len(piece)) > max_bytes:
            partial.restart()
            raise TooLargeError(f"{partial.version.url}: larger than the {max_bytes} bytes allowed")
        partial.append(piece)
    if total is not None and partial.n_bytes != total:
        n_bytes = partial.n_bytes
        if n_bytes > total:
            partial.restart()
        raise PassingError(f"{n_bytes} bytes came of a file of {total}")


def _goes_on(response: httpx.Response, partial: Partial) -> bool:
    """Tell whether a part (or none) of a file goes on where our bytes end; note the file's size."""
    version, headers = partial.version, response.headers
    told = headers.get("ETag" if version.validator.startswith('"') else "Last-Modified")
    if told not in (None, version.validator) or _is_packed(response):
        return False
    content = headers.get("Content-Range", "")
    match = re.fullmatch(r"bytes (?:(\d{1,18})-\d{1,18}|\*)/(?:(\d{1,18})|\*)", content)
    start, total = (match[1], match[2]) if match else (None, None)
    if response.status_code == _NO_SUCH_PART:
        start = total  # all that there is of it
    if start is None or int(start) != partial.n_bytes:
        return False
    if version.total is not None and total is not None and int(total) != version.total:
        return False
    if total is not None:
        partial.version = replace(version, total=int(total))
    return True


def _version(response: httpx.Response, url: str) -> Version:
    """Tell what a server says of the file that it sends whole."""
    headers = response.headers
    # What it tells is of other bytes than those that we shall have.
    if _is_packed(response):
        return Version(url)
    length = headers.get("Content-Length") if "Transfer-Encoding" not in headers else None
    # Google Cloud Storage: cloud.google.com/storage/docs/xml-api/reference-headers#xgooghash. The MD5 is that
    # of the file as it is stored, which may be packed: cloud.google.com/storage/docs/transcoding.
    md5 = re.search(r"(?:^|[,\s])md5=([A-Za-z0-9+/]{22}==)", headers.get("x-goog-hash", ""))
    packed = headers.get("x-goog-stored-content-encoding", "identity").lower() != "identity"
    return Version(
        url,
        _validator(headers),
        int(length) if length is not None else None,
        md5[1] if md5 and not packed else "",
    )


def _is_packed(response: httpx.Response) -> bool:
    """Tell whether the server packed what it sends, though we asked it not to; httpx unpacks it."""
    return bool(response.headers.get("Content-Encoding", "identity").lower() != "identity")


def _validator(headers: httpx.Headers) -> str:
    """Tell by what a server will know the same bytes again; empty when by nothing to rely on."""
    etag: str = headers.get("ETag", "")
    if re.fullmatch('"[!#-~]*"', etag):  # not weak, W/"…"
        return etag
    # A date is to be relied on when the file was at least a second old: RFC 9110, 8.8.2.2.
    modified: str = headers.get("Last-Modified", "").strip()
    then, now = _moment(modified), _moment(headers.get("Date", ""))
    if then is None or now is None or now - then < timedelta(seconds=1) or not modified.isascii():
        return ""
    return modified


def _refusal(response: httpx.Response, url: str) -> str:
    """Tell how the server says that it does not have the file; raise when it says something else."""
    status = response.status_code
    if status in _MISSING:
        return _phrase(status)
    answer = f"the server answered {_phrase(status)}"
    if status not in _PASSING and status < 500:
        raise FetchError(f"{url}: {answer}")
    retry_after = _retry_after(response)
    if retry_after > LONGEST_WAIT:
        raise FetchError(
            f"{url}: {answer} and asks for a wait of {retry_after:.0f} seconds; "
            f"{LONGEST_WAIT:.0f} are waited at most"
        )
    raise PassingError(answer, retry_after)


def _lively(pieces: Iterator[bytes], timeout: float) -> Iterator[bytes]:
    """Pass on what comes; raise when too little comes in `timeout` seconds of waiting for it."""
    n_bytes, waited = 0, 0.0
    while True:
        start = time.monotonic()
        piece = next(pieces, None)
        waited += time.monotonic() - start
        if piece is None:
            return
        n_bytes += len(piece)
        yield piece
        if waited >= timeout:
            if n_bytes < _LEAST_PACE * waited:
                raise PassingError(f"{n_bytes} bytes came in {waited:.0f} seconds")
            n_bytes, waited = 0, 0.0


def _retry_after(response: httpx.Response) -> float:
    """Tell the seconds that the server asks us to wait; 0 when it does not say."""
    text = response.headers.get("Retry-After", "").strip()
    if re.fullmatch("[0-9]+", text):
        return float(text)
    moment = _moment(text)
    return (moment - datetime.now(UTC)).total_seconds() if moment is not None else 0.0


def _moment(text: str) -> datetime | None:
    """Read a date of HTTP; None when it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC)


def _phrase(status: int) -> str:
    """Name an HTTP status in our words, not the server's."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def say(error: Exception) -> str:
    """Tell the kind of an error and what it says."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
