"""The first page: what is contradicted or speaks against the case, then carrier, data, content, each with its why."""

from __future__ import annotations

from collections.abc import Iterable

from tallystick.report.event_names import kind_name
from tallystick.report.layout import Row, Section, at_hand, plain, shortened
from tallystick.report.lines import OF_KINDS, sentence
from tallystick.report.phrase import Language
from tallystick.report.phrases import PHRASES
from tallystick.report.rules import operator_alone
from tallystick.report.whole import unseen, whole_up_to
from tallystick.report.words import CLAIMS, DIVISIONS, OUTCOMES, Division, words
from tallystick.verify.outcome import Claim, Line, Outcome, Report

_ELSEWHERE = frozenset({"rests-on", "adverse.event", "time.source"})
_VOUCHED = ("anchor.good", "anchor.named")
"""Said before whatever else was found of the same claim, then what nobody vouches for."""
_MOST_ADVERSE = 4
_WORST: tuple[Outcome, ...] = ("contradicted", "not_proved", "needs_external_fact", "proved")


def adverse_lines(report: Report) -> list[Line]:
    """What step 13 lists of disputes, revocations and the like."""
    return [line for line in report.claim("completeness").evidence if line.key == "adverse.event"]


def alarms(report: Report, language: Language) -> Iterable[str]:
    """What speaks against the case, before all else."""
    w = words(language)
    for claim in report.claims:
        if claim.outcome == "contradicted":
            yield f"{CLAIMS[claim.id][language]}: {OUTCOMES[claim.outcome][language]}. {why(claim, language)}"
    whole = whole_up_to(report)
    if whole is not None and whole.old:
        told = {"size": whole.size, "time": plain(whole.time), "behind": whole.entries_behind}
        yield w.whole_old.format(**told, days=whole.seconds_behind // 86_400)
    else:
        yield from _unseen(report, language)
    adverse = adverse_lines(report)
    if adverse:
        yield w.adverse.format(count=len(adverse))
        yield from (f"— {sentence(line, language)}" for line in adverse[:_MOST_ADVERSE])
    if len(adverse) > _MOST_ADVERSE:
        yield w.more_below.format(count=len(adverse) - _MOST_ADVERSE)


def _unseen(report: Report, language: Language) -> Iterable[str]:
    """What is told and may have changed since, by an entry that the exporter did not show."""
    w, found = words(language), unseen(report)
    if found is not None and found.size is None:
        yield w.unseen_no_root.format(count=found.count)
    elif found is not None:
        yield w.unseen.format(size=found.size, time=plain(found.time), count=found.count)


def lead(report: Report, language: Language) -> Iterable[str]:
    """The first lines: what a reader must know whatever else he reads."""
    w = words(language)
    if not report.facts:
        yield from _unread(report, language)
        return
    time = report.claim("time")
    if time.outcome == "contradicted":
        yield w.time_contradicted
    elif time.outcome != "proved":
        yield w.time
    yield from _subject(report, language)
    if report.facts and not adverse_lines(report):
        whole = whole_up_to(report)
        yield w.no_adverse if whole is None else w.none_withheld.format(size=whole.size, time=plain(whole.time))
    for claim in report.claims:
        if claim.required and claim.outcome in ("not_proved", "needs_external_fact"):
            yield f"{CLAIMS[claim.id][language]}: {OUTCOMES[claim.outcome][language]}"


def _subject(report: Report, language: Language) -> Iterable[str]:
    """What the licence is, or how the dispute ended: whoever reads of a revocation asks that next."""
    claim = report.claim("traceability")
    if not claim.rests_on:
        yield from (sentence(line, language) for line in claim.evidence if line.key in OF_KINDS)


def _unread(report: Report, language: Language) -> Iterable[str]:
    """Nothing of the case was looked at: why, and what to do, instead of a list of all that is not proved."""
    integrity = report.claim("integrity")
    if integrity.outcome != "contradicted":
        yield from (sentence(line, language) for line in integrity.evidence)
    yield words(language).not_examined


def in_short(report: Report, language: Language) -> str:
    """Which case, of which log, as of when."""
    at = at_hand(report.at, language)
    if not report.facts:
        return words(language).unread.format(at=at)
    case = f"{kind_name(report.facts['kind'], language)} {report.facts['subject']}"
    return words(language).in_short.format(case=case, log=report.facts["log"], at=at)


def divisions(report: Report, language: Language) -> Iterable[Section]:
    """Carrier, data, content: what is proved of each, what is not, and why."""
    w = words(language)
    made = {claim.id: claim for claim in report.claims}
    yield Section(w.conclusions, paragraphs=(w.never,))
    for division in DIVISIONS:
        claims = [made[claim_id] for claim_id in division.claims if claim_id in made]
        yield Section(
            division.heading[language],
            paragraphs=tuple(_says(report, division, language)),
            heads=w.claim_heads if division is DIVISIONS[0] else (),
            widths=(23, 16, 61),
            rows=tuple(_row(report, claim, language) for claim in claims),
            marks=tuple(claim.outcome for claim in claims),
            level=3,
        )


def _says(report: Report, division: Division, language: Language) -> Iterable[str]:
    yield said(report, division, language)
    proved = all(claim.outcome == "proved" for claim in report.claims if claim.id in division.core)
    vouched = report.facts.get("time", {}).get("independent", {}).get("not_after")
    if "anchor" in division.core and proved and operator_alone(report) and vouched is None:
        yield words(language).one_history


def said(report: Report, division: Division, language: Language) -> str:
    """The division in one sentence: the worst outcome of the claims that it stands on."""
    found = [claim.outcome for claim in report.claims if claim.id in division.core]
    worst = min(found, key=_WORST.index)
    return division.says[worst][language]


def _row(report: Report, claim: Claim, language: Language) -> Row:
    name, told = CLAIMS[claim.id][language], why(claim, language)
    whole = whole_up_to(report) if claim.id == "completeness" else None
    if whole is not None:
        told = words(language).whole.format(size=whole.size, time=plain(whole.time))
    return name, OUTCOMES[claim.outcome][language], f"{told} [{claim.step}]"


def why(claim: Claim, language: Language) -> str:
    """The one line that decided it, without the advice that goes with it; long digests by their beginning."""
    lines = [line for line in claim.evidence if line.key not in _ELSEWHERE] or list(claim.evidence[:1])
    if claim.outcome != "proved":
        # What was found to be missing or false comes with advice; what merely holds does not.
        lines = [line for line in lines if PHRASES[line.key].next_en] or lines
    if claim.rests_on and claim.outcome == "not_proved":
        lines = [line for line in claim.evidence if line.key == "rests-on"] or lines
    return shortened(sentence(_foremost(lines), language, advice=False))


def _foremost(lines: list[Line]) -> Line:
    """Of anchors the one that reaches farthest, in a block that the reader names if one of those covers the case."""
    named = any(line.key == "anchor.named-covers" for line in lines)
    for keys in (("anchor.named",) if named else (), _VOUCHED, ("anchor.external",)):
        if found := [line for line in lines if line.key in keys]:
            return max(found, key=lambda line: int(line.values["size"]))
    return lines[0]
