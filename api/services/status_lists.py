"""Licence status: indices to reserve, signed Token Status Lists, and the staple that a licensee takes offline.

A list is computed from the entries below a published checkpoint and from nothing
else, so "as of size n" is exact; entries never change, so the book only moves on.
Its lifetime is the operator's: what one party records ahead ends the list in the
staples of its own licences, and shortens nobody else's (docs/adr/0038).
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import field, replace

from api.services.errors import NotFound, ServiceError, Unavailable
from api.services.status_book import StatusBook
from ledger.log import Log
from ledger.store import Reads, Record, Search
from tallystick.admission.standing import standing_at
from tallystick.admission.state import status_key
from tallystick.base64s import to_base64
from tallystick.events.licence import MAX_STATUS_INDEX, StatusPointer
from tallystick.keys import Signer
from tallystick.lazy_dataclass import dataclass
from tallystick.licence.staple import StatusStaple, encode_staple
from tallystick.licence.status_list import STATUS_OF_STANDING, Status, StatusList, pack, sign_status_list
from tallystick.times import UnixSeconds, format_time, parse_time
from tallystick.token.licence import list_uri
from tallystick.token.status_jwt import sign_status_jwt
from tallystick.tree_head import SignedCheckpoint

LIST_SIZE = 1 << 16
"""Indices of one list. Before higher ones were refused (``vetting``), a party may have taken one."""
MOST_LISTS = 10_000
"""Numbers of lists that a licence may name (``vetting``)."""
RESIGN_AFTER = 60
"""Seconds for which a signed list is given out again while the checkpoint stays the same."""
_TRIES = 64
_REMEMBERED = 1 << 16
_PAGE = 1000
_KINDS = ("licence.grant", "licence.status", "licence.transfer", "log.policy")


@dataclass
class _List:
    """Licences of one list by index, and the list as it was signed last: of what size, when (seconds).

    ``reckoned``: what it says, worked out ``reckoned_at`` of the first ``entered`` entries about licences. ``changes``:
    when something recorded already makes it say something else, if that is before it ends.
    """

    known: dict[int, str] = field(default_factory=dict)
    highest: int = 0
    signed: bytes = b""
    jwt: str = ""
    speaks: StatusList | None = None
    size: int = 0
    issued: int = 0
    reckoned: list[Status] = field(default_factory=list)
    reckoned_at: int = 0
    entered: int = -1
    changes: int | None = None

    def reckon(self, book: StatusBook, entered: int, now: int) -> None:
        """Of tens of thousands of licences, whoever asks: only if one of them may be something else by now."""
        passed = self.changes is not None and now >= self.changes
        if entered != self.entered or passed or now < self.reckoned_at:
            text = format_time(now)
            self.reckoned, self.changes = self.statuses(book, text), self.next_change(book, text)
            self.entered, self.reckoned_at = entered, now

    def statuses(self, book: StatusBook, now: str) -> list[Status]:
        """All of them at the instant. An index that nobody has must not read as a valid licence."""
        count = LIST_SIZE if self.highest < LIST_SIZE else MAX_STATUS_INDEX + 1
        found = [Status.INVALID] * count
        for index, licence in self.known.items():
            found[index] = STATUS_OF_STANDING[standing_at(book, licence, now).status]
        return found

    def next_change(self, book: StatusBook, now: str) -> int | None:
        """When something recorded already changes what the list says."""
        pending = (standing_at(book, licence, now).until for licence in self.known.values())
        return min((parse_time(one) for one in pending if one is not None), default=None)


@dataclass(frozen=True)
class Current:
    """A licence as of the published checkpoint ``head``: where its grant is and its status, the list for its staple."""

    head: SignedCheckpoint
    position: int
    pointer: StatusPointer
    token: bytes


def is_list_of(origin: str, uri: str) -> bool:
    """Whether it names a list of the log of this ``origin``, in the one form that they have."""
    prefix = f"{origin}/status/"
    number = uri.removeprefix(prefix)
    return uri.startswith(prefix) and number.isascii() and number.isdigit() and number == str(int(number))


class StatusLists:
    """The status lists of one log. ``lifetime``: seconds for which a signed list speaks."""

    def __init__(self, log: Log, origin: str, signer: Signer, lifetime: int, clock: Callable[[], int]) -> None:
        self._log = log
        self._origin = origin
        self._signer = signer
        self._lifetime = lifetime
        self._clock = clock
        self._lock = threading.Lock()
        self._book = StatusBook()
        self._lists: dict[str, _List] = {}
        self._read = 0
        self._entered = 0
        # Handed out and perhaps not logged yet. Forgotten at a restart: admission takes no index twice.
        self._reserved: dict[StatusPointer, None] = {}
        self._number = 1

    def reserve(self) -> StatusPointer:
        """A pointer that no licence has: random, so that it says nothing about how many there are."""
        (pointer,) = self.reserve_many(1)
        return pointer

    def reserve_many(self, count: int) -> list[StatusPointer]:
        """As ``reserve``."""
        with self._lock, self._log.store.snapshot() as reads:
            return [self._reserve(reads) for _ in range(count)]

    def _reserve(self, reads: Reads) -> StatusPointer:
        while True:
            for _ in range(_TRIES):
                pointer = StatusPointer(self._uri(self._number), secrets.randbelow(LIST_SIZE))
                if pointer not in self._reserved and reads.get(status_key(pointer)) is None:
                    self._remember(pointer)
                    return pointer
            # Behind the last the first has room again: what was handed out and never used is forgotten by then.
            self._number = self._number % MOST_LISTS + 1

    def is_own(self, pointer: StatusPointer) -> bool:
        """Whether this log signs the list."""
        return is_list_of(self._origin, pointer.list)

    def require_own(self, pointer: StatusPointer) -> None:
        """Raise ``ServiceError`` for a licence whose status nobody could ever prove."""
        if not self.is_own(pointer):
            raise ServiceError(
                "conflict",
                f"the licence has its status in {pointer.list}, a list that this log does not sign",
                "grant it anew with a status index that POST /v1/status-indexes gives",
                "status",
            )

    def signed(self, number: int) -> bytes:
        """List ``number`` as of the published checkpoint. Raises ``NotFound`` for one that no licence points to."""
        with self._lock:
            return self._signed(self._uri(number), self._advance())

    def signed_jwt(self, number: int) -> str:
        """The same list as JWT. Raises ``NotFound``."""
        with self._lock:
            uri = self._uri(number)
            self._signed(uri, self._advance())
            return self._lists[uri].jwt

    def speaking(self, number: int) -> StatusList:
        """What list ``number`` says, as it is signed. Raises ``NotFound``."""
        with self._lock:
            uri = self._uri(number)
            self._signed(uri, self._advance())
            speaks = self._lists[uri].speaks
        if speaks is None:
            raise ValueError("a list that was signed says something")
        return speaks

    def uris(self) -> list[str]:
        """Every list that a licence points to, as a relying party names it (draft-ietf-oauth-status-list §9)."""
        with self._lock:
            self._advance()
            return sorted(map(list_uri, self._lists))

    def staple(self, licence: str) -> bytes:
        """Status, checkpoint and the grant's inclusion proof under it. Raises ``NotFound``, ``ServiceError``."""
        found = self.current(licence)
        proof = self._log.published.prove_inclusion(found.position, found.head.checkpoint.size)
        note = found.head.note.encode()
        return encode_staple(StatusStaple(1, to_base64(found.token), note, tuple(map(to_base64, proof))))

    def current(self, licence: str) -> Current:
        """What a staple is made of. Raises ``NotFound``, ``ServiceError``."""
        with self._lock:
            head = self._advance()
            state = self._book.get(licence)
            if state is None:
                raise NotFound(
                    f"{licence[:60]} is no licence in the published log",
                    "check the identifier, or wait for the next checkpoint",
                    "licence",
                )
            position, pointer = self._book.position(licence), state.pointer
            self.require_own(pointer)
            return Current(head, position, pointer, self._stapled(licence, pointer.list, head))

    def _remember(self, pointer: StatusPointer) -> None:
        self._reserved[pointer] = None
        if len(self._reserved) > _REMEMBERED:
            del self._reserved[next(iter(self._reserved))]

    def _advance(self) -> SignedCheckpoint:
        """Read what was published since the last time; the published checkpoint."""
        head = self._log.published.checkpoint()
        size = head.checkpoint.size
        if size < self._read:
            raise Unavailable("the published log is shorter than it was")
        if size > self._read:
            with self._log.store.snapshot() as reads:
                changes = [record for kind in _KINDS for record in _changes(reads, kind, self._read, size)]
            for record in sorted(changes, key=lambda record: record.position):
                self._apply(record)
            self._read = size
        return head

    def _apply(self, record: Record) -> None:
        self._entered += 1
        before = self._book.get(record.subject)
        self._book.enter(record)
        after = self._book.get(record.subject)
        if before is not None and after is not None and before.pointer != after.pointer and self.is_own(before.pointer):
            # A holder before a transfer shows this index for ever: it never reads valid again.
            self._lists[before.pointer.list].known.pop(before.pointer.index, None)
        if after is not None and (before is None or before.pointer != after.pointer) and self.is_own(after.pointer):
            listed = self._lists.setdefault(after.pointer.list, _List())
            listed.known[after.pointer.index] = record.subject
            listed.highest = max(listed.highest, after.pointer.index)

    def _signed(self, uri: str, head: SignedCheckpoint) -> bytes:
        found = self._lists.get(uri)
        if found is None:
            raise NotFound(f"no licence points to {uri}", "take the list that the licence names", "number")
        now, size = self._clock(), head.checkpoint.size
        again = found.issued + min(RESIGN_AFTER, self._lifetime // 2)
        if found.changes is not None:
            again = min(again, found.changes)
        if found.size != size or not found.issued <= now < again:
            found.reckon(self._book, self._entered, now)
            speaks = _speaking(uri, found.reckoned, head, now, now + self._lifetime)
            found.speaks, found.signed = speaks, sign_status_list(speaks, self._signer)
            found.jwt = sign_status_jwt(speaks, self._signer, list_uri(f"{self._origin}/status"))
            found.size, found.issued = size, now
        return found.signed

    def _stapled(self, licence: str, uri: str, head: SignedCheckpoint) -> bytes:
        """The list for a staple of this licence: it ends no later than what is recorded of it changes."""
        signed = self._signed(uri, head)
        until = standing_at(self._book, licence, format_time(self._clock())).until
        speaks = self._lists[uri].speaks
        if until is None or speaks is None or parse_time(until) >= speaks.expires_at:
            return signed
        ends = UnixSeconds(parse_time(until))
        return sign_status_list(replace(speaks, expires_at=ends, ttl=ends - speaks.issued_at), self._signer)

    def _uri(self, number: int) -> str:
        return f"{self._origin}/status/{number}"


def _speaking(uri: str, statuses: list[Status], head: SignedCheckpoint, now: int, until: int) -> StatusList:
    return StatusList(
        uri=uri,
        issued_at=UnixSeconds(now),
        expires_at=UnixSeconds(until),
        ttl=until - now,
        checkpoint=head.checkpoint,
        count=len(statuses),
        packed=pack(statuses),
    )


def _changes(reads: Reads, kind: str, first: int, end: int) -> Iterator[Record]:
    """Entries of a type from position ``first`` to ``end`` - 1."""
    after = first - 1
    while page := reads.search(Search(type=kind, after=after, limit=_PAGE)):
        yield from (record for record in page if record.position < end)
        after = page[-1].position
