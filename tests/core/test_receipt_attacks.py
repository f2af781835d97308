"""Attacks on COSE receipts: each with a true signature of the log where that is possible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick import cose
from tallystick.errors import MalformedInput, TallystickError, VerificationFailed
from tallystick.merkle import leaf_hash, node_hash, prove_inclusion, root_from_inclusion, root_of
from tallystick.receipt import (
    MAX_RECEIPT_BYTES,
    PLACE,
    ConsistencyReceipt,
    parse_consistency,
    parse_inclusion,
    parse_receipt,
    sign_inclusion,
)
from tests.core.test_receipt import (
    ENTRIES,
    GOOD,
    GOOD_ENTRY,
    LEAVES,
    LOG,
    LONGER,
    ORIGIN,
    Tree,
    head,
    receipt,
)
from tests.world import key_from

Parts = dict[str, Any]


def parts_of(data: bytes) -> Parts:
    protected, unprotected, payload, signature = cbor2.loads(data).value
    return {
        "protected": cbor2.loads(protected),
        "unprotected": dict(unprotected),
        "payload": payload,
        "signature": signature,
    }


def forge(change: Callable[[Parts], None], data: bytes = GOOD, size: int = 11) -> bytes:
    """The receipt after ``change``, signed again by the log itself over the true root."""
    parts = parts_of(data)
    change(parts)
    header = parts.get("header") or cose.dump(parts["protected"])
    signature = LOG.sign(cose.sig_structure(header, parts.get("root", root_of(LEAVES[:size]))))
    return cose.dump(cbor2.CBORTag(18, [header, parts["unprotected"], parts["payload"], signature]))


def set_header(label: object, value: object) -> Callable[[Parts], None]:
    return lambda parts: parts["protected"].__setitem__(label, value)


def set_claim(label: object, value: object) -> Callable[[Parts], None]:
    return lambda parts: parts["protected"][15].__setitem__(label, value)


def set_unprotected(value: object) -> Callable[[Parts], None]:
    return lambda parts: parts.__setitem__("unprotected", value)


def set_proof(*proof: object) -> Callable[[Parts], None]:
    return set_unprotected({396: {-1: [cose.dump(list(proof))]}})


def drop(*place: object) -> Callable[[Parts], None]:
    def change(parts: Parts) -> None:
        found: Any = parts
        for step in place[:-1]:
            found = found[step]
        del found[place[-1]]

    return change


def rename(label: int, other: object) -> Callable[[Parts], None]:
    def change(parts: Parts) -> None:
        claims = parts["protected"][15]
        value = claims.pop(label)
        claims[other] = value

    return change


PATH = prove_inclusion(Tree(), 5, 11)
PROOF = cose.dump([11, 5, PATH])

CHANGES: dict[str, tuple[Callable[[Parts], None], str]] = {
    "an attached root": (lambda parts: parts.__setitem__("payload", root_of(LEAVES[:11])), "detached"),
    "an empty payload": (lambda parts: parts.__setitem__("payload", b""), "detached"),
    "no kid": (drop("protected", 4), "labels"),
    "no claims": (drop("protected", 15), "labels"),
    "no vds": (drop("protected", 395), "labels"),
    "crit": (set_header(2, [395]), "labels"),
    "a content type": (set_header(3, "application/json"), "labels"),
    "a type": (set_header(16, "application/scitt-receipt+cose"), "labels"),
    "a text label": (set_header("iss", ORIGIN), "labels"),
    "receipts in the protected header": (set_header(394, [GOOD]), "labels"),
    "the draft's vds -111": (
        lambda parts: (drop("protected", 395)(parts), set_header(-111, 1)(parts)),  # type: ignore[func-returns-value, return-value]
        "labels",
    ),
    "the draft's claims 13": (
        lambda parts: parts["protected"].__setitem__(13, parts["protected"].pop(15)),
        "labels",
    ),
    "claims twice, 13 and 15": (lambda parts: parts["protected"].__setitem__(13, {1: ORIGIN, 2: ORIGIN}), "labels"),
    "ES256": (set_header(1, -7), "EdDSA"),
    "Ed25519 by its new number": (set_header(1, -19), "EdDSA"),
    "ML-DSA-44": (set_header(1, -48), "EdDSA"),
    "vds 2 (CCF)": (set_header(395, 2), "data structure"),
    "vds 0": (set_header(395, 0), "data structure"),
    "vds true": (set_header(395, True), "data structure"),
    "vds as text": (set_header(395, "RFC9162_SHA256"), "data structure"),
    "a short kid": (set_header(4, LOG.public.kid[:31]), "thumbprint"),
    "kid as text": (set_header(4, LOG.public.kid.hex()), "thumbprint"),
    "claims in a list": (set_header(15, [ORIGIN]), "claims"),
    "no iss": (drop("protected", 15, 1), "claims"),
    "no sub": (drop("protected", 15, 2), "claims"),
    "no place": (drop("protected", 15, PLACE), "claims"),
    "another claim": (set_claim(6, 1_770_000_000), "claims"),
    "iss under the label true": (rename(1, True), "label"),
    "sub under the label 2.0": (rename(2, 2.0), "label"),
    "iss as bytes": (set_claim(1, ORIGIN.encode()), "not text"),
    "iss with a space": (set_claim(1, "log example"), "schema-less"),
    "an empty iss": (set_claim(1, ""), "schema-less"),
    "an empty sub": (set_claim(2, ""), "characters"),
    "sub with an escape": (set_claim(2, "\x1b[2J"), "control character"),
    "a place of another index": (set_claim(PLACE, [11, 4]), "signed place"),
    "a place of another size": (set_claim(PLACE, [12, 5]), "signed place"),
    "a place of three": (set_claim(PLACE, [11, 5, 0]), "signed place"),
    "a place with true": (set_claim(PLACE, [11, True]), "integers"),
    "a place of a float": (set_claim(PLACE, [11.0, 5]), "integers"),
    "a place that is a map": (set_claim(PLACE, {11: 5}), "integers"),
    "nothing unprotected": (set_unprotected({}), "expected 396"),
    "the draft's proofs -222": (set_unprotected({-222: {-1: [PROOF]}}), "expected 396"),
    "the draft's proofs beside": (set_unprotected({396: {-1: [PROOF]}, -222: {-1: [PROOF]}}), "expected 396"),
    "a kid unprotected": (set_unprotected({4: LOG.public.kid, 396: {-1: [PROOF]}}), "expected 396"),
    "a nested receipt": (set_unprotected({394: [GOOD], 396: {-1: [PROOF]}}), "expected 396"),
    "proofs in a list": (set_unprotected({396: [PROOF]}), "expected 396"),
    "no proof": (set_unprotected({396: {}}), "of kinds"),
    "proofs of both kinds": (set_unprotected({396: {-1: [PROOF], -2: [PROOF]}}), "of kinds"),
    "a proof under the label -1.0": (set_unprotected({396: {-1.0: [PROOF]}}), "label"),
    "proofs of a third kind": (set_unprotected({396: {-3: [PROOF]}}), "of kinds"),
    "an empty list of proofs": (set_unprotected({396: {-1: []}}), "one proof"),
    "two proofs": (set_unprotected({396: {-1: [PROOF, PROOF]}}), "one proof"),
    "a proof that is no byte string": (set_unprotected({396: {-1: [[11, 5, PATH]]}}), "one proof"),
    "a bare proof": (set_unprotected({396: {-1: PROOF}}), "one proof"),
    "a number for a proof": (set_unprotected({396: {-1: [1 << 40]}}), "one proof"),
    "an empty proof": (set_unprotected({396: {-1: [b""]}}), "not CBOR"),
    "a proof with a trailing byte": (set_unprotected({396: {-1: [PROOF + b"\0"]}}), "deterministic"),
    "a proof of indefinite length": (
        set_unprotected({396: {-1: [b"\x9f" + PROOF[1:] + b"\xff"]}}),
        "deterministic",
    ),
    "a path of indefinite length": (
        set_unprotected({396: {-1: [b"\x83\x0b\x05\x9f" + PROOF[4:] + b"\xff"]}}),
        "deterministic",
    ),
    "a size in two bytes": (set_unprotected({396: {-1: [b"\x83\x18\x0b" + PROOF[2:]]}}), "deterministic"),
    "a proof of two": (set_proof(11, 5), "two integers"),
    "a proof of four": (set_proof(11, 5, PATH, 0), "two integers"),
    "a proof that is a map": (set_unprotected({396: {-1: [cose.dump({11: 5})]}}), "two integers"),
    "a size that is true": (set_proof(True, 5, PATH), "two integers"),
    "a size as bytes": (set_proof(b"\x0b", 5, PATH), "two integers"),
    "an empty path": (set_proof(11, 5, []), "path has 1"),
    "a path of 66": (set_proof(11, 5, [bytes(32)] * 66), "path has 1"),
    "a path that is one hash": (set_proof(11, 5, PATH[0]), "path has 1"),
    "a hash of 31 bytes": (set_proof(11, 5, [*PATH[:-1], bytes(31)]), "32 bytes"),
    "a hash as text": (set_proof(11, 5, [*PATH[:-1], "a" * 32]), "32 bytes"),
    "a huge number as hash": (set_proof(11, 5, [*PATH[:-1], 1 << 40]), "32 bytes"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_other_forms_are_malformed_although_the_log_signed_them(name: str) -> None:
    change, said = CHANGES[name]
    assert forge(lambda parts: None) == GOOD
    with pytest.raises(MalformedInput, match=said):
        parse_receipt(forge(change))


OUTSIDE = {
    "an index beyond the tree": (11, 11, "outside a tree"),
    "a negative index": (11, -1, "outside a tree"),
    "a tree of none": (0, 0, "outside a tree"),
    "a tree beyond 2^63": ((1 << 63) + 1, 5, "outside a tree"),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_an_index_outside_the_tree_is_malformed(name: str) -> None:
    size, index, said = OUTSIDE[name]

    def change(parts: Parts) -> None:
        set_proof(size, index, PATH)(parts)
        set_claim(PLACE, [size, index])(parts)

    with pytest.raises(MalformedInput, match=said):
        parse_receipt(forge(change))


@pytest.mark.parametrize(("old", "size"), [(0, 11), (11, 11), (12, 11), (-1, 11), (5, (1 << 63) + 1)])
def test_sizes_without_a_consistency_receipt_are_malformed(old: int, size: int) -> None:
    def change(parts: Parts) -> None:
        parts["unprotected"] = {396: {-2: [cose.dump([old, size, PATH])]}}
        set_claim(PLACE, [old, size])(parts)

    with pytest.raises(MalformedInput, match="no consistency receipt"):
        parse_receipt(forge(change, LONGER))


def test_a_consistency_receipt_is_about_the_log() -> None:
    with pytest.raises(MalformedInput, match="about the log itself"):
        parse_receipt(forge(set_claim(2, "10.5555/A-0000-0000-0000-0000-0"), LONGER))


def test_each_kind_is_read_as_what_it_is() -> None:
    assert isinstance(parse_receipt(LONGER), ConsistencyReceipt)
    with pytest.raises(MalformedInput, match="this is a consistency receipt"):
        parse_inclusion(LONGER)
    with pytest.raises(MalformedInput, match="this is an inclusion receipt"):
        parse_consistency(GOOD)


BYTES = {
    "no tag": GOOD[1:],
    "tag 98": b"\xd8\x62" + GOOD[1:],
    "tag 18 twice": b"\xd2" + GOOD,
    "a trailing byte": GOOD + b"\0",
    "an array of indefinite length": b"\xd2\x9f" + GOOD[2:] + b"\xff",
    "cut short": GOOD[:-1],
    "nothing": b"",
    "too long": GOOD + bytes(MAX_RECEIPT_BYTES),
    "the statement": GOOD_ENTRY,
}


@pytest.mark.parametrize("name", BYTES)
def test_bytes_that_are_no_receipt(name: str) -> None:
    with pytest.raises(MalformedInput):
        parse_receipt(BYTES[name])


def test_the_receipt_of_another_key_or_log_proves_nothing() -> None:
    found = parse_inclusion(GOOD)
    with pytest.raises(VerificationFailed, match="names the key"):
        found.verify(GOOD_ENTRY, ORIGIN, key_from("another").public)
    with pytest.raises(VerificationFailed, match=r"expected .log\.example/other"):
        found.verify(GOOD_ENTRY, "log.example/other", LOG.public)
    with pytest.raises(VerificationFailed, match=r"expected .log\.example/other"):
        parse_consistency(LONGER).verify(root_of(LEAVES[:5]), "log.example/other", LOG.public)
    other = key_from("another")
    forged = sign_inclusion(other, head(11), GOOD_ENTRY, 5, PATH)
    with pytest.raises(VerificationFailed, match="names the key"):
        parse_inclusion(forged).verify(GOOD_ENTRY, ORIGIN, LOG.public)
    in_its_name = parts_of(forged)
    in_its_name["protected"][4] = LOG.public.kid
    data = cose.dump(
        cbor2.CBORTag(18, [cose.dump(in_its_name["protected"]), *list(in_its_name.values())[1:]]),
    )
    with pytest.raises(VerificationFailed, match="does not verify"):
        parse_inclusion(data).verify(GOOD_ENTRY, ORIGIN, LOG.public)


def test_a_subject_that_is_not_the_statements_is_refused() -> None:
    with pytest.raises(VerificationFailed, match="the statement is not"):
        parse_inclusion(forge(set_claim(2, "10.5555/A-0000-0000-0000-0000-0"))).verify(GOOD_ENTRY, ORIGIN, LOG.public)


def test_a_path_leads_to_one_root_for_several_places_so_the_place_is_signed() -> None:
    """Without the claim, leaf 2 of 3 could be passed on as leaf 1 of 2: earlier than it was, under a true signature."""
    pair = node_hash(LEAVES[0], LEAVES[1])
    assert root_from_inclusion(LEAVES[2], 2, 3, [pair]) == root_from_inclusion(LEAVES[2], 1, 2, [pair])
    true = receipt(2, 3)
    parts = parts_of(true)
    parts["unprotected"] = {396: {-1: [cose.dump([2, 1, [pair]])]}}
    moved = cose.dump(cbor2.CBORTag(18, [cose.dump(parts["protected"]), *list(parts.values())[1:]]))
    parse_inclusion(true).verify(ENTRIES[2], ORIGIN, LOG.public)
    with pytest.raises(MalformedInput, match=r"integers 2 and 1, the signed place \[3, 2\]"):
        parse_inclusion(moved)


def test_every_changed_byte_of_a_receipt_is_refused() -> None:
    for data, verify in (
        (GOOD, lambda bad: parse_inclusion(bad).verify(GOOD_ENTRY, ORIGIN, LOG.public)),
        (LONGER, lambda bad: parse_consistency(bad).verify(root_of(LEAVES[:5]), ORIGIN, LOG.public)),
    ):
        verify(data)
        for at in range(len(data)):
            for flip in (1, 32, 128, 255):
                with pytest.raises(TallystickError):
                    verify(data[:at] + bytes([data[at] ^ flip]) + data[at + 1 :])


def test_every_changed_byte_of_the_statement_is_refused() -> None:
    found = parse_inclusion(GOOD)
    for at in range(len(GOOD_ENTRY)):
        bad = GOOD_ENTRY[:at] + bytes([GOOD_ENTRY[at] ^ 1]) + GOOD_ENTRY[at + 1 :]
        with pytest.raises(TallystickError):
            found.verify(bad, ORIGIN, LOG.public)


@given(st.permutations(range(len(PATH))), st.integers(0, 2**16))
def test_a_path_in_another_order_or_with_another_hash_is_refused(order: list[int], seed: int) -> None:
    path = [PATH[at] for at in order]
    if path == PATH:
        path[seed % len(path)] = leaf_hash(seed.to_bytes(4, "big"))
    parts = parts_of(GOOD)
    parts["unprotected"] = {396: {-1: [cose.dump([11, 5, path])]}}
    data = cose.dump(cbor2.CBORTag(18, [cose.dump(parts["protected"]), *list(parts.values())[1:]]))
    with pytest.raises(VerificationFailed):
        parse_inclusion(data).verify(GOOD_ENTRY, ORIGIN, LOG.public)


@given(st.binary(max_size=60) | st.binary(max_size=60).map(lambda tail: GOOD[:150] + tail))
def test_any_bytes_are_a_receipt_or_malformed(data: bytes) -> None:
    with pytest.raises(MalformedInput):
        parse_receipt(data)
