"""Whatever a stranger's file holds: it is judged, refused or malformed, and nothing else comes out."""

from __future__ import annotations

import io
from contextlib import suppress

import cbor2
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tallystick.c2pa import CredentialRefused, judge, read
from tallystick.c2pa.cbor import MAX_DEPTH, decode_cbor
from tallystick.c2pa.containers import EMBEDDED, locate
from tallystick.c2pa.doctor import diagnose
from tallystick.c2pa.jumbf import parse_store
from tallystick.c2pa.updates import read_manifests
from tallystick.errors import MalformedInput
from tests.c2pa_corpus import forge
from tests.c2pa_corpus.chains import identified, updated
from tests.core.c2pa.kit import AT, signed, world
from tests.core.c2pa.sick import HEALTHY, path

REFUSALS = (MalformedInput, CredentialRefused)
FORMATS = sorted(EMBEDDED)
Edit = tuple[str, float, bytes]
EDITS = st.lists(
    st.tuples(
        st.sampled_from(["set", "cut", "put", "twice", "end"]),
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
    """Bytes set, cut out, put in, doubled; or the end cut off. A place is a fraction of the whole."""
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
        else:
            data = data[:at]
    return data


@pytest.mark.parametrize("media_type", FORMATS)
@settings(max_examples=40, deadline=None)
@given(edits=EDITS)
def test_files_of_each_format(media_type: str, edits: list[Edit]) -> None:
    data = edited(signed(media_type), edits)
    with suppress(*REFUSALS):
        judge(read(data, media_type), world().roots, AT)


@pytest.mark.parametrize("media_type", FORMATS)
@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=200))
def test_bytes_of_no_format(media_type: str, data: bytes) -> None:
    heads = {"image/tiff": b"II*\0\x08\0\0\0", "image/svg+xml": b"<svg><c2pa:manifest>"}
    for one in (data, heads.get(media_type, signed(media_type)[:12]) + data):
        with suppress(MalformedInput):
            locate(io.BytesIO(one), len(one), media_type)


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
    with suppress(MalformedInput):
        decode_cbor(data, "item")


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
    data = HEALTHY.certificate.public_bytes(Encoding.DER)
    diagnose(edited(data, edits), None, AT)
    diagnose(edited(path(HEALTHY), edits), None, AT)
