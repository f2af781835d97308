"""PAdES B-LTA: what others' software says of our signatures, years later too, and what it says of changed files."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.sign.ades.report import AdESIndeterminate, AdESPassed
from pyhanko.sign.diff_analysis import ModificationLevel

from credentials.ca import issue_authority, new_root
from credentials.certificate import render_certificate
from credentials.documents_ca import (
    DOCUMENT_SIGNING,
    LISTS,
    REVOKED,
    document_root,
    document_signer,
    issue_document_signer,
)
from credentials.errors import KeyUnreadable, SigningFailed
from credentials.pades import Attachment, Stamper, renew_pdf, sign_pdf
from tallystick.errors import MalformedInput
from tests.credentials.pades_kit import BORN, SECRET, SIGNED, signed, signer, stamper, validate
from tests.credentials.test_documents import FACTS

SOON, LATER, LONG_AFTER = (datetime(year, 6, 1, tzinfo=UTC) for year in (2027, 2028, 2032))
"""The lists of the day of signing are stale by the first; the signer's certificate has expired by the last."""


@pytest.fixture(scope="module")
def certificate() -> bytes:
    return signed(render_certificate(FACTS), b'{"v":2}')


@pytest.mark.parametrize("at", [SIGNED, SOON, LATER, LONG_AFTER])
def test_pyhanko_validates_it_to_b_lta(certificate: bytes, at: datetime) -> None:
    result = validate(certificate, at)
    assert result.ades_subindic == AdESPassed.OK
    assert (result.best_signature_time, result.oldest_evidence_record_timestamp) == (SIGNED, SIGNED)
    assert result.api_status.modification_level == ModificationLevel.LTA_UPDATES


def test_without_its_document_timestamp_it_does_not_outlive_its_signer(certificate: bytes) -> None:
    first = certificate[: certificate.index(b"%%EOF") + 6]
    assert validate(first, SIGNED).ades_subindic != AdESPassed.OK  # no lists are in it
    assert validate(first, LONG_AFTER).ades_subindic in set(AdESIndeterminate)


def test_a_renewed_file_keeps_every_byte_and_is_timestamped_again(certificate: bytes) -> None:
    root = signer().identity.chain[-1].public_bytes(Encoding.DER)
    renewed = renew_pdf(certificate, stamper(LATER), [root], (), LATER)
    assert renewed.startswith(certificate)
    assert renewed.count(b"/DocTimeStamp") == certificate.count(b"/DocTimeStamp") + 1 == 2
    result = validate(renewed, LONG_AFTER)
    assert result.ades_subindic == AdESPassed.OK
    assert result.api_status.modification_level == ModificationLevel.LTA_UPDATES


def test_openssl_verifies_the_cms_over_the_signed_bytes(certificate: bytes, tmp_path: Path) -> None:
    start, end, after, length = map(int, re.search(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)\]", certificate).groups())  # type: ignore[union-attr]
    assert (start, certificate[after + length - 6 : after + length]) == (0, b"%%EOF\n")
    cms = bytes.fromhex(certificate[end + 1 : after - 1].decode())
    content, root = certificate[:end] + certificate[after : after + length], signer().identity.chain[-1]
    for name, data in (("cms", cms), ("content", content), ("root.pem", root.public_bytes(Encoding.PEM))):
        (tmp_path / name).write_bytes(data)

    def openssl(changed: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        (tmp_path / "content").write_bytes(content + changed)
        command = "openssl cms -verify -binary -inform DER -in cms -content content -CAfile root.pem -purpose any"
        at = ["-attime", str(int(SIGNED.timestamp())), "-out", "/dev/null"]
        return subprocess.run([*command.split(), *at], cwd=tmp_path, capture_output=True, timeout=60, check=False)

    assert b"CMS Verification successful" in openssl().stderr
    assert openssl(b"x").returncode != 0


def test_a_flipped_byte_is_seen_by_pyhanko(certificate: bytes) -> None:
    changed = certificate.replace(b"/Rotate 0", b"/Rotate 9", 1)
    assert validate(changed, SIGNED).ades_subindic != AdESPassed.OK


def test_the_signer_is_for_documents_alone() -> None:
    """C2PA takes certificates for documents: so this one stands under a root of its own."""
    identity = signer().identity
    assert list(identity.certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        DOCUMENT_SIGNING
    ]
    usage = identity.certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.content_commitment, usage.key_cert_sign, usage.crl_sign) == (
        True,
        True,
        False,
        False,
    )


def test_a_revoked_signer_does_not_sign(tmp_path: Path) -> None:
    first = document_signer(tmp_path, SECRET.encode(), "Registrar", BORN)
    serial = first.identity.certificate.serial_number
    (tmp_path / REVOKED).write_text(f"{serial:x} 2026-05-01T00:00:00Z\n")
    revoked = document_signer(tmp_path, SECRET.encode(), "Registrar", SIGNED)
    assert [one.serial_number for one in x509.load_der_x509_crl(revoked.lists[0])] == [serial]
    with pytest.raises(SigningFailed, match="revoked"):
        sign_pdf(render_certificate(FACTS), Attachment(b"{}", "x"), revoked, stamper(), SIGNED, "x")
    (tmp_path / REVOKED).write_text("what\n")
    with pytest.raises(MalformedInput, match="serial number"):
        document_signer(tmp_path, SECRET.encode(), "Registrar", SIGNED)


def test_an_expiring_signer_is_replaced_under_the_same_root(tmp_path: Path) -> None:
    first = document_signer(tmp_path, SECRET.encode(), "Registrar", BORN).identity
    assert document_signer(tmp_path, SECRET.encode(), "Registrar", SIGNED).identity.chain == first.chain
    later = document_signer(tmp_path, SECRET.encode(), "Registrar", LONG_AFTER).identity
    assert (later.certificate == first.certificate, later.chain[-1] == first.chain[-1]) == (False, True)
    assert (tmp_path / f"document-signer-{first.certificate.serial_number:x}.key.pem").exists()


def test_an_imported_chain_brings_its_lists(tmp_path: Path) -> None:
    root = new_root("Ministry", "Ministry root", BORN)
    leaf = issue_document_signer(issue_authority(root, "Ministry authority", BORN), "Registrar of films", BORN)
    leaf.save(tmp_path, "document-signer", SECRET.encode())
    assert document_root(tmp_path) == root.certificate
    with pytest.raises(KeyUnreadable, match=LISTS):
        document_signer(tmp_path, SECRET.encode(), "Registrar", SIGNED)
    own = document_signer(tmp_path / "own", SECRET.encode(), "Registrar", SIGNED)
    pem = x509.load_der_x509_crl(own.lists[0]).public_bytes(Encoding.PEM)
    (tmp_path / LISTS).write_bytes(pem + pem)
    assert document_signer(tmp_path, SECRET.encode(), "Registrar", SIGNED).lists == own.lists * 2
    (tmp_path / LISTS).write_bytes(b"x-----END X509 CRL-----")
    with pytest.raises(MalformedInput, match="revocation lists"):
        document_signer(tmp_path, SECRET.encode(), "Registrar", SIGNED)


def test_no_signature_without_its_timestamp() -> None:
    def silent(_: bytes) -> bytes:
        raise OSError("no answer")

    asked = Stamper(silent, stamper().roots)
    with pytest.raises(SigningFailed, match="no answer"):
        sign_pdf(render_certificate(FACTS), Attachment(b"{}", "x"), signer(), asked, SIGNED, "x")
