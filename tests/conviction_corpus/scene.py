"""Courts on small real chains, logs that forked, and a forger who can build chains, courts and seals of his own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Literal

from trie import HexaryTrie

from tallystick.base64s import from_base64, to_base64
from tallystick.checkpoint import Checkpoint
from tallystick.evm import conviction, rlp
from tallystick.evm.conviction import KNOWN_COURTS
from tallystick.evm.conviction_proof import ConvictionProof, Court, pack
from tallystick.evm.deed import seal_digest
from tallystick.evm.keccak import keccak256
from tallystick.evm.proof import Finality, ReceiptProof, TransactionProof
from tallystick.evm.secp256k1 import sign_digest
from tallystick.fork import ForkEvidence, ShownLeaf, TwoLeaves, accuse, decode
from tallystick.keys import LocalSigner
from tallystick.merkle import prove_inclusion, root_at
from tallystick.note import Note, parse_note
from tallystick.tree_head import LocalAuthority, LogSigners, authority_signature, origin_hash, sign_checkpoint
from tests.contracts.chain import CHAIN_ID, COURT, calldata
from tests.contracts.trees import RealTree, step, wire
from tests.core.evm.blocks import SEALER, SEALER_KEY, STRANGER, Blocks, Mined, proof_nodes
from tests.world import World, key_from

ORIGIN, ELSEWHERE = "log.example/test", "log.example/elsewhere"
PUBLIC_GENESIS = "50" * 32
"""Genesis of the chain that nobody here seals: the same blocks, told as a public chain's."""
FINALIZED = Finality("finalized", head=64, head_hash="ab" * 32)
TREE, FORK = RealTree(60), RealTree(60, seed=b"another history")
CODE_HASH = COURT["code_hash"].removeprefix("0x")
Kind = Literal["roots", "history", "leaves"]

WORLD = World("convictions", ORIGIN)
OTHER_WORLD = World("convictions elsewhere", ELSEWHERE)
SUCCESSOR = key_from("convictions/successor", "es256k")
ROTATED_AT = 50
"""Position of the rotation that gave the log its second authority."""


def signers(world: World = WORLD, authority: LocalSigner | None = None) -> LogSigners:
    return LogSigners(
        world.origin,
        world.roles["log"],
        world.roles["log-pq"],
        LocalAuthority(authority or world.roles["authority"]),
    )


def note(tree: RealTree, size: int, by: LogSigners | None = None, lines: Sequence[int] = (0, 2)) -> bytes:
    """A checkpoint with the signature lines Ed25519 (0) and EIP-712 (2): the same bytes each time, as ML-DSA's are
    not."""
    by = by or signers()
    signed = parse_note(sign_checkpoint(Checkpoint(by.origin, size, root_at(tree, size)), by, WORLD.clock).encode())
    return Note(signed.text, tuple(signed.signatures[at] for at in lines)).encode().encode()


def evidence(kind: Kind, by: LogSigners | None = None, size: int = 20, lines: Sequence[int] = (0, 2)) -> ForkEvidence:
    """A fork of the log: one size with two roots, or the fork's growth from ``size`` to 40, or entry 7."""
    first = note(TREE, size, by, lines)
    if kind == "roots":
        return decode(accuse(first, note(FORK, size, by, lines)))
    second = note(FORK, 40, by, lines)
    if kind == "leaves":
        return decode(accuse(first, second, leaves=TwoLeaves(7, shown(TREE, 7, size), shown(FORK, 7, 40))))
    old_root, _, path = step(FORK, size, 40)
    return decode(accuse(first, second, history=wire(size, old_root, path)))


def shown(tree: RealTree, index: int, size: int) -> ShownLeaf:
    path = prove_inclusion(tree, index, size)
    return ShownLeaf(tree.nodes([(0, index)])[0].hex(), tuple(one.hex() for one in path))


def call(contract: bytes, found: ForkEvidence, by: LogSigners | None = None) -> tuple[bytes, bytes]:
    """(to, data) of the accusation in a court."""
    by = by or signers()
    origin = origin_hash(by.origin)
    first, second = (_signed(text, by) for text in (found.first, found.second))
    if found.history is not None:
        proof = [bytes.fromhex(one) for one in found.history]
        return contract, calldata("convict_history", origin, first, second, proof, artefact=COURT)
    if found.leaves is not None:
        sides = []
        for head, one in ((first, found.leaves.first), (second, found.leaves.second)):
            sides += [head, bytes.fromhex(one.leaf), [bytes.fromhex(node) for node in one.proof]]
        return contract, calldata("convict_leaves", origin, found.leaves.index, *sides, artefact=COURT)
    return contract, calldata("convict_roots", origin, first, second, artefact=COURT)


def _signed(text: str, by: LogSigners) -> tuple[int, bytes, bytes]:
    parsed = parse_note(from_base64(text))
    _, size, root = parsed.text.split("\n")[:3]
    return int(size), from_base64(root), authority_signature(parsed, by.keys)


class Bench:
    """A chain with one court; ``convict`` mines an accusation and packs its proof."""

    def __init__(self, fork: str = "prague", artefact: dict[str, Any] = COURT) -> None:
        self.blocks = Blocks(fork, artefact)
        self.contract = self.blocks.contract

    def mine(self, *calls: tuple[bytes, bytes], kind: int = 0) -> Mined:
        return self.blocks.mine(list(calls), kind)

    def court(self, sealed: bool = True) -> Court:
        genesis = self.blocks.genesis.hex() if sealed else PUBLIC_GENESIS
        return Court(CHAIN_ID, genesis, self.contract.hex(), CODE_HASH, SEALER.hex() if sealed else None)

    def convict(self, found: ForkEvidence, by: LogSigners | None = None, kind: int = 0) -> ConvictionProof:
        return self.pack(self.mine(call(self.contract, found, by), kind=kind), found, by=by)

    def pack(
        self,
        mined: Mined,
        found: ForkEvidence,
        index: int = 0,
        log_index: int = 0,
        finality: Finality | None = None,
        by: LogSigners | None = None,
        slot_of: bytes | None = None,
    ) -> ConvictionProof:
        """``slot_of``: whose slot is shown, where it is not the log's."""
        by = by or signers()
        defendant = slot_of or conviction.defendant(by.keys.authority_address, origin_hash(by.origin))
        slot = conviction.storage_key(KNOWN_COURTS[CODE_HASH], defendant)
        return pack(
            self.court(sealed=finality is None),
            found,
            self.blocks.block(mined, finality),
            self.blocks.inclusion(mined, index, log_index),
            self.blocks.state(mined.block.header.state_root, slot, self.contract),
        )


class Scene:
    """A Prague chain: the log convicted in block 2, among a stranger's transactions."""

    def __init__(self) -> None:
        self.bench = Bench()
        self.evidence = evidence("roots")
        noise = (STRANGER, b"noise")
        self.mined = self.bench.mine(noise, call(self.bench.contract, self.evidence), noise)
        self.again = self.bench.mine(call(self.bench.contract, self.evidence))
        self.failed = self.bench.mine(call(self.bench.contract, honest()))

    @cached_property
    def proof(self) -> ConvictionProof:
        """Sealed."""
        return self.bench.pack(self.mined, self.evidence, 1)

    @cached_property
    def public(self) -> ConvictionProof:
        """The same on the chain that nobody seals."""
        return self.bench.pack(self.mined, self.evidence, 1, finality=FINALIZED)

    @cached_property
    def unnamed(self) -> ConvictionProof:
        """On that chain too, in a block that the trust file does not name."""
        bench = Bench()
        bench.mine((STRANGER, b"noise"))
        bench.mine((STRANGER, b"noise"))
        return bench.pack(bench.mine(call(bench.contract, self.evidence)), self.evidence, finality=FINALIZED)

    @property
    def header(self) -> list[Any]:
        fields = rlp.decode(from_base64(self.proof.header))
        assert isinstance(fields, list)
        return fields

    def seal(self, block_hash: bytes, key: Any = SEALER_KEY) -> Finality:
        digest = seal_digest(CHAIN_ID, bytes.fromhex(self.proof.court.genesis), block_hash)
        return Finality("operator-seal", sign_digest(key, digest).hex())

    def sealed(self, header: bytes, key: Any = SEALER_KEY) -> ConvictionProof:
        """The proof over another header, sealed anew: what the chain's operator himself could do."""
        return replace(self.proof, header=to_base64(header), finality=self.seal(keccak256(header), key))

    def rebuilt(self, position: int, value: bytes) -> tuple[ConvictionProof, tuple[str, ...]]:
        """A sealed block whose trie at header field ``position`` holds ``value`` at index 1, and the path to it."""
        trie = HexaryTrie({})
        key = rlp.encode_int(1)
        trie[key] = value
        fields = self.header
        fields[position] = trie.root_hash
        path = tuple(to_base64(one) for one in proof_nodes(trie, key))
        return self.sealed(rlp.encode(fields)), path

    def transaction(self, raw: bytes) -> ConvictionProof:
        made, path = self.rebuilt(4, raw)
        return replace(made, transaction=TransactionProof(1, to_base64(raw), path))

    def receipt(self, raw: bytes) -> ConvictionProof:
        made, path = self.rebuilt(5, raw)
        return replace(made, receipt=ReceiptProof(to_base64(raw), path))


def honest() -> ForkEvidence:
    """Two checkpoints of one growing list, with their proof."""
    old_root, _, path = step(TREE, 20, 40)
    return decode(accuse(note(TREE, 20), note(TREE, 40), history=wire(20, old_root, path)))
