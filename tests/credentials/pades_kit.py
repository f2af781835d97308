"""An authority for documents and one for timestamps, made once for the tests, and a certificate signed by them."""

from __future__ import annotations

import asyncio
import functools
import io
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from unittest import mock

from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation.ades import AdESLTAValidationResult, ades_lta_validation
from pyhanko.sign.validation.policy_decl import (
    KeyUsageConstraints,
    LocalKnowledge,
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.ltv import ades_past, poe
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
from pyhanko_certvalidator.policy_decl import (
    CertRevTrustPolicy,
    RevocationCheckingPolicy,
    RevocationCheckingRule,
)
from pyhanko_certvalidator.registry import SimpleTrustManager
from pyhanko_certvalidator.revinfo.archival import CRLContainer

from anchors.timestamps.folder import create_folder, open_authority
from credentials.documents_ca import DocumentSigner, document_signer, revocation_list
from credentials.pades import Attachment, Stamper, sign_pdf

BORN = datetime(2026, 1, 1, tzinfo=UTC)
SIGNED = datetime(2026, 11, 21, 8, 31, tzinfo=UTC)
SECRET = "correct horse"


@functools.cache
def kept() -> Path:
    stack = ExitStack()
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    kept.stack = stack  # type: ignore[attr-defined]
    create_folder(folder / "tsa", "test authority", SECRET, BORN)
    return folder


def stamper(at: datetime = SIGNED) -> Stamper:
    """The local authority, whose clock stands at ``at``."""
    folder = kept() / "tsa"
    root = x509.load_pem_x509_certificate((folder / "root.pem").read_bytes())
    key = load_pem_private_key((folder / "root.key.pem").read_bytes(), SECRET.encode())
    assert isinstance(key, ec.EllipticCurvePrivateKey)

    def ask(query: bytes) -> bytes:
        (folder / "last").unlink(missing_ok=True)
        with open_authority(folder, SECRET, lambda: int(at.timestamp() * 1_000_000)) as authority:
            return authority.answer(query)

    return Stamper(ask, (root.public_bytes(Encoding.DER),), (), (revocation_list(root, key, at),))


def signer(at: datetime = SIGNED) -> DocumentSigner:
    """The registrar's signer of documents with lists of ``at``."""
    document_signer(kept() / "ca", SECRET.encode(), "Registrar", BORN)
    return document_signer(kept() / "ca", SECRET.encode(), "Registrar", at)


@functools.cache
def signed(document: bytes, payload: bytes) -> bytes:
    """``document`` signed to B-LTA."""
    return sign_pdf(document, Attachment(payload, "proof"), signer(), stamper(), SIGNED, "registration")


def validate(data: bytes, at: datetime) -> AdESLTAValidationResult:
    """What pyHanko's own validator says, with long-term archival, as of ``at``; nothing is fetched."""
    own, clocks = signer().identity.chain[-1].public_bytes(Encoding.DER), stamper().roots[0]
    # The newest timestamp is judged by what is known of its authority at ``at``; all below it by what the file holds.
    (fresh,) = stamper(at).lists
    rule = RevocationCheckingRule.CRL_REQUIRED
    checks = CertRevTrustPolicy(RevocationCheckingPolicy(ee_certificate_rule=rule, intermediate_ca_cert_rule=rule))

    def under(root: bytes) -> CertValidationPolicySpec:
        trusted = SimpleTrustManager.build(trust_roots=[asn1_x509.Certificate.load(root)])
        return CertValidationPolicySpec(trust_manager=trusted, revinfo_policy=checks)

    spec = SignatureValidationSpec(
        cert_validation_policy=under(own),
        ts_cert_validation_policy=under(clocks),
        revinfo_gathering_policy=RevocationInfoGatheringSpec(RevinfoOnlineFetchingRule.LOCAL_ONLY),
        key_usage_settings=KeyUsageConstraints(key_usage={"non_repudiation"}),
        # It looks for whoever signed a list among known certificates, and does not count trusted roots among these.
        local_knowledge=LocalKnowledge(
            known_certs=[asn1_x509.Certificate.load(one) for one in (own, clocks)],
            known_crls=[CRLContainer(asn1_crl.CertificateList.load(fresh))],
        ),
    )
    (signature,) = PdfFileReader(io.BytesIO(data)).embedded_regular_signatures
    when = ValidationTimingInfo(validation_time=at, best_signature_time=at, point_in_time_validation=True)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return at

    # What it sees for the first time it dates by the machine's clock; here that stands at ``at``.
    with mock.patch.object(ades_past, "datetime", Clock), mock.patch.object(poe, "datetime", Clock):
        return asyncio.run(ades_lta_validation(signature, PdfSignatureValidationSpec(spec), when))
