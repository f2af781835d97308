"""What is erased while a case is exported does not leave with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from api.services import evidence
from tests.api.desk import Desk, case_of, disclosed_values, picture_bytes, registration
from tests.api.house import problem
from tests.api.test_erasures import erase, position_of
from tests.api.test_licence_files import card_of

SECRET = "a title that is being forgotten"


def beside(monkeypatch: pytest.MonkeyPatch, *happens: Callable[[], Any]) -> list[Callable[[], Any]]:
    """Each as one more bundle is about to be written, after all was gathered. What is still to happen."""
    left, write = list(happens), evidence.write_bundle

    def meanwhile(*arguments: Any) -> None:
        if left:
            left.pop(0)()
        write(*arguments)

    monkeypatch.setattr(evidence, "write_bundle", meanwhile)
    return left


def test_a_value_that_is_erased_while_the_bundle_is_written_is_not_in_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    object_id, _ = desk.picture(title=SECRET)
    position = position_of(desk, object_id, "object.register")
    plain = desk.export(desk.studio, "object", object_id, report=False).content
    assert SECRET.encode() in disclosed_values(plain)
    left = beside(monkeypatch, lambda: erase(desk.studio, position, object_id, "title"))
    bundle = desk.export(desk.studio, "object", object_id, report=False).content
    assert left == []
    assert SECRET.encode() not in disclosed_values(bundle)


def test_a_kept_card_that_goes_while_the_bundle_is_written_is_left_out_and_said(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    licence, _ = desk.licence()
    card_of(desk, licence)
    position = position_of(desk, licence, "licence.grant")
    card = position_of(desk, licence, "credential.issue")
    assert card in case_of(desk.export(desk.studio, "licence", licence, report=False).content).credentials
    left = beside(monkeypatch, lambda: erase(desk.house.registrar, position, licence, "territory"))
    answer = desk.export(desk.studio, "licence", licence, report=False)
    assert left == []
    assert answer.headers["x-tallystick-left-out"] == str(card)
    case = case_of(answer.content)
    assert not case.credentials
    assert "territory" not in {one.name for one in case.disclosures[position]}


def test_where_it_goes_on_nothing_leaves_and_the_next_export_is_whole(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = {f"note-{number}": f"{SECRET} {number}" for number in range(3)} | {"title": "what may stay"}
    object_id = desk.studio.record("object.register", registration(picture_bytes(next(desk.shades))), private=private)[
        "subject"
    ]
    position = position_of(desk, object_id, "object.register")
    desk.publish()
    steps = [lambda name=name: erase(desk.studio, position, object_id, name) for name in sorted(private)[:3]]
    left = beside(monkeypatch, *steps)
    answer = desk.ask(desk.studio, "object", object_id, report=False)
    assert (left, problem(answer)[:2]) == ([], (503, "unavailable"))
    bundle = desk.export(desk.studio, "object", object_id, report=False).content
    assert [one.name for one in case_of(bundle).disclosures[position]] == ["title"]


def test_what_others_erase_of_other_things_does_not_matter(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    other, _ = desk.picture(title=SECRET)
    object_id, _ = desk.picture(title="what may stay")
    written: list[None] = []
    beside(
        monkeypatch,
        lambda: erase(desk.studio, position_of(desk, other, "object.register"), other, "title"),
        lambda: written.append(None),
    )
    assert b"what may stay" in disclosed_values(desk.export(desk.studio, "object", object_id, report=False).content)
    assert written == []
