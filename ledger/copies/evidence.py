"""What convicts a log, kept as files: the checkpoints that exclude each other and the proof that shows it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from ledger.disk import LocalDisk
from ledger.errors import ForkSeen
from tallystick.base64s import to_base64
from tallystick.note import parse_note

README = "README"


def save_fork(folder: Path, fork: ForkSeen) -> Path:
    """A folder with ``smaller``, ``larger`` (signed checkpoints), ``proof`` and what they show in words."""
    smaller, larger = fork.notes
    sizes = [int(parse_note(note.encode()).text.split("\n")[1]) for note in fork.notes]
    proof = [f"{sizes[0]} {sizes[1]}", to_base64(fork.smaller_root), *map(to_base64, fork.proof)]
    words = (
        f"{fork}\n\nBoth checkpoints, `smaller` and `larger`, bear the log's signatures. `proof` holds the two sizes, "
        f"the root which the larger tree gives its first {sizes[0]} entries, and the RFC 9162 consistency proof from "
        "that root to the larger one: base64, one a line. The root in `smaller` is another, so the log has signed two "
        "histories. Keep this folder, and show it to others who follow the log.\n"
    )
    files = {"smaller": smaller, "larger": larger, "proof": "".join(f"{line}\n" for line in proof), README: words}
    return save(folder, "fork", {name: text.encode() for name, text in files.items()})


def save(folder: Path, kind: str, files: Mapping[str, bytes]) -> Path:
    """Write ``files`` durably into a folder of their own; the same evidence twice is one folder."""
    digest = hashlib.sha256(b"".join(hashlib.sha256(data).digest() for _, data in sorted(files.items()))).hexdigest()
    target = folder / f"{kind}-{digest[:16]}"
    target.mkdir(parents=True, exist_ok=True)
    disk = LocalDisk()
    for name, data in files.items():
        disk.write(target / name, data)
    disk.sync([target / name for name in files])
    disk.sync_folders([target, folder, folder.parent])
    return target
