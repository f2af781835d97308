"""What a report says and in which order, for a judge: conclusions first, the carrier / data / content division, then
who said what, what is not proved, and the technical annex. Text and HTML only lay it out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tallystick.printing import printable
from tallystick.report.event_names import event_name, kind_name
from tallystick.report.lines import sentence
from tallystick.report.phrases import Language
from tallystick.report.time_section import Chart, time_part
from tallystick.report.words import CLAIMS, DIVISIONS, OUTCOMES, VERDICTS, words
from tallystick.times import format_time
from tallystick.verify.outcome import Claim, Report

_LINES = 3
"""Lines of evidence beside each conclusion; the annex has all of them."""
_NAME = 200
"""Characters of a name; it stands beside everything that its bearer said."""
_ELSEWHERE = frozenset({"rests-on", "adverse.event", "time.source"})


@dataclass(frozen=True)
class Section:
    """A heading and its paragraphs; ``rows`` stand in a table (text: one line each).

    ``alarms`` come before all else, in red; ``chart`` before the rows.
    """

    heading: str
    paragraphs: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    alarms: tuple[str, ...] = ()
    chart: Chart | None = None


@dataclass(frozen=True)
class Document:
    """The whole report. ``lead``: the first lines: verdict, time, adverse events."""

    title: str
    verdict: str
    lead: tuple[str, ...]
    sections: tuple[Section, ...]
    language: Language


def document(report: Report, language: Language) -> Document:
    """Lay out ``report`` in one language."""
    w = words(language)
    sections = (
        Section(w.about, rows=tuple(_about(report, language))),
        *_divisions(report, language),
        _when(report, language),
        Section(w.who, rows=tuple(_who(report, language))),
        Section(w.unproved, paragraphs=(w.never, *_unproved(report, language))),
        Section(w.annex, paragraphs=tuple(_annex(report, language))),
    )
    verdict = VERDICTS[report.verdict][language]
    return Document(w.title, verdict, tuple(_lead(report, language)), tuple(map(_shown, sections)), language)


def _shown(section: Section) -> Section:
    """The section with nothing in it that a terminal would obey."""
    return replace(
        section,
        paragraphs=tuple(map(printable, section.paragraphs)),
        rows=tuple(tuple(map(printable, row)) for row in section.rows),
        alarms=tuple(map(printable, section.alarms)),
        chart=section.chart and _printable(section.chart),
    )


def _printable(chart: Chart) -> Chart:
    return replace(chart, bars=tuple(replace(bar, cells=tuple(map(printable, bar.cells))) for bar in chart.bars))


def _when(report: Report, language: Language) -> Section:
    part = time_part(report, language)
    return Section(part.heading, part.paragraphs, part.entries, part.alarms, part.chart)


def _lead(report: Report, language: Language) -> Iterable[str]:
    w = words(language)
    time = report.claim("time")
    if time.outcome == "contradicted":
        yield w.time_contradicted
    elif time.outcome != "proved":
        yield w.time
    adverse = [line for line in report.claim("completeness").evidence if line.key == "adverse.event"]
    if adverse:
        yield w.adverse.format(count=len(adverse))
        yield from (f"— {sentence(line, language)}" for line in adverse)
    elif report.facts:
        yield w.no_adverse
    for claim in report.claims:
        if claim.required and claim.outcome != "proved":
            yield f"{CLAIMS[claim.id][language]}: {OUTCOMES[claim.outcome][language]}"


def _about(report: Report, language: Language) -> Iterable[tuple[str, ...]]:
    w, facts = words(language), report.facts
    if facts:
        yield w.subject, f"{kind_name(facts['kind'], language)} {facts['subject']}"
        yield w.log, str(facts["log"])
        yield w.exporter, f"{facts['exporter']['name']} ({facts['exporter']['key']})"
        yield w.exported, str(facts["exported_at"])
    yield w.as_of, format_time(report.at)
    yield w.trust, f"{report.trust_publisher}: sha256 {report.trust_fingerprint}"
    yield w.bundle, f"sha256 {report.bundle_sha256}"


def _divisions(report: Report, language: Language) -> Iterable[Section]:
    made = {claim.id for claim in report.claims}
    for heading, claim_ids in DIVISIONS:
        rows = tuple(_row(report.claim(claim_id), language) for claim_id in claim_ids if claim_id in made)
        yield Section(heading[language], rows=rows)


def _row(claim: Claim, language: Language) -> tuple[str, ...]:
    return CLAIMS[claim.id][language], OUTCOMES[claim.outcome][language], _told(claim, language)


def _told(claim: Claim, language: Language) -> str:
    shown = [line for line in claim.evidence if line.key not in _ELSEWHERE][:_LINES] or claim.evidence[:1]
    return ("；" if language == "zh" else "; ").join(sentence(line, language) for line in shown)


def _who(report: Report, language: Language) -> Iterable[tuple[str, ...]]:
    w = words(language)
    statements = _proved_statements(report)
    names = _names(report)
    for one in statements:
        if one["type"] == "log.batch":
            continue
        if "recorded_for" in one:
            by = w.recorded.format(who=_called(one["recorded_for"], names))
        else:
            known = {one["signed_by"]: w.roles[one["role"]]} if one["role"] in w.roles else names
            by = w.signed.format(who=_called(one["signed_by"], known))
        yield str(one["admitted_at"]), f"{event_name(one['type'], language)} {_called(one['subject'], names)}", by
    if not statements:
        yield (w.nothing,)


def _proved_statements(report: Report) -> list[Mapping[str, Any]]:
    """What the entries say counts once they are signed, in the signed tree, and entitled."""
    if report.claim("entitlement").outcome != "proved":
        return []
    found: list[Mapping[str, Any]] = report.facts["statements"]
    return found


def _names(report: Report) -> dict[str, str]:
    """Parties whose name is disclosed, and matches its commitment."""
    if report.claim("disclosure").outcome != "proved":
        return {}
    disclosed: Mapping[str, Mapping[str, Any]] = report.facts["disclosed"]
    return {
        one["subject"]: str(disclosed[str(one["position"])]["name"])[:_NAME]
        for one in _proved_statements(report)
        if one["type"] == "party.register" and "name" in disclosed.get(str(one["position"]), {})
    }


def _called(subject: str, names: Mapping[str, str]) -> str:
    return f"{names[subject]} ({subject})" if subject in names else subject


def _unproved(report: Report, language: Language) -> Iterable[str]:
    w = words(language)
    for claim in report.claims:
        if claim.outcome != "proved":
            required = w.required if claim.required else w.optional
            heading = f"{CLAIMS[claim.id][language]} ({required}): {OUTCOMES[claim.outcome][language]}"
            yield f"{heading}. {_told(claim, language)}"


def _annex(report: Report, language: Language) -> Iterable[str]:
    w = words(language)
    for claim in report.claims:
        yield f"{w.step.format(step=claim.step)} {claim.id}: {OUTCOMES[claim.outcome][language]}"
        yield from (f"— {sentence(line, language)}" for line in claim.evidence)
