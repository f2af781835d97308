"""Steps 4 and 5: the tree head is signed by the log that the trust file names, and each entry stands in its tree."""

from __future__ import annotations

from tallystick.cosignature import MlDsaCosigner, cosigned_at
from tallystick.errors import VerificationFailed
from tallystick.events.log import KeySet
from tallystick.keys import PublicKey
from tallystick.merkle import verify_inclusion
from tallystick.note import Note, verify_note
from tallystick.tree_head import LogKeys, SignedCheckpoint, verify_tree_head
from tallystick.trust import LogTrust
from tallystick.verify.examination import Examination
from tallystick.verify.outcome import Finding, Tally, say, time_text


def check_checkpoint(ex: Examination) -> Finding:
    """Step 5: all three signatures of the log, the witnesses' quorum, and entry 0 names the keys that are trusted."""
    origin = ex.case.index.log
    log = ex.trust.logs.get(origin)
    if log is None:
        known = ", ".join(ex.trust.logs)
        return Finding("not_proved", (say("checkpoint.unknown-log", origin=origin, known=known),))
    try:
        head = verify_tree_head(ex.case.checkpoint, log.keys)
    except VerificationFailed as error:
        return Finding("contradicted", (say("checkpoint.bad", detail=str(error)),))
    signed_at = signing_time(head.note, log.keys)
    for finding in (_check_time(ex, signed_at), _check_witnesses(ex, head), _check_genesis(ex, log)):
        if finding is not None:
            return finding
    ex.head, ex.head_signed_at = head.checkpoint, signed_at
    ex.facts["checkpoint"] = {
        "origin": origin,
        "size": head.checkpoint.size,
        "root": head.checkpoint.root.hex(),
        "signed_at": time_text(signed_at),
    }
    lines = [say("checkpoint.good", origin=origin, size=head.checkpoint.size, root=head.checkpoint.root.hex())]
    if ex.trust.witnesses:
        lines.append(say("checkpoint.witnesses", quorum=ex.trust.file.witnesses.quorum))
    return Finding("proved", tuple(lines))


def signing_time(note: Note, keys: LogKeys) -> int:
    """Unix seconds that the log's own ML-DSA signature on a verified checkpoint claims."""
    verifier = MlDsaCosigner(keys.origin, keys.ml_dsa)
    for signature in note.signatures:
        if (signature.name, signature.key_id) == (verifier.name, verifier.key_id):
            return cosigned_at(signature.signature)
    raise VerificationFailed("the checkpoint bears no ML-DSA-44 signature of the log")


def _check_time(ex: Examination, signed_at: int) -> Finding | None:
    if signed_at > ex.at:
        return Finding("not_proved", (say("checkpoint.later", time=time_text(signed_at)),))
    return None


def _check_witnesses(ex: Examination, head: SignedCheckpoint) -> Finding | None:
    quorum = ex.trust.file.witnesses.quorum
    if quorum == 0:
        return None
    try:
        found = verify_note(head.note, ex.trust.witnesses)
    except VerificationFailed as error:
        return Finding("not_proved", (say("checkpoint.no-quorum", detail=str(error), quorum=quorum),))
    signed_by = {(witness.name, witness.key_id) for witness in found}
    times = [cosigned_at(one.signature) for one in head.note.signatures if (one.name, one.key_id) in signed_by]
    timely = [seconds for seconds in times if seconds <= ex.at]
    if len(timely) < quorum:
        detail = f"{len(timely)} of the trusted witnesses cosigned by then"
        return Finding("not_proved", (say("checkpoint.no-quorum", detail=detail, quorum=quorum),))
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
