"""What the chapters share: the screen, the folders, the parties with their keys, and the facts for the last table."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from demo.screen import Screen
from demo.service import Service
from tallystick.assets import Asset
from tallystick.client.http import Client, ServiceProblem
from tallystick.client.speaker import Speaker
from tallystick.identifiers import Letter, new_identifier
from tallystick.times import format_time

T = TypeVar("T")


@dataclass
class Stage:
    """One run of the demo."""

    out: Path
    screen: Screen
    service: Service
    asset_path: Path
    prefix: str = "10.5555"
    registrar: Client = field(init=False)
    speakers: dict[str, Speaker] = field(default_factory=dict)
    asset: Asset = field(init=False)
    ids: dict[str, str] = field(default_factory=dict)
    made: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def work(self) -> Path:
        """What the studio makes on its own machine."""
        return self.out / "studio"

    def new(self, letter: Letter) -> str:
        """A new identifier, made by the client."""
        return new_identifier(letter, secrets.token_bytes(10), self.prefix)

    def record(self, what: str, where: str | Path, proved: str) -> None:
        """A row of the last table; a path is shown as it stands in ``out``."""
        place = str(where.relative_to(self.out)) if isinstance(where, Path) else where
        self.made.append((what, place, proved))

    def awaited(self, doing: str, look: Callable[[], T | None], seconds: float, never: str) -> T:
        """What ``look`` finds, which is asked until it finds something. Raises ``ShownWrong`` with ``never``."""
        until = time.monotonic() + seconds
        with self.screen.busy(doing):
            while time.monotonic() < until:
                if (found := look()) is not None:
                    return found
                time.sleep(0.1)
        raise ShownWrong(f"{never} in {seconds:.0f} s; see {self.out / 'service.log'}")

    def close(self) -> None:
        """Close every connection and stop the service."""
        for client in {id(speaker.client): speaker.client for speaker in self.speakers.values()}.values():
            client.close()
        if hasattr(self, "registrar"):
            self.registrar.close()
        self.service.stop()


class ShownWrong(Exception):
    """The demo saw something that must not happen; it stops and says so."""


def expect_refusal(stage: Stage, what: str, code: str, attempt: Any) -> None:
    """Run ``attempt``, which the service must refuse with ``code``; print its reason."""
    try:
        attempt()
    except ServiceProblem as problem:
        if problem.code != code:
            raise ShownWrong(f"{what}: refused with {problem.code}, expected {code}: {problem}") from problem
        stage.screen.refused(what, f"{problem.detail} ({problem.code})")
        return
    raise ShownWrong(f"{what} was accepted; it must be refused with {code}")


def now() -> str:
    """The studio's clock."""
    return format_time(int(time.time()))
