"""The rules of evidence beside the facts: which rule, what is shown here, what is missing. Never a verdict on law."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from tallystick.report.layout import Row, Section, ranges
from tallystick.report.phrase import Language
from tallystick.report.rule_words import FACTS, RULES
from tallystick.report.speakers import proved_statements
from tallystick.report.words import OUTCOMES, words
from tallystick.verify.outcome import CLAIM_IDS, Claim, Outcome, Report

TECHNICAL = (
    "integrity",
    "statement-signature",
    "inclusion",
    "checkpoint-signature",
    "entitlement",
    "disclosure",
    "anchor",
)
"""What article 16 calls technical verification: all that binds the entries to the log and the log to its past."""
_STATES = {
    "present": "present",
    "afterwards": "afterwards",
    "expired": "expired",
    "inconsistent": "inconsistent-record",
}
_LIMBS = ("cn-17-", "cn-18-")
_CLAIM_OF = {"17": "platform", "18": "capture"}
_LEDGER = ("statement-signature", "inclusion", "checkpoint-signature", "anchor")
_RECORD = ("integrity", "statement-signature", "inclusion", "checkpoint-signature", "entitlement")
_GROUNDS = {
    "cn-16": TECHNICAL,
    "fre-902-13": _RECORD,
    "fre-902-14": ("content",),
    "vt-1913": ("time",),
    "eidas-41": ("timestamp",),
    "eidas-45l": _LEDGER,
}
"""What a line rests on; a limb of article 17 or 18 on one claim, by what it says."""
_WORST: tuple[Outcome, ...] = ("contradicted", "not_proved", "needs_external_fact", "proved")


def rules_section(report: Report, language: Language) -> Section:
    """One line for each rule, and for each limb of articles 17 and 18, with the state of what it rests on."""
    w = words(language)
    return Section(
        w.rules,
        paragraphs=(w.rules_lead,),
        heads=w.rules_heads,
        widths=(32, 15, 29, 24),
        rows=tuple(_row(report, rule, language) for rule in RULES),
        marks=tuple(worst(grounds(report, rule)) for rule in RULES),
        fresh=True,
    )


def _row(report: Report, rule: str, language: Language) -> Row:
    name, gap = RULES[rule].name, RULES[rule].gap
    told, state = fact_of(report, rule, language), state_of(report, rule, language)
    return (name.zh, state, told, gap.zh) if language == "zh" else (name.en, state, told, gap.en)


def grounds(report: Report, rule: str) -> tuple[Claim, ...]:
    """The claims on which ``fact_of`` rests; none where it says that nothing speaks to the rule."""
    limb = rests_on(report, rule) if rule.startswith(_LIMBS) else None
    wanted = _GROUNDS.get(rule, (limb,))
    return tuple(claim for claim in report.claims if claim.id in wanted)


def worst(claims: Iterable[Claim]) -> Outcome | Literal[""]:
    """The outcome that a line bears which rests on these; nothing where it rests on none."""
    return min((claim.outcome for claim in claims), key=_WORST.index, default="")


def state_of(report: Report, rule: str, language: Language) -> str:
    """Whether what the line rests on is proved, with the steps that found it so."""
    found = grounds(report, rule)
    outcome = worst(found)
    if not outcome:
        return "—"
    steps = {claim.step for claim in found if claim.outcome == outcome}
    if outcome == "proved" and CLAIM_IDS["integrity"] in steps:
        steps.add(1)  # the claim bears the number of the later one of its two steps
    return f"{OUTCOMES[outcome][language]} [{ranges(steps)}]"


def fact_of(report: Report, rule: str, language: Language) -> str:
    """What this bundle shows of the rule, and no more."""
    if rule.startswith(_LIMBS):
        return _factor(report, rule, language)[1]
    return _FACTS[rule](report, language)


def fact(name: str, language: Language, **values: object) -> str:
    """A phrase of ``FACTS`` with values."""
    phrase = FACTS[name]
    return (phrase.zh if language == "zh" else phrase.en).format(**values)


def open_steps(report: Report, claims: Iterable[str]) -> list[int]:
    """Steps of these claims that are not proved."""
    wanted = set(claims)
    return sorted({claim.step for claim in report.claims if claim.id in wanted and claim.outcome != "proved"})


def stands(report: Report, claim_id: str) -> bool:
    """Whether such a claim is told, and the steps hold on which its facts rest."""
    return any(claim.id == claim_id and not claim.rests_on for claim in report.claims)


def operator_alone(report: Report) -> bool:
    """Whether no anchor reaches over the case but on a chain that the log's own operator seals."""
    return not any(line.key == "anchor.named-covers" for line in report.claim("anchor").evidence)


def _technical(report: Report, language: Language) -> str:
    steps = open_steps(report, TECHNICAL)
    if steps:
        return fact("inconsistent", language, steps=", ".join(map(str, steps)))
    told = fact("consistent", language, count=len(report.facts["statements"]), size=report.facts["checkpoint"]["size"])
    told += fact("alone", language) if operator_alone(report) else ""
    return told + _adverse(report, language)


def _adverse(report: Report, language: Language) -> str:
    """How many speak against the case, and whether these are all."""
    adverse, all_of_them = len(report.facts.get("adverse", ())), report.claim("completeness").outcome
    if not adverse:
        return ""
    told = fact("adverse", language, count=adverse)
    if all_of_them == "proved":
        return told
    return told + fact("others", language, outcome=OUTCOMES[all_of_them][language])


def rests_on(report: Report, rule: str) -> str | None:
    """The claim on which ``fact_of`` rests for a limb of article 17 or 18; ``None`` where it says nothing."""
    return _factor(report, rule, "en")[0]


def _factor(report: Report, rule: str, language: Language) -> tuple[str | None, str]:
    """A limb of article 17 or 18, as the record says; where nothing is recorded, what the proofs themselves show.
    First the claim on which that rests.
    """
    _, article, factor = rule.split("-", 2)
    known: Iterable[Mapping[str, Any]] = report.facts.get("factors", ()) if stands(report, _CLAIM_OF[article]) else ()
    for one in known:
        if (str(one["article"]), one["factor"]) == (article, factor):
            return _CLAIM_OF[article], _recorded(report, one, language)
    jobs = sum(one["type"] == "job.register" for one in proved_statements(report))
    if rule == "cn-18-generation" and jobs and report.claim("traceability").outcome == "proved":
        return "traceability", fact("generation", language, count=jobs)
    if rule == "cn-18-witness" and (end := time_in(report, "independent")):
        return "time", fact("witnesses", language, time=end)
    return None, fact("nothing", language)


def _recorded(report: Report, one: Mapping[str, Any], language: Language) -> str:
    positions = ", ".join(map(str, _attested(report, one) or one["positions"]))
    what = fact("entries", language, positions=positions)
    what += f" ({one['detail']})" if one["detail"] else ""
    if one["state"] == "absent":
        return fact("absent", language)
    return fact(_STATES[one["state"]], language, what=what)


def _attested(report: Report, one: Mapping[str, Any]) -> list[int]:
    """Where a notary or witness spoke for itself, its own entries, and those that do not agree with them."""
    records = [told for told in report.facts.get("capture", ()) if told["position"] in one["positions"]]
    own = [
        by["position"]
        for told in records
        for by in told["attested"]
        if by["role"] == one["factor"] and by["signed"] and by["party"] != told["party"]
    ]
    return sorted({*own, *one["positions"]}) if own and one["state"] == "inconsistent" else sorted(own)


def _record(report: Report, language: Language) -> str:
    steps = open_steps(report, _RECORD)
    if steps:
        return fact("inconsistent", language, steps=", ".join(map(str, steps)))
    return fact("record", language, count=len(report.facts["statements"]))


def copied(report: Report) -> list[Mapping[str, Any]]:
    """Originals whose bytes are here and were found to be the registered ones."""
    claim = report.claim("content")
    if claim.rests_on or claim.outcome == "contradicted":
        return []
    good = {line.values["object"] for line in claim.evidence if line.key == "content.good"}
    return [one for one in report.facts.get("originals", ()) if one["object"] in good]


def _copied(report: Report, language: Language) -> str:
    found = copied(report)
    return fact("copied", language, count=len(found)) if found else fact("not-copied", language)


def time_in(report: Report, word: str) -> str | None:
    """By when all entries about the case stood in the log, on that word; nothing where time is contradicted."""
    claim = report.claim("time")
    if claim.rests_on or claim.outcome == "contradicted" or "time" not in report.facts:
        return None
    found: str | None = report.facts["time"][word]["not_after"]
    return found


def time_in_words(report: Report, language: Language) -> tuple[str, str] | None:
    """The time and whose word it is: someone independent's where there is one."""
    for word in ("independent", "operator"):
        if end := time_in(report, word):
            return end, fact(f"by-{word}", language)
    return None


def _in_out(report: Report, language: Language) -> str:
    entered = time_in_words(report, language)
    if entered is None:
        return fact("no-time", language)
    return fact("in-out", language, end=entered[0], word=entered[1], out=report.facts["exported_at"])


def _stamps(report: Report, language: Language) -> str:
    held = [one for one in report.facts.get("timestamps", ()) if one["proved"]]
    if not held or report.claim("timestamp").rests_on:
        return fact("no-stamps", language)
    return fact("stamps", language, names=", ".join(f"{one['authority']} {one['gen_time']}" for one in held))


def _ledger(report: Report, language: Language) -> str:
    steps = open_steps(report, _LEDGER)
    if steps:
        return fact("inconsistent", language, steps=", ".join(map(str, steps)))
    return fact("ledger", language) + (fact("alone", language) if operator_alone(report) else "")


_FACTS: dict[str, Callable[[Report, Language], str]] = {
    "cn-16": _technical,
    "fre-902-13": _record,
    "fre-902-14": _copied,
    "vt-1913": _in_out,
    "eidas-41": _stamps,
    "eidas-45l": _ledger,
}
