"""A small case made for real: a log in memory, real keys, an anchor on an embedded chain, and the bundle of one object.

``Kit`` is what an honest operator and exporter have; the attacks start from ``Kit.members()``.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from anchors.embedded.chain import EmbeddedChain
from anchors.embedded.genesis import ChainIdentity, Genesis
from anchors.outbox import Outbox
from anchors.ports import PublishedCheckpoint
from anchors.registry import LogIdentity
from anchors.scheduler import Policy
from anchors.worker import AnchorWorker, WorkerConfig
from tallystick import canonical
from tallystick.bundle import write_bundle
from tallystick.case import AnchorMaterial, CaseMaterial, OriginalMaterial, case_members
from tallystick.case.model import Source
from tallystick.checkpoint import Checkpoint, parse_body
from tallystick.events.log import AnchorTarget
from tallystick.keys import LocalSigner
from tallystick.merkle import leaf_hash, prove_consistency, prove_inclusion, root_of
from tallystick.note import parse_note
from tallystick.schema import write
from tallystick.statement import Statement
from tallystick.tree_head import authority_signature, sign_checkpoint
from tallystick.trust import Trust, TrustedExporter, TrustFile, Witnesses, parse_trust, trusted_log
from tallystick.verify import Report, verify_case
from tests.anchors.support import ARTEFACT, GAS_KEY, SEALER, Clock
from tests.world import START, World

AT = START + 86_400
PICTURE = b"the concept picture " * 40


@dataclass
class MemoryLog:
    """A log in memory: statements in order, checkpoints signed on demand."""

    world: World
    statements: list[Statement] = field(default_factory=list)

    @property
    def size(self) -> int:
        return len(self.statements)

    def add(self, *statements: Statement) -> None:
        """Append one batch and the entry that closes it."""
        self.statements += self.world.sequence(statements, self.size)

    def leaves(self, size: int | None = None) -> list[bytes]:
        return [leaf_hash(one.entry) for one in self.statements[:size]]

    def nodes(self, coordinates: Sequence[tuple[int, int]]) -> list[bytes]:
        leaves = self.leaves()
        return [root_of(leaves[index << level : (index + 1) << level]) for level, index in coordinates]

    def note(self, size: int | None = None) -> bytes:
        leaves = self.leaves(size)
        checkpoint = Checkpoint(self.world.origin, len(leaves), root_of(leaves))
        return sign_checkpoint(checkpoint, self.world.signers, self.world.clock).encode()

    # CheckpointSource
    def latest(self) -> PublishedCheckpoint:
        note = self.note()
        signed = parse_note(note)
        return PublishedCheckpoint(parse_body(signed.text), note, authority_signature(signed, self.world.signers.keys))

    def consistency(self, old_size: int, new_size: int) -> list[bytes]:
        return prove_consistency(self, old_size, new_size)

    # TargetNames
    def position(self, target: AnchorTarget) -> int | None:
        bodies = [one.event.body for one in self.statements]
        return bodies.index(target) if target in bodies else None

    def find(self, kind: str, number: int = 0) -> int:
        """Position of the ``number``-th entry of that type."""
        return [at for at, one in enumerate(self.statements) if one.event.type == kind][number]


def open_worker(folder: Path, log: MemoryLog) -> AnchorWorker:
    """An embedded chain and its worker for ``log``; the chain's clock stands at the world's."""
    clock = Clock(log.world.clock)
    origin, authority = log.world.origin, log.world.signers.keys.authority_address
    genesis = Genesis(checkpoint=b"genesis", time=clock(), funded=(GAS_KEY.address,))
    identity = ChainIdentity(origin, log.world.roles["log"].public.raw)
    chain = EmbeddedChain.create(folder / "chain.db", identity, genesis, SEALER, clock)
    config = WorkerConfig("embedded", LogIdentity(origin, authority), Policy(), ARTEFACT)
    return AnchorWorker(config, chain, GAS_KEY, Outbox(folder / "anchors.db"), log, log, clock)


@dataclass
class Kit:
    """Everything that the honest parties of one case have."""

    log: MemoryLog
    target: AnchorTarget
    proof: bytes
    anchored: bytes
    picture: str
    made: str
    late: str
    case_size: int
    made_bytes: bytes
    head: bytes

    @property
    def world(self) -> World:
        return self.log.world

    @property
    def exporter(self) -> LocalSigner:
        return self.world.roles["exporter"]

    def trust_file(self, **changes: Any) -> TrustFile:
        """What a careful reader trusts of this world."""
        file = TrustFile(
            v=1,
            publisher="The test court",
            issued="2026-01-01T00:00:00Z",
            logs=(trusted_log(self.world.signers.keys, self.world.roles["registrar"].public),),
            exporters=(TrustedExporter("the service", self.exporter.public.to_text()),),
            c2pa_roots=(),
            evm_targets=(),
            tsa_roots=(),
            independent_time=False,
            witnesses=Witnesses((), 0),
            status_max_age=86_400,
            required=(),
        )
        return replace(file, **changes)

    def trust(self, **changes: Any) -> Trust:
        return parse_trust(canonical.encode(write(self.trust_file(**changes))))

    def material(self, **changes: Any) -> CaseMaterial:
        """The honest case of the generated object: every entry of the log up to the case's size."""
        size = self.case_size
        checkpoint = parse_body(parse_note(self.head).text)
        assert checkpoint.size == size
        anchored = parse_body(parse_note(self.anchored).text).size
        job = self.log.find("job.register")
        opened = self.world.disclosures[self.log.statements[job].statement_id]
        material = CaseMaterial(
            kind="object",
            subject=self.made,
            log=self.world.origin,
            exported_at=self.world.now(),
            entries={at: one.entry for at, one in enumerate(self.log.statements[:size])},
            checkpoint=self.head,
            inclusion={at: prove_inclusion(self.log, at, size) for at in range(size)},
            consistency={(anchored, size): prove_consistency(self.log, anchored, size)} if anchored < size else {},
            disclosures={job: [one.text for one in opened]},
            anchors=[AnchorMaterial(self.proof, self.anchored)],
            originals=[OriginalMaterial(self.made, {"made.bin": self.made_bytes})],
        )
        return replace(material, **changes)

    def members(self, **changes: Any) -> dict[str, Source]:
        return case_members(self.material(**changes))

    def bundle(self, members: Mapping[str, Source] | None = None, exporter: LocalSigner | None = None) -> bytes:
        """The bundle of ``members`` (the honest case), signed by the real exporter."""
        file = io.BytesIO()
        info = {"Bagging-Date": "2026-02-01"}
        write_bundle(file, self.members() if members is None else members, exporter or self.exporter, info)
        return file.getvalue()

    def verify(self, bundle: bytes, trust: Trust | None = None, at: int = AT) -> Report:
        return verify_case(io.BytesIO(bundle), trust or self.trust(), at)


def build_kit(folder: Path, name: str = "little world", origin: str = "log.example/little") -> Kit:
    """A log with one generated object, anchored once; after the anchor one more party and one more object."""
    world = World(name, origin)
    log = MemoryLog(world)
    folder.mkdir(parents=True, exist_ok=True)
    worker = open_worker(folder, log)
    target = worker.ensure_target().announcement
    log.add(world.key_set(), world.policy())
    log.add(world.say(world.log, "log.anchor-target", world.origin, target))
    log.add(world.register(world.studio, "studio"), world.register(world.provider, "provider"))
    log.add(world.register(world.tester, "tester"))
    capability, filed = world.capability()
    log.add(*filed)
    picture = world.object(data=PICTURE)
    job, registered = world.job(capability, [picture.event.subject])
    made_bytes = b"made of " + PICTURE
    made = world.output(job, data=made_bytes)
    log.add(picture, registered, made, world.complete(job, [made.event.subject]))
    outcome = worker.run_once()
    while outcome.progress in ("in flight", "deploying"):
        outcome = worker.run_once()
    assert outcome.progress == "final", outcome
    assert outcome.anchor is not None
    proof = outcome.anchor.proof or b""
    anchored = log.note(outcome.anchor.size)
    late = world.object()
    log.add(world.register(world.licensee, "licensee"), late)
    return Kit(
        log=log,
        target=target,
        proof=proof,
        anchored=anchored,
        picture=picture.event.subject,
        made=made.event.subject,
        late=late.event.subject,
        case_size=log.size,
        made_bytes=made_bytes,
        head=log.note(),
    )
