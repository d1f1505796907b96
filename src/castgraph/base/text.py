"""Texts for people: in one line, not too long, and nothing that a terminal or a spreadsheet would obey."""

from __future__ import annotations

import reprlib
import unicodedata

_JOINERS = "\u200c\u200d"  # invisible, and part of the spelling of Persian, of Indian languages and of emoji
_INVISIBLE = frozenset({"Cc", "Cf"})  # controls and formats, such as escapes and what turns text around
_CELL_BREAKS = ("\t", "\r", "\n")
_FORMULA_STARTS = frozenset("=+-@")
_MOST_QUOTED = 100  # characters

_REPR = reprlib.Repr()
_REPR.maxstring = _MOST_QUOTED


def line(text: str) -> str:
    r"""Make one line of a text that may hold anything.

    Spaces and line breaks of any kind become one space, what is invisible is left out, and what cannot be
    shown becomes U+FFFD. So nothing is left that a terminal obeys, or that XML forbids.

    Examples
    --------
    >>> line(" Evening \r\n\x1b[31mNews\0 ")
    'Evening [31mNews'
    """
    shown = "".join(" " if sign.isspace() else _shown(sign) for sign in text)
    return " ".join(shown.split())


def visible(text: str) -> str:
    r"""Write a name so that nothing in it is invisible or breaks the line; all else stays as it is.

    Examples
    --------
    >>> visible("a  b\n.mp4")
    'a  b\\n.mp4'
    """
    if text.isprintable():
        return text
    return "".join(
        sign if sign.isprintable() or sign in _JOINERS else sign.encode("unicode_escape").decode()
        for sign in text
    )


def shortened(text: str, most: int) -> str:
    """Make one line of at most `most` characters; one that is cut ends with an ellipsis.

    Examples
    --------
    >>> shortened("The Evening News", 12)
    'The Evening…'
    """
    whole = line(text)
    return whole if len(whole) <= most else f"{whole[: most - 1].rstrip()}…"


def quoted(value: object) -> str:
    """Show a value that may be hostile in a message, as Python would write it, in at most 100 characters."""
    return _REPR.repr(value)[:_MOST_QUOTED]


def counted(number: int, one: str, many: str = "") -> str:
    """Put a number before its noun.

    Parameters
    ----------
    number
        How many there are.
    one, many
        The noun for one and for several; the latter is `one` with an s unless it is given.

    Examples
    --------
    >>> counted(1, "person", "people"), counted(1200, "broadcast")
    ('1 person', '1,200 broadcasts')
    """
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def is_formula(text: str) -> bool:
    """Tell whether a spreadsheet may take a text for a formula, or for the next cell.

    So begin ``=``, ``+``, ``-`` and ``@``, also behind spaces and in other widths, as East Asian text has
    them, and so do tabs and line breaks.

    Examples
    --------
    >>> is_formula("＝1+1"), is_formula("1+1")
    (True, False)
    """
    first = unicodedata.normalize("NFKC", text.lstrip()[:1])
    return text.startswith(_CELL_BREAKS) or first[:1] in _FORMULA_STARTS


def no_formula(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet may take for a formula."""
    return f"'{text}" if is_formula(text) else text


def _shown(sign: str) -> str:
    if sign.isprintable() or sign in _JOINERS:
        return sign
    return "" if unicodedata.category(sign) in _INVISIBLE else "\ufffd"
