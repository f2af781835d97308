"""Every attack twice: as it is, and signed again by the exporter's real key, when the step behind must refuse."""

from __future__ import annotations

import itertools

import pytest

from tallystick.case.model import INDEX
from tests.core.verify import attacks_on_facts
from tests.core.verify.attacks import ATTACKS
from tests.core.verify.kit import Kit
from tests.core.verify.mutate import Members, edit_json, rezip, tags_of, without, without_entry

assert attacks_on_facts  # its attacks stand in the same table


def honest(kit: Kit) -> Members:
    return {name: data for name, data in kit.members().items() if isinstance(data, bytes)}


@pytest.mark.parametrize("name", sorted(ATTACKS))
def test_signed_again_it_is_refused_by_its_step(name: str, kit: Kit, other: Kit) -> None:
    attack = ATTACKS[name]
    changed = attack.change(kit, other, honest(kit))
    assert changed != honest(kit)
    report = kit.verify(kit.bundle(changed))
    assert (report.refused_at, report.verdict) == (attack.step, attack.verdict)


@pytest.mark.parametrize("name", sorted(ATTACKS))
def test_as_it_is_the_manifest_refuses_it(name: str, kit: Kit, other: Kit) -> None:
    changed = ATTACKS[name].change(kit, other, honest(kit))
    report = kit.verify(rezip(changed | tags_of(kit.bundle())))
    assert (report.refused_at, report.verdict) == (1, "not_proved")
    assert {claim.outcome for claim in report.claims} == {"contradicted", "not_proved"}


def test_each_member_removed(kit: Kit) -> None:
    """As it is: the manifest lists it. Signed again without a trace: only what the case does not rest on may go."""
    members, tags = honest(kit), tags_of(kit.bundle())
    for name in members:
        left = {other: data for other, data in members.items() if other != name}
        assert kit.verify(rezip(left | tags)).refused_at == 1, name
        assert kit.verify(kit.bundle(left)).verdict == "malformed", name


def test_each_tag_file_removed_or_emptied(kit: Kit) -> None:
    members, tags = honest(kit), tags_of(kit.bundle())
    for name in tags:
        left = {other: data for other, data in tags.items() if other != name}
        assert kit.verify(rezip(members | left)).verdict == "malformed", name
        assert kit.verify(rezip(members | tags | {name: b""})).verdict != "proved", name


def test_each_pair_of_neighbours_exchanged(kit: Kit) -> None:
    """Every member gets the bytes of the next: as it is, and signed again."""
    members, tags = honest(kit), tags_of(kit.bundle())
    for one, two in itertools.pairwise(members):
        swapped = {**members, one: members[two], two: members[one]}
        assert kit.verify(rezip(swapped | tags)).refused_at == 1, one
        assert kit.verify(kit.bundle(swapped)).verdict != "proved", one


def test_each_member_renamed_or_copied(kit: Kit) -> None:
    members, tags = honest(kit), tags_of(kit.bundle())
    for name, data in members.items():
        copied = {**members, name + "x": data}
        renamed = {other: kept for other, kept in copied.items() if other != name}
        for changed in (copied, renamed):
            assert kit.verify(rezip(changed | tags)).refused_at == 1, name
            assert kit.verify(kit.bundle(changed)).verdict == "malformed", name


def test_leaving_out_what_the_case_does_not_rest_on_is_no_attack(kit: Kit) -> None:
    last = kit.log.find("party.register", 3)
    assert kit.verify(kit.bundle(without_entry(honest(kit), last))).verdict == "proved"


def test_withholding_the_original_turns_content_into_an_outside_fact(kit: Kit) -> None:
    members = edit_json(honest(kit), INDEX, lambda index: index["originals"][0].update(mode="digests"))
    original = next(name for name in members if name.startswith("data/originals/"))
    report = kit.verify(kit.bundle(without(members, original)))
    assert report.verdict == "proved"
    assert (report.claim("content").outcome, report.claim("content").required) == ("needs_external_fact", False)
