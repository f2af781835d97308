"""A real failover: the server dies, its replica is promoted, the services of the log go on there by themselves."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from ledger.errors import LedgerError, LogHalted
from ledger.log import Log
from ledger.shared.log import create_shared, open_shared
from ledger.shared.place import Place
from ledger.shared.upkeep import fsck_shared
from ledger.submission import prepare
from tallystick.merkle import verify_consistency
from tallystick.statement import Statement
from tallystick.tree_head import SignedCheckpoint
from tests.ledger.conftest import founding
from tests.patience import PATIENCE, join, wait_until
from tests.postgres import Server, serve
from tests.replica import Replica, replicated
from tests.world import World

LEASE = 1.0


@pytest.fixture
def primary() -> Iterator[Server]:
    with serve() as server:
        yield server


@pytest.fixture
def replica(primary: Server) -> Iterator[Replica]:
    with replicated(primary) as server:
        yield server


class Services:
    """Two services of one log, which know both servers and take the one that takes writes."""

    def __init__(self, primary: Server, replica: Server) -> None:
        self.world = World()
        self.dsn = (
            f"host={primary.folder},{replica.folder} user=postgres dbname=template_log target_session_attrs=read-write"
        )
        create_shared(self.place("founder"), founding(self.world), lambda: self.world.clock)
        self.logs = [self._open(name) for name in ("one", "two")]
        self.said: dict[bytes, int] = {}
        self._numbers = itertools.count()

    def place(self, name: str) -> Place:
        return Place(self.dsn, name, lease=LEASE)

    def _open(self, name: str) -> Log:
        signers = self.world.signers
        return open_shared(self.place(name), signers, lambda: self.world.clock, publish_every=0.0, patience=2.0)

    def close(self) -> None:
        for log in self.logs:
            log.close()

    def statement(self) -> Statement:
        return self.world.register(self.world.someone(f"party {next(self._numbers)}"), "studio")

    def say(self, log: Log) -> bool:
        """Whether one more statement was acknowledged; where nobody knows, it is said again."""
        said = self.statement()

        def told() -> bool:
            try:
                self.said[said.statement_id] = log.submit(said).result().position
            except LogHalted:
                raise
            except LedgerError:
                return False
            return True

        try:
            wait_until(told, "an answer")
        except LogHalted:
            return False
        return True

    def published(self) -> SignedCheckpoint:
        """What both services see, of everything that was said."""
        with self.logs[0].store.snapshot() as reads:
            size = reads.size()
        first, *others = [log.wait_published(size, PATIENCE) for log in self.logs]
        assert all(one.note == first.note for one in others)
        return first

    def lost(self) -> dict[bytes, int]:
        """What was acknowledged and does not stand where it was told to."""
        with self.logs[0].store.snapshot() as reads:
            stand = reads.positions_of(list(self.said))
        return {one: position for one, position in self.said.items() if stand.get(one) != position}

    def halted(self) -> bool:
        """Whether both refuse to record anything, and the status of whoever knows why says it."""
        try:
            outcomes = [log.submit_many([prepare(self.statement())]).result()[0] for log in self.logs]
            return all(isinstance(one, LogHalted) for one in outcomes) and any(log.status().halted for log in self.logs)
        except LedgerError:
            return False

    def extends(self, old: SignedCheckpoint, new: SignedCheckpoint) -> None:
        before, after = old.checkpoint, new.checkpoint
        proof = self.logs[0].published.prove_consistency(before.size, after.size)
        verify_consistency(before.size, before.root, after.size, after.root, proof)


@pytest.fixture
def services(primary: Server, replica: Replica) -> Iterator[Services]:
    with closing(Services(primary, replica)) as found:
        yield found


def test_commits_that_wait_for_the_replica_outlive_the_server(
    primary: Server, replica: Replica, services: Services
) -> None:
    primary.admin("ALTER SYSTEM SET synchronous_standby_names = '*'")
    primary.admin("SELECT pg_reload_conf()")
    for log in services.logs:
        services.say(log)
    before = services.published()
    enough = threading.Event()

    def work(log: Log) -> None:
        while not enough.is_set():
            services.say(log)

    threads = [threading.Thread(target=work, args=(log,)) for log in services.logs]
    for thread in threads:
        thread.start()
    at = len(services.said)
    wait_until(lambda: len(services.said) > at + 20, "they work")
    primary.kill()
    replica.promote()
    at = len(services.said)
    wait_until(lambda: len(services.said) > at + 20, "they go on by themselves")
    enough.set()
    join(*threads)
    services.extends(before, services.published())
    assert services.lost() == {}
    assert fsck_shared(services.place("fsck")).findings == ()


def test_a_replica_that_was_behind_gets_nothing(primary: Server, replica: Replica, services: Services) -> None:
    services.say(services.logs[0])
    services.published()
    replica.fall_behind()
    for log in services.logs:
        services.say(log)
    newest = services.published()
    primary.kill()
    replica.promote()
    wait_until(services.halted, "nothing is recorded")
    # Nor by the other one, when the one that sequenced has left.
    seats = [log for log in services.logs if (seat := log.status().seat) and seat.here]
    for log in seats:
        log.close()
        services.logs.remove(log)
    wait_until(services.halted, "nothing is recorded")
    entries, size, _ = rows(replica)
    assert entries == size
    assert size < newest.checkpoint.size
    # The newest is brought back: they go on by themselves.
    replica.end()
    primary.start()
    wait_until(lambda: services.say(services.logs[0]), "the log goes on")
    services.extends(newest, services.published())
    assert services.lost() == {}
    assert fsck_shared(services.place("fsck")).findings == ()


def test_a_primary_that_comes_back_after_the_failover_gets_nothing(
    primary: Server, replica: Replica, services: Services
) -> None:
    """Both take writes, and new connections go to the one that is behind."""
    for log in services.logs:
        services.say(log)
    services.published()
    wait_until(replica.caught_up, "the replica has all of it")
    primary.kill()
    replica.promote()
    for log in services.logs * 2:
        services.say(log)
    newest = services.published()
    primary.start()
    before = rows(primary)
    for _ in range(5):
        replica.admin("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'template_log'")
    wait_until(services.halted, "nothing is recorded")
    assert rows(primary) == before
    primary.kill()
    wait_until(lambda: services.say(services.logs[0]), "the log goes on")
    services.extends(newest, services.published())
    assert services.lost() == {}
    assert fsck_shared(services.place("fsck")).findings == ()


def rows(server: Server) -> tuple[int, int, str]:
    """How many entries there are, and what was signed."""
    with psycopg.connect(server.dsn("template_log")) as connection:
        query = "SELECT (SELECT count(*) FROM entries), size, note FROM signed"
        ((entries, size, note),) = connection.execute(query).fetchall()
    return entries, size, note
