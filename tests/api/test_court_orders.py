"""What a court ordered of a licence, whoever stands above it does not undo, by token or by signature."""

from __future__ import annotations

from typing import Any

import pytest

from api.services.vetting import Vetting
from ledger.submission import prepare
from tallystick.admission import Refused
from tallystick.events.licence import LicenceStatus
from tallystick.licence.status_list import Status
from tallystick.schema import write
from tallystick.times import format_time
from tests.api.desk import Desk, told
from tests.api.house import Party, problem
from tests.api.test_status_chains import HOUR, free, status, sublicence

ORDERED = (403, "not-entitled", "iss")


def change(desk: Desk, who: Party, licence: str, action: str, later: int = 0, **more: Any) -> int:
    """Through the service; where it stands."""
    asked = {"action": action, "grounds": "court-order", "effective": format_time(desk.house.world.clock + later)}
    return int(told(who.post(f"/v1/licences/{licence}/status", {**asked, **more}))["position"])


def undo(
    desk: Desk, licence: str, action: str = "reinstate", later: int = 0, who: Party | None = None, **more: Any
) -> Any:
    """By the licensor, in each way that there is; what all of them come to."""
    who, world = who or desk.studio, desk.house.world
    body = LicenceStatus(action, "remedied", format_time(world.clock + later), **more)  # type: ignore[arg-type]
    answers = [
        who.post(f"/v1/licences/{licence}/status", write(body)),
        who.submit("licence.status", body, subject=licence),
        who.state(world.say(who.who, "licence.status", licence, body)),
    ]
    batch = {"events": [{"type": "licence.status", "body": write(body), "subject": licence}]}
    (one,) = told(who.post("/v1/events/batch", batch), 200)["results"]
    signed = world.say(who.who, "licence.status", licence, body).entry
    entered = desk.house.http.post("/entries", content=signed, headers={"Content-Type": "application/cose"})
    found = {problem(answer) for answer in answers} | {(one["status"], one["code"], one["field"])}
    (same,) = found
    assert entered.is_client_error
    return same


def test_a_suspension_that_a_court_ordered_is_the_registrars_to_end(desk: Desk) -> None:
    licence, at = free(desk)
    change(desk, desk.house.registrar, licence, "suspend")
    assert undo(desk, licence) == ORDERED
    assert undo(desk, licence, later=HOUR) == ORDERED
    assert status(desk, at) is Status.SUSPENDED
    change(desk, desk.house.registrar, licence, "reinstate")
    assert status(desk, at) is Status.VALID
    # What the licensor says itself it takes back itself, on whatever grounds.
    change(desk, desk.studio, licence, "suspend")
    change(desk, desk.studio, licence, "reinstate")
    assert status(desk, at) is Status.VALID


def test_what_the_registrar_says_on_other_grounds_binds_nobody(desk: Desk) -> None:
    licence, at = free(desk)
    change(desk, desk.house.registrar, licence, "suspend", grounds="request")
    change(desk, desk.studio, licence, "reinstate", grounds="remedied")
    assert status(desk, at) is Status.VALID


def test_an_order_that_is_still_to_come_is_not_withdrawn(desk: Desk) -> None:
    licence, at = free(desk)
    ordered = change(desk, desk.house.registrar, licence, "revoke", later=HOUR)
    mine = change(desk, desk.studio, licence, "suspend", later=HOUR // 2)
    assert undo(desk, licence, "withdraw", change=ordered) == ORDERED
    change(desk, desk.studio, licence, "withdraw", change=mine)
    change(desk, desk.house.registrar, licence, "withdraw", change=ordered)
    assert status(desk, at) is Status.VALID


@pytest.mark.parametrize("action", ["revoke", "expire"])
@pytest.mark.parametrize("later", [HOUR // 2, HOUR])
def test_an_end_that_took_an_orders_place_is_not_withdrawn(desk: Desk, action: str, later: int) -> None:
    """What was to come after it is moot by the rules, and does not come back when the licensor thinks better of it."""
    licence, at = free(desk)
    change(desk, desk.house.registrar, licence, "suspend", later=HOUR)
    mine = change(desk, desk.studio, licence, action, later=later)
    assert undo(desk, licence, "withdraw", change=mine) == ORDERED
    change(desk, desk.house.registrar, licence, "withdraw", change=mine)
    assert status(desk, at) is Status.VALID


def test_an_end_after_an_order_is_withdrawn(desk: Desk) -> None:
    """The order stands before it as after it; so does an end that was there before the order."""
    licence, at = free(desk)
    earlier = change(desk, desk.studio, licence, "revoke", later=3 * HOUR)
    change(desk, desk.house.registrar, licence, "suspend")
    change(desk, desk.studio, licence, "withdraw", change=earlier)
    later = change(desk, desk.studio, licence, "revoke", later=HOUR)
    change(desk, desk.studio, licence, "withdraw", change=later)
    assert undo(desk, licence, later=2 * HOUR) == ORDERED
    assert status(desk, at) is Status.SUSPENDED


def test_an_order_that_would_be_lifted_by_what_was_said_ahead_waits_until_that_is_withdrawn(desk: Desk) -> None:
    licence, at = free(desk)
    registrar, clock = desk.house.registrar, desk.house.world.clock
    change(desk, desk.studio, licence, "suspend", later=HOUR // 2)
    ahead = change(desk, desk.studio, licence, "reinstate", later=HOUR)
    asked = {"action": "suspend", "grounds": "court-order", "effective": format_time(clock)}
    answer = registrar.post(f"/v1/licences/{licence}/status", asked)
    assert problem(answer) == (409, "wrong-state", "body.effective")
    assert f"withdraw the change at {ahead} first" in answer.json()["hint"]
    # One that takes effect later lifts itself over it.
    withdrawn = change(desk, registrar, licence, "suspend", later=2 * HOUR)
    change(desk, registrar, licence, "withdraw", change=withdrawn)
    change(desk, registrar, licence, "withdraw", change=ahead)
    change(desk, registrar, licence, "suspend")
    assert undo(desk, licence, later=HOUR) == ORDERED
    assert status(desk, at) is Status.SUSPENDED


def test_an_order_about_a_licence_that_its_licensor_suspended(desk: Desk) -> None:
    """The rules take no second suspension."""
    licence, at = free(desk)
    registrar = desk.house.registrar
    change(desk, desk.studio, licence, "suspend")
    asked = {"action": "suspend", "grounds": "court-order"}
    assert problem(registrar.post(f"/v1/licences/{licence}/status", asked)) == (409, "wrong-state", "body.action")
    change(desk, registrar, licence, "reinstate")
    change(desk, registrar, licence, "suspend")
    assert undo(desk, licence) == ORDERED
    assert status(desk, at) is Status.SUSPENDED


def test_an_order_within_what_the_registrar_said_ahead(desk: Desk) -> None:
    licence, at = free(desk)
    registrar = desk.house.registrar
    change(desk, registrar, licence, "suspend", later=HOUR // 2)
    change(desk, registrar, licence, "reinstate", later=HOUR)
    change(desk, registrar, licence, "suspend")
    assert status(desk, at) is Status.SUSPENDED


def test_an_order_under_a_suspension_of_ones_own(desk: Desk) -> None:
    """Said before the order, it takes effect after it: at that time the licensor's own word decides, and hides it."""
    licence, at = free(desk)
    change(desk, desk.studio, licence, "suspend", later=HOUR // 2)
    change(desk, desk.house.registrar, licence, "suspend")
    assert undo(desk, licence, later=HOUR) == ORDERED
    assert status(desk, at) is Status.SUSPENDED


def test_two_orders_of_which_one_is_lifted(desk: Desk) -> None:
    """The later one was recorded first."""
    licence, _ = free(desk)
    change(desk, desk.house.registrar, licence, "suspend", later=HOUR)
    change(desk, desk.house.registrar, licence, "suspend")
    change(desk, desk.house.registrar, licence, "reinstate", later=HOUR // 2)
    assert undo(desk, licence, later=2 * HOUR) == ORDERED


def test_an_order_that_was_withdrawn_binds_nobody(desk: Desk) -> None:
    licence, at = free(desk)
    ordered = change(desk, desk.house.registrar, licence, "suspend", later=HOUR)
    change(desk, desk.studio, licence, "suspend")
    change(desk, desk.house.registrar, licence, "withdraw", change=ordered)
    change(desk, desk.studio, licence, "reinstate", later=2 * HOUR)
    assert status(desk, at) is Status.SUSPENDED


def test_whoever_acquires_the_parent_does_not_undo_it_either(desk: Desk, rival: Party) -> None:
    """Nor does the sublicensor, of whose sublicence it is."""
    parent, _ = free(desk, sublicences=1)
    child, at = sublicence(desk, parent, rival)
    change(desk, desk.house.registrar, child, "suspend")
    assert undo(desk, child, who=desk.licensee) == ORDERED
    assert undo(desk, child, who=desk.studio) == (403, "not-holder", "iss")
    assert status(desk, at) is Status.SUSPENDED


@pytest.mark.parametrize("action", ["reinstate", "withdraw"])
def test_nobody_undoes_an_order_before_it_is_there(desk: Desk, action: str) -> None:
    """It went to the log behind the order that came in between: whoever expects one would say it again and again."""
    licence, _ = free(desk)
    world, store = desk.house.world, desk.house.services.log.store
    with store.snapshot() as reads:
        more = {"change": reads.size()} if action == "withdraw" else {}
        body = LicenceStatus(action, "remedied", world.now(), **more)  # type: ignore[arg-type]
        said = world.say(desk.studio.who, "licence.status", licence, body)
        (vetted,) = Vetting("log.example").vet_all(reads, [prepare(said)])
    assert isinstance(vetted, Refused)
    where = "body.action" if action == "reinstate" else "body.change"
    assert (vetted.code, vetted.field) == ("wrong-state", where)
    assert problem(desk.studio.state(said)) == (409, "wrong-state", where)


def test_a_repeated_reinstatement_is_one(desk: Desk) -> None:
    licence, _ = free(desk)
    change(desk, desk.studio, licence, "suspend")
    asked = {"action": "reinstate", "grounds": "remedied", "event_id": f"again-{licence[-4:]}"}
    path = f"/v1/licences/{licence}/status"
    first = told(desk.studio.post(path, asked))
    change(desk, desk.house.registrar, licence, "suspend")
    assert told(desk.studio.post(path, asked), 200)["position"] == first["position"]
