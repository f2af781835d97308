"""The honest case: proved, and the report says what it should."""

from __future__ import annotations

from tallystick.verify import CLAIM_IDS
from tests.core.verify.kit import Kit

REQUIRED = {
    "integrity",
    "statement-signature",
    "inclusion",
    "checkpoint-signature",
    "entitlement",
    "disclosure",
    "content",
    "traceability",
    "anchor",
}


def test_the_honest_case_is_proved(kit: Kit) -> None:
    bundle = kit.bundle()
    assert len(bundle) <= 64 << 10
    report = kit.verify(bundle)
    assert report.verdict == "proved"
    assert report.refused_at is None
    assert [claim.id for claim in report.claims] == [
        one for one in CLAIM_IDS if one not in ("timestamp", "capture", "custody", "platform")
    ]
    assert {claim.id for claim in report.claims if claim.required} == REQUIRED
    assert {claim.id for claim in report.claims if claim.outcome == "proved"} == REQUIRED


def test_time_and_completeness_need_a_fact_from_outside(kit: Kit) -> None:
    report = kit.verify(kit.bundle())
    assert report.claim("time").outcome == "needs_external_fact"
    assert report.claim("completeness").outcome == "needs_external_fact"
    assert report.claim("credential").outcome == "not_proved"


def test_the_same_case_makes_the_same_bytes(kit: Kit) -> None:
    assert kit.bundle() == kit.bundle()


def test_what_stays_closed_is_named_by_entry(kit: Kit) -> None:
    report = kit.verify(kit.bundle())
    job, grant = kit.log.find("job.register"), kit.log.find("party.register")
    withheld = report.facts["withheld"]
    assert str(job) in report.facts["disclosed"]
    assert str(job) not in withheld
    assert withheld[str(grant)] == sorted(kit.log.statements[grant].event.commitments)
    assert sum(map(len, withheld.values())) == report.claim("disclosure").evidence[0].values["withheld"]
