"""Forks and convictions once more, from docs/evidence/convictions.md alone: nothing of the product is imported."""

from __future__ import annotations

import base64
from typing import Any

from eth_keys.exceptions import BadSignature
from eth_utils import keccak

from tests.docs import by_the_text as told
from tests.docs.second_verifier import (
    _line,
    _read,
    need,
    raw,
    recovered,
    rlp_decode,
    rlp_encode,
    verifier_keys,
    walk,
    word,
)

COURTS = {"82e600a8a5e6c411cf1a9a83fe750c8ca2fea68e6c31c85014e7747cf7ed5032": 1}
KINDS = {"log": 1, "log-pq": 6, "authority": 255}
Head = tuple[str, int, bytes]


def convicted(proof: dict[str, Any], trust: dict[str, Any]) -> str:
    """Who vouches for the header of a proof whose six steps hold; ``NotProved`` with the step else."""
    text = base64.b64decode(proof["evidence"]["first"]).decode()
    log = next((one for one in trust["logs"] if one["origin"] == text.split("\n")[0]), None)
    need(0, log is not None, "a log that nobody here knows")
    assert log is not None
    authority, first, second = _evidence(proof["evidence"], log)
    court = proof["court"]
    need(2, court["code_hash"] in COURTS, "the code")
    header = base64.b64decode(proof["header"])
    vouched = _vouched(proof, header, trust)
    fields, place = rlp_decode(header), rlp_encode(proof["transaction"]["index"])
    transaction = base64.b64decode(proof["transaction"]["raw"])
    need(4, _walk(4, fields[4], place, proof["transaction"]["proof"]) == transaction, "the transaction")
    need(4, _read(transaction)[0] == court["chain_id"], "the chain")
    receipt = base64.b64decode(proof["receipt"]["raw"])
    need(5, _walk(5, fields[5], place, proof["receipt"]["proof"]) == receipt, "the receipt")
    kinds = [0 if one[0] >= 0xC0 else one[0] for one in (transaction, receipt)]
    need(5, kinds[0] == kinds[1], "the type")
    status, _, _, logs = rlp_decode(receipt[1:] if kinds[1] else receipt)
    origin = told.hashlib.sha256(first[0].encode()).digest()
    defendant = keccak(word(authority) + origin)
    heads = b"".join(word(size.to_bytes(8, "big")) + tree for _, size, tree in (first, second))
    topic = keccak(b"Convicted(bytes32,address,bytes32,uint64,bytes32,uint64,bytes32)")
    event = [bytes.fromhex(court["contract"]), [topic, defendant, word(authority)], origin + heads]
    need(5, status == b"\x01" and logs[proof["log_index"] :][:1] == [event], "the event")
    account = rlp_decode(_walk(6, fields[3], keccak(event[0]), proof["account_proof"]))
    need(6, account[3].hex() == court["code_hash"], "the code")
    position = keccak(word(bytes([COURTS[court["code_hash"]]])) + defendant)
    value = rlp_decode(_walk(6, account[2], keccak(position), proof["storage_proof"]))
    need(6, word(value) == keccak(heads), "the slot")
    return vouched


def _walk(step: int, root: bytes, key: bytes, nodes: list[str]) -> bytes:
    try:
        return walk(root, key, nodes)
    except Exception:
        need(step, False, "the trie")
        raise


def _evidence(evidence: dict[str, Any], log: dict[str, Any]) -> tuple[bytes, Head, Head]:
    """Step 1: the authority's address, and both checkpoints."""
    signed = [_note(base64.b64decode(evidence[name]), log) for name in ("first", "second")]
    (first, one, by_one), (second, two, by_two) = signed
    need(1, bool(by_one & by_two), "no kind of key signed both")
    if leaves := evidence.get("leaves"):
        sides = [(leaves["first"], first), (leaves["second"], second)]
        need(1, leaves["first"]["leaf"] != leaves["second"]["leaf"], "one leaf")
        for side, head in sides:
            path = [bytes.fromhex(each) for each in side["proof"]]
            good = told.includes(bytes.fromhex(side["leaf"]), leaves["index"], head[1], path, head[2])
            need(1, good, "a leaf")
    elif history := evidence.get("history"):
        need(1, 0 < first[1] < second[1], "the sizes")
        old, new = _opened(first[1], second[1], [bytes.fromhex(each) for each in history])
        need(1, new == second[2] and old != first[2], "the history")
    else:
        need(1, first[1] == second[1] and first[2] != second[2], "two roots of one size")
    need(1, 255 in by_one & by_two and one == two, "one authority signed both")
    return one, first, second


def _note(note: bytes, log: dict[str, Any]) -> tuple[Head, bytes, set[int]]:
    """The checkpoint, the authority's address in force at its size, and the kinds of key that signed."""
    text, _, lines = note.decode().rpartition("\n\n")
    origin, size, encoded = text.split("\n")
    head, keys = (origin, int(size), base64.b64decode(encoded)), verifier_keys(log)
    need(1, origin == log["origin"], "another log")
    for one in log.get("replaced", []):
        if one["role"] in KINDS and one["position"] < head[1]:
            keys[KINDS[one["role"]]] = raw(one["key"])
    prefixed = {1: keys[1], 6: keys[6], 255: b"tallystick/eip712-checkpoint/v1\n" + keys[255]}
    ids = {told.key_id(origin, kind, key): kind for kind, key in prefixed.items()}
    seen = set()
    for line in lines.splitlines():
        name, field = line.removeprefix("— ").split(" ")
        signature = base64.b64decode(field)
        kind = ids.get(signature[:4]) if name == origin else None
        if kind is not None:
            try:
                _line(1, kind, keys[kind], signature[4:], head)
            except BadSignature:
                need(1, False, "no signature at all")
            seen.add(kind)
    return head, told.address(keys[255]), seen


def _opened(old: int, new: int, path: list[bytes]) -> tuple[bytes, bytes]:
    """RFC 9162 §2.1.4.2: the roots at both sizes to which the path leads, the first subtree being sent always."""
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    below = above = path[0]
    for one in path[1:]:
        need(1, last != 0, "too many hashes")
        if node & 1 or node == last:
            below, above = told.node(one, below), told.node(one, above)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            above = told.node(above, one)
        node, last = node >> 1, last >> 1
    need(1, last == 0, "too few hashes")
    return below, above


def _vouched(proof: dict[str, Any], header: bytes, trust: dict[str, Any]) -> str:
    """Step 3, and whose word the header is."""
    court, block = proof["court"], keccak(header)
    here, number = (court["chain_id"], court["genesis"]), int.from_bytes(rlp_decode(header)[8], "big")
    sealer, signature = court.get("sealer"), proof["finality"].get("signature")
    need(3, (sealer is None) == (signature is None), "seal and sealer")
    if sealer is not None:
        seal = b"tallystick/embedded-seal/v1\n" + here[0].to_bytes(8, "big") + bytes.fromhex(here[1]) + block
        need(3, recovered(keccak(seal), bytes.fromhex(signature)).hex() == sealer, "the seal")
    for chain in trust.get("evm_chains", []):
        if (chain["chain_id"], chain["genesis"]) == here and chain["headers"] != "operator-seal":
            named = {one["number"]: one["hash"] for one in chain["blocks"]}
            need(3, named.get(number, block.hex()) == block.hex(), "another block is named")
            return "named-block" if number in named else "nobody"
    known = {(one["chain_id"], one["genesis"], one.get("sealer")) for one in trust["evm_targets"]}
    return "operator" if sealer is not None and (*here, sealer) in known else "nobody"
