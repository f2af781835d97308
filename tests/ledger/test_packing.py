"""What goes through the queue comes out of it as it was."""

from __future__ import annotations

import pytest

from ledger.errors import Conflict, OutcomeUnknown
from ledger.shared.packing import pack_outcomes, pack_submissions, unpack_outcomes, unpack_submissions
from ledger.submission import Outcome, Receipt, prepare
from tallystick.admission import Refused
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.schema import FieldError
from tests.world import World


def test_submissions() -> None:
    world = World()
    said = world.main_job()
    keys = (None, world.registrar.signer.public, world.roles["authority"].public)
    submissions = [
        prepare(one, world.disclosures.get(one.statement_id, ()), keys[at % 3]) for at, one in enumerate(said)
    ]
    assert unpack_submissions(pack_submissions(submissions)) == submissions
    assert any(one.disclosures for one in submissions)
    assert unpack_submissions(pack_submissions([])) == []


OUTCOMES: list[Outcome] = [
    Receipt(7, 9, 1_700_000_000, False),
    Receipt(1 << 40, 1 << 41, 1, True),
    Refused("not-holder", "subject", "found ä", "do b"),
    Conflict("p", "e", 4),
    FieldError("body.x", "is no number"),
    MalformedInput("no form"),
    VerificationFailed("does not open"),
]


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda one: type(one).__name__)
def test_outcomes(outcome: Outcome) -> None:
    (found,) = unpack_outcomes(pack_outcomes([outcome]))
    assert type(found) is type(outcome)
    if isinstance(outcome, Receipt):
        assert found == outcome
    else:
        assert (str(found), vars(found)) == (str(outcome), vars(outcome))


def test_a_fault_of_the_sequencer_is_an_unknown_outcome() -> None:
    (found,) = unpack_outcomes(pack_outcomes([ZeroDivisionError("by zero")]))
    assert isinstance(found, OutcomeUnknown)
    assert "by zero" in str(found)
