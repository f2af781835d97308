"""Which record stands in the body of which event type, and what its subject names."""

from __future__ import annotations

from typing import Any, Literal

from tallystick.events import (
    capability,
    certificate,
    credential,
    dispute,
    erasure,
    facts,
    job,
    licence,
    log,
    objects,
    party,
    settlement,
)
from tallystick.identifiers import Letter
from tallystick.lazy_dataclass import dataclass

BODIES: dict[str, type[Any]] = {
    "log.key-set": log.KeySet,
    "log.policy": log.Policy,
    "log.anchor-target": log.AnchorTarget,
    "log.batch": log.Batch,
    "party.register": party.PartyRegistration,
    "party.key": party.PartyKey,
    "object.register": objects.ObjectRegistration,
    "capability.file": capability.CapabilityFiling,
    "capability.test": capability.CapabilityTest,
    "capability.grade": capability.CapabilityGrade,
    "capability.approve": capability.CapabilityDecision,
    "capability.suspend": capability.CapabilityDecision,
    "capability.reinstate": capability.CapabilityDecision,
    "capability.revoke": capability.CapabilityDecision,
    "job.register": job.JobRegistration,
    "job.complete": job.JobCompletion,
    "licence.grant": licence.LicenceGrant,
    "licence.status": licence.LicenceStatus,
    "certificate.issue": certificate.CertificateIssue,
    "certificate.withdraw": certificate.CertificateWithdrawal,
    "credential.issue": credential.CredentialIssue,
    "dispute.open": dispute.DisputeOpening,
    "dispute.resolve": dispute.DisputeResolution,
    "log.freeze": log.Freeze,
    "disclosure.erase": erasure.Erasure,
    "log.rotate": log.KeyRotation,
    "log.predecessor": log.Predecessor,
    "log.time": log.TimeMark,
    "log.map-root": log.MapRoot,
    "licence.consent": licence.TransferConsent,
    "licence.transfer": licence.LicenceTransfer,
    "capture.record": facts.CaptureRecord,
    "capture.attest": facts.CaptureAttestation,
    "custody.record": facts.CustodyRecord,
    "custody.accept": facts.CustodyAcceptance,
    "platform.file": facts.PlatformDocument,
    "settlement.record": settlement.SettlementRecord,
    "settlement.accept": settlement.SettlementAcceptance,
}

RULES: Literal[4] = 4
"""The newest version of the rules ``tallystick-admission``: a new log begins with it."""
SINCE: dict[str, int] = {
    "log.freeze": 2,
    "disclosure.erase": 2,
    "log.rotate": 2,
    "log.predecessor": 2,
    "log.time": 2,
    "log.map-root": 3,
    "licence.consent": 3,
    "licence.transfer": 3,
    "capture.record": 4,
    "capture.attest": 4,
    "custody.record": 4,
    "custody.accept": 4,
    "platform.file": 4,
    "settlement.record": 4,
    "settlement.accept": 4,
}
"""Version of the rules that first knows a type, for all that version 1 did not know."""


@dataclass(frozen=True)
class Later:
    """An optional field that bodies of ``kind`` have since ``version`` of the rules, later than the type itself.

    With ``words``: only these values of the field came then. An entry under older
    rules that has the field, or the word, is refused (``policy-too-old``).
    """

    kind: str
    field: str
    version: int
    words: frozenset[str] = frozenset()

    def used(self, body: Any) -> bool:
        """Whether the body says something that older rules do not know."""
        value = getattr(body, self.field)
        return value is not None if not self.words else value in self.words


LATER: tuple[Later, ...] = (
    Later("certificate.issue", "reason", 3),
    Later("certificate.issue", "corrected", 3),
    Later("credential.issue", "form", 3, frozenset({"pades"})),
    Later("licence.grant", "sublicences", 3),
    Later("licence.grant", "transfer", 3),
    Later("licence.status", "action", 3, frozenset({"withdraw", "commence"})),
    Later("licence.status", "grounds", 3, frozenset({"agreement", "condition-met"})),
    Later("licence.status", "change", 3),
)
"""All fields and words that came later than their type."""
LATER_OF: dict[str, tuple[Later, ...]] = {
    kind: tuple(later for later in LATER if later.kind == kind) for kind in {later.kind for later in LATER}
}
"""The same by type."""

_BY_FAMILY: dict[str, tuple[Letter, ...]] = {
    "log": (),
    "party": (Letter.PARTY,),
    "object": (Letter.OBJECT,),
    "capability": (Letter.CAPABILITY,),
    "job": (Letter.JOB,),
    "licence": (Letter.LICENCE,),
    "certificate": (Letter.CERTIFICATE,),
    # A credential is a file about a licence or a certificate and is recorded under it.
    "credential": (Letter.LICENCE, Letter.CERTIFICATE),
    "dispute": (Letter.DISPUTE,),
    "capture": (Letter.OBJECT,),
    "custody": (Letter.OBJECT,),
    "platform": (),
    # A settlement is about the licence or the dispute that it settles.
    "settlement": (Letter.LICENCE, Letter.DISPUTE),
    # Values are erased under the subject of the entry that committed to them.
    "disclosure": tuple(letter for letter in Letter if letter is not Letter.WORKFLOW),
}

SUBJECTS: dict[str, tuple[Letter, ...]] = {kind: _BY_FAMILY[kind.split(".")[0]] for kind in BODIES}
"""What the subject of each type may name; empty: the log's origin."""
