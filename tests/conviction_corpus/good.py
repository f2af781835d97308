"""Proofs that a verifier must accept: each kind of evidence, fork, type of transaction and kind of finality."""

from __future__ import annotations

from dataclasses import replace

from tallystick.evm.conviction_proof import ConvictionProof
from tallystick.evm.proof import Finality
from tests.conviction_corpus.scene import FINALIZED, ROTATED_AT, SUCCESSOR, Bench, Kind, Scene, call, evidence, signers
from tests.core.evm.blocks import KINDS

KINDS_OF_EVIDENCE: tuple[Kind, ...] = ("roots", "history", "leaves")


def good(scene: Scene) -> dict[str, ConvictionProof]:
    """Name -> proof."""
    found = {
        "sealed-prague-roots": scene.proof,
        "public-finalized": scene.public,
        "public-depth": replace(scene.public, finality=replace(FINALIZED, kind="depth")),
        "public-immediate": replace(scene.public, finality=Finality("immediate")),
        "public-mined": replace(scene.public, finality=Finality("mined")),
        "sealed-prague-history": Bench().convict(evidence("history")),
        "sealed-prague-leaves": Bench().convict(evidence("leaves")),
        "sealed-prague-second-authority": _second_authority(),
        "sealed-prague-authority-alone-signed": Bench().convict(evidence("roots", lines=(2,))),
        "sealed-prague-called-by-a-contract": by_a_contract(),
    }
    for fork, kinds in KINDS.items():
        kind = kinds - 1
        found[f"sealed-{fork}-type-{kind}"] = Bench(fork).convict(evidence("roots"), kind=kind)
    return found


def _second_authority() -> ConvictionProof:
    """Both sizes lie after the rotation."""
    by = signers(authority=SUCCESSOR)
    return Bench().convict(evidence("roots", by, ROTATED_AT + 3), by)


def by_a_contract() -> ConvictionProof:
    """The accuser's own contract passes the accusation on: the transaction goes to it, the event is the court's."""
    bench, found = Bench(), evidence("roots")
    _, data = call(bench.contract, found)
    return bench.pack(bench.mine((forwarder(bench), bench.contract + data)), found)


def forwarder(bench: Bench) -> bytes:
    """Address of a contract that calls the address in the first 20 bytes of its calldata with the rest."""
    # calldatacopy(0, 20, calldatasize - 20); call(gas, calldataload(0) >> 96, 0, 0, calldatasize - 20, 0, 0); stop
    runtime = bytes.fromhex("60143603601460003760006000601436036000600060003560601c5af15000")
    address, _ = bench.blocks.deploy(
        bytes.fromhex(f"60{len(runtime):02x}600c60003960{len(runtime):02x}6000f3") + runtime
    )
    return address
