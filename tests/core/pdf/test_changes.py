"""A later revision puts something else where the document shows it, by an object that is also one that may change.

The notes on the file (``/Info``), the form and the metadata may say other things later. An attacker who prepares a
document lets one of them also be what is shown: a list of pages, a page's content, the attachment.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tallystick.pdf.pades import judge_document
from tallystick.pdf.refusal import DocumentRefused
from tallystick.timestamp import Authority
from tests.verifier_js.pdf_forge import CLOCK_ROOT, ROOT, SMALL, Objects, Recipe, document, objects_of, updated

AT = datetime(2026, 2, 2, tzinfo=UTC)
CONTENT = b"<</Length 3 /Fields [6 0 R]>>\nstream\nq Q\nendstream"
ATTACHED = objects_of(Recipe())[10].replace(b"<<", b"<</Fields [6 0 R] ", 1)
OTHER_PAGE = {50: SMALL[3].replace(b"4 0 R", b"51 0 R"), 51: CONTENT.replace(b"q Q", b"X X")}
OVER_THE_PAGE = {50: b"<</Type /Annot /Subtype /FreeText /Rect [0 0 500 500]>>"}
PAGE_AS_FORM = SMALL[3].removesuffix(b">>") + b" /Fields [6 0 R]>>"
XMP = b"<</Type /Metadata /Subtype /XML /Length 36>>\nstream\nxmp:ModifyDate>2026-01-01T00:00:00Z<\nendstream"


def form_is(number: int) -> Objects:
    return {1: SMALL[1].replace(b"/AcroForm 5 0 R", b"/AcroForm %d 0 R" % number)}


def metadata_is(number: int) -> Objects:
    return {1: SMALL[1].replace(b"/AcroForm", b"/Metadata %d 0 R /AcroForm" % number)}


# What is signed, the object that is the notes on the file, and what a later revision brings.
SWAPPED: dict[str, tuple[Objects, int, Objects]] = {
    "pages by the notes": (
        {2: SMALL[2].replace(b"[3 0 R]", b"11 0 R"), 11: b"[3 0 R]"}, 11, {11: b"[50 0 R]", **OTHER_PAGE}),
    "annotations by the notes": (
        {3: SMALL[3].replace(b"[6 0 R]", b"11 0 R"), 11: b"[6 0 R]"}, 11, {11: b"[6 0 R 50 0 R]", **OVER_THE_PAGE}),
    "a text by the notes": ({3: SMALL[3].replace(b"/Annots", b"/X 11 0 R /Annots"), 11: b"(a)"}, 11, {11: b"(b)"}),
    "content by the notes": ({4: CONTENT}, 4, {4: CONTENT.replace(b"q Q", b"X X")}),
    "the attachment by the notes": ({10: ATTACHED}, 10, {10: ATTACHED.replace(b'{"v":2}', b'{"v":3}')}),
    "notes that become a list": ({}, 8, {8: b"[1]"}),
    "a list that becomes notes": ({8: b"[1]"}, 8, {8: b"<<>>"}),
    "notes that become a stream": ({}, 8, {8: CONTENT}),
    "metadata that is the page": (metadata_is(3), 8, {3: SMALL[3]}),
    "metadata that is the form": (metadata_is(5), 8, {5: SMALL[5]}),
    "metadata that is the notes": ({**metadata_is(8), 8: XMP}, 8, {8: XMP.replace(b"2026", b"2027")}),
    "metadata that is no stream": ({**metadata_is(11), 11: b"<</X 1>>"}, 8, {11: b"<</X 1>>"}),
    "metadata that is a list": ({**metadata_is(11), 11: b"[1]"}, 8, {11: b"[2]"}),
}  # fmt: skip

ALLOWED: dict[str, tuple[Objects, int, Objects]] = {
    "another date in the notes": ({}, 8, {8: SMALL[8].replace(b"2026", b"2027")}),
    "another date in the metadata": ({**metadata_is(11), 11: XMP}, 8, {11: XMP.replace(b"2026", b"2027")}),
    "the page as it was": ({}, 8, {3: SMALL[3]}),
    "the form as it was": ({}, 8, {5: SMALL[5]}),
}  # fmt: skip


def judge(data: bytes) -> bytes:
    """The attachment, as a reader finds it who trusts the registrar's root and the clock's."""
    clocks = [Authority("clock", CLOCK_ROOT.der, False)]
    return judge_document(data, [ROOT.der], clocks, AT, "tallystick-certificate.json").attachment


@pytest.mark.parametrize("what", SWAPPED)
def test_what_is_shown_is_not_swapped_by_another_name(what: str) -> None:
    signed, info, later = SWAPPED[what]
    data = document(Recipe(objects=signed, info=info))
    assert judge(data) == b'{"v":2}'
    with pytest.raises(DocumentRefused) as refused:
        judge(updated(data, later, info=info))
    assert refused.value.code == "pdf.changed"


@pytest.mark.parametrize("what", ALLOWED)
def test_what_may_change_still_may(what: str) -> None:
    signed, info, later = ALLOWED[what]
    data = document(Recipe(objects=signed, info=info))
    assert judge(updated(data, later, info=info)) == b'{"v":2}'
