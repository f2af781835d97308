"""Signed statements: the entries of the log (SCITT Signed Statement, RFC 9943, in COSE_Sign1).

Protected header {1: alg, 3: content type, 4: kid, 15: {1: iss, 2: sub}}, empty
unprotected header, payload = the event in canonical JSON. The bytes are hashed
and kept as received.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Any

from tallystick import canonical, cose, layout
from tallystick.errors import MalformedInput
from tallystick.events import Event, Settled, event_value, parse_event, settle_event
from tallystick.keys import COSE_ALGORITHMS, PublicKey, Signer
from tallystick.lazy_dataclass import dataclass
from tallystick.merkle import leaf_hash
from tallystick.schema import text

CONTENT_TYPE = layout.CONTENT_TYPE
MAX_ENTRY_BYTES = 65_535
"""Entry bundles carry a u16 length (C2SP tlog-tiles)."""

_ISSUER = text(255)

STATEMENT_ALGORITHMS = frozenset({COSE_ALGORITHMS["ed25519"], COSE_ALGORITHMS["es256"]})


@dataclass(frozen=True)
class Statement:
    """One entry: who says (``issuer``) what (``event``) about whom (``event.subject``). Parsed, not yet verified."""

    entry: bytes
    parts: layout.Parts
    event: Event

    def __getattr__(self, name: str) -> Any:
        """``parts`` of a statement that was made again: nobody who takes it in asks for them."""
        parts = layout.read(self.entry) if name == "parts" else None
        if parts is None:
            raise AttributeError(f"a statement has no {name}")
        self.__dict__[name] = parts
        return parts

    @cached_property
    def issuer(self) -> str:
        """Who says it (``iss``)."""
        return self.parts.issuer

    @cached_property
    def kid(self) -> bytes:
        """The thumbprint of the key that is said to have signed it."""
        return self.parts.kid

    @cached_property
    def envelope(self) -> cose.Sign1:
        """The same as COSE has it."""
        parts = self.parts
        header = {
            cose.ALG: parts.alg,
            cose.CONTENT_TYPE: CONTENT_TYPE,
            cose.KID: parts.kid,
            cose.CWT_CLAIMS: {1: parts.issuer, 2: parts.subject},
        }
        return cose.Sign1(parts.protected, header, {}, parts.payload, parts.signature)

    @cached_property
    def to_be_signed(self) -> bytes:
        """Sig_structure: what is signed, and hashed for the name."""
        return cose.sig_structure(self.parts.protected, self.parts.payload)

    @cached_property
    def statement_id(self) -> bytes:
        """SHA-256(Sig_structure): the same words under a varied envelope are no second statement."""
        return hashlib.sha256(self.to_be_signed).digest()

    @property
    def leaf(self) -> bytes:
        """Leaf hash."""
        return leaf_hash(self.entry)

    def verify(self, key: PublicKey) -> None:
        """Raise ``VerificationFailed`` unless ``key`` signed it."""
        cose.verify(key, self.parts.alg, self.to_be_signed, self.parts.signature)


def sign_statement(signer: Signer, issuer: str, event: Event) -> Statement:
    """A new statement of ``issuer``. Raises ``MalformedInput`` when it would be longer than an entry may be."""
    return sign_settled(signer, issuer, settle_event(event_value(event)))


def sign_settled(signer: Signer, issuer: str, settled: Settled) -> Statement:
    """As ``sign_statement``; what comes out is what ``parse_statement`` would read, and is not read again."""
    alg, kid, event = COSE_ALGORITHMS[signer.public.alg], signer.public.kid, settled.event
    _check_algorithm(alg)
    _check_issuer(issuer)
    protected = layout.header(alg, kid, issuer, event.subject)
    to_be_signed, begun = cose.frames(protected, settled.payload)
    signature = signer.sign(to_be_signed)
    entry = begun + cose.bytes_item(signature)
    if len(entry) > MAX_ENTRY_BYTES:
        raise MalformedInput(f"the entry has {len(entry)} bytes, at most {MAX_ENTRY_BYTES} are read")
    parts = layout.Parts(protected, alg, kid, issuer, event.subject, settled.payload, signature)
    made = _made(entry, parts, event)
    # What has just been put together for the signature need not be for the name.
    made.__dict__["statement_id"] = hashlib.sha256(to_be_signed).digest()
    return made


def statement_again(entry: bytes, issuer: str, kid: bytes, event: Event, statement_id: bytes) -> Statement:
    """A statement that was read or signed elsewhere, with what was found there: nothing of it is looked at."""
    made = object.__new__(Statement)
    made.__dict__.update(entry=entry, issuer=issuer, kid=kid, event=event, statement_id=statement_id)
    return made


def parse_statement(entry: bytes, decode: Callable[[bytes, int], canonical.JsonValue] = canonical.decode) -> Statement:
    """Read an entry; every rule of form is checked, no signature. Raises ``MalformedInput``.

    ``decode`` does what ``canonical.decode`` does for all that a schema reads: a service may bring a faster one.
    """
    parts = layout.read(entry) if len(entry) <= MAX_ENTRY_BYTES else None
    if parts is None:
        parts = _read_generally(entry)
    _check_issuer(parts.issuer)
    event = parse_event(decode(parts.payload, MAX_ENTRY_BYTES))
    if parts.subject != event.subject:
        raise MalformedInput(f"the header is about {parts.subject!r}, the event about {event.subject!r}")
    return _made(entry, parts, event)


def _made(entry: bytes, parts: layout.Parts, event: Event) -> Statement:
    """As the constructor would, with what everybody asks for."""
    made = object.__new__(Statement)
    made.__dict__.update(entry=entry, parts=parts, event=event, issuer=parts.issuer, kid=parts.kid)
    return made


def _read_generally(entry: bytes) -> layout.Parts:
    """As ``layout.read``, by the rules one after the other: says which one is broken."""
    envelope = cose.parse_sign1(entry, MAX_ENTRY_BYTES)
    if envelope.unprotected:
        raise MalformedInput("the unprotected header of a statement must be empty: nothing signs it")
    header = envelope.protected
    if set(header) != {cose.ALG, cose.CONTENT_TYPE, cose.KID, cose.CWT_CLAIMS}:
        raise MalformedInput(f"the protected header has labels {sorted(map(str, header))}, expected 1, 3, 4 and 15")
    _check_algorithm(header[cose.ALG])
    if header[cose.CONTENT_TYPE] != CONTENT_TYPE:
        raise MalformedInput(f"the content type is {header[cose.CONTENT_TYPE]!r}, expected {CONTENT_TYPE!r}")
    kid, claims = header[cose.KID], header[cose.CWT_CLAIMS]
    if not isinstance(kid, bytes) or len(kid) != layout.KID_BYTES:
        raise MalformedInput("the key identifier is not an RFC 9679 thumbprint of 32 bytes")
    if not isinstance(claims, dict) or set(claims) != {1, 2} or not all(isinstance(v, str) for v in claims.values()):
        raise MalformedInput("the CWT claims must be iss (1) and sub (2), both text")
    cose.check_labels(claims)
    _check_issuer(claims[1])
    if envelope.payload is None:
        raise MalformedInput("the payload of a statement must be attached")
    return layout.Parts(
        envelope.protected_bytes, header[cose.ALG], kid, claims[1], claims[2], envelope.payload, envelope.signature
    )


def _check_algorithm(alg: Any) -> None:
    if alg not in STATEMENT_ALGORITHMS:
        raise MalformedInput(f"a statement is signed with EdDSA (-8) or ES256 (-7), found {alg!r}")


# A batch has few issuers; what is refused is not remembered.
@lru_cache(maxsize=1024)
def _check_issuer(issuer: str) -> None:
    try:
        _ISSUER.check(issuer)
    except MalformedInput as error:
        raise MalformedInput(f"the issuer (iss): {error}") from None
