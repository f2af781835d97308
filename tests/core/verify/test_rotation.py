"""A case of a log that replaced its keys: what an old and a renewed trust file prove, and what thieves cannot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tallystick.admission.rotation import prove_rotation
from tallystick.case import case_members
from tallystick.checkpoint import Checkpoint
from tallystick.events.log import Freeze, Role
from tallystick.key_history import Replacement
from tallystick.merkle import prove_inclusion, root_of
from tallystick.statement import Statement
from tallystick.tree_head import LogSigners, sign_checkpoint
from tallystick.trust import Trust
from tallystick.verify import Report
from tests.core.verify.kit import Kit, MemoryLog, build_kit
from tests.world import Someone, key_from

THIEF = key_from("the thief's own key")
ROTATING: tuple[Role, ...] = ("log", "log-pq", "registrar", "service", "status")


@pytest.fixture
def own_kit(tmp_path: Path) -> Kit:
    """A kit of its own: what is rotated here is not for other tests."""
    return build_kit(tmp_path)


def rotate(kit: Kit, *roles: Role) -> int:
    """Replace keys in one batch, an hour later; the position of the first."""
    kit.world.clock += 3600
    first = kit.log.size
    kit.log.add(*(kit.world.rotated(kit.world.rotate(role)) for role in roles))
    return first


def judged(kit: Kit, trust: Trust | None = None, at: int | None = None) -> Report:
    """The case as it is exported now, with every entry of the log."""
    material = kit.scene.material(kit.made, disclosures=kit.honest.disclosures, originals=kit.honest.originals)
    exporter = kit.world.roles["exporter"]
    bundle = kit.scene.bundle(case_members(material), exporter)
    return kit.scene.verify(bundle, trust, kit.world.clock + 60 if at is None else at)


def renewed(kit: Kit) -> Trust:
    """The trust file of version 2 that names every rotation so far."""
    replaced = tuple(
        Replacement(at, _admitted(kit.log, at), one.event.body.role, one.event.body.key)
        for at, one in enumerate(kit.log.statements)
        if one.event.type == "log.rotate"
    )
    return kit.trust(v=2, logs=(replace(kit.scene.first, replaced=replaced),))


def _admitted(log: MemoryLog, position: int) -> str:
    return next(one.event.time for one in log.statements[position:] if one.event.type == "log.batch")


def keys_of(report: Report) -> list[str]:
    return [line.key for line in report.claim("checkpoint-signature").evidence if "rotated" in line.key]


@pytest.mark.parametrize("role", ROTATING)
def test_a_case_from_after_a_rotation_is_proved_by_the_old_trust_file_and_by_the_renewed_one(
    own_kit: Kit, role: Role
) -> None:
    rotate(own_kit, role)
    own_kit.scene.anchor()
    old, new = judged(own_kit), judged(own_kit, renewed(own_kit))
    assert (old.verdict, keys_of(old)) == ("proved", ["checkpoint.rotated-shown"]), old.claims
    assert (new.verdict, keys_of(new)) == ("proved", ["checkpoint.rotated-trust"])


def test_several_rotations_also_in_one_batch(own_kit: Kit) -> None:
    rotate(own_kit, "log", "log", "registrar")
    rotate(own_kit, "registrar", "log-pq")
    report = judged(own_kit)
    assert (report.verdict, len(keys_of(report))) == ("proved", 5)
    trust = renewed(own_kit)
    rotate(own_kit, "log")
    assert keys_of(judged(own_kit, trust)) == ["checkpoint.rotated-trust"] * 5 + ["checkpoint.rotated-shown"]


def test_what_was_exported_before_stays_proved(own_kit: Kit) -> None:
    bundle = own_kit.bundle()
    rotate(own_kit, "log", "log-pq", "registrar", "service")
    for trust in (own_kit.trust(), renewed(own_kit)):
        assert own_kit.verify(bundle, trust).verdict == "proved"


def test_the_exporters_new_key_is_for_a_renewed_trust_file_to_name(own_kit: Kit) -> None:
    """Step 2 comes before anything of the bundle is read: nothing in it adds trust."""
    old = own_kit.trust()
    rotate(own_kit, "exporter")
    assert (judged(own_kit, old).refused_at, judged(own_kit).verdict) == (2, "proved")


# --- thieves ------------------------------------------------------------------------------


def expect_refused(report: Report, step: int) -> None:
    assert (report.verdict, report.refused_at) == ("not_proved", step), report.claims
    assert report.claim("checkpoint-signature").outcome == "contradicted"


def under(kit: Kit, signers: LogSigners, size: int | None = None, at: int | None = None) -> Report:
    """The case under a checkpoint that ``signers`` make, by the old trust file."""
    return by(kit, kit.trust(), signers, size, at)


def by(kit: Kit, trust: Trust, signers: LogSigners, size: int | None = None, at: int | None = None) -> Report:
    """The case of the first ``size`` entries under a checkpoint that ``signers`` make at ``at``."""
    size = kit.log.size if size is None else size
    part = MemoryLog(kit.world, kit.log.statements[:size])
    tree = Checkpoint(kit.world.origin, size, root_of(part.leaves()))
    material = kit.scene.material(
        kit.made,
        entries={position: one.entry for position, one in enumerate(part.statements)},
        checkpoint=sign_checkpoint(tree, signers, kit.world.clock if at is None else at).encode(),
        inclusion={position: prove_inclusion(part, position, size) for position in range(size)},
        consistency={
            (old, size): path
            for old in {anchored.size for anchored in _anchored(kit)} - {size}
            for path in [part.consistency(old, size)]
        },
        disclosures=kit.honest.disclosures,
        originals=kit.honest.originals,
    )
    return kit.scene.verify(kit.scene.bundle(case_members(material)), trust, kit.world.clock + 60)


def _anchored(kit: Kit) -> list[Checkpoint]:
    from tallystick.checkpoint import parse_body
    from tallystick.note import parse_note

    return [parse_body(parse_note(one.checkpoint).text) for one in kit.scene.anchors]


def with_own(kit: Kit) -> LogSigners:
    """The thief's key as the log's, and, so that nothing else is wrong, the other two real ones."""
    return replace(kit.world.signers, ed25519=THIEF)


def forge(kit: Kit, said: Statement) -> None:
    kit.log.add(said)


def test_the_registrars_key_alone_rotates_nothing(own_kit: Kit) -> None:
    world = own_kit.world
    forged = prove_rotation(world.origin, "log", world.roles["log"], THIEF, world.roles["log"])
    forged = replace(forged, old=forged.new)
    forge(own_kit, world.say(world.registrar, "log.rotate", world.origin, forged))
    expect_refused(under(own_kit, with_own(own_kit)), 5)


@pytest.mark.parametrize("stolen", ["log", "service", "exporter", "status"])
def test_no_other_key_alone_rotates_the_logs(own_kit: Kit, stolen: str) -> None:
    """Whoever has the log's own key can sign as the key that is replaced, but not as the registrar."""
    world = own_kit.world
    body = prove_rotation(world.origin, "log", world.roles["log"], THIEF, world.roles["log"])
    as_registrar = Someone(world.registrar.id, world.roles[stolen])
    forge(own_kit, world.say(as_registrar, "log.rotate", world.origin, body))
    report = under(own_kit, with_own(own_kit))
    expect_refused(report, 5)
    assert report.claim("entitlement").outcome == "contradicted"


def test_the_registrars_key_alone_does_not_replace_itself(own_kit: Kit) -> None:
    world = own_kit.world
    message = prove_rotation(world.origin, "registrar", world.roles["registrar"], THIEF, THIEF)
    own_kit.log.add(world.say(world.registrar, "log.rotate", world.origin, message))
    own_kit.log.add(own_kit.world.register(own_kit.world.outsider, "studio"))
    report = judged(own_kit)
    assert (report.verdict, report.claim("entitlement").outcome) == ("not_proved", "contradicted")


def test_a_checkpoint_by_the_retired_key_where_the_rotation_is_shown(own_kit: Kit) -> None:
    retired = own_kit.world.signers
    rotate(own_kit, "log")
    expect_refused(under(own_kit, retired), 5)
    assert judged(own_kit).verdict == "proved"


def test_a_rotation_that_is_shown_at_another_place(own_kit: Kit) -> None:
    """Dated back: an entry of the tree, named by an earlier index."""
    first = rotate(own_kit, "log")
    material = own_kit.scene.material(own_kit.made)
    entries, inclusion = dict(material.entries), dict(material.inclusion)
    for part in (entries, inclusion):
        part[first - 1] = part.pop(first)  # type: ignore[index, assignment]
    bundle = own_kit.scene.bundle(case_members(replace(material, entries=entries, inclusion=inclusion)))
    report = own_kit.scene.verify(bundle, None, own_kit.world.clock + 60)
    expect_refused(report, 5)


def test_a_rotation_that_is_shown_without_proof(own_kit: Kit) -> None:
    first = rotate(own_kit, "log")
    material = own_kit.scene.material(own_kit.made)
    inclusion = {at: path for at, path in material.inclusion.items() if at != first}
    bundle = own_kit.scene.bundle(case_members(replace(material, inclusion=inclusion)))
    expect_refused(own_kit.scene.verify(bundle, None, own_kit.world.clock + 60), 5)


def test_a_rotation_that_the_renewed_trust_file_does_not_know(own_kit: Kit) -> None:
    """Whoever has the retired keys of log and registrar both cannot add to a history that the reader knows."""
    world, before = own_kit.world, [*own_kit.log.statements]
    retired, registrar = world.signers, world.registrar
    rotate(own_kit, "log", "registrar")
    trust = renewed(own_kit)
    own_kit.log.statements[:] = before
    world.log, world.roles, world.signers = Someone(world.origin, THIEF), {**world.roles, "log": THIEF}, retired
    body = prove_rotation(world.origin, "log", retired.ed25519, THIEF, retired.ed25519)
    own_kit.log.add(world.say(registrar, "log.rotate", world.origin, body))
    expect_refused(by(own_kit, trust, replace(retired, ed25519=THIEF)), 5)
    assert by(own_kit, own_kit.trust(), replace(retired, ed25519=THIEF)).verdict == "proved", "the old one cannot know"


def test_all_three_retired_keys_and_no_rotation_shown(own_kit: Kit) -> None:
    """What remains: an old trust file knows of no rotation that it is not shown. The renewed one does."""
    retired, before = own_kit.world.signers, own_kit.log.size
    first = rotate(own_kit, "log")
    trust = renewed(own_kit)
    forged = own_kit.world.object()
    own_kit.log.statements[before:] = [forged, own_kit.world.object()]
    size = first + 2
    assert under(own_kit, retired, size).claim("checkpoint-signature").outcome == "proved"
    expect_refused(by(own_kit, trust, retired, size), 5)


def test_retired_keys_that_sign_an_old_size_after_their_window(own_kit: Kit) -> None:
    """The time is the signer's claim: one dated within the window passes, and witnesses and anchors have the word."""
    retired, before, then = own_kit.world.signers, own_kit.log.size, own_kit.world.clock
    rotate(own_kit, "log")
    own_kit.world.clock += 3600
    trust = renewed(own_kit)
    expect_refused(by(own_kit, trust, retired, before), 5)
    assert by(own_kit, trust, retired, before, then).verdict == "proved"


def test_what_a_retired_service_key_says_afterwards(own_kit: Kit) -> None:
    world = own_kit.world
    retired = world.service
    rotate(own_kit, "service")
    world.service = retired
    event = world.object().event
    own_kit.log.add(world.record(world.studio, "object.register", event.subject, event.body))
    report = judged(own_kit)
    assert (report.verdict, report.claim("entitlement").outcome) == ("not_proved", "contradicted")
    (line,) = [line for line in report.claim("entitlement").evidence if line.key == "entitlement.refused"]
    assert "was replaced at position" in line.values["detail"]


def test_an_entry_0_of_the_thiefs_own(own_kit: Kit) -> None:
    """With the registrar's key anybody writes an entry 0; its log keys are not the trusted ones."""
    world = own_kit.world
    twin = replace(world)
    twin.roles = {**world.roles, "log": THIEF}
    twin.registrar, twin.service, twin.log = world.registrar, world.service, Someone(world.origin, THIEF)
    own_kit.log.statements[0] = twin.key_set()
    other = key_from("and another")
    body = prove_rotation(world.origin, "log", THIEF, other, THIEF)
    own_kit.log.add(world.say(world.registrar, "log.rotate", world.origin, body))
    report = under(own_kit, replace(world.signers, ed25519=other))
    assert (report.verdict, report.claim("checkpoint-signature").outcome) == ("not_proved", "contradicted")


@pytest.mark.parametrize(("reason", "told"), [("key-compromise", True), ("court-order", True), ("successor", False)])
def test_a_log_that_ended_for_a_bad_reason_is_told_first(own_kit: Kit, reason: str, told: bool) -> None:
    world = own_kit.world
    own_kit.log.add(world.say(world.registrar, "log.freeze", world.origin, Freeze(reason)))  # type: ignore[arg-type]
    report = judged(own_kit)
    assert report.verdict == "proved"
    assert [one["about"] for one in report.facts["adverse"]] == ([world.origin] if told else [])


def test_what_is_said_after_the_end(own_kit: Kit) -> None:
    """An operator who goes on all the same: what comes after its own end is refused."""
    world = own_kit.world
    own_kit.log.add(world.say(world.registrar, "log.freeze", world.origin, Freeze("closure")))
    own_kit.log.add(world.object())
    report = judged(own_kit)
    assert (report.verdict, report.claim("entitlement").outcome) == ("not_proved", "contradicted")
