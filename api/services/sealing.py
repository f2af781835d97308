"""Sealing certificates: the signer of documents, the authority that dates them, and reading back what was made."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from anchors.timestamps.service import Service
from api.folders import make_whole
from credentials.certificate_facts import Bilingual
from credentials.documents_ca import document_root, document_signer, revocation_list
from credentials.errors import SigningFailed
from credentials.pades import Attachment, Stamper, renew_pdf, sign_pdf
from tallystick.base64s import to_base64
from tallystick.certificate import ATTACHMENT
from tallystick.errors import MalformedInput, TallystickError, VerificationFailed
from tallystick.timestamp import Authority
from tallystick.trust import TimeAuthority

_AHEAD = timedelta(minutes=5)
"""By which an authority's clock may be ahead of ours."""
_FOLDER = "authority"


class Seal:
    """Signs certificates as of the service's clock.

    ``authorities``: whom the operator chose; the first is asked. Without one a local authority is made, which is the
    operator's own and says so in every token.
    """

    def __init__(
        self,
        keys: Path,
        local: Path,
        passphrase: bytes,
        organisation: str,
        clock: Callable[[], int],
        authorities: Sequence[Service],
    ) -> None:
        """Makes what is missing. Raises KeyUnreadable, ``MalformedInput``."""
        self._keys = keys
        self._local = local
        self._passphrase = passphrase
        self._organisation = organisation
        self._clock = clock
        self._authorities = tuple(authorities)
        self._lock = threading.Lock()
        document_signer(keys, passphrase, organisation, self._now())
        if not authorities:
            make_whole(local, self._make_local)

    @property
    def root(self) -> bytes:
        """DER of the root above the signer: what a trust file lists."""
        return document_root(self._keys).public_bytes(Encoding.DER)

    def trusted(self) -> tuple[TimeAuthority, ...]:
        """The local authority as a trust file has it; none where others are asked, whom it has already."""
        if self._authorities:
            return ()
        name = f"local authority of {self._organisation} (operator only)"
        return (TimeAuthority(name, to_base64(self._local_root().public_bytes(Encoding.DER)), False),)

    @property
    def clock_words(self) -> Bilingual:
        """Whose word the timestamps are, for paper."""
        if self._authorities:
            name = self._authorities[0].name
            return Bilingual(
                f"电子签名：PAdES B-LTA，时间戳机构：{name}；其是否独立于登记机构，由信任文件认定。",
                f"Signed by PAdES B-LTA with timestamps of {name}; a trust file says whether that is independent.",
            )
        return Bilingual(
            "电子签名：PAdES B-LTA；其时间戳由登记机构自己签发，只是登记机构的陈述。",
            "Signed by PAdES B-LTA; its timestamps are the registrar's own, and so the registrar's word.",
        )

    def sign(self, document: bytes, payload: bytes, description: str, reason: str) -> bytes:
        """The signed document (PAdES B-LTA). Raises ``SigningFailed``; what would not verify is not given back."""
        with self._lock, self._stamper() as stamper:
            signer = document_signer(self._keys, self._passphrase, self._organisation, self._now())
            made = sign_pdf(document, Attachment(payload, description), signer, stamper, self._now(), reason)
            self._read_back(made, stamper, payload)
            return made

    def renew(self, signed: bytes) -> bytes:
        """The document with one more timestamp and the newest lists. Raises ``SigningFailed``."""
        with self._lock, self._stamper() as stamper:
            signer = document_signer(self._keys, self._passphrase, self._organisation, self._now())
            made = renew_pdf(signed, stamper, [self.root], signer.lists, self._now())
            self._read_back(made, stamper, None)
            if not made.startswith(signed):
                raise SigningFailed("the renewal changed what was signed")
            return made

    def _read_back(self, made: bytes, stamper: Stamper, payload: bytes | None) -> None:
        # Certificates and CMS are read when a document is signed, not when the service starts.
        from tallystick.pdf.pades import judge_document

        clocks = [Authority("own", root, False, stamper.certificates) for root in stamper.roots]
        try:
            verdict = judge_document(made, [self.root], clocks, self._now() + _AHEAD, ATTACHMENT)
        except (MalformedInput, VerificationFailed) as error:
            raise SigningFailed(f"what was signed does not verify: {error}") from error
        if (payload is not None and verdict.attachment != payload) or any(one.fact is None for one in verdict.stamps):
            raise SigningFailed("what was signed is not what was given, or was dated by a stranger")

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    # --- timestamps ---------------------------------------------------------------

    @contextmanager
    def _stamper(self) -> Iterator[Stamper]:
        if self._authorities:
            yield self._asking(self._authorities[0])
            return
        from anchors.timestamps.folder import open_authority

        root = self._local_root()
        key = load_pem_private_key((self._local / _FOLDER / "root.key.pem").read_bytes(), self._passphrase)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise MalformedInput("the key of the local authority is one of P-256")
        lists = (revocation_list(root, key, self._now()),)
        with open_authority(self._local / _FOLDER, self._passphrase.decode(), lambda: self._clock() * 1_000_000) as own:
            yield Stamper(own.answer, (root.public_bytes(Encoding.DER),), (), lists)

    def _asking(self, service: Service) -> Stamper:
        from anchors.timestamps.client import TimestampClient

        client = TimestampClient(service, self._clock)

        def ask(query: bytes) -> bytes:
            try:
                return client.ask(query)
            except TallystickError as error:
                raise SigningFailed(f"{service.name} gave no timestamp: {error}") from error

        return Stamper(ask, service.roots, service.certificates)

    def _make_local(self, folder: Path) -> None:
        from anchors.timestamps.folder import create_folder

        create_folder(folder / _FOLDER, self._organisation, self._passphrase.decode(), self._now())

    def _local_root(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate((self._local / _FOLDER / "root.pem").read_bytes())
