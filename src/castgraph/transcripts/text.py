"""Words of any script, and the texts that count as the same in a search."""

from __future__ import annotations

import unicodedata
from functools import cache

import regex
import stopwordsiso

_WORD = regex.compile(r"(?w)\b\w.*?\b")
r"""A word by the boundaries of Unicode; ``\w`` of Python's own module parts words at the vowels of Hindi."""

_MARKS = regex.compile(r"\p{M}+")


_ELIDES = frozenset({"ca", "fr", "it"})
"""Languages that write l'homme for two words."""


def words(text: str, language: str = "") -> list[str]:
    """Take a text apart into words, in small letters.

    Of scripts without spaces between words, such as Chinese, each sign is a word.

    Parameters
    ----------
    text
        Any text.
    language
        Two letters of ISO 639. In French, Italian and Catalan an apostrophe ends a word.

    References
    ----------
    Unicode Standard Annex 29, "Unicode Text Segmentation", section 4.

    Examples
    --------
    >>> words("Don’t panic: Поезда – हिन्दी 2024!")
    ["don't", 'panic', 'поезда', 'हिन्दी', '2024']
    """
    plain = _plain(text).casefold()
    found: list[str] = _WORD.findall(plain.replace("'", " ") if language in _ELIDES else plain)
    return found


def searched(text: str) -> list[str]:
    """Take a text apart into words as a search compares them: `folded`, and parted at apostrophes.

    Examples
    --------
    >>> searched("L’État, c'est moi")
    ['l', 'etat', 'c', 'est', 'moi']
    """
    return words(folded(text).replace("'", " "))


def folded(text: str) -> str:
    """Give a text without what a search does not mind: case, accents, widths of letters.

    Accents are the marks of Latin, Greek and Cyrillic letters and the vowel points of Hebrew and Arabic.
    Signs that other scripts spell with stay.

    Examples
    --------
    >>> folded("Ёлка"), folded("ÇA VA"), folded("हिन्दी") == "हिन्दी"
    ('елка', 'ca va', True)
    """
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    plain: str = _MARKS.sub(_no_accents, apart)
    return _plain(plain)


def _plain(text: str) -> str:
    """Write letters as one sign each and apostrophes as one kind, and leave out soft hyphens."""
    # Not str.translate, which takes ten times as long where letters are not of ASCII.
    plain = text.replace("\u2019", "'").replace("\u02bc", "'").replace("\u00ad", "")
    return unicodedata.normalize("NFC", plain)


def _no_accents(marks: regex.Match[str]) -> str:
    return "".join(sign for sign in marks[0] if not _is_accent(unicodedata.combining(sign)))


def _is_accent(combining_class: int) -> bool:
    # 10 to 36 are points of Hebrew, Arabic and Syriac, 200 and more stand above, below or through a letter.
    return 10 <= combining_class <= 36 or combining_class >= 200


def is_word(word: str, stop_words: frozenset[str] = frozenset()) -> bool:
    """Tell whether a word says something: it has a letter and is no stop word."""
    return word not in stop_words and any(sign.isalpha() for sign in word)


@cache
def stop_words(language: str) -> frozenset[str]:
    """Give the stop words of a language, as `words` writes words; none where they are not known.

    Parameters
    ----------
    language
        Two letters of ISO 639, such as ``ru``.
    """
    if not stopwordsiso.has_lang(language):
        return frozenset()
    return frozenset(each for entry in stopwordsiso.stopwords(language) for each in words(entry, language))
