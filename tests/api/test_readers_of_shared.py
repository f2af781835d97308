"""Who reads a shared log waits for nobody who writes it: the sequencer's tables are locked, and all is answered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import psycopg
import pytest

from tallystick.base64s import from_base64
from tallystick.checkpoint import Checkpoint
from tallystick.merkle import leaf_hash, root_of, verify_consistency, verify_inclusion
from tallystick.receipt import parse_inclusion
from tallystick.tiles import parse_bundle
from tallystick.tree_head import parse_log_keys, verify_tree_head
from tests.api.process import PATIENCE, Server, running, until
from tests.api.test_sharing import TOKEN, address
from tests.api.test_submission import picture
from tests.patience import wait_until
from tests.postgres import Server as Postgres
from tests.postgres import postgres

__all__ = ["postgres"]

SEQUENCING = {"lease", "fence", "submissions", "signed", "checkpoint_store", "scrubbing"}
"""What processes tell one another: who sequences, what waits for it, what was signed, what is still to be scrubbed."""
PUBLISHED = {"published_tiles", "published_checkpoint", "aligned_checkpoint"}
COUNT = 300


class Shared:
    """A service of a shared log that has a full tile and a partial one; what it said before anything was locked."""

    def __init__(self, dsn: str, server: Server) -> None:
        self.dsn = dsn
        self.server = server
        (token,) = TOKEN.findall(server.output)
        headers = {"Authorization": f"Bearer {token}"}
        events = [
            {"type": "object.register", "body": picture(b"%d" % number), "event_id": f"event-{number}"}
            for number in range(COUNT)
        ]
        answer = httpx.post(f"{server.url}/v1/events/batch", json={"events": events}, headers=headers, timeout=PATIENCE)
        assert answer.status_code == 200, answer.text
        self.results: list[dict[str, Any]] = answer.json()["results"]
        self.position = self.results[7]["position"]
        status = until(server.url, lambda one: one["checkpoint"]["size"] > self.results[-1]["position"])
        self.head = Checkpoint(
            status["origin"], status["checkpoint"]["size"], bytes.fromhex(status["checkpoint"]["root"])
        )

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.server.url}{path}", timeout=PATIENCE)

    def found(self, path: str) -> bytes:
        answer = self.get(path)
        assert answer.status_code == 200, (path, answer.text)
        return answer.content

    def tables(self) -> set[str]:
        with psycopg.connect(self.dsn) as connection:
            rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        return {name for (name,) in rows}

    @contextmanager
    def locked(self, tables: set[str]) -> Iterator[None]:
        """Nobody reads or writes them meanwhile. Whoever tries is told after ten seconds that the database is away."""
        with psycopg.connect(self.dsn) as connection:
            # All at a moment when nobody is at one of them: who waits for a second table may wait for who has it.
            wait_until(lambda: _lock(connection, tables), f"nobody is at {sorted(tables)}")
            yield
            connection.rollback()


def _lock(connection: psycopg.Connection, tables: set[str]) -> bool:
    query = f"LOCK TABLE {', '.join(sorted(tables))} IN ACCESS EXCLUSIVE MODE NOWAIT"
    try:
        connection.execute(query)  # type: ignore[call-overload]
    except psycopg.errors.LockNotAvailable:
        connection.rollback()
        return False
    return True


@pytest.fixture(scope="module")
def shared(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    with (
        postgres.database() as dsn,
        running(tmp_path_factory.mktemp("readers"), TALLYSTICK_DATABASE=address(dsn), TALLYSTICK_NAME="home") as server,
    ):
        yield Shared(dsn, server)


def test_every_table_is_one_of_these(shared: Shared) -> None:
    """A table that comes later is thought of here."""
    log = {"entries", "statements", "subject_references", "batches", "states", "disclosures"}
    told = {"alembic_version", "tokens", "accounts_version"}
    assert shared.tables() - told == SEQUENCING | PUBLISHED | log


def test_the_tree_is_read_while_every_other_table_is_locked(shared: Shared) -> None:
    """Checkpoint, tiles, bundles, entries, proofs: from what is published, and from nothing else."""
    head, position = shared.head, shared.position
    with shared.locked(shared.tables() - PUBLISHED):
        keys = parse_log_keys(shared.found("/vkeys").decode().splitlines())
        assert verify_tree_head(shared.found("/checkpoint"), keys).checkpoint == head
        assert len(shared.found("/tile/0/000")) == 256 * 32
        rest = head.size - 256
        assert len(shared.found(f"/tile/0/001.p/{rest}")) == rest * 32
        entries = [
            *parse_bundle(shared.found("/tile/entries/000")),
            *parse_bundle(shared.found(f"/tile/entries/001.p/{rest}")),
        ]
        assert root_of([leaf_hash(entry) for entry in entries]) == head.root
        proof = shared.get(f"/v1/proofs/inclusion?position={position}&size={head.size}").json()
        path = [from_base64(one) for one in proof["path"]]
        verify_inclusion(leaf_hash(entries[position]), position, head.size, path, head.root)
        grown = shared.get(f"/v1/proofs/consistency?from=256&to={head.size}").json()
        older = root_of([leaf_hash(entry) for entry in entries[:256]])
        verify_consistency(256, older, head.size, head.root, [from_base64(one) for one in grown["path"]])
        assert shared.found(f"/v1/proofs/tlog?position={position}").startswith(b"c2sp.org/tlog-proof@v1\n")
        receipt = parse_inclusion(shared.found(f"/v1/receipts/{position}"))
        assert receipt.verify(entries[position], head.origin, keys.ed25519)
        assert shared.found(f"/entries/{position}")
        assert shared.found("/.well-known/scitt-keys")


def test_the_index_is_read_while_what_sequences_is_locked(shared: Shared) -> None:
    """Receipts by name, events, histories, the map: from a snapshot of the log's tables, never from the sequencer's."""
    said = shared.results[7]
    with shared.locked(SEQUENCING):
        entry = shared.found(f"/v1/entries/{shared.position}")
        path = shared.get(f"/v1/proofs/inclusion?position={shared.position}").json()["path"]
        verify_inclusion(
            leaf_hash(entry), shared.position, shared.head.size, [from_base64(one) for one in path], shared.head.root
        )
        assert shared.get(f"/v1/events/{shared.position}").json()["subject"] == said["subject"]
        page = shared.get(f"/v1/events?subject={said['subject']}").json()
        assert [one["position"] for one in page["events"]] == [shared.position]
        assert shared.found("/v1/keys")
        assert shared.found(f"/v1/custody/{said['subject']}")


def test_who_asks_for_the_sequencer_is_told_that_nobody_can_say(shared: Shared) -> None:
    """The check above can fail: what does read such a table is refused by it."""
    with shared.locked(SEQUENCING):
        answer = shared.get("/v1/status")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    until(shared.server.url, lambda one: one["publishing"] and one["sequencer"]["here"])


def test_the_sequencer_is_dead_with_its_locks(shared: Shared) -> None:
    """A sequencer that sleeps in the middle of its transaction holds the fence: readers do not meet it."""
    with psycopg.connect(shared.dsn) as sleeper:
        sleeper.execute("SELECT * FROM fence FOR UPDATE")
        sleeper.execute("UPDATE lease SET holder = holder")
        assert shared.found(f"/v1/entries/{shared.position}")
        assert shared.get(f"/v1/proofs/inclusion?position={shared.position}&size={shared.head.size}").status_code == 200
        sleeper.rollback()
