"""The few operations on files that the log rests on: a test can fail each of them, or forget what was not synced.

Nothing is on the disk before it is synced: the bytes of a file by ``sync``, its
name by ``sync_folders``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import Protocol, TypeVar

T = TypeVar("T")

SIDE_BY_SIDE = 8


class Written(Protocol):
    """A file whose bytes are written and not durable yet. It is let go of when nobody knows it any more."""

    def hasten(self) -> None:
        """Begin to write the bytes to the disk, without waiting for it."""
        ...

    def sync(self) -> None:
        """Make the bytes durable."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


class Disk(Protocol):
    """Files as the operating system gives them."""

    def read(self, path: Path) -> bytes:
        """All bytes of a file. Raises ``FileNotFoundError``."""
        ...

    def write(self, path: Path, data: bytes) -> None:
        """Create or replace a file; not durable yet."""
        ...

    def begin_write(self, path: Path, data: bytes) -> Written:
        """The same, for ``end_writes``, which need not open the file again."""
        ...

    def end_writes(self, begun: Sequence[Written]) -> None:
        """Make the bytes of these files durable, and let go of them."""
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


class _Descriptor:
    """A ``Written`` file of POSIX."""

    def __init__(self, path: Path, data: bytes) -> None:
        self._number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        done = os.write(self._number, data)
        with memoryview(data) as rest:
            while done < len(data):
                done += os.write(self._number, rest[done:])

    def hasten(self) -> None:
        """See ``Written``."""
        # Linux then begins to write, and may forget what is on the disk already. Whatever comes of it, ``sync`` tells.
        if hasattr(os, "posix_fadvise"):
            with suppress(OSError):
                os.posix_fadvise(self._number, 0, 0, os.POSIX_FADV_DONTNEED)

    def sync(self) -> None:
        """See ``Written``."""
        os.fsync(self._number)

    def close(self) -> None:
        """See ``Written``."""
        number, self._number = self._number, -1
        os.close(number)

    def __del__(self) -> None:
        # It was not opened at all, or closed already, or somebody failed in between.
        if getattr(self, "_number", -1) >= 0:
            self.close()


class LocalDisk:
    """A ``Disk`` on POSIX. Syncs side by side: the file system then writes its journal once for several.

    The bytes of all are on their way before the first is waited for: each sync then has little left to do.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(SIDE_BY_SIDE, "sync")

    def read(self, path: Path) -> bytes:
        """See ``Disk``."""
        return path.read_bytes()

    def write(self, path: Path, data: bytes) -> None:
        """See ``Disk``."""
        _Descriptor(path, data).close()

    def begin_write(self, path: Path, data: bytes) -> Written:
        """See ``Disk``."""
        return _Descriptor(path, data)

    def end_writes(self, begun: Sequence[Written]) -> None:
        """See ``Disk``."""
        if len(begun) > 1:
            for one in begun:
                one.hasten()
        self._each(_sync, begun)
        for one in begun:
            one.close()

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
        self._each(_fsync, paths)

    def _each(self, work: Callable[[Sequence[T]], None], ones: Sequence[T]) -> None:
        # This thread does its share: to hand over one file alone costs as much as to sync it.
        shares = min(SIDE_BY_SIDE, len(ones))
        others = [self._pool.submit(work, ones[at::shares]) for at in range(1, shares)]
        try:
            if ones:
                work(ones[::shares])
        finally:
            # Whatever came of it: nobody lets go of a file that another thread still syncs.
            wait(others)
        for other in others:
            other.result()


def _sync(begun: Sequence[Written]) -> None:
    for one in begun:
        one.sync()


def _fsync(paths: Sequence[Path]) -> None:
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
