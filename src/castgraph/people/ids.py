"""Names of people that a person can say: 4 to 6 letters and digits."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container
from itertools import count

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ"
_ALIKE = str.maketrans("OIL", "011")
_PATTERN = re.compile(f"[{_LETTERS}][{_DIGITS}]{{3,5}}")

# A spreadsheet takes MAR1 for a day.
_DAY = re.compile(r"(?:JAN|FEB|MAR|APR|MAY|SEP|NOV|DEC)[0-9]+")


def mint(broadcast: str, frame: int, box: tuple[int, int, int, int], taken: Container[str]) -> str:
    """Give a person an ID, made of where his or her first face is.

    Parameters
    ----------
    broadcast, frame, box
        Of the face; the box is top, right, bottom, left in pixels.
    taken
        IDs that others have or had.

    Returns
    -------
    str
        A letter, then 3 to 5 letters and digits of Crockford's base 32, which has no I, L, O and U: the
        fewest that are not taken.

    References
    ----------
    D. Crockford, "Base 32", 2019, https://www.crockford.com/base32.html.

    Examples
    --------
    >>> mint("DEMO1_20240102_190000_Evening_Review", 3, (40, 120, 110, 50), set())
    'S6WF'
    """
    for attempt in count():
        place = "\n".join(map(str, (broadcast, frame, *box, attempt)))
        number = int.from_bytes(hashlib.blake2b(place.encode(), digest_size=8).digest())
        number, first = divmod(number, len(_LETTERS))
        name = _LETTERS[first]
        for length in range(1, 6):
            number, digit = divmod(number, len(_DIGITS))
            name += _DIGITS[digit]
            if length >= 3 and name not in taken and not _DAY.fullmatch(name):
                return name
    raise AssertionError  # count() does not end


def read_id(text: str) -> str | None:
    """Read an ID as somebody may write it down: small letters, O for 0, I and L for 1.

    Returns
    -------
    str or None
        None where it cannot be one.

    Examples
    --------
    >>> read_id("k7o2"), read_id("Ann"), read_id("Person K7Q2")
    ('K702', None, None)
    """
    name = text.strip().upper()
    name = name[:1] + name[1:].translate(_ALIKE)
    return name if _PATTERN.fullmatch(name) else None
