"""Erasure as a party asks for it: the value is gone from everything the service keeps, and every proof still holds."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from api.services import erasures, gathering
from api.services.certificates import CertificateService
from api.services.credential_files import CredentialFiles
from api.services.erasures import ErasedFiles
from api.services.licence_files import LicenceFiles
from tallystick.commitments import parse_disclosure
from tallystick.events.erasure import Erasure
from tallystick.report.as_text import text_report
from tests.api.desk import PATIENCE, AnchorDriver, Desk, case_of, disclosed_values, told
from tests.api.house import Party, open_house, problem
from tests.api.test_certificates import issue
from tests.api.test_licence_files import card_of, credential_of, shown_names
from tests.api.test_sublicences import root, sub

SECRET = "a title that must be forgotten"


def body(position: int, *names: str) -> Erasure:
    return Erasure(position, names, "consent-withdrawn")


def erase(who: Party, position: int, subject: str, *names: str) -> dict[str, Any]:
    return who.record("disclosure.erase", body(position, *names), subject=subject)


def position_of(desk: Desk, subject: str, kind: str) -> int:
    page = told(desk.house.http.get("/v1/events", params={"subject": subject, "type": kind}), 200)
    return int(page["events"][0]["position"])


def titled(desk: Desk) -> tuple[int, str, bytes]:
    """A picture with a title: position, identifier, bytes."""
    object_id, data = desk.picture(title=SECRET)
    return position_of(desk, object_id, "object.register"), object_id, data


def kept(desk: Desk, position: int, name: str) -> str:
    """The disclosure in the vault, as it stands in the files."""
    with desk.house.services.log.store.snapshot() as reads:
        text = reads.disclosures(position)[name]
    assert kept_anywhere(desk, text)
    return text


def check_gone(desk: Desk, secret: str) -> None:
    """A snapshot that another thread has open at this moment puts the scrubbing off until it is let go."""
    until = time.monotonic() + PATIENCE
    while left := kept_anywhere(desk, secret):
        assert time.monotonic() < until, left
        time.sleep(0.01)


def kept_anywhere(desk: Desk, secret: str) -> list[str]:
    return [str(path) for path in desk.house.services.settings.data.rglob("*") if secret.encode() in contents(path)]


def contents(path: Path) -> bytes:
    # Temporary files of the publisher may be gone by now.
    with suppress(FileNotFoundError, IsADirectoryError):
        return path.read_bytes()
    return b""


def test_the_value_is_gone_and_the_bundle_says_so(desk: Desk, anchor: AnchorDriver) -> None:
    position, object_id, data = titled(desk)
    before = desk.export(desk.studio, "object", object_id, originals={"a.png": data}).content
    assert SECRET.encode() in disclosed_values(before)
    assert told(desk.studio.get(f"/v1/events/{position}"), 200)["private"]["title"]
    text = kept(desk, position, "title")
    recorded = erase(desk.studio, position, object_id, "title")
    assert told(desk.studio.get(f"/v1/events/{position}"), 200)["disclosures"] == {}
    check_gone(desk, text)
    anchor.anchor()
    after = desk.export(desk.studio, "object", object_id, originals={"a.png": data}).content
    assert SECRET.encode() not in disclosed_values(after)
    report = desk.verify(after)
    assert report.verdict == "proved", report
    (told_of,) = report.facts["erased"]
    assert {**told_of, "erased_at": ""} == {
        "position": position,
        "names": ["title"],
        "grounds": "consent-withdrawn",
        "erased_at": "",
        "entry": recorded["position"],
    }
    assert f"entry {recorded['position']} records that title of entry {position}" in text_report(report, "en")
    assert "撤回同意" in text_report(report, "zh")
    # What was exported before is proof as it was; the log alone says what came later.
    assert desk.verify(before).claim("disclosure").outcome == "proved"


def test_a_value_that_somebody_kept_is_still_proof(desk: Desk, anchor: AnchorDriver) -> None:
    position, object_id, data = titled(desk)
    kept = case_of(desk.export(desk.studio, "object", object_id).content).disclosures[position]
    assert [one.value for one in kept] == [SECRET]
    erase(desk.studio, position, object_id, "title")
    anchor.anchor()
    bundle = desk.export(desk.studio, "object", object_id, originals={"a.png": data}).content
    assert desk.verify(bundle).facts["disclosed"].get(str(position)) is None
    (entry,) = (placed for placed in case_of(bundle).entries if placed.position == position)
    assert entry.statement.event.commitments["title"] == kept[0].commitment


@pytest.mark.parametrize("who", ["licensee", "registrar", "studio"])
def test_who_may(desk: Desk, who: str) -> None:
    position, object_id, _ = titled(desk)
    text = kept(desk, position, "title")
    asking = {"licensee": desk.licensee, "registrar": desk.house.registrar, "studio": desk.studio}[who]
    answer = asking.submit("disclosure.erase", body(position, "title"), subject=object_id)
    if who == "licensee":
        assert problem(answer) == (403, "not-entitled", "iss")
        assert kept(desk, position, "title") == text
        erase(desk.studio, position, object_id, "title")
    else:
        assert answer.status_code == 201, answer.text
    check_gone(desk, text)


def test_once(desk: Desk) -> None:
    position, object_id, _ = titled(desk)
    erase(desk.studio, position, object_id, "title")
    again = desk.studio.submit("disclosure.erase", body(position, "title"), subject=object_id)
    assert problem(again)[1:] == ("already-erased", "body.names")


def test_a_repeated_statement_does_not_bring_it_back(desk: Desk) -> None:
    world = desk.house.world
    plain = world.object(desk.studio.who)
    said = world.say(desk.studio.who, "object.register", plain.event.subject, plain.event.body, {"title": SECRET})
    position = desk.said(desk.studio, said)
    text = kept(desk, position, "title")
    erase(desk.studio, position, plain.event.subject, "title")
    again = told(desk.studio.state(said, *world.disclosures[said.statement_id]), 200)
    assert (again["position"], again["duplicate"]) == (position, True)
    check_gone(desk, text)


def test_cards_that_show_it_go_and_are_made_again_without_it(desk: Desk) -> None:
    licence, _ = desk.licence()
    position = position_of(desk, licence, "licence.grant")
    assert "media" in shown_names(credential_of(desk, card_of(desk, licence)))
    erase(desk.house.registrar, position, licence, "media")
    assert problem(desk.studio.get(f"/v1/licences/{licence}/card"))[:2] == (404, "not-found")
    assert "media" not in shown_names(credential_of(desk, card_of(desk, licence)))


def test_cards_that_show_the_title_of_the_object_go(desk: Desk) -> None:
    position, object_id, data = titled(desk)
    licence = desk.grant(object_id, data)
    card_of(desk, licence)
    erase(desk.studio, position, object_id, "title")
    assert problem(desk.studio.get(f"/v1/licences/{licence}/card"))[:2] == (404, "not-found")


def test_a_certificate_that_names_somebody_goes(desk: Desk) -> None:
    issued = issue(desk, "erased-1")
    path = f"/v1/certificates/{issued['certificate']}/file"
    assert desk.house.registrar.get(path).status_code == 200
    text = kept(desk, issued["position"], "authors")
    erase(desk.house.registrar, issued["position"], issued["certificate"], "authors")
    assert problem(desk.house.registrar.get(path))[:2] == (404, "not-found")
    check_gone(desk, text)


def test_whoever_asks_for_a_file_that_is_gone_is_told_why(desk: Desk) -> None:
    """Not that it was never issued."""
    licence, _ = desk.licence()
    card_at, position = f"/v1/licences/{licence}/card", position_of(desk, licence, "licence.grant")
    asked = desk.studio.get(card_at).json()
    assert (asked["detail"], asked["hint"]) == (f"no card of {licence} was issued", "have the card issued first")
    made = told(desk.studio.post(card_at, {}))["position"]
    erase(desk.house.registrar, position, licence, "media")
    asked = desk.studio.get(card_at).json()
    assert asked["detail"].startswith(f"the card of {licence} that was issued (position {made}) is not kept here any ")
    assert "erased" in asked["detail"]
    assert asked["hint"] == "have the card made again, by the request that made it"


def test_a_certificate_that_shows_what_was_erased_is_not_made_again(desk: Desk) -> None:
    issued = issue(desk, "erased-2")
    erase(desk.house.registrar, issued["position"], issued["certificate"], "authors")
    path = f"/v1/certificates/{issued['certificate']}/file"
    asked = desk.house.registrar.get(path).json()
    assert asked["detail"].endswith("is not kept here any more: a value that it shows was erased")
    assert asked["hint"] == "ask the registrar for another under a new number, which supersedes this one"


def test_a_crash_before_the_files_went_is_made_good_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_house(tmp_path) as house:
        desk = Desk(house, house.party("studio"), house.party("licensee"))
        licence, _ = desk.licence()
        card_of(desk, licence)
        with monkeypatch.context() as cut:
            cut.setattr(CredentialFiles, "remove", lambda self, sha256: None)
            erase(desk.house.registrar, position_of(desk, licence, "licence.grant"), licence, "media")
        assert [path for path in house.services.settings.credentials.iterdir() if len(path.name) == 64]
        assert problem(desk.studio.get(f"/v1/licences/{licence}/card"))[:2] == (404, "not-found")
        later = card_of(desk, licence)
    with open_house(tmp_path) as house:
        kept = [path for path in house.services.settings.credentials.iterdir() if len(path.name) == 64]
        assert [path.read_bytes() for path in kept] == [later]
        ErasedFiles(house.services.log, house.services.files).sweep()
        assert [path for path in kept if not path.is_file()] == []


def erasing(desk: Desk, licence: str) -> Callable[..., None]:
    """The maker of cards, behind which the territory is erased before the card is logged."""
    position, make = position_of(desk, licence, "licence.grant"), LicenceFiles._make_card

    def meanwhile(*values: Any) -> None:
        make(*values)
        erase(desk.house.registrar, position, licence, "territory")

    return meanwhile


def test_erased_while_a_single_card_is_made(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was drawn before the erasure, and is logged after it."""
    licence, _ = desk.licence()
    with monkeypatch.context() as cut:
        cut.setattr(LicenceFiles, "_make_card", erasing(desk, licence))
        card = told(desk.studio.post(f"/v1/licences/{licence}/card", {}))
    assert card["position"] > position_of(desk, licence, "disclosure.erase")
    assert problem(desk.licensee.get(f"/v1/licences/{licence}/card"))[:2] == (404, "not-found")
    assert desk.house.services.files.find(card["sha256"]) is None
    without = card_of(desk, licence)
    desk.house.services.erased.sweep()
    assert desk.licensee.get(f"/v1/licences/{licence}/card").content == without
    assert "territory" not in shown_names(credential_of(desk, without))


def test_erased_while_a_certificate_is_printed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    sign = CertificateService._sign

    def meanwhile(service: CertificateService, recorded: Any, *values: Any) -> str:
        form = sign(service, recorded, *values)
        erase(desk.house.registrar, recorded.position, recorded.subject, "authors")
        return form

    monkeypatch.setattr(CertificateService, "_sign", meanwhile)
    issued = issue(desk, "erased-while-printed")
    answer = desk.house.registrar.get(f"/v1/certificates/{issued['certificate']}/file")
    assert problem(answer)[:2] == (404, "not-found")
    assert desk.house.services.files.find(issued["credential"]["sha256"]) is None


def test_a_card_drawn_before_is_not_handed_out_and_goes_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service died between the entry of the card and the look whether it may stay."""
    with open_house(tmp_path) as house:
        desk = Desk(house, house.party("studio"), house.party("licensee"))
        licence, _ = desk.licence()
        with monkeypatch.context() as cut:
            cut.setattr(LicenceFiles, "_make_card", erasing(desk, licence))
            cut.setattr(CredentialFiles, "remove", lambda self, sha256: None)
            sha256 = told(desk.studio.post(f"/v1/licences/{licence}/card", {}))["sha256"]
        assert house.services.files.find(sha256) is not None
        assert problem(desk.licensee.get(f"/v1/licences/{licence}/card"))[:2] == (404, "not-found")
        assert b"\x89PNG\r\n\x1a\n" not in desk.export(desk.studio, "licence", licence).content
    with open_house(tmp_path) as house:
        assert house.services.files.find(sha256) is None


def test_an_erasure_looks_at_itself_and_not_at_all_before_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A party may have said thousands."""
    showing, asked = erasures._showing, list[str]()
    monkeypatch.setattr(
        erasures, "_showing", lambda reads, subject, seen: asked.append(subject) or showing(reads, subject, seen)
    )
    for _ in range(3):
        position, subject, _ = titled(desk)
        asked.clear()
        erase(desk.studio, position, subject, "title")
        assert asked == [subject]


def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the files of each licence or certificate are looked for."""
    asked, looked = Counter[str](), erasures.kept_records
    monkeypatch.setattr(
        erasures, "kept_records", lambda reads, subject: asked.update([subject]) or looked(reads, subject)
    )
    return asked


def test_a_start_looks_once_at_what_was_erased_often(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    licence, _ = desk.licence()
    position = position_of(desk, licence, "licence.grant")
    for name in ("media", "territory", "use"):
        erase(desk.house.registrar, position, licence, name)
    asked = counted(monkeypatch)
    services = desk.house.services
    ErasedFiles(services.log, services.files).sweep()
    assert asked[licence] == 1
    assert set(asked.values()) == {1}


def test_a_start_looks_once_below_each_licence_of_a_chain(
    desk: Desk, rival: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Erased above after below, and below after above: those below are looked at once, for the later."""
    made = root(desk)
    below = sub(desk, made, rival)
    erase(desk.house.registrar, position_of(desk, below, "licence.grant"), below, "media")
    above = position_of(desk, made[0], "licence.grant")
    erase(desk.house.registrar, above, made[0], "territory")
    told(desk.licensee.post(f"/v1/licences/{below}/card", {}))
    erase(desk.house.registrar, position_of(desk, below, "licence.grant"), below, "use")
    assert problem(desk.licensee.get(f"/v1/licences/{below}/card"))[:2] == (404, "not-found")
    asked = counted(monkeypatch)
    services = desk.house.services
    ErasedFiles(services.log, services.files).sweep()
    assert (asked[made[0]], asked[below]) == (1, 1)


def test_a_court_hears_of_erasures_that_are_read_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the many entries about a subject looked through all that was ever erased of it."""
    licence, _ = desk.licence()
    position = position_of(desk, licence, "licence.grant")
    said = [erase(desk.house.registrar, position, licence, name)["position"] for name in ("media", "territory", "use")]
    parse, parsed = gathering.parse_statement, list[bytes]()
    monkeypatch.setattr(gathering, "parse_statement", lambda entry: parsed.append(entry) or parse(entry))
    with desk.house.services.log.store.snapshot() as reads:
        record = reads.record(position)
        assert record is not None
        work, statement = gathering._Work(reads, reads.size(), 1000), parse(record.entry)
        for _ in range(10):
            assert [one.position for one in work._erasures(statement, position)] == said
        assert list(work._erasures(statement, position + 1)) == []
        assert list(work.copy()._erasures(statement, position)) != []
    assert len(parsed) == 3


def test_a_card_that_cannot_be_read_goes(desk: Desk) -> None:
    licence, _ = desk.licence()
    erase(desk.house.registrar, position_of(desk, licence, "licence.grant"), licence, "media")
    card = told(desk.studio.post(f"/v1/licences/{licence}/card", {}))
    kept_at = desk.house.services.files.find(card["sha256"])
    assert kept_at is not None
    kept_at.write_bytes(b"no picture")
    erasures._disclosed.cache_clear()
    services = desk.house.services
    ErasedFiles(services.log, services.files).sweep()  # as the next start does it
    assert not kept_at.exists()


def test_cards_of_sublicences_that_show_a_term_of_the_licence_above_go(desk: Desk, rival: Party) -> None:
    made = root(desk)
    below = sub(desk, made, rival)
    card_at, position = f"/v1/licences/{below}/card", position_of(desk, made[0], "licence.grant")
    told(desk.licensee.post(card_at, {}))
    shown = credential_of(desk, desk.licensee.get(card_at).content).disclosures[str(position)]
    assert "territory" in {parse_disclosure(text).name for text in shown}
    erase(desk.house.registrar, position, made[0], "territory")
    assert problem(desk.licensee.get(card_at))[:2] == (404, "not-found")
