"""Replay: the whole log decided again, parts of it decided on the strength of what is shown, and forgeries refused."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterable

import pytest

from tallystick.admission import BATCH, Refused
from tallystick.admission.state import CapabilityState, JobState
from tallystick.errors import VerificationFailed
from tallystick.events.log import Batch
from tallystick.events.party import PartyKey
from tallystick.replay import Placed, Replay, replay
from tallystick.statement import Statement, parse_statement
from tests.core.test_keys import P256_ORDER
from tests.world import START, Someone, World, key_from


def log(per_batch: int = 4) -> tuple[World, list[Placed]]:
    """The main job, in batches ten seconds apart."""
    world = World()
    placed = world.genesis()
    said = world.main_job()
    for at in range(0, len(said), per_batch):
        world.clock += 10
        placed += world.sequence(said[at : at + per_batch], len(placed))
    return world, [Placed(position, statement) for position, statement in enumerate(placed)]


WORLD, LOG = log()
SIZE = len(LOG)


def find(kind: str, number: int = 0) -> Placed:
    return [placed for placed in LOG if placed.statement.event.type == kind][number]


def batch_of(position: int) -> int:
    return min(p.position for p in LOG if p.statement.event.type == "log.batch" and p.position >= position)


def shown(*positions: int) -> list[Placed]:
    """These entries, the genesis, and the batch entry of each."""
    wanted = {0, 1, 2, *positions} | {batch_of(position) for position in positions}
    return [LOG[position] for position in sorted(wanted)]


def without(entries: Iterable[Placed], *positions: int) -> list[Placed]:
    return [placed for placed in entries if placed.position not in positions]


def code(found: Replay, position: int) -> tuple[str, str]:
    error = found.refused[position]
    assert position not in found.admitted
    assert isinstance(error, Refused)
    return error.code, error.field


def test_the_whole_log_again() -> None:
    found = replay(LOG)
    assert found.refused == {}
    assert sorted(found.admitted) == list(range(SIZE))
    for position, admitted in found.admitted.items():
        assert admitted.placed is LOG[position]
        assert admitted.batch == batch_of(position)
        # Genesis at the start, then a batch every ten seconds.
        assert (admitted.admitted_at - START) % 10 == 0
    assert found.admitted[SIZE - 1].admitted_at == WORLD.clock
    assert found.admitted[find("party.register").position].admitted_at == START + 10


def test_the_order_in_which_entries_are_given_does_not_matter() -> None:
    mixed = list(LOG)
    random.Random(1).shuffle(mixed)
    again = replay(mixed)
    assert (again.refused, sorted(again.admitted)) == ({}, list(range(SIZE)))


def test_every_single_entry_left_out_is_missed_or_not_needed() -> None:
    """Exactly the entries that rest on it are refused; nothing else changes."""
    kinds = {placed.position: placed.statement.event.type for placed in LOG}
    for left_out in range(SIZE):
        found = replay(without(LOG, left_out))
        assert set(found.admitted) | set(found.refused) == set(range(SIZE)) - {left_out}
        if left_out == 0:
            assert set(found.refused) == set(range(1, SIZE))
        elif kinds[left_out] == "log.policy":
            # The batch entry that would close over the key set is refused with the rest.
            assert set(found.refused) == set(range(SIZE)) - {left_out}
        elif kinds[left_out] == "log.batch":
            assert set(found.refused) >= {p for p in range(left_out) if batch_of(p) == left_out}
        elif kinds[left_out] in ("job.complete", "licence.grant"):
            assert found.refused == {}


@pytest.mark.parametrize(
    ("left_out", "then", "code_and_field"),
    [
        ("party.register", "object.register", ("unknown-signer", "iss")),
        ("capability.file", "job.register", ("unregistered", "body.capability")),
        ("capability.approve", "job.register", ("capability-not-approved", "body.capability")),
        ("capability.test", "capability.approve", ("wrong-state", "subject")),
        ("capability.grade", "capability.approve", ("wrong-state", "subject")),
        ("object.register", "job.register", ("unregistered", "body.inputs[0].object")),
        ("job.register", "job.complete", ("unregistered", "subject")),
    ],
)
def test_a_missing_entry_refuses_what_rests_on_it(left_out: str, then: str, code_and_field: tuple[str, str]) -> None:
    found = replay(without(LOG, find(left_out).position))
    assert code(found, find(then).position) == code_and_field


def test_a_missing_output_refuses_the_completion_and_the_licence() -> None:
    found = replay(without(LOG, find("object.register", 1).position))
    assert code(found, find("job.complete").position) == ("unregistered", "body.outputs[0]")
    assert code(found, find("licence.grant").position) == ("unregistered", "body.object")


def test_the_entries_that_a_statement_rests_on_are_enough() -> None:
    studio, licensee = find("party.register").position, find("party.register", 3).position
    source = find("object.register").position
    found = replay(shown(studio, source))
    assert found.refused == {}
    assert source in found.admitted
    needed = [*range(find("licence.grant").position + 1)]
    assert replay(shown(*needed)).refused == {}
    assert licensee in replay(shown(licensee)).admitted


def test_an_entry_without_its_batch_has_no_admission_time() -> None:
    source = find("object.register").position
    entries = without(shown(find("party.register").position, source), batch_of(source))
    assert code(replay(entries), source) == ("no-batch", "position")
    assert code(replay([*LOG, Placed(SIZE, WORLD.object())]), SIZE) == ("no-batch", "position")


def forged_batch(signer: Someone, position: int, first: int, last: int, time: str = "2026-02-01T00:01:00Z") -> Placed:
    world = dataclasses.replace(WORLD)
    world.log = signer
    return Placed(position, world.batch(first, last, time=time))


STRANGER = Someone(WORLD.origin, key_from("stranger"))


@pytest.mark.parametrize(
    "signer",
    [
        STRANGER,
        Someone(WORLD.registrar.id, WORLD.roles["registrar"]),
        Someone(WORLD.service.id, WORLD.roles["service"]),
        Someone(WORLD.origin, WORLD.roles["service"]),
        WORLD.studio,
        Someone(WORLD.origin, WORLD.studio.signer),
    ],
)
def test_a_forged_batch_entry_lends_its_time_to_nothing(signer: Someone) -> None:
    said = WORLD.object()
    forged = forged_batch(signer, SIZE + 1, SIZE, SIZE)
    found = replay([*LOG, Placed(SIZE, said), forged])
    assert {SIZE, SIZE + 1} == set(found.refused)
    assert found.refused[SIZE] is found.refused[SIZE + 1]
    assert sorted(found.admitted) == list(range(SIZE))


def test_nothing_rests_on_an_entry_whose_batch_is_forged() -> None:
    """A party registered under a forged batch entry signs an object under a true one."""
    outsider = WORLD.outsider
    entries = [
        *LOG,
        Placed(SIZE, WORLD.register(outsider, "studio")),
        forged_batch(STRANGER, SIZE + 1, SIZE, SIZE),
        Placed(SIZE + 2, WORLD.object(outsider)),
        Placed(SIZE + 3, WORLD.batch(SIZE + 2, SIZE + 2)),
    ]
    found = replay(entries)
    assert set(found.refused) == {SIZE, SIZE + 1, SIZE + 2}
    assert code(found, SIZE + 2) == ("unknown-signer", "iss")
    assert found.state.get(outsider.id) is None
    # The same entries under a true batch entry are admitted: it is the batch that decides.
    entries[-3] = Placed(SIZE + 1, WORLD.batch(SIZE, SIZE))
    assert replay(entries).refused == {}


def test_a_batch_entry_cannot_close_positions_again_under_another_time() -> None:
    """Two batch entries over one position would let the exporter choose the admission time."""
    world = World()
    genesis = world.genesis()
    world.clock += 100
    late = world.batch(0, 2)
    found = replay([Placed(at, one) for at, one in enumerate([*genesis, late])])
    assert code(found, 3) == ("bad-batch", "body.first")
    # Known limit: with the true batch entry withheld the other stands in for it. Only who has all entries sees it.
    found = replay([Placed(0, genesis[0]), Placed(1, genesis[1]), Placed(3, late)])
    assert found.admitted[0].admitted_at == world.clock


def test_time_never_falls() -> None:
    world = World()
    entries = world.genesis()
    world.clock -= 1
    entries += world.sequence([world.register(world.studio, "studio")], 3)
    found = replay([Placed(at, one) for at, one in enumerate(entries)])
    assert code(found, 4) == ("bad-batch", "time")
    assert code(found, 3) == ("bad-batch", "time")


def test_the_bytes_of_an_old_statement_are_no_new_statement() -> None:
    """An operator that writes the registrar's old 'reinstate' into the log again after a new suspension."""
    world = World()
    capability, filed = world.capability()
    first = world.decide_capability(capability.id, "suspend")
    reinstate = world.decide_capability(capability.id, "reinstate")
    second = world.decide_capability(capability.id, "suspend")
    job, said = world.job(capability)
    entries = [*world.genesis()]
    entries += world.sequence([*world.parties(), *filed, first, reinstate, second, reinstate, said], 3)
    found = replay([Placed(at, one) for at, one in enumerate(entries)])
    again = len(entries) - 3
    assert code(found, again) == ("already-entered", "position")
    assert "stands at 12 already" in str(found.refused[again])
    assert code(found, again + 1) == ("capability-not-approved", "body.capability")
    state = found.state.get(capability.id)
    assert isinstance(state, CapabilityState)
    assert state.status == "suspended"
    assert not isinstance(found.state.get(job.id), JobState)


def test_a_flipped_s_is_no_new_statement_either() -> None:
    said = find("capability.test").statement
    s = P256_ORDER - int.from_bytes(said.entry[-32:], "big")
    flipped = parse_statement(said.entry[:-32] + s.to_bytes(32, "big"))
    entries = [*LOG, Placed(SIZE, flipped), Placed(SIZE + 1, WORLD.batch(SIZE, SIZE))]
    assert code(replay(entries), SIZE) == ("already-entered", "position")


def test_a_repeated_position_is_refused_outright() -> None:
    for twice in (LOG[5], Placed(5, LOG[6].statement)):
        with pytest.raises(VerificationFailed, match="two entries claim one position"):
            replay([*LOG, twice])


def test_swapped_positions() -> None:
    """A job before its capability was approved; a use before the registration."""
    for left, right in (("capability.approve", "job.register"), ("party.register", "capability.file")):
        one, other = find(left), find(right)
        swapped = without(LOG, one.position, other.position)
        swapped += [Placed(other.position, one.statement), Placed(one.position, other.statement)]
        assert one.position in replay(swapped).refused


def test_a_revocation_counts_wherever_it_is_shown_and_only_there() -> None:
    """What a bundle withholds, replay cannot know: the claim is 'on the strength of the entries shown'."""
    world = World()
    kid = world.studio.signer.public.kid.hex()
    revocation = world.say(world.registrar, "party.key", world.studio.id, PartyKey("revoke", None, kid))
    placed = [*world.genesis()]
    placed += world.sequence([world.register(world.studio, "studio"), revocation, world.object()], 3)
    entries = [Placed(at, one) for at, one in enumerate(placed)]
    assert code(replay(entries), 5) == ("key-revoked", "kid")
    assert 5 in replay(without(entries, 4)).admitted


def test_a_key_set_at_another_position_and_a_log_without_one() -> None:
    assert code(replay([Placed(0, LOG[1].statement), *LOG[2:3]]), 2)[0] == "log-not-begun"
    assert set(replay(LOG[1:]).refused) == set(range(1, SIZE))
    second = Placed(SIZE, World("second").key_set())
    entries = [*LOG, second, Placed(SIZE + 1, WORLD.batch(SIZE, SIZE))]
    assert SIZE in replay(entries).refused


def test_the_entries_of_another_log_are_refused() -> None:
    other = World("other world")
    foreign = [Placed(at + SIZE, one) for at, one in enumerate(other.sequence([other.object()], SIZE))]
    found = replay([*LOG, *foreign])
    assert set(found.refused) == {SIZE, SIZE + 1}


def test_changed_signatures_are_refused_where_they_stand() -> None:
    for placed in LOG:
        bad: Statement = parse_statement(placed.statement.entry[:-64] + bytes(64))
        found = replay([*without(LOG, placed.position), Placed(placed.position, bad)])
        assert placed.position in found.refused


def test_signatures_verified_before_count_only_for_the_key_that_the_log_knows() -> None:
    bad = parse_statement(find("object.register").statement.entry[:-64] + bytes(64))
    position = find("object.register").position
    entries = [*without(LOG, position), Placed(position, bad)]
    for key in (STRANGER.signer.public, WORLD.registrar.signer.public):
        assert code(replay(entries, {position: key}), position) == ("bad-signature", "signature")
    known = {placed.position: WORLD.studio.signer.public for placed in LOG}
    assert replay(LOG, known).refused == {}


def test_nothing_is_nothing() -> None:
    found = replay([])
    assert (found.admitted, found.refused, found.state.get(BATCH)) == ({}, {}, None)


def test_a_batch_entry_may_not_cover_itself() -> None:
    world = World()
    entries = [world.key_set(), world.policy(), world.say(world.log, "log.batch", world.origin, Batch(0, 2, 1))]
    found = replay([Placed(at, one) for at, one in enumerate(entries)])
    assert set(found.refused) == {0, 1, 2}
