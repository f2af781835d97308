"""Makes the golden bundle of a format version, once, when the version is new: later programs must still verify it.

    python -m tests.core.verify.golden fixtures/golden/1/evidence

Signatures are randomised, so a second run gives other bytes: what is committed is kept, never made again.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from tallystick.base64s import to_base64
from tallystick.c2pa.verdict import LICENCE
from tallystick.case import OriginalMaterial, case_members
from tallystick.content import folder_content
from tallystick.events.dispute import DisputeOpening
from tallystick.identifiers import Letter
from tallystick.licence.credential import encode_credential
from tallystick.schema import write
from tallystick.trust import encode_trust
from tests.core.c2pa import kit as c2pa_kit
from tests.core.verify.kit import AT, Scene
from tests.core.verify.test_credentials import credential_of, issue, sign
from tests.core.verify.test_kinds import FILES, file_list
from tests.world import World


def make(out: Path) -> None:
    """A licence of a generated object, its signed card, its sources with their bytes, and a dispute about it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        world = World("golden", "log.example/golden", rules=3)
        scene = Scene(folder / "scene", world)
        capability, filed = world.capability()
        scene.log.add(*world.parties(), *filed)
        source = world.object(content=write(folder_content(file_list(FILES))), kind="composite")
        job, registered = world.job(capability, [source.event.subject])
        output = world.output(job, data=b"what the job made")
        made = world.record(world.studio, "object.register", output.event.subject, output.event.body)
        scene.log.add(source, registered, made, world.complete(job, [made.event.subject]))
        world.clock += 60
        licence = world.licence(made.event.subject)
        scene.log.add(licence)
        scene.anchor()
        subject, grant = licence.event.subject, scene.log.find("licence.grant")
        payload = encode_credential(credential_of(scene, subject, grant))
        card = sign(folder, {LICENCE: payload}, world.clock)
        position = issue(scene, subject, card)
        dispute = DisputeOpening(made.event.subject, "ownership")
        scene.log.add(world.say(world.licensee, "dispute.open", world.identifier(Letter.DISPUTE), dispute))
        scene.anchor()
        opened = [one.text for one in world.disclosures[licence.statement_id] if one.name != "licensee"]
        material = replace(
            scene.material(subject, "licence"),
            disclosures={grant: opened},
            originals=[
                OriginalMaterial(source.event.subject, FILES, file_list(FILES)),
                OriginalMaterial(made.event.subject, {"made.bin": b"what the job made"}),
            ],
            credentials={position: ("card.png", card)},
        )
        root = to_base64(c2pa_kit.world().root.certificate.public_bytes(Encoding.DER))
        trust = scene.trust_file(c2pa_roots=(root,))
        report = scene.judge(material, scene.trust(c2pa_roots=(root,)))
        assert report.verdict == "proved", report
        out.mkdir(parents=True)
        (out / "case.zip").write_bytes(scene.bundle(case_members(material)))
        (out / "trust.json").write_bytes(encode_trust(trust))
        outcomes = {claim.id: claim.outcome for claim in report.claims}
        expected = {"at": AT, "verdict": report.verdict, "claims": outcomes}
        (out / "expected.json").write_text(json.dumps(expected, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
