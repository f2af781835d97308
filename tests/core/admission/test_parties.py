"""Parties, their keys, and disputes."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick.admission.state import DisputeState, HeldKey, PartyState, Taken, kid_key
from tallystick.events.dispute import DisputeOpening, DisputeResolution
from tallystick.events.party import PartyKey, PartyRegistration, ValidKey
from tallystick.identifiers import Letter, new_identifier
from tallystick.keys import LocalSigner
from tallystick.statement import Statement
from tests.core.admission.stage import Refusal, Refusals, Stage, check_refusal, new_stage
from tests.world import KEYS_FROM, Someone, key_from


def valid(signer: LocalSigner) -> ValidKey:
    return ValidKey(signer.public.to_text(), KEYS_FROM)


def register(stage: Stage, who: Someone | None = None, subject: str | None = None, *keys: LocalSigner) -> Statement:
    body = PartyRegistration("organisation", ("studio",), tuple(valid(key) for key in keys))
    subject = subject or stage.world.identifier(Letter.PARTY)
    return stage.world.say(who or stage.world.registrar, "party.register", subject, body)


def key_event(stage: Stage, body: PartyKey, who: Someone | None = None, subject: str | None = None) -> Statement:
    return stage.world.say(who or stage.world.registrar, "party.key", subject or stage.rival.id, body)


def add(key: LocalSigner) -> PartyKey:
    return PartyKey("add", valid(key))


def revoke(key: LocalSigner) -> PartyKey:
    return PartyKey("revoke", None, key.public.kid.hex())


def revoked_twice(stage: Stage) -> Statement:
    stage.admit(key_event(stage, revoke(stage.rival.signer)))
    return key_event(stage, revoke(stage.rival.signer))


def revived(stage: Stage) -> Statement:
    stage.admit(key_event(stage, revoke(stage.rival.signer)))
    return key_event(stage, add(stage.rival.signer))


def dispute(
    stage: Stage, who: Someone | None = None, target: str | None = None, subject: str | None = None
) -> Statement:
    body = DisputeOpening(target or stage.source, "authorship")
    subject = subject or stage.world.identifier(Letter.DISPUTE)
    return stage.world.say(who or stage.rival, "dispute.open", subject, body)


def resolve(stage: Stage, who: Someone | None = None, subject: str | None = None, outcome: Any = "upheld") -> Statement:
    if subject is None:
        opened = dispute(stage)
        stage.admit(opened)
        subject = opened.event.subject
    return stage.world.say(
        who or stage.world.registrar, "dispute.resolve", subject, DisputeResolution(outcome, "evidence")
    )


def resolved_twice(stage: Stage) -> Statement:
    said = resolve(stage)
    stage.admit(said)
    return resolve(stage, subject=said.event.subject)


def as_registrar_role(stage: Stage) -> Statement:
    body = PartyRegistration("organisation", ("studio", "registrar"), ())
    return stage.world.say(stage.world.registrar, "party.register", stage.world.identifier(Letter.PARTY), body)


NEW = key_from("a new key")
CASES: Refusals = {
    "a party registers a party": Refusal("not-entitled", "iss", lambda s: register(s, s.world.studio)),
    "the service registers a party": Refusal("not-entitled", "iss", lambda s: register(s, s.world.service)),
    "the log registers a party": Refusal("not-entitled", "iss", lambda s: register(s, s.world.log)),
    "a second registrar": Refusal("not-entitled", "body.roles", as_registrar_role),
    "a party twice": Refusal("already-registered", "subject", lambda s: register(s, None, s.rival.id)),
    "a party under the registrar's identifier": Refusal(
        "already-registered", "subject", lambda s: register(s, None, s.world.registrar.id)
    ),
    "a party of another prefix": Refusal(
        "foreign-prefix", "subject", lambda s: register(s, None, new_identifier(Letter.PARTY, bytes(10), "10.1000"))
    ),
    "a party with another's key": Refusal(
        "already-used", "body.keys", lambda s: register(s, None, None, s.rival.signer)
    ),
    "a party with one key twice": Refusal("already-used", "body.keys", lambda s: register(s, None, None, NEW, NEW)),
    **{
        f"a party with the {role} key of the log": Refusal(
            "already-used", "body.keys", lambda s, role=role: register(s, None, None, s.world.roles[role])
        )
        for role in ("log", "registrar", "service", "exporter", "status")
    },
    "a party with an ML-DSA key": Refusal(
        "bad-key", "body.keys", lambda s: register(s, None, None, key_from("x", "ml-dsa-44"))
    ),
    "a party with a secp256k1 key": Refusal(
        "bad-key", "body.keys", lambda s: register(s, None, None, key_from("x", "es256k"))
    ),
    "a party adds a key to itself": Refusal("not-entitled", "iss", lambda s: key_event(s, add(NEW), s.rival)),
    "a party revokes another's key": Refusal(
        "not-entitled", "iss", lambda s: key_event(s, revoke(s.world.studio.signer), s.rival, s.world.studio.id)
    ),
    "the service adds a key": Refusal("not-entitled", "iss", lambda s: key_event(s, add(NEW), s.world.service)),
    "a key for nobody": Refusal("unregistered", "subject", lambda s: key_event(s, add(NEW), None, s.world.outsider.id)),
    "add without a key": Refusal("incomplete", "body", lambda s: key_event(s, PartyKey("add"))),
    "add with a thumbprint": Refusal("incomplete", "body", lambda s: key_event(s, PartyKey("add", None, "0" * 64))),
    "add with both": Refusal("incomplete", "body", lambda s: key_event(s, PartyKey("add", valid(NEW), "0" * 64))),
    "revoke without a thumbprint": Refusal("incomplete", "body", lambda s: key_event(s, PartyKey("revoke"))),
    "revoke with a key": Refusal("incomplete", "body", lambda s: key_event(s, PartyKey("revoke", valid(NEW)))),
    "revoke with both": Refusal(
        "incomplete",
        "body",
        lambda s: key_event(s, PartyKey("revoke", valid(NEW), s.rival.signer.public.kid.hex())),
    ),
    "revoke a key of another party": Refusal(
        "unregistered", "body.revoke", lambda s: key_event(s, revoke(s.world.studio.signer))
    ),
    "revoke an unknown key": Refusal("unregistered", "body.revoke", lambda s: key_event(s, revoke(NEW))),
    "revoke twice": Refusal("unregistered", "body.revoke", revoked_twice),
    "a revoked key comes back": Refusal("already-used", "body.keys", revived),
    "add another's key": Refusal("already-used", "body.keys", lambda s: key_event(s, add(s.world.studio.signer))),
    "add a key of the log": Refusal("already-used", "body.keys", lambda s: key_event(s, add(s.world.roles["status"]))),
    "add a key of a kind that parties do not use": Refusal(
        "bad-key", "body.keys", lambda s: key_event(s, add(key_from("x", "es256k")))
    ),
    "a dispute by the bare service": Refusal("no-party", "iss", lambda s: dispute(s, s.world.service)),
    "a dispute recorded for nobody the log knows": Refusal(
        "unregistered",
        "iss",
        lambda s: s.world.record(
            s.world.outsider, "dispute.open", s.world.identifier(Letter.DISPUTE), DisputeOpening(s.source, "other")
        ),
    ),
    "a dispute about nothing": Refusal(
        "unregistered", "body.target", lambda s: dispute(s, None, s.world.identifier(Letter.OBJECT))
    ),
    "a dispute twice": Refusal("already-registered", "subject", lambda s: s.admit(d := dispute(s)) and d),
    "a dispute of another prefix": Refusal(
        "foreign-prefix",
        "subject",
        lambda s: dispute(s, None, None, new_identifier(Letter.DISPUTE, bytes(10), "10.1000")),
    ),
    "a party resolves its own dispute": Refusal("not-entitled", "iss", lambda s: resolve(s, s.rival)),
    "the disputed party resolves": Refusal("not-entitled", "iss", lambda s: resolve(s, s.world.studio)),
    "the service resolves": Refusal("not-entitled", "iss", lambda s: resolve(s, s.world.service)),
    "an unknown dispute is resolved": Refusal(
        "unregistered", "subject", lambda s: resolve(s, None, s.world.identifier(Letter.DISPUTE))
    ),
    "a dispute is resolved twice": Refusal("wrong-state", "subject", resolved_twice),
}


@pytest.mark.parametrize("name", CASES)
def test_refused(name: str) -> None:
    check_refusal(CASES[name])


def test_a_party_with_keys() -> None:
    stage = new_stage()
    said = register(stage, None, None, NEW, key_from("p", "es256"))
    stage.admit(said)
    found = stage.state.get(said.event.subject)
    at = stage.position - 1
    assert isinstance(found, PartyState)
    assert (found.kind, found.roles) == ("organisation", ("studio",))
    assert found.keys[0] == HeldKey(NEW.public.kid.hex(), NEW.public.to_text(), KEYS_FROM, at)
    assert stage.state.get(kid_key(NEW.public.kid.hex())) == Taken(said.event.subject)


def test_a_party_without_keys_acts_through_the_service_alone() -> None:
    stage = new_stage()
    said = register(stage)
    stage.admit(said)
    someone = Someone(said.event.subject, NEW)
    opened = DisputeOpening(stage.source, "other")
    dispute = stage.world.identifier(Letter.DISPUTE)
    stage.admit(stage.world.record(someone, "dispute.open", dispute, opened))
    assert stage.state.get(dispute) is not None


def test_keys_come_and_go() -> None:
    stage = new_stage()
    stage.admit(key_event(stage, add(NEW)), key_event(stage, revoke(stage.rival.signer)))
    found = stage.state.get(stage.rival.id)
    assert isinstance(found, PartyState)
    assert [(key.kid, key.revoked) for key in found.keys] == [
        (stage.rival.signer.public.kid.hex(), stage.position - 1),
        (NEW.public.kid.hex(), None),
    ]


def test_disputes_open_and_end() -> None:
    stage = new_stage()
    for target in (stage.source, stage.rival.id, stage.capability.id):
        opened = dispute(stage, None, target)
        stage.admit(opened)
        subject = opened.event.subject
        assert stage.state.get(subject) == DisputeState(target, stage.rival.id, "open")
        stage.admit(resolve(stage, None, subject, "rejected"))
        assert stage.state.get(subject) == DisputeState(target, stage.rival.id, "rejected")
