"""The log about itself: the key set, the policy, batches and anchor targets."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from tallystick.admission import BATCH, LOG, MemoryState, Refused, decide
from tallystick.admission.log_rules import PROOF_DOMAIN, ROLE_ALGORITHMS, proof_message, prove_key_set, role_key
from tallystick.admission.state import BatchState, LogState, PartyState
from tallystick.base64s import to_base64
from tallystick.events.kinds import RULES
from tallystick.events.log import AnchorTarget, Batch, KeySet, Policy, RoleKey, RulesVersion
from tallystick.identifiers import Letter, new_identifier
from tallystick.keys import LocalSigner
from tallystick.statement import Statement
from tests.core.admission.stage import Refusal, Refusals, Stage, check_refusal, new_stage
from tests.world import KEYS_FROM, ROLES, START, Someone, World, key_from

POLICY = Policy("tallystick-admission", RULES)
TARGET = AnchorTarget("evm", 31337, "11" * 32, "22" * 20, "33" * 32, "44" * 32, "keccak256", "operator")

# --- entry 0 ---------------------------------------------------------------------


def body_of(world: World) -> KeySet:
    body: KeySet = world.key_set().event.body
    return body


def begin(
    change: Callable[[World, KeySet], KeySet] = lambda world, body: body,
    prove: bool = True,
    who: Someone | None = None,
    subject: str | None = None,
    admitted_at: int = START,
    **more: Any,
) -> MemoryState:
    """Decide an entry 0 whose key set was changed and then, if ``prove``, proved anew by the keys it holds."""
    world = World()
    body = change(world, body_of(world))
    if prove:
        body = prove_key_set(body, {**world.roles})
    said = world.say(who or world.registrar, "log.key-set", subject or world.origin, body, **more)
    state = MemoryState()
    state.apply(decide(said, 0, admitted_at, state).changes)
    return state


def with_key(body: KeySet, name: str, /, **changes: Any) -> KeySet:
    """The set with the key of one role changed."""
    keys = tuple(dataclasses.replace(key, **changes) if key.role == name else key for key in body.keys)
    return dataclasses.replace(body, keys=keys)


def test_the_key_set_begins_the_log() -> None:
    world = World()
    state = begin()
    log = state.get(LOG)
    assert isinstance(log, LogState)
    assert (log.origin, log.registrar, log.service, log.policy, log.targets) == (
        world.origin,
        world.registrar.id,
        world.service.id,
        None,
        (),
    )
    assert state.get(world.registrar.id) == PartyState("organisation", ("registrar",), ())
    assert state.get(world.service.id) == PartyState("service", ("platform",), ())


def test_registrar_and_service_may_be_one_party() -> None:
    state = begin(lambda world, body: dataclasses.replace(body, service=body.registrar))
    assert state.get(World().registrar.id) == PartyState("organisation", ("registrar",), ())


def test_the_proof_message() -> None:
    body = body_of(World())
    assert proof_message(body).startswith(b'tallystick/key-set/v1\n{"keys":[{"key":{"alg":"ed25519"')
    assert b'"proof"' not in proof_message(body)
    assert PROOF_DOMAIN == b"tallystick/key-set/v1\n"
    bare = dataclasses.replace(body, keys=tuple(dataclasses.replace(key, proof=None) for key in body.keys))
    assert proof_message(bare) == proof_message(body)


def refusal(*args: Any, **kwargs: Any) -> tuple[str, str | None]:
    """Code and field of what refuses such a beginning."""
    with pytest.raises(Refused) as caught:
        begin(*args, **kwargs)
    return caught.value.code, caught.value.field


@pytest.mark.parametrize("role", ROLE_ALGORITHMS)
def test_every_key_must_prove_that_its_holder_agreed(role: str) -> None:
    world = World()
    body = body_of(world)
    other = World("other world")
    wrong = {
        "no proof": None,
        "an empty proof": "",
        "zeros": to_base64(bytes(64)),
        "another key's proof": next(key.proof for key in body.keys if key.role != role),
        "its proof for another origin": _proof(world, dataclasses.replace(body, origin="log.example/else"), role),
        "its proof for a set with another key": _proof(world, with_key(body, role, not_before=START_LATER), role),
        "its signature without the domain": to_base64(
            world.roles[role].sign(proof_message(body).removeprefix(PROOF_DOMAIN))
        ),
        "somebody else's proof of the same set": _proof(other, body, role),
    }
    for proof in wrong.values():
        assert refusal(lambda world, body, proof=proof: with_key(body, role, proof=proof), prove=False) == (
            "bad-key-set",
            "body.keys",
        )


START_LATER = "2026-01-02T00:00:00Z"


def _proof(world: World, body: KeySet, role: str) -> str:
    return to_base64(world.roles[role].sign(proof_message(body)))


@pytest.mark.parametrize("role", ROLE_ALGORITHMS)
def test_each_role_has_exactly_one_key_of_its_algorithms(role: str) -> None:
    algs = {"ed25519", "es256", "ml-dsa-44", "es256k"} - set(ROLE_ALGORITHMS[role])
    for alg in sorted(algs):
        key = key_from(f"odd {role}", alg)  # type: ignore[arg-type]
        world = World()
        world.roles[role] = key
        body = with_key(body_of(World()), role, key=key.public.to_text())
        said = world.say(World().registrar, "log.key-set", world.origin, prove_key_set(body, dict(world.roles)))
        with pytest.raises(Refused) as caught:
            decide(said, 0, START, MemoryState())
        assert caught.value.code == "bad-key-set"
        assert alg in caught.value.problem
    # Seven keys, each proved by its holder, but one role twice and this one missing; and an eighth key.
    twice = "service" if role == "log" else "log"
    more = key_from(f"second {twice}", ROLES[twice])
    for keep in (False, True):
        with pytest.raises(Refused, match=r"the roles are .*\(body\.keys\)"):
            begin(_second_key(role, twice, more, keep), prove=False)


def _second_key(role: str, twice: str, more: LocalSigner, keep: bool) -> Callable[[World, KeySet], KeySet]:
    """The set with a second key for ``twice``, in place of the key of ``role`` or, with ``keep``, besides it."""

    def change(world: World, body: KeySet) -> KeySet:
        kept = [key for key in body.keys if keep or key.role != role]
        signers = [world.roles[key.role] for key in kept] + [more]
        second = RoleKey(twice, more.public.to_text(), KEYS_FROM)  # type: ignore[arg-type]
        body = dataclasses.replace(body, keys=(*kept, second))
        message = proof_message(body)
        proved = [
            dataclasses.replace(key, proof=to_base64(signer.sign(message)))
            for key, signer in zip(body.keys, signers, strict=True)
        ]
        return dataclasses.replace(body, keys=tuple(proved))

    return change


def test_two_roles_may_not_share_a_key() -> None:
    def share(world: World, body: KeySet) -> KeySet:
        world.roles["service"] = world.roles["log"]
        return with_key(body, "service", key=world.roles["log"].public.to_text())

    with pytest.raises(Refused, match="two roles share a key"):
        begin(share)


def test_entry_0_speaks_about_the_origin_for_the_registrar() -> None:
    world = World()
    assert refusal(subject="log.example/else") == ("bad-key-set", "subject")
    assert refusal(who=Someone(world.service.id, world.roles["registrar"])) == ("bad-key-set", "subject")
    assert refusal(who=Someone(world.origin, world.roles["registrar"])) == ("bad-key-set", "subject")


def test_entry_0_is_signed_by_the_registrar_key_of_the_set_and_names_it() -> None:
    world = World()
    for role in ("exporter", "status"):
        assert refusal(who=Someone(world.registrar.id, world.roles[role])) == ("not-entitled", "kid")
    for role in ("log", "service"):
        assert refusal(who=Someone(world.registrar.id, world.roles[role])) == ("wrong-issuer", "iss")
    assert refusal(who=Someone(world.registrar.id, key_from("stranger"))) == ("unknown-signer", "kid")
    said = world.key_set()
    forged = dataclasses.replace(said, parts=said.parts._replace(signature=bytes(64)))
    with pytest.raises(Refused) as caught:
        decide(forged, 0, START, MemoryState())
    assert caught.value.code == "bad-signature"


def test_registrar_and_service_sharing_an_id_do_not_let_the_service_key_begin_a_log() -> None:
    def same(world: World, body: KeySet) -> KeySet:
        return dataclasses.replace(body, service=body.registrar)

    world = World()
    assert refusal(same, who=Someone(world.registrar.id, world.roles["service"])) == ("not-entitled", "kid")


def test_entry_0_obeys_window_clock_and_prefix() -> None:
    assert refusal(admitted_at=START, change=lambda w, b: with_key(
        b, "registrar", not_before="2026-02-01T00:00:01Z"
    )) == ("key-not-in-force", "kid")  # fmt: skip
    assert refusal(admitted_at=START - 301) == ("time-in-future", "time")
    other = str(new_identifier(Letter.PARTY, bytes(10), "10.1000"))
    for field in ("registrar", "service"):
        who = Someone(other, World().roles["registrar"]) if field == "registrar" else None
        assert refusal(lambda world, body, field=field: dataclasses.replace(body, **{field: other}), who=who) == (
            "foreign-prefix",
            f"body.{field}",
        )


def test_the_origin_is_no_identifier() -> None:
    """Else a statement of the log's key could be read as a party's."""
    party = World().registrar.id
    assert refusal(lambda world, body: dataclasses.replace(body, origin=party), subject=party) == (
        "bad-key-set",
        "body.origin",
    )


def test_keys_by_role() -> None:
    world = World()
    keys = body_of(world).keys
    for role, signer in world.roles.items():
        assert role_key(keys, role) == signer.public
    with pytest.raises(Refused, match="the key set has no status key"):
        role_key(tuple(key for key in keys if key.role != "status"), "status")


def test_entry_0_is_the_key_set_and_nothing_else() -> None:
    world = World()
    for said in (world.policy(), world.object(), world.batch(0, 0)):
        with pytest.raises(Refused) as caught:
            decide(said, 0, START, MemoryState())
        assert (caught.value.code, caught.value.field) == ("log-not-begun", "type")


# --- entry 1 and after -------------------------------------------------------------


def test_only_the_policy_follows_the_key_set() -> None:
    world, state = World(), begin()
    for said in (world.register(world.studio, "studio"), world.batch(0, 0, 0), world.key_set()):
        with pytest.raises(Refused) as caught:
            decide(said, 1, START, state)
        assert (caught.value.code, caught.value.field) == ("no-policy", "type")
    state.apply(decide(world.policy(), 1, START, state).changes)
    log = state.get(LOG)
    assert isinstance(log, LogState)
    assert log.policy == 1


def policy_by(stage: Stage, who: Someone, subject: str | None = None, version: RulesVersion = RULES) -> Statement:
    body = Policy("tallystick-admission", version)
    return stage.world.say(who, "log.policy", subject or stage.world.origin, body)


def target_by(stage: Stage, who: Someone, subject: str | None = None) -> Statement:
    return stage.world.say(who, "log.anchor-target", subject or stage.world.origin, TARGET)


def batch_by(stage: Stage, who: Someone, subject: str | None = None) -> Statement:
    body = Batch(stage.position - 1, stage.position - 1, 1)
    return stage.world.say(who, "log.batch", subject or stage.world.origin, body)


def second_target(stage: Stage) -> Statement:
    stage.admit(target_by(stage, stage.world.log))
    return target_by(stage, stage.world.log)


def batch(stage: Stage, first: int, last: int, policy: int = 1, clock: int = 0, **more: Any) -> Statement:
    """Positions counted from the next one."""
    stage.world.clock += clock
    return stage.world.batch(stage.position + first, stage.position + last, policy, **more)


def after_a_batch(stage: Stage) -> Stage:
    stage.admit(stage.world.batch(3, stage.position - 1), stage.world.object())
    return stage


CASES: Refusals = {
    "a second key set": Refusal("already-registered", "type", lambda s: s.world.key_set()),
    "a policy by a party": Refusal("not-entitled", "iss", lambda s: policy_by(s, s.world.studio)),
    "a policy by the service": Refusal("not-entitled", "iss", lambda s: policy_by(s, s.world.service)),
    "a policy by the log": Refusal("not-entitled", "iss", lambda s: policy_by(s, s.world.log)),
    "a policy recorded for the registrar": Refusal(
        "not-entitled", "iss", lambda s: s.world.record(s.world.registrar, "log.policy", s.world.origin, POLICY)
    ),
    "a policy of another origin": Refusal(
        "wrong-subject", "subject", lambda s: policy_by(s, s.world.registrar, "log.example/else")
    ),
    "an anchor target by the registrar": Refusal("not-entitled", "iss", lambda s: target_by(s, s.world.registrar)),
    "an anchor target by the service": Refusal("not-entitled", "iss", lambda s: target_by(s, s.world.service)),
    "an anchor target by a party": Refusal("not-entitled", "iss", lambda s: target_by(s, s.world.studio)),
    "an anchor target of another origin": Refusal(
        "wrong-subject", "subject", lambda s: target_by(s, s.world.log, "log.example/else")
    ),
    "an anchor target twice": Refusal("already-registered", "body", second_target),
    "a batch by the registrar": Refusal("not-entitled", "iss", lambda s: batch_by(s, s.world.registrar)),
    "a batch by the service": Refusal("not-entitled", "iss", lambda s: batch_by(s, s.world.service)),
    "a batch by a party": Refusal("not-entitled", "iss", lambda s: batch_by(s, s.world.studio)),
    "a batch of another origin": Refusal(
        "wrong-subject", "subject", lambda s: batch_by(s, s.world.log, "log.example/else")
    ),
    "a batch of nothing": Refusal("bad-batch", "body", lambda s: batch(s, 0, -1)),
    "a batch that ends early": Refusal("bad-batch", "body", lambda s: batch(s, -3, -2)),
    "a batch that covers itself": Refusal("bad-batch", "body", lambda s: batch(s, -1, 0)),
    "a batch of the future": Refusal("bad-batch", "body", lambda s: batch(s, 5, 9)),
    "a batch under no policy": Refusal("bad-batch", "body.policy", lambda s: batch(s, -1, -1, 0)),
    "a batch under a later policy": Refusal("bad-batch", "body.policy", lambda s: batch(s, -1, -1, 99)),
    "a batch that closes positions again": Refusal(
        "bad-batch", "body.first", lambda s: batch(after_a_batch(s), -3, -1)
    ),
    "a batch that begins at the batch before": Refusal(
        "bad-batch", "body.first", lambda s: batch(after_a_batch(s), -2, -1)
    ),
    "a batch of all from the start": Refusal(
        "bad-batch", "body.first", lambda s: s.world.batch(0, after_a_batch(s).position - 1)
    ),
    "a batch before the one before": Refusal("bad-batch", "time", lambda s: batch(after_a_batch(s), -1, -1, clock=-1)),
    "a batch whose time is before its admission": Refusal(
        "bad-batch", "time", lambda s: batch(s, -1, -1, time="2026-01-31T23:59:59Z")
    ),
    "a batch whose time is after its admission": Refusal(
        "bad-batch", "time", lambda s: batch(s, -1, -1, time="2026-02-01T00:00:05Z")
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_refused(name: str) -> None:
    check_refusal(CASES[name])


def test_batches_follow_one_another() -> None:
    stage = new_stage()
    assert stage.state.get(BATCH) == BatchState(2, "2026-02-01T00:00:00Z")
    stage.admit(stage.world.batch(3, stage.position - 1))
    stage.admit(stage.world.object(), stage.world.object())
    stage.world.clock += 5
    stage.admit(stage.world.batch(stage.position - 2, stage.position - 1))
    assert stage.state.get(BATCH) == BatchState(stage.position - 1, "2026-02-01T00:00:05Z")


def test_a_new_policy_is_in_force_for_the_batches_after_it() -> None:
    stage = new_stage()
    stage.admit(policy_by(stage, stage.world.registrar))
    at = stage.position - 1
    with pytest.raises(Refused) as caught:
        stage.decide(stage.world.batch(3, at))
    assert caught.value.field == "body.policy"
    stage.admit(stage.world.batch(3, at, policy=at))


def test_anchor_targets_are_remembered() -> None:
    stage = new_stage()
    stage.admit(target_by(stage, stage.world.log))
    log = stage.state.get(LOG)
    assert isinstance(log, LogState)
    assert log.targets == (TARGET,)
    other = dataclasses.replace(TARGET, chain_id=1)
    stage.admit(stage.world.say(stage.world.log, "log.anchor-target", stage.world.origin, other))
    log = stage.state.get(LOG)
    assert isinstance(log, LogState)
    assert log.targets == (TARGET, other)
