"""The algorithms of docs/evidence, written from the text with the standard library: nothing of ours is imported.

SM3 comes from `cryptography`, Keccak-256 from `eth_utils`.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives import hashes
from eth_utils import keccak

PIECE = 1_048_576


# --- values -------------------------------------------------------------------


def canonical(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def check_character(before: str) -> str:
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    r = 36
    for character in before:
        if character in alphabet:
            r = (r + alphabet.index(character)) % 36
            if r == 0:
                r = 36
            r = 2 * r % 37
    return alphabet[(37 - r) % 36]


def identifier(prefix: str, letter: str, random: bytes) -> str:
    bits = "".join(f"{byte:08b}" for byte in random)
    text = "".join("0123456789ABCDEFGHJKMNPQRSTVWXYZ"[int(bits[at : at + 5], 2)] for at in range(0, 80, 5))
    head = f"{prefix}/{letter}-{text[:4]}-{text[4:8]}-{text[8:12]}-{text[12:]}"
    return f"{head}-{check_character(head)}"


def pair(data: bytes) -> dict[str, str]:
    sm3 = hashes.Hash(hashes.SM3())
    sm3.update(data)
    return {"sha256": hashlib.sha256(data).hexdigest(), "sm3": sm3.finalize().hex()}


def file_record(data: bytes) -> dict[str, Any]:
    chunks = root([leaf(data[at : at + PIECE]) for at in range(0, len(data), PIECE)])
    return {"v": 1, "form": "file", **pair(data), "size": len(data), "chunks": chunks.hex()}


def file_line(path: str, data: bytes) -> bytes:
    return canonical({"path": path, **pair(data), "size": len(data)})


def folder_record(files: dict[str, bytes]) -> dict[str, Any]:
    lines = [file_line(path, files[path]) for path in sorted(files, key=str.encode)]
    size = sum(map(len, files.values()))
    return {"v": 1, "form": "folder", "root": root(list(map(leaf, lines))).hex(), "count": len(files), "size": size}


def disclosure(salt: bytes, name: str, value: Any) -> str:
    return base64url(canonical([base64url(salt), name, value]))


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


# --- CBOR, keys, statements -----------------------------------------------------


def cbor(value: Any) -> bytes:
    if value is None:
        return b"\xf6"
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        return _head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return _head(4, len(value)) + b"".join(map(cbor, value))
    items = sorted((cbor(key), cbor(item)) for key, item in value.items())
    return _head(5, len(items)) + b"".join(key + item for key, item in items)


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    width = next(width for width in (1, 2, 4, 8) if number < 1 << 8 * width)
    return bytes([major << 5 | 24 + (1, 2, 4, 8).index(width)]) + number.to_bytes(width, "big")


def cose_key(alg: str, raw: bytes) -> bytes:
    if alg == "ed25519":
        return cbor({1: 1, -1: 6, -2: raw})
    if alg == "ml-dsa-44":
        return cbor({1: 7, 3: -48, -1: raw})
    return cbor({1: 2, -1: {"es256": 1, "es256k": 8}[alg], -2: raw[1:33], -3: raw[33:]})


def kid(alg: str, raw: bytes) -> bytes:
    return hashlib.sha256(cose_key(alg, raw)).digest()


def header(alg: int, key: bytes, issuer: str, subject: str) -> bytes:
    content_type = "application/vnd.tallystick.event+json"
    return cbor({1: alg, 3: content_type, 4: key, 15: {1: issuer, 2: subject}})


def to_be_signed(protected: bytes, payload: bytes) -> bytes:
    return cbor(["Signature1", protected, b"", payload])


def entry(protected: bytes, payload: bytes, signature: bytes) -> bytes:
    return b"\xd2" + cbor([protected, {}, payload, signature])


def receipt(header: bytes, kind: int, proof: list[Any], signature: bytes) -> bytes:
    return b"\xd2" + cbor([header, {396: {kind: [cbor(proof)]}}, None, signature])


def receipt_header(key: bytes, origin: str, subject: str, place: list[int]) -> bytes:
    return cbor({1: -8, 4: key, 15: {1: origin, 2: subject, -65538: place}, 395: 1})


def transparent(protected: bytes, receipts: list[bytes], payload: bytes, signature: bytes) -> bytes:
    return b"\xd2" + cbor([protected, {394: receipts}, payload, signature])


# --- tree -----------------------------------------------------------------------


def leaf(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return node(root(leaves[:k]), root(leaves[k:]))


def includes(h: bytes, i: int, n: int, path: Sequence[bytes], r: bytes) -> bool:
    inner = (i ^ (n - 1)).bit_length()
    border = (i >> inner).bit_count()
    if len(path) != inner + border:
        return False
    for k in range(inner):
        h = node(path[k], h) if i >> k & 1 else node(h, path[k])
    for one in path[inner:]:
        h = node(one, h)
    return h == r


def extends(m: int, a: bytes, n: int, b: bytes, path: Sequence[bytes]) -> bool:
    if m == n:
        return not path and a == b
    if m == 0:
        return not path and a == root([])
    shift = 0
    while not m >> shift & 1:
        shift += 1
    inner = ((m - 1) ^ (n - 1)).bit_length() - shift
    border = ((m - 1) >> (inner + shift)).bit_count()
    seeded = m == 1 << shift
    if len(path) != inner + border + (0 if seeded else 1):
        return False
    seed, q = (a, path) if seeded else (path[0], path[1:])
    old = new = seed
    mask = (m - 1) >> shift
    for k in range(inner):
        if mask >> k & 1:
            old, new = node(q[k], old), node(q[k], new)
        else:
            new = node(new, q[k])
    for one in q[inner:]:
        old, new = node(one, old), node(one, new)
    return (old, new) == (a, b)


# --- checkpoints ------------------------------------------------------------------


def key_id(name: str, kind: int, key: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + key).digest()[:4]


def verifier_key(name: str, kind: int, key: bytes) -> str:
    return f"{name}+{key_id(name, kind, key).hex()}+{base64.b64encode(bytes([kind]) + key).decode()}"


def line(name: str, key: bytes, signature: bytes) -> str:
    return f"— {name} {base64.b64encode(key + signature).decode()}"


def checkpoint_text(origin: str, size: int, tree: bytes) -> str:
    return f"{origin}\n{size}\n{base64.b64encode(tree).decode()}\n"


def ml_dsa_message(name: str, time: int, origin: str, size: int, tree: bytes) -> bytes:
    named = bytes([len(name)]) + name.encode()
    of = bytes([len(origin)]) + origin.encode()
    times = [number.to_bytes(8, "big") for number in (time, 0, size)]
    return b"subtree/v1\n\x00" + named + times[0] + of + times[1] + times[2] + tree


def eip712_digest(origin: str, size: int, tree: bytes) -> bytes:
    domain = keccak(keccak(b"EIP712Domain(string name,string version)") + keccak(b"tallystick") + keccak(b"1"))
    kind = keccak(b"Checkpoint(bytes32 origin,uint64 size,bytes32 root)")
    message = keccak(kind + hashlib.sha256(origin.encode()).digest() + size.to_bytes(32, "big") + tree)
    return keccak(b"\x19\x01" + domain + message)


def address(raw: bytes) -> bytes:
    return keccak(raw[1:])[12:]


def map_key(relation: str, text: str) -> bytes:
    return hashlib.sha256(b"tallystick/map/key\n" + relation.encode() + b"\n" + text.encode()).digest()


def map_chain(history: Sequence[tuple[int, bytes]]) -> bytes:
    found = bytes(32)
    for index, entry in history:
        found = hashlib.sha256(b"tallystick/map/link\n" + found + index.to_bytes(8, "big") + leaf(entry)).digest()
    return found


def map_leads_to(key: bytes, proof: dict[str, Any]) -> bytes:
    """The root to which a proof leads from the leaf that it shows."""
    shown, chain = base64.b64decode(proof["key"]), base64.b64decode(proof["chain"])
    h = hashlib.sha256(b"tallystick/map/leaf\n" + shown + proof["count"].to_bytes(8, "big") + chain).digest()
    bits = [b for b, _ in proof["path"]]
    assert bits == sorted(set(bits))
    for b, other in reversed(proof["path"]):
        s, turns = base64.b64decode(other), key[b // 8] >> (7 - b % 8) & 1
        assert turns == shown[b // 8] >> (7 - b % 8) & 1
        h = hashlib.sha256(b"tallystick/map/node\n" + bytes([b]) + (s + h if turns else h + s)).digest()
    return h
