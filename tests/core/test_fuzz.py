"""Every parser on hostile bytes: what escapes is ``MalformedInput`` or ``VerificationFailed``, never anything else.

And what is taken has one meaning: written again, it is the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick import canonical, cose
from tallystick.base64s import from_base64, from_base64url, to_base64, to_base64url
from tallystick.checkpoint import Checkpoint, parse_body
from tallystick.commitments import parse_disclosure
from tallystick.content import check_path, read_content
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.events import encode_event, parse_event
from tallystick.identifiers import parse_identifier
from tallystick.keys import PublicKey
from tallystick.merkle import leaf_hash, node_hash
from tallystick.modelsig import signer_of
from tallystick.note import parse_note, parse_verifier_key, verifier_key
from tallystick.receipt import parse_receipt, sign_inclusion
from tallystick.schema import write
from tallystick.statement import parse_statement, sign_statement
from tallystick.tiles import encode_bundle, parse_bundle, parse_tile_path
from tallystick.times import format_time, parse_time
from tallystick.tlog_proof import TlogProof, parse_proof
from tallystick.transparent import attach, split
from tallystick.tree_head import parse_log_keys, sign_checkpoint, verify_tree_head
from tallystick.witness_policy import parse_policy
from tallystick.witnessing import (
    AddCheckpoint,
    encode_cosignatures,
    encode_size,
    parse_add_checkpoint,
    parse_cosignatures,
    parse_size_answer,
)
from tests.core.builders import FOLDER, FULL, LEAST, MODEL_SIGNATURE, OBJECT, PARTY, PARTY_KEY
from tests.core.test_commitments import RFC_TEXT
from tests.core.test_golden import CHECKPOINT, SIGNERS

LIMIT = 1 << 16
STATEMENT = sign_statement(PARTY_KEY, PARTY, LEAST["object.register"]).entry
PAIR = Checkpoint(CHECKPOINT.origin, 2, node_hash(leaf_hash(b""), leaf_hash(STATEMENT)))
RECEIPT = sign_inclusion(SIGNERS.ed25519, PAIR, STATEMENT, 1, [leaf_hash(b"")])
NOTE = sign_checkpoint(CHECKPOINT, SIGNERS, 1).encode()


def of_text(parse: Callable[[str], Any]) -> Callable[[bytes], Any]:
    """Bytes as text, with bytes that are no UTF-8 as the lone surrogates by which Python carries them."""
    return lambda data: parse(data.decode("utf-8", "surrogateescape"))


PARSERS: dict[str, tuple[Callable[[bytes], Any], bytes]] = {
    "canonical.decode": (lambda data: canonical.decode(data, LIMIT), encode_event(FULL["licence.grant"])),
    "canonical.decode_relaxed": (lambda data: canonical.decode_relaxed(data, LIMIT), b'{"a": [1, "\\u00e9", {}]}'),
    "cose.load": (lambda data: cose.load(data, LIMIT), cose.dump({1: [b"a", "b", None, True], "x": {-1: 2**40}})),
    "cose.parse_sign1": (cose.parse_sign1, STATEMENT),
    "parse_statement": (parse_statement, STATEMENT),
    "parse_event": (
        lambda data: parse_event(canonical.decode_relaxed(data, LIMIT)), encode_event(FULL["job.register"])
    ),
    "read_content": (
        lambda data: read_content(canonical.decode_relaxed(data, LIMIT)), canonical.encode(write(FOLDER))
    ),
    "parse_note": (parse_note, NOTE),
    "verify_tree_head": (lambda data: verify_tree_head(data, SIGNERS.keys), NOTE),
    "parse_body": (of_text(parse_body), CHECKPOINT.body().encode()),
    "parse_verifier_key": (of_text(parse_verifier_key), SIGNERS.keys.verifier_keys()[0].encode()),
    "parse_log_keys": (
        lambda data: parse_log_keys(data.decode("utf-8", "surrogateescape").split("\n")),
        "\n".join(SIGNERS.keys.verifier_keys()).encode(),
    ),
    "parse_proof": (parse_proof, TlogProof(3, (bytes(32),), parse_note(NOTE), b"more").encode()),
    "parse_add_checkpoint": (parse_add_checkpoint, AddCheckpoint(2, (bytes(32),), parse_note(NOTE)).encode()),
    "parse_size_answer": (parse_size_answer, b"70000\n"),
    "parse_cosignatures": (
        lambda data: parse_cosignatures(data, CHECKPOINT.body()), encode_cosignatures(parse_note(NOTE).signatures[1:2])
    ),
    "parse_policy": (
        parse_policy, f"# who\nlog {SIGNERS.keys.verifier_keys()[0]} https://log.example\nquorum none\n".encode()
    ),
    "parse_receipt": (parse_receipt, RECEIPT),
    "split": (split, attach(STATEMENT, [RECEIPT])),
    "parse_tile_path": (of_text(parse_tile_path), b"tile/0/x001/x234/067.p/17"),
    "parse_bundle": (parse_bundle, encode_bundle([b"abc", b"", b"d" * 40])),
    "parse_disclosure": (of_text(parse_disclosure), RFC_TEXT.encode()),
    "from_base64": (of_text(from_base64), to_base64(b"some bytes").encode()),
    "from_base64url": (of_text(from_base64url), b"c29tZSBieXRlcw"),
    "parse_identifier": (of_text(parse_identifier), OBJECT.encode()),
    "parse_time": (of_text(parse_time), b"2026-02-01T00:00:00Z"),
    "check_path": (of_text(check_path), "tex/灯.png".encode()),
    "signer_of": (of_text(signer_of), MODEL_SIGNATURE.encode()),
    "ed25519 key": (lambda data: PublicKey("ed25519", data), PARTY_KEY.public.raw),
    "es256 key": (lambda data: PublicKey("es256", data), bytes([4]) * 65),
}  # fmt: skip


WRITTEN: dict[str, Callable[[Any], bytes]] = {
    "canonical.decode": canonical.encode,
    "cose.load": cose.dump,
    "cose.parse_sign1": lambda one: cose.envelope(one.protected_bytes, one.payload, one.signature, one.unprotected),
    "parse_statement": lambda one: WRITTEN["cose.parse_sign1"](one.envelope),
    "parse_note": lambda one: one.encode().encode(),
    "verify_tree_head": lambda one: one.note.encode().encode(),
    "parse_body": lambda one: one.body().encode("utf-8", "surrogateescape"),
    "parse_verifier_key": lambda one: verifier_key(*one).encode(),
    "parse_proof": lambda one: one.encode(),
    "parse_add_checkpoint": lambda one: one.encode(),
    "parse_size_answer": encode_size,
    "parse_cosignatures": encode_cosignatures,
    "split": lambda one: attach(*one),
    "parse_tile_path": lambda one: one.path().encode(),
    "parse_bundle": encode_bundle,
    "from_base64": lambda one: to_base64(one).encode(),
    "from_base64url": lambda one: to_base64url(one).encode(),
    "parse_identifier": lambda one: one.encode(),
    "parse_time": lambda one: format_time(one).encode(),
    "ed25519 key": lambda one: one.raw,
    "es256 key": lambda one: one.raw,
}
"""How what a strict parser read is written; the others take more than one form."""


def check(name: str, data: bytes) -> bool:
    """Whether it was taken."""
    try:
        found = PARSERS[name][0](data)
    except (MalformedInput, VerificationFailed):
        return False
    if name in WRITTEN:
        assert WRITTEN[name](found) == data
    return True


@pytest.mark.parametrize("name", PARSERS)
def test_the_examples_are_good(name: str) -> None:
    assert check(name, PARSERS[name][1]) == (name != "es256 key")


def test_what_is_written_again_is_parsed_here() -> None:
    assert WRITTEN.keys() - PARSERS.keys() == set()


@pytest.mark.parametrize("name", PARSERS)
@given(data=st.binary(max_size=80))
def test_any_bytes(name: str, data: bytes) -> None:
    check(name, data)


@pytest.mark.parametrize("name", PARSERS)
@given(choose=st.data())
def test_mutated_examples(name: str, choose: st.DataObject) -> None:
    data = PARSERS[name][1]
    for _ in range(choose.draw(st.integers(1, 3))):
        at = choose.draw(st.integers(0, len(data)))
        cut = choose.draw(st.integers(0, min(6, len(data) - at)))
        piece = choose.draw(st.binary(max_size=5) | st.just(data[:at][-7:]) | st.just(b'\xd8\x1c"[{\\'))
        data = data[:at] + piece + data[at + cut :]
    check(name, data)
