"""Sublicences, transfers and effective times: version 3 of the rules."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from tallystick.admission import LOG
from tallystick.admission.licensing import MAX_CHANGES
from tallystick.admission.standing import standing_at
from tallystick.admission.state import LicenceState, LogState
from tallystick.events.licence import LicenceStatus, LicenceTransfer, StatusPointer, TransferConsent
from tallystick.events.objects import Basis
from tallystick.identifiers import Letter, new_identifier
from tallystick.statement import Statement
from tallystick.times import format_time
from tests.core.admission.stage import Refusal, Refusals, Stage, check_refusal
from tests.core.admission.test_licensing import LIST, TERMS, grant, granted
from tests.world import Someone

NO_LICENCE = str(new_identifier(Letter.LICENCE, b"nothing000"))
DAY = 86_400


def version_2(stage: Stage) -> Stage:
    """The stage as if version 2 of the rules were in force from here on."""
    log = stage.state.get(LOG)
    assert isinstance(log, LogState)
    stage.state.apply([(LOG, dataclasses.replace(log, rules=2))])
    return stage


def version_3(stage: Stage) -> Stage:
    log = stage.state.get(LOG)
    assert isinstance(log, LogState)
    stage.state.apply([(LOG, dataclasses.replace(log, rules=3))])
    return stage


_indices = iter(range(100, 1 << 20))


def root(stage: Stage, **fields: Any) -> str:
    """The studio's licence to the rival, of which sublicences two deep are admitted."""
    return granted(stage, **{"holder": stage.rival.id, "sublicences": 2, "index": next(_indices), **fields})


def sub(stage: Stage, parent: str, who: Someone | None = None, **fields: Any) -> Statement:
    """A sublicence of ``parent``, by the rival to the licensee."""
    chain = (stage.source, parent)
    more = {"holder": stage.world.licensee.id, "parent": parent, "title_chain": chain, "index": next(_indices)}
    return grant(stage, who or stage.rival, **{**more, **fields})


def subbed(stage: Stage, parent: str, who: Someone | None = None, **fields: Any) -> str:
    said = sub(stage, parent, who, **fields)
    stage.admit(said)
    return said.event.subject


def change(
    stage: Stage, licence: str, action: str, after: int = 0, who: Someone | None = None, **fields: Any
) -> Statement:
    """A change that takes effect ``after`` seconds from now."""
    effective = format_time(stage.world.clock + after)
    body = LicenceStatus(**{"action": action, "grounds": "request", "effective": effective, **fields})
    return stage.world.say(who or stage.world.studio, "licence.status", licence, body)


def agree(stage: Stage, licence: str, to: Someone, who: Someone | None = None, until: int | None = None) -> Statement:
    end = None if until is None else format_time(stage.world.clock + until)
    return stage.world.say(who or stage.world.studio, "licence.consent", licence, TransferConsent(to.id, end))


def move(stage: Stage, licence: str, to: Someone, who: Someone | None = None, **fields: Any) -> Statement:
    private = fields.pop("private", {"licensee": {"party": to.id}})
    pointer = StatusPointer(LIST, next(_indices))
    body = {"to": to.id, "grounds": "agreement", "effective": stage.world.now(), "status": pointer, **fields}
    return stage.world.say(who or stage.rival, "licence.transfer", licence, LicenceTransfer(**body), private or None)


def moved(stage: Stage, licence: str, to: Someone, **fields: Any) -> str:
    stage.admit(agree(stage, licence, to), move(stage, licence, to, **fields))
    return licence


def status(stage: Stage, licence: str, after: int = 0) -> str:
    return standing_at(stage.state, licence, format_time(stage.world.clock + after)).status


def uses(stage: Stage, who: Someone) -> Statement:
    """``who`` builds on the studio's object."""
    return stage.world.object(who, origin="composed", basis=(Basis("object", None, stage.source),))


def deep(stage: Stage) -> tuple[str, str, str]:
    """A licence, its sublicence, and that one's: rival, licensee, provider."""
    first = root(stage)
    second = subbed(stage, first, sublicences=1)
    third = subbed(stage, second, stage.world.licensee, holder=stage.world.provider.id)
    return first, second, third


def after_change(stage: Stage, action: str, after: int = 0) -> str:
    licence = root(stage)
    stage.admit(change(stage, licence, action, after))
    return licence


def under_a_suspended_root(stage: Stage) -> Statement:
    first, second, _ = deep(stage)
    stage.admit(change(stage, first, "suspend"))
    return sub(stage, second, stage.world.licensee, holder=stage.world.provider.id)


def of_another_object(stage: Stage) -> Statement:
    parent = root(stage)
    return sub(stage, parent, object=stage.foreign, title_chain=(stage.foreign, parent))


def by_the_old_holder(stage: Stage) -> Statement:
    return sub(stage, moved(stage, root(stage), stage.world.provider))


SUBLICENCES: Refusals = {
    "a sublicence under version 2": Refusal(
        "unsupported", "body.parent", lambda s: sub(version_2(s), granted(s, holder=s.rival.id))
    ),
    "of nothing": Refusal("unregistered", "body.parent", lambda s: sub(s, NO_LICENCE)),
    "by the object's holder": Refusal("not-holder", "body.parent", lambda s: sub(s, root(s), s.world.studio)),
    "by a stranger": Refusal("not-holder", "body.parent", lambda s: sub(s, root(s), s.world.tester)),
    "by the registrar": Refusal("not-holder", "body.parent", lambda s: sub(s, root(s), s.world.registrar)),
    "by its own licensee": Refusal("not-holder", "body.parent", lambda s: sub(s, root(s), s.world.licensee)),
    "of a licence that names no holder": Refusal("not-holder", "body.parent", lambda s: sub(s, root(s, holder=None))),
    "by a holder who transferred it away": Refusal("not-holder", "body.parent", by_the_old_holder),
    **{
        f"of a parent after {action}": Refusal(
            "wrong-state", "body.parent", lambda s, action=action: sub(s, after_change(s, action))
        )
        for action in ("suspend", "revoke", "expire")
    },
    "of a parent revoked with effect from last week": Refusal(
        "wrong-state", "body.parent", lambda s: sub(s, after_change(s, "revoke", -7 * DAY))
    ),
    "under a suspended root": Refusal("wrong-state", "body.parent", under_a_suspended_root),
    "of another object": Refusal("inconsistent", "body.object", of_another_object),
    "a title chain without the parent": Refusal(
        "incomplete", "body.title_chain", lambda s: sub(s, root(s), title_chain=(s.source,))
    ),
    "of a licence that states no sublicences": Refusal(
        "exceeds-parent", "body.parent", lambda s: sub(s, root(s, sublicences=None))
    ),
    "of a sublicence that states none": Refusal(
        "exceeds-parent", "body.parent", lambda s: sub(s, subbed(s, root(s)), s.world.licensee)
    ),
    "as deep as its parent": Refusal(
        "exceeds-parent", "body.sublicences", lambda s: sub(s, root(s), sublicences=2)
    ),
    "too deep by one": Refusal(
        "exceeds-parent", "body.parent", lambda s: sub(s, deep(s)[2], s.world.provider, holder=s.world.tester.id)
    ),
    "freer than its parent": Refusal("exceeds-parent", "body.transfer", lambda s: sub(s, root(s), transfer="free")),
    "with a term of later terms under version 2": Refusal(
        "incomplete", "private.windows", lambda s: grant(version_2(s), None, {**TERMS, "windows": "stated"})
    ),
    "sublicences under version 2": Refusal(
        "policy-too-old", "body.sublicences", lambda s: grant(version_2(s), sublicences=1)
    ),
}  # fmt: skip


def withdrawing(stage: Stage, after: int, then: int = 0, **fields: Any) -> Statement:
    licence = after_change(stage, "revoke", after)
    position = stage.position - 1
    stage.world.clock += then
    return change(stage, licence, "withdraw", **{"change": position, **fields})


def anothers_change(stage: Stage) -> Statement:
    return change(stage, root(stage), "withdraw", change=withdrawing(stage, DAY).event.body.change)


def withdrawn_under_version_2(stage: Stage) -> Statement:
    return change(version_2(stage), granted(stage), "withdraw", change=1)


def commenced(stage: Stage) -> str:
    return after_change(stage, "commence")


def often(stage: Stage) -> str:
    licence = root(stage)
    for number in range(MAX_CHANGES):
        stage.admit(change(stage, licence, ("suspend", "reinstate")[number % 2], number))
    return licence


CHANGES: Refusals = {
    "by a stranger": Refusal("not-holder", "iss", lambda s: change(s, root(s), "revoke", who=s.world.tester)),
    "a sublicence changed by the root's licensor": Refusal(
        "not-holder", "iss", lambda s: change(s, subbed(s, root(s)), "revoke", who=s.world.studio)
    ),
    "a sublicence changed by its holder": Refusal(
        "not-holder", "iss", lambda s: change(s, subbed(s, root(s)), "revoke", who=s.world.licensee)
    ),
    "a sublicence changed by a sublicensor who transferred away": Refusal(
        "not-holder", "iss",
        lambda s: change(
            s, (subbed(s, parent := root(s)), moved(s, parent, s.world.provider))[0], "revoke", who=s.rival
        ),
    ),
    "suspended while it will be suspended": Refusal(
        "wrong-state", "body.action", lambda s: change(s, after_change(s, "suspend", DAY), "suspend", 2 * DAY)
    ),
    "reinstated before it is suspended": Refusal(
        "wrong-state", "body.action", lambda s: change(s, after_change(s, "suspend", DAY), "reinstate")
    ),
    "reinstated after its end": Refusal(
        "wrong-state", "body.action", lambda s: change(s, after_change(s, "revoke", DAY), "reinstate", 2 * DAY)
    ),
    "expired after its end": Refusal(
        "wrong-state", "body.action", lambda s: change(s, after_change(s, "revoke"), "expire", DAY)
    ),
    "withdrawn after it took effect": Refusal("wrong-state", "body.change", lambda s: withdrawing(s, DAY, DAY)),
    "withdrawn at once": Refusal("wrong-state", "body.change", lambda s: withdrawing(s, 0)),
    "another licence's change withdrawn": Refusal(
        "wrong-state", "body.change", anothers_change
    ),
    "withdrawn from next week on": Refusal(
        "time-in-future",
        "body.effective",
        lambda s: withdrawing(s, DAY, effective=format_time(s.world.clock + 7 * DAY)),
    ),
    "withdrawn without a change": Refusal("incomplete", "body.change", lambda s: withdrawing(s, DAY, change=None)),
    "revoked with a change": Refusal("incomplete", "body.change", lambda s: change(s, root(s), "revoke", change=1)),
    "commenced twice": Refusal("wrong-state", "body.action", lambda s: change(s, commenced(s), "commence")),
    "commenced tomorrow": Refusal("time-in-future", "body.effective", lambda s: change(s, root(s), "commence", DAY)),
    "changed too often": Refusal("wrong-state", "body.action", lambda s: change(s, often(s), "suspend", MAX_CHANGES)),
    "withdrawn under version 2": Refusal("policy-too-old", "body.action", withdrawn_under_version_2),
    "on later grounds under version 2": Refusal(
        "policy-too-old", "body.grounds", lambda s: change(version_2(s), granted(s), "revoke", grounds="agreement")
    ),
}  # fmt: skip


def raced(stage: Stage) -> Statement:
    licence = root(stage, transfer="free")
    first, second = move(stage, licence, stage.world.licensee), move(stage, licence, stage.world.provider)
    stage.admit(first)
    return second


def used_consent(stage: Stage) -> Statement:
    """To the provider, and back by a court's order: the consent to the first move is spent."""
    licence = moved(stage, root(stage), stage.world.provider)
    stage.admit(move(stage, licence, stage.rival, stage.world.registrar, grounds="court-order"))
    return move(stage, licence, stage.world.provider)


def late_consent(stage: Stage) -> Statement:
    licence = root(stage)
    stage.admit(agree(stage, licence, stage.world.provider, until=DAY))
    stage.world.clock += DAY
    return move(stage, licence, stage.world.provider)


def consent_to_another(stage: Stage) -> Statement:
    licence = root(stage)
    stage.admit(agree(stage, licence, stage.world.provider), agree(stage, licence, stage.world.tester))
    return move(stage, licence, stage.world.provider)


TRANSFERS: Refusals = {
    "a consent by a stranger": Refusal(
        "not-holder", "iss", lambda s: agree(s, root(s), s.world.tester, s.world.tester)
    ),
    "a consent by the holder himself": Refusal(
        "not-holder", "iss", lambda s: agree(s, root(s), s.world.tester, s.rival)
    ),
    "a consent to a sublicence's transfer by the root's licensor": Refusal(
        "not-holder", "iss", lambda s: agree(s, subbed(s, root(s)), s.world.tester)
    ),
    "a consent for nothing": Refusal("unregistered", "subject", lambda s: agree(s, NO_LICENCE, s.rival)),
    "a consent to nobody": Refusal("unregistered", "body.to", lambda s: agree(s, root(s), s.world.outsider)),
    "a transfer of nothing": Refusal("unregistered", "subject", lambda s: move(s, NO_LICENCE, s.rival)),
    "by the licensor": Refusal(
        "not-holder", "iss", lambda s: move(s, root(s), s.world.provider, s.world.studio)
    ),
    "by who wants it": Refusal(
        "not-holder", "iss", lambda s: move(s, root(s, transfer="free"), s.world.provider, s.world.provider)
    ),
    "of a licence that names no holder": Refusal(
        "not-holder", "iss", lambda s: move(s, root(s, holder=None), s.world.provider)
    ),
    "by the registrar by agreement": Refusal(
        "not-holder", "iss", lambda s: move(s, root(s), s.world.provider, s.world.registrar)
    ),
    "to nobody": Refusal("unregistered", "body.to", lambda s: move(s, root(s), s.world.outsider)),
    "to oneself": Refusal("inconsistent", "body.to", lambda s: move(s, root(s), s.rival)),
    "without consent": Refusal("no-consent", "body.to", lambda s: move(s, root(s), s.world.provider)),
    "by court order, but not by the registrar": Refusal(
        "no-consent", "body.to", lambda s: move(s, root(s), s.world.provider, grounds="court-order")
    ),
    "with a consent to another": Refusal("no-consent", "body.to", consent_to_another),
    "with a consent that has lapsed": Refusal("no-consent", "body.to", late_consent),
    "with a consent that was used": Refusal("no-consent", "body.to", used_consent),
    "the second of two": Refusal("not-holder", "iss", raced),
    "of a suspended licence": Refusal(
        "wrong-state", "subject", lambda s: move(s, after_change(s, "suspend"), s.world.provider)
    ),
    "of a sublicence whose parent is revoked": Refusal(
        "wrong-state",
        "subject",
        lambda s: (
            child := subbed(s, parent := root(s, transfer="free"), transfer="free"),
            s.admit(change(s, parent, "revoke")),
            move(s, child, s.world.provider, s.world.licensee),
        )[2],
    ),
    "from tomorrow on": Refusal(
        "time-in-future",
        "body.effective",
        lambda s: move(s, root(s), s.world.provider, effective=format_time(s.world.clock + DAY)),
    ),
    "without the new licensee": Refusal(
        "incomplete", "private.licensee", lambda s: move(s, root(s, transfer="free"), s.world.provider, private={})
    ),
    "with another term changed on the way": Refusal(
        "incomplete",
        "private.licensee",
        lambda s: move(
            s, root(s, transfer="free"), s.world.provider, private={"licensee": "x", "territory": "the world"}
        ),
    ),
    "under the old status index": Refusal(
        "already-used",
        "body.status",
        lambda s: move(s, root(s, transfer="free", index=7), s.world.provider, status=StatusPointer(LIST, 7)),
    ),
    "under version 2": Refusal("policy-too-old", "type", lambda s: move(version_2(s), NO_LICENCE, s.rival)),
}  # fmt: skip


def rights_after(stage: Stage, licence: str, who: Someone) -> Statement:
    assert licence
    return uses(stage, who)


def in_time(stage: Stage, after: int, then: int) -> Statement:
    after_change(stage, "revoke", after)
    stage.world.clock += then
    return uses(stage, stage.rival)


RIGHTS: Refusals = {
    "used by the old holder": Refusal(
        "not-holder", "body.basis[0].subject", lambda s: rights_after(s, moved(s, root(s), s.world.provider), s.rival)
    ),
    "used on a revocation's day": Refusal("not-holder", "body.basis[0].subject", lambda s: in_time(s, DAY, DAY)),
    "used after a revocation that was dated back": Refusal(
        "not-holder", "body.basis[0].subject", lambda s: in_time(s, -DAY, 0)
    ),
    "a sublicence used while the root is suspended": Refusal(
        "not-holder",
        "body.basis[0].subject",
        lambda s: (deep(s), s.admit(change(s, roots(s)[0], "suspend")), uses(s, s.world.provider))[2],
    ),
    "a sublicence named while its parent is suspended": Refusal(
        "not-holder",
        "body.basis[0].subject",
        lambda s: (
            licences := deep(s),
            s.admit(change(s, licences[1], "suspend", who=s.rival)),
            s.world.object(s.world.provider, basis=(Basis("licence", None, licences[2]),)),
        )[2],
    ),
}


def roots(stage: Stage) -> list[str]:
    states = stage.state._states.items()
    return [name for name, state in states if isinstance(state, LicenceState) and state.parent is None]


CASES: Refusals = {
    f"{family}: {name}": case
    for family, cases in (
        ("sublicence", SUBLICENCES), ("change", CHANGES), ("transfer", TRANSFERS), ("rights", RIGHTS)
    )
    for name, case in cases.items()
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_refused(name: str) -> None:
    check_refusal(CASES[name])
