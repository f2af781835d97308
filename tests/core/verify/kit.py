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
from tallystick.case import AnchorMaterial, CaseMaterial, Kind, OriginalMaterial, case_members
from tallystick.case.model import Source
from tallystick.checkpoint import Checkpoint, parse_body
from tallystick.events.kinds import RULES
from tallystick.events.log import AnchorTarget, RulesVersion
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

    def aligned(self) -> PublishedCheckpoint | None:
        return None

    def consistency(self, old_size: int, new_size: int) -> list[bytes]:
        return prove_consistency(self, old_size, new_size)

    # TargetNames
    def position(self, target: AnchorTarget) -> int | None:
        bodies = [one.event.body for one in self.statements]
        return bodies.index(target) if target in bodies else None

    def find(self, kind: str, number: int = 0) -> int:
        """Position of the ``number``-th entry of that type."""
        return [at for at, one in enumerate(self.statements) if one.event.type == kind][number]


class Scene:
    """A log and the chain that it is anchored on; the chain's clock stands at the world's."""

    def __init__(self, folder: Path, world: World) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.world, self.log = world, MemoryLog(world)
        self.first = trusted_log(world.signers.keys, world.roles["registrar"].public)
        self.anchors: list[AnchorMaterial] = []
        self._clock = Clock(world.clock)
        origin, authority = world.origin, world.signers.keys.authority_address
        genesis = Genesis(checkpoint=b"genesis", time=world.clock, funded=(GAS_KEY.address,))
        identity = ChainIdentity(origin, world.roles["log"].public.raw)
        chain = EmbeddedChain.create(folder / "chain.db", identity, genesis, SEALER, self._clock)
        config = WorkerConfig("embedded", LogIdentity(origin, authority), Policy(), ARTEFACT)
        self._outbox = Outbox(folder / "anchors.db")
        self._worker = AnchorWorker(config, chain, GAS_KEY, self._outbox, self.log, self.log, self._clock)
        self.target = self._worker.ensure_target().announcement
        self.log.add(world.key_set(), world.policy())
        self.log.add(world.say(world.log, "log.anchor-target", world.origin, self.target))

    def anchor(self) -> AnchorMaterial:
        """Anchor the log as it is now."""
        self._clock.now = self.world.clock
        self._outbox.request("demand", self.log.size, self._clock())
        outcome = self._worker.run_once()
        while outcome.progress in ("in flight", "deploying"):
            outcome = self._worker.run_once()
        assert outcome.progress == "final", outcome
        assert outcome.anchor is not None
        assert outcome.anchor.proof is not None
        made = AnchorMaterial(outcome.anchor.proof, self.log.note(outcome.anchor.size))
        self.anchors.append(made)
        return made

    def trust_file(self, **changes: Any) -> TrustFile:
        """What a careful reader trusts of this world."""
        file = TrustFile(
            v=1,
            publisher="The test court",
            issued="2026-01-01T00:00:00Z",
            logs=(self.first,),
            exporters=(TrustedExporter("the service", self.world.roles["exporter"].public.to_text()),),
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

    def material(self, subject: str, kind: Kind = "object", **changes: Any) -> CaseMaterial:
        """A case with every entry of the log and every anchor, without originals."""
        size = self.log.size
        anchored = {parse_body(parse_note(one.checkpoint).text).size for one in self.anchors} - {size}
        material = CaseMaterial(
            kind=kind,
            subject=subject,
            log=self.world.origin,
            exported_at=self.world.now(),
            entries={at: one.entry for at, one in enumerate(self.log.statements)},
            checkpoint=self.log.note(),
            inclusion={at: prove_inclusion(self.log, at, size) for at in range(size)},
            consistency={(old, size): prove_consistency(self.log, old, size) for old in anchored},
            anchors=self.anchors,
        )
        return replace(material, **changes)

    def bundle(self, members: Mapping[str, Source], exporter: LocalSigner | None = None) -> bytes:
        """The bundle of ``members``, signed by the real exporter."""
        file = io.BytesIO()
        write_bundle(file, members, exporter or self.world.roles["exporter"], {"Bagging-Date": "2026-02-01"})
        return file.getvalue()

    def verify(self, bundle: bytes, trust: Trust | None = None, at: int = AT) -> Report:
        return verify_case(io.BytesIO(bundle), trust or self.trust(), at)

    def judge(self, material: CaseMaterial, trust: Trust | None = None, at: int = AT) -> Report:
        """The verdict on a case, exported and verified."""
        return self.verify(self.bundle(case_members(material)), trust, at)


@dataclass
class Kit:
    """The small case: one generated object, anchored; after the anchor one more party and one more object."""

    scene: Scene
    made: str
    late: str
    made_bytes: bytes
    honest: CaseMaterial

    @property
    def world(self) -> World:
        return self.scene.world

    @property
    def log(self) -> MemoryLog:
        return self.scene.log

    @property
    def anchored(self) -> AnchorMaterial:
        return self.scene.anchors[0]

    def trust(self, **changes: Any) -> Trust:
        return self.scene.trust(**changes)

    def material(self, **changes: Any) -> CaseMaterial:
        return replace(self.honest, **changes)

    def members(self) -> dict[str, Source]:
        return case_members(self.honest)

    def bundle(self, members: Mapping[str, Source] | None = None, exporter: LocalSigner | None = None) -> bytes:
        return self.scene.bundle(self.members() if members is None else members, exporter)

    def verify(self, bundle: bytes, trust: Trust | None = None, at: int = AT) -> Report:
        return self.scene.verify(bundle, trust, at)


def build_kit(
    folder: Path, name: str = "little world", origin: str = "log.example/little", rules: RulesVersion = RULES
) -> Kit:
    """A log of one generated object and what it needs."""
    world = World(name, origin, rules=rules)
    scene = Scene(folder, world)
    log = scene.log
    log.add(world.register(world.studio, "studio"), world.register(world.provider, "provider"))
    log.add(world.register(world.tester, "tester"))
    capability, filed = world.capability()
    log.add(*filed)
    picture = world.object(data=PICTURE)
    job, registered = world.job(capability, [picture.event.subject])
    made_bytes = b"made of " + PICTURE
    made = world.output(job, data=made_bytes)
    log.add(picture, registered, made, world.complete(job, [made.event.subject]))
    scene.anchor()
    late = world.object()
    log.add(world.register(world.licensee, "licensee"), late)
    opened = world.disclosures[registered.statement_id]
    honest = scene.material(
        made.event.subject,
        disclosures={log.find("job.register"): [one.text for one in opened]},
        originals=[OriginalMaterial(made.event.subject, {"made.bin": made_bytes})],
    )
    return Kit(scene, made.event.subject, late.event.subject, made_bytes, honest)
