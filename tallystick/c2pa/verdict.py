"""The verdict on a reading: bound to the file, signed by an entitled signer at the given time, and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from tallystick import canonical
from tallystick.c2pa.chain import SignerRoots, name_of, require_signer, require_utc
from tallystick.c2pa.claim import Assertion
from tallystick.c2pa.reading import C2paReading
from tallystick.c2pa.refusal import CredentialRefused
from tallystick.errors import MalformedInput

LICENCE, CERTIFICATE = "org.tallystick.licence", "org.tallystick.certificate"
MAX_PAYLOAD = 512 * 1024
"""Bytes of the JSON of one assertion of ours: a licence brings every entry on which its grant rests, with proofs."""

JUDGED_BY_US = frozenset({"signingCredential.expired", "signingCredential.untrusted", "claimSignature.outsideValidity"})
"""Failures of c2pa-python that say only what it thinks of a certificate today; we judge chain and time ourselves."""
_BINDINGS = frozenset({"assertion.dataHash.match", "assertion.bmffHash.match"})
# Nothing is fetched; and exclusions of the BMFF hash are checked when it is read.
_SILENT = frozenset({"signingCredential.ocsp.skipped", "assertion.bmffHash.additionalExclusionsPresent"})


@dataclass(frozen=True, slots=True)
class ChainLink:
    """One certificate of the path, leaf first and root last. Times are UTC; `sha256` is over the DER."""

    subject: str
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime
    sha256: str


@dataclass(frozen=True, slots=True)
class Ingredient:
    """Another asset that the signer says went into this one."""

    title: str | None
    media_type: str | None
    relationship: str
    instance_id: str | None
    description: str | None
    manifest: str | None
    """Label of the ingredient's own manifest in the same store, if it brought one."""


@dataclass(frozen=True, slots=True)
class Action:
    """One step of the asset's history as the signer tells it, for example c2pa.created."""

    name: str
    when: datetime | None
    digital_source_type: str | None


@dataclass(frozen=True, slots=True)
class C2paVerdict:
    """What the credential says, after everything that must hold was found to hold at `at`."""

    state: Literal["trusted"]
    at: datetime
    media_type: str
    embedded: bool
    manifest: str
    title: str | None
    signer: str
    chain: tuple[ChainLink, ...]
    actions: tuple[Action, ...]
    digital_source_type: str | None
    licence: dict[str, Any] | None
    certificate: dict[str, Any] | None
    ingredients: tuple[Ingredient, ...]
    problems: tuple[str, ...]
    """What a reader should know although nothing is broken: bytes outside the container, unjudged ingredients."""


def judge(reading: C2paReading, roots: SignerRoots, at: datetime) -> C2paVerdict:
    """Judge `reading` as of `at` (aware) under the trusted signer `roots`.

    Raises CredentialRefused with the code of the first thing that does not hold, MalformedInput on an assertion that
    does not have its form.
    """
    require_utc(at)
    require_bound(reading)
    chain = reading.manifest.chain
    root = require_signer(chain, roots, at)
    _require_no_failure(reading, "signingCredential.")
    path = chain if root == chain[-1] else (*chain, root)
    assertions = reading.manifest.assertions
    actions = _actions(assertions)
    _require_past(actions, reading.engine.signed_at, at)
    title = reading.manifest.claim.get("dc:title")
    return C2paVerdict(
        state="trusted",
        at=at,
        media_type=reading.media_type,
        embedded=reading.embedded,
        manifest=reading.manifest.label,
        title=title if isinstance(title, str) else None,
        signer=name_of(chain[0].subject),
        chain=tuple(_link(certificate) for certificate in path),
        actions=actions,
        digital_source_type=next((a.digital_source_type for a in actions if a.digital_source_type), None),
        licence=_payload(assertions, LICENCE),
        certificate=_payload(assertions, CERTIFICATE),
        ingredients=_ingredients(assertions),
        problems=tuple(_problems(reading)),
    )


def require_bound(reading: C2paReading) -> None:
    """c2pa-python must have matched the file's bytes and complain of nothing but the signer, whom `judge` judges.

    Raises CredentialRefused with c2pa-python's code, ``binding.absent`` or ``engine.unknown``.
    """
    engine = reading.engine
    _require_no_failure(reading, "", but="signingCredential.")
    if not {status.code for status in engine.success} & _BINDINGS:
        raise CredentialRefused("binding.absent", "no data hash or BMFF hash binds the manifest to this file's bytes")
    if engine.state not in ("Valid", "Trusted") and not engine.failure:
        raise CredentialRefused("engine.unknown", f"c2pa-python says {engine.state} and does not say why")


def _require_no_failure(reading: C2paReading, prefix: str, but: str | None = None) -> None:
    """Refuse the first failure of c2pa-python with `prefix` (and not with `but`) that is not ours to judge."""
    for status in (*reading.engine.failure, *reading.engine.ingredient_failure):
        left_out = but is not None and status.code.startswith(but)
        if status.code.startswith(prefix) and not left_out and status.code not in JUDGED_BY_US:
            raise CredentialRefused(status.code, status.explanation or status.url)


def _link(certificate: x509.Certificate) -> ChainLink:
    return ChainLink(
        subject=name_of(certificate.subject),
        issuer=name_of(certificate.issuer),
        serial=f"{certificate.serial_number:x}",
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        sha256=certificate.fingerprint(hashes.SHA256()).hex(),
    )


def _actions(assertions: tuple[Assertion, ...]) -> tuple[Action, ...]:
    found = []
    for assertion in assertions:
        if assertion.name not in ("c2pa.actions", "c2pa.actions.v2"):
            continue
        value = assertion.value()
        listed = value.get("actions") if isinstance(value, dict) else None
        if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
            raise MalformedInput("the actions assertion is not a map with a list of actions")
        for item in listed:
            name = str(item.get("action"))
            found.append(
                Action(
                    name=name,
                    when=_instant(item.get("when"), f"action {name}"),
                    digital_source_type=_text(item.get("digitalSourceType")),
                )
            )
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


def _payload(assertions: tuple[Assertion, ...], label: str) -> dict[str, Any] | None:
    """The JSON of our assertion `label`; the signer must have made it (created), and only once."""
    known = {LICENCE, CERTIFICATE}
    for assertion in assertions:
        if assertion.label.startswith("org.tallystick.") and assertion.label not in known:
            raise CredentialRefused("assertion.unknown", f"{assertion.label} is not known to this version")
    mine = [assertion for assertion in assertions if assertion.label == label]
    if not mine:
        return None
    if mine[0].kind != "json" or not mine[0].created:
        raise CredentialRefused("assertion.not_created", f"{label} is not a JSON assertion that the signer created")
    value = canonical.decode(mine[0].content, MAX_PAYLOAD)
    if not isinstance(value, dict):
        raise MalformedInput(f"{label} is not a JSON object")
    return value


def _ingredients(assertions: tuple[Assertion, ...]) -> tuple[Ingredient, ...]:
    found = []
    for assertion in assertions:
        if assertion.name not in ("c2pa.ingredient", "c2pa.ingredient.v2", "c2pa.ingredient.v3"):
            continue
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
    found += [f"{s.code}: {s.explanation}" for s in reading.engine.informational if s.code not in _SILENT]
    found += [f"ingredient not judged: {s.code} at {s.url}" for s in reading.engine.ingredient_failure]
    return found


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
