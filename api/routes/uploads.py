"""Uploads: files of a request go to a folder of their own on disk and are gone when it has been answered."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fastapi import UploadFile

from tallystick import canonical
from tallystick.content import FileEntry, check_path
from tallystick.schema import FieldError, read

MAX_UPLOAD_BYTES = 1 << 30
_MAX_LIST_BYTES = 64 << 20


@contextmanager
def upload_folder(parent: Path) -> Iterator[Path]:
    """A folder on the service's own disk."""
    with tempfile.TemporaryDirectory(dir=parent, prefix="upload-") as folder:
        yield Path(folder)


async def store(upload: UploadFile, folder: Path) -> Path:
    """Write an upload under its own name, which must be a safe relative path."""
    name = upload.filename or "file"
    check_path(name)
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as out:
        await asyncio.to_thread(shutil.copyfileobj, upload.file, out)
    return path


def parse_file_list(text: str, field: str) -> tuple[FileEntry, ...]:
    """A file list as JSON text. Raises ``MalformedInput``."""
    value = canonical.decode_relaxed(text.encode(), _MAX_LIST_BYTES)
    if not isinstance(value, list):
        raise FieldError(field, "expected a list of files")
    return tuple(read(FileEntry, item, f"{field}[{index}]") for index, item in enumerate(value))
