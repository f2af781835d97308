"""A log in PostgreSQL from its first statement to its successor: two services, and everybody's tools beside them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from ledger.upkeep.backup import read_backup
from tests.api.process import PATIENCE, Server, running, until
from tests.api.test_sharing import TOKEN, address
from tests.api.test_submission import picture
from tests.ledger.commands import run
from tests.postgres import Server as Postgres
from tests.postgres import postgres

__all__ = ["postgres"]

OLD, NEW = "log.example/shared", "log.example/shared-after"


class Life:
    """Two services of a log, whose checkpoint store stands in a database of its own; what anybody does with it."""

    def __init__(self, home: Server, other: Server, database: str, signed: str, folder: Path) -> None:
        self.home, self.other = home, other
        self.database, self.signed, self.folder = database, signed, folder
        self.last = 0
        (self.token,) = TOKEN.findall(home.output)
        (folder / "vkeys").write_bytes(httpx.get(f"{home.url}/vkeys").content)

    def post(self, at: Server, path: str, body: dict[str, Any]) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.post(f"{at.url}{path}", json=body, headers=headers, timeout=PATIENCE)

    def register(self, at: Server, name: str) -> dict[str, Any]:
        """An object with a title that is private."""
        event = {
            "type": "object.register",
            "body": picture(name.encode()),
            "event_id": name,
            "private": {"title": name},
        }
        answer = self.post(at, "/v1/events", event)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        self.last = found["position"]
        return found

    def private(self, at: Server, position: int) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = httpx.get(f"{at.url}/v1/events/{position}", headers=headers, timeout=PATIENCE)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["disclosures"]
        return found

    def mirror(self, at: Server) -> tuple[int, str]:
        code, out, error = run("mirror", at.url, self.folder / "mirror", "--key", self.folder / "vkeys")
        return code, out + error

    def monitor(self, at: Server) -> tuple[int, list[dict[str, Any]]]:
        code, out, error = run("monitor", at.url, self.folder / "monitor", "--key", self.folder / "vkeys", "--once")
        assert error == ""
        return code, [json.loads(line) for line in out.splitlines()]

    def published(self, size: int) -> None:
        for at in (self.home, self.other):
            until(at.url, lambda status: (status["checkpoint"] or {"size": 0})["size"] >= size)


@pytest.fixture
def life(postgres: Postgres, tmp_path: Path) -> Iterator[Life]:
    with ExitStack() as stack:
        database, signed = (stack.enter_context(postgres.database("template1")) for _ in range(2))
        shared = {
            "TALLYSTICK_DATABASE": address(database),
            "TALLYSTICK_CHECKPOINTS": address(signed),
            "TALLYSTICK_ORIGIN": OLD,
        }
        home = stack.enter_context(running(tmp_path / "home", **shared, TALLYSTICK_NAME="home"))
        shutil.copytree(tmp_path / "home/keys", tmp_path / "other/keys")
        other = stack.enter_context(
            running(tmp_path / "other", **shared, TALLYSTICK_NAME="other", TALLYSTICK_ROLE="ledger")
        )
        yield Life(home, other, address(database), address(signed), tmp_path)


def test_from_its_first_statement_to_its_successor(life: Life, postgres: Postgres) -> None:
    first, second = life.register(life.other, "first"), life.register(life.home, "second")
    life.published(second["position"] + 1)
    erased_at_one_gone_at_both(life, first, second)
    followed_at_either(life)
    backed_up_while_both_are_at_work(life)
    ended_at_one_and_the_other(life)
    succeeded(life, postgres)
    assert [one.stop() for one in (life.home, life.other)] == [0, 0]


def erased_at_one_gone_at_both(life: Life, first: dict[str, Any], second: dict[str, Any]) -> None:
    home, other = life.home, life.other
    at = first["position"]
    assert [life.private(one, at)["title"]["value"] for one in (home, other)] == ["first", "first"]
    body = {"position": at, "names": ["title"], "grounds": "objection"}
    erased = life.post(other, "/v1/events", {"type": "disclosure.erase", "subject": first["subject"], "body": body})
    assert erased.status_code == 201, erased.text
    assert [life.private(one, at).get("title") for one in (home, other)] == [None, None]
    with psycopg.connect(life.database) as connection:
        assert connection.execute("SELECT position FROM disclosures WHERE name = 'title'").fetchall() == [
            (second["position"],)
        ]
    life.published(erased.json()["position"] + 1)


def followed_at_either(life: Life) -> None:
    home, other = life.home, life.other
    code, said = life.mirror(other)
    assert (code, f"{OLD}: " in said) == (0, True)
    assert life.monitor(home)[0] == 0
    third = life.register(home, "third")
    life.published(third["position"] + 1)
    assert life.mirror(home)[0] == 0
    code, lines = life.monitor(other)
    assert (code, lines[-1]["watched"], "ended" in lines[-1]) == (0, OLD, False)


def backed_up_while_both_are_at_work(life: Life) -> None:
    code, _, error = run("backup", life.database, life.folder / "kept", "--checkpoints", life.signed)
    assert (code, error) == (0, "")
    assert read_backup(life.folder / "kept").entries >= life.last + 1


def ended_at_one_and_the_other(life: Life) -> None:
    home, other = life.home, life.other
    end = life.post(
        home, "/v1/events", {"type": "log.freeze", "subject": OLD, "body": {"reason": "successor", "successor": NEW}}
    )
    assert end.status_code == 201, end.text
    life.published(end.json()["position"] + 2)
    late = life.post(other, "/v1/events", {"type": "object.register", "body": picture(b"late"), "event_id": "late"})
    assert (late.status_code, late.json()["code"]) == (409, "log-frozen")
    assert httpx.get(f"{other.url}/v1/status").json()["ended"]["successor"] == NEW
    code, said = life.mirror(other)
    assert (code, f"{NEW} goes on" in said) == (0, True)
    code, lines = life.monitor(home)
    assert (code, lines[-1]["ended"]["successor"]) == (0, NEW)
    code, out, _ = run("fsck", life.database, "--checkpoints", life.signed)
    assert (code, "nothing is wrong" in out) == (0, True)


def succeeded(life: Life, postgres: Postgres) -> None:
    """Another log goes on, in a database of its own, and says whom it follows."""
    home, other = life.home, life.other
    trust = life.folder / "trust.json"
    trust.write_bytes(httpx.get(f"{home.url}/v1/trust").content)
    with (
        postgres.database("template1") as database,
        running(
            life.folder / "after",
            TALLYSTICK_DATABASE=address(database),
            TALLYSTICK_ORIGIN=NEW,
            TALLYSTICK_PREDECESSOR=other.url,
            TALLYSTICK_PREDECESSOR_TRUST=str(trust),
        ) as after,
    ):
        status = until(after.url, lambda one: one["checkpoint"])
        assert (status["origin"], status["predecessor"]) == (NEW, OLD)
        assert after.stop() == 0
        code, out, _ = run("fsck", address(database))
        assert (code, "nothing is wrong" in out) == (0, True)
