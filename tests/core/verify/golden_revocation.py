"""Makes the golden bundle of case version 5, once: what issuers said of revocation, beside a card and a timestamp.

    python -m tests.core.verify.golden_revocation fixtures/golden/5/evidence

Signatures are randomised, so a second run gives other bytes: what is committed is kept, never made again.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from tallystick.base64s import to_base64
from tallystick.case import case_members
from tallystick.trust import TimeAuthority, encode_trust
from tests.c2pa_corpus.people import der
from tests.core.c2pa import kit as c2pa_kit
from tests.core.verify.kit import AT
from tests.core.verify.test_credentials import desk
from tests.core.verify.test_timestamps import stamp
from tests.core.verify.words_kit import (
    DAY,
    LOGGED,
    TOWER,
    TOWER_HALL,
    TOWER_ROOT,
    Reason,
    answered,
    beside,
    card_people,
    holder,
    listing,
    stamped,
)

HOUR = timedelta(hours=1)


def make(out: Path) -> None:
    """A card whose signer was revoked after a clock dated the signature, and before the log had it; the clock stopped
    since, for no fault of its key.
    """
    signer, issuer, _ = card_people()
    with tempfile.TemporaryDirectory() as name:
        made = desk(Path(name), finish=lambda card: stamped(card, LOGGED - 2 * HOUR))
        scene, shown = made.scene, (der(TOWER.certificate), der(TOWER_HALL.certificate))
        case = replace(made.case(), timestamps=[stamp(scene.log.note(), holder(TOWER), certificates=shown)])
        lists = [
            listing(issuer, (signer, LOGGED - HOUR, None)),
            listing(TOWER_HALL, (TOWER, LOGGED + 300 * DAY, Reason.superseded), at=LOGGED + 300 * DAY),
        ]
        case = beside(case, lists, [answered(TOWER_HALL, TOWER_ROOT)])
        believed = {
            "c2pa_roots": (to_base64(c2pa_kit.world().root.certificate.public_bytes(Encoding.DER)),),
            "tsa_roots": (TimeAuthority("the clock tower", to_base64(der(TOWER_ROOT.certificate)), True),),
            "independent_time": True,
        }
        bundle = scene.bundle(case_members(case))
        report = scene.verify(bundle, scene.trust(**believed))
        trust = encode_trust(scene.trust_file(**believed))
    assert report.verdict == "proved", report
    out.mkdir(parents=True)
    (out / "case.zip").write_bytes(bundle)
    (out / "trust.json").write_bytes(trust)
    expected = {"at": AT, "verdict": report.verdict, "claims": {one.id: one.outcome for one in report.claims}}
    (out / "expected.json").write_text(json.dumps(expected, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
