"""No bit of a token may be changed unnoticed, but those that nobody signed and that say nothing here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.timestamp import MAX_TOKEN_BYTES, Authority, der, parse_token, verify_token
from tests.core.timestamp.forge import AUTHORITY, MESSAGE, Recipe, holder, token

ROOT = holder("root", None, AUTHORITY)
TSA = holder("tsa", ROOT)
STRANGER = holder("stranger", holder("strange root", None, AUTHORITY))
TRUSTED = (Authority("an authority", ROOT.der, True),)
RECIPE = Recipe(TSA, accuracy={"seconds": 1, "millis": 5}, ordering=True, tsa=TSA.certificate.subject)
GOOD = token(RECIPE)
FACT = verify_token(GOOD, MESSAGE, TRUSTED)


def accepted(data: bytes) -> bool:
    """Whether it is still accepted; what is accepted says the same."""
    try:
        assert verify_token(data, MESSAGE, TRUSTED) == FACT
    except (MalformedInput, VerificationFailed):
        return False
    return True


def flips(data: bytes, bits: range = range(8)) -> Iterator[tuple[int, bytes]]:
    for at in range(len(data)):
        for bit in bits:
            changed = bytearray(data)
            changed[at] ^= 1 << (at + bit) % 8
            yield at, bytes(changed)


def test_a_bit_of_every_byte() -> None:
    assert [at for at, changed in flips(GOOD, range(1)) if accepted(changed)] == []


@pytest.mark.exhaustive
def test_every_bit() -> None:
    assert [at for at, changed in flips(GOOD) if accepted(changed)] == []


@pytest.mark.parametrize("bits", [range(1), pytest.param(range(8), marks=pytest.mark.exhaustive)], ids=["one", "all"])
def test_where_strangers_stand_beside(bits: range) -> None:
    """What stays accepted: bits inside certificates of no path, and inside unsigned attributes. Both say nothing."""
    unsigned = b"unsigned words"
    data = token(replace(RECIPE, certificates=(TSA.der, STRANGER.der), unsigned=unsigned))
    assert accepted(data)
    begin = data.index(STRANGER.der)
    said = range(data.index(unsigned), len(data))
    assert data[said.stop - len(unsigned) :] == unsigned
    # The length of the unsigned attributes as a whole is held, what is in them is not looked at.
    free = {*range(begin, begin + len(STRANGER.der)), *range(data.rindex(b"\xa1\x19") + 2, len(data))}
    kept = {at for at, changed in flips(data, bits) if accepted(changed)}
    assert set(said) <= kept <= free


def test_every_end() -> None:
    assert not any(accepted(GOOD[:length]) for length in range(len(GOOD)))


@pytest.mark.parametrize("more", [b"\x00", b"\x05\x00", GOOD], ids=["a byte", "a value", "another token"])
def test_what_follows(more: bytes) -> None:
    with pytest.raises(MalformedInput, match="bytes more than its fields"):
        verify_token(GOOD + more, MESSAGE, TRUSTED)


def test_oversize() -> None:
    with pytest.raises(MalformedInput, match="at most 65536 are read"):
        parse_token(bytes(MAX_TOKEN_BYTES + 1))
    many = token(replace(RECIPE, certificates=(TSA.der, *[STRANGER.der] * 32)))
    with pytest.raises(MalformedInput, match="certificates"):
        parse_token(many)


def indefinite(data: bytes) -> bytes:
    """The same value as BER allows it: of indefinite length."""
    return data[:1] + b"\x80" + der.single(data, data[0], "it").content + b"\x00\x00"


def padded(data: bytes) -> bytes:
    """The same value with a length of more bytes than it needs."""
    content = der.single(data, data[0], "it").content
    return data[:1] + b"\x84" + len(content).to_bytes(4, "big") + content


@pytest.mark.parametrize("change", [indefinite, padded])
def test_the_same_value_in_another_form_is_another_value(change: object) -> None:
    assert callable(change)
    with pytest.raises(MalformedInput):
        verify_token(change(GOOD), MESSAGE, TRUSTED)
    # Inside what is signed too: by a signer who signs such a form.
    with pytest.raises(MalformedInput):
        verify_token(token(replace(RECIPE, edit_info=change)), MESSAGE, TRUSTED)


def reversed_set(data: bytes) -> bytes:
    values = [one.whole for one in der.members(der.single(data, der.SET, "it").content, "it", 9)]
    body = b"".join(reversed(values))
    return data[: len(data) - len(body)] + body


def test_signed_attributes_in_another_order() -> None:
    with pytest.raises(MalformedInput, match="one order"):
        verify_token(token(replace(RECIPE, edit_signed=reversed_set)), MESSAGE, TRUSTED)


INTEGERS = [b"", b"\x00\x01", b"\x00\x7f", b"\xff\x80", b"\xff\xff", bytes(22)]
OIDS = [b"", b"\x80\x01", b"\x2a\x80\x01", b"\x2a\x86", b"\x2a" * 65]


@pytest.mark.parametrize("content", INTEGERS, ids=bytes.hex)
def test_integers_of_another_form(content: bytes) -> None:
    with pytest.raises(MalformedInput):
        der.integer(content, "it")


@pytest.mark.parametrize("content", OIDS, ids=lambda content: content.hex()[:8])
def test_object_identifiers_of_another_form(content: bytes) -> None:
    with pytest.raises(MalformedInput):
        der.oid(content, "it")


@pytest.mark.parametrize("content", [b"", b"\x00", b"\x01", b"\xff\xff"], ids=bytes.hex)
def test_truth_has_one_form(content: bytes) -> None:
    with pytest.raises(MalformedInput):
        der.truth(content, "it")


@pytest.mark.parametrize("data", [b"\x1f\x01\x00", b"\x30\x81\x7f" + bytes(127), b"\x30\x84\x00\x00\x00\x80", b"\x30"])
def test_tags_and_lengths_of_another_form(data: bytes) -> None:
    with pytest.raises(MalformedInput):
        der.Fields(data, "it").next()


@given(st.binary(max_size=200))
def test_anything(data: bytes) -> None:
    with pytest.raises(MalformedInput):
        parse_token(data)


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 20), st.binary(max_size=20))
def test_any_piece_for_another(at: int, length: int, instead: bytes) -> None:
    changed = GOOD[:at] + instead + GOOD[at + length :]
    assert changed == GOOD or not accepted(changed)
