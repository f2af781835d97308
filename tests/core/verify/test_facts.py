"""Steps 15 and 17: what is said of an object's making and of the platform, and what the log says against it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tallystick.digests import digest_pair
from tallystick.errors import MalformedInput
from tallystick.events.facts import (
    ClockCheck,
    Model,
    Notary,
    Stored,
)
from tallystick.report.as_html import html_report
from tallystick.report.as_text import text_report
from tallystick.times import format_time
from tests.core.verify.facts_kit import DOCUMENT, NOTARISED, OTHER, PRIVATE, Facts, keys, states


@pytest.fixture
def facts(tmp_path: Path) -> Facts:
    return Facts(tmp_path)


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
    assert "the number of the camera" not in shown
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


Named = dict[str, Any]
UNCONFIRMED: dict[str, tuple[Named, Callable[[Facts, int], object]]] = {
    "nobody says so": ({}, lambda f, at: None),
    "of another party than the one named": (
        {"party": None}, lambda f, at: f.add(f.attest(f.archive, at, "notary", statement=NOTARISED)),
    ),
    "of the document, where no party is named": (
        {"party": None}, lambda f, at: f.add(f.attest(f.notary, at, "notary", statement=NOTARISED)),
    ),
    "of no document": ({}, lambda f, at: f.add(f.attest(f.notary, at, "notary"))),
    "as a witness": ({}, lambda f, at: f.add(f.attest(f.notary, at, "witness", statement=NOTARISED))),
    "by the service's word": (
        {}, lambda f, at: f.add(f.attest(f.notary, at, "notary", recorded=True, statement=NOTARISED)),
    ),
    "by the registrar's key": (
        {"party": "registrar"}, lambda f, at: f.add(f.attest(f.world.registrar, at, "notary", statement=NOTARISED)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", UNCONFIRMED)
def test_a_notary_that_is_not_the_one_named_confirms_nothing(name: str, facts: Facts) -> None:
    changed, said = UNCONFIRMED[name]
    party = {"party": facts.notary.id, **changed}["party"]
    party = facts.world.registrar.id if party == "registrar" else party
    at = facts.add(facts.capture(notary=Notary("示例公证处", "17", NOTARISED, facts.time(300), party)))
    said(facts, at)
    report = facts.judge()
    assert (report.verdict, report.claim("capture").outcome) == ("proved", "needs_external_fact")
    assert "capture.notary-alone" in keys(report, "capture")


@pytest.mark.parametrize("role", ["notary", "witness"])
@pytest.mark.parametrize("who", ["a third party", "the service for it", "the registrar"])
def test_who_counts_as_notary_or_witness(who: str, role: str, facts: Facts) -> None:
    at = facts.add(facts.capture())
    by = facts.world.registrar if who == "the registrar" else facts.archive
    facts.add(facts.attest(by, at, role, recorded=who == "the service for it"))
    report = facts.judge()
    assert states(report)[role] == ("present" if who == "a third party" else "absent")
    needs = who == "the service for it"
    assert report.claim("capture").outcome == ("needs_external_fact" if needs else "proved")
    assert ("capture.attested-for" in keys(report, "capture")) is needs


def test_a_record_through_the_service_says_so(facts: Facts) -> None:
    facts.add(facts.capture(recorded=True))
    report = facts.judge()
    assert (report.verdict, report.claim("capture").outcome) == ("proved", "needs_external_fact")
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
