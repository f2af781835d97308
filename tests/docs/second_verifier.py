"""A small second verifier, written from docs/evidence-format.md: steps 1 to 5, 7, 8 and 10, without any code of ours.

It is no tool: it stops at the first thing that does not hold, and its checks of form are few. What it needed and
did not find in the text was added to the text.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import struct
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from eth_keys.datatypes import Signature
from eth_utils import keccak
from rlp import decode as rlp_decode
from rlp import encode as rlp_encode

from tests.docs import by_the_text as told

KNOWN = {
    "d08e163da7d1cb7bc57de52644dda44b6225cfce5c7f32b125578c0e936dab5a": 1,
    "a89e35fbc2a3ff294d057f78c5fe5f1195a65b8430e16c33cb73bf15a1f21141": 1,
}
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


class NotProved(Exception):
    """The step that refused comes first."""


def need(step: int, holds: bool, what: str) -> None:
    if not holds:
        raise NotProved(step, what)


def verify(bundle: bytes, trust_file: bytes) -> dict[str, Any]:
    """What the case is about; raises ``NotProved``."""
    trust = json.loads(trust_file)
    members = bag(container(bundle))
    index = json.loads(members["case.json"])
    _step_1(members, index)
    _step_2(container(bundle), trust)
    entries = {int(name[8:-5]): data for name, data in members.items() if name.startswith("entries/")}
    _step_3(entries)
    size, tree, log = _step_5(members, index, entries, trust)
    proofs = json.loads(members["log/proofs.json"])
    for at, entry in entries.items():
        path = list(map(base64.b64decode, proofs["inclusion"][str(at)]))
        need(4, told.includes(told.leaf(entry), at, size, path, tree), f"entry {at}")
    _step_7(members, entries)
    _step_8(members, index, entries)
    _step_10(members, index, entries, (size, tree), log, trust)
    return {"subject": index["subject"], "size": size, "entries": len(entries), "anchors": len(index["anchors"])}


# --- steps 1 and 2 ----------------------------------------------------------------


def container(data: bytes) -> dict[str, bytes]:
    count, length, start = struct.unpack("<HLL", data[-12:-2])
    found: dict[str, bytes] = {}
    at, listed, headers = 0, start, b""
    for _ in range(count):
        crc, size, _, name_length = struct.unpack("<LLLH", data[listed + 16 : listed + 30])
        name = data[listed + 46 : listed + 46 + name_length]
        local = struct.pack("<4sHHHHHLLLHH", b"PK\3\4", 20, 0x0800, 0, 0, 0x21, crc, size, size, name_length, 0) + name
        need(1, data[at : at + len(local)] == local, f"local header of {name!r}")
        content = data[at + len(local) : at + len(local) + size]
        fields = (0x0314, 20, 0x0800, 0, 0, 0x21, crc, size, size, name_length, 0, 0, 0, 0, 0x81A40000, at)
        headers += struct.pack("<4sHHHHHHLLLHHHHHLL", b"PK\1\2", *fields) + name
        at += len(local) + size
        listed += 46 + name_length
        found[name.decode()] = content
    end = struct.pack("<4sHHHHLLH", b"PK\5\6", 0, 0, count, count, length, start, 0)
    need(1, (at, data[start:]) == (start, headers + end), "directory")
    need(1, list(found) == sorted(found, key=str.encode) and len(found) == count, "order of members")
    return found


def bag(files: dict[str, bytes]) -> dict[str, bytes]:
    tags = ["bag-info.txt", "bagit.txt", "manifest-sha256.txt"]
    payload = {name: data for name, data in files.items() if name.startswith("data/")}
    need(1, set(files) - set(payload) == {*tags, *SIGNED}, "members outside data/")
    need(1, files["manifest-sha256.txt"] == manifest(payload), "manifest")
    need(1, files["tagmanifest-sha256.txt"] == manifest({name: files[name] for name in tags}), "tag manifest")
    oxum = f"Payload-Oxum: {sum(map(len, payload.values()))}.{len(payload)}"
    need(1, oxum in files["bag-info.txt"].decode().split("\n"), oxum)
    return {name.removeprefix("data/"): data for name, data in payload.items()}


SIGNED = ("tagmanifest-sha256.txt", "tagmanifest-sha256.txt.cose")


def manifest(files: dict[str, bytes]) -> bytes:
    lines = [f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files, key=str.encode)]
    return "".join(lines).encode()


def _step_1(members: dict[str, bytes], index: dict[str, Any]) -> None:
    need(1, members["ro-crate-metadata.json"] == crate(index, list(members)), "ro-crate-metadata.json")
    for name in ("case.json", "log/proofs.json"):
        need(1, told.canonical(json.loads(members[name])) == members[name], f"{name} is not canonical")


def crate(index: dict[str, Any], names: list[str]) -> bytes:
    plain = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/"
    kinds = {".json": "application/json", ".cose": "application/cose"}
    others = [name for name in names if name != "ro-crate-metadata.json"]
    files = sorted("".join(chr(byte) if byte in plain else f"%{byte:02X}" for byte in name.encode()) for name in others)
    described: list[dict[str, Any]] = []
    for file in files:
        described.append({"@id": file, "@type": "File"})
        ending = file[-5:]
        if not file.startswith("originals/") and ending in kinds:
            described[-1]["encodingFormat"] = kinds[ending]
    about = {
        "@id": "./",
        "@type": "Dataset",
        "datePublished": index["exported_at"],
        "description": "Entries of a transparency log with the proofs that a verifier needs offline.",
        "hasPart": [{"@id": file} for file in files],
        "license": {"@id": "#use"},
        "name": f"Evidence about {index['kind']} {index['subject']}",
    }
    use = {
        "@id": "#use",
        "@type": "CreativeWork",
        "name": "Use as evidence",
        "description": "This bundle licenses nothing: rights in the originals stay with their holders.",
    }
    itself = {
        "@id": "ro-crate-metadata.json",
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.2"},
    }
    graph = [itself, about, use, *described]
    return told.canonical({"@context": "https://w3id.org/ro/crate/1.2/context", "@graph": graph})


def _step_2(files: dict[str, bytes], trust: dict[str, Any]) -> None:
    (protected, unprotected, payload, signature), rest = parse(files["tagmanifest-sha256.txt.cose"])
    header, _ = parse(protected)
    need(2, (unprotected, payload, rest) == ({}, None, b""), "envelope")
    need(2, header[3] == "application/vnd.tallystick.bag-tagmanifest", "content type")
    keys = {told.kid(one["key"]["alg"], raw(one["key"])): one["key"] for one in trust["exporters"]}
    need(2, header[4] in keys, "exporter")
    signed = told.to_be_signed(protected, files["tagmanifest-sha256.txt"])
    need(2, holds(keys[header[4]], signed, signature), "signature")


# --- steps 3, 5, 7, 8 ---------------------------------------------------------------


def _step_3(entries: dict[int, bytes]) -> None:
    keys: dict[bytes, dict[str, str]] = {}
    for at, entry in entries.items():
        event = event_of(entry)
        listed = event["body"].get("keys", []) if event["type"] == "party.register" or at == 0 else []
        if event["type"] == "party.key" and event["body"]["action"] == "add":
            listed = [event["body"]["add"]]
        keys |= {told.kid(one["key"]["alg"], raw(one["key"])): one["key"] for one in listed}
    for at, entry in entries.items():
        (protected, _, payload, signature), _ = parse(entry)
        header, _ = parse(protected)
        need(3, header[15][2] == event_of(entry)["subject"], f"subject of {at}")
        need(3, told.entry(protected, payload, signature) == entry, f"encoding of {at}")
        key = keys.get(header[4])
        need(3, key is not None and holds(key, told.to_be_signed(protected, payload), signature), f"entry {at}")


def _step_5(
    members: dict[str, bytes], index: dict[str, Any], entries: dict[int, bytes], trust: dict[str, Any]
) -> tuple[int, bytes, dict[str, Any]]:
    (log,) = (one for one in trust["logs"] if one["origin"] == index["log"])
    size, tree = checkpoint(members["log/checkpoint"], log, 5)
    named = {one["role"]: one["key"] for one in event_of(entries[0])["body"]["keys"]}
    trusted = verifier_keys(log)
    for role, kind in (("log", 1), ("log-pq", 6), ("authority", 255)):
        need(5, raw(named[role]) == trusted[kind], f"role {role}")
    need(5, named["registrar"] == log["registrar"], "registrar")
    return size, tree, log


def verifier_keys(log: dict[str, Any]) -> dict[int, bytes]:
    raws = {key[0]: key[1:] for key in (base64.b64decode(line.split("+", 2)[2]) for line in log["keys"])}
    return {**raws, 255: raws[255].removeprefix(b"tallystick/eip712-checkpoint/v1\n")}


def checkpoint(note: bytes, log: dict[str, Any], step: int) -> tuple[int, bytes]:
    text, _, lines = note.decode().rpartition("\n\n")
    origin, size, encoded = text.split("\n")
    tree, keys = base64.b64decode(encoded), verifier_keys(log)
    need(step, told.checkpoint_text(origin, int(size), tree) == text + "\n" and origin == log["origin"], "text")
    prefixed = {1: keys[1], 6: keys[6], 255: b"tallystick/eip712-checkpoint/v1\n" + keys[255]}
    ids = {told.key_id(origin, kind, key): kind for kind, key in prefixed.items()}
    seen = set()
    for line in lines.splitlines():
        name, field = line.removeprefix("— ").split(" ")
        signature = base64.b64decode(field)
        kind = ids.get(signature[:4]) if name == origin else None
        if kind is not None:
            need(step, kind not in seen, "a line stands twice")
            seen.add(kind)
            _line(step, kind, keys[kind], signature[4:], (origin, int(size), tree))
    need(step, seen == {1, 6, 255}, "three signatures")
    return int(size), tree


def _line(step: int, kind: int, key: bytes, signature: bytes, head: tuple[str, int, bytes]) -> None:
    if kind == 1:
        good = holds_raw("ed25519", key, told.checkpoint_text(*head).encode(), signature)
    elif kind == 6:
        message = told.ml_dsa_message(head[0], int.from_bytes(signature[:8], "big"), *head)
        good = holds_raw("ml-dsa-44", key, message, signature[8:])
    else:
        good = recovered(told.eip712_digest(*head), signature) == told.address(key)
    need(step, good, f"signature of type {kind:#x}")


def _step_7(members: dict[str, bytes], entries: dict[int, bytes]) -> None:
    for name, data in members.items():
        if name.startswith("disclosures/"):
            private = event_of(entries[int(name[12:-5])])["private"]
            for text in json.loads(data):
                _, named, _ = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
                need(7, private[named] == told.pair(text.encode()), f"{name} {named}")


def _step_8(members: dict[str, bytes], index: dict[str, Any], entries: dict[int, bytes]) -> None:
    events = [event_of(entry) for entry in entries.values()]
    records = {one["subject"]: one["body"]["content"] for one in events if one["type"] == "object.register"}
    for original in index["originals"]:
        slug = original["object"].split("/")[1]
        start = f"originals/{slug}/"
        files = {name.removeprefix(start): data for name, data in members.items() if name.startswith(start)}
        record = records[original["object"]]
        found = told.folder_record(files) if record["form"] == "folder" else told.file_record(*files.values())
        need(8, found == record, original["object"])


# --- step 10 --------------------------------------------------------------------------


def _step_10(
    members: dict[str, bytes],
    index: dict[str, Any],
    entries: dict[int, bytes],
    head: tuple[int, bytes],
    log: dict[str, Any],
    trust: dict[str, Any],
) -> None:
    events = [event_of(entry) for entry in entries.values()]
    targets = [one["body"] for one in events if one["type"] == "log.anchor-target"] + trust["evm_targets"]
    vouched = []
    paths = {(one["from"], one["to"]): one["path"] for one in json.loads(members["log/proofs.json"])["consistency"]}
    need(10, bool(index["anchors"]), "no anchor")
    for number in index["anchors"]:
        proof = json.loads(members[f"anchors/{number}/proof.json"])
        need(10, proof["target"] in targets, "target")
        vouched.append(vouched_by(proof, trust.get("evm_chains", [])) != "nobody")
        _anchor(proof)
        anchored = proof["checkpoint"]
        need(10, anchored["origin_hash"] == hashlib.sha256(log["origin"].encode()).hexdigest(), "origin")
        need(10, anchored["authority"] == told.address(verifier_keys(log)[255]).hex(), "authority")
        need(10, "first_authority" not in anchored, "this small verifier knows no rotation")
        size, tree = checkpoint(members[f"anchors/{number}/checkpoint"], log, 10)
        need(10, (size, tree.hex()) == (anchored["size"], anchored["root"]), "anchored checkpoint")
        path = list(map(base64.b64decode, paths.get((size, head[0]), [])))
        need(10, told.extends(size, tree, *head, path), "consistency")
    need(10, any(vouched), "an external fact: the hash of a block")


def vouched_by(proof: dict[str, Any], chains: list[dict[str, Any]]) -> str:
    """Section 5 of the anchor proofs, with the seal of step 3."""
    target, sealed = proof["target"], proof["target"]["vouched_by"] == "operator"
    need(10, ("sealer" in target, "signature" in proof["finality"]) == (sealed, sealed), "step 1 or 3")
    raw_header = base64.b64decode(proof["header"])
    block_hash, number = keccak(raw_header), int.from_bytes(rlp_decode(raw_header)[8], "big")
    if sealed:
        seal = b"tallystick/embedded-seal/v1\n" + target["chain_id"].to_bytes(8, "big")
        digest = keccak(seal + bytes.fromhex(target["genesis"]) + block_hash)
        signer = recovered(digest, bytes.fromhex(proof["finality"]["signature"]))
        need(10, signer.hex() == target["sealer"], "step 3")
    for chain in chains:
        if (chain["chain_id"], chain["genesis"]) == (target["chain_id"], target["genesis"]):
            named = {one["number"]: one["hash"] for one in chain["blocks"]}
            if chain["headers"] != "operator-seal":
                need(10, named.get(number, block_hash.hex()) == block_hash.hex(), "step 3")
                return "named-block" if number in named else "nobody"
    return "operator" if sealed else "nobody"


def _anchor(proof: dict[str, Any]) -> None:
    target, held = proof["target"], proof["checkpoint"]
    authority, tree = bytes.fromhex(held["authority"]), bytes.fromhex(held["root"])
    first = bytes.fromhex(held.get("first_authority", held["authority"]))
    log_id = keccak(word(first) + bytes.fromhex(held["origin_hash"]))
    need(10, target["code_hash"] in KNOWN, "step 1")
    need(10, log_id.hex() == target["log_id"], "step 2")
    header = rlp_decode(base64.b64decode(proof["header"]))
    place = rlp_encode(proof["transaction"]["index"])
    transaction = base64.b64decode(proof["transaction"]["raw"])
    need(10, walk(header[4], place, proof["transaction"]["proof"]) == transaction, "step 4")
    chain, to = _read(transaction)
    need(10, (chain, to.hex()) == (target["chain_id"], target["contract"]), "step 4")
    receipt = base64.b64decode(proof["receipt"]["raw"])
    need(10, walk(header[5], place, proof["receipt"]["proof"]) == receipt, "step 5")
    kinds = [0 if raw[0] >= 0xC0 else raw[0] for raw in (transaction, receipt)]
    need(10, kinds[0] == kinds[1], "step 5")
    status, _, _, logs = rlp_decode(receipt[1:] if kinds[1] else receipt)
    topics = [keccak(b"Anchored(bytes32,uint64,bytes32,address)"), log_id]
    data = word(held["size"].to_bytes(8, "big")) + tree + word(authority)
    event = [bytes.fromhex(target["contract"]), topics, data]
    need(10, status == b"\x01" and logs[proof["log_index"]] == event, "step 5")
    account = rlp_decode(walk(header[3], keccak(event[0]), proof["account_proof"]))
    need(10, account[3].hex() == target["code_hash"], "step 6")
    position = keccak(word(bytes([KNOWN[target["code_hash"]]])) + log_id)
    value = rlp_decode(walk(account[2], keccak(position), proof["storage_proof"]))
    need(10, word(value) == keccak(data), "step 6")


def _read(transaction: bytes) -> tuple[int, bytes]:
    kind = transaction[0]
    fields = rlp_decode(transaction if kind >= 0xC0 else transaction[1:])
    if kind >= 0xC0:
        return (int.from_bytes(fields[6], "big") - 35) // 2, fields[3]
    return int.from_bytes(fields[0], "big"), fields[{1: 4, 2: 5, 3: 5, 4: 5}[kind]]


def walk(root: bytes, key: bytes, nodes: list[str]) -> bytes:
    path, waiting, reference = key.hex(), list(map(base64.b64decode, nodes)), root
    while True:
        if isinstance(reference, bytes):
            data = waiting.pop(0)
            need(10, keccak(data) == reference, "trie node")
            node = rlp_decode(data)
        else:
            node = reference
        if len(node) == 17:
            if not path:
                reference = node[16]
                break
            reference, path = node[int(path[0], 16)], path[1:]
            continue
        flag, part = int(node[0].hex()[0], 16), node[0].hex()
        part = part[1:] if flag & 1 else part[2:]
        need(10, path.startswith(part), "trie path")
        reference, path = node[1], path[len(part) :]
        if flag >= 2:
            break
    need(10, not path and not waiting and bool(reference), "trie value")
    return bytes(reference)


# --- CBOR, keys -------------------------------------------------------------------------


def parse(data: bytes) -> tuple[Any, bytes]:
    """One CBOR item and what follows it."""
    stream = io.BytesIO(data)
    return _item(stream), stream.read()


def _item(stream: io.BytesIO) -> Any:
    first = stream.read(1)[0]
    major, number = first >> 5, first & 31
    if first == 0xF6:
        return None
    if number > 23:
        number = int.from_bytes(stream.read(1 << number - 24), "big")
    if major in (0, 1):
        return number if major == 0 else -1 - number
    if major in (2, 3):
        data = stream.read(number)
        return data if major == 2 else data.decode()
    if major == 4:
        return [_item(stream) for _ in range(number)]
    if major == 5:
        return {_item(stream): _item(stream) for _ in range(number)}
    return _item(stream)


def event_of(entry: bytes) -> dict[str, Any]:
    (_, _, payload, _), _ = parse(entry)
    event: dict[str, Any] = json.loads(payload)
    need(1, told.canonical(event) == payload, "event is not canonical")
    return event


def raw(key: dict[str, str]) -> bytes:
    return base64.b64decode(key["public"])


def holds(key: dict[str, str], message: bytes, signature: bytes) -> bool:
    return holds_raw(key["alg"], raw(key), message, signature)


def holds_raw(alg: str, key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        if alg == "ed25519":
            ed25519.Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
        elif alg == "ml-dsa-44":
            mldsa.MLDSA44PublicKey.from_public_bytes(key).verify(signature, message)
        else:
            pair = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
            public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key)
            public.verify(pair, message, ec.ECDSA(hashes.SHA256()))
    except Exception:
        return False
    return True


def recovered(digest: bytes, signature: bytes) -> bytes:
    """The address; empty for a signature of another form."""
    if len(signature) != 65 or signature[64] not in (27, 28) or int.from_bytes(signature[32:64], "big") > N // 2:
        return b""
    key = Signature(signature[:64] + bytes([signature[64] - 27])).recover_public_key_from_msg_hash(digest)
    return bytes(key.to_canonical_address())


def word(value: bytes) -> bytes:
    return value.rjust(32, b"\x00")
