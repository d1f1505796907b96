"""Weights of PyTorch, read without PyTorch and without running what is in the file.

Such a file is a pickle, which may name any function of any package and have it called. Here nothing but the
five names that weights need is known, none of which does more than to note what it is given; whatever else a
file names is refused.

References
----------
``torch.serialization._legacy_load`` of PyTorch: three pickles (a magic number, a version, what wrote the
file), the objects, the keys of the storages, and then each storage, its length as int64 before it.
"""

from __future__ import annotations

import io
import pickle
import struct
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001
_LONGEST_PICKLE = 1 << 20
_MOST_NUMBERS = 1 << 28
_MOST_DIMENSIONS = 8


class TorchFileError(ValueError):
    """A file that holds something else than weights in the layout that is known here."""


class _Storage(NamedTuple):
    """Numbers that lie side by side in the file."""

    key: str
    dtype: str
    size: int


class _View(NamedTuple):
    """A tensor: where it begins in a storage, its shape, and how far it is to the next along each side."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Kind(NamedTuple):
    """The numbers of a storage, little-endian."""

    dtype: str


class _Ordered(OrderedDict[str, Any]):
    """An OrderedDict whose attributes, which PyTorch sets to tell versions of modules, are left out."""

    def __setstate__(self, state: object) -> None:
        pass


def _rebuild(storage: object, offset: object, shape: object, strides: object, *_: object) -> _View:
    if not isinstance(storage, _Storage) or not isinstance(offset, int):
        raise TorchFileError("a tensor without a storage")
    sizes, steps = _whole(shape), _whole(strides)
    if len(sizes) != len(steps) or offset < 0:
        raise TorchFileError(f"a tensor of shape {sizes} with strides {steps} from {offset}")
    return _View(storage, offset, sizes, steps)


def _whole(values: object) -> tuple[int, ...]:
    if (
        not isinstance(values, tuple)
        or len(values) > _MOST_DIMENSIONS
        or not all(isinstance(value, int) and 0 <= value <= _MOST_NUMBERS for value in values)
    ):
        raise TorchFileError("a shape that is none")
    return values


_KNOWN: Mapping[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): _Ordered,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild,
    ("torch", "FloatStorage"): _Kind("<f4"),
    ("torch", "HalfStorage"): _Kind("<f2"),
    ("torch", "LongStorage"): _Kind("<i8"),
}


class _Unpickler(pickle.Unpickler):
    """Makes nothing but numbers, texts, tuples, dictionaries and what stands for tensors."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _KNOWN[module, name]
        except KeyError:
            raise TorchFileError(f"it names {module}.{name}, which weights have no need of") from None

    def persistent_load(self, pid: Any) -> _Storage:
        match pid:
            case ("storage", _Kind() as kind, str() as key, str(), int() as size, None):
                if 0 <= size <= _MOST_NUMBERS:
                    return _Storage(key, kind.dtype, size)
        raise TorchFileError("a storage that is described in another way")


def read_weights(data: bytes) -> dict[str, NDArray[Any]]:
    """Read the weights that ``torch.save`` wrote in the layout of before PyTorch 1.6.

    Parameters
    ----------
    data
        What the file holds.

    Returns
    -------
    dict
        Name → array. The arrays are copies in C order.

    Raises
    ------
    TorchFileError
        When the file is of another layout, is cut off, or names anything that weights have no need of.
    """
    file = io.BytesIO(data)
    try:
        if _plain(file) != _MAGIC or _plain(file) != _VERSION:
            raise TorchFileError("not a file of torch.save before PyTorch 1.6")
        if not dict(_plain(file))["little_endian"]:
            raise TorchFileError("its numbers are big-endian")
        views = _plain(file)
        keys = _plain(file)
        if not isinstance(views, dict) or not all(isinstance(view, _View) for view in views.values()):
            raise TorchFileError("it holds something else than named tensors")
        storages = {view.storage.key: view.storage for view in views.values()}
        if not isinstance(keys, list) or set(keys) != set(storages) or len(keys) != len(storages):
            raise TorchFileError("its storages are not those of its tensors")
        content = {key: _numbers(file, storages[key]) for key in keys}
    except TorchFileError:
        raise
    except Exception as error:  # pickle lets anything through that a broken file may cause
        raise TorchFileError(f"it cannot be read ({type(error).__name__}: {error})") from error
    return {str(name): _array(name, view, content[view.storage.key]) for name, view in views.items()}


def _plain(file: io.BytesIO) -> Any:
    """Read a pickle; one of more than `_LONGEST_PICKLE` bytes does not end."""
    start = file.tell()
    part = io.BytesIO(file.read(_LONGEST_PICKLE))
    found = _Unpickler(part).load()
    file.seek(start + part.tell())
    return found


def _numbers(file: io.BytesIO, storage: _Storage) -> NDArray[Any]:
    [size] = struct.unpack("<q", file.read(8))
    kind = np.dtype(storage.dtype)
    content = file.read(storage.size * kind.itemsize)
    if size != storage.size or len(content) != storage.size * kind.itemsize:
        raise TorchFileError(f"the storage {storage.key} is cut off")
    return np.frombuffer(content, kind)


def _array(name: object, view: _View, content: NDArray[Any]) -> NDArray[Any]:
    """Cut a tensor out of its storage, which it must not leave."""
    last = view.offset + sum((n - 1) * step for n, step in zip(view.shape, view.strides, strict=True))
    if 0 in view.shape or last >= len(content):
        raise TorchFileError(f"the tensor {name} reaches beyond its storage")
    if np.prod(view.shape, dtype=np.float64) > len(content):
        raise TorchFileError(f"the tensor {name} has more numbers than its storage")
    strides = [step * content.itemsize for step in view.strides]
    return np.ascontiguousarray(np.lib.stride_tricks.as_strided(content[view.offset :], view.shape, strides))
