"""What was said of making and keeping, proved: an auditor's word, and every entry behind it to the end of the tree."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.services.gathering import Gathered
from api.services.tail import tail_serves
from tallystick.events.dispute import DisputeOpening
from tallystick.trust import encode_trust, parse_trust
from tallystick.verify import Report, verify_case
from tests.api.audited import FACTS, Audited, auditing
from tests.api.desk import case_of, told


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Audited]:
    with auditing(tmp_path) as found:
        yield found


def judged(house: Audited, bundle: bytes) -> Report:
    return verify_case(io.BytesIO(bundle), parse_trust(encode_trust(house.trust())), house.at)


def export(house: Audited, subject: str, data: bytes) -> Any:
    return house.desk.export(house.desk.studio, "object", subject, originals={"a.png": data})


def subjects(bundle: bytes) -> set[str]:
    return {one.statement.event.subject for one in case_of(bundle).entries}


def reached(house: Audited, answer: Any) -> None:
    """The facts are proved, and the service said so beforehand."""
    assert answer.headers["X-Tallystick-Audited"] == "yes"
    assert "X-Tallystick-Audit-Wanted" not in answer.headers
    report = judged(house, answer.content)
    assert report.verdict == "proved"
    assert {name: report.claim(name).outcome for name in FACTS} == dict.fromkeys(FACTS, "proved")


def not_reached(house: Audited, answer: Any) -> Report:
    """The facts need an external one; all else is as it was."""
    assert answer.headers["X-Tallystick-Audited"] == "no"
    about = [one.position for one in case_of(answer.content).entries if one.statement.event.subject != house.origin]
    assert int(answer.headers["X-Tallystick-Audit-Wanted"]) >= max(about)
    report = judged(house, answer.content)
    assert report.verdict == "proved"
    assert {report.claim(name).outcome for name in ("capture", "custody")} == {"needs_external_fact"}
    return report


def test_an_export_after_the_auditor_is_proved_to_the_end_of_the_tree(house: Audited) -> None:
    subject, data, _ = house.kept_picture()
    house.anchor.anchor()
    size = house.audit()
    answer = export(house, subject, data)
    reached(house, answer)
    assert set(range(size, house.desk.publish())) <= {one.position for one in case_of(answer.content).entries}


def test_what_others_said_since_is_shown_and_none_of_it_opened(house: Audited) -> None:
    subject, data, _ = house.kept_picture()
    house.anchor.anchor()
    house.audit()
    other, _ = house.desk.picture("another private title")
    answer = export(house, subject, data)
    reached(house, answer)
    assert other in subjects(answer.content)
    opened = {value.value for many in case_of(answer.content).disclosures.values() for value in many}
    assert "a private title" in opened
    assert "another private title" not in opened


def test_a_value_of_the_tail_cannot_be_asked_for(house: Audited) -> None:
    subject, _, _ = house.kept_picture()
    house.audit()
    other, _ = house.desk.picture("another private title")
    at = house.desk.house.http.get(f"/v1/subjects/{other}").json()["state"]["position"]
    house.desk.publish()
    answer = house.desk.ask(house.desk.studio, "object", subject, disclose={at: ["title"]})
    assert (answer.status_code, answer.json()["field"]) == (422, f"request.disclose.{at}")


def test_a_longer_tail_than_the_setting_is_not_shown(house: Audited) -> None:
    subject, data, _ = house.kept_picture()
    house.anchor.anchor()
    house.audit()
    others = {house.desk.picture()[0] for _ in range(6)}
    answer = export(house, subject, data)
    not_reached(house, answer)
    assert not subjects(answer.content) & others


def test_what_came_about_the_case_since_waits_for_the_auditor(house: Audited) -> None:
    subject, data, last = house.kept_picture()
    house.audit()
    house.checked(subject, data, last)
    house.anchor.anchor()
    not_reached(house, export(house, subject, data))
    house.audit()
    reached(house, export(house, subject, data))


def test_a_licence_of_the_object_since_waits_for_the_auditor(house: Audited) -> None:
    subject, data, _ = house.kept_picture()
    house.anchor.anchor()
    house.audit()
    house.desk.grant(subject, data)
    report = not_reached(house, export(house, subject, data))
    assert report.facts["subject"] == subject


def test_a_strangers_dispute_is_not_told_in_anothers_bundle(house: Audited) -> None:
    other, _ = house.desk.picture()
    subject, data, _ = house.kept_picture()
    house.anchor.anchor()
    house.audit()
    house.desk.licensee.record("dispute.open", DisputeOpening(other, "authorship"))
    answer = export(house, subject, data)
    report = not_reached(house, answer)
    assert other not in subjects(answer.content)
    assert report.facts["adverse"] == []


def test_a_file_of_others_is_not_demanded(house: Audited) -> None:
    subject, data, _ = house.kept_picture()
    licence = house.desk.grant(*house.desk.picture())
    house.anchor.anchor()
    house.audit()
    told(house.desk.studio.post(f"/v1/licences/{licence}/card", {}))
    report = not_reached(house, export(house, subject, data))
    assert not any(claim.id == "credential" and claim.required for claim in report.claims)


def test_a_tail_with_a_gap_or_that_cannot_be_decided_again_is_not_shown(house: Audited) -> None:
    subject, data, _ = house.kept_picture()
    size = house.audit()
    house.desk.picture()
    shown = {one.position: one.statement for one in case_of(export(house, subject, data).content).entries}
    end = max(shown) + 1
    case = Gathered({at: one for at, one in shown.items() if at < size}, frozenset([subject]))
    assert tail_serves(case, Gathered(shown), (), size, end)
    assert not tail_serves(case, Gathered({at: one for at, one in shown.items() if at != size}), (), size, end)
    speaker = next(at for at, one in shown.items() if one.event.type == "party.register")
    assert not tail_serves(case, Gathered({at: one for at, one in shown.items() if at != speaker}), (), size, end)
