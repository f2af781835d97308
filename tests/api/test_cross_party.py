"""Every attempt to act for, on or against somebody else, by way of a token and by way of a signature."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tallystick.digests import DigestPair, digest_pair
from tallystick.events.capability import CapabilityDecision, CapabilityFiling, CapabilityGrade, CapabilityTest, Weights
from tallystick.events.envelope import RecordedFor
from tallystick.events.job import PARAMETERS, Input, JobCompletion, JobRegistration
from tallystick.events.licence import LicenceGrant, LicenceStatus, StatusPointer
from tallystick.events.log import Policy
from tallystick.events.objects import Basis, Generation
from tallystick.events.party import PartyKey, PartyRegistration
from tallystick.identifiers import Letter
from tallystick.modelsig import sign_model
from tallystick.schema import write
from tallystick.statement import parse_statement
from tests.api.house import House, Party, problem
from tests.api.test_submission import picture, registration
from tests.world import KEYS_FROM, Someone

LIST = "https://log.example/status/cross"


@pytest.fixture(scope="module")
def owned(studio: Party) -> str:
    """An object of the studio."""
    return str(studio.record("object.register", picture(b"owned"))["subject"])


@pytest.fixture(scope="module")
def licence(house: House, studio: Party, owned: str) -> str:
    """A licence that the studio granted to nobody by name."""
    body = LicenceGrant(owned, (owned,), StatusPointer(LIST, 1))
    return str(studio.record("licence.grant", body, private=house.world.terms(owned))["subject"])


@pytest.fixture(scope="module")
def capability(house: House, rival: Party) -> str:
    """A capability that the rival filed and the registrar approved."""
    subject = house.world.identifier(Letter.CAPABILITY)
    pair = digest_pair(b"weights")
    weights = Weights(pair.sha256, pair.sm3, 4096)
    filing = CapabilityFiling(
        "maker", "1", True, ("text",), ("image",), weights, sign_model(rival.who.signer, subject, "1", weights)
    )
    rival.record("capability.file", filing, subject=subject)
    report = digest_pair(b"report")
    house.registrar.record("capability.test", CapabilityTest(report, report, "pass", "1"), subject=subject)
    house.registrar.record("capability.grade", CapabilityGrade("A", "demo"), subject=subject)
    house.registrar.record("capability.approve", CapabilityDecision("requirements-met"), subject=subject)
    return subject


@pytest.fixture(scope="module")
def job(studio: Party, owned: str, capability: str) -> dict[str, Any]:
    """A running job of the studio: its identifier, and the commitment to its parameters."""
    body = JobRegistration(capability, (Input(owned, "source"),), digest_pair(b"environment"))
    return studio.record("job.register", body, private={PARAMETERS: {"seed": 7}})


# --- by token -----------------------------------------------------------------------


def test_licensing_what_another_holds(house: House, rival: Party, owned: str) -> None:
    body = LicenceGrant(owned, (owned,), StatusPointer(LIST, 2))
    answer = rival.submit("licence.grant", body, private=house.world.terms(owned))
    assert problem(answer) == (403, "not-holder", "body.object")


def test_changing_the_status_of_anothers_licence(rival: Party, licence: str) -> None:
    body = LicenceStatus("revoke", "breach", KEYS_FROM)
    assert problem(rival.submit("licence.status", body, subject=licence)) == (403, "not-holder", "iss")


def test_extending_anothers_object(rival: Party, owned: str) -> None:
    body = replace(registration(b"sequel"), origin="composed", basis=(Basis("object", None, owned),))
    assert problem(rival.submit("object.register", body)) == (403, "not-holder", "body.basis[0].subject")


def test_deriving_from_anothers_object(rival: Party, owned: str, capability: str) -> None:
    body = JobRegistration(capability, (Input(owned, "source"),), digest_pair(b"environment"))
    answer = rival.submit("job.register", body, private={PARAMETERS: {}})
    assert problem(answer) == (403, "not-holder", "body.inputs[0].object")


def test_resting_on_anothers_licence(rival: Party, licence: str) -> None:
    body = replace(registration(b"sequel"), basis=(Basis("licence", None, licence),))
    status, code, field = problem(rival.submit("object.register", body))
    assert (status, code, field) == (403, "not-holder", "body.basis[0].subject")


def test_completing_anothers_job(rival: Party, job: dict[str, Any]) -> None:
    answer = rival.submit("job.complete", JobCompletion("failed", ()), subject=job["subject"])
    assert problem(answer) == (403, "not-holder", "iss")


def test_claiming_the_output_of_anothers_job(house: House, rival: Party, job: dict[str, Any], capability: str) -> None:
    filed = house.http.get(f"/v1/subjects/{capability}").json()["state"]["model_signature"]
    parameters = DigestPair(**job["private"][PARAMETERS])
    made = Generation(job["subject"], capability, "1", filed, parameters, digest_pair(b"environment"))
    body = replace(
        registration(b"output"), origin="generated", basis=(Basis("job", None, job["subject"]),), generation=made
    )
    status, code, _ = problem(rival.submit("object.register", body))
    assert (status, code) == (403, "not-holder")


def test_reading_anothers_private_values(house: House, studio: Party, rival: Party) -> None:
    told = studio.record("object.register", picture(), private={"title": "secret"})
    path = f"/v1/events/{told['position']}"
    assert studio.get(path).json()["disclosures"]["title"]["value"] == "secret"
    assert house.registrar.get(path).json()["disclosures"]["title"]["value"] == "secret"
    without_scope = house.with_token(studio.who, "submit")
    for reader in (rival, without_scope):
        assert reader.get(path).json()["disclosures"] == {}
        listed = reader.get(f"/v1/events?subject={told['subject']}").json()["events"]
        assert [one["disclosures"] for one in listed] == [{}]
    assert house.http.get(path).json()["disclosures"] == {}
    assert "secret" not in house.http.get(path).text


def test_the_holder_reads_its_licence(house: House, studio: Party, rival: Party, owned: str) -> None:
    body = LicenceGrant(owned, (owned,), StatusPointer(LIST, 3), holder=rival.id)
    told = studio.record("licence.grant", body, private=house.world.terms(owned))
    path = f"/v1/events/{told['position']}"
    assert set(rival.get(path).json()["disclosures"]) == set(house.world.terms(owned))
    assert house.party("studio").get(path).json()["disclosures"] == {}


@pytest.mark.parametrize(
    ("kind", "body", "subject"),
    [
        ("party.register", PartyRegistration("person", ("studio",), ()), None),
        ("party.key", PartyKey("revoke", None, "0" * 64), "own"),
        ("capability.grade", CapabilityGrade("A", "demo"), "capability"),
        ("capability.approve", CapabilityDecision("requirements-met"), "capability"),
        ("capability.suspend", CapabilityDecision("security"), "capability"),
        ("log.policy", Policy("tallystick-admission", 1), None),
    ],
)
def test_what_is_the_registrars_to_say(
    studio: Party, capability: str, kind: str, body: Any, subject: str | None
) -> None:
    named = {"own": studio.id, "capability": capability, None: None}[subject]
    answer = studio.submit(kind, body, **({"subject": named} if named else {}))
    assert problem(answer) == (403, "not-entitled", "iss")


def test_filing_a_capability_that_anothers_key_signed(house: House, studio: Party, rival: Party) -> None:
    provider = house.party("provider")
    subject, pair = house.world.identifier(Letter.CAPABILITY), digest_pair(b"weights")
    weights = Weights(pair.sha256, pair.sm3, 1)
    signature = sign_model(rival.who.signer, subject, "1", weights)
    filing = CapabilityFiling("maker", "1", True, ("text",), ("image",), weights, signature)
    answer = provider.submit("capability.file", filing, subject=subject)
    assert problem(answer) == (422, "bad-model-signature", "body.model_signature")
    assert problem(studio.submit("capability.file", filing, subject=subject)) == (403, "not-entitled", "iss")


def test_the_scope_registrar_without_the_party_and_the_party_without_the_scope(house: House, studio: Party) -> None:
    body = write(PartyRegistration("person", ("studio",), ()))
    registrar = Someone(house.registrar.id, house.registrar.who.signer)
    plain = house.with_token(registrar, "submit", "read-private")
    assert problem(plain.submit("party.register", body)) == (403, "not-entitled", "iss")
    assert problem(plain.post("/v1/parties", body)) == (403, "forbidden", None)
    answer = house.registrar.post("/v1/tokens", {"party": studio.id, "scopes": ["registrar"]})
    assert problem(answer) == (422, "malformed", "scopes")
    # Even if somebody wrote such a token into the database.
    token, _ = house.services.accounts.issue(studio.id, ["submit", "registrar"])
    forged = Party(studio.who, token, house.http)
    assert problem(forged.submit("party.register", body)) == (403, "not-entitled", "iss")
    assert problem(forged.post("/v1/tokens", {"party": studio.id, "scopes": []})) == (403, "forbidden", None)


def test_each_scope_is_needed(house: House, studio: Party) -> None:
    reader = house.with_token(studio.who, "read-private")
    submit = {"type": "object.register", "body": picture()}
    for path, body in (
        ("/v1/events", submit),
        ("/v1/events/batch", {"events": [submit]}),
        ("/v1/statements", {"statement": "AAAA"}),
        ("/v1/statements/batch", {"statements": [{"statement": "AAAA"}]}),
    ):
        assert problem(reader.post(path, body)) == (403, "forbidden", None)
    for path, nothing in (("/v1/checkpoints", None), ("/v1/anchors", {})):
        assert problem(studio.post(path, nothing)) == (403, "forbidden", None)
    assert problem(studio.post("/v1/parties", write(PartyRegistration("person", ("studio",), ())))) == (
        403,
        "forbidden",
        None,
    )
    assert problem(studio.post("/v1/tokens", {"party": studio.id, "scopes": []})) == (403, "forbidden", None)
    answer = house.http.delete("/v1/tokens/0", headers={"Authorization": f"Bearer {studio.token}"})
    assert problem(answer) == (403, "forbidden", None)


# --- by signature ---------------------------------------------------------------------


def test_submitting_what_another_party_signed(house: House, studio: Party, rival: Party) -> None:
    statement = house.world.object(studio.who)
    assert problem(rival.state(statement)) == (403, "forbidden", "statement")


def test_signing_for_another(house: House, studio: Party, rival: Party) -> None:
    """The rival's key under the studio's name, with the token of either."""
    forged = house.world.object(Someone(studio.id, rival.who.signer))
    assert problem(rival.state(forged)) == (403, "forbidden", "statement")
    assert problem(studio.state(forged)) == (403, "unknown-signer", "kid")


def test_replaying_what_the_service_signed(house: House, studio: Party) -> None:
    told = studio.record("object.register", picture())
    entry = studio.get(f"/v1/entries/{told['position']}").content
    assert problem(studio.state(parse_statement(entry))) == (403, "forbidden", "statement")


def test_a_party_records_for_nobody_else(house: House, studio: Party, rival: Party) -> None:
    statement = house.world.say(
        studio.who,
        "object.register",
        house.world.identifier(Letter.OBJECT),
        registration(),
        recorded_for=RecordedFor(rival.id, "api-token"),
    )
    assert problem(studio.state(statement)) == (403, "wrong-issuer", "recorded_for")


def test_a_revoked_key_signs_no_more(house: House) -> None:
    party = house.party("studio")
    assert party.state(house.world.object(party.who)).status_code == 201
    kid = party.who.signer.public.kid.hex()
    house.registrar.record("party.key", PartyKey("revoke", None, kid), subject=party.id)
    assert problem(party.state(house.world.object(party.who))) == (403, "key-revoked", "kid")


def test_a_changed_byte_breaks_the_signature(house: House, studio: Party) -> None:
    statement = house.world.object(studio.who)
    entry = bytearray(statement.entry)
    entry[-1] ^= 1
    assert problem(studio.state(parse_statement(bytes(entry)))) == (403, "bad-signature", "signature")
