"""What a bundle says of erased values: only what an entitled entry recorded, and never more than that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tallystick.events.erasure import Erasure
from tallystick.report.as_text import text_report
from tallystick.statement import Statement
from tests.core.verify.kit import Scene
from tests.world import Someone, World

TITLE = "the title of the picture"


class Titled:
    """A scene with a picture that has a private title, anchored when ``judge`` is asked."""

    def __init__(self, folder: Path) -> None:
        self.world = World("erasures", "log.example/erasures")
        self.scene = Scene(folder, self.world)
        self.scene.log.add(*self.world.parties())
        plain = self.world.object()
        self.subject = plain.event.subject
        said = self.world.say(self.world.studio, "object.register", self.subject, plain.event.body, {"title": TITLE})
        self.position = self.scene.log.size
        self.opened = self.world.disclosures[said.statement_id]
        self.scene.log.add(said)

    def erasure(self, who: Someone | None = None, *names: str, subject: str | None = None) -> Statement:
        body = Erasure(self.position, names or ("title",), "retention-ended")
        return self.world.say(who or self.world.studio, "disclosure.erase", subject or self.subject, body)


@pytest.fixture
def titled(tmp_path: Path) -> Titled:
    return Titled(tmp_path)


def test_an_erasure_is_reported_with_its_time_and_grounds(titled: Titled) -> None:
    titled.world.clock += 3600
    titled.scene.log.add(titled.erasure())
    titled.scene.anchor()
    report = titled.scene.judge(titled.scene.material(titled.subject))
    assert report.verdict == "proved"
    assert report.facts["erased"] == [
        {
            "position": titled.position,
            "names": ["title"],
            "grounds": "retention-ended",
            "erased_at": "2026-02-01T01:00:00Z",
            "entry": titled.position + 2,
        }
    ]
    told = f"entry {titled.position + 2} records that title of entry {titled.position} and the salts were erased at"
    assert f"{told} 2026-02-01T01:00:00Z (retention-ended)" in text_report(report, "en")
    assert "保存期限届满" in text_report(report, "zh")


def test_a_value_that_somebody_kept_still_opens_its_commitment(titled: Titled) -> None:
    titled.scene.log.add(titled.erasure())
    titled.scene.anchor()
    disclosures = {titled.position: [one.text for one in titled.opened]}
    report = titled.scene.judge(titled.scene.material(titled.subject, disclosures=disclosures))
    assert report.claim("disclosure").outcome == "proved"
    assert report.facts["disclosed"][str(titled.position)] == {"title": TITLE}
    assert [line.key for line in report.claim("disclosure").evidence] == [
        "disclosure.good",
        "disclosure.erased",
        "disclosure.kept",
    ]


FORGED: dict[str, Callable[[Titled], Statement]] = {
    "by another party": lambda titled: titled.erasure(titled.world.licensee),
    "by a stranger": lambda titled: titled.erasure(titled.world.outsider),
    "under another subject": lambda titled: titled.erasure(subject=titled.world.studio.id),
    "of a value that never was": lambda titled: titled.erasure(None, "price"),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_planted_erasure_is_not_reported_as_one(name: str, titled: Titled) -> None:
    """The operator puts it into the tree behind the rules: they refuse it, and nothing is said to be erased."""
    titled.scene.log.add(FORGED[name](titled))
    titled.scene.anchor()
    report = titled.scene.judge(titled.scene.material(titled.subject))
    # The stranger's key stands in no entry, which is seen first.
    assert (report.verdict, report.refused_at) == ("not_proved", 3 if name == "by a stranger" else 6)
    assert report.facts["erased"] == []
    assert report.claim("disclosure").outcome == "not_proved"


def test_a_second_erasure_of_the_same_value_is_refused(titled: Titled) -> None:
    titled.scene.log.add(titled.erasure())
    titled.scene.log.add(titled.erasure())
    titled.scene.anchor()
    report = titled.scene.judge(titled.scene.material(titled.subject))
    assert (report.verdict, report.refused_at) == ("not_proved", 6)
    assert [one["entry"] for one in report.facts["erased"]] == [titled.position + 2]
