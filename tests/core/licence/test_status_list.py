"""Token Status Lists: round trip, the draft's own vectors, every way to be malformed, freshness."""

from __future__ import annotations

import dataclasses
import hashlib
import zlib
from collections.abc import Callable
from typing import Any

import cbor2
import cwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import given
from hypothesis import strategies as st

from tallystick import cose
from tallystick.checkpoint import Checkpoint
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.keys import LocalSigner
from tallystick.licence import status_list
from tallystick.licence.status_list import (
    FreshnessPolicy,
    Status,
    StatusFromFuture,
    StatusList,
    StatusRefused,
    StatusStale,
    pack,
    sign_status_list,
    verify_status_list,
)
from tallystick.times import UnixSeconds, parse_time

URI = "https://log.example/status/1"
ISSUED = parse_time("2026-12-01T00:00:00Z")
DAY = 86_400
SIGNER = LocalSigner(ed25519.Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"TEST status").digest()))
OTHER = LocalSigner(ed25519.Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"TEST other").digest()))
STATUSES = [Status.VALID, Status.INVALID, Status.SUSPENDED, Status.EXPIRED, Status.VALID, Status.INVALID]


def listed(statuses: list[Status] = STATUSES, **changes: Any) -> StatusList:
    made = StatusList(
        uri=URI,
        issued_at=ISSUED,
        expires_at=UnixSeconds(ISSUED + 7 * DAY),
        ttl=2 * DAY,
        checkpoint=Checkpoint("log.example/films", 42, bytes(range(32))),
        count=len(statuses),
        packed=pack(statuses),
    )
    return dataclasses.replace(made, **changes)


def verified(token: bytes) -> StatusList:
    return verify_status_list(token, SIGNER.public, URI)


@pytest.mark.parametrize("alg", ["ed25519", "es256", "ml-dsa-44"])
def test_round_trip_with_each_algorithm(alg: Any) -> None:
    signer = LocalSigner.generate(alg)
    found = verify_status_list(sign_status_list(listed(), signer), signer.public, URI)
    assert found == listed()
    assert [found.status(index) for index in range(6)] == STATUSES


@given(st.lists(st.sampled_from(Status), max_size=70))
def test_any_statuses_round_trip(statuses: list[Status]) -> None:
    found = verified(sign_status_list(listed(statuses), SIGNER))
    assert [found.status(index) for index in range(found.count)] == statuses


def test_the_same_list_has_the_same_bytes() -> None:
    assert sign_status_list(listed(), SIGNER) == sign_status_list(listed(), SIGNER)


def test_bits_are_packed_as_in_the_draft() -> None:
    """draft-ietf-oauth-status-list §4.1, second example."""
    statuses = [Status(value) for value in (1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3)]
    assert pack(statuses) == bytes.fromhex("c944f9")
    assert zlib.decompress(bytes.fromhex("78da3be9f2130003df0207")) == bytes.fromhex("c944f9")


def test_another_implementation_reads_the_token() -> None:
    """The independent library cwt verifies the signature and reads the claims of the draft where it puts them."""
    key = cwt.COSEKey.new({1: 1, -1: 6, -2: SIGNER.public.raw, 3: -8, 2: SIGNER.public.kid})
    token = sign_status_list(listed(), SIGNER)
    protected, _, payload = cwt.COSE.new().decode_with_headers(token, key)
    claims = cbor2.loads(payload)
    assert protected[16] == "application/statuslist+cwt"
    assert (claims[2], claims[6], claims[4], claims[65534]) == (URI, ISSUED, ISSUED + 7 * DAY, 2 * DAY)
    assert claims[65533] == {"bits": 2, "lst": zlib.compress(pack(STATUSES), 9)}
    assert claims[-65537] == {"count": 6, "origin": "log.example/films", "root": bytes(range(32)), "size": 42}
    assert token[0] == 0xD2, "tagged COSE_Sign1, and not tagged as CWT (draft §5.2)"


def test_a_full_list_of_a_million_fits() -> None:
    rng = hashlib.shake_256(b"full list").digest(status_list.MAX_STATUSES // 4)
    full = listed(count=status_list.MAX_STATUSES, packed=rng)
    token = sign_status_list(full, SIGNER)
    assert len(token) < status_list.MAX_TOKEN_BYTES
    assert verified(token) == full


# --- attacks ------------------------------------------------------------------


def claims_of(found: StatusList) -> dict[Any, Any]:
    claims: dict[Any, Any] = cbor2.loads(cose.parse_sign1(sign_status_list(found, SIGNER)).payload or b"")
    return claims


def signed(claims: Any, header: dict[Any, Any] | None = None, **more: Any) -> bytes:
    """A token by the real status key over whatever claims."""
    payload = claims if isinstance(claims, bytes) else cose.dump(claims)
    protected = {cose.KID: SIGNER.public.kid, cose.TYPE: status_list.MEDIA_TYPE} if header is None else header
    return cose.sign1(SIGNER, protected, payload, **more)


def altered(key: Any, value: Any) -> Callable[[], bytes]:
    return lambda: signed({**claims_of(listed()), key: value})


def without(key: Any) -> Callable[[], bytes]:
    return lambda: signed({name: value for name, value in claims_of(listed()).items() if name != key})


def log_claim(**changes: Any) -> Callable[[], bytes]:
    return lambda: signed({**(claims := claims_of(listed())), -65537: {**claims[-65537], **changes}})


def lst(data: Any, bits: Any = 2, **more: Any) -> Callable[[], bytes]:
    return altered(65533, {"bits": bits, "lst": data, **more})


HEADER = {cose.KID: SIGNER.public.kid, cose.TYPE: status_list.MEDIA_TYPE}
PACKED = pack(STATUSES)

MALFORMED: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "not CBOR"),
    "not COSE": (lambda: cose.dump({"status": 1}), "expected CBOR tag 18"),
    "tagged as CWT too": (
        lambda: cose.dump(cbor2.CBORTag(61, cbor2.loads(sign_status_list(listed(), SIGNER)))),
        "expected CBOR tag 18",
    ),
    "a MAC, not a signature": (lambda: cose.dump(cbor2.CBORTag(17, [b"", {}, b"", b""])), "expected CBOR tag 18"),
    "bytes after it": (lambda: sign_status_list(listed(), SIGNER) + b"\0", "not deterministic|not CBOR"),
    "too long": (lambda: bytes(status_list.MAX_TOKEN_BYTES + 1), "at most 400000 are read"),
    "detached payload": (lambda: signed(claims_of(listed()), detached=True), "must be attached"),
    "unprotected header": (lambda: signed(claims_of(listed()), unprotected={4: b"12"}), "must be empty"),
    "no type": (lambda: signed(claims_of(listed()), {cose.KID: SIGNER.public.kid}), "expected 1, 4 and 16"),
    "a crit header": (lambda: signed(claims_of(listed()), {**HEADER, 2: [16]}), "expected 1, 4 and 16"),
    "another type": (
        lambda: signed(claims_of(listed()), {**HEADER, cose.TYPE: "application/cwt"}),
        "the type of the token is 'application/cwt'",
    ),
    "type as a number": (lambda: signed(claims_of(listed()), {**HEADER, cose.TYPE: 61}), "the type of the token is"),
    "short key id": (lambda: signed(claims_of(listed()), {**HEADER, cose.KID: b"12"}), "RFC 9679"),
    "claims are a list": (lambda: signed([1]), "the claims of the status list are not a map"),
    "claims are not CBOR": (lambda: signed(b"\xff"), "not CBOR"),
    "indefinite-length claims": (
        lambda: signed(b"\xbf" + cose.dump(claims_of(listed()))[1:] + b"\xff"),
        "not deterministic",
    ),
    "unsorted claims": (
        lambda: signed(cbor2.dumps(dict(reversed(claims_of(listed()).items())))),
        "not deterministic",
    ),
    "an integer longer than needed": (
        lambda: signed(cose.dump(claims_of(listed())).replace(b"\x02\x78", b"\x18\x02\x78", 1)),
        "not deterministic",
    ),
    "a claim twice": (
        lambda: signed(bytes([0xA7]) + cose.dump(claims_of(listed()))[1:] + b"\x02\x61a"),
        "not deterministic",
    ),
    "a float as claim key": (
        lambda: signed({**{k: v for k, v in claims_of(listed()).items() if k != 2}, 2.0: URI}),
        "a header label is neither",
    ),
    "an unknown claim": (altered(1, "issuer"), "expected -65537, 2, 4, 6, 65533, 65534"),
    "no expiry": (without(4), "the claims of the status list have keys"),
    "no log claim": (without(-65537), "the claims of the status list have keys"),
    "iat is a float": (altered(6, float(ISSUED)), "iat of the status list: expected an integer"),
    "iat is true": (altered(6, True), "iat of the status list: expected an integer"),
    "iat before 1970": (altered(6, -1), "iat of the status list"),
    "exp in the year 10000": (altered(4, 253402300800), "exp of the status list"),
    "exp at iat": (altered(4, ISSUED), "not after its issue"),
    "ttl of zero": (altered(65534, 0), "ttl of the status list"),
    "sub is bytes": (altered(2, URI.encode()), "sub of the status list"),
    "sub with a newline": (altered(2, URI + "\n"), "sub of the status list"),
    "long sub": (altered(2, "x" * 201), "sub of the status list"),
    "list is a list": (altered(65533, [2, b""]), "claim 65533 of the status list are not a map"),
    "aggregation uri": (lst(zlib.compress(PACKED, 9), aggregation_uri="x"), "expected bits, lst"),
    "one bit": (lst(zlib.compress(PACKED, 9), bits=1), "bits of the status list: expected 2, found 1"),
    "eight bits": (lst(zlib.compress(PACKED, 9), bits=8), "bits of the status list: expected 2, found 8"),
    "two as a float": (lst(zlib.compress(PACKED, 9), bits=2.0), "bits of the status list"),
    "lst is text": (lst("eNo76fITAAPfAgc"), "lst of the status list is not a byte string"),
    "lst is not compressed": (lst(PACKED), "is not zlib data"),
    "lst is raw deflate": (
        lst((c := zlib.compressobj(9, zlib.DEFLATED, -15)).compress(PACKED) + c.flush()),
        "is not zlib data",
    ),
    "lst is gzip": (lst((g := zlib.compressobj(9, zlib.DEFLATED, 31)).compress(PACKED) + g.flush()), "is not zlib"),
    "lst with a preset dictionary": (
        lst((d := zlib.compressobj(zdict=b"xx")).compress(PACKED) + d.flush()),
        "is not zlib data",
    ),
    "lst cut short": (lst(zlib.compress(PACKED, 9)[:-1]), "cut short"),
    "lst empty": (lst(b""), "cut short"),
    "lst with a wrong checksum": (lst(zlib.compress(PACKED, 9)[:-1] + b"\0"), "is not zlib data"),
    "bytes after lst": (lst(zlib.compress(PACKED, 9) + b"\0"), "or bytes follow it"),
    "two zlib streams": (lst(zlib.compress(PACKED, 9) * 2), "or bytes follow it"),
    "bomb": (lst(zlib.compress(bytes(64 << 20), 9)), "expands to more than 262144 bytes"),
    "one byte over a full list": (lst(zlib.compress(bytes(262_145), 9)), "expands to more than 262144 bytes"),
    "fewer statuses than counted": (log_claim(count=9), "9 statuses of the status list take 3 bytes, found 2"),
    "more statuses than counted": (log_claim(count=4), "4 statuses of the status list take 1 bytes, found 2"),
    "a status in the padding": (log_claim(count=5), "holds statuses after its 5"),
    "count over the maximum": (log_claim(count=(1 << 20) + 1), "count of the status list"),
    "size zero": (log_claim(size=0), "size of the status list"),
    "size as text": (log_claim(size="42"), "size of the status list"),
    "short root": (log_claim(root=bytes(31)), "root is not 32 bytes"),
    "no origin": (log_claim(origin=""), "origin of the status list"),
    "more about the log": (log_claim(time=1), "expected count, origin, root, size"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_although_the_real_key_signed_it(name: str) -> None:
    make, message = MALFORMED[name]
    with pytest.raises(MalformedInput, match=message):
        verified(make())


def test_nothing_is_decompressed_before_the_signature_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = MALFORMED["bomb"][0]()
    monkeypatch.setattr(zlib, "decompressobj", lambda: pytest.fail("decompressed unsigned data"))
    with pytest.raises(StatusRefused, match="the signature does not verify"):
        verified(bomb[:-1] + bytes([bomb[-1] ^ 1]))


def test_a_bomb_is_never_inflated_past_a_full_list(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []

    class Watched:
        def __init__(self) -> None:
            self._inner = real()

        def decompress(self, data: bytes, limit: int) -> bytes:
            taken.append(limit)
            return self._inner.decompress(data, limit)

    bomb, real = MALFORMED["bomb"][0](), zlib.decompressobj
    monkeypatch.setattr(zlib, "decompressobj", Watched)
    with pytest.raises(MalformedInput, match="expands to more"):
        verified(bomb)
    assert taken == [262_145]


def test_what_would_be_refused_is_not_signed() -> None:
    with pytest.raises(MalformedInput, match="not after its issue"):
        sign_status_list(listed(expires_at=ISSUED), SIGNER)
    with pytest.raises(MalformedInput, match="take 1 bytes"):
        sign_status_list(listed(count=4), SIGNER)


def test_another_key_is_refused() -> None:
    with pytest.raises(StatusRefused, match="the trusted status key is"):
        verified(sign_status_list(listed(), OTHER))


def test_another_key_under_our_key_id_is_refused() -> None:
    token = cose.sign1(OTHER, HEADER, cose.dump(claims_of(listed())))
    with pytest.raises(StatusRefused, match="the signature does not verify"):
        verified(token)


def test_another_algorithm_than_the_keys_is_refused() -> None:
    es256 = LocalSigner.generate("es256")
    token = cose.sign1(es256, HEADER, cose.dump(claims_of(listed())))
    with pytest.raises(StatusRefused, match="the header names algorithm -7"):
        verified(token)


def test_another_list_of_the_same_log_is_refused() -> None:
    token = sign_status_list(listed(uri="https://log.example/status/2"), SIGNER)
    with pytest.raises(StatusRefused, match="the licence points to https://log"):
        verified(token)


def test_no_bit_of_a_token_can_be_flipped() -> None:
    token = sign_status_list(listed(), SIGNER)
    for position in range(len(token)):
        for bit in range(8):
            bad = bytearray(token)
            bad[position] ^= 1 << bit
            with pytest.raises((MalformedInput, VerificationFailed)):
                verified(bytes(bad))


def test_no_token_cut_short_is_read() -> None:
    token = sign_status_list(listed(), SIGNER)
    for length in range(len(token)):
        with pytest.raises(MalformedInput):
            verified(token[:length])


@pytest.mark.parametrize("index", [-1, 6, 7, 8, 1 << 20])
def test_an_index_outside_the_list_has_no_status(index: int) -> None:
    """6 and 7 lie in the padding of the last byte, where the bits read *valid*."""
    with pytest.raises(StatusRefused, match="outside the list of 6"):
        listed().status(index)


# --- freshness ------------------------------------------------------------------

FRESH = FreshnessPolicy(max_age=DAY)


@pytest.mark.parametrize(
    ("changes", "policy", "until"),
    [
        ({}, FreshnessPolicy(max_age=DAY), DAY),
        ({}, FreshnessPolicy(max_age=30 * DAY), 2 * DAY),
        ({"ttl": 30 * DAY}, FreshnessPolicy(max_age=30 * DAY), 7 * DAY),
    ],
    ids=["the verifier's limit", "the list's lifetime", "the list's expiry"],
)
def test_the_nearest_limit_ends_freshness(changes: dict[str, int], policy: FreshnessPolicy, until: int) -> None:
    found = listed(**changes)
    found.check_fresh(ISSUED, policy)
    found.check_fresh(UnixSeconds(ISSUED + until - 1), policy)
    with pytest.raises(StatusStale, match="get a new one"):
        found.check_fresh(UnixSeconds(ISSUED + until), policy)


def test_a_list_from_the_future_is_refused() -> None:
    with pytest.raises(
        StatusFromFuture, match="2026-12-01T00:00:00Z, after the instant of the check, 2026-11-30T23:59:59Z"
    ):
        listed().check_fresh(UnixSeconds(ISSUED - 1), FRESH)
