"""The technical annex: how to read the values, then every numbered step with all that it found."""

from __future__ import annotations

from collections.abc import Iterable

from tallystick.report.explanations import EXPLANATIONS
from tallystick.report.glossary import GLOSSARY
from tallystick.report.layout import Section
from tallystick.report.lines import sentence
from tallystick.report.phrase import Language
from tallystick.report.words import CLAIMS, OUTCOMES, words
from tallystick.verify.outcome import Report

_MOST = 400
"""Lines of one step; ``--json`` has all of them."""


def annex_sections(report: Report, language: Language) -> Iterable[Section]:
    """A glossary, then one part for each claim."""
    w = words(language)
    glossary = tuple(tuple(phrase[language] for phrase in pair) for pair in GLOSSARY)
    yield Section(w.annex, paragraphs=(w.annex_lead,), rows=glossary, widths=(20, 80), fresh=True)
    for claim in report.claims:
        told = EXPLANATIONS[claim.step].checks
        lines = [f"— {sentence(line, language)}" for line in claim.evidence[:_MOST]]
        if len(claim.evidence) > _MOST:
            lines.append(w.more_lines.format(count=len(claim.evidence) - _MOST))
        required = w.required if claim.required else w.optional
        yield Section(
            f"{w.step.format(step=claim.step)} {CLAIMS[claim.id][language]} ({claim.id}, {required}): "
            f"{OUTCOMES[claim.outcome][language]}",
            paragraphs=(w.asks.format(what=told.zh if language == "zh" else told.en), *lines),
            level=3,
        )
