"""The verdict on a reading: bound to the file, signed by an entitled signer at the given time, and what it says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cryptography import x509

from tallystick import canonical
from tallystick.c2pa.chain import SignerRoots, name_of, require_signer, require_utc
from tallystick.c2pa.claim import ActiveManifest
from tallystick.c2pa.facts import Action, C2paVerdict, ChainLink, Identity, Ingredient, SignedManifest
from tallystick.c2pa.identity import IDENTITY, identities, is_judged
from tallystick.c2pa.reading import C2paReading
from tallystick.c2pa.refusal import CredentialRefused
from tallystick.c2pa.revoked import require_not_revoked
from tallystick.c2pa.signature import TIME_STAMP, Stamped
from tallystick.c2pa.stamps import proven_time
from tallystick.c2pa.training import TRAINING
from tallystick.c2pa.updates import ACTIONS, INGREDIENTS, actions_of, binding_of, later_stamps
from tallystick.errors import MalformedInput
from tallystick.lazy_dataclass import dataclass
from tallystick.revocation import Words, unanswered
from tallystick.timestamp import Authority

LICENCE, CERTIFICATE = "org.tallystick.licence", "org.tallystick.certificate"
RECEIPT = "org.tallystick.receipt"
"""The log's receipt of a signed file, which an update manifest brings."""
MAX_PAYLOAD = 512 * 1024
"""Bytes of the JSON of one assertion of ours: a licence brings every entry on which its grant rests, with proofs."""

JUDGED_BY_US = frozenset({"signingCredential.expired", "signingCredential.untrusted", "claimSignature.outsideValidity"})
"""Failures of c2pa-python that say only what it thinks of a certificate today; we judge chain and time ourselves."""
_IDENTITIES = "cawg."
"""How codes begin that concern identities, which we judge ourselves under roots of their own."""
_BINDINGS = frozenset({"assertion.dataHash.match", "assertion.bmffHash.match"})
_JUDGED = ("c2pa.actions", "c2pa.hash.", "c2pa.ingredient", TIME_STAMP, "org.tallystick.")
"""How labels begin whose content is looked at."""
# Nothing is fetched; and what a hash leaves out is checked when it is read.
_SILENT = frozenset(
    {
        "signingCredential.ocsp.skipped",
        "assertion.bmffHash.additionalExclusionsPresent",
        "assertion.dataHash.additionalExclusionsPresent",
    }
)


NOBODY = SignerRoots(())


@dataclass(frozen=True, slots=True)
class OtherRoots:
    """Whom a reader believes besides the signers of claims: each for its own purpose, and for nothing else."""

    timestamps: tuple[Authority, ...] = ()
    identities: SignerRoots = NOBODY


def judge(
    reading: C2paReading,
    roots: SignerRoots,
    at: datetime,
    others: OtherRoots | None = None,
    beside: Words | None = None,
) -> C2paVerdict:
    """Judge `reading` as of `at` (aware) under the trusted signer `roots`.

    `beside`: what stands beside the file of the revocation of those who signed it.

    Raises CredentialRefused with the code of the first thing that does not hold, MalformedInput on an assertion that
    does not have its form.
    """
    require_utc(at)
    require_bound(reading)
    others = others or OtherRoots()
    problems: list[str] = []
    later = later_stamps(reading.manifests)
    judged = [
        _signed(manifest, later.get(manifest.label, ()), roots, others, at, problems, beside)
        for manifest in reading.manifests
    ]
    _require_no_failure(reading, "signingCredential.")
    manifest, path = reading.manifest, judged[-1][1]
    for one in reading.manifests:
        _require_past(_actions(one), reading.engine.signed_at, at)
    actions = _actions(manifest)
    title = manifest.claim.get("dc:title")
    return C2paVerdict(
        state="trusted",
        at=at,
        media_type=reading.media_type,
        embedded=reading.embedded,
        manifest=manifest.label,
        title=title if isinstance(title, str) else None,
        signer=name_of(path[0].subject),
        chain=tuple(map(ChainLink.of, path)),
        actions=actions,
        digital_source_type=next((a.digital_source_type for a in actions if a.digital_source_type), None),
        licence=payload(manifest, LICENCE),
        certificate=payload(manifest, CERTIFICATE),
        ingredients=_ingredients(manifest),
        problems=(*_problems(reading), *problems),
        receipt=_receipt(reading),
        manifests=tuple(signed for signed, _ in judged),
        identities=_identities(reading, others, at, beside),
        unjudged=_unjudged(reading),
        training=_training(manifest),
    )


def _signed(
    manifest: ActiveManifest,
    later: Sequence[Stamped],
    roots: SignerRoots,
    others: OtherRoots,
    at: datetime,
    problems: list[str],
    beside: Words | None,
) -> tuple[SignedManifest, tuple[x509.Certificate, ...]]:
    """Who signed a manifest, and the path to the root: judged by the proven time of signing, or at `at`."""
    proven, told = proven_time(manifest.signature, others.timestamps, at, later, beside)
    problems += told
    chain, judged_at = manifest.chain, at if proven is None else proven.time
    root = require_signer(chain, roots, judged_at)
    path = chain if root == chain[-1] else (*chain, root)
    said = require_not_revoked(path, manifest.signature.answers, judged_at, beside)
    problems += (unanswered(name, places, judged_at) for name, places in said.silent if places)
    signer, digest = name_of(chain[0].subject), manifest.digest.hex()
    return SignedManifest(manifest.label, manifest.update, signer, proven, digest, said.said), path


def require_bound(reading: C2paReading) -> None:
    """c2pa-python must have matched the file's bytes and complain of nothing but the signer, whom `judge` judges.

    Raises CredentialRefused with c2pa-python's code, ``binding.absent`` or ``engine.unknown``.
    """
    engine = reading.engine
    _require_no_failure(reading, "", but="signingCredential.")
    label = f"/c2pa/{reading.manifest.label}/c2pa.assertions/{binding_of(reading.manifest).label}"
    if not any(status.code in _BINDINGS and status.url.endswith(label) for status in engine.success):
        raise CredentialRefused("binding.absent", "no data hash or BMFF hash binds the manifest to this file's bytes")
    if engine.state not in ("Valid", "Trusted") and not engine.failure:
        raise CredentialRefused("engine.unknown", f"c2pa-python says {engine.state} and does not say why")


def _require_no_failure(reading: C2paReading, prefix: str, but: str | None = None) -> None:
    """Refuse the first failure of c2pa-python with `prefix` (and not with `but`) that is not ours to judge."""
    for status in (*reading.engine.failure, *reading.engine.ingredient_failure):
        left_out = but is not None and status.code.startswith(but)
        ours = status.code in JUDGED_BY_US or status.code.startswith(_IDENTITIES)
        if status.code.startswith(prefix) and not left_out and not ours:
            raise CredentialRefused(status.code, status.explanation or status.url)


def _actions(manifest: ActiveManifest) -> tuple[Action, ...]:
    found = []
    for assertion in manifest.named(*ACTIONS):
        for item in actions_of(assertion):
            name = str(item.get("action"))
            when = _instant(item.get("when"), f"action {name}")
            found.append(Action(name, when, _text(item.get("digitalSourceType"))))
    return tuple(found)


def _instant(value: object, what: str) -> datetime | None:
    if value is None:
        return None
    try:
        when = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        raise MalformedInput(f"the time of {what} is not a date and time: {str(value)[:40]!r}") from None
    require_utc(when)
    return when


def _require_past(actions: tuple[Action, ...], signed_at: str | None, at: datetime) -> None:
    """A credential that speaks of a time after the check was made later than it claims, or by a wrong clock."""
    told = [(action.when, f"action {action.name}") for action in actions]
    told.append((_instant(signed_at, "the signature"), "the signature"))
    for when, what in told:
        if when is not None and when > at:
            raise CredentialRefused("time.future", f"{what} is dated {when.isoformat()}, after {at.isoformat()}")


def payload(manifest: ActiveManifest, label: str) -> dict[str, Any] | None:
    """The JSON of our assertion `label`; the signer must have made it (created), and only once."""
    known = {RECEIPT} if manifest.update else {LICENCE, CERTIFICATE}
    for assertion in manifest.assertions:
        if assertion.label.startswith("org.tallystick.") and assertion.label not in known:
            detail = f"{assertion.label} is not known to this version"
            if assertion.label in (LICENCE, CERTIFICATE, RECEIPT):
                detail = f"{assertion.label} does not belong into {'an update' if manifest.update else 'a'} manifest"
            raise CredentialRefused("assertion.unknown", detail)
    mine = [assertion for assertion in manifest.assertions if assertion.label == label]
    if not mine:
        return None
    if mine[0].kind != "json" or not mine[0].created:
        raise CredentialRefused("assertion.not_created", f"{label} is not a JSON assertion that the signer created")
    value = canonical.decode(mine[0].content, MAX_PAYLOAD)
    if not isinstance(value, dict):
        raise MalformedInput(f"{label} is not a JSON object")
    return value


def _training(manifest: ActiveManifest) -> tuple[Any, ...]:
    """Beside a licence of ours alone: in other files it is the affair of their signers."""
    if payload(manifest, LICENCE) is None:
        return ()
    return tuple(assertion.value() for assertion in manifest.named(TRAINING))


def _receipt(reading: C2paReading) -> dict[str, Any] | None:
    """Of the newest update that brings one; each is checked."""
    found = [payload(manifest, RECEIPT) for manifest in reading.manifests[:-1]]
    return next((one for one in found if one is not None), None)


def _identities(reading: C2paReading, others: OtherRoots, at: datetime, beside: Words | None) -> tuple[Identity, ...]:
    return tuple(
        one
        for manifest in reading.manifests
        for one in identities(manifest, others.identities, others.timestamps, at, beside)
    )


def _unjudged(reading: C2paReading) -> tuple[str, ...]:
    return tuple(
        assertion.label
        for manifest in reading.manifests
        for assertion in manifest.assertions
        if not assertion.name.startswith(_JUDGED) and not (assertion.name == IDENTITY and is_judged(assertion))
    )


def _ingredients(manifest: ActiveManifest) -> tuple[Ingredient, ...]:
    found = []
    for assertion in manifest.named(*INGREDIENTS):
        value = assertion.value()
        if not isinstance(value, dict):
            raise MalformedInput(f"{assertion.label} is not a map")
        link = value.get("activeManifest", value.get("c2pa_manifest"))
        found.append(
            Ingredient(
                title=_text(value.get("dc:title")),
                media_type=_text(value.get("dc:format")),
                relationship=str(value.get("relationship")),
                instance_id=_text(value.get("instanceID")),
                description=_text(value.get("description")),
                manifest=_text(link.get("url")) if isinstance(link, dict) else None,
            )
        )
    return tuple(found)


def _problems(reading: C2paReading) -> list[str]:
    found = []
    if reading.container.leading:
        found.append(f"{reading.container.leading} bytes stand before the beginning of the file format")
    if reading.container.trailing:
        found.append(f"{reading.container.trailing} bytes stand after the end of the file format")
    if reading.container.loose:
        found.append(f"{reading.container.loose} bytes stand in boxes that no hash covers: anybody may put them there")
    if brands := reading.container.brands:
        named = ", ".join(map(repr, brands[:8]))
        found.append(
            f"the film says that it is {named} in its first box, which no hash covers: anybody may have written that"
        )
    # Of timestamps it knows no authority; we tell of them ourselves.
    told = [s for s in reading.engine.informational if s.code not in _SILENT and not s.code.startswith("timeStamp.")]
    found += [f"{s.code}: {s.explanation}" for s in told]
    # To c2pa-python what is updated is an ingredient; we judged it.
    mine = tuple(f"/c2pa/{manifest.label}/" for manifest in reading.manifests)
    strange = [s for s in reading.engine.ingredient_failure if not any(label in s.url for label in mine)]
    found += [f"ingredient not judged: {s.code} at {s.url}" for s in strange]
    if reading.manifest.claim.get("redacted_assertions"):
        found.append("the signer took assertions out of what an ingredient's signer had said (redaction)")
    return found


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
