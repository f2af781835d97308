"""Many logs, anchors, relays, rotations and accusations in any order, right ones and wrong ones, against a model.

The model is the invariants of docs/contracts.md: a slot moves only along a valid proof and by the authority in
force; a rotation changes the authority alone, once; who is convicted stays so, and only liars are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tallystick import merkle
from tallystick.evm import conviction, registry
from tests.contracts.chain import COURT, Evm
from tests.contracts.keys import AuthorityKey
from tests.contracts.trees import RealTree, step, wire

MOST = 33
HONEST, LYING = RealTree(MOST), RealTree(MOST, seed=b"another history")
TREES = (HONEST, LYING)
KEYS = tuple(AuthorityKey.of(0xC0FFEE + number) for number in range(4))
ORIGINS = (b"\x01" * 32, b"\x02" * 32)
ANYONE = b"\x99" * 20

keys, origins, trees = st.sampled_from(range(len(KEYS))), st.sampled_from(ORIGINS), st.sampled_from(TREES)
sizes = st.integers(1, MOST)


@dataclass
class Model:
    """What a log's slot should hold. ``tree`` is the history that it began with; it can hold no other."""

    first: int
    origin: bytes
    authority: int
    size: int
    tree: RealTree
    retired: set[int] = field(default_factory=set)

    @property
    def log_id(self) -> bytes:
        return registry.log_id(KEYS[self.first].address, self.origin)

    @property
    def commitment(self) -> bytes:
        return registry.commitment(self.size, merkle.root_at(self.tree, self.size), KEYS[self.authority].address)


class Contracts(RuleBasedStateMachine):
    """Every rule tries something, and compares what the contract did with what the model says it had to do."""

    @initialize()
    def deploy(self) -> None:
        self.registry, self.court = Evm(), Evm(artefact=COURT)
        self.logs: dict[tuple[int, bytes], Model] = {}
        self.signed: dict[tuple[int, bytes, int], dict[bytes, bytes]] = {}
        self.guilty: dict[tuple[int, bytes], bytes] = {}

    def sign(self, key: int, origin: bytes, size: int, tree: RealTree) -> tuple[int, bytes, bytes]:
        root = merkle.root_at(tree, size)
        known = self.signed.setdefault((key, origin, size), {})
        return size, root, known.setdefault(root, KEYS[key].checkpoint(origin, size, root))

    # --- the registry ---------------------------------------------------------------------

    @rule(first=keys, signer=keys, origin=origins, size=sizes, tree=trees, relayed=st.booleans())
    def begin(self, first: int, signer: int, origin: bytes, size: int, tree: RealTree, relayed: bool) -> None:
        if relayed:
            _, root, signature = self.sign(signer, origin, size, tree)
            arguments = (KEYS[first].address, origin, 0, size, root, [], signature)
            outcome = self.registry.call(ANYONE, "relay", *arguments)
        else:
            signer = first
            outcome = self.registry.call(KEYS[first].address, "begin", origin, size, merkle.root_at(tree, size))
        allowed = signer == first and (first, origin) not in self.logs
        assert outcome.succeeded is allowed, outcome.reason
        if allowed:
            self.logs[first, origin] = Model(first, origin, first, size, tree)

    @rule(
        first=keys, signer=keys, origin=origins, old=sizes, new=sizes, tree=trees, other=trees, relayed=st.booleans(),
        current=st.booleans(),
    )  # fmt: skip
    def extend(
        self,
        first: int,
        signer: int,
        origin: bytes,
        old: int,
        new: int,
        tree: RealTree,
        other: RealTree,
        relayed: bool,
        current: bool,
    ) -> None:
        log = self.logs.get((first, origin))
        if current and log is not None:
            # Mostly from where the log stands, or nothing would ever move.
            signer, old, tree, other = log.authority, log.size, log.tree, log.tree
        if new <= old:
            return
        old_root, _, proof = step(tree, old, new)
        root, sent = merkle.root_at(other, new), wire(old, old_root, proof)
        log_id = registry.log_id(KEYS[first].address, origin)
        if relayed:
            signature = self.sign(signer, origin, new, other)[2]
            arguments: tuple[Any, ...] = (KEYS[first].address, origin, old, new, root, sent, signature)
            outcome = self.registry.call(ANYONE, "relay", *arguments)
        else:
            outcome = self.registry.call(KEYS[signer].address, "anchor", log_id, old, new, root, sent)
        allowed = log is not None and (signer, old, tree) == (log.authority, log.size, log.tree) and other is log.tree
        assert outcome.succeeded is allowed, outcome.reason
        if allowed and log is not None:
            log.size = new

    @rule(first=keys, by=keys, to=keys, origin=origins, size=sizes, current=st.booleans(), accepted=st.booleans())
    def rotate(self, first: int, by: int, to: int, origin: bytes, size: int, current: bool, accepted: bool) -> None:
        log = self.logs.get((first, origin))
        tree = HONEST if log is None else log.tree
        if current and log is not None:
            by, size = log.authority, log.size
        log_id = registry.log_id(KEYS[first].address, origin)
        message = (log_id, size, merkle.root_at(tree, size), KEYS[to].address)
        acceptance = KEYS[to if accepted else by].rotation(*message)
        outcome = self.registry.call(ANYONE, "rotate", *message, KEYS[by].rotation(*message), acceptance)
        allowed = (
            log is not None and (by, size) == (log.authority, log.size) and accepted and to != by
            and to not in log.retired
        )  # fmt: skip
        assert outcome.succeeded is allowed, outcome.reason
        if allowed and log is not None:
            log.retired.add(by)
            log.authority = to

    # --- the court ------------------------------------------------------------------------

    @rule(one=keys, two=keys, origin=origins, first=sizes, second=sizes, left=trees, right=trees)
    def accuse_of_roots(
        self, one: int, two: int, origin: bytes, first: int, second: int, left: RealTree, right: RealTree
    ) -> None:
        evidence = (self.sign(one, origin, first, left), self.sign(two, origin, second, right))
        outcome = self.court.call(ANYONE, "convict_roots", origin, *evidence)
        self.judged(outcome.succeeded, one == two and first == second and left is not right, one, origin, evidence)

    @rule(key=keys, origin=origins, first=sizes, second=sizes, left=trees, right=trees)
    def accuse_of_history(
        self, key: int, origin: bytes, first: int, second: int, left: RealTree, right: RealTree
    ) -> None:
        if first >= second:
            return
        evidence = (self.sign(key, origin, first, left), self.sign(key, origin, second, right))
        old_root, _, proof = step(right, first, second)
        outcome = self.court.call(ANYONE, "convict_history", origin, *evidence, wire(first, old_root, proof))
        self.judged(outcome.succeeded, left is not right, key, origin, evidence)

    @rule(key=keys, origin=origins, first=sizes, second=sizes, left=trees, right=trees, data=st.data())
    def accuse_of_leaves(
        self, key: int, origin: bytes, first: int, second: int, left: RealTree, right: RealTree, data: st.DataObject
    ) -> None:
        index = data.draw(st.integers(0, min(first, second) - 1))
        evidence = (self.sign(key, origin, first, left), self.sign(key, origin, second, right))
        shown: list[Any] = []
        for checkpoint, tree in zip(evidence, (left, right), strict=True):
            proof = merkle.prove_inclusion(tree, index, checkpoint[0])
            shown += [checkpoint, tree.nodes([(0, index)])[0], proof]
        outcome = self.court.call(ANYONE, "convict_leaves", origin, index, *shown)
        self.judged(outcome.succeeded, left is not right, key, origin, evidence)

    def judged(self, succeeded: bool, guilty: bool, key: int, origin: bytes, evidence: tuple[Any, Any]) -> None:
        assert succeeded is guilty
        if guilty:
            self.guilty.setdefault((key, origin), conviction.commitment(evidence[0][:2], evidence[1][:2]))

    # --- at every moment ------------------------------------------------------------------

    @invariant()
    def every_slot_is_what_it_had_to_become(self) -> None:
        for first, key in enumerate(KEYS):
            for origin in ORIGINS:
                log = self.logs.get((first, origin))
                held = self.registry.slot(registry.log_id(key.address, origin))
                assert held == (bytes(32) if log is None else log.commitment)

    @invariant()
    def the_convicted_stay_so_and_nobody_else_is(self) -> None:
        for number, key in enumerate(KEYS):
            for origin in ORIGINS:
                held = self.court.slot(conviction.defendant(key.address, origin))
                assert held == self.guilty.get((number, origin), bytes(32))


Contracts.TestCase.settings = settings(
    max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestContracts = Contracts.TestCase
