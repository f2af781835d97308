"""What a document's own store says of those who stamped it is not read; what stands beside the document is."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from credentials.certificate import render_certificate
from credentials.documents_ca import revocation_list
from tallystick.pdf.pades import brought_by_document, judge_document
from tallystick.revocation import Words
from tallystick.timestamp import Authority, parse_token
from tests.core.pdf.kit import NAME, judge, roots
from tests.core.pdf.test_pades import storing
from tests.credentials.pades_kit import BORN, SECRET, SIGNED, kept, signed, stamper
from tests.credentials.test_documents import FACTS


@pytest.fixture(scope="module")
def good() -> bytes:
    return signed(render_certificate(FACTS), b'{"v":2}')


def revoking(good: bytes, since: datetime) -> bytes:
    """The authority's own list: whoever stamped the document was revoked, for no reason that is told."""
    folder = kept() / "tsa"
    root = x509.load_pem_x509_certificate((folder / "root.pem").read_bytes())
    key = load_pem_private_key((folder / "root.key.pem").read_bytes(), SECRET.encode())
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    shown = (one for token in brought_by_document(good).tokens for one in parse_token(token).certificates)
    serials = {x509.load_der_x509_certificate(one).serial_number for one in shown} - {root.serial_number}
    return revocation_list(root, key, SIGNED, dict.fromkeys(serials, since))


@pytest.mark.parametrize("since", [BORN, SIGNED + timedelta(days=1)], ids=["before", "since"])
def test_of_those_who_stamped_a_document_its_own_store_is_not_asked(good: bytes, since: datetime) -> None:
    word = revoking(good, since)
    stored = storing(good, CRLs=word)
    verdict = judge(stored)
    assert [one.fact is not None and one.revoked is None for one in verdict.stamps] == [True, True]
    assert verdict.judged_at == judge(good).judged_at
    trusted = [Authority("test", stamper().roots[0], False)]
    beside = judge_document(stored, roots(), trusted, SIGNED + timedelta(days=2), NAME, beside=Words([word]))
    assert [one.fact is None and one.revoked is not None for one in beside.stamps] == [True, True]
    assert sum("counts no more" in one for one in beside.problems) == 2
