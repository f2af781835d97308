"""The commonest opcodes of the EVM, quickly: nine in ten of those that an anchor runs.

Each does what py-evm's own does where nothing is wrong: enough gas, enough on the stack, memory that is there, a jump
to where one may land. Whatever else it finds, and so every error, is left to py-evm's own, before anything has changed.
A word on the stack is an int or bytes, as in py-evm, and means the same either way.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeAlias

from eth.vm import opcode_values as values
from eth.vm.forks.prague.opcodes import PRAGUE_OPCODES

Opcode: TypeAlias = Callable[..., None]

MOST = 1024
"""Words on a stack."""
_BITS = (1 << 256) - 1


def quick_opcodes() -> dict[int, Any]:
    """Prague's, some of them replaced."""
    made: dict[int, Any] = dict(PRAGUE_OPCODES)
    for size in range(1, 33):
        made[values.PUSH1 + size - 1] = _push(PRAGUE_OPCODES[values.PUSH1 + size - 1], size)
    for place in range(1, 17):
        made[values.DUP1 + place - 1] = _dup(PRAGUE_OPCODES[values.DUP1 + place - 1], place)
        made[values.SWAP1 + place - 1] = _swap(PRAGUE_OPCODES[values.SWAP1 + place - 1], place)
    for code, reckon in _OF_TWO.items():
        made[code] = _of_two(PRAGUE_OPCODES[code], reckon)
    for code, make in _ALONE.items():
        made[code] = make(PRAGUE_OPCODES[code])
    return made


def _int(word: int | bytes) -> int:
    return word if isinstance(word, int) else int.from_bytes(word, "big")


def _push(own: Any, size: int) -> Opcode:
    price = own.gas_cost

    def push(computation: Any) -> None:
        code, meter, stack = computation.code, computation._gas_meter, computation._stack.values
        at = code.program_counter
        word = code._raw_code_bytes[at : at + size]
        if meter.gas_remaining < price or len(stack) >= MOST or len(word) < size:
            own(computation)
            return
        meter.gas_remaining -= price
        code.program_counter = at + size
        stack.append(int.from_bytes(word, "big"))

    return push


def _dup(own: Any, place: int) -> Opcode:
    price = own.gas_cost

    def dup(computation: Any) -> None:
        meter, stack = computation._gas_meter, computation._stack.values
        if meter.gas_remaining < price or not place <= len(stack) < MOST:
            own(computation)
            return
        meter.gas_remaining -= price
        stack.append(stack[-place])

    return dup


def _swap(own: Any, place: int) -> Opcode:
    price, deep = own.gas_cost, -place - 1

    def swap(computation: Any) -> None:
        meter, stack = computation._gas_meter, computation._stack.values
        if meter.gas_remaining < price or len(stack) <= place:
            own(computation)
            return
        meter.gas_remaining -= price
        stack[-1], stack[deep] = stack[deep], stack[-1]

    return swap


def _of_two(own: Any, reckon: Callable[[int, int], int]) -> Opcode:
    price = own.gas_cost

    def of_two(computation: Any) -> None:
        meter, stack = computation._gas_meter, computation._stack.values
        if meter.gas_remaining < price or len(stack) < 2:
            own(computation)
            return
        meter.gas_remaining -= price
        first = _int(stack.pop())
        stack[-1] = reckon(first, _int(stack[-1]))

    return of_two


def _iszero(own: Any) -> Opcode:
    price = own.gas_cost

    def iszero(computation: Any) -> None:
        meter, stack = computation._gas_meter, computation._stack.values
        if meter.gas_remaining < price or not stack:
            own(computation)
            return
        meter.gas_remaining -= price
        stack[-1] = int(_int(stack[-1]) == 0)

    return iszero


def _pop(own: Any) -> Opcode:
    price = own.gas_cost

    def pop(computation: Any) -> None:
        meter, stack = computation._gas_meter, computation._stack.values
        if meter.gas_remaining < price or not stack:
            own(computation)
            return
        meter.gas_remaining -= price
        stack.pop()

    return pop


def _jumpdest(own: Any) -> Opcode:
    price = own.gas_cost

    def jumpdest(computation: Any) -> None:
        meter = computation._gas_meter
        if meter.gas_remaining < price:
            own(computation)
            return
        meter.gas_remaining -= price

    return jumpdest


def _mload(own: Any) -> Opcode:
    price = own.gas_cost

    def mload(computation: Any) -> None:
        meter, stack, memory = computation._gas_meter, computation._stack.values, computation._memory._bytes
        at = _int(stack[-1]) if stack else len(memory)
        if meter.gas_remaining < price or at + 32 > len(memory):
            own(computation)
            return
        meter.gas_remaining -= price
        stack[-1] = bytes(memory[at : at + 32])

    return mload


def _mstore(own: Any) -> Opcode:
    price = own.gas_cost

    def mstore(computation: Any) -> None:
        meter, stack, memory = computation._gas_meter, computation._stack.values, computation._memory._bytes
        at = _int(stack[-1]) if len(stack) > 1 else len(memory)
        if meter.gas_remaining < price or at + 32 > len(memory):
            own(computation)
            return
        meter.gas_remaining -= price
        stack.pop()
        word = stack.pop()
        memory[at : at + 32] = word.to_bytes(32, "big") if isinstance(word, int) else word.rjust(32, b"\x00")

    return mstore


def _jump(own: Any) -> Opcode:
    price = own.gas_cost

    def jump(computation: Any) -> None:
        code, meter, stack = computation.code, computation._gas_meter, computation._stack.values
        if meter.gas_remaining < price or not stack or (to := _int(stack[-1])) not in _landings(code._raw_code_bytes):
            own(computation)
            return
        meter.gas_remaining -= price
        stack.pop()
        code.program_counter = to

    return jump


def _jumpi(own: Any) -> Opcode:
    price = own.gas_cost

    def jumpi(computation: Any) -> None:
        code, meter, stack = computation.code, computation._gas_meter, computation._stack.values
        if meter.gas_remaining < price or len(stack) < 2:
            own(computation)
            return
        to, goes = _int(stack[-1]), _int(stack[-2])
        if goes and to not in _landings(code._raw_code_bytes):
            own(computation)
            return
        meter.gas_remaining -= price
        del stack[-2:]
        if goes:
            code.program_counter = to

    return jumpi


# Of the few contracts of a chain, and of what creates them.
@lru_cache(maxsize=8)
def _landings(code: bytes) -> frozenset[int]:
    """Where a jump may land: at each JUMPDEST that is not data of a PUSH."""
    found, at = set(), 0
    while at < len(code):
        if code[at] == values.JUMPDEST:
            found.add(at)
        at += code[at] - values.PUSH1 + 2 if values.PUSH1 <= code[at] <= values.PUSH32 else 1
    return frozenset(found)


_OF_TWO: dict[int, Callable[[int, int], int]] = {
    values.ADD: lambda first, second: (first + second) & _BITS,
    values.SUB: lambda first, second: (first - second) & _BITS,
    values.LT: lambda first, second: int(first < second),
    values.GT: lambda first, second: int(first > second),
    values.EQ: lambda first, second: int(first == second),
    values.AND: lambda first, second: first & second,
    values.OR: lambda first, second: first | second,
    values.XOR: lambda first, second: first ^ second,
    values.SHL: lambda shift, word: (word << shift) & _BITS if shift < 256 else 0,
    values.SHR: lambda shift, word: word >> shift if shift < 256 else 0,
}
_ALONE: dict[int, Callable[[Any], Opcode]] = {
    values.ISZERO: _iszero,
    values.POP: _pop,
    values.JUMPDEST: _jumpdest,
    values.MLOAD: _mload,
    values.MSTORE: _mstore,
    values.JUMP: _jump,
    values.JUMPI: _jumpi,
}
