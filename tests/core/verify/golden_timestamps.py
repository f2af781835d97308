"""Makes the golden bundle of case version 2, once: tokens of an independent authority and of an operator's own.

    python -m tests.core.verify.golden_timestamps fixtures/golden/2/evidence

Signatures are randomised, so a second run gives other bytes: what is committed is kept, never made again.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from tallystick.base64s import from_base64
from tallystick.case import AnchorMaterial, OriginalMaterial, case_members
from tallystick.evm import proof
from tallystick.evm.keccak import keccak256
from tallystick.merkle import prove_consistency
from tallystick.note import parse_note
from tallystick.trust import encode_trust
from tests.core.timestamp.forge import Recipe, token
from tests.core.verify.kit import AT, PICTURE, Scene
from tests.core.verify.test_timestamps import OWN, OWN_ROOT, ROOT, TSA, at, stamp, trusting
from tests.world import World

INDEPENDENT = ("an observatory", ROOT, True)


def make(out: Path) -> None:
    """An object that was anchored; both authorities stamped the log, the independent one the anchor's block too."""
    with tempfile.TemporaryDirectory() as name:
        world = World("golden timestamps", "log.example/golden-timestamps")
        scene = Scene(Path(name) / "scene", world)
        registered = world.object(data=PICTURE)
        scene.log.add(*world.parties())
        scene.log.add(registered)
        scene.anchor()
        scene.log.add(world.object())
        size, anchored = scene.log.size, scene.anchors[0]
        stamped = int(parse_note(anchored.checkpoint).text.split("\n")[1])
        stamps = (stamp(anchored.checkpoint, accuracy={"millis": 20}), stamp(scene.log.note(), OWN, AT - 60))
        read = proof.decode(anchored.proof)
        made = token(Recipe(TSA, message=keccak256(from_base64(read.header)), gen_time=at(AT - 1800)))
        original = OriginalMaterial(registered.event.subject, {"picture.bin": PICTURE})
        material = scene.material(
            registered.event.subject,
            originals=[original],
            anchors=[AnchorMaterial(proof.encode(proof.with_tokens(read, [made])), anchored.checkpoint)],
            timestamps=stamps,
            consistency={(stamped, size): prove_consistency(scene.log, stamped, size)},
        )
        trust = scene.trust_file(**trusting(INDEPENDENT, ("the operator's own", OWN_ROOT, True)))
        bundle = scene.bundle(case_members(material))
        report = scene.verify(bundle, scene.trust(**trusting(INDEPENDENT, ("the operator's own", OWN_ROOT, True))))
    assert report.verdict == "proved", report
    out.mkdir(parents=True)
    (out / "case.zip").write_bytes(bundle)
    (out / "trust.json").write_bytes(encode_trust(trust))
    expected = {"at": AT, "verdict": report.verdict, "claims": {one.id: one.outcome for one in report.claims}}
    (out / "expected.json").write_text(json.dumps(expected, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
