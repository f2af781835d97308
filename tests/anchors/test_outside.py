"""Other chains, on a real node (anvil): deployed by command, anchored, final by each rule; nothing twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from anchors.client import EvmClient
from anchors.errors import ChainMismatch, NoContract
from anchors.keystore import ChainKey
from anchors.node import HttpNode
from anchors.outbox_rows import NewAttempt
from anchors.sender import Sender
from tallystick.evm import anchor as verifier
from tallystick.evm import proof as formats
from tests.anchors.other_chain import Outside, check, deployed, ready
from tests.anvil import KEYS, Anvil


def test_nothing_is_deployed_that_nobody_asked_for(tmp_path: Path, node: Anvil) -> None:
    outside = Outside.start(tmp_path, node.url)
    height = node.block_number()
    with pytest.raises(NoContract, match="chain deploy outside"):
        outside.worker.run_once()
    assert "chain deploy outside" in (outside.target.trouble or "")
    assert (outside.target.stopped, node.block_number()) == (False, height)
    outside.stop()


def test_deployed_once_named_and_anchored_with_a_proof_that_the_core_verifies(tmp_path: Path, node: Anvil) -> None:
    outside = Outside.start(tmp_path, node.url)
    contract = deployed(outside, node)
    assert deployed(outside, node) == contract
    anchor = outside.until_final()
    named = outside.target.announcement
    assert (named.vouched_by, named.sealer, named.contract) == ("chain", None, contract.hex())
    fact = verifier.verify(formats.decode(anchor.proof or b""), named)
    assert (fact.size, fact.block_hash) == (5, anchor.block_hash)
    check(outside, [5])
    assert outside.target.trouble is None
    for growth in (1, 2, 30):
        outside.log.grow(growth)
        outside.until_final()
    check(outside, [5, 6, 8, 38])
    assert outside.outbox.cost(anchor.id) > 0
    outside.stop()


def test_a_configured_contract_is_used_and_one_with_unknown_code_refused(tmp_path: Path, node: Anvil) -> None:
    first = Outside.start(tmp_path / "first", node.url)
    contract = deployed(first, node)
    first.stop()
    second = Outside.start(tmp_path / "second", node.url, contract=contract)
    second.until_final()
    check(second, [5])
    second.stop()
    node.set_code(b"\x77" * 20, b"\x60\x00\x60\x00\xf3")
    for address, said in ((b"\x77" * 20, "code hash"), (b"\x78" * 20, "is not on the chain")):
        third = Outside.start(tmp_path / address.hex(), node.url, contract=address)
        with pytest.raises(ChainMismatch, match=said):
            third.worker.run_once()
        assert third.target.state == "deploying"
        assert third.target.stopped
        third.stop()


@pytest.mark.parametrize("finality", ["immediate", 3, "finalized"])
def test_an_anchor_is_final_by_the_rule_of_its_chain(tmp_path: Path, node: Anvil, finality: str | int) -> None:
    outside = Outside.start(tmp_path, node.url, finality=finality)
    deployed(outside, node)
    outside.reach("final" if finality == "immediate" else "mined")
    if finality == 3:
        # Packed at once, although it is not final: the node may forget this block's state.
        assert outside.anchor.draft is not None
        node.mine(2)
        outside.step()
        assert outside.anchor.state == "mined"
        node.mine()
        outside.step()
    elif finality == "finalized":
        node.mine(40)
        outside.step()
        assert outside.anchor.state == "mined"
        # Anvil's finalized block is 64 behind its newest.
        node.mine(60)
        outside.step()
    assert outside.anchor.state == "final"
    check(outside, [5])
    outside.stop()


def test_the_wrong_chain_id_is_seen_before_anything_is_made(tmp_path: Path, node: Anvil) -> None:
    outside = Outside.start(tmp_path, node.url, chain_id=5)
    with pytest.raises(ChainMismatch, match="configured for chain 5, the node is on chain 31337"):
        outside.worker.run_once()
    assert outside.outbox.targets() == []
    outside.stop()


def test_a_pinned_genesis_is_demanded_before_anything_is_made_and_ever_after(tmp_path: Path, node: Anvil) -> None:
    found = EvmClient(HttpNode(node.url, 20.0)).genesis_hash()
    for folder in ("new", "begun"):
        if folder == "begun":
            with ready(tmp_path / folder, node, genesis=found) as begun:
                check(begun, [5])
        other = Outside.start(tmp_path / folder, node.url, genesis=b"\x07" * 32)
        with pytest.raises(ChainMismatch, match="is configured with genesis 0x0707"):
            other.worker.run_once()
        assert len(other.outbox.targets()) == (folder == "begun")
        other.stop()


def test_several_chains_at_once_and_none_waits_for_another(tmp_path: Path, node: Anvil) -> None:
    with ready(tmp_path / "here", node) as here, Anvil("--chain-id", "5") as other:
        there = Outside.start(tmp_path / "there", other.url, chain_id=5, seconds=2)
        deployed(there, other)
        other.kill()
        here.log.grow(3)
        assert isinstance(there.step(), str)
        here.until_final()
        check(here, [5, 8])
        assert "does not answer" in (there.target.trouble or "")
        other.start()
        there.stop()


def test_another_service_anchors_the_same_between_looking_and_signing(
    tmp_path: Path, node: Anvil, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is found again, not dropped: what the contract holds is what this service wanted there."""
    with ready(tmp_path / "first", node) as first:
        second = Outside.start(
            tmp_path / "second",
            node.url,
            log=first.log,
            signer=ChainKey.from_secret(KEYS[1]),
            contract=first.target.contract,
        )
        second.until_final()
        first.log.grow(4)
        push = Sender.push

        def late(sender: Sender, target: int, anchor: int | None, sign: Callable[[], NewAttempt]) -> None:
            monkeypatch.undo()
            first.until_final()
            push(sender, target, anchor, sign)

        monkeypatch.setattr(Sender, "push", late)
        assert "somebody else anchored this" in str(second.step())
        assert second.anchor.state == "prepared"
        second.until_final()
        check(second, [5, 9])
        assert int(node.rpc("eth_getTransactionCount", node.rpc("eth_accounts")[1], "latest"), 16) == 0
        second.stop()
