"""Origin, custody and platform by HTTP: said, gathered into a bundle, and judged by a stranger."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.services.vetting import Vetting
from ledger.submission import prepare
from tallystick.admission import Refused
from tallystick.digests import digest_pair
from tallystick.events.facts import CaptureAttestation, CaptureRecord, CustodyAcceptance, CustodyRecord
from tallystick.schema import read, write
from tallystick.times import format_time
from tests.api.desk import AnchorDriver, Desk, anchoring, case_of, member_names, told
from tests.api.house import Party, open_house, problem

DOCUMENT = b"certificate of an information security management system"
SHA256 = hashlib.sha256(DOCUMENT).hexdigest()
SERIAL = "the serial number of the camera"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("house")
    platform = folder / "platform"
    platform.mkdir()
    (platform / SHA256).write_bytes(DOCUMENT)
    with open_house(folder / "data", platform=platform) as house:
        yield Desk(house, house.party("studio"), house.party("licensee"))


@pytest.fixture(scope="module")
def anchor(desk: Desk) -> Iterator[AnchorDriver]:
    with anchoring(desk) as driver:
        yield driver


def document(data: bytes = DOCUMENT, **fields: Any) -> dict[str, Any]:
    return {
        "limb": "system",
        "title": {"zh": "信息安全管理体系认证证书", "en": "Certificate of an information security management system"},
        "issuer": "A certifier",
        "valid_from": "2026-01-01T00:00:00Z",
        "document": write(digest_pair(data)),
        "size": len(data),
        **fields,
    }


def now(desk: Desk) -> str:
    return format_time(desk.house.world.clock)


def capture(desk: Desk, **fields: Any) -> dict[str, Any]:
    return {"method": "authoring", "started": now(desk), "ended": now(desk), "clocks": [], **fields}


def kept(desk: Desk, subject: str) -> dict[str, Any]:
    return told(desk.house.http.get(f"/v1/custody/{subject}"), 200)


def hand_over(desk: Desk, subject: str, data: bytes) -> None:
    """Studio to licensee, each with its own key."""
    digest = hashlib.sha256(data).hexdigest()
    over = CustodyRecord(
        "tra", now(desk), digest, digest, "suc", "courier", kept(desk, subject)["last"], desk.licensee.id
    )
    world = desk.house.world
    at = desk.said(desk.studio, world.say(desk.studio.who, "custody.record", subject, over))
    taken = CustodyAcceptance(at, now(desk), digest, "suc")
    desk.said(desk.licensee, world.say(desk.licensee.who, "custody.accept", subject, taken))


def test_a_bundle_brings_what_was_said_and_a_stranger_judges_it(desk: Desk, anchor: AnchorDriver) -> None:
    filed = desk.house.registrar.record("platform.file", document())
    subject, data = desk.picture()
    digest = hashlib.sha256(data).hexdigest()
    first = {
        "object": subject,
        "custodian": desk.studio.id,
        "digest": digest,
        "last": None,
        "waiting": None,
        "ended": None,
    }
    assert kept(desk, subject) == first
    said = desk.studio.record("capture.record", capture(desk), subject=subject, private={"device": {"serial": SERIAL}})
    witness = CaptureAttestation(said["position"], "witness")
    desk.said(desk.licensee, desk.house.world.say(desk.licensee.who, "capture.attest", subject, witness))
    hand_over(desk, subject, data)
    assert kept(desk, subject)["custodian"] == desk.licensee.id
    assert kept(desk, subject)["digest"] == digest
    other, _ = desk.picture()
    stray = desk.studio.record("capture.record", capture(desk), subject=other)["position"]
    desk.publish()
    anchor.anchor()
    bundle = desk.export(desk.studio, "object", subject).content
    case = case_of(bundle)
    assert f"data/platform/{SHA256}" in member_names(bundle)
    assert stray not in [one.position for one in case.entries]
    report = desk.verify(bundle)
    assert report.verdict == "proved"
    outcomes = {claim.id: claim.outcome for claim in report.claims}
    # No auditor of the trust file says that nothing was withheld: what was shown agrees.
    assert {outcomes[name] for name in ("capture", "custody", "platform")} == {"needs_external_fact"}
    assert [one["event"] for one in report.facts["custody"]] == ["tra", "tra", "dis"]
    (one,) = report.facts["platform"]
    assert (one["position"], one["state"], one["included"]) == (filed["position"], "present", True)
    assert report.facts["disclosed"][str(said["position"])] == {"device": {"serial": SERIAL}}
    hidden = desk.export(desk.studio, "object", subject, disclose="none").content
    assert SERIAL.encode() not in hidden


def test_a_licence_bundle_brings_them_too(desk: Desk) -> None:
    licence, _ = desk.licence()
    state = desk.house.http.get(f"/v1/subjects/{licence}").json()["state"]
    at = desk.studio.record("capture.record", capture(desk), subject=state["object"])["position"]
    case = case_of(desk.export(desk.studio, "licence", licence).content)
    assert at in [one.position for one in case.entries]


def test_only_the_holder_the_custodian_and_the_registrar(desk: Desk) -> None:
    subject, data = desk.picture()
    digest = hashlib.sha256(data).hexdigest()
    body = {"event": "fix", "at": now(desk), "before": digest, "after": digest, "outcome": "suc", "agent": "a program"}
    stranger: Party = desk.licensee
    answers = [
        stranger.submit("capture.record", capture(desk), subject=subject),
        stranger.submit("custody.record", body, subject=subject),
        desk.studio.submit("custody.record", {**body, "previous": 3}, subject=subject),
        desk.studio.submit("platform.file", document()),
    ]
    assert [problem(one)[1] for one in answers] == ["not-holder", "not-holder", "unregistered", "not-entitled"]
    assert problem(desk.house.http.get(f"/v1/custody/{desk.studio.id}"))[:2] == (404, "not-found")


def test_a_file_that_is_not_what_its_name_says_is_left_out(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    folder: Path | None = desk.house.services.settings.platform
    assert folder is not None
    other = b"another document"
    name = hashlib.sha256(other).hexdigest()
    desk.house.registrar.record("platform.file", document())
    desk.house.registrar.record("platform.file", document(other, limb="process"))
    (folder / name).write_bytes(b"something else")
    subject, _ = desk.picture()
    bundle = desk.export(desk.studio, "object", subject).content
    assert f"data/platform/{SHA256}" in member_names(bundle)
    assert f"data/platform/{name}" not in member_names(bundle)
    assert "left out of bundles" in caplog.text


def notary(desk: Desk, document: bytes, **fields: Any) -> dict[str, Any]:
    named = {"name": "A notary's office", "registration": "(2026) 12", "statement": write(digest_pair(document))}
    return capture(desk, notary={**named, "at": now(desk), **fields})


@pytest.mark.parametrize("known", [True, False], ids=["the notary is a party here", "the notary is not"])
def test_nobody_contradicts_a_record_in_the_notarys_name(desk: Desk, anchor: AnchorDriver, known: bool) -> None:
    """A stranger's word as a notary would make every case of the object one that is contradicted."""
    office, rival = desk.house.party("auditor"), desk.house.party("studio")
    subject, _ = desk.picture()
    named = notary(desk, b"deed", **({"party": office.id} if known else {}))
    at = desk.studio.record("capture.record", named, subject=subject)["position"]

    def attest(who: Party, document: bytes | None) -> Any:
        pair = None if document is None else digest_pair(document)
        body = CaptureAttestation(at, "notary", pair)
        said = desk.house.world.say(who.who, "capture.attest", subject, body)
        answers = [who.submit("capture.attest", write(body), subject=subject), who.state(said)]
        assert len({one.status_code for one in answers}) == 1 or answers[0].status_code == 201
        return answers[0]

    refused = (403, "not-entitled", "body.role") if known else (422, "inconsistent", "body.statement")
    assert problem(attest(rival, b"another deed")) == refused
    if known:
        assert problem(attest(rival, b"deed")) == refused
        assert attest(office, b"deed").status_code == 201
    else:
        assert attest(office, b"deed").status_code == 201
        assert attest(rival, None).status_code == 201
    seen = desk.house.world.say(rival.who, "capture.attest", subject, CaptureAttestation(at, "witness"))
    told(rival.state(seen), 201 if known else 409)
    desk.publish()
    anchor.anchor()
    report = desk.verify(desk.export(desk.studio, "object", subject).content)
    assert report.verdict == "proved"
    assert report.claim("capture").outcome == "needs_external_fact"


def test_nobody_weakens_a_record_by_a_word_that_it_does_not_sign(desk: Desk, anchor: AnchorDriver) -> None:
    """Each such word wants a fact from outside, and stands in the object's history for ever."""
    rival = desk.house.party("studio")
    subject, _ = desk.picture()
    said = desk.house.world.say(desk.studio.who, "capture.record", subject, read(CaptureRecord, capture(desk)))
    at = desk.said(desk.studio, said)
    for role in ("witness", "notary"):
        answer = rival.submit("capture.attest", {"record": at, "role": role}, subject=subject)
        assert problem(answer) == (403, "not-entitled", "recorded_for")
        batch = {"events": [{"type": "capture.attest", "body": {"record": at, "role": role}, "subject": subject}]}
        (refused,) = told(rival.post("/v1/events/batch", batch), 200)["results"]
        assert (refused["code"], refused["field"]) == ("not-entitled", "recorded_for")
    own = desk.house.world.say(rival.who, "capture.attest", subject, CaptureAttestation(at, "witness"))
    desk.said(rival, own)
    assert rival.submit("capture.attest", {"record": at, "role": "witness"}, subject=subject).status_code == 403
    assert (
        problem(rival.submit("capture.attest", {"record": 1, "role": "witness"}, subject=subject))[1] == "unregistered"
    )
    desk.publish()
    anchor.anchor()
    claim = desk.verify(desk.export(desk.studio, "object", subject).content).claim("capture")
    keys = {one.key for one in claim.evidence}
    assert {"capture.signed", "capture.attested", "factor.witness.present"} <= keys
    # What is wanted yet is an auditor's word (step 13), and of the record itself nothing.
    assert not keys & {"capture.recorded", "capture.attested-for", "capture.notary-alone"}


def test_nobody_guesses_where_a_record_will_stand(desk: Desk) -> None:
    """It was let through where no entry stood yet, and went to the log behind the record that came in between."""
    rival, subject = desk.house.party("studio"), desk.picture()[0]
    world, store = desk.house.world, desk.house.services.log.store
    with store.snapshot() as reads:
        at = reads.size()
        guessed = world.say(
            rival.who, "capture.attest", subject, CaptureAttestation(at, "notary", digest_pair(b"deed"))
        )
        (vetted,) = Vetting("log.example").vet_all(reads, [prepare(guessed)])
    assert isinstance(vetted, Refused)
    assert (vetted.code, vetted.field) == ("unregistered", "body.record")
    assert problem(rival.state(guessed))[1:] == ("unregistered", "body.record")


def test_the_notary_that_is_named_may_say_another_thing(desk: Desk, anchor: AnchorDriver) -> None:
    """That is what a court must see."""
    office = desk.house.party("auditor")
    subject, _ = desk.picture()
    at = desk.studio.record("capture.record", notary(desk, b"deed", party=office.id), subject=subject)["position"]
    office.record("capture.attest", CaptureAttestation(at, "notary", digest_pair(b"another deed")), subject=subject)
    desk.publish()
    anchor.anchor()
    report = desk.verify(desk.export(desk.studio, "object", subject).content)
    assert (report.verdict, report.claim("capture").outcome) == ("not_proved", "contradicted")
