"""What a judged credential says. Frozen facts; every text in them was signed, and is the signer's word."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from tallystick.c2pa.chain import name_of
from tallystick.c2pa.stamps import ProvenTime
from tallystick.lazy_dataclass import dataclass
from tallystick.revocation import Revocation


@dataclass(frozen=True, slots=True)
class ChainLink:
    """One certificate of the path, leaf first and root last. Times are UTC; `sha256` is over the DER."""

    subject: str
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime
    sha256: str

    @classmethod
    def of(cls, certificate: x509.Certificate) -> ChainLink:
        """What is shown of a certificate."""
        return cls(
            subject=name_of(certificate.subject),
            issuer=name_of(certificate.issuer),
            serial=f"{certificate.serial_number:x}",
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
            sha256=certificate.fingerprint(hashes.SHA256()).hex(),
        )


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
class SignedManifest:
    """One manifest that was judged: who signed it, and by when, if a trusted authority countersigned.

    sha256: of the content of its JUMBF box, hex; what an update refers to.
    """

    label: str
    update: bool
    signer: str
    proven: ProvenTime | None
    sha256: str
    revocation: tuple[Revocation, ...] = ()
    """What issuers on the path of its signer said of revocation, as far as the file encloses it."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who identifies himself in the credential (CAWG identity assertion), by a signature of his own.

    trusted: under a root for identities; `reason` says why not. assertions: labels that he stands for.
    """

    label: str
    name: str
    trusted: bool
    reason: str | None
    roles: tuple[str, ...]
    assertions: tuple[str, ...]
    proven: ProvenTime | None


@dataclass(frozen=True, slots=True)
class C2paVerdict:
    """What the credential says, after everything that must hold was found to hold at `at`.

    signer, chain, actions, ingredients, licence, certificate: of the manifest that binds the file. receipt: of the
    newest update that brings one. manifests: the active one first, the one that binds the file last.
    """

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
    receipt: dict[str, Any] | None = None
    manifests: tuple[SignedManifest, ...] = ()
    identities: tuple[Identity, ...] = ()
    unjudged: tuple[str, ...] = ()
    """Labels of assertions whose content was not looked at. The signer said them, and that is all."""
    training: tuple[Any, ...] = ()
    """Values of `cawg.training-mining` beside the licence, as they stand: what the file tells machines."""
