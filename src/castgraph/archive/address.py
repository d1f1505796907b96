"""Addresses: which may be opened, and names and passwords in them, which belong into ``~/.netrc``."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_LOGIN = re.compile(r"""(?<=://).*@|[^\s'":/]+:(?!//)[^\s'"]*@""", re.DOTALL)


def has_login(address: str) -> bool:
    """Tell whether an address holds a user name or a password.

    Examples
    --------
    >>> has_login("https://me:secret@archive.example/"), has_login("https://archive.example/a@b")
    (True, False)
    """
    _, _, rest = address.partition("://")
    return "@" in re.split(r"[/?#]", rest, maxsplit=1)[0]


def without_login(text: str) -> str:
    """Hide what may be a user name or a password in a text; rather more than that.

    Examples
    --------
    >>> without_login("found 'ftp://me:secret@archive.example/'")
    "found 'ftp://…@archive.example/'"
    """
    return _LOGIN.sub("…@", text)


def openable(address: str) -> str:
    """Give an address of the web or of a file, or nothing: no page opens any other kind.

    Examples
    --------
    >>> openable("https://archive.example/"), openable("javascript:alert(1)")
    ('https://archive.example/', '')
    """
    try:
        return address if urlsplit(address).scheme in ("http", "https", "file") else ""
    except ValueError:
        return ""
