"""PAdES B-LTA signatures (ETSI EN 319 142-1) on certificates, by pyHanko.

One revision holds the document with its attachment and its signature, with a signature timestamp inside; one more the
security store (certificates and revocation lists) with a document timestamp over all of it. Renewal appends another of
those. Nothing is fetched: timestamps come by a callable, lists from the caller.
"""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from cryptography.hazmat.primitives.serialization import Encoding

from credentials.documents_ca import DocumentSigner, require_standing
from credentials.errors import SigningFailed
from tallystick.lazy_dataclass import dataclass

CERTIFICATE_ATTACHMENT = "tallystick-certificate.json"

if TYPE_CHECKING:
    from pyhanko.sign.timestamps.api import TimeStamper
    from pyhanko_certvalidator import ValidationContext

T = TypeVar("T")

FIELD = "Registrar"


@dataclass(frozen=True, slots=True)
class Stamper:
    """A timestamp authority. ``ask``: answers a query with a reply (DER); the rest is DER of certificates and lists."""

    ask: Callable[[bytes], bytes]
    roots: tuple[bytes, ...]
    certificates: tuple[bytes, ...] = ()
    lists: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Attachment:
    """The machine-readable part."""

    data: bytes
    description: str
    media_type: str = "application/json"


def sign_pdf(
    document: bytes, attachment: Attachment, signer: DocumentSigner, stamper: Stamper, now: datetime, reason: str
) -> bytes:
    """``document`` signed to B-LTA as of ``now``. Raises SigningFailed."""
    require_standing(signer, now)
    return _run(_sign(document, attachment, signer, stamper, now, reason))


def renew_pdf(signed: bytes, stamper: Stamper, roots: Sequence[bytes], lists: Sequence[bytes], now: datetime) -> bytes:
    """``signed`` with one more security store and document timestamp. Raises SigningFailed."""
    return _run(_renew(signed, stamper, roots, lists, now))


def _run(work: Coroutine[Any, Any, T]) -> T:
    from pyhanko.pdf_utils.misc import PdfError
    from pyhanko.sign.general import SigningError
    from pyhanko_certvalidator.errors import PathError

    # It warns at each certificate that nothing is fetched, which is meant (docs/certificate.md).
    logging.getLogger("pyhanko.sign.signers.pdf_signer").setLevel(logging.ERROR)
    try:
        return asyncio.run(work)
    except (PdfError, SigningError, PathError, OSError, ValueError) as error:
        raise SigningFailed(f"the document was not signed: {type(error).__name__}: {error}") from error


async def _sign(
    document: bytes, attachment: Attachment, signer: DocumentSigner, stamper: Stamper, now: datetime, reason: str
) -> bytes:
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.pdf_utils.writer import copy_into_new_writer
    from pyhanko.sign import signers
    from pyhanko.sign.ades.api import CAdESSignedAttrSpec
    from pyhanko.sign.fields import SigSeedSubFilter

    # Written anew, so that no revision before the signed one exists.
    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(document)), writer_kwargs={"stream_xrefs": False})
    _attach(writer, attachment)
    context = _context(signer, stamper, now)
    meta = signers.PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm="sha256",
        reason=reason,
        subfilter=SigSeedSubFilter.PADES,
        embed_validation_info=True,
        use_pades_lta=True,
        timestamp_field_name="Timestamp-1",
        validation_context=context,
        signer_key_usage={"non_repudiation"},
        cades_signed_attr_spec=CAdESSignedAttrSpec(),
    )
    chain = [_asn1(one.public_bytes(Encoding.DER)) for one in signer.identity.chain]
    own = signers.SimpleSigner(
        signing_cert=chain[0],
        signing_key=_key(signer),
        cert_registry=_store(chain[1:]),
        embed_roots=False,
    )
    pdf = signers.PdfSigner(meta, own, timestamper=_timestamper(stamper))
    out = await pdf.async_sign_pdf(writer)
    return bytes(out.getvalue())


async def _renew(
    signed: bytes, stamper: Stamper, roots: Sequence[bytes], lists: Sequence[bytes], now: datetime
) -> bytes:
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.signers import PdfTimeStamper
    from pyhanko_certvalidator import ValidationContext

    reader = PdfFileReader(io.BytesIO(signed))
    count = len(reader.embedded_timestamp_signatures)
    context = ValidationContext(
        trust_roots=[_asn1(one) for one in (*roots, *stamper.roots)],
        other_certs=[_asn1(one) for one in stamper.certificates],
        crls=[*lists, *stamper.lists],
        allow_fetching=False,
        moment=now,
    )
    work = PdfTimeStamper(_timestamper(stamper), field_name=f"Timestamp-{count + 1}")
    out = io.BytesIO(signed)
    await work.async_update_archival_timestamp_chain(reader, context, in_place=False, output=out)
    return out.getvalue()


def _attach(writer: Any, attachment: Attachment) -> None:
    from pyhanko.pdf_utils import embed, generic

    held = embed.EmbeddedFileObject.from_file_data(
        writer, attachment.data, compress=False, mime_type=attachment.media_type
    )
    embed.embed_file(
        writer,
        embed.FileSpec(
            CERTIFICATE_ATTACHMENT,
            file_name=CERTIFICATE_ATTACHMENT,
            embedded_data=held,
            description=attachment.description,
            af_relationship=generic.pdf_name("/Data"),
        ),
    )


def _context(signer: DocumentSigner, stamper: Stamper, now: datetime) -> ValidationContext:
    from pyhanko_certvalidator import ValidationContext

    chain = [_asn1(one.public_bytes(Encoding.DER)) for one in signer.identity.chain]
    return ValidationContext(
        trust_roots=[chain[-1], *(_asn1(one) for one in stamper.roots)],
        other_certs=[*chain[1:-1], *(_asn1(one) for one in stamper.certificates)],
        crls=[*signer.lists, *stamper.lists],
        allow_fetching=False,
        revocation_mode="hard-fail" if stamper.lists else "soft-fail",
        moment=now,
    )


def _timestamper(stamper: Stamper) -> TimeStamper:
    from asn1crypto import tsp
    from pyhanko.sign.timestamps.api import TimeStamper

    class Asking(TimeStamper):
        async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
            return tsp.TimeStampResp.load(stamper.ask(req.dump()))

    return Asking()


def _asn1(der: bytes) -> Any:
    from asn1crypto import x509

    return x509.Certificate.load(der)


def _store(certificates: Sequence[Any]) -> Any:
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    return SimpleCertificateStore.from_certs(certificates)


def _key(signer: DocumentSigner) -> Any:
    from asn1crypto import keys
    from cryptography.hazmat.primitives.serialization import NoEncryption, PrivateFormat

    secret = signer.identity.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return keys.PrivateKeyInfo.load(secret)
