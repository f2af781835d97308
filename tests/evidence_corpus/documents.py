"""Certificates of registration as PDF, and what becomes of one before or after it is logged."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from credentials.ca import Identity
from credentials.certificate import render_certificate
from credentials.documents_ca import ROOT, DocumentSigner, revocation_list
from credentials.pades import Attachment, sign_pdf
from tallystick import canonical
from tallystick.base64s import to_base64
from tallystick.case import CaseMaterial
from tallystick.commitments import Disclosure
from tallystick.digests import digest_pair
from tallystick.events.credential import CredentialIssue
from tallystick.pdf.revisions import parse_revisions
from tallystick.trust import TimeAuthority
from tests.core.c2pa.kit import plain
from tests.core.pdf import kit as pdf_kit
from tests.core.verify.kit import Scene
from tests.core.verify.test_credentials import certificate_of
from tests.core.verify.test_documents import certified, certified_object
from tests.credentials.pades_kit import SECRET, kept, signer, stamper
from tests.credentials.test_documents import FACTS

FILE = "certificate.pdf"
CLOCK = "the clock of documents"
Payload = dict[str, Any]


@dataclass(frozen=True)
class Document:
    """A log that records the certificate of its object as PDF, anchored."""

    scene: Scene
    position: int
    file: bytes

    def case(self, file: bytes | None = None) -> CaseMaterial:
        material = self.scene.material(certified_object(self.scene))
        return replace(material, credentials={self.position: (FILE, self.file if file is None else file)})


@dataclass(frozen=True)
class Draft:
    """A certificate that is logged, before anybody signs the file of it. Times are those of the log."""

    scene: Scene
    certificate: str
    opened: tuple[Disclosure, ...]
    pages: bytes = field(default_factory=lambda: plain("application/pdf"))
    """Most say little: the fonts of a certificate are large."""

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(self.scene.world.clock, UTC)

    @property
    def payload(self) -> Payload:
        """What an honest file carries."""
        disclosures = [one.text for one in self.opened]
        return {**certificate_of(self.scene, self.certificate), "v": 2, "disclosures": disclosures}

    def signed(self, payload: Payload | None = None, by: DocumentSigner | None = None) -> bytes:
        attached = Attachment(canonical.encode(self.payload if payload is None else payload), "proof")
        return sign_pdf(self.pages, attached, by or signer(self.at), stamper(self.at), self.at, "registration")


def recorded(folder: Path, make: Callable[[Draft], bytes] = Draft.signed) -> Document:
    """The document that ``make`` makes of the draft, logged as it is."""
    folder.mkdir()
    draft = Draft(*certified(folder))
    scene, file = draft.scene, make(draft)
    body = CredentialIssue("pades", "certificate", "application/pdf", digest_pair(file), len(file))
    scene.log.add(scene.world.say(scene.world.service, "credential.issue", draft.certificate, body))
    scene.anchor()
    return Document(scene, scene.log.find("credential.issue"), file)


def roots() -> tuple[str, ...]:
    """Above who signs documents."""
    return tuple(map(to_base64, pdf_kit.roots()))


def clock() -> TimeAuthority:
    """Who stamps them."""
    return TimeAuthority(CLOCK, to_base64(stamper().roots[0]), False)


@cache
def _issuer() -> Identity:
    return Identity.load(kept() / "ca", ROOT, SECRET.encode())


def listed(draft: Draft, since: datetime) -> bytes:
    """A list of the signer's issuer that names the signer."""
    by = _issuer()
    return revocation_list(by.certificate, by.key, draft.at, {signer().identity.certificate.serial_number: since})


def answered(draft: Draft, since: datetime | None) -> bytes:
    """An answer of his about the signer."""
    by, asked = _issuer(), signer().identity.certificate
    status = ocsp.OCSPCertStatus.GOOD if since is None else ocsp.OCSPCertStatus.REVOKED
    builder = ocsp.OCSPResponseBuilder().add_response(
        asked, by.certificate, hashes.SHA256(), status, draft.at, None, since, None
    )
    told = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, by.certificate).sign(by.key, hashes.SHA256())
    return told.public_bytes(Encoding.DER)


def stored(file: bytes, kind: str, data: bytes) -> bytes:
    """One more revision, whose security store holds this alone."""
    root = parse_revisions(file)[0].root
    first = 1 + max(number for one in parse_revisions(file) for number in one.objects)
    catalog = re.sub(rb"/DSS \d+ 0 R", b"/DSS %d 0 R" % first, pdf_kit.source(file, root))
    store = b"<</Type /DSS /%s [%d 0 R] >>" % (kind.encode(), first + 1)
    held = b"<</Length %d>>\nstream\n%s\nendstream" % (len(data), data)
    return pdf_kit.update(file, {root: catalog, first: store, first + 1: held})


def revoked_since(draft: Draft) -> bytes:
    """Signed and stamped; revoked half an hour later, and the list of that put into its store before it is logged."""
    file, since = draft.signed(), draft.at + timedelta(minutes=30)
    draft.scene.world.clock += 3600
    return stored(file, "CRLs", listed(draft, since))


def of_a_registrar(draft: Draft) -> bytes:
    """With the pages that the service writes."""
    return replace(draft, pages=render_certificate(FACTS)).signed()
