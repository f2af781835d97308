"""The page of conclusions, the rules beside the facts, what is not proved: nothing is said that was not found."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tallystick.report.conclusions import alarms, said, why
from tallystick.report.content import document
from tallystick.report.custody import custody_section
from tallystick.report.factor_words import FACTORS
from tallystick.report.phrase import Language
from tallystick.report.rule_words import FACTS, RULES
from tallystick.report.rules import TECHNICAL, fact_of, rules_section
from tallystick.report.unproved import ALWAYS, SETTLES, unproved_section
from tallystick.report.words import DIVISIONS, OUTCOMES, words
from tallystick.verify.outcome import CLAIM_IDS, Report, say
from tests.core.report.test_report import LANGUAGES, NASTY, claim, fields, report
from tests.core.verify.kit import Kit

ORIGINAL = {"object": "A-1", "mode": "included", "form": "file", "sha256": "ab" * 32, "sm3": "cd" * 32, "size": 3}


def with_facts(found: Report, **facts: object) -> Report:
    return replace(found, facts={**found.facts, **facts})


def registered(found: Report) -> Report:
    entry = {"position": 4, "type": "object.register", "subject": "A-1", "signed_by": "P-1", "role": "party",
             "admitted_at": "2026-01-01T00:00:00Z", "claimed_at": "2026-01-01T00:00:00Z"}  # fmt: skip
    statements = [*found.facts["statements"], entry]
    return with_facts(found, statements=statements, originals=[ORIGINAL])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_order_is_that_of_a_judge(language: Language) -> None:
    w = words(language)
    event = say("adverse.event", time="t", type="dispute.open", about="A", position=9, detail="", standing="")
    shown = document(report(completeness=claim("completeness", "needs_external_fact", event)), language)
    headings = [section.heading for section in shown.sections if section.level == 2]
    assert headings[0] == w.conclusions
    assert headings[2] == w.adverse_events
    assert headings[4:] == [w.custody, w.who, w.unproved, w.rules, w.annex]
    assert [section.heading for section in shown.sections[1:4]] == [one.heading[language] for one in DIVISIONS]
    assert shown.alarms, "what speaks against the case stands above the conclusions"


@pytest.mark.parametrize("claim_id", CLAIM_IDS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_contradicted_stands_above_all(claim_id: str, language: Language) -> None:
    found = report(**{claim_id: claim(claim_id, "contradicted", say("container.bad", detail=NASTY))})
    shown = document(found, language)
    assert OUTCOMES["contradicted"][language] in shown.alarms[0]
    assert all(text.isprintable() for text in shown.alarms)


@pytest.mark.parametrize("claim_id", CLAIM_IDS)
def test_a_division_says_the_worst_of_the_claims_it_stands_on(claim_id: str) -> None:
    for outcome in ("needs_external_fact", "not_proved", "contradicted"):
        found = report(**{claim_id: claim(claim_id, outcome, say("container.bad", detail="x"))})
        told = [(division, said(found, division, "en")) for division in DIVISIONS]
        assert {division.heading["en"] for division, text in told if text == division.says[outcome]["en"]} == {
            division.heading["en"] for division in DIVISIONS if claim_id in division.core
        }


def test_the_reason_of_a_fault_is_the_fault() -> None:
    lines = (say("disclosure.good", opened=1, withheld=2), say("anchor.bad", number=0, detail="ab" * 32))
    assert why(claim("anchor", "contradicted", *lines), "en") == "anchor 0 does not hold: ababababab…"


def test_every_claim_has_what_would_settle_it() -> None:
    assert set(SETTLES) == set(CLAIM_IDS)
    assert all(re.search("[一-鿿]", phrase.zh) and phrase.en for phrase in (*SETTLES.values(), *ALWAYS))


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_open_is_listed_and_nothing_else(language: Language) -> None:
    section = unproved_section(report(), language)
    assert section.marks == ("needs_external_fact",)
    assert words(language).never in section.paragraphs
    assert len(section.notes) == 1 + len(ALWAYS)


def test_rules_and_facts_have_both_languages() -> None:
    phrases = [*FACTS.values(), *(part for rule in RULES.values() for part in (rule.name, rule.gap))]
    assert all(fields(phrase.en) == fields(phrase.zh) and re.search("[一-鿿]", phrase.zh) for phrase in phrases)


@pytest.mark.parametrize("claim_id", TECHNICAL)
@pytest.mark.parametrize("outcome", ["not_proved", "contradicted", "needs_external_fact"])
def test_article_16_is_met_by_no_open_step(claim_id: str, outcome: str) -> None:
    found = report(**{claim_id: claim(claim_id, outcome, say("container.bad", detail="x"))})
    assert fact_of(found, "cn-16", "en").endswith(f"step {CLAIM_IDS[claim_id]}")
    assert "一致的" not in fact_of(found, "cn-16", "zh")
    assert fact_of(report(), "cn-16", "en").startswith("technical verification is consistent")


def test_article_16_tells_of_adverse_events_and_whether_they_are_all() -> None:
    line = say("adverse.event", time="t", type="dispute.open", about="A", position=9, detail="", standing="")
    whole = with_facts(report(completeness=claim("completeness", "proved", line)), adverse=[{}, {}])
    assert fact_of(whole, "cn-16", "en").endswith("adverse events on record: 2")
    told = with_facts(report(completeness=claim("completeness", "needs_external_fact", line)), adverse=[{}, {}])
    assert fact_of(told, "cn-16", "en").endswith("2 (whether there are others: needs an external fact, step 13)")
    assert fact_of(told, "cn-16", "zh").endswith("2 项（有无其他事件：须以外部事实印证，第 13 步）")


BEHIND = {
    "cn-16": TECHNICAL,
    "cn-17-system": ("platform",),
    "cn-18-notary": ("capture",),
    "cn-18-generation": ("traceability",),
    "cn-18-witness": ("time",),
    "fre-902-13": ("integrity", "statement-signature", "inclusion", "checkpoint-signature", "entitlement"),
    "fre-902-14": ("content",),
    "vt-1913": ("time",),
    "eidas-41": ("timestamp",),
    "eidas-45l": ("statement-signature", "inclusion", "checkpoint-signature", "anchor"),
}
"""What a line says something by."""


def spoken_to(kit: Kit) -> Report:
    """Something speaks to each rule of ``BEHIND``, and all that it rests on is proved."""
    good = kit.verify(kit.bundle())
    factors = [{"article": 17, "factor": "system", "state": "present", "positions": [7], "detail": ""},
               {"article": 18, "factor": "notary", "state": "present", "positions": [8], "detail": ""}]  # fmt: skip
    job = {"position": 8, "type": "job.register", "subject": "J-1", "signed_by": "P-1", "role": "party"}
    end = {"not_before": None, "not_after": "2026-02-01T04:05:00Z"}
    claims = tuple(replace(report().claim(one), outcome="proved", rests_on=()) for one in CLAIM_IDS)
    told = {"factors": factors, "statements": [*good.facts["statements"], job]}
    return replace(
        good, claims=claims, facts={**good.facts, **told, "time": {**good.facts["time"], "independent": end}}
    )


def states(found: Report, language: Language) -> dict[str, tuple[str, str]]:
    """By rule: what the line says of what it rests on, and the outcome that colours it."""
    section = rules_section(found, language)
    return {rule: (row[1], mark) for rule, row, mark in zip(RULES, section.rows, section.marks, strict=True)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_rule_on_which_all_rests_proved_says_so_and_one_that_nothing_speaks_to_claims_nothing(
    kit: Kit, language: Language
) -> None:
    found, said = states(spoken_to(kit), language), OUTCOMES["proved"][language]
    steps = {"cn-16": "1–7, 10", "fre-902-13": "1–6", "eidas-45l": "3–5, 10"}
    assert {rule: found[rule] for rule in BEHIND} == {
        rule: (f"{said} [{steps.get(rule, CLAIM_IDS[behind[0]])}]", "proved") for rule, behind in BEHIND.items()
    }
    assert {told for rule, told in found.items() if rule not in BEHIND} == {("—", "")}


@pytest.mark.parametrize("outcome", ["not_proved", "contradicted", "needs_external_fact"])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("claim_id", CLAIM_IDS)
def test_a_rule_whose_ground_is_open_says_so(kit: Kit, claim_id: str, outcome: str, language: Language) -> None:
    """Not "on record" alone: the record may be contradicted, or nobody may vouch that it is whole."""
    good = spoken_to(kit)
    opened = tuple(replace(one, outcome=outcome) if one.id == claim_id else one for one in good.claims)
    found, before = states(replace(good, claims=opened), language), states(good, language)
    for rule in RULES:
        # Not told: jobs that nobody was entitled to register or that are not bound; a time that is contradicted.
        mute = rule == "cn-18-generation" and claim_id in ("entitlement", "traceability")
        mute = mute or (rule, claim_id, outcome) == ("cn-18-witness", "time", "contradicted")
        said = ("—", "") if mute else (f"{OUTCOMES[outcome][language]} [{CLAIM_IDS[claim_id]}]", outcome)
        assert found[rule] == (said if mute or claim_id in BEHIND.get(rule, ()) else before[rule]), rule


def test_of_several_grounds_a_rule_names_the_worst() -> None:
    outcomes = {"inclusion": "needs_external_fact", "anchor": "not_proved", "disclosure": "not_proved"}
    found = report(
        **{name: claim(name, outcome, say("container.bad", detail="x")) for name, outcome in outcomes.items()}
    )
    assert states(found, "en")["cn-16"] == ("not proved [7, 10]", "not_proved")


@pytest.mark.parametrize("rule", [name for name in RULES if name.startswith(("cn-17", "cn-18"))])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_factor_is_what_the_record_says_of_it(rule: str, language: Language) -> None:
    nothing = FACTS["nothing"]
    assert fact_of(report(), rule, language) == (nothing.zh if language == "zh" else nothing.en)
    told = []
    for state in ("present", "absent", "inconsistent", "expired", "afterwards"):
        one = {"article": int(rule[3:5]), "factor": rule[6:], "state": state, "positions": [7], "detail": "why"}
        told.append(fact_of(with_facts(report(), factors=[one]), rule, language))
    assert len(set(told)) == 5
    assert "7" in told[0]
    assert "7" in told[2]
    assert "7" in told[3]


def test_a_made_thing_is_said_to_be_generated_only_where_there_is_a_job() -> None:
    job = {"position": 8, "type": "job.register", "subject": "J-1", "signed_by": "P-1", "role": "party"}
    found = with_facts(report(), statements=[*report().facts["statements"], job])
    assert "jobs of the case: 1" in fact_of(found, "cn-18-generation", "en")
    unbound = replace(found, claims=tuple(
        replace(one, outcome="not_proved") if one.id == "traceability" else one for one in found.claims
    ))  # fmt: skip
    assert fact_of(unbound, "cn-18-generation", "en") == FACTS["nothing"].en


@pytest.mark.parametrize(("outcome", "key", "copied"), [
    ("proved", "content.good", True), ("needs_external_fact", "content.digests", False),
    ("contradicted", "content.bad", False),
])  # fmt: skip
def test_a_copy_is_proved_by_its_own_line_alone(outcome: str, key: str, copied: bool) -> None:
    line = say(key, object="A-1", count=1, detail="x")
    found = registered(report(content=claim("content", outcome, line)))
    assert fact_of(found, "fre-902-14", "en").startswith("originals in the bundle that have") is copied
    rows = custody_section(found, "en").rows
    assert [row[3] for row in rows][2] == words("en").compared[outcome]


def test_no_way_is_shown_of_bytes_that_nobody_registered() -> None:
    assert custody_section(report(), "en").rows == ()


def test_time_in_is_not_told_where_it_is_contradicted(kit: Kit) -> None:
    good = kit.verify(kit.bundle())
    assert fact_of(good, "vt-1913", "en").startswith("in: not later than 2026-")
    assert "the operator's word" in fact_of(good, "vt-1913", "en")
    claims = tuple(replace(one, outcome="contradicted") if one.id == "time" else one for one in good.claims)
    assert fact_of(replace(good, claims=claims), "vt-1913", "en") == FACTS["no-time"].en


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_bundle_that_was_not_read_has_a_report(kit: Kit, language: Language) -> None:
    shown = document(kit.verify(b"nothing"), language)
    assert words(language).nothing in [text for section in shown.sections for text in section.paragraphs]
    assert shown.about


def audited(size: int, time: str) -> Report:
    lines = (
        say("map.whole", position=7, time=time, size=size, count=3),
        say("map.audited", name="auditor", size=size, time=time),
    )
    found = report(completeness=claim("completeness", "proved", *lines, required=False))
    return with_facts(found, checkpoint={"size": 90, "root": "ab", "signed_at": "2026-03-01T00:00:00Z"})


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_withheld_is_said_up_to_where(language: Language) -> None:
    shown = document(audited(90, "2026-03-01T00:00:00Z"), language)
    data = shown.sections[2]
    assert any("90" in row[2] and "2026-03-01 00:00:00Z" in row[2] for row in data.rows)
    assert any("2026-03-01 00:00:00Z" in line for line in shown.lead)
    assert shown.alarms == ()


@pytest.mark.parametrize(
    ("size", "time", "warned"),
    [(80, "2026-02-20T00:00:00Z", True), (80, "2026-02-28T12:00:00Z", False), (90, "2026-02-01T00:00:00Z", False)],
)
def test_an_old_root_is_told_as_such(size: int, time: str, warned: bool) -> None:
    shown = document(audited(size, time), "en")
    assert [line for line in shown.alarms if "went on for 10 entries, over 9 days" in line] == list(shown.alarms)
    assert bool(shown.alarms) is warned


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_custody_record_stands_in_the_chain_and_a_break_is_marked(language: Language) -> None:
    one = {"position": 7, "at": "2026-01-02T00:00:00Z", "event": "tra", "agent": NASTY, "object": "A-1",
           "before": "ab" * 32, "after": "ab" * 32, "party": "P-1", "receiver": "P-2", "continuous": True,
           "outcome": "fai", "signed": True}  # fmt: skip
    other = {**one, "event": "dis", "outcome": "suc", "position": None, "after": "", "party": None, "receiver": None,
             "continuous": False}  # fmt: skip
    found = with_facts(report(), custody=[one, other])
    shown = document(found, language)
    section = next(part for part in shown.sections if part.heading == words(language).custody)
    assert [row[0] for row in section.rows] == ["2026-01-02 00:00:00Z"] * 2
    assert section.marks == ("", "contradicted")
    assert words(language).entry.format(position=7) in section.rows[0][1]
    assert words(language).failed.format(event=words(language).custody_events["tra"]) in section.rows[0][1]
    assert section.rows[0][2].endswith("→ P-2")
    assert section.rows[1][1].startswith(words(language).custody_events["dis"])
    assert words(language).not_joined in section.rows[1][3]
    assert all(cell.isprintable() for row in section.rows for cell in row)


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_history_on_the_operators_word_is_told_as_such(kit: Kit, language: Language) -> None:
    good = kit.verify(kit.bundle())
    alone = words(language).one_history
    named = say("anchor.named", registry="r", chain=1, size=9, block=1, time="t", hash="h")
    covers = say("anchor.named-covers", size=9)
    claims = tuple(replace(one, evidence=(named, covers)) if one.id == "anchor" else one for one in good.claims)
    end = {"not_before": None, "not_after": "2026-02-01T04:05:00Z"}
    vouched = [
        replace(good, claims=claims),
        with_facts(good, time={**good.facts["time"], "independent": end}),
    ]
    told = [alone in document(found, language).sections[2].paragraphs for found in (good, *vouched)]
    assert told == [True, False, False]
    for rule in ("cn-16", "eidas-45l"):
        phrase = FACTS["alone"].zh if language == "zh" else FACTS["alone"].en
        assert phrase in fact_of(good, rule, language)
        assert phrase not in fact_of(vouched[0], rule, language)


def test_the_limbs_are_those_that_the_verifier_weighs() -> None:
    told = [rule.split("-", 2)[2] for rule in RULES if rule.startswith(("cn-17", "cn-18"))]
    assert sorted(told) == sorted(FACTORS)


def test_what_rests_on_a_fallen_step_is_not_told_of_a_factor_or_of_custody() -> None:
    factor = {"article": 18, "factor": "notary", "state": "present", "positions": [7], "detail": ""}
    line = {"position": 7, "at": "2026-01-02T00:00:00Z", "event": "tra", "agent": "x", "object": "A-1",
            "before": "", "after": "", "party": "P-1", "receiver": None, "continuous": True, "outcome": "suc",
            "signed": False}  # fmt: skip
    found = with_facts(report(), factors=[factor], custody=[line])
    fallen = replace(found, claims=tuple(replace(one, rests_on=(4,)) for one in found.claims))
    assert fact_of(found, "cn-18-notary", "en") == "on record: entry 7"
    assert fact_of(fallen, "cn-18-notary", "en") == FACTS["nothing"].en
    assert [len(custody_section(one, "en").rows) for one in (found, fallen)] == [1, 0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_long_custody_record_keeps_its_end_and_every_fault_and_says_what_it_leaves_out(language: Language) -> None:
    one = {"at": "2026-01-02T00:00:00Z", "event": "fix", "agent": "x", "object": "A-1", "before": "", "after": "",
           "party": "P-1", "receiver": None, "continuous": True, "outcome": "suc", "signed": True}  # fmt: skip
    record = [{**one, "position": at} for at in range(100)]
    record[60]["continuous"], record[70]["outcome"] = False, "fai"
    section = custody_section(with_facts(report(), custody=record), language)
    kept = [at for at in range(100) if any(words(language).entry.format(position=at) in row[1] for row in section.rows)]
    assert len(section.rows) == 40
    assert {60, 70, *range(85, 100)} <= set(kept)
    assert [section.marks[at] for at, row in enumerate(section.rows) if "60" in row[1]] == ["contradicted"]
    assert section.notes[0] == words(language).more_custody.format(count=60)
    assert len(custody_section(with_facts(report(), custody=record[:40]), language).notes) == 1


def test_a_notary_is_cited_where_it_spoke_itself() -> None:
    factor = {"article": 18, "factor": "notary", "state": "present", "positions": [7, 8], "detail": ""}
    told = [
        {
            "position": 7,
            "party": "P-1",
            "attested": [
                {"position": 12, "role": "witness", "signed": True, "party": "P-2"},
                {"position": 11, "role": "notary", "signed": True, "party": "P-2"},
                {"position": 14, "role": "notary", "signed": False, "party": "P-2"},
                {"position": 15, "role": "notary", "signed": True, "party": "P-1"},
            ],
        },
        {
            "position": 9,
            "party": "P-1",
            "attested": [{"position": 13, "role": "notary", "signed": True, "party": "P-2"}],
        },
    ]
    found = with_facts(report(), factors=[factor], capture=told)
    assert fact_of(found, "cn-18-notary", "en") == "on record: entry 11"
    odd = with_facts(found, factors=[{**factor, "state": "inconsistent"}])
    assert fact_of(odd, "cn-18-notary", "en") == "INCONSISTENT on record: entry 7, 8, 11"
    alone = with_facts(found, capture=[{"position": 7, "party": "P-1", "attested": []}])
    assert fact_of(alone, "cn-18-notary", "en") == "on record: entry 7, 8", "named by the record, and silent itself"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("told", ["capture", "custody"])
def test_a_making_or_a_custody_is_told_with_what_may_have_come_after_it(told: str, language: Language) -> None:
    """Of nine entries three are shown, two of them above the root at 5; a day need not have passed."""
    w, line = words(language), say("map.whole", position=7, time="2026-01-01T00:00:00Z", size=5, count=3)
    under_root = report(completeness=claim("completeness", "needs_external_fact", line, required=False))
    expected = {
        w.unseen.format(size=5, time="2026-01-01 00:00:00Z", count=2): with_facts(under_root, **{told: [{}]}),
        w.unseen_no_root.format(count=6): with_facts(report(), **{told: [{}]}),
    }
    for text, found in expected.items():
        assert list(alarms(found, language)) == [text]
        assert list(alarms(with_facts(found, **{told: []}), language)) == []
