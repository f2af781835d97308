"""Proofs that must be refused, each by the step that its name speaks of and no earlier one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from trie import HexaryTrie

from tallystick import canonical
from tallystick.base64s import from_base64, to_base64
from tallystick.evm import conviction, rlp, secp256k1
from tallystick.evm.conviction import KNOWN_COURTS
from tallystick.evm.conviction_proof import MAX_CONVICTION_BYTES, ConvictionProof, encode
from tallystick.evm.keccak import keccak256
from tallystick.evm.proof import Finality
from tallystick.fork import accuse, decode
from tallystick.merkle import root_at
from tallystick.tree_head import origin_hash
from tests.anchor_corpus.scene import with_member
from tests.contracts.chain import COURT
from tests.contracts.trees import step, wire
from tests.conviction_corpus.scene import (
    CODE_HASH,
    FORK,
    OTHER_WORLD,
    SUCCESSOR,
    TREE,
    WORLD,
    Bench,
    Scene,
    call,
    evidence,
    honest,
    note,
    signers,
)
from tests.core.evm.blocks import STRANGER, proof_nodes

Fault = tuple[str, bytes, str]
"""Name, file, and what must refuse it: "malformed", "version", "log", "later", "external" or "step n"."""
Forged = Iterator[tuple[str, ConvictionProof, str]]
STRANGER_KEY = secp256k1.ec.derive_private_key(0xBAD, secp256k1.ec.SECP256K1())
COURT_1 = KNOWN_COURTS[CODE_HASH]


def faults(scene: Scene) -> Iterator[Fault]:
    """All of them."""
    yield from _forms(scene)
    for group in (_evidence, _persons, _courts, _headers, _transactions, _events, _states):
        for name, proof, expected in group(scene):
            yield name, encode(proof), expected


# --- the file -------------------------------------------------------------------------------


def value_of(proof: ConvictionProof) -> dict[str, Any]:
    found = canonical.decode(encode(proof), MAX_CONVICTION_BYTES)
    assert isinstance(found, dict)
    return found


def changed(proof: ConvictionProof, path: str, new: Any) -> bytes:
    """Canonical JSON with one member (dotted path) replaced; ``None`` takes it out."""
    return with_member(value_of(proof), path, new)


def _forms(scene: Scene) -> Iterator[Fault]:
    data = encode(scene.proof)
    files = {
        "empty-file": b"",
        "no-json": b"guilty",
        "newline-at-the-end": data + b"\n",
        "a-space-more": data.replace(b":", b": ", 1),
        "one-member-twice": data.replace(b'"kind":"conviction"', b'"kind":"conviction","kind":"conviction"', 1),
        "cut-in-the-middle": data[: len(data) // 2],
        "a-member-more": canonical.encode({**value_of(scene.proof), "judge": "trust me"}),
        "larger-than-any": b'"' + b"a" * MAX_CONVICTION_BYTES + b'"',
    }
    for name, file in files.items():
        yield name, file, "malformed"
    for name in sorted(value_of(scene.proof)):
        yield f"without-{name.replace('_', '-')}", changed(scene.proof, name, None), "malformed"
    node, leaf = value_of(scene.proof)["account_proof"][0], {"leaf": "00" * 32, "proof": []}
    members: dict[str, tuple[str, Any]] = {
        "version-as-text": ("v", "1"),
        "kind-fork": ("kind", "fork"),
        "court-with-a-member-more": ("court", {**value_of(scene.proof)["court"], "name": "ForkCourt"}),
        "contract-in-capitals": ("court.contract", "AB" * 20),
        "chain-id-below-zero": ("court.chain_id", -1),
        "evidence-as-a-file": ("evidence", to_base64(b"{}")),
        "evidence-of-a-later-version": ("evidence.v", 2),
        "evidence-of-both-kinds": (
            "evidence",
            {
                **value_of(scene.proof)["evidence"],
                "history": ["00" * 32],
                "leaves": {"index": 0, "first": leaf, "second": leaf},
            },
        ),
        "log-index-below-zero": ("log_index", -1),
        "no-node-at-all": ("storage_proof", []),
        "more-nodes-than-a-trie-has-levels": ("account_proof", [node] * 66),
        "header-too-long": ("header", "A" * 8192),
        "seal-of-64-bytes": ("finality.signature", "00" * 64),
        "finality-mined-with-a-signature": ("finality.kind", "mined"),
        "finality-finalized-without-head": ("finality", {"kind": "finalized"}),
        "finality-unknown": ("finality", {"kind": "proof-of-stake"}),
    }
    for name, (path, value) in members.items():
        yield name, changed(scene.proof, path, value), "malformed"
    for version in (0, 2):
        yield f"version-{version}", changed(scene.proof, "v", version), "version"


# --- steps 1 and 2: who is convicted, of what, by whom ----------------------------------------------


def _evidence(scene: Scene) -> Forged:
    two = scene.evidence
    told = {
        "the-same-checkpoint-twice": replace(two, second=two.first),
        "honest-growth": honest(),
        "two-sizes-without-proof": decode(accuse(note(TREE, 20), note(FORK, 40))),
        "history-of-another-tree": replace(evidence("history"), second=to_base64(note(TREE, 40))),
        "leaves-with-anothers-path": replace(
            evidence("leaves"),
            leaves=replace(evidence("leaves").leaves, index=8),  # type: ignore[type-var]
        ),
        "note-by-a-strangers-keys": replace(two, second=to_base64(note(FORK, 20, signers(OTHER_WORLD), (0, 2)))),
        "note-with-a-flipped-signature": replace(two, second=_flipped(two.second)),
        "unsigned-notes": replace(two, first=_bare(two.first), second=_bare(two.second)),
    }
    for name, found in told.items():
        expected = "malformed" if name == "unsigned-notes" else "step 1"
        yield f"evidence-{name}", replace(scene.proof, evidence=found), expected
    # A fork by the log's Ed25519 key alone: true, and nothing that a court on a chain judges.
    plain = evidence("roots", lines=(0,))
    yield "evidence-that-the-authority-did-not-sign", replace(scene.proof, evidence=plain), "step 1"
    # The first size is the first authority's, the second one the successor's: each signed one history.
    across = decode(accuse(note(TREE, 20), note(FORK, 58, signers(authority=SUCCESSOR)), history=_growth(20, 58)))
    yield "evidence-of-two-authorities", replace(scene.proof, evidence=across), "step 1"


def _growth(old: int, new: int) -> list[bytes]:
    old_root, _, path = step(FORK, old, new)
    return wire(old, old_root, path)


def _flipped(text: str) -> str:
    data = from_base64(text)
    at = data.rindex(b"\n", 0, -1) + data[data.rindex(b"\n", 0, -1) :].index(b"log.example/test ") + 30
    return to_base64(data[:at] + (b"A" if data[at : at + 1] != b"A" else b"B") + data[at + 1 :])


def _bare(text: str) -> str:
    data = from_base64(text)
    return to_base64(data[: data.index(b"\n\n") + 2])


def _persons(scene: Scene) -> Forged:
    """Somebody stands convicted there, and it is not whom the evidence is about."""
    other = signers(authority=SUCCESSOR)
    bench = Bench()
    theirs = bench.mine(call(bench.contract, evidence("roots", other), other))
    yield "another-authoritys-conviction", bench.pack(theirs, scene.evidence, by=other), "step 5"
    elsewhere = signers(OTHER_WORLD, WORLD.roles["authority"])
    bench = Bench()
    there = bench.mine(call(bench.contract, evidence("roots", elsewhere), elsewhere))
    yield "the-same-authoritys-conviction-for-another-origin", bench.pack(there, scene.evidence, by=elsewhere), "step 5"
    bench = Bench()
    yield "a-log-that-nobody-here-knows", bench.convict(evidence("roots", elsewhere), elsewhere), "log"


def _courts(scene: Scene) -> Forged:
    court = scene.proof.court
    look_alike = keccak256(b"convicts whomever its owner names").hex()
    yield "code-that-nobody-knows", replace(scene.proof, court=replace(court, code_hash=look_alike)), "step 2"
    # Another contract on the chain, told to be a court: its account has its own code.
    bench = Bench(artefact={**COURT, "bytecode": "0x" + _look_alike().hex()})
    yield "code-of-a-look-alike", bench.convict(scene.evidence), "step 6"
    # The published code behind a constructor that wrote the slot and emitted the event: only the evidence tells.
    bench = Bench()
    bench.contract, mined = bench.blocks.deploy(_court_with_a_past())
    yield "published-code-whose-maker-wrote-the-slot", bench.pack(mined, honest()), "step 1"
    elsewhere = replace(court, contract=STRANGER.hex())
    yield "another-contract", replace(scene.proof, court=elsewhere), "step 5"


def _look_alike() -> bytes:
    """The court with one byte more behind its code, which changes nothing but the hash."""
    runtime = bytes.fromhex(COURT["runtime"].removeprefix("0x")) + b"\x00"
    return _returning(b"", runtime)


def _returning(before: bytes, runtime: bytes) -> bytes:
    """Creation code: ``before``, then ``runtime`` is left behind."""
    size = len(runtime).to_bytes(2, "big")
    start = (len(before) + 15).to_bytes(2, "big")
    return before + b"\x61" + size + b"\x61" + start + b"\x60\x00\x39\x61" + size + b"\x60\x00\xf3" + runtime


def _court_with_a_past() -> bytes:
    """Creation code of a contract with the court's code, in which two honest checkpoints stand as a conviction."""
    origin, authority = origin_hash(signers().origin), signers().keys.authority_address
    heads = [(20, _root(TREE, 20)), (40, _root(TREE, 40))]
    slot = conviction.storage_key(COURT_1, conviction.defendant(authority, origin))
    code = b"\x7f" + conviction.commitment(*heads) + b"\x7f" + slot + b"\x55"
    data = conviction.event_data(origin, *heads)
    for at in range(0, len(data), 32):
        code += b"\x7f" + data[at : at + 32] + b"\x60" + bytes([at]) + b"\x52"
    for topic in reversed(conviction.event_topics(authority, origin)):
        code += b"\x7f" + topic
    code += b"\x60" + bytes([len(data)]) + b"\x60\x00\xa3"
    return _returning(code, bytes.fromhex(COURT["runtime"].removeprefix("0x")))


def _root(tree: Any, size: int) -> bytes:
    return root_at(tree, size)


# --- steps 3 to 6: block, transaction, event, slot ------------------------------------------------


def _headers(scene: Scene) -> Forged:
    block = keccak256(from_base64(scene.proof.header))
    seals = {
        "by-a-stranger": scene.seal(block, STRANGER_KEY),
        "over-another-block": scene.seal(keccak256(b"another block")),
        "over-the-bare-block-hash": Finality("operator-seal", secp256k1.sign_digest(STRANGER_KEY, block).hex()),
    }
    for name, finality in seals.items():
        yield f"seal-{name}", replace(scene.proof, finality=finality), "step 3"
    yield "public-chain-with-a-seal", replace(scene.public, finality=scene.proof.finality), "step 3"
    yield "sealed-chain-with-a-word-for-a-seal", replace(scene.proof, finality=scene.public.finality), "step 3"
    other = secp256k1.address_of(_public(STRANGER_KEY)).hex()
    own = replace(scene.proof.court, sealer=other)
    sealed = replace(scene.proof, court=own, finality=scene.seal(block, STRANGER_KEY))
    yield "chain-of-a-strangers-own-sealed-by-him", sealed, "external"
    for position, name in ((2, "beneficiary"), (3, "state-root"), (12, "extra-data")):
        fields = scene.header
        fields[position] = keccak256(b"another")[: len(fields[position]) or 1]
        told = to_base64(rlp.encode(fields))
        yield f"public-header-with-another-{name}", replace(scene.public, header=told), "step 3"
        yield f"header-with-another-{name}", replace(scene.proof, header=told), "step 3"
    yield "public-block-that-nobody-names", scene.unnamed, "external"
    fork = replace(scene.public.court, genesis="51" * 32)
    yield "block-of-a-fork-with-the-same-chain-id", replace(scene.public, court=fork), "external"
    chain = replace(scene.public.court, chain_id=1)
    yield "header-of-another-chain", replace(scene.public, court=chain), "step 4"
    moved = scene.bench.blocks.block(scene.again)
    header = to_base64(moved.header)
    yield "header-of-another-block", replace(scene.proof, header=header, finality=moved.finality), "step 4"
    fields = scene.header
    fields[11] = (1 << 40).to_bytes(6, "big")
    yield "block-of-the-future", scene.sealed(rlp.encode(fields)), "later"
    for position, name, refused in ((4, "transactions", 4), (5, "receipts", 5), (3, "state", 6)):
        fields = scene.header
        fields[position] = keccak256(b"another root")
        yield f"sealed-header-with-another-{name}-root", scene.sealed(rlp.encode(fields)), f"step {refused}"


def _public(key: Any) -> bytes:
    numbers = key.public_key().public_numbers()
    return b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")


def _transactions(scene: Scene) -> Forged:
    own, other = scene.proof.transaction, scene.bench.blocks.inclusion(scene.again, 0)
    yield "transaction-under-index-0", replace(scene.proof, transaction=replace(own, index=0)), "step 4"
    raw = to_base64(other.transaction)
    yield "transaction-of-another-block", replace(scene.proof, transaction=replace(own, raw=raw)), "step 4"
    yield from _nodes(scene, "transaction", scene.proof.transaction.proof, 4)
    stranger = scene.bench.pack(scene.mined, scene.evidence, 0)
    yield "a-strangers-transaction-of-the-block", stranger, "step 5"


def _events(scene: Scene) -> Forged:
    yield "conviction-that-was-refused", scene.bench.pack(scene.failed, scene.evidence), "step 5"
    yield "second-conviction-which-emits-nothing", scene.bench.pack(scene.again, scene.evidence), "step 5"
    swapped = replace(scene.evidence, first=scene.evidence.second, second=scene.evidence.first)
    yield "checkpoints-swapped", replace(scene.proof, evidence=swapped), "step 5"
    # The log forked twice; the court convicted it of the first.
    yield "another-fork-of-the-log", replace(scene.proof, evidence=evidence("roots", size=30)), "step 5"
    yield "the-same-fork-by-another-size", replace(scene.proof, evidence=evidence("history")), "step 5"
    yield "event-that-is-not-there", replace(scene.proof, log_index=1), "step 5"
    yield from _nodes(scene, "receipt", scene.proof.receipt.proof, 5)
    yield from _forged_events(scene)


def _forged_events(scene: Scene) -> Forged:
    """Receipts that the chain's operator made up."""
    fields = rlp.decode(from_base64(scene.proof.receipt.raw))
    assert isinstance(fields, list)
    ((address, topics, data),) = fields[3]  # type: ignore[misc]
    topic, defendant, authority = topics
    none = bytes(32)
    events: dict[str, list[Any]] = {
        "of-another-contract": [STRANGER, topics, data],
        "of-another-name": [address, [keccak256(b"Acquitted()"), defendant, authority], data],
        "of-another-defendant": [address, [topic, none, authority], data],
        "of-another-authority": [address, [topic, defendant, none], data],
        "of-another-origin": [address, topics, none + data[32:]],
        "of-another-size": [address, topics, data[:32] + (21).to_bytes(32, "big") + data[64:]],
        "of-another-root": [address, topics, data[:-32] + none],
        "with-a-word-more": [address, topics, data + none],
        "without-its-last-topic": [address, topics[:2], data],
    }
    for name, event in events.items():
        yield f"event-{name}", scene.receipt(rlp.encode([*fields[:3], [event]])), "step 5"
    yield "receipt-failed-with-the-right-event", scene.receipt(rlp.encode([b"", *fields[1:]])), "step 5"
    yield "receipt-of-type-2-for-a-legacy-transaction", scene.receipt(b"\x02" + rlp.encode(fields)), "step 5"


def _states(scene: Scene) -> Forged:
    # Slot of the first conviction, event of a second one: a forged receipt over a true state.
    second = evidence("roots", size=30)
    origin, authority = origin_hash(signers().origin), signers().keys.authority_address
    heads = [(30, _root(TREE, 30)), (30, _root(FORK, 30))]
    topics = list(conviction.event_topics(authority, origin))
    event = [scene.bench.contract, topics, conviction.event_data(origin, *heads)]
    fields = rlp.decode(from_base64(scene.proof.receipt.raw))
    assert isinstance(fields, list)
    made = scene.receipt(rlp.encode([*fields[:3], [event]]))
    yield "commitment-of-one-pair-event-of-another", replace(made, evidence=second), "step 6"
    bench, by = Bench(), signers(authority=SUCCESSOR)
    both = bench.mine(call(bench.contract, evidence("roots", by), by), call(bench.contract, scene.evidence))
    other = conviction.defendant(by.keys.authority_address, origin)
    yield "slot-of-another-defendant", bench.pack(both, scene.evidence, 1, slot_of=other), "step 6"
    slot = keccak256(conviction.storage_key(COURT_1, conviction.defendant(authority, origin)))
    held = conviction.commitment((20, _root(TREE, 20)), (20, _root(FORK, 20)))
    slots = {
        "slot-of-zero": ({slot: b"\x80"}, slot),
        "slot-of-one": ({slot: b"\x01"}, slot),
        "slot-of-the-swapped-commitment": (
            {slot: rlp.encode(conviction.commitment((20, _root(FORK, 20)), (20, _root(TREE, 20))))},
            slot,
        ),
        "slot-at-its-unhashed-key": (
            {conviction.storage_key(COURT_1, conviction.defendant(authority, origin)): rlp.encode(held)},
            conviction.storage_key(COURT_1, conviction.defendant(authority, origin)),
        ),
    }
    for name, (items, key) in slots.items():
        yield name, _stored(scene, items, key), "step 6"
    yield "slot-as-a-list", _stored(scene, {slot: rlp.encode([held])}, slot), "malformed"
    yield "slot-with-a-leading-zero", _stored(scene, {slot: rlp.encode(b"\x00" + held)}, slot), "malformed"
    for member in ("account_proof", "storage_proof"):
        yield from _nodes(scene, member, getattr(scene.proof, member), 6)


def _stored(scene: Scene, items: dict[bytes, bytes], key: bytes) -> ConvictionProof:
    """A sealed block in which the court's storage holds just this."""
    storage, accounts = HexaryTrie({}), HexaryTrie({})
    for place, value in items.items():
        storage[place] = value
    leaf = rlp.decode(from_base64(scene.proof.account_proof[-1]))
    account = rlp.decode(leaf[1])  # type: ignore[arg-type]
    assert isinstance(account, list)
    home = keccak256(scene.bench.contract)
    accounts[home] = rlp.encode([account[0], account[1], storage.root_hash, account[3]])
    fields = scene.header
    fields[3] = accounts.root_hash
    paths = [tuple(to_base64(one) for one in proof_nodes(trie, at)) for trie, at in ((accounts, home), (storage, key))]
    return replace(scene.sealed(rlp.encode(fields)), account_proof=paths[0], storage_proof=paths[1])


def _nodes(scene: Scene, member: str, nodes: Sequence[str], step: int) -> Forged:
    """Trie nodes cut, doubled, or not the last."""
    name = member.replace("_", "-").removesuffix("-proof")
    orders = {
        "last-node-cut": nodes[:-1],
        "first-node-cut": nodes[1:],
        "last-node-doubled": (*nodes, nodes[-1]),
        "nodes-reversed": nodes[::-1],
        "last-node-truncated": (*nodes[:-1], to_base64(from_base64(nodes[-1])[:-1])),
    }
    for fault, order in orders.items():
        if order and tuple(order) != tuple(nodes):
            changed = tuple(order)
            part: Any = changed
            if member in ("transaction", "receipt"):
                part = replace(getattr(scene.proof, member), proof=changed)
            yield f"{name}-{fault}", replace(scene.proof, **{member: part}), f"step {step}"  # type: ignore[arg-type]
