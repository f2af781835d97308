"""A manifest of a store: its claim, its signature with the certificate chain, its assertions.

Every assertion is bound here to the claim by the hash that the claim carries, and the claim to the leaf certificate
by its COSE signature (C2PA specification, sections 10, 13 and 14). So what is read below is what was signed; only the
binding of the manifest to the file's own bytes is left to c2pa-python.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cryptography import x509

from tallystick.c2pa.cbor import decode_cbor
from tallystick.c2pa.jumbf import MANIFEST, UPDATE_MANIFEST, SuperBox
from tallystick.c2pa.refusal import CredentialRefused
from tallystick.c2pa.signature import CoseSignature, verified
from tallystick.errors import MalformedInput
from tallystick.lazy_dataclass import dataclass

MAX_ASSERTIONS = 1024
_ASSERTION_URI = re.compile(r"(?:self#jumbf=)(?:/c2pa/(?P<manifest>[^/]+)/)?c2pa\.assertions/(?P<label>[^/]+)")
_INSTANCE = re.compile(r"__\d+$")


@dataclass(frozen=True, slots=True)
class Assertion:
    """One assertion of the active manifest whose hash matched its claim."""

    label: str
    kind: str
    """Type of the content box: "cbor", "json", or another that is not decoded here."""
    content: bytes
    created: bool
    """True if the claim lists it as created by the signer; False if it was only gathered (or the claim is v1)."""

    @property
    def name(self) -> str:
        """The label without its instance number."""
        return _INSTANCE.sub("", self.label)

    def value(self) -> Any:
        """The decoded CBOR content. Raises MalformedInput."""
        if self.kind != "cbor":
            raise MalformedInput(f"assertion {self.label} holds {self.kind}, expected cbor")
        return decode_cbor(self.content, f"assertion {self.label}")


@dataclass(frozen=True, slots=True)
class ActiveManifest:
    """What the signer of one manifest signed. `digest`: SHA-256 of its box's content, by which others refer to it."""

    label: str
    claim: dict[str, Any]
    signature: CoseSignature
    assertions: tuple[Assertion, ...]
    update: bool
    digest: bytes

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """x5chain of the claim signature, leaf first. Not judged here."""
        return self.signature.chain

    def named(self, *names: str) -> tuple[Assertion, ...]:
        """Its assertions of these labels, whatever their instance number."""
        return tuple(assertion for assertion in self.assertions if assertion.name in names)


def read_manifest(manifest: SuperBox) -> ActiveManifest:
    """Read one manifest, check its signature against its own leaf, and the hashes of its assertions.

    Raises MalformedInput, or CredentialRefused with ``claimSignature.mismatch`` or ``assertion.hashedURI.mismatch``.
    """
    if manifest.type not in (MANIFEST, UPDATE_MANIFEST):
        raise MalformedInput(f"manifest {manifest.label} is compressed or of an unknown kind")
    names = [box.label for box in manifest.children if box.label in ("c2pa.claim", "c2pa.claim.v2")]
    if len(names) != 1:
        raise MalformedInput(f"manifest {manifest.label} holds {len(names)} claims, expected exactly one")
    raw = manifest.child(names[0]).content(b"cbor")
    claim = decode_cbor(raw, "claim")
    if not isinstance(claim, dict) or not all(isinstance(key, str) for key in claim):
        raise MalformedInput("the claim is not a map with text keys")
    if claim.get("signature") not in (f"self#jumbf=/c2pa/{manifest.label}/c2pa.signature", "self#jumbf=c2pa.signature"):
        raise MalformedInput("the claim does not name the signature box of its own manifest")
    cose = manifest.child("c2pa.signature").content(b"cbor")
    signature = verified(cose, raw, older=names[0] == "c2pa.claim")
    return ActiveManifest(
        label=manifest.label,
        claim=claim,
        signature=signature,
        assertions=_assertions(manifest, claim),
        update=manifest.type == UPDATE_MANIFEST,
        digest=manifest.digest("sha256"),
    )


def _assertions(manifest: SuperBox, claim: dict[str, Any]) -> tuple[Assertion, ...]:
    store = manifest.child("c2pa.assertions")
    listed = [(entry, True) for entry in _entries(claim, "created_assertions")]
    listed += [(entry, False) for name in ("gathered_assertions", "assertions") for entry in _entries(claim, name)]
    if len(listed) > MAX_ASSERTIONS:
        raise MalformedInput(f"more than {MAX_ASSERTIONS} assertions")
    found, seen = [], set()
    for entry, created in listed:
        uri, digest = (entry.get("url"), entry.get("hash")) if isinstance(entry, dict) else (None, None)
        match = _ASSERTION_URI.fullmatch(uri) if isinstance(uri, str) else None
        if match is None or match["manifest"] not in (None, manifest.label):
            raise MalformedInput(f"the claim names assertion {str(uri)[:80]!r}, which is not in its own manifest")
        if match["label"] in seen:
            raise MalformedInput(f"assertion {match['label'][:80]!r} is listed twice")
        seen.add(match["label"])
        box = store.child(match["label"])
        if box.digest(str(entry.get("alg", claim.get("alg", "sha256")))) != digest:
            raise CredentialRefused("assertion.hashedURI.mismatch", f"assertion {box.label} was changed after signing")
        kind, content = box.contents[0] if len(box.contents) == 1 else (b"many", b"")
        found.append(Assertion(box.label, kind.decode("latin-1"), content, created))
    if extra := sorted({box.label for box in store.children} - seen):
        raise MalformedInput(f"assertions {str(extra)[:200]} are not in the claim")
    return tuple(found)


def listed(claim: dict[str, Any]) -> Iterator[tuple[str, object]]:
    """Label and hash of each assertion that a claim lists, which `read_manifest` checked."""
    for name in ("created_assertions", "gathered_assertions", "assertions"):
        for entry in _entries(claim, name):
            yield str(entry["url"]).rpartition("/")[2], entry["hash"]


def _entries(claim: dict[str, Any], name: str) -> list[Any]:
    value = claim.get(name, [])
    if not isinstance(value, list):
        raise MalformedInput(f"{name} of the claim is not a list")
    return value
