"""Step 10: a contract that checks consistency holds the log's checkpoints, and they cover what the case is about.

Of several anchors, those count whose block header somebody vouches for: the
operator by his seal, or the reader by naming the block. The others are shown with
what must be compared, and decide only where the first do not reach.
"""

from __future__ import annotations

from collections.abc import Iterable

from tallystick.case import Anchor
from tallystick.checkpoint import Checkpoint
from tallystick.errors import VerificationFailed
from tallystick.events.log import AnchorTarget
from tallystick.evm import anchor as evm
from tallystick.evm.tokens import BlockStamps, check_tokens
from tallystick.key_history import KeyHistory
from tallystick.merkle import verify_consistency
from tallystick.tree_head import origin_hash, signing_time, verify_tree_head
from tallystick.verify.examination import Examination, Stamped
from tallystick.verify.outcome import Finding, Tally, time_text
from tallystick.verify.revocation import tell_revocation


def check_anchors(ex: Examination) -> Finding:
    """Every anchor in the bundle holds, and every entry about the case's subjects lies below an anchored size."""
    tally = Tally()
    if ex.head is None or ex.keys is None:
        tally.lacks("rests-on", steps="5")
        return tally.finding()
    if not ex.case.anchors:
        tally.lacks("anchor.none")
    for anchor in ex.case.anchors:
        try:
            _check_anchor(ex, tally, ex.head, ex.keys, anchor)
        except VerificationFailed as error:
            tally.contradicts("anchor.bad", number=anchor.number, detail=str(error))
    audited = {(size, ex.head.size) for size in ex.audited_sizes}
    for old, new in sorted(set(ex.case.consistency) - ex.joined - audited):
        tally.lacks("anchor.unused-proof", old=old, new=new)
    _check_cover(ex, tally)
    ex.facts["anchors"] = [_fact(fact) for fact in (*ex.anchored, *ex.unvouched)]
    return tally.finding()


def _check_anchor(ex: Examination, tally: Tally, head: Checkpoint, keys: KeyHistory, anchor: Anchor) -> None:
    target = _target(ex, anchor)
    if target is None:
        tally.lacks("anchor.unknown-target", number=anchor.number, contract=anchor.proof.target.contract)
        return
    fact = evm.verify(anchor.proof, target, ex.trust.chains)
    if (fact.origin_hash, fact.authority) != (
        origin_hash(keys.origin),
        keys.at(fact.size).authority_address,
    ) or fact.first_authority not in keys.authorities(fact.size):
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
    _join(ex, head, found)
    stamps = check_tokens(
        anchor.proof, fact.block_hash, ex.trust.time_authorities, ex.words if anchor.proof.tokens else None
    )
    ex.heads.append(signed)
    _tell_stamps(ex, tally, anchor, fact, stamps)
    (ex.unvouched if fact.vouched_by == "nobody" else ex.anchored).append(fact)


def _tell_stamps(ex: Examination, tally: Tally, anchor: Anchor, fact: evm.AnchorFact, stamps: BlockStamps) -> None:
    """A token over the block hash bounds the time of the checkpoint in the block, whoever vouches for the header."""
    for detail in stamps.unknown:
        tally.shows("anchor.token-unknown", number=anchor.number, detail=detail)
    for detail in stamps.revoked:
        tally.shows("anchor.token-revoked", number=anchor.number, detail=detail)
    for one in stamps.known:
        told = {"authority": one.fact.authority, "block": fact.block_number, "time": time_text(one.fact.not_after)}
        if one.fact.not_after > ex.at:
            tally.shows("anchor.token-later", number=anchor.number, **told)
            continue
        ex.stamped.append(Stamped(anchor.number, fact.size, fact.root, one.fact, one.token_sha256))
        tally.shows("anchor.token", number=anchor.number, **told)
        tell_revocation(ex, tally, f"data/anchors/{anchor.number}/proof.json", one.fact)


def _target(ex: Examination, anchor: Anchor) -> AnchorTarget | None:
    """The target as the log or the trust file names it."""
    named = ex.log_state.targets if ex.log_state else ()
    return next((one for one in (*named, *ex.trust.file.evm_targets) if one == anchor.proof.target), None)


def _join(ex: Examination, head: Checkpoint, anchored: Checkpoint) -> None:
    """The case's tree extends the anchored one."""
    sizes = (anchored.size, head.size)
    path = ex.case.consistency.get(sizes, ())
    ex.joined.add(sizes)
    verify_consistency(anchored.size, anchored.root, head.size, head.root, path)


def _check_cover(ex: Examination, tally: Tally) -> None:
    for fact in ex.anchored:
        if fact.vouched_by == "operator":
            tally.shows("anchor.good", **_told(fact))
        else:
            tally.shows("anchor.named", **_told(fact))
    settled = bool(ex.anchored) and not _above(ex, ex.anchored)
    for fact in ex.unvouched:
        note = tally.shows if settled else tally.needs
        note("anchor.external", **_told(fact))
    reach = (*ex.anchored, *ex.unvouched)
    size = max((fact.size for fact in reach), default=0)
    above = _above(ex, reach)
    if above:
        tally.lacks("anchor.uncovered", positions=", ".join(map(str, above)), size=size)
    elif settled:
        tally.shows("anchor.covers", size=max(fact.size for fact in ex.anchored))
    named = [fact for fact in ex.anchored if fact.vouched_by != "operator"]
    if named and not _above(ex, named):
        tally.shows("anchor.named-covers", size=max(fact.size for fact in named))


def _above(ex: Examination, facts: Iterable[evm.AnchorFact]) -> list[int]:
    """Positions of the entries about the case's subjects that none of these anchors covers."""
    covered = max((fact.size for fact in facts), default=0)
    return [one.placed.position for one in ex.about if one.placed.position >= covered]


def _told(fact: evm.AnchorFact) -> dict[str, object]:
    return {
        "size": fact.size,
        "chain": fact.chain_id,
        "block": fact.block_number,
        "time": time_text(fact.block_time),
        "registry": fact.registry,
        "hash": fact.block_hash.hex(),
    }


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
        "finality": fact.finality,
        "needs": [] if fact.line.needs is None else [fact.line.needs.en],
        "trust": fact.line.text("en"),
    }
