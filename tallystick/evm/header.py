"""Block headers, read by position: London (16 fields) and whatever later forks append.

The hash covers every field, known or not, so that trailing ones change nothing
in what is read here.
"""

from __future__ import annotations

from tallystick.errors import MalformedInput
from tallystick.evm import rlp
from tallystick.evm.keccak import keccak256
from tallystick.lazy_dataclass import dataclass

MAX_BYTES = 4096
# Up to and including baseFeePerGas. Older headers lack it, and no chain that we anchor to is that old.
LEAST_FIELDS = 16


@dataclass(frozen=True)
class Header:
    """What an anchor proof needs of a block header. ``time`` is in Unix seconds, as the block's producer claims it."""

    hash: bytes
    parent_hash: bytes
    state_root: bytes
    transactions_root: bytes
    receipts_root: bytes
    number: int
    time: int


def decode_header(data: bytes) -> Header:
    """Read header RLP of at most 4,096 bytes. Raises ``MalformedInput``."""
    if len(data) > MAX_BYTES:
        raise MalformedInput(f"a block header has at most {MAX_BYTES} bytes, found {len(data)}")
    fields = rlp.as_list(rlp.decode(data), "a block header")
    if len(fields) < LEAST_FIELDS:
        raise MalformedInput(f"a block header has at least {LEAST_FIELDS} fields, found {len(fields)}")
    return Header(
        hash=keccak256(data),
        parent_hash=rlp.as_bytes(fields[0], "parentHash", 32),
        state_root=rlp.as_bytes(fields[3], "stateRoot", 32),
        transactions_root=rlp.as_bytes(fields[4], "transactionsRoot", 32),
        receipts_root=rlp.as_bytes(fields[5], "receiptsRoot", 32),
        number=rlp.as_int(fields[8], "number", 8),
        time=rlp.as_int(fields[11], "timestamp", 8),
    )
