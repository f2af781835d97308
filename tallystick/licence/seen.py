"""The newest status list that a verifier has seen of each: an older one that is still fresh tells it nothing new.

A licensee may show a list from before its licence was suspended for as long as that list is fresh. A verifier that
has met a later one, with whatever licence, remembers it and is not taken in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Literal

from tallystick import canonical
from tallystick.lazy_dataclass import dataclass
from tallystick.licence.status_list import MAX_URI, StatusList, StatusRefused
from tallystick.schema import COUNT, TIME, FieldError, items, read, record, text, write
from tallystick.times import format_time
from tallystick.versions import check_version

VERSION: Literal[1] = 1
MAX_SEEN_BYTES = 4 << 20


@record
class SeenList:
    """When the list at ``uri`` was issued, and the size of the log that it was computed from."""

    uri: Annotated[str, text(MAX_URI)]
    issued: Annotated[str, TIME]
    size: Annotated[int, COUNT]


@record
class SeenFile:
    """What a verifier keeps between two checks: lists by their URI."""

    v: Literal[1]
    lists: Annotated[tuple[SeenList, ...], items(10_000)]


@dataclass(frozen=True)
class SeenLists:
    """Lists by URI."""

    lists: Mapping[str, SeenList] = field(default_factory=dict)

    def require_newest(self, found: StatusList) -> None:
        """Raise ``StatusRefused`` for a list that is older than one that was seen."""
        newest = self.lists.get(found.uri)
        if newest is None:
            return
        issued, size = format_time(found.issued_at), found.checkpoint.size
        if issued < newest.issued or size < newest.size:
            raise StatusRefused(
                f"the status list of {issued} (log size {size}) is older than the one of {newest.issued} "
                f"(log size {newest.size}) that was seen before: get a new one"
            )

    def with_list(self, uri: str, issued: str, size: int) -> SeenLists:
        """This with a list that was seen; an older one changes nothing."""
        known = self.lists.get(uri) or SeenList(uri, issued, size)
        return SeenLists({**self.lists, uri: SeenList(uri, max(known.issued, issued), max(known.size, size))})


NOTHING_SEEN = SeenLists()


def decode_seen(data: bytes) -> SeenLists:
    """Raises ``MalformedInput``, ``UnknownVersion``."""
    value = canonical.decode(data, MAX_SEEN_BYTES)
    check_version(value, "seen lists", VERSION)
    lists = read(SeenFile, value, "seen").lists
    if [one.uri for one in lists] != sorted({one.uri for one in lists}):
        raise FieldError("seen.lists", "expected lists in order of their URI, each once")
    return SeenLists({one.uri: one for one in lists})


def encode_seen(seen: SeenLists) -> bytes:
    """Canonical bytes. Inverse of ``decode_seen``."""
    return canonical.encode(write(SeenFile(VERSION, tuple(seen.lists[uri] for uri in sorted(seen.lists)))))
