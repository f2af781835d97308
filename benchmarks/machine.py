"""What the figures were measured on, and with."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import ssl
import subprocess
from importlib import metadata
from pathlib import Path

from tools.outsiders import NPM, node
from tools.outsiders import ROOT as OUTSIDE

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


def machine() -> str:
    """Processor, cores, memory, system, Python, and how busy the machine was."""
    cpuinfo = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    model = next((line.split(":")[1].strip() for line in cpuinfo.splitlines() if line.startswith("model name")), "?")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    python = f"{platform.python_implementation()} {platform.python_version()}"
    cores, system = os.cpu_count(), f"{platform.system()} {platform.release()}"
    return f"{model}, {cores} cores, {memory:.0f} GiB, {system}, {python}, load {os.getloadavg()[0]:.1f} at the start"


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
