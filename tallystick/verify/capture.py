"""Step 15: what is said of how an object came about, factor by factor, held against the rest of the log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import Any

from tallystick.events.facts import CaptureAttestation, CaptureRecord, Notary
from tallystick.events.objects import ObjectRegistration
from tallystick.lazy_dataclass import dataclass
from tallystick.replay import Admitted
from tallystick.times import parse_time
from tallystick.verify.examination import Examination
from tallystick.verify.outcome import Finding, Tally, time_text

FACTORS = ("source", "generation", "storage", "notary", "witness", "corroboration")
"""Of article 18 of the Online Litigation Rules, in its order."""
TOLERANCE = 300
"""Seconds by which times of different clocks may differ."""
DAY = 86_400
_SOURCES = frozenset({"operator", "device", "place"})


@dataclass(frozen=True)
class _Told:
    """A record with what others say of it; ``faults``: (factor, what does not agree)."""

    one: Admitted
    object: ObjectRegistration
    registered_at: int
    job_at: int | None
    attested: tuple[Admitted, ...]

    @property
    def body(self) -> CaptureRecord:
        body: CaptureRecord = self.one.placed.statement.event.body
        return body

    @property
    def private(self) -> set[str]:
        return set(self.one.placed.statement.event.commitments)

    @property
    def counted(self) -> tuple[Admitted, ...]:
        """The attestations of others than the record's party and the registrar, by keys of their own."""
        author = self.one.admission.actor.party
        actors = ((one, one.admission.actor) for one in self.attested)
        return tuple(one for one, actor in actors if actor.role is None and actor.party != author)

    def factors(self) -> set[str]:
        """What it says something about."""
        body, roles = self.body, {_attestation(one).role for one in self.counted}
        said = {
            "source": bool(body.clocks or self.private & _SOURCES),
            "generation": any((body.tool, body.environment, body.model, body.parameters)) or "prompt" in self.private,
            "storage": body.stored is not None,
            "notary": body.notary is not None or "notary" in roles,
            "witness": "witness" in roles,
            "corroboration": bool(body.related) or bool(self.object.generation and body.model and body.parameters),
        }
        return {factor for factor, found in said.items() if found}

    def faults(self) -> Iterator[tuple[str, str]]:
        """What does not agree, with the factor that it belongs to."""
        yield from (("source", fault) for fault in self._source())
        yield from (("generation", fault) for fault in self._generation())
        yield from (("storage", fault) for fault in self._storage())
        yield from (("notary", fault) for fault in self._notary())

    def _source(self) -> Iterator[str]:
        started, ended = parse_time(self.body.started), parse_time(self.body.ended)
        for clock in self.body.clocks:
            if abs(clock.offset) > TOLERANCE * 1000:
                yield "clock-offset"
            if not started - DAY <= parse_time(clock.at) <= ended + DAY:
                yield "clock-apart"

    def _generation(self) -> Iterator[str]:
        body, made = self.body, self.object.generation
        if (body.method == "generation") != (self.object.origin == "generated"):
            yield "method"
        if parse_time(body.ended) > self.registered_at + TOLERANCE:
            yield "late"
        if self.job_at is not None and parse_time(body.started) < self.job_at - TOLERANCE:
            yield "early"
        if made is None:
            if body.model is not None or body.parameters is not None:
                yield "model"
            return
        expected = (made.capability, made.version, made.model_signature)
        if body.model and (body.model.capability, body.model.version, body.model.signature) != expected:
            yield "model"
        if body.parameters is not None and body.parameters != made.parameters:
            yield "parameters"
        if body.environment is not None and body.environment != made.environment:
            yield "environment"

    def _storage(self) -> Iterator[str]:
        stored = self.body.stored
        if stored is None:
            return
        if stored.digest != self.object.digest and "edits" not in self.private:
            yield "bytes"
        if stored.at < self.body.started or parse_time(stored.at) > self.registered_at + TOLERANCE:
            yield "stored-apart"

    def _notary(self) -> Iterator[str]:
        named = self.body.notary
        if named is None:
            return
        if parse_time(named.at) < parse_time(self.body.started) - TOLERANCE:
            yield "notary-early"
        for one in self.attested:
            said = _attestation(one)
            if said.role != "notary":
                continue
            if said.statement is not None and said.statement != named.statement:
                yield "notary-document"
            if named.party is not None and one.admission.actor.party != named.party:
                yield "notary-party"

    def notary_alone(self) -> bool:
        """Whether a notary is named, and the very party that is named did not say so itself of the very document."""
        named = self.body.notary
        return named is not None and not any(self._confirms(named, one) for one in self.counted)

    @staticmethod
    def _confirms(named: Notary, one: Admitted) -> bool:
        said, party = _attestation(one), one.admission.actor.party
        return said.role == "notary" and named.party == party and said.statement == named.statement


@dataclass
class _Sum:
    """Positions by factor, of what is said and of what does not agree."""

    said: dict[str, list[int]] = field(default_factory=dict)
    faults: dict[str, list[tuple[int, str]]] = field(default_factory=dict)


def records(ex: Examination) -> list[Admitted]:
    """The capture records about objects of the case, in log order."""
    return [one for one in ex.about if one.placed.statement.event.type == "capture.record"]


def check_capture(ex: Examination) -> Finding:
    """Each record about an object of the case, and each factor of article 18: present, absent or inconsistent."""
    tally, total = Tally(), _Sum()
    told = records(ex)
    if not told:
        tally.lacks("capture.none")
        return tally.finding()
    attests: dict[int, list[Admitted]] = {}
    for one in ex.about:
        if one.placed.statement.event.type == "capture.attest":
            attests.setdefault(_attestation(one).record, []).append(one)
    ex.facts["capture"] = [_record(ex, tally, total, attests, one) for one in told]
    ex.facts["factors"] = [*ex.facts.get("factors", []), *(_factor(tally, total, name) for name in FACTORS)]
    for subject in sorted(set(ex.focus.objects) - {one.placed.statement.event.subject for one in told}):
        tally.needs("capture.none-of", object=subject)
    return tally.finding()


def _record(
    ex: Examination, tally: Tally, total: _Sum, attests: dict[int, list[Admitted]], one: Admitted
) -> dict[str, Any]:
    event, position = one.placed.statement.event, one.placed.position
    registered = entry_of(ex, event.subject, "object.register")
    body: ObjectRegistration = registered.placed.statement.event.body
    job = entry_of(ex, body.generation.job, "job.register") if body.generation else None
    attested = tuple(attests.get(position, ()))
    told = _Told(one, body, registered.admitted_at, job.admitted_at if job else None, attested)
    party = one.admission.actor.party
    note = tally.shows if signed(one) else tally.needs
    note(
        "capture.signed" if signed(one) else "capture.recorded",
        position=position, object=event.subject, party=party, started=told.body.started, ended=told.body.ended,
        time=time_text(one.admitted_at),
    )  # fmt: skip
    for factor in sorted(told.factors(), key=FACTORS.index):
        total.said.setdefault(factor, []).append(position)
    for factor, fault in told.faults():
        total.faults.setdefault(factor, []).append((position, fault))
        tally.contradicts(f"capture.{fault}", position=position, object=event.subject)
    for other in attested:
        note = tally.shows if signed(other) else tally.needs
        note(
            "capture.attested" if signed(other) else "capture.attested-for",
            position=position, entry=other.placed.position, party=other.admission.actor.party,
        )  # fmt: skip
    if told.notary_alone():
        tally.needs("capture.notary-alone", position=position)
    return {
        "position": position,
        "object": event.subject,
        "party": party,
        "signed": signed(one),
        "method": told.body.method,
        "started": told.body.started,
        "ended": told.body.ended,
        "recorded_at": time_text(one.admitted_at),
        "attested": [
            {
                "position": other.placed.position,
                "party": other.admission.actor.party,
                "role": _attestation(other).role,
                "signed": signed(other),
            }
            for other in attested
        ],
    }


def _factor(tally: Tally, total: _Sum, name: str) -> dict[str, Any]:
    faults = total.faults.get(name, [])
    state = "inconsistent" if faults else "present" if name in total.said else "absent"
    positions = sorted({*total.said.get(name, []), *(position for position, _ in faults)})
    if state != "inconsistent":
        tally.shows(f"factor.{name}.{state}", positions=", ".join(map(str, positions)))
    detail = ", ".join(dict.fromkeys(fault for _, fault in faults))
    return {"article": 18, "factor": name, "state": state, "positions": positions, "detail": detail}


def entry_of(ex: Examination, subject: str, kind: str) -> Admitted:
    """The entry of that type that introduced the subject: rules admitted what rests on it, so it is there."""
    return next(one for one in ex.history.about(subject) if one.placed.statement.event.type == kind)


def _attestation(one: Admitted) -> CaptureAttestation:
    body: CaptureAttestation = one.placed.statement.event.body
    return body


def signed(one: Admitted) -> bool:
    """Whether the party signed with a key of its own, rather than had the service record it."""
    return one.admission.actor.role in (None, "registrar")
