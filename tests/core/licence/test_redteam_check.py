"""Answers that said more than was checked: unwitnessed trees, statuses dated back, files of another asset."""

from __future__ import annotations

import dataclasses

import pytest

from tallystick.cosignature import cosign_ml_dsa
from tallystick.errors import MalformedInput
from tallystick.licence.check import LicenceAnswer, LicenceCheck, Outcome, Stage
from tallystick.licence.credential import LicenceCredential
from tallystick.licence.staple import StatusStaple
from tallystick.note import COSIGNATURE_ML_DSA_44, Note, parse_note, verifier_key
from tallystick.trust import LogTrust, Trust, TrustFile, Witnesses, encode_trust, parse_trust, trusted_log
from tests.core.licence.paper import DAY, Paper, check
from tests.world import key_from

WITNESS = key_from("witness", "ml-dsa-44")
KEY = verifier_key("witness.example", COSIGNATURE_ML_DSA_44, WITNESS.public.raw)


@pytest.fixture(scope="module")
def paper() -> Paper:
    return Paper()


def reason(found: LicenceCheck, stage: Stage) -> tuple[Outcome, str]:
    (one,) = [each for each in found.reasons if each.stage is stage]
    return one.outcome, one.text.en


# --- witnesses: what the trust file demands of a checkpoint, it demands everywhere -----------


def trust_with(paper: Paper, quorum: int) -> Trust:
    log = trusted_log(paper.world.signers.keys, paper.world.registrar.signer.public)
    witnesses = Witnesses((KEY,), quorum)
    file = TrustFile(1, "a court", "2026-01-01T00:00:00Z", (log,), (), (), (), (), False, witnesses, DAY, ())
    return parse_trust(encode_trust(file))


def cosigned(note: str, seconds: int) -> str:
    parsed = parse_note(note.encode())
    return Note(
        parsed.text, (*parsed.signatures, cosign_ml_dsa(parsed.text, "witness.example", WITNESS, seconds))
    ).encode()


def witnessed(paper: Paper, credential: bool, staple: bool) -> tuple[LicenceCredential, StatusStaple]:
    held, status = paper.credential(), paper.staple()
    if credential:
        held = dataclasses.replace(held, checkpoint=cosigned(held.checkpoint, paper.world.clock))
    if staple:
        status = dataclasses.replace(status, checkpoint=cosigned(status.checkpoint, paper.world.clock))
    return held, status


@pytest.mark.parametrize(
    ("credential", "staple", "quorum", "answer"),
    [
        (False, False, 0, LicenceAnswer.VALID),
        (True, True, 1, LicenceAnswer.VALID),
        (False, True, 1, LicenceAnswer.NOT_VALID),
        (True, False, 1, LicenceAnswer.CANNOT_TELL),
        (False, False, 1, LicenceAnswer.NOT_VALID),
    ],
)
def test_a_tree_that_no_witness_saw(
    paper: Paper, credential: bool, staple: bool, quorum: int, answer: LicenceAnswer
) -> None:
    """An operator shows a licensee a tree of its own: the quorum of the trust file is there to refuse it."""
    held, status = witnessed(paper, credential, staple)
    found = check(paper, status, credential=held, trust=trust_with(paper, quorum).logs)
    assert found.answer is answer
    if answer is not LicenceAnswer.VALID:
        assert "witness" in found.deciding.text.en


def test_a_spoiled_cosignature_does_not_count(paper: Paper) -> None:
    held, status = witnessed(paper, True, True)
    of_another_tree = cosigned(paper.note(5), paper.world.clock).splitlines(keepends=True)[-1]
    lines = held.checkpoint.splitlines(keepends=True)[:-1]
    spoiled = dataclasses.replace(held, checkpoint="".join([*lines, of_another_tree]))
    found = check(paper, status, credential=spoiled, trust=trust_with(paper, 1).logs)
    assert found.answer is LicenceAnswer.NOT_VALID


# --- the status ------------------------------------------------------------------------------


def test_a_list_dated_before_the_tree_that_it_speaks_of(paper: Paper) -> None:
    """Who holds the status key dates a list back; the log's own signature on the tree is later."""
    paper = Paper()
    credential = paper.credential()
    paper.world.clock += DAY
    backdated = paper.staple(issued_at=paper.world.clock - DAY)
    found = check(paper, backdated, credential=credential, later=-DAY)
    assert (found.answer, found.deciding.stage) == (LicenceAnswer.CANNOT_TELL, Stage.STATUS)
    assert "before the checkpoint that it names was signed" in found.deciding.text.en


def test_the_words_say_on_whose_word_it_rests(paper: Paper) -> None:
    """A list is the status key's word: no proof leads from its bits to the tree that it names."""
    found = check(paper, paper.staple())
    outcome, status = reason(found, Stage.STATUS)
    assert outcome is Outcome.MET
    assert "by the word of the log's status key" in status
    assert "the status list names the same" in reason(found, Stage.INCLUSION)[1]
    dates = next(each for each in found.reasons if each.stage is Stage.DATES)
    assert dates.text.en.endswith("by the operator's word")


# --- the asset ---------------------------------------------------------------------------------


def test_what_is_licensed_is_named_and_left_to_the_reader(paper: Paper) -> None:
    """A signer under the trusted roots can put a true licence into any picture: VALID must not pass for its asset."""
    found = check(paper, paper.staple())
    (asset,) = [each for each in found.reasons if each.term == "asset"]
    assert asset.outcome is Outcome.CONDITION
    assert asset.clause is not None
    assert paper.source.event.subject in asset.clause.en
    assert "compare" in asset.text.en


def test_a_withheld_asset_is_said_to_be_withheld(paper: Paper) -> None:
    found = check(paper, paper.staple(), credential=paper.credential("asset"))
    (asset,) = [each for each in found.reasons if each.term == "asset"]
    assert asset.clause is not None
    assert (asset.outcome, asset.clause.en) == (Outcome.CONDITION, "(withheld)")


def test_log_trust_without_witnesses_demands_none(paper: Paper) -> None:
    trust = LogTrust(paper.world.signers.keys, paper.world.registrar.signer.public)
    assert (trust.witnesses, trust.quorum) == ((), 0)
    trust.require_quorum(parse_note(paper.note().encode()))


def test_a_log_is_not_its_own_witness(paper: Paper) -> None:
    """Its second verifier key has the form of a witness's: copied into the wrong list it would always be there."""
    log = trusted_log(paper.world.signers.keys, paper.world.registrar.signer.public)
    witnesses = Witnesses((log.keys[1],), 1)
    file = TrustFile(1, "a court", "2026-01-01T00:00:00Z", (log,), (), (), (), (), False, witnesses, DAY, ())
    with pytest.raises(MalformedInput, match="cosign for itself"):
        encode_trust(file)
