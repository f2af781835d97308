"""Step 12: what a card encloses about the revocation of its signer refuses it, or is told with source and dates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tallystick.report.as_text import text_report
from tallystick.times import format_time
from tests.c2pa_corpus.people import Person
from tests.core.c2pa import kit as c2pa_kit
from tests.core.revocation_kit import answer
from tests.core.verify.test_credentials import desk, refused
from tests.world import START

SIGNED = datetime.fromtimestamp(START, UTC)


def enclosing(revoked: datetime | None) -> Callable[[bytes], bytes]:
    """The same card, with an answer of the signer's issuer in its signature."""
    world = c2pa_kit.world()
    issuing = Person(world.issuing.chain, world.issuing.key)
    told = answer(Person(world.signer.chain, world.signer.key), issuing, revoked, at=SIGNED)
    kept = world.signer.chain[:-1]
    return lambda card: c2pa_kit.resign(card, kept, world.signer.key, unprotected={"rVals": {"ocspVals": [told]}})


def test_a_card_whose_signer_was_revoked_before_it_was_logged(tmp_path: Path) -> None:
    made = desk(tmp_path, finish=enclosing(SIGNED - timedelta(days=1)))
    report = made.judge(made.case())
    assert refused(report) == (12, "contradicted")
    (line,) = report.claim("credential").evidence
    assert line.values["detail"].startswith("signer.revoked: the certificate of CN=Test signer,O=Registrar was revoked")


def test_a_card_whose_signer_was_not_revoked_says_by_whose_word_and_as_of_when(tmp_path: Path) -> None:
    made = desk(tmp_path, finish=enclosing(None))
    report = made.judge(made.case())
    assert (report.verdict, report.claim("credential").outcome) == ("proved", "proved")
    (fact,) = report.facts["credentials"]
    by = "CN=Test issuing authority,O=Registrar"
    since, until = format_time(START), format_time(START + 7 * 86_400)
    assert fact["revocation"] == [
        {"of": fact["signer"], "form": "answer", "by": by, "from": since, "until": until, "revoked": None}
    ]
    told = f"data/credentials/card.png: as of {since} (next word due: {until}) {by} had not revoked the certificate of"
    assert told in text_report(report, "en")
    assert f"截至 {since}（下次更新：{until}），{by} 未吊销" in text_report(report, "zh")


def test_a_card_whose_signer_was_revoked_since_is_told_so(tmp_path: Path) -> None:
    later = SIGNED + timedelta(days=6)
    made = desk(tmp_path, finish=enclosing(later))
    report = made.judge(made.case())
    assert report.claim("credential").outcome == "proved"
    (fact,) = report.facts["credentials"]
    assert [one["revoked"] for one in fact["revocation"]] == [format_time(int(later.timestamp()))]
    assert "after it had signed" in text_report(report, "en")


def test_nothing_is_said_of_revocation_where_nothing_is_enclosed(tmp_path: Path) -> None:
    made = desk(tmp_path)
    (fact,) = made.judge(made.case()).facts["credentials"]
    assert "revocation" not in fact
