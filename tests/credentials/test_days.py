"""A registrar's slip of the pen is refused before it stands on a certificate."""

from __future__ import annotations

import pytest

from credentials.days import check_day
from tallystick.errors import MalformedInput


@pytest.mark.parametrize(
    "text",
    ["2026-02-30", "2026-13-01", "2026-00", "2025-02-29", "2026/6/31", "2026年2月30日", "2026年13月", " 2026.11.31 "],
)
def test_a_day_that_no_calendar_has(text: str) -> None:
    with pytest.raises(MalformedInput, match=r"is no day of the calendar: compare it with the application"):
        check_day(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2024-02-29",
        "2026-12",
        "2026年2月",
        "2026 年 2 月 28 日",
        "2026/6/30",
        "2026",
        "约2025年底",
        "summer of 2025",
        "1-2",
    ],
)
def test_days_and_what_is_none_are_left(text: str) -> None:
    check_day(text)
