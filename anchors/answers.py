"""A node's JSON as Python values: numbers are int, data bytes, addresses stay 0x text. What does not fit raises.

The names are those of the Ethereum JSON-RPC specification. A member that this module does not know stays as it came.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from anchors.errors import BadAnswer

_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}")
_DATA = re.compile(r"0x(?:[0-9a-fA-F]{2})*")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


def quantity(value: object, what: str) -> int:
    """A number. Raises ``BadAnswer`` that names ``what``."""
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise BadAnswer(f"{what} is no number in hex: {_shown(value)}")
    return int(value, 16)


def data(value: object, what: str, length: int | None = None) -> bytes:
    """Bytes, ``length`` of them when given. Raises ``BadAnswer``."""
    if not isinstance(value, str) or not _DATA.fullmatch(value):
        raise BadAnswer(f"{what} is no bytes in hex: {_shown(value)}")
    found = bytes.fromhex(value[2:])
    if length is not None and len(found) != length:
        raise BadAnswer(f"{what} has {len(found)} bytes, expected {length}")
    return found


def word(value: object, what: str) -> bytes:
    """32 bytes, of which a node may leave out leading zeros. Raises ``BadAnswer``."""
    return quantity(value, what).to_bytes(32, "big")


def hash32(value: object, what: str) -> bytes:
    """A hash. Raises ``BadAnswer``."""
    return data(value, what, 32)


def address(value: object, what: str) -> str:
    """An address as 0x text. Raises ``BadAnswer``."""
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        raise BadAnswer(f"{what} is no address: {_shown(value)}")
    return value


def block(value: object) -> dict[str, Any]:
    """A block, with its transactions whole or as hashes."""
    found = _members(value, _BLOCK, "block")
    _present(found, "block", "hash", "number", "timestamp", "transactions")
    listed = _list(found["transactions"], "a block's transactions")
    found["transactions"] = [
        hash32(item, "a transaction's hash") if isinstance(item, str) else transaction(item) for item in listed
    ]
    return found


def transaction(value: object) -> dict[str, Any]:
    """A transaction in a block."""
    found = _members(value, _TRANSACTION, "transaction")
    _present(found, "transaction", "hash")
    if found.get("accessList") is not None:
        found["accessList"] = [_access(item) for item in _list(found["accessList"], "an access list")]
    if found.get("blobVersionedHashes") is not None:
        blobs = _list(found["blobVersionedHashes"], "blob hashes")
        found["blobVersionedHashes"] = [hash32(item, "a blob's hash") for item in blobs]
    if found.get("authorizationList") is not None:
        listed = _list(found["authorizationList"], "an authorization list")
        found["authorizationList"] = [_authorization(item) for item in listed]
    return found


def receipt(value: object) -> dict[str, Any]:
    """A receipt with its logs."""
    found = _members(value, _RECEIPT, "receipt")
    _present(found, "receipt", "transactionHash", "blockHash", "blockNumber", "status", "logs", "gasUsed")
    found["logs"] = [log(item) for item in _list(found["logs"], "a receipt's logs")]
    return found


def log(value: object) -> dict[str, Any]:
    """An event."""
    found = _members(value, _LOG, "log")
    _present(found, "log", "address", "topics", "data")
    found["topics"] = [hash32(item, "a topic") for item in _list(found["topics"], "topics")]
    return found


def state_proof(value: object) -> dict[str, Any]:
    """The answer to ``eth_getProof`` of one slot: nodes of both tries."""
    found = _members(value, {}, "state proof")
    _present(found, "state proof", "accountProof", "storageProof")
    slots = _list(found["storageProof"], "storageProof")
    if len(slots) != 1 or not isinstance(slots[0], dict):
        raise BadAnswer("a state proof of one slot was asked for, and something else came")
    return {
        "accountProof": _nodes(found["accountProof"]),
        "storageProof": [{"proof": _nodes(slots[0].get("proof"))}],
    }


def listed(value: object, each: Callable[[object], dict[str, Any]], what: str) -> list[dict[str, Any]]:
    """A list of such things."""
    return [each(item) for item in _list(value, what)]


def _access(value: object) -> dict[str, Any]:
    found = _members(value, {"address": address}, "access list entry")
    _present(found, "access list entry", "address", "storageKeys")
    found["storageKeys"] = [hash32(item, "a storage key") for item in _list(found["storageKeys"], "storage keys")]
    return found


def _authorization(value: object) -> dict[str, Any]:
    found = _members(value, _AUTHORIZATION, "authorization")
    _present(found, "authorization", *_AUTHORIZATION)
    return found


def _nodes(value: object) -> list[bytes]:
    return [data(item, "a node of a state proof") for item in _list(value, "a state proof")]


def _members(value: object, known: dict[str, Callable[[object, str], Any]], what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadAnswer(f"a {what} is no JSON object: {_shown(value)}")
    return {
        name: known[name](item, f"{name} of a {what}") if name in known and item is not None else item
        for name, item in value.items()
    }


def _present(found: dict[str, Any], what: str, *names: str) -> None:
    missing = [name for name in names if found.get(name) is None]
    if missing:
        raise BadAnswer(f"a {what} lacks {', '.join(missing)}")


def _list(value: object, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise BadAnswer(f"{what}: no list: {_shown(value)}")
    return value


def _shown(value: object) -> str:
    return repr(value)[:80]


_HASHES = ("hash", "parentHash", "sha3Uncles", "stateRoot", "transactionsRoot", "receiptsRoot", "mixHash")
_BLOCK: dict[str, Callable[[object, str], Any]] = {
    **dict.fromkeys((*_HASHES, "withdrawalsRoot", "parentBeaconBlockRoot", "requestsHash"), hash32),
    **dict.fromkeys(("logsBloom", "extraData", "nonce"), data),
    **dict.fromkeys(("number", "gasLimit", "gasUsed", "timestamp", "difficulty", "baseFeePerGas"), quantity),
    **dict.fromkeys(("blobGasUsed", "excessBlobGas"), quantity),
    "miner": address,
}
_TRANSACTION: dict[str, Callable[[object, str], Any]] = {
    **dict.fromkeys(("hash", "blockHash"), hash32),
    **dict.fromkeys(("from", "to"), address),
    **dict.fromkeys(("type", "chainId", "nonce", "gas", "gasPrice", "maxFeePerGas", "maxPriorityFeePerGas"), quantity),
    **dict.fromkeys(("maxFeePerBlobGas", "value", "v", "yParity", "blockNumber", "transactionIndex"), quantity),
    **dict.fromkeys(("r", "s"), word),
    "input": data,
}
_AUTHORIZATION: dict[str, Callable[[object, str], Any]] = {
    **dict.fromkeys(("chainId", "nonce", "yParity"), quantity),
    **dict.fromkeys(("r", "s"), word),
    "address": address,
}
_LOG: dict[str, Callable[[object, str], Any]] = {
    **dict.fromkeys(("transactionHash", "blockHash"), hash32),
    **dict.fromkeys(("blockNumber", "logIndex", "transactionIndex"), quantity),
    "address": address,
    "data": data,
}
_RECEIPT: dict[str, Callable[[object, str], Any]] = {
    **dict.fromkeys(("transactionHash", "blockHash"), hash32),
    **dict.fromkeys(("blockNumber", "transactionIndex", "gasUsed", "cumulativeGasUsed"), quantity),
    **dict.fromkeys(("status", "type", "effectiveGasPrice"), quantity),
    **dict.fromkeys(("from", "to", "contractAddress"), address),
    "logsBloom": data,
}
