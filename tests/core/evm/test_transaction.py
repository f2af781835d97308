from __future__ import annotations

from typing import Any

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import MalformedInput
from tallystick.evm import rlp
from tallystick.evm.transaction import MAX_BYTES, Log, decode_receipt, decode_transaction

SECRET = b"\x11" * 32
TO = b"\x22" * 20
COMMON: dict[str, Any] = {"nonce": 3, "gas": 90_000, "value": 0, "data": b"\x01\x02", "chainId": 7_331_000_001}
FEES: dict[int, dict[str, Any]] = {
    0: {"gasPrice": 2},
    1: {"gasPrice": 2, "type": 1, "accessList": []},
    2: {"maxFeePerGas": 3, "maxPriorityFeePerGas": 1, "type": 2, "accessList": []},
    3: {
        "maxFeePerGas": 3,
        "maxPriorityFeePerGas": 1,
        "type": 3,
        "accessList": [],
        "maxFeePerBlobGas": 1,
        "blobVersionedHashes": ["0x01" + "ab" * 31],
    },
    4: {"maxFeePerGas": 3, "maxPriorityFeePerGas": 1, "type": 4, "accessList": []},
}


def _delegation() -> dict[str, Any]:
    made = Account.sign_authorization({"chainId": 1, "address": "0x" + "33" * 20, "nonce": 0}, SECRET)
    return {"authorizationList": [made]}


FEES[4] |= _delegation()


def signed(kind: int, **changes: Any) -> Any:
    return Account.sign_transaction(COMMON | FEES[kind] | {"to": "0x" + TO.hex()} | changes, SECRET)


@pytest.mark.parametrize("kind", FEES)
def test_each_type_reads_as_its_wallet_made_it(kind: int) -> None:
    made = signed(kind)
    read = decode_transaction(bytes(made.raw_transaction))
    assert (read.hash, read.chain_id, read.to) == (bytes(made.hash), COMMON["chainId"], TO)
    assert read.kind == kind


def test_a_creation_goes_to_no_one() -> None:
    assert decode_transaction(bytes(signed(2, to=b"").raw_transaction)).to == b""


def test_a_legacy_transaction_names_its_chain() -> None:
    unbound = Account.sign_transaction(
        {"nonce": 0, "gas": 21_000, "gasPrice": 1, "value": 0, "to": "0x" + TO.hex(), "data": b""}, SECRET
    )
    with pytest.raises(MalformedInput, match="EIP-155"):
        decode_transaction(bytes(unbound.raw_transaction))


def test_other_types_and_forms_are_malformed() -> None:
    raw = bytes(signed(2).raw_transaction)
    fields = rlp.decode(raw[1:])
    assert isinstance(fields, list)
    for kind in range(0xC0):
        with pytest.raises(
            MalformedInput, match="fields" if 0 < kind < 5 else rf"type {kind} \({kind:#04x}\) was never"
        ):
            decode_transaction(bytes([kind]) + rlp.encode(fields[:3]))
    with pytest.raises(MalformedInput, match="12 fields"):
        decode_transaction(b"\x02" + rlp.encode(fields[:-1]))
    with pytest.raises(MalformedInput, match="20 bytes"):
        decode_transaction(b"\x02" + rlp.encode([*fields[:5], TO[1:], *fields[6:]]))
    with pytest.raises(MalformedInput):
        decode_transaction(raw + b"\x00")
    with pytest.raises(MalformedInput, match="1 to"):
        decode_transaction(b"")
    with pytest.raises(MalformedInput, match="1 to"):
        decode_transaction(b"\x02" * (MAX_BYTES + 1))


LOGS: list[rlp.Item] = [[TO, [b"\x01" * 32, b"\x02" * 32], b"data"], [TO, [], b""]]


def receipt(status: rlp.Item = b"\x01", logs: rlp.Item = LOGS, kind: bytes = b"") -> bytes:
    return kind + rlp.encode([status, b"\x52\x08", bytes(256), logs])


def test_the_receipt_of_a_type_never_tested_is_refused_by_name() -> None:
    for kind in (0, *range(5, 0xC0)):
        with pytest.raises(MalformedInput, match=rf"a receipt of type {kind} \({kind:#04x}\) was never tested"):
            decode_receipt(receipt(kind=bytes([kind])))


@pytest.mark.parametrize("kind", [b"", b"\x01", b"\x02", b"\x03", b"\x04"])
def test_a_receipt_gives_status_and_logs(kind: bytes) -> None:
    read = decode_receipt(receipt(kind=kind))
    assert read.succeeded is True
    assert read.kind == (kind[0] if kind else 0)
    assert read.logs == (Log(TO, (b"\x01" * 32, b"\x02" * 32), b"data"), Log(TO, (), b""))
    assert decode_receipt(receipt(b"", kind=kind)).succeeded is False


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        receipt(b"\x02"),
        receipt(bytes(32)),  # a state root, as before Byzantium
        receipt([]),
        receipt(logs=b""),
        receipt(logs=[[TO, []]]),
        receipt(logs=[[TO[1:], [], b""]]),
        receipt(logs=[[TO, [b"\x01" * 31], b""]]),
        receipt(logs=[[TO, [], []]]),
        receipt() + b"\x00",
        rlp.encode([b"\x01", b"", bytes(256)]),
    ],
    ids=range(11),
)
def test_a_receipt_of_another_form_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedInput):
        decode_receipt(raw)


@given(st.binary(max_size=100))
def test_rubbish_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedInput):
        decode_transaction(data)
    with pytest.raises(MalformedInput):
        decode_receipt(data)
