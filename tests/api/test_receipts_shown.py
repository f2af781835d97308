"""The log's receipt in a licence file, as `license check` and the service show it: three outcomes, two languages."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tallystick.__main__ import main
from tallystick.base64s import from_base64, to_base64
from tallystick.c2pa.receipt_shown import receipt_words
from tallystick.licence.file import read_licence_file
from tallystick.trust import Trust
from tests.api.desk import PNG, Desk, anchoring
from tests.api.house import open_house
from tests.api.test_file_receipts import receipt_in, update_of, updated_by
from tests.api.test_licence_files import card_of

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "licence-check.schema.json").read_text())


def shown(desk: Desk, tmp_path: Path, data: bytes, trust: Trust | None = None) -> Any:
    """What a reader of the file is shown of its receipt."""
    path = tmp_path / "shown.png"
    path.write_bytes(data)
    facts = read_licence_file(path, trust or desk.trust, desk.house.world.now())
    assert facts.credential is not None, (facts.issuer, facts.signature)
    return facts.receipt


def printed(desk: Desk, tmp_path: Path, data: bytes, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, str]:
    path, trust = tmp_path / "printed.png", tmp_path / "trust.json"
    path.write_bytes(data)
    trust.write_bytes(desk.house.http.get("/v1/trust").content)
    asked = ["--trust", str(trust), "--for", "play in DE on streaming", "--at", desk.house.world.now(), *more]
    status = main(["license", "check", str(path), *asked])
    return status, capsys.readouterr().out


@pytest.fixture(scope="module")
def card(desk: Desk) -> bytes:
    return card_of(desk, desk.licence()[0])


@pytest.fixture(scope="module")
def updated(desk: Desk, card: bytes) -> bytes:
    return update_of(desk, card).content


def test_a_receipt_is_proved_and_shown(
    desk: Desk, card: bytes, updated: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    receipt = receipt_in(updated)
    found = shown(desk, tmp_path, updated)
    origin = desk.house.services.settings.origin
    assert (found.outcome, found.log, found.index, found.detail) == ("proved", origin, receipt["index"], "")
    assert shown(desk, tmp_path, card) is None
    bare, without = printed(desk, tmp_path, card, capsys)
    status, said = printed(desk, tmp_path, updated, capsys)
    assert (status, "receipt of the log" in without) == (bare, False), "it decides nothing"
    assert f"receipt of the log: PROVED: entry {found.index} of {origin} records this file as it was issued" in said
    assert f"size {found.size}, root {found.root}" in said
    assert (
        f"日志回执：已证明：日志{origin}第{found.index}条"
        in printed(desk, tmp_path, updated, capsys, "--lang", "zh")[1]
    )


def test_programs_get_it_in_one_form(
    desk: Desk, updated: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = json.loads(printed(desk, tmp_path, updated, capsys, "--json")[1])
    jsonschema.validate(here, SCHEMA)
    assert (here["receipt"]["outcome"], set(here["receipt"]["text"])) == ("proved", {"zh", "en"})
    files = {"file": ("card.png", updated, PNG)}
    there = desk.studio.post("/v1/licences/check", data={"question": "play in DE on streaming"}, files=files)
    assert there.status_code == 200, there.text
    assert there.json()["receipt"] == here["receipt"]


def test_anchors_that_it_brings_are_counted(desk: Desk, card: bytes, tmp_path: Path) -> None:
    with anchoring(desk) as driver:
        driver.anchor()
        data = update_of(desk, card).content
    found = shown(desk, tmp_path, data)
    assert (found.outcome, found.anchors) == ("proved", 1)
    assert "it brings 1 anchor proofs, not judged here" in receipt_words(found).en


def flipped(receipt: dict[str, Any], other: dict[str, Any]) -> None:
    first = from_base64(receipt["proof"][0])
    receipt["proof"][0] = to_base64(bytes([first[0] ^ 1]) + first[1:])


ATTACKS = {
    "of another entry": lambda mine, other: mine.update(
        entry=other["entry"], index=other["index"], proof=other["proof"]
    ),
    "of another file": lambda mine, other: mine.update(other),
    "with a flipped path": flipped,
    "at another index": lambda mine, other: mine.update(index=mine["index"] - 1),
    "under a checkpoint that nobody signed": lambda mine, other: mine.update(
        checkpoint=mine["checkpoint"].replace("\n— ", "\n— x", 1)
    ),
    "of a later version": lambda mine, other: mine.update(v=9),
    "with a member more": lambda mine, other: mine.update(more=1),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_a_forged_receipt_is_shown_as_not_proved(
    desk: Desk, card: bytes, updated: bytes, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Signed by the trusted signer himself."""
    receipt = receipt_in(updated)
    ATTACKS[name](receipt, receipt_in(update_of(desk, card_of(desk, desk.licence()[0])).content))
    signer = desk.house.services.licence_files._issuer.signer
    data = updated_by(desk, tmp_path, card, signer, receipt)
    found = shown(desk, tmp_path, data)
    assert (found.outcome, found.index, bool(found.detail)) == ("not-proved", None, True)
    assert "receipt of the log: NOT PROVED" in printed(desk, tmp_path, data, capsys)[1]
    jsonschema.validate(json.loads(printed(desk, tmp_path, data, capsys, "--json")[1]), SCHEMA)


def test_a_receipt_of_a_log_that_the_reader_does_not_know(desk: Desk, updated: bytes, tmp_path: Path) -> None:
    """The signer is trusted, the log is not named: whether it ever had that root is for the reader to find out."""
    named, unnamed = shown(desk, tmp_path, updated), shown(desk, tmp_path, updated, replace(desk.trust, logs={}))
    assert unnamed.outcome == "needs-external-fact"
    assert (unnamed.log, unnamed.index, unnamed.size, unnamed.root) == (named.log, named.index, named.size, named.root)
    words = receipt_words(unnamed)
    assert ("NEEDS AN EXTERNAL FACT" in words.en, "需要外部事实" in words.zh) == (True, True)
    assert (str(unnamed.root) in words.en, str(unnamed.root) in words.zh) == (True, True)


def test_a_receipt_by_another_log_of_another_file_proves_nothing(
    desk: Desk, card: bytes, updated: bytes, tmp_path: Path
) -> None:
    with open_house(tmp_path / "strange", origin="log.example/strange") as house:
        strange = Desk(house, house.party("studio"), house.party("licensee"))
        theirs = receipt_in(update_of(strange, card_of(strange, strange.licence()[0])).content)
    signer = desk.house.services.licence_files._issuer.signer
    own = receipt_in(updated)
    for receipt in (theirs, {**own, "checkpoint": theirs["checkpoint"]}, {**own, "proof": own["proof"][1:]}):
        found = shown(desk, tmp_path, updated_by(desk, tmp_path, card, signer, receipt), replace(desk.trust, logs={}))
        assert (found.outcome, found.root) == ("not-proved", None)


def test_a_quorum_that_is_missing_is_not_proved(desk: Desk, updated: bytes, tmp_path: Path) -> None:
    (origin,) = desk.trust.logs
    demanding = replace(desk.trust.logs[origin], witnesses=(), quorum=1)
    found = shown(desk, tmp_path, updated, replace(desk.trust, logs={origin: demanding}))
    assert found.outcome == "not-proved"
