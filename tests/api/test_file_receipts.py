"""The log's receipt in a signed file: what it proves, and every receipt that proves nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.services.file_receipts import _recorded, subject_of
from credentials.signer import ClaimSigner
from credentials.update import Update, add_receipt
from tallystick import c2pa
from tallystick.base64s import from_base64, to_base64
from tallystick.c2pa import judge
from tallystick.c2pa.log_receipt import ReceiptFacts, logged_digests, verify_receipt
from tallystick.digests import digest_pair
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.schema import FieldError
from tallystick.versions import UnknownVersion
from tests.api.desk import PNG, Desk, anchoring, picture_bytes, told
from tests.api.test_licence_files import card_of, original_of, scratch
from tests.core.c2pa.kit import claim_signer


def update_of(desk: Desk, data: bytes, media_type: str = PNG, sidecar: bytes | None = None) -> httpx.Response:
    files: dict[str, Any] = {"file": ("card.png", data, media_type)}
    if sidecar is not None:
        files["sidecar"] = ("card.c2pa", sidecar, "application/c2pa")
    return desk.studio.post("/v1/signed-files/receipt", files=files)


def facts(desk: Desk, data: bytes, media_type: str = PNG, sidecar: bytes | None = None) -> ReceiptFacts:
    """What a stranger with the trust file alone learns from the file."""
    reading = c2pa.read(data, media_type, sidecar)
    at = datetime.fromtimestamp(desk.house.world.clock, UTC)
    verdict = judge(reading, c2pa.roots_of(desk.trust)[0], at)
    assert verdict.licence is not None
    found = logged_digests(reading, data)
    return verify_receipt(verdict.receipt, found, verdict.licence["licence"], desk.trust.logs, desk.house.world.clock)


def test_a_card_carries_its_own_proof(desk: Desk) -> None:
    licence, _ = desk.licence()
    card = card_of(desk, licence)
    answer = update_of(desk, card)
    assert (answer.status_code, answer.headers["content-type"]) == (200, PNG), answer.text
    proved = facts(desk, answer.content)
    assert (proved.subject, proved.body.purpose, proved.anchors, proved.stamps) == (licence, "card", (), ())
    assert (proved.body.file, proved.checkpoint.origin) == (proved.file, desk.house.services.settings.origin)
    assert proved.index < proved.checkpoint.size


def test_a_later_anchor_is_added_by_another_update(desk: Desk) -> None:
    licence, _ = desk.licence()
    first = update_of(desk, card_of(desk, licence)).content
    with anchoring(desk) as driver:
        size = driver.anchor()
        again = update_of(desk, first).content
    proved = facts(desk, again)
    assert (len(proved.anchors), proved.checkpoint.size) == (1, size)
    assert facts(desk, first).anchors == ()
    assert proved.file == facts(desk, first).file


def test_a_file_of_any_format_gets_a_sidecar_and_its_receipt(desk: Desk) -> None:
    object_id, data = desk.picture()
    licence = desk.grant(object_id, data)
    answer = original_of(desk, licence, data, "model/vnd.usd")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/c2pa")
    proved = facts(desk, data, "model/vnd.usd", update_of(desk, data, "model/vnd.usd", answer.content).content)
    assert (proved.subject, proved.body.purpose, proved.body.media_type) == (licence, "original", "application/c2pa")


def test_machines_are_told_what_the_licence_says(desk: Desk) -> None:
    licence, _ = desk.licence()
    reading = c2pa.read(card_of(desk, licence), PNG)
    [found] = [one for one in reading.manifest.assertions if one.label == "cawg.training-mining"]
    assert found.created
    assert set(found.value()["entries"]) == {
        "cawg.data_mining",
        "cawg.ai_inference",
        "cawg.ai_generative_training",
        "cawg.ai_training",
    }
    told(desk.studio.post(f"/v1/licences/{licence}/card", {"disclose": ["territory"]}))
    shown = desk.studio.get(f"/v1/licences/{licence}/card").content
    labels = {one.label for one in c2pa.read(shown, PNG).manifest.assertions}
    assert "cawg.training-mining" not in labels  # a term that is withheld is not told to machines either


def test_only_files_of_this_log_get_a_receipt(desk: Desk) -> None:
    licence, _ = desk.licence()
    card = card_of(desk, licence)
    strange = update_of(desk, picture_bytes(7))
    assert (strange.status_code, strange.json()["field"]) == (422, "file")
    assert update_of(desk, card[:-1] + b"\0").status_code == 404
    missing = desk.studio.post("/v1/signed-files/receipt", files={"other": ("a", b"b", PNG)})
    assert missing.status_code == 422
    assert desk.house.http.post("/v1/signed-files/receipt", files={"file": ("a", card, PNG)}).status_code == 401


def updated_by(desk: Desk, tmp_path: Path, card: bytes, signer: ClaimSigner, receipt: dict[str, Any]) -> bytes:
    """A card with one more update, of whoever signs."""
    (tmp_path / "card.png").write_bytes(card)
    when = datetime.fromtimestamp(desk.house.world.clock, UTC)
    return add_receipt(
        signer, tmp_path / "card.png", tmp_path / "more.png", Update(receipt, when), PNG
    ).path.read_bytes()


def test_nothing_is_signed_over_an_update_of_a_stranger(desk: Desk, tmp_path: Path) -> None:
    """The bytes below it are known to the log, but what the update says would stand under this service's signature."""
    card = card_of(desk, desk.licence()[0])
    strange = updated_by(desk, tmp_path, card, claim_signer(), {"v": 1, "says": "paid in full"})
    assert logged_digests(c2pa.read(strange, PNG), strange) == digest_pair(card)
    answer = update_of(desk, strange)
    assert (answer.status_code, answer.json()["field"]) == (422, "file")
    assert "signer.untrusted" in answer.text
    assert "send the file as it was issued" in answer.text
    told_of = update_of(desk, card)
    assert told_of.status_code == 200
    over_ours = updated_by(desk, tmp_path, told_of.content, claim_signer(), receipt_in(told_of.content))
    assert update_of(desk, over_ours).status_code == 422
    assert scratch(desk) == []


def test_an_update_of_ours_is_updated_again(desk: Desk) -> None:
    first = update_of(desk, card_of(desk, desk.licence()[0]))
    again = update_of(desk, first.content)
    assert again.status_code == 200
    assert len(c2pa.read(again.content, PNG).manifests) == 3


def test_a_file_as_it_was_issued_is_judged_as_of_its_entry(desk: Desk) -> None:
    """Its signer's certificate ran out since: the log knows that it was good when the file was made."""
    card = card_of(desk, desk.licence()[0])
    updated = update_of(desk, card).content
    [leaf, *_] = desk.house.services.licence_files._issuer.signer.chain
    before = desk.house.world.clock
    ended = int(leaf.not_valid_after_utc.timestamp()) + 60
    reading = c2pa.read(card, PNG)
    receipts = desk.house.services.file_receipts
    with desk.house.services.log.store.snapshot() as reads:
        record = _recorded(reads, subject_of(reading), logged_digests(reading, card))
    desk.house.world.clock = ended
    try:
        receipts._require_ours(reading, record)
        with pytest.raises(FieldError, match=r"signer\.expired.*send the file as it was issued"):
            receipts._require_ours(c2pa.read(updated, PNG), record)
    finally:
        desk.house.world.clock = before


def test_a_sidecar_has_a_limit(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is held in memory. Refused by its size, whatever is in it."""
    _, data = desk.picture()
    monkeypatch.setattr("api.routes.licences.MAX_SIDECAR_BYTES", 1000)
    for size, says in ((1000, "JUMBF"), (1001, "more than 1000 bytes")):
        answer = update_of(desk, data, "model/vnd.usd", bytes(size))
        assert (answer.status_code, answer.json()["field"]) == (422, "file" if size == 1000 else "sidecar")
        assert says in answer.json()["detail"]


FORGERIES: dict[str, tuple[Callable[[dict[str, Any], dict[str, Any]], None], str]] = {
    "of another licence": (lambda mine, other: mine.update(other), "another file"),
    "whose digests are another file's": (lambda mine, other: mine.update(file=other["file"]), "another file"),
    "with another file's entry": (
        lambda mine, other: mine.update(entry=other["entry"], index=other["index"], proof=other["proof"]),
        "does not record this file",
    ),
    "of another subject": (lambda mine, other: mine.update(subject=other["subject"]), "is of"),
    "at another index": (lambda mine, other: mine.update(index=mine["index"] - 1), "inclusion|root"),
    "with another path": (lambda mine, other: mine.update(proof=mine["proof"][1:]), "proof|hashes|root"),
    "under a checkpoint that nobody signed": (
        lambda mine, other: mine.update(checkpoint=mine["checkpoint"].replace("\n— ", "\n— x", 1)),
        "sign",
    ),
    "under a checkpoint of another log": (
        lambda mine, other: mine.update(checkpoint="other.example" + mine["checkpoint"]),
        "not trusted",
    ),
    "with an entry changed": (
        lambda mine, other: mine.update(entry=to_base64(from_base64(mine["entry"])[:-1] + b"\0")),
        "root",
    ),
    "with an anchor that is none": (
        lambda mine, other: mine.update(anchors=[to_base64(b"{}")]),
        "v: missing|missing|proof",
    ),
}


def receipt_in(data: bytes) -> dict[str, Any]:
    reading = c2pa.read(data, PNG)
    [found] = [one for one in reading.manifests[0].assertions if one.label == "org.tallystick.receipt"]
    value: dict[str, Any] = json.loads(found.content)
    return value


Cards = tuple[bytes, bytes, bytes]


@pytest.fixture(scope="module")
def two(desk: Desk) -> Cards:
    """A card, the same with its receipt, and another licence's with its own."""
    first, second = (card_of(desk, desk.licence()[0]) for _ in range(2))
    return first, update_of(desk, first).content, update_of(desk, second).content


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_receipt_proves_nothing(desk: Desk, two: Cards, tmp_path: Path, name: str) -> None:
    """Signed by the trusted signer itself: what a receipt says is checked against the log, not against a signature."""
    card, updated, other = two
    forge, says = FORGERIES[name]
    receipt = receipt_in(updated)
    forge(receipt, receipt_in(other))
    (tmp_path / "card.png").write_bytes(card)
    when = datetime.fromtimestamp(desk.house.world.clock, UTC)
    signer = desk.house.services.licence_files._issuer.signer
    out = add_receipt(signer, tmp_path / "card.png", tmp_path / "forged.png", Update(receipt, when), PNG).path
    with pytest.raises((VerificationFailed, MalformedInput), match=says):
        facts(desk, out.read_bytes())
    assert facts(desk, updated).subject == receipt_in(updated)["subject"]


def test_an_anchor_of_another_checkpoint_is_refused(desk: Desk) -> None:
    licence, _ = desk.licence()
    card = card_of(desk, licence)
    with anchoring(desk) as driver:
        driver.anchor()
        early = update_of(desk, card).content
    fresh = receipt_in(update_of(desk, card_of(desk, desk.licence()[0])).content)
    value = receipt_in(early)
    reading = c2pa.read(early, PNG)
    found = logged_digests(reading, early)
    assert len(verify_receipt(value, found, licence, desk.trust.logs, desk.house.world.clock).anchors) == 1
    moved = {**value, "checkpoint": fresh["checkpoint"]}
    with pytest.raises(VerificationFailed):
        verify_receipt(moved, found, licence, desk.trust.logs, desk.house.world.clock)
    with pytest.raises(UnknownVersion):
        verify_receipt({**value, "v": 2}, found, licence, desk.trust.logs, desk.house.world.clock)
    with pytest.raises(MalformedInput):
        verify_receipt({**value, "more": 1}, found, licence, desk.trust.logs, desk.house.world.clock)
