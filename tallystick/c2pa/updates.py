"""Which manifests of a store speak of the file: the active one, what it updates, down to the one that binds the bytes.

C2PA specification, sections 11.2.3 (update manifests), 15.10 and 18.16 (ingredients). An update manifest says more
about a file without touching it; the hash of the bytes stands in the manifest below. Each one on the way is read as
the active one is. Of what an update manifest records about its parent (validation results) nothing is believed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tallystick.c2pa.claim import ActiveManifest, Assertion, read_manifest
from tallystick.c2pa.jumbf import SuperBox
from tallystick.c2pa.refusal import CredentialRefused
from tallystick.c2pa.signature import TIME_STAMP, Stamped
from tallystick.errors import MalformedInput

MAX_UPDATES = 16
DATA_HASH = "c2pa.hash.data"
BMFF_HASHES = ("c2pa.hash.bmff.v2", "c2pa.hash.bmff.v3")
"""Not version 1, which hashes boxes without their places: what the film points to can be moved under it."""
ACTIONS = ("c2pa.actions", "c2pa.actions.v2")
INGREDIENTS = ("c2pa.ingredient", "c2pa.ingredient.v2", "c2pa.ingredient.v3")
ALLOWED_ACTIONS = frozenset({"c2pa.edited.metadata", "c2pa.opened", "c2pa.published", "c2pa.redacted"})
"""What an update manifest may say was done: nothing that changes the content."""
_FORBIDDEN = ("c2pa.hash.", "c2pa.thumbnail.")
_MANIFEST_URI = re.compile(r"self#jumbf=/c2pa/(?P<manifest>[^/]+)")


def read_manifests(store: SuperBox) -> tuple[ActiveManifest, ...]:
    """The active manifest of `store`, then the one it updates, and so on: the last one binds the file.

    Raises MalformedInput, or CredentialRefused with the code of the specification.
    """
    if not store.children:
        raise MalformedInput("the manifest store is empty")
    labels = [box.label for box in store.children]
    if len(set(labels)) != len(labels):
        raise MalformedInput("two manifests of the store have the same label")
    found = [read_manifest(store.children[-1])]
    while found[-1].update:
        if len(found) > MAX_UPDATES:
            raise MalformedInput(f"more than {MAX_UPDATES} update manifests follow one another")
        found.append(_parent(store, found[-1]))
    binding_of(found[-1])
    return tuple(found)


def binding_of(manifest: ActiveManifest) -> Assertion:
    """The one assertion with which `manifest` is bound to the bytes of its file. Raises CredentialRefused."""
    hashes = [assertion for assertion in manifest.assertions if assertion.name.startswith("c2pa.hash.")]
    if len(hashes) > 1:
        detail = f"{', '.join(one.label for one in hashes)}: a manifest has one hard binding"
        raise CredentialRefused("assertion.multipleHardBindings", detail)
    if not hashes or hashes[0].name not in (DATA_HASH, *BMFF_HASHES):
        found = hashes[0].label if hashes else "none"
        raise CredentialRefused("claim.hardBindings.missing", f"no data or BMFF hash binds the file, found {found}")
    if "created_assertions" in manifest.claim and not hashes[0].created:
        raise CredentialRefused("claim.hardBindings.missing", "the hard binding was gathered, not created")
    return hashes[0]


def _parent(store: SuperBox, update: ActiveManifest) -> ActiveManifest:
    """Check an update manifest, and read the manifest that it updates."""
    _require_only_words(update)
    if update.claim.get("redacted_assertions"):
        raise CredentialRefused("manifest.update.invalid", f"{update.label} takes assertions out of what it updates")
    ingredients = update.named(*INGREDIENTS)
    value = ingredients[0].value() if len(ingredients) == 1 else None
    if not isinstance(value, dict) or value.get("relationship") != "parentOf":
        detail = f"{update.label} has not exactly one ingredient, its parent"
        raise CredentialRefused("manifest.update.wrongParents", detail)
    label, digest, algorithm = _link(value.get("activeManifest"), update)
    older = store.children[: [box.label for box in store.children].index(update.label)]
    boxes = [box for box in older if box.label == label]
    if not boxes:
        raise CredentialRefused(
            "ingredient.manifest.missing", f"{label}, the parent of {update.label}, is not before it"
        )
    if boxes[0].digest(algorithm) != digest:
        raise CredentialRefused("ingredient.manifest.mismatch", f"{label} is not what {update.label} updates")
    return read_manifest(boxes[0])


def later_stamps(manifests: Sequence[ActiveManifest]) -> dict[str, tuple[Stamped, ...]]:
    """By label of a manifest, the timestamps of its signature that updates of it brought (section 18.17).

    `manifests`: as `read_manifests` gives them. A token for anything else in the store dates nothing that is judged.
    Raises MalformedInput.
    """
    found: dict[str, tuple[Stamped, ...]] = {}
    for place, update in enumerate(manifests):
        older = {one.label: one.signature.value for one in manifests[place + 1 :]}
        for assertion in update.named(TIME_STAMP) if update.update else ():
            for label, token in _tokens(assertion).items():
                if label in older:
                    found[label] = (*found.get(label, ()), Stamped(TIME_STAMP, token, older[label]))
    return found


def _tokens(assertion: Assertion) -> dict[str, bytes]:
    value = assertion.value()
    if not isinstance(value, dict) or not all(
        isinstance(label, str) and isinstance(token, bytes) for label, token in value.items()
    ):
        raise MalformedInput(f"{assertion.label} is not a map of manifests to timestamps")
    return value


def _require_only_words(update: ActiveManifest) -> None:
    for assertion in update.assertions:
        if assertion.name.startswith(_FORBIDDEN):
            detail = f"{update.label} holds {assertion.label}, which no update manifest may"
            raise CredentialRefused("manifest.update.invalid", detail)
    for assertion in update.named(*ACTIONS):
        for action in actions_of(assertion):
            if action.get("action") not in ALLOWED_ACTIONS:
                detail = f"{update.label} says {str(action.get('action'))[:80]}, which would change the content"
                raise CredentialRefused("manifest.update.invalid", detail)


def actions_of(assertion: Assertion) -> list[dict[str, Any]]:
    """The actions that an actions assertion lists. Raises MalformedInput."""
    value = assertion.value()
    listed = value.get("actions") if isinstance(value, dict) else None
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise MalformedInput("the actions assertion is not a map with a list of actions")
    return listed


def _link(link: object, update: ActiveManifest) -> tuple[str, bytes, str]:
    """Label, hash and algorithm of a hashed URI to a manifest of the same store."""
    uri, digest = (link.get("url"), link.get("hash")) if isinstance(link, dict) else (None, None)
    match = _MANIFEST_URI.fullmatch(uri) if isinstance(uri, str) else None
    if match is None or not isinstance(link, dict) or not isinstance(digest, bytes):
        raise CredentialRefused("manifest.update.wrongParents", f"{update.label} does not name the manifest it updates")
    return match["manifest"], digest, str(link.get("alg", update.claim.get("alg", "sha256")))
