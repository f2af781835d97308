"""The report as PDF: the words of the page, unsigned on every page, fonts within, the same bytes each time."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypdfium2
import pytest

from credentials.report_pdf import render_report
from credentials.text import KAI, characters
from tallystick.report import (
    event_names,
    explanations,
    form_words,
    glossary,
    phrases,
    rule_words,
    time_words,
    unproved,
    words,
)
from tallystick.report.content import document
from tallystick.report.forms import forms
from tallystick.report.layout import Document, Section
from tallystick.report.phrase import Language
from tests.core.report.test_report import LANGUAGES, NASTY, claim, report, say
from tests.core.verify.kit import Kit, build_kit


def read(data: bytes) -> list[str]:
    """The text of each page, on one line."""
    found = pypdfium2.PdfDocument(data)
    try:
        return [re.sub(r"\s+", "", page.get_textpage().get_text_range()) for page in found]
    finally:
        found.close()


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    return build_kit(tmp_path_factory.mktemp("kit"))


@pytest.fixture(scope="module")
def good(kit: Kit) -> dict[Language, Document]:
    found = kit.verify(kit.bundle())
    return {language: document(found, language) for language in LANGUAGES}


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_says_what_the_page_says(good: dict[Language, Document], language: Language) -> None:
    shown = good[language]
    text = "".join(read(render_report(shown)))
    for section in shown.sections:
        assert squeezed(section.heading) in text
        for cell in [*section.heads, *section.notes, *(row[0] for row in section.rows)]:
            assert squeezed(cell) in text, cell
    assert squeezed(shown.verdict) in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_conclusions_are_the_first_page_and_no_more(good: dict[Language, Document], language: Language) -> None:
    first, second, *_ = read(render_report(good[language]))
    conclusions = good[language].sections[:4]
    assert all(squeezed(section.heading) in first for section in conclusions)
    last = squeezed(conclusions[-1].rows[-1][0])
    assert last in first
    assert second.startswith(squeezed(good[language].sections[4].heading))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_says_that_it_is_unsigned_and_its_number(good: dict[Language, Document], language: Language) -> None:
    pages = read(render_report(good[language]))
    for number, text in enumerate(pages, 1):
        assert squeezed(words.words(language).foot) in text
        assert f"{number}/{len(pages)}" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_facts_give_the_same_bytes_and_the_fonts_are_within(
    good: dict[Language, Document], language: Language
) -> None:
    data = render_report(good[language])
    assert render_report(good[language]) == data
    fonts = set(re.findall(rb"/BaseFont /(\S+)", data))
    embedded = data.count(b"/FontFile2")
    assert embedded >= 1
    assert all(b"TallystickKai" in font or font == b"Helvetica" for font in fonts)
    assert b"/Sig" not in data
    assert b"/JavaScript" not in data
    assert b"/URI" not in data


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_from_outside_are_shown_not_obeyed(language: Language) -> None:
    nasty = report(integrity=claim("integrity", "contradicted", say("container.bad", detail=NASTY)))
    text = "".join(read(render_report(document(nasty, language))))
    assert "<script>alert(1)</script>" in text
    assert "\\u001b[31m" in text
    assert "\\u202e" in text


def test_what_the_font_lacks_stands_as_its_code() -> None:
    shown = Document("x", "", (), (Section("x", rows=(("ሀ", "🎬"),)),), "en")
    text = "".join(read(render_report(shown)))
    assert "\\u1200" in text
    assert "\\U0001f3ac" in text


def test_a_row_longer_than_a_page_is_parted() -> None:
    long = Document("x", "", (), (Section("x", rows=(("word " * 9000, "y"),)),), "en")
    assert len(read(render_report(long))) > 2


def test_each_form_can_be_printed(kit: Kit) -> None:
    for name, form in forms(kit.verify(kit.bundle())).items():
        assert squeezed(form.title) in "".join(read(render_report(form))), name


def texts(value: Any) -> Iterator[str]:
    """Every fixed word of a module of words."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from texts(key)
            yield from texts(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from texts(one)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from texts(getattr(value, field.name))


@pytest.mark.parametrize(
    "module",
    [words, phrases, rule_words, form_words, explanations, glossary, event_names, time_words, unproved],
    ids=lambda module: Path(module.__file__).stem,
)
def test_the_font_has_every_character_of_our_own_words(module: Any) -> None:
    told = [text for name, value in vars(module).items() if not name.startswith("__") for text in texts(value)]
    assert len(told) > 5
    known = characters(KAI)
    assert sorted({character for text in told for character in text if ord(character) not in known} - {"\n"}) == []
