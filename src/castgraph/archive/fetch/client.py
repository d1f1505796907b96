"""Getting a file from the archive: from the web, or from a folder that holds a copy of it.

What fails for the moment is tried again, from where it broke off; what the archive does not have is reported,
not raised; anything else is an error that names the address.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypedDict
from urllib.parse import quote, unquote, urlsplit

from castgraph.archive.address import has_login
from castgraph.archive.fetch.errors import FetchError, TooLargeError
from castgraph.base import files

_CHUNK = 1 << 18  # bytes copied at a time
_USE_NETRC = "holds a name or a password; they belong into ~/.netrc, or the file that NETRC names"


class FetchOptions(TypedDict, total=False):
    """How patiently to fetch; see `fetch`."""

    attempts: int
    timeout: float
    wait_seconds: float
    max_bytes_per_s: float | None
    pace_file: Path | None


def fetch_options(compute: Mapping[str, Any], pace_file: Path) -> FetchOptions:
    """Tell how patiently to fetch, from the section ``compute`` of the configuration.

    Parameters
    ----------
    compute
        The section; read are ``attempts``, ``timeout`` and ``max_mb_per_s``.
    pace_file
        The file by which the jobs of a run keep their pace.

    Returns
    -------
    FetchOptions
    """
    max_mb_per_s = compute.get("max_mb_per_s")
    return FetchOptions(
        attempts=compute["attempts"],
        timeout=compute["timeout"],
        max_bytes_per_s=None if max_mb_per_s is None else max_mb_per_s * 2**20,
        pace_file=None if max_mb_per_s is None else pace_file,
    )


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
        When `base_url` is none of these, holds a name or password, or is a folder that does not exist; when
        `name` is no plain file name.
    """
    if name in {"", ".", ".."} or "/" in name or "\0" in name:
        raise ValueError(f"{name!r} is not the name of a file in the archive; it must not hold a folder")
    if has_login(base_url):
        raise ValueError(f"archive.base_url {_USE_NETRC}")
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
    max_bytes_per_s: float | None = None,
    pace_file: Path | None = None,
    check: Callable[[Path], str] | None = None,
    keeps_damaged: bool = True,
) -> Fetched:
    """Fetch a file of the archive.

    Parameters
    ----------
    source
        Its address, as `join` gives it.
    destination
        Where to put it, once it is complete. It is left as it was when the file is missing or cannot be had.
        What came until then lies beside it, also when this process is killed, and the next call goes on from
        there; see `castgraph.archive.fetch.partial`. Another process that fetches the same file is waited
        for.
    attempts
        How often in a row to try without getting on.
    timeout
        Seconds to wait for the connection, and for each piece of the file; less than 1 KiB a second in that
        time is nothing.
    max_bytes
        The largest size allowed; None for any.
    wait_seconds
        The wait before the second attempt. It doubles with each attempt up to two minutes and is lengthened
        at random by up to as much as the first, so that many jobs do not come back at once. A server that
        asks for a longer wait gets it, up to a quarter of an hour.
    max_bytes_per_s
        How many bytes a second all that have the same `pace_file` take together; None for any number.
    pace_file
        The file by which they know of each other; see `castgraph.archive.fetch.pace`.
    check
        Tells why a complete file is damaged; empty when it is not. A damaged one is fetched once more from
        its beginning, and kept if it is damaged again. A file that has the MD5 which the server gives is not
        checked: it is as the archive has it.
    keeps_damaged
        Whether a file that is damaged at the last attempt takes the place of `destination`, or is an error.

    Returns
    -------
    Fetched

    Raises
    ------
    FetchError
        When the file cannot be had: refused, or failing still at the last attempt.
    TooLargeError
        When it is larger than `max_bytes`.
    OSError
        When it cannot be written; what was written lies beside `destination`.

    Notes
    -----
    Tried again are HTTP 408, 429 and 5xx, timeouts, broken connections, and a body shorter than its
    ``Content-Length``; what came of it is not asked for again when the server gives a strong ``ETag`` or a
    ``Last-Modified`` and knows ranges. Of a body that is longer, HTTP gives us the announced part only. HTTP
    404 and 410 mean that the file is missing. Where redirects are followed to is told in
    `castgraph.archive.fetch.redirects`.

    A name and password for the host of `source` come from the file that ``NETRC`` names, else ``~/.netrc``.
    Proxies come from ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY``, the certificates to
    trust from ``SSL_CERT_FILE``, ``REQUESTS_CA_BUNDLE``, ``CURL_CA_BUNDLE`` or ``SSL_CERT_DIR``.
    """
    path = _local(source)
    if path is not None:
        return _copy(path, destination, max_bytes, None if keeps_damaged else check)
    if has_login(source):
        raise FetchError(f"{urlsplit(source).hostname}: the address {_USE_NETRC}")
    if max_bytes_per_s is not None and pace_file is None:
        raise ValueError("max_bytes_per_s needs a pace_file")
    from castgraph.archive.fetch import web  # what asks servers takes longer to load than all the rest

    missing, n_bytes = web.fetch(
        source,
        destination,
        attempts=attempts,
        timeout=timeout,
        max_bytes=max_bytes,
        wait_seconds=wait_seconds,
        max_bytes_per_s=max_bytes_per_s,
        pace_file=pace_file,
        check=check,
        keeps_damaged=keeps_damaged,
    )
    return Fetched("missing" if missing else "ok", missing, n_bytes)


def _copy(
    path: Path, destination: Path, max_bytes: int | None, check: Callable[[Path], str] | None
) -> Fetched:
    """Fetch a file from a folder; one that `check` calls damaged is an error."""
    if not path.parent.is_dir():
        raise FetchError(f"{path}: there is no such folder")
    if not path.exists():
        return Fetched("missing", "no such file", 0)
    if not path.is_file():  # a pipe would block, a folder cannot be copied
        raise FetchError(f"{path}: not a regular file")
    n_bytes = 0
    with path.open("rb") as source, files.atomic(destination) as part, part.open("wb") as file:
        while chunk := source.read(_CHUNK):
            n_bytes += len(chunk)
            if max_bytes is not None and n_bytes > max_bytes:
                raise TooLargeError(f"{path}: larger than the {max_bytes} bytes allowed")
            file.write(chunk)
        file.flush()
        if check is not None and (damage := check(part)):
            raise FetchError(f"{path}: damaged: {damage}")
    return Fetched("ok", "", n_bytes)


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
