"""Times have one text each, and text order is time order."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import MalformedInput
from tallystick.times import format_time, parse_time

FIRST, LAST = -62135596800, 253402300799
SECONDS = st.integers(FIRST, LAST)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-02-01T00:00:00Z", 1_769_904_000),
        ("2038-01-19T03:14:08Z", 2**31),
        ("0001-01-01T00:00:00Z", FIRST),
        ("9999-12-31T23:59:59Z", LAST),
        ("2024-02-29T12:00:00Z", 1_709_208_000),
        ("0999-12-31T23:59:59Z", -30610224001),
    ],
)
def test_known_instants(text: str, seconds: int) -> None:
    assert parse_time(text) == seconds
    assert format_time(seconds) == text


@given(SECONDS, SECONDS)
def test_round_trip_and_order(one: int, other: int) -> None:
    assert parse_time(format_time(one)) == one
    assert datetime.strptime(format_time(one), "%Y-%m-%dT%H:%M:%S%z") == datetime.fromtimestamp(one, UTC)
    assert (format_time(one) < format_time(other)) == (one < other)


@pytest.mark.parametrize(
    "text",
    [
        "", "2026-02-01", "2026-02-01T00:00:00", "2026-02-01T00:00:00z", "2026-02-01t00:00:00Z", "2026-02-01 00:00:00Z",
        "2026-02-01T00:00:00+00:00", "2026-02-01T00:00:00.0Z", "2026-02-01T00:00Z", "2026-2-1T00:00:00Z",
        "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z",
        "2026-02-01T24:00:00Z", "2026-02-01T00:60:00Z", "2016-12-31T23:59:60Z", "2016-12-31T23:59:61Z",
        "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "-001-01-01T00:00:00Z", " 2026-02-01T00:00:00Z",
        "2026-02-01T00:00:00Z\n", "２026-02-01T00:00:00Z", "٢٠٢٦-02-01T00:00:00Z", "2026-02-01T00:00:00Z" * 99,
    ],
)  # fmt: skip
def test_every_other_form_is_malformed(text: str) -> None:
    with pytest.raises(MalformedInput, match="is not a time"):
        parse_time(text)


@pytest.mark.parametrize("seconds", [FIRST - 1, LAST + 1, 2**70, -(2**70)])
def test_instants_without_a_form_are_malformed(seconds: int) -> None:
    with pytest.raises(MalformedInput, match="outside the years"):
        format_time(seconds)


@given(st.text(max_size=24))
def test_any_text_is_a_time_or_malformed(text: str) -> None:
    try:
        assert format_time(parse_time(text)) == text
    except MalformedInput:
        return
