"""Manifests composed without c2pa-python, for files in which a store is placed without moving anything else.

PNG and WAV files and sidecars: the place is known before the file is read, so the file is hashed and copied in pieces,
and never held. c2pa-python holds a WAV file twice, and takes ten times as long for a card. Whatever brings another
credential with it (a parent, an ingredient's file) is left to c2pa-python, which validates it.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

import cbor2

import tallystick
from credentials.errors import SigningFailed
from credentials.jumbf import CBOR, JSON, MANIFEST, box, digest, superbox
from credentials.manifests import Actor, Stamper, identified, joined, signed_manifest
from credentials.signer import ClaimSigner
from tallystick.c2pa.claim import ActiveManifest
from tallystick.c2pa.containers import Container, locate
from tallystick.c2pa.jumbf import parse_store
from tallystick.c2pa.place import embed, pieces
from tallystick.c2pa.refusal import CredentialRefused
from tallystick.c2pa.updates import binding_of, read_manifests
from tallystick.errors import MalformedInput
from tallystick.lazy_dataclass import dataclass

LARGE = 64 << 20
"""Bytes from which on a composed file is read back in pieces, by our own reader alone."""
COMPOSED = frozenset({"image/png", "audio/wav"})
"""Media types whose files are composed here; those that carry no store get theirs beside them."""
_ACTIONS, _HASH, _INGREDIENT = "c2pa.actions.v2", "c2pa.hash.data", "c2pa.ingredient.v3"
_DATE = 0
"""CBOR tag of a date and time as text (RFC 8949, section 3.4.1)."""
_WIDEST = 1 << 32
"""A number that takes as many bytes as any place in a file that is told."""
_PAYLOAD_ROOM, _STAMP_ROOM = 4 * 1024, 8 * 1024
_PNG_HEAD = 33
"""Bytes of the signature and of IHDR, which comes first."""
_MAX_RIFF = (1 << 32) - 1
_NOTHING = Container(None, (0, 0))


@dataclass(frozen=True, slots=True)
class Told:
    """What is said in a manifest, beside the hash.

    `ingredients`: CBOR by the names that `actions` use, of things that bring no credential; `cbor`, `json`: assertions.
    """

    title: str
    actions: Sequence[Mapping[str, Any]]
    ingredients: Mapping[str, Mapping[str, Any]]
    cbor: Mapping[str, Any]
    json: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a store goes: at byte `at` of the source, between `before` and `after`; `lengths` stand outside and change.

    `left_out`: byte ranges [start, end) besides the store that say how long it is, and are not hashed.
    """

    at: int
    head: int
    tail: int
    left_out: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Hands:
    """Who signs: the claim, for whom else, and who dates it."""

    signer: ClaimSigner
    actors: Sequence[Actor] = ()
    stamper: Stamper | None = None


def place_in(stream: BinaryIO, size: int, media_type: str) -> Place | None:
    """Where a store goes in a file without one; None where it goes beside it. Raises MalformedInput."""
    if media_type == "image/png":
        stream.seek(12)
        if size < _PNG_HEAD or stream.read(4) != b"IHDR":
            raise MalformedInput("the PNG file does not begin with its header")
        return Place(_PNG_HEAD, 8, 4)
    if media_type == "audio/wav":
        stream.seek(4)
        end = 8 + int.from_bytes(stream.read(4), "little")
        if end != size or end & 1:
            raise MalformedInput(f"the WAV file says that it has {end} bytes (an even number), and has {size}")
        return Place(end, 8, 0, ((4, 8),))
    return None


def write_composed(stream: BinaryIO, size: int, media_type: str, told: Told, hands: Hands, target: BinaryIO) -> None:
    """The file with its manifest store, or, where `media_type` has no place for one, the store alone."""
    place = place_in(stream, size, media_type)
    hashed = _hash_around(stream, size, place.left_out if place else ())  # the store is not there yet
    store = _store(told, hands, hashed, place)
    if place is None:
        target.write(store)
        return
    if media_type == "audio/wav" and place.at + len(store) > _MAX_RIFF:
        raise SigningFailed("the WAV file would be longer than its head can say (4 GiB)")
    chunk = embed(b"", _NOTHING, media_type, store)
    position = 0
    for start, end in place.left_out:
        _copy(stream, position, start, target)
        target.write((place.at - 8 + len(chunk)).to_bytes(end - start, "little"))
        position = end
    _copy(stream, position, place.at, target)
    target.write(chunk)
    _copy(stream, place.at, size, target)


def require_as_composed(source: BinaryIO, size: int, media_type: str, sidecar: bytes | None) -> ActiveManifest:
    """Read back what was composed, in pieces: signature, assertions, and the bytes of the file against their hash.

    c2pa-python holds what it hashes, half a gigabyte at most. Raises MalformedInput, CredentialRefused.
    """
    held = Container(sidecar, (0, 0)) if sidecar is not None else locate(source, size, media_type)
    (manifest,) = read_manifests(parse_store(held.store or b""))
    told = binding_of(manifest).value()
    left_out = sorted([*held.lengths, held.span]) if sidecar is None else []
    ranges = [{"start": start, "length": end - start} for start, end in left_out]
    if told.get("exclusions", []) != ranges or told.get("alg") != "sha256":
        raise CredentialRefused("binding.exclusion", "the hash leaves out something else than the store")
    if told["hash"] != _hash_around(source, size, left_out):
        raise CredentialRefused("assertion.dataHash.mismatch", "the bytes of the file are not those that were hashed")
    return manifest


def _store(told: Told, hands: Hands, hashed: bytes, place: Place | None) -> bytes:
    label = f"urn:c2pa:{_uuid()}"
    boxes = _boxes(told)
    claim = {
        "instanceID": f"xmp:iid:{_uuid()}",
        "claim_generator_info": {"name": "tallystick", "version": tallystick.__version__},
        "dc:title": told.title,
        "alg": "sha256",
    }
    if place is None:
        full = identified(boxes | _data_hash(hashed, []), hands.actors)
        return joined([signed_manifest(MANIFEST, label, claim, full, hands.signer, hands.stamper)])
    length = _room(boxes | _data_hash(hashed, [(_WIDEST, _WIDEST)] * 2), claim, hands)
    length += length & 1
    span = (place.at, place.at + place.head + length + place.tail)
    ranges = [(start, end - start) for start, end in sorted([*place.left_out, span])]
    full = identified(boxes | _data_hash(hashed, ranges), hands.actors)
    around = len(joined([]))
    made = signed_manifest(MANIFEST, label, claim, full, hands.signer, hands.stamper, lambda least: length - around)
    return joined([made])


def _room(boxes: Mapping[str, bytes], claim: Mapping[str, Any], hands: Hands) -> int:
    """Bytes that the store has at most: its length has to be known before it is signed."""
    listed = 128 * (len(boxes) + len(hands.actors)) + len(cbor2.dumps(dict(claim)))
    room = 1024 + listed + sum(map(len, boxes.values())) + hands.signer.size
    room += sum(actor.signer.size + _PAYLOAD_ROOM for actor in hands.actors)
    return room + (_STAMP_ROOM if hands.stamper else 0)


def _boxes(told: Told) -> dict[str, bytes]:
    """The assertions by label, without the hash."""
    ingredients, linked = {}, {}
    for number, (name, value) in enumerate(told.ingredients.items()):
        label = _INGREDIENT + (f"__{number}" if number else "")
        ingredients[label] = _cbor(label, value)
        linked[name] = {"url": f"self#jumbf=c2pa.assertions/{label}", "hash": digest(ingredients[label])}
    boxes = {_ACTIONS: _cbor(_ACTIONS, {"actions": [_action(one, linked) for one in told.actions]})}
    boxes |= {label: _cbor(label, value) for label, value in told.cbor.items()}
    boxes |= {label: superbox(JSON, label, box(JSON, content)) for label, content in told.json.items()}
    return boxes | ingredients


def _action(action: Mapping[str, Any], linked: Mapping[str, Any]) -> dict[str, Any]:
    """An action as c2pa-python is told it, with links in the place of names."""
    made = {**action, "when": cbor2.CBORTag(_DATE, action["when"])}
    if "parameters" in action:
        made["parameters"] = {"ingredients": [linked[one] for one in action["parameters"]["ingredientIds"]]}
    return made


def _data_hash(hashed: bytes, ranges: Sequence[tuple[int, int]]) -> dict[str, bytes]:
    told: dict[str, Any] = {"exclusions": [{"start": start, "length": length} for start, length in ranges]}
    told = (told if ranges else {}) | {"name": "jumbf manifest", "alg": "sha256", "hash": hashed, "pad": b""}
    return {_HASH: _cbor(_HASH, told)}


def _cbor(label: str, value: Any) -> bytes:
    return superbox(CBOR, label, box(CBOR, cbor2.dumps(value)))


def _hash_around(stream: BinaryIO, size: int, left_out: Sequence[tuple[int, int]]) -> bytes:
    """SHA-256 of all that stands in the file but these ranges, which are in order."""
    hasher, position = hashlib.sha256(), 0
    for start, end in left_out:
        for block in pieces(stream, position, start):
            hasher.update(block)
        position = end
    for block in pieces(stream, position, size):
        hasher.update(block)
    return hasher.digest()


def _copy(stream: BinaryIO, start: int, end: int, target: BinaryIO) -> None:
    for block in pieces(stream, start, end):
        target.write(block)


def _uuid() -> str:
    return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))
