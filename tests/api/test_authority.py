"""The log's authority by libsecp256k1: byte for byte what the core signs, and nothing that does not verify."""

from __future__ import annotations

import coincurve
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.authority import QuickAuthority
from fixtures.keys import signer
from tallystick.errors import MalformedInput
from tallystick.evm import secp256k1
from tallystick.evm.secp256k1 import N, recover, remember, sign_digest

KEY = signer("authority", "es256k")
QUICK = QuickAuthority(KEY)
EDGES = [1, 2, N // 2, N - 1]


def reckoned(digest: bytes, signature: bytes) -> bytes:
    """By the core alone, which remembers nothing."""
    secp256k1._kept.clear()
    return recover(digest, signature)


@given(st.binary(min_size=32, max_size=32))
def test_the_bytes_are_those_of_the_core(digest: bytes) -> None:
    signature = QUICK.sign_digest(digest)
    if int.from_bytes(digest, "big") < N:
        # Beyond, RFC 6979 reduces what the library takes as it is: another signature, and as good a one.
        assert signature == sign_digest(KEY.private, digest)
    assert reckoned(digest, signature) == KEY.public.raw


@pytest.mark.parametrize("number", EDGES)
def test_digests_at_the_edges(number: int) -> None:
    digest = number.to_bytes(32, "big")
    assert QUICK.sign_digest(digest) == sign_digest(KEY.private, digest)


@pytest.mark.parametrize("number", [N, N + 1, (1 << 256) - 1])
def test_digests_beyond_the_order_verify(number: int) -> None:
    digest = number.to_bytes(32, "big")
    assert reckoned(digest, QUICK.sign_digest(digest)) == KEY.public.raw


@pytest.mark.parametrize("at", [0, 31, 32, 63, 64])
def test_a_faulty_signature_does_not_leave(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    digest = bytes(range(32))
    good = coincurve.PrivateKey.sign_recoverable

    def faulty(self: coincurve.PrivateKey, message: bytes, hasher: None) -> bytes:
        made = bytearray(good(self, message, hasher))
        made[at] ^= 1
        return bytes(made)

    secp256k1._kept.clear()
    monkeypatch.setattr(coincurve.PrivateKey, "sign_recoverable", faulty)
    with pytest.raises(RuntimeError, match="does not verify"):
        QUICK.sign_digest(digest)
    assert secp256k1._kept == {}


def test_a_key_of_another_kind_is_refused() -> None:
    with pytest.raises(MalformedInput, match="es256k"):
        QuickAuthority(signer("log"))


def test_what_is_remembered_is_asked_for_by_all_of_the_signature() -> None:
    digest = bytes(range(32))
    signature, other = QUICK.sign_digest(digest), signer("other authority", "es256k").public.raw
    assert recover(bytes(32), signature) != KEY.public.raw
    remember(digest, signature, other)
    assert recover(digest, signature) == other
    assert reckoned(digest, signature) == KEY.public.raw
