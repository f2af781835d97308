"""The report and the forms in a real browser: nothing is fetched, nothing runs over the edge, paper has its pages."""

from __future__ import annotations

import re
from pathlib import Path

import pypdfium2
import pytest
from playwright.sync_api import Browser

from tallystick.report.words import words
from tests.browser.conftest import DESKTOP, PHONE
from tests.core.report.kept import HERE, renderings

PAGES = sorted(name for name in renderings() if name.endswith(".html"))


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
@pytest.mark.parametrize("name", PAGES)
def test_it_fetches_nothing_and_fits(chromium: Browser, name: str, width: int) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 900})
    try:
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto((HERE / name).as_uri())
        assert asked == [(HERE / name).as_uri()]
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
        assert page.evaluate("document.scripts.length") == 0
    finally:
        context.close()


def printed(chromium: Browser, name: str, to: Path) -> list[str]:
    """The text of each page, on one line."""
    context = chromium.new_context()
    try:
        page = context.new_page()
        page.goto((HERE / name).as_uri())
        page.pdf(path=to, prefer_css_page_size=True, print_background=True)
    finally:
        context.close()
    document = pypdfium2.PdfDocument(to)
    try:
        sizes = {tuple(round(side) for side in sheet.get_size()) for sheet in document}
        assert sizes == {(595, 842)}, "A4"
        return [re.sub(r"\s+", " ", sheet.get_textpage().get_text_range()) for sheet in document]
    finally:
        document.close()


def test_on_paper_the_conclusions_are_the_first_page(chromium: Browser, tmp_path: Path) -> None:
    w = words("en")
    first, second, *_ = pages = printed(chromium, "case-2.en.html", tmp_path / "report.pdf")
    assert w.conclusions in first
    assert "Origin traceable and complete" in first, "the last line of the conclusions"
    assert second.startswith(f"2 / {len(pages)} {w.about}")
    assert all(f"{number} / {len(pages)}" in text for number, text in enumerate(pages, 1))


def test_a_form_is_signed_on_one_page(chromium: Browser, tmp_path: Path) -> None:
    """The lines to sign are not torn from one another."""
    pages = printed(chromium, "vermont-1913.en.html", tmp_path / "form.pdf")
    signed = [text for text in pages if "Position and employer" in text and "Place" in text and "Date" in text]
    assert len(signed) == 1
    assert "Signature" in signed[0]
