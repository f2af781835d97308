"""An order's text is walked and decoded licence by licence: as json reads it, or not at all, and never all at once."""

from __future__ import annotations

import hashlib
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.orders import reading, service
from api.orders.reading import MAX_MEMBER_BYTES, MAX_MEMBERS, MAX_VALUE_BYTES, OrderText
from tallystick import canonical
from tallystick.errors import MalformedInput
from tallystick.schema import FieldError

MOST = 10
KEYS = st.text(st.characters(max_codepoint=127), max_size=6)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 53) + 1, (1 << 53) - 1) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from(["order", "disclose", "more", "a"]), VALUES, max_size=4)


@settings(max_examples=150, deadline=None)
@given(OBJECTS, st.lists(VALUES, max_size=MOST), st.booleans(), st.sampled_from([None, 1]), st.booleans())
def test_it_says_what_json_says(
    members: dict[str, Any], items: list[Any], first: bool, indent: int | None, plain: bool
) -> None:
    whole = {"grants": items, **members} if first else {**members, "grants": items}
    text = OrderText(json.dumps(whole, indent=indent, ensure_ascii=plain).encode(), "grants", MOST)
    assert (text.members, list(text.values())) == (members, items)
    assert list(text.values()) == items


REFUSED = {
    "nothing": b"",
    "a list": b"[]",
    "no end": b'{"grants":[1',
    "no colon": b'{"grants" [1]}',
    "no comma in the object": b'{"a":1 "grants":[]}',
    "no comma in the list": b'{"grants":[1 2]}',
    "a comma too many": b'{"grants":[1,]}',
    "a comma first": b'{,"grants":[]}',
    "a name that is no text": b'{1:2,"grants":[]}',
    "a name twice": b'{"a":1,"a":2}',
    "the items twice": b'{"grants":[],"grants":[]}',
    "the items twice, once as no list": b'{"grants":[],"grants":1}',
    "something behind": b'{"grants":[]}{}',
    "no UTF-8": b'{"grants":["\xff"]}',
    "half a character": b'{"grants":["\xe6"]}',
    "a key twice in an item": b'{"grants":[{"a":1,"a":2}]}',
    "a fraction": b'{"grants":[1.5]}',
    "deeper than can be read": b'{"grants":[' + b"[" * 100_000 + b"]" * 100_000 + b"]}",
    "many members": json.dumps({str(n): n for n in range(MAX_MEMBERS + 1)}).encode(),
    "a long value": b'{"grants":["' + b"x" * MAX_VALUE_BYTES + b'"]}',
    "a long member": b'{"a":"' + b"x" * MAX_MEMBER_BYTES + b'"}',
    "a long name": b'{"' + b"x" * MAX_MEMBER_BYTES + b'":1}',
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_order(name: str) -> None:
    with pytest.raises(MalformedInput):
        list(OrderText(REFUSED[name], "grants", MOST).values())


def test_more_items_than_are_read() -> None:
    with pytest.raises(FieldError, match="at most 10 items") as caught:
        OrderText(json.dumps({"grants": [0] * (MOST + 1)}).encode(), "grants", MOST)
    assert caught.value.field == "grants"


def test_as_long_as_a_value_may_be() -> None:
    longest = "x" * (MAX_VALUE_BYTES - 2)
    text = OrderText(json.dumps({"grants": [longest, 1]}).encode(), "grants", MOST)
    assert [len(one) if isinstance(one, str) else one for one in text.values()] == [MAX_VALUE_BYTES - 2, 1]


def test_items_are_decoded_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[int] = []
    decode = canonical.decode_relaxed

    def counted(data: bytes, limit: int) -> Any:
        decoded.append(len(data))
        return decode(data, limit)

    monkeypatch.setattr(reading.canonical, "decode_relaxed", counted)
    values = OrderText(json.dumps({"grants": [{"n": n} for n in range(5)]}).encode(), "grants", MOST).values()
    decoded.clear()
    for count in range(1, 6):
        next(values)
        assert len(decoded) == count


def peak(data: bytes) -> int:
    """Bytes that reading takes beyond the text itself, at most."""
    tracemalloc.start()
    try:
        for _ in OrderText(data, "grants", service.MAX_ITEMS).values():
            pass
        return tracemalloc.get_traced_memory()[1]
    except MalformedInput:
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_no_text_takes_many_times_its_bytes() -> None:
    """Megabytes of brackets took twenty times as much: of a value no more than a megabyte is ever looked at."""
    hostile = b'{"grants":[[' + b"{}," * (4 << 20) + b"{}]]}"
    assert peak(hostile) < 64 * MAX_VALUE_BYTES
    many = json.dumps({"grants": [{"terms": {str(n): n for n in range(60)}}] * 2000}).encode()
    assert peak(many) < MAX_VALUE_BYTES
    # Other members are held together, known or not: megabytes of each took hundreds.
    members = b",".join(b'"%d":[%s{}]' % (n, b"{}," * (MAX_VALUE_BYTES // 4)) for n in range(MAX_MEMBERS - 1))
    assert peak(b"{%s}" % members) < 64 * MAX_VALUE_BYTES


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(KEYS, VALUES, max_size=3)))
def test_an_order_that_was_taken_before_is_known_again(grants: list[dict[str, Any]]) -> None:
    """The digest is that of the whole in canonical JSON, as it was when that was held in memory."""
    texts = [canonical.encode(one) for one in grants]
    for disclose in (None, [], ["territory", "media"]):
        whole = canonical.encode({"disclose": disclose, "grants": list(grants)})
        assert service._digest(texts, disclose) == hashlib.sha256(whole).hexdigest()
