"""Files of licences that were transferred, or end on a day that is known."""

from __future__ import annotations

from pathlib import Path

from tests.api.desk import Desk, told
from tests.api.house import Party, problem
from tests.api.test_licence_files import card_of, credential_of, shown_names
from tests.api.test_sublicences import DEEP, card, change, root, sub


def test_a_file_of_the_old_holder_ends_and_one_of_the_new_holder_is_valid(
    desk: Desk, rival: Party, tmp_path: Path
) -> None:
    made = root(desk, transfer="free")
    old = card(desk, desk.studio, made[0], tmp_path)
    before = desk.staple(made[0])
    assert desk.check(old, staple=before).answer == "valid"
    kid = rival.who.signer.public.kid.hex()
    move = {"to": rival.id, "holder_kid": kid, "grounds": "agreement"}
    told(desk.licensee.post(f"/v1/licences/{made[0]}/transfer", move))
    (tmp_path / "new").mkdir()
    new = card(desk, desk.studio, made[0], tmp_path / "new")
    staple = desk.staple(made[0])
    assert desk.check(new, staple=staple).answer == "valid"
    assert desk.check(new, f"play in DE on streaming as {rival.id}", staple).answer == "valid"
    assert desk.check(new, f"play in DE on streaming as {desk.licensee.id}", staple).answer == "not_valid"
    assert desk.check(old, staple=staple).answer != "valid", "the new index is not the old file's"
    assert desk.check(old).answer == "cannot_tell"


def test_who_grants_a_sublicence_has_not_the_title_of_anothers_object(desk: Desk, rival: Party) -> None:
    """The holder never disclosed it: not in a card of his own, and the log has a commitment to it alone."""
    object_id, data = desk.picture(title="The Secret Lantern")
    terms = desk.terms(object_id, data, sublicensing=DEEP)
    made = desk.grant(object_id, data, terms=terms, sublicences=2), object_id, data
    below = sub(desk, made, rival)
    told(desk.licensee.post(f"/v1/licences/{below}/card", {}))
    shown = desk.licensee.get(f"/v1/licences/{below}/card").content
    assert "title" not in shown_names(credential_of(desk, shown))
    assert b"Secret Lantern" not in shown
    answer = desk.licensee.post(f"/v1/licences/{below}/card", {"disclose": ["title"]})
    assert problem(answer) == (422, "malformed", "disclose")
    assert "title" in shown_names(credential_of(desk, card_of(desk, made[0])))


def test_a_staple_speaks_of_a_change_from_its_effective_time_on(desk: Desk, tmp_path: Path) -> None:
    made = root(desk)
    file = card(desk, desk.studio, made[0], tmp_path)
    told(change(desk, made[0], "revoke", 3600))
    assert desk.check(file, staple=desk.staple(made[0])).answer == "valid"
    early = desk.staple(made[0])
    desk.house.world.clock += 3600
    assert desk.check(file, staple=early).answer == "cannot_tell", "the list does not outlive the change"
    assert desk.check(file, staple=desk.staple(made[0])).answer == "not_valid"
