"""Witnesses as processes of their own: `python -m ledger witness`, each with its folder, its keys and its port."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from api.founding import VKEYS, found_keyring
from api.settings import Settings
from tests.api.house import House, open_house
from tests.api.process import PATIENCE, ROOT, free_port
from tests.patience import Lines, end


class WitnessProcess:
    """A witness that anyone could run."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name, self.port = folder / name, name, free_port()
        self.keys = command("init", self.folder, "--name", f"{name}.example").split()
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def know(self, vkeys: Path) -> None:
        """Make a log known."""
        command("add", self.folder, str(vkeys))

    def start(self) -> None:
        """Start, and wait until it says that it listens."""
        arguments = [sys.executable, "-m", "ledger", "witness", "serve", str(self.folder), "--port", str(self.port)]
        self._process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self._lines = Lines(self._process.stdout)
        assert "listens on" in self._lines.next()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Stop; its exit code."""
        assert self._process is not None
        self._process.send_signal(number)
        code = end(self._process)
        self._lines.close()
        self._process = None
        return code

    def close(self) -> None:
        """Make an end of it."""
        if self._process is not None:
            self.stop(signal.SIGKILL)


def command(name: str, folder: Path, *more: str) -> str:
    """What `python -m ledger witness` prints."""
    arguments = [sys.executable, "-m", "ledger", "witness", name, str(folder), *more]
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def policy_text(witnesses: Sequence[WitnessProcess], quorum: int) -> str:
    """k of these, each by its ML-DSA-44 key; the first by its Ed25519 key."""
    lines = [f"witness {one.name} {one.keys[at > 0]} {one.url}" for at, one in enumerate(witnesses)]
    return "\n".join([*lines, f"group g {quorum} {' '.join(one.name for one in witnesses)}", "quorum g", ""])


@dataclass
class Town:
    """A service and its witnesses, of which ``quorum`` must cosign."""

    house: House
    witnesses: list[WitnessProcess]

    def tick(self) -> None:
        """The service's clock is the witnesses' clock."""
        self.house.world.clock = int(time.time())

    def published(self) -> tuple[int, set[str]]:
        """Publish; the size, and who cosigned what `GET /checkpoint` gives now."""
        self.tick()
        answer = self.house.registrar.post("/v1/checkpoints")
        assert answer.status_code == 200, answer.text
        return int(answer.json()["size"]), self.cosigners()

    def cosigners(self) -> set[str]:
        """Names under the published checkpoint, without the log's."""
        lines = self.house.http.get("/checkpoint").text.split("\n\n")[1].splitlines()
        names = [line.split(" ")[1] for line in lines]
        return {name.removesuffix(".example") for name in names if name != self.house.world.origin}

    def fares(self) -> tuple[int, bool, dict[str, str]]:
        """(cosigned, met, state of each) as /v1/status says."""
        found = self.house.http.get("/v1/status").json()["witnesses"]
        states = {
            one["name"]: "alarm" if one["alarm"] else "cosigned" if one["cosigned"] else "-"
            for one in found["witnesses"]
        }
        return found["cosigned"], found["met"], states

    def until(self, wanted: Callable[[], bool]) -> None:
        """Wait for what must happen."""
        end = time.monotonic() + PATIENCE
        while not wanted():
            self.tick()
            assert time.monotonic() < end, (self.cosigners(), self.fares())
            threading.Event().wait(0.05)


@contextmanager
def witnesses_of(folder: Path, count: int, quorum: int) -> Iterator[tuple[list[WitnessProcess], Settings]]:
    """Running witnesses of a log whose keys are in ``folder``, and the settings of its service."""
    witnesses = [WitnessProcess(folder, f"w{number}") for number in range(1, count + 1)]
    policy = folder / "witnesses"
    policy.write_text(policy_text(witnesses, quorum))
    settings = Settings(data=folder / "data", witnesses=policy, witness_seconds=20)
    found_keyring(settings)
    try:
        for one in witnesses:
            one.know(settings.keys / VKEYS)
            one.start()
        yield witnesses, settings
    finally:
        for one in witnesses:
            one.close()


@contextmanager
def served(witnesses: list[WitnessProcess], settings: Settings) -> Iterator[Town]:
    """The service, open. Witnesses have clocks of their own: so it goes by the real time here."""
    with open_house(settings.data, int(time.time()), witnesses=settings.witnesses, witness_seconds=20) as house:
        yield Town(house, witnesses)


@contextmanager
def town(folder: Path, count: int, quorum: int) -> Iterator[Town]:
    """A service with ``count`` running witnesses."""
    with witnesses_of(folder, count, quorum) as (witnesses, settings), served(witnesses, settings) as made:
        yield made
