"""Issued credential files, by the SHA-256 of their bytes: what ``credential.issue`` entries name."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from api.services.errors import Unavailable

_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_WORK = "work"
_SYNCS = 8
"""Files that are synced at once."""

RESERVE = 1 << 30
"""Bytes that what is uploaded leaves free, or a tenth of a small disk: the log writes to it too."""


def require_room(folder: Path) -> None:
    """Raise ``Unavailable`` where the disk of ``folder`` has little room left.

    Any token may upload, as much as it likes at the same time, and as slowly.
    """
    disk = shutil.disk_usage(folder)
    if disk.free < min(RESERVE, disk.total // 10):
        raise Unavailable("there is no room for files just now", "try again later; the operator has to make room")


class CredentialFiles:
    """A folder of files that never change, and beside them a place for files in the making.

    The files show private terms and names: the folder is for the service's user alone.
    One process at a time: what an interrupted one left half made is thrown away.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._work = folder / _WORK
        shutil.rmtree(self._work, ignore_errors=True)
        self._work.mkdir(mode=0o700)

    def work_path(self) -> Path:
        """A new name for a file in the making, on the file system where it will be kept."""
        return self._work / secrets.token_hex(12)

    @contextmanager
    def work_folder(self) -> Iterator[Path]:
        """A new folder that is gone, with all that is in it, at the end of the block. Raises ``Unavailable``."""
        require_room(self._work)
        folder = self.work_path()
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def keep(self, made: Path, sha256: str) -> Path:
        """Move a finished file to its place, on disk when this returns."""
        place = self._place(sha256)
        _sync(made)
        made.replace(place)
        _sync(self._folder)
        return place

    def keep_all(self, made: Sequence[tuple[Path, str]]) -> None:
        """As ``keep``, of many, each with its digest; the disk writes its journal once for some of them."""
        with ThreadPoolExecutor(_SYNCS) as threads:
            list(threads.map(_sync, [path for path, _ in made]))
        for path, sha256 in made:
            path.replace(self._place(sha256))
        _sync(self._folder)

    def find(self, sha256: str) -> Path | None:
        """The file with this digest, if it is kept here."""
        place = self._place(sha256)
        return place if place.is_file() else None

    def remove(self, sha256: str) -> None:
        """Forget the file with this digest, if it is kept here."""
        self._place(sha256).unlink(missing_ok=True)
        _sync(self._folder)

    def _place(self, sha256: str) -> Path:
        if not _DIGEST.fullmatch(sha256):
            raise ValueError("a kept file is named by 64 hex digits")
        return self._folder / sha256


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
