"""Makes the golden bundle of a log whose keys were replaced, once: later programs must still verify it.

    python -m tests.core.verify.golden_rotation fixtures/golden/rules-2/rotation

Signatures are randomised: what is committed is kept, never made again.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from tallystick.case import OriginalMaterial, case_members
from tallystick.key_history import Replacement
from tallystick.trust import encode_trust
from tests.core.verify.kit import Scene
from tests.world import World


def make(out: Path) -> None:
    """An object from before every rotation, exported after them; the trust files of before and after."""
    with tempfile.TemporaryDirectory() as name:
        world = World("golden rotation", "log.example/golden-rotation")
        scene = Scene(Path(name) / "scene", world)
        said = world.object(data=b"from before")
        scene.log.add(world.register(world.studio, "studio"), said)
        before = scene.trust_file()
        replaced = []
        for role in ("log", "registrar", "log-pq", "service", "status"):
            world.clock += 3600
            rotation = world.rotated(world.rotate(role))  # type: ignore[arg-type]
            replaced.append(Replacement(scene.log.size, world.now(), role, rotation.event.body.key))  # type: ignore[arg-type]
            scene.log.add(rotation)
        scene.log.add(world.object(data=b"from after"))
        scene.anchor()
        after = replace(before, v=2, logs=(replace(scene.first, replaced=tuple(replaced)),))
        originals = [OriginalMaterial(said.event.subject, {"object.bin": b"from before"})]
        bundle = scene.bundle(case_members(scene.material(said.event.subject, originals=originals)))
        out.mkdir(parents=True)
        (out / "case.zip").write_bytes(bundle)
        (out / "trust-before.json").write_bytes(encode_trust(before))
        (out / "trust-after.json").write_bytes(encode_trust(after))
        at = world.clock + 60
        (out / "expected.json").write_text(json.dumps({"at": at}) + "\n", encoding="utf-8")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
