"""What may stand in a form: a fact that was proved, or a blank with the reason. There is no third thing."""

from __future__ import annotations

from collections.abc import Iterable

from tallystick.report.event_names import kind_name
from tallystick.report.form_words import BLANK, WORD_OF, WORDS
from tallystick.report.layout import Row, Section, plain, ranges
from tallystick.report.phrase import Language
from tallystick.report.rules import copied, operator_alone, time_in
from tallystick.report.words import CLAIMS, OUTCOMES, words
from tallystick.times import format_time
from tallystick.verify.outcome import Report


def blank(reason: str, language: Language, **values: object) -> str:
    """A line to write on, and why nothing stands on it."""
    w = WORDS[language]
    return w.blank.format(line=BLANK, reason=w.reasons[reason].format(**values))


def proved(report: Report, claims: Iterable[str], text: str, language: Language) -> str:
    """``text`` if all of these claims are proved, else a blank that names the first that is not."""
    for claim_id in claims:
        claim = report.claim(claim_id)
        if claim.outcome != "proved":
            return blank("claim", language, step=claim.step, outcome=OUTCOMES[claim.outcome][language])
    return text


def frame(report: Report, language: Language) -> Iterable[Row]:
    """What was verified, with what: known whatever came of it."""
    w = WORDS[language].rows
    known = ("integrity",)
    case, log = "", ""
    if report.facts:
        case, log = f"{kind_name(report.facts['kind'], language)} {report.facts['subject']}", str(report.facts["log"])
    yield w["case"], proved(report, known, case, language)
    yield w["log"], proved(report, known, log, language)
    # A file that is enclosed in the bundle cannot hold the bundle's digest.
    yield w["bundle"], report.bundle_sha256 or blank("own", language)
    if report.facts:
        yield w["covers"], proved(report, known, report.facts["covers"], language)
    yield w["trust"], f"{report.trust_fingerprint} ({report.trust_publisher})"
    yield w["at"], plain(format_time(report.at))


def technical(report: Report, language: Language) -> Iterable[Row]:
    """What binds the record to the log, and the log to its past."""
    w, facts = WORDS[language].rows, report.facts
    yes = OUTCOMES["proved"][language]
    statements = facts.get("statements", ())
    positions = ranges([one["position"] for one in statements])
    head = facts.get("checkpoint", {"size": "", "root": ""})
    signed = ("statement-signature", "entitlement")
    yield w["integrity"], proved(report, ("integrity",), yes, language)
    yield w["entries"], proved(report, signed, f"{len(statements)} ({positions})", language)
    yield w["tree"], proved(report, ("inclusion",), w["head"].format(**head), language)
    yield w["checkpoint"], proved(report, ("checkpoint-signature",), yes, language)
    yield w["entitlement"], proved(report, ("entitlement",), yes, language)
    yield w["anchor"], _anchored(report, language)


def _anchored(report: Report, language: Language) -> str:
    """Of a chain that the log's own operator seals nobody else says that it held the tree: that is a blank."""
    if report.claim("anchor").outcome == "proved" and operator_alone(report):
        return blank("word", language, word=WORD_OF[language]["operator"], value=OUTCOMES["proved"][language])
    return proved(report, ("anchor",), OUTCOMES["proved"][language], language)


def entered(report: Report, language: Language, words: str = "{time}") -> str:
    """By when the entries stood in the log: on an independent's word, else a blank that says whose word there is.

    ``words``: around the time, where what stands before it does not say that it is the latest that it can have been.
    """
    end = time_in(report, "independent")
    if end is not None and report.claim("time").outcome == "proved":
        return words.format(time=plain(end))
    told = time_in(report, "operator")
    if told is not None:
        said = words.format(time=plain(told))
        return blank("word", language, word=WORD_OF[language]["operator"], value=said)
    claim = report.claim("time")
    return blank("claim", language, step=claim.step, outcome=OUTCOMES[claim.outcome][language])


def exported(report: Report, language: Language) -> str:
    """Always a blank: the exporter's clock is nobody else's word."""
    if report.claim("integrity").outcome != "proved":
        return proved(report, ("integrity",), "", language)
    return blank("word", language, word=WORD_OF[language]["exporter"], value=plain(report.facts["exported_at"]))


def originals(report: Report, language: Language) -> Iterable[Row]:
    """Each original that was compared, with its digests; a blank for one that was not."""
    w, fixed = WORDS[language], words(language)
    good = {one["object"] for one in copied(report)}
    for one in report.facts.get("originals", ()):
        form = fixed.file_digest if one["form"] == "file" else fixed.folder_digest
        told = w.rows["original"].format(digest=form.format(**one), same=fixed.compared["proved"])
        yield one["object"], told if one["object"] in good else blank("digests", language)
    if not report.facts.get("originals"):
        yield w.rows["content"], blank("digests", language)


def against(report: Report, language: Language) -> Row:
    """What a person who signs must know: adverse events, and what is open."""
    w = WORDS[language]
    count = sum(line.key == "adverse.event" for line in report.claim("completeness").evidence)
    names = [CLAIMS[claim.id][language] for claim in report.claims if claim.outcome != "proved"]
    told = w.adverse.format(count=count) if count else w.no_adverse
    separator = "、" if language == "zh" else ", "
    return (told, w.open_claims.format(claims=separator.join(names))) if names else (told,)


def signature(language: Language, oath: Row = ()) -> Section:
    """Blanks alone, under the words that are signed."""
    w = WORDS[language]
    rows = tuple((label, BLANK * 2) for label in w.signing)
    return Section(w.signature, paragraphs=oath, rows=rows, widths=(30, 70), kept=True)
