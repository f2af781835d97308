"""The offline check: the main job's story, and every stage failing on its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tallystick import canonical
from tallystick.c2pa.training import training_mining
from tallystick.c2pa.verdict import MAX_PAYLOAD
from tallystick.licence.check import (
    CheckRequest,
    LicenceAnswer,
    LicenceCheck,
    Outcome,
    Stage,
    StatusAsOf,
    check_licence,
)
from tallystick.licence.clauses import AiUse
from tallystick.licence.credential import encode_credential
from tallystick.licence.question import parse_question
from tallystick.licence.status_list import FreshnessPolicy, Status
from tallystick.times import format_time

from .paper import ASKED, DAY, URI, Paper, check, file_facts

VALID, NOT_VALID, CANNOT_TELL = LicenceAnswer.VALID, LicenceAnswer.NOT_VALID, LicenceAnswer.CANNOT_TELL


@pytest.fixture(scope="module")
def paper() -> Paper:
    return Paper()


def outcomes(found: LicenceCheck, stage: Stage) -> set[Outcome]:
    return {reason.outcome for reason in found.reasons if reason.stage is stage}


# --- the story of the main job --------------------------------------------------


def test_valid_with_the_deciding_clause(paper: Paper) -> None:
    found = check(paper, paper.staple())
    assert found.answer is VALID
    assert (found.deciding.stage, found.deciding.term) == (Stage.QUESTION, "use")
    assert found.deciding.clause is not None
    assert found.deciding.clause.en == "display, play"
    assert found.status_as_of == StatusAsOf(URI, format_time(paper.world.clock), len(paper.log))
    assert found.as_of == format_time(paper.world.clock)
    assert [stage for stage in Stage if outcomes(found, stage)] == list(Stage)
    assert Outcome.FAILED not in {reason.outcome for reason in found.reasons}


def test_the_stages_are_reported_in_their_order(paper: Paper) -> None:
    order = [list(Stage).index(reason.stage) for reason in check(paper, paper.staple()).reasons]
    assert order == sorted(order)


def test_revoked_with_the_new_status_and_unknown_without() -> None:
    paper = Paper()
    credential, old = paper.credential(), paper.staple()
    paper.world.clock += 2 * DAY
    paper.change("revoke")
    new = paper.staple(Status.INVALID)
    with_new = check(paper, new, credential=credential)
    assert (with_new.answer, with_new.deciding.stage) == (NOT_VALID, Stage.STATUS)
    assert "revoked as of 2026-02-03T00:00:00Z, log size 12" in with_new.deciding.text.en
    assert "已撤销" in with_new.deciding.text.zh
    with_old = check(paper, old, credential=credential, max_age=DAY)
    assert (with_old.answer, with_old.deciding.stage) == (CANNOT_TELL, Stage.STATUS)
    assert "get a new one" in with_old.deciding.text.en
    without = check(paper, None, credential=credential)
    assert (without.answer, without.deciding.stage) == (CANNOT_TELL, Stage.STATUS)


@pytest.mark.parametrize("status", list(Status))
def test_never_valid_on_a_stale_status(paper: Paper, status: Status) -> None:
    found = check(paper, paper.staple(status), later=7 * DAY)
    assert (found.answer, found.deciding.stage) == (CANNOT_TELL, Stage.STATUS)
    assert found.deciding.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("status", "word"), [(Status.INVALID, "revoked"), (Status.SUSPENDED, "suspended"), (Status.EXPIRED, "expired")]
)
def test_every_other_status_is_not_valid(paper: Paper, status: Status, word: str) -> None:
    found = check(paper, paper.staple(status))
    assert (found.answer, found.deciding.stage) == (NOT_VALID, Stage.STATUS)
    assert found.deciding.text.en.startswith(word)


def test_a_file_that_shows_its_own_revocation_is_not_valid() -> None:
    paper = Paper()
    paper.change("revoke")
    found = check(paper, paper.staple(), credential=paper.credential(size=len(paper.log)))
    assert (found.answer, found.deciding.stage) == (NOT_VALID, Stage.STATUS)
    assert "the log entries in the file themselves say: revoked" in found.deciding.text.en


def test_a_licence_of_an_object_with_a_long_history_fits_and_is_checked() -> None:
    """Three jobs and two capabilities behind the object, every statement in a batch of its own."""
    paper = Paper()
    world = paper.world
    (first, filed), (second, filed_too) = world.capability(), world.capability("2.0")
    made, statements = paper.source.event.subject, [*filed, *filed_too]
    for capability in (first, second, first):
        job, registered = world.job(capability, [made])
        output = world.output(job)
        made = output.event.subject
        statements += [registered, output, world.complete(job, [made])]
    paper.licence, paper.index = world.licence(made, index=4), 4
    for statement in [*statements, paper.licence]:
        paper.append([statement])
    paper.grant, paper.issued_size = paper.log.index(paper.licence), len(paper.log)
    value = encode_credential(paper.credential())
    assert len(value["entries"]) == 46
    assert len(canonical.encode(value)) < MAX_PAYLOAD / 4
    assert check(paper, paper.staple()).answer is VALID


# --- dates, holder, question ------------------------------------------------------


def test_the_terms_decide(paper: Paper) -> None:
    found = check(paper, paper.staple(), ask="play in US on streaming")
    assert (found.answer, found.deciding.stage, found.deciding.term) == (NOT_VALID, Stage.QUESTION, "territory")
    assert found.deciding.clause is not None
    assert found.deciding.clause.en == "AT, CH, DE"


def test_a_prohibition_decides_even_without_a_status(paper: Paper) -> None:
    assert check(paper, None, ask="play in US on streaming").answer is NOT_VALID


def test_a_withheld_price_does_not_matter_and_a_withheld_territory_does(paper: Paper) -> None:
    assert check(paper, paper.staple(), credential=paper.credential("payment", "licensee")).answer is VALID
    found = check(paper, paper.staple(), credential=paper.credential("territory"))
    assert (found.answer, found.deciding.term) == (CANNOT_TELL, "territory")
    nothing = check(paper, paper.staple(), credential=paper.credential(*paper.licence.event.commitments))
    assert (nothing.answer, nothing.deciding.stage, nothing.deciding.term) == (CANNOT_TELL, Stage.DATES, "window")


def test_the_window_is_a_matter_of_dates() -> None:
    paper = Paper({"window": {"start": "2026-01-01T00:00:00Z", "end": "2026-02-02T00:00:00Z"}})
    staple = paper.staple()
    assert check(paper, staple, later=DAY - 1).answer is VALID
    found = check(paper, staple, later=DAY)
    assert (found.answer, found.deciding.stage, found.deciding.term) == (NOT_VALID, Stage.DATES, "window")


def test_an_instant_before_the_grant_was_logged_is_refused(paper: Paper) -> None:
    found = check(paper, None, later=-1)
    assert (found.answer, found.deciding.stage) == (NOT_VALID, Stage.DATES)
    assert "after 2026-01-31T23:59:59Z" in found.deciding.text.en


def test_the_holder_key(paper: Paper) -> None:
    right, wrong = paper.world.licensee.signer.public.kid.hex(), paper.world.studio.signer.public.kid.hex()
    unshown = check(paper, paper.staple())
    assert (unshown.answer, outcomes(unshown, Stage.HOLDER)) == (VALID, {Outcome.CONDITION})
    shown = check(paper, paper.staple(), holder_kid=right)
    assert (shown.answer, outcomes(shown, Stage.HOLDER)) == (VALID, {Outcome.MET})
    stolen = check(paper, paper.staple(), holder_kid=wrong)
    assert (stolen.answer, stolen.deciding.stage) == (NOT_VALID, Stage.HOLDER)
    hidden = check(paper, paper.staple(), holder_kid=right, credential=paper.credential("licensee"))
    assert (hidden.answer, hidden.deciding.stage) == (CANNOT_TELL, Stage.HOLDER)


@pytest.mark.parametrize("stage", ["issuer", "signature"])
def test_what_c2pa_refuses_is_not_valid(paper: Paper, stage: str) -> None:
    found = check(paper, paper.staple(), failed={stage: "refused"})
    assert (found.answer, found.deciding.stage.value) == (NOT_VALID, stage)


def test_without_a_credential_nothing_further_is_judged(paper: Paper) -> None:
    request = CheckRequest(parse_question(ASKED), paper.world.now(), FreshnessPolicy())
    found = check_licence(file_facts(None, signature="refused"), paper.trust, request, paper.staple())
    assert (found.answer, found.licence, found.status_as_of) == (NOT_VALID, None, None)
    assert [reason.stage for reason in found.reasons] == list(Stage)
    assert {reason.outcome for reason in found.reasons[2:]} == {Outcome.UNKNOWN}
    assert check_licence(file_facts(None), paper.trust, request, paper.staple()).answer is CANNOT_TELL


# --- what a file tells machines -------------------------------------------------


FLAGS = AiUse("prohibited", "prohibited", "prohibited", "prohibited")


def told(paper: Paper, *values: object, withheld: tuple[str, ...] = ()) -> LicenceCheck:
    facts = replace(file_facts(paper.credential(*withheld)), training=values)
    request = CheckRequest(parse_question(ASKED), format_time(paper.world.clock), FreshnessPolicy(7 * DAY))
    return check_licence(facts, paper.trust, request, paper.staple())


def test_a_file_that_tells_machines_what_the_licence_says(paper: Paper) -> None:
    found = told(paper, training_mining(FLAGS))
    assert found.answer is VALID
    assert "what the file tells machines is what the licence says" in {one.text.en for one in found.reasons}


@pytest.mark.parametrize("name", ["data_mining", "inference", "generative_training", "other_training"])
def test_a_file_that_tells_machines_something_else_contradicts_its_licence(paper: Paper, name: str) -> None:
    flags = replace(FLAGS, **{name: "prohibited" if getattr(FLAGS, name) == "permitted" else "permitted"})
    found = told(paper, training_mining(flags))
    assert (found.answer, found.deciding.stage) == (NOT_VALID, Stage.QUESTION)
    assert "the file contradicts its licence" in found.deciding.text.en


@pytest.mark.parametrize(
    "value", [None, {}, {"entries": {}}, {"entries": {"cawg.data_mining": {"use": "allowed"}}}, [1]]
)
def test_a_file_that_tells_machines_less_contradicts_its_licence(paper: Paper, value: object) -> None:
    assert told(paper, value).answer is NOT_VALID


def test_of_two_statements_to_machines_each_must_agree(paper: Paper) -> None:
    assert told(paper, training_mining(FLAGS), {"entries": {}}).answer is NOT_VALID


def test_what_cannot_be_compared_is_left_to_the_reader(paper: Paper) -> None:
    found = told(paper, {"entries": {}}, withheld=("ai_use",))
    assert [one.outcome for one in found.reasons if "cannot be compared" in one.text.en] == [Outcome.CONDITION]
