"""Settlements: who may say it, when both sides agreed, how it is corrected; and that nothing else is touched."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from tallystick.admission.standing import standing_at
from tallystick.admission.state import LOG, LogState, SettlementState, settlement_key
from tallystick.digests import digest_pair
from tallystick.events.dispute import DisputeOpening
from tallystick.events.settlement import Period, SettlementAcceptance, SettlementRecord
from tallystick.identifiers import Letter
from tallystick.statement import Statement
from tests.core.admission.stage import Refusal, Refusals, Stage, check_refusal, new_stage
from tests.core.admission.test_chains import change, moved, root, subbed
from tests.world import Someone

AMOUNT = {"amount": {"amount": "1200000", "currency": "EUR"}}
PERIOD = Period("2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z")
Make = Callable[[Stage], Statement]


def settle(stage: Stage, subject: str, who: Someone | None = None, **fields: Any) -> Statement:
    """By the studio, between it and the rival, who holds ``root``."""
    private = fields.pop("private", AMOUNT)
    parties = tuple(sorted((stage.world.studio.id, stage.rival.id)))
    body = SettlementRecord(**{"parties": parties, **fields})
    return stage.world.say(who or stage.world.studio, "settlement.record", subject, body, private)


def settled(stage: Stage, subject: str, **fields: Any) -> int:
    stage.admit(settle(stage, subject, **fields))
    return stage.position - 1


def agree(stage: Stage, subject: str, record: int, who: Someone | None = None) -> Statement:
    return stage.world.say(who or stage.rival, "settlement.accept", subject, SettlementAcceptance(record))


def agreed(stage: Stage, subject: str, **fields: Any) -> int:
    at = settled(stage, subject, **fields)
    stage.admit(agree(stage, subject, at))
    return at


def state(stage: Stage, position: int) -> SettlementState:
    found = stage.state.get(settlement_key(position))
    assert isinstance(found, SettlementState)
    return found


def dispute(stage: Stage, target: str, who: Someone | None = None) -> str:
    subject = stage.world.identifier(Letter.DISPUTE)
    said = stage.world.say(who or stage.rival, "dispute.open", subject, DisputeOpening(target, "other"))
    stage.admit(said)
    return subject


def version_3(stage: Stage) -> Stage:
    log = stage.state.get(LOG)
    assert isinstance(log, LogState)
    stage.state.apply([(LOG, dataclasses.replace(log, rules=3))])
    return stage


def on(make: Callable[[Stage, str], Statement]) -> Make:
    """On a licence of the studio's, held by the rival."""
    return lambda stage: make(stage, root(stage))


def twice(stage: Stage, licence: str) -> Statement:
    return agree(stage, licence, agreed(stage, licence))


def corrected(stage: Stage, licence: str) -> tuple[int, int]:
    """A settlement, and the one that all accepted in its place."""
    first = agreed(stage, licence)
    return first, agreed(stage, licence, supersedes=first)


def late_rival_of_a_correction(stage: Stage, licence: str) -> Statement:
    """Two corrections of one settlement wait; the first that all accept takes its place."""
    first = agreed(stage, licence)
    one, other = (settled(stage, licence, supersedes=first) for _ in range(2))
    stage.admit(agree(stage, licence, one))
    return agree(stage, licence, other)


def unsorted(stage: Stage) -> tuple[str, ...]:
    return tuple(sorted((stage.world.studio.id, stage.rival.id), reverse=True))


def with_outsider(stage: Stage) -> tuple[str, ...]:
    return tuple(sorted((stage.world.studio.id, stage.world.outsider.id)))


CASES: Refusals = {
    "under version 3": Refusal("policy-too-old", "type", lambda s: settle(version_3(s), root(s))),
    "by the log": Refusal("no-party", "iss", on(lambda s, x: settle(s, x, s.world.log))),
    "of a licence that nobody granted": Refusal(
        "unregistered", "subject", lambda s: settle(s, s.world.identifier(Letter.LICENCE))
    ),
    "of a dispute that nobody opened": Refusal(
        "unregistered", "subject", lambda s: settle(s, s.world.identifier(Letter.DISPUTE))
    ),
    "of others' licence": Refusal("not-entitled", "iss", on(lambda s, x: settle(s, x, s.world.provider))),
    "by who stood above it before": Refusal(
        "not-entitled",
        "iss",
        on(lambda s, x: (child := subbed(s, x), moved(s, x, s.world.provider), settle(s, child, s.rival))[2]),
    ),
    "of others' dispute": Refusal(
        "not-entitled", "iss", lambda s: settle(s, dispute(s, s.source), s.world.provider)
    ),
    "between parties out of order": Refusal(
        "inconsistent", "body.parties", on(lambda s, x: settle(s, x, parties=unsorted(s)))
    ),
    "between a party and itself": Refusal(
        "inconsistent", "body.parties", on(lambda s, x: settle(s, x, parties=(s.world.studio.id,) * 2))
    ),
    "between others": Refusal(
        "inconsistent",
        "body.parties",
        on(lambda s, x: settle(s, x, parties=tuple(sorted((s.rival.id, s.world.tester.id))))),
    ),
    "with a party that nobody registered": Refusal(
        "unregistered",
        "body.parties[1]",
        on(lambda s, x: settle(s, x, parties=(s.world.studio.id, "10.5555/P-ZZZZ-ZZZZ-ZZZZ-ZZZZ-F"))),
    ),
    "of further licences out of order": Refusal(
        "inconsistent",
        "body.also",
        on(lambda s, x: settle(s, x, also=tuple(sorted((root(s), root(s)), reverse=True)))),
    ),
    "of its subject once more": Refusal("inconsistent", "body.also", on(lambda s, x: settle(s, x, also=(x,)))),
    "of a further licence that nobody granted": Refusal(
        "unregistered", "body.also[0]", on(lambda s, x: settle(s, x, also=(s.world.identifier(Letter.LICENCE),)))
    ),
    "of a further licence that is others'": Refusal(
        "not-entitled",
        "iss",
        on(lambda s, x: settle(s, x, also=(subbed(s, root(s)),))),
    ),
    "of a time that ends before it begins": Refusal(
        "inconsistent", "body.period.end", on(lambda s, x: settle(s, x, period=Period(PERIOD.end, PERIOD.end)))
    ),
    "without an amount": Refusal("incomplete", "private.amount", on(lambda s, x: settle(s, x, private=None))),
    "with an unknown value": Refusal(
        "incomplete", "private.bonus", on(lambda s, x: settle(s, x, private={**AMOUNT, "bonus": 1}))
    ),
    "that corrects nothing": Refusal(
        "unregistered", "body.supersedes", on(lambda s, x: settle(s, x, supersedes=s.position - 1))
    ),
    "that corrects another licence's": Refusal(
        "inconsistent", "body.supersedes", on(lambda s, x: settle(s, x, supersedes=settled(s, root(s))))
    ),
    "that corrects one between others": Refusal(
        "inconsistent",
        "body.supersedes",
        on(
            lambda s, x: settle(
                s, x, supersedes=settled(s, x, parties=tuple(sorted((s.world.studio.id, s.world.tester.id))))
            )
        ),
    ),
    "that corrects what was corrected": Refusal(
        "wrong-state", "body.supersedes", on(lambda s, x: settle(s, x, supersedes=corrected(s, x)[0]))
    ),
    "an acceptance of nothing": Refusal(
        "unregistered", "body.record", on(lambda s, x: agree(s, x, s.position - 1))
    ),
    "an acceptance by the log": Refusal("no-party", "iss", on(lambda s, x: agree(s, x, settled(s, x), s.world.log))),
    "an acceptance under another subject": Refusal(
        "wrong-subject", "subject", on(lambda s, x: agree(s, root(s), settled(s, x)))
    ),
    "an acceptance by a stranger": Refusal(
        "not-entitled", "iss", on(lambda s, x: agree(s, x, settled(s, x), s.world.provider))
    ),
    "an acceptance by who recorded it": Refusal(
        "wrong-state", "body.record", on(lambda s, x: agree(s, x, settled(s, x), s.world.studio))
    ),
    "an acceptance once more": Refusal("wrong-state", "body.record", on(twice)),
    "an acceptance of a correction that came second": Refusal(
        "wrong-state", "body.record", on(late_rival_of_a_correction)
    ),
    "an acceptance of what was superseded before": Refusal(
        "wrong-state",
        "body.record",
        on(
            lambda s, x: (
                first := settled(s, x, parties=tuple(sorted((s.world.studio.id, s.rival.id, s.world.tester.id)))),
                _superseded(s, first),
                agree(s, x, first),
            )[2]
        ),
    ),
}  # fmt: skip


def _superseded(stage: Stage, position: int) -> None:
    """As a correction that all accepted leaves it."""
    stage.state.apply([(settlement_key(position), dataclasses.replace(state(stage, position), superseded=9))])


@pytest.mark.parametrize("name", CASES)
def test_what_is_refused(name: str) -> None:
    refused = check_refusal(CASES[name])
    assert refused.code == CASES[name].code


def test_it_is_agreed_when_all_accepted() -> None:
    stage = new_stage()
    licence = root(stage)
    at = settled(stage, licence, period=PERIOD, documents=(digest_pair(b"statement"),), also=(root(stage),))
    studio, rival = stage.world.studio.id, stage.rival.id
    assert state(stage, at) == SettlementState(licence, tuple(sorted((studio, rival))), (studio,))
    stage.admit(agree(stage, licence, at))
    assert state(stage, at).agreed == (studio, rival)


@pytest.mark.parametrize("side", ["licensor", "holder"])
def test_either_side_may_begin(side: str) -> None:
    stage = new_stage()
    licence = root(stage)
    first, second = stage.world.studio, stage.rival
    if side == "holder":
        first, second = second, first
    at = settled(stage, licence, who=first)
    stage.admit(agree(stage, licence, at, second))
    assert state(stage, at).agreed == (first.id, second.id)


def test_a_correction_counts_when_all_accepted_it() -> None:
    """One side alone corrects nothing."""
    stage = new_stage()
    licence = root(stage)
    first = agreed(stage, licence)
    second = settled(stage, licence, supersedes=first)
    assert state(stage, first).superseded is None
    stage.admit(agree(stage, licence, second))
    assert (state(stage, first).superseded, state(stage, second).superseded) == (second, None)
    third = agreed(stage, licence, supersedes=second)
    assert state(stage, second).superseded == third


@pytest.mark.parametrize("target", ["object", "licence", "party"])
def test_a_dispute_is_settled_by_its_claimant_and_its_targets_holder(target: str) -> None:
    stage = new_stage()
    targets = {"object": stage.source, "licence": root(stage), "party": stage.world.studio.id}
    subject = dispute(stage, targets[target])
    for who in (stage.world.studio, stage.rival):
        at = settled(stage, subject, who=who)
        assert state(stage, at).agreed == (who.id,)


def test_a_settlement_changes_nothing_that_is_permitted() -> None:
    stage = new_stage()
    licence = root(stage)
    subject = dispute(stage, licence)
    stage.admit(change(stage, licence, "suspend"))
    before = dict(stage.state._states)
    now = stage.world.now()
    for one in (licence, subject):
        corrected(stage, one)
    after = dict(stage.state._states)
    assert all(after[key] == value for key, value in before.items())
    assert {key.partition(":")[0] for key in after.keys() - before.keys()} == {"settlement", "committed"}
    assert standing_at(stage.state, licence, now).status == "suspended"
