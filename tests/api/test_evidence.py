"""Evidence: each kind of case is proved to a stranger, shows no more than it should, refuses what would not hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.services.errors import TooLarge
from api.services.gathering import gather_case, gather_grant
from tallystick.digests import digest_pair
from tallystick.events.job import PARAMETERS, Input, JobCompletion, JobRegistration
from tallystick.events.objects import Basis, Generation
from tallystick.identifiers import Letter
from tallystick.modelsig import fingerprint
from tallystick.schema import write
from tests.api.desk import (
    PNG,
    AnchorDriver,
    Desk,
    anchoring,
    case_of,
    disclosed_values,
    file_list,
    member_names,
    picture_bytes,
    registration,
    told,
)
from tests.api.house import House, Party, open_house, problem
from tests.world import Capability, Someone, World

SECRET = "a name that only the studio may tell"


@pytest.fixture(scope="module")
def capability(desk: Desk) -> Capability:
    """A capability in force, filed by a provider with its own key."""
    house, world = desk.house, desk.house.world
    provider, tester = house.party("provider"), house.party("tester")
    registrar = Someone(house.registrar.id, house.services.keyring.signers["registrar"])
    made = World("capability", world.origin, world.prefix, world.clock)
    made.provider, made.tester, made.registrar = provider.who, tester.who, registrar
    found, statements = made.capability()
    for statement in statements:
        sender = {provider.id: provider, tester.id: tester}.get(statement.issuer, house.registrar)
        told(sender.state(statement))
    return found


def generated(desk: Desk, capability: Capability, source: str, who: Party | None = None) -> tuple[str, str, bytes]:
    """An object that a job of ``who`` made of ``source``, the job, and the object's bytes."""
    party, world = who or desk.studio, desk.house.world
    body = JobRegistration(capability.id, (Input(source, "source"),), digest_pair(b"environment"))
    job = world.identifier(Letter.JOB)
    registered = world.say(party.who, "job.register", job, body, {PARAMETERS: {"prompt": SECRET}})
    desk.said(party, registered)
    data = picture_bytes(next(desk.shades))
    output = registration(data, origin="generated", basis=(Basis("job", None, job),))
    made = Generation(
        job,
        capability.id,
        capability.version,
        fingerprint(capability.model_signature),
        registered.event.commitments[PARAMETERS],
        digest_pair(b"environment"),
    )
    object_id = world.identifier(Letter.OBJECT)
    desk.said(party, world.say(party.who, "object.register", object_id, replace(output, generation=made)))
    desk.said(party, world.say(party.who, "job.complete", job, JobCompletion("done", (object_id,))))
    return object_id, job, data


def types_in(bundle: bytes) -> list[str]:
    return sorted(
        placed.statement.event.type
        for placed in case_of(bundle).entries
        if not placed.statement.event.type.startswith("log.")
    )


def subjects_in(bundle: bytes) -> set[str]:
    return {placed.statement.event.subject for placed in case_of(bundle).entries}


# --- each kind is proved ---------------------------------------------------------------


def test_an_object_with_its_original(desk: Desk, anchor: AnchorDriver) -> None:
    object_id, data = desk.picture(title=SECRET)
    anchor.anchor()
    desk.picture()
    answer = desk.export(desk.studio, "object", object_id, originals={"any name.png": data})
    assert answer.headers["x-tallystick-anchored"] == "yes"
    assert answer.headers["x-tallystick-left-out"] == ""
    report = desk.verify(answer.content)
    assert report.verdict == "proved", report
    assert {claim.id: claim.outcome for claim in report.claims}["content"] == "proved"
    assert types_in(answer.content) == ["object.register", "party.register"]


def test_what_no_anchor_covers_is_anchored_because_somebody_exports_it(desk: Desk, anchor: AnchorDriver) -> None:
    anchor.anchor()
    object_id, _ = desk.picture()
    answer = desk.export(desk.studio, "object", object_id)
    assert answer.headers["x-tallystick-anchored"] == "no"
    assert desk.verify(answer.content).verdict == "not_proved"
    # Nobody looks at this log: nobody is to be waited for.
    assert (answer.headers["x-tallystick-audited"], "x-tallystick-audit-wanted" in answer.headers) == ("no", False)
    wanted = int(answer.headers["x-tallystick-anchor-wanted"])
    assert [(one.reason, one.size) for one in anchor.requests()] == [("evidence", wanted + 1)]
    # As often as it is asked for: one anchor is wanted.
    desk.export(desk.studio, "object", object_id)
    assert len(anchor.requests()) == 1
    assert anchor.settle() > wanted
    answer = desk.export(desk.studio, "object", object_id)
    assert answer.headers["x-tallystick-anchored"] == "yes"
    assert "x-tallystick-anchor-wanted" not in answer.headers
    assert desk.verify(answer.content).verdict == "proved"


def test_a_card_that_comes_after_the_anchor_of_its_licence_is_anchored_too(desk: Desk, anchor: AnchorDriver) -> None:
    """Licences are anchored at once, cards are not: one that came a moment too late was uncovered for an hour."""
    licence, _ = desk.licence()
    desk.publish()
    anchor.settle()
    card = told(desk.studio.post(f"/v1/licences/{licence}/card", {}))["position"]
    answer = desk.export(desk.studio, "licence", licence)
    anchored = {claim.id: claim for claim in desk.verify(answer.content).claims}["anchor"]
    assert (anchored.outcome, "anchor.uncovered" in {line.key for line in anchored.evidence}) == ("not_proved", True)
    assert int(answer.headers["x-tallystick-anchor-wanted"]) >= card
    anchor.settle()
    again = desk.verify(desk.export(desk.studio, "licence", licence).content)
    assert {claim.id: claim.outcome for claim in again.claims}["anchor"] == "proved"


def test_where_nobody_may_wish_for_an_anchor_an_export_asks_for_none(tmp_path: Path) -> None:
    with open_house(tmp_path, anchor_at_once=("dispute", "licence")) as house:
        desk = Desk(house, house.party("studio"), house.party("licensee"))
        with anchoring(desk) as driver:
            object_id, _ = desk.picture()
            answer = desk.export(desk.studio, "object", object_id)
            assert answer.headers["x-tallystick-anchored"] == "no"
            assert "x-tallystick-anchor-wanted" not in answer.headers
            assert driver.requests() == []


def test_a_generated_object_brings_job_capability_and_source(
    desk: Desk, capability: Capability, anchor: AnchorDriver
) -> None:
    source, _ = desk.picture()
    object_id, job, data = generated(desk, capability, source)
    anchor.anchor()
    for kind, subject, more in (("object", object_id, {"originals": {"made.png": data}}), ("job", job, {})):
        answer = desk.export(desk.studio, kind, subject, **more)
        assert desk.verify(answer.content).verdict == "proved", desk.verify(answer.content)
        assert {object_id, job, source, capability.id, desk.studio.id} <= subjects_in(answer.content)
        assert types_in(answer.content).count("job.complete") == 1


def test_an_object_made_under_anothers_licence(
    desk: Desk, capability: Capability, anchor: AnchorDriver, rival: Party
) -> None:
    """No entry names that licence; the rules look it up, and so must whoever exports."""
    source, data = desk.picture()
    terms = desk.terms(source, data, licensee={"party": rival.id, "holder_kid": rival.who.signer.public.kid.hex()})
    licence = told(desk.studio.post("/v1/licences", {"object": source, "terms": terms, "holder": rival.id}))["licence"]
    told(desk.studio.post(f"/v1/licences/{licence}/card", {}))
    object_id, _, _ = generated(desk, capability, source, rival)
    told(desk.status(licence, "revoke"))
    anchor.anchor()
    answer = desk.export(rival, "object", object_id)
    assert desk.verify(answer.content).verdict == "proved", desk.verify(answer.content)
    assert licence in subjects_in(answer.content)
    assert "credential.issue" not in types_in(answer.content)


def test_a_licence_with_its_card_and_a_signed_original(desk: Desk, anchor: AnchorDriver) -> None:
    licence, data = desk.licence()
    told(desk.studio.post(f"/v1/licences/{licence}/card", {}))
    files = {"file": ("x.png", data, PNG)}
    signed = desk.studio.post(f"/v1/licences/{licence}/original", files=files)
    told(desk.status(licence, "suspend"))
    anchor.anchor()
    answer = desk.export(desk.studio, "licence", licence, credentials=(signed.content,))
    report = desk.verify(answer.content)
    assert report.verdict == "proved", report
    assert types_in(answer.content).count("credential.issue") == 2
    assert [name.rpartition("-")[2] for name in member_names(answer.content) if "credentials/" in name] == [
        "card.png",
        "original.png",
    ]
    assert report.facts["adverse"]


def test_a_signed_original_that_is_not_brought_is_left_out_and_named(desk: Desk, anchor: AnchorDriver) -> None:
    """Its entry would call for a file that nobody has, and nothing could be proved any more."""
    licence, data = desk.licence()
    signed = desk.studio.post(f"/v1/licences/{licence}/original", files={"file": ("x.png", data, PNG)})
    anchor.anchor()
    answer = desk.export(desk.studio, "licence", licence)
    assert answer.headers["x-tallystick-left-out"] == signed.headers["x-tallystick-position"]
    assert desk.verify(answer.content).verdict == "proved"


def test_a_certified_object_of_several_files(desk: Desk, anchor: AnchorDriver) -> None:
    object_id, files = desk.folder()
    asked = {"object": object_id, "number": "EV-1", "title": "道具 Prop"}
    told(desk.house.registrar.post("/v1/certificates", asked))
    anchor.anchor()
    lists = {object_id: write(list(file_list(files)))}
    answer = desk.export(desk.studio, "object", object_id, originals=files, lists=lists)
    report = desk.verify(answer.content)
    assert report.verdict == "proved", report
    assert {"certificate.issue", "credential.issue"} <= set(types_in(answer.content))
    slug = object_id.partition("/")[2]
    assert f"data/originals/{slug}/纹理/灯.png" in member_names(answer.content)


def test_a_dispute_brings_its_target_and_its_outcome(desk: Desk, anchor: AnchorDriver, rival: Party) -> None:
    licence, _ = desk.licence()
    dispute = rival.record(
        "dispute.open", {"target": licence, "claim": "authority"}, private={"statement": "their secret words"}
    )["subject"]
    ended = {"outcome": "rejected", "grounds": "evidence"}
    desk.house.registrar.record("dispute.resolve", ended, subject=dispute)
    anchor.anchor()
    answer = desk.export(rival, "dispute", dispute)
    assert desk.verify(answer.content).verdict == "proved", desk.verify(answer.content)
    assert {"dispute.open", "dispute.resolve", "licence.grant"} <= set(types_in(answer.content))
    other = desk.export(desk.studio, "licence", licence)
    assert {"dispute.open", "dispute.resolve"} <= set(types_in(other.content))
    assert b"their secret words" not in disclosed_values(other.content)


def test_a_dispute_about_what_it_was_made_of_comes_along(
    desk: Desk, capability: Capability, anchor: AnchorDriver, rival: Party
) -> None:
    object_id, job, _ = generated(desk, capability, desk.picture()[0])
    dispute = rival.record("dispute.open", {"target": job, "claim": "provenance"})["subject"]
    anchor.anchor()
    answer = desk.export(desk.studio, "object", object_id)
    assert dispute in subjects_in(answer.content)
    assert desk.verify(answer.content).verdict == "proved"


# --- no more than it should ----------------------------------------------------------------


def test_unrelated_entries_stay_out(desk: Desk, capability: Capability) -> None:
    source, data = desk.picture()
    object_id, job, _ = generated(desk, capability, source)
    sibling, _, _ = generated(desk, capability, source)
    other, _ = desk.picture()
    licence = desk.grant(source, data)
    answer = desk.export(desk.studio, "object", object_id)
    assert {sibling, other, licence}.isdisjoint(subjects_in(answer.content))
    upstream = desk.export(desk.studio, "object", source)
    assert licence in subjects_in(upstream.content)
    assert {sibling, object_id, job}.isdisjoint(subjects_in(upstream.content))


def test_nothing_beyond_the_published_tree(desk: Desk) -> None:
    object_id, data = desk.picture()
    published = desk.publish()
    services = desk.house.services
    head = services.log.published.checkpoint()
    licence = desk.grant(object_id, data)
    with services.log.store.snapshot() as reads:
        found = gather_case(reads, object_id, head.checkpoint.size, 1000)
        assert max(found.entries) < published
        assert not any(one.event.subject == licence for one in found.entries.values())
        later = gather_grant(reads, licence, reads.size(), 1000)
    assert any(one.event.subject == licence for one in later.entries.values())
    unpublished, _ = desk.picture()
    answer = desk.ask(desk.studio, "object", unpublished)
    if answer.status_code != 200:  # unless the publisher was faster
        assert problem(answer) == (404, "not-found", "request.subject")


def test_a_case_of_too_many_entries_is_refused(desk: Desk, capability: Capability) -> None:
    object_id, _, _ = generated(desk, capability, desk.picture()[0])
    with desk.house.services.log.store.snapshot() as reads, pytest.raises(TooLarge, match="more than 10 entries"):
        gather_case(reads, object_id, reads.size(), 10)


def test_without_an_anchor_the_answer_says_so(desk: Desk) -> None:
    object_id, _ = desk.picture()
    answer = desk.export(desk.studio, "object", object_id)
    assert answer.headers["x-tallystick-anchored"] == "no"
    assert desk.verify(answer.content).verdict == "not_proved"


# --- private values --------------------------------------------------------------------------


def test_the_asker_opens_its_own_values_all_none_or_some(desk: Desk) -> None:
    object_id = desk.studio.record(
        "object.register", registration(picture_bytes(2)), private={"title": SECRET, "shots": [1, 2]}
    )
    subject, position = object_id["subject"], object_id["position"]
    assert SECRET.encode() in disclosed_values(desk.export(desk.studio, "object", subject).content)
    assert case_of(desk.export(desk.studio, "object", subject, disclose="none").content).disclosures == {}
    some = desk.export(desk.studio, "object", subject, disclose={str(position): ["shots", "shots"]})
    ((at, opened),) = case_of(some.content).disclosures.items()
    assert (at, [one.name for one in opened]) == (position, ["shots"])


def test_nobody_opens_anothers_values(desk: Desk, rival: Party, house: House) -> None:
    told_of = desk.studio.record("object.register", registration(picture_bytes(2)), private={"title": SECRET})
    subject, position = told_of["subject"], str(told_of["position"])
    answer = desk.export(rival, "object", subject)
    assert SECRET.encode() not in disclosed_values(answer.content)
    chosen = desk.ask(rival, "object", subject, disclose={position: ["title"]})
    assert problem(chosen) == (403, "forbidden", f"request.disclose.{position}")
    assert SECRET.encode() in disclosed_values(desk.export(house.registrar, "object", subject).content)
    blind = house.with_token(desk.studio.who, "evidence")
    assert case_of(desk.export(blind, "object", subject).content).disclosures == {}
    assert problem(desk.ask(blind, "object", subject, disclose={position: ["title"]}))[:2] == (403, "forbidden")


def test_the_named_holder_opens_the_terms_of_its_licence(desk: Desk) -> None:
    licence, _ = desk.licence()
    answer = desk.export(desk.licensee, "licence", licence)
    assert b"streaming" in disclosed_values(answer.content)


def test_cards_and_certificates_show_names_and_terms_to_those_concerned_alone(
    desk: Desk, rival: Party, house: House
) -> None:
    object_id, data = desk.picture()
    licence = desk.grant(object_id, data)
    card = told(desk.studio.post(f"/v1/licences/{licence}/card", {}))["position"]
    asked = {"object": object_id, "number": f"EV-{card}", "title": SECRET}
    certificate = told(house.registrar.post("/v1/certificates", asked))["credential"]["position"]

    def shown(party: Party, disclose: Any = "all") -> set[int]:
        answer = desk.export(party, "object", object_id, disclose=disclose)
        left_out = {int(at) for at in answer.headers["x-tallystick-left-out"].split(",") if at}
        found = set(case_of(answer.content).credentials)
        assert found | left_out == {card, certificate}
        assert found.isdisjoint(left_out)
        return found

    assert shown(desk.studio) == shown(house.registrar) == {card, certificate}
    assert shown(desk.licensee) == {card}
    assert shown(rival) == set()
    assert shown(house.with_token(desk.studio.who, "evidence")) == set()
    assert shown(desk.studio, "none") == set()
    assert shown(desk.studio, {str(card): []}) == {card}
    chosen = desk.ask(rival, "object", object_id, disclose={str(card): []})
    assert problem(chosen) == (422, "malformed", f"request.disclose.{card}")


# --- what is refused -------------------------------------------------------------------------


def test_exporting_takes_a_token_with_the_scope_evidence(desk: Desk, house: House) -> None:
    object_id, _ = desk.picture()
    submitter = house.with_token(desk.studio.who, "submit", "read-private")
    assert problem(desk.ask(submitter, "object", object_id)) == (403, "forbidden", None)
    answer = house.http.post("/v1/evidence", files={"request": (None, "{}")})
    assert problem(answer) == (401, "unauthenticated", None)


def test_originals_that_do_not_match_are_refused(desk: Desk) -> None:
    object_id, data = desk.picture()
    desk.publish()
    for originals in ({"a.png": picture_bytes(3)}, {"a.png": data + b"x"}):
        answer = desk.ask(desk.studio, "object", object_id, originals=originals)
        assert problem(answer) == (422, "inconsistent", "original")
    two = desk.ask(desk.studio, "object", object_id, originals={"a.png": data, "b.png": data})
    assert problem(two) == (422, "malformed", "original")


def test_a_folder_is_brought_whole_and_with_its_list(desk: Desk) -> None:
    object_id, files = desk.folder()
    desk.publish()
    listed = write(list(file_list(files)))
    lists = {object_id: listed}
    missing = dict(list(files.items())[1:])
    swapped = {**files, "concept.png": files["prop/body.bin"]}
    for originals, given, expected in (
        (files, None, (422, "malformed", "files")),
        (missing, lists, (422, "inconsistent", "original")),
        ({**files, "more.png": b"x"}, lists, (422, "inconsistent", "original")),
        (swapped, lists, (422, "inconsistent", "original")),
        (files, {object_id: listed[:2]}, (422, "inconsistent", "files")),
        (files, {object_id: listed[::-1]}, (422, "malformed", None)),
        (files, {desk.picture()[0]: listed}, (422, "malformed", None)),
        ({}, {object_id: "list"}, (422, "malformed", f"files.{object_id}")),
        ({}, [], (422, "malformed", "files")),
    ):
        status, code, field = problem(desk.ask(desk.studio, "object", object_id, originals=originals, lists=given))
        assert (status, code) == expected[:2]
        assert expected[2] in (None, field)


def test_only_objects_have_originals(desk: Desk) -> None:
    licence, data = desk.licence()
    desk.publish()
    assert problem(desk.ask(desk.studio, "licence", licence, originals={"a": data})) == (422, "malformed", "original")


@pytest.mark.parametrize(
    ("disclose", "field"),
    [
        ({"007": []}, "request.disclose"),
        ({"-1": []}, "request.disclose"),
        ({"999999": []}, "request.disclose.999999"),
        ({"0": ["title"]}, "request.disclose.0"),
        ("some", None),
        (["all"], None),
    ],
    ids=["zeros", "negative", "outside", "no value", "word", "list"],
)
def test_a_choice_that_cannot_be_is_refused(desk: Desk, disclose: Any, field: str | None) -> None:
    object_id, _ = desk.picture()
    desk.publish()
    status, code, named = problem(desk.ask(desk.house.registrar, "object", object_id, disclose=disclose))
    assert (status, code) == (422, "malformed")
    assert field in (None, named)


def test_kind_and_subject_agree(desk: Desk) -> None:
    object_id, _ = desk.picture()
    for kind, subject in (("licence", object_id), ("object", "nonsense"), ("object", desk.studio.id)):
        assert problem(desk.ask(desk.studio, kind, subject)) == (422, "malformed", "request.subject")
    unknown = desk.house.world.identifier(Letter.OBJECT)
    assert problem(desk.ask(desk.studio, "object", unknown)) == (404, "not-found", "request.subject")
    assert problem(desk.ask(desk.studio, "party", desk.studio.id))[:2] == (422, "malformed")


def test_nothing_of_a_request_stays_behind(desk: Desk) -> None:
    object_id, data = desk.picture()
    work = desk.house.services.settings.credentials / "work"
    desk.export(desk.studio, "object", object_id, originals={"a.png": data})
    desk.ask(desk.studio, "object", object_id, originals={"a.png": b"wrong"})
    assert list(work.iterdir()) == []
