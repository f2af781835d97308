"""The QR code of a licence: a phone's software reads it, and it fits one entry of one log."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
import segno
import zxingcpp
from PIL import Image

from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.identifiers import Letter
from tallystick.licence.qr import LicenceCode, parse_code
from tests.core.licence.paper import Paper, stranger
from tests.core.licence.purse import evidence


@pytest.fixture(scope="module")
def paper() -> Paper:
    return Paper()


def code_of(paper: Paper) -> LicenceCode:
    return LicenceCode(paper.world.origin, paper.licence.event.subject, paper.grant, paper.licence.leaf)


def test_a_phone_reads_it(paper: Paper) -> None:
    text = code_of(paper).text
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(out, kind="png", scale=4)
    (read,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(out.getvalue())))
    assert read.text == text
    assert parse_code(read.text) == code_of(paper)
    assert text.startswith("https://log.example/little#10.5555/L-"), "a link, with nothing sent but the log's name"
    assert len(text) < 130


def test_it_fits_one_entry_of_one_log(paper: Paper) -> None:
    code, proof = code_of(paper), evidence(paper)
    code.require_same(proof)
    other = stranger()
    for wrong in (
        code_of(other),
        replace(code, licence=paper.world.identifier(Letter.LICENCE)),
        replace(code, grant=code.grant - 1),
        replace(code, leaf=bytes(32)),
    ):
        with pytest.raises(VerificationFailed, match="another grant"):
            wrong.require_same(proof)


@pytest.mark.parametrize(
    ("old", "new"),
    [("https", "http"), ("#", "?"), (";8;", ";08;"), (";8;", ";-8;"), ("L-", "P-"), ("10.", " 10."), (";8;", ";8;A")],
)
def test_another_form(paper: Paper, old: str, new: str) -> None:
    text = code_of(paper).text
    assert old in text
    for bad in (text.replace(old, new, 1), text + "\n", text[:-1], text + "x" * 400):
        with pytest.raises(MalformedInput):
            parse_code(bad)
