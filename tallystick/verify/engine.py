"""The order of the steps, and what rests on what.

Steps 1 and 2 decide whether the bundle is looked at in any further way. Then every
step runs, so that a report names every fault; a claim is proved only if the steps
on which it rests hold as well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, BinaryIO

from tallystick.bundle import Bundle, read_bundle
from tallystick.bundle.container import MAX_FILE_BYTES
from tallystick.case import Case, read_case
from tallystick.case.covers import covered
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.trust import Trust
from tallystick.verify import (
    anchors,
    capture,
    completeness,
    credentials,
    custody,
    interval,
    platform,
    statements,
    timestamps,
    traceability,
    tree,
    values,
)
from tallystick.verify.examination import Examination
from tallystick.verify.hashes import reckoned_beforehand
from tallystick.verify.histories import Copy
from tallystick.verify.outcome import CLAIM_IDS, Claim, Finding, Line, Report, Verdict, say
from tallystick.verify.revocation import idle, member_facts
from tallystick.versions import UnknownVersion

if TYPE_CHECKING:
    from tallystick.verify.accusation import Accusation

# In the order in which they run: signatures and tree before all that is read from the entries.
_CHECKS: tuple[tuple[str, Callable[[Examination], Finding]], ...] = (
    ("statement-signature", statements.check_signatures),
    ("checkpoint-signature", tree.check_checkpoint),
    ("inclusion", tree.check_inclusion),
    ("entitlement", statements.check_entitlement),
    ("disclosure", values.check_disclosures),
    ("content", values.check_contents),
    ("traceability", traceability.check_traceability),
    ("timestamp", timestamps.check_timestamps),
    ("anchor", anchors.check_anchors),
    ("time", interval.check_time),
    ("credential", credentials.check_credentials),
    ("completeness", completeness.check_completeness),
    ("capture", capture.check_capture),
    ("custody", custody.check_custody),
    ("platform", platform.check_platform),
)

# Steps on which a claim rests. What an entry says counts once the entry is signed, in the signed tree, and entitled.
_RESTS_ON: dict[str, tuple[int, ...]] = {
    "statement-signature": (5,),
    "inclusion": (5,),
    "timestamp": (5,),
    "entitlement": (3, 4, 5),
    **dict.fromkeys(
        (
            "disclosure",
            "content",
            "traceability",
            "anchor",
            "time",
            "credential",
            "completeness",
            "capture",
            "custody",
            "platform",
        ),
        (3, 4, 5, 6),
    ),
}

# What these say is what the entries shown say; one that was withheld could say otherwise (step 13).
_RESTS_ON_THE_WHOLE = frozenset({"capture", "custody"})

# Claims of which nothing is said where the case has nothing of the sort, unless the trust file demands them.
_WHERE_THERE: dict[str, Callable[[Examination], bool]] = {
    "timestamp": lambda ex: bool(ex.case.timestamps),
    "capture": lambda ex: bool(capture.records(ex)),
    "custody": lambda ex: bool(custody.entries(ex)),
    "platform": lambda ex: bool(platform.documents(ex)),
}

# Demanded of every kind of case by this program; neither bundle nor trust file can take one away.
_REQUIRED = {
    "integrity",
    "statement-signature",
    "inclusion",
    "checkpoint-signature",
    "entitlement",
    "disclosure",
    "traceability",
    "anchor",
}


def verify_case(
    file: BinaryIO, trust: Trust, at: int, accusations: Sequence[Accusation] = (), copy: Copy | None = None
) -> Report:
    """Verify the bundle in ``file`` (seekable) under ``trust`` as of ``at`` (Unix seconds).

    ``accusations``: evidence of forks, from wherever, and proofs of convictions that hold such evidence. Nothing rests
    on the word of a log whose fork one of them shows; one that does not hold changes nothing. Where and since when the
    log stands convicted is told, and changes nothing either.

    ``copy``: gives every entry of the log, from the first on, from a copy that the reader has; it is believed only if
    it is of the very tree of the case.

    Never raises for what stands in the bundle: one that cannot be read gets the verdict ``malformed``. Raises
    ``UnknownVersion`` when the trust file demands a claim that this program does not know.
    """
    unknown = sorted(set(trust.file.required) - set(CLAIM_IDS))
    if unknown:
        raise UnknownVersion(f"the trust file requires the claim {unknown[0]!r}, which a newer program may know")
    sha256 = _sha256(file)
    try:
        bundle, line = _open(file, trust)
        case = read_case(bundle)
    except _Refused as refused:
        return _refusal(trust, at, sha256, 2, refused.finding, False)
    except UnknownVersion as error:
        return _refusal(trust, at, sha256, 1, Finding("not_proved", (say("version", detail=str(error)),)), False)
    except MalformedInput as error:
        return _refusal(trust, at, sha256, 1, Finding("not_proved", (say("malformed", detail=str(error)),)), True)
    except VerificationFailed as error:
        return _refusal(
            trust, at, sha256, 1, Finding("contradicted", (say("container.bad", detail=str(error)),)), False
        )
    return _examine(Examination(bundle, case, trust, at, tuple(accusations), copy), Finding("proved", (line,)), sha256)


class _Refused(Exception):
    """Step 2 ends the verification."""

    def __init__(self, finding: Finding) -> None:
        super().__init__()
        self.finding = finding


def _open(file: BinaryIO, trust: Trust) -> tuple[Bundle, Line]:
    """Steps 1 and 2: the bytes are those of the manifests, and a trusted exporter signed the manifests."""
    bundle = read_bundle(file)
    kid = bundle.exporter_kid
    if kid not in trust.exporters:
        raise _Refused(Finding("not_proved", (say("exporter.unknown", kid=kid.hex()),)))
    name, key = trust.exporters[kid]
    try:
        bundle.verify_signature(key)
    except VerificationFailed as error:
        raise _Refused(Finding("contradicted", (say("exporter.bad", name=name, detail=str(error)),))) from None
    return bundle, say("integrity.good", count=len(bundle.names()), name=name, kid=kid.hex())


def _examine(ex: Examination, integrity: Finding, sha256: str) -> Report:
    case, trust = ex.case, ex.trust
    name, _ = trust.exporters[ex.bundle.exporter_kid]
    ex.facts |= {
        "kind": case.index.kind,
        "subject": case.index.subject,
        "log": case.index.log,
        "exported_at": case.index.exported_at,
        "exporter": {"name": name, "key": ex.bundle.exporter_kid.hex()},
        "covers": covered(ex.bundle.sha256),
    }
    findings: dict[str, Finding] = {"integrity": integrity}
    malformed = False
    with reckoned_beforehand(case):
        for claim_id, check in _CHECKS:
            try:
                findings[claim_id] = check(ex)
            except UnknownVersion as error:
                findings[claim_id] = Finding("not_proved", (say("version", detail=str(error)),))
            except VerificationFailed as error:
                findings[claim_id] = Finding("contradicted", (say("failed", detail=str(error)),))
            except MalformedInput as error:
                malformed = True
                findings[claim_id] = Finding("not_proved", (say("malformed", detail=str(error)),))
    if case.revocation:
        ex.facts["revocation"] = member_facts(ex)
        idle_members = idle(ex.facts["revocation"])
        findings["integrity"] = Finding(integrity.outcome, (*integrity.evidence, *idle_members))
    required = _required(trust, case, bool(credentials.positions(ex)))
    told = [one for one in CLAIM_IDS if one not in _WHERE_THERE or one in required or _WHERE_THERE[one](ex)]
    whole = findings["completeness"].outcome == "proved" and completeness.reaches_the_end(ex)
    unproved = {CLAIM_IDS[claim_id] for claim_id, finding in findings.items() if finding.outcome != "proved"}
    claims = tuple(
        _claim(claim_id, findings[claim_id], unproved, required=claim_id in required, whole=whole) for claim_id in told
    )
    return _report(ex.trust, ex.at, sha256, claims, malformed, ex.facts)


def _required(trust: Trust, case: Case | None, has_credentials: bool) -> set[str]:
    required = _REQUIRED | set(trust.file.required)
    if trust.file.independent_time:
        required.add("time")
    if case is not None and any(original.mode == "included" for original in case.index.originals):
        required.add("content")
    if has_credentials:
        required.add("credential")
    return required


def _claim(claim_id: str, finding: Finding, unproved: set[int], *, required: bool, whole: bool) -> Claim:
    """``unproved``: the steps of which a finding is not proved."""
    fallen = tuple(step for step in _RESTS_ON.get(claim_id, ()) if step in unproved)
    outcome, evidence = finding.outcome, finding.evidence
    if fallen and outcome in ("proved", "needs_external_fact"):
        outcome = "not_proved"
        evidence = (*evidence, say("rests-on", steps=", ".join(map(str, fallen))))
    if claim_id in _RESTS_ON_THE_WHOLE and outcome == "proved" and not whole:
        outcome = "needs_external_fact"
        evidence = (*evidence, say("rests-on-whole", step=CLAIM_IDS["completeness"]))
    return Claim(claim_id, CLAIM_IDS[claim_id], outcome, required, evidence, fallen)


def _refusal(trust: Trust, at: int, sha256: str, step: int, finding: Finding, malformed: bool) -> Report:
    """Integrity does not hold: nothing else is looked at."""
    required = _required(trust, None, False)
    claims = [Claim("integrity", step, finding.outcome, True, finding.evidence)]
    for claim_id, number in CLAIM_IDS.items():
        if claim_id != "integrity" and (claim_id not in _WHERE_THERE or claim_id in required):
            line = say("not-examined", step=step)
            claims.append(Claim(claim_id, number, "not_proved", claim_id in required, (line,), (step,)))
    return _report(trust, at, sha256, tuple(claims), malformed, {})


def _report(
    trust: Trust, at: int, sha256: str, claims: tuple[Claim, ...], malformed: bool, facts: dict[str, object]
) -> Report:
    refused = [claim for claim in claims if claim.required and claim.outcome != "proved"]
    refused += [claim for claim in claims if claim.outcome == "contradicted" and not claim.required]
    verdict: Verdict = "malformed" if malformed else "not_proved" if refused else "proved"
    return Report(
        verdict=verdict,
        claims=claims,
        refused_at=_first(refused) if refused else None,
        trust_fingerprint=trust.fingerprint,
        trust_publisher=trust.file.publisher,
        at=at,
        bundle_sha256=sha256,
        facts=MappingProxyType(facts),
    )


def _first(refused: Iterable[Claim]) -> int:
    """The first step that refused for a reason of its own, rather than for what it rests on."""
    own = [claim.step for claim in refused if not _only_rests(claim)]
    return min(own) if own else min(claim.step for claim in refused)


def _only_rests(claim: Claim) -> bool:
    return claim.outcome == "not_proved" and any(line.key in ("rests-on", "not-examined") for line in claim.evidence)


def _sha256(file: BinaryIO) -> str:
    """Hex; ``-`` for a file too long to be a bundle, which is not read."""
    if file.seek(0, 2) > MAX_FILE_BYTES:
        return "-"
    hasher = hashlib.sha256()
    file.seek(0)
    while block := file.read(1 << 20):
        hasher.update(block)
    return hasher.hexdigest()
