"""Files to send that are opened when their turn comes: a folder may have more files than a process may hold open."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from tallystick.bundle import Slice


class LazyFile:
    """What httpx needs of a file, or of a slice of one, in a multipart body: its length, and its bytes once from the
    start. ``told``: called with the number of bytes just read.
    """

    def __init__(self, source: Path | Slice, told: Callable[[int], None] = lambda read: None) -> None:
        part = source if isinstance(source, Slice) else Slice(source, 0, source.stat().st_size)
        self._path = part.path
        self._start = part.start
        self._size = part.size
        self._told = told
        self._position = 0
        self._file: BinaryIO | None = None

    def tell(self) -> int:
        """Position."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to the start, or ask for the size by going to the end; other places are not needed."""
        self._close()
        self._position = self._size if whence == os.SEEK_END else offset
        return self._position

    def read(self, size: int = -1) -> bytes:
        """The next bytes; the file is closed when its end is reached."""
        if self._file is None:
            self._file = self._path.open("rb")
            self._file.seek(self._start + self._position)
        left = self._size - self._position
        data = self._file.read(left if size < 0 else min(size, left))
        self._position += len(data)
        self._told(len(data))
        if not data or size < 0:
            self._close()
        return data

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
