"""Several manifests in one store: updates, ingredients, identities; good ones and bad ones."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import cbor2

from tests.c2pa_corpus.case import Case
from tests.c2pa_corpus.forge import (
    CREATED,
    PNG,
    UPDATE,
    Part,
    Recipe,
    actions,
    chunk,
    cose,
    digest,
    embed,
    licence,
    manifest,
    png,
    restored,
    signed,
    store,
)
from tests.c2pa_corpus.people import ACTOR, AUTHORITY, SIGNER, TSA, Person, person

SECOND = "urn:c2pa:00000000-0000-4000-8000-000000000002"
STRANGER = person("strange", person("stranger root", None, AUTHORITY))
RECEIPT = Part("org.tallystick.receipt", b'{"leaf":7,"v":1}', b"json")


def boxed(made: bytes) -> bytes:
    """The one manifest of a store."""
    return made[made.index(b"c2ma") - 16 :]


def ingredient(label: str, parent: bytes, **changes: Any) -> Part:
    where = f"self#jumbf=/c2pa/{label}"
    signature = parent[parent.index(b"c2cs") - 16 :]
    value = {
        "relationship": "parentOf",
        "dc:format": "image/png",
        "validationResults": {"activeManifest": {"success": [], "informational": [], "failure": []}},
        "activeManifest": {"url": where, "alg": "sha256", "hash": digest(parent)},
        "claimSignature": {"url": f"{where}/c2pa.signature", "alg": "sha256", "hash": digest(signature)},
    } | changes
    return Part("c2pa.ingredient.v3", cbor2.dumps(value), listed="gathered")


def update(parent: bytes, of: str, label: str = SECOND, **changes: Any) -> bytes:
    """An update manifest over `parent`; `parts` are added to its ingredient, `link` changes that."""
    link = changes.pop("link", {})
    parts = (ingredient(of, parent, **link), *changes.pop("parts", (RECEIPT,)))
    recipe = Recipe(parts=changes.pop("all_parts", parts), label=label, kind=UPDATE, bound=False)
    return manifest(replace(recipe, **changes), None)


def updated(base: Recipe | None = None, **changes: Any) -> bytes:
    """The picture with one update."""
    base = base or Recipe()
    file, made = signed(base)
    parent = boxed(made)
    return restored(file, made, store(parent, update(parent, base.label, **changes)))


def bad_updates() -> Iterator[Case]:
    invalid, parents = "manifest.update.invalid", "manifest.update.wrongParents"
    own = {"exclusions": [{"start": 33, "length": 10}], "name": "n", "alg": "sha256", "hash": bytes(32), "pad": b""}
    parts: dict[str, tuple[str, Part]] = {
        "a-licence": ("assertion.unknown", licence()),
        "a-certificate": ("assertion.unknown", licence(label="org.tallystick.certificate")),
        "an-unknown-assertion-of-ours": ("assertion.unknown", licence(label="org.tallystick.news")),
        "a-hard-binding": (invalid, Part("c2pa.hash.data", cbor2.dumps(own))),
        "a-box-hash": (invalid, Part("c2pa.hash.boxes", cbor2.dumps({"boxes": []}))),
        "a-thumbnail": (invalid, Part("c2pa.thumbnail.claim.png", png(), b"cbor")),
        "a-receipt-that-is-not-canonical": ("malformed", replace(RECEIPT, content=b'{"v":1,"leaf":7}')),
        "a-gathered-receipt": ("assertion.not_created", replace(RECEIPT, listed="gathered")),
    }
    for name, (code, part) in parts.items():
        yield Case(f"update-with-{name}", updated(parts=(part,)), code)
    for name, action in {"color": "c2pa.color_adjustments", "creation": "c2pa.created", "unknown": "x.y"}.items():
        more = Part("c2pa.actions.v2", cbor2.dumps({"actions": [{**CREATED, "action": action}]}))
        yield Case(f"update-with-an-action-of-{name}", updated(parts=(more, RECEIPT)), invalid)
    yield Case("update-without-a-parent", updated(all_parts=(RECEIPT,)), parents)
    yield Case("update-of-a-component", updated(link={"relationship": "componentOf"}), parents)
    yield Case("update-whose-parent-has-no-manifest", updated(link={"activeManifest": None}), parents)
    _, made = signed()
    second = replace(ingredient(Recipe().label, boxed(made)), label="c2pa.ingredient.v3__1")
    yield Case("update-with-two-parents", updated(parts=(second, RECEIPT)), parents)
    elsewhere = {"url": "https://elsewhere.example/manifest", "hash": bytes(32)}
    yield Case("update-of-a-manifest-elsewhere", updated(link={"activeManifest": elsewhere}), parents)
    itself = {"url": f"self#jumbf=/c2pa/{SECOND}", "hash": bytes(32)}
    yield Case("update-of-itself", updated(link={"activeManifest": itself}), "ingredient.manifest.missing")
    zeros = {"url": f"self#jumbf=/c2pa/{Recipe().label}", "hash": bytes(32)}
    yield Case("update-of-another-parent", updated(link={"activeManifest": zeros}), "ingredient.manifest.mismatch")
    taken = f"self#jumbf=/c2pa/{Recipe().label}/c2pa.assertions/org.tallystick.licence"
    yield Case(
        "update-that-redacts", updated(edit_claim=lambda claim: claim.update(redacted_assertions=[taken])), invalid
    )
    yield Case("update-by-a-stranger", updated(signer=STRANGER), "signer.untrusted")
    yield Case("update-by-the-clock", updated(signer=TSA), "signer.purpose")
    yield Case("update-over-a-strangers-manifest", updated(Recipe(signer=STRANGER)), "signer.untrusted")
    yield from _update_stores()


def _update_stores() -> Iterator[Case]:
    file, made = signed()
    parent = boxed(made)
    good = update(parent, Recipe().label)
    altered = parent.replace(b'"licence":"L"', b'"licence":"M"')
    yield Case(
        "update-of-a-changed-licence", restored(file, made, store(altered, good)), "ingredient.manifest.mismatch"
    )
    yield Case("update-before-its-parent", restored(file, made, store(good, parent)), "assertion.dataHash.mismatch")
    yield Case("update-alone", restored(file, made, store(good)), "ingredient.manifest.missing")
    as_update = restored(file, made, made.replace(b"c2ma", b"c2um"))
    yield Case("manifest-told-as-an-update", as_update, "manifest.update.invalid")
    recorded = {
        "activeManifest": {
            "success": [],
            "informational": [],
            "failure": [
                {
                    "code": "assertion.dataHash.mismatch",
                    "url": f"self#jumbf=/c2pa/{Recipe().label}/c2pa.assertions/c2pa.hash.data",
                }
            ],
        }
    }
    hidden = updated(link={"validationResults": recorded})
    at = hidden.index(b"IDAT") - 4
    body = hidden[at + 8 : -16]
    touched = hidden[:at] + chunk(b"IDAT", body[:-10] + b"\0" + body[-9:]) + hidden[-12:]
    yield Case("update-that-records-the-fault-it-hides", touched, "assertion.dataHash.mismatch")
    many, label = [parent], Recipe().label
    for number in range(17):
        label_of = f"urn:c2pa:00000000-0000-4000-8000-0000000001{number:02}"
        many.append(update(many[-1], label, label_of))
        label = label_of
    yield Case("updates-17-on-one-another", restored(file, made, store(*many)), "malformed")


def bad_ingredients() -> Iterator[Case]:
    """Which manifest is the active one."""
    parent = boxed(signed()[1])
    mine = Recipe(signer=STRANGER, label=SECOND, parts=(actions(), ingredient(Recipe().label, parent)))
    over = signed(mine, before=(parent,))[0]
    yield Case("strangers-manifest-over-ours-as-its-ingredient", over, "signer.untrusted")
    forged = signed(replace(mine, parts=(actions(), licence(b'{"licence":"M","v":1}'))), before=(parent,))[0]
    yield Case("strangers-licence-after-our-manifest", forged, "signer.untrusted")
    other = signed(Recipe(), png(91))[1]
    first = boxed(signed(replace(mine, parts=(actions(),)))[1])
    posing = embed(png(), PNG, store(first, boxed(other)))[0]
    yield Case("our-manifest-of-another-file-after-a-strangers", posing, "assertion.dataHash.mismatch")


def assertion_of_identity(hashed: Part, who: Person, change: Callable[[dict[str, Any]], None], **more: Any) -> Part:
    """The identity of `who` over a hard binding and the usual licence."""
    references = [hashed.link(), licence().link()]
    payload: dict[str, Any] = {
        "referenced_assertions": references,
        "sig_type": "cawg.x509.cose",
        "role": ["cawg.licensor"],
    }
    change(payload)
    encoded = cbor2.dumps(payload)
    algorithm = -7 if who is TSA else -8
    protected = cbor2.dumps({1: algorithm, 33: list(who.shown)})
    made = cose(algorithm, who.key, cbor2.dumps(["Signature1", protected, b"", more.get("over", encoded)]))
    envelope = cbor2.dumps(cbor2.CBORTag(18, [protected, more.get("unprotected", {}), None, made]))
    value = {"signer_payload": payload, "signature": envelope, "pad1": more.get("pad", b"\0")}
    return Part("cawg.identity", cbor2.dumps(value))


def identified(
    who: Person = ACTOR, change: Callable[[dict[str, Any]], None] = lambda payload: None, **more: Any
) -> bytes:
    """A picture whose signer took in an identity; its lengths are settled as those of the data hash are."""
    asset, start, length = png(), 33, 0
    kept = hashlib.sha256(asset).digest()
    for _ in range(5):
        value = {
            "exclusions": [{"start": start, "length": length}],
            "name": "jumbf manifest",
            "alg": "sha256",
            "hash": kept,
            "pad": b"",
        }
        hashed = Part("c2pa.hash.data", cbor2.dumps(value))
        parts = (actions(), licence(), hashed, assertion_of_identity(hashed, who, change, **more))
        file, _, found = embed(asset, PNG, store(manifest(Recipe(parts=parts, bound=False), None)))
        if found == length:
            return file
        length = found
    raise ValueError("the length of the store does not settle")


def bad_identities() -> Iterator[Case]:
    def other_hash(payload: dict[str, Any]) -> None:
        payload["referenced_assertions"][1]["hash"] = bytes(32)

    def no_binding(payload: dict[str, Any]) -> None:
        del payload["referenced_assertions"][0]

    def elsewhere(payload: dict[str, Any]) -> None:
        payload["referenced_assertions"][1]["url"] = "self#jumbf=c2pa.assertions/org.example.other"

    def twice(payload: dict[str, Any]) -> None:
        payload["referenced_assertions"].append(payload["referenced_assertions"][0])

    for name, change in {
        "about-another-licence": other_hash,
        "about-no-bytes": no_binding,
        "about-an-assertion-that-is-not-there": elsewhere,
        "about-one-assertion-twice": twice,
    }.items():
        yield Case(f"identity-{name}", identified(change=change), "identity.mismatch")
    yield Case("identity-over-another-payload", identified(over=b"\xa0"), "identity.mismatch")
    yield Case("identity-by-another-key", identified(Person(ACTOR.chain, SIGNER.key)), "identity.mismatch")
    yield Case("identity-with-padding-that-is-not-zero", identified(pad=b"\1"), "malformed")
    numbers = identified(change=lambda payload: payload.update(referenced_assertions=7))
    yield Case("identity-about-a-number", numbers, "engine.unknown")


def cases() -> Iterator[Case]:
    yield from bad_updates()
    yield from bad_ingredients()
    yield from bad_identities()
