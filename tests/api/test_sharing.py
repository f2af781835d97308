"""Services that share a log: one database, one elected sequencer, the same answers from each of them."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from api.settings import Settings, read_settings
from ledger.shared.place import Place
from ledger.shared.upkeep import fsck_shared
from tallystick.base64s import from_base64
from tallystick.checkpoint import Checkpoint
from tallystick.errors import MalformedInput
from tallystick.merkle import verify_consistency
from tests.api.process import Server, free_port, outcome, running, until
from tests.api.test_submission import picture
from tests.patience import join
from tests.postgres import Server as Postgres
from tests.postgres import dsn, postgres

__all__ = ["dsn", "postgres"]

TOKEN = re.compile(r"ts_[A-Za-z0-9_-]{43}")


def address(dsn: str) -> str:
    return f"postgresql:///?{dsn.replace(' ', '&')}"


class Pair:
    """The home and another service, each with a data folder of its own."""

    def __init__(self, database: str, home: Server, other: Server) -> None:
        self.database = database
        self.home = home
        self.other = other
        (self.token,) = TOKEN.findall(home.output)
        self.positions: dict[str, int] = {}

    def submit(self, at: Server, event_id: str) -> httpx.Response:
        event = {"type": "object.register", "body": picture(event_id.encode()), "event_id": event_id}
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = httpx.post(f"{at.url}/v1/events", json=event, headers=headers, timeout=120)
        assert answer.status_code in (200, 201), answer.text
        assert self.positions.setdefault(event_id, answer.json()["position"]) == answer.json()["position"]
        return answer

    def checkpoint(self, at: Server) -> Checkpoint:
        status = until(at.url, lambda answer: answer["checkpoint"])
        head = status["checkpoint"]
        return Checkpoint(status["origin"], head["size"], bytes.fromhex(head["root"]))

    def published(self, at: Server) -> Checkpoint:
        """A checkpoint over all that was acknowledged."""
        until(at.url, lambda answer: answer["checkpoint"]["size"] > max(self.positions.values()))
        return self.checkpoint(at)


@pytest.fixture
def pair(dsn: str, tmp_path: Path) -> Iterator[Pair]:
    shared = {"TALLYSTICK_DATABASE": address(dsn)}
    with running(tmp_path / "home", **shared, TALLYSTICK_NAME="home") as home:
        shutil.copytree(tmp_path / "home" / "keys", tmp_path / "other" / "keys")
        with running(tmp_path / "other", **shared, TALLYSTICK_NAME="other", TALLYSTICK_ROLE="ledger") as other:
            yield Pair(dsn, home, other)


def get(server: Server, path: str) -> httpx.Response:
    return httpx.get(f"{server.url}{path}", timeout=60)


def test_two_services_are_one_log_and_survive_each_other(pair: Pair) -> None:
    home, other = pair.home, pair.other
    # The same token, the same positions, the same bytes from both.
    assert pair.submit(other, "one").status_code == 201
    assert pair.submit(home, "one").status_code == 200
    assert pair.submit(home, "two").status_code == 201
    assert pair.submit(other, "two").json()["duplicate"] is True
    before = pair.published(other)
    position = pair.positions["one"]
    for path in (f"/v1/events/{position}", f"/v1/entries/{position}", "/vkeys"):
        assert get(home, path).content == get(other, path).content
    for path in (f"/tile/0/000.p/{before.size}", f"/tile/entries/000.p/{before.size}"):
        assert get(other, path).status_code == 200
        assert get(home, path).content == get(other, path).content
    proof = get(other, f"/v1/proofs/inclusion?position={position}&size={before.size}")
    assert proof.status_code == 200
    # Who sequences, from both.
    seats = [get(server, "/v1/status").json()["sequencer"] for server in (home, other)]
    assert [seat["name"] for seat in seats] == ["home", "home"]
    assert [seat["here"] for seat in seats] == [True, False]
    # What only the home has.
    for path in ("/v1/anchors", "/v1/certificates/x/file"):
        answer = get(other, path)
        assert (answer.status_code, answer.json()["code"]) == (421, "elsewhere")
    assert get(home, "/v1/anchors").status_code == 200
    # The home is killed while both are at work; the other one takes over by itself.
    threads = [threading.Thread(target=pair.submit, args=(other, f"while-{number}")) for number in range(4)]
    [thread.start() for thread in threads]
    home.kill()
    join(*threads)
    pair.submit(other, "three")
    after = pair.published(other)
    seat = get(other, "/v1/status").json()["sequencer"]
    assert (seat["name"], seat["here"]) == ("other", True)
    assert seat["epoch"] > seats[0]["epoch"]
    consistency = get(other, f"/v1/proofs/consistency?from={before.size}&to={after.size}").json()
    path = [from_base64(one) for one in consistency["path"]]
    verify_consistency(before.size, before.root, after.size, after.root, path)
    # The home comes back and is a candidate again.
    home.start()
    assert pair.submit(home, "three").status_code == 200
    assert pair.submit(home, "four").status_code == 201
    assert other.stop() == 0
    assert pair.submit(home, "five").status_code == 201
    assert len(set(pair.positions.values())) == len(pair.positions)
    until(home.url, lambda answer: answer["sequencer"]["name"] == "home")
    assert home.stop() == 0
    assert fsck_shared(Place(pair.database, "fsck")).findings == ()


def test_starts_that_cannot_be(dsn: str, postgres: Postgres, tmp_path: Path) -> None:
    shared = {"TALLYSTICK_DATABASE": address(dsn)}
    with running(tmp_path / "home", **shared) as home:
        shutil.copytree(home.data / "keys", tmp_path / "other" / "keys")
        code, said = outcome("serve", tmp_path / "other", **shared, TALLYSTICK_PORT=str(free_port()))
        assert (code, "TALLYSTICK_ROLE=ledger" in said) == (1, True)
        code, said = outcome(
            "serve", tmp_path / "strange", **shared, TALLYSTICK_ROLE="ledger", TALLYSTICK_PORT=str(free_port())
        )
        assert (code, "copy that folder" in said) == (1, True)
        assert not (tmp_path / "strange" / "keys").exists()
        assert home.stop() == 0
    with postgres.database() as empty:
        code, said = outcome("serve", home.data, TALLYSTICK_DATABASE=address(empty), TALLYSTICK_PORT=str(free_port()))
        assert (code, "would be a fork" in said) == (1, True)
    with psycopg.connect(dsn) as connection:
        connection.execute("UPDATE signed SET size = 1000")
    code, said = outcome("serve", home.data, **shared, TALLYSTICK_PORT=str(free_port()))
    assert (code, "old copy" in said) == (1, True)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"TALLYSTICK_DATABASE": "mysql://x"}, "TALLYSTICK_DATABASE"),
        ({"TALLYSTICK_ROLE": "ledger"}, "TALLYSTICK_ROLE"),
        ({"TALLYSTICK_TILES": "s3://logs?key=value"}, "TALLYSTICK_TILES"),
        ({"TALLYSTICK_DATABASE": "postgresql://x/y", "TALLYSTICK_ROLE": "boss"}, "TALLYSTICK_ROLE"),
        ({"TALLYSTICK_CHECKPOINTS": "postgresql://x/y"}, "TALLYSTICK_CHECKPOINTS"),
        ({"TALLYSTICK_DATABASE": "postgresql://x/y", "TALLYSTICK_CHECKPOINTS": "/a/file"}, "TALLYSTICK_CHECKPOINTS"),
    ],
)
def test_settings_that_cannot_be(given: dict[str, str], name: str) -> None:
    with pytest.raises(MalformedInput, match=f"^{name}: "):
        read_settings(given)


def test_settings() -> None:
    read: Any = read_settings(
        {
            "TALLYSTICK_DATABASE": "postgresql://x/y",
            "TALLYSTICK_CHECKPOINTS": "postgresql://x/z",
            "TALLYSTICK_NAME": "one",
            "TALLYSTICK_ROLE": "ledger",
        }
    )
    assert (read.database, read.signed, read.checkpoints) == ("postgresql://x/y", "postgresql://x/z", None)
    assert (read.name, read.role) == ("one", "ledger")
    assert Settings(Path("data")).role == "full"
