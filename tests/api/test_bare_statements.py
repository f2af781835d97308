"""Batches of nothing but statements are read in one go: what that takes the plain way reads the same."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

import pytest

from api.batches import reading
from api.batches.reading import MAX_ITEMS, SignedStatement, read_batch, read_statement, statements_in
from tallystick.base64s import to_base64

GOOD = [to_base64(bytes(range(count))) for count in (0, 1, 2, 3, 64, 255)]


def plainly(body: bytes) -> list[SignedStatement] | None:
    return read_batch(reading._value_in(body), "statements", read_statement)


def batch(*texts: str, write: Callable[[object], str] = json.dumps) -> bytes:
    return write({"statements": [{"statement": text} for text in texts]}).encode()


@pytest.mark.parametrize("count", [1, 2, MAX_ITEMS])
@pytest.mark.parametrize("indent", [None, 2])
def test_good_ones_are_read_at_once(count: int, indent: int | None) -> None:
    texts = [GOOD[at % len(GOOD)] for at in range(count)]
    body = batch(*texts, write=lambda value: json.dumps(value, indent=indent))
    assert reading._bare_statements(body) == plainly(body) == statements_in(body)
    assert len(statements_in(body) or ()) == count


ODD = {
    "stray bits": b'{"statements":[{"statement":"AB=="}]}',
    "stray bits, and the true ones elsewhere": b'{"statements":[{"statement":"AB=="},{"statement":"AA=="}]}',
    "stray bits, and the true ones before": b'{"statements":[{"statement":"AA=="},{"statement":"AB=="}]}',
    "stray bits, and the true ones before and after": (
        b'{"statements":[{"statement":"AA=="},{"statement":"AB=="},{"statement":"AA=="}]}'
    ),
    "no padding": b'{"statements":[{"statement":"AA"}]}',
    "too much padding": b'{"statements":[{"statement":"AAAA===="}]}',
    "padding within": b'{"statements":[{"statement":"AA==AAAA"}]}',
    "a space": b'{"statements":[{"statement":"AA A"}]}',
    "a line": b'{"statements":[{"statement":"AAAA\n"}]}',
    "the other alphabet": b'{"statements":[{"statement":"-_-_"}]}',
    "an escape": b'{"statements":[{"statement":"\\u0041AAA"}]}',
    "an escaped slash": b'{"statements":[{"statement":"A\\/AA"}]}',
    "twice": b'{"statements":[{"statement":"AAAA","statement":"AAAB"}]}',
    "twice the same": b'{"statements":[{"statement":"AAAA","statement":"AAAA"}]}',
    "the list twice": b'{"statements":[{"statement":"AAAA"}],"statements":[{"statement":"AAAA"}]}',
    "an empty list before": b'{"statements":[],"statements":[{"statement":"AAAA"}]}',
    "disclosures": b'{"statements":[{"statement":"AAAA","disclosures":["x"]}]}',
    "disclosures, none": b'{"statements":[{"statement":"AAAA","disclosures":[]}]}',
    "disclosures alone": b'{"statements":[{"disclosures":[]}]}',
    "another field": b'{"statements":[{"statement":"AAAA","x":1}]}',
    "another beside the list": b'{"statements":[{"statement":"AAAA"}],"x":1}',
    "null": b'{"statements":[{"statement":null}]}',
    "a number": b'{"statements":[{"statement":1}]}',
    "a list": b'{"statements":[["AAAA"]]}',
    "a list for the whole": b'[[["AAAA"]]]',
    "nothing": b'{"statements":[]}',
    "too many": batch(*["AAAA"] * (MAX_ITEMS + 1)),
    "more behind": b'{"statements":[{"statement":"AAAA"}]} {}',
    "a comma too many": b'{"statements":[{"statement":"AAAA"},]}',
    "not ASCII": '{"statements":[{"statement":"AAAé"}]}'.encode(),
    "a mark of order": b'\xef\xbb\xbf{"statements":[{"statement":"AAAA"}]}',
    "UTF-16": '{"statements":[{"statement":"AAAA"}]}'.encode("utf-16"),
    "a name that is base64": b'{"statements":[{"statement":"statemen"}],"statemen":"AAAA"}',
    "nothing at all": b"",
}


@pytest.mark.parametrize("what", ODD)
def test_odd_ones_are_left_to_the_plain_way(what: str) -> None:
    assert reading._bare_statements(ODD[what]) is None
    assert statements_in(ODD[what]) == plainly(ODD[what])


PIECES = [b"", b'"', b"=", b"A", b"\\", b",", b" ", b"}", b"\n", b"\x00"]


def test_bytes_changed_by_chance() -> None:
    chance = random.Random("bare")
    taken = 0
    for _ in range(6000):
        body = bytearray(batch(*(chance.choice(GOOD) for _ in range(chance.randrange(1, 4)))))
        for _ in range(chance.choice((1, 1, 2, 3))):
            at = chance.randrange(len(body))
            piece = chance.choice(
                [b"", b'"', b"=", b"A", b"\\", b",", b" ", b"}", b"\n", b"\x00", body[: chance.randrange(30)]]
            )
            body[at : at + chance.randrange(3)] = piece
        found, plain = reading._bare_statements(bytes(body)), plainly(bytes(body))
        assert found is None or found == plain
        assert statements_in(bytes(body)) == plain
        taken += found is not None
    assert 100 < taken < 5000
