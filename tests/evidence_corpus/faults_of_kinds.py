"""Licences, job graphs and disputes of which a side is withheld, under rules that leave no excuse for it."""

from __future__ import annotations

from typing import cast

from tallystick.case import Kind, MapMaterial
from tallystick.case.model import INDEX
from tallystick.map import OWN
from tests.core.verify.mutate import described, edit_json, without_entry
from tests.core.verify.test_kind_demands import WITHHELD, adverse_of, play
from tests.evidence_corpus.good import Worlds
from tests.evidence_corpus.shelf import Faults, Honest, change, members_of


def faults(worlds: Worlds) -> Faults:
    told = play(worlds.folder / "play")
    kinds = cast("tuple[Kind, ...]", ("licence", "job", "dispute"))
    cases = {kind: Honest(f"{kind}-with-its-histories", told.scene, told.case(kind), {}) for kind in kinds}
    worlds.honest.update({one.name: one for one in cases.values()})
    for name, (kind, event, number, step) in sorted(WITHHELD.items()):
        members = without_entry(cases[kind].members(), told.scene.log.find(event, number))
        yield change(cases[kind], name.replace(" ", "-"), members, step)
    for kind, honest in cases.items():
        bare = members_of(told.case(kind, map=None))
        yield change(honest, f"{kind}-without-its-histories", bare, 9)
        empty = members_of(told.case(kind, map=MapMaterial({told.roots[1]: {}})))
        yield change(honest, f"{kind}-with-a-root-and-no-proof", empty, 9)
    for kind, name in (("licence", "licence"), ("dispute", "licence"), ("job", "capability")):
        left = {one: proof for one, proof in told.proofs(told.roots[1]).items() if one != (OWN, told.names[name])}
        members = members_of(told.case(cast("Kind", kind), map=MapMaterial({told.roots[1]: left})))
        yield change(cases[cast("Kind", kind)], f"{kind}-without-the-history-of-its-{name}", members, 9)
    older = members_of(told.case("licence", root=0))
    yield change(cases["licence"], "licence-under-a-root-from-before-its-revocation", older, 9)
    for kind in ("object", "job", "dispute"):
        changed = edit_json(cases["licence"].members(), INDEX, lambda index, kind=kind: index.update(kind=kind))
        yield change(cases["licence"], f"licence-that-calls-itself-{kind}", described(changed), 1, "malformed")
    honest, harmless = adverse_of(told), told.scene.log.find("licence.grant")
    for name, named in {
        "hides-one": honest[1:],
        "invents-one": (*honest, harmless),
        "names-another": (harmless, *honest[1:]),
    }.items():
        members = members_of(told.case("licence", adverse=named))
        yield change(cases["licence"], f"index-of-adverse-entries-that-{name}", members, 13)
