"""A licence on paper: a little world's log with a grant, the credential made of it, staples for any moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tallystick.base64s import to_base64
from tallystick.checkpoint import Checkpoint
from tallystick.events.licence import LicenceStatus, StatusPointer
from tallystick.keys import LocalSigner
from tallystick.licence.check import CheckRequest, FileFacts, LicenceCheck, Outcome, Reason, Stage, check_licence
from tallystick.licence.credential import LicenceCredential, ShownEntry
from tallystick.licence.question import parse_question
from tallystick.licence.staple import StatusStaple
from tallystick.licence.status_list import FreshnessPolicy, Status, StatusList, pack, sign_status_list
from tallystick.merkle import leaf_hash, prove_inclusion, root_of
from tallystick.statement import Statement
from tallystick.times import UnixSeconds, format_time
from tallystick.tree_head import sign_checkpoint
from tallystick.trust import LogTrust
from tallystick.wording import Wording
from tests.world import World

DAY = 86_400
URI = "https://log.example/status/1"


@dataclass
class Leaves:
    """A ``NodeReader`` over leaf hashes in memory."""

    hashes: list[bytes]

    def nodes(self, coordinates: Sequence[tuple[int, int]]) -> list[bytes]:
        return [root_of(self.hashes[at << level : (at + 1) << level]) for level, at in coordinates]


@dataclass
class Paper:
    """A world whose log holds one licence at ``grant``, issued at the world's clock; ``index``: of its status."""

    terms: dict[str, Any] = field(default_factory=dict)
    world: World = field(default_factory=World)
    index: int = 3

    def __post_init__(self) -> None:
        self.log: list[Statement] = self.world.genesis()
        self.source = self.world.object()
        self.licence = self.world.licence(self.source.event.subject, index=self.index, **self.terms)
        self.append([*self.world.parties(), self.source, self.licence])
        self.grant = self.log.index(self.licence)
        self.issued_size = len(self.log)

    def append(self, statements: Sequence[Statement]) -> None:
        """One more batch."""
        self.log += self.world.sequence(statements, len(self.log))

    def change(self, action: str, grounds: str = "breach") -> None:
        """The studio changes the licence's standing in the log."""
        body = LicenceStatus(action, grounds, self.world.now())  # type: ignore[arg-type]
        self.append([self.world.say(self.world.studio, "licence.status", self.licence.event.subject, body)])

    @property
    def trust(self) -> dict[str, LogTrust]:
        return {self.world.origin: LogTrust(self.world.signers.keys, self.world.registrar.signer.public)}

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        leaves = [leaf_hash(each.entry) for each in self.log[:size]]
        return Checkpoint(self.world.origin, len(leaves), root_of(leaves))

    def note(self, size: int | None = None) -> str:
        return sign_checkpoint(self.checkpoint(size), self.world.signers, self.world.clock)

    def proof(self, index: int, size: int | None = None) -> tuple[str, ...]:
        leaves = [leaf_hash(each.entry) for each in self.log[:size]]
        return tuple(map(to_base64, prove_inclusion(Leaves(leaves), index, len(leaves))))

    def shown(self, index: int, size: int | None = None) -> ShownEntry:
        return ShownEntry(index, to_base64(self.log[index].entry), self.proof(index, size))

    def credential(self, *withheld: str, size: int | None = None) -> LicenceCredential:
        """The credential of the moment of issue, or of a later ``size``; the named terms are withheld."""
        size = size or self.issued_size
        opened = self.world.disclosures[self.licence.statement_id]
        texts = tuple(each.text for each in opened if each.name not in withheld)
        return LicenceCredential(
            v=1,
            licence=self.licence.event.subject,
            grant=self.grant,
            checkpoint=self.note(size),
            entries=tuple(self.shown(index, size) for index in range(size)),
            disclosures={str(self.grant): texts} if texts else {},
            status=StatusPointer(URI, self.index),
        )

    def status_list(self, status: Status = Status.VALID, **changes: Any) -> StatusList:
        """A list of five, issued now for a week; ours is at ``index``."""
        statuses = [Status.INVALID, Status.VALID, Status.INVALID, Status.VALID, Status.INVALID]
        statuses[self.index] = status
        fields = {
            "uri": URI,
            "issued_at": UnixSeconds(self.world.clock),
            "expires_at": UnixSeconds(self.world.clock + 7 * DAY),
            "ttl": 7 * DAY,
            "checkpoint": self.checkpoint(),
            "count": len(statuses),
            "packed": pack(statuses),
            **changes,
        }
        return StatusList(**fields)

    def staple(self, status: Status = Status.VALID, signer: LocalSigner | None = None, **changes: Any) -> StatusStaple:
        """What the log would hand out now; ``signer`` and ``changes`` forge it."""
        token = sign_status_list(self.status_list(status, **changes), signer or self.world.roles["status"])
        return StatusStaple(1, to_base64(token), self.note(), self.proof(self.grant))


def stranger() -> Paper:
    """Another log under other keys, complete and consistent, of the same origin and names."""
    other = World(name="another world")
    return Paper(world=other)


def file_facts(credential: LicenceCredential | None, **failed: str) -> FileFacts:
    """What the C2PA verdict would say; ``failed`` names stages that it refuses, and why."""
    found = {
        stage: Reason(stage, Outcome.FAILED, Wording(why, why))
        if (why := failed.get(stage.value))
        else Reason(stage, Outcome.MET, Wording("成立", "holds"))
        for stage in (Stage.ISSUER, Stage.SIGNATURE)
    }
    return FileFacts(found[Stage.ISSUER], found[Stage.SIGNATURE], credential)


ASKED = "play in DE on streaming"


def check(
    paper: Paper,
    staple: StatusStaple | None,
    *,
    later: int = 0,
    ask: str = ASKED,
    credential: LicenceCredential | None = None,
    max_age: int = 7 * DAY,
    **more: Any,
) -> LicenceCheck:
    request = CheckRequest(
        parse_question(ask), format_time(paper.world.clock + later), FreshnessPolicy(max_age), more.get("holder_kid")
    )
    facts = file_facts(credential or paper.credential(), **more.get("failed", {}))
    return check_licence(facts, more.get("trust", paper.trust), request, staple)
