"""Weights of PyTorch are read, and nothing in such a file is run."""

import io
import os
import pickle
import struct
from collections import OrderedDict
from contextlib import suppress
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from castgraph.visual.torchfile import TorchFileError, read_weights

MAGIC = 0x1950A86A20F9469CFC6C


class Named:
    """Stands for a function or class of a module that is not there, in a pickle."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


class Tensor:
    def __init__(
        self, key: str, size: int, shape: tuple, strides: tuple, offset: int = 0, kind="FloatStorage"
    ):
        self.given = key, size, shape, strides, offset, kind


class Writer(pickle._Pickler):
    """Writes what PyTorch would, by names."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def named(self, found: Named) -> None:
        self.write(b"c" + f"{found.module}\n{found.name}\n".encode())

    def tensor(self, found: Tensor) -> None:
        key, size, shape, strides, offset, kind = found.given
        self.save(Named("torch._utils", "_rebuild_tensor_v2"))
        self.write(b"(")
        self.save(("storage", Named("torch", kind), key, "cpu", size, None))
        self.write(b"Q")
        for each in (offset, shape, strides, False, OrderedDict()):
            self.save(each)
        self.write(b"tR")

    dispatch[Named] = named
    dispatch[Tensor] = tensor


def pickled(value: object) -> bytes:
    buffer = io.BytesIO()
    Writer(buffer, 2).dump(value)
    return buffer.getvalue()


def file_of(tensors: object, storages: dict[str, np.ndarray], magic: int = MAGIC) -> bytes:
    head = [magic, 1001, {"protocol_version": 1001, "little_endian": True, "type_sizes": {}}]
    parts = [pickled(each) for each in [*head, tensors, sorted(storages)]]
    parts += [struct.pack("<q", storages[key].size) + storages[key].tobytes() for key in sorted(storages)]
    return b"".join(parts)


NUMBERS = np.arange(12, dtype="<f4")
GOOD = file_of(
    {"whole": Tensor("a", 12, (3, 4), (4, 1)), "turned": Tensor("b", 6, (2, 2), (1, 2), 1, "LongStorage")},
    {"a": NUMBERS, "b": np.arange(6, dtype="<i8")},
)


def test_tensors_are_cut_out_of_their_storages() -> None:
    found = read_weights(GOOD)
    assert found["whole"].tolist() == NUMBERS.reshape(3, 4).tolist()
    assert found["turned"].tolist() == [[1, 3], [2, 4]]
    assert all(each.flags.c_contiguous for each in found.values())


def test_what_else_a_file_names_is_refused_and_not_run(tmp_path) -> None:
    class Evil:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path}/run",)

    for value in ({"a": Evil()}, Evil(), {"a": Named("builtins", "eval")}, {"a": Named("torch", "load")}):
        with pytest.raises(TorchFileError, match="it names"):
            read_weights(file_of(value, {}))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "tensor",
    [
        Tensor("a", 12, (3, 5), (4, 1)),
        Tensor("a", 12, (3, 4), (4, 1), 1),
        Tensor("a", 12, (2, 2, 2, 2, 2, 2, 2, 2, 2), (0,) * 9),
        Tensor("a", 12, (1 << 40,), (0,)),
        Tensor("a", 12, (4, 4, 4), (0, 0, 0)),
        Tensor("a", 12, (3,), (4, 1)),
        Tensor("a", 12, (-1,), (1,)),
        Tensor("a", 13, (3, 4), (4, 1)),
        Tensor("a", 12, (3,), (1,), 0, "DoubleStorage"),
    ],
)
def test_a_tensor_stays_within_its_storage(tensor: Tensor) -> None:
    with pytest.raises(TorchFileError):
        read_weights(file_of({"x": tensor}, {"a": NUMBERS}))


def test_another_layout_is_said_to_be_one() -> None:
    with pytest.raises(TorchFileError, match=r"torch\.save"):
        read_weights(file_of({}, {}, magic=1))
    with pytest.raises(TorchFileError, match="something else"):
        read_weights(file_of([1, 2], {}))


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_a_broken_file_is_an_error_of_ours(at: int, value: int) -> None:
    with pytest.raises(TorchFileError):
        read_weights(GOOD[:at])
    spoilt = bytearray(GOOD)
    spoilt[at] = value
    with suppress(TorchFileError):
        read_weights(bytes(spoilt))
