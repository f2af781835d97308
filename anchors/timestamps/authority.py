"""A small timestamp authority for development and closed networks (RFC 3161, RFC 5816). Operator only, and marked so.

ECDSA over P-256 and SHA-256; serial numbers of 128 random bits; genTime in microseconds that only rises, so tokens can
be ordered by it. Its policy stands in every token and in every certificate, root included: whoever verifies knows it
for an operator's own (``tallystick.timestamp.LOCAL_POLICY``) and never counts it as independent.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from asn1crypto import cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from anchors.timestamps.wire import DIGEST_BYTES, Request, encode_grant, encode_refusal, parse_request
from tallystick.errors import MalformedInput
from tallystick.lazy_dataclass import dataclass
from tallystick.timestamp import LOCAL_POLICY

ACCURACY = 1
"""Seconds that the machine's clock is claimed to keep within; the operator sees to it (NTP)."""
AHEAD = 5 * 1_000_000
"""Microseconds that the last token may be ahead of the clock: more, and the clock went back."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BAD_ALG, _BAD_FORMAT, _NO_TIME, _POLICY, _EXTENSION = 0, 5, 14, 15, 16
"""Bits of PKIFailureInfo."""


class LastTime(Protocol):
    """Where the time of the last token is kept, so that none is earlier, also after a restart."""

    def read(self) -> int:
        """Microseconds since 1970; 0 before the first token."""
        ...

    def write(self, micros: int) -> None:
        """Keep it, on disk when it returns."""
        ...


@dataclass(frozen=True)
class Identity:
    """Who signs."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


class Refused(Exception):
    """The request is answered without a token. ``failure``: a bit of PKIFailureInfo."""

    def __init__(self, failure: int, text: str) -> None:
        super().__init__(text)
        self.failure = failure


class LocalAuthority:
    """Answers queries, one at a time. ``clock``: microseconds since 1970; ``chance``: random bits, so many."""

    def __init__(
        self, identity: Identity, clock: Callable[[], int], chance: Callable[[int], int], last: LastTime
    ) -> None:
        self._identity = identity
        self._clock = clock
        self._chance = chance
        self._last = last
        self._lock = threading.Lock()
        self._certificate = asn1_x509.Certificate.load(identity.certificate.public_bytes(Encoding.DER))

    def answer(self, query: bytes) -> bytes:
        """A ``TimeStampResp`` (DER), also to a query that is refused."""
        try:
            request = parse_request(query)
            _check(request)
            with self._lock:
                return encode_grant(self._token(request, self._time()))
        except MalformedInput as error:
            return encode_refusal(_BAD_FORMAT, str(error))
        except Refused as refused:
            return encode_refusal(refused.failure, str(refused))

    def _time(self) -> int:
        """Later than every token before. Kept before it is used: a kill leaves a gap, never a time twice."""
        last, now = self._last.read(), self._clock()
        if last > now + AHEAD:
            raise Refused(_NO_TIME, "the clock went back")
        chosen = max(now, last + 1)
        at = _EPOCH + timedelta(microseconds=chosen)
        certificate = self._identity.certificate
        if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
            raise Refused(_NO_TIME, "the authority's certificate is not valid now")
        self._last.write(chosen)
        return chosen

    def _token(self, request: Request, micros: int) -> bytes:
        info = self._info(request, micros)
        attributes = self._attributes(info)
        signature = self._identity.key.sign(attributes.untag().dump(), ec.ECDSA(hashes.SHA256()))
        signer = {
            "version": "v1",
            "sid": cms.SignerIdentifier(
                name="issuer_and_serial_number",
                value={"issuer": self._certificate.issuer, "serial_number": self._certificate.serial_number},
            ),
            "digest_algorithm": {"algorithm": "sha256"},
            "signed_attrs": attributes,
            "signature_algorithm": {"algorithm": "sha256_ecdsa"},
            "signature": signature,
        }
        signed: dict[str, Any] = {
            "version": "v3",
            "digest_algorithms": [{"algorithm": "sha256"}],
            "encap_content_info": {"content_type": "tst_info", "content": core.ParsableOctetString(info)},
            "signer_infos": [signer],
        }
        if request.certificates:
            signed["certificates"] = [self._certificate]
        return bytes(cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump())

    def _info(self, request: Request, micros: int) -> bytes:
        fields: dict[str, Any] = {
            "version": "v1",
            "policy": LOCAL_POLICY,
            "message_imprint": {"hash_algorithm": {"algorithm": request.hash}, "hashed_message": request.hashed},
            "serial_number": self._chance(128) or 1,
            "gen_time": _EPOCH + timedelta(microseconds=micros),
            "accuracy": {"seconds": ACCURACY},
            "ordering": True,
            "tsa": asn1_x509.GeneralName(name="directory_name", value=self._certificate.subject),
        }
        if request.nonce is not None:
            fields["nonce"] = request.nonce
        return bytes(tsp.TSTInfo(fields).dump())

    def _attributes(self, info: bytes) -> cms.CMSAttributes:
        own = self._certificate
        named = {
            "cert_hash": hashlib.sha256(own.dump()).digest(),
            "issuer_serial": {
                "issuer": [asn1_x509.GeneralName(name="directory_name", value=own.issuer)],
                "serial_number": own.serial_number,
            },
        }
        return cms.CMSAttributes(
            [
                {"type": "content_type", "values": ["tst_info"]},
                {"type": "message_digest", "values": [hashlib.sha256(info).digest()]},
                {"type": "signing_certificate_v2", "values": [{"certs": [named]}]},
            ]
        )


def _check(request: Request) -> None:
    if request.hash not in DIGEST_BYTES:
        raise Refused(_BAD_ALG, "the hash is SHA-256, SHA-384 or SHA-512")
    if len(request.hashed) != DIGEST_BYTES[request.hash]:
        raise Refused(_BAD_FORMAT, "the imprint is not as long as its hash")
    if request.policy not in (None, LOCAL_POLICY):
        raise Refused(_POLICY, f"the policy here is {LOCAL_POLICY}")
    if request.has_extensions:
        raise Refused(_EXTENSION, "no extensions are known here")
