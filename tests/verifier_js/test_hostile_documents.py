"""Documents of which the first verifier and the second once said different things: swapped, in circles, or too long."""

from __future__ import annotations

from pathlib import Path

from asn1crypto import cms, core
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from tests.core.pdf.test_changes import ALLOWED, SWAPPED, metadata_is
from tests.core.timestamp import forge
from tests.core.timestamp.forge import AUTHORITY, Holder, holder, tlv
from tests.verifier_js.both import Second
from tests.verifier_js.pdf_forge import ROOT, SMALL, Objects, Recipe, document, for_documents, updated
from tests.verifier_js.test_documents import Case, Written, of_the_first

OTHER = holder("who names himself", None, AUTHORITY)
BETWEEN = holder("authority behind circles", ROOT, AUTHORITY)
SIGNER = holder("signer behind circles", BETWEEN, for_documents())


def metadata(date: bytes) -> bytes:
    text = b'xmp:ModifyDate="%s"' % date
    return b"<</Type /Metadata /Subtype /XML /Length %d>>\nstream\n%s\nendstream" % (len(text), text)


DAY = b"2026-01-01T00:00:00Z"
SELF = SMALL[1].replace(b"/AcroForm", b"/Metadata 1 0 R /AcroForm")
DATES: dict[str, tuple[Objects, int, Objects]] = {
    "a date where none was": ({**metadata_is(11), 11: metadata(b"")}, 8, {11: metadata(DAY)}),
    "no date where one was": ({**metadata_is(11), 11: metadata(DAY)}, 8, {11: metadata(b"")}),
    "metadata that is the catalog": ({1: SELF}, 8, {1: SELF}),
}  # fmt: skip


def changed(signed: Objects, info: int, later: Objects) -> Case:
    return Case(lambda: updated(document(Recipe(objects=signed, info=info)), later, info=info))


def circle(count: int) -> Case:
    """Before the true authority, one of its name and key that is below ``count`` others, each above all of them."""

    def below_other(subject: x509.Name, key: Holder, serial: int) -> bytes:
        made = x509.CertificateBuilder().subject_name(subject).issuer_name(OTHER.certificate.subject)
        made = made.public_key(key.certificate.public_key()).serial_number(serial)
        made = made.not_valid_before(forge.BEGIN).not_valid_after(forge.END)
        return made.sign(OTHER.key, hashes.SHA256()).public_bytes(Encoding.DER)

    crossed = below_other(BETWEEN.certificate.subject, BETWEEN, 900)
    others = [below_other(OTHER.certificate.subject, OTHER, 1000 + at) for at in range(count)]
    return Case(lambda: document(Recipe(signer=SIGNER, shown=(crossed, *others, SIGNER.der, BETWEEN.der))))


def hashes_are(*named: bytes) -> Case:
    """What the signed data name as the hashes of its signers."""
    return Case(lambda: document(Recipe(edit_parts=lambda given: [given[0], tlv(0x31, b"".join(named)), *given[2:]])))


NULL = b"\5\0"
SHA256 = core.ObjectIdentifier("2.16.840.1.101.3.4.2.1").dump()


def third_element(attributes: bytes) -> bytes:
    """The first of the signed attributes says one thing more."""
    first, *others = (one.dump() for one in cms.CMSAttributes.load(attributes))
    return tlv(0x31, b"".join(sorted([tlv(0x30, first[2:] + NULL), *others])))


CASES: dict[str, tuple[Case, bool]] = {
    **{what: (changed(*one), False) for what, one in {**SWAPPED, **DATES}.items()},
    **{what: (changed(*one), True) for what, one in ALLOWED.items()},
    "a small circle": (circle(2), True),
    "a circle that uses up the links": (circle(5), False),
    "a hash of two parameters": (hashes_are(tlv(0x30, SHA256), tlv(0x30, SHA256 + NULL * 2)), False),
    "a hash that is none": (hashes_are(tlv(0x30, SHA256), NULL), False),
    "nine hashes": (hashes_are(*[tlv(0x30, SHA256)] * 9), False),
    "a hash with NULL": (hashes_are(tlv(0x30, SHA256 + NULL)), True),
    "a hash without NULL": (hashes_are(tlv(0x30, SHA256)), True),
    "an attribute of three elements": (Case(lambda: document(Recipe(edit_signed=third_element))), False),
}  # fmt: skip


def test_both_say_the_same(second: Second, tmp_path: Path) -> None:
    written = Written(tmp_path)
    trials = {what: written.trial(what, case) for what, (case, _) in CASES.items()}
    found = dict(zip(trials, second.judge(trials.values()), strict=True))
    for what, (case, holds) in CASES.items():
        said = {key: value for key, value in found[what].items() if key != "reason"}
        assert said == of_the_first(trials[what].path, case), (what, found[what])
        assert said["outcome"] == ("proved" if holds else "contradicted"), (what, found[what])
