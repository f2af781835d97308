"""Bytes that are not the picture's: before it, after it, and where no hash looks. Told or refused in every format."""

from __future__ import annotations

import io
import zipfile

import pytest

from tallystick.c2pa import C2paVerdict, CredentialRefused, judge, read
from tallystick.c2pa.containers import EMBEDDED, locate
from tallystick.errors import MalformedInput
from tests.core.c2pa.kit import AT, claim_signer, manifest, plain, signed, signed_by, world


def archive() -> bytes:
    """A ZIP file, which is read from its end: with it behind a picture one file is two."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr(zipfile.ZipInfo("licence.txt"), "all rights")
    return out.getvalue()


def judged(data: bytes, media_type: str) -> C2paVerdict:
    return judge(read(data, media_type), world().roots, AT)


def outcome(data: bytes, media_type: str) -> str:
    try:
        return "; ".join(judged(data, media_type).problems)
    except CredentialRefused as error:
        return error.code
    except MalformedInput:
        return "malformed"


@pytest.mark.parametrize("media_type", sorted(EMBEDDED))
@pytest.mark.parametrize("where", ["before", "after"])
def test_what_is_put_around_a_signed_file_is_refused(media_type: str, where: str) -> None:
    data = signed(media_type)
    changed = archive() + data if where == "before" else data + archive()
    assert outcome(changed, media_type) in {
        "assertion.dataHash.mismatch",
        "assertion.bmffHash.mismatch",
        "binding.exclusion",
        "malformed",
    }


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg"])
def test_what_was_signed_with_the_file_is_told(media_type: str) -> None:
    both = signed_by(claim_signer(), plain(media_type) + archive(), media_type, manifest())
    assert zipfile.ZipFile(io.BytesIO(both)).namelist() == ["licence.txt"]
    assert outcome(both, media_type) == f"{len(archive())} bytes stand after the end of the file format"


def test_a_film_with_an_archive_in_its_free_space_is_told() -> None:
    """The hash leaves free space out, so anybody can fill it after signing; two readers see two files."""
    film = signed("video/mp4")
    assert outcome(film, "video/mp4") == ""
    for kind in (b"free", b"skip"):
        box = (len(archive()) + 8).to_bytes(4) + kind + archive()
        assert zipfile.ZipFile(io.BytesIO(film + box)).namelist() == ["licence.txt"]
        told = outcome(film + box, "video/mp4")
        assert told == f"{len(box)} bytes stand in boxes that no hash covers: anybody may put them there"
    assert outcome(film + (16).to_bytes(4) + b"free" + bytes(8), "video/mp4") == "", "zeros hide nothing"


@pytest.mark.parametrize("media_type", sorted(EMBEDDED - {"video/mp4", "image/tiff"}))
def test_each_format_has_an_end(media_type: str) -> None:
    """In MP4 all bytes are boxes; a TIFF file is read from its directories, and its hash covers every other byte."""
    data = plain(media_type) + archive()
    assert locate(io.BytesIO(data), len(data), media_type).trailing == len(archive())


def test_a_document_may_begin_late() -> None:
    """PDF readers look for the beginning in the first kilobyte."""
    page = b"<html><!--\n"
    data = page + plain("application/pdf")
    assert locate(io.BytesIO(data), len(data), "application/pdf").leading == len(page)
