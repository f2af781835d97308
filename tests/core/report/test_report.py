"""Reports: every line has words in both languages, the first lines say what matters, HTML is inert."""

from __future__ import annotations

import re
import string
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args

import pytest

from tallystick.case.model import SUBJECT_LETTERS
from tallystick.events.kinds import BODIES
from tallystick.evm.chains import Voucher
from tallystick.fork import Kind as ForkKind
from tallystick.report.as_html import html_report
from tallystick.report.as_json import report_value
from tallystick.report.as_text import text_report
from tallystick.report.event_names import EVENTS, KINDS
from tallystick.report.lines import sentence
from tallystick.report.phrases import PHRASES, Language
from tallystick.report.words import CLAIMS, DIVISIONS, OUTCOMES, VERDICTS, words
from tallystick.verify import capture, platform
from tallystick.verify.outcome import CLAIM_IDS, Claim, Line, Report, say

VERIFY = Path(__file__).parents[3] / "tallystick" / "verify"
LANGUAGES: tuple[Language, ...] = ("en", "zh")
NASTY = "<script>alert(1)</script>\x1b[31m\n&\"'{detail}\u202e"


def claim(claim_id: str, outcome: str = "proved", *lines: Line, required: bool = True) -> Claim:
    evidence = lines or (say("disclosure.good", opened=1, withheld=2),)
    return Claim(claim_id, CLAIM_IDS[claim_id], outcome, required, evidence)  # type: ignore[arg-type]


def report(**changes: Claim) -> Report:
    claims = {claim_id: claim(claim_id) for claim_id in CLAIM_IDS}
    claims["time"] = claim("time", "needs_external_fact", say("time.operator"), required=False)
    claims |= {name.replace("_", "-"): value for name, value in changes.items()}
    facts = {
        "kind": "object", "subject": NASTY, "log": "log.example",
        "exporter": {"name": NASTY, "key": "00"},
        "statements": [
            {"position": 3, "type": "party.register", "subject": "P-1", "signed_by": "P-0", "role": "registrar"},
            {"position": 5, "type": "x", "subject": "A-1", "signed_by": "P-1", "role": "party"},
            {"position": 6, "type": "x", "subject": "A-2", "signed_by": "P-9", "role": "service",
             "recorded_for": "P-2"},
        ],
        "checkpoint": {"size": 9, "root": "ab" * 32}, "covers": "ef" * 32, "originals": [],
        "exported_at": "2026-01-01T00:00:00Z",
        "disclosed": {"3": {"name": "Lantern \x1bStudio"}},
    }  # fmt: skip
    for one in facts["statements"]:
        one["admitted_at"] = one["claimed_at"] = "2026-01-01T00:00:00Z"  # type: ignore[index]
    return Report("proved", tuple(claims.values()), None, "ab" * 32, NASTY, 0, "cd" * 32, facts)


FACTS = "".join((VERIFY / name).read_text(encoding="utf-8") for name in ("capture.py", "custody.py", "platform.py"))


def said_of_factors() -> set[str]:
    """Keys that are put together: what does not agree, and the state of each factor and limb."""
    return {
        *(f"capture.{fault}" for fault in re.findall(r'yield "([a-z-]+)"', FACTS)),
        *(f"factor.{name}.{state}" for name in capture.FACTORS for state in ("present", "absent")),
        *(f"limb.{name}.{state}" for name in platform.LIMBS for state in platform.STATES),
    }


def used_keys() -> set[str]:
    calls = r"(?:say|shows|lacks|contradicts|needs|note|_wrong)\(\s*\"([a-z.-]+)\""
    named = {key for path in VERIFY.glob("*.py") for key in re.findall(calls, path.read_text(encoding="utf-8"))}
    accusation = (VERIFY / "accusation.py").read_text(encoding="utf-8")
    standings = {*re.findall(r'Standing\("[a-z_]+", "([a-z-]+)"', accusation), *get_args(Voucher)} - {"nobody"}
    named |= set(re.findall(r"(?:if [a-z(]+\)?|else) (?:else )?\"([a-z]+\.[a-z-]+)\"", FACTS)) | said_of_factors()
    return (
        named | {f"checkpoint.fork-{kind}" for kind in get_args(ForkKind)} | {f"conviction.{why}" for why in standings}
    )


def test_every_line_that_is_said_has_words_and_no_other() -> None:
    assert used_keys() - {"contradicted", "not_proved", "needs_external_fact"} == set(PHRASES)


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("key", sorted(PHRASES))
def test_both_languages_say_the_same_values(key: str) -> None:
    phrase = PHRASES[key]
    assert fields(phrase.en) == fields(phrase.zh)
    assert bool(phrase.next_en) == bool(phrase.next_zh)
    assert re.search("[一-鿿]", phrase.zh) or phrase.en == phrase.zh


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_that_are_not_proved_are_not_used(language: Language) -> None:
    shown = report(disclosure=claim("disclosure", "contradicted", say("disclosure.bad", position=3, detail="x")))
    assert "Lantern" not in text_report(shown, language)


def test_every_event_and_kind_has_words() -> None:
    assert set(EVENTS) == set(BODIES)
    assert set(KINDS) == set(SUBJECT_LETTERS)


def test_every_claim_outcome_and_verdict_has_words() -> None:
    assert set(CLAIMS) == set(CLAIM_IDS) == {one for division in DIVISIONS for one in division.claims}
    for table in (CLAIMS, OUTCOMES, VERDICTS):
        assert all(set(words_of) == {"en", "zh"} for words_of in table.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_lines(language: Language) -> None:
    event = say(
        "adverse.event", time="t", type="dispute.open", about="A-1", position=9, detail="ownership", standing="open"
    )
    withheld = say("completeness.withheld", size=9)
    shown = report(completeness=claim("completeness", "needs_external_fact", event, withheld, required=False))
    lines = text_report(shown, language).splitlines()
    assert lines[0] == VERDICTS["proved"][language]
    assert lines[1] == "! " + words(language).adverse.format(count=1)
    assert EVENTS["dispute.open"][LANGUAGES.index(language)] in lines[2]
    assert lines[3] == words(language).time
    assert words(language).never in lines


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_said_what(language: Language) -> None:
    text = text_report(report(), language)
    assert words(language).signed.format(who="Lantern \\u001bStudio (P-1)") in text
    assert words(language).signed.format(who=f"{words(language).roles['registrar']} (P-0)") in text
    assert words(language).recorded.format(who="P-2") in text
    assert "P-9" not in text, "the service is not who says it"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_report_calls_anything_legally_valid(language: Language) -> None:
    everything = text_report(report(), language) + "".join(p.en + p.zh for p in PHRASES.values())
    assert not re.search(r"legally valid|legal validity|合法有效|法律效力", everything, re.IGNORECASE)


PLAIN_TAGS = {
    "html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "div", "table", "colgroup", "col", "thead",
    "tbody", "tr", "th", "td",
}  # fmt: skip


class Tags(HTMLParser):
    """Collects elements, attributes and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("language", LANGUAGES)
def test_html_runs_nothing_fetches_nothing_and_escapes_everything(language: Language) -> None:
    nasty = report(integrity=claim("integrity", "contradicted", say("container.bad", detail=NASTY)))
    seen = Tags(html_report(nasty, language))
    assert seen.tags == PLAIN_TAGS
    assert seen.attributes == {"lang", "charset", "http-equiv", "content", "class", "style"}
    assert "<script>alert(1)</script>" in seen.text
    assert "url(" not in html_report(nasty, language)
    assert "@import" not in html_report(nasty, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_control_characters_of_a_bundle_are_shown_not_obeyed(language: Language) -> None:
    told = sentence(say("container.bad", detail=NASTY), language)
    assert told.isprintable()
    assert "\\u001b" in told
    for line in text_report(report(), language).splitlines():
        assert line.isprintable(), line


def test_json_says_verdict_claims_and_what_was_verified() -> None:
    value = report_value(report())
    assert set(value) == {
        "verdict", "refused_at", "claims", "trust_fingerprint", "at", "bundle_sha256", "facts",
    }  # fmt: skip
    assert value["at"] == "1970-01-01T00:00:00Z"
    assert value["claims"][0]["evidence"] == [
        "private values opened, each matching its salted commitment: 1; withheld: 2"
    ]
