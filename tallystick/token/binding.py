"""The key binding JWT (RFC 9901 §4.3): whoever presents holds the key that the token is bound to, here and now."""

from __future__ import annotations

from dataclasses import replace

from tallystick.canonical import JsonValue
from tallystick.errors import MalformedInput
from tallystick.keys import PublicKey, Signer
from tallystick.lazy_dataclass import dataclass
from tallystick.times import format_time
from tallystick.token.jose import parse_jws, read_object, sign_jws
from tallystick.token.refusal import TokenRefused
from tallystick.token.sdjwt import SdJwt, digest_of

TYP = "kb+jwt"
MAX_TEXT = 1000
MAX_AGE = 300
"""Seconds for which a presentation is new, unless the verifier says otherwise."""
TOLERANCE = 60
"""Seconds by which the holder's clock may be ahead."""
_MAX_BYTES = 16 * 1024
_LAST_SECOND = 253402300799


@dataclass(frozen=True)
class Expected:
    """What the verifier demands: who it is, the number that it gave out, and for how many seconds that is new."""

    audience: str
    nonce: str
    max_age: int = MAX_AGE


@dataclass(frozen=True)
class Binding:
    """A key binding whose signature and hash hold. ``issued_at``: Unix seconds, by the holder's clock."""

    audience: str
    nonce: str
    issued_at: int


def bind(token: SdJwt, signer: Signer, audience: str, nonce: str, now: int) -> SdJwt:
    """The presentation of ``token`` to ``audience``, signed with the holder's key at ``now`` (Unix seconds)."""
    for what, value in (("audience", audience), ("nonce", nonce)):
        _check_text(what, value)
    payload = {"aud": audience, "iat": now, "nonce": nonce, "sd_hash": digest_of(token.presented)}
    return replace(token, binding=sign_jws({"typ": TYP}, payload, signer))


def verify_binding(token: SdJwt, key: PublicKey) -> Binding:
    """Signature and hash of the binding that ``token`` carries (§7.3, 5.a to 5.g); what it is for is ``require``'s.

    Raises ``TokenRefused``, ``MalformedInput``.
    """
    if token.binding is None:
        raise TokenRefused("binding.absent", "the presentation shows no key")
    jws = parse_jws(token.binding, TYP)
    try:
        jws.verify(key)
    except TokenRefused as error:
        raise TokenRefused("binding.signature", error.detail) from None
    claims = read_object(jws.payload, _MAX_BYTES, "key binding")
    issued = claims.get("iat")
    if type(issued) is not int or not 0 <= issued <= _LAST_SECOND:
        raise MalformedInput("the key binding has no iat in whole seconds")
    found = Binding(_text(claims, "aud"), _text(claims, "nonce"), issued)
    if _text(claims, "sd_hash") != digest_of(token.presented):
        raise TokenRefused("binding.hash", "the key binding was made for another presentation, or disclosures changed")
    return found


def require(found: Binding, expected: Expected, at: int) -> None:
    """Raise ``TokenRefused`` unless the binding was made for this verifier, for its nonce, just before ``at``."""
    if found.audience != expected.audience:
        raise TokenRefused("binding.audience", f"made for {found.audience!r:.80}, not for {expected.audience!r:.80}")
    if found.nonce != expected.nonce:
        raise TokenRefused("binding.nonce", "it answers another nonce: shown before, or to somebody else")
    if not at - expected.max_age <= found.issued_at <= at + TOLERANCE:
        raise TokenRefused(
            "binding.time",
            f"made at {format_time(found.issued_at)}; at {format_time(at)} at most {expected.max_age} seconds count",
        )


def _text(claims: dict[str, JsonValue], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str):
        raise MalformedInput(f"the key binding has no text {name}")
    _check_text(name, value)
    return value


def _check_text(name: str, value: str) -> None:
    if not 1 <= len(value) <= MAX_TEXT:
        raise MalformedInput(f"{name} of a key binding has 1 to {MAX_TEXT} characters, found {len(value)}")
