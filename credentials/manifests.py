"""Our manifests: what c2pa-python embedded is taken apart and signed anew, with all that it cannot write.

c2pa-python knows where each format keeps its manifest store, and hashes the file around it. What it cannot do is sign
an identity with a key that stands in no settings file, or leave room. So it writes a scaffold with a throw-away key,
and the manifest that counts is made here from its assertions: claim, identity, signature, timestamp.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import cbor2

from credentials.errors import SigningFailed
from credentials.jumbf import ASSERTIONS, CBOR, CLAIM, MANIFEST, SIGNATURE, STORE, box, digest, superbox
from credentials.signer import ClaimSigner
from tallystick.c2pa.cbor import decode_cbor
from tallystick.c2pa.jumbf import SuperBox, parse_store
from tallystick.lazy_dataclass import dataclass

ROOM = "org.tallystick.room"
"""Label of the scaffold's assertion that keeps the room; it is not in the manifest that counts."""
IDENTITY = "cawg.identity"
_HARD_BINDINGS = ("c2pa.hash.data", "c2pa.hash.bmff.v3")
_LISTS = ("created_assertions", "gathered_assertions")
_ROLE = "cawg.publisher"

Stamper = Callable[[bytes], bytes | None]
"""From the bytes to be countersigned to an RFC 3161 token over them, or None where there is none to be had."""


@dataclass(frozen=True, slots=True)
class Actor:
    """A named actor (CAWG Identity Assertion) who stands behind some of the assertions. `role`: of CAWG's list."""

    signer: ClaimSigner
    role: str = _ROLE


def finished(
    scaffold: bytes,
    signer: ClaimSigner,
    actors: Sequence[Actor] = (),
    stamper: Stamper | None = None,
    changed: Mapping[str, bytes] | None = None,
    length: int | None = None,
) -> bytes:
    """The manifest store of `scaffold` with its last manifest made anew: no room, identities, our signature.

    `changed`: CBOR of assertions that are to stand otherwise. `length`: of the result, in bytes. Raises SigningFailed.
    """
    store = parse_store(scaffold)
    active = store.children[-1]
    claim = decode_cbor(active.child("c2pa.claim.v2").content(b"cbor"), "claim")
    entries = [entry for name in _LISTS for entry in claim.get(name, ())]
    listed = [entry["url"].rpartition("/")[2] for entry in entries]
    boxes = {label: whole(active.child("c2pa.assertions").child(label)) for label in listed if label != ROOM}
    boxes |= {label: superbox(CBOR, label, box(CBOR, content)) for label, content in (changed or {}).items()}
    boxes = identified(boxes, actors)
    kept = {name: value for name, value in claim.items() if name not in _LISTS}
    earlier = [whole(manifest) for manifest in store.children[:-1]]
    around = len(joined(earlier))
    room = None if length is None else partial(_exactly, length - around)
    return joined([*earlier, signed_manifest(MANIFEST, active.label, kept, boxes, signer, stamper, room)])


def identified(boxes: Mapping[str, bytes], actors: Sequence[Actor]) -> dict[str, bytes]:
    """Assertions by label, with the identities of those who stand behind them. Raises SigningFailed."""
    made = dict(boxes)
    for number, actor in enumerate(actors):
        label = IDENTITY + (f"__{number}" if number else "")
        made[label] = superbox(CBOR, label, box(CBOR, _identity(actor, made)))
    return made


def _exactly(length: int, least: int) -> int:
    return length


def signed_manifest(
    kind: bytes,
    label: str,
    claim: Mapping[str, Any],
    boxes: Mapping[str, bytes],
    signer: ClaimSigner,
    stamper: Stamper | None = None,
    length: Callable[[int], int] | None = None,
) -> bytes:
    """A whole manifest: `boxes` are its assertions by label, all of them created by the signer.

    `length`: from the least number of bytes that it has with padding to the number that it shall have.
    """
    told = {**claim, "created_assertions": [_reference(name, content) for name, content in boxes.items()]}
    told["signature"] = f"self#jumbf=/c2pa/{label}/c2pa.signature"
    raw = cbor2.dumps(told)
    signed = signer.sign1(raw)
    token = stamper(signed.countersigned()) if stamper else None
    header: dict[str, Any] = {"sigTst2": {"tstTokens": [{"val": token}]}} if token else {}

    def manifest(header: Mapping[str, Any]) -> bytes:
        return superbox(
            kind,
            label,
            superbox(ASSERTIONS, "c2pa.assertions", *boxes.values()),
            superbox(CLAIM, "c2pa.claim.v2", box(CBOR, raw)),
            superbox(SIGNATURE, "c2pa.signature", box(CBOR, signed.encode(header))),
        )

    if length is None:
        return manifest(header)
    least = len(manifest(header | {"pad": b""}))
    return manifest(header | _padding(length(least) - least))


def _padding(missing: int) -> dict[str, bytes]:
    """Zeros in the unprotected header that make a manifest `missing` bytes longer than an empty `pad` does.

    A byte string's own head grows with it, so some lengths need a second one (C2PA section 10.3.2.5.3).
    """
    if missing < 0:
        raise SigningFailed(f"the manifest is {-missing} bytes longer than its place in the file")
    for second in ({}, {"pad2": b""}):
        rest = missing - 6 * len(second)
        for head in (1, 2, 3, 5):
            zeros = bytes(max(0, rest + 1 - head))
            if len(cbor2.dumps(zeros)) == rest + 1:
                return {"pad": zeros, **second}
    raise SigningFailed(f"no padding makes a manifest {missing} bytes longer")


def joined(manifests: Sequence[bytes]) -> bytes:
    """A manifest store."""
    return superbox(STORE, "c2pa", *manifests)


def whole(superbox: SuperBox) -> bytes:
    """The bytes of a box that was read, with its header."""
    return box(b"jumb", superbox.body)


def _reference(label: str, content: bytes) -> dict[str, Any]:
    return {"url": f"self#jumbf=c2pa.assertions/{label}", "hash": digest(content)}


def _identity(actor: Actor, boxes: Mapping[str, bytes]) -> bytes:
    """CAWG Identity 1.1, section 5: the actor signs the hashes of the assertions, the hard binding among them."""
    if not any(label in _HARD_BINDINGS for label in boxes):
        raise SigningFailed("an identity must stand behind the file's bytes, and the manifest has no hard binding")
    payload = {
        "referenced_assertions": [
            _reference(name, content) for name, content in boxes.items() if not name.startswith(IDENTITY)
        ],
        "sig_type": "cawg.x509.cose",
        "role": [actor.role],
    }
    signature = actor.signer.sign1(cbor2.dumps(payload)).encode()
    return cbor2.dumps({"signer_payload": payload, "signature": signature, "pad1": b""})
