"""As of an instant: what was signed after it, a checkpoint, a cosignature or a timestamp, is not shown as proved."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tallystick import c2pa
from tallystick.__main__ import main
from tallystick.base64s import to_base64
from tallystick.c2pa.log_receipt import ReceiptFacts, logged_digests, verify_receipt
from tallystick.cosignature import cosign_ml_dsa, parse_witness
from tallystick.errors import VerificationFailed
from tallystick.licence.file import read_licence_file
from tallystick.note import COSIGNATURE_ML_DSA_44, Note, parse_note, verifier_key
from tallystick.times import format_time
from tallystick.timestamp import Authority
from tests.api.desk import PNG, Desk
from tests.api.test_certificate_cards import card
from tests.api.test_certificates import issue
from tests.api.test_file_receipts import receipt_in, update_of
from tests.api.test_licence_files import card_of
from tests.core.timestamp.forge import AUTHORITY, Recipe, holder, token
from tests.world import key_from

DAY = 86_400
WITNESS = key_from("witness", "ml-dsa-44")
ROOT = holder("root of the clock", None, AUTHORITY)
CLOCK = holder("the clock", ROOT)


@dataclasses.dataclass
class Later:
    """Files of the first day, with receipts of the second."""

    first: int
    second: int
    licence: bytes
    certificate: bytes


@pytest.fixture(scope="module")
def later(desk: Desk) -> Later:
    licence, world = card_of(desk, desk.licence()[0]), desk.house.world
    certificate, _ = card(desk, issue(desk, "2026-L-1")["certificate"])
    first = world.clock
    world.clock += DAY
    desk.picture()
    desk.publish()
    return Later(first, world.clock, update_of(desk, licence).content, update_of(desk, certificate).content)


def test_the_receipt_of_a_licence_file_is_not_older_than_it_says(desk: Desk, later: Later, tmp_path: Path) -> None:
    path = tmp_path / "card.png"
    path.write_bytes(later.licence)
    for at, outcome in ((later.first, "not-proved"), (later.second - 1, "not-proved"), (later.second, "proved")):
        found = read_licence_file(path, desk.trust, format_time(at)).receipt
        assert found is not None
        assert (found.outcome, "after the time of this check" in found.detail) == (outcome, outcome == "not-proved")


def test_the_receipt_of_a_card_of_a_certificate_neither(
    desk: Desk, later: Later, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "card.png").write_bytes(later.certificate)
    (tmp_path / "trust.json").write_bytes(desk.house.http.get("/v1/trust").content)
    for at, proved in ((later.first, False), (later.second, True)):
        asked = ["--trust", str(tmp_path / "trust.json"), "--at", format_time(at)]
        assert main(["verify-certificate", str(tmp_path / "card.png"), *asked]) == 0
        said = capsys.readouterr().out
        assert ("receipt of the log: PROVED" in said, "signed after the time of this check" in said) == (
            proved,
            not proved,
        )


def verified(desk: Desk, later: Later, at: int, **changes: Any) -> ReceiptFacts:
    """The receipt of the licence file, with something more in it."""
    found = logged_digests(c2pa.read(later.licence, PNG), later.licence)
    receipt = {**receipt_in(later.licence), **changes}
    (origin,) = desk.trust.logs
    key = verifier_key("witness.example", COSIGNATURE_ML_DSA_44, WITNESS.public.raw)
    demanding = dataclasses.replace(
        desk.trust.logs[origin], witnesses=(parse_witness(key),), quorum=int("checkpoint" in changes)
    )
    clocks = (Authority("the clock", ROOT.der, False),)
    return verify_receipt(receipt, found, receipt["subject"], {origin: demanding}, at, clocks)


def test_a_cosignature_of_later_does_not_count(desk: Desk, later: Later) -> None:
    note = parse_note(receipt_in(later.licence)["checkpoint"].encode())
    line = cosign_ml_dsa(note.text, "witness.example", WITNESS, later.second + 60)
    checkpoint = Note(note.text, (*note.signatures, line)).encode()
    with pytest.raises(VerificationFailed, match="0 of the trusted witnesses cosigned by then"):
        verified(desk, later, later.second + 59, checkpoint=checkpoint)
    assert verified(desk, later, later.second + 60, checkpoint=checkpoint).checkpoint.size > 0


@pytest.mark.parametrize("accuracy", [0, 10])
def test_a_timestamp_of_later_does_not_hold(desk: Desk, later: Later, accuracy: int) -> None:
    """What it is over existed by its time and its accuracy together, as everywhere: before that it proves nothing."""
    made, text = later.second + 60, parse_note(receipt_in(later.licence)["checkpoint"].encode()).text
    when = datetime.fromtimestamp(0, UTC) + timedelta(seconds=made)
    recipe = Recipe(CLOCK, text.encode(), gen_time=when, accuracy={"seconds": accuracy} if accuracy else None)
    stamps = [to_base64(token(recipe))]
    (fact,) = verified(desk, later, made + accuracy, timestamps=stamps).stamps
    assert fact.gen_time == made * 1_000_000
    with pytest.raises(VerificationFailed, match="a timestamp in the receipt was signed after the time of this check"):
        verified(desk, later, made + accuracy - 1, timestamps=stamps)
