"""Properties of answers over random terms, questions and instants."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from tallystick.licence import vocabulary
from tallystick.licence.answer import Effect, Verdict, answer
from tallystick.licence.question import Question, parse_question
from tallystick.licence.terms import NAMES, disclosed_terms
from tallystick.schema import FieldError

from .examples import LICENSEE, LICENSOR, TERMS

USES = ["adapt", "display", "play", "print"]
PLACES = ["AT", "CN", "DE", "WW"]
MEDIA = ["game", "streaming", "streaming-avod", "streaming-svod", "theatrical"]
FORMATS = ["hd", "sd", "uhd"]
LANGUAGES = ["de", "de-CH", "en", "zh", "zh-Hans"]
INSTANTS = ["2026-01-01T00:00:00Z", "2026-12-01T00:00:00Z", "2028-01-01T00:00:00Z", "2029-06-01T00:00:00Z"]

Covers = Callable[[str, str], bool]
VOCABULARIES: dict[str, tuple[list[str], Covers]] = {
    "use": (USES, vocabulary.same),
    "territory": (PLACES, vocabulary.territory_covers),
    "media": (MEDIA, vocabulary.media_covers),
    "format": (FORMATS, vocabulary.same),
    "language": (LANGUAGES, vocabulary.language_covers),
}


def reduced(words: set[str], covers: Covers) -> list[str]:
    """Without the words that another one already covers."""
    return sorted(word for word in words if not any(other != word and covers(other, word) for other in words))


@st.composite
def scopes(draw: st.DrawFn, words: list[str], covers: Covers) -> dict[str, list[str]]:
    include = reduced(draw(st.sets(st.sampled_from(words), min_size=1)), covers)
    denied = draw(st.sets(st.sampled_from(words)))
    exclude = {word for word in denied if not any(covers(word, granted) for granted in include)}
    return {"include": include, "exclude": reduced(exclude, covers)}


@st.composite
def windows(draw: st.DrawFn) -> dict[str, str]:
    start = draw(st.sampled_from(INSTANTS[:3]))
    window = {"start": start}
    later = [instant for instant in INSTANTS if instant > start]
    if draw(st.booleans()):
        window["end"] = draw(st.sampled_from(later))
    if draw(st.integers(0, 4)) == 0:
        window["conditional"] = "release"
    return window


@st.composite
def holdbacks(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "media": sorted(draw(st.sets(st.sampled_from(MEDIA), min_size=1, max_size=2))),
        "territory": sorted(draw(st.sets(st.sampled_from(PLACES), min_size=1, max_size=2))),
        **{name: value for name, value in draw(windows()).items() if name != "conditional"},
    }


@st.composite
def releases(draw: st.DrawFn, term: dict[str, str]) -> list[dict[str, Any]]:
    """One or two windows of different media within the term."""
    made = []
    for media in draw(st.lists(scopes(*VOCABULARIES["media"]), min_size=1, max_size=2, unique_by=str)):
        one: dict[str, Any] = {name: value for name, value in term.items() if name != "conditional"}
        late = "2026-12-15T00:00:00Z"
        if draw(st.booleans()) and term["start"] < late < term.get("end", "9"):
            one["start"] = late
        if draw(st.booleans()):
            one["media"] = media
        if draw(st.booleans()):
            one["territory"] = draw(scopes(*VOCABULARIES["territory"]))
        made.append(one)
    return made


FLAG = st.sampled_from(["permitted", "prohibited"])


def _well_ordered(found: list[dict[str, Any]]) -> bool:
    try:
        disclosed_terms(TERMS.keys(), {"windows": found})
    except FieldError:
        return False
    return True


@st.composite
def any_terms(draw: st.DrawFn) -> dict[str, Any]:
    value: dict[str, Any] = copy.deepcopy(TERMS)
    for name, (words, covers) in VOCABULARIES.items():
        value[name] = draw(scopes(words, covers))
    value["window"] = draw(windows())
    del value["windows"]
    if draw(st.booleans()):
        value["windows"] = draw(releases(value["window"]))
        assume(_well_ordered(value["windows"]))
    value["ai_use"] = {name: draw(FLAG) for name in TERMS["ai_use"]}
    value["sublicensing"] = draw(
        st.sampled_from([{"allowed": True, "max_depth": 1}, {"allowed": False, "max_depth": 0}])
    )
    value["derivatives"] = draw(st.sampled_from(["permitted", "with-approval", "prohibited"]))
    value["holdback"] = draw(st.lists(holdbacks(), min_size=1, max_size=2))
    for name in ("format", "language", "derivatives", "holdback", "payment"):
        if draw(st.integers(0, 3)) == 0:
            del value[name]
    return value


@st.composite
def questions(draw: st.DrawFn) -> Question:
    use = draw(st.sampled_from([*USES, *vocabulary.AI_USES, vocabulary.SUBLICENSE]))
    media = st.sampled_from(MEDIA)
    return Question(
        use,
        draw(st.sampled_from(PLACES)),
        draw(st.none() | media if use in vocabulary.AI_USES else media),
        draw(st.none() | st.sampled_from(FORMATS)),
        draw(st.none() | st.sampled_from(LANGUAGES)),
        draw(st.none() | st.sampled_from([LICENSEE, LICENSOR])),
    )


def verdict(value: dict[str, Any], question: Question, at: str, withheld: frozenset[str] = frozenset()) -> Verdict:
    opened = {name: each for name, each in value.items() if name not in withheld}
    return answer(disclosed_terms(value.keys(), opened), question, at).verdict


INSTANT = st.sampled_from(INSTANTS)
WITHHELD = st.frozensets(st.sampled_from(NAMES))


@given(any_terms(), questions(), INSTANT, st.sampled_from(sorted(VOCABULARIES)), st.data())
def test_adding_a_prohibition_never_turns_deny_into_permit(
    value: dict[str, Any], question: Question, at: str, name: str, data: st.DataObject
) -> None:
    before = verdict(value, question, at)
    words, covers = VOCABULARIES[name]
    if name not in value:
        return
    scope = value[name]
    word = data.draw(st.sampled_from(words))
    tightened = {**value, name: {**scope, "exclude": reduced({*scope["exclude"], word}, covers)}}
    try:
        after = verdict(tightened, question, at)
    except FieldError:
        # The prohibition would have taken back a whole grant: such terms cannot be written.
        assert any(covers(word, granted) for granted in scope["include"])
        return
    if before is not Verdict.PERMITTED:
        assert after is not Verdict.PERMITTED
    if before is Verdict.PROHIBITED:
        assert after is Verdict.PROHIBITED


@given(any_terms(), questions(), INSTANT, holdbacks())
def test_adding_a_holdback_never_turns_deny_into_permit(
    value: dict[str, Any], question: Question, at: str, holdback: dict[str, Any]
) -> None:
    more = {**value, "holdback": [*value.get("holdback", []), holdback]}
    if verdict(value, question, at) is not Verdict.PERMITTED:
        assert verdict(more, question, at) is not Verdict.PERMITTED


@given(any_terms(), questions(), INSTANT, WITHHELD, WITHHELD)
def test_withholding_never_helps(
    value: dict[str, Any], question: Question, at: str, some: frozenset[str], more: frozenset[str]
) -> None:
    before, after = verdict(value, question, at, some), verdict(value, question, at, some | more)
    if before is not Verdict.PERMITTED:
        assert after is not Verdict.PERMITTED
    if after is not Verdict.CANNOT_TELL:
        assert after is before


@given(any_terms(), questions(), INSTANT)
def test_a_permission_is_granted_word_for_word(value: dict[str, Any], question: Question, at: str) -> None:
    """Default deny, the other way round: an included word covers each asked dimension, no excluded one touches it."""
    if verdict(value, question, at) is not Verdict.PERMITTED:
        return
    asked = {
        "territory": question.territory,
        "media": question.media,
        "format": question.format,
        "language": question.language,
        "use": question.use if question.use in USES else None,
    }
    for name, word in asked.items():
        if word is None or name not in value:
            continue
        covers = VOCABULARIES[name][1]
        assert any(covers(granted, word) for granted in value[name]["include"])
        assert not any(covers(denied, word) or covers(word, denied) for denied in value[name]["exclude"])
    if question.use in vocabulary.AI_USES:
        assert value["ai_use"][vocabulary.AI_USES[question.use][0]] == "permitted"
    assert value["window"]["start"] <= at < value["window"].get("end", "9")
    assert question.party in (None, LICENSEE)


@given(any_terms(), questions(), INSTANT)
def test_what_an_umbrella_permits_each_member_permits(value: dict[str, Any], question: Question, at: str) -> None:
    if verdict(value, question, at) is not Verdict.PERMITTED:
        return
    for territory in PLACES:
        if vocabulary.territory_covers(question.territory, territory):
            assert verdict(value, Question(**{**vars(question), "territory": territory}), at) is Verdict.PERMITTED
    for media in MEDIA:
        if question.media is not None and vocabulary.media_covers(question.media, media):
            assert verdict(value, Question(**{**vars(question), "media": media}), at) is Verdict.PERMITTED


@given(any_terms(), questions(), INSTANT, WITHHELD)
def test_the_deciding_reason_agrees_with_the_verdict(
    value: dict[str, Any], question: Question, at: str, withheld: frozenset[str]
) -> None:
    opened = {name: each for name, each in value.items() if name not in withheld}
    found = answer(disclosed_terms(value.keys(), opened), question, at)
    expected = {
        Verdict.PERMITTED: Effect.MET,
        Verdict.PROHIBITED: Effect.PROHIBITS,
        Verdict.CANNOT_TELL: Effect.UNKNOWN,
    }
    assert found.deciding.effect is expected[found.verdict]
    assert found.deciding in found.reasons
    assert (found.verdict is Verdict.PROHIBITED) == any(each.effect is Effect.PROHIBITS for each in found.reasons)


@given(questions())
def test_a_question_reads_back_from_its_text(question: Question) -> None:
    assert parse_question(question.text) == question
