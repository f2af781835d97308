"""Forms: a fact stands there only if it was proved; everything else is a blank with its reason; nobody has signed."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tallystick.__main__ import main
from tallystick.report.as_html import html_page
from tallystick.report.form_words import BLANK, EN, WORDS, ZH
from tallystick.report.forms import forms
from tallystick.report.layout import Document
from tallystick.report.rule_words import RULES
from tallystick.trust import encode_trust
from tallystick.verify.outcome import CLAIM_IDS, Report, say
from tests.core.report.test_report import PLAIN_TAGS, Tags, claim
from tests.core.verify.kit import Kit

NAMES = ["fre-902-13.en", "fre-902-14.en", "vermont-1913.en", "cn-16-18.zh", "cn-opinion.zh"]


@pytest.fixture(scope="module")
def good(kit: Kit) -> Report:
    return kit.verify(kit.bundle())


def without(report: Report, claim_id: str, outcome: str = "not_proved") -> Report:
    other = claim(claim_id, outcome, say("container.bad", detail="x"))
    return replace(report, claims=tuple(other if one.id == claim_id else one for one in report.claims))


def cells(form: Document) -> dict[str, str]:
    """By what stands left of it."""
    return {row[0]: row[1] for section in form.sections for row in section.rows}


def text_of(form: Document) -> str:
    return Tags(html_page(form)).text


def test_there_are_these_forms_and_none_is_signed(good: Report) -> None:
    made = forms(good)
    assert list(made) == NAMES
    for name, form in made.items():
        assert form.language == name[-2:]
        last = form.sections[-1]
        assert {row[1] for row in last.rows} == {BLANK * 2}, name
        assert form.alarms[0] == WORDS[form.language].draft
        assert not re.search(r"legally valid|legal validity|合法有效|法律效力", text_of(form), re.IGNORECASE)


def test_what_was_proved_is_filled_in(good: Report) -> None:
    rows = cells(forms(good)["fre-902-13.en"])
    assert rows["Case"] == f"object {good.facts['subject']}"
    assert rows["Evidence bundle, SHA-256"] == good.bundle_sha256
    assert rows[EN.rows["tree"]].endswith(good.facts["checkpoint"]["root"])
    assert "only the operator of the log says" in rows[EN.rows["anchor"]], "a chain of the operator's own"
    named = (say("anchor.named", registry="r", chain=1, size=1, block=1, time="t", hash="h"),)
    for lines, proved in (((*named, say("anchor.named-covers", size=1)), True), (named, False)):
        claims = tuple(replace(one, evidence=lines) if one.id == "anchor" else one for one in good.claims)
        assert (cells(forms(replace(good, claims=claims))["fre-902-13.en"])[EN.rows["anchor"]] == "proved") is proved
    copied = cells(forms(good)["fre-902-14.en"])[good.facts["subject"]]
    assert good.facts["originals"][0]["sha256"] in copied
    assert f"{good.facts['originals'][0]['size']} bytes" in copied


@pytest.mark.parametrize(
    ("claim_id", "row"),
    [("integrity", "integrity"), ("integrity", "case"), ("integrity", "log"), ("statement-signature", "entries"),
     ("entitlement", "entries"), ("inclusion", "tree"), ("checkpoint-signature", "checkpoint"),
     ("entitlement", "entitlement"), ("anchor", "anchor")],
)  # fmt: skip
@pytest.mark.parametrize("outcome", ["not_proved", "contradicted", "needs_external_fact"])
def test_what_is_not_proved_is_a_blank_with_its_step(good: Report, claim_id: str, row: str, outcome: str) -> None:
    changed = without(good, claim_id, outcome)
    for name, words in (("fre-902-13.en", EN), ("vermont-1913.en", EN), ("cn-16-18.zh", ZH)):
        cell = cells(forms(changed)[name])[words.rows[row]]
        assert cell.startswith(BLANK)
        assert str(CLAIM_IDS[claim_id]) in cell
        assert (BLANK in cells(forms(good)[name])[words.rows[row]]) is (row == "anchor")


def test_times_on_the_word_of_the_operator_or_the_exporter_are_no_facts(good: Report) -> None:
    rows = cells(forms(good)["vermont-1913.en"])
    entered, received, *regular = [value for label, value in rows.items() if re.match(r"\([A-D]\)", label)]
    assert entered.startswith(BLANK)
    assert "only the operator of the log says not later than 2026-" in entered
    assert received.startswith(BLANK)
    assert "only the exporter says" in received
    assert [one.startswith(BLANK) for one in regular] == [True, True]


def test_a_time_on_an_independents_word_is_a_fact_once_it_is_proved(good: Report) -> None:
    end = {"not_before": None, "not_after": "2026-02-01T04:05:00Z"}
    facts = {**good.facts, "time": {**good.facts["time"], "independent": end}}
    timed = replace(without(good, "time", "proved"), facts=facts)
    assert (
        cells(forms(timed)["vermont-1913.en"])["(A) The date and time at which the record entered the blockchain"]
        == "not later than 2026-02-01 04:05:00Z"
    ), "the instant itself nobody proved, and it is sworn to"
    for outcome in ("contradicted", "needs_external_fact"):
        rows = cells(forms(replace(without(good, "time", outcome), facts=facts))["vermont-1913.en"])
        assert next(iter(value for label, value in rows.items() if label.startswith("(A)"))).startswith(BLANK)


def test_bytes_that_were_not_compared_are_a_blank(good: Report) -> None:
    line = say("content.digests", object=good.facts["subject"])
    other = replace(good, claims=tuple(
        replace(one, outcome="needs_external_fact", evidence=(line,)) if one.id == "content" else one
        for one in good.claims
    ))  # fmt: skip
    for name in ("fre-902-14.en", "cn-16-18.zh", "cn-opinion.zh"):
        assert cells(forms(other)[name])[good.facts["subject"]].startswith(BLANK)


def test_a_bundle_that_was_not_read_fills_in_nothing(kit: Kit) -> None:
    for name, form in forms(kit.verify(b"nothing")).items():
        words = WORDS[form.language]
        known = {words.rows[row] for row in ("bundle", "trust", "at")}
        table = [(label, value) for section in form.sections for label, value, *_ in section.rows]
        filled = {label for label, value in table if not value.startswith(BLANK)} - known
        # The opinion lists each step with its outcome; article 16 says which steps are open.
        assert all(label.startswith(("第 ", "《人民法院")) for label in filled), (name, filled)
        assert form.alarms == (words.draft, words.not_proved)


@pytest.mark.parametrize("rule", [name for name in RULES if name.startswith(("cn-17", "cn-18"))])
@pytest.mark.parametrize("outcome", ["proved", "not_proved", "needs_external_fact", "contradicted"])
def test_a_factor_whose_claim_is_not_proved_is_no_fact(good: Report, rule: str, outcome: str) -> None:
    claim_id = "platform" if rule.startswith("cn-17") else "capture"
    factor = {"article": int(rule[3:5]), "factor": rule[6:], "state": "present", "positions": [7], "detail": ""}
    told = claim(claim_id, outcome, say("container.bad", detail="x"), required=False)
    found = replace(good, claims=(*good.claims, told), facts={**good.facts, "factors": [factor]})
    cell = cells(forms(found)["cn-16-18.zh"])[RULES[rule].name.zh]
    assert cell.startswith(BLANK) is (outcome != "proved")
    assert (f"第 {CLAIM_IDS[claim_id]} 步" in cell) is (outcome != "proved")
    assert ("第 7 条" in cell) is (outcome == "proved")


def test_a_witness_of_the_time_is_no_fact_before_time_is_proved(good: Report) -> None:
    end = {"not_before": None, "not_after": "2026-02-01T04:05:00Z"}
    facts = {**good.facts, "time": {**good.facts["time"], "independent": end}}
    row = RULES["cn-18-witness"].name.zh
    for outcome in ("proved", "needs_external_fact"):
        cell = cells(forms(replace(without(good, "time", outcome), facts=facts))["cn-16-18.zh"])[row]
        assert cell.startswith(BLANK) is (outcome != "proved")


def test_adverse_events_are_told_to_whoever_signs(good: Report) -> None:
    event = say("adverse.event", time="t", type="dispute.open", about="A", position=9, detail="", standing="")
    claims = tuple(replace(one, evidence=(event,)) if one.id == "completeness" else one for one in good.claims)
    for form in forms(replace(good, claims=claims)).values():
        assert WORDS[form.language].adverse.format(count=1) in form.lead
    for form in forms(good).values():
        assert WORDS[form.language].no_adverse in form.lead


def test_names_from_outside_are_shown_not_obeyed(good: Report) -> None:
    nasty = replace(good, trust_publisher="<b onclick=x>\u202eCourt\x1b[31m")
    for form in forms(nasty).values():
        page = html_page(form)
        seen = Tags(page)
        assert seen.tags <= PLAIN_TAGS
        assert "<b onclick=x>\\u202eCourt\\u001b[31m" in seen.text
        assert all(character.isprintable() or character == "\n" for character in page)


def test_the_command_writes_them(tmp_path: Path, kit: Kit, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "case.zip").write_bytes(kit.bundle())
    (tmp_path / "trust.json").write_bytes(encode_trust(kit.scene.trust_file()))
    out = tmp_path / "forms"
    given = ["verify", str(tmp_path / "case.zip"), "--trust", str(tmp_path / "trust.json")]
    assert main([*given, "--at", "2026-02-02T00:00:00Z", "--forms", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == sorted(f"{name}.html" for name in NAMES)
    assert "902(13)" in (out / "fre-902-13.en.html").read_text(encoding="utf-8")
    assert capsys.readouterr().out.startswith("PROVED")
