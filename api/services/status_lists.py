"""Licence status: indices to reserve, signed Token Status Lists, and the staple that a licensee takes offline.

A list is computed from the entries below a published checkpoint and from nothing
else, so "as of size n" is exact; entries never change, so the book only moves on.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable

from api.services.errors import NotFound, Unavailable
from ledger.log import Log
from ledger.store import Reads, Search
from tallystick.admission.state import status_key
from tallystick.base64s import to_base64
from tallystick.events.licence import LicenceGrant, LicenceStatus, StatusPointer
from tallystick.keys import Signer
from tallystick.licence.staple import StatusStaple, encode_staple
from tallystick.licence.status_list import Status, StatusList, pack, sign_status_list
from tallystick.statement import parse_statement
from tallystick.times import UnixSeconds

LIST_SIZE = 1 << 16
"""Indices in one list."""
_TRIES = 64
_PAGE = 1000
_AFTER: dict[str, Status] = {
    "suspend": Status.SUSPENDED,
    "reinstate": Status.VALID,
    "revoke": Status.INVALID,
    "expire": Status.EXPIRED,
}


class StatusLists:
    """The status lists of one log. ``lifetime``: seconds for which a signed list speaks."""

    def __init__(self, log: Log, origin: str, signer: Signer, lifetime: int, clock: Callable[[], int]) -> None:
        self._log = log
        self._origin = origin
        self._signer = signer
        self._lifetime = lifetime
        self._clock = clock
        self._lock = threading.Lock()
        self._pointers: dict[str, tuple[int, StatusPointer]] = {}
        self._statuses: dict[str, Status] = {}
        self._read = 0

    def reserve(self) -> StatusPointer:
        """A pointer that no licence has: random, so that it says nothing about how many there are."""
        with self._log.store.snapshot() as reads:
            number = 1
            while True:
                for _ in range(_TRIES):
                    pointer = StatusPointer(self._uri(number), secrets.randbelow(LIST_SIZE))
                    if reads.get(status_key(pointer)) is None:
                        return pointer
                number += 1

    def signed(self, number: int) -> bytes:
        """List ``number`` as of the published checkpoint. Raises ``NotFound`` for one that no licence points to."""
        with self._lock:
            size = self._advance()
            return self._signed(self._uri(number), size)

    def staple(self, licence: str) -> bytes:
        """Status, checkpoint and the grant's inclusion proof under it. Raises ``NotFound``, ``Unavailable``."""
        with self._lock:
            size = self._advance()
            found = self._pointers.get(licence)
            if found is None:
                raise NotFound(
                    f"{licence} is no licence in the published log", "publish, or check the identifier", "licence"
                )
            position, pointer = found
            staple = StatusStaple(
                v=1,
                list=to_base64(self._signed(pointer.list, size)),
                checkpoint=self._head.note.encode(),
                proof=tuple(to_base64(node) for node in self._log.published.prove_inclusion(position, size)),
            )
        return encode_staple(staple)

    def _advance(self) -> int:
        """Read what was published since the last time; the published size."""
        self._head = self._log.published.checkpoint()
        size = self._head.checkpoint.size
        if size < self._read:
            raise Unavailable("the published log is shorter than it was")
        with self._log.store.snapshot() as reads:
            kinds = ("licence.grant", "licence.status")
            for position, subject in sorted(one for kind in kinds for one in _changes(reads, kind, self._read)):
                if position < size:
                    self._apply(reads, position, subject)
        self._read = size
        return size

    def _apply(self, reads: Reads, position: int, subject: str) -> None:
        (entry,) = reads.entries(position, position + 1)
        body: LicenceGrant | LicenceStatus = parse_statement(entry).event.body
        if isinstance(body, LicenceGrant):
            self._pointers[subject] = (position, body.status)
            self._statuses[subject] = Status.VALID
        else:
            self._statuses[subject] = _AFTER[body.action]

    def _signed(self, uri: str, size: int) -> bytes:
        # An index that nobody has must not read as a valid licence.
        statuses = [Status.INVALID] * LIST_SIZE
        known = [licence for licence, (_, pointer) in self._pointers.items() if pointer.list == uri]
        if not known:
            raise NotFound(f"no licence points to {uri}", "take the list that the licence names", "list")
        for licence in known:
            statuses[self._pointers[licence][1].index] = self._statuses[licence]
        issued = UnixSeconds(self._clock())
        found = StatusList(
            uri=uri,
            issued_at=issued,
            expires_at=UnixSeconds(issued + self._lifetime),
            ttl=self._lifetime,
            checkpoint=self._head.checkpoint,
            count=LIST_SIZE,
            packed=pack(statuses),
        )
        return sign_status_list(found, self._signer)

    def _uri(self, number: int) -> str:
        return f"{self._origin}/status/{number}"


def _changes(reads: Reads, kind: str, first: int) -> list[tuple[int, str]]:
    """(position, subject) of every entry of a type from position ``first`` on."""
    found: list[tuple[int, str]] = []
    after = first - 1
    while page := reads.search(Search(type=kind, after=after, limit=_PAGE)):
        found += [(record.position, record.subject) for record in page]
        after = page[-1].position
    return found
