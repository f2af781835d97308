"""What a case is about: the subjects whose entries must be anchored, and the objects that must be traceable."""

from __future__ import annotations

from dataclasses import dataclass

from tallystick.admission.state import DisputeState, JobState, LicenceState, ObjectState
from tallystick.case import CaseIndex
from tallystick.events.job import JobCompletion, JobRegistration
from tallystick.events.objects import ObjectRegistration
from tallystick.replay import Admitted, Replay


@dataclass(frozen=True)
class Focus:
    """subjects: whose entries the case rests on. objects: what must be traceable. missing: named, but not shown."""

    subjects: frozenset[str]
    objects: tuple[str, ...]
    missing: tuple[str, ...]


def focus_of(index: CaseIndex, replay: Replay) -> Focus:
    """The subject and what it is made of: an object's job, a licence's object, a job's outputs, a dispute's target."""
    found = _Walk(replay)
    found.visit(index.subject)
    return Focus(frozenset(found.subjects), tuple(found.objects), tuple(found.missing))


class _Walk:
    def __init__(self, replay: Replay) -> None:
        self.replay = replay
        self.subjects: set[str] = set()
        self.objects: list[str] = []
        self.missing: list[str] = []

    def visit(self, subject: str) -> None:
        """Add a subject and what it is made of, one step at a time (chains are as long as the log allows)."""
        waiting = [subject]
        while waiting:
            subject = waiting.pop()
            if subject in self.subjects:
                continue
            self.subjects.add(subject)
            waiting += self._named_by(subject)

    def _named_by(self, subject: str) -> list[str]:
        state = self.replay.state.get(subject)
        if isinstance(state, ObjectState):
            self.objects.append(subject)
            return [state.job] if state.job else []
        if isinstance(state, LicenceState):
            return [state.object]
        if isinstance(state, DisputeState):
            return [state.target]
        if isinstance(state, JobState):
            return list(outputs_of(self.replay, subject))
        if state is None:
            self.missing.append(subject)
        return []


def entries_about(replay: Replay, subject: str) -> list[Admitted]:
    """Admitted entries with that subject, in log order."""
    return [one for _, one in sorted(replay.admitted.items()) if one.placed.statement.event.subject == subject]


def registration(replay: Replay, subject: str) -> ObjectRegistration | None:
    """How the object was registered."""
    for one in entries_about(replay, subject):
        if one.placed.statement.event.type == "object.register":
            body: ObjectRegistration = one.placed.statement.event.body
            return body
    return None


def job_of(replay: Replay, job: str) -> JobRegistration | None:
    """How the job was registered."""
    for one in entries_about(replay, job):
        if one.placed.statement.event.type == "job.register":
            body: JobRegistration = one.placed.statement.event.body
            return body
    return None


def outputs_of(replay: Replay, job: str) -> tuple[str, ...]:
    """The objects that the job's completion lists."""
    for one in entries_about(replay, job):
        if one.placed.statement.event.type == "job.complete":
            body: JobCompletion = one.placed.statement.event.body
            return body.outputs
    return ()
