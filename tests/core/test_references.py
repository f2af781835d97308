"""References: every identifier that an entry names, wherever it stands."""

from __future__ import annotations

import dataclasses

import pytest

from tallystick.map import about
from tallystick.references import references
from tallystick.statement import sign_statement
from tests.core.builders import (
    CAPABILITY,
    CERTIFICATE,
    DISPUTE,
    FULL,
    JOB,
    LICENCE,
    OBJECT,
    OLD,
    OTHER,
    PARENT,
    PARTY,
    PARTY_KEY,
    REGISTRAR,
    SERVICE,
    SOURCE,
    WORKFLOW,
)

ISSUER = SERVICE
EXPECTED = {
    "log.key-set": {REGISTRAR, SERVICE},
    "log.policy": set(),
    "log.batch": set(),
    "log.anchor-target": set(),
    "party.register": {PARTY},
    "party.key": {PARTY},
    "object.register": {OBJECT, SOURCE, LICENCE, JOB, CAPABILITY, PARTY},
    "capability.file": {CAPABILITY, PARTY},
    "capability.test": {CAPABILITY, PARTY},
    "capability.grade": {CAPABILITY},
    "capability.approve": {CAPABILITY},
    "capability.suspend": {CAPABILITY},
    "capability.reinstate": {CAPABILITY},
    "capability.revoke": {CAPABILITY},
    "job.register": {JOB, CAPABILITY, SOURCE, WORKFLOW, PARTY},
    "job.complete": {JOB, OBJECT, PARTY},
    "licence.grant": {LICENCE, OBJECT, SOURCE, OTHER, PARENT, PARTY},
    "licence.status": {LICENCE, PARTY},
    "certificate.issue": {CERTIFICATE, OBJECT, OLD},
    "certificate.withdraw": {CERTIFICATE},
    "credential.issue": {LICENCE},
    "dispute.open": {DISPUTE, OBJECT, PARTY},
    "dispute.resolve": {DISPUTE},
    "log.freeze": set(),
    "disclosure.erase": {OBJECT, PARTY},
    "log.rotate": set(),
    "log.predecessor": set(),
    "log.time": set(),
    "log.map-root": set(),
    "licence.consent": {LICENCE, OTHER, PARTY},
    "licence.transfer": {LICENCE, OTHER, PARTY},
    "capture.record": {OBJECT, CAPABILITY, OTHER, SOURCE, PARTY},
    "capture.attest": {OBJECT, PARTY},
    "custody.record": {OBJECT, OTHER, PARTY},
    "custody.accept": {OBJECT, PARTY},
    "platform.file": set(),
    "settlement.record": {LICENCE, OTHER, PARENT, PARTY},
    "settlement.accept": {LICENCE, PARTY},
}


@pytest.mark.parametrize("kind", FULL)
def test_all_of_each_type(kind: str) -> None:
    statement = sign_statement(PARTY_KEY, ISSUER, FULL[kind])
    assert references(statement) == EXPECTED[kind] | {ISSUER}


@pytest.mark.parametrize(
    "text", [f'{OTHER}"10.', f'{OTHER}"10.5555/x', f'"{OTHER}"', f'"{OTHER}', f'a:"{OTHER}",', f"{OTHER}\\"]
)
def test_a_text_that_holds_an_identifier_and_more_names_nothing(text: str) -> None:
    """Who writes it would stand among the events about somebody else's work, and the map says otherwise."""
    event = dataclasses.replace(
        FULL["object.register"], body=dataclasses.replace(FULL["object.register"].body, media_type=text)
    )
    statement = sign_statement(PARTY_KEY, ISSUER, event)
    assert references(statement) == (EXPECTED["object.register"] - {OTHER}) | {ISSUER}
    assert OTHER not in about(statement.parts.payload).named


def test_an_issuer_that_is_no_identifier_is_no_reference() -> None:
    for issuer in ("log.example/golden", "10.5555/", "10.", PARTY[:-1] + "?"):
        assert references(sign_statement(PARTY_KEY, issuer, FULL["log.policy"])) == frozenset()
