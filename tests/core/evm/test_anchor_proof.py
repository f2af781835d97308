"""Anchor proofs of a real chain: each accepted, and every flip, swap, lie and forgery refused at its step."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st
from trie import HexaryTrie

from tallystick import canonical, merkle
from tallystick.base64s import from_base64, to_base64
from tallystick.errors import MalformedInput, TallystickError, VerificationFailed
from tallystick.evm import anchor, deed, rlp, secp256k1
from tallystick.evm.keccak import keccak256
from tallystick.evm.proof import MAX_PROOF_BYTES, AnchorProof, ReceiptProof, TransactionProof, decode, encode
from tallystick.versions import UnknownVersion
from tests.core.evm.blocks import AUTHORITY, KINDS, ORIGIN_HASH, SEALER_KEY, STRANGER, TREE, Blocks, proof_nodes

STRANGER_KEY = secp256k1.ec.derive_private_key(0xBAD, secp256k1.ec.SECP256K1())


class Case:
    """A chain with two anchors: size 40 in block 2, size 60 in block 3, the latter among other transactions."""

    def __init__(self, fork: str, kind: int = 0) -> None:
        self.blocks = Blocks(fork)
        self.first = self.blocks.mine([self.blocks.relay(0, 40)], kind)
        noise = (STRANGER, b"noise")
        self.second = self.blocks.mine([noise, self.blocks.relay(40, 60), noise], kind)
        self.target = self.blocks.target()
        self.proof = self.blocks.pack(self.second, 1, 60)

    def expect_refused(self, proof: AnchorProof, step: int, **target: Any) -> None:
        with pytest.raises(VerificationFailed, match=f"^step {step}: "):
            anchor.verify(proof, replace(self.target, **target))

    def expect_fault(self, proof: AnchorProof) -> None:
        with pytest.raises(TallystickError):
            anchor.verify(proof, self.target)

    def sealed(self, header: bytes, key: Any = SEALER_KEY) -> AnchorProof:
        """The proof over another header, sealed anew by ``key``."""
        digest = deed.seal_digest(self.target.chain_id, bytes.fromhex(self.target.genesis), keccak256(header))
        seal = replace(self.proof.finality, signature=secp256k1.sign_digest(key, digest).hex())
        return replace(self.proof, header=to_base64(header), finality=seal)


@pytest.fixture(scope="module")
def case() -> Case:
    return Case("prague")


@pytest.mark.parametrize(("fork", "kind"), [(fork, kind) for fork, kinds in KINDS.items() for kind in range(kinds)])
def test_proofs_of_each_fork_and_transaction_type_verify(fork: str, kind: int) -> None:
    case = Case(fork, kind)
    for proof, size, block in (
        (case.blocks.pack(case.first, 0, 40), 40, case.first.block),
        (case.proof, 60, case.second.block),
    ):
        data = encode(proof)
        assert decode(data) == proof
        assert len(data) < 16_000
        fact = anchor.verify(decode(data), case.target)
        assert (fact.size, fact.root) == (size, merkle.root_at(TREE, size))
        assert (fact.origin_hash, fact.authority) == (ORIGIN_HASH, AUTHORITY)
        assert (fact.block_number, fact.block_hash) == (block.header.block_number, block.header.hash)
        assert fact.block_time == 1_700_000_000 + 60 * block.header.block_number
        assert (fact.vouched_by, fact.chain_id) == ("operator", case.target.chain_id)
        assert fact.line.operator_only
        assert fact.line.needs is not None


def flips(data: bytes, positions: range | list[int], chance: random.Random) -> list[tuple[int, bytes]]:
    return [(at, data[:at] + bytes([data[at] ^ chance.randrange(1, 256)]) + data[at + 1 :]) for at in positions]


def assert_all_refused(case: Case, changed: list[tuple[int, bytes]]) -> None:
    assert [at for at, data in changed if verifies(case, data)] == []


def verifies(case: Case, data: bytes) -> bool:
    try:
        anchor.verify(decode(data), case.target)
    except TallystickError:
        return False
    return True


def test_every_flipped_byte_is_refused(case: Case) -> None:
    data = encode(case.proof)
    assert_all_refused(case, flips(data, range(len(data)), random.Random(1)))


@pytest.mark.exhaustive
@pytest.mark.parametrize("bit", range(8))
def test_every_flipped_bit_is_refused(case: Case, bit: int) -> None:
    data = encode(case.proof)
    changed = [(at, data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]) for at in range(len(data))]
    assert_all_refused(case, changed)


def binary_members(proof: AnchorProof) -> dict[str, tuple[bytes, Callable[[bytes], AnchorProof]]]:
    """Each binary member with a function that replaces it: flips below base64, where a changed byte stays canonical."""

    def nodes(name: str, part: Any, rebuild: Callable[[Any], AnchorProof], field: str) -> None:
        texts = getattr(part, field)
        for i, text in enumerate(texts):

            def change(data: bytes, i: int = i) -> AnchorProof:
                return rebuild(replace(part, **{field: (*texts[:i], to_base64(data), *texts[i + 1 :])}))

            found[f"{name} {i}"] = (from_base64(text), change)

    found: dict[str, tuple[bytes, Callable[[bytes], AnchorProof]]] = {
        "header": (from_base64(proof.header), lambda data: replace(proof, header=to_base64(data))),
        "transaction": (
            from_base64(proof.transaction.raw),
            lambda data: replace(proof, transaction=replace(proof.transaction, raw=to_base64(data))),
        ),
        "receipt": (
            from_base64(proof.receipt.raw),
            lambda data: replace(proof, receipt=replace(proof.receipt, raw=to_base64(data))),
        ),
    }
    nodes("transaction node", proof.transaction, lambda part: replace(proof, transaction=part), "proof")
    nodes("receipt node", proof.receipt, lambda part: replace(proof, receipt=part), "proof")
    nodes("account node", proof, lambda part: part, "account_proof")
    nodes("storage node", proof, lambda part: part, "storage_proof")
    return found


def test_every_binary_member_is_bound(case: Case) -> None:
    chance = random.Random(2)
    for name, (data, change) in binary_members(case.proof).items():
        assert change(data) == case.proof, name
        sample = sorted(chance.sample(range(len(data)), min(40, len(data))))
        for _, flipped in flips(data, sample, chance):
            case.expect_fault(change(flipped))
        case.expect_fault(change(data + b"\x00"))
        case.expect_fault(change(data[:-1]))


# --- each step, attacked by someone who can build everything before it ----------------------


def test_step_1_a_proof_does_not_choose_its_target(case: Case) -> None:
    for field, value in {
        "chain_id": 1,
        "genesis": "00" * 32,
        "contract": "00" * 20,
        "code_hash": "00" * 32,
        "log_id": "00" * 32,
        "sealer": "00" * 20,
        "vouched_by": "chain",
    }.items():
        case.expect_refused(case.proof, 1, **{field: value})
        # And where both agree on what is wrong, a later step or the missing knowledge refuses.
        other = replace(case.target, **{field: value})  # type: ignore[arg-type]
        with pytest.raises(VerificationFailed):
            anchor.verify(replace(case.proof, target=other), other)


def test_step_1_unknown_code_proves_nothing(case: Case) -> None:
    other = replace(case.target, code_hash=keccak256(b"a contract that only emits events").hex())
    with pytest.raises(VerificationFailed, match="no AnchorRegistry that this version knows"):
        anchor.verify(replace(case.proof, target=other), other)


def test_step_1_a_chain_without_a_sealer_is_not_checked_here(case: Case) -> None:
    other = replace(case.target, sealer=None)
    with pytest.raises(VerificationFailed, match="names no sealer"):
        anchor.verify(replace(case.proof, target=other), other)


def test_step_2_another_origin_or_authority(case: Case) -> None:
    for field, value in (("origin_hash", "11" * 32), ("authority", "22" * 20)):
        case.expect_refused(replace(case.proof, checkpoint=replace(case.proof.checkpoint, **{field: value})), 2)


def test_step_3_an_invented_block_without_the_sealers_key(case: Case) -> None:
    fields = rlp.decode(from_base64(case.proof.header))
    assert isinstance(fields, list)
    fields[11] = b"\x01"
    header = rlp.encode(fields)
    case.expect_refused(replace(case.proof, header=to_base64(header)), 3)
    case.expect_refused(case.sealed(header, STRANGER_KEY), 3)


def test_step_3_the_seal_names_chain_and_genesis(case: Case) -> None:
    block_hash = keccak256(from_base64(case.proof.header))
    genesis = bytes.fromhex(case.target.genesis)
    for digest in (
        deed.seal_digest(case.target.chain_id + 1, genesis, block_hash),
        deed.seal_digest(case.target.chain_id, keccak256(genesis), block_hash),
        block_hash,
    ):
        seal = replace(case.proof.finality, signature=secp256k1.sign_digest(SEALER_KEY, digest).hex())
        case.expect_refused(replace(case.proof, finality=seal), 3)


@pytest.mark.parametrize(("field", "step"), [(4, 4), (5, 5), (3, 6)], ids=["transactions", "receipts", "state"])
def test_steps_4_to_6_a_sealed_header_with_another_root_does_not_fit(case: Case, field: int, step: int) -> None:
    """Even the operator cannot reuse the parts under another root."""
    fields = rlp.decode(from_base64(case.proof.header))
    assert isinstance(fields, list)
    fields[field] = keccak256(b"another root")
    case.expect_refused(case.sealed(rlp.encode(fields)), step)


def test_step_4_another_transaction_of_the_block(case: Case) -> None:
    noise = case.blocks.pack(case.second, 0, 60)
    case.expect_refused(noise, 4)
    index = replace(case.proof.transaction, index=0)
    case.expect_refused(replace(case.proof, transaction=index), 4)
    raw = replace(case.proof.transaction, raw=noise.transaction.raw)
    case.expect_refused(replace(case.proof, transaction=raw), 4)


def test_step_4_a_transaction_of_another_block(case: Case) -> None:
    other = case.blocks.pack(case.first, 0, 40)
    case.expect_refused(replace(case.proof, transaction=other.transaction), 4)
    case.expect_refused(replace(case.proof, transaction=other.transaction, receipt=other.receipt), 4)


def test_step_5_another_receipt_or_event(case: Case) -> None:
    noise = case.blocks.pack(case.second, 0, 60)
    case.expect_refused(replace(case.proof, receipt=noise.receipt), 5)
    case.expect_refused(replace(case.proof, receipt=replace(case.proof.receipt, raw=noise.receipt.raw)), 5)
    case.expect_refused(replace(case.proof, log_index=1), 5)


@pytest.mark.parametrize("field", ["size", "root"])
def test_step_5_another_checkpoint(case: Case, field: str) -> None:
    value = {"size": 61, "root": merkle.root_at(TREE, 61).hex()}[field]
    case.expect_refused(replace(case.proof, checkpoint=replace(case.proof.checkpoint, **{field: value})), 5)


def test_step_5_a_failed_anchor(case: Case) -> None:
    """A stale relay is mined, and its receipt says that it failed."""
    mined = case.blocks.mine([case.blocks.relay(40, 60)])
    assert mined.receipts[0].state_root == b""
    case.expect_refused(case.blocks.pack(mined, 0, 60), 5)


def test_step_6_the_slot_of_another_block(case: Case) -> None:
    other = case.blocks.pack(case.first, 0, 40)
    case.expect_refused(replace(case.proof, storage_proof=other.storage_proof), 6)
    case.expect_refused(replace(case.proof, account_proof=other.account_proof, storage_proof=other.storage_proof), 6)


def test_step_6_an_anchor_overtaken_in_its_own_block() -> None:
    """The event is there and the state has moved on: only the newer one is provable from this block."""
    case = Case("prague")
    mined = case.blocks.mine([case.blocks.relay(60, 70), case.blocks.relay(70, 80)])
    case.expect_refused(case.blocks.pack(mined, 0, 70), 6)
    assert anchor.verify(case.blocks.pack(mined, 1, 80), case.target).size == 80


# --- blocks that no honest chain makes, sealed by the operator himself ----------------------------


def forged(case: Case, position: int, key: bytes, value: bytes, part: Callable[[Any], AnchorProof]) -> AnchorProof:
    """The proof over a sealed header whose trie at ``position`` holds ``value`` alone; ``part`` puts the proof in."""
    trie = HexaryTrie({})
    trie[key] = value
    fields = rlp.decode(from_base64(case.proof.header))
    assert isinstance(fields, list)
    fields[position] = trie.root_hash
    nodes = tuple(to_base64(node) for node in proof_nodes(trie, key))
    sealed = case.sealed(rlp.encode(fields))
    return replace(part(nodes), header=sealed.header, finality=sealed.finality)


@pytest.mark.parametrize(
    "change", [{"chainId": 1}, {"to": STRANGER}, {"to": b""}], ids=["chain", "contract", "creation"]
)
def test_step_4_a_transaction_for_another_chain_or_contract(case: Case, change: dict[str, Any]) -> None:
    fields = {"nonce": 0, "gas": 90_000, "gasPrice": 1, "value": 0, "data": b""}
    home = {"chainId": case.target.chain_id, "to": case.blocks.contract}
    raw = bytes(Account.sign_transaction(fields | home | change, b"\x11" * 32).raw_transaction)

    def part(nodes: tuple[str, ...]) -> AnchorProof:
        return replace(case.proof, transaction=TransactionProof(1, to_base64(raw), nodes))

    case.expect_refused(forged(case, 4, rlp.encode_int(1), raw, part), 4)


def test_step_5_a_failed_transaction_with_the_right_event(case: Case) -> None:
    good = from_base64(case.proof.receipt.raw)
    fields = rlp.decode(good)
    assert isinstance(fields, list)
    raw = rlp.encode([b"", *fields[1:]])

    def part(nodes: tuple[str, ...]) -> AnchorProof:
        return replace(case.proof, receipt=ReceiptProof(to_base64(raw), nodes))

    case.expect_refused(forged(case, 5, rlp.encode_int(1), raw, part), 5)


def _account(case: Case) -> list[rlp.Item]:
    leaf = rlp.as_list(rlp.decode(from_base64(case.proof.account_proof[-1])), "the last node")
    return rlp.as_list(rlp.decode(rlp.as_bytes(leaf[1], "the account")), "the account")


def _with_account(case: Case, account: list[rlp.Item]) -> AnchorProof:
    key = keccak256(bytes.fromhex(case.target.contract))
    return forged(case, 3, key, rlp.encode(account), lambda nodes: replace(case.proof, account_proof=nodes))


def test_step_6_other_code_with_the_right_storage(case: Case) -> None:
    nonce, balance, storage, code = _account(case)
    assert anchor.verify(_with_account(case, [nonce, balance, storage, code]), case.target).size == 60
    case.expect_refused(_with_account(case, [nonce, balance, storage, keccak256(b"obliging code")]), 6)


def test_step_6_an_account_of_another_form(case: Case) -> None:
    account = _account(case)
    for wrong in ([*account, b""], account[:3], [*account[:3], b"short"]):
        with pytest.raises(MalformedInput):
            anchor.verify(_with_account(case, wrong), case.target)


# --- the file -------------------------------------------------------------------------------


def changed(proof: AnchorProof, **members: Any) -> bytes:
    value = canonical.decode(encode(proof), MAX_PROOF_BYTES)
    for path, new in members.items():
        place, names = value, path.split("__")
        for name in names[:-1]:
            place = place[name]
        if new is None:
            del place[names[-1]]
        else:
            place[names[-1]] = new
    return canonical.encode(value)


@pytest.mark.parametrize(
    "members",
    [
        {"extra": 1},
        {"target__extra": 1},
        {"kind": "btc"},
        {"header": None},
        {"target": None},
        {"log_index": -1},
        {"log_index": "0"},
        {"header": "AAA"},
        {"header": "A" * 8192},
        {"account_proof": []},
        {"account_proof": ["AAAA"] * 66},
        {"finality__kind": "stake"},
        {"finality__signature": "00" * 64},
        {"checkpoint__root": "AA" * 32},
        {"checkpoint__authority": "00" * 21},
        {"v": True},
        {"v": "1"},
    ],
    ids=str,
)
def test_other_forms_are_malformed(case: Case, members: dict[str, Any]) -> None:
    with pytest.raises(MalformedInput):
        decode(changed(case.proof, **members))


def test_a_later_version_says_what_to_install(case: Case) -> None:
    with pytest.raises(UnknownVersion, match="install a newer"):
        decode(changed(case.proof, v=3, kind="something new"))


def test_a_long_file_is_refused_before_it_is_read() -> None:
    with pytest.raises(MalformedInput, match="at most"):
        decode(b"[" * (MAX_PROOF_BYTES + 1))


@given(st.binary(max_size=200))
def test_rubbish_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedInput):
        decode(data)
