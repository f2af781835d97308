"""Whose word the header is: the seal, the block that the reader names, or nobody's; and version 2 of the proof."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tallystick import canonical
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.evm import anchor
from tallystick.evm.chains import NamedBlock, TrustedChain
from tallystick.evm.proof import (
    MAX_PROOF_BYTES,
    AnchorProof,
    Finality,
    decode,
    encode,
    operator_seal,
    with_finality,
    with_tokens,
)
from tests.contracts.chain import V1
from tests.core.evm.blocks import AUTHORITY, SUCCESSOR, SUCCESSOR_KEY, Blocks

HEAD = Finality("finalized", head=64, head_hash="ab" * 32)


class Public:
    """The same block as one of the operator's chain, and as one of a chain that nobody here seals."""

    def __init__(self) -> None:
        blocks = Blocks("prague")
        self.mined = blocks.mine([blocks.relay(0, 40)])
        self.sealed_target, self.target = blocks.target(), blocks.target(sealed=False)
        self.sealed = blocks.pack(self.mined, 0, 40)
        self.proof = blocks.pack(self.mined, 0, 40, finality=HEAD)
        self.block = NamedBlock(self.mined.block.header.block_number, self.mined.block.header.hash.hex())

    def chain(self, headers: Any = "named-blocks", *blocks: NamedBlock, **changes: Any) -> tuple[TrustedChain, ...]:
        return (replace(TrustedChain(self.target.chain_id, self.target.genesis, headers, blocks), **changes),)


@pytest.fixture(scope="module")
def public() -> Public:
    return Public()


def test_a_header_without_a_seal_is_nobodys_word(public: Public) -> None:
    for kind in (HEAD, replace(HEAD, kind="depth"), Finality("mined"), Finality("immediate")):
        proof = replace(public.proof, finality=kind)
        fact = anchor.verify(decode(encode(proof)), public.target)
        assert (fact.vouched_by, fact.size, fact.finality) == ("nobody", 40, kind.kind)
        assert fact.line.needs is not None
        assert f"has hash 0x{public.block.hash}" in fact.line.needs.en
        assert not fact.line.operator_only


def test_a_named_block_vouches_for_both(public: Public) -> None:
    for proof, target in ((public.proof, public.target), (public.sealed, public.sealed_target)):
        fact = anchor.verify(proof, target, public.chain("named-blocks", public.block))
        assert fact.vouched_by == "named-block"
        assert fact.line.needs is None


def test_another_block_of_the_number_contradicts(public: Public) -> None:
    other = replace(public.block, hash="00" * 32)
    for proof, target in ((public.proof, public.target), (public.sealed, public.sealed_target)):
        with pytest.raises(VerificationFailed, match=r"^step 3: block 2 .* the trust file names 0000"):
            anchor.verify(proof, target, public.chain("named-blocks", other))


def test_a_chain_is_named_by_id_and_genesis(public: Public) -> None:
    """What is said of another chain says nothing of this one: neither that its block stands, nor that it does not."""
    other = replace(public.block, hash="00" * 32)
    for block in (public.block, other):
        for change in ({"chain_id": 1}, {"genesis": "11" * 32}):
            chains = public.chain("named-blocks", block, **change)
            assert anchor.verify(public.proof, public.target, chains).vouched_by == "nobody"
            assert anchor.verify(public.sealed, public.sealed_target, chains).vouched_by == "operator"


def test_what_the_reader_takes_away(public: Public) -> None:
    later = replace(public.block, number=public.block.number + 1)
    for chains in (public.chain("none"), public.chain("named-blocks", later)):
        assert anchor.verify(public.sealed, public.sealed_target, chains).vouched_by == "nobody"
        assert anchor.verify(public.proof, public.target, chains).vouched_by == "nobody"
    sealed = public.chain("operator-seal")
    assert anchor.verify(public.sealed, public.sealed_target, sealed).vouched_by == "operator"
    assert anchor.verify(public.proof, public.target, sealed).vouched_by == "nobody"


def test_a_seal_is_demanded_of_a_sealed_chain_whatever_else_vouches(public: Public) -> None:
    """Also where the reader names the block: the target says that its operator seals."""
    chains = public.chain("named-blocks", public.block)
    for finality in (HEAD, Finality("mined"), operator_seal(bytes(65))):
        proof = replace(public.sealed, finality=finality)
        with pytest.raises(VerificationFailed, match=r"^step 3: "):
            anchor.verify(proof, public.sealed_target, chains)
    with pytest.raises(VerificationFailed, match=r"^step 3: "):
        anchor.verify(replace(public.proof, finality=public.sealed.finality), public.target, chains)


def test_a_target_has_a_sealer_exactly_if_its_operator_vouches(public: Public) -> None:
    for target in (
        replace(public.target, sealer="11" * 20),
        replace(public.target, vouched_by="operator"),
    ):
        with pytest.raises(VerificationFailed, match=r"^step 1: "):
            anchor.verify(replace(public.proof, target=target), target)


# --- the versions ----------------------------------------------------------------------


def relabelled(proof: AnchorProof, **members: Any) -> bytes:
    value = canonical.decode(encode(proof), MAX_PROOF_BYTES)
    return canonical.encode({**value, **members})


def test_a_version_has_what_it_is_for(public: Public) -> None:
    assert (public.sealed.v, public.proof.v) == (1, 2)
    for data in (relabelled(public.sealed, v=2), relabelled(public.proof, v=1)):
        with pytest.raises(MalformedInput, match="is of version"):
            decode(data)
    tokens = with_tokens(public.sealed, [b"\x30\x00"])
    assert (tokens.v, decode(encode(tokens))) == (2, tokens)
    assert with_tokens(tokens, []) == public.sealed
    with pytest.raises(MalformedInput, match="is of version"):
        decode(relabelled(tokens, v=1))
    with pytest.raises(MalformedInput):
        decode(relabelled(public.proof, tokens=[]))


@pytest.mark.parametrize(
    "finality",
    [
        {"kind": "operator-seal"},
        {"kind": "mined", "signature": "00" * 65},
        {"kind": "mined", "head": 1, "head_hash": "ab" * 32},
        {"kind": "immediate", "head": 1},
        {"kind": "finalized"},
        {"kind": "finalized", "head": 1},
        {"kind": "depth", "head_hash": "ab" * 32},
        {"kind": "depth", "head": 1, "head_hash": "ab" * 32, "signature": "00" * 65},
        {"kind": "operator-seal", "signature": "00" * 65, "head": 1},
        {"kind": "proof-of-stake"},
    ],
    ids=str,
)
def test_finality_has_the_members_of_its_kind(public: Public, finality: dict[str, Any]) -> None:
    with pytest.raises(MalformedInput):
        decode(relabelled(public.proof, finality=finality))


def test_a_draft_is_finished_without_touching_anything_else(public: Public) -> None:
    draft = encode(replace(public.proof, finality=Finality("mined")))
    assert with_finality(draft, HEAD) == encode(public.proof)
    with pytest.raises(MalformedInput):
        with_finality(encode(public.sealed), HEAD)


# --- rotation -----------------------------------------------------------------------------


def test_the_first_authority_names_the_log() -> None:
    """Where a registry knows rotation, the log id rests on the first authority, event and slot on the one in force."""
    blocks = Blocks("prague")
    blocks.mine([blocks.relay(0, 40)])
    blocks.mine([blocks.rotate(40)])
    mined = blocks.mine([blocks.relay(40, 60, key=SUCCESSOR_KEY)])
    proof = decode(encode(blocks.pack(mined, 0, 60, authority=SUCCESSOR)))
    fact = anchor.verify(proof, blocks.target())
    assert (proof.v, fact.size, fact.registry) == (2, 60, "AnchorRegistry 2")
    assert (fact.first_authority, fact.authority) == (AUTHORITY, SUCCESSOR)
    for first, step in ((None, 2), ("42" * 20, 2)):
        wrong = replace(proof.checkpoint, first_authority=first)
        with pytest.raises(VerificationFailed, match=f"^step {step}: "):
            anchor.verify(replace(proof, checkpoint=wrong), blocks.target())


def test_a_registry_without_rotation_knows_no_second_authority() -> None:
    blocks = Blocks("prague", V1)
    proof = blocks.pack(blocks.mine([blocks.relay(0, 40)]), 0, 40)
    assert anchor.verify(proof, blocks.target()).registry == "AnchorRegistry 1"
    told = replace(proof.checkpoint, authority="42" * 20, first_authority=AUTHORITY.hex())
    with pytest.raises(VerificationFailed, match=r"^step 2: AnchorRegistry 1 knows no other authority"):
        anchor.verify(replace(proof, v=2, checkpoint=told), blocks.target())


def test_a_first_authority_that_is_still_in_force_is_left_out(public: Public) -> None:
    checkpoint = replace(public.proof.checkpoint, first_authority=AUTHORITY.hex())
    with pytest.raises(MalformedInput, match="only where"):
        encode(replace(public.proof, checkpoint=checkpoint))
