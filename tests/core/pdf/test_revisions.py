"""What later revisions may not do to what others read: sizes, security stores and dates."""

from __future__ import annotations

import re

import pytest

from credentials.certificate import render_certificate
from tallystick.errors import MalformedInput
from tallystick.pdf.refusal import DocumentRefused
from tallystick.pdf.revisions import parse_revisions
from tests.core.pdf.kit import judge, numbered, source, update
from tests.credentials.pades_kit import signed
from tests.credentials.test_documents import FACTS

PAYLOAD = b'{"v":2}'


@pytest.fixture(scope="module")
def good() -> bytes:
    return signed(render_certificate(FACTS), PAYLOAD)


def code(data: bytes) -> str:
    with pytest.raises(DocumentRefused) as refused:
        judge(data)
    return refused.value.code


def catalog(data: bytes) -> int:
    return parse_revisions(data)[0].root


def test_a_size_that_shrinks_is_refused(good: bytes) -> None:
    """Objects at or above the size are not there for other readers (ISO 32000-2 §7.5.5)."""
    root = catalog(good)
    data = update(good, {root: source(good, root)})
    assert judge(data).attachment == PAYLOAD
    at = data.rindex(b"/Size ")
    shrunk = re.sub(rb"/Size \d+", b"/Size %d" % (root + 1), data[at:], count=1)
    with pytest.raises(MalformedInput, match="smaller size than the one before"):
        judge(data[:at] + shrunk)


def test_a_store_that_is_none_any_more_stays_a_store(good: bytes) -> None:
    """The catalog names another one, and the older object becomes what nobody signed."""
    root = catalog(good)
    (old,) = (int(one) for one in re.findall(rb"/DSS (\d+) 0 R", source(good, root)))
    new = 1 + max(number for one in parse_revisions(good) for number in one.objects)
    moved = re.sub(rb"/DSS \d+ 0 R", b"/DSS %d 0 R" % new, source(good, root))
    assert judge(update(good, {root: moved, new: source(good, old), old: source(good, old)})).attachment == PAYLOAD
    for other in (b"<</Type /Pages /Kids []>>", b"<</Certs [] /Contents 3 0 R>>", b"[1 2]"):
        assert code(update(good, {root: moved, new: source(good, old), old: other})) == "pdf.changed"


def test_metadata_tells_another_date_where_one_stood(good: bytes) -> None:
    number = numbered(good, b"xpacket")
    text = parse_revisions(good)[-1].objects[number].stream or b""
    (stood,) = re.findall(rb'xmp:ModifyDate="([^"]+)"', text)

    def with_notes(changed: bytes) -> bytes:
        head = b"<</Type /Metadata /Subtype /XML /Length %d>>" % len(changed)
        return update(good, {number: head + b"\nstream\n" + changed + b"\nendstream"})

    later = b"2031-02-03T04:05:06+00:00"
    assert judge(with_notes(text.replace(stood, later))).attachment == PAYLOAD
    for changed in (
        text.replace(b'rdf:about=""', b'rdf:about="' + later + b'"'),
        text.replace(b"</rdf:RDF>", later + b"</rdf:RDF>"),
        text.replace(b"xmp:ModifyDate", b"xmp:CreateDate"),
        text.replace(b'"' + stood, b'"' + later + stood),
        text.replace(stood, b""),
    ):
        assert changed != text
        assert code(with_notes(changed)) == "pdf.changed"


def test_a_store_of_countless_lists_is_refused(good: bytes) -> None:
    """Each costs a signature for each certificate; one list that is named often is looked at once."""
    root, first = catalog(good), 1 + max(number for one in parse_revisions(good) for number in one.objects)
    stream = b"<</Length 1>>\nstream\nx\nendstream"

    def with_lists(count: int, times: int) -> bytes:
        found = re.sub(rb"/DSS \d+ 0 R", b"/DSS %d 0 R" % first, source(good, root))
        listed = b" ".join(b"%d 0 R" % (first + 1 + at) for at in range(count)) + b" "
        lists = {first + 1 + at: stream for at in range(count)}
        return update(good, {root: found, first: b"<</CRLs [%s]>>" % (listed * times), **lists})

    assert judge(with_lists(64, 20)).attachment == PAYLOAD
    with pytest.raises(MalformedInput, match="more than 64 of CRLs"):
        judge(with_lists(65, 1))


def test_a_store_whose_lists_are_none_is_refused(good: bytes) -> None:
    root, first = catalog(good), 1 + max(number for one in parse_revisions(good) for number in one.objects)
    named = re.sub(rb"/DSS \d+ 0 R", b"/DSS %d 0 R" % first, source(good, root))
    for other in (b"1", b"(x)", b"3 0 R"):
        with pytest.raises(MalformedInput, match="no list"):
            judge(update(good, {root: named, first: b"<</CRLs %s>>" % other}))
