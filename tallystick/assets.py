"""Digest records of files and folders on disk: the bytes are read here and stay where they are."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

from tallystick.content import (
    CHUNK_BYTES,
    Content,
    FileContent,
    FileEntry,
    check_file_list,
    check_path,
    entry_of,
    file_content,
    folder_content,
)
from tallystick.errors import MalformedInput
from tallystick.lazy_dataclass import dataclass

Progress = Callable[[str, int], None]
"""Called with the path that is being read and the number of bytes just read; of a folder, by several threads."""

_AT_ONCE = 256
"""Files that are promised to the threads at a time: a folder may hold a million."""


@dataclass(frozen=True)
class Asset:
    """A file or folder as it was read. ``files``: each file's list entry and its place on disk, in list order."""

    content: Content
    files: tuple[tuple[FileEntry, Path], ...]

    @property
    def entries(self) -> tuple[FileEntry, ...]:
        """The file list."""
        return tuple(entry for entry, _ in self.files)


def describe(path: Path, progress: Progress = lambda name, read: None) -> Asset:
    """Read ``path`` and give its digest record.

    Raises ``MalformedInput`` for what has none: a missing or empty folder, a link,
    a device, a name that is not Unicode, two names that are one in NFC, or a file
    that changes while it is read.
    """
    if path.is_symlink() or not path.exists():
        what = "a link" if path.is_symlink() else "not there"
        raise MalformedInput(f"{path} is {what}: name the file or folder itself")
    if path.is_file():
        content = describe_file(path, path.name, progress)
        return Asset(content, ((entry_of(_nfc(path.name), content), path),))
    if not path.is_dir():
        raise MalformedInput(f"{path} is neither a file nor a folder")
    found = sorted(_walk(path, ""), key=lambda item: item[0].encode())
    if not found:
        raise MalformedInput(f"the folder {path} holds no file")
    files = tuple(_read_files(found, progress))
    entries = [entry for entry, _ in files]
    check_file_list(entries)
    return Asset(folder_content(entries), files)


def _read_files(found: Sequence[tuple[str, Path]], progress: Progress) -> Iterator[tuple[FileEntry, Path]]:
    """The list entry of each file, in order. Hashing lets other threads compute, so all cores take part."""

    def entry(item: tuple[str, Path]) -> tuple[FileEntry, Path]:
        name, path = item
        return entry_of(name, describe_file(path, name, progress)), path

    with ThreadPoolExecutor(_cores()) as threads:
        for first in range(0, len(found), _AT_ONCE):
            yield from threads.map(entry, found[first : first + _AT_ONCE])


def _cores() -> int:
    """Those that this process may use, where the system tells."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def describe_file(path: Path, name: str, progress: Progress) -> FileContent:
    """The digest record of one file."""
    with path.open("rb") as file:
        before = os.fstat(file.fileno())
        content = file_content(_blocks(file, before.st_size, name, progress))
        after = os.fstat(file.fileno())
    if content.size != before.st_size or (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size):
        raise MalformedInput(f"{path} changed while it was read; try again when nothing writes to it")
    return content


def _blocks(file: BinaryIO, size: int, name: str, progress: Progress) -> Iterator[bytes]:
    """At most one block more than ``size``: a file that grows as fast as it is read would never end."""
    while size >= 0 and (block := file.read(CHUNK_BYTES)):
        size -= len(block)
        progress(name, len(block))
        yield block


def _walk(folder: Path, prefix: str) -> Iterator[tuple[str, Path]]:
    with os.scandir(folder) as scan:
        items = list(scan)
    for item in items:
        name = f"{prefix}{_nfc(item.name)}"
        check_path(name)
        mode = item.stat(follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode):
            yield from _walk(Path(item.path), f"{name}/")
        elif stat.S_ISREG(mode):
            yield name, Path(item.path)
        else:
            raise MalformedInput(f"{item.path} is a link or a device: replace it by the file that is meant")


def _nfc(name: str) -> str:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise MalformedInput(f"the file name {name!r} is not Unicode; rename the file") from None
    return unicodedata.normalize("NFC", name)
