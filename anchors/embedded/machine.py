"""The virtual machine of the embedded chain: py-evm's Prague, which does not reckon the price of nothing (ADR 21)."""

from __future__ import annotations

from eth.vm.forks.prague import PragueVM
from eth.vm.forks.prague.computation import PragueComputation
from eth.vm.forks.prague.state import PragueState


class Computation(PragueComputation):
    """One call."""

    def extend_memory(self, start_position: int, size: int) -> None:
        """Make room, and pay for it. Most reads and writes are within what there is: there is nothing to pay."""
        if start_position + size > len(self._memory):
            super().extend_memory(start_position, size)


class State(PragueState):
    """What transactions run on."""

    computation_class = Computation


class Machine(PragueVM):
    """Prague."""

    _state_class = State


FORK = Machine
