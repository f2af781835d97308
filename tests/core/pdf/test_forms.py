"""What ISO 32000-2 and RFC 5652 leave to one reading: streams, strings, tables, ranges, unsigned attributes."""

from __future__ import annotations

import re

import pytest

from tallystick.errors import MalformedInput
from tallystick.pdf.refusal import DocumentRefused
from tallystick.pdf.revisions import parse_revisions
from tallystick.pdf.values import Values
from tallystick.timestamp import der
from tests.core.pdf.test_changes import ATTACHED, CONTENT, form_is, judge
from tests.core.timestamp.forge import tlv
from tests.verifier_js.pdf_forge import SMALL, Recipe, document, objects_of, stamped, updated


def as_stream(dictionary: bytes) -> bytes:
    return dictionary.removesuffix(b">>") + b" /Length 3>>\nstream\nabc\nendstream"


def with_objects(objects: dict[int, bytes]) -> bytes:
    return document(Recipe(objects=objects))


def code(data: bytes) -> str:
    with pytest.raises(DocumentRefused) as refused:
        judge(data)
    return refused.value.code


# --- bytes in another file ----------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [4, 10])
def test_a_stream_whose_bytes_are_in_another_file(number: int) -> None:
    """Readers ignore what stands in the file itself (7.3.8.2): the page's content, the attachment."""
    body = objects_of(Recipe())[number]
    assert code(with_objects({number: body.replace(b"<<", b"<</F (other) ", 1)})) == "pdf.active"


def test_a_later_stream_whose_bytes_are_in_another_file() -> None:
    brought = CONTENT.replace(b"<<", b"<</F (other) ", 1)
    assert judge(updated(document(Recipe()), {50: CONTENT})) == b'{"v":2}'
    assert code(updated(document(Recipe()), {50: brought})) == "pdf.active"


# --- a dictionary is no stream (7.3.8) ------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 5, 6, 7])
def test_catalog_form_field_and_signature_are_no_streams(number: int) -> None:
    assert code(with_objects({number: as_stream(objects_of(Recipe())[number].replace(b"/F 132 ", b""))})) == "pdf.form"


def test_a_file_specification_is_no_stream() -> None:
    # without its own F, which would be refused before this
    specification = SMALL[9].replace(b"/F (tallystick-certificate.json) ", b"")
    assert judge(with_objects({9: specification})) == b'{"v":2}'
    assert code(with_objects({9: as_stream(specification)})) == "pdf.form"


@pytest.mark.parametrize("what", ["names", "files", "places"])
def test_what_leads_to_the_attachment_is_no_stream(what: str) -> None:
    inner = {
        "names": (1, b"<</EmbeddedFiles <</Names [(tallystick-certificate.json) 9 0 R]>>>>"),
        "files": (1, b"<</Names [(tallystick-certificate.json) 9 0 R]>>"),
        "places": (9, b"<</F 10 0 R>>"),
    }
    number, part = inner[what]
    assert part in SMALL[number]
    apart = {number: SMALL[number].replace(part, b"12 0 R")}
    assert judge(with_objects({**apart, 12: part})) == b'{"v":2}'
    stream = as_stream(part)
    assert code(with_objects({**apart, 12: stream})) == ("pdf.active" if what == "places" else "pdf.form")


def test_a_store_is_no_stream() -> None:
    catalog = {1: SMALL[1].replace(b"/AcroForm", b"/DSS 12 0 R /AcroForm")}
    assert judge(with_objects({**catalog, 12: b"<</Certs []>>"})) == b'{"v":2}'
    assert code(with_objects({**catalog, 12: as_stream(b"<</Certs []>>")})) == "pdf.form"


@pytest.mark.parametrize(("number", "body"), [(4, CONTENT), (10, ATTACHED)])
def test_a_form_that_is_a_stream(number: int, body: bytes) -> None:
    """The page's content, or the attachment."""
    assert code(with_objects({**form_is(number), number: body})) == "pdf.form"


def test_a_document_timestamp_and_its_field_are_no_streams() -> None:
    field = SMALL[6].replace(b"(Registrar)", b"(Clock)").replace(b"7 0 R", b"21 0 R")
    assert judge(stamped(document(Recipe()), {20: field})) == b'{"v":2}'
    assert code(stamped(document(Recipe()), {20: as_stream(field).replace(b"/F 132 ", b"")})) == "pdf.changed"
    data = stamped(document(Recipe()))
    value = data[data.rindex(b"21 0 obj\n") + 9 :]
    empty = re.sub(rb"/ByteRange \[[0-9 ]*\]", b"/ByteRange [%s]" % (b" " * 60), value[: value.index(b"\nendobj")])
    empty = re.sub(rb"<[0-9a-f]{100,}>", b"<%s>" % (b"0" * 8192), empty)
    assert code(stamped(document(Recipe()), {21: as_stream(empty)})) == "pdf.changed"


# --- names ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"/AcroForm", b"/OpenAction#00 3 0 R /AcroForm"),
        (b"/AcroForm", b"/X /Y#00Z /AcroForm"),
        (b"/AcroForm", b"/#00 1 /AcroForm"),
    ],
)
def test_no_name_holds_a_zero(old: bytes, new: bytes) -> None:
    """ISO 32000-2 7.3.5. Where a reader's names end at a zero, the first is an action."""
    assert judge(with_objects({1: SMALL[1].replace(old, new.replace(b"#00", b"#41"))})) == b'{"v":2}'
    with pytest.raises(MalformedInput, match="an escape that is none"):
        judge(with_objects({1: SMALL[1].replace(old, new)}))


UTF_16 = b"\xfe\xff" + "Registrar".encode("utf-16-be")


def renamed(new: bytes, own: bytes = b"(Registrar)") -> bytes:
    """A document whose timestamp's field has this name, and the signature's that one."""
    field = SMALL[6].replace(b"(Registrar)", new).replace(b"7 0 R", b"21 0 R")
    return stamped(with_objects({6: SMALL[6].replace(b"(Registrar)", own), 12: b"(Registrar)"}), {20: field})


@pytest.mark.parametrize(
    ("new", "own"),
    [
        (b"(Registrar)", b"(Registrar)"),
        (b"(Regis\\164rar)", b"(Registrar)"),
        (b"<526567697374726172>", b"(Registrar)"),
        (b"<%s>" % UTF_16.hex().encode(), b"(Registrar)"),
        (b"(Registrar)", b"<%s>" % UTF_16.hex().encode()),
        (b"(Registrar)", b"<efbbbf526567697374726172>"),
        (b"(Registrar)", b"12 0 R"),
        (b"12 0 R", b"(Clock)"),
        (b"(Registrar.Clock)", b"(Registrar)"),
        (b"()", b"(Registrar)"),
        (b"(Clock\xe9)", b"(Registrar)"),
        (b"(Clock\\000)", b"(Registrar)"),
        (b"/Clock", b"(Registrar)"),
        (b"(%s)" % (b"x" * 128), b"(Registrar)"),
    ],
)
def test_a_field_that_is_gained_has_a_name_of_its_own(new: bytes, own: bytes) -> None:
    """Two fields of one name are one to a reader, whose value is the signature or what came after it."""
    assert code(renamed(new, own)) == "pdf.changed"


@pytest.mark.parametrize("new", [b"(Clock)", b"(Registrar-2)", b"(registrar)", b"(%s)" % (b"x" * 127)])
def test_other_names_may_be_gained(new: bytes) -> None:
    assert judge(renamed(new)) == b'{"v":2}'
    assert judge(renamed(new, b"<%s>" % UTF_16.hex().encode())) == b'{"v":2}'


def test_a_field_that_is_gained_may_have_no_name() -> None:
    field = SMALL[6].replace(b"/T (Registrar) ", b"").replace(b"7 0 R", b"21 0 R")
    assert b"/T " not in field
    assert judge(stamped(document(Recipe()), {20: field})) == b'{"v":2}'


# --- one form of each ---------------------------------------------------------------------------------------


def with_unsigned(attributes: bytes) -> Recipe:
    """The signer has these, and no timestamp."""

    def edit(parts: list[bytes]) -> list[bytes]:
        signer = der.single(der.single(parts[4], der.SET, "signers").content, der.SEQUENCE, "signer")
        return [*parts[:4], tlv(0x31, tlv(0x30, signer.content + attributes))]

    return Recipe(stamp=None, edit_parts=edit)


def test_unsigned_attributes_are_not_an_empty_set() -> None:
    """RFC 5652 5.3: SIZE (1..MAX)."""
    assert judge(document(with_unsigned(b""))) == b'{"v":2}'
    with pytest.raises(MalformedInput, match="unsigned attributes"):
        judge(document(with_unsigned(b"\xa1\x00")))


def test_the_end_of_a_file_is_no_lone_carriage_return() -> None:
    data = updated(document(Recipe()), {50: b"1"})
    assert judge(data) == b'{"v":2}'
    assert judge(data.removesuffix(b"\n")) == judge(data.removesuffix(b"\n") + b"\r\n") == b'{"v":2}'
    with pytest.raises(MalformedInput):
        judge(data.removesuffix(b"\n") + b"\r")


def test_object_0_stands_in_a_table_once() -> None:
    data = updated(document(Recipe()), {50: b"1"})
    at = data.rindex(b"trailer")
    free = b"0 1\n0000000000 65535 f \n"
    for twice in (free, b"0 1\n0000000000 00000 n \n"):
        with pytest.raises(MalformedInput, match=r"twice|free"):
            judge(data[:at] + twice + data[at:])
    start = data.rindex(free)
    assert parse_revisions(data[:start] + data[start + len(free) :])
    with pytest.raises(MalformedInput):
        parse_revisions(data[:start] + b"0 1\n0000000000 00000 n \n" + data[start + len(free) :])


@pytest.mark.parametrize("written", [b"(a\rb)", b"(a\r\nb)", b"(a\nb)", b"(a\\nb)"])
def test_an_end_of_a_line_in_a_string_says_lf(written: bytes) -> None:
    assert Values(written, 0).value() == b"a\nb"


def test_an_escaped_carriage_return_is_one() -> None:
    assert Values(b"(a\\r\\n\rb\r\r\n)", 0).value() == b"a\r\n\nb\n\n"


@pytest.mark.parametrize("zero", [b"00", b"+0", b"0."])
def test_a_range_is_written_in_one_way(zero: bytes) -> None:
    """Its numbers too are compared as they are written."""
    data = document(Recipe())
    assert b"/ByteRange [0 " in data
    changed = data.replace(b"/ByteRange [0 ", b"/ByteRange [%s " % zero).replace(
        b"  ]", b" " * (3 - len(zero)) + b"]", 1
    )
    assert len(changed) == len(data)
    assert code(changed) == "pdf.range"


def test_a_store_of_many_words_and_few_streams() -> None:
    """What is no stream says nothing, and is not counted."""
    named = b" ".join(b"%d 0 R" % one for one in range(60, 160))
    data = updated(document(Recipe()), {1: SMALL[1].replace(b"/AcroForm", b"/DSS <</CRLs [%s]>> /AcroForm" % named)})
    assert judge(data) == b'{"v":2}'
