"""Makes the golden bundle of case version 4, once: a licence with its histories, adverse entries named first, parts.

    python -m tests.core.verify.golden_parts fixtures/golden/4/evidence

Signatures are randomised, so a second run gives other bytes: what is committed is kept, never made again.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from tallystick.case import OriginalMaterial, case_members
from tallystick.case.parting import part_folder
from tallystick.content import folder_content
from tallystick.schema import write
from tallystick.trust import encode_trust
from tests.core.verify.kit import AT
from tests.core.verify.test_kind_demands import adverse_of, play
from tests.core.verify.test_kinds import FILES, file_list


def make(out: Path) -> None:
    """A licence was revoked and is disputed from two sides; a file of what its object was made of stays out."""
    with tempfile.TemporaryDirectory() as name:
        content = write(folder_content(file_list(FILES)))
        told = play(Path(name) / "scene", content=content, kind="composite")
        parts = part_folder(file_list(FILES), {"b.txt"}, "another case is pending")
        kept = {path: data for path, data in FILES.items() if path == "a/one.bin"}
        originals = [OriginalMaterial(told.names["source"], kept, parts=parts)]
        material = told.case("licence", adverse=adverse_of(told), originals=originals)
        trust = told.scene.trust_file()
        bundle = told.scene.bundle(case_members(material))
        report = told.scene.verify(bundle)
    assert report.verdict == "proved", report
    out.mkdir(parents=True)
    (out / "case.zip").write_bytes(bundle)
    (out / "trust.json").write_bytes(encode_trust(trust))
    expected = {"at": AT, "verdict": report.verdict, "claims": {one.id: one.outcome for one in report.claims}}
    (out / "expected.json").write_text(json.dumps(expected, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
