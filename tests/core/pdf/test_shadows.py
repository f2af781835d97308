"""The first revision was prepared: what may change later is also what its pages show, by a name that fonts can have.

Each of these documents is signed honestly and then shows something else; see Mainka et al., "Shadow Attacks".
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tallystick.pdf.refusal import DocumentRefused
from tests.core.pdf.test_changes import XMP, judge, metadata_is
from tests.verifier_js.pdf_forge import SMALL, Objects, Recipe, document, stamped, updated

FONT = b"<</Type /Font /Subtype /Type1 /BaseFont /%s>>"
FONTS: Objects = {12: FONT % b"Helvetica", 13: FONT % b"Courier"}
SYMBOL: Objects = {50: FONT % b"Symbol"}
DATED = b'<</Length 45>>\nstream\nBT (xmp:ModifyDate="2026-01-01T00:00:00Z") Tj\nendstream'
UNDATED = XMP.replace(b"/Length 36", b"/Length 17").replace(b"2026-01-01T00:00:00Z", b"-")


def page_with(resources: bytes) -> bytes:
    return SMALL[3].replace(b"/Parent", b"/Resources <<%s>> /Parent" % resources)


def fonts_are(number: int) -> Objects:
    return {3: page_with(b"/Font %d 0 R" % number), **FONTS}


def catalog(more: bytes) -> Objects:
    return {1: SMALL[1].replace(b"/AcroForm", more + b" /AcroForm")}


STORE = catalog(b"/DSS 40 0 R")
EMPTY = b"<</Certs []>>"

# What is signed, the object that is the notes on the file, and what each later revision brings.
SHADOWS: dict[str, tuple[Objects, int, Sequence[Objects]]] = {
    "another font by the notes": (
        {**fonts_are(11), 11: b"<</F1 13 0 R /Producer 12 0 R>>"}, 11,
        [{11: b"<</F1 13 0 R /Producer 50 0 R>>", **SYMBOL}]),
    "no font left by the notes": (
        {**fonts_are(11), 11: b"<</F1 13 0 R /Producer 12 0 R>>"}, 11, [{11: b"<</F1 13 0 R>>"}]),
    "another form XObject by the notes": (
        {3: page_with(b"/XObject 11 0 R"), 11: b"<</ModDate 12 0 R>>", **FONTS}, 11, [{11: b"<</ModDate 13 0 R>>"}]),
    "a font of the catalog's by the notes": (
        {**fonts_are(1), **catalog(b"/Producer 12 0 R")}, 1, [catalog(b"/Producer 13 0 R")]),
    "a date on the page by the metadata": (
        {**metadata_is(4), 4: DATED}, 8, [{4: DATED.replace(b"2026", b"2031")}]),
    "metadata that the catalog names twice": (
        {**catalog(b"/Metadata 11 0 R /X 11 0 R"), 11: XMP}, 8, [{11: XMP.replace(b"2026", b"2031")}]),
    "fonts that become a store and then others": (
        {**fonts_are(11), 11: b"<</Certs 12 0 R>>"}, 8,
        [catalog(b"/DSS 11 0 R"), {11: b"<</Certs 50 0 R>>", **SYMBOL}]),
    "fonts that are a store and then others": (
        {**fonts_are(11), **catalog(b"/DSS 11 0 R"), 11: b"<</Certs 12 0 R>>"}, 8,
        [{11: b"<</Certs 50 0 R>>", **SYMBOL}]),
    "a font of the catalog's that is dropped": (
        {**fonts_are(1), **catalog(b"/DSS 12 0 R")}, 8, [{1: SMALL[1]}]),
    "a font of the catalog's that becomes a store": (
        {**fonts_are(1), **catalog(b"/DSS 12 0 R")}, 8, [{**STORE, 40: EMPTY}]),
    "a font of the catalog's, and nothing replaced": (
        {**fonts_are(1), **catalog(b"/DSS 12 0 R")}, 8, [{40: EMPTY}]),
    "null as a store that is dropped": (catalog(b"/DSS null"), 8, [{1: SMALL[1]}]),
    "a later store that is null": ({}, 8, [catalog(b"/DSS null")]),
    "a later store that is not there": ({}, 8, [catalog(b"/DSS 99 0 R")]),
    "a store that becomes a stream": (
        {}, 8, [{**STORE, 40: EMPTY}, {40: b"<</Certs [] /Length 0>>\nstream\n\nendstream"}]),
    "a date where none was": (
        {**metadata_is(11), 11: UNDATED}, 8, [{11: XMP}]),
    "a form without its field": ({}, 8, [{5: SMALL[5].replace(b"[6 0 R]", b"[]")}]),
    "a form with a word for a field": ({}, 8, [{5: SMALL[5].replace(b"[6 0 R]", b"[6 0 R /X]")}]),
    "a form with two more": ({}, 8, [{5: SMALL[5].replace(b"[6 0 R]", b"[6 0 R 50 0 R 51 0 R]"), **SYMBOL}]),
    "a form with a field that is not there": ({}, 8, [{5: SMALL[5].replace(b"[6 0 R]", b"[6 0 R 99 0 R]")}]),
}  # fmt: skip

HELD: dict[str, tuple[Objects, int, Sequence[Objects]]] = {
    "notes that come and go": ({}, 8, [{8: b"<<>>"}, {8: SMALL[8]}]),
    "a store, another, and the first again": (
        {}, 8, [{**STORE, 40: EMPTY}, {**catalog(b"/DSS 41 0 R"), 41: EMPTY}, {40: b"<</Type /DSS /VRI <<>>>>"}]),
    "a store that is lost": ({}, 8, [{**STORE, 40: EMPTY}, {1: SMALL[1]}]),
    "a store in the catalog itself": ({}, 8, [catalog(b"/DSS <</CRLs []>>"), catalog(b"/DSS <</OCSPs []>>")]),
    "a store of the first revision that stays": ({**STORE, 40: EMPTY}, 8, [{41: EMPTY}, {**catalog(b"/DSS 41 0 R")}]),
    "two dates in the metadata": ({**metadata_is(11), 11: XMP}, 8, [{11: XMP.replace(b"2026", b"2031")}] * 2),
}  # fmt: skip


def signed(objects: Objects, info: int) -> bytes:
    data = document(Recipe(objects=objects, info=info))
    if b"/DSS null" not in data and b"/DSS 12 0 R" not in data:
        assert judge(data) == b'{"v":2}'
    return data


@pytest.mark.parametrize("what", SHADOWS)
def test_what_pages_show_is_not_exchanged_by_another_name(what: str) -> None:
    objects, info, revisions = SHADOWS[what]
    data = signed(objects, info)
    for later in revisions:
        data = updated(data, later, info=info)
    with pytest.raises(DocumentRefused) as refused:
        judge(data)
    assert refused.value.code == "pdf.changed"


@pytest.mark.parametrize("what", HELD)
def test_what_may_change_still_may(what: str) -> None:
    objects, info, revisions = HELD[what]
    data = signed(objects, info)
    for later in revisions:
        data = updated(data, later, info=info)
        assert judge(data) == b'{"v":2}'


def test_a_store_is_never_the_page_that_gains_a_timestamp() -> None:
    assert judge(stamped(document(Recipe()))) == b'{"v":2}'
    with pytest.raises(DocumentRefused) as refused:
        judge(stamped(document(Recipe(objects=catalog(b"/DSS 3 0 R")))))
    assert refused.value.code == "pdf.changed"


def test_annotations_that_are_a_colour_space_gain_nothing() -> None:
    data = document(Recipe(objects={3: SMALL[3].replace(b"[6 0 R]", b"[/Indexed 6 0 R]")}))
    later = {3: SMALL[3].replace(b"[6 0 R]", b"[/Indexed 6 0 R 20 0 R]")}
    assert judge(data) == b'{"v":2}'
    with pytest.raises(DocumentRefused) as refused:
        judge(stamped(data, later))
    assert refused.value.code == "pdf.changed"


def test_a_catalog_that_is_the_form_too_gains_both() -> None:
    """An object in several places changes as each of them allows."""
    both = catalog(b"/Fields [6 0 R]")[1].replace(b"/AcroForm 5 0 R", b"/AcroForm 1 0 R")
    data = document(Recipe(objects={1: both}, without=(5,)))
    gained = both.replace(b"[6 0 R]", b"[6 0 R 20 0 R]").replace(b"/AcroForm", b"/DSS 40 0 R /AcroForm")
    assert judge(stamped(data, {1: gained, 5: EMPTY, 40: EMPTY})) == b'{"v":2}'


def test_a_store_that_acts() -> None:
    data = updated(document(Recipe()), {**STORE, 40: EMPTY})
    with pytest.raises(DocumentRefused) as refused:
        judge(updated(data, {40: b"<</VRI <</JS (x)>>>>"}))
    assert refused.value.code == "pdf.active"
