"""Step 10: a contract that checks consistency holds the log's checkpoints, and they cover what the case is about."""

from __future__ import annotations

from tallystick.case import Anchor
from tallystick.checkpoint import Checkpoint
from tallystick.errors import VerificationFailed
from tallystick.events.log import AnchorTarget
from tallystick.evm import anchor as evm
from tallystick.merkle import verify_consistency
from tallystick.tree_head import CheckpointKeys, origin_hash, signing_time, verify_tree_head
from tallystick.verify.examination import Examination
from tallystick.verify.outcome import Finding, Tally, time_text


def check_anchors(ex: Examination) -> Finding:
    """Every anchor in the bundle holds, and every entry about the case's subjects lies below an anchored size."""
    tally = Tally()
    if ex.head is None or ex.keys is None:
        tally.lacks("rests-on", steps="5")
        return tally.finding()
    if not ex.case.anchors:
        tally.lacks("anchor.none")
    joined: set[tuple[int, int]] = set()
    for anchor in ex.case.anchors:
        try:
            _check_anchor(ex, tally, ex.head, ex.keys, anchor, joined)
        except VerificationFailed as error:
            tally.contradicts("anchor.bad", number=anchor.number, detail=str(error))
    for old, new in sorted(set(ex.case.consistency) - joined):
        tally.lacks("anchor.unused-proof", old=old, new=new)
    _check_cover(ex, tally)
    ex.facts["anchors"] = [_fact(fact) for fact in ex.anchored]
    return tally.finding()


def _check_anchor(
    ex: Examination,
    tally: Tally,
    head: Checkpoint,
    keys: CheckpointKeys,
    anchor: Anchor,
    joined: set[tuple[int, int]],
) -> None:
    target = _target(ex, anchor)
    if target is None:
        tally.lacks("anchor.unknown-target", number=anchor.number, contract=anchor.proof.target.contract)
        return
    fact = evm.verify(anchor.proof, target)
    if (fact.origin_hash, fact.authority) != (origin_hash(keys.origin), keys.at(fact.size).authority_address):
        raise VerificationFailed("the contract holds a checkpoint of another log, or under another authority")
    signed = verify_tree_head(anchor.checkpoint, keys)
    found = signed.checkpoint
    if (found.size, found.root) != (fact.size, fact.root):
        raise VerificationFailed(
            f"the contract holds size {fact.size} and root {fact.root.hex()}, "
            f"the signed checkpoint beside it says {found.size} and {found.root.hex()}"
        )
    for seconds in (fact.block_time, signing_time(signed.note, keys)):
        if seconds > ex.at:
            tally.lacks("anchor.later", number=anchor.number, time=time_text(seconds))
            return
    _join(ex, head, found, joined)
    ex.anchored.append(fact)
    tally.shows(
        "anchor.good",
        size=fact.size,
        chain=fact.chain_id,
        block=fact.block_number,
        time=time_text(fact.block_time),
        registry=fact.registry,
    )


def _target(ex: Examination, anchor: Anchor) -> AnchorTarget | None:
    """The target as the log or the trust file names it."""
    named = ex.log_state.targets if ex.log_state else ()
    return next((one for one in (*named, *ex.trust.file.evm_targets) if one == anchor.proof.target), None)


def _join(ex: Examination, head: Checkpoint, anchored: Checkpoint, joined: set[tuple[int, int]]) -> None:
    """The case's tree extends the anchored one."""
    sizes = (anchored.size, head.size)
    path = ex.case.consistency.get(sizes, ())
    joined.add(sizes)
    verify_consistency(anchored.size, anchored.root, head.size, head.root, path)


def _check_cover(ex: Examination, tally: Tally) -> None:
    covered = max((fact.size for fact in ex.anchored), default=0)
    above = [one.placed.position for one in ex.about if one.placed.position >= covered]
    if above:
        tally.lacks("anchor.uncovered", positions=", ".join(map(str, above)), size=covered)
    elif ex.anchored:
        tally.shows("anchor.covers", size=covered)


def _fact(fact: evm.AnchorFact) -> dict[str, object]:
    return {
        "size": fact.size,
        "root": fact.root.hex(),
        "registry": fact.registry,
        "chain_id": fact.chain_id,
        "block": fact.block_number,
        "block_hash": fact.block_hash.hex(),
        "block_time": time_text(fact.block_time),
        "vouched_by": fact.vouched_by,
        "needs": list(fact.needs),
        "trust": fact.trust,
    }
