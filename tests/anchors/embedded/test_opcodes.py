"""The quick opcodes against py-evm's own: the same stack, memory, gas, place and errors, for any program."""

from __future__ import annotations

from typing import Any

import pytest
from eth.exceptions import VMError
from eth.vm import opcode_values as values
from eth.vm.forks.cancun.transaction_context import CancunTransactionContext
from eth.vm.forks.prague.computation import PragueComputation
from eth.vm.forks.prague.opcodes import PRAGUE_OPCODES
from eth.vm.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from anchors.embedded.machine import Computation
from anchors.embedded.opcodes import MOST, quick_opcodes

GAS = 100_000
WORD = (1 << 256) - 1
EDGES = (0, 1, 2, 31, 32, 33, 64, 255, 256, 257, 1 << 64, 1 << 255, WORD - 31, WORD - 1, WORD)
REPLACED = sorted(code for code, own in PRAGUE_OPCODES.items() if quick_opcodes()[code] is not own)
# Words that are bytes, of 20, of fewer than 32 and of 32 bytes, and what shows gas, memory and hashes.
OTHERS = (values.ADDRESS, values.CALLDATALOAD, values.SHA3, values.GAS, values.MSIZE, values.PC, values.MSTORE8)


class NoState:
    """Data that is run as code may ask for anything: then both end."""

    coinbase = b"\x11" * 20

    def mark_address_warm(self, _: bytes) -> None:
        """As the start of a call does."""

    def __getattr__(self, name: str) -> Any:
        raise VMError(f"there is no {name}")


def run(machine: type[PragueComputation], code: bytes, gas: int = GAS) -> dict[str, Any]:
    """What is left of one call of ``code``."""
    who = b"\x11" * 20
    message = Message(gas=gas, to=who, sender=who, value=0, data=b"\x00\x07" + b"\xab" * 40, code=code)  # type: ignore[arg-type]
    context = CancunTransactionContext(gas_price=1, origin=who)  # type: ignore[arg-type]
    state: Any = NoState()
    done: Any = machine.apply_computation(state, message, context)
    return {
        "error": (type(done._error), str(done._error)) if done.is_error else None,
        "gas": done._gas_meter.gas_remaining,
        "stack": [int.from_bytes(word, "big") if isinstance(word, bytes) else word for word in done._stack.values],
        "memory": bytes(done._memory._bytes),
        "place": done.code.program_counter,
    }


def push(word: int) -> bytes:
    """The shortest PUSH of a word."""
    size = max(1, (word.bit_length() + 7) // 8)
    return bytes([values.PUSH1 + size - 1]) + word.to_bytes(size, "big")


def both(code: bytes, gas: int = GAS) -> tuple[dict[str, Any], dict[str, Any]]:
    """What ours left, and what py-evm's own."""
    return run(Computation, code, gas), run(PragueComputation, code, gas)


def same(code: bytes, gas: int = GAS) -> dict[str, Any]:
    """Both left the same; what that was."""
    ours, own = both(code, gas)
    assert ours == own
    return ours


words = st.sampled_from(EDGES) | st.integers(0, WORD) | st.integers(0, 300)
steps = st.one_of(
    words.map(push),
    st.sampled_from(REPLACED).map(lambda code: bytes([code])),
    st.sampled_from(OTHERS).map(lambda code: bytes([code])),
    # So that jumps land now and then, also within the data of a PUSH.
    st.just(bytes([values.JUMPDEST])),
    st.builds(lambda to, how: push(to) + bytes([how]), st.integers(0, 60), st.sampled_from([values.JUMP])),
    st.builds(lambda to, goes: push(goes) + push(to) + bytes([values.JUMPI]), st.integers(0, 60), st.integers(0, 1)),
)


@pytest.mark.filterwarnings("ignore:SELFDESTRUCT")
@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(EDGES).map(push), max_size=6), st.lists(steps, max_size=25), st.integers(0, 600))
def test_any_program_ends_the_same(begun: list[bytes], program: list[bytes], gas: int) -> None:
    code = b"".join(begun + program)
    for ours, own in (both(code), both(code, gas)):
        assert ours == own


@pytest.mark.parametrize("code", REPLACED)
def test_each_on_every_pair_of_edges(code: int) -> None:
    op = bytes([code])
    for first in EDGES:
        for second in EDGES:
            # Memory of two words, so that some reads and writes are within it.
            begun = push(9) + push(32) + bytes([values.MSTORE]) + push(second) + push(first)
            left = same(begun + op + bytes([values.JUMPDEST]))
            short = GAS - left["gas"]
            if left["error"] is None:
                assert same(begun + op, short - 2)["error"] is not None  # the JUMPDEST's gas, and one less


@pytest.mark.parametrize("code", REPLACED)
def test_each_on_an_empty_and_on_a_full_stack(code: int) -> None:
    for depth in (*range(18), MOST - 1, MOST):
        for tail in (b"\x00" * 3, b""):
            ours, own = both(push(1) * depth + bytes([code]) + tail)
            assert ours == own


@pytest.mark.parametrize("size", [1, 2, 4, 31, 32])
def test_a_jump_lands_on_no_data(size: int) -> None:
    dest = bytes([values.JUMPDEST])
    data = bytes([values.PUSH1 + size - 1]) + dest * size + dest
    for to in range(3, 3 + len(data) + 2):
        left = same(push(to) + bytes([values.JUMP]) + data)
        assert (left["error"] is None) == (to == 2 + len(data)), to
        same(push(1) + push(to) + bytes([values.JUMPI]) + data)
        same(push(0) + push(to) + bytes([values.JUMPI]) + data)


@pytest.mark.parametrize("jump", [push(3) + bytes([values.JUMP]), push(1) + push(5) + bytes([values.JUMPI])])
def test_a_jump_is_paid_for(jump: bytes) -> None:
    code = jump + bytes([values.JUMPDEST])
    price = GAS - same(code)["gas"]
    assert [same(code, gas)["error"] is None for gas in range(price + 1)] == [False] * price + [True]


def test_a_word_is_the_same_as_bytes_and_as_a_number() -> None:
    read = push(0) + bytes([values.CALLDATALOAD])
    for code in (values.ADD, values.SUB, values.LT, values.EQ, values.SHR, values.MSTORE, values.XOR):
        for begun in (read + push(64), push(64) + read, read + read):
            same(push(1) + push(96) + bytes([values.MSTORE]) + begun + bytes([code]))
    nothing, zero = push(999) + bytes([values.CALLDATALOAD]), push(32) + bytes([values.MLOAD])
    for word, expected in ((read, 0), (nothing, 1), (zero, 1)):
        assert same(word + bytes([values.ISZERO]))["stack"] == [expected]
        same(push(1) + word + bytes([values.JUMP, values.JUMPDEST]))
        # Over a PUSH, or not.
        jump = push(len(word) + 5) + bytes([values.JUMPI]) + push(5) + bytes([values.JUMPDEST])
        assert same(word + jump)["stack"] == [5] * expected


def test_what_is_replaced_is_what_an_anchor_runs_most() -> None:
    assert {values.PUSH1, values.PUSH2, values.MLOAD, values.MSTORE, values.DUP2, values.ADD, values.JUMPI} <= set(
        REPLACED
    )
    assert not {values.SSTORE, values.SLOAD, values.SHA3, values.STATICCALL, values.LOG2} & set(REPLACED)
