"""kill -9 while parties register: every receipt that was given is of the history that goes on."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tallystick.client.http import Client, ServiceProblem
from tallystick.keys import PublicKey
from tallystick.receipt import Included, parse_consistency, parse_inclusion
from tallystick.schema import write
from tallystick.statement import Statement
from tallystick.tree_head import parse_log_keys
from tests.api.process import Server
from tests.patience import join
from tests.world import Someone, World

CLIENTS = 4
COSE = {"Content-Type": "application/cose"}


class Parties:
    """One party's statements, registered by several threads without a token, and what came back for them."""

    def __init__(self, server: Server, origin: str, who: Someone) -> None:
        self._server = server
        self._world = World(origin=origin, clock=int(time.time()))
        self._who = who
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self.key: PublicKey = parse_log_keys(httpx.get(f"{server.url}/vkeys").text.splitlines()).ed25519
        self.origin = origin
        self.given: list[tuple[Statement, Included]] = []
        self.pending: list[tuple[Statement, int]] = []

    def run_until(self, killed: float) -> None:
        """Register until the server is killed after so many seconds."""
        self._stop.clear()
        threads = [threading.Thread(target=self._register) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        time.sleep(killed)
        self._server.kill()
        self._stop.set()
        for thread in threads:
            join(thread)

    def _register(self) -> None:
        with httpx.Client(base_url=self._server.url, timeout=60) as http:
            while not self._stop.is_set():
                with self._lock:
                    statement = self._world.object(self._who)
                try:
                    answer = http.post("/entries", content=statement.entry, headers=COSE)
                except httpx.TransportError:
                    return
                if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
                    self._stop.wait(1)  # as ``patiently`` does
                    continue
                place = int(answer.headers["location"].rpartition("/")[2])
                if answer.status_code == 201:
                    proved = parse_inclusion(answer.content).verify(statement.entry, self.origin, self.key)
                    assert proved.index == place
                    self.given.append((statement, proved))
                else:
                    assert answer.status_code == 202, answer.content
                    self.pending.append((statement, place))

    def check(self) -> None:
        """The log grew out of every tree that a receipt was given of, and each statement keeps its place."""
        with Client(self._server.url) as client:
            # So that the log is larger than any tree of before.
            patiently(client.register, self._world.object(self._who))
            for statement, proved in self.given:
                grown = parse_consistency(patiently(client.growth, proved.size))
                assert grown.verify(proved.root, self.origin, self.key).old_size == proved.size
                assert patiently(client.register, statement).position == proved.index
            for statement, place in self.pending:
                found = patiently(client.register, statement)
                assert (found.position, found.entry) == (place, statement.entry)


def patiently(ask: Callable[[Any], Any], asked: Any) -> Any:
    """Without a token only so many requests a second are answered: wait, and ask again."""
    while True:
        try:
            return ask(asked)
        except ServiceProblem as problem:
            if problem.code != "too-many-requests":
                raise
            time.sleep(1)


@pytest.mark.parametrize("rounds", [1, pytest.param(20, marks=pytest.mark.exhaustive)])
def test_kill_9_while_parties_register(tmp_path: Path, rounds: int) -> None:
    dice = random.Random(9942)
    server = Server(tmp_path)
    try:
        server.start()
        (token,) = re.findall(r"ts_[A-Za-z0-9_-]{43}", server.output)
        world = World("registering")
        with Client(server.url, token) as registrar:
            origin = registrar.status()["origin"]
            who = world.someone("a studio")
            keys = [write(who.valid_key())]
            registrar.register_party({"subject": who.id, "kind": "organisation", "roles": ["studio"], "keys": keys})
            registrar.publish()
        parties = Parties(server, origin, who)
        for _ in range(rounds):
            parties.run_until(dice.uniform(1.5, 3.0))
            server.start()
            with Client(server.url, token) as registrar:
                registrar.publish()
            parties.check()
        assert parties.given, "the service was never killed late enough to give a receipt"
    finally:
        server.kill()
