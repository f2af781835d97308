"""As of when an export's own report is: of what was found to hold, and of nothing that fell."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from api.services.enclosing import enclose
from tallystick.case import CaseMaterial
from tallystick.times import format_time
from tallystick.trust import encode_trust
from tests.c2pa_corpus.people import der
from tests.core.verify.kit import AT, Kit, build_kit
from tests.core.verify.test_timestamps import of_sizes, stamp
from tests.core.verify.test_words_beside import MADE, TRUSTED
from tests.core.verify.words_kit import DAY, TOWER, TOWER_HALL, Reason, beside, holder, listing

LATER = AT + 30 * 86_400
INFO = {"Bagging-Date": "2026-02-01"}


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    return build_kit(tmp_path_factory.mktemp("world"))


def as_of(kit: Kit, case: CaseMaterial, folder: Path) -> str:
    """What the enclosed report says of itself."""
    trust = encode_trust(kit.scene.trust_file(tsa_roots=TRUSTED))
    made = enclose(case, kit.world.roles["exporter"], INFO, trust, folder / "draft")
    assert made.report is not None
    said = re.search(rb"verified as of ([0-9-]+) ([0-9:]+Z)", made.report["report.en.html"])
    assert said is not None
    return f"{said[1].decode()}T{said[2].decode()}"


def stamped(kit: Kit, *lists: bytes) -> CaseMaterial:
    shown = (der(TOWER.certificate), der(TOWER_HALL.certificate))
    return beside(of_sizes(kit, stamp(kit.log.note(), holder(TOWER), seconds=LATER, certificates=shown)), lists)


def test_a_timestamp_that_holds_is_a_time_that_the_case_shows(kit: Kit, tmp_path: Path) -> None:
    assert as_of(kit, stamped(kit, listing(TOWER_HALL)), tmp_path) == format_time(LATER)


@pytest.mark.parametrize("reason", [None, Reason.key_compromise])
def test_one_whose_authority_was_revoked_says_nothing_of_when(kit: Kit, tmp_path: Path, reason: Reason | None) -> None:
    """Whoever has its key dates it as he likes: a report of years ahead finds what is good today expired."""
    fallen = stamped(kit, listing(TOWER_HALL, (TOWER, MADE + DAY, reason)))
    assert as_of(kit, fallen, tmp_path) == as_of(kit, kit.material(), tmp_path) != format_time(LATER)
