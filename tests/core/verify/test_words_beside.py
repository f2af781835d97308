"""Case version 5: words of issuers beside the files; they refuse a signer, or are told, or say nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from tallystick import revocation
from tallystick.base64s import to_base64
from tallystick.case import AnchorMaterial, CaseMaterial
from tallystick.case.model import MAX_REVOCATION, MAX_REVOCATION_BYTES
from tallystick.evm.proof import decode, encode, with_tokens
from tallystick.report.as_text import text_report
from tallystick.trust import TimeAuthority
from tallystick.verify import Report
from tests.c2pa_corpus.people import Person, der
from tests.core.c2pa import kit as c2pa_kit
from tests.core.timestamp.forge import Recipe, token
from tests.core.verify.kit import AT, Kit
from tests.core.verify.test_block_stamps import block_hash
from tests.core.verify.test_credentials import Desk, desk, refused
from tests.core.verify.test_other_chains import said
from tests.core.verify.test_revoked_signers import naming_a_place
from tests.core.verify.test_timestamps import of_sizes, stamp
from tests.core.verify.words_kit import (
    DAY,
    LOGGED,
    PLACE,
    STRANGER,
    TOWER,
    TOWER_HALL,
    TOWER_ROOT,
    TOWER_WITH_A_PLACE,
    Reason,
    answered,
    beside,
    card_people,
    holder,
    listing,
    stamped,
)

TRUSTED = (TimeAuthority("the clock tower", to_base64(der(TOWER_ROOT.certificate)), False),)
MADE = datetime.fromtimestamp(AT - 3600, UTC)
"""When the tower stamped the checkpoint."""


# --- cards ---------------------------------------------------------------------


def judged(made: Desk, *lists: bytes, answers: tuple[bytes, ...] = (), **trust: Any) -> Report:
    return made.judge(beside(made.case(), lists, answers), made.trust(tsa_roots=TRUSTED, **trust))


def test_a_card_whose_signer_was_revoked_before_it_was_logged(tmp_path: Path) -> None:
    made, (signer, issuer, root) = desk(tmp_path), card_people()
    before, after = LOGGED - DAY, LOGGED + timedelta(hours=6)
    revoked = [
        judged(made, listing(issuer, (signer, before, None))),
        judged(made, listing(issuer, (signer, before, Reason.superseded))),
        judged(made, listing(issuer, (signer, LOGGED, None))),
        judged(made, answers=(answered(signer, issuer, before),)),
        judged(made, listing(root, (issuer, before, None))),
    ]
    assert [refused(one) for one in revoked] == [(12, "contradicted")] * 5
    (line,) = revoked[0].claim("credential").evidence
    assert line.values["detail"].startswith("signer.revoked: the certificate of CN=Test signer,O=Registrar was revoked")
    for later in (listing(issuer, (signer, after, None)), listing(issuer)):
        assert judged(made, later).verdict == "proved"


def test_what_is_said_beside_a_card_is_told_with_source_and_dates(tmp_path: Path) -> None:
    made, (_, issuer, _) = desk(tmp_path), card_people()
    report = judged(made, listing(issuer))
    (fact,) = report.facts["credentials"]
    (word,) = fact["revocation"]
    (member,) = report.facts["revocation"]
    assert member == {"file": f"data/revocation/{word['sha256']}.crl", "says": [word]}
    assert (word["form"], word["from"], word["revoked"]) == ("list", "2026-02-01T00:00:00Z", None)
    told = text_report(report, "en")
    assert f"had not revoked the certificate of CN=Test signer,O=Registrar, says {member['file']}" in told
    assert member["file"] in text_report(report, "zh")


def test_a_word_that_does_not_count_decides_nothing_and_is_told_so(tmp_path: Path) -> None:
    """By a stranger, about others, changed, narrowed, or of another form than its name says."""
    made, (signer, issuer, root) = desk(tmp_path), card_people()
    before = LOGGED - DAY
    bad = listing(issuer, (signer, before, None))
    assert judged(made, listing(root, (signer, before, None))).verdict == "proved", "the root's own alone"
    idle = {
        "by a stranger": ((listing(issuer, (signer, before, None), key=STRANGER.key),), ()),
        "of another": ((listing(TOWER_HALL, (signer, before, None)),), ()),
        "changed": ((bad[:-1] + bytes([bad[-1] ^ 1]),), ()),
        "no list at all": ((b"\x30\x03\x02\x01\x05",), (b"\x30\x00",)),
        "a list as an answer": ((), (bad,)),
        "narrowed": (
            (
                listing(
                    issuer,
                    (signer, before, None),
                    of_all=x509.DeltaCRLIndicator(1),
                ),
            ),
            (),
        ),
    }
    for what, (lists, answers) in idle.items():
        report = judged(made, *lists, answers=answers)
        assert report.verdict == "proved", what
        assert [one["says"] for one in report.facts["revocation"]] == [[]] * (len(lists) + len(answers)), what
        assert "says nothing that counts of anybody who signed here" in text_report(report, "en")


def test_what_strangers_signed_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list or answer may hold a hundred thousand extensions: half a second for each who is asked about."""
    made, (signer, issuer, _) = desk(tmp_path), card_people()
    read: list[str] = []
    for name in ("speaks_of_all", "understood_words"):
        done = getattr(revocation, name)
        monkeypatch.setattr(revocation, name, lambda *given, name=name, done=done: (read.append(name), done(*given))[1])
    bad = listing(issuer, key=STRANGER.key), answered(signer, issuer, by=STRANGER)
    assert [one["says"] for one in judged(made, bad[0], answers=(bad[1],)).facts["revocation"]] == [[], []]
    assert read == []
    good = listing(issuer), answered(signer, issuer)
    assert [len(one["says"]) for one in judged(made, good[0], answers=(good[1],)).facts["revocation"]] == [1, 1]
    assert read == ["speaks_of_all", "understood_words"]


def test_of_several_words_the_one_that_says_revoked_decides(tmp_path: Path) -> None:
    made, (signer, issuer, _) = desk(tmp_path), card_people()
    old, new = listing(issuer, (signer, LOGGED - DAY, None), at=LOGGED - DAY), listing(issuer, at=LOGGED + DAY)
    good = answered(signer, issuer, at=LOGGED + DAY)
    assert refused(judged(made, old, new, answers=(good,))) == (12, "contradicted")


def test_a_word_that_reaches_the_instant_ends_the_need_for_a_fact_from_outside(tmp_path: Path) -> None:
    signer, (_, issuer, _) = naming_a_place(), card_people()
    made = desk(tmp_path, finish=partial(c2pa_kit.resign, chain=signer.chain[:-1], key=signer.key))
    need = "needs an external fact: its issuer tells of revocation at http://ocsp.example"
    told = [text_report(judged(made, *words), "en") for words in ((), (listing(issuer),))]
    assert [need in one for one in told] == [True, False]
    old = listing(issuer, at=LOGGED - 30 * DAY)
    strange = listing(issuer, key=STRANGER.key)
    assert all(need in text_report(judged(made, one), "en") for one in (old, strange))


def test_a_card_rests_on_no_token_of_a_clock_whose_key_was_stolen(tmp_path: Path) -> None:
    """Its signer was revoked between the time of the token and that of the log."""
    signer, issuer, _ = card_people()
    hour = timedelta(hours=1)
    made = desk(tmp_path, finish=lambda card: stamped(card, LOGGED - 2 * hour))
    revoked = listing(issuer, (signer, LOGGED - hour, None))
    assert judged(made, revoked).verdict == "proved", "signed before, says the clock"
    for reason in (Reason.key_compromise, Reason.ca_compromise, Reason.privilege_withdrawn, None):
        stolen = listing(TOWER_HALL, (TOWER, LOGGED + 300 * DAY, reason))
        assert refused(judged(made, revoked, stolen)) == (12, "contradicted"), reason
    for reason in (Reason.unspecified, Reason.superseded, Reason.affiliation_changed, Reason.cessation_of_operation):
        stopped = listing(TOWER_HALL, (TOWER, LOGGED + 300 * DAY, reason))
        assert judged(made, revoked, stopped).verdict == "proved", reason
    report = judged(made, stolen)
    assert "a timestamp (sigTst2) counts no more: the certificate of" in text_report(report, "en")
    assert report.verdict == "proved", "admitted while the signer was entitled"


# --- tokens --------------------------------------------------------------------


def tower(kit: Kit, *lists: bytes, clock: Person = TOWER, answers: tuple[bytes, ...] = ()) -> Report:
    shown = (der(clock.certificate), der(TOWER_HALL.certificate))
    case: CaseMaterial = of_sizes(kit, stamp(kit.log.note(), holder(clock), certificates=shown))
    return kit.scene.judge(beside(case, lists, answers), kit.trust(tsa_roots=TRUSTED))


def stamps(report: Report) -> tuple[str, str, bool]:
    (fact,) = report.facts["timestamps"]
    return report.verdict, report.claim("timestamp").outcome, fact["proved"]


GOOD, FALLEN = ("proved", "proved", True), ("proved", "not_proved", False)
KEPT = (Reason.unspecified, Reason.affiliation_changed, Reason.superseded, Reason.cessation_of_operation)


@pytest.mark.parametrize("reason", [None, *Reason])
def test_a_token_whose_authority_was_revoked_since(kit: Kit, reason: Reason | None) -> None:
    """RFC 3161 §4: what it had stamped before stays good where no key was at fault, and only there."""
    if reason is Reason.remove_from_crl:
        return
    assert stamps(tower(kit, listing(TOWER_HALL, (TOWER, MADE + DAY, reason)))) == (GOOD if reason in KEPT else FALLEN)
    told = answered(TOWER, TOWER_HALL, MADE + DAY, reason)
    assert stamps(tower(kit, answers=(told,))) == (GOOD if reason in KEPT else FALLEN)
    above = listing(TOWER_ROOT, (TOWER_HALL, MADE + DAY, reason))
    assert stamps(tower(kit, above)) == (GOOD if reason in KEPT else FALLEN), "whoever stands between is judged alike"


ODD = {
    "7, which means none": b"\x0a\x01\x07",
    "11, which means none": b"\x0a\x01\x0b",
    "of two bytes": b"\x0a\x02\x00\x04",
    "an integer": b"\x02\x01\x04",
    "negative": b"\x0a\x01\xff",
    "with bytes behind": b"\x0a\x01\x04\x00",
    "empty": b"",
}


@pytest.mark.parametrize("odd", ODD)
def test_a_reason_that_cannot_be_read_is_none(kit: Kit, odd: str) -> None:
    """It keeps no token, and it does not take the word away."""
    assert stamps(tower(kit, listing(TOWER_HALL, (TOWER, MADE + DAY, ODD[odd])))) == FALLEN


def test_a_token_whose_authority_was_revoked_before(kit: Kit) -> None:
    for since in (MADE, MADE - DAY):
        report = tower(kit, listing(TOWER_HALL, (TOWER, since, Reason.superseded)))
        assert stamps(report) == FALLEN
        (fact,) = report.facts["timestamps"]
        assert [one["reason"] for one in fact["revocation"]] == ["superseded"]
        assert [one["says"] for one in report.facts["revocation"]] == [fact["revocation"]]
    assert "timestamp 0 counts no more: the certificate of" in text_report(report, "en")
    second = timedelta(seconds=1)
    assert stamps(tower(kit, listing(TOWER_HALL, (TOWER, MADE + second, Reason.superseded)))) == GOOD


def test_a_token_is_as_late_as_its_accuracy_allows(kit: Kit) -> None:
    shown = (der(TOWER.certificate), der(TOWER_HALL.certificate))
    case = of_sizes(kit, stamp(kit.log.note(), holder(TOWER), certificates=shown, accuracy={"seconds": 1, "millis": 1}))
    found = []
    for seconds in (1, 2, 3):
        words = listing(TOWER_HALL, (TOWER, MADE + timedelta(seconds=seconds), Reason.superseded))
        found.append(stamps(kit.scene.judge(beside(case, [words]), kit.trust(tsa_roots=TRUSTED))))
    assert found == [FALLEN, FALLEN, GOOD]


def test_a_fallen_token_bounds_no_time(kit: Kit) -> None:
    def sources(report: Report) -> int:
        return sum(one["kind"] == "token" for one in report.facts["time"]["sources"])

    assert sources(tower(kit)) > 0
    assert sources(tower(kit, listing(TOWER_HALL, (TOWER, MADE + DAY, None)))) == 0


def test_a_strangers_word_about_an_authority_decides_nothing(kit: Kit) -> None:
    for lists in (
        [listing(TOWER_HALL, (TOWER, MADE - DAY, None), key=STRANGER.key)],
        [listing(STRANGER, (TOWER, MADE - DAY, None), (TOWER_HALL, MADE - DAY, None))],
    ):
        report = tower(kit, *lists)
        assert stamps(report) == GOOD
        assert [one["says"] for one in report.facts["revocation"]] == [[]]


def test_an_authority_that_names_a_place_is_asked_about(kit: Kit) -> None:
    need = f"needs an external fact: its issuer tells of revocation at {PLACE}"
    report = tower(kit, clock=TOWER_WITH_A_PLACE)
    assert (stamps(report), need in text_report(report, "en")) == (GOOD, True)
    answered_now = tower(kit, listing(TOWER_HALL, at=MADE), clock=TOWER_WITH_A_PLACE)
    assert (stamps(answered_now), need in text_report(answered_now, "en")) == (GOOD, False)
    old = tower(kit, listing(TOWER_HALL, at=MADE - 30 * DAY), clock=TOWER_WITH_A_PLACE)
    assert need in text_report(old, "en")
    assert "had not revoked the certificate of" in text_report(old, "en")


def test_a_token_over_a_block_counts_no_more_either(kit: Kit) -> None:
    shown = (der(TOWER.certificate), der(TOWER_HALL.certificate))
    made = token(Recipe(holder(TOWER), message=block_hash(kit), gen_time=MADE, certificates=shown))
    proof = with_tokens(decode(kit.anchored.proof), [made])
    case = kit.material(anchors=[AnchorMaterial(encode(proof), kit.anchored.checkpoint)])
    found = {}
    for reason in (Reason.superseded, Reason.key_compromise):
        words = listing(TOWER_HALL, (TOWER, MADE + DAY, reason))
        report = kit.scene.judge(beside(case, [words]), kit.trust(tsa_roots=TRUSTED))
        assert (report.verdict, report.claim("anchor").outcome) == ("proved", "proved")
        found[reason] = said(report) & {"anchor.token", "anchor.token-revoked"}
    assert found == {Reason.superseded: {"anchor.token"}, Reason.key_compromise: {"anchor.token-revoked"}}


# --- form ----------------------------------------------------------------------


def test_too_many_or_too_long_words_are_not_a_case(kit: Kit) -> None:
    most = tower(kit, *(listing(TOWER_HALL, at=MADE + number * DAY) for number in range(MAX_REVOCATION)))
    assert most.verdict == "proved"
    with pytest.raises(Exception, match="64"):
        tower(kit, *(listing(TOWER_HALL, at=MADE + number * DAY) for number in range(MAX_REVOCATION + 1)))
    size = MAX_REVOCATION_BYTES - 5
    word = b"\x30\x83" + size.to_bytes(3, "big") + bytes(size)
    assert len(word) == MAX_REVOCATION_BYTES
    assert tower(kit, word).verdict == "proved"
    longer = b"\x30\x83" + (size + 1).to_bytes(3, "big") + bytes(size + 1)
    assert tower(kit, longer).verdict == "malformed"
