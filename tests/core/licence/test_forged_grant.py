"""A grant that the trusted log does not prove, whatever the file says."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from tallystick.base64s import to_base64
from tallystick.commitments import disclose
from tallystick.errors import VerificationFailed
from tallystick.events.licence import StatusPointer
from tallystick.identifiers import Letter, new_identifier
from tallystick.licence.check import (
    LicenceAnswer,
    Stage,
)
from tallystick.licence.credential import LicenceCredential
from tallystick.licence.grant import prove_grant
from tallystick.trust import LogTrust
from tests.world import World, key_from

from .paper import Paper, check, stranger


@pytest.fixture(scope="module")
def paper() -> Paper:
    return Paper()


def without_entry(paper: Paper, index: int) -> LicenceCredential:
    credential = paper.credential()
    return dataclasses.replace(credential, entries=tuple(shown for shown in credential.entries if shown.index != index))


def with_entry(paper: Paper, index: int, **changes: Any) -> LicenceCredential:
    credential = paper.credential()
    entries = tuple(
        dataclasses.replace(shown, **changes) if shown.index == index else shown for shown in credential.entries
    )
    return dataclasses.replace(credential, entries=entries)


def with_disclosures(paper: Paper, *texts: str) -> LicenceCredential:
    return dataclasses.replace(paper.credential(), disclosures={str(paper.grant): texts})


def opened(paper: Paper, name: str) -> str:
    return next(each.text for each in paper.world.disclosures[paper.licence.statement_id] if each.name == name)


FORGED_GRANT: dict[str, tuple[Any, str]] = {
    "another log": (lambda paper: stranger().credential(), "no trusted key signed the note"),
    "key set not shown": (lambda paper: without_entry(paper, 0), "entry 0, the log's key set, is not shown"),
    "policy not shown": (lambda paper: without_entry(paper, 1), "no registration policy is in force"),
    "licensor not shown": (lambda paper: without_entry(paper, 3), "is not a registered party"),
    "object not shown": (lambda paper: without_entry(paper, 7), "is not a registered object"),
    "batch entry not shown": (lambda paper: without_entry(paper, 9), "no batch entry shown covers position 8"),
    "grant under another index": (
        lambda paper: dataclasses.replace(paper.credential(), grant=7, disclosures={}),
        "entry 7 is object.register",
    ),
    "another licence": (
        lambda paper: dataclasses.replace(paper.credential(), licence="10.5555/L-DNJ6-JRK5-DSJQ-8C1G-8"),
        "expected licence.grant of",
    ),
    "another status index": (
        lambda paper: dataclasses.replace(paper.credential(), status=StatusPointer("https://log.example/status/1", 1)),
        "the grant has its status at",
    ),
    "an entry changed": (
        lambda paper: with_entry(paper, 7, entry=to_base64(paper.world.object().entry)),
        "leads to root",
    ),
    "a proof cut short": (
        lambda paper: with_entry(paper, 8, proof=paper.credential().entries[8].proof[:-1]),
        "has 2 hashes, found 1",
    ),
    "a checkpoint of another size": (
        lambda paper: dataclasses.replace(paper.credential(), checkpoint=paper.note(9)),
        "hashes, found|is outside a tree|leads to root",
    ),
    "a term of another value": (
        lambda paper: with_disclosures(
            paper, disclose("territory", {"include": ["WW"], "exclude": []}, bytes(16)).text
        ),
        "the disclosure of 'territory' has SHA-256",
    ),
    "a term that was not granted": (
        lambda paper: with_disclosures(paper, disclose("count", {"limit": 1, "unit": "play"}, bytes(16)).text),
        "commits to no value named 'count'",
    ),
    "a term twice": (
        lambda paper: with_disclosures(paper, opened(paper, "territory"), opened(paper, "territory")),
        "'territory' is disclosed twice",
    ),
    "a disclosure under another entry": (
        lambda paper: dataclasses.replace(paper.credential(), disclosures={"0": (opened(paper, "use"),)}),
        "commits to no value named 'use'",
    ),
}


@pytest.mark.parametrize("name", FORGED_GRANT)
def test_a_grant_that_the_log_does_not_prove_is_not_valid(paper: Paper, name: str) -> None:
    make, message = FORGED_GRANT[name]
    credential = make(paper)
    with pytest.raises(VerificationFailed, match=message):
        prove_grant(credential, paper.trust)
    found = check(paper, paper.staple(), credential=credential)
    assert (found.answer, found.deciding.stage) == (LicenceAnswer.NOT_VALID, Stage.INCLUSION)


def test_a_log_that_names_its_own_registrar_is_not_believed(paper: Paper) -> None:
    other = {"log.example/little": LogTrust(paper.world.signers.keys, key_from("another registrar").public)}
    with pytest.raises(VerificationFailed, match="the trust file names"):
        prove_grant(paper.credential(), other)


def test_a_log_that_the_trust_file_does_not_name_is_refused(paper: Paper) -> None:
    with pytest.raises(VerificationFailed, match="is not trusted; the trust file names: log"):
        prove_grant(paper.credential(), {"log.example/other": paper.trust["log.example/little"]})


def test_another_log_of_the_same_registrar_is_refused() -> None:
    """The registrar's other key set, in a tree that this log's keys signed."""
    paper = Paper(world=World(origin="log.example/other"))
    paper.world.origin, paper.world.signers = "log.example/little", World().signers
    with pytest.raises(VerificationFailed, match=r"the key set is of log 'log\.example/other'"):
        prove_grant(paper.credential(), paper.trust)


def test_a_status_event_of_the_licence_is_no_grant() -> None:
    paper = Paper()
    paper.change("suspend")
    credential = dataclasses.replace(paper.credential(size=len(paper.log)), grant=len(paper.log) - 2, disclosures={})
    with pytest.raises(VerificationFailed, match=r"is licence\.status of .* expected licence\.grant"):
        prove_grant(credential, paper.trust)


def test_an_asset_that_contradicts_the_leaf_is_refused() -> None:
    another = new_identifier(Letter.OBJECT, b"another000")
    paper = Paper({"asset": {"object": another, "sha256": "00" * 32}})
    with pytest.raises(VerificationFailed, match=f"its term asset names {another}"):
        prove_grant(paper.credential(), paper.trust)


def test_a_licensee_that_contradicts_the_leaf_is_refused() -> None:
    world = World()
    paper = Paper({"holder": world.tester.id}, world)
    with pytest.raises(VerificationFailed, match=f"names holder {world.tester.id}, its term licensee"):
        prove_grant(paper.credential(), paper.trust)
    assert prove_grant(paper.credential("licensee"), paper.trust).disclosed.withheld == {"licensee"}


def test_a_grant_by_someone_else_than_the_holder_is_refused() -> None:
    """The outsider signs a licence of the studio's object into a real tree: replay refuses it."""
    paper = Paper()
    world, licence = paper.world, paper.licence
    paper.append([world.register(world.outsider, "studio")])
    terms = world.terms(licence.event.body.object)
    forged_grant = world.say(world.outsider, "licence.grant", licence.event.subject, licence.event.body, terms)
    paper.append([forged_grant])
    index = paper.log.index(forged_grant)
    credential = dataclasses.replace(paper.credential(size=len(paper.log)), grant=index, disclosures={})
    with pytest.raises(VerificationFailed, match="is held by"):
        prove_grant(credential, paper.trust)


def test_the_proved_grant_says_who_and_how(paper: Paper) -> None:
    grant = prove_grant(paper.credential("payment"), paper.trust)
    assert (grant.licensor, grant.recorded_by_service, grant.standing) == (paper.world.studio.id, False, "valid")
    assert grant.disclosed.withheld == {"payment"}
    assert grant.position == 8
    assert grant.admitted_at == paper.world.clock
