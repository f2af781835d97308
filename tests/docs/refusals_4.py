"""Small logs for what version 4 of the rules added, and what a replay must say of each entry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.docs.refusals import Marked, Play, log_of, policy


def logs_4() -> dict[str, dict[str, Any]]:
    """The same for what version 4 of the rules added."""
    made = {
        "from version 3 to version 4": list(_fourth()),
    }
    return {name: log_of(entries) for name, entries in made.items()}


def _fourth() -> Iterator[Marked]:
    play = Play("vectors fourth", 3)
    world = play.world
    play.say("the key set", world.key_set())
    play.say("the policy, version 3", world.policy())
    play.close()
    play.say("version 4", policy(world, 4))
    play.say("version 3 after it", policy(world, 3))
    play.close(policy=3)
    yield from play.marked
