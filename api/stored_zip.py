"""A ZIP file of files as they are, sent while it is made: none of it is held, and nothing is written to disk."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from tallystick.lazy_dataclass import dataclass

_BLOCK = 1 << 20
_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class StoredFile:
    """A file and its name in the archive."""

    name: str
    path: Path


class _Sink(io.RawIOBase):
    """Takes what is written until it is fetched; it cannot be rewound, so nothing that was sent is changed."""

    def __init__(self) -> None:
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._held += data
        return len(data)

    def fetch(self) -> bytes:
        data = bytes(self._held)
        self._held.clear()
        return data


def stored_zip(files: Iterable[StoredFile]) -> Iterator[bytes]:
    """The archive in pieces. Its bytes follow from the files and their names alone."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for one in files:
            described = zipfile.ZipInfo(one.name, _DATE)
            described.file_size = one.path.stat().st_size
            with one.path.open("rb") as source, archive.open(described, "w") as target:
                while block := source.read(_BLOCK):
                    target.write(block)
                    yield sink.fetch()
            yield sink.fetch()
    yield sink.fetch()
