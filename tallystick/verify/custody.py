"""Step 16: who kept an object's bytes from its registration to the export, and whether they stayed the same."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from tallystick.events.facts import CustodyAcceptance, CustodyRecord
from tallystick.lazy_dataclass import dataclass
from tallystick.replay import Admitted
from tallystick.times import parse_time
from tallystick.verify.capture import TOLERANCE, entry_of, signed
from tallystick.verify.examination import Examination
from tallystick.verify.outcome import Finding, Tally, time_text

_TYPES = ("custody.record", "custody.accept")
EXPORT = "dis"
"""Term of PREMIS for the last line: dissemination."""


def entries(ex: Examination) -> list[Admitted]:
    """The custody entries about objects of the case, in log order."""
    return [one for one in ex.about if one.placed.statement.event.type in _TYPES]


def check_custody(ex: Examination) -> Finding:
    """The chain of each object of the case that has one."""
    tally = Tally()
    lines: list[dict[str, Any]] = []
    told: dict[str, list[Admitted]] = {}
    for one in entries(ex):
        told.setdefault(one.placed.statement.event.subject, []).append(one)
    if not told:
        tally.lacks("custody.none")
        return tally.finding()
    for subject in sorted(ex.focus.objects):
        if subject not in told:
            tally.needs("custody.none-of", object=subject)
            continue
        registered = entry_of(ex, subject, "object.register")
        digest: str = registered.placed.statement.event.body.digest
        chain = _Chain(tally, subject, digest, registered.admitted_at)
        for one in told[subject]:
            chain.add(one)
        chain.end(len(told[subject]))
        lines += [*chain.lines, _export(ex, chain, digest)]
    ex.facts["custody"] = lines
    return tally.finding()


@dataclass
class _Chain:
    """One object's chain as far as it was followed. current: the digest that its custodian has; good: the last that
    nobody said was damaged; waiting: a transfer that nobody accepted yet; broken: where damage was told; ended: where
    it was given up; unsigned: entries that the service recorded for their custodian.
    """

    tally: Tally
    subject: str
    current: str
    registered_at: int
    good: str = ""
    last: str = ""
    waiting: Admitted | None = None
    broken: int | None = None
    ended: int | None = None
    faults: int = 0
    unsigned: list[int] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.good = self.current

    def add(self, one: Admitted) -> None:
        body, faults = one.placed.statement.event.body, self.faults
        if body.at < self.last:
            self._wrong("custody.backwards", one, before=self.last, at=body.at)
        elif parse_time(body.at) < self.registered_at - TOLERANCE:
            self._wrong("custody.backwards", one, before=time_text(self.registered_at), at=body.at)
        self.last, self.ended = max(self.last, body.at), None
        if not signed(one):
            self.unsigned.append(one.placed.position)
        if isinstance(body, CustodyRecord):
            self._record(one, body)
            before, after, event, receiver = body.before, body.after, body.event, body.receiver
        else:
            before, after, event, receiver = self._accept(one, body), body.digest, "tra", None
        self.lines.append(
            {
                "position": one.placed.position,
                "at": body.at,
                "event": event,
                "agent": body.agent if isinstance(body, CustodyRecord) else "",
                "object": self.subject,
                "before": before,
                "after": after,
                "outcome": body.outcome,
                "party": one.admission.actor.party,
                "receiver": receiver,
                "signed": signed(one),
                "continuous": self.faults == faults and self.broken is None,
            }
        )

    def _record(self, one: Admitted, body: CustodyRecord) -> None:
        if self.waiting is not None:
            self.tally.shows("custody.kept", position=self.waiting.placed.position, object=self.subject)
        if body.before != self.current:
            self._wrong("custody.digest", one, expected=self.current, found=body.before)
        if (body.event, body.outcome) == ("fix", "fai"):
            self.broken = one.placed.position
        elif body.after != body.before:
            self._change(one, body)
        elif body.outcome == "fai":
            self.tally.shows("custody.failed", position=one.placed.position, object=self.subject)
        if body.event in ("fix", "rec") and (body.outcome, body.after) == ("suc", self.good):
            self._mend(one)
        if (body.event, body.outcome) == ("dea", "suc"):
            self.ended = one.placed.position
        self.current = body.after
        self.waiting = one if body.receiver is not None and body.outcome == "suc" else None

    def _change(self, one: Admitted, body: CustodyRecord) -> None:
        place = {"position": one.placed.position, "object": self.subject, "before": body.before, "after": body.after}
        if (body.event, body.outcome) == ("mig", "suc"):
            # What is made of damaged bytes is not thereby good.
            self.good = body.after if self.broken is None else self.good
            self.tally.shows("custody.migrated", **place)
        elif (body.event, body.outcome, body.after) == ("rec", "suc", self.good):
            self.tally.shows("custody.recovered", **place)
        elif body.outcome == "fai":
            self.broken = one.placed.position
        else:
            self._wrong("custody.changed", one, before=body.before, after=body.after)

    def _mend(self, one: Admitted) -> None:
        if self.broken is not None:
            place = {"position": one.placed.position, "object": self.subject, "digest": self.good}
            self.tally.shows("custody.mended", entry=self.broken, **place)
        self.broken = None

    def _accept(self, one: Admitted, body: CustodyAcceptance) -> str:
        """The digest that was handed over."""
        over, self.waiting = self.waiting, None
        place = {"position": one.placed.position, "object": self.subject}
        if over is None:  # the rules admit an acceptance after its transfer alone
            return self.current
        parties = {"giver": over.admission.actor.party, "taker": one.admission.actor.party, **place}
        if body.outcome == "fai":
            self.tally.shows("custody.declined", digest=body.digest, **parties)
        elif body.digest != self.current:
            self._wrong("custody.digest", one, expected=self.current, found=body.digest)
        else:
            self.tally.shows("custody.handed", entry=over.placed.position, **parties)
        return self.current

    def end(self, count: int) -> None:
        """What remains open."""
        if self.waiting is not None:
            body = self.waiting.placed.statement.event.body
            self.tally.lacks(
                "custody.open", position=self.waiting.placed.position, object=self.subject, taker=body.receiver
            )
        if self.ended is not None:
            self.tally.lacks("custody.ended", position=self.ended, object=self.subject)
        if self.unsigned:
            positions = ", ".join(map(str, self.unsigned))
            self.tally.needs("custody.by-service", positions=positions, object=self.subject)
        if self.broken is not None:
            self.tally.contradicts("custody.broken", position=self.broken, object=self.subject)
        elif not self.faults and self.ended is None:
            self.tally.shows("custody.good", object=self.subject, count=count, digest=self.current)

    def _wrong(self, key: str, one: Admitted, **values: Any) -> None:
        self.faults += 1
        self.tally.contradicts(key, position=one.placed.position, object=self.subject, **values)


def _export(ex: Examination, chain: _Chain, registered: str) -> dict[str, Any]:
    """The export as the last line of custody: the exporter signed the index that says it, and the originals with it."""
    modes = {original.object: original.mode for original in ex.case.index.originals}
    brought = modes.get(chain.subject, "digests") != "digests"
    exporter = str(ex.facts["exporter"]["name"])
    if brought and chain.current != registered:
        chain.tally.shows("custody.earlier-form", object=chain.subject, digest=registered, kept=chain.current)
    chain.tally.shows("custody.exported", object=chain.subject, name=exporter, time=ex.case.index.exported_at)
    return {
        "position": None,
        "at": ex.case.index.exported_at,
        "event": EXPORT,
        "agent": exporter,
        "object": chain.subject,
        "before": chain.current,
        "after": registered if brought else chain.current,
        "outcome": "suc",
        "party": None,
        "receiver": None,
        "signed": True,
        "continuous": not chain.faults and (chain.broken, chain.ended, chain.waiting) == (None, None, None),
    }
