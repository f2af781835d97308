"""Step 14: each timestamp token is sound, over a checkpoint of this log, and by an authority that the reader knows."""

from __future__ import annotations

import hashlib
from typing import Any

from tallystick.case import Timestamp
from tallystick.checkpoint import Checkpoint
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.key_history import KeyHistory
from tallystick.merkle import verify_consistency
from tallystick.timestamp import RevokedAuthority, TimestampFact, UnknownAuthority, verify_token
from tallystick.tree_head import verify_tree_head
from tallystick.trust_line import Anchored, trust_line
from tallystick.verify.examination import Examination, Stamped
from tallystick.verify.outcome import Finding, Tally, say, time_text
from tallystick.verify.revocation import revocation_fact, tell_revocation


def check_timestamps(ex: Examination) -> Finding:
    """Proved when every token is; one of an authority that the trust file does not know is told, never skipped."""
    tally = Tally()
    if ex.head is None or ex.keys is None:
        return Finding("not_proved", (say("rests-on", steps="5"),))
    if not ex.case.timestamps:
        tally.lacks("timestamp.none")
    facts: list[dict[str, Any]] = []
    for stamp in ex.case.timestamps:
        before = len(ex.stamped)
        told: dict[str, Any] = {"number": stamp.number}
        try:
            _check(ex, tally, stamp, ex.head, ex.keys, told)
        except RevokedAuthority as error:
            told |= _fact(error.fact)
            tally.lacks("timestamp.revoked", number=stamp.number, detail=str(error))
        except UnknownAuthority as error:
            tally.lacks("timestamp.unknown", number=stamp.number, detail=str(error))
        except (VerificationFailed, MalformedInput) as error:
            tally.contradicts("timestamp.bad", number=stamp.number, detail=str(error))
        facts.append({**told, "proved": len(ex.stamped) > before})
    ex.facts["timestamps"] = facts
    return tally.finding()


def _check(
    ex: Examination, tally: Tally, stamp: Timestamp, head: Checkpoint, keys: KeyHistory, told: dict[str, Any]
) -> None:
    signed = verify_tree_head(stamp.checkpoint, keys)
    found = signed.checkpoint
    sizes = (found.size, head.size)
    ex.joined.add(sizes)
    verify_consistency(found.size, found.root, head.size, head.root, ex.case.consistency.get(sizes, ()))
    ex.heads.append(signed)
    told |= {"size": found.size, "root": found.root.hex()}
    fact = verify_token(stamp.token, signed.note.text.encode(), ex.trust.time_authorities, ex.words)
    told |= _fact(fact)
    if fact.not_after > ex.at:
        tally.lacks("timestamp.later", number=stamp.number, time=time_text(fact.not_after))
        return
    ex.stamped.append(Stamped(stamp.number, found.size, found.root, fact, hashlib.sha256(stamp.token).digest()))
    line = trust_line(
        Anchored(
            kind="rfc3161",
            size=found.size,
            root=found.root,
            time=fact.not_after,
            name=fact.authority,
            independent=fact.independent,
            own=fact.operator_only,
        )
    )
    told |= {"trust": {"zh": line.text("zh"), "en": line.text("en")}}
    tally.shows(
        "timestamp.good",
        authority=fact.authority,
        size=found.size,
        time=time_text(fact.gen_time // 1_000_000),
        accuracy="?" if fact.accuracy is None else seconds_text(fact.accuracy),
        signer=fact.signer,
    )
    tell_revocation(ex, tally, f"data/timestamps/{stamp.number}/token.tst", fact)
    if fact.operator_only:
        tally.shows("timestamp.own", authority=fact.authority)
    elif not fact.independent:
        tally.shows("timestamp.dependent", authority=fact.authority)


def seconds_text(micros: int) -> str:
    """Seconds with as many decimals as it takes."""
    return f"{micros // 1_000_000}.{micros % 1_000_000:06}".rstrip("0").rstrip(".")


def _fact(fact: TimestampFact) -> dict[str, Any]:
    return ({"revocation": list(map(revocation_fact, fact.revocation))} if fact.revocation else {}) | {
        "authority": fact.authority,
        "independent": fact.independent,
        "operator_only": fact.operator_only,
        "gen_time": time_text(fact.gen_time // 1_000_000),
        "accuracy": None if fact.accuracy is None else seconds_text(fact.accuracy),
        "not_before": time_text(fact.not_before),
        "not_after": time_text(fact.not_after),
        "policy": fact.policy,
        "serial": f"{fact.serial:x}",
        "ordering": fact.ordering,
        "signer": fact.signer,
        "signer_sha256": fact.signer_sha256,
        "root_sha256": fact.root_sha256,
    }
