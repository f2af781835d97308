"""The crash table of append: at each step an error before it, and one although it was done."""

from __future__ import annotations

import pytest

from ledger.batch import Scribe
from ledger.errors import OutcomeUnknown
from ledger.sequencer import Sequencer
from ledger.store.memory import MemoryStore
from ledger.submission import Receipt, prepare
from tallystick.replay import Placed, replay
from tallystick.statement import parse_statement
from tests.conformance.policed import PolicedStore
from tests.ledger.faults import FaultyStore, Plan
from tests.world import START, World

STEPS = ["begin", "append", "index", "commit"]


class Bench:
    """A log in memory with the parties of the world."""

    def __init__(self) -> None:
        self.world = World()
        self.inner = MemoryStore()
        self.store = FaultyStore(PolicedStore(self.inner))
        self.scribe = Scribe(self.store, self.world.origin, self.world.roles["log"], lambda: START)
        for batch in ([self.world.key_set(), self.world.policy()], self.world.parties()):
            self.scribe.write([prepare(one) for one in batch])
        self.store.plan = Plan()

    def check(self) -> int:
        """The rules admit all that is stored, and it leaves the states that are stored; the number of entries."""
        with self.inner.snapshot() as reads:
            said = [Placed(at, parse_statement(entry)) for at, entry in enumerate(reads.entries(0, reads.size()))]
            again = replay(said)
            assert again.refused == {}
            assert dict(reads.states()) == again.state._states
            return reads.size()


def test_the_table_has_every_step() -> None:
    bench = Bench()
    bench.scribe.write([prepare(bench.world.object())])
    assert bench.store.plan.steps == STEPS


@pytest.mark.parametrize("when", ["before", "done"])
@pytest.mark.parametrize("step", range(len(STEPS)))
def test_an_append_that_fails(step: int, when: str) -> None:
    bench = Bench()
    sequencer = Sequencer(bench.scribe)
    said = [prepare(bench.world.object()) for _ in range(3)]
    bench.store.plan = Plan(step, when)
    with pytest.raises(OutcomeUnknown, match="submit the same statement again"):
        sequencer.submit(said).result()
    committed = (STEPS[step], when) == ("commit", "done")
    assert bench.check() == (12 if committed else 8)
    # The answer was lost, not the order: the same statements get the places they have or would have had.
    assert sequencer.submit(said).result() == [Receipt(8 + n, 11, START, committed) for n in range(3)]
    assert sequencer.submit([prepare(bench.world.object())]).result() == [Receipt(12, 13, START, False)]
    assert bench.check() == 14
    sequencer.close()
