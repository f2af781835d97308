"""What the terms answer: truth tables, then properties over random terms and questions."""

from __future__ import annotations

import pytest

from tallystick.errors import MalformedInput
from tallystick.licence.answer import Effect, Verdict, answer
from tallystick.licence.question import parse_question
from tallystick.licence.wording import WITHHELD

from .examples import LICENSEE, LICENSOR, WITHIN, disclosed

PERMITTED, PROHIBITED, CANNOT_TELL = Verdict.PERMITTED, Verdict.PROHIBITED, Verdict.CANNOT_TELL

TABLE: list[tuple[str, str, Verdict, str]] = [
    # question, instant, verdict, deciding term
    ("play in DE on streaming-svod", WITHIN, PERMITTED, "use"),
    ("play in DE on theatrical", WITHIN, PERMITTED, "use"),
    ("print in DE on theatrical", WITHIN, PROHIBITED, "use"),
    ("advertise in DE on theatrical", WITHIN, PROHIBITED, "use"),
    ("play in US on theatrical", WITHIN, PROHIBITED, "territory"),
    ("play in FR on theatrical", WITHIN, PROHIBITED, "territory"),
    ("play in WW on theatrical", WITHIN, PROHIBITED, "territory"),
    ("play in DE on game", WITHIN, PROHIBITED, "media"),
    ("play in DE on streaming-avod", WITHIN, PROHIBITED, "media"),
    # all streaming includes what is excluded
    ("play in DE on streaming", WITHIN, PROHIBITED, "media"),
    ("play in DE on theatrical", "2026-10-31T23:59:59Z", PROHIBITED, "window"),
    ("play in DE on theatrical", "2026-11-01T00:00:00Z", PERMITTED, "use"),
    ("play in DE on theatrical", "2028-10-31T23:59:59Z", PERMITTED, "use"),
    ("play in DE on theatrical", "2028-11-01T00:00:00Z", PROHIBITED, "window"),
    # holdback: subscription streaming in CH until June 2027
    ("play in CH on streaming-svod", WITHIN, PROHIBITED, "holdback"),
    ("play in CH on streaming-svod", "2027-05-31T23:59:59Z", PROHIBITED, "holdback"),
    ("play in CH on streaming-svod", "2027-06-01T00:00:00Z", PERMITTED, "use"),
    ("play in CH on streaming-tvod", WITHIN, PERMITTED, "use"),
    ("play in CH on theatrical", WITHIN, PERMITTED, "use"),
    ("play in DE on theatrical in format hd", WITHIN, PERMITTED, "use"),
    ("play in DE on theatrical in format 8k", WITHIN, PROHIBITED, "format"),
    ("play in DE on theatrical language en-US", WITHIN, PERMITTED, "use"),
    ("play in DE on theatrical language de-AT", WITHIN, PERMITTED, "use"),
    ("play in DE on theatrical language de-CH", WITHIN, PROHIBITED, "language"),
    ("play in DE on theatrical language de", WITHIN, PROHIBITED, "language"),
    ("play in DE on theatrical language zh", WITHIN, PROHIBITED, "language"),
    ("play in DE on theatrical language fr", WITHIN, PROHIBITED, "language"),
    (f"play in DE on theatrical as {LICENSEE}", WITHIN, PERMITTED, "use"),
    (f"play in DE on theatrical as {LICENSOR}", WITHIN, PROHIBITED, "licensee"),
    ("sublicense in DE on theatrical", WITHIN, PERMITTED, "sublicensing"),
    ("ai-inference in DE", WITHIN, PERMITTED, "ai_use"),
    ("ai-inference in US", WITHIN, PROHIBITED, "territory"),
    ("ai-inference in DE on game", WITHIN, PROHIBITED, "media"),
    ("ai-data-mining in DE", WITHIN, PROHIBITED, "ai_use"),
    ("ai-generative-training in DE", WITHIN, PROHIBITED, "ai_use"),
    ("ai-other-training in DE", WITHIN, PROHIBITED, "ai_use"),
    ("adapt in DE on theatrical", WITHIN, PERMITTED, "use"),
    # several terms deny: the first in the fixed order decides
    ("print in US on game", WITHIN, PROHIBITED, "use"),
    ("play in US on game", WITHIN, PROHIBITED, "territory"),
]


@pytest.mark.parametrize(("text", "at", "verdict", "term"), TABLE)
def test_truth_table(text: str, at: str, verdict: Verdict, term: str) -> None:
    found = answer(disclosed(), parse_question(text), at)
    assert (found.verdict, found.deciding.term) == (verdict, term)
    assert found.deciding in found.reasons
    assert found.at == at


WITHHELD_TABLE: list[tuple[tuple[str, ...], str, Verdict, str]] = [
    (("payment", "contract", "attribution", "consent", "count"), "play in DE on theatrical", PERMITTED, "use"),
    (("licensee", "payment"), "play in DE on theatrical", PERMITTED, "use"),
    (("licensee",), f"play in DE on theatrical as {LICENSEE}", CANNOT_TELL, "licensee"),
    (("use",), "play in DE on theatrical", CANNOT_TELL, "use"),
    (("territory",), "play in DE on theatrical", CANNOT_TELL, "territory"),
    (("window",), "play in DE on theatrical", CANNOT_TELL, "window"),
    (("media",), "play in DE on theatrical", CANNOT_TELL, "media"),
    (("holdback",), "play in DE on theatrical", CANNOT_TELL, "holdback"),
    (("format",), "play in DE on theatrical", PERMITTED, "use"),
    (("format",), "play in DE on theatrical in format hd", CANNOT_TELL, "format"),
    (("language",), "play in DE on theatrical language de", CANNOT_TELL, "language"),
    (("derivatives",), "adapt in DE on theatrical", CANNOT_TELL, "derivatives"),
    (("derivatives",), "play in DE on theatrical", PERMITTED, "use"),
    (("ai_use",), "ai-inference in DE", CANNOT_TELL, "ai_use"),
    (("ai_use",), "play in DE on theatrical", PERMITTED, "use"),
    (("sublicensing",), "sublicense in DE on theatrical", CANNOT_TELL, "sublicensing"),
    # prohibition wins over what is unknown
    (("use", "territory"), "play in DE on game", PROHIBITED, "media"),
    (("use", "window"), "play in US on theatrical", PROHIBITED, "territory"),
]


@pytest.mark.parametrize(("withheld", "text", "verdict", "term"), WITHHELD_TABLE)
def test_withheld_terms(withheld: tuple[str, ...], text: str, verdict: Verdict, term: str) -> None:
    found = answer(disclosed(*withheld), parse_question(text), WITHIN)
    assert (found.verdict, found.deciding.term) == (verdict, term)
    if verdict is CANNOT_TELL:
        assert found.deciding.clause == WITHHELD
        assert "ask the holder to disclose it" in found.deciding.why.en


def test_the_example_of_the_readme() -> None:
    shown = disclosed(media={"include": ["streaming"], "exclude": []}, format=None, language=None)
    found = answer(shown, parse_question("play in DE on streaming"), WITHIN)
    assert found.verdict is PERMITTED
    assert found.deciding.clause.en == "adapt, display, play; not use in advertising"
    assert [reason.term for reason in found.reasons if reason.effect is Effect.CONDITION] == [
        "asset",
        "licensee",
        "channel",
        "count",
        "attribution",
        "payment",
        "consent",
    ]


def test_prohibited_derivatives_beat_a_granted_adaptation() -> None:
    found = answer(disclosed(derivatives="prohibited"), parse_question("adapt in DE on theatrical"), WITHIN)
    assert (found.verdict, found.deciding.term) == (PROHIBITED, "derivatives")


def test_approval_is_a_condition() -> None:
    found = answer(disclosed(), parse_question("adapt in DE on theatrical"), WITHIN)
    reason = next(each for each in found.reasons if each.term == "derivatives")
    assert (reason.effect, reason.why.en) == (Effect.CONDITION, "needs the licensor's approval")


def test_a_conditional_start_is_not_taken_on_faith() -> None:
    window = {"start": "2026-11-01T00:00:00Z", "conditional": "theatrical release in DE"}
    question = parse_question("play in DE on theatrical")
    found = answer(disclosed(window=window), question, WITHIN)
    assert (found.verdict, found.deciding.term) == (CANNOT_TELL, "window")
    assert "theatrical release in DE" in found.deciding.why.en
    assert answer(disclosed(window=window), question, "2026-10-01T00:00:00Z").verdict is PROHIBITED


def test_the_whole_world_can_be_licensed_less_a_part() -> None:
    shown = disclosed(territory={"include": ["WW"], "exclude": ["CN"]})
    verdicts = {
        where: answer(shown, parse_question(f"play in {where} on theatrical"), WITHIN).verdict
        for where in ("DE", "CN", "WW")
    }
    assert verdicts == {"DE": PERMITTED, "CN": PROHIBITED, "WW": PROHIBITED}


def test_an_umbrella_medium_is_held_back_with_its_member() -> None:
    shown = disclosed(media={"include": ["streaming"], "exclude": []})
    found = answer(shown, parse_question("play in CH on streaming"), WITHIN)
    assert (found.verdict, found.deciding.term) == (PROHIBITED, "holdback")


def test_the_whole_world_is_held_back_with_its_part() -> None:
    shown = disclosed(territory={"include": ["WW"], "exclude": []})
    found = answer(shown, parse_question("play in WW on streaming-svod"), WITHIN)
    assert (found.verdict, found.deciding.term) == (PROHIBITED, "holdback")


def test_an_absent_optional_term_does_not_limit() -> None:
    shown = disclosed(format=None, language=None, holdback=None)
    found = answer(shown, parse_question("play in CH on streaming-svod in format 8k language fr"), WITHIN)
    assert found.verdict is PERMITTED


def test_an_instant_in_another_form_is_refused() -> None:
    with pytest.raises(MalformedInput, match="is not a time"):
        answer(disclosed(), parse_question("play in DE on theatrical"), "2026-12-01")


WINDOWS = [
    {
        "start": "2026-11-01T00:00:00Z",
        "end": "2027-05-01T00:00:00Z",
        "media": {"include": ["theatrical"], "exclude": []},
    },
    {
        "start": "2027-05-01T00:00:00Z",
        "end": "2027-11-01T00:00:00Z",
        "media": {"include": ["streaming-tvod", "theatrical"], "exclude": []},
        "territory": {"include": ["DE"], "exclude": []},
    },
    {"start": "2027-08-01T00:00:00Z", "end": "2028-11-01T00:00:00Z"},
]
WINDOWS_TABLE: list[tuple[str, str, Verdict, str]] = [
    ("play in DE on theatrical", WITHIN, PERMITTED, "use"),
    ("play in DE on streaming-svod", WITHIN, PROHIBITED, "windows"),
    # a window of certain media says nothing of a use that is in no medium: ask about one
    ("ai-inference in DE", WITHIN, CANNOT_TELL, "windows"),
    ("ai-inference in DE on theatrical", WITHIN, PERMITTED, "ai_use"),
    ("ai-inference in DE on streaming-tvod", WITHIN, PROHIBITED, "windows"),
    ("ai-inference in DE", "2027-08-01T00:00:00Z", PERMITTED, "ai_use"),
    ("ai-inference in AT", "2027-06-01T00:00:00Z", PROHIBITED, "windows"),
    ("play in AT on theatrical", "2027-04-30T23:59:59Z", PERMITTED, "use"),
    ("play in AT on theatrical", "2027-05-01T00:00:00Z", PROHIBITED, "windows"),
    ("play in DE on streaming-tvod", "2027-05-01T00:00:00Z", PERMITTED, "use"),
    ("play in DE on streaming-svod", "2027-07-31T23:59:59Z", PROHIBITED, "windows"),
    ("play in DE on streaming-svod", "2027-08-01T00:00:00Z", PERMITTED, "use"),
    # a window does not widen what the other terms grant
    ("play in US on theatrical", "2027-08-01T00:00:00Z", PROHIBITED, "territory"),
    ("play in DE on streaming-avod", "2027-08-01T00:00:00Z", PROHIBITED, "media"),
    ("play in DE on theatrical", "2028-11-01T00:00:00Z", PROHIBITED, "window"),
]


@pytest.mark.parametrize(("text", "at", "verdict", "term"), WINDOWS_TABLE)
def test_several_windows(text: str, at: str, verdict: Verdict, term: str) -> None:
    found = answer(disclosed(windows=WINDOWS), parse_question(text), at)
    assert (found.verdict, found.deciding.term) == (verdict, term)


CONDITIONAL = {"start": "2026-11-01T00:00:00Z", "conditional": "first theatrical release in Germany"}


@pytest.mark.parametrize(
    ("commenced", "at", "verdict"),
    [
        (None, WITHIN, CANNOT_TELL),
        ("2026-11-30T23:59:59Z", WITHIN, PERMITTED),
        (WITHIN, WITHIN, PERMITTED),
        ("2026-12-01T00:00:01Z", WITHIN, PROHIBITED),
        # a condition that came about early does not begin the term early
        ("2026-01-01T00:00:00Z", "2026-10-31T23:59:59Z", PROHIBITED),
    ],
)
def test_a_conditional_start(commenced: str | None, at: str, verdict: Verdict) -> None:
    found = answer(disclosed(window=CONDITIONAL), parse_question("play in DE on theatrical"), at, commenced)
    assert found.verdict is verdict
    assert found.deciding.term == ("use" if verdict is PERMITTED else "window")
