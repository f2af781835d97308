"""The few operations on files that the log rests on: a test can fail each of them, or forget what was not synced.

Nothing is on the disk before it is synced: the bytes of a file by ``sync``, its
name by ``sync_folders``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

SIDE_BY_SIDE = 8


class Disk(Protocol):
    """Files as the operating system gives them."""

    def read(self, path: Path) -> bytes:
        """All bytes of a file. Raises ``FileNotFoundError``."""
        ...

    def write(self, path: Path, data: bytes) -> None:
        """Create or replace a file; not durable yet."""
        ...

    def sync(self, paths: Sequence[Path]) -> None:
        """Make the bytes of files durable."""
        ...

    def rename(self, path: Path, target: Path) -> None:
        """Give a file another name, replacing what had it; not durable yet."""
        ...

    def make_folder(self, path: Path) -> None:
        """Create one folder in an existing one; not durable yet."""
        ...

    def sync_folders(self, paths: Sequence[Path]) -> None:
        """Make the names in folders durable."""
        ...

    def exists(self, path: Path) -> bool:
        """Whether there is a file or folder."""
        ...


class LocalDisk:
    """A ``Disk`` on POSIX. Syncs side by side: the file system then writes its journal once for several."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(SIDE_BY_SIDE, "sync")

    def read(self, path: Path) -> bytes:
        """See ``Disk``."""
        return path.read_bytes()

    def write(self, path: Path, data: bytes) -> None:
        """See ``Disk``."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            with memoryview(data) as rest:
                done = os.write(descriptor, rest)
                while done < len(data):
                    done += os.write(descriptor, rest[done:])
        finally:
            os.close(descriptor)

    def sync(self, paths: Sequence[Path]) -> None:
        """See ``Disk``."""
        self._fsync(paths)

    def rename(self, path: Path, target: Path) -> None:
        """See ``Disk``."""
        os.replace(path, target)

    def make_folder(self, path: Path) -> None:
        """See ``Disk``."""
        path.mkdir(exist_ok=True)

    def sync_folders(self, paths: Sequence[Path]) -> None:
        """See ``Disk``."""
        self._fsync(paths)

    def exists(self, path: Path) -> bool:
        """See ``Disk``."""
        return os.path.exists(path)

    def _fsync(self, paths: Sequence[Path]) -> None:
        for _ in self._pool.map(_fsync, (paths[at::SIDE_BY_SIDE] for at in range(min(SIDE_BY_SIDE, len(paths))))):
            pass


def _fsync(paths: Sequence[Path]) -> None:
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
