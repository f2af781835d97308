"""A file that shows how its licence ends, and evidence from before: what the file says itself is not forgotten."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick.events.licence import LicenceStatus
from tallystick.licence.check import LicenceAnswer, Stage
from tallystick.licence.credential import LicenceCredential
from tallystick.times import format_time
from tests.core.licence.paper import DAY, Paper, check
from tests.core.licence.purse import evidence

Told = tuple[Paper, dict[str, Any], LicenceCredential]


@pytest.fixture(scope="module")
def told() -> Told:
    """The licence is revoked from tomorrow; the file of today says so, the staples of an hour ago do not."""
    paper = Paper()
    before = {"evidence": evidence(paper), "staple": paper.staple()}
    paper.world.clock += 3600
    tomorrow = format_time(paper.world.clock + DAY)
    revoked = LicenceStatus("revoke", "breach", tomorrow)
    paper.append([paper.world.say(paper.world.studio, "licence.status", paper.licence.event.subject, revoked)])
    return paper, before, paper.credential(size=len(paper.log))


@pytest.mark.parametrize("kind", ["evidence", "staple"])
def test_what_a_file_says_of_its_end_outlives_older_evidence(told: Told, kind: str) -> None:
    paper, before, credential = told
    found = check(paper, before[kind], later=2 * DAY, credential=credential)
    assert (found.answer, found.deciding.stage) == (LicenceAnswer.NOT_VALID, Stage.STATUS)
    assert found.deciding.text.en == "the log entries in the file themselves say: revoked"


def test_older_evidence_gives_no_status_to_a_newer_file(told: Told) -> None:
    paper, before, credential = told
    found = check(paper, before["evidence"], credential=credential)
    assert (found.answer, found.deciding.stage) == (LicenceAnswer.CANNOT_TELL, Stage.STATUS)
    assert "of an older tree than the file" in found.deciding.text.en
    assert check(paper, evidence(paper), credential=credential).answer is LicenceAnswer.VALID
