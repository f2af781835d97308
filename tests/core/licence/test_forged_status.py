"""A staple that proves nothing can give validity to nobody, and take it from nobody."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from tallystick.base64s import to_base64
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.keys import LocalSigner
from tallystick.licence.check import (
    LicenceAnswer,
    Stage,
)
from tallystick.licence.grant import prove_grant
from tallystick.licence.staple import StatusStaple, decode_staple, encode_staple, prove_status
from tallystick.licence.status_list import FreshnessPolicy, Status, StatusFromFuture, StatusRefused
from tallystick.times import UnixSeconds, parse_time
from tests.world import key_from

from .paper import DAY, Paper, check, stranger


@pytest.fixture(scope="module")
def paper() -> Paper:
    return Paper()


def forged(paper: Paper, **changes: Any) -> StatusStaple:
    return dataclasses.replace(paper.staple(), **changes)


FORGED_STATUS: dict[str, Any] = {
    "signed by another key": lambda paper: paper.staple(signer=key_from("thief")),
    "signed by the log's checkpoint key": lambda paper: paper.staple(signer=paper.world.roles["log"]),
    "signed by the service": lambda paper: paper.staple(signer=paper.world.roles["service"]),
    "another list": lambda paper: paper.staple(uri="https://log.example/status/2"),
    "a list too short for the index": lambda paper: paper.staple(count=3, packed=b"\x11"),
    "an index in the padding": lambda paper: paper.staple(count=2, packed=b"\x01"),
    "from the future": lambda paper: paper.staple(issued_at=paper.world.clock + 1, expires_at=paper.world.clock + DAY),
    "issued before the status key was valid": lambda paper: paper.staple(issued_at=parse_time("2025-12-31T23:59:59Z")),
    "computed from another tree": lambda paper: paper.staple(
        checkpoint=dataclasses.replace(paper.checkpoint(), root=bytes(32))
    ),
    "computed from another size": lambda paper: paper.staple(checkpoint=paper.checkpoint(5)),
    "checkpoint of another size": lambda paper: forged(paper, checkpoint=paper.note(8)),
    "checkpoint of another log": lambda paper: forged(paper, checkpoint=stranger().note()),
    "checkpoint from before the grant": lambda paper: dataclasses.replace(
        paper.staple(checkpoint=paper.checkpoint(5)), checkpoint=paper.note(5), proof=()
    ),
    "proof of another entry": lambda paper: forged(paper, proof=paper.proof(paper.grant - 1)),
    "proof without its last hash": lambda paper: forged(paper, proof=paper.proof(paper.grant)[:-1]),
    "no proof": lambda paper: forged(paper, proof=()),
    "another log's staple": lambda paper: stranger().staple(),
}


@pytest.mark.parametrize("name", FORGED_STATUS)
def test_a_status_that_proves_nothing_leaves_the_answer_open(paper: Paper, name: str) -> None:
    staple = FORGED_STATUS[name](paper)
    with pytest.raises(VerificationFailed):
        prove_status(
            staple,
            prove_grant(paper.credential(), paper.trust),
            UnixSeconds(paper.world.clock),
            FreshnessPolicy(),
        )
    found = check(paper, staple)
    assert (found.answer, found.deciding.stage) == (LicenceAnswer.CANNOT_TELL, Stage.STATUS)
    assert found.deciding.text.en.startswith("the status that was given proves nothing: ")
    assert found.status_as_of is None


def test_the_reason_of_a_future_list_is_its_own(paper: Paper) -> None:
    staple, grant = FORGED_STATUS["from the future"](paper), prove_grant(paper.credential(), paper.trust)
    with pytest.raises(StatusFromFuture):
        prove_status(staple, grant, UnixSeconds(paper.world.clock), FreshnessPolicy())


def test_a_malformed_token_is_malformed_input(paper: Paper) -> None:
    with pytest.raises(MalformedInput):
        check(paper, forged(paper, list=to_base64(b"\xd2")))


def test_no_byte_of_a_staple_can_be_flipped(paper: Paper) -> None:
    """A changed staple is malformed or proves nothing; never does a changed one read *valid*."""
    data = bytearray(encode_staple(paper.staple(Status.INVALID)))
    grant = prove_grant(paper.credential(), paper.trust)
    for position in range(0, len(data), 3):
        bad = bytearray(data)
        bad[position] ^= 1
        with pytest.raises((MalformedInput, VerificationFailed)):
            prove_status(decode_staple(bytes(bad)), grant, UnixSeconds(paper.world.clock), FreshnessPolicy())


def test_another_key_of_the_log_is_no_status_key(paper: Paper) -> None:
    for role, signer in paper.world.roles.items():
        if role in ("status", "authority"):
            continue
        with pytest.raises(StatusRefused, match="the trusted status key is"):
            prove_status(
                paper.staple(signer=LocalSigner(signer.private)),
                prove_grant(paper.credential(), paper.trust),
                UnixSeconds(paper.world.clock),
                FreshnessPolicy(),
            )
