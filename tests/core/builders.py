"""One event of each type, with all that it may hold; and the same with the least. Everything is fixed for ever."""

from __future__ import annotations

import dataclasses
from typing import Any

from tallystick.admission.rotation import prove_rotation
from tallystick.commitments import disclose
from tallystick.content import entry_of, file_content, folder_content
from tallystick.digests import digest_pair
from tallystick.events import Event, RecordedFor
from tallystick.events.capability import CapabilityDecision, CapabilityFiling, CapabilityGrade, CapabilityTest, Weights
from tallystick.events.certificate import CertificateIssue, CertificateWithdrawal
from tallystick.events.credential import CredentialIssue
from tallystick.events.dispute import DisputeOpening, DisputeResolution
from tallystick.events.erasure import Erasure
from tallystick.events.facts import (
    CaptureAttestation,
    CaptureRecord,
    ClockCheck,
    CustodyAcceptance,
    CustodyRecord,
    Model,
    Notary,
    PlatformDocument,
    Stored,
    Title,
)
from tallystick.events.job import Input, JobCompletion, JobRegistration
from tallystick.events.licence import LicenceGrant, LicenceStatus, LicenceTransfer, StatusPointer, TransferConsent
from tallystick.events.log import AnchorTarget, Batch, Freeze, KeySet, MapRoot, Policy, Predecessor, RoleKey, TimeMark
from tallystick.events.objects import Basis, Generation, ObjectRegistration
from tallystick.events.party import PartyKey, PartyRegistration, ValidKey
from tallystick.events.settlement import Period, SettlementAcceptance, SettlementRecord
from tallystick.identifiers import Letter, new_identifier
from tallystick.keys import LocalSigner
from tallystick.modelsig import fingerprint, sign_model
from tallystick.schema import write
from tests.world import ROLES, key_from

ORIGIN = "log.example/golden"
FROM, UNTIL = "2026-01-01T00:00:00Z", "2031-01-01T00:00:00Z"
TIME = "2026-02-01T12:00:00Z"
SALT = bytes(range(16))


def identifier(letter: Letter, number: int = 1) -> str:
    return str(new_identifier(letter, bytes([number]) * 10))


PARTY, OTHER = identifier(Letter.PARTY), identifier(Letter.PARTY, 2)
SERVICE, REGISTRAR = identifier(Letter.PARTY, 3), identifier(Letter.PARTY, 4)
OBJECT, SOURCE = identifier(Letter.OBJECT), identifier(Letter.OBJECT, 2)
CAPABILITY, JOB, WORKFLOW = identifier(Letter.CAPABILITY), identifier(Letter.JOB), identifier(Letter.WORKFLOW)
LICENCE, PARENT = identifier(Letter.LICENCE), identifier(Letter.LICENCE, 2)
CERTIFICATE, OLD = identifier(Letter.CERTIFICATE), identifier(Letter.CERTIFICATE, 2)
DISPUTE = identifier(Letter.DISPUTE)
PAIR, OTHER_PAIR = digest_pair(b"one"), digest_pair(b"two")

ROLE_KEYS: dict[str, LocalSigner] = {role: key_from(f"golden/{role}", alg) for role, alg in ROLES.items()}
PARTY_KEY, OTHER_KEY = key_from("golden/party"), key_from("golden/other", "es256")
PRIVATE = {one.name: one.commitment for one in (disclose("name", "Ada", SALT), disclose("note", {"a": 1}, SALT))}
WEIGHTS = Weights(PAIR.sha256, PAIR.sm3, 4096)
MODEL_SIGNATURE = sign_model(PARTY_KEY, CAPABILITY, "1.0", WEIGHTS)

FILE = file_content([b"hello"])
FOLDER = folder_content([entry_of("a.txt", FILE), entry_of("tex/灯.png", file_content([b"x" * 2_000_000]))])

BARE_KEY_SET = KeySet(
    ORIGIN,
    "10.5555",
    REGISTRAR,
    SERVICE,
    tuple(RoleKey(role, key.public.to_text(), FROM) for role, key in ROLE_KEYS.items()),  # type: ignore[arg-type]
)


def event(kind: str, subject: str, body: Any, **more: Any) -> Event:
    return Event(type=kind, event_id=f"e-{kind}", subject=subject, time=TIME, body=body, **more)


RECORDED = {"recorded_for": RecordedFor(PARTY, "api-token"), "private": PRIVATE}
VALID = ValidKey(PARTY_KEY.public.to_text(), FROM, UNTIL)
GENERATION = Generation(JOB, CAPABILITY, "1.0", fingerprint(MODEL_SIGNATURE), PAIR, OTHER_PAIR)
BASES = (
    Basis("declared", "own-work"),
    Basis("object", None, SOURCE),
    Basis("licence", None, LICENCE),
    Basis("job", None, JOB),
)
TARGET = AnchorTarget("evm", 31337, "11" * 32, "22" * 20, "33" * 32, "44" * 32, "keccak256", "chain", "55" * 20)
FILING = CapabilityFiling("maker", "1.0", True, ("image", "text"), ("model-3d",), WEIGHTS, MODEL_SIGNATURE)
GRANT = LicenceGrant(OBJECT, (OBJECT, SOURCE), StatusPointer("https://log.example/status/1", 7), OTHER, PARENT)

FIRST: dict[str, Event] = {
    one.type: one
    for one in (
        event("log.key-set", ORIGIN, BARE_KEY_SET),
        event("log.policy", ORIGIN, Policy("tallystick-admission", 1)),
        event("log.anchor-target", ORIGIN, TARGET),
        event("log.batch", ORIGIN, Batch(0, 1, 1)),
        event("party.register", PARTY, PartyRegistration("person", ("studio", "provider"), (VALID,)), private=PRIVATE),
        event("party.key", PARTY, PartyKey("add", VALID)),
        event(
            "object.register",
            OBJECT,
            ObjectRegistration("model-3d", "generated", write(FOLDER), BASES, GENERATION, "model/vnd.usdz+zip"),
            **RECORDED,
        ),
        event("capability.file", CAPABILITY, FILING, **RECORDED),
        event("capability.test", CAPABILITY, CapabilityTest(PAIR, OTHER_PAIR, "pass", "0.97"), **RECORDED),
        event("capability.grade", CAPABILITY, CapabilityGrade("A", "scheme 1")),
        event("capability.approve", CAPABILITY, CapabilityDecision("requirements-met", TIME)),
        event("capability.suspend", CAPABILITY, CapabilityDecision("security", TIME)),
        event("capability.reinstate", CAPABILITY, CapabilityDecision("request", TIME)),
        event("capability.revoke", CAPABILITY, CapabilityDecision("law", TIME)),
        event("job.register", JOB, JobRegistration(CAPABILITY, (Input(SOURCE, "source"),), PAIR, WORKFLOW), **RECORDED),
        event("job.complete", JOB, JobCompletion("done", (OBJECT,)), **RECORDED),
        event("licence.grant", LICENCE, GRANT, **RECORDED),
        event("licence.status", LICENCE, LicenceStatus("revoke", "breach", TIME), **RECORDED),
        event("certificate.issue", CERTIFICATE, CertificateIssue(OBJECT, "TS-2026-0001", OLD), private=PRIVATE),
        event("certificate.withdraw", CERTIFICATE, CertificateWithdrawal("court-order")),
        event("credential.issue", LICENCE, CredentialIssue("c2pa", "card", "image/png", PAIR, 12345)),
        event("dispute.open", DISPUTE, DisputeOpening(OBJECT, "authorship"), **RECORDED),
        event("dispute.resolve", DISPUTE, DisputeResolution("upheld", "evidence")),
    )
}

# Types that came with version 2 of the rules.
ROTATION = prove_rotation(ORIGIN, "registrar", ROLE_KEYS["registrar"], key_from("golden/next"), ROLE_KEYS["log"])
LEAST_ROTATION = prove_rotation(ORIGIN, "service", ROLE_KEYS["service"], key_from("golden/next"), ROLE_KEYS["log"])
SECOND: dict[str, Event] = {
    one.type: one
    for one in (
        event("log.freeze", ORIGIN, Freeze("successor", "log.example/next")),
        event("disclosure.erase", OBJECT, Erasure(4, ("title", "who"), "consent-withdrawn"), **RECORDED),
        event("log.rotate", ORIGIN, ROTATION),
        event("log.predecessor", ORIGIN, Predecessor("log.example/before", 31, "66" * 32, "77" * 32)),
        event("log.time", ORIGIN, TimeMark("rfc3161", "88" * 32, "Time Authority of Example", 1024)),
    )
}
TRANSFER = LicenceTransfer(OTHER, "agreement", TIME, StatusPointer("https://log.example/status/1", 8))

# Types that came with version 3 of the rules.
THIRD: dict[str, Event] = {
    one.type: one
    for one in (
        event("log.map-root", ORIGIN, MapRoot(40, "99" * 32)),
        event("licence.consent", LICENCE, TransferConsent(OTHER, UNTIL), **RECORDED),
        event("licence.transfer", LICENCE, TRANSFER, **RECORDED),
    )
}
# Types that came with version 4 of the rules.
CAPTURE = CaptureRecord(
    "generation",
    TIME,
    UNTIL,
    (ClockCheck("ntp.example", -25, TIME),),
    PAIR,
    OTHER_PAIR,
    Model(CAPABILITY, "1.0", "66" * 32),
    PAIR,
    Stored("local disk", "77" * 32, UNTIL),
    Notary("示例公证处", "(2026)示公证字第1号", OTHER_PAIR, UNTIL, OTHER),
    (SOURCE,),
)
TITLE = Title("信息安全管理体系认证证书", "Certificate of an information security management system")
FOURTH: dict[str, Event] = {
    one.type: one
    for one in (
        event("capture.record", OBJECT, CAPTURE, **RECORDED),
        event("capture.attest", OBJECT, CaptureAttestation(31, "notary", OTHER_PAIR), **RECORDED),
        event(
            "custody.record",
            OBJECT,
            CustodyRecord("tra", TIME, "77" * 32, "77" * 32, "suc", "rsync 3.2", 30, OTHER),
            **RECORDED,
        ),
        event("custody.accept", OBJECT, CustodyAcceptance(31, TIME, "77" * 32, "suc"), **RECORDED),
        event(
            "platform.file",
            ORIGIN,
            PlatformDocument("system", TITLE, "A certifier", TIME, PAIR, 12345, UNTIL),
        ),
        event(
            "settlement.record",
            LICENCE,
            SettlementRecord((OTHER, PARTY), Period(TIME, UNTIL), (PARENT,), (PAIR, OTHER_PAIR), 31),
            **RECORDED,
        ),
        event("settlement.accept", LICENCE, SettlementAcceptance(32), **RECORDED),
    )
}
FULL = {**FIRST, **SECOND, **THIRD, **FOURTH}

# Fields and words that came with version 3 of the rules to earlier types: by a name, once with each.
LATER_THIRD: dict[str, Event] = {
    "certificate.issue (reissue)": event(
        "certificate.issue", CERTIFICATE, CertificateIssue(OBJECT, "TS-2026-0002", OLD, "reissue"), private=PRIVATE
    ),
    "certificate.issue (correction)": event(
        "certificate.issue",
        CERTIFICATE,
        CertificateIssue(OBJECT, "TS-2026-0003", OLD, "correction", ("authors", "title")),
        private=PRIVATE,
    ),
    "credential.issue (pades)": event(
        "credential.issue", CERTIFICATE, CredentialIssue("pades", "certificate", "application/pdf", PAIR, 12345)
    ),
    "licence.grant (sublicence)": event(
        "licence.grant", LICENCE, dataclasses.replace(GRANT, sublicences=2, transfer="free"), **RECORDED
    ),
    "licence.status (withdrawn)": event(
        "licence.status", LICENCE, LicenceStatus("withdraw", "agreement", TIME, 31), **RECORDED
    ),
    "licence.status (commenced)": event("licence.status", LICENCE, LicenceStatus("commence", "condition-met", TIME)),
}

# Fields and words that came with version 4 of the rules to earlier types.
LATER_FOURTH: dict[str, Event] = {}

# The types that have optional fields, without them.
LEAST_SECOND: dict[str, Event] = {
    one.type: one
    for one in (
        event("log.freeze", ORIGIN, Freeze("closure")),
        event("log.rotate", ORIGIN, LEAST_ROTATION),
    )
}
LEAST_THIRD: dict[str, Event] = {"licence.consent": event("licence.consent", LICENCE, TransferConsent(OTHER))}
LEAST_FOURTH: dict[str, Event] = {
    one.type: one
    for one in (
        event("capture.record", OBJECT, CaptureRecord("camera", TIME, TIME, ())),
        event("capture.attest", OBJECT, CaptureAttestation(31, "witness")),
        event("custody.record", OBJECT, CustodyRecord("fix", TIME, "77" * 32, "77" * 32, "suc", "sha256sum")),
        event("platform.file", ORIGIN, PlatformDocument("process", TITLE, "The operator", TIME, PAIR, 0)),
        event("settlement.record", DISPUTE, SettlementRecord((OTHER, PARTY))),
    )
}
LEAST_FIRST: dict[str, Event] = {
    one.type: one
    for one in (
        event(
            "log.anchor-target",
            ORIGIN,
            AnchorTarget("evm", 1, "11" * 32, "22" * 20, "33" * 32, "44" * 32, "keccak256", "operator"),
        ),
        event("party.register", PARTY, PartyRegistration("organisation", ("licensee",), ())),
        event("party.key", PARTY, PartyKey("revoke", None, PARTY_KEY.public.kid.hex())),
        event("object.register", OBJECT, ObjectRegistration("image", "authored", write(FILE), BASES[:1])),
        event("capability.test", CAPABILITY, CapabilityTest(PAIR, OTHER_PAIR, "fail")),
        event("capability.approve", CAPABILITY, CapabilityDecision("requirements-met")),
        event("job.register", JOB, JobRegistration(CAPABILITY, (), PAIR)),
        event("job.complete", JOB, JobCompletion("failed", ())),
        event("licence.grant", LICENCE, LicenceGrant(OBJECT, (OBJECT,), StatusPointer("s", 0))),
        event("certificate.issue", CERTIFICATE, CertificateIssue(OBJECT, "1")),
    )
}
LEAST = {**LEAST_FIRST, **LEAST_SECOND, **LEAST_THIRD, **LEAST_FOURTH}
