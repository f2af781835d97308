"""A licence as W3C Verifiable Credential (VC Data Model 2.0), secured with JOSE (VC-JOSE-COSE, ``vc+jwt``): an export.

It says what a token says, to software that reads no SD-JWT: the disclosed terms in clear, where status stands, and the
grant in the log. Nothing here is read back as evidence: the offline check takes files and tokens. Its status lists are
Bitstring Status Lists (W3C), one for each purpose, signed credentials themselves.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping, Sequence
from typing import Literal

from tallystick.base64s import from_base64url, to_base64, to_base64url
from tallystick.canonical import JsonValue
from tallystick.errors import MalformedInput
from tallystick.keys import Signer
from tallystick.licence.status_list import Status
from tallystick.times import format_time
from tallystick.token.jose import sign_jws
from tallystick.token.licence import Claims

TYP = "vc+jwt"
MEDIA_TYPE = "application/vc+jwt"
CONTEXT = "https://www.w3.org/ns/credentials/v2"
VOCABULARY = "urn:tallystick:vct:licence:1#"
MIN_BITS = 131_072
"""Bitstring Status List §6.1 ("herd privacy"): no list is shorter."""
MAX_BITSTRING_BYTES = 1 << 20
Purpose = Literal["revocation", "suspension"]
PURPOSES: dict[Purpose, frozenset[Status]] = {
    "revocation": frozenset({Status.INVALID, Status.EXPIRED}),
    "suspension": frozenset({Status.SUSPENDED}),
}
"""Which statuses set the bit of each list. An ended licence is revoked: there is no way back from either."""


def licence_credential(claims: Claims, terms: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The credential's JSON (VC Data Model 2.0 §4); its status lists are below that of the token, by purpose."""
    granted, index, lists = claims.licence, claims.status.status_list.idx, claims.status.status_list.uri
    return {
        "@context": [CONTEXT, {"@vocab": VOCABULARY}],
        "type": ["VerifiableCredential", "TallystickLicence"],
        "issuer": claims.iss,
        "validFrom": format_time(claims.nbf),
        "validUntil": format_time(claims.exp - 1),
        "credentialSubject": {
            "type": "Licence",
            "licence": granted.id,
            "grantedIn": {"origin": granted.origin, "position": granted.grant, "leaf": granted.leaf},
            "terms": dict(terms),
        },
        "credentialStatus": [
            {
                "id": f"{lists}/{purpose}#{index}",
                "type": "BitstringStatusListEntry",
                "statusPurpose": purpose,
                "statusListIndex": str(index),
                "statusListCredential": f"{lists}/{purpose}",
            }
            for purpose in PURPOSES
        ],
    }


def status_credential(
    issuer: str, uri: str, purpose: Purpose, statuses: Sequence[Status], span: tuple[int, int]
) -> dict[str, JsonValue]:
    """A Bitstring Status List credential (§2.2) at ``uri``, from ``span[0]`` until ``span[1]`` (Unix seconds)."""
    start, end = span
    # Indices that nobody has read as revoked, also those that only make the list long enough.
    whole = [*statuses, *[Status.INVALID] * (MIN_BITS - len(statuses))]
    return {
        "@context": [CONTEXT],
        "id": uri,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": issuer,
        "validFrom": format_time(start),
        "validUntil": format_time(end - 1),
        "credentialSubject": {
            "id": f"{uri}#list",
            "type": "BitstringStatusList",
            "statusPurpose": purpose,
            "encodedList": encode_bits([status in PURPOSES[purpose] for status in whole]),
        },
    }


def encode_bits(bits: Sequence[bool]) -> str:
    """``encodedList`` (§3.3): the first index is the leftmost bit; gzip, multibase base64url (``u``)."""
    packed = bytearray(max(MIN_BITS, -(-len(bits) // 8) * 8) // 8)
    for index, bit in enumerate(bits):
        if bit:
            packed[index >> 3] |= 0x80 >> (index & 7)
    return "u" + to_base64url(gzip.compress(bytes(packed), 9, mtime=0))


def decode_bits(encoded: str) -> bytes:
    """The bits of an ``encodedList``. Raises ``MalformedInput``: another multibase, no gzip, too long or too short."""
    if not encoded.startswith("u"):
        raise MalformedInput("an encodedList is multibase base64url: it begins with u")
    data = from_base64url(encoded[1:])
    inflater = zlib.decompressobj(wbits=31)
    try:
        packed = inflater.decompress(data, MAX_BITSTRING_BYTES + 1)
    except zlib.error as error:
        raise MalformedInput(f"an encodedList is gzip: {error}") from None
    if not inflater.eof or inflater.unused_data or len(packed) > MAX_BITSTRING_BYTES:
        raise MalformedInput("an encodedList is cut short, has bytes after it, or is too long")
    if len(packed) * 8 < MIN_BITS:
        raise MalformedInput(f"a bitstring has at least {MIN_BITS} bits, found {len(packed) * 8}")
    return packed


def secure(credential: dict[str, JsonValue], chain: Sequence[bytes], signer: Signer) -> str:
    """The credential as ``vc+jwt`` (VC-JOSE-COSE §3.1.1). ``chain``: DER of ``signer``, leaf first, no root."""
    header: dict[str, JsonValue] = {"typ": TYP, "cty": "vc", "x5c": [to_base64(one) for one in chain]}
    return sign_jws(header, credential, signer)
