"""The container: what zip files can do besides holding members, and is refused here."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.bundle.container import MAX_MEMBERS, Member, end_record, read_directory
from tallystick.errors import MalformedInput, TallystickError
from tests.core.bundle.paper import PAYLOAD, Part, assembled, contents, moved, opened, parts, signed_again, small

SYMLINK = (stat.S_IFLNK | 0o777) << 16


def members() -> dict[str, bytes]:
    return signed_again(PAYLOAD)


def test_what_the_tests_take_apart_is_a_bundle() -> None:
    assert opened(small()).names() == tuple(PAYLOAD)
    assert opened(assembled(parts(members()))).names() == tuple(PAYLOAD)


def test_strangers_read_it() -> None:
    found = contents(small())
    assert {name: found[name] for name in PAYLOAD} == PAYLOAD
    with zipfile.ZipFile(io.BytesIO(small())) as archive:
        assert archive.testzip() is None
        assert all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())


def _stdlib(compression: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, data in sorted(members().items()):
            archive.writestr(zipfile.ZipInfo(name), data, compression)
    return out.getvalue()


def _header(part: Part, at: int, value: bytes) -> bytes:
    header = part.central_header()
    return header[:at] + value + header[at + len(value) :]


def _local(part: Part, at: int, value: bytes) -> bytes:
    header = part.local_header()
    return header[:at] + value + header[at + len(value) :]


def _named(name: str) -> bytes:
    return assembled(parts(signed_again({**PAYLOAD, name: b"x"})))


def _twice() -> bytes:
    found = parts(members())
    again = moved(found[2], found[-1].member.end)
    return assembled(sorted([*found, again], key=lambda part: part.member.name))


def _overlapping() -> bytes:
    found = parts(members())
    # Two members share their bytes: the second is said to start where the first does.
    return assembled([*found[:2], moved(found[2], found[1].member.offset), *found[3:]])


def _bomb() -> bytes:
    """A megabyte of zeros in a kilobyte: its size is said to be what it expands to."""
    packed = zlib.compress(bytes(1 << 20), 9)[2:-4]
    found = parts(signed_again({**PAYLOAD, "data/zz": packed}))
    return assembled(
        replace(part, member=replace(part.member, size=1 << 20)) if part.member.name == "data/zz" else part
        for part in found
    )


def _changed(index: int, at: int, value: bytes, *, central: bool) -> bytes:
    found = parts(members())
    part = found[index]
    found[index] = (
        replace(part, central=_header(part, at, value)) if central else replace(part, local=_local(part, at, value))
    )
    return assembled(found)


PLAIN = "not of the plain form"
LOCAL = "differs from the zip directory"
ENDS = "does not end in a plain zip directory record"

ATTACKS: dict[str, tuple[Callable[[], bytes], str]] = {
    "written by another zip program": (lambda: _stdlib(zipfile.ZIP_STORED), PLAIN),
    "deflated members": (lambda: _stdlib(zipfile.ZIP_DEFLATED), PLAIN),
    "a path out of the bundle": (lambda: _named("../evil"), r"'\.\./evil' has an empty"),
    "a path out of the bundle, inside": (lambda: _named("data/../../evil"), "has an empty, '.' or '..' part"),
    "an absolute path": (lambda: _named("/etc/passwd"), "not a relative path"),
    "a path with backslashes": (lambda: _named("data\\evil"), "not a relative path"),
    "a path with an empty part": (lambda: _named("data//evil"), "has an empty, '.' or '..' part"),
    "a name that is not NFC": (lambda: _named("data/e\u0301"), "not in Unicode NFC form"),
    "a name with a control character": (lambda: _named("data/a\x1b[2J"), "control character"),
    "a name that differs by case alone": (lambda: _named("data/CASE.json"), "by case alone"),
    "a member twice": (_twice, "stands twice"),
    "overlapping members": (_overlapping, "where the one before it ends"),
    "a member that expands": (_bomb, "where the one before it ends"),
    "members out of order": (lambda: assembled(parts(members(), sorted(members(), reverse=True))), "out of order"),
    "bytes before": (lambda: assembled(parts(members()), before=b"#!/bin/sh\n"), LOCAL),
    "bytes before, offsets untouched": (lambda: b"x" + small(), ENDS),
    "bytes after": (lambda: small() + b"x", ENDS),
    "bytes between members and directory": (lambda: assembled(parts(members()), gap=b"hidden"), "bytes stand between"),
    "a comment": (lambda: assembled(parts(members()), comment=b"hello"), ENDS),
    "cut short": (lambda: small()[:-1], ENDS),
    "empty": (lambda: b"", "has 0 bytes"),
    "an empty zip": (lambda: end_record(0, 0, 0), "has no bagit.txt"),
    "a local header with another name": (lambda: _changed(3, 30, b"DATA", central=False), LOCAL),
    "a local header with another size": (lambda: _changed(3, 18, struct.pack("<L", 1), central=False), LOCAL),
    "a local header with another CRC": (lambda: _changed(3, 14, bytes(4), central=False), LOCAL),
    "a local header that claims deflate": (lambda: _changed(3, 8, struct.pack("<H", 8), central=False), LOCAL),
    "a directory entry that claims deflate": (lambda: _changed(3, 10, struct.pack("<H", 8), central=True), PLAIN),
    "a directory entry that is encrypted": (lambda: _changed(3, 8, struct.pack("<H", 0x0801), central=True), PLAIN),
    "a directory entry with another date": (lambda: _changed(3, 14, struct.pack("<H", 0x22), central=True), PLAIN),
    "a symbolic link": (lambda: _changed(3, 38, struct.pack("<L", SYMLINK), central=True), PLAIN),
    "a folder": (lambda: _changed(3, 38, struct.pack("<L", 0o40755 << 16), central=True), PLAIN),
    "a directory entry on another disk": (lambda: _changed(3, 34, struct.pack("<H", 1), central=True), PLAIN),
    "ZIP64": (lambda: _changed(3, 24, b"\xff\xff\xff\xff", central=True), PLAIN),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_zip_tricks_are_refused_although_the_manifests_are_signed(name: str) -> None:
    attack, problem = ATTACKS[name]
    with pytest.raises(TallystickError, match=problem):
        opened(attack())


def test_counts_are_capped_before_the_directory_is_read() -> None:
    with pytest.raises(MalformedInput, match=str(MAX_MEMBERS)):
        read_directory(io.BytesIO(bytes(46) + end_record(MAX_MEMBERS + 1, 46, 0)))


def test_a_directory_larger_than_its_members_can_make_it_is_not_read() -> None:
    with pytest.raises(MalformedInput, match="1 members"):
        read_directory(io.BytesIO(bytes(5000) + end_record(1, 5000, 0)))


def test_a_name_longer_than_names_may_be() -> None:
    with pytest.raises(MalformedInput, match="1 to 1024 bytes"):
        opened(_named("data/" + "x" * 1020))


def test_every_byte_flipped_is_refused() -> None:
    data = small()
    for at in range(len(data)):
        for bit in (0x01, 0x80):
            changed = bytearray(data)
            changed[at] ^= bit
            with pytest.raises(TallystickError):
                opened(bytes(changed))


def test_every_length_that_is_not_the_whole() -> None:
    data = small()
    for length in range(len(data)):
        with pytest.raises(TallystickError):
            opened(data[:length])


@given(st.binary(max_size=400))
def test_any_bytes_are_refused_with_an_error_of_ours(data: bytes) -> None:
    with pytest.raises(MalformedInput):
        read_directory(io.BytesIO(data))


@given(st.data())
def test_any_change_is_refused_with_an_error_of_ours(data: st.DataObject) -> None:
    whole = bytearray(small())
    at = data.draw(st.integers(0, len(whole) - 1))
    end = data.draw(st.integers(at, min(len(whole), at + 64)))
    new = data.draw(st.binary(max_size=64))
    if bytes(whole[at:end]) == new:
        return
    whole[at:end] = new
    with pytest.raises(TallystickError):
        opened(bytes(whole))


def test_headers_are_those_of_the_format() -> None:
    member = Member("data/a", 0x01020304, 5, 7)
    local, central = member.local_header(), member.central_header()
    assert local[:4] == b"PK\3\4"
    assert central[:4] == b"PK\1\2"
    assert (member.start, member.end) == (7 + len(local), 7 + len(local) + 5)
    assert central[-6:] == b"data/a"
    assert struct.unpack_from("<L", central, 42)[0] == 7


@pytest.mark.parametrize(
    ("start", "told"),
    [
        (b"\x89PNG\r\n\x1a\n", "not a bundle but a PNG picture: a licence is checked by `tallystick license check`"),
        (b"%PDF-1.7\n", "not a bundle but a PDF: a licence"),
        (b"\xff\xd8\xff\xe0", "not a bundle but a JPEG picture: a licence"),
        (b'{"logs":', "not a bundle but JSON: an evidence bundle is the .zip"),
        (b"PK\3\4 cut off", f"not a bundle: the file {ENDS}"),
    ],
)
def test_another_file_is_called_what_it_is(start: bytes, told: str) -> None:
    with pytest.raises(MalformedInput) as refused:
        read_directory(io.BytesIO(start + bytes(100)))
    assert str(refused.value).startswith(told)
