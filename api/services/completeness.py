"""Completeness: which registered objects are bound and complete, recomputed from the entries of the log.

Admission lets no incomplete object in. This check believes neither admission nor
its states: it reads each object's entry, and the entries of what that names, again.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass

from ledger.log import Log
from ledger.store import Reads, Record, Search
from tallystick.errors import MalformedInput
from tallystick.events.capability import CapabilityFiling
from tallystick.events.job import PARAMETERS, JobRegistration
from tallystick.events.objects import Basis, Generation, ObjectRegistration
from tallystick.modelsig import fingerprint
from tallystick.statement import Statement, parse_statement

STEP = 500
"""Objects looked at in one go."""

PAUSE = 2.0
"""Seconds to wait once every object has been looked at."""

NAMED = 100
"""Incomplete objects that are named; the others are counted."""

_REGISTRATION = {"object": "object.register", "licence": "licence.grant", "job": "job.register"}


@dataclass(frozen=True)
class Incomplete:
    """An object that lacks part of the minimum traceability set, and what."""

    position: int
    subject: str
    problem: str


@dataclass(frozen=True)
class Completeness:
    """``checked``: objects up to and with this position were looked at (-1: none yet)."""

    objects: int
    complete: int
    checked: int
    incomplete: tuple[Incomplete, ...]

    @property
    def share(self) -> float:
        """Complete objects by all; 1 when there are none."""
        return self.complete / self.objects if self.objects else 1.0


class CompletenessCheck:
    """Goes on from where it was: entries never change."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._found = Completeness(0, 0, -1, ())

    def advance(self, objects: int = STEP) -> Completeness:
        """Look at up to ``objects`` more, and say what is known then."""
        with self._lock, self._log.store.snapshot() as reads:
            records = reads.search(Search(type="object.register", after=self._found.checked, limit=objects))
            found = [(record, problem_of(record, reads)) for record in records]
            bad = tuple(Incomplete(record.position, record.subject, problem) for record, problem in found if problem)
            self._found = Completeness(
                self._found.objects + len(found),
                self._found.complete + len(found) - len(bad),
                records[-1].position if records else self._found.checked,
                (self._found.incomplete + bad)[:NAMED],
            )
            return self._found

    async def run(self) -> None:
        """Keep up with the log, a step at a time, for ever."""
        while True:
            before = self._found.checked
            found = await asyncio.to_thread(self.advance)
            await asyncio.sleep(0 if found.checked > before else PAUSE)


def problem_of(record: Record, reads: Reads) -> str | None:
    """What an object's entry lacks, or ``None``."""
    try:
        statement = parse_statement(record.entry)
    except MalformedInput as error:
        return str(error)
    body: ObjectRegistration = statement.event.body
    problems = [_basis_problem(basis, record.position, reads) for basis in body.basis]
    if body.origin == "generated" or body.generation is not None:
        problems.append(_generation_problem(body, record.position, reads))
    return next((problem for problem in problems if problem), None)


def _basis_problem(basis: Basis, position: int, reads: Reads) -> str | None:
    if basis.kind == "declared":
        return None if basis.declaration else "a basis is declared without saying which"
    if basis.subject is None or _registration(_REGISTRATION[basis.kind], basis.subject, position, reads) is None:
        return f"its basis {basis.kind} {basis.subject} is not registered before it"
    return None


def _generation_problem(body: ObjectRegistration, position: int, reads: Reads) -> str | None:
    said = body.generation
    if said is None:
        return "it is generated and does not say how"
    job = _registration("job.register", said.job, position, reads)
    if job is None:
        return f"its job {said.job} is not registered before it"
    registered: JobRegistration = job.event.body
    filing = _registration("capability.file", registered.capability, position, reads)
    parameters = job.event.commitments.get(PARAMETERS)
    if filing is None or parameters is None:
        return f"its job {said.job} names no filed capability, or commits to no parameters"
    filed: CapabilityFiling = filing.event.body
    signature = fingerprint(filed.model_signature)
    known = Generation(said.job, registered.capability, filed.version, signature, parameters, registered.environment)
    return None if said == known else f"what it says of its generation is not what its job {said.job} says"


def _registration(kind: str, subject: str, before: int, reads: Reads) -> Statement | None:
    """The entry that brought ``subject`` into being: of those that name it, the first of this kind."""
    for record in reads.search(Search(subject=subject, type=kind, limit=1)):
        if record.subject == subject and record.position < before:
            return parse_statement(record.entry)
    return None
