"""py-evm under the contract tests: messages straight into a state, and whole transactions where gas is the point."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import eth_abi
from eth.chains.base import MiningChain
from eth.db.atomic import AtomicDB
from eth.vm.forks.cancun import CancunVM
from eth.vm.forks.london import LondonVM
from eth.vm.forks.prague import PragueVM
from eth.vm.message import Message
from eth_keys import keys

from tallystick.evm.keccak import keccak256

FORKS = {"london": LondonVM, "cancun": CancunVM, "prague": PragueVM}
FOLDER = Path(os.environ.get("CONTRACTS_UNDER_TEST") or Path(__file__).parents[2] / "contracts")
"""Elsewhere for mutants: see ``mutants``."""


def load(path: str) -> dict[str, Any]:
    """A committed artefact, by its path below ``contracts/``."""
    artefact: dict[str, Any] = json.loads((FOLDER / path).read_text(encoding="utf-8"))
    return artefact


ARTEFACT = load("AnchorRegistry.json")
V1 = load("v1/AnchorRegistry.json")
"""The registry that logs began with before there was rotation."""
COURT = load("ForkCourt.json")
CHAIN_ID = 7_331_000_001
DEPLOYER = keys.PrivateKey(b"\x11" * 32)
GAS = 5_000_000


@dataclass(frozen=True)
class Outcome:
    """What a call did. ``reason`` is the revert string; empty when it succeeded or gave none."""

    succeeded: bool
    reason: str
    output: bytes
    gas: int
    logs: tuple[tuple[bytes, tuple[int, ...], bytes], ...]


def selector(name: str, abi: list[dict[str, Any]]) -> tuple[bytes, list[str]]:
    (entry,) = (item for item in abi if item["type"] == "function" and item["name"] == name)
    types = [abi_type(argument) for argument in entry["inputs"]]
    return keccak256(f"{name}({','.join(types)})".encode())[:4], types


def abi_type(argument: dict[str, Any]) -> str:
    """The type as selectors and encoders write it: a struct is the list of its members."""
    if argument["type"] != "tuple":
        return str(argument["type"])
    return f"({','.join(abi_type(member) for member in argument['components'])})"


def calldata(name: str, *arguments: Any, artefact: dict[str, Any] = ARTEFACT) -> bytes:
    prefix, types = selector(name, artefact["abi"])
    return prefix + eth_abi.encode(types, arguments)


class Evm:
    """One chain in memory with one contract deployed."""

    def __init__(self, fork: str = "prague", artefact: dict[str, Any] = ARTEFACT) -> None:
        self._artefact = artefact
        chain = MiningChain.configure(
            __name__="TestChain", vm_configuration=((0, FORKS[fork]),), chain_id=CHAIN_ID
        ).from_genesis(
            AtomicDB(),
            {"difficulty": 1 if fork == "london" else 0, "gas_limit": 30_000_000, "timestamp": 1},
            {
                DEPLOYER.public_key.to_canonical_address(): {
                    "balance": 10**24,
                    "nonce": 0,
                    "code": b"",
                    "storage": {},
                }
            },
        )
        self._vm = chain.get_vm()
        self._header = chain.get_block().header
        self._nonce = 0
        self.contract = self.deploy(bytes.fromhex(artefact["bytecode"][2:]))
        self.code = self._vm.state.get_code(self.contract)

    def deploy(self, creation: bytes) -> bytes:
        """Address of the contract that this code creates; ``deployment`` is how it went."""
        self.deployment = self.transact(b"", creation)
        assert self.deployment.succeeded, self.deployment.reason
        return self._created

    def call(self, sender: bytes, name: str, *arguments: Any) -> Outcome:
        """A message call; gas is what execution took, without the transaction's own cost."""
        return self.message(sender, self.contract, self._artefact["abi"], name, *arguments)

    def message(self, sender: bytes, to: bytes, abi: list[dict[str, Any]], name: str, *arguments: Any) -> Outcome:
        """The same to any contract of this chain."""
        prefix, types = selector(name, abi)
        return self.raw_call(sender, prefix + eth_abi.encode(types, arguments), to)

    def raw_call(self, sender: bytes, data: bytes, to: bytes | None = None) -> Outcome:
        state = self._vm.state
        receiver = self.contract if to is None else to
        code = state.get_code(receiver)
        message = Message(gas=GAS, to=receiver, sender=sender, value=0, data=data, code=code)
        context = state.get_transaction_context_class()(gas_price=0, origin=sender)
        return _outcome(state.computation_class.apply_message(state, message, context))

    def transact(self, to: bytes, data: bytes) -> Outcome:
        """A signed transaction of ``DEPLOYER``; gas is what the receipt says."""
        unsigned = self._vm.create_unsigned_transaction(
            nonce=self._nonce, gas_price=2 * 10**9, gas=GAS, to=to, value=0, data=data
        )
        signed = unsigned.as_signed_transaction(DEPLOYER, chain_id=CHAIN_ID)
        self._nonce += 1
        computation = self._vm.state.apply_transaction(signed)
        # Storage is priced by its value before the transaction, so each one needs a line drawn under it.
        self._vm.state.lock_changes()
        self._created = computation.msg.storage_address
        receipt = self._vm.make_receipt(self._header, signed, computation, self._vm.state)
        return _outcome(computation, receipt.gas_used)

    def slot(self, log_id: bytes) -> bytes:
        """What the contract's first mapping holds: an anchor, or a conviction."""
        return self._vm.state.get_storage(self.contract, self._position(log_id)).to_bytes(32, "big")

    def set_slot(self, log_id: bytes, value: bytes) -> None:
        self._vm.state.set_storage(self.contract, self._position(log_id), int.from_bytes(value, "big"))

    def _position(self, log_id: bytes) -> int:
        first = min(entry["slot"] for entry in self._artefact["storage_layout"].values())
        return int.from_bytes(keccak256(first.to_bytes(32, "big") + log_id), "big")


def _outcome(computation: Any, gas: int | None = None) -> Outcome:
    reason = ""
    if computation.is_error and computation.output[:4] == keccak256(b"Error(string)")[:4]:
        (reason,) = eth_abi.decode(["string"], computation.output[4:])
    logs = () if computation.is_error else tuple(computation.get_log_entries())
    return Outcome(
        succeeded=computation.is_success,
        reason=reason,
        output=bytes(computation.output),
        gas=computation.get_gas_used() if gas is None else gas,
        logs=logs,
    )
