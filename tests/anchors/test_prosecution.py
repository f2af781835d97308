"""Accusations on a real node (anvil): deployed once, convicted once, proved offline; nothing is paid for nothing."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from anchors.client import EvmClient
from anchors.connect import lock_turn
from anchors.court import Charge, Court, OtherConviction
from anchors.errors import AnchorError, AnchorRefused, ChainMismatch, TransactionPending
from anchors.finality import parse_rule
from anchors.keystore import ChainKey
from anchors.node import HttpNode
from anchors.outbox import Outbox
from anchors.outbox_rows import Attempt
from anchors.prosecution import OUTBOX, Prosecution
from anchors.registry import Artefact
from anchors.sender import Patience, Sender
from anchors.worker import Connection
from tallystick.errors import VerificationFailed
from tallystick.evm import convicted
from tallystick.evm.chains import NamedBlock, TrustedChain
from tallystick.evm.conviction_proof import decode
from tallystick.fork import ForkEvidence
from tests.anchors.support import START, Clock
from tests.anvil import KEYS, Anvil
from tests.contracts.chain import FOLDER
from tests.conviction_corpus.scene import Kind, evidence, honest, signers

ARTEFACT = Artefact.load(FOLDER / "ForkCourt.json")
LOG = signers().keys
CHAIN_ID = 31_337


class Failing:
    """A provider whose connection breaks at one broadcast: before the node got it, or before its answer came."""

    def __init__(self, url: str, nth: int, after: bool) -> None:
        self._node, self._left, self._after = HttpNode(url, 20.0), nth, after

    def make_request(self, method: str, params: Any) -> Any:
        if method == "eth_sendRawTransaction":
            self._left -= 1
            if self._left == 0:
                if self._after:
                    self._node.make_request(method, params)
                raise ConnectionResetError("the wire broke")
        return self._node.make_request(method, params)


def prosecution(folder: Path, node: Anvil, key: int = 0, **changes: Any) -> Prosecution:
    folder.mkdir(exist_ok=True)
    connection = Connection(
        chain_id=changes.get("chain_id", CHAIN_ID),
        client=EvmClient(changes.get("provider") or HttpNode(node.url, 20.0)),
        signer=ChainKey.from_secret(KEYS[key]),
        vouched_by="chain",
        finality=parse_rule(changes.get("finality", "immediate")),
        patience=Patience(stuck=60, lost=0),
        turn=lock_turn(folder / "outside.lock"),
    )
    return Prosecution("outside", connection, Outbox(folder / OUTBOX), ARTEFACT, Clock(START), changes.get("court"))


def until_proved(one: Prosecution, charge: Charge, between: Callable[[], object] = lambda: time.sleep(0.02)) -> bytes:
    """Steps until the proof is there: also a node that mines at once answers before it has mined."""
    for _ in range(100):
        try:
            found = one.advance(charge, LOG)
        except TransactionPending:
            found = None
        if found is not None:
            return found
        between()
    raise AssertionError("no proof")


def charge_of(found: ForkEvidence) -> Charge:
    return Charge.of(found, LOG)


def transactions(node: Anvil) -> int:
    """Of the first account, mined."""
    return int(node.rpc("eth_getTransactionCount", node.rpc("eth_accounts")[0], "latest"), 16)


def contract(one: Prosecution) -> bytes:
    return next(target.contract for target in one.outbox.targets() if target.spec.name == "outside") or b""


@pytest.mark.parametrize("kind", ["roots", "history", "leaves"])
def test_deployed_convicted_and_proved_offline_once(tmp_path: Path, node: Anvil, kind: Kind) -> None:
    one, charge = prosecution(tmp_path, node), charge_of(evidence(kind))
    before = transactions(node)
    most = one.cost(charge)
    data = until_proved(one, charge)
    assert transactions(node) == before + 2
    assert 0 < one.spent(charge) < most
    proof = decode(data)
    fact = convicted.verify(proof, LOG)
    assert (fact.fork.kind, fact.authority, fact.court) == (kind, LOG.authority_address, "ForkCourt 1")
    assert (fact.chain_id, fact.vouched_by, fact.finality) == (CHAIN_ID, "nobody", "immediate")
    named = TrustedChain(
        CHAIN_ID, proof.court.genesis, "named-blocks", (NamedBlock(fact.block_number, fact.block_hash.hex()),)
    )
    assert convicted.verify(proof, LOG, (named,)).vouched_by == "named-block"
    # Repeated, also from a fresh folder that is told of the court: the same proof, and nothing is sent.
    assert until_proved(prosecution(tmp_path, node), charge) == data
    elsewhere = prosecution(tmp_path / "elsewhere", node, key=1, court=contract(one))
    assert until_proved(elsewhere, charge) == data
    assert elsewhere.spent(charge) == 0
    assert transactions(node) == before + 2


def test_evidence_that_does_not_hold_never_reaches_the_node() -> None:
    with pytest.raises(VerificationFailed, match="the checkpoints are consistent"):
        charge_of(honest())
    with pytest.raises(VerificationFailed, match="authority did not sign both"):
        charge_of(evidence("roots", lines=(0,)))


def test_what_the_court_would_refuse_is_not_sent(tmp_path: Path, node: Anvil) -> None:
    """A charge that only a fault of ours could make: the trial call says so before anything is paid."""
    good = charge_of(evidence("roots"))
    bad = replace(good, signatures=(good.signatures[0], good.signatures[0]))
    one, before = prosecution(tmp_path, node), transactions(node)
    with pytest.raises(AnchorRefused, match="two authorities signed"):
        until_proved(one, bad)
    # (The court was deployed.)
    assert transactions(node) == before + 1


def test_other_evidence_came_first(tmp_path: Path, node: Anvil) -> None:
    one = prosecution(tmp_path, node)
    until_proved(one, charge_of(evidence("roots")))
    before = transactions(node)
    with pytest.raises(OtherConviction, match="by other evidence: sizes 20 and 20, roots"):
        one.advance(charge_of(evidence("history")), LOG)
    assert transactions(node) == before


def test_ours_that_is_mined_between_two_looks_is_paid_for(
    tmp_path: Path, node: Anvil, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No receipt yet, and then a conviction: it is our own transaction's, and what it cost counts."""
    one, charge = prosecution(tmp_path, node), charge_of(evidence("roots"))
    node.set_automine(False)

    def sent() -> list[Attempt]:
        return [attempt for target in one.outbox.targets() for attempt in one.outbox.attempts(target.id, None)]

    while len(sent()) < 2:
        node.mine()
        with contextlib.suppress(TransactionPending):
            assert one.advance(charge, LOG) is None
    look = Sender.succeeded

    def mined_afterwards(sender: Sender, target_id: int, anchor_id: int | None) -> dict[str, Any] | None:
        monkeypatch.setattr(Sender, "succeeded", look)
        seen = look(sender, target_id, anchor_id)
        node.mine()
        return seen

    monkeypatch.setattr(Sender, "succeeded", mined_afterwards)
    until_proved(one, charge)
    receipts = [one.connection.client.receipt(attempt.tx_hash) or {} for attempt in sent()]
    assert one.spent(charge) == sum(paid["gasUsed"] * paid["effectiveGasPrice"] for paid in receipts) > 0


@pytest.mark.parametrize("after", [False, True], ids=["before it was sent", "after it was sent"])
@pytest.mark.parametrize("nth", [1, 2], ids=["deployment", "accusation"])
def test_cut_off_at_a_broadcast_it_goes_on_with_the_same_bytes(
    tmp_path: Path, node: Anvil, nth: int, after: bool
) -> None:
    charge, before = charge_of(evidence("roots")), transactions(node)
    cut = prosecution(tmp_path, node, provider=Failing(node.url, nth, after))
    with pytest.raises(AnchorError, match="the wire broke"):
        until_proved(cut, charge)
    cut.outbox.close()
    one = prosecution(tmp_path, node)
    assert decode(until_proved(one, charge)).court.contract == contract(one).hex()
    assert transactions(node) == before + 2
    assert [len(one.outbox.attempts(target.id, None)) for target in one.outbox.targets()] == [1, 1]


def test_final_by_the_rule_of_its_chain(tmp_path: Path, node: Anvil) -> None:
    one, charge = prosecution(tmp_path, node, finality=3), charge_of(evidence("roots"))
    mined: list[int] = []

    def mine() -> None:
        node.mine()
        mined.append(node.block_number())

    proof = decode(until_proved(one, charge, mine))
    number = convicted.verify(proof, LOG).block_number
    assert proof.finality.kind == "depth"
    assert (proof.finality.head or 0) - number >= 3


def test_a_reorganised_conviction_is_brought_again(tmp_path: Path, node: Anvil) -> None:
    one, charge = prosecution(tmp_path, node, finality=3), charge_of(evidence("roots"))
    court = until_mined(one, charge)
    node.reorganise(1)
    assert court.held(charge) == bytes(32)
    proof = decode(until_proved(one, charge, node.mine))
    fact = convicted.verify(proof, LOG)
    assert one.connection.client.block_hash(fact.block_number) == fact.block_hash


def until_mined(one: Prosecution, charge: Charge) -> Court:
    for _ in range(100):
        try:
            one.advance(charge, LOG)
        except TransactionPending:
            continue
        court = Court(one.connection.client, ARTEFACT, contract(one))
        if court.held(charge) == charge.commitment:
            return court
        time.sleep(0.02)
    raise AssertionError("not convicted")


def test_a_configured_court_of_other_code_is_refused(tmp_path: Path, node: Anvil) -> None:
    node.set_code(b"\x77" * 20, b"\x60\x00\x60\x00\xf3")
    before = transactions(node)
    for address, said in ((b"\x77" * 20, "code hash"), (b"\x78" * 20, "is not on the chain")):
        with pytest.raises(ChainMismatch, match=said):
            prosecution(tmp_path / address.hex(), node, court=address).advance(charge_of(evidence("roots")), LOG)
    assert transactions(node) == before


def test_the_wrong_chain_is_seen_before_anything_is_made(tmp_path: Path, node: Anvil) -> None:
    with pytest.raises(ChainMismatch, match="configured for chain 5, the node is on 31337"):
        prosecution(tmp_path, node, chain_id=5).advance(charge_of(evidence("roots")), LOG)
