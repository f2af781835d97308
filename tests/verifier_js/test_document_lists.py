"""Revocation lists in a document (docs/evidence/credentials.md section 6): what counts, and what leaves it open."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.name import _ASN1Type

from tests.core.timestamp.forge import tlv
from tests.verifier_js.both import Second
from tests.verifier_js.pdf_forge import CLOCK_ROOT, REGISTRAR, ROOT, SIGNED, revocations, with_lists
from tests.verifier_js.revocation_forge import NOT_CRITICAL, NULL, SIGNATURES, Listed, entry, extension, oid, when
from tests.verifier_js.test_documents import DAY, Case, Written, good, of_the_first

SERIAL = REGISTRAR.certificate.serial_number
NAMED = {SERIAL: SIGNED - DAY}
OTHERS = x509.CertificateIssuer([x509.DirectoryName(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")]))])
REMOVED, TAKEN = (x509.CRLReason(one) for one in (x509.ReasonFlags.remove_from_crl, x509.ReasonFlags.key_compromise))
PLACE = [x509.UniformResourceIdentifier("http://lists.example/7")]
FRESHEST = x509.FreshestCRL([x509.DistributionPoint(PLACE, None, None, None)])
AUTHORITIES = x509.IssuingDistributionPoint(None, None, False, True, None, False, False)
A_PART = x509.IssuingDistributionPoint(PLACE, None, False, False, None, False, False)
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0")
REFUSED, OPEN, ANSWERED = "refused", "open", "answered"


def named(*entry: tuple[x509.ExtensionType, bool]) -> bytes:
    return revocations(ROOT, NAMED, entry=entry)


def narrowed(extension: x509.ExtensionType, critical: bool = True, **more: Any) -> bytes:
    return revocations(ROOT, more.pop("since", {}), extensions=[(extension, critical)], **more)


LISTS: dict[str, tuple[bytes, str]] = {
    "of that instant": (revocations(ROOT, {}), ANSWERED),
    "to the last second": (revocations(ROOT, {}, at=SIGNED - timedelta(days=30)), ANSWERED),
    "old": (revocations(ROOT, {}, at=SIGNED - timedelta(days=30, seconds=1)), OPEN),
    "old, of who is revoked later": (
        revocations(ROOT, {SERIAL: SIGNED + DAY}, at=SIGNED - timedelta(days=31)), ANSWERED),
    "a delta": (narrowed(x509.DeltaCRLIndicator(5)), OPEN),
    "a delta that names him": (narrowed(x509.DeltaCRLIndicator(5), since=NAMED), OPEN),
    "of authorities": (narrowed(AUTHORITIES), OPEN),
    "of a part": (narrowed(A_PART), OPEN),
    "of an unknown kind": (narrowed(UNKNOWN), OPEN),
    "of an unknown kind that is not critical": (narrowed(UNKNOWN, critical=False), ANSWERED),
    "with a freshest one": (narrowed(FRESHEST, critical=False), ANSWERED),
    "with a freshest one, that names him": (narrowed(FRESHEST, critical=False, since=NAMED), REFUSED),
    "an entry of another issuer": (named((OTHERS, True)), OPEN),
    "an entry that takes him off": (named((REMOVED, False)), OPEN),
    "an entry with another reason": (named((TAKEN, False)), REFUSED),
    "by SHA-512": (revocations(ROOT, NAMED, digest=hashes.SHA512()), REFUSED),
    "by SHA-224": (revocations(ROOT, NAMED, digest=hashes.SHA224()), OPEN),
}  # fmt: skip


REASON = "2.5.29.21"
BEFORE = SIGNED - DAY
HIS = entry(SERIAL, BEFORE)
OFF = entry(SERIAL, BEFORE, extension(REASON, b"\x0a\1\x08"))


def his(dotted: str, value: bytes, critical: bytes = b"") -> bytes:
    """A list whose entry for him has this extension."""
    return Listed((entry(SERIAL, BEFORE, extension(dotted, value, critical)),)).der()


def whole(dotted: str, value: bytes = NULL, critical: bytes = b"", times: int = 1) -> bytes:
    """A list with this extension."""
    return Listed((HIS,), (extension(dotted, value, critical),) * times).der()


def in_text(kind: _ASN1Type, more: str = "") -> bytes:
    """A list whose issuer's name stands in another type of text, or with more in it."""
    name = [x509.NameAttribute(one.oid, f"{one.value}{more}", kind) for one in ROOT.certificate.subject]
    return Listed((HIS,), issuer=x509.Name(name).public_bytes()).der()


FORMS: dict[str, tuple[bytes, str]] = {
    "by hand": (Listed((HIS,)).der(), REFUSED),
    "by hand, of nobody": (Listed(()).der(), ANSWERED),
    "taken off, then on": (Listed((OFF, HIS)).der(), OPEN),
    "on, then taken off": (Listed((HIS, OFF)).der(), REFUSED),
    "revoked later, then before": (Listed((entry(SERIAL, SIGNED + DAY), HIS)).der(), ANSWERED),
    "revoked before, then later": (Listed((HIS, entry(SERIAL, SIGNED + DAY))).der(), REFUSED),
    "one extension twice": (whole("1.2.3.4", times=2), OPEN),
    "one that need not be known, in so many words": (whole("1.2.3.4", critical=NOT_CRITICAL), OPEN),
    **{f"{name} that is none": (whole(dotted, b"x"), REFUSED)
       for name, dotted in {"a key of the issuer": "2.5.29.35", "a number": "2.5.29.20", "a freshest list": "2.5.29.46",
                            "other names": "2.5.29.18", "an address": "1.3.6.1.5.5.7.1.1"}.items()},
    **{f"{name}, uncritically": (whole(dotted, value), OPEN)
       for name, dotted, value in (("a delta", "2.5.29.27", b"\2\1\5"), ("a part", "2.5.29.28", tlv(0x30, b"")),
                                   ("a part that is none", "2.5.29.28", b"x"))},
    "no extensions": (Listed((HIS,), ()).der(), OPEN),
    **{f"an entry for {value.hex()}": (his(REASON, value), outcome)
       for value, outcome in ((b"\x0a\1\x08", OPEN), (b"\x0a\1\0", REFUSED), (b"\x0a\1\7", REFUSED), (b"x", REFUSED),
                              (b"\x0a\1\x63", REFUSED), (b"\x0a\1\x08\0", REFUSED), (b"\2\1\x08", REFUSED),
                              (b"\x0a\2\0\x08", REFUSED))},
    "an entry of a time that is none": (his("2.5.29.24", b"x"), REFUSED),
    "an entry of an issuer that is none": (his("2.5.29.29", b"x"), REFUSED),
    "an entry that need not be known, in so many words": (his("1.2.3.4", NULL, NOT_CRITICAL), OPEN),
    "an entry with one twice": (Listed((entry(SERIAL, BEFORE, *[extension("1.2.3.4")] * 2),)).der(), OPEN),
    "another's with one twice": (Listed((HIS, entry(5, BEFORE, *[extension("1.2.3.4")] * 2))).der(), REFUSED),
    "an entry with what is none": (Listed((entry(SERIAL, BEFORE, NULL),)).der(), OPEN),
    "another's with what is none": (Listed((HIS, entry(5, BEFORE, NULL))).der(), OPEN),
    "an entry with more": (Listed((entry(SERIAL, BEFORE, more=NULL),)).der(), OPEN),
    "another's with more": (Listed((HIS, entry(5, BEFORE, extension("1.2.3.4"), more=NULL))).der(), OPEN),
    "of no version": (Listed((HIS,), version=b"").der(), REFUSED),
    "of version 1, in so many words": (Listed((HIS,), version=b"\2\1\0").der(), OPEN),
    "of version 3": (Listed((HIS,), version=b"\2\1\2").der(), OPEN),
    "with NULL for ECDSA": (Listed((HIS,), algorithm=tlv(0x30, oid(SIGNATURES["ecdsa"]["sha256"]) + NULL)).der(), OPEN),
    "of two algorithms": (Listed((HIS,), inner=tlv(0x30, oid(SIGNATURES["ecdsa"]["sha384"]))).der(), OPEN),
    "said to be RSA": (Listed((HIS,), algorithm=tlv(0x30, oid(SIGNATURES["rsa"]["sha256"]) + NULL)).der(), OPEN),
    "without an end": (Listed((HIS,), until=None).der(), REFUSED),
    "of a time in full": (Listed((HIS,), since=when(SIGNED)).der(), REFUSED),
    "of a fraction": (Listed((HIS,), since=tlv(0x18, b"20260115120000.5Z")).der(), OPEN),
    "of no seconds": (Listed((HIS,), since=tlv(0x17, b"2601151200Z")).der(), OPEN),
    "another's on 30 February": (Listed((HIS, entry(5, tlv(0x17, b"260230120000Z")))).der(), OPEN),
    "of a name in another type of text": (in_text(_ASN1Type.PrintableString), REFUSED),
    "of a name in wide text": (in_text(_ASN1Type.BMPString), REFUSED),
    "of another name": (in_text(_ASN1Type.UTF8String, "."), OPEN),
    "by a stranger in the issuer's name": (Listed((HIS,), key=CLOCK_ROOT.key).der(), OPEN),
    "with more": (Listed((HIS,), edit=lambda given: [*given, NULL]).der(), OPEN),
    "with more behind the signature": (Listed((HIS,), edit_list=lambda given: [*given, NULL]).der(), OPEN),
    "with a byte behind": (Listed((HIS,)).der() + b"\0", OPEN),
}  # fmt: skip


def said(outcome: str, problems: int) -> str:
    return REFUSED if outcome == "contradicted" else OPEN if problems else ANSWERED


@pytest.mark.parametrize("table", [LISTS, FORMS], ids=["made", "by hand"])
def test_what_counts_counts_in_both(table: dict[str, tuple[bytes, str]], second: Second, tmp_path: Path) -> None:
    written = Written(tmp_path)
    cases = {name: Case(lambda made=made: with_lists(good(), made)) for name, (made, _) in table.items()}  # type: ignore[misc]
    trials = {name: written.trial(name, case) for name, case in cases.items()}
    for (name, case), found in zip(cases.items(), second.judge(trials.values()), strict=True):
        told = {key: value for key, value in found.items() if key != "reason"}
        assert told == of_the_first(trials[name].path, case), name
        assert said(told["outcome"], told.get("problems", 0)) == table[name][1], (name, found)
