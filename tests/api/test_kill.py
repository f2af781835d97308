"""kill -9 of service and worker while clients submit: what was acknowledged stands, and log, outbox and chain agree."""

from __future__ import annotations

import random
import re
import threading
import time
from pathlib import Path

import httpx
import pytest

from api.settings import Settings
from api.worker import open_worker
from ledger.folder import Folder
from ledger.upkeep.fsck import fsck
from tallystick.base64s import from_base64
from tallystick.checkpoint import Checkpoint
from tallystick.merkle import root_at, verify_consistency
from tallystick.tree_head import parse_log_keys, verify_tree_head
from tests.api.process import Server, until
from tests.api.test_submission import picture
from tests.patience import join

CLIENTS = 4


class Clients:
    """Submit events, each under an id of its own, and remember what was acknowledged at which position."""

    def __init__(self, server: Server, token: str) -> None:
        self._server = server
        self._bearer = {"Authorization": f"Bearer {token}"}
        self._stop = threading.Event()
        self.acknowledged: dict[str, int] = {}

    def run_until(self, killed: float) -> None:
        """Submit from several threads; kill the server after so many seconds."""
        self._stop.clear()
        threads = [threading.Thread(target=self._submit, args=(number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        time.sleep(killed)
        self._server.kill()
        self._stop.set()
        for thread in threads:
            join(thread)

    def _submit(self, number: int) -> None:
        with httpx.Client(base_url=self._server.url, headers=self._bearer, timeout=60) as http:
            while not self._stop.is_set():
                event_id = f"{number}-{len(self.acknowledged)}-{random.getrandbits(40)}"
                event = {"type": "object.register", "body": picture(event_id.encode()), "event_id": event_id}
                try:
                    answer = http.post("/v1/events", json={**event, "private": {"title": event_id}})
                except httpx.TransportError:
                    return
                assert answer.status_code == 201, answer.text
                self.acknowledged[event_id] = answer.json()["position"]

    def check(self) -> None:
        """All of it stands where it was said to stand, and repeating some of it finds it there."""
        with httpx.Client(base_url=self._server.url, headers=self._bearer, timeout=60) as http:
            found, cursor = {}, -1
            while cursor is not None:
                query = {"limit": "1000", "type": "object.register"} | ({} if cursor < 0 else {"cursor": str(cursor)})
                page = http.get("/v1/events", params=query).json()
                found.update({event["event_id"]: event["position"] for event in page["events"]})
                cursor = page["next"]
            assert self.acknowledged.items() <= found.items()
            for event_id, position in list(self.acknowledged.items())[-3:]:
                event = {"type": "object.register", "body": picture(event_id.encode()), "event_id": event_id}
                again = http.post("/v1/events", json={**event, "private": {"title": event_id}})
                assert (again.status_code, again.json()["position"]) == (200, position)

    def ask_for_an_anchor(self) -> None:
        """Of what is published now."""
        asked = httpx.post(f"{self._server.url}/v1/anchors", headers=self._bearer, json={"reason": "test"}, timeout=60)
        assert asked.status_code == 202, asked.text


class Watcher:
    """Fetches the checkpoint, and demands that each one extends the one that was seen before."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.seen: list[Checkpoint] = []

    def look(self) -> None:
        """Once."""
        keys = parse_log_keys(httpx.get(f"{self._server.url}/vkeys").text.splitlines())
        latest = verify_tree_head(httpx.get(f"{self._server.url}/checkpoint").content, keys).checkpoint
        if self.seen:
            old = self.seen[-1]
            query = {"from": old.size, "to": latest.size}
            proof = httpx.get(f"{self._server.url}/v1/proofs/consistency", params=query).json()
            path = [from_base64(node) for node in proof["path"]]
            verify_consistency(old.size, old.root, latest.size, latest.root, path)
        self.seen.append(latest)


@pytest.mark.parametrize("rounds", [3, pytest.param(30, marks=pytest.mark.exhaustive)])
def test_kill_9_of_the_whole_service(tmp_path: Path, rounds: int) -> None:
    dice = random.Random(20_260_131)
    server = Server(tmp_path, TALLYSTICK_ANCHOR_ENTRIES="25")
    watcher = Watcher(server)
    try:
        server.start()
        (token,) = re.findall(r"ts_[A-Za-z0-9_-]{43}", server.output)
        # From the first contract on, every kill finds the worker at work.
        until(server.url, lambda status: any(one["state"] == "final" for one in status["anchors"]))
        clients = Clients(server, token)
        for _ in range(rounds):
            clients.run_until(dice.uniform(0.5, 2.5))
            server.start()
            watcher.look()
            clients.check()
        assert httpx.get(f"{server.url}/v1/status").json()["publishing"]
        # A busy machine may have left the worker no time between two kills.
        clients.ask_for_an_anchor()
        until(server.url, lambda status: sum(one["state"] == "final" for one in status["anchors"]) > 1)
        assert server.stop() == 0
    finally:
        server.close()
    assert len(clients.acknowledged) > rounds * CLIENTS
    report = fsck(Folder(Settings(data=tmp_path).log))
    assert list(report.findings) == []
    check_anchors(tmp_path)


def check_anchors(data: Path) -> None:
    """Slot, ``Anchored`` events, outbox and the published log tell one story."""
    settings = Settings(data=data)
    with open_worker(settings) as worker:
        worker.run_once()  # what was on its way arrives
        (target,) = worker._outbox.targets()
        registry = worker._registry(target)
        events = [event.checkpoint for event in registry.events()]
        published = worker._source._published  # type: ignore[attr-defined]
        nodes = published.nodes(published.checkpoint().checkpoint.size)
        assert [one.size for one in events] == sorted({one.size for one in events})
        assert [one.root for one in events] == [root_at(nodes, one.size) for one in events]
        assert registry.newest() == events[-1]
        assert registry.slot() == registry.commitment(events[-1])
        final = worker._outbox.anchors(target.id, "final")
        assert [(one.size, one.root) for one in final] == [(one.size, one.root) for one in events]
        assert len(final) > 1
