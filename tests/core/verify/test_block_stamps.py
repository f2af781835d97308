"""Tokens over the block of an anchor, in a bundle: they bound the time of the checkpoint, and vouch for no header."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tallystick.case import AnchorMaterial, case_members
from tallystick.evm import anchor as evm
from tallystick.evm.proof import AnchorProof, decode, encode, with_tokens
from tallystick.verify import Report
from tests.core.timestamp.forge import Holder, Recipe, token
from tests.core.verify.kit import AT, Kit
from tests.core.verify.test_other_chains import as_other_chain, said, trust
from tests.core.verify.test_timestamps import KNOWN, STRANGE, TSA, at


def block_hash(kit: Kit) -> bytes:
    return evm.verify(decode(kit.anchored.proof), kit.scene.target).block_hash


def stamped(kit: Kit, message: bytes | None = None, signer: Holder = TSA, seconds: int = AT - 3600) -> AnchorProof:
    made = token(Recipe(signer, message=block_hash(kit) if message is None else message, gen_time=at(seconds)))
    return with_tokens(decode(kit.anchored.proof), [made])


def judged(kit: Kit, proof: AnchorProof, when: int = AT, **believed: Any) -> Report:
    material = kit.material(anchors=[AnchorMaterial(encode(proof), kit.anchored.checkpoint)])
    return kit.scene.verify(kit.scene.bundle(case_members(material)), kit.trust(**believed), when)


def test_a_token_over_the_block_is_told_and_bounds_the_time(kit: Kit) -> None:
    report = judged(kit, stamped(kit), **KNOWN)
    assert (report.verdict, report.claim("anchor").outcome) == ("proved", "proved")
    assert said(report) == {"anchor.token", "anchor.good", "anchor.covers"}


def test_a_token_of_another_hash_contradicts(kit: Kit) -> None:
    for message in (b"\x00" * 32, block_hash(kit)[:31], block_hash(kit).hex().encode(), kit.anchored.checkpoint):
        report = judged(kit, stamped(kit, message), **KNOWN)
        assert (report.refused_at, report.claim("anchor").outcome) == (10, "contradicted")


def test_a_changed_token_contradicts(kit: Kit) -> None:
    good = stamped(kit)
    assert good.tokens is not None
    for at_byte in (40, 200, -5):
        data = bytearray(token(Recipe(TSA, message=block_hash(kit), gen_time=at(AT - 3600))))
        data[at_byte] ^= 1
        report = judged(kit, with_tokens(good, [bytes(data)]), **KNOWN)
        assert report.claim("anchor").outcome == "contradicted", at_byte
    assert judged(kit, with_tokens(good, [b"\x30\x00"]), **KNOWN).claim("anchor").outcome == "contradicted"


def test_a_token_of_a_strange_authority_says_nothing_and_harms_nothing(kit: Kit) -> None:
    report = judged(kit, stamped(kit, signer=STRANGE), **KNOWN)
    untrusted = judged(kit, stamped(kit))
    assert "anchor.token-unknown" in said(untrusted)
    assert untrusted.verdict == "proved"
    assert "anchor.token" not in said(report)


def test_a_token_later_than_the_examination_is_told_as_such(kit: Kit) -> None:
    report = judged(kit, stamped(kit, seconds=AT + 3600), **KNOWN)
    assert "anchor.token-later" in said(report)
    assert "anchor.token" not in said(report)


def test_a_token_vouches_for_no_header(kit: Kit) -> None:
    target, proof = as_other_chain(kit)
    made = stamped(kit).tokens
    believed = trust(kit, target, **KNOWN)
    anchors = [AnchorMaterial(encode(replace(proof, tokens=made)), kit.anchored.checkpoint)]
    report = kit.scene.verify(kit.scene.bundle(case_members(kit.material(anchors=anchors))), believed)
    assert report.claim("anchor").outcome == "needs_external_fact"
    assert said(report) == {"anchor.token", "anchor.external"}
