"""A QR code that was read off a paper or a card: it names an entry, and what is asked needs more than that."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tallystick.errors import MalformedInput
from tallystick.identifiers import Letter
from tallystick.licence.check import CheckRequest, LicenceAnswer, LicenceCheck, Outcome, Stage, check_licence
from tallystick.licence.document import read_paper
from tallystick.licence.evidence import LicenceEvidence
from tallystick.licence.qr import LicenceCode, PaperCode, read_code
from tallystick.licence.question import parse_question
from tallystick.licence.status_list import FreshnessPolicy, Status
from tallystick.token.binding import Expected
from tests.core.licence.paper import ASKED, DAY, Paper, stranger
from tests.core.licence.purse import evidence
from tests.core.token.kit import AUDIENCE, NONCE
from tests.world import World

NOT_VALID, CANNOT_TELL = LicenceAnswer.NOT_VALID, LicenceAnswer.CANNOT_TELL
FORMS = ["paper", "card"]


@pytest.fixture(scope="module")
def paper() -> Paper:
    return Paper()


def code(paper: Paper, form: str = "paper", **changes: Any) -> str:
    grant = paper.licence
    made = LicenceCode(paper.world.origin, grant.event.subject, paper.grant, grant.leaf)
    made = replace(made, **changes)
    return made.text if form == "paper" else f"{made.licence} {made.leaf.hex()}"


def checked(paper: Paper, text: str, proof: LicenceEvidence | None, expected: Expected | None = None) -> LicenceCheck:
    request = CheckRequest(parse_question(ASKED), paper.world.now(), FreshnessPolicy(7 * DAY), expected=expected)
    return check_licence(read_paper(text).facts, paper.trust, request, proof)


def outcomes(found: LicenceCheck) -> dict[Stage, Outcome]:
    return {stage: next(one.outcome for one in found.reasons if one.stage is stage) for stage in Stage}


@pytest.mark.parametrize("form", FORMS)
def test_a_code_with_its_staple_tells_grant_and_status_and_no_term(paper: Paper, form: str) -> None:
    found = checked(paper, code(paper, form), evidence(paper))
    assert (found.answer, found.licence) == (CANNOT_TELL, paper.licence.event.subject)
    assert (found.deciding.stage, found.deciding.term) == (Stage.DATES, "window"), "withheld, as every term"
    told = outcomes(found)
    assert (told[Stage.STATUS], told[Stage.INCLUSION]) == (Outcome.MET, Outcome.MET)
    assert (told[Stage.ISSUER], told[Stage.SIGNATURE], told[Stage.HOLDER]) == (Outcome.CONDITION,) * 3
    assert "nobody signed a code" in found.reasons[0].text.en
    assert {one.term for one in found.reasons if one.outcome is Outcome.UNKNOWN} >= {"use", "territory", "window"}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("status", [Status.INVALID, Status.SUSPENDED, Status.EXPIRED])
def test_a_code_of_a_licence_that_is_not_in_force(paper: Paper, form: str, status: Status) -> None:
    found = checked(paper, code(paper, form), evidence(paper, status))
    assert (found.answer, found.deciding.stage) == (NOT_VALID, Stage.STATUS)


@pytest.mark.parametrize("form", FORMS)
def test_a_code_alone_proves_nothing(paper: Paper, form: str) -> None:
    found = checked(paper, code(paper, form), None)
    assert found.answer is CANNOT_TELL
    assert outcomes(found)[Stage.INCLUSION] is Outcome.UNKNOWN
    assert "get the licence's staple of version 2" in found.reasons[-1].text.en
    assert found.status_as_of is None


def test_a_code_that_names_another_entry_of_the_log(paper: Paper) -> None:
    found = checked(paper, code(paper, leaf=bytes(32)), evidence(paper))
    assert (found.answer, found.deciding.stage) == (NOT_VALID, Stage.INCLUSION)
    assert "is another one than the code names" in found.deciding.text.en


def test_wrong_evidence_takes_nothing_away(paper: Paper) -> None:
    """Others may bring the right one; a card does not say of which log it is."""
    other = paper.world.identifier(Letter.LICENCE)
    elsewhere = Paper(world=World(name="another world", origin="log.example/another"))
    for text, proof in (
        (code(paper, "card", leaf=bytes(32)), evidence(paper)),
        (code(paper, licence=other), evidence(paper)),
        (code(paper, grant=paper.grant - 1), evidence(paper)),
        (code(paper, origin="log.example/another"), evidence(paper)),
        (code(paper), evidence(stranger())),
        (code(paper), evidence(elsewhere)),
        (code(paper), evidence(paper, entries=evidence(paper).entries[1:])),
    ):
        found = checked(paper, text, proof)
        assert (found.answer, outcomes(found)[Stage.INCLUSION]) == (CANNOT_TELL, Outcome.UNKNOWN)


def test_a_code_shows_no_key(paper: Paper) -> None:
    for proof in (None, evidence(paper)):
        found = checked(paper, code(paper), proof, Expected(AUDIENCE, NONCE))
        assert (found.answer, found.deciding.stage) == (NOT_VALID, Stage.HOLDER)


def test_what_is_read_of_each_form(paper: Paper) -> None:
    licence, leaf = paper.licence.event.subject, paper.licence.leaf
    assert read_code(code(paper)) == PaperCode(licence, leaf, paper.world.origin, paper.grant)
    assert read_code(code(paper, "card")) == PaperCode(licence, leaf)
    for wrong in (
        "",
        "hello",
        f"{licence} {leaf.hex().upper()}",
        f"{licence}  {leaf.hex()}",
        f"{licence} {leaf.hex()}\n",
        f"{licence} {leaf.hex()[:-2]}",
        f"{paper.world.studio.id} {leaf.hex()}",
        f"{licence[:-1]}0 {leaf.hex()}" if not licence.endswith("0") else f"{licence[:-1]}1 {leaf.hex()}",
        "x" * 500,
    ):
        with pytest.raises(MalformedInput):
            read_code(wrong)
