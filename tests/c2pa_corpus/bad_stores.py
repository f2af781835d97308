"""Manifest stores that are not what their lengths, labels and kinds say."""

from __future__ import annotations

from collections.abc import Iterator

from tests.c2pa_corpus.case import Case
from tests.c2pa_corpus.forge import MAIN, STORE, Recipe, box, chunk, manifest, png, restored, signed, superbox, uuid


def cases() -> Iterator[Case]:
    yield from _lengths()
    yield from _forms()
    yield from _cuts()
    yield from _whole_stores()


def stored(store: bytes) -> bytes:
    """The picture with a store in its chunk, checksum and length right."""
    return png()[:33] + chunk(b"caBX", store) + png()[33:]


def _told(at: int, length: int) -> bytes:
    """The honest store with the length of one box changed."""
    store = signed()[1]
    return restored(*signed(), store[:at] + length.to_bytes(4) + store[at + 4 :])


def _lengths() -> Iterator[Case]:
    _, store = signed()
    total = len(store)
    inner = store.index(b"c2ma") - 16
    claim = store.index(b"c2cl") - 16
    for name, at, length in (
        ("store-told-as-longer", 0, total + 1),
        ("store-told-as-shorter", 0, total - 1),
        ("store-told-as-empty", 0, 8),
        ("store-told-as-7-bytes", 0, 7),
        ("store-told-to-reach-to-the-end", 0, 0),
        ("store-told-as-4-gigabytes", 0, 0xFFFFFFFF),
        ("manifest-told-as-longer", inner, total),
        ("manifest-told-as-shorter", inner, 64),
        ("claim-told-as-longer", claim, 4096),
        ("claim-told-as-shorter", claim, 100),
        ("claim-told-with-a-long-length-that-is-none", claim, 1),
    ):
        yield Case(name, _told(at, length), "malformed")


def _forms() -> Iterator[Case]:
    label = box(b"jumd", uuid(STORE) + b"\x03c2pa\0")
    for name, store in {
        "store-without-a-description": box(b"jumb", b""),
        "store-without-a-manifest": box(b"jumb", label),
        "store-of-another-label": superbox(STORE, "c2pb"),
        "store-of-another-kind": superbox(b"c2ma", "c2pa"),
        "store-with-two-descriptions": box(b"jumb", label + label),
        "store-whose-label-does-not-end": box(b"jumb", box(b"jumd", uuid(STORE) + b"\x03c2pa")),
        "store-whose-label-is-no-utf-8": box(b"jumb", box(b"jumd", uuid(STORE) + b"\x03\xff\xfe\0")),
        "store-whose-label-is-empty": box(b"jumb", box(b"jumd", uuid(STORE) + b"\x03\0")),
        "store-with-unknown-toggles": box(b"jumb", box(b"jumd", uuid(STORE) + b"\x83c2pa\0")),
        "store-whose-description-has-more": box(b"jumb", box(b"jumd", uuid(STORE) + b"\x03c2pa\0more")),
        "store-whose-description-is-short": box(b"jumb", box(b"jumd", b"c2pa")),
        "store-that-is-no-box": b"manifest",
        "store-that-is-empty": b"",
        "store-of-two-boxes": superbox(STORE, "c2pa") * 2,
        "store-nested-too-deep": superbox(STORE, "c2pa", _nested(20)),
        "store-of-9000-boxes": superbox(STORE, "c2pa", box(b"free", b"") * 9000),
    }.items():
        yield Case(name, stored(store), "malformed")


def _nested(depth: int) -> bytes:
    inner = b""
    for _ in range(depth):
        inner = superbox(b"c2ma", "x", inner)
    return inner


def _cuts() -> Iterator[Case]:
    """Cut inside each box, with the lengths of the chunk right: whoever reads on reads past its end."""
    _, store = signed()
    for name, mark in {
        "description": b"c2pa\x00\x11",
        "manifest": b"c2ma",
        "assertion-store": b"c2as",
        "actions": b"c2pa.created",
        "licence": b'"licence"',
        "data-hash": b"jumbf manifest",
        "claim": b"instanceID",
        "signature": b"c2cs",
        "certificates": b"issuing",
    }.items():
        yield Case(f"store-cut-in-its-{name}", stored(store[: store.index(mark) + 6]), "malformed")
    yield Case("store-cut-by-its-last-byte", stored(store[:-1]), "malformed")
    file = signed()[0]
    yield Case("file-cut-in-its-store", file[: len(file) // 2], "malformed")
    yield Case("file-cut-before-its-end", file[:-12], "malformed")


def _whole_stores() -> Iterator[Case]:
    file, store = signed()
    one = store[store.index(b"c2ma") - 16 :]
    yield Case("manifest-compressed", restored(file, store, store.replace(b"c2ma", b"c2cm")), "malformed")
    yield Case("manifest-of-a-timestamp-alone", restored(file, store, store.replace(b"c2ma", b"c2tm")), "malformed")
    yield Case("manifest-of-an-unknown-kind", restored(file, store, store.replace(b"c2ma", b"c2xx")), "malformed")
    twice = superbox(STORE, "c2pa", one, one)
    yield Case("manifest-twice", stored(twice), "malformed")
    other = manifest(Recipe(), {"exclusions": [], "alg": "sha256", "hash": bytes(32), "pad": b""})
    yield Case("manifests-two-of-one-label", stored(superbox(STORE, "c2pa", one, other)), "malformed")
    unsigned = superbox(b"c2ma", MAIN, *_without(one, b"c2cs"))
    yield Case("manifest-without-a-signature", stored(superbox(STORE, "c2pa", unsigned)), "malformed")
    nothing = superbox(b"c2ma", MAIN, *_without(one, b"c2cl"))
    yield Case("manifest-without-a-claim", stored(superbox(STORE, "c2pa", nothing)), "malformed")
    empty = superbox(b"c2ma", MAIN, *_without(one, b"c2as"))
    yield Case("manifest-without-assertions", stored(superbox(STORE, "c2pa", empty)), "malformed")
    yield Case("manifest-without-content", stored(superbox(STORE, "c2pa", superbox(b"c2ma", MAIN))), "malformed")


def _without(manifest_box: bytes, kind: bytes) -> list[bytes]:
    """The boxes inside a manifest but the one of a kind."""
    at = 8 + int.from_bytes(manifest_box[8:12])
    found = []
    while at < len(manifest_box):
        length = int.from_bytes(manifest_box[at : at + 4])
        if manifest_box[at + 16 : at + 20] != kind:
            found.append(manifest_box[at : at + length])
        at += length
    return found
