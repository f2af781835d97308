"""Answers about certificates in the signature of a card (``rVals``): both verifiers refuse, or tell, the same."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID as Access
from cryptography.x509.oid import ExtendedKeyUsageOID as Purpose

from tallystick import c2pa
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.times import format_time
from tallystick.trust import parse_trust
from tests.c2pa_corpus.bad_signatures import stamp
from tests.c2pa_corpus.forge import bare
from tests.c2pa_corpus.people import CLAIMS, ISSUING, ROOT, SIGNER, Person, constraints, person, purposes, usage
from tests.core.revocation_kit import NOW, answer
from tests.core.test_revocation import long_answer
from tests.verifier_js.both import Second, Trial
from tests.verifier_js.test_card_attacks import plain
from tests.verifier_js.test_pictures import CORPUS

AT = "2025-07-01T00:00:00Z"
DAY = timedelta(days=1)
BEFORE, LATER = NOW - 9 * DAY, datetime(2025, 6, 20, tzinfo=UTC)
"""Before it was signed; after the timestamp and before it is judged."""
REFUSED, PROVED = "contradicted", "proved"
RESPONDER = person(
    "a responder", ISSUING, (constraints(False), usage("digital_signature"), purposes(Purpose.OCSP_SIGNING))
)
ASKED = x509.AuthorityInformationAccess(
    [x509.AccessDescription(Access.OCSP, x509.UniformResourceIdentifier("http://ocsp.example"))]
)
LISTED = x509.CRLDistributionPoints(
    [x509.DistributionPoint([x509.UniformResourceIdentifier("http://lists.example/1")], None, None, None)]
)
ASKING = person("signer who names places", ISSUING, (*CLAIMS, (ASKED, False), (LISTED, False)))
GONE, GOOD = answer(SIGNER, ISSUING, BEFORE), answer(SIGNER, ISSUING)


def card(held: Any, stamped: bool = False, signer: Person = SIGNER) -> bytes:
    def members(protected: bytes, signature: bytes, claim: bytes) -> dict[Any, Any]:
        return {"rVals": held} | (stamp()(protected, signature, claim) if stamped else {})

    return bare(edit_hash=plain, signer=signer, unprotected=members)


def holding(*answers: Any, **how: Any) -> bytes:
    return card({"ocspVals": list(answers)}, **how)


CARDS: dict[str, tuple[bytes, str, int]] = {
    "nothing": (holding(), PROVED, 0),
    "he was not": (holding(GOOD), PROVED, 1),
    "he was": (holding(GONE), REFUSED, 0),
    "he was, and has a timestamp": (holding(GONE, stamped=True), REFUSED, 0),
    "he was not, then he was": (holding(GOOD, GONE), REFUSED, 0),
    "the authority was": (holding(answer(ISSUING, ROOT, BEFORE)), REFUSED, 0),
    "neither was": (holding(answer(ISSUING, ROOT), GOOD), PROVED, 2),
    "he was since": (holding(answer(SIGNER, ISSUING, LATER)), REFUSED, 0),
    "he was since, and has a timestamp": (holding(answer(SIGNER, ISSUING, LATER), stamped=True), PROVED, 1),
    "he was, says a responder": (holding(answer(SIGNER, ISSUING, BEFORE, by=RESPONDER)), REFUSED, 0),
    "he was, says a stranger": (holding(answer(SIGNER, ISSUING, BEFORE, by=person("x", None, CLAIMS))), PROVED, 0),
    "he was, says he himself": (holding(answer(SIGNER, ISSUING, BEFORE, by=SIGNER)), PROVED, 0),
    "he was, says the root": (holding(answer(SIGNER, ROOT, BEFORE)), PROVED, 0),
    "another was": (holding(answer(person("another", ISSUING), ISSUING, BEFORE)), PROVED, 0),
    "nobody knows": (holding(answer(SIGNER, ISSUING, unknown=True)), PROVED, 0),
    "a bit was changed": (holding(GONE[:-1] + bytes([GONE[-1] ^ 1])), PROVED, 0),
    "it is cut": (holding(GONE[:-1]), PROVED, 0),
    "something stands behind": (holding(GONE + b"\0"), PROVED, 0),
    "in the middle of a long one": (holding(long_answer(*[GOOD] * 63, GONE)), REFUSED, 0),
    "at the end of too long a one": (holding(long_answer(*[GOOD] * 64, GONE)), PROVED, 64),
    "the sixty-fourth": (holding(*[b"x"] * 63, GONE), REFUSED, 0),
    "the sixty-fifth": (holding(*[b"x"] * 64, GONE), PROVED, 0),
    "the sixty-fifth behind numbers": (holding(*[5] * 64, GONE), REFUSED, 0),
    "among other things": (holding(5, "x", None, [GONE], {"x": GONE}, GONE), REFUSED, 0),
    "only within others": (holding([GONE], {"x": GONE}, GONE.hex()), PROVED, 0),
    "a number": (card(5), PROVED, 0),
    "a list": (card([GONE]), PROVED, 0),
    "no member": (card({}), PROVED, 0),
    "another member": (card({"crlVals": [GONE], "ocsp": [GONE]}), PROVED, 0),
    "a member that is no list": (card({"ocspVals": GONE}), PROVED, 0),
    "beside another member": (card({"ocspVals": [GONE], "crlVals": 5}), REFUSED, 0),
    "a signer who names places": (holding(signer=ASKING), PROVED, 0),
    "the same, with an old word": (holding(answer(ASKING, ISSUING, at=NOW), signer=ASKING), PROVED, 1),
    "the same, with a new one": (
        holding(answer(ASKING, ISSUING, at=datetime(2025, 7, 1, tzinfo=UTC)), signer=ASKING), PROVED, 1),
}  # fmt: skip


def of_the_first(picture: bytes, trust: bytes) -> tuple[str, list[dict[str, Any]], int]:
    """Outcome, what was said of revocation, and how often it needs an external fact."""
    roots, others = c2pa.roots_of(parse_trust(trust))
    try:
        found = c2pa.judge(c2pa.read(picture, "image/png"), roots, datetime(2025, 7, 1, tzinfo=UTC), others)
    except (VerificationFailed, MalformedInput):
        return REFUSED, [], 0
    (one,) = found.manifests
    told = [
        {"of": word.of, "form": word.form, "by": word.by, "from": text(word.since), "until": text(word.until),
         "revoked": text(word.revoked), "sha256": word.sha256}
        for word in one.revocation
    ]  # fmt: skip
    return PROVED, told, sum("http://ocsp.example, http://lists.example/1" in each for each in found.problems)


def text(at: datetime | None) -> str | None:
    return None if at is None else format_time(int(at.timestamp()))


@pytest.mark.filterwarnings("ignore")
def test_both_say_the_same(second: Second, tmp_path: Path) -> None:
    trials = []
    for number, (name, (picture, _, _)) in enumerate(CARDS.items()):
        path = tmp_path / f"{number}.png"
        path.write_bytes(picture)
        trials.append(Trial(name, path, CORPUS / "trust.json", AT, kind="picture"))
    trust = (CORPUS / "trust.json").read_bytes()
    assert json.loads(trust)["c2pa_roots"]
    for trial, found in zip(trials, second.judge(trials), strict=True):
        picture, outcome, words = CARDS[trial.name]
        told = [one for one in found.get("problems", []) if "http://ocsp.example, http://lists.example/1" in one]
        said = found["outcome"], found.get("revocation", []), len(told)
        assert said == of_the_first(picture, trust), (trial.name, found)
        assert (said[0], len(said[1])) == (outcome, words), (trial.name, found)
