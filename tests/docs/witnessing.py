"""The vectors of witnesses: requests in order to one witness that knows one log, its answers, and a proof file.

All signatures are Ed25519, which always gives the same bytes.
"""

from __future__ import annotations

from typing import Any

from tallystick.checkpoint import Checkpoint
from tallystick.cosignature import cosign_ed25519
from tallystick.merkle import leaf_hash, node_hash, prove_consistency, prove_inclusion, root_of
from tallystick.note import COSIGNATURE_ED25519, ED25519, Note, sign_ed25519, verifier_key
from tallystick.tlog_proof import TlogProof
from tallystick.witnessing import AddCheckpoint
from tests.world import key_from

LOG, WITNESS = "log.example/witnessed", "witness.example/w1"
LOG_KEY, WITNESS_KEY = key_from("vectors log"), key_from("vectors witness")
SECONDS = 1_769_904_000
ENTRIES = [f"entry {index}".encode() for index in range(9)]
FORKED = [*ENTRIES[:4], b"another entry 4", *ENTRIES[5:]]


class _Leaves:
    def __init__(self, entries: list[bytes]) -> None:
        self.leaves = [leaf_hash(one) for one in entries]

    def nodes(self, coordinates: Any) -> list[bytes]:
        return [root_of(self.leaves[index << level : (index + 1) << level]) for level, index in coordinates]


def note(size: int, entries: list[bytes] = ENTRIES, key: Any = LOG_KEY, origin: str = LOG) -> Note:
    text = Checkpoint(origin, size, root_of(map(leaf_hash, entries[:size]))).body()
    return Note(text, (sign_ed25519(text, origin, key),))


def request(old: int, new: int, entries: list[bytes] = ENTRIES, **more: Any) -> AddCheckpoint:
    proof = tuple(prove_consistency(_Leaves(entries), old, new)) if old <= new else ()
    return AddCheckpoint(old, proof, note(new, entries, **more))


def _step(what: str, status: int, body: bytes, size: int | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"what": what, "body": body.decode(), "status": status}
    if status == 200:
        text = body.decode().split("\n\n", 1)[1].split("\n\n")[0] + "\n"
        found["ed25519_line"] = cosign_ed25519(text, WITNESS, WITNESS_KEY, SECONDS).line()
    if size is not None:
        found |= {"content_type": "text/x.tlog.size", "answer": f"{size}\n"}
    return found


def steps() -> list[dict[str, Any]]:
    honest = request(3, 7).encode()
    wrong = AddCheckpoint(3, (node_hash(bytes(32), bytes(32)),), note(7))
    return [
        _step("another log", 404, request(0, 3, origin="log.example/unknown").encode()),
        _step("another key in the log's name", 403, request(0, 3, key=WITNESS_KEY).encode()),
        _step("a size too large for the checkpoint", 400, request(4, 3).encode()),
        _step("a size with a leading zero", 400, request(0, 3).encode().replace(b"old 0", b"old 00")),
        _step("a size that was never cosigned", 409, request(1, 3).encode(), 0),
        _step("the first checkpoint", 200, request(0, 3).encode()),
        _step("the same again, from 0", 409, request(0, 3).encode(), 3),
        _step("the same again", 200, request(3, 3).encode()),
        _step("a proof that does not lead there", 422, wrong.encode()),
        _step("a larger tree", 200, honest),
        _step("the larger tree again, from the old size", 409, honest, 7),
        _step("an old checkpoint again", 409, request(3, 3).encode(), 7),
        _step("a fork of the same size", 409, request(7, 7, FORKED).encode()),
        _step("a fork that is larger", 422, request(7, 9, FORKED).encode()),
        _step("the larger tree still", 200, request(7, 9).encode()),
    ]


def vectors() -> dict[str, Any]:
    signed = note(9)
    line = cosign_ed25519(signed.text, WITNESS, WITNESS_KEY, SECONDS)
    log = verifier_key(LOG, ED25519, LOG_KEY.public.raw)
    witness = verifier_key(WITNESS, COSIGNATURE_ED25519, WITNESS_KEY.public.raw)
    path = tuple(prove_inclusion(_Leaves(ENTRIES), 5, 9))
    proof = TlogProof(5, path, Note(signed.text, (*signed.signatures, line)), b"extra data")
    return {
        "log": log,
        "witness": witness,
        "time": SECONDS,
        "requests": steps(),
        "proof": {"entry": ENTRIES[5].decode(), "file": proof.encode().decode()},
        "policy": f"log {log}\nwitness w1 {witness}\nquorum w1\n",
    }
