"""Signed transactions and receipts, legacy and typed (EIP-2718), as they stand in a block's tries."""

from __future__ import annotations

from tallystick.errors import MalformedInput
from tallystick.evm import rlp
from tallystick.evm.keccak import keccak256
from tallystick.lazy_dataclass import dataclass

MAX_BYTES = 1 << 16

# Type (0: legacy) -> number of fields, position of `to`: EIP-155, EIP-2930, EIP-1559, EIP-4844, EIP-7702.
# Each was tested on blocks of real nodes; what was not is refused, such as the deposits (0x7e) of second layers.
_SHAPES = {0: (9, 3), 1: (11, 4), 2: (12, 5), 3: (14, 5), 4: (13, 5)}


@dataclass(frozen=True)
class Transaction:
    """A signed transaction. ``to`` is empty when it creates a contract; ``kind``: its type, 0 for legacy."""

    kind: int
    hash: bytes
    chain_id: int
    to: bytes


@dataclass(frozen=True)
class Log:
    """An event that a contract emitted."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True)
class Receipt:
    """Outcome of a transaction of type ``kind``. ``succeeded`` is the status of EIP-658."""

    kind: int
    succeeded: bool
    logs: tuple[Log, ...]


def decode_transaction(raw: bytes) -> Transaction:
    """Read a signed transaction that is bound to one chain. Raises ``MalformedInput``."""
    kind, payload = _split(raw, "a transaction")
    count, to_at = _SHAPES[kind]
    fields = rlp.as_list(rlp.decode(payload), "a transaction")
    if len(fields) != count:
        raise MalformedInput(f"a transaction of this type has {count} fields, found {len(fields)}")
    chain_id = _legacy_chain(fields) if kind == 0 else rlp.as_int(fields[0], "chainId")
    to = rlp.as_bytes(fields[to_at], "to")
    if len(to) not in (0, 20):
        raise MalformedInput(f"a transaction goes to an address of 20 bytes, found {len(to)}")
    return Transaction(kind, keccak256(raw), chain_id, to)


def decode_receipt(raw: bytes) -> Receipt:
    """Read a receipt. Raises ``MalformedInput``."""
    kind, payload = _split(raw, "a receipt")
    fields = rlp.as_list(rlp.decode(payload), "a receipt")
    if len(fields) != 4:
        raise MalformedInput(f"a receipt has 4 fields, found {len(fields)}")
    status = rlp.as_bytes(fields[0], "status")
    if status not in (b"", b"\x01"):
        raise MalformedInput("a receipt's status is 0 or 1")
    logs = tuple(_log(item) for item in rlp.as_list(fields[3], "logs"))
    return Receipt(kind, status == b"\x01", logs)


def _split(raw: bytes, what: str) -> tuple[int, bytes]:
    """Type (0 for legacy) and RLP payload. Raises ``MalformedInput`` for a type that was never tested here."""
    if not raw or len(raw) > MAX_BYTES:
        raise MalformedInput(f"{what} has 1 to {MAX_BYTES} bytes, found {len(raw)}")
    if raw[0] >= 0xC0:
        return 0, raw
    # (A legacy one has no type byte, so 0 never stands there.)
    if raw[0] == 0 or raw[0] not in _SHAPES:
        raise MalformedInput(
            f"{what} of type {raw[0]} ({raw[0]:#04x}) was never tested here and is refused; "
            "types 0 to 4 are read, those of second layers are not"
        )
    return raw[0], raw[1:]


def _legacy_chain(fields: list[rlp.Item]) -> int:
    v = rlp.as_int(fields[6], "v")
    if v < 35:
        raise MalformedInput("a legacy transaction without EIP-155 names no chain")
    return (v - 35) // 2


def _log(item: rlp.Item) -> Log:
    fields = rlp.as_list(item, "a log")
    if len(fields) != 3:
        raise MalformedInput(f"a log has 3 fields, found {len(fields)}")
    topics = tuple(rlp.as_bytes(topic, "a topic", 32) for topic in rlp.as_list(fields[1], "topics"))
    return Log(rlp.as_bytes(fields[0], "a log's address", 20), topics, rlp.as_bytes(fields[2], "a log's data"))
