"""A published log behind a real socket, for readers that were not written here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ledger.folder import Folder
from tallystick.base64s import from_base64
from tallystick.checkpoint import Checkpoint, parse_body
from tallystick.note import parse_note, parse_verifier_key
from tests.api.house import House, open_house
from tests.api.test_submission import picture

ADDED = (3, 250, 300)
"""Objects registered before each publication: a small tree, one about a full tile, one with a level above it."""


@dataclass(frozen=True)
class Served:
    """What anybody can fetch, and nothing else. ``notes``: every published checkpoint, oldest first."""

    house: House
    notes: tuple[str, ...]

    @property
    def url(self) -> str:
        """Where the log is served."""
        return str(self.house.http.base_url).rstrip("/")

    @property
    def public(self) -> Path:
        """The same as files."""
        return Folder(self.house.services.settings.log).public

    @property
    def heads(self) -> tuple[Checkpoint, ...]:
        """The published tree heads, oldest first."""
        return tuple(parse_body(parse_note(note.encode()).text) for note in self.notes)

    @property
    def head(self) -> Checkpoint:
        """The newest."""
        return self.heads[-1]

    def verifier_keys(self) -> dict[int, tuple[str, bytes]]:
        """Signature type -> (its verifier key as text, encoded key), from ``/vkeys``."""
        lines = self._get("/vkeys").text.splitlines()
        return {kind: (line, raw) for line in lines for _, kind, raw in [parse_verifier_key(line)]}

    def path(self, position: int, size: int) -> list[bytes]:
        """Our inclusion proof."""
        told = self._get("/v1/proofs/inclusion", position=position, size=size).json()
        return [from_base64(node) for node in told["path"]]

    def consistency(self, old: int, new: int) -> list[bytes]:
        """Our consistency proof."""
        told = self._get("/v1/proofs/consistency", **{"from": old, "to": new}).json()
        return [from_base64(node) for node in told["path"]]

    def entry(self, position: int) -> bytes:
        """The bytes of an entry."""
        return self._get(f"/v1/entries/{position}").content

    def _get(self, path: str, **query: Any) -> Any:
        answer = self.house.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with open_house(tmp_path_factory.mktemp("strangers")) as house:
        studio = house.party("studio")
        notes = []
        for count in ADDED:
            events = [{"type": "object.register", "body": picture(b"%d" % number)} for number in range(count)]
            assert studio.post("/v1/events/batch", {"events": events}).status_code == 200
            notes.append(house.registrar.post("/v1/checkpoints").json()["note"])
        yield Served(house, tuple(notes))
