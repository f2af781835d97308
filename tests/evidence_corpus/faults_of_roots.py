"""A standing that is told under an older root, and files signed under roots that the reader lists for something else.

Of the first nothing is false and no step refuses: what came later is not here, and the claim that speaks of it must not
be *proved*.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import cast

from tallystick.case import CaseMaterial, Kind
from tallystick.case.model import INDEX
from tests.core.verify.facts_kit import without
from tests.core.verify.test_credentials import desk
from tests.core.verify.test_kind_demands import play
from tests.evidence_corpus.good import Worlds, other_purposes
from tests.evidence_corpus.shelf import Fault, Faults, change, made_so

UP_TO = {"traceability": "proved", "completeness": "needs_external_fact", "entitlement": "proved"}


def faults(worlds: Worlds) -> Faults:
    told = play(worlds.folder / "older-root")
    root = told.roots[0]
    for kind in cast("tuple[Kind, ...]", ("licence", "job")):
        cut = _below(told.case(kind, root=0), root + 2)
        name = f"{kind}-under-an-older-root-beyond-which-all-is-withheld"
        yield replace(made_so(name, told.scene, cut, None, **UP_TO), verdict="proved")
    revoked = told.scene.log.find("licence.status")
    hole = without(told.case("licence", root=0), [revoked])
    yield made_so("licence-under-an-older-root-with-a-later-dispute", told.scene, hole, 9, traceability="not_proved")
    yield _before_version_4(worlds.folder / "upgraded")
    yield from _other_purposes(worlds)
    yield from _names_twice(worlds)


def _below(material: CaseMaterial, end: int) -> CaseMaterial:
    """Nothing from ``end`` on, though the tree is larger."""
    return without(material, range(end, max(material.entries) + 1))


def _before_version_4(folder: Path) -> Fault:
    """The log went to version 4 later: who withholds that entry is not asked for a root of the map."""
    older = play(folder, 3)
    log, world = older.scene.log, older.scene.world
    world.rules = 4
    since = log.size
    world.batch = partial(world.batch, policy=since)
    log.add(world.policy())
    older.scene.anchor()
    cut = _below(older.case("licence", map=None), log.find("licence.status"))
    made = made_so("licence-whose-later-version-of-the-rules-is-withheld", older.scene, cut, None, **UP_TO)
    return replace(made, verdict="proved")


def _other_purposes(worlds: Worlds) -> Faults:
    """Its root stands in the trust file: for identities, and for timestamps. It signs no claims."""
    for purpose, world in other_purposes().items():
        made = desk(worlds.folder / f"card-under-{purpose}", signer=world.signer.claim_signer())
        name = f"card-by-a-signer-under-a-root-for-{purpose}"
        yield made_so(name, made.scene, made.case(), 12, credential="contradicted")


def _names_twice(worlds: Worlds) -> Faults:
    honest = worlds.honest["object"]
    members = honest.members()
    index = members[INDEX]
    many = b",".join(b'"name %d":0' % number for number in range(5000))
    for name, data in {
        "index-with-a-name-twice": b'{"kind":"object",' + index[1:],
        "index-of-many-names-one-of-them-twice": b'{"a":0,"a":0,' + many + b"," + index[1:],
    }.items():
        yield change(honest, name, {**members, INDEX: data}, 1, "malformed")
