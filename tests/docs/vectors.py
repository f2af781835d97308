"""The vectors of docs/vectors: `python -m tests.docs.vectors` writes them. Fixed inputs, the same bytes each time.

Signatures of ML-DSA and ECDSA are random: where one is needed, what was written first is kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tallystick import canonical, cose
from tallystick.checkpoint import Checkpoint
from tallystick.commitments import disclose
from tallystick.content import entry_of, file_content, folder_content
from tallystick.cosignature import cosigned_message
from tallystick.events import Event
from tallystick.evm.eip712 import checkpoint_digest
from tallystick.identifiers import Letter, new_identifier
from tallystick.keys import PublicKey
from tallystick.map import MemoryMap, Relation, key_of
from tallystick.map.audit import Auditor, MapAudit, sign_audit
from tallystick.merkle import leaf_hash, prove_consistency, prove_inclusion, root_of
from tallystick.receipt import key_set as key_set_of
from tallystick.receipt import sign_consistency, sign_inclusion
from tallystick.schema import write
from tallystick.statement import sign_statement
from tallystick.transparent import attach
from tallystick.tree_head import origin_hash, sign_checkpoint
from tests.architecture.tree import ROOT
from tests.core.builders import (
    BARE_KEY_SET,
    FIRST,
    FOURTH,
    LATER_FOURTH,
    LATER_THIRD,
    LEAST_FIRST,
    LEAST_FOURTH,
    LEAST_SECOND,
    LEAST_THIRD,
    OBJECT,
    ORIGIN,
    OTHER,
    OTHER_KEY,
    PARTY,
    PARTY_KEY,
    ROLE_KEYS,
    SALT,
    SECOND,
    THIRD,
)
from tests.core.test_golden import CHECKPOINT, SIGNERS
from tests.docs import witnessing
from tests.docs.refusals import logs, logs_2
from tests.docs.refusals_3 import logs_3
from tests.docs.refusals_4 import logs_4
from tests.docs.token_vectors import tokens
from tests.world import key_from

FOLDER = ROOT / "docs" / "vectors"
SECONDS = 1_769_904_000
LEAVES = 9
AUDITOR_KEY = key_from("golden/auditor")


def canonical_json() -> dict[str, Any]:
    values = [{"b": [1, "灯\n"], "a": None}, {"e": 'é\u001f\u007f"\\/'}, [], {"": -(2**53 - 1)}, "\U0001f3ee", True]
    refused = [
        '{"a":1,"a":2}',
        '{"b":1,"a":2}',
        '{"é":1}',
        '"\\ud800"',
        '"\\u0041"',
        *("1.0", "1e3", "-0", "01", str(2**53), " 1", "1 "),
    ]
    return {"encode": [{"value": one, "text": canonical.encode(one).decode()} for one in values], "refused": refused}


def identifiers() -> dict[str, Any]:
    count = bytes(range(10))
    given = [(letter, count, "10.5555") for letter in Letter]
    given += [(Letter.OBJECT, random, "10.5555") for random in (bytes(10), bytes([255] * 10))]
    given += [(Letter.OBJECT, count, "10.123456.7")]
    one = new_identifier(Letter.OBJECT, count)
    changes = (("40R4", "04R4"), ("/A-", "/P-"), ("40R4", "40RI"), ("-9", "-8"), ("10.", ""), ("A", "a"), ("/A", "/B"))
    return {
        "made": [
            {
                "letter": letter.value,
                "prefix": prefix,
                "random": random.hex(),
                "identifier": new_identifier(letter, random, prefix),
            }
            for letter, random, prefix in given
        ],
        "refused": [one.replace(*change) for change in changes],
    }


def digests() -> dict[str, Any]:
    given = {"empty": ("", 0), "hello": ("hello", 1), "one piece": ("x", 1 << 20), "two pieces": ("x", 2_000_000)}
    records = {name: file_content([text.encode() * times]) for name, (text, times) in given.items()}
    listed = [entry_of("a.txt", records["hello"]), entry_of("tex/灯.png", records["two pieces"])]
    lines = [canonical.encode(write(one)) for one in listed]
    return {
        "files": [
            {"name": name, "text": text, "times": times, "record": write(records[name])}
            for name, (text, times) in given.items()
        ],
        "folder": {
            "files": {"a.txt": "hello", "tex/灯.png": "two pieces"},
            "lines": [line.decode() for line in lines],
            "leaves": [leaf_hash(line).hex() for line in lines],
            "record": write(folder_content(listed)),
        },
    }


def disclosures() -> dict[str, Any]:
    made = [("name", "Ada", SALT), ("价格", {"amount": "12.50", "n": [1, None, True]}, SALT * 2)]
    return {
        "made": [
            {"salt": salt.hex(), "name": name, "value": value, "text": one.text, "commitment": write(one.commitment)}
            for name, value, salt in made
            for one in [disclose(name, value, salt)]
        ],
        "refused": [
            "WyJBQUVDQXdRRkJnY0lDUW9MREEwTyIsIm5hbWUiLCJBZGEiXQ",
            "W10",
            "WyJBQUVDQXdRRkJnY0lDUW9MREEwT0R3IiwibmFtZSJd",
        ],
    }


def keys() -> list[dict[str, Any]]:
    held = {**ROLE_KEYS, "party": PARTY_KEY, "other": OTHER_KEY}
    public = {name: key.public for name, key in held.items()}
    return [
        {"name": name, **write(key.to_text()), "cose_key": _cose_key(key), "kid": key.kid.hex()}
        for name, key in public.items()
    ]


def _cose_key(key: PublicKey) -> str:
    return cose.dump(key.cose_key()).hex()


def statements(events: Iterable[Event]) -> dict[str, Any]:
    made = [sign_statement(PARTY_KEY, PARTY, one) for one in events]
    return {
        "key": write(PARTY_KEY.public.to_text()),
        "issuer": PARTY,
        "statements": [
            {
                "type": one.event.type,
                "payload": (one.envelope.payload or b"").decode(),
                "signed": one.envelope.to_be_signed().hex(),
                "entry": one.entry.hex(),
                "statement_id": one.statement_id.hex(),
                "leaf": one.leaf.hex(),
            }
            for one in made
        ],
    }


def key_set() -> dict[str, Any]:
    message = b"tallystick/key-set/v1\n" + canonical.encode(write(BARE_KEY_SET))
    proof = ROLE_KEYS["log"].sign(message)
    return {"body_without_proofs": write(BARE_KEY_SET), "message": message.decode(), "proof_of_role_log": proof.hex()}


class _Leaves:
    def __init__(self, leaves: list[bytes]) -> None:
        self._leaves = leaves

    def nodes(self, coordinates: Any) -> list[bytes]:
        return [root_of(self._leaves[index << level : (index + 1) << level]) for level, index in coordinates]


def merkle() -> dict[str, Any]:
    entries = [f"entry {index}".encode() for index in range(LEAVES)]
    leaves = [leaf_hash(one) for one in entries]
    reader = _Leaves(leaves)
    return {
        "entries": [one.decode() for one in entries],
        "leaves": [one.hex() for one in leaves],
        "roots": [root_of(leaves[:size]).hex() for size in range(LEAVES + 1)],
        "inclusion": [
            {"index": index, "size": size, "path": [one.hex() for one in prove_inclusion(reader, index, size)]}
            for size in range(1, LEAVES + 1)
            for index in range(size)
        ],
        "consistency": [
            {"from": old, "to": new, "path": [one.hex() for one in prove_consistency(reader, old, new)]}
            for new in range(LEAVES + 1)
            for old in range(new + 1)
        ],
    }


def verifiable_map() -> dict[str, Any]:
    """Six statements as the entries of a log, the map after each of them, and answers under the last root."""
    chosen = ("object.register", "job.complete", "dispute.open", "licence.grant", "licence.status", "dispute.resolve")
    statements = [sign_statement(PARTY_KEY, PARTY, FIRST[kind]) for kind in chosen]
    found, roots, told = MemoryMap(), [], []
    for index, one in enumerate(statements):
        roots.append(found.root().hex())
        said = found.take(one.entry)
        told.append({"index": index, "entry": one.entry.hex(), "own": sorted(said.own), "named": sorted(said.named)})
    texts: list[tuple[Relation, str]] = [("own", OBJECT), ("named", OBJECT), ("own", PARTY), ("named", OTHER)]
    audit = MapAudit(ORIGIN, len(statements), root_of([leaf_hash(one.entry) for one in statements]), found.root())
    return {
        "entries": told,
        "roots": [*roots, found.root().hex()],
        "answers": [
            {
                "relation": relation,
                "text": one,
                "key": (key := key_of(relation, one)).hex(),
                "proof": (proof := found.prove(key)).value(),
                "present": proof.leaf is not None and proof.leaf.key == key,
            }
            for relation, one in texts
        ],
        "audit": {"key": Auditor("auditor.example", AUDITOR_KEY.public).verifier_key, "time": SECONDS}
        | {"note": sign_audit(audit, "auditor.example", AUDITOR_KEY, SECONDS)},
    }


def checkpoint(kept: dict[str, Any] | None) -> dict[str, Any]:
    note = kept["note"] if kept else sign_checkpoint(CHECKPOINT, SIGNERS, SECONDS)
    digest = checkpoint_digest(origin_hash(ORIGIN), CHECKPOINT.size, CHECKPOINT.root)
    lines = sign_checkpoint(CHECKPOINT, SIGNERS, SECONDS).splitlines()
    return {
        "origin": ORIGIN,
        "size": CHECKPOINT.size,
        "root": CHECKPOINT.root.hex(),
        "time": SECONDS,
        "text": CHECKPOINT.body(),
        "origin_hash": origin_hash(ORIGIN).hex(),
        "ml_dsa_message": cosigned_message(ORIGIN, SECONDS, CHECKPOINT.body()).hex(),
        "eip712_digest": digest.hex(),
        "address": SIGNERS.keys.authority_address.hex(),
        "verifier_keys": list(SIGNERS.keys.verifier_keys()),
        "ed25519_line": lines[4],
        "eip712_line": lines[6],
        "note": note,
    }


def receipts() -> dict[str, Any]:
    """One entry among others; a receipt of it in each tree that holds it, and the growth between two of them."""
    log, entry = ROLE_KEYS["log"], sign_statement(PARTY_KEY, PARTY, LEAST_FIRST["object.register"]).entry
    leaves = [leaf_hash(f"entry {index}".encode()) for index in range(LEAVES)]
    index = 2
    leaves[index] = leaf_hash(entry)
    reader = _Leaves(leaves)
    heads = {size: Checkpoint(ORIGIN, size, root_of(leaves[:size])) for size in range(1, LEAVES + 1)}
    signed = {
        size: sign_inclusion(log, heads[size], entry, index, prove_inclusion(reader, index, size))
        for size in range(index + 1, LEAVES + 1)
    }
    return {
        "origin": ORIGIN,
        "key": write(log.public.to_text()),
        "key_set": key_set_of([log.public]).hex(),
        "entry": entry.hex(),
        "leaves": [one.hex() for one in leaves],
        "inclusion": [{"index": index, "size": size, "receipt": one.hex()} for size, one in signed.items()],
        "consistency": [
            {
                "from": old,
                "to": size,
                "receipt": sign_consistency(log, heads[old], heads[size], prove_consistency(reader, old, size)).hex(),
            }
            for old, size in ((1, 2), (3, 8), (4, 8), (6, LEAVES))
        ],
        "transparent": attach(entry, [signed[LEAVES], signed[3]]).hex(),
    }


def values() -> dict[str, Any]:
    """All vectors by file name."""
    return {
        "canonical.json": canonical_json(),
        "identifiers.json": identifiers(),
        "digests.json": digests(),
        "disclosures.json": disclosures(),
        "keys.json": keys(),
        "statements.json": statements([*FIRST.values(), *LEAST_FIRST.values()]),
        "statements-2.json": statements([*SECOND.values(), *LEAST_SECOND.values()]),
        "statements-3.json": statements([*THIRD.values(), *LATER_THIRD.values(), *LEAST_THIRD.values()]),
        "statements-4.json": statements([*FOURTH.values(), *LATER_FOURTH.values(), *LEAST_FOURTH.values()]),
        "key-set.json": key_set(),
        "merkle.json": merkle(),
        "map.json": verifiable_map(),
        "checkpoint.json": checkpoint(_kept("checkpoint.json")),
        "receipts.json": receipts(),
        "witness.json": witnessing.vectors(),
        "tokens.json": tokens(_kept("tokens.json")),
        "replay.json": _kept("replay.json") or logs(),
        "replay-2.json": {**logs_2(), **(_kept("replay-2.json") or {})},
        "replay-3.json": {**logs_3(), **(_kept("replay-3.json") or {})},
        "replay-4.json": {**logs_4(), **(_kept("replay-4.json") or {})},
    }


def _kept(name: str) -> Any:
    path = FOLDER / name
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def main(folder: Path = FOLDER) -> None:
    for name, value in values().items():
        (folder / name).write_text(text(value), encoding="utf-8")


if __name__ == "__main__":
    main()
