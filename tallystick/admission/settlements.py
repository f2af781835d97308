"""Rules for settlements (rules 4). They touch nothing else: what a licence permits, a settlement never changes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from tallystick.admission.context import Context
from tallystick.admission.refusal import Refused
from tallystick.admission.standing import licensor_of
from tallystick.admission.state import (
    DisputeState,
    LicenceState,
    ObjectState,
    PartyState,
    SettlementState,
    settlement_key,
)
from tallystick.events.settlement import AMOUNT, VALUES, SettlementAcceptance, SettlementRecord


def record_settlement(context: Context) -> None:
    """``settlement.record``: by a party that the licence or the dispute concerns."""
    body: SettlementRecord = context.event.body
    subject = context.event.subject
    party = _speaker(context)
    _require_concerned(context, subject, party, "subject")
    _require_sorted(body.parties, "body.parties")
    if party not in body.parties:
        raise Refused("inconsistent", "body.parties", f"{party} is none of them", "name both sides, the speaker too")
    for index, other in enumerate(body.parties):
        context.need(other, PartyState, f"body.parties[{index}]")
    _check_also(context, body, party)
    if body.period is not None and body.period.start >= body.period.end:
        raise Refused("inconsistent", "body.period.end", "it ends before it begins", "give the times in order")
    names = set(context.event.commitments)
    if AMOUNT not in names or not names <= VALUES:
        raise Refused(
            "incomplete",
            f"private.{min(names - VALUES, default=AMOUNT)}",
            f"a settlement commits to {AMOUNT}, and beside it to {', '.join(sorted(VALUES - {AMOUNT}))} alone",
            "submit the amount as a private value",
        )
    if body.supersedes is not None:
        _check_superseded(context, body, body.supersedes)
    made = SettlementState(subject, body.parties, (party,), body.supersedes)
    context.put(settlement_key(context.position), made)


def accept_settlement(context: Context) -> None:
    """``settlement.accept``: by another of its parties, once."""
    body: SettlementAcceptance = context.event.body
    party = _speaker(context)
    told = context.need(settlement_key(body.record), SettlementState, "body.record")
    if told.subject != context.event.subject:
        raise Refused(
            "wrong-subject", "subject", f"entry {body.record} settles {told.subject}", "name the subject of that record"
        )
    if party not in told.parties:
        raise Refused(
            "not-entitled", "iss", f"{party} is no party to the settlement at {body.record}", "have its parties accept"
        )
    if party in told.agreed:
        raise Refused("wrong-state", "body.record", f"{party} agreed to it already", "nothing is left to do")
    _require_standing(told, body.record, "body.record")
    agreed = dataclasses.replace(told, agreed=(*told.agreed, party))
    context.put(settlement_key(body.record), agreed)
    if told.supersedes is not None and len(agreed.agreed) == len(told.parties):
        old = context.need(settlement_key(told.supersedes), SettlementState, "body.record")
        _require_standing(old, told.supersedes, "body.record")
        context.put(settlement_key(told.supersedes), dataclasses.replace(old, superseded=body.record))


def _speaker(context: Context) -> str:
    party = context.party()
    context.need(party, PartyState, "iss")
    return party


def _require_concerned(context: Context, subject: str, party: str, where: str) -> None:
    """A licence concerns who stands above it and who holds it; a dispute its claimant and who holds its target."""
    dispute = context.find(subject, DisputeState)
    target = subject if dispute is None else dispute.target
    if dispute is None:
        context.need(subject, LicenceState, where)
    if party not in {*_holders(context, target), *([] if dispute is None else [dispute.claimant])}:
        raise Refused("not-entitled", "iss", f"{subject} is no affair of {party}", "have a party to it say it")


def _holders(context: Context, target: str) -> tuple[str | None, ...]:
    licence, held = context.find(target, LicenceState), context.find(target, ObjectState)
    if licence is not None:
        return licensor_of(context, licence), licence.holder
    return (target, None if held is None else held.holder)


def _check_also(context: Context, body: SettlementRecord, party: str) -> None:
    also = body.also or ()
    _require_sorted(also, "body.also")
    if context.event.subject in also:
        raise Refused("inconsistent", "body.also", "it holds the subject", "name further licences alone")
    for index, licence in enumerate(also):
        context.need(licence, LicenceState, f"body.also[{index}]")
        _require_concerned(context, licence, party, f"body.also[{index}]")


def _check_superseded(context: Context, body: SettlementRecord, position: int) -> None:
    where = "body.supersedes"
    old = context.need(settlement_key(position), SettlementState, where)
    if (old.subject, old.parties) != (context.event.subject, body.parties):
        raise Refused(
            "inconsistent", where, f"entry {position} settles something else, or between others", "correct it apart"
        )
    _require_standing(old, position, where)


def _require_standing(told: SettlementState, position: int, where: str) -> None:
    if told.superseded is not None:
        raise Refused(
            "wrong-state", where, f"entry {position} was superseded by entry {told.superseded}", "name the latest one"
        )


def _require_sorted(names: Sequence[str], where: str) -> None:
    if list(names) != sorted(set(names)):
        raise Refused("inconsistent", where, "they are not sorted, or one is repeated", "sort them, each once")


RULES: dict[str, Callable[[Context], None]] = {
    "settlement.record": record_settlement,
    "settlement.accept": accept_settlement,
}
