"""Containers: the store is found where it is, once, and nothing that lies about its size is followed."""

from __future__ import annotations

import io
import random
import struct

import pytest

from tallystick.c2pa import CredentialRefused, NoCredential, judge, read
from tallystick.c2pa.containers import BMFF_C2PA, EMBEDDED, locate, media_type_of
from tallystick.c2pa.jumbf import MAX_STORE, STORE_TYPE, parse_store
from tallystick.c2pa.place import embed
from tallystick.errors import MalformedInput
from tests.core.c2pa.kit import AT, chunk, plain, replaced, signed, store_of, world

FORMATS = sorted(EMBEDDED)


def refused(data: bytes, media_type: str) -> str:
    """The code of the refusal; MalformedInput counts as "malformed"."""
    with pytest.raises((CredentialRefused, MalformedInput)) as caught:
        judge(read(data, media_type), world().roots, AT)
    return caught.value.code if isinstance(caught.value, CredentialRefused) else "malformed"


@pytest.mark.parametrize("media_type", FORMATS)
def test_a_file_without_a_credential_says_so(media_type: str) -> None:
    with pytest.raises(NoCredential):
        read(plain(media_type), media_type)


@pytest.mark.parametrize("media_type", FORMATS)
def test_the_store_is_what_its_span_embeds(media_type: str) -> None:
    data = signed(media_type)
    found = locate(io.BytesIO(data), len(data), media_type)
    assert found.store is not None
    assert parse_store(found.store).label == "c2pa"
    low, high = found.span
    assert embed(data[low:high], found, media_type, found.store) == data[low:high]
    assert (found.leading, found.trailing) == (0, 0)


@pytest.mark.parametrize("media_type", FORMATS)
def test_another_format_is_malformed(media_type: str) -> None:
    other = FORMATS[FORMATS.index(media_type) - 1]
    assert refused(signed(media_type), other) == "malformed"


@pytest.mark.parametrize("media_type", FORMATS)
@pytest.mark.parametrize("tail", [b"\0", b"%%EOF", b"\0\0\0\x0cevil1234"])
def test_appended_bytes_are_refused(media_type: str, tail: bytes) -> None:
    expected = {"assertion.dataHash.mismatch", "assertion.bmffHash.mismatch", "malformed"}
    if media_type in ("audio/wav", "image/webp"):
        expected = {"binding.exclusion"}  # the length in the head is not hashed, so it must be right
    assert refused(signed(media_type) + tail, media_type) in expected


@pytest.mark.parametrize("media_type", FORMATS)
def test_prepended_bytes_are_refused(media_type: str) -> None:
    expected = {"assertion.dataHash.mismatch", "binding.exclusion", "malformed"}
    assert refused(b"\n" + signed(media_type), media_type) in expected


@pytest.mark.parametrize("media_type", FORMATS)
def test_a_truncated_file_is_refused(media_type: str) -> None:
    data = signed(media_type)
    for size in (0, 1, 11, 40, len(data) // 2, len(data) - 13):
        assert refused(data[:size], media_type) in {
            "malformed",
            "assertion.dataHash.mismatch",
            "assertion.bmffHash.mismatch",
        }


@pytest.mark.parametrize("media_type", FORMATS)
def test_a_changed_byte_is_refused(media_type: str) -> None:
    """A seeded sample over the whole file."""
    data = signed(media_type)
    for position in random.Random(2).sample(range(len(data)), 60):
        if _means_nothing(data, media_type, position):
            continue
        changed = data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]
        assert refused(changed, media_type), f"byte {position}"


@pytest.mark.exhaustive
@pytest.mark.parametrize("media_type", FORMATS)
def test_every_changed_byte_is_refused(media_type: str) -> None:
    data = signed(media_type)
    for position in range(len(data)):
        if _means_nothing(data, media_type, position):
            continue
        changed = data[:position] + bytes([data[position] ^ 0x40]) + data[position + 1 :]
        assert refused(changed, media_type), f"byte {position}"


def _means_nothing(data: bytes, media_type: str, position: int) -> bool:
    """Bytes that nobody reads: the number of the JPEG's JUMBF box, and BMFF boxes that the standard leaves unhashed."""
    if media_type == "image/jpeg":
        number = locate(io.BytesIO(data), len(data), media_type).span[0] + 6
        return number <= position < number + 2
    start = 0
    while media_type == "video/mp4" and start < len(data):
        length = int.from_bytes(data[start : start + 4])
        if start <= position < start + length:
            return data[start + 4 : start + 8] in (b"ftyp", b"free", b"skip", b"mfra")
        start += length
    return False


def test_changes_are_refused_for_their_own_reason() -> None:
    png = signed()
    store = store_of(png)
    picture = png.index(b"IDAT") + 12
    assert refused(png[:picture] + b"\xff\xff" + png[picture + 2 :], "image/png") == "assertion.dataHash.mismatch"
    # In its own box alone: two bytes may stand by chance in a signature too, which is another one each time.
    ((_, licence),) = parse_store(store).children[-1].child("c2pa.assertions").child("org.tallystick.licence").contents
    other = store.replace(licence, licence.replace(b"DE", b"FR"))
    assert other != store
    with pytest.raises(CredentialRefused, match=r"^assertion.hashedURI.mismatch: assertion org.tallystick.licence"):
        read(replaced(png, other), "image/png")
    assert refused(replaced(png, store.replace(b"Teapot", b"Teacup")), "image/png") == "claimSignature.mismatch"
    signature = parse_store(store).children[-1].child("c2pa.signature").content(b"cbor")
    changed = signature[:-1] + bytes([signature[-1] ^ 1])
    assert refused(replaced(png, store.replace(signature, changed)), "image/png") == "claimSignature.mismatch"
    assert refused(png.replace(b"caBX", b"caBY"), "image/png") == "credential.absent"


def test_the_credential_of_another_file_is_refused() -> None:
    other = plain("image/png").replace(b"IDAT", b"IDAT")
    stolen = other[:33] + chunk(b"tEXt", b"Title\0other") + chunk(b"caBX", store_of(signed())) + other[33:]
    assert refused(stolen, "image/png") in {"binding.exclusion", "assertion.dataHash.mismatch"}


def test_two_stores_are_refused() -> None:
    """Else one reader could judge the honest one, and another the forged one."""
    png, second = signed(), chunk(b"caBX", store_of(signed()))
    assert refused(png[:33] + second + png[33:], "image/png") == "malformed"
    webp = signed("image/webp")
    webp += webp[slice(*locate(io.BytesIO(webp), len(webp), "image/webp").span)]
    assert refused(b"RIFF" + struct.pack("<I", len(webp) - 8) + webp[8:], "image/webp") == "malformed"
    mp4 = signed("video/mp4")
    span = locate(io.BytesIO(mp4), len(mp4), "video/mp4").span
    assert refused(mp4 + mp4[slice(*span)], "video/mp4") == "malformed"
    pdf = signed("application/pdf")
    span = locate(io.BytesIO(pdf), len(pdf), "application/pdf").span
    assert refused(pdf + pdf[slice(*span)] + b"%%EOF", "application/pdf") == "malformed"


def test_a_jpeg_box_in_many_packets_is_joined() -> None:
    jpeg = signed("image/jpeg")
    span = locate(io.BytesIO(jpeg), len(jpeg), "image/jpeg").span
    segment = jpeg[slice(*span)]
    header, body = segment[4:8], segment[12:]  # 'JP' and box number; box header and data
    half = len(body) // 2
    first = _app11(header + (1).to_bytes(4) + body[:half])
    second = _app11(header + (2).to_bytes(4) + body[:8] + body[half:])
    store = locate(io.BytesIO(jpeg), len(jpeg), "image/jpeg").store
    split = jpeg[: span[0]] + first + second + jpeg[span[1] :]
    assert locate(io.BytesIO(split), len(split), "image/jpeg").store == store
    for wrong in (second + first, first + _app11(header + (3).to_bytes(4) + body[:8] + body[half:]), first + first):
        broken = jpeg[: span[0]] + wrong + jpeg[span[1] :]
        with pytest.raises(MalformedInput):
            locate(io.BytesIO(broken), len(broken), "image/jpeg")


def test_jpeg_packets_stand_together_and_agree() -> None:
    jpeg = signed("image/jpeg")
    span = locate(io.BytesIO(jpeg), len(jpeg), "image/jpeg").span
    segment = jpeg[slice(*span)]
    header, body = segment[4:8], segment[12:]
    first = _app11(header + (1).to_bytes(4) + body[:5000])
    second = _app11(header + (2).to_bytes(4) + body[:8] + body[5000:])
    foreign = _app11(header + (2).to_bytes(4) + body[:7] + b"x" + body[5000:])
    comment = b"\xff\xfe\0\4hi"
    for wrong in (first + comment + second, first + foreign, b"junk" + first + second):
        broken = jpeg[: span[0]] + wrong + jpeg[span[1] :]
        with pytest.raises(MalformedInput):
            locate(io.BytesIO(broken), len(broken), "image/jpeg")


def test_padding_in_containers_is_zero() -> None:
    png = signed()
    end = locate(io.BytesIO(png), len(png), "image/png").span[1]
    assert refused(png[: end - 1] + bytes([png[end - 1] ^ 1]) + png[end:], "image/png") == "malformed"
    riff = b"RIFF" + (4 + 12).to_bytes(4, "little") + b"WAVE" + b"C2PA" + (3).to_bytes(4, "little") + b"abc"
    assert locate(io.BytesIO(riff + b"\0"), 24, "audio/wav").store == b"abc"
    with pytest.raises(MalformedInput, match="pad byte"):
        locate(io.BytesIO(riff + b"\1"), 24, "audio/wav")


def test_bmff_manifest_boxes() -> None:
    store = box(b"jumb", described(b"c2pa"))
    head = box(b"ftyp", b"isom")
    good = BMFF_C2PA + bytes(4) + b"manifest\0" + bytes(8) + store
    film = head + box(b"uuid", good + bytes(5))
    assert locate(io.BytesIO(film), len(film), "video/mp4").store == store
    for wrong, says in (
        (good + b"\0\1", "padding"),
        (good.replace(b"manifest\0" + bytes(8), b"manifest\0" + bytes(7) + b"\1"), "Merkle"),
        (good.replace(b"manifest", b"merklexx"), "plain manifest"),
        (good.replace(bytes(4) + b"manifest", b"\0\0\0\1manifest"), "plain manifest"),
    ):
        film = head + box(b"uuid", wrong)
        with pytest.raises(MalformedInput, match=says):
            locate(io.BytesIO(film), len(film), "video/mp4")


def _app11(body: bytes) -> bytes:
    return b"\xff\xeb" + (len(body) + 2).to_bytes(2) + body


def box(kind: bytes, payload: bytes) -> bytes:
    return (len(payload) + 8).to_bytes(4) + kind + payload


def described(label: bytes, toggles: int = 3, kind: bytes = STORE_TYPE) -> bytes:
    return box(b"jumd", kind + bytes([toggles]) + label + b"\0")


@pytest.mark.parametrize(
    ("store", "says"),
    [
        (b"", "exactly one"),
        (box(b"jumb", described(b"c2pa")) * 2, "exactly one"),
        (box(b"jumb", described(b"c2pb")), "not a C2PA"),
        (box(b"jumb", described(b"c2pa", kind=bytes(16))), "not a C2PA"),
        (box(b"jumb", b""), "description"),
        (box(b"jumb", box(b"jumd", b"short")), "17 bytes"),
        (box(b"jumb", described(b"c2pa", 0x83)), "toggles"),
        (box(b"jumb", described(b"\xff")), "UTF-8"),
        (box(b"jumb", described(b"c2pa") * 2), "second description"),
        (box(b"jumb", box(b"jumd", STORE_TYPE + b"\3c2pa\0junk")), "too many"),
        (b"\0\0\0\x07jumb", "length 7"),
        (b"\0\0\xff\xffjumb", "does not fit"),
        (b"\0\0\0\x01jumb" + bytes(8), "length 0"),
        (box(b"jumb", described(b"c2pa") + bytes(8)), "length 0"),
        (bytes(MAX_STORE + 1), "over the limit"),
    ],
)
def test_malformed_stores(store: bytes, says: str) -> None:
    with pytest.raises(MalformedInput, match=says):
        parse_store(store)


def test_boxes_are_bounded() -> None:
    nested = described(b"c2pa")
    for _ in range(12):
        nested = described(b"c2pa") + box(b"jumb", nested)
    with pytest.raises(MalformedInput, match="deeper"):
        parse_store(box(b"jumb", nested))
    with pytest.raises(MalformedInput, match="more than"):
        parse_store(box(b"jumb", described(b"c2pa") + box(b"free", b"") * 10_000))


def test_media_types_by_name() -> None:
    assert media_type_of("A.JPG") == "image/jpeg"
    assert media_type_of("scene.usd") == media_type_of("noname") == "application/octet-stream"
