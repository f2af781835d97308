"""Histories that are not whole, and maps and audits of other trees."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from tallystick.case import CaseMaterial, MapMaterial
from tallystick.digests import digest_pair
from tallystick.events.credential import CredentialIssue
from tallystick.events.log import MapRoot
from tallystick.map import OWN, MapProof, key_of
from tallystick.merkle import prove_consistency
from tests.core.verify.test_histories import Told, tell
from tests.core.verify.test_histories_aside import licensed
from tests.evidence_corpus.good import Worlds
from tests.evidence_corpus.shelf import Fault, Faults, Honest, change, made_so, members_of
from tests.world import key_from

CUT = {"completeness": "contradicted"}


def faults(worlds: Worlds) -> Faults:
    told, honest = worlds.told, worlds.honest["history-that-an-auditor-replayed"]
    dispute = told.scene.log.find("dispute.open")
    withheld = told.without(told.material(audits=(told.audit(),)), dispute)
    yield _contradicted(honest, "dispute-withheld-from-a-whole-history", withheld)
    yield from _proofs(told, honest)
    yield from _audits(told, honest)
    yield from _operators(worlds.folder)


def _contradicted(honest: Honest, name: str, material: CaseMaterial) -> Fault:
    return replace(change(honest, name, members_of(material), 13), claims=CUT)


def _committed(honest: Honest, name: str, material: CaseMaterial) -> Fault:
    """Nothing is wrong but that nobody vouches: the claim is not required, and stays without proof."""
    made = change(honest, name, members_of(material), None, "proved")
    return replace(made, claims={"completeness": "needs_external_fact"})


def _proofs(told: Told, honest: Honest) -> Faults:
    found, one, audits = told.map(), (OWN, told.subject), (told.audit(),)
    proofs = told.proofs(found)
    own = proofs[one]
    assert own.leaf is not None
    older = replace(told, size=told.scene.log.find("dispute.open"))
    changed = {
        "of-another-identifier": found.prove(key_of(OWN, told.scene.world.studio.id)),
        "of-absence": found.prove(key_of(OWN, "10.5555/never")),
        "of-an-empty-map": MapProof(None),
        "of-a-longer-history": MapProof(replace(own.leaf, count=own.leaf.count + 1), own.path),
        "of-a-shorter-history": MapProof(replace(own.leaf, count=1), own.path),
        "of-an-older-root": older.map().prove(key_of(*one)),
    }
    for name, proof in changed.items():
        shown = MapMaterial({told.root_at: {**proofs, one: proof}}, audits)
        yield _contradicted(honest, f"map-proof-{name}", told.material(audits=audits, map=shown))
    left_out = {at: proof for at, proof in proofs.items() if at != one}
    material = told.material(audits=audits, map=MapMaterial({told.root_at: left_out}, audits))
    yield _committed(honest, "map-proof-left-out", material)
    stated = told.material(map=MapMaterial({told.root_at - 1: proofs}))
    yield replace(
        change(honest, "map-root-that-no-entry-states", members_of(stated), None, "proved"),
        claims={"completeness": "not_proved"},
    )


def _audits(told: Told, honest: Honest) -> Faults:
    broken = bytearray(told.audit())
    broken[-20] = ord("A") if broken[-20] != ord("A") else ord("B")
    contradicted: dict[str, bytes] = {
        "of-another-map": told.audit(root=bytes(32)),
        "with-a-broken-signature": bytes(broken),
    }
    for name, audit in contradicted.items():
        yield _contradicted(honest, f"audit-{name}", told.material(audits=(audit,)))
    elsewhere: dict[str, bytes] = {
        "of-another-size": told.audit(size=3),
        "of-another-log": told.audit(origin="log.example/else"),
        "of-another-tree": told.audit(tree=bytes(32)),
        "by-another-key": told.audit(key_from("another")),
        "dated-before-the-root-was-stated": told.audit(at=0),
        "dated-after-the-time-of-verification": told.audit(at=4_000_000_000),
    }
    for name, audit in elsewhere.items():
        yield _committed(honest, f"audit-{name}", told.material(audits=(audit,)))
    note = told.material(audits=(told.scene.log.note(told.size),))
    yield change(honest, "checkpoint-in-the-place-of-an-audit", members_of(note), None, "malformed")


def _operators(folder: Path) -> Faults:
    hiding = tell(folder / "hiding", lambda told: told.map(without="dispute.open").root())
    proofs = hiding.proofs(hiding.map(without="dispute.open"))
    bare = hiding.material(map=MapMaterial({hiding.root_at: proofs}))
    cut = hiding.without(bare, hiding.scene.log.find("dispute.open"))
    told: dict[str, Any] = {"completeness": "needs_external_fact"}
    yield replace(
        made_so("map-that-hides-a-dispute-on-the-operators-word", hiding.scene, cut, None),
        verdict="proved",
        claims=told,
    )
    yield made_so("map-that-hides-a-dispute-that-is-shown", hiding.scene, bare, 13, **CUT)
    size = hiding.scene.log.size
    path = {**cut.consistency, (hiding.size, size): prove_consistency(hiding.scene.log, hiding.size, size)}
    audited = replace(cut, consistency=path, map=MapMaterial({hiding.root_at: proofs}, (hiding.audit(),)))
    yield made_so("map-that-hides-a-dispute-and-an-auditor-who-saw-it", hiding.scene, audited, 13, **CUT)
    twice = tell(folder / "twice")
    world = twice.scene.world
    twice.scene.log.add(world.say(world.log, "log.map-root", world.origin, MapRoot(twice.size, "99" * 32)))
    yield made_so("two-map-roots-of-one-size", twice.scene, twice.material(audits=(twice.audit(),)), 6)
    yield _stand_in(folder / "aside")


def _stand_in(folder: Path) -> Fault:
    """At the place of a revocation, under map/entries, something that is not the log's."""
    told = licensed(folder)
    at = told.scene.log.find("licence.status")
    body = CredentialIssue("c2pa", "card", "image/png", digest_pair(b"x"), 1)
    stand_in = told.scene.world.say(told.scene.world.someone("nobody"), "credential.issue", told.subject, body)
    honest = told.scene.material(told.subject, "licence")
    aside = MapMaterial({told.root_at: told.proofs()}, (), {at: stand_in.entry})
    return made_so("stand-in-at-the-place-of-a-revocation", told.scene, told.without(honest, at, map=aside), 13, **CUT)
