"""A revocation answer that a signature encloses (``rVals``): read by ourselves, for c2pa-python does not complain."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID as Access

from tallystick.c2pa import C2paVerdict, CredentialRefused, OtherRoots, SignerRoots, judge, read
from tallystick.c2pa.facts import Identity
from tallystick.revocation import Words
from tallystick.timestamp import Authority
from tests.c2pa_corpus.bad_signatures import stamp
from tests.c2pa_corpus.chains import identified
from tests.c2pa_corpus.forge import bare
from tests.c2pa_corpus.people import (
    ACTOR,
    CLAIMS,
    CLOCK_ROOT,
    IDENTITY_ROOT,
    ISSUING,
    ROOT,
    SIGNER,
    Person,
    der,
    person,
)
from tests.core.revocation_kit import NOW, answer
from tests.core.test_revocation import RESPONDER

AT = datetime(2025, 7, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=3)
"""After the timestamp of the signature, which is of NOW, and before AT."""


def enclosing(*answers: Any, signer: Person = SIGNER, stamped: bool = False) -> bytes:
    def members(protected: bytes, signature: bytes, claim: bytes) -> dict[Any, Any]:
        told = {"rVals": {"ocspVals": list(answers)}}
        return told | (stamp()(protected, signature, claim) if stamped else {})

    return bare(signer=signer, unprotected=members)


def judged(data: bytes) -> C2paVerdict:
    clock = Authority("a clock", der(CLOCK_ROOT.certificate), False)
    return judge(read(data, "image/png"), SignerRoots((ROOT.certificate,)), AT, OtherRoots((clock,)))


def code(data: bytes) -> str:
    with pytest.raises(CredentialRefused) as refused:
        judged(data)
    return refused.value.code


@pytest.mark.parametrize("about", [(SIGNER, ISSUING), (ISSUING, ROOT)], ids=["signer", "authority"])
def test_whoever_was_revoked_before_is_refused(about: tuple[Person, Person]) -> None:
    assert code(enclosing(answer(*about, NOW - timedelta(days=9)))) == "signer.revoked"
    assert code(enclosing(answer(*about, NOW - timedelta(days=9)), stamped=True)) == "signer.revoked"
    assert code(enclosing(answer(*about), answer(*about, NOW - timedelta(days=9)))) == "signer.revoked"


def test_revoked_after_a_proven_signature_is_told_and_refuses_only_without_that_proof() -> None:
    assert code(enclosing(answer(SIGNER, ISSUING, LATER))) == "signer.revoked"
    (one,) = judged(enclosing(answer(SIGNER, ISSUING, LATER), stamped=True)).manifests
    assert one.proven is not None
    assert one.proven.time < LATER
    assert [(told.of, told.revoked) for told in one.revocation] == [("CN=signer,O=Corpus", LATER)]


def test_an_answer_that_he_was_not_is_told_with_its_source_and_dates() -> None:
    (one,) = judged(enclosing(answer(SIGNER, ISSUING), answer(ISSUING, ROOT))).manifests
    assert [(told.of, told.by, told.since, told.until, told.revoked) for told in one.revocation] == [
        ("CN=signer,O=Corpus", "CN=issuing,O=Corpus", NOW, NOW + timedelta(days=7), None),
        ("CN=issuing,O=Corpus", "CN=root,O=Corpus", NOW, NOW + timedelta(days=7), None),
    ]


@pytest.mark.parametrize("held", [5, {}, {"ocspVals": 5}, {"ocspVals": [5, b"", b"x"]}, [b"x"]], ids=repr)
def test_what_is_no_answer_says_nothing(held: Any) -> None:
    """Nobody signed the place where it stands: whoever can put it there can also leave it out."""
    (one,) = judged(bare(unprotected=lambda protected, signature, claim: {"rVals": held})).manifests
    assert one.revocation == ()


def test_an_answer_of_somebody_else_says_nothing() -> None:
    stranger = person("a stranger", None, CLAIMS)
    (one,) = judged(enclosing(answer(SIGNER, ISSUING, NOW, by=stranger))).manifests
    assert one.revocation == ()


def test_where_nothing_is_enclosed_it_is_told_whom_to_ask() -> None:
    asked = x509.AuthorityInformationAccess(
        [x509.AccessDescription(Access.OCSP, x509.UniformResourceIdentifier("http://ocsp.example"))]
    )
    signer = person("signer who names a place", ISSUING, (*CLAIMS, (asked, False)))
    (told,) = judged(enclosing(signer=signer)).problems
    assert told == (
        "whether the certificate of CN=signer who names a place,O=Corpus had been revoked by 2025-07-01T00:00:00+00:00 "
        "needs an external fact: its issuer tells of revocation at http://ocsp.example, and nothing that "
        "is enclosed reaches that instant"
    )
    assert judged(enclosing(answer(signer, ISSUING, at=AT), signer=signer)).problems == ()
    assert judged(enclosing(answer(signer, ISSUING, at=AT - timedelta(days=7)), signer=signer)).problems == ()
    assert judged(enclosing(answer(signer, ISSUING, at=AT - timedelta(days=8)), signer=signer)).problems == (told,)
    assert judged(enclosing()).problems == ()


# --- identities (CAWG) in a card ------------------------------------------------------------------------------


def identity(*answers: bytes, beside: Words | None = None) -> tuple[C2paVerdict, Identity]:
    data = identified(unprotected={"rVals": {"ocspVals": list(answers)}} if answers else {})
    others = OtherRoots(identities=SignerRoots((ACTOR.chain[-1],)))
    verdict = judge(read(data, "image/png"), SignerRoots((ROOT.certificate,)), AT, others, beside)
    (found,) = verdict.identities
    return verdict, found


@pytest.mark.parametrize("where", ["in its signature", "beside the file"])
def test_an_identity_that_was_revoked_is_told_as_not_trusted_and_refuses_nothing(where: str) -> None:
    def with_word(revoked: datetime | None) -> tuple[C2paVerdict, Identity]:
        word = answer(ACTOR, IDENTITY_ROOT, revoked)
        return identity(word) if where == "in its signature" else identity(beside=Words((), (word,)))

    verdict, found = identity()
    assert (verdict.state, found.trusted, found.reason) == ("trusted", True, None)
    verdict, found = with_word(None)
    assert (verdict.state, found.trusted) == ("trusted", True)
    verdict, found = with_word(NOW - timedelta(days=9))
    assert (verdict.state, found.trusted) == ("trusted", False)
    assert found.reason is not None
    assert "was revoked at 2025-05-23T00:00:00+00:00" in found.reason
    assert with_word(AT)[1].trusted is False
    assert with_word(AT + timedelta(seconds=1))[1].trusted is True


def test_what_a_stranger_says_of_an_identity_says_nothing() -> None:
    word = answer(ACTOR, IDENTITY_ROOT, NOW - timedelta(days=9), by=person("a strange responder", None, RESPONDER))
    assert identity(word)[1].trusted is True
    about_another = answer(SIGNER, ISSUING, NOW - timedelta(days=9))
    assert identity(about_another)[1].trusted is True


def test_a_signer_is_judged_by_the_latest_time_of_its_timestamp() -> None:
    """It may have been made as late as its accuracy allows, though not after the check: then he was revoked."""
    hour = {"seconds": 3600}

    def stamped(accuracy: dict[str, int] | None, revoked: datetime) -> bytes:
        def members(protected: bytes, signature: bytes, claim: bytes) -> dict[Any, Any]:
            more = (
                stamp(accuracy=accuracy)(protected, signature, claim)
                if accuracy
                else stamp()(protected, signature, claim)
            )
            return {"rVals": {"ocspVals": [answer(SIGNER, ISSUING, revoked)]}, **more}

        return bare(unprotected=members)

    (plain,) = judged(stamped(None, LATER)).manifests
    assert plain.proven is not None
    made = plain.proven.time
    (one,) = judged(stamped(hour, made + timedelta(seconds=3601))).manifests
    assert one.proven is not None
    assert one.proven.time == made + timedelta(hours=1)
    assert code(stamped(hour, made + timedelta(seconds=3600))) == "signer.revoked"
    (late,) = judged(stamped({"seconds": 1 << 31}, AT + timedelta(seconds=1))).manifests
    assert late.proven is not None
    assert late.proven.time == AT
