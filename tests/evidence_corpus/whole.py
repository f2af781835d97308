"""Cases that show the whole of a log: an auditor vouches for the map, and all that came after its root is here.

So what a verifier says less than *proved* of them is because of the fault, not because an entry may be withheld.
"""

from __future__ import annotations

from dataclasses import replace

from tallystick.case import CaseMaterial, Kind, MapMaterial
from tallystick.map.audit import MapAudit, sign_audit
from tallystick.merkle import prove_consistency, root_of
from tests.core.verify.facts_kit import Facts
from tests.core.verify.kit import Scene
from tests.core.verify.test_histories import AUDITOR, KEY
from tests.core.verify.test_kind_demands import Play


class Audited:
    """The log states the root of its map, and an auditor vouches for it. A case of it is anchored."""

    def __init__(self, scene: Scene, subject: str, kind: Kind = "object") -> None:
        self.scene, self.subject, self.kind = scene, subject, kind
        self._anchored = -1
        self.play = Play(scene, {kind: subject}, [], {})
        self.play.state()
        (self.root,) = self.play.roots
        self.seen = scene.world.clock + 60
        scene.world.clock += 600

    def audit(self) -> bytes:
        tree = root_of(self.scene.log.leaves(self.root))
        said = MapAudit(self.scene.world.origin, self.root, tree, self.play.maps[self.root].root())
        return sign_audit(said, AUDITOR.name, KEY, self.seen).encode()

    def material(self) -> CaseMaterial:
        log = self.scene.log
        if self._anchored < log.size:
            self.scene.anchor()
            self._anchored = log.size
        shown = MapMaterial({self.root: self.play.proofs(self.root)}, (self.audit(),))
        found = self.scene.material(self.subject, self.kind, map=shown)
        joined = {(self.root, log.size): prove_consistency(log, self.root, log.size)}
        return replace(found, consistency={**found.consistency, **joined})


def whole(facts: Facts) -> CaseMaterial:
    """The case of the object of ``facts``, whole to the end of the log."""
    return Audited(facts.scene, facts.subject).material()
