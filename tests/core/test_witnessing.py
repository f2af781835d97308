"""The body of ``add-checkpoint`` and its answers: one text for each request, everything else is malformed."""

from __future__ import annotations

import pytest

from tallystick.base64s import to_base64
from tallystick.checkpoint import Checkpoint
from tallystick.cosignature import Ed25519Cosigner, cosign_ed25519, cosign_ml_dsa
from tallystick.errors import MalformedInput
from tallystick.note import Note, parse_note, sign_ed25519
from tallystick.witnessing import (
    MAX_ANSWER_BYTES,
    MAX_REQUEST_BYTES,
    AddCheckpoint,
    encode_cosignatures,
    encode_size,
    parse_add_checkpoint,
    parse_cosignatures,
    parse_size_answer,
)
from tests.world import key_from

HASHES = tuple(bytes([one]) * 32 for one in range(63))
LOG = key_from("log of somebody")
TEXT = Checkpoint("example.com/behind-the-sofa", 20852163, bytes(32)).body()
NOTE = Note(TEXT, (sign_ed25519(TEXT, "example.com/behind-the-sofa", LOG),))

# As the specification shows it.
EXAMPLE = """\
old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
""".encode()  # noqa: E501 (lines of the specification)


def test_the_example_of_the_specification() -> None:
    found = parse_add_checkpoint(EXAMPLE)
    assert found.old_size == 20852014
    assert len(found.proof) == 4
    assert len(found.note.signatures) == 2
    assert found.encode() == EXAMPLE


@pytest.mark.parametrize("count", [0, 1, 63])
@pytest.mark.parametrize("old", [0, 1, 20852163, 1 << 63])
def test_round_trips(old: int, count: int) -> None:
    request = AddCheckpoint(old, HASHES[:count], NOTE)
    assert parse_add_checkpoint(request.encode()) == request


HASH = to_base64(HASHES[7])
LINES = NOTE.encode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "old 5\n",
        f"old 5\n{HASH}\n",
        f"old 5\n{LINES}",  # no blank line: the first line of the checkpoint is no hash
        f"old\n\n{LINES}",
        f"old \n\n{LINES}",
        f"old  5\n\n{LINES}",
        f"old 5 \n\n{LINES}",
        f"old +5\n\n{LINES}",
        f"old -5\n\n{LINES}",
        f"old 05\n\n{LINES}",
        f"old 00\n\n{LINES}",
        f"old 5_0\n\n{LINES}",
        f"old 0x5\n\n{LINES}",
        f"old ٥\n\n{LINES}",
        f"old {(1 << 63) + 1}\n\n{LINES}",
        f"old {10**30}\n\n{LINES}",
        f"Old 5\n\n{LINES}",
        f"old 5\r\n\r\n{LINES}",
        f"old 5\n{HASH}\r\n\n{LINES}",
        f"old 5\n {HASH}\n\n{LINES}",
        f"old 5\n{HASH[:-1]}\n\n{LINES}",
        f"old 5\n{to_base64(bytes(31))}\n\n{LINES}",
        f"old 5\n{to_base64(bytes(33))}\n\n{LINES}",
        f"old 5\n{HASH[:-2]}B=\n\n{LINES}",  # stray bits
        f"old 5\n{HASH.replace('=', '')}\n\n{LINES}",
        f"old 5\nold 5\n\n{LINES}",
        "old 5\n\n" + TEXT,
        "old 5\n\n" + TEXT + "\n",
        f"old 5\n\n{LINES}\n",
        f"old 5\n\n{LINES[:-1]}",
        f"\nold 5\n\n{LINES}",
        f"old 5\n{chr(10).join([HASH] * 64)}\n\n{LINES}",
    ],
)
def test_another_text_is_malformed(text: str) -> None:
    with pytest.raises(MalformedInput):
        parse_add_checkpoint(text.encode())


def test_a_request_that_is_too_long_is_not_looked_at() -> None:
    with pytest.raises(MalformedInput, match="at most 131072 are read"):
        parse_add_checkpoint(b"old 5\n\n" + bytes(MAX_REQUEST_BYTES))


def test_the_longest_honest_request_fits() -> None:
    lines = [cosign_ml_dsa(TEXT, f"witness.example/{one}", key_from("w", "ml-dsa-44"), 1) for one in range(16)]
    request = AddCheckpoint((1 << 63) - 1, HASHES, Note(TEXT, (*NOTE.signatures, *lines)))
    assert len(request.encode()) < MAX_REQUEST_BYTES * 3 // 4
    assert parse_add_checkpoint(request.encode()) == request


def test_sizes() -> None:
    for size in (0, 7, 1 << 63):
        assert parse_size_answer(encode_size(size)) == size
    for data in (b"", b"7", b"07\n", b"+7\n", b"7\n\n", b"7\n7\n", b" 7\n", b"7 \n", b"7\r\n", b"\xff\n", b"9" * 99):
        with pytest.raises(MalformedInput):
            parse_size_answer(data)


ED = Ed25519Cosigner("witness.example/w1", key_from("w1").public)
COSIGNATURES = (
    cosign_ed25519(TEXT, ED.name, key_from("w1"), 1_769_904_000),
    cosign_ml_dsa(TEXT, "witness.example/w2", key_from("w2", "ml-dsa-44"), 1_769_904_000),
)


def test_cosignature_lines() -> None:
    body = encode_cosignatures(COSIGNATURES)
    assert parse_cosignatures(body, TEXT) == COSIGNATURES
    # "The client MAY concatenate it to the checkpoint."
    assert parse_note(NOTE.encode().encode() + body).signatures == (*NOTE.signatures, *COSIGNATURES)


@pytest.mark.parametrize("data", [b"", b"\n", b"ok\n", "— w AAAA\n".encode(), b"\xff\xfe"])
def test_malformed_answers(data: bytes) -> None:
    with pytest.raises(MalformedInput):
        parse_cosignatures(data, TEXT)


def test_an_answer_cannot_be_another_note() -> None:
    """An empty line in the answer would make the checkpoint's text end elsewhere."""
    good = encode_cosignatures(COSIGNATURES)
    for data in (b"more\n\n" + good, b"\n" + good, good + b"\n" + good, good[:-1], bytes(MAX_ANSWER_BYTES + 1)):
        with pytest.raises(MalformedInput):
            parse_cosignatures(data, TEXT)


def test_the_ed25519_line_as_the_specification_lays_it_out() -> None:
    made = COSIGNATURES[0]
    assert made.key_id == ED.key_id
    ED.verify(TEXT, made.signature)
    key_from("w1").public.verify(f"cosignature/v1\ntime 1769904000\n{TEXT}".encode(), made.signature[8:])
    with pytest.raises(MalformedInput):
        cosign_ed25519("hello\n", ED.name, key_from("w1"), 1)
