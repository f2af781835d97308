"""A thief of one key, who sees all that is public: what each key alone can and cannot make the verifier say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tallystick.base64s import to_base64
from tallystick.case import AnchorMaterial, case_members
from tallystick.case.model import CHECKPOINT, PROOFS
from tallystick.checkpoint import Checkpoint
from tallystick.merkle import prove_inclusion, root_of
from tallystick.statement import sign_statement
from tallystick.tree_head import LocalAuthority, LogSigners, sign_checkpoint
from tests.core.verify.kit import Kit, MemoryLog, Scene
from tests.core.verify.mutate import Members, edit_json, entry
from tests.core.verify.test_attacks import honest
from tests.world import START, World


def with_tree_of(kit: Kit, forged: MemoryLog, signers: LogSigners) -> Members:
    """The case under a tree of the thief's making: entries, proofs and checkpoint agree with one another."""
    root = root_of(forged.leaves())
    note = sign_checkpoint(Checkpoint(kit.world.origin, forged.size, root), signers, kit.world.clock)
    members = {**honest(kit), CHECKPOINT: note.encode()}
    members |= {entry(at): one.entry for at, one in enumerate(forged.statements)}

    def prove(proofs: dict[str, dict[str, list[str]]]) -> None:
        proofs["inclusion"] = {
            str(at): [to_base64(node) for node in prove_inclusion(forged, at, forged.size)] for at in range(forged.size)
        }

    return edit_json(members, PROOFS, prove)


def forged_log(kit: Kit) -> MemoryLog:
    """The log with its object registered anew over other bytes by the studio itself."""
    position = kit.log.find("object.register", 1)
    event = kit.log.statements[position].event
    other = kit.world.object(data=b"other bytes").event.body.content
    body = replace(event.body, content=other)
    swapped = sign_statement(kit.world.studio.signer, kit.world.studio.id, replace(event, body=body))
    statements = [*kit.log.statements]
    statements[position] = swapped
    return MemoryLog(kit.world, statements)


@pytest.mark.parametrize("stolen", ["log", "log-pq", "authority"])
def test_a_thief_of_one_checkpoint_key(stolen: str, kit: Kit) -> None:
    own = World("thief", kit.world.origin).roles
    roles = {role: kit.world.roles[role] if role == stolen else own[role] for role in ("log", "log-pq", "authority")}
    signers = LogSigners(kit.world.origin, roles["log"], roles["log-pq"], LocalAuthority(roles["authority"]))
    report = kit.verify(kit.bundle(with_tree_of(kit, forged_log(kit), signers)))
    assert (report.verdict, report.refused_at) == ("not_proved", 5)
    assert report.claim("checkpoint-signature").outcome == "contradicted"


def test_a_thief_of_two_checkpoint_keys(kit: Kit) -> None:
    own = World("thief", kit.world.origin).roles
    signers = LogSigners(
        kit.world.origin, kit.world.roles["log"], kit.world.roles["log-pq"], LocalAuthority(own["authority"])
    )
    assert kit.verify(kit.bundle(with_tree_of(kit, forged_log(kit), signers))).refused_at == 5


def test_all_three_checkpoint_keys_still_meet_the_anchor(kit: Kit) -> None:
    """The operator rewrites history: what was anchored before does not lead to the new tree."""
    report = kit.verify(kit.bundle(with_tree_of(kit, forged_log(kit), kit.world.signers)))
    assert report.claim("inclusion").outcome == report.claim("checkpoint-signature").outcome == "proved"
    assert report.claim("anchor").outcome == "contradicted"


@pytest.mark.parametrize("role", ["registrar", "service", "log", "status", "exporter"])
def test_a_thief_of_a_key_that_signs_statements(role: str, kit: Kit) -> None:
    """A statement that was never logged, in the place of one that was: its signature may hold, its place does not."""
    position = kit.log.find("object.register", 1)
    event = kit.log.statements[position].event
    forged = sign_statement(kit.world.roles[role], kit.world.studio.id, event)
    report = kit.verify(kit.bundle({**honest(kit), entry(position): forged.entry}))
    assert report.verdict == "not_proved"
    assert report.claim("inclusion").outcome == "contradicted"


def test_a_thief_of_a_partys_key(kit: Kit) -> None:
    position = kit.log.find("object.register", 1)
    forged = forged_log(kit).statements[position]
    report = kit.verify(kit.bundle({**honest(kit), entry(position): forged.entry}))
    assert (report.refused_at, report.claim("statement-signature").outcome) == (4, "proved")


def test_a_thief_of_the_sealers_key_anchors_what_the_chain_never_saw(kit: Kit, tmp_path: Path) -> None:
    """He can, and the report says on whose word it rests: a chain of the same name, made again, and sealed."""
    twin = Scene(tmp_path, World(kit.world.name, kit.world.origin, clock=START))
    twin.log.statements[:] = kit.log.statements
    assert twin.target == kit.scene.target
    never_anchored = twin.anchor()
    report = kit.verify(kit.scene.bundle(twin_members(kit, never_anchored)))
    assert report.claim("anchor").outcome == "proved"
    good = [line for line in report.claim("anchor").evidence if line.key == "anchor.good"]
    assert [line.values["size"] for line in good] == [kit.log.size]
    assert report.claim("time").outcome == "needs_external_fact"
    assert all(fact["vouched_by"] == "operator" for fact in report.facts["anchors"])


def twin_members(kit: Kit, anchor: AnchorMaterial) -> Members:
    members = case_members(kit.material(anchors=[anchor], consistency={}))
    return {name: data for name, data in members.items() if isinstance(data, bytes)}
