"""Which entries a stranger needs to decide a case again: the subject's own, and those of all that they name.

The rules of admission read the state of what an entry names. So a bundle or a licence
file brings, for each subject named, that subject's own entries; the licences by which
a party used what another holds; the log's own entries; and the batch entry that closes
over each. Nothing at or beyond the size of the tree, in which it could not be shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import takewhile

from api.services.errors import TooLarge
from api.services.privacy import speaker_of
from ledger.store import Reads, Record, Search
from ledger.upkeep.erasing import ERASURE
from tallystick.admission.state import (
    LOG,
    CertificateState,
    Committed,
    DisputeState,
    JobState,
    LicenceState,
    LogState,
    ObjectState,
    PartyState,
    State,
    committed_key,
)
from tallystick.events.job import JobRegistration
from tallystick.events.kinds import SUBJECTS
from tallystick.events.objects import ObjectRegistration
from tallystick.identifiers import Identifier, Letter, letter_of
from tallystick.lazy_dataclass import dataclass
from tallystick.references import references
from tallystick.statement import Statement, parse_statement

_PAGE = 1000
_LOG_TYPES = ("log.key-set", "log.policy", "log.rotate", "log.freeze")
_TARGETS = "log.anchor-target"
_CAPABILITY_TYPES = tuple(kind for kind in SUBJECTS if kind.startswith("capability."))
_FILES = "credential.issue"
_SETTLEMENTS = frozenset({"settlement.record", "settlement.accept"})
"""These decide nothing about a licence: a case shows them, a file of the licence and its evidence do not."""
MOST_USED = 16
"""Licences of one object by which a party may have used it, all of which are shown: where there are more, one that
always was in force is enough. Whoever holds an object may grant without being asked.
"""
_PLATFORM = "platform.file"
_KEPT = ("capture.record", "capture.attest", "custody.record", "custody.accept")
"""What is said of an object's making and keeping: of the objects of the case alone, not of all that they rest on."""
TIME = "log.time"
_LOOK_BACK = (4 * 3600, 64 * 3600)
"""Seconds before an entry in which a proof of time is looked for first; there is one about every hour."""
_SAID_OF = ("certificate.issue", "dispute.open")
_LATER = ("licence.grant", *_SAID_OF)
"""What is said of a subject after it was registered, by entries that only name it. Its use in other works is not."""


@dataclass(frozen=True)
class Gathered:
    """Entries by position, ordered; ``focus``: the subjects that the case is about."""

    entries: dict[int, Statement]
    focus: frozenset[str] = frozenset()

    def of_type(self, kind: str) -> Iterator[tuple[int, Statement]]:
        """Entries of one event type."""
        return ((position, entry) for position, entry in self.entries.items() if entry.event.type == kind)


def gather_grant(reads: Reads, licence: str, size: int, limit: int) -> Gathered:
    """What decides a licence again. Raises ``TooLarge`` beyond ``limit`` entries."""
    return Grants(reads, size, limit).gather(licence)


class Grants:
    """As ``gather_grant``, of many licences in one snapshot: what several of them rest on is gathered once."""

    def __init__(self, reads: Reads, size: int, limit: int) -> None:
        self._reads, self._size, self._limit = reads, size, limit
        self._shared: dict[frozenset[str], dict[int, Statement]] = {}

    def gather(self, licence: str) -> Gathered:
        """Its own entries, and those of all that these name."""
        own = _Work(self._reads, self._size, self._limit, without=_SETTLEMENTS)
        named = own.add_own(licence)
        found = {**self._below(frozenset(named) - {licence}), **own.finished()}
        if len(found) > self._limit:
            raise _too_many(self._limit)
        return Gathered(dict(sorted(found.items())))

    def _below(self, subjects: frozenset[str]) -> dict[int, Statement]:
        known = self._shared.get(subjects)
        if known is None:
            work = _Work(self._reads, self._size, self._limit, without=_SETTLEMENTS)
            work.add_log(_LOG_TYPES)
            work.add_subjects(subjects)
            known = self._shared[subjects] = work.finished()
        return known


def gather_case(reads: Reads, subject: str, size: int, limit: int) -> Gathered:
    """What decides ``subject`` again, and what was said later: licences, certificates, disputes, the log's targets.

    Without the entries about signed files, which decide nothing: see ``add_files``. Where there is no room for all that
    was said later, by whomever, it is without the licences, then without any: else anybody who is registered could keep
    the subject from every court. Nor, where there is no room for these, what was settled, and what is said of the
    making and keeping of anything but the subject itself. Histories by the map then tell that it is not all.
    """
    focus = focus_of(reads, subject, size)
    try:
        work = _case(_Work(reads, size, limit), focus, focus)
    except TooLarge:
        spare = _case(_Work(reads, size, limit, without=_SETTLEMENTS), focus, {subject})
        return Gathered(spare.finished(), frozenset(focus))
    found = [record for record in records_of(reads, subject=subject) if record.type in _LATER]
    for kinds in (_LATER, _SAID_OF, ()):
        later = [record.subject for record in found if record.type in kinds]
        more = work.copy()
        try:
            more.add_subjects(later)
            for disputed in {*focus, *later} - {subject}:
                more.add_subjects(record.subject for record in records_of(reads, subject=disputed, type="dispute.open"))
        except TooLarge:
            continue
        return Gathered(more.finished(), frozenset({*focus, *later}))
    return Gathered(work.finished(), frozenset(focus))


def _case(work: _Work, focus: Iterable[str], kept: Iterable[str]) -> _Work:
    """What decides the ``focus`` again, and what is said of the making and keeping of those that are ``kept``."""
    work.add_log((*_LOG_TYPES, _TARGETS, _PLATFORM))
    work.add_subjects(focus)
    for record in work.kept(kept):
        work.add(record)
    work.close()
    return work


def files_about(reads: Reads, subjects: Iterable[str], size: int) -> list[Record]:
    """The entries about signed files of licences and certificates, in log order."""
    return sorted(
        (record for subject in subjects for record in file_records(reads, subject) if _shown(record, size)),
        key=lambda record: record.position,
    )


def file_records(reads: Reads, subject: str) -> list[Record]:
    """Every ``credential.issue`` of a licence or certificate, oldest first, published or not."""
    if letter_of(Identifier(subject)) not in (Letter.LICENCE, Letter.CERTIFICATE):
        return []
    return [
        record for record in records_of(reads, subject=subject) if (record.type, record.subject) == (_FILES, subject)
    ]


def is_kept_by(record: Record, log: State | None) -> bool:
    """Whether a file that is kept here under the digest of this entry is the subject's: where the service or the
    registrar issued it. A licensor may log any digest that he has read, also that of another's card.
    """
    statement = _parsed(record.entry)
    issuers = (log.service, log.registrar) if isinstance(log, LogState) else ()
    return statement.issuer in issuers and statement.event.recorded_for is None


def kept_records(reads: Reads, subject: str) -> list[Record]:
    """As ``file_records``, of files that may be kept here."""
    log = reads.get(LOG)
    return [record for record in file_records(reads, subject) if is_kept_by(record, log)]


def add_files(reads: Reads, found: Gathered, records: Iterable[Record], size: int, limit: int) -> Gathered:
    """``found`` with entries about signed files, and what these need."""
    work = _Work(reads, size, limit, dict(found.entries))
    for record in records:
        work.add(record)
    work.close()
    return Gathered(work.finished(), found.focus)


class _Work:
    """Entries found so far, and the subjects whose entries are still to be found."""

    def __init__(
        self,
        reads: Reads,
        size: int,
        limit: int,
        found: dict[int, Statement] | None = None,
        without: frozenset[str] = frozenset(),
    ) -> None:
        self._reads = reads
        self._size = size
        self._limit = limit
        self._without = without | {_FILES}
        self._found: dict[int, Statement] = found or {}
        self._asked: set[str] = set()
        self._waiting: list[str] = []
        self._erasures_of: dict[str, dict[int, list[int]]] = {}

    def copy(self) -> _Work:
        """The same, to go on with; nothing may wait."""
        other = _Work(self._reads, self._size, self._limit, dict(self._found), self._without)
        other._asked = set(self._asked)
        other._erasures_of = self._erasures_of
        return other

    def add_log(self, kinds: Iterable[str]) -> None:
        """The log's entries about itself."""
        for kind in kinds:
            for record in records_of(self._reads, type=kind):
                self.add(record)

    def add_subjects(self, subjects: Iterable[str]) -> None:
        """The entries of these subjects, and of all that they name."""
        self._waiting += subjects
        self.close()

    def add_own(self, subject: str) -> list[str]:
        """The entries of this subject alone; the subjects that they name."""
        for record in self._own(subject):
            self.add(record)
        return self._waiting

    def kept(self, subjects: Iterable[str]) -> Iterator[Record]:
        """What is said of the making and keeping of the objects among them."""
        for subject in sorted(subjects):
            if letter_of(Identifier(subject)) is Letter.OBJECT:
                for kind in _KEPT:
                    found = records_of(self._reads, subject=subject, type=kind)
                    yield from (record for record in found if record.subject == subject)

    def add(self, record: Record) -> None:
        """One entry with the batch entry that closes over it; ``close`` finds what it rests on."""
        if record.position in self._found or not _shown(record, self._size):
            return
        statement = self._keep(record.position, record.entry)
        if record.batch not in self._found:
            (closing,) = self._reads.entries(record.batch, record.batch + 1)
            self._keep(record.batch, closing)
        self._waiting += references(statement)
        self._waiting += self._licences_used(statement, record.position)
        for erasure in self._erasures(statement, record.position):
            self.add(erasure)

    def close(self) -> None:
        """Find the entries of every subject that was named."""
        while self._waiting:
            subject = self._waiting.pop()
            if subject not in self._asked:
                self._asked.add(subject)
                for record in self._own(subject):
                    self.add(record)

    def finished(self) -> dict[int, Statement]:
        """In log order."""
        return dict(sorted(self._found.items()))

    def _keep(self, position: int, entry: bytes) -> Statement:
        if len(self._found) >= self._limit:
            raise _too_many(self._limit)
        self._found[position] = _parsed(entry)
        return self._found[position]

    def _own(self, subject: str) -> Iterator[Record]:
        """The entries about a subject. Not all that name it: a party is named by all that it ever said."""
        letter, state = letter_of(Identifier(subject)), self._reads.get(subject)
        if isinstance(state, ObjectState):
            yield from self._at(state.position)
        elif isinstance(state, PartyState):
            yield from self._party(subject, state)
        elif letter is Letter.CAPABILITY:
            for kind in _CAPABILITY_TYPES:
                yield from (
                    one for one in records_of(self._reads, subject=subject, type=kind) if one.subject == subject
                )
        elif state is not None:
            for record in records_of(self._reads, subject=subject):
                if record.subject == subject and record.type not in self._without:
                    yield record

    def _party(self, party: str, state: PartyState) -> Iterator[Record]:
        """Its registration, which comes before all else that it is named in, and the entries about its keys."""
        # Most often the very first; there may be a million after it.
        for record in records_of(self._reads, subject=party, page=1):
            if record.type in ("party.register", "log.key-set"):
                yield record
                break
        for position in {key.added for key in state.keys} | {key.revoked for key in state.keys if key.revoked}:
            yield from self._at(position)

    def _at(self, position: int) -> Iterator[Record]:
        record = self._reads.record(position)
        if record is not None:
            yield record

    def _erasures(self, statement: Statement, position: int) -> Iterator[Record]:
        """The entries that say which of its private values were erased: a court must learn that they are gone."""
        held = self._reads.get(committed_key(position))
        # Of entries under rules version 1 no state says which values they have.
        if statement.event.commitments and not (isinstance(held, Committed) and not held.erased):
            for erased in self._erased(statement.event.subject).get(position, ()):
                yield from self._at(erased)

    def _erased(self, subject: str) -> dict[int, list[int]]:
        """Where what was said about a subject was erased: positions by that of the entry. Read once for them all."""
        if subject not in self._erasures_of:
            found = self._erasures_of[subject] = dict[int, list[int]]()
            for record in records_of(self._reads, subject=subject, type=ERASURE):
                found.setdefault(parse_statement(record.entry).event.body.position, []).append(record.position)
        return self._erasures_of[subject]

    def _licences_used(self, statement: Statement, position: int) -> Iterator[str]:
        """Licences by which the speaker uses what another holds: the rules look them up, no entry names them.

        From the grants themselves: what admission remembers of rights is without those that ended since.
        """
        speaker = speaker_of(statement)
        for used in _used(statement.event.body):
            state = self._reads.get(used)
            if isinstance(state, ObjectState) and state.holder != speaker:
                before = takewhile(lambda one: one.position < position, records_of(self._reads, subject=used))
                found = [one for one in before if one.type == "licence.grant" and self._ever_held(one, speaker)]
                if len(found) > MOST_USED:
                    found = next(([one] for one in found if self._always_stood(one, used, speaker)), found)
                yield from (one.subject for one in found)

    def _always_stood(self, granted: Record, used: str, party: str) -> bool:
        """Whether the licence alone shows that the party may use the object since it was granted."""
        state, body = self._reads.get(granted.subject), parse_statement(granted.entry).event.body
        if not isinstance(state, LicenceState) or (state.parent, state.pointer) != (None, body.status):
            return False
        if (state.object, state.holder) != (used, party):
            return False
        return not self._reads.search(Search(subject=granted.subject, type="licence.status", limit=1))

    def _ever_held(self, granted: Record, party: str) -> bool:
        """Whether the licence was granted to the party, or transferred to it since."""
        body = parse_statement(granted.entry).event.body
        if body.holder == party:
            return True
        state = self._reads.get(granted.subject)
        if not isinstance(state, LicenceState) or state.pointer == body.status:
            return False  # no transfer leaves the status where it was
        moved = records_of(self._reads, subject=granted.subject, type="licence.transfer")
        return any(parse_statement(record.entry).event.body.to == party for record in moved)


def _too_many(limit: int) -> TooLarge:
    return TooLarge(
        f"this rests on more than {limit} entries of the log",
        "ask for a part of it: an object or job further up in the workflow",
    )


@lru_cache(maxsize=2048)
def _parsed(entry: bytes) -> Statement:
    """Many cases rest on the same few entries: parties, objects, the log's own."""
    return parse_statement(entry)


def _used(body: object) -> Iterable[str]:
    """Objects of which the rules ask whether the speaker may use them, each once."""
    used: Iterable[str] = ()
    if isinstance(body, ObjectRegistration):
        used = (basis.subject for basis in body.basis if basis.kind == "object" and basis.subject is not None)
    if isinstance(body, JobRegistration):
        used = (item.object for item in body.inputs)
    return dict.fromkeys(used)


def focus_of(reads: Reads, subject: str, size: int) -> set[str]:
    """The subject and what it is made of, as the verifier will see it (``tallystick.verify.focus``)."""
    found: set[str] = set()
    waiting = [subject]
    while waiting:
        asked = waiting.pop()
        if asked in found:
            continue
        found.add(asked)
        match reads.get(asked):
            case ObjectState(job=str(job)):
                waiting.append(job)
            case LicenceState(object=licensed, parent=parent):
                waiting += [licensed] if parent is None else [licensed, parent]
            case CertificateState(object=licensed):
                waiting.append(licensed)
            case DisputeState(target=target):
                waiting.append(target)
            case JobState():
                waiting += _outputs(reads, asked, size)
    return found


def _outputs(reads: Reads, job: str, size: int) -> Iterator[str]:
    for record in records_of(reads, subject=job):
        if (record.type, record.subject) == ("job.complete", job) and _shown(record, size):
            yield from parse_statement(record.entry).event.body.outputs


def _shown(record: Record, size: int) -> bool:
    # A batch entry beyond the tree could not be shown in it, nor what it closes over.
    return record.position < size and record.batch < size


def times_before(reads: Reads, position: int) -> list[Record]:
    """The latest round of ``log.time`` before the entry at ``position``, with which all after it are dated."""
    entry = reads.record(position)
    if entry is None:
        return []
    for seconds in (*_LOOK_BACK, None):
        since = None if seconds is None else entry.admitted_at - seconds
        search = records_of(reads, type=TIME, since=since)
        found = list(takewhile(lambda one: one.position < position, search))
        if found:
            return [one for one in found if one.batch == found[-1].batch]
    return []


def add_times(reads: Reads, found: Gathered, size: int, limit: int) -> Gathered:
    """``found`` with the ``log.time`` entries that date the first and the last entry about the case from below."""
    about = [position for position, entry in found.entries.items() if entry.event.subject in found.focus]
    records = [record for position in {*about[:1], *about[-1:]} for record in times_before(reads, position)]
    return add_files(reads, found, records, size, limit)


def records_of(
    reads: Reads,
    *,
    subject: str | None = None,
    type: str | None = None,
    since: int | None = None,
    after: int = -1,
    page: int = _PAGE,
) -> Iterator[Record]:
    """Every record that meets the conditions, in log order, read by the page."""
    while found := reads.search(Search(subject=subject, type=type, since=since, after=after, limit=page)):
        yield from found
        if len(found) < page:
            return
        after = found[-1].position
