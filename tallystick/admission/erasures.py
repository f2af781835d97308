"""Rules for private values: an entry's commitments are remembered, so that an erasure names what there was."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from tallystick.admission.context import Context
from tallystick.admission.refusal import Refused
from tallystick.admission.state import Committed, committed_key
from tallystick.events.erasure import Erasure
from tallystick.events.kinds import SINCE


def remember(context: Context) -> None:
    """Of an entry that is admitted with commitments: who said it of what, and their names."""
    commitments = context.event.private
    if commitments and context.log.version >= SINCE["disclosure.erase"]:
        names = tuple(sorted(commitments))
        speaker = context.actor.party or context.statement.issuer
        context.put(committed_key(context.position), Committed(speaker, context.event.subject, names, ()))


def erase(context: Context) -> None:
    """``disclosure.erase``: by who said the entry, whom it is about, or the registrar."""
    body: Erasure = context.event.body
    if list(body.names) != sorted(set(body.names)):
        raise Refused("bad-names", "body.names", "the names are not sorted, or one is repeated", "sort them")
    key = committed_key(body.position)
    held = context.find(key, Committed)
    if held is None:
        _check_unremembered(context, body)
        return
    _check_entitled(context, held)
    unknown = sorted(set(body.names) - set(held.names))
    if unknown:
        raise Refused(
            "unknown-commitment",
            "body.names",
            f"entry {body.position} has commitments named {', '.join(held.names)}, none named {unknown[0]}",
            "name commitments of that entry",
        )
    gone = sorted(set(body.names) & set(held.erased))
    if gone:
        raise Refused(
            "already-erased",
            "body.names",
            f"{gone[0]} of entry {body.position} was erased before",
            "leave it out: it is gone already",
        )
    context.put(key, dataclasses.replace(held, erased=tuple(sorted({*held.erased, *body.names}))))


def _check_unremembered(context: Context, body: Erasure) -> None:
    """Entries of rules version 1 left no record of their commitments: there the registrar answers for the names."""
    policy = context.log.policy
    if policy is None or body.position >= policy:
        raise Refused(
            "unknown-commitment",
            "body.position",
            f"no entry with private values stands at position {body.position}",
            "name the position of an entry that has commitments",
        )
    context.require_registrar()


def _check_entitled(context: Context, held: Committed) -> None:
    if context.event.subject != held.subject:
        raise Refused(
            "wrong-subject",
            "subject",
            f"the entry is about {held.subject}, the erasure about {context.event.subject}",
            f"set the subject to {held.subject}",
        )
    if context.actor.role == "registrar" or context.party() in (held.party, held.subject):
        return
    raise Refused(
        "not-entitled",
        "iss",
        f"the values are of {held.party}, found {context.party()}",
        "ask the party that said them, or the registrar",
    )


RULES: dict[str, Callable[[Context], None]] = {"disclosure.erase": erase}
