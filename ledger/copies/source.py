"""Where a copy of a log comes from: a tlog-tiles tree behind a URL, or in a folder. Nothing that comes is believed."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from ledger.bucket.place import is_place, parse_place
from ledger.errors import BadSource, NoLog, Unreachable
from ledger.tilestore import CHECKPOINT
from serving.deadline import within
from tallystick.note import MAX_NOTE_BYTES
from tallystick.statement import MAX_ENTRY_BYTES
from tallystick.tiles import Tile

TIMEOUT = 30.0
"""Seconds for each read from the network."""
LEAST_RATE = 1 << 16
"""Bytes a second: an answer has so long, beyond ``TIMEOUT``, as its most bytes take at this rate."""
ATTEMPTS = 4
_PAUSE = 0.5
_HASH = 32


class Source(Protocol):
    """A log as its readers see it; from any thread."""

    name: str

    def checkpoint(self) -> bytes:
        """The latest checkpoint. Raises ``Unreachable`` or ``BadSource``."""
        ...

    def tile(self, tile: Tile) -> bytes:
        """A tile or bundle, or the full one where the partial one is gone. Raises ``Unreachable`` or ``BadSource``."""
        ...

    def close(self) -> None:
        """Hang up; a source that is used again opens again."""
        ...


def open_source(where: str) -> Source:
    """A source from what a person typed: a URL, ``s3://…``, or a folder that is one or holds one as ``public``.

    Raises ``NoLog``, ``MalformedInput``.
    """
    if where.startswith(("http://", "https://")):
        return HttpSource(where)
    if is_place(where):
        from ledger.bucket.s3 import S3Objects  # the library is loaded where there is a bucket
        from ledger.copies.bucket_source import BucketSource

        return BucketSource(S3Objects(parse_place(where)))
    return FolderSource(Path(where))


class FolderSource:
    """A tree of files."""

    def __init__(self, path: Path) -> None:
        """Raises ``NoLog``."""
        self._root = path / "public" if (path / "public").is_dir() else path
        self.name = str(path)
        if not self._root.is_dir():
            raise NoLog(f"there is no folder {path}: give a folder of tiles, or a URL that begins with http")

    def checkpoint(self) -> bytes:
        """See ``Source``."""
        found = self._read(CHECKPOINT, MAX_NOTE_BYTES)
        if found is None:
            raise Unreachable(f"there is no checkpoint in {self._root}: it is no tlog-tiles tree, or nothing is in it")
        return found

    def tile(self, tile: Tile) -> bytes:
        """See ``Source``."""
        return first_of(tile, self._read, self.name)

    def close(self) -> None:
        """See ``Source``."""

    def _read(self, path: str, limit: int) -> bytes | None:
        try:
            with (self._root / path).open("rb") as file:
                return limited(file.read(limit + 1), limit, path)
        except (FileNotFoundError, NotADirectoryError):
            return None


class HttpSource:
    """A tree behind a URL. Connections are kept and shared by threads; redirects are not followed."""

    def __init__(self, url: str, timeout: float = TIMEOUT) -> None:
        """Raises ``NoLog`` for a URL that cannot be one of a log."""
        parts = urlsplit(url)
        if not parts.hostname or parts.username or parts.query or parts.fragment:
            raise NoLog(f"{url} is no URL of a log: expected http(s)://host[:port][/path]")
        self.name = url.rstrip("/")
        self._kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._address = (parts.hostname, parts.port)
        self._prefix = parts.path.rstrip("/")
        self._timeout = timeout
        self._idle: list[http.client.HTTPConnection] = []

    def checkpoint(self) -> bytes:
        """See ``Source``."""
        found = self._get(CHECKPOINT, MAX_NOTE_BYTES)
        if found is None:
            raise Unreachable(f"{self.name}/{CHECKPOINT} is not found: correct the URL, or nothing is published yet")
        return found

    def tile(self, tile: Tile) -> bytes:
        """See ``Source``."""
        return first_of(tile, self._get, self.name)

    def _get(self, path: str, limit: int) -> bytes | None:
        for attempt in range(ATTEMPTS):
            try:
                status, body = self._ask(f"{self._prefix}/{path}", limit)
            except (OSError, http.client.HTTPException) as error:
                problem = str(error) or type(error).__name__
            else:
                if status == 200:
                    return limited(body, limit, path)
                if status in (404, 410):
                    return None
                problem = f"HTTP status {status}"
                if status < 500 and status != 429:
                    break
            if attempt + 1 < ATTEMPTS:
                time.sleep(_PAUSE * attempt)
        raise Unreachable(f"{self.name}/{path}: {problem}; nothing was learnt, try again later")

    def _ask(self, target: str, limit: int) -> tuple[int, bytes]:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._kind(*self._address, timeout=self._timeout)
        with ExitStack() as undo:
            undo.callback(connection.close)
            with within(connection, self._timeout + limit / LEAST_RATE):
                connection.request("GET", target, headers={"User-Agent": "tallystick"})
                answer = connection.getresponse()
                body = answer.read(limit + 1)
                if len(body) <= limit and answer.length:
                    raise http.client.IncompleteRead(body, answer.length)
            # An answer that is longer than it may be is not read to its end.
            if answer.isclosed():
                self._idle.append(connection)
                undo.pop_all()
        return answer.status, body

    def close(self) -> None:
        """See ``Source``."""
        while self._idle:
            self._idle.pop().close()


def first_of(tile: Tile, read: Callable[[str, int], bytes | None], name: str) -> bytes:
    """A tile or bundle by ``read`` (path, most bytes), or the front of the full one. Raises ``BadSource``."""
    for one in dict.fromkeys((tile, Tile(tile.level, tile.index))):
        found = read(one.path(), _most(one))
        if found is not None:
            return found if one == tile or tile.level is None else found[: tile.width * _HASH]
    raise BadSource(f"{name} has a checkpoint that covers {tile.path()}, and does not serve it; try again later")


def _most(tile: Tile) -> int:
    return tile.width * (_HASH if tile.level is not None else 2 + MAX_ENTRY_BYTES)


def limited(data: bytes, limit: int, path: str) -> bytes:
    """The bytes of a file. Raises ``BadSource`` where they are more than it can have."""
    if len(data) > limit:
        raise BadSource(f"{path} has more than {limit} bytes, which no such file can have")
    return data
