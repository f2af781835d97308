"""Digests of the map, and what a proof proves (docs/map.md §2–4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import pairwise
from typing import Annotated, Any

from tallystick import canonical
from tallystick.base64s import from_base64, to_base64
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.lazy_dataclass import dataclass
from tallystick.map.about import NAMED, OWN, Relation
from tallystick.schema import base64_bytes, between, read, record

HASH_SIZE = 32
KEY_BITS = 256
EMPTY_ROOT = sha256(b"tallystick/map/empty\n").digest()
FIRST_LINK = bytes(HASH_SIZE)
MAX_PROOF_BYTES = 1 << 16

KEY, LINK, LEAF, NODE = (b"tallystick/map/%b\n" % name for name in (b"key", b"link", b"leaf", b"node"))
_KEYS: dict[Relation, bytes] = {relation: KEY + relation.encode() + b"\n" for relation in (OWN, NAMED)}
NODES = tuple(NODE + bytes([bit]) for bit in range(KEY_BITS))
"""By bit, how the bytes of a node begin."""


class MapProofFailed(VerificationFailed):
    """A proof does not lead to the root of the map."""


def key_of(relation: Relation, text: str) -> bytes:
    """Where the history of ``text`` stands."""
    return sha256(_KEYS[relation] + text.encode()).digest()


def keys_of(relation: Relation, texts: Iterable[str]) -> list[bytes]:
    """``key_of`` each text; spelled out, for all that a log names comes this way."""
    label = _KEYS[relation]
    return [sha256(label + text.encode()).digest() for text in texts]


def link(chain: bytes, index: int, leaf: bytes) -> bytes:
    """The chain with one more entry: its leaf index and leaf hash."""
    return sha256(LINK + chain + index.to_bytes(8, "big") + leaf).digest()


def node(bit: int, left: bytes, right: bytes) -> bytes:
    """The digest of two subtrees that ``bit`` of the key tells apart."""
    return sha256(NODES[bit] + left + right).digest()


def bit_of(key: bytes, bit: int) -> int:
    """Bit 0 is the highest of the first byte."""
    return key[bit >> 3] >> (7 - (bit & 7)) & 1


@dataclass(frozen=True)
class Leaf:
    """What the map says under ``key``: so many entries, the last of them closing this chain."""

    key: bytes
    count: int
    chain: bytes

    def digest(self) -> bytes:
        """Leaf digest."""
        return sha256(LEAF + self.key + self.count.to_bytes(8, "big") + self.chain).digest()


_HASH = base64_bytes(HASH_SIZE)


@record
class _Fields:
    key: Annotated[str, _HASH]
    count: Annotated[int, between(1, (1 << 53) - 1)]
    chain: Annotated[str, _HASH]
    path: tuple[Any, ...]


@dataclass(frozen=True)
class MapProof:
    """The leaf to which a key leads, and the way: (bit, digest of the other side) from the root down.

    ``leaf`` is ``None`` for the map without leaves, and then the path is empty.
    """

    leaf: Leaf | None
    path: tuple[tuple[int, bytes], ...] = ()

    def value(self) -> dict[str, Any] | None:
        """JSON value."""
        if self.leaf is None:
            return None
        return {
            "key": to_base64(self.leaf.key),
            "count": self.leaf.count,
            "chain": to_base64(self.leaf.chain),
            "path": [[bit, to_base64(other)] for bit, other in self.path],
        }

    def encode(self) -> bytes:
        """Canonical JSON."""
        return canonical.encode(self.value())


def read_proof(value: Any) -> MapProof:
    """Inverse of ``MapProof.value``. Raises ``MalformedInput``."""
    if value is None:
        return MapProof(None)
    fields = read(_Fields, value)
    if len(fields.path) > KEY_BITS:
        raise MalformedInput(f"a path has at most {KEY_BITS} steps, found {len(fields.path)}")
    path = tuple(_step(one) for one in fields.path)
    if any(above >= below for (above, _), (below, _) in pairwise(path)):
        raise MalformedInput("the bits of a path grow from the root down")
    return MapProof(Leaf(_hash(fields.key), fields.count, _hash(fields.chain)), path)


def decode_proof(data: bytes) -> MapProof:
    """Inverse of ``MapProof.encode``. Raises ``MalformedInput``."""
    return read_proof(canonical.decode(data, MAX_PROOF_BYTES))


def _step(value: Any) -> tuple[int, bytes]:
    if not isinstance(value, list) or len(value) != 2 or type(value[0]) is not int or not isinstance(value[1], str):
        raise MalformedInput("a step is [bit, hash]")
    if not 0 <= value[0] < KEY_BITS:
        raise MalformedInput(f"a bit is 0 to {KEY_BITS - 1}, found {value[0]}")
    return value[0], _hash(value[1])


def _hash(text: str) -> bytes:
    found = from_base64(text) if len(text) < 2 * HASH_SIZE else b""
    if len(found) != HASH_SIZE:
        raise MalformedInput(f"a hash is base64 of {HASH_SIZE} bytes")
    return found


def prove_answer(root: bytes, relation: Relation, text: str, proof: MapProof) -> Leaf | None:
    """What the map of this root says about ``text``: its leaf, or ``None`` where nothing is about it.

    Raises ``MapProofFailed``. For one root and one text at most one answer can be proved (docs/map.md §4).
    """
    try:
        return prove_key(root, key_of(relation, text), proof)
    except MapProofFailed as error:
        raise MapProofFailed(f"the proof for {relation} {text}: {error}") from None


def prove_key(root: bytes, key: bytes, proof: MapProof) -> Leaf | None:
    """As ``prove_answer``, of what stands under ``key``."""
    if proof.leaf is None:
        if proof.path or root != EMPTY_ROOT:
            raise MapProofFailed(f"the proof is that of a map without leaves, its root is {root.hex()}")
        return None
    _check_way(key, proof.leaf, proof.path)
    digest = proof.leaf.digest()
    for bit, other in reversed(proof.path):
        digest = node(bit, other, digest) if bit_of(key, bit) else node(bit, digest, other)
    if digest != root:
        raise MapProofFailed(f"the proof leads to the map root {digest.hex()}, not {root.hex()}")
    return proof.leaf if proof.leaf.key == key else None


def _check_way(key: bytes, leaf: Leaf, path: Sequence[tuple[int, bytes]]) -> None:
    before = -1
    for bit, _ in path:
        if not before < bit < KEY_BITS:
            raise MapProofFailed("the bits of a path grow from the root down")
        if bit_of(key, bit) != bit_of(leaf.key, bit):
            raise MapProofFailed(f"the leaf shown does not stand where this key leads: bit {bit} differs")
        before = bit
