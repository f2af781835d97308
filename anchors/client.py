"""A chain through web3, over any provider: the few calls that anchoring needs, with answers that mean one thing each.

Whatever the node says that is no statement about the transaction or the
contract becomes ``ChainUnreachable``: try again later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar, cast

from web3 import Web3
from web3.exceptions import BlockNotFound, ContractLogicError, TransactionNotFound, Web3Exception, Web3RPCError
from web3.types import TxParams

from anchors.errors import AnchorRefused, CallReverted, ChainUnreachable
from anchors.reverts import revert_reason

Answer = Literal["taken", "nonce spent", "wait"]
"""What became of a broadcast: the chain has the transaction; its nonce belongs to a mined transaction, this one or
another; or another transaction with the nonce waits, so that this one must too."""

_TAKEN = ("already known", "alreadyknown", "known transaction", "already imported")
_NONCE_SPENT = ("nonce too low", "nonce is too low", "oldnonce", "noncetoolow")
_WAIT = ("underpriced",)

T = TypeVar("T")


class EvmClient:
    """Wraps a ``Web3``. Addresses and hashes are raw bytes; every method may raise ``ChainUnreachable``."""

    def __init__(self, w3: Web3) -> None:
        self.w3 = w3

    def chain_id(self) -> int:
        """EIP-155 chain id."""
        return int(_ask(lambda: self.w3.eth.chain_id))

    def genesis_hash(self) -> bytes:
        """Hash of block 0: a chain that was reset has the same chain id and another genesis."""
        return bytes(_ask(lambda: self.w3.eth.get_block(0))["hash"])

    def code(self, address: bytes) -> bytes:
        """Runtime code at an address; empty when there is none."""
        return bytes(_ask(lambda: self.w3.eth.get_code(checksum(address))))

    def storage(self, address: bytes, slot: bytes) -> bytes:
        """The 32-byte word in a contract's storage slot (32 bytes)."""
        found = _ask(lambda: self.w3.eth.get_storage_at(checksum(address), int.from_bytes(slot, "big")))
        return bytes(found).rjust(32, b"\x00")

    def next_nonce(self, address: bytes) -> int:
        """Number of transactions from this address in mined blocks."""
        return int(_ask(lambda: self.w3.eth.get_transaction_count(checksum(address), "latest")))

    def base_fee(self) -> int:
        """Base fee of the newest block, in wei."""
        return int(_ask(lambda: self.w3.eth.get_block("latest"))["baseFeePerGas"])

    def tip(self) -> int:
        """The node's suggestion for maxPriorityFeePerGas, in wei."""
        return int(_ask(lambda: self.w3.eth.max_priority_fee))

    def head_number(self) -> int:
        """Number of the newest block."""
        return int(_ask(lambda: self.w3.eth.block_number))

    def block(self, block_hash: bytes) -> dict[str, Any] | None:
        """A block with full transactions, or None."""
        try:
            return dict(_ask(lambda: self.w3.eth.get_block(block_hash, full_transactions=True)))  # type: ignore[arg-type]
        except BlockNotFound:
            return None

    def receipt(self, tx_hash: bytes) -> dict[str, Any] | None:
        """The receipt of a mined transaction, or None."""
        try:
            return dict(_ask(lambda: self.w3.eth.get_transaction_receipt(tx_hash)))  # type: ignore[arg-type]
        except TransactionNotFound:
            return None

    def logs(self, address: bytes, topics: Sequence[bytes], from_block: int = 0) -> list[dict[str, Any]]:
        """Logs of a contract whose first topics are these, oldest first."""
        criteria: Any = {
            "address": checksum(address),
            "topics": ["0x" + topic.hex() for topic in topics],
            "fromBlock": from_block,
            "toBlock": "latest",
        }
        return [dict(log) for log in _ask(lambda: self.w3.eth.get_logs(criteria))]

    def proof(self, address: bytes, slot: bytes, block_number: int) -> dict[str, Any]:
        """``eth_getProof`` of one storage slot (32 bytes) at a block."""
        key = int.from_bytes(slot, "big")
        return dict(_ask(lambda: cast(Any, self.w3.eth).get_proof(checksum(address), [key], block_number)))

    def call(self, to: bytes, data: bytes, sender: bytes) -> bytes:
        """Run a call on the newest state. Raises ``AnchorRefused`` with the contract's reason when it reverts."""
        message: TxParams = {"to": checksum(to), "data": data, "from": checksum(sender)}
        try:
            return bytes(_ask(lambda: self.w3.eth.call(message)))
        except CallReverted as error:
            raise AnchorRefused(revert_reason(error.data) or str(error)) from error

    def broadcast(self, raw: bytes) -> Answer:
        """Give a signed transaction to the chain; the same bytes may be given any number of times."""
        try:
            _ask(lambda: self.w3.eth.send_raw_transaction(raw))
        except ChainUnreachable as error:
            return _classify(error)
        return "taken"


def checksum(address: bytes) -> Any:
    """An address as web3 wants it."""
    return Web3.to_checksum_address(address)


def _ask(question: Callable[[], T]) -> T:
    try:
        return question()
    except (BlockNotFound, TransactionNotFound):
        raise
    except ContractLogicError as error:
        raise CallReverted(str(error.message), _data_of(error.data)) from error
    except Web3RPCError as error:
        raise ChainUnreachable(error.message) from error
    # requests' errors are OSErrors.
    except (Web3Exception, OSError) as error:
        raise ChainUnreachable(f"{type(error).__name__}: {error}") from error


def _data_of(data: object) -> bytes:
    if isinstance(data, str) and data.startswith("0x"):
        return bytes.fromhex(data[2:])
    return b""


def _classify(error: ChainUnreachable) -> Answer:
    text = str(error).lower()
    if any(mark in text for mark in _TAKEN):
        return "taken"
    if any(mark in text for mark in _NONCE_SPENT):
        return "nonce spent"
    if any(mark in text for mark in _WAIT):
        return "wait"
    raise error
