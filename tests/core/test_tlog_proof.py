"""Proof files: one text each, and every way in which one may not convince."""

from __future__ import annotations

import dataclasses
import functools
import hashlib

import pytest

from tallystick.base64s import to_base64
from tallystick.checkpoint import Checkpoint
from tallystick.cosignature import cosign_ed25519, cosign_ml_dsa
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.keys import LocalSigner
from tallystick.merkle import CompactRange, leaf_hash, prove_inclusion, root_of
from tallystick.note import (
    COSIGNATURE_ED25519,
    COSIGNATURE_ML_DSA_44,
    Note,
    Signature,
    parse_note,
    sign_ed25519,
    verifier_key,
)
from tallystick.tlog_proof import MAX_EXTRA_BYTES, Logged, TlogProof, parse_proof, verify_proof, verify_proof_by_policy
from tallystick.tree_head import sign_checkpoint
from tallystick.trust import Trust, TrustFile, Witnesses, encode_trust, parse_trust, trusted_log
from tallystick.witness_policy import WitnessPolicy, parse_policy
from tests.world import START, World, key_from

WORLD, OTHER = World(), World("other world", "log.example/other")
ENTRIES = [f"entry {number}".encode() for number in range(300)]
ED, PQ = key_from("proof ed"), key_from("proof pq", "ml-dsa-44")
LINES = (
    verifier_key("witness.example/ed", COSIGNATURE_ED25519, ED.public.raw),
    verifier_key("witness.example/pq", COSIGNATURE_ML_DSA_44, PQ.public.raw),
)
INDEX = 123


class Memory:
    """A ``NodeReader`` over the entries."""

    def nodes(self, coordinates: object) -> list[bytes]:
        return [self._node(level, index) for level, index in coordinates]  # type: ignore[attr-defined]

    @functools.cache  # noqa: B019 (lives as long as the module)
    def _node(self, level: int, index: int) -> bytes:
        return root_of(leaf_hash(entry) for entry in ENTRIES[index << level : (index + 1) << level])


READER = Memory()


def head(size: int = 300, origin: str = WORLD.origin) -> Checkpoint:
    return Checkpoint(origin, size, root_of(map(leaf_hash, ENTRIES[:size])))


def cosigned(text: str, seconds: int = START) -> tuple[Signature, Signature]:
    return (
        cosign_ed25519(text, "witness.example/ed", ED, seconds),
        cosign_ml_dsa(text, "witness.example/pq", PQ, seconds),
    )


def note(checkpoint: Checkpoint, world: World = WORLD, seconds: int = START, cosign: int = 2) -> Note:
    signed = parse_note(sign_checkpoint(checkpoint, world.signers, seconds).encode())
    return Note(signed.text, (*signed.signatures, *cosigned(signed.text)[:cosign]))


NOTE = note(head())
PROOF = TlogProof(INDEX, tuple(prove_inclusion(READER, INDEX, 300)), NOTE)
FILE = PROOF.encode()


def trust(quorum: int = 2, world: World = WORLD, keys: tuple[str, ...] = LINES) -> Trust:
    log = trusted_log(world.signers.keys, key_from("registrar").public)
    file = TrustFile(1, "court", "2026-01-01T00:00:00Z", (log,), (), (), (), (), False, Witnesses(keys, quorum), 60, ())
    return parse_trust(encode_trust(file))


TRUST = trust()


def policy(quorum: str = "both", log: str = WORLD.signers.keys.verifier_keys()[0]) -> WitnessPolicy:
    witnesses = f"witness ed {LINES[0]}\nwitness pq {LINES[1]}\ngroup both 2 ed pq\n"
    return parse_policy(f"log {log}\n{witnesses}quorum {quorum}\n".encode())


def check(proof: TlogProof = PROOF, entry: bytes = ENTRIES[INDEX], by: Trust = TRUST, at: int = START) -> Logged:
    return verify_proof(proof, entry, by, at)


# --- the text ----------------------------------------------------------------------------


def test_the_layout() -> None:
    lines = FILE.decode().split("\n")
    path = [to_base64(one) for one in PROOF.path]
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 123"]
    assert lines[2 : 2 + len(path)] == path
    assert FILE.decode().endswith("\n\n" + NOTE.encode())
    assert lines[2 + len(path) :][:3] == ["", WORLD.origin, "300"]
    assert parse_proof(FILE) == PROOF


def test_extra_data() -> None:
    proof = dataclasses.replace(PROOF, extra=b"age-v1.2.1")
    assert proof.encode().startswith(b"c2sp.org/tlog-proof@v1\nextra YWdlLXYxLjIuMQ==\nindex 123\n")
    assert parse_proof(proof.encode()) == proof
    # It is authenticated by nothing, and changes nothing.
    assert check(proof) == check()


def test_one_leaf() -> None:
    only = TlogProof(0, (), note(head(1)))
    assert only.encode().startswith(b"c2sp.org/tlog-proof@v1\nindex 0\n\n")
    assert check(parse_proof(only.encode()), ENTRIES[0]).checkpoint.size == 1


BODY = FILE.split(b"\n", 2)[2]
V1 = b"c2sp.org/tlog-proof@v1\n"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        V1,
        FILE[:-1],
        FILE + b"\n",
        b"\n" + FILE,
        b"c2sp.org/tlog-proof@v2\nindex 123\n" + BODY,
        b"c2sp.org/tlog-proof@v1 \nindex 123\n" + BODY,
        b"C2SP.org/tlog-proof@v1\nindex 123\n" + BODY,
        V1 + b"index 0123\n" + BODY,
        V1 + b"index +123\n" + BODY,
        V1 + b"index -1\n" + BODY,
        V1 + b"index  123\n" + BODY,
        V1 + b"index 1_23\n" + BODY,
        V1 + "index ١\n".encode() + BODY,
        V1 + b"index 9223372036854775809\n" + BODY,
        V1 + b"index\n" + BODY,
        V1 + BODY,
        V1 + b"index 123\nindex 123\n" + BODY,
        V1 + b"extra \nindex 123\n" + BODY,
        V1 + b"extra AB==\nindex 123\n" + BODY,
        V1 + b"extra AA\nindex 123\n" + BODY,
        V1 + b"extra AA==\nextra AA==\nindex 123\n" + BODY,
        V1 + b"index 123\nextra AA==\n" + BODY,
        V1 + b"extra " + to_base64(bytes(MAX_EXTRA_BYTES + 1)).encode() + b"\nindex 123\n" + BODY,
        V1 + b"index 123\n" + 64 * (to_base64(bytes(32)).encode() + b"\n") + BODY,
        V1 + b"index 123\n" + to_base64(bytes(31)).encode() + b"\n" + BODY,
        FILE.replace(b"\n", b"\r\n"),
        FILE.replace("—".encode(), b"-"),
        V1 + b"index 123\n\n" + NOTE.text.encode(),
        b"x" * (2 << 20),
    ],
)
def test_another_text_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedInput):
        parse_proof(data)


# --- what convinces, and what does not ---------------------------------------------------


def test_a_proof_by_trust_file() -> None:
    names = ("witness.example/ed", "witness.example/pq")
    assert check() == Logged(INDEX, head(), names, START)
    assert check(by=trust(1)).witnesses == names
    assert check(by=trust(0)).witnesses == ()


def test_a_proof_by_policy() -> None:
    for log in WORLD.signers.keys.verifier_keys()[:2]:
        found = verify_proof_by_policy(PROOF, leaf_hash(ENTRIES[INDEX]), policy(log=log), START)
        assert found == Logged(INDEX, head(), ("ed", "pq"), None)


def test_every_leaf_of_some_trees() -> None:
    for size in (1, 2, 3, 7, 8, 9, 255, 256, 257, 300):
        signed = note(head(size))
        for index in {0, 1, size // 2, size - 2, size - 1} & set(range(size)):
            proof = TlogProof(index, tuple(prove_inclusion(READER, index, size)), signed)
            assert check(parse_proof(proof.encode()), ENTRIES[index]).index == index


def expect_refused(proof: TlogProof = PROOF, entry: bytes = ENTRIES[INDEX], by: Trust = TRUST, at: int = START) -> str:
    with pytest.raises(VerificationFailed) as caught:
        check(proof, entry, by, at)
    return str(caught.value)


def change(**fields: object) -> TlogProof:
    return dataclasses.replace(PROOF, **fields)  # type: ignore[arg-type]


def test_another_entry_index_or_path() -> None:
    expect_refused(entry=ENTRIES[INDEX + 1])
    expect_refused(entry=b"")
    # The leaf hash is no entry: else a node could pass for one.
    expect_refused(entry=leaf_hash(ENTRIES[INDEX]))
    for index in (0, INDEX ^ 1, INDEX + 256, 299, 300, 1 << 63):
        expect_refused(change(index=index))
    for path in (PROOF.path[:-1], (*PROOF.path, bytes(32)), PROOF.path[::-1], ()):
        expect_refused(change(path=path))


def test_another_entry_index_or_path_by_policy() -> None:
    others = [change(index=INDEX ^ 1), change(path=PROOF.path[:-1]), change(note=note(head(299)))]
    for proof, leaf in [*((one, leaf_hash(ENTRIES[INDEX])) for one in others), (PROOF, leaf_hash(ENTRIES[0]))]:
        with pytest.raises(VerificationFailed):
            verify_proof_by_policy(proof, leaf, policy(), START)


def test_a_path_for_another_size() -> None:
    for size in (200, 256, 299):
        expect_refused(change(path=tuple(prove_inclusion(READER, INDEX, size))))
        expect_refused(change(note=note(head(size))))


def test_a_node_is_no_entry() -> None:
    """The two children of a node, as bytes, are not an entry one level up."""
    left, right = READER.nodes([(0, INDEX - 1), (0, INDEX)])
    expect_refused(change(index=INDEX >> 1, path=PROOF.path[1:]), left + right)


def test_another_log() -> None:
    assert "does not name" in expect_refused(change(note=note(head(origin=OTHER.origin), OTHER)))
    # Its own keys under our name, and our keys under its name.
    expect_refused(change(note=note(head(), OTHER)))
    assert "does not name" in expect_refused(change(note=note(head(origin=OTHER.origin))))
    expect_refused(by=trust(world=OTHER))


def test_each_signature_of_the_log_is_demanded() -> None:
    for left_out in range(3):
        lines = [line for at, line in enumerate(NOTE.signatures) if at != left_out]
        expect_refused(change(note=Note(NOTE.text, tuple(lines))))


def test_a_quorum_that_is_not_met() -> None:
    for count in (0, 1):
        few = change(note=note(head(), cosign=count))
        expect_refused(few)
        check(few, by=trust(count))
        with pytest.raises(VerificationFailed, match="not the quorum"):
            verify_proof_by_policy(few, leaf_hash(ENTRIES[INDEX]), policy(), START)


def with_line(line: Signature) -> TlogProof:
    return change(note=Note(NOTE.text, (*NOTE.signatures[:4], line)))


def test_cosignatures_that_do_not_count() -> None:
    other, forger = head(299).body(), key_from("forger", "ml-dsa-44")
    attacks = {
        "of another checkpoint": cosigned(other)[1],
        "of the same checkpoint of another log": cosigned(head(origin=OTHER.origin).body())[1],
        "by another key under the same name": cosign_ml_dsa(NOTE.text, "witness.example/pq", forger, START),
        "by the same key under another name": cosign_ml_dsa(NOTE.text, "witness.example/zz", PQ, START),
        "with another time": moved(cosigned(NOTE.text)[1], 1),
        "the other witness again": cosigned(NOTE.text)[0],
        "later than this check": cosigned(NOTE.text, START + 1)[1],
    }
    for line in attacks.values():
        expect_refused(with_line(line))
        with pytest.raises(VerificationFailed):
            verify_proof_by_policy(with_line(line), leaf_hash(ENTRIES[INDEX]), policy(), START)


def moved(line: Signature, seconds: int) -> Signature:
    time = int.from_bytes(line.signature[:8], "big") + seconds
    return dataclasses.replace(line, signature=time.to_bytes(8, "big") + line.signature[8:])


def test_the_log_itself_is_no_witness() -> None:
    """Its own ML-DSA-44 line has the type of a cosignature; a trust file that counts it is refused."""
    with pytest.raises(MalformedInput, match="would cosign for itself"):
        trust(1, keys=(WORLD.signers.keys.verifier_keys()[1],))


def test_time() -> None:
    assert check(at=START).signed_at == START
    assert "after the time of this check" in expect_refused(at=START - 1)
    with pytest.raises(VerificationFailed, match="not the quorum"):
        verify_proof_by_policy(PROOF, leaf_hash(ENTRIES[INDEX]), policy(), START - 1)


def test_checkpoints_of_other_logs_may_have_extension_lines() -> None:
    text = head().body() + "extension\n"
    log = sign_ed25519(text, WORLD.origin, WORLD.roles["log"])
    extended = change(note=Note(text, (log, *cosigned(text))))
    assert parse_proof(extended.encode()) == extended
    found = verify_proof_by_policy(extended, leaf_hash(ENTRIES[INDEX]), policy(), START)
    assert found.checkpoint == head()
    # Ours never have any.
    with pytest.raises(MalformedInput):
        check(extended)
    # Not covered by the log's signature, they cannot be added.
    added = change(note=Note(text, (*NOTE.signatures[:1], *cosigned(text))))
    with pytest.raises(VerificationFailed):
        verify_proof_by_policy(added, leaf_hash(ENTRIES[INDEX]), policy(), START)


def test_policies_without_the_log() -> None:
    leaf = leaf_hash(ENTRIES[INDEX])
    for log in (OTHER.signers.keys.verifier_keys()[0], *same_name()):
        with pytest.raises(VerificationFailed):
            verify_proof_by_policy(PROOF, leaf, policy(log=log), START)
    with pytest.raises(VerificationFailed, match="does not name"):
        verify_proof_by_policy(PROOF, leaf, parse_policy(b"quorum none\n"), START)


def same_name() -> list[str]:
    """The keys of another log under our log's name."""
    signer: LocalSigner = OTHER.roles["log"]
    return [verifier_key(WORLD.origin, 0x01, signer.public.raw)]


def test_flipping_any_byte_convinces_nobody() -> None:
    """Whatever still parses must show the same, or nothing."""
    good = check()
    for at in range(0, len(FILE), 7):
        data = bytearray(FILE)
        data[at] ^= 1 << at % 8
        try:
            found = check(parse_proof(bytes(data)))
        except (MalformedInput, VerificationFailed):
            continue
        # A line of a key that nobody trusts may change; there is none here.
        raise AssertionError(f"byte {at}: {found} of {good}")


def test_the_empty_tree_holds_nothing() -> None:
    empty = Checkpoint(WORLD.origin, 0, CompactRange().root())
    expect_refused(TlogProof(0, (), note(empty)), b"")
    assert empty.root == hashlib.sha256(b"").digest()
