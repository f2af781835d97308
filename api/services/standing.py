"""How a certificate stands now, for anybody: nothing private, and as of which checkpoint it is said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from api.services.errors import NotFound
from api.services.gathering import records_of
from ledger.log import Log
from ledger.store import Reads, Record
from tallystick.admission.state import CertificateState, DisputeState, Taken, number_key
from tallystick.events.certificate import CertificateIssue
from tallystick.lazy_dataclass import dataclass
from tallystick.statement import parse_statement
from tallystick.times import format_time


@dataclass(frozen=True)
class Dispute:
    """A dispute about the certificate or its object."""

    dispute: str
    about: str
    claim: str
    status: str
    opened: str


@dataclass(frozen=True)
class Ending:
    """Why a certificate is not in force, since when, by the entry at which position."""

    position: int
    time: str
    superseded_by: str | None = None
    number: str | None = None
    reason: str | None = None
    corrected: tuple[str, ...] = ()
    grounds: str | None = None


@dataclass(frozen=True)
class Standing:
    """As of ``size`` entries at ``time``. ``published``: whether the newest checkpoint covers all that is said here."""

    certificate: str
    number: str
    object: str
    state: Literal["in-force", "superseded", "withdrawn"]
    position: int
    issued: str
    supersedes: str | None
    reason: str | None
    corrected: tuple[str, ...]
    ending: Ending | None
    disputes: tuple[Dispute, ...]
    size: int
    time: str
    published: bool


class StandingService:
    """Looks certificates up."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def of(self, name: str) -> Standing:
        """By identifier or by number. Raises ``NotFound``."""
        checkpoint = self._log.published.checkpoint().checkpoint
        with self._log.store.snapshot() as reads:
            certificate = _found(reads, name)
            state = reads.get(certificate)
            assert isinstance(state, CertificateState)  # as it was found
            issues = list(records_of(reads, subject=certificate, type="certificate.issue"))
            own = next(one for one in issues if one.subject == certificate)
            body: CertificateIssue = parse_statement(own.entry).event.body
            ending = None if state.status == "issued" else _ending(reads, certificate, issues)
            disputed = list(_disputes(reads, (certificate, state.object)))
            batch = reads.last_batch()
            told = [own.position, *([ending.position] if ending else []), *(last for _, last in disputed)]
            return Standing(
                certificate=certificate,
                number=state.number,
                object=state.object,
                state="in-force" if ending is None else "superseded" if ending.superseded_by else "withdrawn",
                position=own.position,
                issued=format_time(own.admitted_at),
                supersedes=body.supersedes,
                reason=body.reason,
                corrected=body.corrected or (),
                ending=ending,
                disputes=tuple(one for one, _ in disputed),
                size=reads.size(),
                time=format_time(batch.admitted_at if batch else own.admitted_at),
                published=max(told) < checkpoint.size,
            )


def _found(reads: Reads, name: str) -> str:
    # NUL has no place in a database's text, and so in no name.
    taken = reads.get(number_key(name)) if len(name) <= 80 and "\0" not in name else None
    certificate = taken.by if isinstance(taken, Taken) else name
    if len(certificate) > 80 or "\0" in certificate or not isinstance(reads.get(certificate), CertificateState):
        raise NotFound(
            f"no certificate of the number or identifier {name[:80]!r} was ever issued here",
            "compare it with the certificate, letter by letter",
            "certificate",
        )
    return certificate


def _ending(reads: Reads, certificate: str, issues: Iterable[Record]) -> Ending | None:
    """The entry that ended it: a successor, or its withdrawal, whichever came first."""
    found: list[Ending] = []
    for record in issues:
        event = parse_statement(record.entry).event
        if record.subject != certificate and event.body.supersedes == certificate:
            body: CertificateIssue = event.body
            found.append(
                Ending(
                    record.position,
                    format_time(record.admitted_at),
                    superseded_by=record.subject,
                    number=body.number,
                    reason=body.reason,
                    corrected=body.corrected or (),
                )
            )
    for record in records_of(reads, subject=certificate, type="certificate.withdraw"):
        grounds = parse_statement(record.entry).event.body.grounds
        found.append(Ending(record.position, format_time(record.admitted_at), grounds=grounds))
    return min(found, key=lambda one: one.position, default=None)


def _disputes(reads: Reads, about: Iterable[str]) -> Iterator[tuple[Dispute, int]]:
    """Each with the position of the last entry on which its status rests."""
    for subject in about:
        for record in records_of(reads, subject=subject, type="dispute.open"):
            event, state = parse_statement(record.entry).event, reads.get(record.subject)
            if event.body.target == subject:
                status = state.status if isinstance(state, DisputeState) else "open"
                opened = format_time(record.admitted_at)
                ends = (one.position for one in records_of(reads, subject=record.subject, type="dispute.resolve"))
                last = max(ends, default=record.position)
                yield Dispute(record.subject, subject, event.body.claim, status, opened), last
