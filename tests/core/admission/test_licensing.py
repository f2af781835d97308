"""Licences, certificates and credentials: the holder grants, the licensor changes, the registrar certifies."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick.admission.state import CertificateState, LicenceState, Rights, Taken, right_key
from tallystick.digests import digest_pair
from tallystick.events.certificate import CertificateIssue, CertificateWithdrawal
from tallystick.events.credential import CredentialIssue
from tallystick.events.licence import LicenceGrant, LicenceStatus, StatusPointer
from tallystick.identifiers import Letter, new_identifier
from tallystick.licence.terms import MANDATORY
from tallystick.statement import Statement
from tests.core.admission.stage import Refusal, Refusals, Stage, check_refusal, new_stage
from tests.world import Someone

LIST = "https://log.example/status/1"
NOTHING = str(new_identifier(Letter.OBJECT, b"nothing000"))
NO_LICENCE = str(new_identifier(Letter.LICENCE, b"nothing000"))
NO_CERTIFICATE = str(new_identifier(Letter.CERTIFICATE, b"nothing000"))
TERMS = dict.fromkeys(MANDATORY, "stated")


def grant(stage: Stage, who: Someone | None = None, terms: Any = None, index: int = 0, **fields: Any) -> Statement:
    subject = fields.pop("subject", None) or stage.world.identifier(Letter.LICENCE)
    body = {"object": stage.source, "title_chain": (stage.source,), "status": StatusPointer(LIST, index), **fields}
    private = TERMS if terms is None else terms or None
    return stage.world.say(who or stage.world.studio, "licence.grant", subject, LicenceGrant(**body), private)


def granted(stage: Stage, **fields: Any) -> str:
    said = grant(stage, **fields)
    stage.admit(said)
    return said.event.subject


def without(term: str) -> dict[str, str]:
    return {name: value for name, value in TERMS.items() if name != term}


def twice(stage: Stage) -> Statement:
    return grant(stage, subject=granted(stage), index=1)


def same_index(stage: Stage) -> Statement:
    granted(stage, index=5)
    body = {"object": stage.foreign, "title_chain": (stage.foreign,)}
    return grant(stage, stage.rival, index=5, **body)


GRANTS: Refusals = {
    "granted by another": Refusal("not-holder", "body.object", lambda s: grant(s, s.rival)),
    "granted by its licensee": Refusal(
        "not-holder", "body.object", lambda s: granted(s, holder=s.rival.id) and grant(s, s.rival, index=1)
    ),
    "granted by the registrar": Refusal("not-holder", "body.object", lambda s: grant(s, s.world.registrar)),
    "granted by the bare service": Refusal("no-party", "iss", lambda s: grant(s, s.world.service)),
    "recorded for another": Refusal(
        "not-holder",
        "body.object",
        lambda s: s.world.record(
            s.rival, "licence.grant", (said := grant(s)).event.subject, said.event.body, private=TERMS
        ),
    ),
    "of nothing": Refusal("unregistered", "body.object", lambda s: grant(s, object=NOTHING)),
    "a title chain without the object": Refusal(
        "incomplete", "body.title_chain", lambda s: grant(s, title_chain=(s.foreign,))
    ),
    "a title chain of nothing": Refusal(
        "unregistered", "body.title_chain[1]", lambda s: grant(s, title_chain=(s.source, NOTHING))
    ),
    **{
        f"without the term {term}": Refusal(
            "incomplete", f"private.{term}", lambda s, term=term: grant(s, None, without(term))
        )
        for term in MANDATORY
    },
    "without any term": Refusal("incomplete", f"private.{MANDATORY[0]}", lambda s: grant(s, None, {})),
    "with a term nobody can read": Refusal(
        "incomplete", "private.moon-rights", lambda s: grant(s, None, {**TERMS, "moon-rights": "yes"})
    ),
    "under a status index in use": Refusal("already-used", "body.status", lambda s: granted(s) and grant(s)),
    "under another licensor's status index": Refusal("already-used", "body.status", same_index),
    "twice": Refusal("already-registered", "subject", twice),
    "under another prefix": Refusal(
        "foreign-prefix", "subject", lambda s: grant(s, subject=new_identifier(Letter.LICENCE, bytes(10), "10.1000"))
    ),
    "to nobody the log knows": Refusal(
        "unregistered", "body.holder", lambda s: grant(s, holder=s.world.outsider.id)
    ),
}  # fmt: skip


def status(stage: Stage, action: str, subject: str | None = None, who: Someone | None = None) -> Statement:
    body = LicenceStatus(action, "request", stage.world.now())  # type: ignore[arg-type]
    return stage.world.say(who or stage.world.studio, "licence.status", subject or granted(stage), body)


def after(stage: Stage, *actions: str) -> str:
    subject = granted(stage, holder=stage.rival.id)
    for action in actions:
        stage.admit(status(stage, action, subject))
    return subject


STATES: dict[str, tuple[str, ...]] = {
    "valid": (), "suspended": ("suspend",), "revoked": ("revoke",), "expired": ("expire",)
}  # fmt: skip
ALLOWED = {
    "suspend": {"valid": "suspended"},
    "reinstate": {"suspended": "valid"},
    "revoke": {"valid": "revoked", "suspended": "revoked"},
    "expire": {"valid": "expired", "suspended": "expired"},
}

CHANGES: Refusals = {
    **{
        f"{action} a {state} licence": Refusal(
            "wrong-state", "body.action", lambda s, action=action, before=before: status(s, action, after(s, *before))
        )
        for action, states in ALLOWED.items()
        for state, before in STATES.items()
        if state not in states
    },
    **{
        f"{action} by {name}": Refusal(
            "not-holder",
            "iss",
            lambda s, action=action, name=name: status(
                s,
                action,
                after(s, *(("suspend",) if action == "reinstate" else ())),
                s.rival if name == "the licensee" else getattr(s.world, name),
            ),
        )
        for action in ALLOWED
        for name in ("the licensee", "provider", "licensee")
    },
    "by the bare service": Refusal("no-party", "iss", lambda s: status(s, "revoke", None, s.world.service)),
    "by the log": Refusal("no-party", "iss", lambda s: status(s, "revoke", None, s.world.log)),
    "recorded for the registrar": Refusal(
        "not-holder",
        "iss",
        lambda s: s.world.record(
            s.world.registrar, "licence.status", (said := status(s, "revoke")).event.subject, said.event.body
        ),
    ),
    "of an unregistered licence": Refusal("unregistered", "subject", lambda s: status(s, "revoke", NO_LICENCE)),
}


def certify(stage: Stage, number: str = "1", who: Someone | None = None, **fields: Any) -> Statement:
    subject = fields.pop("subject", None) or stage.world.identifier(Letter.CERTIFICATE)
    body = CertificateIssue(**{"object": stage.source, "number": number, **fields})
    return stage.world.say(who or stage.world.registrar, "certificate.issue", subject, body)


def certified(stage: Stage, number: str = "1", **fields: Any) -> str:
    said = certify(stage, number, **fields)
    stage.admit(said)
    return said.event.subject


def withdraw(stage: Stage, subject: str | None = None, who: Someone | None = None) -> Statement:
    body = CertificateWithdrawal("error")
    return stage.world.say(who or stage.world.registrar, "certificate.withdraw", subject or certified(stage), body)


def withdrawn(stage: Stage) -> str:
    subject = certified(stage)
    stage.admit(withdraw(stage, subject))
    return subject


def superseded(stage: Stage) -> str:
    old = certified(stage)
    certified(stage, "2", supersedes=old)
    return old


CERTIFICATES: Refusals = {
    "a certificate by the holder": Refusal("not-entitled", "iss", lambda s: certify(s, who=s.world.studio)),
    "a certificate by the service": Refusal("not-entitled", "iss", lambda s: certify(s, who=s.world.service)),
    "a certificate recorded for the registrar": Refusal(
        "not-entitled",
        "iss",
        lambda s: s.world.record(
            s.world.registrar, "certificate.issue", (said := certify(s)).event.subject, said.event.body
        ),
    ),
    "a certificate of nothing": Refusal("unregistered", "body.object", lambda s: certify(s, object=NOTHING)),
    "a certificate that supersedes nothing": Refusal(
        "unregistered", "body.supersedes", lambda s: certify(s, supersedes=NO_CERTIFICATE)
    ),
    "a certificate that supersedes another object's": Refusal(
        "inconsistent", "body.supersedes", lambda s: certify(s, "2", supersedes=certified(s, object=s.foreign))
    ),
    "a number twice": Refusal("already-used", "body.number", lambda s: certified(s) and certify(s)),
    "the number of a withdrawn certificate": Refusal(
        "already-used", "body.number", lambda s: withdrawn(s) and certify(s)
    ),
    "a certificate that supersedes a superseded one": Refusal(
        "wrong-state", "body.supersedes", lambda s: certify(s, "3", supersedes=superseded(s))
    ),
    "a certificate that supersedes a withdrawn one": Refusal(
        "wrong-state", "body.supersedes", lambda s: certify(s, "3", supersedes=withdrawn(s))
    ),
    "a reissue of nothing": Refusal("incomplete", "body.supersedes", lambda s: certify(s, reason="reissue")),
    "a correction that corrects nothing": Refusal(
        "inconsistent",
        "body.corrected",
        lambda s: certify(s, "2", supersedes=certified(s), reason="correction"),
    ),
    "a reissue that corrects": Refusal(
        "inconsistent",
        "body.corrected",
        lambda s: certify(s, "2", supersedes=certified(s), reason="reissue", corrected=("title",)),
    ),
    "corrections without a reason": Refusal(
        "inconsistent", "body.corrected", lambda s: certify(s, "2", corrected=("title",))
    ),
    "a certificate twice": Refusal(
        "already-registered", "subject", lambda s: certify(s, "2", subject=certified(s))
    ),
    "a certificate of another prefix": Refusal(
        "foreign-prefix",
        "subject",
        lambda s: certify(s, subject=new_identifier(Letter.CERTIFICATE, bytes(10), "10.1000")),
    ),
    "withdrawn by the holder": Refusal("not-entitled", "iss", lambda s: withdraw(s, None, s.world.studio)),
    "withdrawn by the service": Refusal("not-entitled", "iss", lambda s: withdraw(s, None, s.world.service)),
    "withdrawn unregistered": Refusal("unregistered", "subject", lambda s: withdraw(s, NO_CERTIFICATE)),
    "withdrawn twice": Refusal("wrong-state", "subject", lambda s: withdraw(s, withdrawn(s))),
    "withdrawn after it was superseded": Refusal("wrong-state", "subject", lambda s: withdraw(s, superseded(s))),
}  # fmt: skip


def credential(stage: Stage, subject: str, who: Someone | None = None) -> Statement:
    body = CredentialIssue("c2pa", "card", "image/png", digest_pair(b"file"), 4)
    return stage.world.say(who or stage.world.service, "credential.issue", subject, body)


CREDENTIALS: Refusals = {
    "a credential of an unregistered licence": Refusal("unregistered", "subject", lambda s: credential(s, NO_LICENCE)),
    "a credential of an unregistered certificate": Refusal(
        "unregistered", "subject", lambda s: credential(s, NO_CERTIFICATE)
    ),
    "a credential by another": Refusal("not-entitled", "iss", lambda s: credential(s, granted(s), s.rival)),
    "a credential by the licensee": Refusal(
        "not-entitled", "iss", lambda s: credential(s, granted(s, holder=s.rival.id), s.rival)
    ),
    "a credential of a certificate by its object's holder": Refusal(
        "not-entitled", "iss", lambda s: credential(s, certified(s), s.world.studio)
    ),
    "a credential of a certificate by the log": Refusal(
        "not-entitled", "iss", lambda s: credential(s, certified(s), s.world.log)
    ),
    "a credential of a licence by the log": Refusal(
        "no-party", "iss", lambda s: credential(s, granted(s), s.world.log)
    ),
    "a credential recorded for another": Refusal(
        "not-entitled",
        "iss",
        lambda s: s.world.record(
            s.rival, "credential.issue", (said := credential(s, granted(s))).event.subject, said.event.body
        ),
    ),
    "a credential of a certificate recorded for its object's holder": Refusal(
        "not-entitled",
        "iss",
        lambda s: s.world.record(
            s.world.studio, "credential.issue", (said := credential(s, certified(s))).event.subject, said.event.body
        ),
    ),
}  # fmt: skip

CASES: Refusals = {**GRANTS, **CHANGES, **CERTIFICATES, **CREDENTIALS}


@pytest.mark.parametrize("name", CASES)
def test_refused(name: str) -> None:
    check_refusal(CASES[name])


def test_the_cases_have_names_of_their_own() -> None:
    assert len(CASES) == sum(map(len, (GRANTS, CHANGES, CERTIFICATES, CREDENTIALS)))


def test_a_grant_to_a_named_holder_gives_rights() -> None:
    stage = new_stage()
    first, second = granted(stage, holder=stage.rival.id), granted(stage, holder=stage.rival.id, index=1)
    pointer = StatusPointer(LIST, 0)
    assert stage.state.get(first) == LicenceState(stage.source, stage.world.studio.id, pointer, "valid", stage.rival.id)
    assert stage.state.get(right_key(stage.source, stage.rival.id)) == Rights((first, second))
    assert stage.state.get(f"status:{LIST}#1") == Taken(second)


def test_a_grant_without_named_holder_gives_no_rights() -> None:
    stage = new_stage()
    granted(stage, title_chain=(stage.foreign, stage.source, stage.capability.id))
    assert [key for key in stage.state._states if key.startswith("right:")] == []


def test_rights_list_the_licences_in_force_alone() -> None:
    stage = new_stage()
    first, second = granted(stage, holder=stage.rival.id), granted(stage, holder=stage.rival.id, index=1)
    key = right_key(stage.source, stage.rival.id)
    for action, left in (("suspend", (second,)), ("reinstate", (second, first)), ("revoke", (second,))):
        stage.admit(status(stage, action, first))
        assert stage.state.get(key) == Rights(left)
    stage.admit(status(stage, "expire", second))
    assert stage.state.get(key) == Rights(())


@pytest.mark.parametrize("action", ALLOWED)
@pytest.mark.parametrize("by", ["studio", "registrar"])
def test_status_changes(action: str, by: str) -> None:
    for state, result in ALLOWED[action].items():
        stage = new_stage()
        subject = after(stage, *STATES[state])
        stage.admit(status(stage, action, subject, getattr(stage.world, by)))
        found = stage.state.get(subject)
        assert isinstance(found, LicenceState)
        assert (found.status, found.holder, found.licensor) == (result, stage.rival.id, stage.world.studio.id)


def test_the_service_may_change_the_status_for_the_licensor() -> None:
    stage = new_stage()
    said = status(stage, "revoke")
    stage.admit(stage.world.record(stage.world.studio, "licence.status", said.event.subject, said.event.body))
    found = stage.state.get(said.event.subject)
    assert isinstance(found, LicenceState)
    assert found.status == "revoked"


def test_certificates_are_issued_superseded_and_withdrawn() -> None:
    stage = new_stage()
    old = certified(stage)
    assert stage.state.get(old) == CertificateState(stage.source, "1", "issued")
    new = certified(stage, "2", supersedes=old)
    assert stage.state.get(old) == CertificateState(stage.source, "1", "withdrawn", superseded_by=new)
    stage.admit(withdraw(stage, new))
    assert stage.state.get(new) == CertificateState(stage.source, "2", "withdrawn", grounds="error")


def test_who_may_issue_credentials() -> None:
    stage = new_stage()
    licence, certificate = granted(stage), certified(stage)
    before = stage.position
    stage.admit(*(credential(stage, one) for one in (licence, certificate)))
    stage.admit(*(credential(stage, one, stage.world.registrar) for one in (licence, certificate)))
    stage.admit(credential(stage, licence, stage.world.studio))
    said = credential(stage, licence)
    stage.admit(stage.world.record(stage.world.studio, "credential.issue", licence, said.event.body))
    assert stage.position == before + 6
