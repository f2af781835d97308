"""Files made to stop or crash whoever checks them. Their makers hold no trusted key: all of this comes before trust.

Sizes are such that reading in more than linear time or memory would not end.
"""

from __future__ import annotations

import io
import tracemalloc

import cbor2
import pytest

from tallystick import canonical
from tallystick.c2pa import read
from tallystick.c2pa.containers import locate
from tallystick.c2pa.jumbf import STORE_TYPE, parse_store
from tallystick.errors import MalformedInput
from tallystick.licence.staple import MAX_STAPLE_BYTES, decode_staple
from tests.core.c2pa.kit import rebuilt, replaced, resign, signed, store_of, world


def shared_references(depth: int) -> bytes:
    """CBOR of a few hundred bytes that stands for 2^``depth`` items (tags 28 and 29)."""
    items = [b"\xd8\x1c\x80"]
    for number in range(depth):
        item = b"\xd8\x1d" + cbor2.dumps(number)
        items.append(b"\xd8\x1c\x82" + item + item)
    return cbor2.dumps([0] * len(items))[: 2 if len(items) > 23 else 1] + b"".join(items)


HOSTILE_CBOR = {
    "items without end": shared_references(60),
    "a decimal too small for any context": b"\xc4\x82\x1b\x3f" + b"\xff" * 7 + b"\x01",
    "a number of a hundred million bits": b"\xc5\x82\x1a\x05\xf5\xe1\x00\x01",
    "a regular expression": b"\xd8\x23\x67(a+)+$b",
    "a mail message": b"\xd8\x24\x61x",
}


def with_claim(content: bytes) -> bytes:
    """A picture whose claim is ``content``, honestly signed by a signer of the attacker's own."""

    def edit(body: bytes) -> bytes:
        start = body.index(b"cbor") - 4
        return body[:start] + (len(content) + 8).to_bytes(4) + b"cbor" + content

    store = rebuilt(store_of(signed()), ("c2pa.claim.v2",), edit)
    return resign(replaced(signed(), store), world().signer.chain[:-1], world().signer.key)


def claim_with(uri: bytes) -> bytes:
    """The honest claim in CBOR, its first assertion named by ``uri`` (CBOR)."""
    box = parse_store(store_of(signed())).children[-1].child("c2pa.claim.v2")
    claim = cbor2.loads(box.content(b"cbor"))
    claim["created_assertions"][0]["url"] = "PLACE"
    return cbor2.dumps(claim).replace(cbor2.dumps("PLACE"), uri)


@pytest.mark.parametrize("name", HOSTILE_CBOR)
def test_a_claim_whose_cbor_is_a_trap(name: str) -> None:
    for png in (with_claim(claim_with(HOSTILE_CBOR[name])), with_claim(HOSTILE_CBOR[name])):
        with pytest.raises(MalformedInput, match="tag"):
            read(png, "image/png")


def test_a_message_does_not_repeat_what_it_refuses_at_length() -> None:
    with pytest.raises(MalformedInput) as caught:
        read(with_claim(claim_with(cbor2.dumps("x" * 1_000_000))), "image/png")
    assert len(str(caught.value)) < 1000


def test_one_large_assertion_listed_a_thousand_times_is_hashed_once() -> None:
    """Three megabytes a thousand times are minutes of hashing: the second mention is refused before it is read."""
    box = parse_store(store_of(signed())).children[-1].child("c2pa.claim.v2")
    claim = cbor2.loads(box.content(b"cbor"))
    claim["created_assertions"] = claim["created_assertions"][:1] * 1000
    with pytest.raises(MalformedInput, match="listed twice"):
        read(with_claim(cbor2.dumps(claim)), "image/png")


def test_a_jpeg_of_fill_bytes() -> None:
    data = b"\xff\xd8\xff\xda\x00\x02" + b"\xff" * (8 << 20)
    for tail in (b"", b"\x00", b"\x00\xff"):
        with pytest.raises(MalformedInput, match="no marker"):
            locate(io.BytesIO(data + tail), len(data + tail), "image/jpeg")


def test_a_jpeg_whose_store_comes_in_crumbs() -> None:
    """Half a million packets of one byte each; and in the end no store."""
    packets = b"".join(
        b"\xff\xeb\x00\x13JP\x00\x01" + number.to_bytes(4) + b"\x00\x08\x00\x00jumbx" for number in range(1, 500_001)
    )
    data = b"\xff\xd8" + packets + b"\xff\xd9"
    assert locate(io.BytesIO(data), len(data), "image/jpeg").store is None


def test_a_pdf_of_overlapping_stores() -> None:
    """A thousand headers in one megabyte, each of which claims sixteen: they are not kept to be counted."""
    header = (1 << 24).to_bytes(4) + b"jumb\x00\x00\x00\x1djumd" + STORE_TYPE
    data = b"%PDF-1.7\n" + header * 1000 + bytes(1 << 24) + b"%%EOF\n"
    tracemalloc.start()
    try:
        with pytest.raises(MalformedInput, match="at most one"):
            locate(io.BytesIO(data), len(data), "application/pdf")
        assert tracemalloc.get_traced_memory()[1] < 1 << 28
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("end", [b"", b"\\", b'"', b'"]'])
def test_json_that_never_closes_its_text(end: bytes) -> None:
    """Every escaped quote could begin another text that does not end."""
    data = b"[" * 40 + b'"' + b'\\"' * (4 << 20) + end
    with pytest.raises(MalformedInput):
        canonical.decode(data, len(data))
    with pytest.raises(MalformedInput):
        decode_staple(data[:MAX_STAPLE_BYTES])


def test_a_claim_longer_than_any_claim_is() -> None:
    with pytest.raises(MalformedInput, match="at most"):
        read(with_claim(cbor2.dumps([0] * (4 << 20))), "image/png")


def test_an_assertion_that_the_engine_leaves_out_of_its_report() -> None:
    """Signed by anybody: c2pa-python's report then lacks the manifest that it names, so it is refused before."""
    signer = world().signer
    png = resign(signed(), signer.chain[:-1], signer.key, {"org.tallystick.licence": lambda body: bytes(len(body))})
    with pytest.raises(MalformedInput, match=r"org\.tallystick\.licence is no JSON"):
        read(png, "image/png")
