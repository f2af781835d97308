"""Files to send that are opened when their turn comes: a folder may have more files than a process may hold open."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO


class LazyFile:
    """What httpx needs of a file in a multipart body: its length, and its bytes once from the start."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = path.stat().st_size
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
            self._file.seek(self._position)
        data = self._file.read(size)
        self._position += len(data)
        if not data or size < 0:
            self._close()
        return data

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
