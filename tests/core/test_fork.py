"""Fork evidence: what proves a fork by the log's keys alone, and every way in which it must not."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from tallystick import canonical
from tallystick.base64s import from_base64, to_base64
from tallystick.checkpoint import Checkpoint
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.fork import (
    MAX_FORK_BYTES,
    ShownLeaf,
    TwoLeaves,
    accuse,
    decode,
    encode,
    fork_facts,
    origin_of,
    verify_fork,
)
from tallystick.key_history import KeyHistory, Replacement
from tallystick.merkle import prove_inclusion, root_at
from tallystick.note import Note, parse_note
from tallystick.schema import write
from tallystick.tree_head import sign_checkpoint
from tallystick.versions import UnknownVersion
from tests.contracts.trees import RealTree, step, wire
from tests.world import World, key_from

WORLD = World("forks", "log.example/forks")
KEYS = WORLD.signers.keys
TREE, FORK = RealTree(40), RealTree(40, seed=b"another history")
ALL = ("Ed25519", "ML-DSA-44", "EIP-712")


def note(tree: RealTree, size: int, world: World = WORLD) -> bytes:
    head = Checkpoint(world.origin, size, root_at(tree, size))
    return sign_checkpoint(head, world.signers, world.clock).encode()


def only(data: bytes, *lines: int) -> bytes:
    """The note with some of its signature lines: Ed25519, ML-DSA-44, EIP-712."""
    parsed = parse_note(data)
    return Note(parsed.text, tuple(parsed.signatures[at] for at in lines)).encode().encode()


def history(tree: RealTree, old: int, new: int) -> list[bytes]:
    old_root, _, proof = step(tree, old, new)
    return wire(old, old_root, proof)


def shown(tree: RealTree, index: int, size: int) -> ShownLeaf:
    proof = prove_inclusion(tree, index, size)
    return ShownLeaf(tree.nodes([(0, index)])[0].hex(), tuple(one.hex() for one in proof))


def two_leaves(index: int, first: int, second: int, other: RealTree = FORK) -> TwoLeaves:
    return TwoLeaves(index, shown(TREE, index, first), shown(other, index, second))


ROOTS = accuse(note(TREE, 20), note(FORK, 20))
HISTORY = accuse(note(TREE, 13), note(FORK, 40), history=history(FORK, 13, 40))
LEAVES = accuse(note(TREE, 20), note(FORK, 33), leaves=two_leaves(7, 20, 33))


# --- what proves a fork -----------------------------------------------------------------


def test_one_size_with_two_roots() -> None:
    fact = verify_fork(decode(ROOTS), KEYS)
    assert (fact.kind, fact.origin, fact.signed_by) == ("roots", WORLD.origin, ALL)
    assert (fact.first.root, fact.second.root) == (root_at(TREE, 20), root_at(FORK, 20))
    assert origin_of(decode(ROOTS)) == WORLD.origin


@pytest.mark.parametrize(("old", "new"), [(1, 2), (8, 9), (13, 40), (16, 17), (39, 40)])
def test_a_root_that_the_larger_tree_never_had(old: int, new: int) -> None:
    fact = verify_fork(decode(accuse(note(TREE, old), note(FORK, new), history=history(FORK, old, new))), KEYS)
    assert (fact.kind, fact.opened) == ("history", root_at(FORK, old))


@pytest.mark.parametrize(("one", "two", "index"), [(20, 20, 3), (33, 9, 8), (1, 2, 0)])
def test_two_leaves_at_one_index(one: int, two: int, index: int) -> None:
    evidence = accuse(note(TREE, one), note(FORK, two), leaves=two_leaves(index, one, two))
    fact = verify_fork(decode(evidence), KEYS)
    assert (fact.kind, fact.index) == ("leaves", index)
    assert fork_facts(fact)["index"] == index


@pytest.mark.parametrize("line", range(3))
def test_any_one_kind_of_key_convicts(line: int) -> None:
    """A checkpoint that was only relayed to a contract bears its EIP-712 signature alone."""
    evidence = accuse(only(note(TREE, 20), line), only(note(FORK, 20), line))
    assert verify_fork(decode(evidence), KEYS).signed_by == (ALL[line],)


def test_the_keys_in_force_at_each_size_count() -> None:
    """After a rotation the log's word is the successor's: a fork across it convicts the log as well."""
    later = World("forks", "log.example/forks")
    later.rotated(later.rotate("log", key_from("the next log key")))
    new = later.signers.keys.ed25519
    keys = KeyHistory(KEYS, (Replacement(25, "2026-01-01T00:00:00Z", "log", new.to_text()),))
    evidence = decode(accuse(note(TREE, 20), note(FORK, 30, later), history=history(FORK, 20, 30)))
    assert verify_fork(evidence, keys).signed_by == ALL
    with pytest.raises(VerificationFailed, match="step 1"):
        # By the first key alone the second checkpoint is not the log's.
        verify_fork(decode(accuse(only(note(TREE, 20), 0), only(note(FORK, 30, later), 0))), KEYS)


# --- what does not ------------------------------------------------------------------------


def check_refused(evidence: bytes, match: str, keys: Any = KEYS) -> None:
    with pytest.raises(VerificationFailed, match=match):
        verify_fork(decode(evidence), keys)


def test_the_same_checkpoint_twice() -> None:
    one = note(TREE, 20)
    check_refused(accuse(one, one), "same size and root")
    check_refused(accuse(one, only(one, 2)), "same size and root")
    check_refused(accuse(one, one, leaves=two_leaves(3, 20, 20, TREE)), "the same leaf")
    check_refused(accuse(one, one, history=history(TREE, 13, 20)), "not from 20 to 20")


def test_growth() -> None:
    check_refused(accuse(note(TREE, 13), note(TREE, 40)), "none is shown")
    check_refused(accuse(note(TREE, 13), note(TREE, 40), history=history(TREE, 13, 40)), "consistent")
    check_refused(accuse(note(TREE, 40), note(TREE, 13), history=history(TREE, 13, 40)), "not from 40 to 13")


def test_another_proof() -> None:
    first, second = note(TREE, 13), note(FORK, 40)
    good = history(FORK, 13, 40)
    flipped = [bytes([good[0][0] ^ 1]) + good[0][1:], *good[1:]]
    check_refused(accuse(first, second, history=flipped), "the history leads to root")
    check_refused(accuse(first, second, history=good[:-1]), "hashes, found 6")
    check_refused(accuse(first, second, history=history(TREE, 13, 40)), "the history leads to root")
    check_refused(accuse(note(TREE, 16), second, history=[*history(FORK, 16, 40), bytes(32)]), "hashes, found")


def test_leaves_that_do_not_stand_there() -> None:
    first, second = note(TREE, 20), note(FORK, 33)
    check_refused(accuse(first, second, leaves=replace(two_leaves(7, 20, 33), index=8)), "step 2: the leaf in")
    check_refused(accuse(first, second, leaves=replace(two_leaves(7, 20, 33), index=20)), "step 2: the leaf in")
    inner = ShownLeaf(TREE.nodes([(1, 3)])[0].hex(), shown(TREE, 7, 20).proof[1:])
    check_refused(accuse(first, second, leaves=replace(two_leaves(7, 20, 33), first=inner)), "step 2: the leaf in")


def test_a_stranger_signs_no_fork() -> None:
    stranger = World("a stranger", WORLD.origin)
    check_refused(accuse(note(TREE, 20, stranger), note(FORK, 20, stranger)), "no trusted key signed")
    check_refused(accuse(note(TREE, 20), note(FORK, 20, stranger)), "no trusted key signed")


def test_different_kinds_of_keys_do_not_add_up() -> None:
    """One stolen key and one honest checkpoint are no fork by one key: each kind must have signed both."""
    check_refused(accuse(only(note(TREE, 20), 0, 1), only(note(FORK, 20), 2)), "no kind of the log's keys")


def test_a_checkpoint_of_another_log_of_the_same_keys() -> None:
    elsewhere = World("forks", "log.example/forks-two")
    assert elsewhere.signers.keys.authority == KEYS.authority
    check_refused(accuse(note(TREE, 20), note(FORK, 20, elsewhere)), "step 1: the checkpoint is of log")


def test_a_signature_over_another_checkpoint() -> None:
    honest, forged = parse_note(note(TREE, 20)), parse_note(note(FORK, 20))
    for line in range(3):
        transplanted = Note(forged.text, (honest.signatures[line],)).encode().encode()
        check_refused(accuse(note(TREE, 20), transplanted), "step 1")


def test_no_honest_log_is_convicted() -> None:
    """Every pair of sizes up to 8, with every proof that its trees have to offer."""
    notes = {size: only(note(TREE, size), 0) for size in range(1, 9)}
    proofs = [history(TREE, old, new) for old, new in itertools.combinations(notes, 2)]
    for first, second in itertools.product(notes, repeat=2):
        pair = (notes[first], notes[second])
        check_refused(accuse(*pair), "step 2")
        for proof in proofs:
            check_refused(accuse(*pair, history=proof), "step 2")
        for i, j in itertools.product(range(first), range(second)):
            for index in {i, j}:
                leaves = TwoLeaves(index, shown(TREE, i, first), shown(TREE, j, second))
                check_refused(accuse(*pair, leaves=leaves), "step 2")


# --- the file -------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [ROOTS, HISTORY, LEAVES], ids=["roots", "history", "leaves"])
def test_the_file_is_canonical(data: bytes) -> None:
    assert encode(decode(data)) == data
    with pytest.raises(MalformedInput):
        decode(data + b"\n")
    with pytest.raises(MalformedInput):
        decode(data[:-1])


def changed(data: bytes, **members: Any) -> bytes:
    return canonical.encode(write(decode(data)) | members)


def test_malformed_files() -> None:
    both = write(decode(LEAVES)) | {"history": write(decode(HISTORY))["history"]}
    for data in (
        canonical.encode(both),
        changed(ROOTS, kind="folk"),
        changed(ROOTS, more=1),
        changed(ROOTS, history=[]),
        changed(HISTORY, history=["00" * 32] * 66),
        changed(HISTORY, history=["zz" * 32]),
        changed(ROOTS, first="not base64"),
        b" " * (MAX_FORK_BYTES + 1),
    ):
        with pytest.raises(MalformedInput):
            decode(data)


def test_a_later_version_asks_for_a_newer_program() -> None:
    with pytest.raises(UnknownVersion):
        decode(changed(ROOTS, v=2))


def test_a_note_that_is_none_is_malformed() -> None:
    for text in (b"", b"no note", b"log\n20\n\nx"):
        evidence = replace(decode(ROOTS), second=to_base64(text))
        with pytest.raises(MalformedInput):
            verify_fork(evidence, KEYS)


def test_no_flipped_bit_of_the_second_checkpoint_makes_another_fork() -> None:
    """What was signed is judged, or nothing."""
    good = verify_fork(decode(ROOTS), KEYS)
    raw = from_base64(decode(ROOTS).second)
    for at in range(0, len(raw), 7):
        flipped = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        evidence = replace(decode(ROOTS), second=to_base64(flipped))
        try:
            fact = verify_fork(evidence, KEYS)
        except (MalformedInput, VerificationFailed):
            continue
        # A flip in a key id takes that line away; the other keys still signed the same fork.
        assert (fact.first, fact.second) == (good.first, good.second)
