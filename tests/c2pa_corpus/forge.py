"""A writer of C2PA files with every part open to be wrong. No code of ours and none of c2pa: boxes, CBOR and hashes.

Everything follows from its inputs, so the same bytes come out on every machine.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.c2pa_corpus.people import SIGNER, Person

PNG, JPEG, WEBP, WAV, SIDECAR = "image/png", "image/jpeg", "image/webp", "audio/wav", "application/octet-stream"
STORE, MANIFEST, UPDATE = b"c2pa", b"c2ma", b"c2um"
ASSERTIONS, CLAIM, SIGNATURE = b"c2as", b"c2cl", b"c2cs"
MAIN = "urn:c2pa:00000000-0000-4000-8000-000000000001"
WHEN = cbor2.CBORTag(0, "2025-06-01T00:00:00Z")
CREATED = {
    "action": "c2pa.created",
    "when": WHEN,
    "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCreation",
}


def uuid(kind: bytes) -> bytes:
    return kind + bytes.fromhex("00110010800000aa00389b71")


def box(kind: bytes, body: bytes) -> bytes:
    return (len(body) + 8).to_bytes(4) + kind + body


def superbox(kind: bytes, label: str, *content: bytes) -> bytes:
    return box(b"jumb", box(b"jumd", uuid(kind) + b"\x03" + label.encode() + b"\0") + b"".join(content))


def digest(boxed: bytes) -> bytes:
    """What a hashed URI to a box carries."""
    return hashlib.sha256(boxed[8:]).digest()


@dataclass(frozen=True)
class Part:
    """An assertion; `listed`: "created", "gathered", or "" for nowhere."""

    label: str
    content: bytes
    kind: bytes = b"cbor"
    listed: str = "created"

    @property
    def boxed(self) -> bytes:
        return superbox(self.kind, self.label, box(self.kind, self.content))

    def link(self) -> dict[str, Any]:
        return {"url": f"self#jumbf=c2pa.assertions/{self.label}", "hash": digest(self.boxed)}


def actions(*listed: dict[str, Any]) -> Part:
    return Part("c2pa.actions.v2", cbor2.dumps({"actions": list(listed) or [CREATED]}))


def licence(content: bytes = b'{"licence":"L","v":1}', listed: str = "created", label: str = "") -> Part:
    return Part(label or "org.tallystick.licence", content, b"json", listed)


def nothing(_: Any) -> None:
    return None


def same(data: bytes) -> bytes:
    return data


@dataclass(frozen=True)
class Recipe:
    """How one manifest is made. The hooks change a value in place before it is hashed or signed."""

    signer: Person = SIGNER
    parts: tuple[Part, ...] = field(default_factory=lambda: (actions(), licence()))
    label: str = MAIN
    kind: bytes = MANIFEST
    bound: bool = True
    chain: tuple[bytes, ...] | None = None
    algorithm: Any = None
    claim_label: str = "c2pa.claim.v2"
    edit_hash: Callable[[dict[str, Any]], None] = nothing
    edit_claim: Callable[[dict[str, Any]], None] = nothing
    edit_protected: Callable[[dict[Any, Any]], None] = nothing
    unprotected: Callable[[bytes, bytes, bytes], dict[Any, Any]] = lambda protected, signature, claim: {}
    edit_claim_bytes: Callable[[bytes], bytes] = same
    edit_signature: Callable[[bytes], bytes] = same
    edit_parts: Callable[[list[bytes]], list[bytes]] = lambda boxes: boxes
    extra: tuple[bytes, ...] = ()
    more_hashes: tuple[Part, ...] = ()


def cose(algorithm: int, key: Any, message: bytes) -> bytes:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        width = (key.key_size + 7) // 8
        used = {-7: hashes.SHA256(), -35: hashes.SHA384(), -36: hashes.SHA512()}.get(algorithm, hashes.SHA256())
        r, s = decode_dss_signature(key.sign(message, ec.ECDSA(used, deterministic_signing=True)))
        return r.to_bytes(width) + s.to_bytes(width)
    return key.sign(message, padding.PKCS1v15(), hashes.SHA256())


def manifest(recipe: Recipe, hashed: dict[str, Any] | None) -> bytes:
    """The box of one manifest; `hashed`: its data hash."""
    parts = list(recipe.parts)
    if hashed is not None and recipe.bound:
        value = dict(hashed)
        recipe.edit_hash(value)
        parts.append(Part("c2pa.hash.data", cbor2.dumps(value)))
    parts += recipe.more_hashes
    claim: dict[str, Any] = {
        "instanceID": "xmp.iid:00000000-0000-4000-8000-00000000000a",
        "claim_generator_info": {"name": "corpus", "version": "1"},
        "signature": f"self#jumbf=/c2pa/{recipe.label}/c2pa.signature",
        "created_assertions": [part.link() for part in parts if part.listed == "created"],
    }
    if gathered := [part.link() for part in parts if part.listed == "gathered"]:
        claim["gathered_assertions"] = gathered
    claim |= {"dc:title": "corpus", "alg": "sha256"}
    recipe.edit_claim(claim)
    encoded = recipe.edit_claim_bytes(cbor2.dumps(claim))
    boxes = recipe.edit_parts([part.boxed for part in parts])
    return superbox(
        recipe.kind,
        recipe.label,
        superbox(ASSERTIONS, "c2pa.assertions", *boxes),
        superbox(CLAIM, recipe.claim_label, box(b"cbor", encoded)),
        superbox(SIGNATURE, "c2pa.signature", box(b"cbor", recipe.edit_signature(signature(recipe, encoded)))),
        *recipe.extra,
    )


def signature(recipe: Recipe, claim: bytes) -> bytes:
    algorithm = recipe.algorithm
    if algorithm is None:
        algorithm = -8 if isinstance(recipe.signer.key, ed25519.Ed25519PrivateKey) else -7
    header: dict[Any, Any] = {1: algorithm, 33: list(recipe.chain if recipe.chain is not None else recipe.signer.shown)}
    recipe.edit_protected(header)
    protected = cbor2.dumps(header)
    made = cose(algorithm, recipe.signer.key, cbor2.dumps(["Signature1", protected, b"", claim]))
    return cbor2.dumps(cbor2.CBORTag(18, [protected, recipe.unprotected(protected, made, claim), None, made]))


def store(*manifests: bytes) -> bytes:
    return superbox(STORE, "c2pa", *manifests)


# --- into files -------------------------------------------------------------------------------


def chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)


def png(color: int = 90) -> bytes:
    """8 by 8 grey points in stored blocks: no compressor has a say."""
    rows = b"".join(b"\0" + bytes([color + x for x in range(8)]) for _ in range(8))
    head = (8).to_bytes(4) * 2 + b"\x08\0\0\0\0"
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b"")


def wav() -> bytes:
    form = b"fmt " + (16).to_bytes(4, "little") + bytes.fromhex("01000100401f0000803e000002001000")
    data = b"data" + (200).to_bytes(4, "little") + bytes(range(200))
    return b"RIFF" + (4 + len(form) + len(data)).to_bytes(4, "little") + b"WAVE" + form + data


def jpeg() -> bytes:
    """A JPEG by its markers alone: enough for a reader of segments."""
    app0 = b"\xff\xe0" + (16).to_bytes(2) + b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"
    table = b"\xff\xdb" + (67).to_bytes(2) + b"\0" + bytes([1] * 64)
    frame = b"\xff\xc0" + (11).to_bytes(2) + bytes.fromhex("080008000801011100")
    codes = b"\xff\xc4" + (20).to_bytes(2) + b"\0" + bytes([0, 1] + [0] * 14) + b"\0"
    codes += b"\xff\xc4" + (20).to_bytes(2) + b"\x10" + bytes([1] + [0] * 15) + b"\0"
    return (
        b"\xff\xd8"
        + app0
        + table
        + frame
        + codes
        + b"\xff\xda"
        + (8).to_bytes(2)
        + bytes.fromhex("010100003f00")
        + b"\x3f\xff\xd9"
    )


def embed(asset: bytes, media_type: str, stored: bytes) -> tuple[bytes, int, int]:
    """The file, and where its store begins and how long it is."""
    if media_type == PNG:
        piece, at = chunk(b"caBX", stored), 33
    elif media_type == JPEG:
        pieces = [stored[i : i + 60_000] for i in range(0, len(stored), 60_000)]
        bodies = [
            b"JP\x02\x11" + (n + 1).to_bytes(4) + (b"" if n == 0 else stored[:8]) + p for n, p in enumerate(pieces)
        ]
        piece, at = b"".join(b"\xff\xeb" + (len(body) + 2).to_bytes(2) + body for body in bodies), 2
    elif media_type in (WAV, WEBP):
        piece, at = b"C2PA" + len(stored).to_bytes(4, "little") + stored + bytes(len(stored) & 1), len(asset)
        size = (len(asset) + len(piece) - 8).to_bytes(4, "little")
        return asset[:4] + size + asset[8:] + piece, at, len(piece)
    else:
        return asset, 0, 0
    return asset[:at] + piece + asset[at:], at, len(piece)


def signed(
    recipe: Recipe | None = None, asset: bytes | None = None, media_type: str = PNG, before: tuple[bytes, ...] = ()
) -> tuple[bytes, bytes]:
    """(file, store). `before`: manifests ahead of the one that is made, in the same store."""
    recipe = recipe or Recipe()
    asset = png() if asset is None else asset
    start = length = 0
    value: dict[str, Any] = {}
    for _ in range(5):
        made = store(
            *before, manifest(recipe, value or {"exclusions": [], "alg": "sha256", "hash": bytes(32), "pad": b""})
        )
        file, start, length = embed(asset, media_type, made)
        kept = hashlib.sha256(file[:start] + file[start + length :]).digest()
        found = {
            "exclusions": [{"start": start, "length": length}] if length else [],
            "name": "jumbf manifest",
            "alg": "sha256",
            "hash": kept,
            "pad": b"",
        }
        if found == value:
            return file, made
        value = found
    raise ValueError("the length of the store does not settle")


def bare(recipe: Recipe | None = None, **changes: Any) -> bytes:
    """A signed PNG."""
    return signed(replace(recipe or Recipe(), **changes))[0]


def restored(file: bytes, old: bytes, new: bytes) -> bytes:
    """A signed PNG with another store in the place of its own."""
    head = file.index(b"caBX") - 4
    return file[:head] + chunk(b"caBX", new) + file[head + 12 + len(old) :]
