"""Step 14: timestamp tokens in a bundle: what they prove, what is told of them, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509

from tallystick.base64s import to_base64
from tallystick.case import CaseMaterial, TimestampMaterial, case_members
from tallystick.case.model import INDEX
from tallystick.errors import MalformedInput
from tallystick.merkle import prove_consistency
from tallystick.note import parse_note
from tallystick.report.as_text import text_report
from tallystick.timestamp import LOCAL_POLICY
from tallystick.trust import TimeAuthority
from tallystick.verify import Report
from tests.core.timestamp.forge import AUTHORITY, Holder, Recipe, holder, token
from tests.core.verify.kit import AT, Kit

ROOT = holder("root of the observatory", None, AUTHORITY)
TSA = holder("the observatory", ROOT)
STRANGE = holder("a strange root", None, AUTHORITY)
MARK = (x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier(LOCAL_POLICY), None)]), False)
OWN_ROOT = holder("an operator's root", None, (*AUTHORITY, MARK))
OWN = holder("an operator's own", OWN_ROOT)


def trusting(*roots: tuple[str, Holder, bool], **more: Any) -> dict[str, Any]:
    listed = tuple(TimeAuthority(name, to_base64(one.der), independent) for name, one, independent in roots)
    return {"tsa_roots": listed, "independent_time": any(one.independent for one in listed), **more}


KNOWN = trusting(("the observatory", ROOT, False))


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def stamp(note: bytes, signer: Holder = TSA, seconds: int = AT - 3600, **more: Any) -> TimestampMaterial:
    text = parse_note(note).text.encode()
    made = token(Recipe(signer, message=more.pop("message", text), gen_time=at(seconds), **more))
    return TimestampMaterial(made, note)


def of_sizes(kit: Kit, *stamps: TimestampMaterial) -> CaseMaterial:
    """The honest case with these, and the consistency paths that they need."""
    size, found = kit.log.size, dict(kit.honest.consistency)
    for one in stamps:
        old = int(parse_note(one.checkpoint).text.split("\n")[1])
        if old < size:
            found[old, size] = prove_consistency(kit.log, old, size)
    return kit.material(timestamps=stamps, consistency=found)


def judged(kit: Kit, *stamps: TimestampMaterial, when: int = AT, **trust: Any) -> Report:
    return kit.scene.judge(of_sizes(kit, *stamps), kit.trust(**trust), when)


def test_a_token_of_a_known_authority(kit: Kit) -> None:
    report = judged(kit, stamp(kit.log.note(), accuracy={"millis": 999}), **KNOWN)
    claim = report.claim("timestamp")
    assert (claim.outcome, claim.step, claim.required) == ("proved", 14, False)
    (fact,) = report.facts["timestamps"]
    assert fact["proved"] is True
    assert (fact["size"], fact["authority"], fact["accuracy"]) == (kit.log.size, "the observatory", "0.999")
    assert (fact["independent"], fact["operator_only"]) == (False, False)
    assert report.verdict == "proved"
    for language, words in (("en", "stamped the log at size"), ("zh", "加盖时间戳")):
        assert words in text_report(report, language)  # type: ignore[arg-type]


def test_over_an_older_checkpoint(kit: Kit) -> None:
    """The tree of the case extends it: by a path of its own, or the one of an anchor of that size."""
    for size in (3, kit.log.size - 1):
        report = judged(kit, stamp(kit.log.note(size)), **KNOWN)
        assert report.claim("timestamp").outcome == "proved"
        assert report.claim("anchor").outcome == "proved"


def test_of_two_authorities_each_is_told(kit: Kit) -> None:
    strange = holder("below the strange root", STRANGE)
    report = judged(kit, stamp(kit.log.note()), stamp(kit.log.note(), strange), **KNOWN)
    claim = report.claim("timestamp")
    assert claim.outcome == "not_proved"
    assert [line.key for line in claim.evidence] == ["timestamp.good", "timestamp.dependent", "timestamp.unknown"]
    assert [one["proved"] for one in report.facts["timestamps"]] == [True, False]
    assert report.verdict == "proved"
    both = trusting(("the observatory", ROOT, False), ("the other", STRANGE, False))
    assert judged(kit, stamp(kit.log.note()), stamp(kit.log.note(), strange), **both).verdict == "proved"


@pytest.mark.parametrize("required", [False, True])
def test_an_unknown_authority_is_never_skipped(kit: Kit, required: bool) -> None:
    trust = {"required": ("timestamp",)} if required else {}
    report = judged(kit, stamp(kit.log.note()), **trust)
    assert report.claim("timestamp").outcome == "not_proved"
    assert report.verdict == ("not_proved" if required else "proved")
    assert report.refused_at == (14 if required else None)


def test_what_is_required_and_not_there(kit: Kit) -> None:
    report = kit.scene.judge(kit.honest, kit.trust(required=("timestamp",)))
    assert (report.verdict, report.refused_at) == ("not_proved", 14)
    assert [line.key for line in report.claim("timestamp").evidence] == ["timestamp.none"]


def test_cases_without_tokens_are_what_they_were(kit: Kit) -> None:
    members = case_members(kit.honest)
    assert b'"tallystick-evidence/1"' in members[INDEX]  # type: ignore[operator]
    assert b"timestamps" not in members[INDEX]  # type: ignore[operator]
    report = kit.scene.judge(kit.honest)
    assert "timestamp" not in [claim.id for claim in report.claims]
    assert "timestamps" in report.facts
    assert report.facts["timestamps"] == []


def test_an_operators_own_is_never_independent(kit: Kit) -> None:
    report = judged(kit, stamp(kit.log.note(), OWN), **trusting(("said to be independent", OWN_ROOT, True)))
    claim = report.claim("timestamp")
    assert [line.key for line in claim.evidence] == ["timestamp.good", "timestamp.own"]
    (fact,) = report.facts["timestamps"]
    assert (fact["independent"], fact["operator_only"]) == (False, True)
    assert "operator only" in fact["trust"]["en"]
    assert "仅日志运营方自身" in fact["trust"]["zh"]


def test_later_than_the_time_of_verification(kit: Kit) -> None:
    made = stamp(kit.log.note(), seconds=AT, accuracy={"millis": 1})
    assert judged(kit, made, when=AT + 1, **KNOWN).claim("timestamp").outcome == "proved"
    report = judged(kit, made, when=AT, **KNOWN)
    assert report.claim("timestamp").outcome == "not_proved"
    assert [line.key for line in report.claim("timestamp").evidence] == ["timestamp.later"]


def flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def other_note(kit: Kit) -> bytes:
    """The log's text with a signature that is not the log's."""
    return kit.log.note().replace(b"\xe2\x80\x94 ", b"\xe2\x80\x94 x", 1)


BAD: dict[str, Callable[[Kit], TimestampMaterial]] = {
    "of another checkpoint": lambda kit: replace(stamp(kit.log.note(3)), checkpoint=kit.log.note()),
    "over the whole note": lambda kit: stamp(kit.log.note(), message=kit.log.note()),
    "changed": lambda kit: TimestampMaterial(flipped(stamp(kit.log.note()).token), kit.log.note()),
    "no token": lambda kit: TimestampMaterial(b"\x30\x00", kit.log.note()),
    "empty": lambda kit: TimestampMaterial(b"", kit.log.note()),
    "beside a note that the log did not sign": lambda kit: replace(stamp(kit.log.note()), checkpoint=other_note(kit)),
    "after its certificate": lambda kit: stamp(
        kit.log.note(), holder("short", ROOT, end=at(AT - 7200) + timedelta(seconds=1))
    ),
}


@pytest.mark.parametrize("fault", BAD)
def test_what_does_not_hold_is_contradicted(kit: Kit, fault: str) -> None:
    """Also with the manifest signed again by the exporter; and also where nobody requires it."""
    report = judged(kit, BAD[fault](kit), **KNOWN)
    assert report.claim("timestamp").outcome == "contradicted"
    assert (report.verdict, report.refused_at) == ("not_proved", 14)


def test_a_checkpoint_that_the_tree_does_not_extend(kit: Kit) -> None:
    """Signed by the log itself, under another history."""
    material = replace(of_sizes(kit, stamp(kit.log.note(3))), consistency=kit.honest.consistency)
    report = kit.scene.judge(material, kit.trust(**KNOWN))
    assert (report.claim("timestamp").outcome, report.refused_at) == ("contradicted", 14)


def test_places(kit: Kit) -> None:
    """A member more, a member less, an index that says otherwise: malformed at step 1."""
    members = case_members(of_sizes(kit, stamp(kit.log.note())))
    name = "data/timestamps/0/token.tst"
    changes = [
        {key: value for key, value in members.items() if key != name},
        {**members, "data/timestamps/1/token.tst": members[name]},
        {**members, INDEX: members[INDEX].replace(b'"timestamps":[0]', b'"timestamps":[1]')},  # type: ignore[union-attr]
        {**members, INDEX: members[INDEX].replace(b"evidence/2", b"evidence/1")},  # type: ignore[union-attr]
        {**case_members(kit.honest), name: members[name]},
    ]
    for changed in changes:
        report = kit.scene.verify(kit.scene.bundle(changed))
        assert (report.verdict, report.refused_at) == ("malformed", 1)


def test_certificates_that_tokens_lack_stand_in_the_trust_file(kit: Kit) -> None:
    """From version 3 on, and in no earlier one."""
    between = holder("between", ROOT, AUTHORITY)
    made = stamp(kit.log.note(), holder("below it", between))
    told = TimeAuthority("the observatory", to_base64(ROOT.der), False, (to_base64(between.der),))
    third = {"v": 3, "logs": (replace(kit.scene.first, replaced=()),), "tsa_roots": (told,)}
    assert judged(kit, made, **third).claim("timestamp").outcome == "proved"
    assert judged(kit, made, **KNOWN).claim("timestamp").outcome == "not_proved"
    for changes in ({"v": 2}, {"tsa_roots": (replace(told, certificates=None),)}):
        with pytest.raises(MalformedInput, match="of version 3 exactly if"):
            kit.trust(**(third | changes))
