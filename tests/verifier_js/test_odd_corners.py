"""Corners where the two verifiers once said different things of a document, until the text said which was right."""

from __future__ import annotations

from pathlib import Path

from asn1crypto import core
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from tests.core.timestamp import forge
from tests.core.timestamp.forge import AUTHORITY, TIME_STAMPING, holder, tlv, usage
from tests.verifier_js.both import Second
from tests.verifier_js.pdf_forge import (
    CLOCK_ROOT,
    ROOT,
    SIGNED,
    SMALL,
    Objects,
    Recipe,
    document,
    for_documents,
    objects_of,
    revision,
    sealed,
    signature,
    stamped,
    updated,
)
from tests.verifier_js.revocation_forge import NULL, oid
from tests.verifier_js.test_documents import Case, Written, behind, good, of, of_the_first

STORE = b"<</Type /DSS>>"
BARE = SMALL[3].replace(b" /Annots [6 0 R]", b"").removesuffix(b">>")
INFO, NOTHING, BEFORE = b" /Info 8 0 R", b" /Info null", b" /Prev %d"


def stored(value: bytes) -> Objects:
    return {1: SMALL[1].removesuffix(b">>") + b" /DSS " + value + b">>"}


def page(annotations: bytes) -> Objects:
    return {3: BARE + annotations + b">>"}


def signed(objects: Objects, **more: bytes) -> bytes:
    return document(Recipe(objects=objects, **more))  # type: ignore[arg-type]


def gaining(before: bytes, after: bytes) -> Case:
    """The first page's annotations, and those with a document timestamp more."""
    return Case(lambda: stamped(signed(page(before)), page(after)))


def trailers(first: bytes, later: bytes | None = None) -> Case:
    """What the trailer says besides, and that of a later revision; ``%d``: where the table before it stands."""

    def made() -> bytes:
        recipe = Recipe()
        objects = objects_of(recipe)
        said = b"/Root 1 0 R%s /Size %d" % (first, max(objects) + 1)
        unsigned = revision(b"%PDF-2.0\n%\xe2\xe3\xcf\xd3\n", objects, said)
        data = sealed(unsigned, 0, recipe.ranges, lambda message: signature(recipe, message))
        if later is None:
            return data
        table = int(data.rsplit(b"startxref\n", 1)[1].split(b"\n")[0])
        told = later % table if b"%d" in later else later
        return revision(data, {50: b"(x)"}, b"/Root 1 0 R /Size 51" + told)

    return Case(made)


def odd(dotted: str, value: bytes) -> tuple[x509.ExtensionType, bool]:
    return x509.UnrecognizedExtension(x509.ObjectIdentifier(dotted), value), False


def leaf(name: str, *extensions: tuple[x509.ExtensionType, bool], **more: hashes.HashAlgorithm) -> Case:
    return of(signer=holder(f"odd {name}", ROOT, extensions, **more))  # type: ignore[arg-type]


def clock(name: str, *extensions: tuple[x509.ExtensionType, bool], **more: hashes.HashAlgorithm) -> Case:
    own = holder(f"odd clock {name}", CLOCK_ROOT, TIME_STAMPING + extensions, **more)  # type: ignore[arg-type]
    return Case(lambda: document(Recipe(stamp=forge.Recipe(own, gen_time=SIGNED))))


def unsigned(count: int) -> Case:
    more = [{"type": f"1.2.3.{at}", "values": [core.OctetString(NULL)]} for at in range(count)]
    return of(edit_signer=lambda signer: {**signer, "unsigned_attrs": [*signer["unsigned_attrs"], *more]})


LEAF = for_documents()
AKI = x509.AuthorityKeyIdentifier.from_issuer_public_key
WITHOUT_FORM = {
    "1.3.6.1.5.5.7.1.1": b"x", "2.5.29.31": b"x", "2.5.29.32": b"x", "2.5.29.17": b"x", "2.5.29.18": b"x",
    "2.5.29.35": b"x", "2.5.29.46": b"x", "2.5.29.36": b"x", "2.5.29.54": b"x", "1.3.6.1.5.5.7.48.1.5": b"x",
    "1.3.6.1.5.5.7.1.11": b"x", "1.3.6.1.5.5.7.1.24": b"x", "1.3.6.1.4.1.311.21.7": b"x", "2.5.29.16": b"x",
    "1.3.6.1.4.1.11129.2.4.2": b"x",
}  # fmt: skip
WITH_NAMES = {
    "of X.400": (bytes.fromhex("3004a3020500"), False),
    "that are not ASCII": (tlv(0x30, tlv(0x86, b"\xff")), False),
    "of three bytes": (tlv(0x30, tlv(0x87, b"123")), False),
    "none": (tlv(0x30, b""), False),
    "of four bytes": (tlv(0x30, tlv(0x87, b"1234")), True),
}
KEPT = {"of qualified statements": "1.3.6.1.5.5.7.1.3", "unknown": "1.2.3.4"}
CASES: dict[str, tuple[Case, bool]] = {
    "Info null": (trailers(NOTHING), False),
    "Info null twice": (trailers(NOTHING, NOTHING + BEFORE), False),
    "Info null, then none": (trailers(NOTHING, BEFORE), False),
    "no Info, then null": (trailers(b"", NOTHING + BEFORE), False),
    "Info, then null": (trailers(INFO, NOTHING + BEFORE), False),
    "no Info": (trailers(b"", BEFORE), True),
    "Prev null in the first": (trailers(INFO + b" /Prev null"), False),
    "Prev null": (trailers(INFO, INFO + b" /Prev null"), False),
    "no Prev": (trailers(INFO, INFO), False),
    "Prev with a point": (trailers(INFO, INFO + b" /Prev %d.0"), False),
    "all of them": (trailers(INFO, INFO + BEFORE), True),
    "DSS null among the signed": (Case(lambda: signed(stored(b"null"))), False),
    "DSS null": (Case(lambda: updated(good(), stored(b"null"))), False),
    "DSS null under a number": (Case(lambda: updated(good(), {**stored(b"30 0 R"), 30: b"null"})), False),
    "DSS, then null": (
        Case(lambda: updated(updated(good(), {**stored(b"30 0 R"), 30: STORE}), stored(b"null"))), False),
    "DSS that stands in the catalog": (Case(lambda: updated(good(), stored(STORE))), True),
    "lists null": (Case(lambda: updated(good(), {**stored(b"30 0 R"), 30: b"<</CRLs null>>"})), False),
    "answers null": (Case(lambda: updated(good(), {**stored(b"30 0 R"), 30: b"<</OCSPs null>>"})), False),
    "answers that are a number": (Case(lambda: updated(good(), {**stored(b"30 0 R"), 30: b"<</OCSPs 1>>"})), False),
    "lists of null": (Case(lambda: updated(good(), {**stored(b"30 0 R"), 30: b"<</CRLs [null]>>"})), True),
    "a page that gains its first annotation": (gaining(b"", b" /Annots [20 0 R]"), True),
    "a page of none that gains one": (gaining(b" /Annots []", b" /Annots [20 0 R]"), True),
    "a page of null that gains one": (gaining(b" /Annots null", b" /Annots [20 0 R]"), False),
    "a page whose annotations stand elsewhere": (gaining(b" /Annots 4 0 R", b" /Annots [20 0 R]"), False),
    "a page that gains two": (gaining(b"", b" /Annots [20 0 R 20 0 R]"), False),
    "a page that gains no annotation but their list": (
        Case(lambda: updated(signed(page(b"")), page(b" /Annots []"))), False),
    "a page that gains null": (Case(lambda: updated(signed(page(b"")), page(b" /Annots null"))), False),
    "a page that loses them": (Case(lambda: updated(good(), page(b""))), False),
    "a page that stays": (Case(lambda: updated(signed(page(b"")), page(b""))), True),
    **{f"an extension {dotted} without its form": (leaf(dotted, *LEAF, odd(dotted, value)), False)
       for dotted, value in WITHOUT_FORM.items()},
    **{f"the same {dotted} above": (behind(f"odd {dotted}", extensions=(*AUTHORITY, odd(dotted, value))), False)
       for dotted, value in WITHOUT_FORM.items()},
    **{f"an extension {name}": (leaf(name, *LEAF, odd(dotted, b"x")), True) for name, dotted in KEPT.items()},
    **{f"names {name}": (leaf(name, *LEAF, odd("2.5.29.17", value)), holds)
       for name, (value, holds) in WITH_NAMES.items()},
    "an issuer's key without its number": (
        leaf("half key", *LEAF, odd("2.5.29.35", tlv(0x30, tlv(0xA1, tlv(0xA4, tlv(0x30, b"")))))), False),
    "no authority, in so many words": (
        leaf("false", (odd("2.5.29.19", tlv(0x30, b"\1\1\0"))[0], True), *LEAF[1:]), False),
    "no authority, of a length": (
        leaf("length", (odd("2.5.29.19", tlv(0x30, b"\2\1\0"))[0], True), *LEAF[1:]), False),
    "a purpose twice": (
        leaf("twice", *LEAF[:2], odd("2.5.29.37", tlv(0x30, oid("1.3.6.1.5.5.7.3.36") * 2))), True),
    "usage and something behind": (leaf("usage", LEAF[0], odd("2.5.29.15", b"\3\2\7\x80" + NULL), LEAF[2]), False),
    "a key of the issuer that must be known": (leaf("critical", *LEAF, (AKI(ROOT.key.public_key()), True)), False),
    "a signer certified by SHA-224": (leaf("224", *LEAF, digest=hashes.SHA224()), False),
    "a clock certified by SHA-224": (clock("224", digest=hashes.SHA224()), True),
    "a clock that enciphers too": (clock("enc", (usage("digital_signature", "key_encipherment"), True)), False),
    "a clock that certifies too": (clock("cert", (usage("digital_signature", "key_cert_sign"), True)), False),
    "a clock that signs": (clock("signs", (usage("digital_signature", "content_commitment"), True)), True),
    "a clock with a key of its issuer": (clock("aki", (AKI(CLOCK_ROOT.key.public_key()), True)), False),
    "a clock with an address that is none": (clock("aia", odd("1.3.6.1.5.5.7.1.1", b"x")), False),
    **{f"{count} unsigned attributes more": (unsigned(count), False) for count in (1, 7, 8, 9)},
}  # fmt: skip


def test_both_say_the_same(second: Second, tmp_path: Path) -> None:
    written = Written(tmp_path)
    trials = {what: written.trial(what, case) for what, (case, _) in CASES.items()}
    for (what, (case, holds)), found in zip(CASES.items(), second.judge(trials.values()), strict=True):
        said = {key: value for key, value in found.items() if key != "reason"}
        assert said == of_the_first(trials[what].path, case), (what, found)
        assert said["outcome"] == ("proved" if holds else "contradicted"), (what, found)
