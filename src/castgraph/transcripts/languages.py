"""Codes of languages: two letters where a language has them."""

from __future__ import annotations

_LETTERS = """
afr af  ara ar  hye hy  arm hy  eus eu  baq eu  ben bn  bre br  bul bg  cat ca  zho zh  chi zh  hrv hr  ces cs
cze cs  dan da  nld nl  dut nl  eng en  epo eo  est et  fin fi  fra fr  fre fr  glg gl  deu de  ger de  ell el
gre el  guj gu  hau ha  heb he  hin hi  hun hu  ind id  gle ga  ita it  jpn ja  kor ko  kur ku  lat la  lav lv
lit lt  msa ms  may ms  mar mr  nor no  nob nb  fas fa  per fa  pol pl  por pt  ron ro  rum ro  rus ru  slk sk
slo sk  slv sl  som so  sot st  spa es  swa sw  swe sv  tgl tl  tha th  tur tr  ukr uk  urd ur  vie vi  yor yo
zul zu
"""
_CODES = _LETTERS.split()
_TWO = dict(zip(_CODES[::2], _CODES[1::2], strict=True))
"""The three letters of ISO 639-2, both kinds, of languages whose stop words are known → two of ISO 639-1."""


def language_code(tag: str) -> str:
    """Give the code of a language: without its region, and of two letters where it has such a code.

    Examples
    --------
    >>> [language_code(tag) for tag in ("en-US", "ger", "RU", "haw", "")]
    ['en', 'de', 'ru', 'haw', '']
    """
    code = tag.lower().replace("_", "-").partition("-")[0]
    return _TWO.get(code, code)
