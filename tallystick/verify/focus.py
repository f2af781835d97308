"""What a case is about: the subjects whose entries must be anchored, and the objects that must be traceable."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from tallystick.admission.state import CertificateState, DisputeState, JobState, LicenceState, ObjectState, State
from tallystick.case import CaseIndex
from tallystick.events.job import JobRegistration
from tallystick.events.objects import ObjectRegistration
from tallystick.lazy_dataclass import dataclass
from tallystick.replay import Admitted, Replay


class History:
    """Admitted entries by subject, in log order."""

    def __init__(self, replay: Replay) -> None:
        self._state = replay.state
        self._about: dict[str, list[Admitted]] = {}
        for _, one in sorted(replay.admitted.items()):
            self._about.setdefault(one.placed.statement.event.subject, []).append(one)

    def about(self, subject: str) -> list[Admitted]:
        """Entries with that subject."""
        return self._about.get(subject, [])

    def state(self, subject: str) -> State | None:
        """What the entries made of it."""
        return self._state.get(subject)

    def registration(self, subject: str) -> ObjectRegistration | None:
        """How the object was registered."""
        body: ObjectRegistration | None = self._body(subject, "object.register")
        return body

    def job(self, subject: str) -> JobRegistration | None:
        """How the job was registered."""
        body: JobRegistration | None = self._body(subject, "job.register")
        return body

    def outputs(self, job: str) -> tuple[str, ...]:
        """The objects that the job's completion lists."""
        body = self._body(job, "job.complete")
        return () if body is None else tuple(body.outputs)

    def _body(self, subject: str, kind: str) -> Any:
        for one in self.about(subject):
            if one.placed.statement.event.type == kind:
                return one.placed.statement.event.body
        return None


@dataclass(frozen=True)
class Focus:
    """subjects: whose entries the case rests on. objects: what must be traceable. missing: named, but not shown."""

    subjects: frozenset[str]
    objects: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass
class _Walk:
    history: History
    subjects: set[str] = field(default_factory=set)
    objects: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def named_by(self, subject: str) -> list[str]:
        """What a subject is made of; notes objects, and what is not shown."""
        state = self.history.state(subject)
        if isinstance(state, ObjectState):
            self.objects.append(subject)
            return [state.job] if state.job else []
        if isinstance(state, LicenceState):
            return [state.object] if state.parent is None else [state.object, state.parent]
        if isinstance(state, CertificateState):
            return [state.object]
        if isinstance(state, DisputeState):
            return [state.target]
        if isinstance(state, JobState):
            return list(self.history.outputs(subject))
        if state is None:
            self.missing.append(subject)
        return []


def focus_of(index: CaseIndex, history: History) -> Focus:
    """The subject and what it is made of: an object's job, a licence's or certificate's
    object, a job's outputs, a dispute's target.
    """
    walk = _Walk(history)
    waiting = [index.subject]
    while waiting:
        subject = waiting.pop()
        if subject not in walk.subjects:
            walk.subjects.add(subject)
            waiting += walk.named_by(subject)
    return Focus(frozenset(walk.subjects), tuple(walk.objects), tuple(walk.missing))
