"""The part of a report about time: contradictions first, bars that say what the numbers say, nothing that runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tallystick.report.as_html import html_report
from tallystick.report.as_text import text_report
from tallystick.report.phrases import Language
from tallystick.report.time_section import time_part
from tallystick.report.words import words
from tallystick.verify import Report
from tests.core.report.test_report import LANGUAGES, PLAIN_TAGS, Tags
from tests.core.verify.test_time import LATE, timed
from tests.world import START


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Report:
    one = timed(tmp_path_factory.mktemp("good"))
    return one.judge(one.trust("w1"))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Report:
    one = timed(tmp_path_factory.mktemp("alone"))
    return one.judge(one.trust())


@pytest.fixture(scope="module")
def dated_back(tmp_path_factory: pytest.TempPathFactory) -> Report:
    one = timed(tmp_path_factory.mktemp("back"), seen=LATE, said=START, head={"w1": LATE + 60})
    return one.judge(one.trust("w1"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_lines_say_what_is_so(good: Report, alone: Report, dated_back: Report, language: Language) -> None:
    w = words(language)
    found = [
        {w.time, w.time_contradicted} & set(text_report(one, language).splitlines()[:4])
        for one in (good, alone, dated_back)
    ]
    assert found == [set(), {w.time}, {w.time_contradicted}]


@pytest.mark.parametrize("language", LANGUAGES)
def test_contradictions_come_first_and_in_red(dated_back: Report, language: Language) -> None:
    page = html_report(dated_back, language)
    part = page[page.index(f"<h2>{time_part(dated_back, language).heading}</h2>") :]
    assert re.match(r'<h2>[^<]*</h2><p class="alarm">', part)
    assert part.index('class="alarm"') < part.index('class="chart"')
    assert ".alarm{color:#a8321f" in page
    assert "! " in text_report(dated_back, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_nobody_independent_is_said(alone: Report, good: Report, language: Language) -> None:
    said = time_part(alone, language).paragraphs
    assert len(said) == 3
    assert len(time_part(good, language).paragraphs) == 2
    assert "UTC" in said[0]


def test_the_bars_are_the_numbers(good: Report) -> None:
    chart = time_part(good, "en").chart
    assert chart is not None
    independent, operator, claimed, *sources = chart.bars
    assert independent.start is not None
    assert independent.end is not None
    assert operator.start is not None
    assert operator.end is not None
    assert 0 < independent.start < operator.start < operator.end < independent.end < 100
    assert claimed.start == claimed.end
    assert {bar.word for bar in sources} == {"independent", "operator", "party"}
    open_ends = [(bar.start is None, bar.end is None) for bar in sources]
    assert (True, False) in open_ends
    assert (False, True) in open_ends
    assert independent.cells[2:] == ("2026-01-31 23:56:00Z", "2026-02-01 04:05:00Z")


def test_where_no_instant_fits_the_bar_is_crossed(dated_back: Report, good: Report) -> None:
    assert '<div class="from until crossed"' in html_report(dated_back, "en")
    assert "crossed" not in html_report(good, "en").partition("<body>")[2]


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_runs_and_fetches_nothing(good: Report, language: Language) -> None:
    page = html_report(good, language)
    seen = Tags(page)
    assert seen.tags == PLAIN_TAGS | {"span"}
    assert seen.attributes == {"lang", "charset", "http-equiv", "content", "class", "style"}
    styles = re.findall(r'style="([^"]*)"', page)
    assert styles
    assert all(re.fullmatch(r"(left:[0-9.]+%;)?width:[0-9.]+%", style) for style in styles)


def test_without_the_steps_before_it_no_interval_is_drawn(tmp_path: Path) -> None:
    one = timed(tmp_path)
    paths = {at: path for at, path in one.case.inclusion.items() if at != one.position}
    assert time_part(one.judge(one.trust("w1"), inclusion=paths), "en").chart is None
