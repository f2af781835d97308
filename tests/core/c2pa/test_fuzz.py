"""Whatever a stranger's file holds: it is judged, refused or malformed, and nothing else comes out."""

from __future__ import annotations

import functools
import io
from contextlib import suppress
from dataclasses import replace

import cbor2
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tallystick.c2pa import C2paVerdict, CredentialRefused, judge, read
from tallystick.c2pa.cbor import MAX_DEPTH, decode_cbor
from tallystick.c2pa.containers import EMBEDDED, locate
from tallystick.c2pa.doctor import _blocks, diagnose
from tallystick.c2pa.faults_told import TOLD
from tallystick.c2pa.jumbf import parse_store
from tallystick.c2pa.updates import read_manifests
from tallystick.errors import MalformedInput
from tests.c2pa_corpus import forge
from tests.c2pa_corpus.chains import identified, updated
from tests.core.c2pa.kit import AT, signed, world
from tests.core.c2pa.sick import HEALTHY, ROOTS, path

REFUSALS = (MalformedInput, CredentialRefused)
FORMATS = sorted(EMBEDDED)
Edit = tuple[str, float, bytes]
EDITS = st.lists(
    st.tuples(
        st.sampled_from(["set", "cut", "put", "twice", "end", "more"]),
        st.floats(0, 1, exclude_max=True),
        st.binary(max_size=9),
    ),
    min_size=1,
    max_size=4,
)

VALUES = st.recursive(
    st.integers(-(2**63), 2**63) | st.text(max_size=5) | st.binary(max_size=5) | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


def edited(data: bytes, edits: list[Edit]) -> bytes:
    """Bytes set, cut out, put in, doubled; the end cut off, or more behind it. A place is a fraction of the whole."""
    for kind, place, piece in edits:
        at = int(place * len(data))
        if kind == "set":
            data = data[:at] + piece + data[at + len(piece) :]
        elif kind == "cut":
            data = data[:at] + data[at + len(piece) :]
        elif kind == "put":
            data = data[:at] + piece + data[at:]
        elif kind == "twice":
            data = data[:at] + data[at : at + 200] + data[at:]
        elif kind == "more":
            data += piece
        else:
            data = data[:at]
    return data


@pytest.mark.parametrize("media_type", FORMATS)
@settings(max_examples=40, deadline=None)
@given(edits=EDITS)
@example(edits=[("more", 0, b"x")])
@example(edits=[("put", 0.5, b"")])
def test_files_of_each_format(media_type: str, edits: list[Edit]) -> None:
    """What is still believed says what was signed, and no more."""
    data = edited(signed(media_type), edits)
    with suppress(*REFUSALS):
        found = judge(read(data, media_type), world().roots, AT)
        # What is told of the bytes around it may be another thing.
        assert replace(found, problems=()) == honest(media_type)


@functools.cache
def honest(media_type: str) -> C2paVerdict:
    return replace(judge(read(signed(media_type), media_type), world().roots, AT), problems=())


@pytest.mark.parametrize("media_type", FORMATS)
@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=200))
def test_bytes_of_no_format(media_type: str, data: bytes) -> None:
    """What is found lies in the file, and is read from it."""
    heads = {"image/tiff": b"II*\0\x08\0\0\0", "image/svg+xml": b"<svg><c2pa:manifest>"}
    for one in (data, heads.get(media_type, signed(media_type)[:12]) + data):
        with suppress(MalformedInput):
            found = locate(io.BytesIO(one), len(one), media_type)
            start, end = found.span
            assert 0 <= start <= end <= len(one)
            assert found.store is None or len(found.store) <= end - start
            assert found.leading + found.trailing <= len(one)


@pytest.mark.parametrize("kind", ["plain", "update", "identity"])
@settings(max_examples=120, deadline=None)
@given(edits=EDITS)
def test_stores(kind: str, edits: list[Edit]) -> None:
    """Below the checksums of a file."""
    file = {"plain": lambda: forge.signed()[0], "update": updated, "identity": identified}[kind]()
    store = locate(io.BytesIO(file), len(file), "image/png").store
    assert store is not None
    with suppress(*REFUSALS):
        read_manifests(parse_store(edited(store, edits)))


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=64))
@example(data=b"\xbf\x61a\x01\x61a\x02\xff")
@example(data=b"\x9f" * 2000)
@example(data=b"\xa1" * 500 + b"\x00")
@example(data=b"\x5f\x41a\x41b\xff")
@example(data=b"\x7f\x61a\xff")
def test_cbor(data: bytes) -> None:
    """What is taken is one well-formed item, to the byte, and has one meaning: written and read again it is the same.

    Well-formed by the pseudocode of RFC 8949, which knows nothing of ours.
    """
    try:
        value = decode_cbor(data, "item")
    except MalformedInput:
        return
    assert item_end(data) == len(data)
    for other in (data[:-1], data + b"\0"):
        with pytest.raises(MalformedInput):
            decode_cbor(other, "item")
    written = cbor2.dumps(value)
    assert cbor2.dumps(decode_cbor(written, "item")) == written


def item_end(data: bytes, at: int = 0, definite: int | None = None) -> int:
    """Where a well-formed item ends, after the pseudocode of RFC 8949, appendix C; -1 for a break.

    `definite`: of a chunk of a text or byte string, the major type that it has to have.
    """
    initial = data[at]
    major, value, after = initial >> 5, initial & 31, at + 1
    if 24 <= value <= 27:
        width = 1 << value - 24
        assert after + width <= len(data)
        value, after = int.from_bytes(data[after : after + width]), after + width
    elif value == 31:
        assert definite is None
        return indefinite_end(data, after, major)
    else:
        assert value < 24
    assert definite in (None, major)
    if major in (2, 3):
        assert after + value <= len(data)
        return after + value
    if major == 7:
        assert initial & 31 != 24 or value >= 32
    for _ in range({4: value, 5: 2 * value, 6: 1}.get(major, 0)):
        after = item_end(data, after)
        assert after != -1
    return after


def indefinite_end(data: bytes, at: int, major: int) -> int:
    """The same of an item of indefinite length."""
    if major == 7:
        return -1
    assert major in (2, 3, 4, 5)
    while (end := item_end(data, at, major if major in (2, 3) and data[at] != 0xFF else None)) != -1:
        at = end
        if major == 5:
            at = item_end(data, at)
            assert at != -1
    return at + 1


@settings(max_examples=200, deadline=None)
@given(value=VALUES)
def test_cbor_that_has_one_meaning_is_read_as_it_was_written(value: object) -> None:
    assert decode_cbor(cbor2.dumps(value), "item") == value


def test_cbor_nested_to_the_limit() -> None:
    for depth, fine in ((MAX_DEPTH - 1, True), (MAX_DEPTH, False), (100_000, False)):
        data = b"\x81" * depth + b"\x00"
        if fine:
            decode_cbor(data, "item")
            continue
        with pytest.raises(MalformedInput):
            decode_cbor(data, "item")


@settings(max_examples=150, deadline=None)
@given(edits=EDITS)
def test_certificates_before_the_doctor(edits: list[Edit]) -> None:
    """Nothing but the healthy signer is called healthy: its issuer signed no other. Each fault has a name."""
    data, chain = HEALTHY.certificate.public_bytes(Encoding.DER), path(HEALTHY)
    assert (diagnose(data, None, AT), diagnose(chain, ROOTS, AT)) == ((), ())
    for one, roots in ((edited(data, edits), None), (edited(chain, edits), ROOTS)):
        found = diagnose(one, roots, AT)
        assert {fault.code.removeprefix("signer.") for fault in found} <= TOLD.keys()
        if not found and roots is not None:
            assert _blocks(one)[0] == data
