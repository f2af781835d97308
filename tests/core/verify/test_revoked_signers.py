"""Step 12: what a card encloses about the revocation of its signer refuses it, or is told with source and dates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import AuthorityInformationAccessOID as Access

from fixtures.keys import private_key
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
    (word,) = fact["revocation"]
    assert word == {
        "of": fact["signer"],
        "form": "answer",
        "by": by,
        "from": since,
        "until": until,
        "revoked": None,
        "sha256": word["sha256"],
    }
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


def naming_a_place() -> Person:
    """The signer of the desk with another certificate and key, which names where its issuer answers."""
    world = c2pa_kit.world()
    old, key = world.signer.certificate, private_key("signer who names a place", "es256")
    made = x509.CertificateBuilder().subject_name(old.subject).issuer_name(old.issuer).public_key(key.public_key())
    made = made.serial_number(4711).not_valid_before(c2pa_kit.BORN)
    made = made.not_valid_after(c2pa_kit.BORN + timedelta(days=36_500))
    for one in old.extensions:
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        made = made.add_extension(
            identifier if isinstance(one.value, x509.SubjectKeyIdentifier) else one.value, one.critical
        )
    place = x509.UniformResourceIdentifier("http://ocsp.example")
    made = made.add_extension(x509.AuthorityInformationAccess([x509.AccessDescription(Access.OCSP, place)]), False)
    return Person((made.sign(world.issuing.key, hashes.SHA256()), *world.signer.chain[1:]), key)


def test_an_old_word_that_speaks_for_a_signer_leaves_open_whether_he_was_revoked(tmp_path: Path) -> None:
    """Revoked since that word: whoever made the card left the newer one out."""
    signer, world = naming_a_place(), c2pa_kit.world()
    issuing = Person(world.issuing.chain, world.issuing.key)
    told = {}
    for days in (0, 300):
        word = answer(signer, issuing, at=SIGNED - timedelta(days=days))
        enclosed = {"rVals": {"ocspVals": [word]}}
        finish = partial(c2pa_kit.resign, chain=signer.chain[:-1], key=signer.key, unprotected=enclosed)
        made = desk(tmp_path / str(days), finish=finish)
        told[days] = text_report(made.judge(made.case()), "en")
    assert "needs an external fact: its issuer tells of revocation at http://ocsp.example" in told[300]
    assert "needs an external fact: its issuer" not in told[0]
