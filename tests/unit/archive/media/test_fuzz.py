"""A thousand mutated ZIPs through `unzip`: nothing raises or leaves the folder, memory and disk are bounded.

They go through in a process of its own, which the system ends if it takes too much.
"""

from __future__ import annotations

import io
import json
import os
import random
import resource
import struct
import subprocess
import sys
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

N_ZIPS = 1000
ID = "NTV_20261001_030000"

MAX_MEMORY = 48 * 2**20  # more than the process has when it begins
MAX_FILE = 4 * 2**20
MAX_FRAME, MAX_TOTAL, MAX_ENTRIES, MAX_FRAMES = 200_000, 500_000, 300, 50

END, ENTRY, LOCAL = b"PK\x05\x06", b"PK\x01\x02", b"PK\x03\x04"
CURIOUS = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1)
NAMES = (
    "../x",
    f"{ID}/../../x",
    f"/tmp/{ID}",
    "//host/share",
    f"C:\\{ID}-000001.jpg",
    f"{ID}\\{ID}-000001.jpg",
    f"{ID}/{ID}-000001.jpg\0.exe",
    f"{ID}/{ID}-000001.jpg/",
    f"{ID}/{ID}-00000\u0661.jpg",
    f"{ID}/\u202egpj.{ID}",
    f"{ID}/{ID}-0.jpg",
    f"{ID}/{ID}-999999999999.jpg",
    "x" * 65_535,
    "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    "",
    ".",
    "\x1b[2J",
)

Mutation = Callable[[bytearray, random.Random], bytes | bytearray]


def sound(rng: random.Random) -> bytearray:
    """Make a ZIP of some frames, in one of many ways."""
    buffer = io.BytesIO()
    method = rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for number in range(1, rng.randint(2, 8)):
            entry = zipfile.ZipInfo(f"{ID}/{ID}-{number:06d}.jpg")
            entry.compress_type = method
            entry.comment = rng.choice([b"", b"castgraph: 1.000000 s", rng.randbytes(20)])
            entry.extra = rng.choice([b"", struct.pack("<HH", 0x9999, 20) + bytes(20)])
            content = rng.choice([rng.randbytes(rng.randint(0, 3000)), b"frame " * 200])
            archive.writestr(entry, content)
        archive.comment = rng.choice(
            [b"", b"castgraph: partial: x", b"castgraph: missing: x", rng.randbytes(9)]
        )
    return bytearray(buffer.getvalue())


def central(method: int, packed: int, unpacked: int, name: int) -> bytes:
    """Make an entry of the central directory, without its name."""
    rest = (0, 0, 0, packed, unpacked, name, 0, 0, 0, 0, 0, 0)
    return struct.pack("<4s6H3I5H2I", ENTRY, 20, 20, 0, method, *rest)


def headers(content: bytes, signature: bytes) -> list[int]:
    places, at = [], content.find(signature)
    while at >= 0:
        places.append(at)
        at = content.find(signature, at + 1)
    return places


def flipped(content: bytearray, rng: random.Random) -> bytearray:
    for _ in range(rng.choice([1, 3, 20])):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    return content


def cut(content: bytearray, rng: random.Random) -> bytearray:
    begin = rng.choice([0, 0, rng.randrange(len(content))])
    return content[begin : rng.randrange(begin, len(content))]


def holed(content: bytearray, rng: random.Random) -> bytearray:
    at, size = rng.randrange(len(content)), rng.randint(1, 2000)
    content[at : at + size] = rng.choice([b"", bytes(size), rng.randbytes(size), content[:size]])
    return content


def lying(content: bytearray, rng: random.Random) -> bytearray:
    """Put curious numbers into the fields of headers."""
    fields = {ENTRY: ("<HHHHHHIIIHHHHHII", 4), LOCAL: ("<HHHHHIIIHH", 4), END: ("<HHHHIIH", 4)}
    for _ in range(rng.choice([1, 1, 2, 6])):
        signature = rng.choice([ENTRY, ENTRY, LOCAL, END])
        form, start = fields[signature]
        places = headers(content, signature)
        if not places:
            continue
        at = rng.choice(places) + start
        if at + struct.calcsize(form) > len(content):
            continue
        values = list(struct.unpack_from(form, content, at))
        place = rng.randrange(len(values))
        most = 0xFFFF if form[1 + place] == "H" else 0xFFFFFFFF
        values[place] = (rng.choice(CURIOUS) if rng.random() < 0.7 else rng.getrandbits(32)) & most
        struct.pack_into(form, content, at, *values)
    return content


def swapped(content: bytearray, rng: random.Random) -> bytearray:
    """Exchange what two entries of the central directory say."""
    places = headers(content, ENTRY)
    if len(places) > 1:
        one, two = rng.sample(places, 2)
        first, size = rng.choice(
            [(8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2), (38, 4), (42, 4)]
        )
        here, there = slice(one + first, one + first + size), slice(two + first, two + first + size)
        content[here], content[there] = content[there], content[here]
    return content


def overlapping(content: bytearray, rng: random.Random) -> bytearray:
    """Have all entries lie in one place."""
    places = headers(content, ENTRY)
    for at in places[1:]:
        content[at + 42 : at + 46] = content[places[0] + 42 : places[0] + 46]
    return content


def wide(content: bytearray, rng: random.Random) -> bytes:
    """Add what is for large ZIPs: ZIP64 fields, a ZIP64 end, huge counts."""
    huge = rng.choice([0, 1, 2**32, 2**62, 2**63, 2**64 - 1, rng.getrandbits(64)])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo(f"{ID}/{ID}-000001.jpg")
        entry.extra = struct.pack("<HH", 0x9999, 24) + bytes(24)
        archive.writestr(entry, b"one")
    content = bytearray(buffer.getvalue())
    at = headers(content, ENTRY)[0]
    for place, size in rng.sample([(20, 4), (24, 4), (42, 4)], rng.randint(1, 3)):
        content[at + place : at + place + size] = b"\xff" * size
    extra = content.rindex(struct.pack("<HH", 0x9999, 24))
    content[extra : extra + 28] = struct.pack("<HHQQQ", 1, rng.choice([8, 16, 24, 28]), huge, huge, huge)
    end = headers(content, END)[-1]
    size, offset = struct.unpack_from("<II", content, end + 12)
    record = struct.pack(
        "<4sQHHIIQQQQ",
        b"PK\x06\x06",
        44,
        45,
        45,
        0,
        0,
        rng.choice([1, huge]),
        rng.choice([1, huge]),
        rng.choice([size, huge]),
        rng.choice([offset, huge]),
    )
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, rng.choice([end, huge]), 1)
    content[end + 8 : end + 20] = b"\xff" * 12
    return bytes(content[:end] + record + locator + content[end:])


def bomb(content: bytearray, rng: random.Random) -> bytes:
    """Make ZIPs that unpack to much more than they are, or than they say."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(1, rng.randint(2, 5)):
            archive.writestr(f"{ID}/{ID}-{number:06d}.jpg", bytes(rng.choice([MAX_FRAME, 10**6, 5 * 10**6])))
    content = bytearray(buffer.getvalue())
    if rng.random() < 0.5:
        for at in headers(content, ENTRY):
            struct.pack_into("<I", content, at + 24, rng.choice([0, 10, 2**32 - 2]))
    return bytes(content)


def crowded(content: bytearray, rng: random.Random) -> bytes:
    """List very many entries, with or without saying so."""
    many = rng.choice([MAX_ENTRIES, MAX_ENTRIES + 1, 20_000])
    name = f"{ID}/{ID}-000001.jpg".encode() if rng.random() < 0.5 else b""
    directory = (central(0, 0, 0, len(name)) + name) * many
    count = rng.choice([many, 1, 0]) & 0xFFFF
    return directory + struct.pack("<4s4H2IH", END, 0, 0, count, count, len(directory), 0, 0)


def renamed(content: bytearray, rng: random.Random) -> bytes:
    """Give entries names that are no frames; here and there another in the entry's own header."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in rng.sample(NAMES, 4):
            entry = zipfile.ZipInfo(name or "?")
            entry.filename = name
            entry.flag_bits = rng.choice([0, 0x800])
            entry.external_attr = rng.choice([0, 0o120777, 0o010666, 0o040777, 0xFFFF]) << 16
            archive.writestr(entry, b"evil")
    return flipped(bytearray(buffer.getvalue()), rng) if rng.random() < 0.3 else buffer.getvalue()


def broken_stream(content: bytearray, rng: random.Random) -> bytes:
    """Have a compressed frame be no such thing, or end early, or go on."""
    stream = zlib.compress(b"frame " * 300)[2:-4]
    stream = rng.choice([stream[: len(stream) // 2], stream + rng.randbytes(50), rng.randbytes(60), b""])
    name = f"{ID}/{ID}-000001.jpg".encode()
    sizes = (rng.choice([0, len(stream), 2**31]), rng.choice([0, 1800, 2**31]))
    local = struct.pack("<4s5HIIIHH", LOCAL, 20, 0, 8, 0, 0, 0, *sizes, len(name), 0) + name + stream
    entry = central(8, *sizes, len(name)) + name
    return local + entry + struct.pack("<4s4H2IH", END, 0, 0, 1, 1, len(entry), len(local), 0)


MUTATIONS: tuple[Mutation, ...] = (
    flipped,
    cut,
    holed,
    lying,
    lying,
    swapped,
    overlapping,
    wide,
    bomb,
    crowded,
    renamed,
    broken_stream,
)


def mutated(seed: int) -> tuple[str, bytes]:
    """Make a ZIP that is not as it should be; the same for the same seed."""
    rng = random.Random(seed)
    mutation = MUTATIONS[seed % len(MUTATIONS)]
    return mutation.__name__, bytes(mutation(sound(rng), rng))


def run(folder: Path) -> dict[str, object]:
    """Unzip them all in `folder`; tell how often there was which status, and what went wrong."""
    from castgraph.archive import Limits, read_manifest, unzip, write_manifest

    limits = Limits(
        max_frames=MAX_FRAMES,
        max_frame_bytes=MAX_FRAME,
        max_total_bytes=MAX_TOTAL,
        max_entries=MAX_ENTRIES,
        max_refused_listed=10,
    )
    unzip(Path(os.devnull), ID, folder, limits)  # whatever is loaded late is loaded now
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (in_use + MAX_MEMORY,) * 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_FILE,) * 2)
    statuses: Counter[str] = Counter()
    wrong: list[str] = []
    for seed in range(N_ZIPS):
        kind, content = mutated(seed)
        with TemporaryDirectory(dir=folder) as top:
            path, frames = Path(top, "a.zip"), Path(top, "frames")
            path.write_bytes(content)
            frames.mkdir()
            try:
                manifest = unzip(path, ID, frames, limits)
                write_manifest(Path(top, "m.json"), manifest)
                complaints = {
                    "manifest": read_manifest(Path(top, "m.json")) != manifest,
                    "outside": {each.name for each in Path(top).iterdir()} != {"a.zip", "frames", "m.json"},
                    "files": {each.name for each in frames.rglob("*")}
                    != {each.file for each in manifest.frames if each.file},
                    "links": any(each.is_symlink() or not each.is_file() for each in frames.iterdir()),
                    "disk": sum(each.stat().st_size for each in frames.iterdir()) > MAX_TOTAL,
                    "frames": len(manifest.frames) > MAX_FRAMES,
                    "status": (manifest.status == "ok") != (manifest.reason == ""),
                    "reason": len(manifest.reason) > 1000 or not manifest.reason.isprintable(),
                    "refused": not all(each.name.isprintable() for each in manifest.refused),
                }
                statuses[manifest.status] += 1
            except BaseException as error:
                complaints = {f"{type(error).__name__}: {error}": True}
            wrong += [f"{seed} {kind}: {what}" for what, holds in complaints.items() if holds]
    return {"statuses": statuses, "wrong": wrong}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the memory of a process is limited as Linux does it")
def test_a_thousand_mutated_zips(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, __file__, str(tmp_path)], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found["wrong"] == []
    assert sum(found["statuses"].values()) == N_ZIPS
    assert set(found["statuses"]) == {"ok", "partial", "empty", "damaged"}
    assert list(tmp_path.iterdir()) == []


if __name__ == "__main__":
    print(json.dumps(run(Path(sys.argv[1]))))
