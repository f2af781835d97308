"""A generated object of a studio, and what parties say of its making, its custody and the platform."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from tallystick.case import CaseMaterial, case_members
from tallystick.digests import digest_pair
from tallystick.events.facts import (
    CaptureAttestation,
    CaptureRecord,
    ClockCheck,
    CustodyAcceptance,
    CustodyRecord,
    Model,
    PlatformDocument,
    Stored,
    Title,
)
from tallystick.statement import Statement
from tallystick.times import format_time
from tallystick.verify import Report, verify_case
from tests.core.verify.kit import AT, PICTURE, Scene
from tests.world import Someone, World

OTHER = "22" * 32
DOCUMENT = b"certificate of an information security management system"
NOTARISED = digest_pair(b"the notary's document")
PRIVATE = {
    "device": {"model": "K-1", "serial": "the number of the camera"},
    "prompt": ["a lantern, at night"],
    "edits": ["crop"],
}


class Facts:
    """A generated object of the studio, and what parties say of it. ``judge`` anchors and verifies."""

    def __init__(self, folder: Path, outputs: int = 1) -> None:
        self.world = world = World("facts", "log.example/facts")
        self.scene = Scene(folder, world)
        log = self.scene.log
        self.notary, self.archive = world.licensee, world.tester
        log.add(*world.parties())
        capability, filed = world.capability()
        log.add(*filed)
        self.job, registered = world.job(capability)
        self.job_at = world.clock
        log.add(registered)
        world.clock += 600
        self.made = world.output(self.job, data=PICTURE)
        self.subject = self.made.event.subject
        self.digest = self.made.event.body.digest_record.sha256
        self.deposit = world.clock
        self.more = [world.output(self.job, data=b"film %d" % at) for at in range(1, outputs)]
        made = [self.made, *self.more]
        log.add(*made, world.complete(self.job, [one.event.subject for one in made]))
        world.clock += 600

    def time(self, seconds: int) -> str:
        """So many seconds after the job was registered."""
        return format_time(self.job_at + seconds)

    def capture(self, private: dict[str, Any] | None = None, recorded: bool = False, **fields: Any) -> Statement:
        made = self.job.generation()
        body: dict[str, Any] = {
            "method": "generation",
            "started": self.time(10),
            "ended": self.time(60),
            "clocks": (ClockCheck("ntp.example", -25, self.time(5)),),
            "environment": made.environment,
            "model": Model(made.capability, made.version, made.model_signature),
            "parameters": made.parameters,
            "stored": Stored("local disk", self.digest, self.time(70)),
            **fields,
        }
        say = self.world.record if recorded else self.world.say
        values = {"device": PRIVATE["device"]} if private is None else private
        return say(self.world.studio, "capture.record", self.subject, CaptureRecord(**body), private=values)

    def attest(self, who: Someone, record: int, role: Any, recorded: bool = False, **fields: Any) -> Statement:
        say = self.world.record if recorded else self.world.say
        return say(who, "capture.attest", self.subject, CaptureAttestation(record, role, **fields))

    def custody(self, event: Any, who: Someone | None = None, recorded: bool = False, **fields: Any) -> Statement:
        """The next custody entry; it names the one before unless told otherwise."""
        body: dict[str, Any] = {
            "at": self.world.now(),
            "before": self.digest,
            "after": self.digest,
            "outcome": "suc",
            "agent": "archive software 4",
            "previous": self.latest,
            **fields,
        }
        say = self.world.record if recorded else self.world.say
        subject = body.pop("subject", self.subject)
        return say(who or self.world.studio, "custody.record", subject, CustodyRecord(event, **body))

    def accept(self, who: Someone, recorded: bool = False, **fields: Any) -> Statement:
        body: dict[str, Any] = {"at": self.world.now(), "digest": self.digest, "outcome": "suc", **fields}
        say = self.world.record if recorded else self.world.say
        assert self.latest is not None
        return say(who, "custody.accept", self.subject, CustodyAcceptance(self.latest, **body))

    @property
    def latest(self) -> int | None:
        found = [at for at, one in enumerate(self.scene.log.statements) if one.event.type.startswith("custody.")]
        return found[-1] if found else None

    def document(self, limb: Any = "system", data: bytes = DOCUMENT, **fields: Any) -> Statement:
        title = Title("信息安全管理体系认证证书", "Certificate of an information security management system")
        body: dict[str, Any] = {
            "issuer": "A certifier",
            "valid_from": "2026-01-01T00:00:00Z",
            "document": digest_pair(data),
            "size": len(data),
            **fields,
        }
        world = self.world
        return world.say(world.registrar, "platform.file", world.origin, PlatformDocument(limb, title, **body))

    def add(self, *said: Statement) -> int:
        """One batch; the position of its first entry."""
        at = self.scene.log.size
        self.scene.log.add(*said)
        self.world.clock += 60
        return at

    def judge(self, trust: dict[str, Any] | None = None, hidden: Iterable[int] = (), **changes: Any) -> Report:
        """By a reader who has all entries of the log, and so knows that none was withheld but those ``hidden``."""
        self.scene.anchor()
        members = case_members(without(self.scene.material(**{"subject": self.subject, **changes}), hidden))
        entries = [one.entry for one in self.scene.log.statements]
        bundle = io.BytesIO(self.scene.bundle(members))
        return verify_case(bundle, self.scene.trust(**(trust or {})), AT, (), partial(iter, entries))


def without(material: CaseMaterial, gone: Iterable[int]) -> CaseMaterial:
    """The case without some entries."""
    entries = {at: one for at, one in material.entries.items() if at not in set(gone)}
    return replace(material, entries=entries, inclusion={at: material.inclusion[at] for at in entries})


def states(report: Report, article: int = 18) -> dict[str, str]:
    return {one["factor"]: one["state"] for one in report.facts["factors"] if one["article"] == article}


def keys(report: Report, claim: str) -> list[str]:
    return [line.key for line in report.claim(claim).evidence]
