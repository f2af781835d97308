"""Issued credential files, by the SHA-256 of their bytes: what ``credential.issue`` entries name."""

from __future__ import annotations

import os
import re
from pathlib import Path

_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


class CredentialFiles:
    """A folder of files that never change."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    def work_path(self, name: str) -> Path:
        """Where a file may be made before it is kept, on the same file system."""
        work = self._folder / "work"
        work.mkdir(exist_ok=True)
        return work / name

    def keep(self, made: Path, sha256: str) -> Path:
        """Move a finished file to its place, on disk when this returns."""
        place = self._place(sha256)
        descriptor = os.open(made, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        made.replace(place)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return place

    def find(self, sha256: str) -> Path | None:
        """The file with this digest, if it is kept here."""
        place = self._place(sha256)
        return place if place.is_file() else None

    def _place(self, sha256: str) -> Path:
        if not _DIGEST.fullmatch(sha256):
            raise ValueError("a kept file is named by 64 hex digits")
        return self._folder / sha256
