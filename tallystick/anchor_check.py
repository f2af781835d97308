"""One anchor proof on its own, without a bundle: what it shows, on whose word, and whether that suffices.

The contract must be named by the reader: in the trust file, or through a log that
the trust file names, by an entry of that log. Of whose log the checkpoint is, the
proof says the hash of the name; a trusted log is recognised by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field, replace

from tallystick.errors import VerificationFailed
from tallystick.events.log import AnchorTarget
from tallystick.evm import anchor as evm
from tallystick.evm.proof import AnchorProof
from tallystick.evm.tokens import NO_STAMPS, BlockStamps, check_tokens
from tallystick.lazy_dataclass import dataclass
from tallystick.statement import parse_statement
from tallystick.tlog_proof import TlogProof, verify_proof
from tallystick.tree_head import origin_hash
from tallystick.trust import LogTrust, Trust
from tallystick.verify.outcome import Outcome, time_text


@dataclass(frozen=True)
class AnchorCheck:
    """The outcome of one proof. ``why``: a key of the command's words, with the values in it.

    fact: what was proved, as far as all steps held. origin: the log's name, where it is a trusted one. stamps: the
    timestamps over the block, none later than the instant of the check.
    """

    outcome: Outcome
    why: str
    values: dict[str, object] = field(default_factory=dict)
    fact: evm.AnchorFact | None = None
    origin: str | None = None
    stamps: BlockStamps = NO_STAMPS


def check_anchor(proof: AnchorProof, trust: Trust, at: int, named: Sequence[AnchorTarget] = ()) -> AnchorCheck:
    """Judge ``proof`` by a trust file as of ``at`` (Unix seconds); ``named``: targets that a trusted log names.

    Raises ``MalformedInput`` when a member is not what it should be.
    """
    targets = (*trust.file.evm_targets, *named)
    target = next((one for one in targets if one == proof.target), None)
    if target is None:
        return AnchorCheck("not_proved", "unknown-target", {"contract": proof.target.contract})
    try:
        fact = evm.verify(proof, target, trust.chains)
        stamps = check_tokens(proof, fact.block_hash, trust.time_authorities)
    except VerificationFailed as error:
        return AnchorCheck("contradicted", "bad", {"detail": str(error)})
    log = next((log for origin, log in trust.logs.items() if origin_hash(origin) == fact.origin_hash), None)
    origin = None if log is None else log.keys.origin
    if log is not None and not _is_authority(log, fact):
        return AnchorCheck("not_proved", "unknown-authority", {"authority": fact.authority.hex()}, fact, origin)
    if fact.block_time > at:
        return AnchorCheck("not_proved", "later", {"time": time_text(fact.block_time)}, fact, origin)
    stamps = replace(stamps, known=tuple(one for one in stamps.known if one.fact.not_after <= at))
    if fact.vouched_by == "nobody":
        return AnchorCheck("needs_external_fact", "external", {}, fact, origin, stamps)
    return AnchorCheck("proved", "proved", {}, fact, origin, stamps)


def _is_authority(log: LogTrust, fact: evm.AnchorFact) -> bool:
    history = log.history
    return fact.authority == history.at(fact.size).authority_address and fact.first_authority in history.authorities(
        fact.size
    )


def named_target(entry: bytes, proof: TlogProof, trust: Trust, at: int) -> AnchorTarget:
    """The target that an entry of a trusted log names: it stands in the log, and the log's own key signed it.

    Raises ``VerificationFailed`` or ``MalformedInput``.
    """
    logged = verify_proof(proof, entry, trust, at)
    log = trust.logs[logged.checkpoint.origin]
    statement = parse_statement(entry)
    body = statement.event.body
    if not isinstance(body, AnchorTarget) or statement.event.subject != log.keys.origin:
        raise VerificationFailed(f"the entry is a {statement.event.type}, and names no anchor target of this log")
    # (The last entry under a replaced key is the rotation: the entry at index i was signed under size i.)
    statement.verify(log.history.at(logged.index).ed25519)
    return body
