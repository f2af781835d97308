"""What the figures were measured on, and with."""

from __future__ import annotations

import fcntl
import json
import mmap
import os
import platform
import sqlite3
import ssl
import statistics
import subprocess
import sys
import time
import timeit
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from tools.outsiders import NPM, node
from tools.outsiders import ROOT as OUTSIDE

FILES = 200
"""That are made to see what one costs."""
WARMED = 3 << 30
"""Bytes of memory that are touched before what writes much: more than it uses."""
_STEP = 64 << 20
PACKAGES = (
    "cryptography",
    "pynacl",
    "fastapi",
    "uvicorn",
    "sqlmodel",
    "msgspec",
    "pymerkle",
    "sigstore",
    "c2pa-python",
    "py-evm",
)


def machine(folder: Path) -> str:
    """Processor, cores, memory, system, Python, how busy the machine was, and what a new file and memory cost."""
    cpuinfo = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    model = next((line.split(":")[1].strip() for line in cpuinfo.splitlines() if line.startswith("model name")), "?")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    python = f"{platform.python_implementation()} {platform.python_version()} (four steps in {steps() * 1e9:.0f} ns)"
    cores, system = os.cpu_count(), f"{platform.system()} {platform.release()}"
    costs = f"{new_file(folder) * 1e6:.0f} µs for a new file and {warm(_STEP) * 1e6:.1f} for a new page of memory"
    busy = f"load {os.getloadavg()[0]:.1f}, {costs} at the start"
    return f"{model}, {cores} cores, {memory:.0f} GiB, {system}, {python}, {busy}"


def steps() -> float:
    """Seconds for four steps of Python: builds of one version differ by half as much again.

    CPython compiled by a plain ``./configure`` has neither profile nor link-time optimisation; a distribution's has.
    """
    work = "name = 'x%d' % 7; seen[name] = seen.get(name, 0) + 1; name.encode()"
    return min(timeit.repeat(work, "seen = {}", number=50_000, repeat=7)) / 50_000


def new_file(folder: Path) -> float:
    """Seconds to make an empty file. On ext4 ten times as many where many files were deleted in the last minutes.

    It passes over the places of files that are just gone; tiles, which are files, show it.
    """
    took = []
    for number in range(FILES):
        began = time.perf_counter()
        os.close(os.open(folder / f"new-{number}", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def versions() -> dict[str, str]:
    """Versions of what takes part."""
    found = {name: metadata.version(name) for name in PACKAGES}
    locked = json.loads((NPM["peers"] / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    return {
        "tallystick": metadata.version("tallystick"),
        "SQLite": sqlite3.sqlite_version,
        "OpenSSL": ssl.OPENSSL_VERSION.split()[1],
        "Node": subprocess.run([node(), "--version"], capture_output=True, text=True, check=True).stdout.strip(),
        "hypercore": locked["node_modules/hypercore"]["version"],
        "merkletools": _pinned("merkletools"),
        **found,
    }


def _pinned(name: str) -> str:
    lock = (OUTSIDE / f"requirements-{name}.lock").read_text(encoding="utf-8")
    return lock.partition(f"\n{name}==")[2].split()[0]


def resident(pid: int | str = "self") -> int:
    """Bytes of memory that a process holds now."""
    return _memory(pid, "VmRSS:")


def peak(pid: int | str = "self") -> int:
    """The most that it ever held."""
    return _memory(pid, "VmHWM:")


def _memory(pid: int | str, which: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(which):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"process {pid} says nothing of its memory")


def warm(size: int = WARMED) -> float:
    """Touch memory and give it back: seconds for a page. Else a program pays for what the host does.

    A host may take back what a virtual machine has free, and to get a page again took 9 µs on one, in whatever was
    measured just then; of its own a system needs a quarter of one.
    """
    page = mmap.PAGESIZE
    began = time.perf_counter()
    with mmap.mmap(-1, size) as memory:
        for start in range(0, size, _STEP):
            end = min(size, start + _STEP)
            memory[start:end:page] = bytes(len(range(start, end, page)))
    return (time.perf_counter() - began) / (size // page)


_GET_FLAGS, _SET_FLAGS, _TOP = 0x80086601, 0x40086602, 0x00020000
"""Of Linux: FS_IOC_GETFLAGS, FS_IOC_SETFLAGS and FS_TOPDIR_FL, as ``chattr +T`` uses them."""


def spread(folder: Path) -> None:
    """Have ext4 put each folder in this one into a part of the disk of its own, not where the last run was deleted.

    It passes over the places of files that were deleted in the last minutes, one by one: a new file takes 200 µs there
    for 16. Elsewhere nothing happens; ``new_file`` tells how it is.
    """
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            flags = bytearray(8)
            fcntl.ioctl(descriptor, _GET_FLAGS, flags)
            value = int.from_bytes(flags, sys.byteorder) | _TOP
            fcntl.ioctl(descriptor, _SET_FLAGS, value.to_bytes(8, sys.byteorder))
        finally:
            os.close(descriptor)
