"""Which entries a stranger needs to decide a case again: the subject's history, and the history of all that it names.

The rules of admission read the state of what an entry names, so a bundle or a
licence file brings, for each subject named, that subject's own entries; the
log's own entries; and the batch entry that closes over each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ledger.store import Reads, Record, Search
from tallystick.admission.state import ObjectState
from tallystick.events.kinds import SUBJECTS
from tallystick.events.licence import LicenceGrant
from tallystick.identifiers import Identifier, Letter, letter_of
from tallystick.references import references
from tallystick.statement import Statement, parse_statement

_LOG_TYPES = ("log.key-set", "log.policy", "log.anchor-target")
_PAGE = 1000


@dataclass(frozen=True)
class Gathered:
    """Entries by position, ordered."""

    entries: dict[int, Statement]

    def of_type(self, kind: str) -> Iterator[tuple[int, Statement]]:
        """Entries of one event type."""
        return ((position, entry) for position, entry in self.entries.items() if entry.event.type == kind)


def gather(reads: Reads, subjects: Iterable[str], size: int, *, later_events: bool) -> Gathered:
    """Everything below ``size`` on ``subjects``.

    ``later_events``: also every entry that names one of them (licences, certificates,
    disputes, uses), not only those that are about them.
    """
    found: dict[int, Statement] = {0: _entry(reads, 0), 1: _entry(reads, 1)}
    batches: set[int] = set()
    asked: set[str] = set()
    waiting = list(subjects)
    focus = frozenset(waiting) if later_events else frozenset()
    for kind in _LOG_TYPES:
        _take(_search(reads, size, type=kind), found, batches)
    while waiting:
        subject = waiting.pop()
        if subject in asked:
            continue
        asked.add(subject)
        records = _search(reads, size, subject=subject) if subject in focus else _history(reads, subject, size)
        for statement in _take(records, found, batches):
            waiting += references(statement)
            waiting += _licences_used(reads, statement, size)
    batches |= {batch.position for batch in (reads.batch_of(0), reads.batch_of(1)) if batch is not None}
    found |= {position: _entry(reads, position) for position in batches}
    return Gathered(dict(sorted(found.items())))


def _take(records: Iterable[Record], found: dict[int, Statement], batches: set[int]) -> list[Statement]:
    taken = []
    for record in records:
        if record.position not in found:
            found[record.position] = parse_statement(record.entry)
        batches.add(record.batch)
        taken.append(found[record.position])
    return taken


def _history(reads: Reads, subject: str, size: int) -> Iterator[Record]:
    """The entries whose subject this is: by type, since a party is *named* by all that it ever said."""
    letter = letter_of(Identifier(subject))
    for kind, letters in SUBJECTS.items():
        if letter in letters:
            for record in _search(reads, size, subject=subject, type=kind):
                if record.subject == subject:
                    yield record


def _licences_used(reads: Reads, statement: Statement, size: int) -> Iterator[str]:
    """Licences by which the speaker may use another's object: the rules look them up, no entry names them."""
    recorded = statement.event.recorded_for
    speaker = recorded.party if recorded else statement.issuer
    if statement.event.type not in ("object.register", "job.register"):
        return
    for named in references(statement):
        if letter_of(Identifier(named)) is not Letter.OBJECT:
            continue
        state = reads.get(named)
        if not isinstance(state, ObjectState) or state.holder == speaker:
            continue
        for record in _search(reads, size, subject=named, type="licence.grant"):
            body: LicenceGrant = parse_statement(record.entry).event.body
            if body.holder == speaker:
                yield record.subject


def _search(reads: Reads, size: int, *, subject: str | None = None, type: str | None = None) -> Iterator[Record]:
    after = -1
    while True:
        page = reads.search(Search(subject=subject, type=type, after=after, limit=_PAGE))
        for record in page:
            # A batch entry beyond the tree could not be shown in it.
            if record.position < size and record.batch < size:
                yield record
        if len(page) < _PAGE:
            return
        after = page[-1].position


def _entry(reads: Reads, position: int) -> Statement:
    (entry,) = reads.entries(position, position + 1)
    return parse_statement(entry)
