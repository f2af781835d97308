"""What becomes of licences under version 3 of the rules: chains, effective times, transfers."""

from __future__ import annotations

import pytest

from tallystick.admission import Refused, licensing
from tallystick.admission.standing import Standing, licensor_of, standing_at
from tallystick.admission.state import LicenceChange, LicenceState, Rights, right_key
from tallystick.times import format_time
from tests.core.admission.stage import Stage, new_stage
from tests.core.admission.test_chains import (
    DAY,
    NO_LICENCE,
    _indices,
    after_change,
    agree,
    change,
    commenced,
    deep,
    move,
    moved,
    often,
    root,
    roots,
    status,
    sub,
    subbed,
    uses,
    version_2,
    version_3,
    withdrawing,
)
from tests.core.admission.test_licensing import grant, granted

# --- sublicences -------------------------------------------------------------------


def test_a_chain_of_sublicences_counts_its_depth() -> None:
    stage = new_stage()
    licences = deep(stage)
    states = [stage.state.get(one) for one in licences]
    assert [(one.depth, one.parent, one.licensor) for one in states if isinstance(one, LicenceState)] == [
        (None, None, stage.world.studio.id),
        (1, licences[0], stage.rival.id),
        (2, licences[1], stage.world.licensee.id),
    ]
    for who in (stage.rival, stage.world.licensee, stage.world.provider):
        stage.copy().admit(uses(stage, who))


@pytest.mark.parametrize("level", range(3))
@pytest.mark.parametrize(("action", "state"), [("suspend", "suspended"), ("revoke", "revoked"), ("expire", "expired")])
def test_what_stands_above_decides(level: int, action: str, state: str) -> None:
    stage = new_stage()
    licences = deep(stage)
    licensors = (stage.world.studio, stage.rival, stage.world.licensee)
    stage.admit(change(stage, licences[level], action, who=licensors[level]))
    for at, licence in enumerate(licences):
        found = standing_at(stage.state, licence, stage.world.now())
        assert (found.status, found.licence) == ((state, licences[level]) if at >= level else ("valid", licence))


def test_the_highest_of_the_gravest_decides() -> None:
    stage = new_stage()
    first, second, third = deep(stage)
    stage.admit(
        change(stage, third, "suspend", who=stage.world.licensee), change(stage, second, "revoke", who=stage.rival)
    )
    assert standing_at(stage.state, third, stage.world.now()).licence == second
    stage.admit(change(stage, first, "revoke"))
    assert standing_at(stage.state, third, stage.world.now()).licence == first


def test_a_parent_that_is_reinstated_gives_its_sublicences_back() -> None:
    stage = new_stage()
    first, _, third = deep(stage)
    stage.admit(change(stage, first, "suspend"))
    assert status(stage, third) == "suspended"
    stage.admit(change(stage, first, "reinstate"), uses(stage, stage.world.provider))
    assert status(stage, third) == "valid"


def test_a_licence_whose_parent_is_not_known_is_not_valid() -> None:
    stage = new_stage()
    first, _, third = deep(stage)
    del stage.state._states[first]
    assert standing_at(stage.state, third, stage.world.now()) == Standing("revoked", first, None, None)
    assert standing_at(stage.state, NO_LICENCE, stage.world.now()).status == "revoked"


# --- effective times ---------------------------------------------------------------


def test_a_change_counts_from_its_effective_time() -> None:
    stage = new_stage()
    licence = after_change(stage, "suspend", 10 * DAY)
    stage.admit(change(stage, licence, "reinstate", 20 * DAY), change(stage, licence, "expire", 30 * DAY))
    days = (9, 10, 19, 20, 29, 30, 400)
    assert [status(stage, licence, day * DAY) for day in days] == [
        "valid", "suspended", "suspended", "valid", "valid", "expired", "expired"
    ]  # fmt: skip
    stage.admit(uses(stage, stage.rival))
    now = standing_at(stage.state, licence, stage.world.now())
    assert now.until == format_time(stage.world.clock + 10 * DAY)
    stage.world.clock += 20 * DAY
    stage.admit(uses(stage, stage.rival))


def test_what_was_admitted_before_a_change_that_is_dated_back_stands() -> None:
    stage = new_stage()
    licence = root(stage)
    stage.admit(said := uses(stage, stage.rival))
    stage.world.clock += DAY
    stage.admit(change(stage, licence, "revoke", -2 * DAY, grounds="court-order"))
    assert [status(stage, licence, at) for at in (-2 * DAY - 1, -2 * DAY, 0)] == ["valid", "revoked", "revoked"]
    assert stage.state.get(said.event.subject) is not None


def test_an_earlier_end_comes_before_a_later_one() -> None:
    stage = new_stage()
    licence = after_change(stage, "expire", 30 * DAY)
    stage.admit(change(stage, licence, "revoke", 10 * DAY, grounds="breach"))
    assert [status(stage, licence, day * DAY) for day in (9, 10, 30)] == ["valid", "revoked", "revoked"]
    found = stage.state.get(licence)
    assert isinstance(found, LicenceState)
    assert found.changes is not None
    assert [one.status for one in found.changes] == ["revoked"], "what would come after the end is moot"


def test_a_notice_is_withdrawn_before_its_time() -> None:
    stage = new_stage()
    stage.admit(withdrawing(stage, 30 * DAY, 29 * DAY, grounds="remedied"))
    (licence,) = roots(stage)
    assert status(stage, licence, 400 * DAY) == "valid"
    stage.world.clock += 30 * DAY
    stage.admit(uses(stage, stage.rival))


def test_of_two_changes_of_one_instant_the_later_entry_counts() -> None:
    stage = new_stage()
    licence = after_change(stage, "suspend", DAY)
    stage.admit(change(stage, licence, "reinstate", DAY))
    assert {status(stage, licence, at * DAY) for at in range(4)} == {"valid"}


def test_one_that_ends_it_is_taken_however_often_it_changed() -> None:
    stage = new_stage()
    licence = often(stage)
    stage.admit(change(stage, licence, "revoke", 3))
    assert [status(stage, licence, at) for at in (0, 1, 2, 3)] == ["suspended", "valid", "suspended", "revoked"]


def test_a_licence_of_version_2_goes_on_from_what_it_was() -> None:
    stage = version_2(new_stage())
    licence = granted(stage, holder=stage.rival.id)
    stage.admit(change(stage, licence, "suspend", 30 * DAY))
    assert status(stage, licence) == "suspended", "version 2 counts from the position"
    before = stage.state.get(licence)
    assert isinstance(before, LicenceState)
    assert (before.changes, before.before) == (None, None)
    version_3(stage).admit(change(stage, licence, "reinstate", DAY))
    assert [status(stage, licence, at) for at in (0, DAY)] == ["suspended", "valid"]
    found = stage.state.get(licence)
    effective = format_time(stage.world.clock + DAY)
    assert isinstance(found, LicenceState)
    assert found.before == "suspended"
    assert found.changes == (LicenceChange("valid", effective, stage.position - 1),)
    assert stage.state.get(right_key(stage.source, stage.rival.id)) == Rights((licence,))


def test_the_condition_of_a_start_comes_about_once() -> None:
    stage = new_stage()
    licence = commenced(stage)
    found = stage.state.get(licence)
    assert isinstance(found, LicenceState)
    assert (found.commenced, status(stage, licence)) == (stage.world.now(), "valid")


# --- transfers ---------------------------------------------------------------------


def test_a_transfer_moves_rights_and_status_index() -> None:
    stage = new_stage()
    licence = root(stage, transfer="free")
    said = move(stage, licence, stage.world.provider)
    stage.admit(said, uses(stage, stage.world.provider))
    found = stage.state.get(licence)
    assert isinstance(found, LicenceState)
    assert (found.holder, found.pointer, found.licensor) == (
        stage.world.provider.id, said.event.body.status, stage.world.studio.id
    )  # fmt: skip
    assert stage.state.get(right_key(stage.source, stage.rival.id)) == Rights(())


def test_with_consent_and_by_the_registrar() -> None:
    stage = new_stage()
    licence = moved(stage, root(stage), stage.world.provider)
    for grounds, to in (("court-order", stage.rival), ("succession", stage.world.tester)):
        stage.admit(move(stage, licence, to, stage.world.registrar, grounds=grounds))
        found = stage.state.get(licence)
        assert isinstance(found, LicenceState)
        assert (found.holder, found.consent) == (to.id, None)


def test_a_consent_binds_who_holds_the_parent_after_the_one_who_gave_it() -> None:
    """It stood openly in the log when the parent was sold."""
    stage = new_stage()
    parent = root(stage, sublicences=1)
    child = subbed(stage, parent)
    stage.admit(agree(stage, child, stage.world.tester, stage.rival))
    moved(stage, parent, stage.world.provider)
    stage.admit(move(stage, child, stage.world.tester, stage.world.licensee))
    found = stage.state.get(child)
    assert isinstance(found, LicenceState)
    assert (found.holder, found.consent) == (stage.world.tester.id, None)


def test_a_consent_is_taken_back_by_whoever_stands_above_the_licence_now() -> None:
    stage = new_stage()
    parent = root(stage, sublicences=1)
    child = subbed(stage, parent)
    stage.admit(agree(stage, child, stage.world.tester, stage.rival))
    moved(stage, parent, stage.world.provider)
    with pytest.raises(Refused) as refused:
        stage.decide(agree(stage, child, stage.world.tester, stage.rival, 0))
    assert refused.value.code == "not-holder"
    stage.admit(agree(stage, child, stage.world.tester, stage.world.provider, 0))
    with pytest.raises(Refused) as refused:
        stage.decide(move(stage, child, stage.world.tester, stage.world.licensee))
    assert refused.value.code == "no-consent"


def test_who_holds_the_parent_is_licensor_of_its_sublicences() -> None:
    stage = new_stage()
    parent = root(stage)
    child = subbed(stage, parent, sublicences=1)
    moved(stage, parent, stage.world.provider)
    found = stage.state.get(child)
    assert isinstance(found, LicenceState)
    assert licensor_of(stage.state, found) == stage.world.provider.id
    assert status(stage, child) == "valid"
    stage.admit(change(stage, child, "revoke", who=stage.world.provider))
    assert status(stage, child) == "revoked"


def test_transfers_add_no_depth() -> None:
    stage = new_stage()
    licence = root(stage, transfer="free")
    stage.admit(
        move(stage, licence, stage.world.provider),
        move(stage, licence, stage.world.tester, stage.world.provider),
        move(stage, licence, stage.rival, stage.world.tester),
    )
    check = sub(stage, licence, sublicences=1)
    stage.admit(check)
    found = stage.state.get(check.event.subject)
    assert isinstance(found, LicenceState)
    assert found.depth == 1


# --- many licences of one object ---------------------------------------------------------


def rights(stage: Stage, page: int = 0) -> Rights:
    found = stage.state.get(right_key(stage.source, stage.rival.id, page))
    assert isinstance(found, Rights)
    return found


def test_what_one_more_licence_costs_does_not_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    """They stand on pages, and each decision writes but a page of them."""
    monkeypatch.setattr(licensing, "RIGHTS_PAGE", 3)
    stage = new_stage()
    made = [root(stage) for _ in range(8)]
    assert [rights(stage, page).licences for page in range(3)] == [
        tuple(made[:3]), tuple(made[3:6]), tuple(made[6:])
    ]  # fmt: skip
    said = stage.decide(uses(stage, stage.rival))
    assert said.changes
    admission = stage.admit(grant(stage, holder=stage.rival.id, index=next(_indices)))
    written = [state for _, state in admission.changes if isinstance(state, Rights)]
    assert max(len(one.licences) for one in written) == 3


def test_a_right_on_any_page_is_found_and_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(licensing, "RIGHTS_PAGE", 2)
    stage = new_stage()
    made = [root(stage, transfer="free") for _ in range(5)]
    for licence in made[:3]:
        stage.admit(change(stage, licence, "revoke"))
    stage.admit(change(stage, made[3], "suspend"), move(stage, made[4], stage.world.provider))
    assert [rights(stage, page).licences for page in range(3)] == [(), (), ()]
    with pytest.raises(Refused) as refused:
        stage.decide(uses(stage, stage.rival))
    assert refused.value.code == "not-holder"
    stage.admit(uses(stage, stage.world.provider), change(stage, made[3], "reinstate"), uses(stage, stage.rival))
    assert rights(stage, 2).licences == (made[3],)
    stage.admit(change(stage, made[3], "suspend"))
    assert rights(stage, 2).licences == ()


def test_rights_that_were_kept_on_one_long_page_go_on() -> None:
    """As a log holds them that was begun before there were pages."""
    stage = new_stage()
    made = [root(stage) for _ in range(3)]
    key = right_key(stage.source, stage.rival.id)
    long = tuple(f"10.5555/L-{number:04d}" for number in range(licensing.RIGHTS_PAGE))
    stage.state.apply([(key, Rights((*long, *made)))])
    later = root(stage)
    assert (rights(stage).last, rights(stage, 1).licences) == (1, (later,))
    stage.admit(change(stage, made[1], "revoke"))
    assert rights(stage).licences == (*long, made[0], made[2])
    assert stage.decide(uses(stage, stage.rival)).changes
