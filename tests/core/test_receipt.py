"""COSE receipts: every leaf of small trees, each attack on each part, and pycose and cwt as second readers."""

from __future__ import annotations

from collections.abc import Sequence

import cbor2
import pytest
from cwt import COSE, COSEKey
from pycose.headers import KID, Algorithm
from pycose.keys import OKPKey
from pycose.messages import Sign1Message

from tallystick import cose
from tallystick.checkpoint import Checkpoint
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.merkle import (
    ProofFailed,
    leaf_hash,
    prove_consistency,
    prove_inclusion,
    root_of,
)
from tallystick.receipt import (
    Extended,
    Included,
    key_members,
    key_set,
    parse_consistency,
    parse_inclusion,
    sign_consistency,
    sign_inclusion,
    subject_of,
)
from tallystick.statement import parse_statement
from tests.world import World, key_from

WORLD = World()
LOG, ORIGIN = WORLD.roles["log"], WORLD.origin
ENTRIES = [WORLD.object().entry for _ in range(20)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
SIZES = range(2, len(ENTRIES) + 1)


class Tree:
    """All complete subtrees of the leaves (a ``NodeReader``)."""

    def nodes(self, coordinates: Sequence[tuple[int, int]]) -> list[bytes]:
        return [root_of(LEAVES[index << level : (index + 1) << level]) for level, index in coordinates]


def head(size: int, origin: str = ORIGIN) -> Checkpoint:
    return Checkpoint(origin, size, root_of(LEAVES[:size]))


def receipt(index: int, size: int) -> bytes:
    return sign_inclusion(LOG, head(size), ENTRIES[index], index, prove_inclusion(Tree(), index, size))


def extension(old: int, size: int) -> bytes:
    return sign_consistency(LOG, head(old), head(size), prove_consistency(Tree(), old, size))


GOOD, GOOD_ENTRY = receipt(5, 11), ENTRIES[5]
LONGER = extension(5, 11)


# --- what it is for -------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
def test_every_leaf_has_a_receipt_that_proves_it_and_no_other(size: int) -> None:
    for index in range(size):
        found = parse_inclusion(receipt(index, size))
        assert (found.index, found.size, found.origin, found.kid) == (index, size, ORIGIN, LOG.public.kid)
        assert found.subject == parse_statement(ENTRIES[index]).event.subject
        proved = found.verify(ENTRIES[index], ORIGIN, LOG.public)
        assert proved == Included(ORIGIN, LOG.public.kid, LEAVES[index], index, size, root_of(LEAVES[:size]))
        for other in range(len(ENTRIES)):
            if other != index:
                with pytest.raises(VerificationFailed):
                    found.verify(ENTRIES[other], ORIGIN, LOG.public)


@pytest.mark.parametrize("size", SIZES)
def test_every_older_tree_has_a_consistency_receipt(size: int) -> None:
    for old in range(1, size):
        found = parse_consistency(extension(old, size))
        before, after = root_of(LEAVES[:old]), root_of(LEAVES[:size])
        proved = found.verify(before, ORIGIN, LOG.public)
        assert proved == Extended(ORIGIN, LOG.public.kid, old, before, size, after)
        for wrong in {root_of(LEAVES[:other]) for other in SIZES} - {before}:
            with pytest.raises(VerificationFailed):
                found.verify(wrong, ORIGIN, LOG.public)


def test_the_bytes_are_these() -> None:
    """RFC 9942 §5.2 and RFC 9943 §6, member by member; labels of drafts (-111, -222, 13) are nowhere."""
    tag = cbor2.loads(GOOD)
    protected, unprotected, payload, signature = tag.value
    subject = parse_statement(GOOD_ENTRY).event.subject
    assert tag.tag == 18
    assert cbor2.loads(protected) == {
        1: -8,
        4: LOG.public.kid,
        15: {1: ORIGIN, 2: subject, -65538: [11, 5]},
        395: 1,
    }
    assert unprotected == {396: {-1: [cbor2.dumps([11, 5, prove_inclusion(Tree(), 5, 11)])]}}
    assert payload is None
    assert len(signature) == 64
    tag = cbor2.loads(LONGER)
    protected, unprotected, payload, _ = tag.value
    assert cbor2.loads(protected)[15] == {1: ORIGIN, 2: ORIGIN, -65538: [5, 11]}
    assert unprotected == {396: {-2: [cbor2.dumps([5, 11, prove_consistency(Tree(), 5, 11)])]}}
    assert payload is None


def test_signing_again_gives_the_same_bytes() -> None:
    assert receipt(5, 11) == GOOD
    assert extension(5, 11) == LONGER


# --- second readers ---------------------------------------------------------------


@pytest.mark.parametrize(("data", "size"), [(GOOD, 11), (LONGER, 11)], ids=["inclusion", "consistency"])
def test_pycose_and_cwt_verify_it_over_the_detached_root(data: bytes, size: int) -> None:
    root = root_of(LEAVES[:size])
    message = Sign1Message.decode(data)
    message.key = OKPKey(crv="ED25519", x=LOG.public.raw)
    message.payload = root
    assert message.verify_signature()
    assert message.phdr[KID] == LOG.public.kid
    assert message.phdr[Algorithm].identifier == -8
    message.payload = bytes(32)
    assert not message.verify_signature()
    key = COSEKey.new({1: 1, -1: 6, -2: LOG.public.raw, 3: -8, 2: LOG.public.kid})
    assert COSE.new().decode(data, key, detached_payload=root) == root


def test_the_key_set_is_cose_keys_that_others_load() -> None:
    other = key_from("another log")
    keys = cbor2.loads(key_set([LOG.public, other.public]))
    assert keys == [key_members(LOG.public), key_members(other.public)]
    for members, public in zip(keys, (LOG.public, other.public), strict=True):
        assert members == {1: 1, 2: public.kid, 3: -8, -1: 6, -2: public.raw}
        assert COSEKey.new(members).kid == public.kid
        assert OKPKey.from_dict(members).x == public.raw


# --- signing refuses ---------------------------------------------------------------


def test_nothing_is_signed_that_the_path_does_not_show() -> None:
    path = prove_inclusion(Tree(), 5, 11)
    for bad in ([*path[:-1], bytes(32)], path[:-1], [*path, bytes(32)], [path[1], path[0], *path[2:]]):
        with pytest.raises(ProofFailed):
            sign_inclusion(LOG, head(11), GOOD_ENTRY, 5, bad)
    with pytest.raises(ProofFailed):
        sign_inclusion(LOG, head(11), GOOD_ENTRY, 6, path)
    with pytest.raises(ProofFailed):
        sign_inclusion(LOG, head(12), GOOD_ENTRY, 5, path)
    with pytest.raises(ProofFailed):
        sign_consistency(LOG, head(6), head(11), prove_consistency(Tree(), 5, 11))


def test_what_has_an_empty_path_has_no_receipt() -> None:
    with pytest.raises(MalformedInput, match="empty path"):
        sign_inclusion(LOG, head(1), ENTRIES[0], 0, [])
    with pytest.raises(MalformedInput, match="empty path"):
        sign_consistency(LOG, head(7), head(7), [])
    with pytest.raises(MalformedInput, match="empty path"):
        sign_consistency(LOG, head(0), head(7), [])


def test_checkpoints_of_two_logs_extend_nothing() -> None:
    with pytest.raises(MalformedInput, match="cannot extend"):
        sign_consistency(LOG, head(5, "log.example/other"), head(11), prove_consistency(Tree(), 5, 11))


def test_the_subject_of_an_entry_is_read_whatever_its_payload() -> None:
    later = cose.sign1(LOG, {4: LOG.public.kid, 15: {1: ORIGIN, 2: "of a later version"}}, b"?")
    assert subject_of(later) == "of a later version"
    for claims in ({1: ORIGIN}, {1: ORIGIN, 2: 7}, [ORIGIN]):
        with pytest.raises(MalformedInput, match="no subject"):
            subject_of(cose.sign1(LOG, {15: claims}, b"?"))
    with pytest.raises(MalformedInput, match="no subject"):
        subject_of(cose.sign1(LOG, {}, b"?"))
