"""Who identifies himself in a credential: the CAWG identity assertion (version 1.1) with an X.509 signature.

It is a signature of its own over hashes of other assertions of the same manifest, under roots of its own. It says who
stands for those assertions; it never makes the claim's signer trusted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import cbor2

from tallystick.c2pa.chain import SignerRoots, name_of, require_signer
from tallystick.c2pa.claim import ActiveManifest, Assertion, listed
from tallystick.c2pa.facts import Identity
from tallystick.c2pa.refusal import CredentialRefused
from tallystick.c2pa.revoked import require_not_revoked
from tallystick.c2pa.signature import CoseSignature, verified
from tallystick.c2pa.stamps import proven_time
from tallystick.errors import MalformedInput
from tallystick.revocation import Words
from tallystick.timestamp import Authority

IDENTITY = "cawg.identity"
X509 = "cawg.x509.cose"


def identities(
    manifest: ActiveManifest,
    roots: SignerRoots,
    authorities: Sequence[Authority],
    at: datetime,
    beside: Words | None = None,
) -> Iterator[Identity]:
    """Each identity of `manifest` that is signed with a certificate; others are not judged.

    Raises MalformedInput, or CredentialRefused with ``identity.mismatch`` where an assertion or signature does not fit.
    """
    for assertion in manifest.named(IDENTITY):
        value = assertion.value()
        payload = value.get("signer_payload") if isinstance(value, dict) else None
        if not isinstance(payload, dict) or not isinstance(value.get("signature"), bytes):
            raise MalformedInput(f"{assertion.label} is not a map with signer_payload and signature")
        if payload.get("sig_type") == X509:
            yield _judged(manifest, assertion, value, roots, authorities, at, beside)


def is_judged(assertion: Assertion) -> bool:
    """Whether an identity assertion is of the kind that `identities` looks at."""
    value = assertion.value()
    payload = value.get("signer_payload") if isinstance(value, dict) else None
    return isinstance(payload, dict) and payload.get("sig_type") == X509


def _judged(
    manifest: ActiveManifest,
    assertion: Assertion,
    value: dict[str, Any],
    roots: SignerRoots,
    authorities: Sequence[Authority],
    at: datetime,
    beside: Words | None,
) -> Identity:
    payload = value["signer_payload"]
    if any(any(value.get(name, b"")) for name in ("pad1", "pad2")):
        raise MalformedInput(f"the padding of {assertion.label} is not zero")
    encoded = cbor2.dumps(payload)
    if encoded not in assertion.content:
        raise MalformedInput(f"the signer_payload of {assertion.label} is not in its one form (CBOR)")
    named = _referenced(manifest, assertion, payload)
    signature = verified(value["signature"], encoded, "identity")
    proven, _ = proven_time(signature, authorities, at, beside=beside)
    reason = _doubt(signature, roots, at if proven is None else proven.time, beside)
    return Identity(
        label=assertion.label,
        name=name_of(signature.chain[0].subject),
        trusted=reason is None,
        reason=reason,
        roles=tuple(map(str, payload.get("role", ()))),
        assertions=named,
        proven=proven,
    )


def _doubt(signature: CoseSignature, roots: SignerRoots, at: datetime, beside: Words | None) -> str | None:
    """Why whoever signed is not trusted."""
    try:
        root = require_signer(signature.chain, roots, at)
        path = signature.chain if root == signature.chain[-1] else (*signature.chain, root)
        require_not_revoked(path, signature.answers, at, beside)
    except CredentialRefused as error:
        return error.detail
    return None


def _referenced(manifest: ActiveManifest, assertion: Assertion, payload: dict[str, Any]) -> tuple[str, ...]:
    """Labels of the assertions that the identity stands for: those of the claim, the hard binding among them."""
    references = payload.get("referenced_assertions")
    if not isinstance(references, list) or not all(isinstance(one, dict) for one in references):
        raise MalformedInput(f"{assertion.label} does not list the assertions that it is about")
    known = dict(listed(manifest.claim))
    found = []
    for one in references:
        label = str(one.get("url")).rpartition("c2pa.assertions/")[2]
        if label not in known or one.get("hash") != known[label] or label == assertion.label or label in found:
            raise CredentialRefused("identity.mismatch", f"{assertion.label} is about another {label[:80]!r}")
        found.append(label)
    if not any(label.startswith("c2pa.hash.") for label in found) and not manifest.update:
        raise CredentialRefused("identity.mismatch", f"{assertion.label} is about no bytes: it names no hard binding")
    return tuple(found)
