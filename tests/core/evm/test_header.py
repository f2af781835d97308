from __future__ import annotations

from typing import Any

import pytest
import rlp as oracle_rlp
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import MalformedInput
from tallystick.evm import rlp
from tallystick.evm.header import MAX_BYTES, decode_header
from tests.contracts.chain import FORKS
from tests.core.evm.blocks import STRANGER, Blocks


@pytest.fixture(scope="module")
def fields() -> list[Any]:
    header = Blocks("london").mine([(STRANGER, b"")]).block.header
    return list(oracle_rlp.decode(oracle_rlp.encode(header)))


@pytest.mark.parametrize("fork", FORKS)
def test_headers_of_each_fork_read_as_their_maker_says(fork: str) -> None:
    header = Blocks(fork).mine([(STRANGER, b"")]).block.header
    read = decode_header(oracle_rlp.encode(header))
    assert (read.hash, read.parent_hash, read.state_root) == (header.hash, header.parent_hash, header.state_root)
    assert (read.transactions_root, read.receipts_root) == (header.transaction_root, header.receipt_root)
    assert (read.number, read.time) == (header.block_number, header.timestamp)


def test_fields_of_later_forks_change_the_hash_alone(fields: list[Any]) -> None:
    now, later = decode_header(rlp.encode(fields)), decode_header(rlp.encode([*fields, b"new", [b"newer"]]))
    assert later.hash != now.hash
    assert (later.number, later.time, later.state_root) == (now.number, now.time, now.state_root)


@pytest.mark.parametrize(
    ("position", "value"),
    [
        (0, bytes(31)),
        (3, bytes(33)),
        (4, b""),
        (5, [bytes(32)]),
        (8, b"\x00\x01"),
        (8, b"\x01" * 9),
        (11, b"\x00"),
        (11, []),
    ],
)
def test_a_field_of_another_form_is_malformed(fields: list[Any], position: int, value: Any) -> None:
    with pytest.raises(MalformedInput):
        decode_header(rlp.encode([*fields[:position], value, *fields[position + 1 :]]))


def test_a_header_older_than_london_or_too_long_is_malformed(fields: list[Any]) -> None:
    with pytest.raises(MalformedInput, match="at least 16"):
        decode_header(rlp.encode(fields[:15]))
    with pytest.raises(MalformedInput, match="at most"):
        decode_header(rlp.encode([*fields, bytes(MAX_BYTES)]))
    with pytest.raises(MalformedInput):
        decode_header(rlp.encode(b"header"))


@given(st.binary(max_size=100))
def test_rubbish_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedInput):
        decode_header(data)
