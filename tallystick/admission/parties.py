"""Rules for parties, their keys, and disputes, which any party may open."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from tallystick.admission.context import Context
from tallystick.admission.refusal import Refused
from tallystick.admission.state import DisputeState, HeldKey, PartyState, kid_key
from tallystick.events.dispute import DisputeOpening, DisputeResolution
from tallystick.events.party import PartyKey, PartyRegistration, ValidKey
from tallystick.keys import PublicKey


def register(context: Context) -> None:
    """``party.register``: the registrar vouches for a party and its keys."""
    body: PartyRegistration = context.event.body
    context.require_registrar()
    if "registrar" in body.roles:
        raise Refused(
            "not-entitled", "body.roles", "the registrar is named in the key set alone", "leave the role registrar out"
        )
    context.enter(PartyState(body.kind, tuple(body.roles), tuple(_hold(context, key) for key in body.keys)))


def change_key(context: Context) -> None:
    """``party.key``: the registrar adds or revokes a key."""
    body: PartyKey = context.event.body
    context.require_registrar()
    subject = context.event.subject
    party = context.need(subject, PartyState, "subject")
    if body.action == "add" and body.add is not None and body.revoke is None:
        keys = (*party.keys, _hold(context, body.add))
    elif body.action == "revoke" and body.revoke is not None and body.add is None:
        keys = _revoke(context, party, body.revoke)
    else:
        raise Refused(
            "incomplete",
            "body",
            f"action {body.action} takes the field {body.action} and no other",
            "give the key to add, or the thumbprint to revoke",
        )
    context.put(subject, dataclasses.replace(party, keys=keys))


def _hold(context: Context, key: ValidKey) -> HeldKey:
    if key.key.alg not in ("ed25519", "es256"):
        raise Refused(
            "bad-key",
            "body.keys",
            f"a party signs with ed25519 or es256, found {key.key.alg}",
            "make a key of one of these kinds",
        )
    kid = PublicKey.from_text(key.key).kid.hex()
    if any(PublicKey.from_text(held).kid.hex() == kid for held in context.log.ever_held()):
        raise Refused(
            "already-used", "body.keys", f"key {kid} is one of the log's own", "make a key of the party's own"
        )
    context.take(kid_key(kid), "body.keys", f"key {kid}")
    return HeldKey(kid, key.key, key.not_before, context.position, key.not_after)


def _revoke(context: Context, party: PartyState, kid: str) -> tuple[HeldKey, ...]:
    if not any(key.kid == kid and key.revoked is None for key in party.keys):
        raise Refused(
            "unregistered",
            "body.revoke",
            f"{context.event.subject} has no key {kid} in force",
            "name the thumbprint of a key in force",
        )
    return tuple(dataclasses.replace(key, revoked=context.position) if key.kid == kid else key for key in party.keys)


def open_dispute(context: Context) -> None:
    """``dispute.open``: by any registered party, about anything registered."""
    body: DisputeOpening = context.event.body
    claimant = context.party()
    context.need(claimant, PartyState, "iss")
    context.need(body.target, object, "body.target")
    context.enter(DisputeState(body.target, claimant, "open"))


def resolve_dispute(context: Context) -> None:
    """``dispute.resolve``: the registrar records the outcome of an open dispute."""
    body: DisputeResolution = context.event.body
    context.require_registrar()
    dispute = context.need(context.event.subject, DisputeState, "subject")
    if dispute.status != "open":
        raise Refused("wrong-state", "subject", f"the dispute is {dispute.status} already", "open a new dispute")
    context.put(context.event.subject, dataclasses.replace(dispute, status=body.outcome))


RULES: dict[str, Callable[[Context], None]] = {
    "party.register": register,
    "party.key": change_key,
    "dispute.open": open_dispute,
    "dispute.resolve": resolve_dispute,
}
