"""Transparent statements: receipts go in and out, the entry's bytes stay; a trust file decides whose receipts count."""

from __future__ import annotations

from dataclasses import replace

import cbor2
import pytest

from tallystick import cose
from tallystick.checkpoint import Checkpoint
from tallystick.errors import MalformedInput, TallystickError, VerificationFailed
from tallystick.key_history import Replacement
from tallystick.merkle import node_hash, prove_inclusion, root_from_inclusion
from tallystick.receipt import MAX_RECEIPT_BYTES, Included, sign_inclusion
from tallystick.statement import parse_statement
from tallystick.transparent import MAX_RECEIPTS, attach, split, verify_receipts
from tallystick.tree_head import sign_checkpoint
from tallystick.trust import Trust, encode_trust, parse_trust
from tests.core.test_receipt import (
    ENTRIES,
    GOOD,
    GOOD_ENTRY,
    LEAVES,
    LOG,
    LONGER,
    ORIGIN,
    WORLD,
    Tree,
    head,
    receipt,
)
from tests.core.test_receipt_attacks import PATH, forge, set_claim, set_unprotected
from tests.core.test_trust import file
from tests.world import START, key_from

TRUST: Trust = parse_trust(encode_trust(file()))
WHOLE = attach(GOOD_ENTRY, [GOOD])
LATER = receipt(5, 17)


def test_receipts_go_in_and_come_out_and_the_entry_is_the_same() -> None:
    for receipts in ([GOOD], [GOOD, LATER], [LATER, GOOD]):
        data = attach(GOOD_ENTRY, receipts)
        assert split(data) == (GOOD_ENTRY, tuple(receipts))
        tag = cbor2.loads(data)
        assert tag.tag == 18
        assert tag.value[1] == {394: receipts}
        assert [tag.value[0], {}, *tag.value[2:]] == cbor2.loads(GOOD_ENTRY).value
    for entry in ENTRIES:
        assert split(attach(entry, [GOOD]))[0] == entry


def test_the_statement_within_verifies_as_before() -> None:
    statement = parse_statement(split(WHOLE)[0])
    statement.verify(key_from("little world/studio").public)
    with pytest.raises(VerificationFailed):
        statement.verify(key_from("little world/provider").public)


def test_receipts_of_trusted_logs_prove_the_entry() -> None:
    entry, receipts = split(attach(GOOD_ENTRY, [GOOD, LATER]))
    proved = verify_receipts(entry, receipts, TRUST)
    assert proved.entry == GOOD_ENTRY
    assert proved.included == tuple(
        Included(ORIGIN, LOG.public.kid, LEAVES[5], 5, size, head(size).root) for size in (11, 17)
    )
    assert proved.unread == ()


STRANGER = key_from("stranger")
FOREIGN = sign_inclusion(STRANGER, head(11, "log.example/stranger"), GOOD_ENTRY, 5, PATH)
OTHER_KIND = cose.sign1(STRANGER, {395: 2}, b"root", detached=True, unprotected={396: {-1: [b"proof"]}})


def test_receipts_of_others_are_left_unread_and_named() -> None:
    proved = verify_receipts(GOOD_ENTRY, [FOREIGN, OTHER_KIND, GOOD, LONGER], TRUST)
    assert [one.size for one in proved.included] == [11]
    assert len(proved.unread) == 3
    assert proved.unread[0] == "receipt 1: the trust file names no log 'log.example/stranger'"
    assert proved.unread[1].startswith("receipt 2: the protected header has labels")
    assert proved.unread[2].startswith("receipt 4: this is a consistency receipt")


@pytest.mark.parametrize("receipts", [[FOREIGN], [OTHER_KIND], [LONGER], [b"\0"], []], ids=range(5))
def test_without_a_trusted_log_nothing_is_proved(receipts: list[bytes]) -> None:
    with pytest.raises(VerificationFailed, match="no receipt is of a log"):
        verify_receipts(GOOD_ENTRY, receipts, TRUST)


IN_ITS_NAME = {
    "of another entry": receipt(6, 11),
    "signed by another key": sign_inclusion(STRANGER, head(11), GOOD_ENTRY, 5, PATH),
    "about another subject": forge(set_claim(2, "10.5555/A-0000-0000-0000-0000-0")),
    "with another path": forge(
        set_unprotected({396: {-1: [cose.dump([11, 5, [bytes(32), *PATH[1:]]])]}}),
    ),
}


@pytest.mark.parametrize("name", IN_ITS_NAME)
@pytest.mark.parametrize("beside_a_good_one", [True, False])
def test_a_bad_receipt_in_the_name_of_a_trusted_log_spoils_all(name: str, beside_a_good_one: bool) -> None:
    receipts = [GOOD, IN_ITS_NAME[name]] if beside_a_good_one else [IN_ITS_NAME[name]]
    with pytest.raises(VerificationFailed):
        verify_receipts(GOOD_ENTRY, receipts, TRUST)


def test_a_log_that_contradicts_itself_is_convicted() -> None:
    path = [bytes(32), *PATH[1:]]
    other = Checkpoint(ORIGIN, 11, root_from_inclusion(LEAVES[5], 5, 11, path))
    with pytest.raises(VerificationFailed, match="signed two roots of 11 leaves"):
        verify_receipts(GOOD_ENTRY, [GOOD, sign_inclusion(LOG, other, GOOD_ENTRY, 5, path)], TRUST)
    pair = Checkpoint(ORIGIN, 2, node_hash(bytes(32), LEAVES[5]))
    with pytest.raises(VerificationFailed, match="two places of one statement, 5 and 1"):
        verify_receipts(GOOD_ENTRY, [GOOD, sign_inclusion(LOG, pair, GOOD_ENTRY, 1, [bytes(32)])], TRUST)


def with_unprotected(value: object, entry: bytes = GOOD_ENTRY) -> bytes:
    protected, _, payload, signature = cbor2.loads(entry).value
    return cose.dump(cbor2.CBORTag(18, [protected, value, payload, signature]))


REFUSED = {
    "no receipts": GOOD_ENTRY,
    "an empty list": with_unprotected({394: []}),
    "a bare receipt": with_unprotected({394: GOOD}),
    "a map": with_unprotected({394: {0: GOOD}}),
    "an array, not bytes": with_unprotected({394: [[GOOD]]}),
    "a number": with_unprotected({394: [1 << 40]}),
    "one too many": with_unprotected({394: [receipt(5, size) for size in (*range(6, 21),)] + [GOOD + b"1", b"2"]}),
    "one twice": with_unprotected({394: [GOOD, GOOD]}),
    "one too long": with_unprotected({394: [bytes(MAX_RECEIPT_BYTES + 1)]}),
    "another label beside": with_unprotected({394: [GOOD], 4: b"kid"}),
    "the draft's receipts, -334": with_unprotected({-334: [GOOD]}),
    "a text label": with_unprotected({"receipts": [GOOD]}),
    "a timestamp": with_unprotected({270: b"tst", 394: [GOOD]}),
    "no tag": WHOLE[1:],
    "a trailing byte": WHOLE + b"\0",
    "receipts of indefinite length": WHOLE.replace(b"\xa1\x19\x01\x8a\x81", b"\xa1\x19\x01\x8a\x9f"),
    "a detached payload": cose.sign1(LOG, {15: {2: "x"}}, b"?", detached=True, unprotected={394: [GOOD]}),
    "a statement that is too long": with_unprotected({394: [GOOD]}, cose.sign1(LOG, {}, bytes(65_500))),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_transparent_statement(name: str) -> None:
    assert REFUSED[name] != WHOLE
    with pytest.raises(MalformedInput):
        split(REFUSED[name])


def test_what_cannot_be_attached() -> None:
    for receipts in ([], [GOOD, GOOD], [bytes(MAX_RECEIPT_BYTES + 1)], [bytes([n]) for n in range(MAX_RECEIPTS + 1)]):
        with pytest.raises(MalformedInput):
            attach(GOOD_ENTRY, receipts)
    with pytest.raises(MalformedInput, match="split it first"):
        attach(WHOLE, [LATER])


def test_the_entry_of_a_log_never_carries_receipts() -> None:
    with pytest.raises(MalformedInput, match="unprotected header of a statement must be empty"):
        parse_statement(WHOLE)


def test_every_changed_byte_of_the_whole_is_refused() -> None:
    def verify(data: bytes) -> None:
        verify_receipts(*split(data), TRUST)

    verify(WHOLE)
    for at in range(len(WHOLE)):
        with pytest.raises(TallystickError):
            verify(WHOLE[:at] + bytes([WHOLE[at] ^ 1]) + WHOLE[at + 1 :])


# --- keys that were replaced ---------------------------------------------------------

NEW = key_from("the next log key")
ROTATED = parse_trust(
    encode_trust(
        file(
            v=2,
            logs=(
                replace(
                    file().logs[0],
                    replaced=(Replacement(10, "2026-02-01T00:00:00Z", "log", NEW.public.to_text()),),
                ),
            ),
        )
    )
)


def test_each_receipt_is_by_the_key_of_its_size() -> None:
    """The rotation at 10 is the last entry under the old key: the tree of 11 is the first for the new one."""
    old, new = receipt(5, 10), sign_inclusion(NEW, head(11), GOOD_ENTRY, 5, PATH)
    assert [one.size for one in verify_receipts(GOOD_ENTRY, [old, new], ROTATED).included] == [10, 11]
    before = sign_inclusion(NEW, head(10), GOOD_ENTRY, 5, prove_inclusion(Tree(), 5, 10))
    for wrong in (GOOD, before):
        with pytest.raises(VerificationFailed, match="names the key"):
            verify_receipts(GOOD_ENTRY, [wrong], ROTATED)
    with pytest.raises(VerificationFailed, match="names the key"):
        verify_receipts(GOOD_ENTRY, [new], TRUST)


def test_a_checkpoint_is_by_the_keys_of_its_size_as_well() -> None:
    signers = replace(WORLD.signers, ed25519=NEW)
    receipts = [receipt(5, 10), sign_inclusion(NEW, head(11), GOOD_ENTRY, 5, PATH)]
    notes = [sign_checkpoint(head(size), by, START).encode() for size, by in ((10, WORLD.signers), (11, signers))]
    assert len(verify_receipts(GOOD_ENTRY, receipts, ROTATED, notes, START).confirmed) == 2
    late = sign_checkpoint(head(11), WORLD.signers, START).encode()
    with pytest.raises(VerificationFailed):
        verify_receipts(GOOD_ENTRY, receipts, ROTATED, [late], START)
