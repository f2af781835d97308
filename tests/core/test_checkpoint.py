"""Checkpoint bodies: the example of the specification, and Python's generous ``int``."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.base64s import to_base64
from tallystick.checkpoint import Checkpoint, parse_body
from tallystick.errors import MalformedInput
from tallystick.note import parse_note

# C2SP tlog-checkpoint.
EXAMPLE = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeM"
    "cTOAYQ8=\n"
)
ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="


def test_the_example_of_the_specification() -> None:
    note = parse_note(EXAMPLE.encode())
    found = parse_body(note.text)
    assert (found.origin, found.size, to_base64(found.root)) == ("example.com/behind-the-sofa", 20852163, ROOT)
    assert found.body() == note.text
    assert note.encode() == EXAMPLE
    assert [one.name for one in note.signatures] == ["example.com/behind-the-sofa"]


@given(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), min_size=1), st.integers(0, 2**63))
def test_round_trip(origin: str, size: int) -> None:
    made = Checkpoint(origin, size, hashlib.sha256(origin.encode()).digest())
    assert parse_body(made.body()) == made


SIZES = [
    "", " ", "+1", "-1", "-0", "01", "00", "1_0", " 1", "1 ", " +1_0 ", "1.0", "1e3", "0x10", "0b1", "1\r", "1\t", "١٢",
    "１２", "²", "1\u00a0", "None", "True", str(2**63 + 1), str(2**64), "9" * 19, "9" * 20, "9" * 5000, "1,000",
]  # fmt: skip


@pytest.mark.parametrize("size", SIZES, ids=lambda size: size[:24])
def test_sizes_that_python_might_read(size: str) -> None:
    with pytest.raises(MalformedInput, match="is not a tree size"):
        parse_body(f"origin\n{size}\n{ROOT}\n")


def test_sizes_at_the_edges() -> None:
    for size in (0, 1, 9, 10, 2**63):
        assert parse_body(f"origin\n{size}\n{ROOT}\n").size == size


BODIES = {
    "nothing": "",
    "no final newline": f"origin\n1\n{ROOT}",
    "an extension line": f"origin\n1\n{ROOT}\nextension\n",
    "an empty fourth line": f"origin\n1\n{ROOT}\n\n",
    "a fourth line that does not end": f"origin\n1\n{ROOT}\nx",
    "two lines": "origin\n1\n",
    "an empty origin": f"\n1\n{ROOT}\n",
    "root of 31 bytes": f"origin\n1\n{to_base64(bytes(31))}\n",
    "root of 33 bytes": f"origin\n1\n{to_base64(bytes(33))}\n",
    "no root": "origin\n1\n\n",
    "root without padding": f"origin\n1\n{ROOT[:-1]}\n",
    "root with stray bits": f"origin\n1\n{ROOT[:-2]}J=\n",
    "root in hex": f"origin\n1\n{'00' * 32}\n",
    "root with a space": f"origin\n1\n{ROOT} \n",
    "carriage returns": f"origin\r\n1\r\n{ROOT}\r\n",
    "lines swapped": f"1\norigin\n{ROOT}\n",
}


@pytest.mark.parametrize("name", BODIES)
def test_other_bodies_are_malformed(name: str) -> None:
    with pytest.raises(MalformedInput):
        parse_body(BODIES[name])


@given(st.text(max_size=40) | st.text("ab01\n+=/", max_size=60))
def test_any_text_is_a_body_or_malformed(text: str) -> None:
    try:
        assert parse_body(text).body() == text
    except MalformedInput:
        return
