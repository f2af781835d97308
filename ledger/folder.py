"""The data folder of a log: what stands where, and the lock that keeps a second writer out."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from ledger.disk import LocalDisk
from ledger.errors import LogBusy, NoLog


class Folder:
    """Paths inside a data folder. ``checkpoints`` may be kept elsewhere, on another disk or shared between hosts."""

    def __init__(self, path: Path, checkpoints: Path | None = None) -> None:
        self.path = path
        self.database = path / "ledger.sqlite"
        self.checkpoints = checkpoints or path / "checkpoints.sqlite"
        self.public = path / "public"
        self.nodes = path / "nodes"
        self.acknowledged = path / "acknowledged"
        self.lock = path / "lock"

    def make(self) -> None:
        """Create the folders that are missing, durably."""
        self.public.mkdir(parents=True, exist_ok=True)
        LocalDisk().sync_folders([self.path, self.path.absolute().parent])

    def keep_private(self) -> None:
        """Take from others what they may do with the database, where private values stand: older logs let them read."""
        for end in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                path = self.database.with_name(self.database.name + end)
                path.chmod(path.stat().st_mode & 0o700)


class FolderLock:
    """Held by the one process that writes a log; the operating system frees it with the process, however that ends."""

    def __init__(self, folder: Folder) -> None:
        """Raises ``NoLog`` when there is no folder, ``LogBusy`` when another process holds the lock."""
        try:
            self._descriptor = os.open(folder.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except FileNotFoundError:
            raise NoLog(
                f"there is no data folder {folder.path}: correct the path, or begin a log there with `init`"
            ) from None
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._descriptor, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(self._descriptor)
            raise LogBusy(
                f"process {holder} writes the log in {folder.path}: a log has one writer; stop that process first"
            ) from None
        # For people to read; a full disk must not keep the log from opening, nor the lock from being let go.
        with suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.write(self._descriptor, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Let the next writer in."""
        os.close(self._descriptor)
