"""Witnesses of this log: whom the operator's policy names, and who of them cosigned what is published."""

from __future__ import annotations

from pathlib import Path

from ledger.witness.gather import Gatherer, WitnessReport
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.lazy_dataclass import dataclass
from tallystick.tree_head import LogKeys, SignedCheckpoint
from tallystick.trust import Witnesses
from tallystick.witness_policy import MAX_POLICY_BYTES, PolicyWitness, WitnessPolicy, parse_policy

MOST = 13
"""Witnesses of a log: with its own three lines 16, which is what every reader of notes must accept (signed-note)."""

NOBODY = WitnessPolicy((), (), (), "none")
"""The policy of a log without witnesses."""


@dataclass(frozen=True)
class WitnessView:
    """A witness. ``cosigned``: the checkpoint that is published. ``alarm``: what it says contradicts this log.

    Why one has not cosigned is told to the operator's log.
    """

    name: str
    url: str
    cosigned: bool
    alarm: bool


@dataclass(frozen=True)
class QuorumView:
    """The published checkpoint and its witnesses: ``quorum`` of them must have cosigned it, ``cosigned`` have."""

    quorum: int
    cosigned: int
    witnesses: tuple[WitnessView, ...]

    @property
    def met(self) -> bool:
        """Whether they are enough."""
        return self.cosigned >= self.quorum


class WitnessService:
    """``gatherer``: what asks them, where this process may publish."""

    def __init__(self, policy: WitnessPolicy, gatherer: Gatherer | None) -> None:
        self.policy = policy
        self._gatherer = gatherer

    def view(self, head: SignedCheckpoint | None) -> QuorumView:
        """As of a published checkpoint."""
        reports = self._gatherer.reports() if self._gatherer else []
        try:
            names = self.policy.cosigners(head.note) if head else ()
        except VerificationFailed:
            # Somebody wrote into the public folder; the next publication puts it right.
            names = ()
        views = tuple(_view(one, names, reports) for one in self.policy.witnesses)
        return QuorumView(self.policy.threshold(), len(names), views)

    def met(self, head: SignedCheckpoint) -> bool:
        """Whether a verifier who demands what ``/v1/trust`` says would take this checkpoint."""
        return self.view(head).met

    def trusted(self) -> Witnesses:
        """As a trust file has them."""
        return Witnesses(tuple(one.key for one in self.policy.witnesses), self.policy.threshold())


def read_policy(path: Path | None, keys: LogKeys) -> WitnessPolicy:
    """The operator's policy file (C2SP tlog-policy); no file, no witnesses.

    Raises ``MalformedInput`` also for a quorum that a trust file cannot say, for a policy
    that is about other logs, and where one witness would count twice.
    """
    if path is None:
        return NOBODY
    try:
        with path.open("rb") as file:
            policy = parse_policy(file.read(MAX_POLICY_BYTES + 1))
        quorum = policy.threshold()
        _check_log(policy, keys)
        urls = [one.url for one in policy.witnesses]
        if len(urls) > MOST:
            raise MalformedInput(
                f"the policy names {len(urls)} witnesses; with more than {MOST} not every reader reads"
            )
        if quorum > 1 and len(set(urls)) != len(urls):
            raise MalformedInput("two witnesses have one address: name one key of each, or it would count twice")
    except OSError as error:
        raise MalformedInput(f"TALLYSTICK_WITNESSES: {path}: {error.strerror}") from None
    except MalformedInput as error:
        raise MalformedInput(f"TALLYSTICK_WITNESSES: {path}: {error}") from None
    return policy


def _check_log(policy: WitnessPolicy, keys: LogKeys) -> None:
    if policy.logs and not any(log.verifier in keys.verifiers() for log in policy.logs):
        raise MalformedInput(f"the policy names logs, but no key of {keys.origin}; see /vkeys")


def _view(witness: PolicyWitness, names: tuple[str, ...], reports: list[WitnessReport]) -> WitnessView:
    report = next((one for one in reports if witness.name in one.names), None)
    return WitnessView(
        name=witness.name,
        url=witness.url or "",
        cosigned=witness.name in names,
        alarm=report.alarm if report else False,
    )
