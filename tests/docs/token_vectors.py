"""Vectors of licence tokens and status lists: one token of the corpus, taken apart, and a list of five statuses.

zlib and gzip pack differently from one implementation to the next: what they packed first is kept.
"""

from __future__ import annotations

from typing import Any

from tallystick import canonical, cose
from tallystick.base64s import from_base64url, to_base64, to_base64url
from tallystick.licence.status_list import MEDIA_TYPE, Status, StatusList, pack, sign_status_list
from tallystick.schema import write
from tallystick.token.binding import verify_binding
from tallystick.token.jose import Jws, parse_jws
from tallystick.token.metadata import DOCUMENT, INTEGRITY, VCT
from tallystick.token.sdjwt import digest_of
from tallystick.token.status_jwt import sign_status_jwt
from tallystick.token.vc import PURPOSES, encode_bits
from tests.c2pa_corpus.people import der
from tests.core.licence.paper import DAY, URI
from tests.token_corpus.case import Wallet, wallet
from tests.token_corpus.good import NEEDED
from tests.token_corpus.people import ROOT

STATUSES = [Status.INVALID, Status.VALID, Status.INVALID, Status.VALID, Status.SUSPENDED, Status.EXPIRED]
ROOT_HASH = bytes(range(32))


def tokens(kept: dict[str, Any] | None) -> dict[str, Any]:
    """All of ``tokens.json``."""
    held = wallet()
    lists = {} if kept is None else {name: kept[name] for name in ("status_list", "bitstring")}
    return {
        "type": {"vct": VCT, "integrity": INTEGRITY, "document": DOCUMENT.decode()},
        "token": _token(held),
        "binding": _binding(held),
        "status_list": lists.get("status_list") or _status_list(held),
        "bitstring": lists.get("bitstring") or _bitstrings(),
    }


def _parts(jws: Jws) -> dict[str, Any]:
    payload = canonical.decode(jws.payload, 1 << 20)
    return {
        "header": jws.header,
        "claims": payload,
        "signed": jws.signed.decode(),
        "signature": to_base64url(jws.signature),
    }


def _token(held: Wallet) -> dict[str, Any]:
    read = held.read()
    disclosures = [
        {"array": canonical.decode_relaxed(from_base64url(text), 1 << 20), "text": text, "digest": digest_of(text)}
        for text in held.token.disclosures
    ]
    return {
        "root": to_base64(der(ROOT.certificate)),
        "key": write(held.issuer.signer.public.to_text()),
        **_parts(read.jws),
        "disclosures": disclosures,
        "compact": held.token.text,
    }


def _binding(held: Wallet) -> dict[str, Any]:
    shown = held.present(*NEEDED)
    found = verify_binding(shown, held.holder.public)
    return {
        "holder": write(held.holder.public.to_text()),
        "shown": list(NEEDED),
        "presented": shown.presented,
        "audience": found.audience,
        "nonce": found.nonce,
        **_parts(parse_jws(shown.binding or "", "kb+jwt")),
        "compact": shown.text,
    }


def _status_list(held: Wallet) -> dict[str, Any]:
    clock, signer = held.paper.world.clock, held.paper.world.roles["status"]
    checkpoint = type(held.paper.checkpoint())(held.paper.world.origin, 12, ROOT_HASH)
    told = StatusList(URI, clock, clock + DAY, DAY, checkpoint, len(STATUSES), pack(STATUSES))
    cwt = sign_status_list(told, signer)
    envelope = cose.parse_sign1(cwt, len(cwt))
    return {
        "key": write(signer.public.to_text()),
        "media_type": MEDIA_TYPE,
        "uri": URI,
        "issued": clock,
        "expires": clock + DAY,
        "ttl": DAY,
        "log": {"origin": checkpoint.origin, "size": 12, "root": ROOT_HASH.hex(), "count": len(STATUSES)},
        "statuses": [int(one) for one in STATUSES],
        "packed": told.packed.hex(),
        "claims": (envelope.payload or b"").hex(),
        "cwt": cwt.hex(),
        "jwt": sign_status_jwt(told, signer, "https://log.example/status"),
    }


def _bitstrings() -> list[dict[str, Any]]:
    found = []
    for purpose, those in PURPOSES.items():
        bits = [one in those for one in STATUSES]
        found.append({"purpose": purpose, "set": [at for at, bit in enumerate(bits) if bit], "list": encode_bits(bits)})
    return found
