"""Headers, transactions and receipts from the JSON of a node back to the bytes that the chain hashes.

A node shows fields; a proof needs the encoded bytes. Each encoder is checked
against the hash or the root that the node states, so a field that this release
does not know makes the packing fail, never the proof wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anchors.errors import AnchorError
from anchors.hashing import keccak256
from tallystick.evm import rlp

_HEADER = (
    "parentHash",
    "sha3Uncles",
    "miner",
    "stateRoot",
    "transactionsRoot",
    "receiptsRoot",
    "logsBloom",
    "difficulty",
    "number",
    "gasLimit",
    "gasUsed",
    "timestamp",
    "extraData",
    "mixHash",
    "nonce",
)
# Appended by London, Shanghai, Cancun (three) and Prague, in this order; Osaka appends none.
_HEADER_APPENDED = (
    "baseFeePerGas",
    "withdrawalsRoot",
    "blobGasUsed",
    "excessBlobGas",
    "parentBeaconBlockRoot",
    "requestsHash",
)
# What a node tells of a block besides its header.
_NO_HEADER = {"hash", "size", "transactions", "totalDifficulty", "uncles", "withdrawals"}


class PackingFailed(AnchorError):
    """The chain's answers do not fit together, or are of a kind that was never tested here. No proof is made."""


def header_rlp(block: Mapping[str, Any]) -> bytes:
    """RLP of the block's header. Raises ``PackingFailed`` when it does not have the hash that the node states."""
    appended = [name for name in _HEADER_APPENDED if block.get(name) is not None]
    if appended != list(_HEADER_APPENDED[: len(appended)]):
        raise PackingFailed(f"block {block['number']} has an unknown set of header fields: {', '.join(appended)}")
    missing = [name for name in _HEADER if block.get(name) is None]
    if missing:
        raise PackingFailed(f"block {block['number']} lacks the header fields {', '.join(missing)}")
    encoded = rlp.encode([_field(block[name]) for name in (*_HEADER, *appended)])
    if keccak256(encoded) != bytes(block["hash"]):
        unknown = sorted(set(block) - {*_HEADER, *_HEADER_APPENDED, *_NO_HEADER})
        raise PackingFailed(
            f"the header of block {block['number']} encodes to hash 0x{keccak256(encoded).hex()}, the chain states "
            f"0x{bytes(block['hash']).hex()}; its fork may append a field that this release does not know"
            + (f" ({', '.join(unknown)})" if unknown else "")
        )
    return encoded


def transaction_bytes(transaction: Mapping[str, Any]) -> bytes:
    """The signed transaction, as it stands in a block. Raises ``PackingFailed`` as above, and for a type above 4."""
    kind = _kind(transaction)
    try:
        fields = rlp.encode([_field(value) for value in _ENCODERS[kind](transaction)])
    except KeyError as error:
        raise PackingFailed(f"a transaction of type {kind} lacks {error}") from None
    encoded = fields if kind == 0 else bytes([kind]) + fields
    _check("transaction", keccak256(encoded), bytes(transaction["hash"]))
    return encoded


def receipt_bytes(receipt: Mapping[str, Any]) -> bytes:
    """The receipt as it stands in the receipts trie; its root is for the caller to check."""
    kind = _kind(receipt)
    logs = [
        [bytes_of(log["address"]), [bytes(topic) for topic in log["topics"]], bytes(log["data"])]
        for log in receipt["logs"]
    ]
    fields = [
        _field(int(receipt["status"])),
        _field(int(receipt["cumulativeGasUsed"])),
        bytes(receipt["logsBloom"]),
        logs,
    ]
    return (b"" if kind == 0 else bytes([kind])) + rlp.encode(fields)


def _kind(shown: Mapping[str, Any]) -> int:
    kind = int(shown.get("type") or 0)
    if kind not in _ENCODERS:
        raise PackingFailed(
            f"the block holds a transaction of type {kind} ({kind:#04x}), which was never tested: no proof can be "
            "packed from it. Second layers put such a one into every block; anchor where types 0 to 4 are all there is"
        )
    return kind


def bytes_of(address: str) -> bytes:
    """20 bytes of an address in hex."""
    return bytes.fromhex(address.removeprefix("0x"))


def _legacy_fields(tx: Mapping[str, Any]) -> list[Any]:
    head = [tx["nonce"], tx["gasPrice"], tx["gas"], tx.get("to") or b"", tx["value"], tx["input"]]
    return [*head, tx["v"], *_signature(tx)]


def _access_list_fields(tx: Mapping[str, Any]) -> list[Any]:
    head = [tx["chainId"], tx["nonce"], tx["gasPrice"], tx["gas"], tx.get("to") or b"", tx["value"], tx["input"]]
    return [*head, _access_list(tx), _parity(tx), *_signature(tx)]


def _dynamic_fee_fields(tx: Mapping[str, Any]) -> list[Any]:
    return [*_common(tx), _parity(tx), *_signature(tx)]


def _blob_fields(tx: Mapping[str, Any]) -> list[Any]:
    # In a block a blob transaction stands without its blobs.
    return [*_common(tx), tx["maxFeePerBlobGas"], list(tx["blobVersionedHashes"]), _parity(tx), *_signature(tx)]


def _delegation_fields(tx: Mapping[str, Any]) -> list[Any]:
    delegations = [
        [_field(value) for value in (one["chainId"], one["address"], one["nonce"], one["yParity"], *_signature(one))]
        for one in tx["authorizationList"]
    ]
    return [*_common(tx), delegations, _parity(tx), *_signature(tx)]


def _common(tx: Mapping[str, Any]) -> list[Any]:
    """What types 2, 3 and 4 begin with."""
    fees = [tx["maxPriorityFeePerGas"], tx["maxFeePerGas"]]
    head = [tx["chainId"], tx["nonce"], *fees, tx["gas"], tx.get("to") or b"", tx["value"], tx["input"]]
    return [*head, _access_list(tx)]


_ENCODERS = {
    0: _legacy_fields,
    1: _access_list_fields,
    2: _dynamic_fee_fields,
    3: _blob_fields,
    4: _delegation_fields,
}


def _signature(tx: Mapping[str, Any]) -> list[int]:
    # Words that RLP keeps as numbers: no leading zeros.
    return [int.from_bytes(bytes(tx[name]), "big") for name in ("r", "s")]


def _parity(tx: Mapping[str, Any]) -> int:
    return int(tx["yParity"] if "yParity" in tx else tx["v"])


def _access_list(tx: Mapping[str, Any]) -> list[Any]:
    return [[bytes_of(item["address"]), [bytes(key) for key in item["storageKeys"]]] for item in tx["accessList"]]


def _field(value: Any) -> Any:
    """What web3 makes of a field, as RLP takes it: numbers without leading zeros, addresses as 20 bytes."""
    if isinstance(value, int):
        return value.to_bytes((value.bit_length() + 7) // 8, "big")
    if isinstance(value, str):
        return bytes_of(value)
    return value if isinstance(value, list) else bytes(value)


def _check(what: str, found: bytes, stated: bytes) -> None:
    if found != stated:
        raise PackingFailed(f"the {what} encodes to hash 0x{found.hex()}, the chain states 0x{stated.hex()}")
