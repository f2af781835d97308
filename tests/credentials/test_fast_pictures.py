"""What is made fast is what the slow way makes: QR codes module by module, pictures pixel by pixel."""

from __future__ import annotations

import io
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from segno import encoder

from credentials.png import MARGIN, Background, _again, _deflated
from credentials.qr import qr_modules

TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=400)


@settings(max_examples=60, deadline=None)
@given(TEXTS)
def test_a_qr_code_is_what_segno_makes(text: str) -> None:
    expected: Any = encoder.encode(text, error="m", mask=4, micro=False)  # type: ignore[no-untyped-call]
    size, modules = qr_modules(text)
    assert size == len(expected.matrix)
    assert modules == b"".join(map(bytes, expected.matrix))


@pytest.mark.parametrize("length", [1, 14, 15, 62, 100, 101, 180, 181, 213, 214, 666, 1700, 2331])
def test_at_every_edge_of_a_version(length: int) -> None:
    """Where a version ends, its length field grows, or its blocks are of two sizes."""
    text = ("a:/-.9z" * 400)[:length]
    expected: Any = encoder.encode(text, error="m", mask=4, micro=False)  # type: ignore[no-untyped-call]
    assert qr_modules(text)[1] == b"".join(map(bytes, expected.matrix))


def test_a_text_that_no_code_holds() -> None:
    with pytest.raises(ValueError, match="Data too large"):
        qr_modules("a" * 3000)


@pytest.mark.parametrize("text", ["ABC-123", "0123456789", "玉壶", "é"], ids=["capitals", "digits", "chinese", "latin"])
def test_what_is_packed_otherwise_is_left_to_segno(text: str) -> None:
    expected: Any = encoder.encode(text, error="m", mask=4, micro=False)  # type: ignore[no-untyped-call]
    assert qr_modules(text)[1] == b"".join(map(bytes, expected.matrix))


def blank() -> Image.Image:
    """With the margin that a background has."""
    picture = Image.new("P", (MARGIN + 64, 57), 0)
    picture.putpalette([value for number in range(16) for value in (number * 16, 255 - number * 16, number)])
    picture.paste(5, (MARGIN + 10, 12, MARGIN + 60, 33))
    return picture


BACKGROUND = Background(blank())
CHANGING = ((3, 9), (30, 50))
PARTLY = Background(blank(), CHANGING)
BOXES = st.tuples(st.integers(0, 63), st.integers(0, 56), st.integers(1, 64), st.integers(1, 57), st.integers(0, 15))


@settings(max_examples=60, deadline=None)
@given(st.lists(BOXES, max_size=4))
def test_a_picture_is_what_was_drawn(boxes: list[tuple[int, int, int, int, int]]) -> None:
    """Pillow reads it, CRCs and Adler-32 checked, with the pixels that were drawn on the background and no others."""
    drawn, canvas = blank(), BACKGROUND.canvas()
    for left, top, width, height, colour in boxes:
        for picture in (drawn, canvas):
            picture.paste(colour, (MARGIN + left, top, MARGIN + min(64, left + width), min(57, top + height)))
    assert pixels(BACKGROUND.encode(canvas)) == shown(drawn)


def pixels(data: bytes) -> tuple[tuple[int, int], bytes]:
    """What Pillow reads, and that every row is there, after the number of its filter."""
    length = int.from_bytes(data[data.index(b"IDAT") - 4 : data.index(b"IDAT")])
    start = data.index(b"IDAT") + 4
    assert len(zlib.decompress(data[start : start + length])) == 57 * 33
    with Image.open(io.BytesIO(data)) as read:
        read.load()
        return read.size, read.convert("RGB").tobytes()


def shown(drawn: Image.Image) -> tuple[tuple[int, int], bytes]:
    """A picture without its margin."""
    return (64, 57), drawn.crop((MARGIN, 0, MARGIN + 64, 57)).convert("RGB").tobytes()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), BOXES), max_size=4))
def test_what_does_not_change_is_as_it_was(boxes: list[tuple[bool, tuple[int, int, int, int, int]]]) -> None:
    """Drawn in the rows that change alone; whatever another picture left on the canvas elsewhere is not shown."""
    BACKGROUND.canvas().paste(9, (0, 0, MARGIN + 64, 57))
    drawn, canvas = blank(), PARTLY.canvas()
    for lower, (left, top, width, height, colour) in boxes:
        first, last = CHANGING[lower]
        box = MARGIN + left, first + top % 5, MARGIN + min(64, left + width), min(last, first + top % 5 + height)
        for picture in (drawn, canvas):
            picture.paste(colour, box)
    assert pixels(PARTLY.encode(canvas)) == shown(drawn)


@pytest.mark.parametrize("rows", [1, 2, 3, 17, 18], ids=str)
def test_a_row_that_comes_again_takes_no_room(rows: int) -> None:
    """Whatever the row says: another one of the same length makes the same file longer by its own bytes alone."""
    sizes = set()
    for marks in (b"\1\x23", b"\x45\6"):
        row = b"\0" + marks * 16
        made = list(_deflated(row * rows, len(row)))
        assert zlib.decompressobj(-15).decompress(b"".join(made)) == row * rows
        sizes.add(len(b"".join(made)))
    assert max(sizes) < 40


@pytest.mark.parametrize(("length", "times"), [(33, 1), (33, 5), (801, 5), (801, 11), (165, 40), (400, 20)])
def test_deflate_says_again_whatever_it_was(length: int, times: int) -> None:
    """The same bytes stand for any row, or there are none: then each row is compressed."""
    said = _again(length, times)
    if said is None:
        assert (length, times) == (400, 20), "zlib names bytes of the row at its end"
        return
    for row in (bytes(length), bytes(at * 7 % 251 for at in range(length))):
        assert zlib.decompressobj(-15, row).decompress(said) == row * times
