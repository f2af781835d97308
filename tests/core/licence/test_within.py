"""A sublicence within its parent: a table that a lawyer can read, and properties over random terms."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tallystick.licence import vocabulary
from tallystick.licence.answer import Effect, Verdict, answer
from tallystick.licence.chain import Link, answer_chain
from tallystick.licence.question import Question, parse_question
from tallystick.licence.terms import NAMES, DisclosedTerms, disclosed_terms
from tallystick.licence.within import Containment, within
from tallystick.schema import FieldError

from .examples import LICENCE, LICENSEE, LICENSOR, TERMS, WITHIN, disclosed, terms
from .test_answer_properties import INSTANT, any_terms, questions

WITHIN_, EXCEEDS, UNKNOWN = Containment.WITHIN, Containment.EXCEEDS, Containment.UNKNOWN
NONE = {"allowed": False, "max_depth": 0}
CHILD: dict[str, Any] = {
    "licensee": {"party": LICENSOR, "holder_kid": "ac" * 32},
    "sublicensing": NONE,
}
"""What a sublicence of the example states otherwise: its licensee, and that it goes no deeper."""


def scope(*include: str, exclude: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"include": list(include), "exclude": list(exclude)}


FLAGS = TERMS["ai_use"]
HOLD = TERMS["holdback"][0]
OPEN_WINDOW = {"start": "2026-11-01T00:00:00Z"}
CHRISTMAS = {"start": "2026-12-20T00:00:00Z", "end": "2027-01-06T00:00:00Z"}

# What the sublicence states otherwise than its parent → the term that exceeds it, or None where it stays within.
TABLE: list[tuple[str, dict[str, Any], str | None]] = [
    ("the same terms", {}, None),
    ("fewer uses", {"use": scope("play", exclude=("advertise",))}, None),
    ("a use more", {"use": scope("adapt", "display", "play", "print", exclude=("advertise",))}, "use"),
    ("fewer countries", {"territory": scope("DE")}, None),
    ("a country more", {"territory": scope("AT", "CH", "DE", "US", exclude=("FR",))}, "territory"),
    ("the world", {"territory": scope("WW", exclude=("FR",))}, "territory"),
    ("a country that the parent excludes", {"territory": scope("DE", "FR")}, "territory"),
    ("one medium of the umbrella", {"media": scope("streaming-svod"), "holdback": TERMS["holdback"]}, None),
    ("the umbrella without what the parent excludes", {"media": scope("streaming")}, "media"),
    ("a medium more", {"media": scope("game")}, "media"),
    ("a shorter term", {"window": CHRISTMAS, "windows": None}, None),
    ("a day earlier", {"window": {"start": "2026-10-31T00:00:00Z", "end": "2028-11-01T00:00:00Z"}}, "window"),
    ("a second longer", {"window": {"start": "2026-11-01T00:00:00Z", "end": "2028-11-01T00:00:01Z"}}, "window"),
    ("without end", {"window": OPEN_WINDOW, "windows": None}, "window"),
    ("on a condition besides", {"window": {**CHRISTMAS, "conditional": "x"}, "windows": None}, None),
    ("exclusive", {"exclusivity": "exclusive"}, "exclusivity"),
    ("sole", {"exclusivity": "sole"}, "exclusivity"),
    ("an AI flag opened", {"ai_use": {**FLAGS, "generative_training": "permitted"}}, "ai_use"),
    ("an AI flag closed", {"ai_use": {**FLAGS, "inference": "prohibited"}}, None),
    ("as deep as its parent", {"sublicensing": {"allowed": True, "max_depth": 1}}, "sublicensing"),
    ("a format more", {"format": scope("8k", "hd")}, "format"),
    ("every format", {"format": None}, "format"),
    ("fewer formats", {"format": scope("hd")}, None),
    ("a language region", {"language": scope("de-AT")}, None),
    ("the language region that the parent excludes", {"language": scope("de")}, "language"),
    ("every language", {"language": None}, "language"),
    ("without the holdback", {"holdback": None}, "holdback"),
    ("without the holdback, where it does not reach", {"holdback": None, "territory": scope("DE")}, None),
    ("without the holdback, on other media", {"holdback": None, "media": scope("theatrical")}, None),
    (
        "without the holdback, after its time",
        {
            "holdback": None,
            "window": {"start": "2027-06-01T00:00:00Z", "end": "2028-11-01T00:00:00Z"},
            "windows": None,
        },
        None,
    ),
    ("a longer holdback", {"holdback": [{**HOLD, "end": "2028-06-01T00:00:00Z"}]}, None),
    ("a wider holdback", {"holdback": [{**HOLD, "media": ["streaming"], "territory": ["WW"]}]}, None),
    ("a shorter holdback", {"holdback": [{**HOLD, "end": "2027-05-31T00:00:00Z"}]}, "holdback"),
    ("a holdback that begins later", {"holdback": [{**HOLD, "start": "2026-11-02T00:00:00Z"}]}, "holdback"),
    ("more units", {"count": {"limit": 101, "unit": "screening"}}, "count"),
    ("other units", {"count": {"limit": 1, "unit": "copy"}}, "count"),
    ("no count", {"count": None}, "count"),
    ("fewer units", {"count": {"limit": 10, "unit": "screening"}}, None),
    ("derivatives without approval", {"derivatives": "permitted"}, "derivatives"),
    ("silent on derivatives", {"derivatives": None}, "derivatives"),
    ("no derivatives", {"derivatives": "prohibited"}, None),
    ("another channel", {"channel": ["Kanal 1", "Kanal 2"]}, "channel"),
    ("every channel", {"channel": None}, "channel"),
    ("more attribution", {"attribution": "© Example Studio, licensed by Kanal 1"}, None),
    ("other attribution", {"attribution": "© Kanal 1"}, "attribution"),
    ("another edit", {"asset": {**TERMS["asset"], "edit": "director's cut"}}, "asset"),
    ("another asset", {"asset": {**TERMS["asset"], "sha256": "ce" * 32}}, "asset"),
    ("a price, consent and contract of its own", {"payment": None, "consent": None, "contract": None}, None),
]


@pytest.mark.parametrize(("changes", "term"), [case[1:] for case in TABLE], ids=[case[0] for case in TABLE])
def test_table(changes: dict[str, Any], term: str | None) -> None:
    found = within(disclosed(), disclosed(**{**CHILD, **changes}))
    if term is None:
        assert (found.containment, found.deciding) == (WITHIN_, None)
        return
    assert found.containment is EXCEEDS
    assert found.deciding is not None
    assert found.deciding.term == term
    assert found.deciding.why.en
    assert found.deciding.why.zh


PARENTS: list[tuple[str, dict[str, Any], dict[str, Any], str | None]] = [
    ("not sublicensed", {"sublicensing": NONE}, {}, "sublicensing"),
    (
        "three deep, two left",
        {"sublicensing": {"allowed": True, "max_depth": 3}},
        {"sublicensing": {"allowed": True, "max_depth": 2}},
        None,
    ),
    (
        "three deep, three left",
        {"sublicensing": {"allowed": True, "max_depth": 3}},
        {"sublicensing": {"allowed": True, "max_depth": 3}},
        "sublicensing",
    ),
    ("exclusive under exclusive", {"exclusivity": "exclusive"}, {"exclusivity": "exclusive"}, None),
    ("exclusive under sole", {"exclusivity": "sole"}, {"exclusivity": "exclusive"}, "exclusivity"),
    ("silent where the parent permits", {"derivatives": "permitted"}, {"derivatives": None}, None),
    ("the parent sets no limit", {"format": None, "count": None, "holdback": None}, {}, None),
    ("a condition that the sublicence does not state", {"window": {**OPEN_WINDOW, "conditional": "x"}}, {}, "window"),
    (
        "the condition of the parent",
        {"window": {**OPEN_WINDOW, "conditional": "x"}},
        {"window": {**OPEN_WINDOW, "conditional": "x"}},
        None,
    ),
    (
        "in one of the windows",
        {"windows": [CHRISTMAS, {"start": "2027-12-20T00:00:00Z", "end": "2028-01-06T00:00:00Z"}]},
        {"window": CHRISTMAS, "windows": None},
        None,
    ),
    (
        "across the windows",
        {"windows": [CHRISTMAS, {"start": "2027-12-20T00:00:00Z", "end": "2028-01-06T00:00:00Z"}]},
        {"windows": None},
        "windows",
    ),
    (
        "in the window, on a medium that it has not",
        {"windows": [{**CHRISTMAS, "media": scope("theatrical")}]},
        {"window": CHRISTMAS, "windows": None},
        "windows",
    ),
    (
        "in the window, on its medium",
        {"windows": [{**CHRISTMAS, "media": scope("theatrical")}]},
        {"window": CHRISTMAS, "windows": None, "media": scope("theatrical")},
        None,
    ),
]


@pytest.mark.parametrize(("above", "below", "term"), [case[1:] for case in PARENTS], ids=[case[0] for case in PARENTS])
def test_of_parents(above: dict[str, Any], below: dict[str, Any], term: str | None) -> None:
    found = within(disclosed(**above), disclosed(**{**CHILD, **below}))
    assert (found.deciding.term if found.deciding else None) == term
    assert found.containment is (EXCEEDS if term else WITHIN_)


COMPARED = tuple(finding.term for finding in within(disclosed(), disclosed(**CHILD)).findings)


@pytest.mark.parametrize("name", COMPARED)
@pytest.mark.parametrize("side", ["parent", "child"])
def test_what_is_withheld_is_unknown(name: str, side: str) -> None:
    parent = disclosed(name) if side == "parent" else disclosed()
    child = disclosed(name, **CHILD) if side == "child" else disclosed(**CHILD)
    found = within(parent, child)
    assert found.containment is UNKNOWN
    assert found.deciding is not None
    assert found.deciding.term == name


def test_what_exceeds_wins_over_what_is_unknown() -> None:
    found = within(disclosed("use"), disclosed(**{**CHILD, "count": None}))
    assert found.deciding is not None
    assert (found.containment, found.deciding.term) == (EXCEEDS, "count")


def test_whether_a_holdback_concerns_it_is_unknown_where_the_territory_is_withheld() -> None:
    found = within(disclosed(), disclosed("territory", **{**CHILD, "holdback": None}))
    assert {one.term: one.containment for one in found.findings}["holdback"] is UNKNOWN


def test_every_term_is_compared_or_each_licence_has_its_own() -> None:
    assert set(NAMES) - set(COMPARED) == {"licensee", "payment", "consent", "contract"}


# --- chains ------------------------------------------------------------------------


def chain(*all_terms: DisclosedTerms) -> list[Link]:
    return [Link(f"{LICENCE}/{number}", each) for number, each in enumerate(all_terms)]


CHAINS: list[tuple[str, dict[str, Any], dict[str, Any], str, Verdict, int, str]] = [
    # what the parent and the sublicence state otherwise, question, verdict, whose clause decides, which
    ("both permit", {}, {}, "play in DE on theatrical", Verdict.PERMITTED, 1, "use"),
    (
        "the parent denies the use",
        {},
        {"use": scope("print")},
        "print in DE on theatrical",
        Verdict.PROHIBITED,
        0,
        "use",
    ),
    (
        "the sublicence denies it",
        {},
        {"use": scope("display")},
        "play in DE on theatrical",
        Verdict.PROHIBITED,
        1,
        "use",
    ),
    (
        "the parent denies the place",
        {},
        {"territory": scope("US")},
        "play in US on theatrical",
        Verdict.PROHIBITED,
        0,
        "territory",
    ),
    (
        "the parent is not sublicensed",
        {"sublicensing": NONE},
        {},
        "play in DE on theatrical",
        Verdict.PROHIBITED,
        0,
        "sublicensing",
    ),
    (
        "sublicensed once more than allowed",
        {},
        {"sublicensing": {"allowed": True, "max_depth": 1}},
        "sublicense in DE on theatrical",
        Verdict.PROHIBITED,
        0,
        "sublicensing",
    ),
    ("as the sublicensee", {}, {}, f"play in DE on theatrical as {LICENSOR}", Verdict.PERMITTED, 1, "use"),
    ("as the parent's licensee", {}, {}, f"play in DE on theatrical as {LICENSEE}", Verdict.PROHIBITED, 1, "licensee"),
    (
        "the parent prohibits training",
        {},
        {"ai_use": dict.fromkeys(FLAGS, "permitted")},
        "ai-generative-training in DE",
        Verdict.PROHIBITED,
        0,
        "ai_use",
    ),
]


@pytest.mark.parametrize(
    ("above", "below", "text", "verdict", "level", "term"), [c[1:] for c in CHAINS], ids=[c[0] for c in CHAINS]
)
def test_chain_table(above: Any, below: Any, text: str, verdict: Verdict, level: int, term: str) -> None:
    links = chain(disclosed(**above), disclosed(**{**CHILD, **below}))
    found = answer_chain(links, parse_question(text), WITHIN)
    assert (found.verdict, found.deciding.licence, found.deciding.reason.term) == (verdict, links[level].licence, term)


@pytest.mark.parametrize("name", ["use", "territory", "window", "windows", "media", "holdback", "sublicensing"])
def test_what_an_ancestor_withholds_cannot_be_told(name: str) -> None:
    found = answer_chain(chain(disclosed(name), disclosed(**CHILD)), parse_question("play in DE on theatrical"), WITHIN)
    assert (found.verdict, found.deciding.reason.term) == (Verdict.CANNOT_TELL, name)


def test_a_chain_of_one_is_the_licence() -> None:
    question = parse_question("play in DE on theatrical")
    found, own = answer_chain(chain(disclosed()), question, WITHIN), answer(disclosed(), question, WITHIN)
    assert (found.verdict, tuple(one.reason for one in found.reasons)) == (own.verdict, own.reasons)
    with pytest.raises(ValueError, match="at least one"):
        answer_chain([], question, WITHIN)


def test_a_condition_that_came_about_for_one_did_not_for_the_other() -> None:
    conditional = {"window": {**OPEN_WINDOW, "conditional": "x"}, "windows": None}
    above, below = disclosed(**conditional), disclosed(**{**CHILD, **conditional})
    question = parse_question("play in DE on theatrical")
    links = [Link("a", above), Link("b", below, WITHIN)]
    assert answer_chain(links, question, WITHIN).verdict is Verdict.CANNOT_TELL
    links = [Link("a", above, WITHIN), Link("b", below, WITHIN)]
    assert answer_chain(links, question, WITHIN).verdict is Verdict.PERMITTED


# --- properties --------------------------------------------------------------------


def shown(value: dict[str, Any], withheld: frozenset[str] = frozenset()) -> DisclosedTerms:
    return disclosed_terms(value.keys(), {name: one for name, one in value.items() if name not in withheld})


@st.composite
def pairs(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """A parent, and a sublicence that takes most of its terms from it."""
    parent, other = draw(any_terms()), draw(any_terms())
    child = dict(parent)
    for name in draw(st.sets(st.sampled_from(sorted({*parent, *other})), max_size=4)):
        child.pop(name, None)
        if name in other:
            child[name] = other[name]
    child["sublicensing"] = NONE
    parent["sublicensing"] = {"allowed": True, "max_depth": 2}
    try:
        shown(child)
    except FieldError:
        assume(False)
    return parent, child


def without_party(question: Question) -> Question:
    return Question(question.use, question.territory, question.media, question.format, question.language)


@given(pairs(), questions(), INSTANT)
def test_a_sublicence_that_is_within_permits_nothing_that_its_parent_denies(
    pair: tuple[dict[str, Any], dict[str, Any]], question: Question, at: str
) -> None:
    parent, child = shown(pair[0]), shown(pair[1])
    assume(within(parent, child).containment is WITHIN_)
    asked = without_party(question)
    if answer(child, asked, at).verdict is Verdict.PERMITTED:
        assert answer(parent, asked, at).verdict is Verdict.PERMITTED


@given(any_terms(), any_terms(), questions(), INSTANT)
def test_a_chain_never_permits_what_its_root_denies(
    above: dict[str, Any], below: dict[str, Any], question: Question, at: str
) -> None:
    found = answer_chain(chain(shown(above), shown(below)), question, at)
    root, leaf = answer(shown(above), without_party(question), at), answer(shown(below), question, at)
    if found.verdict is Verdict.PERMITTED:
        assert root.verdict is leaf.verdict is Verdict.PERMITTED
    if Verdict.PROHIBITED in (root.verdict, leaf.verdict):
        assert found.verdict is Verdict.PROHIBITED


@given(any_terms(), any_terms(), questions(), INSTANT, st.frozensets(st.sampled_from(NAMES)))
def test_withholding_in_an_ancestor_never_permits(
    above: dict[str, Any], below: dict[str, Any], question: Question, at: str, withheld: frozenset[str]
) -> None:
    links = [chain(shown(above, names), shown(below)) for names in (frozenset[str](), withheld)]
    open_, closed = (answer_chain(each, question, at).verdict for each in links)
    if open_ is not Verdict.PERMITTED:
        assert closed is not Verdict.PERMITTED


@given(any_terms(), any_terms(), st.frozensets(st.sampled_from(NAMES)), st.frozensets(st.sampled_from(NAMES)))
def test_withholding_never_brings_a_sublicence_within(
    above: dict[str, Any], below: dict[str, Any], hidden: frozenset[str], covered: frozenset[str]
) -> None:
    """What is proved with less shown is proved with more; and no more is contradicted."""
    known = within(shown(above), shown(below)).containment
    less = within(shown(above, hidden), shown(below, covered)).containment
    if less is not UNKNOWN:
        assert less is known


@given(any_terms(), questions(), INSTANT)
def test_a_licence_is_within_itself_but_for_its_depth(value: dict[str, Any], question: Question, at: str) -> None:
    parent = {**value, "sublicensing": {"allowed": True, "max_depth": 1}}
    assert within(shown(parent), shown({**value, "sublicensing": NONE})).containment is WITHIN_


def test_the_example_within_terms_is_what_it_says() -> None:
    assert terms()["sublicensing"] == {"allowed": True, "max_depth": 1}
    assert vocabulary.MEDIA["streaming-svod"].under == "streaming"
    reasons = answer_chain(
        chain(disclosed(), disclosed(**CHILD)), parse_question("play in DE on theatrical"), WITHIN
    ).reasons
    above = {one.reason.term for one in reasons if one.reason.effect is Effect.CONDITION and one.licence.endswith("/0")}
    assert above <= {"attribution", "channel", "consent", "count", "derivatives"}
