"""Tables as script files: a page that is opened from a file may load scripts, and read nothing else.

A script calls ``CG.put(name, {column: [dtype, base64 of gzip of the values]}, part)``. Numbers are
little-endian and of one of `TYPES`, integers of the smallest that holds them; texts are a JSON array.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

TYPES: Mapping[str, str] = {"u8": "<u1", "u16": "<u2", "u32": "<u4", "i32": "<i4", "f32": "<f4", "f64": "<f8"}
"""The name of a type in the scripts → that of NumPy."""

MOST_BYTES = 8_000_000
"""Of a script: browsers take much longer for a text of 64 MB than for eight of 8 MB."""

Values = NDArray[Any] | Sequence[Any]
"""A column: numbers, or a list that JSON can hold."""

_LEVEL = 6


class Written(NamedTuple):
    """What was written of a table.

    Attributes
    ----------
    parts, n_bytes
        How many files, and how large they are together.
    digest
        Of the values, however they are packed.
    """

    parts: int
    n_bytes: int
    digest: bytes


def write_table(
    folder: Path,
    name: str,
    columns: Mapping[str, Values],
    *,
    whole: Mapping[str, Values] | None = None,
    cuts: Sequence[int] | None = None,
    most_bytes: int = MOST_BYTES,
) -> Written:
    """Write a table as ``NAME.js``, or cut by rows as ``NAME-0.js``, ``NAME-1.js`` and so on.

    Parameters
    ----------
    folder
        Where to write.
    name
        Of the table.
    columns
        Its columns, all of as many rows.
    whole
        Columns of another length, which are in the first part and empty in the others.
    cuts
        The rows, in ascending order, before which the table may be cut; None for all.
    most_bytes
        Of a file. A row, or what may not be cut, is more where it has to be.

    Raises
    ------
    ValueError
        When columns differ in length, or a whole number is too large for the types.

    Examples
    --------
    >>> write_table(Path(), "people", {"n_faces": np.array([3, 400]), "name": ["Ann", "<Bob>"]}).parts
    1
    >>> Path("people.js").read_text()[:34]
    'CG.put("people",{"n_faces":["u16",'
    """
    typed = {column: _typed(values) for column, values in columns.items()}
    heads = {column: _typed(values) for column, values in (whole or {}).items()}
    lengths = {len(values) for _, values in typed.values()}
    if len(lengths) > 1:
        raise ValueError(f"{name}: columns of {sorted(lengths)} rows")
    n_rows = lengths.pop() if lengths else 0
    allowed = np.arange(1, n_rows) if cuts is None else np.asarray(cuts, np.int64)
    allowed = np.unique(allowed[(allowed > 0) & (allowed < n_rows)])
    texts = list(_parts(name, typed, heads, [0, n_rows], allowed, most_bytes))
    for part, (file, text) in enumerate(zip(file_names(name, len(texts)), texts, strict=True)):
        number = f",{part}" if part else ""
        (folder / file).write_text(f"CG.put({json.dumps(name)},{text}{number});\n", encoding="ascii")
    digest = hashlib.blake2b(name.encode())
    for column, (dtype, values) in {**typed, **heads}.items():
        digest.update(f"\n{column} {dtype}\n".encode())
        digest.update(_bytes(dtype, values))
    return Written(len(texts), sum(map(len, texts)), digest.digest())


def file_names(name: str, parts: int) -> list[str]:
    """Give the names of the files of a table.

    Examples
    --------
    >>> file_names("edges", 1), file_names("faces", 2)
    (['edges.js'], ['faces-0.js', 'faces-1.js'])
    """
    return [f"{name}.js"] if parts == 1 else [f"{name}-{part}.js" for part in range(parts)]


def data_id(facts: Mapping[str, Any], written: Mapping[str, Written]) -> str:
    """Name what was counted: the same facts and tables have the same ID."""
    digest = hashlib.blake2b(json.dumps(facts, sort_keys=True).encode(), digest_size=6)
    for name in sorted(written):
        digest.update(written[name].digest)
    return digest.hexdigest()


def script_json(value: Any) -> str:
    r"""Write a value as JSON that no script ends in, whatever texts are in it.

    Examples
    --------
    >>> script_json({"name": "</script>\u2028"})
    '{"name":"\\u003c/script>\\u2028"}'
    """
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")


_Typed = tuple[str, Values]


def _parts(
    name: str,
    columns: Mapping[str, _Typed],
    heads: Mapping[str, _Typed],
    ends: list[int],
    allowed: NDArray[np.int64],
    most_bytes: int,
) -> Iterator[str]:
    """Pack rows, cut in as many about equal parts as it takes."""
    begin, end = ends
    packed = {
        column: [dtype, _packed(dtype, values[begin:end])] for column, (dtype, values) in columns.items()
    }
    packed |= {
        column: [dtype, _packed(dtype, [] if begin else values)] for column, (dtype, values) in heads.items()
    }
    text = script_json(packed)
    inside = allowed[(allowed > begin) & (allowed < end)]
    room = most_bytes - len(name) - 30
    if len(text) <= room or not len(inside):
        yield text
        return
    n = math.ceil(1.05 * len(text) / room)
    wanted = np.linspace(begin, end, n + 1)[1:-1]
    at = inside[np.minimum(np.searchsorted(inside, wanted), len(inside) - 1)]
    rows = [begin, *np.unique(at).tolist(), end]
    for first, last in pairwise(rows):
        yield from _parts(name, columns, heads, [first, last], allowed, most_bytes)


def _typed(values: Values) -> _Typed:
    """Choose the type of a column."""
    if not isinstance(values, np.ndarray):
        return "json", values
    if values.dtype.kind == "f":
        name = "f32" if values.dtype == np.float32 else "f64"
    else:
        low, high = (int(values.min()), int(values.max())) if len(values) else (0, 0)
        kinds = ("u8", "u16", "u32") if low >= 0 else ("i32",)
        fits = [
            kind for kind in kinds if np.iinfo(TYPES[kind]).min <= low and high <= np.iinfo(TYPES[kind]).max
        ]
        if not fits:
            raise ValueError(f"numbers from {low} to {high}; there are types from -2^31 or 0 to 2^32 - 1")
        name = fits[0]
    return name, values.astype(TYPES[name])


def _bytes(dtype: str, values: Values) -> bytes:
    if isinstance(values, np.ndarray):
        return values.tobytes()
    # What is no text, such as half of a pair of surrogates, becomes a question mark.
    return json.dumps(list(values), separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


def _packed(dtype: str, values: Values) -> str:
    return base64.b64encode(gzip.compress(_bytes(dtype, values), _LEVEL, mtime=0)).decode()
