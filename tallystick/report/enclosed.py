"""What an exporter encloses for people: the report in both languages and the forms, as HTML.

Made from a case whose enclosed files are still empty: everything else that the bundle will hold is already in it.
"""

from __future__ import annotations

from collections.abc import Mapping

from tallystick.report.as_html import html_page
from tallystick.report.content import document
from tallystick.report.forms import forms
from tallystick.report.layout import Document
from tallystick.report.phrase import Language
from tallystick.verify.outcome import Report

LANGUAGES: tuple[Language, ...] = ("en", "zh")


def enclosed_reports(report: Report) -> dict[str, Document]:
    """The report by language, as ``report.en``."""
    return {f"report.{language}": document(report, language, enclosed=True) for language in LANGUAGES}


def enclosed_pages(report: Report, reports: Mapping[str, Document]) -> dict[str, bytes]:
    """All of it as pages, by file name; ``reports``: of ``enclosed_reports``."""
    made = {**reports, **forms(report, enclosed=True)}
    return {f"{name}.html": html_page(one).encode() for name, one in made.items()}
