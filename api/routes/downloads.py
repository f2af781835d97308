"""Files that are made for one answer: gone from disk before the first byte is sent, however the sending ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from fastapi.responses import StreamingResponse

_BLOCK = 1 << 20


def send_once(path: Path, media_type: str, headers: Mapping[str, str]) -> StreamingResponse:
    """The bytes of ``path``, which is unlinked; the open file is all that is left of it."""
    size = path.stat().st_size
    file = path.open("rb")
    path.unlink()
    return StreamingResponse(_blocks(file), media_type=media_type, headers={"Content-Length": str(size), **headers})


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while block := file.read(_BLOCK):
            yield block
