"""What a party wrote into the log stays text in every form of the report; programs still read the same value."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tallystick.__main__ import main
from tallystick.identifiers import Letter
from tallystick.report.as_html import html_report
from tallystick.report.as_json import json_report
from tallystick.report.as_text import text_report
from tallystick.verify import Report
from tests.core.verify.kit import Kit, Scene
from tests.world import World

NASTY = "<script>alert(1)</script>\x1b[2J\u009b31m\u202eDEVORP\u2028\u0000\x7f\U000e0041</td>&"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """An object whose author's private value, fully disclosed, is an attack on whoever prints it."""
    world = World("loud", "log.example/loud")
    scene = Scene(tmp_path_factory.mktemp("loud"), world)
    loud = world.say(
        world.studio, "object.register", world.identifier(Letter.OBJECT), world.object().event.body, {"author": NASTY}
    )
    scene.log.add(*world.parties(), loud)
    scene.anchor()
    opened = [one.text for one in world.disclosures[loud.statement_id]]
    found = scene.judge(scene.material(loud.event.subject, disclosures={scene.log.find("object.register"): opened}))
    assert found.verdict == "proved"
    return found


def test_json_is_safe_to_show_and_means_the_same(report: Report) -> None:
    shown = json_report(report)
    assert all(character.isprintable() or character == "\n" for character in shown)
    (opened,) = json.loads(shown)["facts"]["disclosed"].values()
    assert opened == {"author": NASTY}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_text_and_html_are_safe_to_show(report: Report, language: str) -> None:
    for shown in (text_report(report, language), html_report(report, language)):  # type: ignore[arg-type]
        assert all(character.isprintable() or character == "\n" for character in shown)
        assert "<script" not in shown


def test_an_error_about_the_trust_file_is_one_line(
    tmp_path: Path, kit: Kit, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "case.zip").write_bytes(kit.bundle())
    (tmp_path / "trust.json").write_text('{"\\u001b[2J\\rPROVED": 1, "v": "\\u202e"}')
    for more in ((), ("--json",)):
        given = ["verify", str(tmp_path / "case.zip"), "--trust", str(tmp_path / "trust.json"), "--at"]
        assert main([*given, "2026-02-02T00:00:00Z", *more]) == 2
        printed = capsys.readouterr()
        assert all(character.isprintable() or character == "\n" for character in printed.out + printed.err)
