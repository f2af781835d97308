"""JWS in compact form (RFC 7515) and public keys as JWK (RFC 7517, 8037), strict: two kinds of key, no choice of alg.

The key comes from the caller. Nothing in a header picks it: ``jwk``, ``jku``, ``kid`` and ``x5u`` are never followed.
"""

from __future__ import annotations

from tallystick import canonical
from tallystick.base64s import from_base64url, to_base64url
from tallystick.canonical import JsonValue
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.keys import Algorithm, PublicKey, Signer
from tallystick.lazy_dataclass import dataclass
from tallystick.token.refusal import TokenRefused

ALGORITHMS: dict[str, Algorithm] = {"ES256": "es256", "EdDSA": "ed25519", "Ed25519": "ed25519"}
"""Every ``alg`` that is read, with the one kind of key it goes with. ``Ed25519`` is RFC 9864's name for ``EdDSA``."""
NAMES: dict[Algorithm, str] = {"es256": "ES256", "ed25519": "EdDSA"}
"""The ``alg`` that is written."""
MAX_HEADER_BYTES = 32 * 1024
MAX_JWS_CHARACTERS = 1 << 20


@dataclass(frozen=True)
class Jws:
    """A compact JWS as received, nothing verified yet. ``payload``: raw bytes; ``signed``: what was signed."""

    header: dict[str, JsonValue]
    payload: bytes
    signed: bytes
    signature: bytes

    @property
    def alg(self) -> str:
        """One of ``ALGORITHMS``; ``parse_jws`` saw to it."""
        return str(self.header["alg"])

    def verify(self, key: PublicKey) -> None:
        """Raise ``TokenRefused`` unless ``key`` made the signature, under the algorithm that goes with it."""
        if ALGORITHMS[self.alg] != key.alg:
            raise TokenRefused("signature", f"the header says {self.alg}, the key is {key.alg}")
        try:
            key.verify(self.signed, self.signature)
        except VerificationFailed as error:
            raise TokenRefused("signature", str(error)) from None


def parse_jws(text: str, typ: str) -> Jws:
    """Read a compact JWS whose header says ``typ``. Raises ``MalformedInput``, ``TokenRefused`` (``alg``, ``typ``)."""
    if len(text) > MAX_JWS_CHARACTERS:
        raise MalformedInput(f"a JWS of {len(text)} characters, at most {MAX_JWS_CHARACTERS} are read")
    parts = text.split(".")
    if len(parts) != 3:
        raise MalformedInput(f"a compact JWS has three parts, found {len(parts)}")
    header = read_object(from_base64url(parts[0]), MAX_HEADER_BYTES, "JWS header")
    _check_header(header, typ)
    return Jws(header, from_base64url(parts[1]), f"{parts[0]}.{parts[1]}".encode(), from_base64url(parts[2]))


def _check_header(header: dict[str, JsonValue], typ: str) -> None:
    alg = header.get("alg")
    if not isinstance(alg, str) or alg not in ALGORITHMS:
        raise TokenRefused("alg", f"the header's alg is {alg!r:.40}; these are read: {', '.join(ALGORITHMS)}")
    if header.get("typ") != typ:
        raise TokenRefused("typ", f"the header's typ is {header.get('typ')!r:.40}, expected {typ!r}")
    # RFC 7515 §4.1.11: an extension that the issuer calls critical and the reader does not know.
    if "crit" in header:
        raise TokenRefused("crit", "the header names critical extensions, and none is known here")


def sign_jws(header: dict[str, JsonValue], payload: JsonValue, signer: Signer) -> str:
    """Sign canonical JSON. ``header`` without ``alg``: it follows from the key, ``ed25519`` or ``es256``."""
    name = NAMES.get(signer.public.alg)
    if name is None:
        raise MalformedInput(f"a JWS is signed with an ed25519 or es256 key, not {signer.public.alg}")
    head = to_base64url(canonical.encode({**header, "alg": name}))
    signed = f"{head}.{to_base64url(canonical.encode(payload))}"
    return f"{signed}.{to_base64url(signer.sign(signed.encode()))}"


def read_object(data: bytes, limit: int, what: str) -> dict[str, JsonValue]:
    """A JSON object in any layout, no key twice. Raises ``MalformedInput``."""
    value = canonical.decode_relaxed(data, limit)
    if not isinstance(value, dict):
        raise MalformedInput(f"the {what} is not a JSON object")
    return value


def write_jwk(key: PublicKey) -> dict[str, JsonValue]:
    """The required members (RFC 7638 §3.2), as they stand in ``cnf``."""
    if key.alg == "ed25519":
        return {"crv": "Ed25519", "kty": "OKP", "x": to_base64url(key.raw)}
    if key.alg == "es256":
        return {
            "crv": "P-256",
            "kty": "EC",
            "x": to_base64url(key.raw[1:33]),
            "y": to_base64url(key.raw[33:]),
        }
    raise MalformedInput(f"a holder's key is ed25519 or es256, not {key.alg}")


def read_jwk(value: JsonValue) -> PublicKey:
    """Inverse of ``write_jwk``: exactly the required members. Raises ``MalformedInput``."""
    if not isinstance(value, dict) or not all(isinstance(member, str) for member in value.values()):
        raise MalformedInput("a JWK is an object of texts")
    kind = (value.get("kty"), value.get("crv"))
    if kind == ("OKP", "Ed25519") and set(value) == {"crv", "kty", "x"}:
        return PublicKey("ed25519", _coordinate(value["x"]))
    if kind == ("EC", "P-256") and set(value) == {"crv", "kty", "x", "y"}:
        return PublicKey("es256", b"\x04" + _coordinate(value["x"]) + _coordinate(value["y"]))
    raise MalformedInput("a JWK has kty, crv and the coordinates of an Ed25519 or P-256 key, and nothing else")


def _coordinate(text: str) -> bytes:
    raw = from_base64url(text)
    if len(raw) != 32:
        raise MalformedInput(f"a coordinate of a JWK has 32 bytes, found {len(raw)}")
    return raw
