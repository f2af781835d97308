"""docs/report.md says which forms there are and in which order a report speaks."""

from __future__ import annotations

import pytest

from tallystick.report.content import document
from tallystick.report.forms import forms
from tallystick.report.words import words
from tallystick.verify.outcome import Report
from tests.core.report.test_report import report
from tests.docs.pages import column, page, section

PAGE = page("report.md")


@pytest.fixture(scope="module")
def found() -> Report:
    return report()


def test_every_form_is_told_and_no_other(found: Report) -> None:
    assert column(section(PAGE, "The forms")) == [f"{name}.html" for name in forms(found)]


def test_the_parts_stand_in_their_order(found: Report) -> None:
    told = column(section(PAGE, "The report"))
    assert told[:4] == ["First lines", "Conclusions", "What was verified", "Adverse and later events"]
    w = words("en")
    headings = [one.heading for one in document(found, "en").sections if one.level == 2]
    assert headings[0] == w.conclusions
    # Without adverse events their part is left out.
    assert told[1:3] + told[4:] == [one.partition(":")[0] for one in headings]
    assert "When" in told


def test_no_page_of_ours_calls_a_report_legally_valid() -> None:
    assert PAGE.count("legally valid") == PAGE.count("never says that something is *legally valid*") == 1
