"""Steps 15 to 17: what is said of origin, custody and platform, and what the log says against it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tallystick.digests import digest_pair
from tallystick.errors import MalformedInput
from tallystick.events.facts import (
    CaptureAttestation,
    CaptureRecord,
    ClockCheck,
    CustodyAcceptance,
    CustodyRecord,
    Model,
    Notary,
    PlatformDocument,
    Stored,
    Title,
)
from tallystick.report.as_html import html_report
from tallystick.report.as_text import text_report
from tallystick.statement import Statement
from tallystick.times import format_time
from tallystick.verify import Report
from tests.core.verify.kit import PICTURE, Scene
from tests.world import Someone, World

OTHER = "22" * 32
DOCUMENT = b"certificate of an information security management system"
NOTARISED = digest_pair(b"the notary's document")
PRIVATE = {"device": {"model": "K-1", "serial": "0017"}, "prompt": ["a lantern, at night"], "edits": ["crop"]}


class Facts:
    """A generated object of the studio, and what parties say of it. ``judge`` anchors and verifies."""

    def __init__(self, folder: Path) -> None:
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
        log.add(self.made, world.complete(self.job, [self.subject]))
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

    def judge(self, trust: dict[str, Any] | None = None, **changes: Any) -> Report:
        self.scene.anchor()
        return self.scene.judge(self.scene.material(self.subject, **changes), self.scene.trust(**(trust or {})))


@pytest.fixture
def facts(tmp_path: Path) -> Facts:
    return Facts(tmp_path)


def states(report: Report, article: int = 18) -> dict[str, str]:
    return {one["factor"]: one["state"] for one in report.facts["factors"] if one["article"] == article}


def keys(report: Report, claim: str) -> list[str]:
    return [line.key for line in report.claim(claim).evidence]


# --- capture ----------------------------------------------------------------------


def test_nothing_is_told_where_nothing_was_said(facts: Facts) -> None:
    report = facts.judge()
    assert report.verdict == "proved"
    assert not {"capture", "custody", "platform"} & {claim.id for claim in report.claims}
    assert not {"capture", "custody", "platform", "factors"} & set(report.facts)


@pytest.mark.parametrize("claim", ["capture", "custody", "platform"])
def test_what_the_trust_file_requires_and_nobody_said_is_not_proved(claim: str, facts: Facts) -> None:
    report = facts.judge({"required": (claim,)})
    assert (report.verdict, report.claim(claim).outcome) == ("not_proved", "not_proved")
    assert keys(report, claim) == [f"{claim}.none"]
    assert report.refused_at == report.claim(claim).step


def test_a_whole_capture_record(facts: Facts) -> None:
    notary = Notary("示例公证处", "(2026)示证字第17号", NOTARISED, facts.time(300), facts.notary.id)
    at = facts.add(facts.capture(notary=notary, private=PRIVATE))
    facts.add(facts.attest(facts.notary, at, "notary", statement=NOTARISED), facts.attest(facts.archive, at, "witness"))
    report = facts.judge()
    assert (report.verdict, report.claim("capture").outcome) == ("proved", "proved")
    assert states(report) == dict.fromkeys(
        ("source", "generation", "storage", "notary", "witness", "corroboration"), "present"
    )
    (told,) = report.facts["capture"]
    assert (told["position"], told["party"], told["signed"]) == (at, facts.world.studio.id, True)
    assert [(one["role"], one["signed"]) for one in told["attested"]] == [("notary", True), ("witness", True)]
    shown = str(dict(report.facts)) + text_report(report, "en") + text_report(report, "zh") + html_report(report, "zh")
    assert "0017" not in shown
    assert "lantern" not in shown
    assert "article 18, notarised: said" in text_report(report, "en")
    assert "第十八条，第三方见证：已陈述" in text_report(report, "zh")


def test_what_is_not_said_is_absent(facts: Facts) -> None:
    facts.add(facts.capture({}, clocks=(), model=None, parameters=None, environment=None, stored=None))
    report = facts.judge()
    assert report.claim("capture").outcome == "proved"
    assert set(states(report).values()) == {"absent"}


def test_a_notary_who_signed_nothing_here_is_an_external_fact(facts: Facts) -> None:
    at = facts.add(facts.capture(notary=Notary("示例公证处", "17", NOTARISED, facts.time(300))))
    facts.add(facts.attest(facts.notary, at, "notary", recorded=True, statement=NOTARISED))
    report = facts.judge()
    assert (report.verdict, report.claim("capture").outcome) == ("proved", "needs_external_fact")
    assert "capture.notary-alone" in keys(report, "capture")
    assert "capture.attested-for" in keys(report, "capture")


def test_a_record_through_the_service_says_so(facts: Facts) -> None:
    facts.add(facts.capture(recorded=True))
    report = facts.judge()
    assert report.facts["capture"][0]["signed"] is False
    assert "recorded by the service for" in text_report(report, "en")


Change = Callable[[Facts], dict[str, Any]]
DISAGREE: dict[str, tuple[str, str, Change]] = {
    "a clock ten minutes off": (
        "source", "clock-offset", lambda f: {"clocks": (ClockCheck("ntp.example", 600_000, f.time(5)),)},
    ),
    "a clock looked at days before": (
        "source", "clock-apart", lambda f: {"clocks": (ClockCheck("ntp.example", 0, f.time(-100_000)),)},
    ),
    "another method than registered": ("generation", "method", lambda f: {"method": "camera"}),
    "dated back before its job": ("generation", "early", lambda f: {"started": f.time(-301)}),
    "after its own registration": ("generation", "late", lambda f: {"ended": f.time(901)}),
    "another version of the model": (
        "generation", "model",
        lambda f: {"model": Model(f.job.generation().capability, "2.0", f.job.generation().model_signature)},
    ),
    "other weights": (
        "generation", "model", lambda f: {"model": Model(f.job.generation().capability, "1.0", OTHER)},
    ),
    "other parameters": ("generation", "parameters", lambda f: {"parameters": NOTARISED}),
    "another environment": ("generation", "environment", lambda f: {"environment": NOTARISED}),
    "swapped bytes": ("storage", "bytes", lambda f: {"stored": Stored("disk", OTHER, f.time(70))}),
    "kept before it was made": ("storage", "stored-apart", lambda f: {"stored": Stored("disk", f.digest, f.time(9))}),
    "kept after it was registered": (
        "storage", "stored-apart", lambda f: {"stored": Stored("disk", f.digest, f.time(901))},
    ),
    "notarised before it was made": (
        "notary", "notary-early", lambda f: {"notary": Notary("N", "1", NOTARISED, f.time(-291))},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DISAGREE)
def test_a_capture_that_does_not_agree(name: str, facts: Facts) -> None:
    factor, fault, change = DISAGREE[name]
    at = facts.add(facts.capture(**change(facts)))
    report = facts.judge()
    assert (report.verdict, report.refused_at) == ("not_proved", 15)
    assert report.claim("capture").outcome == "contradicted"
    assert f"capture.{fault}" in keys(report, "capture")
    inconsistent = [one for one in report.facts["factors"] if one["state"] == "inconsistent"]
    assert [(one["factor"], one["detail"], one["positions"]) for one in inconsistent] == [(factor, fault, [at])]


def test_edits_explain_other_bytes(facts: Facts) -> None:
    facts.add(facts.capture(PRIVATE, stored=Stored("disk", OTHER, facts.time(70))))
    report = facts.judge()
    assert (report.claim("capture").outcome, states(report)["storage"]) == ("proved", "present")


def test_tolerances_end_where_they_are_said_to(facts: Facts) -> None:
    facts.add(facts.capture(started=facts.time(-300), ended=facts.time(900)))
    assert facts.judge().claim("capture").outcome == "proved"


@pytest.mark.parametrize(("who", "statement", "fault"), [
    ("archive", NOTARISED, "notary-party"), ("notary", digest_pair(b"another"), "notary-document"),
])  # fmt: skip
def test_another_notary_or_another_document(who: str, statement: Any, fault: str, facts: Facts) -> None:
    at = facts.add(facts.capture(notary=Notary("N", "1", NOTARISED, facts.time(300), facts.notary.id)))
    facts.add(facts.attest(getattr(facts, who), at, "notary", statement=statement))
    report = facts.judge()
    assert report.claim("capture").outcome == "contradicted"
    assert f"capture.{fault}" in keys(report, "capture")


def test_a_model_of_an_object_that_was_not_generated(facts: Facts) -> None:
    plain = facts.world.object(data=b"drawn by hand")
    facts.add(plain)
    facts.subject, facts.digest = plain.event.subject, plain.event.body.digest_record.sha256
    times: dict[str, Any] = {"started": facts.time(1190), "ended": facts.time(1195)}
    facts.add(facts.capture(method="authoring", clocks=(), stored=None, environment=None, parameters=None, **times))
    report = facts.judge()
    assert keys(report, "capture").count("capture.model") == 1
    assert report.claim("capture").outcome == "contradicted"


# --- custody ----------------------------------------------------------------------


def test_a_chain_from_deposit_to_export(facts: Facts) -> None:
    facts.add(facts.custody("ing"))
    facts.add(facts.custody("fix"))
    over = facts.add(facts.custody("tra", receiver=facts.archive.id))
    facts.add(facts.accept(facts.archive))
    facts.add(facts.custody("rep", facts.archive))
    report = facts.judge()
    assert (report.verdict, report.claim("custody").outcome) == ("proved", "proved")
    lines = report.facts["custody"]
    assert [one["event"] for one in lines] == ["ing", "fix", "tra", "tra", "rep", "dis"]
    assert all(one["continuous"] and one["signed"] for one in lines)
    assert {(one["before"], one["after"]) for one in lines} == {(facts.digest, facts.digest)}
    assert (lines[2]["position"], lines[2]["receiver"]) == (over, facts.archive.id)
    assert (lines[-1]["position"], lines[-1]["at"], lines[-1]["agent"]) == (
        None, report.facts["exported_at"], "the service",
    )  # fmt: skip
    assert "took it with the same digest" in text_report(report, "en")
    assert "首尾相接" in text_report(report, "zh")


def test_a_migration_names_both_digests_and_is_told(facts: Facts) -> None:
    facts.add(facts.custody("mig", after=OTHER))
    facts.add(facts.custody("fix", before=OTHER, after=OTHER))
    report = facts.judge()
    assert report.claim("custody").outcome == "proved"
    assert "custody.migrated" in keys(report, "custody")
    assert report.facts["custody"][-1]["after"] == OTHER


def test_damage_that_was_told_and_mended(facts: Facts) -> None:
    facts.add(facts.custody("fix", after=OTHER, outcome="fai"))
    facts.add(facts.custody("rec", before=OTHER))
    report = facts.judge()
    assert report.claim("custody").outcome == "proved"
    assert [one["continuous"] for one in report.facts["custody"]] == [False, True, True]


def test_a_transfer_that_was_declined_stays(facts: Facts) -> None:
    facts.add(facts.custody("tra", receiver=facts.archive.id))
    facts.add(facts.accept(facts.archive, digest=OTHER, outcome="fai"))
    facts.add(facts.custody("fix"))
    report = facts.judge()
    assert report.claim("custody").outcome == "proved"
    assert "custody.declined" in keys(report, "custody")


def test_what_the_service_recorded_for_a_custodian_needs_an_external_fact(facts: Facts) -> None:
    facts.add(facts.custody("tra", receiver=facts.archive.id))
    at = facts.add(facts.accept(facts.archive, recorded=True))
    report = facts.judge()
    assert (report.verdict, report.claim("custody").outcome) == ("proved", "needs_external_fact")
    (line,) = [line for line in report.claim("custody").evidence if line.key == "custody.by-service"]
    assert line.values["positions"] == str(at)


def test_a_transfer_that_nobody_accepted_is_a_gap(facts: Facts) -> None:
    at = facts.add(facts.custody("tra", receiver=facts.archive.id))
    report = facts.judge()
    assert (report.verdict, report.claim("custody").outcome) == ("proved", "not_proved")
    (line,) = [line for line in report.claim("custody").evidence if line.key == "custody.open"]
    assert (line.values["position"], line.values["taker"]) == (at, facts.archive.id)
    assert report.facts["custody"][-1]["continuous"] is False


def test_a_transfer_that_was_given_up_is_told(facts: Facts) -> None:
    facts.add(facts.custody("tra", receiver=facts.archive.id))
    facts.add(facts.custody("fix"))
    report = facts.judge()
    assert report.claim("custody").outcome == "proved"
    assert "custody.kept" in keys(report, "custody")


def swapped_on_the_way(facts: Facts) -> None:
    facts.add(facts.custody("tra", receiver=facts.archive.id))
    facts.add(facts.accept(facts.archive, digest=OTHER))


def changed_between(facts: Facts) -> None:
    facts.add(facts.custody("ing"))
    facts.add(facts.custody("fix", before=OTHER, after=OTHER))


def dated_back(facts: Facts) -> None:
    facts.add(facts.custody("ing"))
    facts.add(facts.custody("fix", at=facts.time(0)))


def recovered_as_something_else(facts: Facts) -> None:
    facts.add(facts.custody("fix", after=OTHER, outcome="fai"))
    facts.add(facts.custody("rec", before=OTHER, after="33" * 32))


BROKEN: dict[str, tuple[str, Callable[[Facts], object]]] = {
    "other bytes than registered from the start": (
        "digest",
        lambda f: f.add(f.custody("ing", before=OTHER, after=OTHER)),
    ),
    "a change that is no migration": ("changed", lambda f: f.add(f.custody("rep", after=OTHER))),
    "a failed migration that changed the bytes": (
        "broken",
        lambda f: f.add(f.custody("mig", after=OTHER, outcome="fai")),
    ),
    "swapped on the way": ("digest", swapped_on_the_way),
    "changed between two entries": ("digest", changed_between),
    "dated back": ("backwards", dated_back),
    "damaged and never mended": ("broken", lambda f: f.add(f.custody("fix", after=OTHER, outcome="fai"))),
    "recovered as something else": ("changed", recovered_as_something_else),
}


@pytest.mark.parametrize("name", BROKEN)
def test_custody_that_does_not_hold(name: str, facts: Facts) -> None:
    fault, said = BROKEN[name]
    said(facts)
    report = facts.judge()
    assert (report.verdict, report.refused_at) == ("not_proved", 16)
    assert report.claim("custody").outcome == "contradicted"
    assert f"custody.{fault}" in keys(report, "custody")
    assert report.facts["custody"][-1]["continuous"] is False


def chained(facts: Facts) -> None:
    for _ in range(3):
        facts.add(facts.custody("fix"))


PLANTED: dict[str, Callable[[Facts], Statement]] = {
    "capture by another than the holder": lambda f: f.world.say(
        f.archive, "capture.record", f.subject, f.capture().event.body
    ),
    "custody by another than the custodian": lambda f: f.custody("fix", f.archive),
    "custody that follows another object's": lambda f: f.custody("fix", previous=f.scene.log.size - 2),
    "acceptance without a transfer": lambda f: f.accept(f.archive),
}


@pytest.mark.parametrize("name", PLANTED)
def test_what_the_rules_refuse_stands_in_no_chain(name: str, facts: Facts) -> None:
    """The operator puts it into the tree behind the rules: they refuse it, and it proves nothing."""
    other = facts.world.object(data=b"another")
    facts.add(other)
    facts.add(facts.custody("fix", subject=other.event.subject, previous=None))
    at = facts.add(PLANTED[name](facts))
    report = facts.judge()
    assert (report.verdict, report.refused_at) == ("not_proved", 6)
    assert at not in [one["position"] for one in (*report.facts.get("custody", ()), *report.facts.get("capture", ()))]


@pytest.mark.parametrize("gone", [0, 1])
def test_a_chain_with_a_hole(gone: int, facts: Facts) -> None:
    """The exporter leaves one entry out and signs the bundle anew: what follows it does not hang on anything."""
    chained(facts)
    facts.scene.anchor()
    whole = facts.scene.material(facts.subject)
    hole = [at for at, one in enumerate(facts.scene.log.statements) if one.event.type == "custody.record"][gone]
    kept = {at: entry for at, entry in whole.entries.items() if at != hole}
    report = facts.scene.judge(replace(whole, entries=kept, inclusion={at: whole.inclusion[at] for at in kept}))
    assert (report.verdict, report.refused_at) == ("not_proved", 6)
    assert report.claim("entitlement").outcome == "not_proved"
    assert report.claims[-1].outcome == "not_proved" or report.claims[-1].id != "custody"


def test_the_custody_of_another_object_is_not_this_ones(facts: Facts) -> None:
    other = facts.world.object(data=b"another")
    facts.add(other)
    facts.add(facts.custody("fix", subject=other.event.subject, before=OTHER, after=OTHER))
    report = facts.judge({"required": ("custody",)})
    assert (report.verdict, report.claim("custody").outcome) == ("not_proved", "not_proved")
    assert keys(report, "custody") == ["custody.none"]


# --- platform ---------------------------------------------------------------------


def test_documents_by_their_dates(facts: Facts) -> None:
    """Declared after one object came in and before another."""
    before = format_time(facts.deposit - 1)
    facts.add(facts.document("qualification", valid_until=before), facts.document("process"))
    second = facts.world.object(data=b"deposited later")
    facts.add(second)
    facts.scene.anchor()
    report = facts.scene.judge(facts.scene.material(second.event.subject))
    assert states(report, 17) == {
        "qualification": "expired", "independence": "absent", "system": "absent", "process": "present",
    }  # fmt: skip
    first = facts.scene.judge(facts.scene.material(facts.subject))
    assert states(first, 17)["process"] == "afterwards"
    assert (report.verdict, report.claim("platform").outcome) == ("proved", "needs_external_fact")
    assert "article 17" in text_report(report, "en")
    assert "仅为运营方之申报" in text_report(report, "zh")


def test_a_document_that_begins_or_ends_at_the_deposit(facts: Facts) -> None:
    at = format_time(facts.deposit)
    facts.add(facts.document("system", valid_from=at), facts.document("process", valid_until=at))
    facts.add(facts.document("independence", valid_from=format_time(facts.deposit + 1)))
    report = facts.judge()
    assert states(report, 17) == {
        "qualification": "absent", "independence": "expired", "system": "afterwards", "process": "expired",
    }  # fmt: skip


def test_a_document_in_the_bundle(facts: Facts) -> None:
    facts.add(facts.document(), facts.document("process", b"another"))
    report = facts.judge(platform={digest_pair(DOCUMENT).sha256: DOCUMENT})
    assert report.claim("platform").outcome == "needs_external_fact"
    assert [one["included"] for one in report.facts["platform"]] == [True, False]


@pytest.mark.parametrize("name", ["undeclared", "bytes"])
def test_documents_that_are_not_those_declared(name: str, facts: Facts) -> None:
    facts.add(facts.document())
    stranger = digest_pair(b"bought yesterday").sha256
    declared = digest_pair(DOCUMENT).sha256
    brought = {stranger: b"bought yesterday"} if name == "undeclared" else {declared: DOCUMENT + b" (renewed)"}
    report = facts.judge(platform=brought)
    assert (report.verdict, report.refused_at) == ("not_proved", 17)
    assert f"platform.{name}" in keys(report, "platform")
    assert report.facts["platform"][0]["included"] is False


def test_a_name_that_is_no_digest_is_malformed(facts: Facts) -> None:
    facts.add(facts.document())
    with pytest.raises(MalformedInput):
        facts.judge(platform={"certificate.pdf": DOCUMENT})
