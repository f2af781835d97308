"""Every parser of an anchor proof against any structure: a clear answer, and the same as another RLP reader's."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import rlp as oracle
from hypothesis import given
from hypothesis import strategies as st

from tallystick import canonical
from tallystick.base64s import from_base64
from tallystick.errors import MalformedInput, TallystickError
from tallystick.evm import anchor, rlp
from tallystick.evm.header import decode_header
from tallystick.evm.keccak import keccak256
from tallystick.evm.proof import decode
from tallystick.evm.transaction import decode_receipt, decode_transaction
from tallystick.evm.trie import prove_value

GOOD = Path(__file__).parents[3] / "fixtures" / "anchors" / "good"
PROOFS = [decode((GOOD / f"sealed-prague-type-{kind}.json").read_bytes()) for kind in range(5)]
VALUES = [json.loads((GOOD / f"{name}.json").read_bytes()) for name in ("sealed-prague", "public-depth")]
HEADER = oracle.decode(from_base64(PROOFS[0].header))

ITEMS: st.SearchStrategy[Any] = st.recursive(
    st.binary(max_size=40), lambda inner: st.lists(inner, max_size=20), max_leaves=30
)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 53) + 1, (1 << 53) - 1) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def number(data: bytes) -> int:
    return int.from_bytes(data, "big")


@given(st.integers(0, len(HEADER) - 1), ITEMS, st.lists(ITEMS, max_size=3))
def test_headers(position: int, item: Any, more: list[Any]) -> None:
    fields = [*HEADER[:position], item, *HEADER[position + 1 :], *more]
    data = oracle.encode(fields)
    try:
        read = decode_header(data)
    except MalformedInput:
        assert item != HEADER[position] or len(data) > 4096
        return
    assert (read.hash, read.state_root) == (keccak256(data), fields[3])
    assert (read.transactions_root, read.receipts_root) == (fields[4], fields[5])
    assert (read.number, read.time) == (number(fields[8]), number(fields[11]))


@given(st.sampled_from(range(5)), st.integers(0, 13), ITEMS)
def test_transactions(kind: int, position: int, item: Any) -> None:
    raw = from_base64(PROOFS[kind].transaction.raw)
    fields = list(oracle.decode(raw[1:] if kind else raw))
    if position >= len(fields):
        return
    fields[position] = item
    changed = raw[: 1 if kind else 0] + oracle.encode(fields)
    try:
        read = decode_transaction(changed)
    except MalformedInput:
        return
    to = 3 if kind == 0 else 4 if kind == 1 else 5
    chain = (number(fields[6]) - 35) // 2 if kind == 0 else number(fields[0])
    assert (read.kind, read.to, read.chain_id, read.hash) == (kind, fields[to], chain, keccak256(changed))


@given(st.sampled_from(range(5)), st.integers(0, 3), ITEMS)
def test_receipts(kind: int, position: int, item: Any) -> None:
    raw = from_base64(PROOFS[kind].receipt.raw)
    fields = list(oracle.decode(raw[1:] if kind else raw))
    fields[position] = item
    try:
        read = decode_receipt(raw[: 1 if kind else 0] + oracle.encode(fields))
    except MalformedInput:
        return
    assert (read.kind, read.succeeded) == (kind, fields[0] == b"\x01")
    assert [[log.address, list(log.topics), log.data] for log in read.logs] == fields[3]


@given(st.binary(max_size=80), st.sampled_from(range(256)))
def test_bytes_after_a_type(data: bytes, first: int) -> None:
    for parse in (decode_transaction, decode_receipt):
        try:
            read = parse(bytes([first]) + data)
        except MalformedInput:
            continue
        assert read.kind == (0 if first >= 0xC0 else first)
        assert read.kind < 5


@given(st.lists(ITEMS, min_size=1, max_size=4), st.binary(min_size=1, max_size=4))
def test_tries_of_any_nodes(items: list[Any], key: bytes) -> None:
    """Under a root of the attacker's own: a value comes out only where the nodes hold it."""
    nodes = [rlp.encode(item) for item in items]
    try:
        value = prove_value(keccak256(nodes[0]), key, nodes)
    except TallystickError:
        return
    assert any(value in node for node in nodes)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return found + [place for name, item in inside for place in places(item, (*path, name))]


PLACES = [(at, place) for at, value in enumerate(VALUES) for place in places(value)]


@given(st.sampled_from(PLACES), JSON)
def test_proofs_with_any_json_anywhere(where: tuple[int, tuple[Any, ...]], new: Any) -> None:
    at, path = where
    value = copy.deepcopy(VALUES[at])
    holder = value
    for name in path[:-1]:
        holder = holder[name]
    old, holder[path[-1]] = holder[path[-1]], new
    try:
        data = canonical.encode(value)
        proof = decode(data)
        anchor.verify(proof, decode(canonical.encode(VALUES[at])).target)
    except TallystickError:
        assert type(new) is not type(old) or new != old
        return
    # What the packer recorded of finality is his word: nothing binds it.
    assert new == old or path[0] == "finality"
