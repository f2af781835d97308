"""Blocks, transactions, receipts and logs of the embedded chain as JSON-RPC shows them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, cast

import rlp
from eth._utils.address import generate_contract_address
from eth.abc import BlockHeaderAPI, ReceiptAPI, SignedTransactionAPI
from eth_utils.address import to_checksum_address

from anchors.embedded.chain import EmbeddedChain

Json = dict[str, Any]

BLOOM_BYTES = 256


def quantity(number: int) -> str:
    """A JSON-RPC quantity: 0x and hex digits without leading zeros."""
    return hex(number)


def data(value: bytes) -> str:
    """JSON-RPC data: 0x and two hex digits for each byte."""
    return "0x" + value.hex()


def word(number: int) -> str:
    """A 32-byte word as data."""
    return data(number.to_bytes(32, "big"))


# Of the same few again and again.
@lru_cache(maxsize=256)
def address(value: bytes) -> str:
    """An address with its EIP-55 checksum, as web3 wants it."""
    return to_checksum_address(value)


def bloom(value: int) -> str:
    """py-evm keeps a bloom filter as a number: 256 bytes, padded."""
    return data(value.to_bytes(BLOOM_BYTES, "big"))


def header_view(any_fork: BlockHeaderAPI) -> Json:
    """The header's fields, as in ``eth_getBlockBy…``."""
    # py-evm declares the fields of every fork, and those of later ones as optional.
    header: Any = any_fork
    return {
        "number": quantity(header.block_number),
        "hash": data(header.hash),
        "parentHash": data(header.parent_hash),
        "sha3Uncles": data(header.uncles_hash),
        "miner": address(header.coinbase),
        "stateRoot": data(header.state_root),
        "transactionsRoot": data(header.transaction_root),
        "receiptsRoot": data(header.receipt_root),
        "logsBloom": bloom(header.bloom),
        "difficulty": quantity(header.difficulty),
        "gasLimit": quantity(header.gas_limit),
        "gasUsed": quantity(header.gas_used),
        "timestamp": quantity(header.timestamp),
        "extraData": data(header.extra_data),
        "mixHash": data(header.mix_hash),
        "nonce": data(header.nonce),
        "baseFeePerGas": quantity(header.base_fee_per_gas),
        "withdrawalsRoot": data(header.withdrawals_root),
        "blobGasUsed": quantity(header.blob_gas_used),
        "excessBlobGas": quantity(header.excess_blob_gas),
        "parentBeaconBlockRoot": data(header.parent_beacon_block_root),
        "requestsHash": data(header.requests_hash),
    }


def block_view(chain: EmbeddedChain, header: BlockHeaderAPI, full: bool) -> Json:
    """A block, with its transactions in full or by hash."""
    block = chain.block(header)
    shown: list[Any] = [
        transaction_view(chain, header, index, transaction) if full else data(transaction.hash)
        for index, transaction in enumerate(block.transactions)
    ]
    size = len(rlp.encode(block))
    return {
        **header_view(header),
        "totalDifficulty": "0x0",
        "size": quantity(size),
        "transactions": shown,
        "uncles": [],
        "withdrawals": [],
    }


def transaction_view(
    chain: EmbeddedChain, header: BlockHeaderAPI, index: int, transaction: SignedTransactionAPI
) -> Json:
    """A mined transaction."""
    kind = transaction.type_id or 0
    view: Json = {
        "blockHash": data(header.hash),
        "blockNumber": quantity(header.block_number),
        "transactionIndex": quantity(index),
        "hash": data(transaction.hash),
        "type": quantity(kind),
        "chainId": quantity(chain.chain_id),
        "nonce": quantity(transaction.nonce),
        "from": address(transaction.sender),
        "to": address(transaction.to) if transaction.to else None,
        "value": quantity(transaction.value),
        "gas": quantity(transaction.gas),
        "gasPrice": quantity(effective_gas_price(header, transaction)),
        "input": data(transaction.data),
        "v": quantity(transaction.y_parity if kind else cast(Any, transaction).v),
        "r": quantity(transaction.r),
        "s": quantity(transaction.s),
    }
    if kind:
        view["accessList"] = [
            {"address": address(account), "storageKeys": [word(key) for key in keys]}
            for account, keys in transaction.access_list
        ]
        view["yParity"] = quantity(transaction.y_parity)
    if kind == 2:
        view["maxFeePerGas"] = quantity(transaction.max_fee_per_gas)
        view["maxPriorityFeePerGas"] = quantity(transaction.max_priority_fee_per_gas)
    return view


def effective_gas_price(header: BlockHeaderAPI, transaction: SignedTransactionAPI) -> int:
    """Wei for each gas that the transaction paid: base fee and tip, at most the fee cap."""
    base = base_fee(header)
    return base + min(transaction.max_priority_fee_per_gas, transaction.max_fee_per_gas - base)


def base_fee(header: BlockHeaderAPI) -> int:
    """Wei for each gas that the block burns."""
    return int(header.base_fee_per_gas or 0)


def receipt_view(chain: EmbeddedChain, header: BlockHeaderAPI, index: int) -> Json:
    """The receipt of the block's transaction at ``index``."""
    receipts = chain.receipts(header)
    transaction = chain.block(header).transactions[index]
    receipt = receipts[index]
    before = receipts[index - 1].gas_used if index else 0
    creates = not transaction.to
    return {
        "transactionHash": data(transaction.hash),
        "transactionIndex": quantity(index),
        "blockHash": data(header.hash),
        "blockNumber": quantity(header.block_number),
        "from": address(transaction.sender),
        "to": None if creates else address(transaction.to),
        "contractAddress": address(created_address(transaction)) if creates else None,
        "type": quantity(transaction.type_id or 0),
        "status": quantity(int.from_bytes(receipt.state_root, "big")),
        "cumulativeGasUsed": quantity(receipt.gas_used),
        "gasUsed": quantity(receipt.gas_used - before),
        "effectiveGasPrice": quantity(effective_gas_price(header, transaction)),
        "logsBloom": bloom(receipt.bloom),
        "logs": log_views(header, transaction, index, receipt, _logs_before(receipts, index)),
    }


def created_address(transaction: SignedTransactionAPI) -> bytes:
    """Address of the contract that a creating transaction makes."""
    return bytes(generate_contract_address(transaction.sender, transaction.nonce))


def log_views(
    header: BlockHeaderAPI, transaction: SignedTransactionAPI, index: int, receipt: ReceiptAPI, first: int
) -> list[Json]:
    """The receipt's logs; ``first`` is the position in the block of its first one."""
    return [
        {
            "address": address(log.address),
            "topics": [word(topic) for topic in log.topics],
            "data": data(log.data),
            "blockNumber": quantity(header.block_number),
            "blockHash": data(header.hash),
            "blockTimestamp": quantity(header.timestamp),
            "transactionHash": data(transaction.hash),
            "transactionIndex": quantity(index),
            "logIndex": quantity(first + at),
            "removed": False,
        }
        for at, log in enumerate(receipt.logs)
    ]


def block_logs(chain: EmbeddedChain, header: BlockHeaderAPI) -> list[Json]:
    """Every log of a block, in order."""
    receipts = chain.receipts(header)
    found: list[Json] = []
    for index, transaction in enumerate(chain.block(header).transactions):
        found += log_views(header, transaction, index, receipts[index], len(found))
    return found


def _logs_before(receipts: tuple[ReceiptAPI, ...], index: int) -> int:
    return sum(len(receipt.logs) for receipt in receipts[:index])
