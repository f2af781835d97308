"""The one decision: may this statement stand at this position?"""

from __future__ import annotations

from typing import NamedTuple

from tallystick.admission import (
    capabilities,
    erasures,
    facts,
    licensing,
    log_rules,
    objects,
    parties,
    rotation,
    settlements,
    transfers,
)
from tallystick.admission.context import Actor, Context
from tallystick.admission.refusal import Refused
from tallystick.admission.signer import check_signature, resolve_signer
from tallystick.admission.state import LogState, MemoryState, State, StateReader
from tallystick.events.kinds import LATER_OF, SINCE
from tallystick.keys import PublicKey
from tallystick.statement import Statement
from tallystick.times import format_time, parse_time

CLOCK_TOLERANCE = 300
"""Seconds by which a claimed time may lie after admission: clocks of honest parties differ."""

_RULES = {
    **log_rules.RULES,
    **parties.RULES,
    **objects.RULES,
    **capabilities.RULES,
    **licensing.RULES,
    **transfers.RULES,
    **erasures.RULES,
    **rotation.RULES,
    **facts.RULES,
    **settlements.RULES,
}


class Admission(NamedTuple):
    """A statement that is admitted: who said it, by which key, and what it changes."""

    actor: Actor
    key: PublicKey
    changes: tuple[tuple[str, State], ...]


def decide(
    statement: Statement, position: int, admitted_at: int, reader: StateReader, verified_with: PublicKey | None = None
) -> Admission:
    """Admit ``statement`` at ``position`` (leaf index) in a batch of time ``admitted_at`` (Unix seconds), or refuse.

    ``verified_with``: a key with which the caller has already verified this
    statement's signature; it is verified here unless that is the key the log knows.
    Raises ``Refused``.
    """
    if position == 0:
        return _begin(statement, admitted_at, reader, verified_with)
    actor, key = resolve_signer(statement, admitted_at, reader, position)
    if verified_with is not key and verified_with != key:
        check_signature(statement, key)
    context = Context(statement, position, admitted_at, reader, actor)
    _check_order(context)
    _RULES[context.event.type](context)
    if context.event.private:
        erasures.remember(context)
    return Admission(actor, key, tuple(context.changes.items()))


def _begin(statement: Statement, admitted_at: int, reader: StateReader, verified_with: PublicKey | None) -> Admission:
    """Entry 0: signed by the registrar's key that it names itself; a verifier compares that key with its trust file."""
    if statement.event.type != "log.key-set":
        raise Refused("log-not-begun", "type", f"entry 0 is {statement.event.type}", "entry 0 must be log.key-set")
    context = Context(statement, 0, admitted_at, reader, Actor(statement.event.body.registrar, "registrar"))
    _check_time(context)
    log_rules.begin(context)
    # From here on the set speaks for itself: its signer is found as for every later entry.
    begun = MemoryState()
    begun.apply(context.changes.items())
    actor, key = resolve_signer(statement, admitted_at, begun, 0)
    if actor.role != "registrar":
        raise Refused("not-entitled", "kid", f"the {actor.role} key signed the key set", "have the registrar sign it")
    if verified_with != key:
        check_signature(statement, key)
    return Admission(actor, key, tuple(context.changes.items()))


def _check_order(context: Context) -> None:
    log = context.log
    if log.policy is None and context.event.type != "log.policy":
        raise Refused("no-policy", "type", "no registration policy is in force", "entry 1 must be log.policy")
    _check_rules(context, log)
    _check_time(context)


def _check_rules(context: Context, log: LogState) -> None:
    """The rules in force know the type, and the log has not ended."""
    kind = context.event.type
    since = SINCE.get(kind, 1)
    if since > log.version:
        _require(log, since, "type", kind)
    for later in LATER_OF.get(kind, ()):
        if later.used(context.event.body):
            what = f"{kind} with {later.field}"
            if later.words:
                what = f"{what} {getattr(context.event.body, later.field)}"
            _require(log, later.version, f"body.{later.field}", what)
    if log.frozen is not None and not (kind == "log.batch" and context.position == log.frozen + 1):
        raise Refused(
            "log-frozen",
            "type",
            f"the log ended at position {log.frozen}",
            "nothing enters it any more; say it to the log that succeeds it",
        )


def _require(log: LogState, since: int, where: str, what: str) -> None:
    if since > log.version:
        raise Refused(
            "policy-too-old",
            where,
            f"{what} came with version {since} of the rules, version {log.version} is in force since {log.policy}",
            f"have the registrar record a log.policy of version {since} first",
        )


def _check_time(context: Context) -> None:
    if parse_time(context.event.time) > context.admitted_at + CLOCK_TOLERANCE:
        raise Refused(
            "time-in-future",
            "time",
            f"the claimed time {context.event.time} lies after the admission, {format_time(context.admitted_at)}",
            "set the clock of the machine that signs",
        )
