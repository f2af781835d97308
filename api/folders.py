"""Folders that appear whole or not at all, and the lock that keeps a second service out of a data folder."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tallystick.errors import TallystickError


class DataBusy(TallystickError):
    """Another service has the data folder."""


def make_whole(folder: Path, fill: Callable[[Path], None]) -> None:
    """Make ``folder`` with what ``fill`` puts into it, unless it exists.

    It has its name only when everything in it is on the disk: what an interrupted
    attempt left was used by nobody, and is thrown away.
    """
    if folder.exists():
        return
    draft = folder.with_name(folder.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True, mode=0o700)
    fill(draft)
    for path in (*draft.iterdir(), draft):
        sync_folder(path)
    draft.rename(folder)
    sync_folder(folder.parent)


def write_whole(path: Path, data: bytes) -> None:
    """Make or replace a file: the old bytes or the new, never part of them."""
    draft = path.with_name(path.name + ".new")
    draft.write_bytes(data)
    sync_folder(draft)
    draft.rename(path)
    sync_folder(path.parent)


@contextmanager
def data_folder(path: Path) -> Iterator[None]:
    """Hold the data folder, made if it is missing. Raises ``DataBusy`` when another service holds it."""
    path.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataBusy(
                f"another service has the data folder {path}: stop it, or choose another folder with TALLYSTICK_DATA"
            ) from None
        yield
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Make what stands in a folder, or in a file, durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
