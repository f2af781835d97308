"""The machine reckons what py-evm's own does: the same blocks, the same price of memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from eth.chains.base import MiningChain
from eth.db.atomic import AtomicDB
from eth.exceptions import OutOfGas
from eth.vm.forks.prague import PragueVM
from eth.vm.forks.prague.computation import PragueComputation
from eth.vm.gas_meter import GasMeter
from eth.vm.memory import Memory
from eth_utils.exceptions import ValidationError
from hypothesis import given, settings
from hypothesis import strategies as st

from anchors.embedded.machine import FORK, Computation
from tests.anchors.support import Bench, MemoryLog, Policy

GAS = 30_000


def test_py_evm_itself_finds_every_block_right(tmp_path: Path) -> None:
    log = MemoryLog()
    log.grow(3)
    ours = Bench.start(tmp_path, log, policy=Policy(entries=1, seconds=1))
    try:
        _anchor(ours)
        for _ in range(3):
            log.grow(7)
            ours.clock.now += 1
            _anchor(ours)
        plain = type("Plain", (MiningChain,), {"vm_configuration": ((0, PragueVM),), "chain_id": ours.chain.chain_id})
        assert FORK is not PragueVM
        genesis = ours.chain.header_by_number(0)
        database = AtomicDB()
        for key, value in ours.chain.database._sql.execute("SELECT key, value FROM node"):
            database[key] = value
        theirs = plain.from_genesis_header(database, genesis)
        blocks = [ours.chain.block(_header(ours, number)) for number in range(1, ours.chain.head().block_number + 1)]
        assert len(blocks) == 5  # the contract, and four anchors
        assert [bytes(theirs.import_block(block).imported_block.hash) for block in blocks] == [
            bytes(block.hash) for block in blocks
        ]
    finally:
        ours.stop()


def _header(bench: Bench, number: int) -> Any:
    return bench.chain.header_by_number(number)


def _anchor(bench: Bench) -> None:
    outcome = bench.worker.run_once()
    while outcome.progress != "final":
        assert outcome.progress in ("deploying", "waiting for its name", "in flight")
        outcome = bench.worker.run_once()


def _touched(machine: type[PragueComputation], steps: list[tuple[int, int]]) -> list[object]:
    """Gas left and room after each step, or what it raised, which ends a call."""
    computation: Any = object.__new__(machine)
    computation._memory, computation._gas_meter = Memory(), GasMeter(GAS)
    seen: list[object] = []
    for start, size in steps:
        try:
            computation.extend_memory(start, size)
        except (OutOfGas, ValidationError) as error:
            return [*seen, type(error)]
        seen.append((computation._gas_meter.gas_remaining, len(computation._memory)))
    return seen


PLACES = st.integers(0, 4_000) | st.sampled_from([0, 31, 32, 33, 1 << 64, (1 << 256) - 1])


@settings(max_examples=200)
@given(st.lists(st.tuples(PLACES, PLACES), max_size=12))
def test_memory_costs_what_it_costs_in_py_evm(steps: list[tuple[int, int]]) -> None:
    assert _touched(Computation, steps) == _touched(PragueComputation, steps)


@pytest.mark.parametrize(("start", "size", "left"), [(0, 32, 3), (0, 33, 6), (0, 0, 0), (1 << 255, 0, 0), (31, 1, 3)])
def test_the_price_of_the_first_words(start: int, size: int, left: int) -> None:
    gas = GAS - left
    assert _touched(Computation, [(start, size), (start, size)]) == [(gas, 32 * (left // 3))] * 2
