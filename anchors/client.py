"""A chain through JSON-RPC, whoever answers: the few calls that anchoring needs, with answers that mean one thing each.

Whatever the node says that is no statement about the transaction or the
contract becomes ``ChainUnreachable``: try again later. Every answer is looked at
before it is used; whether it is *true* is for the proof to show.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from anchors import answers
from anchors.errors import AnchorRefused, BadAnswer, CallReverted, ChainUnreachable, NodeRefused
from anchors.node import Provider
from anchors.reverts import revert_reason
from tallystick.lazy_dataclass import dataclass

Answer = Literal["taken", "nonce spent", "wait"]
"""What became of a broadcast: the chain has the transaction; its nonce belongs to a mined transaction, this one or
another; or another transaction with the nonce waits, so that this one must too."""

_TAKEN = ("already known", "alreadyknown", "known transaction", "already imported", "already_exists")
_NONCE_SPENT = ("nonce too low", "nonce is too low", "oldnonce", "noncetoolow", "nonce_too_low")
_WAIT = ("underpriced", "feetoolow")
_EXECUTION_REVERTED = 3
_METHOD_NOT_FOUND = -32601

HeadTag = Literal["latest", "finalized"]


@dataclass(frozen=True)
class Head:
    """A block that the node calls its newest, or its newest final one."""

    number: int
    hash: bytes
    time: int
    base_fee: int


class EvmClient:
    """Asks one ``Provider``. Addresses and hashes are raw bytes; every method may raise ``ChainUnreachable``."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def ask(self, method: str, *params: Any) -> Any:
        """The result of one call as JSON. Raises ``CallReverted`` for a revert, ``NodeRefused`` for another error."""
        try:
            answer = self._provider.make_request(method, params)
        except OSError as error:
            raise ChainUnreachable(f"{type(error).__name__}: {error}") from error
        if "error" not in answer:
            return answer["result"]
        raise _refusal(answer["error"])

    # --- the chain ------------------------------------------------------------------

    def chain_id(self) -> int:
        """EIP-155 chain id."""
        return answers.quantity(self.ask("eth_chainId"), "a chain id")

    def genesis_hash(self) -> bytes:
        """Hash of block 0: a chain that was reset has the same chain id and another genesis."""
        found = self.block_hash(0)
        if found is None:
            raise BadAnswer("the node has no block 0")
        return found

    def head(self, tag: HeadTag = "latest") -> Head:
        """The newest block, or the newest that the chain's own rules call final."""
        shown = self.ask("eth_getBlockByNumber", tag, False)
        if shown is None:
            raise BadAnswer(f"the node has no {tag} block")
        found = answers.block(shown)
        return Head(found["number"], found["hash"], found["timestamp"], found.get("baseFeePerGas") or 0)

    def tip(self) -> int:
        """The node's suggestion for maxPriorityFeePerGas, in wei."""
        return answers.quantity(self.ask("eth_maxPriorityFeePerGas"), "a priority fee")

    def head_number(self) -> int:
        """Number of the newest block."""
        return answers.quantity(self.ask("eth_blockNumber"), "a block number")

    def block_hash(self, number: int) -> bytes | None:
        """Hash of the block that has this number in the chain now, or None."""
        shown = self.ask("eth_getBlockByNumber", hex(number), False)
        if shown is None:
            return None
        found = answers.block(shown)
        if found["number"] != number:
            raise BadAnswer(f"block {number} was asked for, block {found['number']} came")
        return bytes(found["hash"])

    def block(self, block_hash: bytes) -> dict[str, Any] | None:
        """A block with full transactions, or None."""
        shown = self.ask("eth_getBlockByHash", _hex(block_hash), True)
        if shown is None:
            return None
        found = answers.block(shown)
        if found["hash"] != block_hash:
            raise BadAnswer(f"block {_hex(block_hash)} was asked for, block {_hex(found['hash'])} came")
        return found

    # --- accounts and contracts -------------------------------------------------------

    def code(self, address: bytes) -> bytes:
        """Runtime code at an address; empty when there is none."""
        return answers.data(self.ask("eth_getCode", _hex(address), "latest"), "code")

    def storage(self, address: bytes, slot: bytes) -> bytes:
        """The 32-byte word in a contract's storage slot (32 bytes)."""
        return answers.word(self.ask("eth_getStorageAt", _hex(address), _hex(slot), "latest"), "a storage slot")

    def next_nonce(self, address: bytes) -> int:
        """Number of transactions from this address in mined blocks."""
        return answers.quantity(self.ask("eth_getTransactionCount", _hex(address), "latest"), "a nonce")

    def balance(self, address: bytes) -> int:
        """Wei that an address has."""
        return answers.quantity(self.ask("eth_getBalance", _hex(address), "latest"), "a balance")

    def logs(self, address: bytes, topics: Sequence[bytes], from_block: int = 0) -> list[dict[str, Any]]:
        """Logs of a contract whose first topics are these, oldest first."""
        criteria = {
            "address": _hex(address),
            "topics": [_hex(topic) for topic in topics],
            "fromBlock": hex(from_block),
            "toBlock": "latest",
        }
        return answers.listed(self.ask("eth_getLogs", criteria), answers.log, "logs")

    def proof(self, address: bytes, slot: bytes, block_number: int) -> dict[str, Any]:
        """``eth_getProof`` of one storage slot (32 bytes) at a block."""
        return answers.state_proof(self.ask("eth_getProof", _hex(address), [_hex(slot)], hex(block_number)))

    def call(self, to: bytes, data: bytes, sender: bytes) -> bytes:
        """Run a call on the newest state. Raises ``AnchorRefused`` with the contract's reason when it reverts."""
        message = {"to": _hex(to), "input": _hex(data), "from": _hex(sender)}
        try:
            return answers.data(self.ask("eth_call", message, "latest"), "what a call returned")
        except CallReverted as error:
            shown = f"0x{error.data.hex()}" if error.data else str(error)
            raise AnchorRefused(revert_reason(error.data) or shown) from error

    # --- transactions -----------------------------------------------------------------

    def receipt(self, tx_hash: bytes) -> dict[str, Any] | None:
        """The receipt of a mined transaction, or None."""
        shown = self.ask("eth_getTransactionReceipt", _hex(tx_hash))
        if shown is None:
            return None
        found = answers.receipt(shown)
        if found["transactionHash"] != tx_hash:
            raise BadAnswer(f"the receipt of transaction {_hex(tx_hash)} was asked for, another one came")
        return found

    def receipts(self, block: dict[str, Any]) -> list[dict[str, Any]]:
        """Every receipt of a block, in order: by one call where the node knows that, else one by one."""
        hashes = [one if isinstance(one, bytes) else one["hash"] for one in block["transactions"]]
        try:
            shown = self.ask("eth_getBlockReceipts", _hex(block["hash"]))
        except NodeRefused as error:
            if error.code != _METHOD_NOT_FOUND:
                raise
            found = [self.receipt(tx_hash) for tx_hash in hashes]
            if None in found:
                raise BadAnswer(f"the node lacks receipts of block {_hex(block['hash'])}") from None
            return [one for one in found if one is not None]
        receipts = answers.listed(shown, answers.receipt, "a block's receipts")
        if [one["transactionHash"] for one in receipts] != hashes:
            raise BadAnswer(f"the receipts of block {_hex(block['hash'])} are not those of its transactions")
        return receipts

    def broadcast(self, raw: bytes) -> Answer:
        """Give a signed transaction to the chain; the same bytes may be given any number of times."""
        try:
            self.ask("eth_sendRawTransaction", _hex(raw))
        except NodeRefused as error:
            return _classify(error)
        return "taken"


def _hex(value: bytes) -> str:
    return "0x" + value.hex()


def _refusal(error: object) -> NodeRefused | CallReverted:
    """A JSON-RPC error as an exception: of the contract, if it says so, else of the node."""
    if not isinstance(error, dict):
        return NodeRefused(f"the node answered with an error: {str(error)[:200]}")
    message, code = str(error.get("message"))[:500], error.get("code")
    number = code if isinstance(code, int) else 0
    returned = error.get("data")
    data = b""
    if isinstance(returned, str) and returned.startswith("0x"):
        data = answers.data(returned, "what a contract returned")
    if number == _EXECUTION_REVERTED or message.lower().startswith("execution reverted"):
        return CallReverted(message, data)
    return NodeRefused(message, number, data)


def _classify(error: NodeRefused) -> Answer:
    text = str(error).lower()
    if any(mark in text for mark in _TAKEN):
        return "taken"
    if any(mark in text for mark in _NONCE_SPENT):
        return "nonce spent"
    if any(mark in text for mark in _WAIT):
        return "wait"
    raise error
