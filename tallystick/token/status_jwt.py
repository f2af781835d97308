"""A Token Status List as JWT (draft-ietf-oauth-status-list §5.1), for relying parties that read no CBOR.

SD-JWT VC demands this form of whoever follows its ``status``. It says the same as the CWT (``licence.status_list``),
is signed by the same key of the log, and names the list as the token does: by a URI. Offline, with a staple, the CWT
is what counts.
"""

from __future__ import annotations

import zlib
from typing import Annotated, Literal

from tallystick import canonical
from tallystick.base64s import from_base64, from_base64url, to_base64, to_base64url
from tallystick.canonical import JsonValue
from tallystick.checkpoint import Checkpoint
from tallystick.errors import MalformedInput
from tallystick.keys import PublicKey, Signer
from tallystick.licence.status_list import (
    BITS,
    MAX_STATUSES,
    MAX_TOKEN_BYTES,
    StatusList,
    StatusRefused,
    check_padding,
    inflate,
)
from tallystick.merkle import HASH_SIZE, MAX_SIZE
from tallystick.schema import base64_bytes, between, read, record, text
from tallystick.times import UnixSeconds
from tallystick.token.jose import parse_jws, sign_jws
from tallystick.token.licence import list_uri
from tallystick.token.refusal import TokenRefused

TYP = "statuslist+jwt"
MEDIA_TYPE = "application/statuslist+jwt"
LOG = "urn:tallystick:log"
"""Private claim: the checkpoint that the list was computed from, and how many indices it speaks for."""
_LAST = 253402300799
_SECONDS = between(0, _LAST)


@record
class _Packed:
    bits: Literal[2]
    lst: Annotated[str, text(MAX_TOKEN_BYTES * 4 // 3 + 4)]
    aggregation_uri: Annotated[str, text(300)] | None = None


@record
class _Log:
    count: Annotated[int, between(0, MAX_STATUSES)]
    origin: Annotated[str, text(200)]
    root: Annotated[str, base64_bytes(HASH_SIZE)]
    size: Annotated[int, between(1, MAX_SIZE)]


@record
class _Claims:
    sub: Annotated[str, text(220)]
    iat: Annotated[int, _SECONDS]
    exp: Annotated[int, _SECONDS]
    ttl: Annotated[int, between(1, _LAST)]
    status_list: _Packed


def sign_status_jwt(found: StatusList, signer: Signer, aggregation: str | None = None) -> str:
    """The list as JWT. ``signer`` holds the log's status key; ``aggregation``: where all lists of the log are named."""
    packed: dict[str, JsonValue] = {"bits": BITS, "lst": to_base64url(zlib.compress(found.packed, 9))}
    if aggregation is not None:
        packed["aggregation_uri"] = aggregation
    log = found.checkpoint
    claims: dict[str, JsonValue] = {
        "sub": list_uri(found.uri),
        "iat": found.issued_at,
        "exp": found.expires_at,
        "ttl": found.ttl,
        "status_list": packed,
        LOG: {"count": found.count, "origin": log.origin, "root": to_base64(log.root), "size": log.size},
    }
    token = sign_jws({"typ": TYP, "kid": _kid(signer.public)}, claims, signer)
    verify_status_jwt(token, signer.public, found.uri)  # what a verifier would refuse is never given out
    return token


def verify_status_jwt(token: str, key: PublicKey, uri: str) -> StatusList:
    """The list at ``uri`` (as the grant or as a token names it), signed by ``key``; freshness is asked apart.

    Nothing is decompressed before the signature holds. Raises ``MalformedInput``, ``StatusRefused``.
    """
    try:
        jws = parse_jws(token, TYP)
        if jws.header.get("kid") != _kid(key):
            raise StatusRefused(f"the status list names another key than the trusted status key {key.kid.hex()}")
        jws.verify(key)
    except TokenRefused as error:
        raise StatusRefused(f"status list: {error}") from None
    payload = canonical.decode(jws.payload, 2 * MAX_TOKEN_BYTES)
    if not isinstance(payload, dict) or set(jws.header) != {"alg", "typ", "kid"}:
        raise MalformedInput("a status list has the header alg, typ and kid, and an object of claims")
    log = read(_Log, payload.get(LOG), LOG)
    claims = read(_Claims, {name: value for name, value in payload.items() if name != LOG}, "status list")
    if claims.exp <= claims.iat:
        raise MalformedInput("the status list expires before it is issued")
    if claims.sub != list_uri(uri):
        raise StatusRefused(f"the status list is {claims.sub}, the licence points to {list_uri(uri)}")
    packed = inflate(from_base64url(claims.status_list.lst))
    check_padding(packed, log.count)
    root = from_base64(log.root)
    if len(root) != HASH_SIZE:
        raise MalformedInput(f"{LOG}.root is not {HASH_SIZE} bytes")
    checkpoint = Checkpoint(log.origin, log.size, root)
    iat, exp = UnixSeconds(claims.iat), UnixSeconds(claims.exp)
    return StatusList(uri, iat, exp, claims.ttl, checkpoint, log.count, packed)


def _kid(key: PublicKey) -> str:
    return to_base64url(key.kid)
