"""What is said against a log: fork evidence, or the proof that a court on a chain convicted it; and what each shows.

The evidence decides whether the log forked, by the log's own signatures. What a conviction adds, where and since when
it is public, is judged apart, and neither makes the evidence hold nor takes from it.
"""

from __future__ import annotations

from dataclasses import field
from typing import TypeAlias

from tallystick import canonical, fork
from tallystick.errors import VerificationFailed
from tallystick.evm import conviction_proof
from tallystick.evm.convicted import ConvictionFact, verify
from tallystick.evm.conviction_proof import MAX_CONVICTION_BYTES, ConvictionProof
from tallystick.fork import ForkEvidence, ForkFact, fork_facts, verify_fork
from tallystick.lazy_dataclass import dataclass
from tallystick.tree_head import CheckpointKeys
from tallystick.trust import Trust
from tallystick.verify.outcome import Outcome, time_text

MAX_BYTES = MAX_CONVICTION_BYTES
Accusation: TypeAlias = ForkEvidence | ConvictionProof


def decode(data: bytes) -> Accusation:
    """Either kind of file. Raises ``MalformedInput``, ``UnknownVersion`` among it."""
    value = canonical.decode(data, MAX_BYTES)
    if isinstance(value, dict) and value.get("kind") == "conviction":
        return conviction_proof.decode(data)
    return fork.decode(data)


def evidence_of(accusation: Accusation) -> ForkEvidence:
    """The evidence in it."""
    return accusation.evidence if isinstance(accusation, ConvictionProof) else accusation


@dataclass(frozen=True)
class Standing:
    """Whether the conviction stands on its chain. ``why``: the phrase ``conviction.<why>`` of reports, with its values.

    fact: what was proved, as far as all steps held.
    """

    outcome: Outcome
    why: str
    values: dict[str, object] = field(default_factory=dict)
    fact: ConvictionFact | None = None


@dataclass(frozen=True)
class Judged:
    """An accusation whose evidence holds: the log forked. ``standing``: of a conviction proof."""

    fork: ForkFact
    standing: Standing | None = None


def judge(accusation: Accusation, keys: CheckpointKeys, trust: Trust, at: int) -> Judged:
    """What it shows against the log that signs by ``keys``, under a trust file, as of ``at`` (Unix seconds).

    Raises ``VerificationFailed`` when the evidence does not hold, or ``MalformedInput``.
    """
    found = verify_fork(evidence_of(accusation), keys)
    if not isinstance(accusation, ConvictionProof):
        return Judged(found)
    return Judged(found, standing_of(accusation, keys, trust, at))


def standing_of(proof: ConvictionProof, keys: CheckpointKeys, trust: Trust, at: int) -> Standing:
    """Whether the conviction stands on its chain, given that its evidence holds. Raises ``MalformedInput``."""
    try:
        fact = verify(proof, keys, trust.chains, trust.file.evm_targets)
    except VerificationFailed as error:
        return Standing("contradicted", "bad", {"detail": str(error)})
    told: dict[str, object] = {
        "authority": fact.authority.hex(),
        "court": fact.court,
        "chain": fact.chain_id,
        "block": fact.block_number,
        "hash": fact.block_hash.hex(),
        "time": time_text(fact.block_time),
    }
    if fact.block_time > at:
        return Standing("not_proved", "later", told, fact)
    if fact.vouched_by == "nobody":
        return Standing("needs_external_fact", "external", told, fact)
    return Standing("proved", fact.vouched_by, told, fact)


def judged_facts(judged: Judged) -> dict[str, object]:
    """For programs: JSON values."""
    found = fork_facts(judged.fork)
    if judged.standing is not None:
        found["conviction"] = {"outcome": judged.standing.outcome, **_facts(judged.standing.fact)}
    return found


def _facts(fact: ConvictionFact | None) -> dict[str, object]:
    if fact is None:
        return {}
    return {
        "authority": fact.authority.hex(),
        "court": fact.court,
        "contract": fact.contract.hex(),
        "chain_id": fact.chain_id,
        "block": fact.block_number,
        "block_hash": fact.block_hash.hex(),
        "block_time": time_text(fact.block_time),
        "vouched_by": fact.vouched_by,
        "finality": fact.finality,
        "trust_line": {"en": fact.line.text("en"), "zh": fact.line.text("zh")},
    }
