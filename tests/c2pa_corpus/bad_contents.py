"""Files that are not what was signed, assertions that are not the signer's, and bindings that bind too little."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import cbor2

from tests.c2pa_corpus.case import Case, bad
from tests.c2pa_corpus.forge import (
    PNG,
    SIDECAR,
    WAV,
    Part,
    Recipe,
    actions,
    chunk,
    licence,
    png,
    restored,
    signed,
    wav,
)

ELSEWHERE = "self#jumbf=/c2pa/urn:c2pa:00000000-0000-4000-8000-00000000000f/c2pa.assertions/c2pa.actions.v2"


def cases() -> Iterator[Case]:
    yield from _assertions()
    yield from _licences()
    yield from _lists()
    yield from _bindings()
    yield from _files()


def swapped(old: bytes, new: bytes) -> bytes:
    """The honest file with some bytes of its store changed, and the chunk made to fit."""
    file, store = signed()
    assert store.count(old) == 1
    return restored(file, store, store.replace(old, new))


def _assertions() -> Iterator[Case]:
    mismatch = "assertion.hashedURI.mismatch"
    yield Case("licence-changed", swapped(b'"licence":"L"', b'"licence":"M"'), mismatch)
    yield Case("action-changed", swapped(b"digitalCreation", b"digitalCreatioN"), mismatch)
    yield Case("hash-of-the-picture-changed", swapped(b"jumbf manifest", b"jumbf manifesT"), mismatch)
    first = Part("org.example.first", cbor2.dumps({"said": 1}))
    second = Part("org.example.second", cbor2.dumps({"said": 2}))

    def exchange(boxes: list[bytes]) -> list[bytes]:
        one, two = replace(first, content=second.content), replace(second, content=first.content)
        return [*boxes[:1], one.boxed, two.boxed, *boxes[3:]]

    yield bad("assertions-swapped", mismatch, parts=(actions(), first, second), edit_parts=exchange)
    yield bad("assertion-smuggled-in", "malformed", edit_parts=lambda boxes: [*boxes, first.boxed])
    yield bad("assertion-left-out", "malformed", edit_parts=lambda boxes: boxes[1:])
    yield bad("assertion-box-twice", "malformed", edit_parts=lambda boxes: [*boxes, boxes[1]])
    two = licence(b'{"licence":"M","v":1}').boxed
    yield bad("assertion-box-twice-with-other-content", "malformed", edit_parts=lambda boxes: [two, *boxes])
    yield bad("actions-that-are-no-list", "malformed", parts=(Part("c2pa.actions.v2", cbor2.dumps({"actions": 1})),))
    yield bad("actions-that-are-no-cbor", "malformed", parts=(Part("c2pa.actions.v2", b"\xff"),))
    double = cbor2.dumps({"actions": []})[1:] * 2
    yield bad("actions-with-a-key-twice", "malformed", parts=(Part("c2pa.actions.v2", b"\xa2" + double),))


def _licences() -> Iterator[Case]:
    yield bad("licence-gathered", "assertion.not_created", parts=(actions(), licence(listed="gathered")))
    as_cbor = Part("org.tallystick.licence", cbor2.dumps({"licence": "L", "v": 1}))
    yield bad("licence-in-cbor", "assertion.not_created", parts=(actions(), as_cbor))
    twice = licence(b'{"licence":"M","v":1}', label="org.tallystick.licence__1")
    yield bad("licence-twice", "assertion.unknown", parts=(actions(), licence(), twice))
    yield bad("licence-only-a-second-one", "assertion.unknown", parts=(actions(), twice))
    for name, label in {
        "in-a-label-of-a-later-version": "org.tallystick.licence.v2",
        "in-a-label-of-another-case": "org.tallystick.Licence",
        "of-an-unknown-kind": "org.tallystick.ownership",
        "as-a-receipt-that-no-update-brought": "org.tallystick.receipt",
    }.items():
        yield bad(f"licence-{name}", "assertion.unknown", parts=(actions(), licence(label=label)))
    for name, content in {
        "with-a-space-more": b'{"licence": "L","v":1}',
        "with-keys-in-another-order": b'{"v":1,"licence":"L"}',
        "with-a-key-twice": b'{"licence":"L","licence":"M","v":1}',
        "with-a-byte-order-mark": b'\xef\xbb\xbf{"licence":"L","v":1}',
        "that-is-a-list": b"[1]",
        "that-is-no-json": b"licence",
        "cut": b'{"licence":"L"',
        "nested-3000-deep": b"[" * 3000 + b"]" * 3000,
    }.items():
        yield bad(f"licence-{name}", "malformed", parts=(actions(), licence(content)))


def listed(change: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    return lambda claim: change(claim["created_assertions"][0])


def _lists() -> Iterator[Case]:
    for name, code, change in (
        ("in-another-manifest", "malformed", listed(lambda one: one.update(url=ELSEWHERE))),
        ("elsewhere", "malformed", listed(lambda one: one.update(url="https://elsewhere.example/a"))),
        ("under-a-path-upwards", "malformed", listed(lambda one: one.update(url="self#jumbf=c2pa.assertions/../x"))),
        ("under-no-label", "malformed", listed(lambda one: one.update(url="self#jumbf=c2pa.assertions/"))),
        ("that-is-not-there", "malformed", listed(lambda one: one.update(url="self#jumbf=c2pa.assertions/none"))),
        ("by-md5", "malformed", listed(lambda one: one.update(alg="md5"))),
        ("by-sha1", "malformed", listed(lambda one: one.update(alg="sha1"))),
        ("by-half-a-hash", "assertion.hashedURI.mismatch", listed(lambda one: one.update(hash=one["hash"][:16]))),
        ("by-an-empty-hash", "assertion.hashedURI.mismatch", listed(lambda one: one.update(hash=b""))),
        ("without-a-hash", "assertion.hashedURI.mismatch", listed(lambda one: one.pop("hash"))),
        ("as-a-number", "malformed", lambda claim: claim["created_assertions"].append(7)),
        ("twice", "malformed", lambda claim: claim["created_assertions"].append(claim["created_assertions"][0])),
        (
            "as-created-and-as-gathered",
            "malformed",
            lambda claim: claim.update(gathered_assertions=claim["created_assertions"][:1]),
        ),
    ):
        yield bad(f"assertion-listed-{name}", code, edit_claim=change)
    yield bad("claim-hashed-by-md5", "malformed", edit_claim=lambda claim: claim.update(alg="md5"))


def excluding(*ranges: Any) -> Callable[[dict[str, Any]], None]:
    """Other exclusions; a function is given the honest one."""

    def edit(value: dict[str, Any]) -> None:
        honest = value["exclusions"][0] if value.get("exclusions") else {"start": 33, "length": 0}
        value["exclusions"] = [one(dict(honest)) if callable(one) else one for one in ranges]

    return edit


def wider(before: int = 0, after: int = 0) -> Callable[[dict[str, int]], dict[str, int]]:
    return lambda one: {"start": one["start"] - before, "length": one["length"] + before + after}


def _bindings() -> Iterator[Case]:
    for name, code, ranges in (
        ("the-picture-too", "binding.exclusion", (wider(after=20),)),
        ("the-header-too", "binding.exclusion", (wider(before=25),)),
        ("one-byte-after-the-store", "binding.exclusion", (wider(after=1),)),
        ("one-byte-before-the-store", "binding.exclusion", (wider(before=1),)),
        (
            "the-end-in-a-range-of-its-own",
            "binding.exclusion",
            (wider(), lambda one: {"start": one["start"] + one["length"], "length": 12}),
        ),
        ("up-to-2-to-the-62", "binding.exclusion", (lambda one: {"start": one["start"], "length": 1 << 62},)),
        (
            "ranges-that-overlap",
            "assertion.dataHash.malformed",
            (wider(), lambda one: {"start": one["start"] + 8, "length": 8}),
        ),
        ("a-range-twice", "assertion.dataHash.malformed", (wider(), wider())),
        ("a-range-before-the-file", "malformed", ({"start": -1, "length": 8},)),
        ("a-negative-length", "malformed", (lambda one: {"start": one["start"], "length": -8},)),
        ("a-range-without-a-length", "malformed", (lambda one: {"start": one["start"]},)),
        ("a-range-from-true", "malformed", (lambda one: {"start": True, "length": 1},)),
        ("a-range-in-text", "malformed", (lambda one: {"start": "33", "length": 10},)),
        ("a-number", "malformed", (7,)),
    ):
        yield bad(f"binding-leaves-out-{name}", code, edit_hash=excluding(*ranges))
    yield bad(
        "binding-leaves-out-everything-in-text", "malformed", edit_hash=lambda value: value.update(exclusions="all")
    )
    missing = "claim.hardBindings.missing"
    yield bad("binding-absent", missing, bound=False)
    soft = Part("c2pa.soft-binding", cbor2.dumps({"alg": "phash", "blocks": []}))
    yield bad("binding-soft-alone", missing, bound=False, parts=(actions(), licence(), soft))
    boxes = cbor2.dumps({"boxes": [{"names": ["PNGh"], "hash": bytes(32), "pad": b""}], "alg": "sha256"})
    yield bad("binding-by-boxes", missing, bound=False, parts=(actions(), Part("c2pa.hash.boxes", boxes)))
    collection = Part("c2pa.hash.collection.data", cbor2.dumps({"uris": []}))
    yield bad("binding-by-a-collection", missing, bound=False, parts=(actions(), collection))
    another = Part("c2pa.hash.data__1", cbor2.dumps({"exclusions": [], "alg": "sha256", "hash": bytes(32), "pad": b""}))
    yield bad("binding-twice", "assertion.multipleHardBindings", more_hashes=(another,))
    gathered = replace(another, label="c2pa.hash.data", listed="gathered")
    yield bad("binding-gathered", missing, bound=False, more_hashes=(gathered,))
    yield bad(
        "binding-with-a-hash-of-zeros",
        "assertion.dataHash.mismatch",
        edit_hash=lambda value: value.update(hash=bytes(32)),
    )
    yield bad("binding-that-is-a-list", "malformed", bound=False, parts=(actions(), Part("c2pa.hash.data", b"\x80")))


def _files() -> Iterator[Case]:
    mismatch = "assertion.dataHash.mismatch"
    file, store = signed()
    at = file.index(b"IDAT") - 4
    body = file[at + 8 : -16]
    picture = chunk(b"IDAT", body[:-10] + b"\0" + body[-9:])
    yield Case("picture-changed", file[:at] + picture + file[-12:], mismatch)
    yield Case("bytes-appended", file + b"PK\x05\x06" + bytes(18), mismatch)
    yield Case("chunk-added-after-the-picture", file[:-12] + chunk(b"tEXt", b"Title\0other") + file[-12:], mismatch)
    yield Case(
        "chunk-added-before-the-store", file[:33] + chunk(b"tEXt", b"Title\0other") + file[33:], "binding.exclusion"
    )
    yield Case("bytes-prepended", b"\n" + file, "malformed")
    yield Case("page-prepended", b"<html>" + file, "malformed")
    yield Case("store-in-another-picture", _other(png(91), store), mismatch)
    yield Case("store-removed", png(), "credential.absent")
    yield Case("store-in-an-unknown-chunk", file.replace(b"caBX", b"caBx"), "credential.absent")
    yield Case("store-twice", file[:33] + chunk(b"caBX", store) + file[33:], "malformed")
    stranger = signed(Recipe(parts=(actions(), licence(b'{"licence":"M","v":1}'))))[1]
    yield Case("store-beside-another-one", file[:33] + chunk(b"caBX", stranger) + file[33:], "malformed")
    crc = file.index(b"caBX") + 4 + len(store)
    yield Case("store-with-a-wrong-checksum", file[:crc] + bytes([file[crc] ^ 1]) + file[crc + 1 :], "malformed")
    sound = signed(None, wav(), WAV)[0]
    yield Case("sound-with-bytes-appended", sound + b"tail", mismatch, WAV)
    yield Case("sound-with-a-sample-changed", sound.replace(bytes(range(60)), bytes(range(59)) + b"!"), mismatch, WAV)
    yield Case("sound-with-its-store-twice", _riff(sound + sound[sound.index(b"C2PA") :]), "malformed", WAV)
    yield Case("sound-told-as-longer-than-it-is", _riff(sound, 8), "malformed", WAV)
    asset = b"any bytes of any kind"
    _, beside = signed(None, asset, SIDECAR)
    yield Case("sidecar-of-another-file", asset.replace(b"any", b"few"), mismatch, SIDECAR, beside)
    yield Case("sidecar-and-a-byte-appended", asset + b"\n", mismatch, SIDECAR, beside)
    yield Case("sidecar-cut", asset, "malformed", SIDECAR, beside[:-1])
    yield Case("sidecar-with-a-byte-after-it", asset, "malformed", SIDECAR, beside + b"\0")
    wide = signed(Recipe(edit_hash=lambda value: value.update(exclusions=[{"start": 4, "length": 5}])), asset, SIDECAR)[
        1
    ]
    yield Case("sidecar-that-leaves-out-bytes", asset, "binding.exclusion", SIDECAR, wide)
    other = signed(None, png(), SIDECAR)[1]
    yield Case("sidecar-beside-a-file-with-its-own-store", file, "claim.ambiguous", PNG, other)


def _other(asset: bytes, store: bytes) -> bytes:
    return asset[:33] + chunk(b"caBX", store) + asset[33:]


def _riff(data: bytes, more: int = 0) -> bytes:
    return data[:4] + (len(data) - 8 + more).to_bytes(4, "little") + data[8:]
