"""The world that other tests stand on says what the rules admit, and says the same each time."""

from __future__ import annotations

from tallystick.replay import Placed, replay
from tests.world import World


def entries(world: World) -> list[Placed]:
    log = world.genesis()
    log += world.sequence(world.main_job(), len(log), 4)
    return [Placed(position, statement) for position, statement in enumerate(log)]


def test_the_rules_admit_the_main_job() -> None:
    said = entries(World())
    again = replay(said)
    assert again.refused == {}
    assert list(again.admitted) == list(range(len(said)))


def test_two_worlds_of_one_name_say_the_same() -> None:
    # ECDSA and ML-DSA are randomised: the words are equal, not the bytes, nor the key proofs inside entry 0.
    first, second = ([placed.statement.statement_id for placed in entries(World("same"))[1:]] for _ in range(2))
    assert first == second
    assert first != [placed.statement.statement_id for placed in entries(World("other"))[1:]]


def test_disclosures_open_what_statements_commit_to() -> None:
    world = World()
    job = world.main_job()[9]
    assert job.event.type == "job.register"
    assert {one.name: one.commitment for one in world.disclosures[job.statement_id]} == job.event.commitments
