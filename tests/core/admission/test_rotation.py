"""Key rotation: by the holder of the key and the registrar together; each thief of one key is refused."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from tallystick.admission import LOG, Refused
from tallystick.admission.log_rules import ROLE_ALGORITHMS, role_key
from tallystick.admission.rotation import ROTATION_DOMAIN, prove_rotation, rotation_message
from tallystick.admission.state import LogState, RetiredKey
from tallystick.base64s import to_base64
from tallystick.events.log import KeyRotation, Role
from tallystick.events.party import PartyRegistration, ValidKey
from tallystick.keys import LocalSigner, Signer
from tallystick.schema import write
from tallystick.statement import Statement
from tests.core.admission.stage import Refusal, Refusals, Stage, check_refusal, new_stage
from tests.world import KEYS_FROM, ROLES, Someone, key_from

ROTATING: tuple[Role, ...] = ("log", "log-pq", "registrar", "service", "exporter", "status", "authority")
NEW = "the new key of"


def new_key(role: str) -> LocalSigner:
    return key_from(f"{NEW} {role}", ROLES[role])


def rotation(stage: Stage, role: Role = "log", by: Someone | None = None, **changes: Any) -> Statement:
    """A rotation as it should be, but for ``changes`` of its body."""
    roles = stage.world.roles
    body = dataclasses.replace(
        prove_rotation(stage.world.origin, role, roles[role], new_key(role), roles["log"]), **changes
    )
    return stage.world.say(by or stage.world.registrar, "log.rotate", stage.world.origin, body)


def proved_by(
    stage: Stage, role: Role, old: Signer, new: Signer, log: Signer | None = None, origin: str | None = None
) -> Statement:
    """A rotation that other keys than the right ones signed."""
    roles = stage.world.roles
    replaces = roles[role].public.kid.hex()
    message = rotation_message(origin or stage.world.origin, role, replaces, new_key(role).public)
    cosigned = to_base64((log or roles["log"]).sign(message)) if role == "registrar" else None
    proofs = to_base64(old.sign(message)), to_base64(new.sign(message))
    body = KeyRotation(role, new_key(role).public.to_text(), replaces, *proofs, cosigned)
    return stage.world.say(stage.world.registrar, "log.rotate", stage.world.origin, body)


def rotated(stage: Stage, role: Role = "log") -> Stage:
    stage.admit(rotation(stage, role))
    return stage


def under_the_old(stage: Stage, role: Role, make: Any) -> Statement:
    """What ``make`` says after ``role`` was rotated, still by the old key."""
    rotated(stage, role)
    said: Statement = make(stage)
    return said


def to_key(stage: Stage, role: Role, key: LocalSigner) -> Statement:
    roles = stage.world.roles
    body = prove_rotation(stage.world.origin, role, roles[role], key, roles["log"])
    return stage.world.say(stage.world.registrar, "log.rotate", stage.world.origin, body)


def expired(stage: Stage) -> Statement:
    log = log_of(stage)
    keys = tuple(
        dataclasses.replace(key, not_after="2026-01-31T00:00:00Z") if key.role == "status" else key for key in log.keys
    )
    stage.state.apply([(LOG, dataclasses.replace(log, keys=keys))])
    return rotation(stage, "status")


def back_to_the_first(stage: Stage) -> Statement:
    """The key that was retired is to come back."""
    rotated(stage, "status")
    first = stage.world.roles["status"]
    body = prove_rotation(stage.world.origin, "status", new_key("status"), first, stage.world.roles["log"])
    return stage.world.say(stage.world.registrar, "log.rotate", stage.world.origin, body)


def party_with(stage: Stage, key: LocalSigner) -> Statement:
    body = PartyRegistration("organisation", ("studio",), (ValidKey(key.public.to_text(), KEYS_FROM),))
    return stage.world.say(stage.world.registrar, "party.register", stage.world.outsider.id, body)


def log_of(stage: Stage) -> LogState:
    log = stage.state.get(LOG)
    assert isinstance(log, LogState)
    return log


CASES: Refusals = {
    "a rotation by the service": Refusal("not-entitled", "iss", lambda s: rotation(s, by=s.world.service)),
    "a rotation by a party": Refusal("not-entitled", "iss", lambda s: rotation(s, by=s.world.studio)),
    "a rotation by whoever stole the log's key alone": Refusal(
        "not-entitled", "iss", lambda s: rotation(s, by=s.world.log)
    ),
    "a rotation of another log": Refusal(
        "wrong-subject",
        "subject",
        lambda s: s.world.say(s.world.registrar, "log.rotate", "log.example/else", rotation(s).event.body),
    ),
    "an authority of another curve": Refusal(
        "bad-key", "body.key", lambda s: to_key(s, "authority", key_from("odd", "es256"))
    ),
    "a rotation of a key that is not in force": Refusal(
        "wrong-state", "body.replaces", lambda s: rotation(s, replaces="0" * 64)
    ),
    "a rotation of another role's key": Refusal(
        "wrong-state", "body.replaces", lambda s: rotation(s, replaces=s.world.roles["service"].public.kid.hex())
    ),
    "a second rotation of the same key": Refusal("wrong-state", "body.replaces", lambda s: rotation(rotated(s))),
    "a rotation of a key past its window": Refusal("key-not-in-force", "kid", expired),
    "a key of another algorithm": Refusal("bad-key", "body.key", lambda s: to_key(s, "log", key_from("odd", "es256"))),
    "a key that another role has": Refusal(
        "already-used", "body.key", lambda s: to_key(s, "log", s.world.roles["exporter"])
    ),
    "the same key again": Refusal("already-used", "body.key", lambda s: to_key(s, "log", s.world.roles["log"])),
    "a key that was retired": Refusal("already-used", "body.key", back_to_the_first),
    "a key that a party has": Refusal("already-used", "body.key", lambda s: to_key(s, "log", s.world.studio.signer)),
    "a party with a key that was retired": Refusal(
        "already-used", "body.keys", lambda s: party_with(rotated(s, "status"), s.world.roles["status"])
    ),
    "a party with a key that came by rotation": Refusal(
        "already-used", "body.keys", lambda s: party_with(rotated(s, "status"), new_key("status"))
    ),
    "whoever stole the registrar's key alone rotates the log's": Refusal(
        "bad-rotation", "body.old", lambda s: proved_by(s, "log", new_key("log"), new_key("log"))
    ),
    "whoever stole the registrar's key alone rotates it": Refusal(
        "bad-rotation",
        "body.log",
        lambda s: proved_by(s, "registrar", s.world.roles["registrar"], new_key("registrar"), new_key("log")),
    ),
    "a registrar's rotation without the log's signature": Refusal(
        "bad-rotation", "body.log", lambda s: rotation(s, "registrar", log=None)
    ),
    "another's rotation with the log's signature": Refusal(
        "bad-rotation", "body.log", lambda s: rotation(s, "service", log=to_base64(bytes(64)))
    ),
    "a new key whose holder did not agree": Refusal(
        "bad-rotation", "body.new", lambda s: proved_by(s, "log", s.world.roles["log"], s.world.roles["log"])
    ),
    "a rotation that was signed for another log": Refusal(
        "bad-rotation",
        "body.old",
        lambda s: proved_by(s, "log", s.world.roles["log"], new_key("log"), origin="log.example/else"),
    ),
    "a batch entry by a retired key": Refusal(
        "key-retired", "kid", lambda s: under_the_old(s, "log", lambda s: s.world.batch(3, s.position - 1))
    ),
    "a policy by a retired key": Refusal(
        "key-retired", "kid", lambda s: under_the_old(s, "registrar", lambda s: s.world.policy())
    ),
    "an object recorded by a retired key": Refusal(
        "key-retired",
        "kid",
        lambda s: under_the_old(
            s,
            "service",
            lambda s: s.world.record(s.world.studio, "object.register", *_object(s)),
        ),
    ),
}


def _object(stage: Stage) -> tuple[str, Any]:
    event = stage.world.object().event
    return event.subject, event.body


@pytest.mark.parametrize("name", CASES)
def test_refused(name: str) -> None:
    check_refusal(CASES[name])


@pytest.mark.parametrize("role", ROTATING)
def test_each_role_rotates_and_the_old_key_is_remembered(role: Role) -> None:
    stage = new_stage()
    stage.world.clock += 60
    before = log_of(stage)
    stage.admit(rotation(stage, role))
    log = log_of(stage)
    assert role_key(log.keys, role) == new_key(role).public
    old = stage.world.roles[role].public.to_text()
    assert log.retired == (RetiredKey(role, old, KEYS_FROM, "2026-02-01T00:01:00Z", 0, stage.position - 1),)
    assert {key.role for key in log.keys} == set(ROLE_ALGORITHMS)
    assert next(key.not_before for key in log.keys if key.role == role) == "2026-02-01T00:01:00Z"
    assert before.retired is None
    assert "retired" not in write(before)


def test_two_rotations_of_one_role_in_one_batch_follow_one_another() -> None:
    stage = new_stage()
    world = stage.world
    for _ in range(2):
        said = world.rotate("log")
        stage.admit(said)
        world.rotated(said)
    first, second = log_of(stage).retired or ()
    assert (first.since, first.until, second.since, second.until) == (0, 14, 14, 15)
    stage.admit(world.batch(3, stage.position - 1))


def test_the_registrar_speaks_with_the_new_key_from_the_next_entry_on() -> None:
    stage = new_stage()
    world = stage.world
    said = world.rotate("registrar")
    world.rotated(said)
    with pytest.raises(Refused, match="has no key"):
        stage.decide(world.policy())
    stage.admit(said)
    stage.admit(world.policy())


def test_what_is_signed() -> None:
    stage = new_stage()
    key = key_from("x")
    message = rotation_message("log.example/little", "log", "ab" * 32, key.public)
    assert ROTATION_DOMAIN == b"tallystick/rotation/v1\n"
    assert message.startswith(b'tallystick/rotation/v1\n{"key":{"alg":"ed25519","public":"')
    assert message.endswith(b'"origin":"log.example/little","replaces":"' + b"ab" * 32 + b'","role":"log"}')
    assert stage.world.rotate("log").event.body.log is None
    assert stage.world.rotate("registrar").event.body.log is not None
