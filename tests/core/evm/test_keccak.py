from __future__ import annotations

import random

import pytest
from Crypto.Hash import keccak as pycryptodome
from hypothesis import given
from hypothesis import strategies as st

from tallystick.evm import conviction, eip712, keccak, registry
from tallystick.evm.keccak import RATE, keccak256, keccak256_many, reckoned_by, reckoned_together

# The Keccak team's own vector for the empty string, and well-known Ethereum values.
VECTORS = {
    b"": "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
    b"abc": "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45",
    b"Transfer(address,address,uint256)": "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef",
    b"\x80": "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421",
    b"\xc0": "1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347",
}


def oracle(data: bytes) -> bytes:
    return bytes(pycryptodome.new(digest_bits=256, data=data).digest())


@pytest.mark.parametrize("data", VECTORS)
def test_known_values(data: bytes) -> None:
    assert keccak256(data).hex() == VECTORS[data]


def test_every_length_up_to_three_blocks() -> None:
    chance = random.Random(1)
    for length in range(3 * RATE + 2):
        data = chance.randbytes(length)
        assert keccak256(data) == oracle(data), length


def test_lanes_of_all_ones_and_a_long_message() -> None:
    for data in (b"\xff" * RATE, b"\xff" * (RATE - 1), bytes(RATE), b"tallystick" * 1000):
        assert keccak256(data) == oracle(data)


@given(st.lists(st.binary(max_size=3 * RATE) | st.sampled_from([b"\xff" * n for n in (1, RATE - 1, RATE)]), max_size=9))
def test_messages_side_by_side(messages: list[bytes]) -> None:
    assert keccak256_many(messages) == [oracle(message) for message in messages]


def test_a_long_message_goes_on_when_its_neighbours_have_ended() -> None:
    """All ones: what a neighbour leaves behind, or moves over its edge, would show."""
    messages = [b"\xff" * length for length in (0, 5 * RATE, RATE - 1, 3 * RATE + 7, RATE, 5 * RATE, 2 * RATE)] * 10
    assert keccak256_many(messages) == [oracle(message) for message in messages]


def test_more_messages_than_go_abreast() -> None:
    messages = [bytes([at]) * (at * 5) for at in range(2 * keccak._ABREAST + 1)]
    assert keccak256_many(messages) == [oracle(message) for message in messages]


def test_what_is_reckoned_together_is_at_hand_and_nothing_else_changes() -> None:
    with reckoned_together(lambda: [b"abc", b"", b"abc"]):
        assert [keccak256(data).hex() for data in VECTORS] == list(VECTORS.values())
        with reckoned_together(lambda: [b"\x80", b"abc"]):
            assert [keccak256(data).hex() for data in VECTORS] == list(VECTORS.values())
    assert [keccak256(data).hex() for data in VECTORS] == list(VECTORS.values())


def test_what_is_reckoned_together_is_reckoned_once(monkeypatch: pytest.MonkeyPatch) -> None:
    permuted: list[int] = []
    once = keccak._permute
    monkeypatch.setattr(keccak, "_permute", lambda state, ones: permuted.append(ones.bit_count()) or once(state, ones))
    with reckoned_together(lambda: [b"a" * RATE, b"b", b"c"], lambda: [keccak256(b"b"), keccak256(b"c")]):
        assert permuted == [3, 1, 2]
        assert keccak256(oracle(b"c")) == oracle(oracle(b"c"))
        assert keccak256(b"c") + keccak256(b"a" * RATE) + keccak256(b"b") == b"".join(
            map(oracle, (b"c", b"a" * RATE, b"b"))
        )
        with reckoned_together(lambda: [b"c"]):
            assert keccak256(b"b") == oracle(b"b")
        assert permuted == [3, 1, 2]
        assert keccak256(b"d") == oracle(b"d")
    assert permuted == [3, 1, 2, 1]


def test_whoever_has_another_at_hand_reckons_nothing_beforehand() -> None:
    asked: list[bytes] = []
    with reckoned_by(lambda data: asked.append(data) or oracle(data)), reckoned_together(lambda: [b"abc", b""]):
        assert asked == []
        assert keccak256(b"abc").hex() == VECTORS[b"abc"]
    assert asked == [b"abc"]


def test_the_constants_that_are_written_out() -> None:
    domain = (b"EIP712Domain(string name,string version)", b"tallystick", b"1")
    names = {
        registry.ANCHORED_TOPIC: b"Anchored(bytes32,uint64,bytes32,address)",
        registry.ROTATED_TOPIC: b"AuthorityRotated(bytes32,uint64,bytes32,address,address)",
        conviction.CONVICTED_TOPIC: b"Convicted(bytes32,address,bytes32,uint64,bytes32,uint64,bytes32)",
        eip712.CHECKPOINT_TYPE_HASH: b"Checkpoint(bytes32 origin,uint64 size,bytes32 root)",
        eip712.ROTATION_TYPE_HASH: b"Rotation(bytes32 log,uint64 size,bytes32 root,address successor)",
        eip712.DOMAIN_SEPARATOR: b"".join(map(oracle, domain)),
    }
    for value, of in names.items():
        assert value == oracle(of), of


def test_another_reckons_only_within() -> None:
    asked: list[bytes] = []

    def other(data: bytes) -> bytes:
        asked.append(data)
        return oracle(data)

    with reckoned_by(other):
        assert keccak256(b"abc").hex() == VECTORS[b"abc"]
    with pytest.raises(ZeroDivisionError), reckoned_by(other):
        raise ZeroDivisionError
    assert keccak256(b"").hex() == VECTORS[b""]
    assert asked == [b"abc"]
