"""The JSON-RPC methods that the embedded chain serves, one function each."""

from __future__ import annotations

from typing import Any, cast

from eth.abc import AccountDatabaseAPI, BlockHeaderAPI

from anchors.embedded import views
from anchors.embedded.chain import EmbeddedChain
from anchors.embedded.execution import Call, call, estimate_gas
from anchors.embedded.log_filter import LogFilter, matching_logs
from anchors.embedded.params import InvalidParams, parse_bytes, parse_quantity
from anchors.embedded.state_proof import account_proof
from anchors.embedded.views import Json, data, quantity

__all__ = ["InvalidParams", "Methods"]

CLIENT_VERSION = "tallystick-embedded/1/prague"
FEE_HISTORY_MAX = 1024
HEAD_TAGS = ("latest", "pending", "safe", "finalized")
"""Every block is final when it is written: one process decides, and nothing is ever taken back."""


class Methods:
    """Callers hold the chain's lock. Parameters are those of the Ethereum JSON-RPC specification."""

    def __init__(self, chain: EmbeddedChain) -> None:
        self._chain = chain

    # --- the chain ------------------------------------------------------------------

    def chain_id(self) -> str:
        return quantity(self._chain.chain_id)

    def net_version(self) -> str:
        return str(self._chain.chain_id)

    def client_version(self) -> str:
        return CLIENT_VERSION

    def block_number(self) -> str:
        return quantity(self._chain.head().block_number)

    # --- blocks, transactions, logs ---------------------------------------------------

    def get_block_by_number(self, block: str, full: bool = False) -> Json | None:
        header = self._find(block)
        return None if header is None else views.block_view(self._chain, header, full)

    def get_block_by_hash(self, block_hash: str, full: bool = False) -> Json | None:
        header = self._chain.header_by_hash(parse_bytes(block_hash, 32))
        return None if header is None else views.block_view(self._chain, header, full)

    def get_transaction_by_hash(self, tx_hash: str) -> Json | None:
        found = self._chain.find_transaction(parse_bytes(tx_hash, 32))
        if found is None:
            return None
        header, index = found
        return views.transaction_view(self._chain, header, index, self._chain.block(header).transactions[index])

    def get_transaction_receipt(self, tx_hash: str) -> Json | None:
        found = self._chain.find_transaction(parse_bytes(tx_hash, 32))
        return None if found is None else views.receipt_view(self._chain, *found)

    def get_block_receipts(self, block: Any) -> list[Json]:
        header = self._header({"blockHash": block} if isinstance(block, str) and len(block) == 66 else block)
        return [views.receipt_view(self._chain, header, index) for index, _ in enumerate(self._chain.receipts(header))]

    def get_logs(self, criteria: Json) -> list[Json]:
        wanted = LogFilter.parse(criteria)
        if wanted.block_hash is not None:
            header = self._chain.header_by_hash(wanted.block_hash)
            if header is None:
                raise InvalidParams(f"there is no block 0x{wanted.block_hash.hex()}")
            return matching_logs(self._chain, wanted, [header])
        first = self._header(criteria.get("fromBlock") or "latest").block_number
        last = self._header(criteria.get("toBlock") or "latest").block_number
        headers = (self._chain.header_by_number(number) for number in range(first, last + 1))
        return matching_logs(self._chain, wanted, [header for header in headers if header is not None])

    # --- state --------------------------------------------------------------------------

    def get_transaction_count(self, account: str, block: Any = "latest") -> str:
        return quantity(self._accounts(block).get_nonce(cast(Any, parse_bytes(account, 20))))

    def get_balance(self, account: str, block: Any = "latest") -> str:
        return quantity(self._accounts(block).get_balance(cast(Any, parse_bytes(account, 20))))

    def get_code(self, account: str, block: Any = "latest") -> str:
        return data(self._accounts(block).get_code(cast(Any, parse_bytes(account, 20))))

    def get_storage_at(self, account: str, slot: str, block: Any = "latest") -> str:
        return views.word(self._accounts(block).get_storage(cast(Any, parse_bytes(account, 20)), parse_quantity(slot)))

    def get_proof(self, account: str, slots: list[str], block: Any = "latest") -> Json:
        keys = [parse_quantity(slot) for slot in slots]
        return account_proof(self._chain, self._header(block), parse_bytes(account, 20), keys)

    # --- fees ---------------------------------------------------------------------------

    def gas_price(self) -> str:
        return quantity(self._next_base_fee(self._chain.head()))

    def max_priority_fee(self) -> str:
        # Nobody competes for a place in a block here.
        return quantity(0)

    def fee_history(self, count: Any, newest: Any = "latest", percentiles: list[float] | None = None) -> Json:
        last = self._header(newest)
        wanted = parse_quantity(count)
        if not 0 < wanted <= FEE_HISTORY_MAX:
            raise InvalidParams(f"a fee history has 1 to {FEE_HISTORY_MAX} blocks, {wanted} were asked for")
        oldest = max(0, last.block_number - wanted + 1)
        headers = [self._canonical(number) for number in range(oldest, last.block_number + 1)]
        history: Json = {
            "oldestBlock": quantity(oldest),
            "baseFeePerGas": [quantity(views.base_fee(h)) for h in headers] + [quantity(self._next_base_fee(last))],
            "gasUsedRatio": [h.gas_used / h.gas_limit for h in headers],
        }
        if percentiles:
            history["reward"] = [["0x0"] * len(percentiles) for _ in headers]
        return history

    # --- execution ------------------------------------------------------------------------

    def call(self, message: Json, block: Any = "latest") -> str:
        return data(call(self._chain, _message(message), self._header(block)))

    def estimate_gas(self, message: Json, block: Any = "latest") -> str:
        return quantity(estimate_gas(self._chain, _message(message), self._header(block)))

    def send_raw_transaction(self, raw: str) -> str:
        return data(self._chain.submit(parse_bytes(raw)))

    # --- helpers --------------------------------------------------------------------------

    def _find(self, block: Any) -> BlockHeaderAPI | None:
        """Header named by a tag, a number or an EIP-1898 object, or None when there is no such block."""
        if isinstance(block, dict):
            if "blockHash" in block:
                return self._chain.header_by_hash(parse_bytes(block["blockHash"], 32))
            block = block.get("blockNumber")
        if block in HEAD_TAGS:
            return self._chain.head()
        return self._chain.header_by_number(0 if block == "earliest" else parse_quantity(block))

    def _header(self, block: Any) -> BlockHeaderAPI:
        header = self._find(block)
        if header is None:
            raise InvalidParams(f"there is no block {block}")
        return header

    def _canonical(self, number: int) -> BlockHeaderAPI:
        return self._header(quantity(number))

    def _accounts(self, block: Any) -> AccountDatabaseAPI:
        return self._chain.accounts(self._header(block))

    def _next_base_fee(self, header: BlockHeaderAPI) -> int:
        return views.base_fee(self._chain.next_header(header))


def _message(fields: Json) -> Call:
    payload = fields.get("input") or fields.get("data") or "0x"
    gas = fields.get("gas")
    return Call(
        sender=parse_bytes(fields["from"], 20) if fields.get("from") else bytes(20),
        to=parse_bytes(fields["to"], 20) if fields.get("to") else b"",
        data=parse_bytes(payload),
        value=parse_quantity(fields.get("value") or 0),
        gas=None if gas is None else parse_quantity(gas),
    )
