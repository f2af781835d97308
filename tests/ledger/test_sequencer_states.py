"""Any sequence of submissions, batched in any way: the log says what a simple model says."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ledger.batch import Scribe
from ledger.errors import Conflict
from ledger.store.memory import MemoryStore
from ledger.submission import Receipt, prepare
from tallystick.admission import Refused
from tallystick.replay import Placed, replay
from tallystick.statement import Statement, parse_statement
from tests.conformance.policed import PolicedStore
from tests.world import World

# Few parties, subjects and event ids, so that they meet often.
WORLD = World()
BEGINNING = [WORLD.key_set(), WORLD.policy(), *WORLD.parties()]
PARTIES = [WORLD.studio, WORLD.licensee, WORLD.outsider]
SUBJECTS = [WORLD.object().event.subject for _ in range(3)]
SAID: dict[tuple[int, int, int], Statement] = {}


def statement(party: int, subject: int, event: int) -> Statement:
    """What this party says of this subject under this event id; always the same statement."""
    key = (party, subject, event)
    if key not in SAID:
        body = WORLD.object(subject=SUBJECTS[subject]).event.body
        SAID[key] = WORLD.say(PARTIES[party], "object.register", SUBJECTS[subject], body, event_id=f"event-{event}")
    return SAID[key]


class Model:
    """What the log is expected to answer: who may speak, who used which id, and which subject is taken."""

    def __init__(self) -> None:
        self.positions: dict[tuple[int, int, int], int] = {}
        self.size = 0

    def expect(self, key: tuple[int, int, int], position: int) -> str:
        party, subject, event = key
        if key in self.positions:
            return "duplicate"
        if PARTIES[party] is WORLD.outsider:
            return "refused"
        if any((p, e) == (party, event) for p, _, e in self.positions):
            return "conflict"
        if any(s == subject for _, s, _ in self.positions):
            return "refused"
        self.positions[key] = position
        return "recorded"


class Submissions(RuleBasedStateMachine):
    """Batches of submissions against the model."""

    @initialize()
    def begin(self) -> None:
        self.clock = WORLD.clock
        self.store = MemoryStore()
        self.scribe = Scribe(PolicedStore(self.store), WORLD.origin, WORLD.roles["log"], lambda: self.clock)
        self.model = Model()
        self.scribe.write([prepare(one) for one in BEGINNING])
        self.model.size = len(BEGINNING) + 1

    @rule(keys=st.lists(st.tuples(*[st.integers(0, 2)] * 3), max_size=6))
    def submit(self, keys: list[tuple[int, int, int]]) -> None:
        outcomes = self.scribe.write([prepare(statement(*key)) for key in keys])
        position, recorded = self.model.size, False
        for key, outcome in zip(keys, outcomes, strict=True):
            expected = self.model.expect(key, position)
            assert _kind(outcome) == expected, (key, outcome)
            if isinstance(outcome, Receipt):
                assert outcome.position == self.model.positions[key]
            if expected == "recorded":
                position, recorded = position + 1, True
        self.model.size = position + recorded

    @rule(seconds=st.integers(-4000, 4000))
    def wait(self, seconds: int) -> None:
        self.clock = max(WORLD.clock, self.clock + seconds)

    @invariant()
    def nothing_moved(self) -> None:
        with self.store.snapshot() as reads:
            assert reads.size() == self.model.size
            for key, position in self.model.positions.items():
                assert reads.entries(position, position + 1) == [statement(*key).entry]

    def teardown(self) -> None:
        if not hasattr(self, "store"):
            return
        with self.store.snapshot() as reads:
            entries = reads.entries(0, reads.size())
            again = replay([Placed(at, parse_statement(entry)) for at, entry in enumerate(entries)])
            assert again.refused == {}
            assert again.state._states == dict(reads.states())


def _kind(outcome: Any) -> str:
    if isinstance(outcome, Receipt):
        return "duplicate" if outcome.duplicate else "recorded"
    return {Refused: "refused", Conflict: "conflict"}[type(outcome)]


TestSubmissions = Submissions.TestCase
TestSubmissions.settings = settings(max_examples=25, stateful_step_count=10)
