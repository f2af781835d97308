"""Originals are hashed: SHA-256 beside openssl, the whole digest record, many files."""

from __future__ import annotations

import hashlib
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives import hashes

from benchmarks.harness import Bench, Row, seconds
from benchmarks.marks import RATIO
from tallystick.assets import describe
from tallystick.content import CHUNK_BYTES, file_content, read_blocks

SPEED = "MB/s"
FILES = 16


def benchmark(bench: Bench) -> Iterator[Row]:
    """One large file read from the page cache, then the same bytes in many files."""
    size = bench.scale.megabytes * 1_000_000
    path = bench.fresh("original") / "original.bin"
    _write(path, size)

    def speed(work: Callable[[], object]) -> float:
        return bench.median(lambda: size / 1e6 / seconds(work))

    sha256 = speed(lambda: _sha256(path))
    peers = {f"openssl dgst -{name}": speed(partial(_openssl, name, path)) for name in ("sha256", "sm3")}
    theirs = peers["openssl dgst -sha256"]
    yield Row("SHA-256 of originals", sha256, SPEED, peers)
    yield Row("SHA-256 of originals / openssl", sha256 / theirs, RATIO)
    yield Row("SM3 of originals", speed(lambda: _sm3(path)), SPEED, {"openssl dgst -sm3": peers["openssl dgst -sm3"]})
    whole = speed(lambda: _record(path))
    yield Row("digest record of an original: SHA-256, SM3, chunk tree", whole, SPEED, {"openssl dgst -sha256": theirs})
    folder = bench.fresh("many")
    for number in range(FILES):
        _write(folder / f"{number:02}.bin", size // FILES)
    many = speed(lambda: describe(folder))
    yield Row("digest record of a folder of 16 files", many, SPEED)
    yield Row("many files / one core", many / whole, RATIO)
    shutil.rmtree(folder)


def _write(path: Path, size: int) -> None:
    noise = random.Random(1).randbytes(CHUNK_BYTES)
    with path.open("wb") as file:
        for at in range(0, size, CHUNK_BYTES):
            file.write(noise[: size - at])


def _sha256(path: Path) -> None:
    hasher = hashlib.sha256()
    with path.open("rb") as file:
        for block in read_blocks(file):
            hasher.update(block)


def _sm3(path: Path) -> None:
    hasher = hashes.Hash(hashes.SM3())
    with path.open("rb") as file:
        for block in read_blocks(file):
            hasher.update(block)


def _record(path: Path) -> None:
    with path.open("rb") as file:
        file_content(read_blocks(file))


def _openssl(name: str, path: Path) -> None:
    subprocess.run(["openssl", "dgst", f"-{name}", str(path)], check=True, capture_output=True)
