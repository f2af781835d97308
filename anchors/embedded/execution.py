"""Calls and gas estimates on the embedded chain: run against a state, keep nothing."""

from __future__ import annotations

import itertools
from typing import Any, cast

from eth.abc import BlockHeaderAPI, ComputationAPI, StateAPI
from eth.exceptions import Revert
from eth.vm.chain_context import ChainContext
from eth.vm.spoof import SpoofTransaction

from anchors.account import floor_gas
from anchors.embedded.chain import EmbeddedChain
from anchors.embedded.machine import FORK
from anchors.errors import CallReverted
from anchors.reverts import revert_reason
from tallystick.lazy_dataclass import dataclass


@dataclass(frozen=True)
class Call:
    """An unsigned message to the chain."""

    sender: bytes
    to: bytes
    """20 bytes, or empty to create a contract."""
    data: bytes
    value: int
    gas: int | None
    """None: as much as a block holds."""


def call(chain: EmbeddedChain, message: Call, header: BlockHeaderAPI) -> bytes:
    """What the message returns on the state after ``header``. Raises ``CallReverted``."""
    state = _state_after(chain, header)
    computation = _run(state, message, message.gas or header.gas_limit)
    _raise_if_failed(computation)
    return bytes(computation.output)


def estimate_gas(chain: EmbeddedChain, message: Call, header: BlockHeaderAPI) -> int:
    """Least gas limit with which the message succeeds, at least EIP-7623's floor. Raises ``CallReverted``."""
    limit = message.gas or header.gas_limit
    computation = _run(_state_after(chain, header), message, limit)
    _raise_if_failed(computation)
    used = limit - computation.get_gas_remaining()
    least = max(used, floor_gas(message.data))
    # Calls may forward 63/64 of what is left, so what was used need not be enough.
    while least < limit and _run(_state_after(chain, header), message, least).is_error:
        least = min(limit, least + least // 16)
    return least


def _state_after(chain: EmbeddedChain, header: BlockHeaderAPI) -> StateAPI:
    """State in which the next block would run, with gas for nothing."""
    child = chain.next_header(header).copy(base_fee_per_gas=0)
    hashes = FORK.get_prev_hashes(header.hash, chain.evm.chaindb) or ()
    return FORK.build_state(cast(Any, chain.database), child, ChainContext(chain.chain_id), itertools.chain((), hashes))


def _run(state: StateAPI, message: Call, gas: int) -> ComputationAPI:
    unsigned = FORK.create_unsigned_transaction(
        nonce=state.get_nonce(cast(Any, message.sender)),
        gas_price=0,
        gas=gas,
        to=cast(Any, message.to),
        value=message.value,
        data=message.data,
    )
    intrinsic = max(unsigned.intrinsic_gas, floor_gas(message.data))
    if gas < intrinsic:
        raise CallReverted(f"intrinsic gas too low: gas {gas}, needs {intrinsic}", b"")
    balance = state.get_balance(cast(Any, message.sender))
    if balance < message.value:
        raise CallReverted(f"insufficient funds: the sender has {balance} wei, the value is {message.value}", b"")
    return state.costless_execute_transaction(cast(Any, SpoofTransaction(unsigned, from_=message.sender)))


def _raise_if_failed(computation: ComputationAPI) -> None:
    if not computation.is_error:
        return
    if isinstance(computation.error, Revert):
        data = bytes(computation.output)
        reason = revert_reason(data)
        raise CallReverted("execution reverted" + (f": {reason}" if reason else ""), data)
    raise CallReverted(f"{type(computation.error).__name__}: {computation.error}", b"")
