"""Reading: entries as people look for them, and private values for those who may see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from api.accounts import Account
from api.services.errors import NotFound
from api.services.privacy import may_read
from api.services.voices import Voices
from ledger.log import Log
from ledger.store import Reads, Record, Search
from tallystick.admission import State
from tallystick.admission.state import CustodyState, ObjectState, custody_key
from tallystick.commitments import Disclosure, parse_disclosure
from tallystick.errors import MalformedInput
from tallystick.events.facts import CustodyAcceptance
from tallystick.identifiers import parse_identifier
from tallystick.lazy_dataclass import dataclass
from tallystick.schema import FieldError
from tallystick.statement import Statement, parse_statement


@dataclass(frozen=True)
class Found:
    """One entry. ``disclosures``: its private values by name, as far as the asker may see them and they were kept."""

    record: Record
    statement: Statement
    disclosures: Mapping[str, Disclosure] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """Entries in log order. ``next``: give it as ``after`` for the page after this; ``None`` at the end."""

    found: tuple[Found, ...]
    next: int | None


@dataclass(frozen=True)
class Subject:
    """What admission knows of an identifier, and where the log speaks of it (the first positions, and what follows)."""

    identifier: str
    state: State
    positions: tuple[int, ...]
    next: int | None


@dataclass(frozen=True)
class Custody:
    """Who keeps an object's bytes. ``last``: position of the latest custody entry, which the next one names.

    ``digest``: by that entry; without one, of the registration. ``waiting``: to whom a transfer hands over. ``ended``:
    position of the deaccession.
    """

    object: str
    custodian: str
    digest: str
    last: int | None
    waiting: str | None
    ended: int | None


class ReadingService:
    """Reads of what is recorded, published yet or not."""

    def __init__(self, log: Log, voices: Voices) -> None:
        self._log = log
        self._voices = voices

    def event(self, position: int, account: Account | None) -> Found:
        """Raises ``NotFound``."""
        with self._log.store.snapshot() as reads:
            record = reads.record(position)
            if record is None:
                raise NotFound(
                    f"no entry stands at position {position}", f"the log has {reads.size()} entries", "position"
                )
            return self._found(record, reads, account)

    def entry(self, position: int) -> bytes:
        """The exact bytes of an entry. Raises ``NotFound``."""
        return self.event(position, None).record.entry

    def events(self, search: Search, account: Account | None) -> Page:
        """One page."""
        with self._log.store.snapshot() as reads:
            records = reads.search(search)
            found = tuple(self._found(record, reads, account) for record in records)
        return Page(found, records[-1].position if len(records) == search.limit else None)

    def subject(self, identifier: str, after: int, limit: int) -> Subject:
        """Raises ``FieldError`` for a mistyped identifier, ``NotFound`` for one that was never registered."""
        try:
            parse_identifier(identifier)
        except MalformedInput as error:
            raise FieldError("identifier", str(error)) from None
        with self._log.store.snapshot() as reads:
            state = reads.get(identifier)
            records = reads.search(Search(subject=identifier, after=after, limit=limit))
        if state is None:
            raise NotFound(f"{identifier} is not registered here", "check the identifier and the log", "identifier")
        positions = tuple(record.position for record in records)
        return Subject(identifier, state, positions, positions[-1] if len(positions) == limit else None)

    def custody(self, object_id: str) -> Custody:
        """Raises ``NotFound``."""
        with self._log.store.snapshot() as reads:
            made = reads.get(object_id)
            registered = reads.record(made.position) if isinstance(made, ObjectState) else None
            if not isinstance(made, ObjectState) or registered is None:
                raise NotFound(
                    f"{object_id} is no object registered here", "check the identifier and the log", "object"
                )
            held = reads.get(custody_key(object_id))
            if not isinstance(held, CustodyState) or held.last is None:
                digest = parse_statement(registered.entry).event.body.digest
                return Custody(object_id, made.holder, digest, None, None, None)
            return Custody(object_id, held.custodian, _kept(reads, held.last), held.last, held.receiver, held.ended)

    def _found(self, record: Record, reads: Reads, account: Account | None) -> Found:
        statement = parse_statement(record.entry)
        if not statement.event.commitments or account is None or not may_read(self._voices, account, statement):
            return Found(record, statement)
        kept = reads.disclosures(record.position)
        return Found(record, statement, {name: parse_disclosure(text) for name, text in kept.items()})


def _kept(reads: Reads, position: int) -> str:
    """The digest that the custodian has by the custody entry at ``position``; an acceptance leaves it as it was."""
    (entry,) = reads.entries(position, position + 1)
    body = parse_statement(entry).event.body
    digest: str = _kept(reads, body.record) if isinstance(body, CustodyAcceptance) else body.after
    return digest
