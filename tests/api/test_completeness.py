"""The figure on the status page comes from the entries: an object planted behind the policy makes it fall."""

from __future__ import annotations

import itertools
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

import ledger.batch
from api.services import completeness
from tallystick.admission import Admission, decide
from tallystick.statement import Statement
from tests.api.house import House, Party
from tests.api.test_submission import picture, registration


def figure(house: House) -> dict[str, Any]:
    found: dict[str, Any] = house.http.get("/v1/status").json()["completeness"]
    return found


def test_the_figure_falls_and_names_the_object(house: House, studio: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        studio.record("object.register", picture(b"%d" % number))
    before = figure(house)
    assert (before["objects"], before["complete"], before["share"], before["incomplete"]) == (3, 3, 1.0, [])
    body = replace(registration(b"from nowhere"), origin="generated")
    assert studio.submit("object.register", body).json()["code"] == "incomplete"

    def blind(statement: Statement, position: int, admitted_at: int, reader: Any, key: Any = None) -> Admission:
        if statement.event.type == "log.batch":
            return decide(statement, position, admitted_at, reader, key)
        return Admission(None, key, ())  # type: ignore[arg-type]

    monkeypatch.setattr(ledger.batch, "decide", blind)
    planted = studio.record("object.register", body)
    monkeypatch.undo()
    after = figure(house)
    assert (after["objects"], after["complete"], after["share"]) == (4, 3, 0.75)
    (named,) = after["incomplete"]
    assert (named["position"], named["subject"]) == (planted["position"], planted["subject"])
    assert "job" in named["missing"]
    for language in ("en", "zh"):
        page = house.http.get("/", params={"lang": language}).text
        assert "75.00%" in page
        assert planted["subject"] in page


def test_it_is_counted_slowly_while_the_log_grows(house: House, studio: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who submits comes first; as soon as nobody does, what is left is counted in one go."""
    monkeypatch.setattr(completeness, "STEP", 2)
    ticks = itertools.count()
    monkeypatch.setattr(completeness, "time", SimpleNamespace(thread_time=lambda: next(ticks)))
    check, waits = completeness.CompletenessCheck(house.services.log), list[float]()
    for number in range(8):
        if number in (2, 3):
            studio.record("object.register", picture(b"%d" % number))
        waits.append(check.step())
    slow = completeness.SHARE - 1
    assert waits[:6] == [completeness.BREATH, completeness.BREATH, slow, slow, completeness.BREATH, completeness.BREATH]
    while check.step() != completeness.PAUSE:
        pass
    assert check.advance().entries == house.services.log.status().size
