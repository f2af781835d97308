"""Step 10 with anchors on chains that nobody here seals: named blocks, external facts, several anchors side by side."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tallystick.case import AnchorMaterial, case_members
from tallystick.events.log import AnchorTarget
from tallystick.evm import anchor as evm
from tallystick.evm.chains import NamedBlock, TrustedChain
from tallystick.evm.proof import AnchorProof, Finality, decode, encode
from tallystick.report.as_text import text_report
from tallystick.report.conclusions import why
from tallystick.report.rules import operator_alone
from tallystick.report.words import words
from tallystick.times import format_time
from tallystick.trust import Trust
from tallystick.verify import Report
from tests.core.verify.kit import Kit, build_kit


def as_other_chain(kit: Kit) -> tuple[AnchorTarget, AnchorProof]:
    """The kit's anchor as if the same block stood on a chain without a sealer (its tries say nothing of seals)."""
    proof = decode(kit.anchored.proof)
    target = replace(proof.target, vouched_by="chain", sealer=None, genesis="77" * 32)
    return target, replace(proof, v=2, target=target, finality=Finality("finalized", head=99, head_hash="ab" * 32))


def block(kit: Kit) -> NamedBlock:
    fact = evm.verify(decode(kit.anchored.proof), kit.scene.target)
    return NamedBlock(fact.block_number, fact.block_hash.hex())


def trust(kit: Kit, target: AnchorTarget, *named: NamedBlock, **changes: Any) -> Trust:
    chain = TrustedChain(target.chain_id, target.genesis, "named-blocks" if named else "none", named)
    logs = (replace(kit.scene.first, replaced=()),)
    return kit.trust(**{"v": 3, "logs": logs, "evm_targets": (target,), "evm_chains": (chain,), **changes})


def judged(kit: Kit, proofs: list[AnchorProof], believed: Trust) -> Report:
    anchors = [AnchorMaterial(encode(proof), kit.anchored.checkpoint) for proof in proofs]
    return kit.scene.verify(kit.scene.bundle(case_members(kit.material(anchors=anchors))), believed)


def said(report: Report) -> set[str]:
    return {line.key for line in report.claim("anchor").evidence}


def test_without_a_named_block_it_needs_an_external_fact_and_is_never_proved(kit: Kit) -> None:
    target, proof = as_other_chain(kit)
    for believed in (trust(kit, target), kit.trust(evm_targets=(target,))):
        report = judged(kit, [proof], believed)
        assert (report.verdict, report.refused_at) == ("not_proved", 10)
        assert report.claim("anchor").outcome == "needs_external_fact"
        assert said(report) == {"anchor.external"}
        assert block(kit).hash in text_report(report, "en")
        assert f"0x{block(kit).hash}" in text_report(report, "zh")
        assert report.facts["anchors"][0]["vouched_by"] == "nobody"
        assert "two explorers" in report.facts["anchors"][0]["needs"][0]
        kinds = {one["kind"] for one in report.facts["time"]["sources"]}
        assert "block" not in kinds, "a header that nobody vouches for bounds no time"


def test_a_named_block_proves(kit: Kit) -> None:
    target, proof = as_other_chain(kit)
    report = judged(kit, [proof], trust(kit, target, block(kit)))
    assert (report.verdict, report.claim("anchor").outcome) == ("proved", "proved")
    assert said(report) == {"anchor.named", "anchor.covers", "anchor.named-covers"}
    assert report.facts["anchors"][0]["vouched_by"] == "named-block"


def test_the_time_of_a_named_block_is_not_the_operators_word(kit: Kit) -> None:
    target, proof = as_other_chain(kit)
    report = judged(kit, [proof], trust(kit, target, block(kit), independent_time=True))
    assert (report.verdict, report.claim("time").outcome) == ("proved", "proved")
    seconds = evm.verify(decode(kit.anchored.proof), kit.scene.target).block_time
    assert report.facts["time"]["independent"] == {"not_before": None, "not_after": format_time(seconds + 900)}


def test_naming_a_block_of_the_operators_own_chain_does_not_lend_him_a_clock(kit: Kit) -> None:
    """The reader saw that the block is the chain's; its time is still what the chain's one sealer wrote."""
    target = kit.scene.target
    report = judged(kit, [decode(kit.anchored.proof)], trust(kit, target, block(kit), evm_targets=()))
    assert (report.verdict, report.claim("time").outcome) == ("proved", "needs_external_fact")
    assert report.facts["time"]["independent"]["not_after"] is None


def test_another_hash_contradicts_even_beside_a_good_anchor(kit: Kit) -> None:
    target, proof = as_other_chain(kit)
    believed = trust(kit, target, replace(block(kit), hash="00" * 32))
    for proofs in ([proof], [decode(kit.anchored.proof), proof]):
        report = judged(kit, proofs, believed)
        assert (report.refused_at, report.claim("anchor").outcome) == (10, "contradicted")


def test_a_target_that_nobody_names(kit: Kit) -> None:
    target, proof = as_other_chain(kit)
    report = judged(kit, [proof], trust(kit, target, block(kit), evm_targets=()))
    assert (report.refused_at, report.claim("anchor").outcome) == (10, "not_proved")
    assert "anchor.unknown-target" in said(report)


def test_side_by_side_the_vouched_one_counts_and_the_other_is_told(kit: Kit) -> None:
    target, proof = as_other_chain(kit)
    report = judged(kit, [decode(kit.anchored.proof), proof], trust(kit, target))
    assert (report.verdict, report.claim("anchor").outcome) == ("proved", "proved")
    assert said(report) == {"anchor.good", "anchor.external", "anchor.covers"}
    assert [one["vouched_by"] for one in report.facts["anchors"]] == ["operator", "nobody"]


def test_taking_the_seal_away_leaves_an_external_fact(kit: Kit) -> None:
    target = kit.scene.target
    report = judged(kit, [decode(kit.anchored.proof)], trust(kit, target, evm_targets=()))
    assert report.claim("anchor").outcome == "needs_external_fact"
    named = judged(kit, [decode(kit.anchored.proof)], trust(kit, target, block(kit), evm_targets=()))
    assert (named.verdict, said(named)) == ("proved", {"anchor.named", "anchor.covers", "anchor.named-covers"})


@pytest.mark.parametrize("named", [False, True])
def test_what_no_anchor_reaches_is_not_proved_whoever_vouches(kit: Kit, named: bool) -> None:
    """The kit's late object lies beyond the only anchor: an external fact would not mend that."""
    target, proof = as_other_chain(kit)
    believed = trust(kit, target, *([block(kit)] if named else []))
    anchors = [AnchorMaterial(encode(proof), kit.anchored.checkpoint)]
    material = kit.scene.material(kit.late, anchors=anchors)
    report = kit.scene.verify(kit.scene.bundle(case_members(material)), believed)
    assert report.claim("anchor").outcome == "not_proved"
    assert "anchor.uncovered" in said(report)


def test_a_named_block_from_before_the_case_does_not_lend_it_independence(tmp_path: Path) -> None:
    """The reader names a block that holds the log as it was; what the case is about only the operator's chain holds."""
    kit = build_kit(tmp_path)
    target, proof = as_other_chain(kit)
    kit.scene.anchor()
    anchors = [AnchorMaterial(encode(proof), kit.anchored.checkpoint), kit.scene.anchors[-1]]
    believed = trust(kit, target, block(kit))
    judgements = [
        kit.scene.verify(kit.scene.bundle(case_members(kit.scene.material(subject, anchors=anchors))), believed)
        for subject in (kit.late, kit.made)
    ]
    assert [(one.verdict, operator_alone(one)) for one in judgements] == [("proved", True), ("proved", False)]
    assert [said(one) for one in judgements] == [
        {"anchor.named", "anchor.good", "anchor.covers"},
        {"anchor.named", "anchor.good", "anchor.covers", "anchor.named-covers"},
    ]
    late, early = (why(one.claim("anchor"), "en") for one in judgements)
    assert late.startswith("by the word of the chain's operator alone")
    assert "whose hash" in early
    assert [words("en").one_history in text_report(one, "en") for one in judgements] == [True, False]
