"""web3 provider of the embedded chain: JSON-RPC without a socket.

It holds no keys and no pool: raw signed transactions come in, and each one that is
accepted is a block on disk when ``eth_sendRawTransaction`` answers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from web3.providers.base import BaseProvider
from web3.types import RPCEndpoint, RPCResponse

from anchors.embedded.chain import EmbeddedChain
from anchors.embedded.methods import InvalidParams, Methods
from anchors.errors import CallReverted, TransactionRefused

log = logging.getLogger(__name__)

METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
SERVER_ERROR = -32000
"""What go-ethereum answers for a transaction that it refuses."""
EXECUTION_REVERTED = 3
"""What go-ethereum answers for a revert, with the returned data."""


class EmbeddedProvider(BaseProvider):
    """Serves one ``EmbeddedChain``; safe to use from several threads."""

    def __init__(self, chain: EmbeddedChain) -> None:
        super().__init__()
        self.chain = chain
        methods = Methods(chain)
        self._methods: dict[str, Callable[..., Any]] = {
            "eth_chainId": methods.chain_id,
            "net_version": methods.net_version,
            "web3_clientVersion": methods.client_version,
            "eth_blockNumber": methods.block_number,
            "eth_getBlockByNumber": methods.get_block_by_number,
            "eth_getBlockByHash": methods.get_block_by_hash,
            "eth_getTransactionByHash": methods.get_transaction_by_hash,
            "eth_getTransactionReceipt": methods.get_transaction_receipt,
            "eth_getBlockReceipts": methods.get_block_receipts,
            "eth_getLogs": methods.get_logs,
            "eth_getTransactionCount": methods.get_transaction_count,
            "eth_getBalance": methods.get_balance,
            "eth_getCode": methods.get_code,
            "eth_getStorageAt": methods.get_storage_at,
            "eth_getProof": methods.get_proof,
            "eth_gasPrice": methods.gas_price,
            "eth_maxPriorityFeePerGas": methods.max_priority_fee,
            "eth_feeHistory": methods.fee_history,
            "eth_estimateGas": methods.estimate_gas,
            "eth_call": methods.call,
            "eth_sendRawTransaction": methods.send_raw_transaction,
        }

    def is_connected(self, show_traceback: bool = False) -> bool:
        """Always: the chain is in this process."""
        return True

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Answer one JSON-RPC call. A failure is a JSON-RPC error object, never an exception."""
        function = self._methods.get(method)
        if function is None:
            return _error(METHOD_NOT_FOUND, f"the method {method} does not exist on the embedded chain")
        with self.chain.lock:
            try:
                return {"jsonrpc": "2.0", "id": 1, "result": function(*params)}
            except CallReverted as error:
                code = EXECUTION_REVERTED if error.data or "reverted" in str(error) else SERVER_ERROR
                return _error(code, str(error), "0x" + error.data.hex())
            except TransactionRefused as error:
                return _error(SERVER_ERROR, str(error))
            except (InvalidParams, TypeError) as error:
                return _error(INVALID_PARAMS, f"{method}: {error}")
            except Exception as error:
                # A client of a node sees an answer, whatever happened inside the node; the trace is for us.
                log.exception("the embedded chain failed in %s", method)
                return _error(INTERNAL_ERROR, f"{method}: {error}")


def _error(code: int, message: str, data: str | None = None) -> RPCResponse:
    error: dict[str, Any] = {"code": code, "message": message}
    if data is not None:
        error["data"] = data
    return {"jsonrpc": "2.0", "id": 1, "error": error}  # type: ignore[typeddict-item]
