"""What a corpus is made of: honest cases, and changes of them with the step that must refuse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tallystick.case import CaseMaterial, case_members
from tallystick.trust import TrustFile
from tests.core.verify.kit import Scene
from tests.core.verify.mutate import Members, rezip, tags_of


@dataclass(frozen=True)
class Honest:
    """A case as an honest exporter writes it. ``believed``: what a reader's trust file says beyond the log's keys."""

    name: str
    scene: Scene
    material: CaseMaterial
    believed: Mapping[str, Any]

    def members(self) -> Members:
        return members_of(self.material)

    def bundle(self) -> bytes:
        return self.scene.bundle(self.members())

    def trust(self) -> TrustFile:
        return self.scene.trust_file(**self.believed)


@dataclass(frozen=True)
class Fault:
    """A case with one thing wrong: ``step`` refuses it, with ``verdict``, when a trusted exporter signed it.

    ``of``: the honest case that it is a change of; ``None``: it was made so, by whoever has the keys.
    claims: outcomes that are the point of it, by claim, where no step refuses the whole.
    """

    name: str
    members: Members
    scene: Scene
    step: int | None
    verdict: str = "not_proved"
    of: Honest | None = None
    claims: Mapping[str, str] | None = None

    def signed(self) -> bytes:
        """With the manifest made right and signed again."""
        return self.scene.bundle(self.members)

    def as_is(self) -> bytes | None:
        """With the manifest of the honest case, as whoever is no exporter must leave it."""
        return rezip(self.members | tags_of(self.of.bundle())) if self.of else None


Faults = Iterator[Fault]


def change(honest: Honest, name: str, members: Members, step: int | None, verdict: str = "not_proved") -> Fault:
    """A change of an honest case."""
    return Fault(name, members, honest.scene, step, verdict, honest)


def made_so(name: str, scene: Scene, material: CaseMaterial, step: int | None, **claims: str) -> Fault:
    """A case that its operator made wrong: every manifest is right."""
    return Fault(name, members_of(material), scene, step, claims=claims)


def members_of(material: CaseMaterial) -> Members:
    """The members of a case, all of them in memory."""
    return {name: data for name, data in case_members(material).items() if isinstance(data, bytes)}
