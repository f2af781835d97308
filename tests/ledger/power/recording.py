"""A process is run with a recorder around its file operations; the record gives every state a power cut may leave.

Nothing is taken to be on the disk before it was synced: bytes of a file by syncing the
file, its name by syncing its folder. What was not synced may be there or not, each write
and each name for itself, and a write only in part.
"""

from __future__ import annotations

import os
import random
import shutil
import struct
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 512
_HEAD = struct.Struct("=cQQII")
_SOURCE = Path(__file__).with_name("recorder.c")


@dataclass(frozen=True)
class Operation:
    """``what``: c create, m make folder, w write, t truncate, s sync, r rename, u unlink; as recorder.c writes it."""

    what: str
    inode: int
    offset: int
    text: str
    data: bytes = field(repr=False)


def compiler() -> str | None:
    """A C compiler, if this machine has one."""
    return next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)


def build(folder: Path) -> Path:
    """The recorder as a library."""
    library, cc = folder / "recorder.so", compiler()
    assert cc is not None
    subprocess.run([cc, "-shared", "-fPIC", "-O1", "-o", library, _SOURCE, "-ldl", "-lpthread"], check=True)
    return library


def record(library: Path, command: Sequence[str], root: Path, to: Path) -> list[Operation]:
    """Run ``command`` to its end; what it did to files below ``root``."""
    environment = {**os.environ, "LD_PRELOAD": str(library), "RECORD_ROOT": str(root), "RECORD_TO": str(to)}
    subprocess.run(command, env=environment, check=True)
    return list(_parse(to.read_bytes()))


def _parse(data: bytes) -> Iterator[Operation]:
    at = 0
    while at < len(data):
        what, inode, offset, text, size = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        yield Operation(what.decode(), inode, offset, data[at : at + text].decode(), data[at + text : at + text + size])
        at += text + size


@dataclass
class _File:
    synced: bytes = b""
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)  # (offset, data), or (size, None): cut

    def content(self, chosen: Sequence[tuple[int, bytes | None]]) -> bytes:
        data = bytearray(self.synced)
        for offset, written in chosen:
            end = offset + len(written or b"")
            data += bytes(max(0, end - len(data)))
            if written is None:
                del data[offset:]
            else:
                data[offset:end] = written
        return bytes(data)


Name = tuple[str, "_Node | None"]


@dataclass
class _Folder:
    synced: dict[str, _Node] = field(default_factory=dict)
    live: dict[str, _Node] = field(default_factory=dict)
    pending: list[tuple[Name, ...]] = field(default_factory=list)  # each persisted whole or not at all


_Node = _File | _Folder


class Chance:
    """Which of the things that were not synced are on the disk: none, all, or what the dice say."""

    def __init__(self, mode: str, seed: int = 0) -> None:
        self._mode = mode
        self._dice = random.Random(seed)

    def names(self, pending: Sequence[tuple[Name, ...]]) -> list[tuple[Name, ...]]:
        """Those changes of names that are on the disk."""
        return [change for change in pending if self._take()]

    def writes(self, pending: Sequence[tuple[int, bytes | None]]) -> list[tuple[int, bytes | None]]:
        """Those writes that are on the disk, some of them torn at a sector."""
        chosen: list[tuple[int, bytes | None]] = []
        for offset, data in pending:
            if self._take():
                whole = data is None or self._mode != "dice" or self._dice.random() < 0.7
                torn = SECTOR * self._dice.randrange(len(data or b"") // SECTOR + 1)
                chosen.append((offset, data if whole or data is None else data[:torn]))
        return chosen

    def _take(self) -> bool:
        return self._mode == "all" or (self._mode == "dice" and self._dice.random() < 0.5)


class Machine:
    """A folder whose operations are done again one by one, and which can lose power after each of them."""

    def __init__(self, root: Path) -> None:
        """``root``: the folder as it was before, all of it on the disk."""
        self._root = _Folder()
        self._inodes: dict[int, _Node] = {root.stat().st_ino: self._root}
        self._load(root, self._root)

    def _load(self, path: Path, folder: _Folder) -> None:
        for child in path.iterdir():
            node: _Node = _Folder() if child.is_dir() else _File(child.read_bytes())
            folder.synced[child.name] = folder.live[child.name] = node
            self._inodes[child.stat().st_ino] = node
            if isinstance(node, _Folder):
                self._load(child, node)

    def do(self, step: Operation) -> None:
        """One operation more."""
        if step.what in "cm":
            node: _Node = _File() if step.what == "c" else _Folder()
            self._inodes[step.inode] = node
            self._name((step.text, node))
        elif step.what == "u":
            self._name((step.text, None))
        elif step.what == "r":
            self._name((step.text, None), (step.data.decode(), self._at(step.text)))
        else:
            self._change(step, self._inodes[step.inode])

    def _change(self, step: Operation, node: _Node) -> None:
        if isinstance(node, _Folder):
            node.synced, node.pending = dict(node.live), []
        elif step.what == "s":
            node.synced, node.pending = node.content(node.pending), []
        else:
            node.pending.append((step.offset, step.data if step.what == "w" else None))

    def _at(self, path: str) -> _Node:
        node: _Node = self._root
        for name in path.split("/"):
            assert isinstance(node, _Folder)
            node = node.live[name]
        return node

    def _name(self, *changes: Name) -> None:
        folders = {path.rpartition("/")[0] for path, _ in changes}
        assert len(folders) == 1, "a rename from folder to folder"
        folder = self._at(folders.pop()) if "/" in changes[0][0] else self._root
        assert isinstance(folder, _Folder)
        change = tuple((path.rpartition("/")[2], node) for path, node in changes)
        _apply(folder.live, change)
        folder.pending.append(change)

    def read(self, path: str) -> bytes:
        """The file as processes see it, on the disk or not; empty when there is none."""
        try:
            node = self._at(path)
        except KeyError:
            return b""
        assert isinstance(node, _File)
        return node.content(node.pending)

    def lose_power(self, to: Path, chance: Chance) -> None:
        """Write what is left into the new folder ``to``."""
        self._write(self._root, to, chance)

    def _write(self, folder: _Folder, to: Path, chance: Chance) -> None:
        to.mkdir()
        left = dict(folder.synced)
        for change in chance.names(folder.pending):
            _apply(left, change)
        for name, node in left.items():
            if isinstance(node, _Folder):
                self._write(node, to / name, chance)
            elif not name.endswith("-shm"):
                (to / name).write_bytes(node.content(chance.writes(node.pending)))


def _apply(names: dict[str, _Node], change: tuple[Name, ...]) -> None:
    for name, node in change:
        if node is None:
            names.pop(name, None)
        else:
            names[name] = node
