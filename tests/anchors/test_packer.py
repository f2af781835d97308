"""The packer: what it packs the core verifies, a changed member is refused, and what does not fit is not packed."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from trie.hexary import HexaryTrie

from anchors.errors import ChainMismatch
from anchors.packer import Packer, trie_proof
from anchors.registry import Registry
from anchors.wire import PackingFailed, header_rlp, transaction_bytes
from tallystick import canonical
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.events.log import AnchorTarget
from tallystick.evm import anchor as verifier
from tallystick.evm import proof as formats
from tallystick.evm import rlp
from tallystick.evm.trie import prove_value
from tests.anchors.support import ARTEFACT, Bench, MemoryLog


class Packed:
    """A bench with one final anchor, and its proof as JSON."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        anchor = bench.worker.run_once().anchor
        assert anchor is not None
        assert anchor.proof is not None
        self.anchor = anchor
        self.proof: dict[str, Any] = json.loads(anchor.proof)
        self.target = bench.outbox.targets()[0]

    @property
    def named(self) -> AnchorTarget:
        return self.target.announcement

    def block(self) -> dict[str, Any]:
        found = self.bench.worker._client.block(self.anchor.block_hash or b"")
        assert found is not None
        return found


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Packed]:
    log = MemoryLog()
    log.grow(11)
    bench = Bench.start(tmp_path_factory.mktemp("packer"), log)
    yield Packed(bench)
    bench.stop()


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from leaves(item, (*path, key))
    else:
        yield path


def changed(value: Any) -> Any:
    """Another value of the same form: the next number, or the text with its middle character moved on."""
    if isinstance(value, int):
        return value + 1
    middle = len(value) // 2
    return value[:middle] + ("1" if value[middle] == "0" else "0") + value[middle + 1 :]


def test_the_packed_proof_is_what_the_core_reads_and_verifies(packed: Packed) -> None:
    assert packed.anchor.proof is not None
    proof = formats.decode(packed.anchor.proof)
    fact = verifier.verify(proof, packed.named)
    assert (fact.size, fact.root) == (11, packed.bench.log.checkpoint().root)
    assert fact.block_hash == packed.anchor.block_hash
    assert proof.finality.signature == packed.bench.chain.seal(fact.block_hash).hex()


def test_every_changed_member_is_refused(packed: Packed) -> None:
    paths = list(leaves(packed.proof))
    assert len(paths) >= 28
    for path in paths:
        forged = copy.deepcopy(packed.proof)
        holder = forged
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = changed(holder[path[-1]])
        with pytest.raises((MalformedInput, VerificationFailed)):
            verifier.verify(formats.decode(canonical.encode(forged)), packed.named)


def test_every_member_left_out_is_refused(packed: Packed) -> None:
    for name in packed.proof:
        forged = {key: value for key, value in packed.proof.items() if key != name}
        with pytest.raises(MalformedInput):
            formats.decode(canonical.encode(forged))


def test_it_packs_the_same_bytes_again(packed: Packed) -> None:
    worker = packed.bench.worker
    assert worker._packer.pack(packed.target, worker._registry(packed.target), packed.anchor) == packed.anchor.proof


def test_a_seal_by_another_key_is_not_packed(packed: Packed) -> None:
    class Stranger:
        def seal(self, block_hash: bytes) -> bytes:
            return packed.bench.chain.seal(packed.bench.chain.genesis_hash)

    worker = packed.bench.worker
    packer = Packer(worker._client, Stranger())
    with pytest.raises(VerificationFailed, match="step 3"):
        packer.pack(packed.target, worker._registry(packed.target), packed.anchor)


@pytest.mark.parametrize("count", [1, 2, 3, 16, 17, 127, 128, 129, 200])
@pytest.mark.parametrize("length", [1, 40])
def test_trie_proofs_of_many_transactions_lead_to_each(count: int, length: int) -> None:
    values = [bytes([1 + number % 100]) * length for number in range(count)]
    root = trie_root(values)
    for index in {0, 1, 15, 16, 126, 127, 128, count - 1} & set(range(count)):
        proof = trie_proof(values, index, root)
        assert prove_value(root, rlp.encode_int(index), proof) == values[index]


def trie_root(values: list[bytes]) -> bytes:
    trie = HexaryTrie({})
    for position, value in enumerate(values):
        trie[rlp.encode_int(position)] = value
    return bytes(trie.root_hash)


def test_a_missing_transaction_or_a_changed_one_does_not_fit_the_root() -> None:
    values = [bytes([number]) * 40 for number in range(1, 6)]
    for wrong in (values[:-1], [*values[:-1], b"\x09" * 40], [*values, b"\x09" * 40], values[::-1]):
        with pytest.raises(PackingFailed, match="has root"):
            trie_proof(wrong, 0, trie_root(values))


@pytest.mark.parametrize(
    "field", ["gasUsed", "timestamp", "stateRoot", "extraData", "miner", "logsBloom", "requestsHash"]
)
def test_a_header_that_does_not_have_its_hash_is_not_packed(packed: Packed, field: str) -> None:
    block = packed.block()
    value = block[field]
    if isinstance(value, int):
        block[field] = value + 1
    elif isinstance(value, str):
        block[field] = "0x" + "11" * 20
    else:
        block[field] = bytes([value[0] ^ 1]) + bytes(value[1:]) if value else b"\x01"
    with pytest.raises(PackingFailed, match=r"header of block \d+ encodes to hash"):
        header_rlp(block)


def test_a_header_with_a_gap_in_its_fields_is_not_packed(packed: Packed) -> None:
    block = packed.block()
    del block["blobGasUsed"]
    with pytest.raises(PackingFailed, match="unknown set of header fields"):
        header_rlp(block)


def test_a_transaction_of_an_untested_type_is_not_packed(packed: Packed) -> None:
    transaction = {**packed.block()["transactions"][0], "type": 5}
    with pytest.raises(PackingFailed, match="type 5"):
        transaction_bytes(transaction)


def test_a_contract_that_the_core_does_not_know_is_not_packed(packed: Packed) -> None:
    unknown = replace(packed.target, spec=replace(packed.target.spec, code_hash=b"\x11" * 32))
    worker = packed.bench.worker
    with pytest.raises(VerificationFailed, match="no AnchorRegistry that this version knows"):
        worker._packer.pack(unknown, worker._registry(packed.target), packed.anchor)
    with pytest.raises(ChainMismatch, match="no AnchorRegistry that the core knows"):
        Registry(worker._client, replace(ARTEFACT, code_hash=b"\x11" * 32), b"\x22" * 20, packed.bench.log.identity)


def test_an_anchor_of_another_size_is_not_found_in_the_transaction(packed: Packed) -> None:
    worker = packed.bench.worker
    with pytest.raises(PackingFailed, match="does not anchor size 12"):
        worker._packer.pack(packed.target, worker._registry(packed.target), replace(packed.anchor, size=12))
