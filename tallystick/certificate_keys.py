"""Keys of certificates, and how one certificate is signed by another's (docs/evidence/timestamps.md, section 8).
And of the form of extensions what cryptography leaves open.

cryptography checks the signature. Here stands what it would leave open: which algorithms, with which parameters, go
with which keys, and how large an RSA key is. Nothing but X.509's own bytes decides.
"""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import Literal

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtensionOID

from tallystick.lazy_dataclass import dataclass
from tallystick.timestamp import der
from tallystick.timestamp.der import Fields

Kind = Literal["rsa", "pss", "ecdsa", "ed25519"]
"""How a signature is made: ``rsa`` is PKCS #1 v1.5."""

LEAST_RSA_BITS = 2048
_MAX_EXPONENT_BITS = 64
_NULL = b"\x05\x00"
_RSA_ENCRYPTION = bytes.fromhex("06092a864886f70d010101")
_PSS = bytes.fromhex("06092a864886f70d01010a")
_MGF1 = bytes.fromhex("06092a864886f70d010108")
_EC_KEY = bytes.fromhex("06072a8648ce3d0201")
_ED25519 = bytes.fromhex("06032b6570")
_CURVES = frozenset(map(bytes.fromhex, ("06082a8648ce3d030107", "06052b81040022", "06052b81040023")))
"""P-256, P-384, P-521."""
_POINTS = (2, 3, 4)
"""First byte of a point: compressed, or not."""
_HASHES = {256: (1, 11, 2), 384: (2, 12, 3), 512: (3, 13, 4)}
"""Last arcs of a hash, of RSA (PKCS #1 v1.5) with it, and of ECDSA with it."""

_NOT_EMPTY = frozenset(
    one.dotted_string
    for one in (
        ExtensionOID.SUBJECT_DIRECTORY_ATTRIBUTES,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.ISSUER_ALTERNATIVE_NAME,
        ExtensionOID.NAME_CONSTRAINTS,
        ExtensionOID.CRL_DISTRIBUTION_POINTS,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.POLICY_MAPPINGS,
        ExtensionOID.POLICY_CONSTRAINTS,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.FRESHEST_CRL,
        ExtensionOID.AUTHORITY_INFORMATION_ACCESS,
        ExtensionOID.SUBJECT_INFORMATION_ACCESS,
    )
)
"""Lists of one at least (RFC 5280 §4.2), which cryptography takes when they are empty."""
_EMPTY = bytes([der.SEQUENCE, 0])
_MAY_BE_EMPTY = bytes([der.OCTET_STRING, 2]) + _EMPTY


@dataclass(frozen=True, slots=True)
class Scheme:
    """How a certificate is signed, or what a key is for. ``bits``: of the hash; 0 where there is none, or any."""

    kind: Kind
    bits: int


@dataclass(frozen=True, slots=True)
class _Parts:
    """Of the signed part of a certificate, as DER."""

    algorithm: bytes
    issuer: bytes
    subject: bytes
    key: bytes


@cache
def _algorithms() -> dict[bytes, Scheme]:
    """Each AlgorithmIdentifier (DER) that is taken."""
    found = {_sequence(_ED25519): Scheme("ed25519", 0)}
    for bits, (of_hash, with_rsa, with_ecdsa) in _HASHES.items():
        for null in (_NULL, b""):
            found[_sequence(bytes.fromhex("06092a864886f70d0101"), bytes([with_rsa]), null)] = Scheme("rsa", bits)
        found[_sequence(bytes.fromhex("06082a8648ce3d0403"), bytes([with_ecdsa]))] = Scheme("ecdsa", bits)
        digest = bytes.fromhex("06096086480165030402") + bytes([of_hash])
        for null, inner in product((_NULL, b""), repeat=2):
            mask = _sequence(_MGF1, _sequence(digest, inner))
            salt = bytes([der.INTEGER, 1, bits // 8])
            parts = _explicit(0, _sequence(digest, null)), _explicit(1, mask), _explicit(2, salt)
            found[_sequence(_PSS, _sequence(*parts))] = Scheme("pss", bits)
    return found


def _sequence(*parts: bytes) -> bytes:
    return _short(der.SEQUENCE, b"".join(parts))


def _explicit(number: int, content: bytes) -> bytes:
    return _short(der.context(number), content)


def _short(tag: int, content: bytes) -> bytes:
    return bytes([tag, len(content)]) + content


def _parts(certificate: x509.Certificate) -> _Parts:
    what = "certificate"
    fields = Fields(der.single(certificate.tbs_certificate_bytes, der.SEQUENCE, what).content, what)
    fields.maybe(der.context(0))
    fields.take(der.INTEGER, "serial number")
    algorithm, issuer, _, subject, key = (fields.take(der.SEQUENCE, "a field").whole for _ in range(5))
    return _Parts(algorithm, issuer, subject, key)


def empty_list(certificate: x509.Certificate) -> str | None:
    """An extension that is a list of one at least and holds none, as it stands there: it has another form than its."""
    signed, what = certificate.tbs_certificate_bytes, "certificate"
    if _MAY_BE_EMPTY not in signed:
        return None
    fields = Fields(der.single(signed, der.SEQUENCE, what).content, what)
    while fields.more:
        if (part := fields.next()).tag == der.context(3):
            listed = der.single(part.content, der.SEQUENCE, what).content
            for one in der.members(listed, what, len(listed)):
                extension = Fields(one.content, what)
                kind = der.oid(extension.take(der.OID, what).content, what)
                extension.maybe(der.BOOLEAN)
                if kind in _NOT_EMPTY and extension.take(der.OCTET_STRING, what).content == _EMPTY:
                    return kind
    return None


def scheme_of(certificate: x509.Certificate) -> Scheme | None:
    """How a certificate is signed; ``None`` if in a way that is not taken."""
    return _algorithms().get(_parts(certificate).algorithm)


def key_of(certificate: x509.Certificate, most_rsa_bits: int) -> Scheme | None:
    """What the key of a certificate signs by; ``None`` if it is none that is taken.

    ``rsa`` signs by PSS too; ``pss`` with a hash by that one alone.
    """
    found, name, parameters, point = _key_parts(certificate)
    if name == _EC_KEY:
        return Scheme("ecdsa", 0) if parameters in _CURVES and point and point[0] in _POINTS else None
    if name == _RSA_ENCRYPTION and parameters in (_NULL, b""):
        found = Scheme("rsa", 0)
    elif name == _PSS and not parameters:
        found = Scheme("pss", 0)
    if found is None or found.kind == "ed25519":
        return found
    try:
        return found if _is_sound(certificate.public_key(), most_rsa_bits) else None
    except UnsupportedAlgorithm:  # by the library, whichever it is
        return None


def is_for_pss(certificate: x509.Certificate) -> bool:
    """Whether its key is RSA and says of itself that it signs by PSS alone (RFC 4055 §3.1)."""
    return _key_parts(certificate)[1] == _PSS


def _key_parts(certificate: x509.Certificate) -> tuple[Scheme | None, bytes, bytes, bytes]:
    """(what its algorithm is for a signature, its name, its parameters, first byte of the key)."""
    what = "public key"
    info = Fields(der.single(_parts(certificate).key, der.SEQUENCE, what).content, what)
    algorithm, point = info.take(der.SEQUENCE, "algorithm"), info.take(der.BIT_STRING, "key").content[1:2]
    fields = Fields(algorithm.content, what)
    name, parameters = fields.take(der.OID, "algorithm").whole, fields.next().whole if fields.more else b""
    return _algorithms().get(algorithm.whole), name, parameters, point


def _is_sound(key: object, most_bits: int) -> bool:
    if not isinstance(key, rsa.RSAPublicKey) or not LEAST_RSA_BITS <= key.key_size <= most_bits:
        return False
    numbers = key.public_numbers()
    odd = numbers.e % 2 and numbers.n % 2
    return bool(odd) and numbers.e >= 3 and numbers.e.bit_length() <= _MAX_EXPONENT_BITS


def signs(key: Scheme | None, scheme: Scheme | None) -> bool:
    """Whether a key may make such a signature."""
    if key is None or scheme is None:
        return False
    if key.kind == "pss":
        return scheme.kind == "pss" and key.bits in (0, scheme.bits)
    return key.kind == scheme.kind or (key.kind, scheme.kind) == ("rsa", "pss")


def may_have_issued(certificate: x509.Certificate, issuer: x509.Certificate, most_rsa_bits: int) -> bool:
    """Whether names, algorithm and key fit; the signature is not looked at."""
    names = _parts(certificate).issuer == _parts(issuer).subject
    return names and signs(key_of(issuer, most_rsa_bits), scheme_of(certificate))
