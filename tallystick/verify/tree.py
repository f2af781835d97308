"""Steps 4 and 5: the tree head is signed by the log that the trust file names, and each entry stands in its tree."""

from __future__ import annotations

from tallystick.checkpoint import Checkpoint
from tallystick.errors import VerificationFailed
from tallystick.events.log import KeySet
from tallystick.keys import PublicKey
from tallystick.merkle import verify_inclusion
from tallystick.replay import Placed, shown_keys
from tallystick.tree_head import SignedCheckpoint, signing_time, verify_tree_head
from tallystick.trust import LogTrust
from tallystick.verify.examination import Examination
from tallystick.verify.forks import check_accusations
from tallystick.verify.outcome import Finding, Tally, say, time_text


def check_checkpoint(ex: Examination) -> Finding:
    """Step 5: all three signatures of the log, the witnesses' quorum, and entry 0 names the keys that are trusted."""
    origin = ex.case.index.log
    log = ex.trust.logs.get(origin)
    if log is None:
        known = ", ".join(ex.trust.logs)
        return Finding("not_proved", (say("checkpoint.unknown-log", origin=origin, known=known),))
    rotations = _rotations(ex)
    try:
        keys = shown_keys(ex.replay, log.history) if rotations else log.history
        head = verify_tree_head(ex.case.checkpoint, keys)
        _check_rotations(ex, rotations, head.checkpoint)
    except VerificationFailed as error:
        return Finding("contradicted", (say("checkpoint.bad", detail=str(error)),))
    if forks := check_accusations(ex, keys, innocent := Tally()):
        return Finding("contradicted", tuple(forks))
    signed_at = signing_time(head.note, keys)
    for finding in (_check_time(ex, signed_at), _check_witnesses(ex, log, head), _check_genesis(ex, log)):
        if finding is not None:
            return finding
    ex.head, ex.head_signed_at, ex.keys = head.checkpoint, signed_at, keys
    ex.heads.append(head)
    ex.facts["checkpoint"] = {
        "origin": origin,
        "size": head.checkpoint.size,
        "root": head.checkpoint.root.hex(),
        "signed_at": time_text(signed_at),
    }
    lines = [say("checkpoint.good", origin=origin, size=head.checkpoint.size, root=head.checkpoint.root.hex())]
    for one in keys.replaced:
        if one.position < head.checkpoint.size:
            told = {"role": one.role, "position": one.position, "time": one.since}
            named = one in log.replaced
            lines.append(say("checkpoint.rotated-trust", **told) if named else say("checkpoint.rotated-shown", **told))
    if log.quorum:
        lines.append(say("checkpoint.witnesses", quorum=log.quorum))
    return Finding("proved", (*lines, *innocent.lines))


def _rotations(ex: Examination) -> list[Placed]:
    return [placed for placed in ex.case.entries if placed.statement.event.type == "log.rotate"]


def _check_rotations(ex: Examination, rotations: list[Placed], head: Checkpoint) -> None:
    """The keys that signed the tree head rest on these entries: they stand in the very tree that it speaks of."""
    for placed in rotations:
        path = ex.case.inclusion.get(placed.position)
        if path is None:
            raise VerificationFailed(f"the rotation at position {placed.position} is shown without inclusion proof")
        verify_inclusion(placed.statement.leaf, placed.position, head.size, path, head.root)


def _check_time(ex: Examination, signed_at: int) -> Finding | None:
    if signed_at > ex.at:
        return Finding("not_proved", (say("checkpoint.later", time=time_text(signed_at)),))
    return None


def _check_witnesses(ex: Examination, log: LogTrust, head: SignedCheckpoint) -> Finding | None:
    try:
        log.require_quorum(head.note, ex.at)
    except VerificationFailed as error:
        return Finding("not_proved", (say("checkpoint.no-quorum", detail=str(error), quorum=log.quorum),))
    return None


def _check_genesis(ex: Examination, log: LogTrust) -> Finding | None:
    """Entry 0 must name exactly the trusted keys: otherwise it is another log under the same name."""
    placed = ex.entries.get(0)
    if placed is None or not isinstance(placed.statement.event.body, KeySet):
        return Finding("not_proved", (say("checkpoint.no-genesis"),))
    body = placed.statement.event.body
    trusted = {
        "log": log.keys.ed25519,
        "log-pq": log.keys.ml_dsa,
        "authority": log.keys.authority,
        "registrar": log.registrar,
    }
    named: dict[str, PublicKey] = {key.role: PublicKey.from_text(key.key) for key in body.keys}
    wrong = sorted(role for role, key in trusted.items() if named.get(role) != key)
    if wrong or body.origin != log.keys.origin:
        return Finding("contradicted", (say("checkpoint.other-log", roles=", ".join(wrong) or "origin"),))
    return None


def check_inclusion(ex: Examination) -> Finding:
    """Step 4: each entry's leaf hash at the index that its name says, in the tree that the signed checkpoint says."""
    if ex.head is None:
        return Finding("not_proved", (say("rests-on", steps="5"),))
    tally = Tally()
    for placed in ex.case.entries:
        path = ex.case.inclusion.get(placed.position)
        if path is None:
            tally.lacks("inclusion.missing", position=placed.position)
            continue
        try:
            verify_inclusion(placed.statement.leaf, placed.position, ex.head.size, path, ex.head.root)
        except VerificationFailed as error:
            tally.contradicts("inclusion.bad", position=placed.position, detail=str(error))
    if tally.holds:
        tally.shows("inclusion.good", count=len(ex.case.entries), size=ex.head.size, root=ex.head.root.hex())
    return tally.finding()
