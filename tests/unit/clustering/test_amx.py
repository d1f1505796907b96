"""The kernel for Intel AMX on any machine: its tile instructions are emulated, all else is what AMX runs.

Where the machine has AMX, ``kernels()`` names it and test_exact.py tests the kernel itself.
"""

import ctypes
import itertools
import os
import shutil
import subprocess
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from castgraph.clustering.dbscan import kernels

LEAF = 64
SOURCE = """
#include "filter.cpp"
#include "amx.cpp"

// Null, or what is wrong.
extern "C" const char* candidates(const std::uint8_t* rows, const std::uint8_t* chosen, int n,
                                  const std::int32_t* limits, const std::int8_t* panel,
                                  const std::int32_t* columns, int k, std::uint64_t* masks) try {
    dbscan::amx::table().byte_candidates(rows, chosen, n, limits, panel, columns, k, masks);
    return nullptr;
} catch (const char* what) {
    return what;
}

// One product of tiles of 16 rows of 64 bytes, of which only some are configured.
extern "C" const char* product(int m, int n, int k, const void* a, const void* b, void* sums,
                               int tile_of_b) try {
    namespace tile = dbscan::tile;
    tile::Configuration c;
    c.rows[0] = c.rows[1] = std::uint8_t(m);
    c.bytes[0] = c.bytes[tile_of_b] = std::uint16_t(4 * n);
    c.bytes[1] = std::uint16_t(4 * k);
    c.rows[tile_of_b] = std::uint8_t(k);
    tile::configure(c);
    tile::load<0>(sums, 64);
    tile::load<1>(a, 64);
    tile::load<2>(b, 64);
    tile::multiply<0, 1, 2>();
    tile::store<0>(sums, 64);
    return nullptr;
} catch (const char* what) {
    return what;
}

// Whether a kernel is offered that sets the bits of `flip` wrong in one of 17 rows.
extern "C" bool offered(std::uint64_t flip) {
    static std::uint64_t wrong;
    wrong = flip;
    dbscan::Kernels kernel = dbscan::amx::table();
    kernel.byte_candidates = [](auto rows, auto chosen, int n, auto limits, auto panel, auto columns, int k,
                                std::uint64_t* masks) {
        if (!candidates(rows, chosen, n, limits, panel, columns, k, masks) && n == 17) masks[16] ^= wrong;
    };
    return dbscan::correct(kernel);
}
"""
FLAGS = "-DDBSCAN_ISA=amx -DDBSCAN_AMX -DDBSCAN_EMULATE_AMX"
SETS = {
    "portable": "-DDBSCAN_LANES=4",
    "avx512": "-DDBSCAN_LANES=16 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni -DDBSCAN_BYTES",
}


@pytest.fixture(scope="module", params=SETS)
def library(request, root: Path, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The kernel with emulated tiles; what is no tile, once for any processor and once as AMX has it."""
    if request.param == "avx512" and "avx512-vnni" not in kernels():
        pytest.skip("this machine has no AVX-512 VNNI")
    compilers = (os.environ.get("CXX", ""), "c++", "g++", "clang++")
    compiler = next(filter(None, map(shutil.which, compilers)), None)
    if compiler is None:
        message = "NOT TESTED: the kernel for AMX, as there is no C++ compiler (set CXX)"
        warnings.warn(message, stacklevel=1)
        pytest.skip(message)
    folder = tmp_path_factory.mktemp("amx")
    (folder / "kernel.cpp").write_text(SOURCE)
    flags = f"-std=c++20 -O1 -fPIC -shared -pthread -Wno-psabi {FLAGS} {SETS[request.param]}".split()
    kernel = root / "src/castgraph/clustering/kernel"
    subprocess.run(
        [compiler, *flags, "-I", kernel, "kernel.cpp", "-o", "kernel.so"],
        cwd=folder,
        check=True,
    )
    library = ctypes.CDLL(str(folder / "kernel.so"))
    library.candidates.restype = library.product.restype = ctypes.c_char_p
    library.offered.restype = ctypes.c_bool
    library.offered.argtypes = [ctypes.c_uint64]
    return library


def address(array: NDArray) -> ctypes.c_void_p:
    assert array.flags.c_contiguous
    return ctypes.c_void_p(array.ctypes.data)


def in_fours(columns: NDArray) -> NDArray:
    """Columns (n, k) in groups of four coordinates, (k / 4, n, 4)."""
    return np.ascontiguousarray(columns.reshape(len(columns), -1, 4).swapaxes(0, 1))


def candidates(
    library: ctypes.CDLL, rows: NDArray, chosen: NDArray, limits: NDArray, points: NDArray, columns: NDArray
) -> NDArray[np.bool]:
    """What the kernel finds, as (n, 64)."""
    masks = np.zeros(len(chosen), np.uint64)
    arrays = address(limits), address(panel := in_fours(points)), address(columns)
    what = library.candidates(
        address(rows), address(chosen), len(chosen), *arrays, rows.shape[1], address(masks)
    )
    assert what is None, (what, panel.shape)
    return np.unpackbits(masks.view(np.uint8), bitorder="little").reshape(-1, LEAF).astype(bool)


def assert_as_numpy(
    library: ctypes.CDLL, rng: np.random.Generator, n: int, rows: NDArray, points: NDArray
) -> None:
    """Some limits are met exactly, some missed by one."""
    chosen = np.sort(rng.permutation(LEAF)[:n]).astype(np.uint8)
    columns = rng.integers(-100_000, 100_000, LEAF, dtype=np.int32)
    columns[rng.random(LEAF) < 0.1] = 1 << 30  # a column that is not there
    twice = 2 * rows[chosen].astype(np.int32) @ points.T.astype(np.int32)
    limits = (twice - columns)[np.arange(n), rng.integers(LEAF, size=n)] + rng.integers(
        -1, 2, n, dtype=np.int32
    )
    found = candidates(library, rows, chosen, limits, points, columns)
    assert (found == (twice >= limits[:, None].astype(np.int64) + columns)).all()


def random_bytes(rng: np.random.Generator, k: int) -> tuple[NDArray, NDArray]:
    return rng.integers(256, size=(LEAF, k), dtype=np.uint8), rng.integers(
        -128, 128, size=(LEAF, k), dtype=np.int8
    )


@pytest.mark.parametrize("k", [4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60, 64])
def test_as_many_rows_and_coordinates_as_there_are_count(library: ctypes.CDLL, k: int) -> None:
    rng = np.random.default_rng(k)
    for n in (1, 2, 4, 5, 15, 16, 17, 31, 32, 33, 48, 63, 64):
        assert_as_numpy(library, rng, n, *random_bytes(rng, k))


@pytest.mark.parametrize("k", [4, 40, 64])
def test_the_largest_bytes_do_not_overflow(library: ctypes.CDLL, k: int) -> None:
    rng = np.random.default_rng(k)
    for row, point in itertools.product((0, 128, 255), (-128, -127, 0, 127)):
        rows, points = np.full((LEAF, k), row, np.uint8), np.full((LEAF, k), point, np.int8)
        assert_as_numpy(library, rng, 20, rows, points)
    rows = rng.choice(np.array([0, 1, 255], np.uint8), (LEAF, k))
    assert_as_numpy(library, rng, LEAF, rows, rng.choice(np.array([-127, 127], np.int8), (LEAF, k)))


def test_each_thread_configures_its_own_tiles_and_does_so_anew_for_another_k(library: ctypes.CDLL) -> None:
    def work(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(100):
            assert_as_numpy(library, rng, 9, *random_bytes(rng, int(rng.choice([4, 20, 64]))))

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))


@pytest.mark.parametrize(("m", "n", "k"), [(1, 1, 1), (3, 5, 2), (16, 16, 10), (16, 16, 16), (15, 7, 16)])
def test_emulated_tiles_hold_the_rows_and_bytes_that_are_configured(
    library: ctypes.CDLL, m: int, n: int, k: int
) -> None:
    rng = np.random.default_rng(0)
    a, b = (
        rng.integers(256, size=(16, 64), dtype=np.uint8),
        rng.integers(-128, 128, size=(16, 64), dtype=np.int8),
    )
    sums = rng.integers(-(2**31), 2**31, size=(16, 16), dtype=np.int32)
    columns = b[:k, : 4 * n].reshape(k, n, 4).swapaxes(0, 1).reshape(n, 4 * k)
    expected = sums.copy()  # what lies around it stays
    expected[:m, :n] += a[:m, : 4 * k].astype(np.int32) @ columns.T.astype(np.int32)
    assert library.product(m, n, k, address(a), address(b), address(sums), 2) is None
    assert (sums == expected).all()


def test_emulated_tiles_fault_where_a_processor_does(library: ctypes.CDLL) -> None:
    some = address(np.zeros((16, 64), np.uint8))
    assert library.product(17, 1, 1, some, some, some, 2) == b"too large a tile"
    assert library.product(1, 1, 0, some, some, some, 2) == b"rows without bytes, or bytes without rows"
    assert library.product(1, 1, 1, some, some, some, 3) == b"a tile that is not configured"


def test_a_kernel_that_finds_anything_else_than_plain_arithmetic_is_not_offered(library: ctypes.CDLL) -> None:
    assert library.offered(0)
    assert not library.offered(1 << 63)
    assert not library.offered(1)
