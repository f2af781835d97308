"""A party that signs what it says itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import pytest

from tallystick.client import speaker as module
from tallystick.client.http import Client, ServiceProblem
from tallystick.client.speaker import Speaker
from tallystick.commitments import open_commitments
from tallystick.identifiers import Letter
from tallystick.keys import LocalSigner
from tallystick.statement import parse_statement
from tests.api.desk import Desk, registration


@pytest.fixture
def speaker(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Speaker]:
    """The studio; its clock is the service's."""
    monkeypatch.setattr(module, "time", SimpleNamespace(time=lambda: desk.house.world.clock))
    who = desk.studio.who
    with Client(str(desk.house.http.base_url), desk.studio.token) as client:
        yield Speaker(who.id, who.signer, client)


def test_what_is_said_is_signed_by_its_own_key_and_opened_by_what_is_returned(desk: Desk, speaker: Speaker) -> None:
    subject = desk.house.world.identifier(Letter.OBJECT)
    answer, opened = speaker.say("object.register", subject, registration(b"a lantern"), {"title": "Lantern 灯笼"})
    found = parse_statement(speaker.client.entry(answer["position"]))
    found.verify(speaker.signer.public)
    assert (found.issuer, found.event.subject) == (speaker.party, subject)
    assert found.event.private is not None
    assert open_commitments(found.event.private, opened) == {"title": "Lantern 灯笼"}


def test_two_sayings_share_no_salt(desk: Desk, speaker: Speaker) -> None:
    texts = []
    for number in range(2):
        subject = desk.house.world.identifier(Letter.OBJECT)
        _, [opened] = speaker.say("object.register", subject, registration(b"%d" % number), {"title": "the same"})
        texts.append(opened.text)
    assert texts[0] != texts[1]


def test_another_key_than_its_own_is_refused(desk: Desk, speaker: Speaker) -> None:
    thief = replace(speaker, signer=LocalSigner.generate("ed25519"))
    subject = desk.house.world.identifier(Letter.OBJECT)
    with pytest.raises(ServiceProblem) as refused:
        thief.say("object.register", subject, registration(b"another's"))
    assert (refused.value.code, refused.value.field) == ("unknown-signer", "kid")
