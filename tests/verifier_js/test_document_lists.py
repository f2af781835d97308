"""Revocation lists in a document (docs/evidence/credentials.md section 6): what counts, and what leaves it open."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from tests.verifier_js.both import Second
from tests.verifier_js.pdf_forge import REGISTRAR, ROOT, SIGNED, revocations, with_lists
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


def said(outcome: str, problems: int) -> str:
    return REFUSED if outcome == "contradicted" else OPEN if problems else ANSWERED


@pytest.mark.parametrize("name", LISTS)
def test_what_counts_counts_in_both(name: str, second: Second, tmp_path: Path) -> None:
    made, expected = LISTS[name]
    case, written = Case(lambda: with_lists(good(), made)), Written(tmp_path)
    trial = written.trial(name, case)
    (found,), first = second.judge([trial]), of_the_first(trial.path, case)
    assert {key: value for key, value in found.items() if key != "reason"} == first
    assert said(found["outcome"], found.get("problems", 0)) == expected
