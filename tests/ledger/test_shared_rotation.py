"""A key of a log that several processes share is replaced while none of them sequences it."""

from __future__ import annotations

import pytest

from ledger.errors import LogBusy, WrongLog
from ledger.shared.log import create_shared, open_shared, rotate_shared
from ledger.shared.place import Place
from ledger.shared.upkeep import fsck_shared
from tallystick.events.log import Role
from tests.ledger.conftest import founding
from tests.ledger.test_rotation import use
from tests.world import ROLES, World, key_from

PUBLISHED = 20.0


def test_it_goes_on_under_the_new_keys(dsn: str) -> None:
    world = World()
    create_shared(Place(dsn, "founder"), founding(world), lambda: world.clock)
    with open_shared(Place(dsn, "one"), world.signers, lambda: world.clock, publish_every=0.0) as log:
        log.submit(world.parties()[0]).result()
        before = log.wait_published(5, PUBLISHED).checkpoint
        with pytest.raises(LogBusy, match="stop every process"):
            rotate_shared(Place(dsn, "two"), world.roles, "log", key_from("new"), lambda: world.clock)
    roles: tuple[Role, ...] = ("registrar", "log", "log-pq")
    for role in roles:
        new = key_from(f"shared {role}", ROLES[role])
        rotate_shared(Place(dsn, "operator"), world.roles, role, new, lambda: world.clock)
        if role != "registrar":
            with pytest.raises(WrongLog, match="was replaced at position"):
                open_shared(Place(dsn, "old"), world.signers, lambda: world.clock, publish_every=0.0)
        use(world, role, new)
    with open_shared(Place(dsn, "three"), world.signers, lambda: world.clock, publish_every=0.0) as log:
        assert log.wait_published(11, PUBLISHED).checkpoint.size == 11 > before.size
        log.submit(world.parties()[1]).result()
        log.wait_published(13, PUBLISHED)
    assert fsck_shared(Place(dsn, "checker")).findings == ()
