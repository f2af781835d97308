"""Licence terms: strict reading, one byte string per meaning, errors that name the field."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick import canonical
from tallystick.commitments import disclose, open_commitments
from tallystick.licence import vocabulary, wording
from tallystick.licence.terms import (
    MANDATORY,
    NAMES,
    check_names,
    decode_terms,
    disclosed_terms,
    encode_terms,
    version_under,
)
from tallystick.schema import FieldError

from .examples import LICENSEE, LICENSOR, OBJECT, TERMS, terms


def test_every_named_term_round_trips() -> None:
    assert set(TERMS) == set(NAMES), "the example must hold every term"
    assert encode_terms(decode_terms(TERMS)) == TERMS


def test_each_term_is_one_commitment_that_opens_alone() -> None:
    made = {name: disclose(name, value, bytes(16)) for name, value in encode_terms(decode_terms(TERMS)).items()}
    commitments = {name: each.commitment for name, each in made.items()}
    opened = open_commitments(commitments, [made["territory"], made["window"]])
    shown = disclosed_terms(commitments.keys(), opened)
    assert shown.terms.territory is not None
    assert shown.terms.payment is None
    assert shown.withheld == set(NAMES) - {"territory", "window"}


@pytest.mark.parametrize("name", MANDATORY)
def test_a_mandatory_term_cannot_be_left_out(name: str) -> None:
    with pytest.raises(FieldError, match=rf"^terms\.{name}: missing"):
        decode_terms(terms(**{name: None}))
    with pytest.raises(FieldError, match=rf"^terms\.{name}: missing"):
        disclosed_terms(set(NAMES) - {name}, {})


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(MANDATORY)))
def test_the_other_terms_are_optional(name: str) -> None:
    assert getattr(decode_terms(terms(**{name: None})), name) is None


END = "2028-11-01T00:00:00Z"
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("unknown term", {"territoy": {}}, r"terms\.territoy: unknown field; this version knows: licensee"),
    ("unknown field", {"window": {"start": "2026-11-01T00:00:00Z", "until": "x"}}, r"terms\.window\.until: unknown"),
    ("wrong type", {"use": ["play"]}, r"terms\.use: expected an object, found a list"),
    ("number for text", {"attribution": 5}, r"terms\.attribution: expected text, found an integer"),
    ("truth for a number", {"count": {"limit": True, "unit": "play"}}, r"terms\.count\.limit: expected an integer"),
    ("no limit", {"count": {"limit": 0, "unit": "play"}}, r"terms\.count\.limit: expected 1 to"),
    ("unknown unit", {"count": {"limit": 1, "unit": "plays"}}, r"terms\.count\.unit: expected one of play,"),
    ("nothing included", {"use": {"include": [], "exclude": []}}, r"terms\.use\.include: expected 1 to"),
    ("unknown use", {"use": {"include": ["paly"], "exclude": []}}, r"unknown use 'paly' \(did you mean play\?\)"),
    (
        "an AI use among uses",
        {"use": {"include": ["ai-inference"], "exclude": []}},
        r"terms\.use: unknown use 'ai-inference'",
    ),
    ("lower-case territory", {"territory": {"include": ["de"], "exclude": []}}, r"unknown territory 'de'"),
    ("a territory that is none", {"territory": {"include": ["UK"], "exclude": []}}, r"unknown territory 'UK'"),
    ("unsorted", {"territory": {"include": ["DE", "AT"], "exclude": []}}, r"expected words sorted"),
    ("repeated", {"territory": {"include": ["DE", "DE"], "exclude": []}}, r"without repeats"),
    ("world and a part", {"territory": {"include": ["DE", "WW"], "exclude": []}}, r"WW already covers DE"),
    (
        "umbrella and member",
        {"media": {"include": ["streaming", "streaming-svod"], "exclude": []}},
        r"streaming already covers streaming-svod",
    ),
    (
        "language and its region",
        {"language": {"include": ["zh", "zh-Hans"], "exclude": []}},
        r"zh already covers zh-Hans",
    ),
    (
        "taken back whole",
        {"media": {"include": ["streaming-svod"], "exclude": ["streaming"]}},
        r"takes back the whole of streaming-svod",
    ),
    ("excluded world", {"territory": {"include": ["DE"], "exclude": ["WW"]}}, r"WW takes back the whole of DE"),
    ("not a language", {"language": {"include": ["German"], "exclude": []}}, r"expected a BCP 47 language tag"),
    (
        "window that ends first",
        {"window": {"start": "2026-11-01T00:00:00Z", "end": "2026-11-01T00:00:00Z"}},
        r"terms\.window: end .* is not after start",
    ),
    ("a day is no instant", {"window": {"start": "2026-11-01"}}, r"terms\.window\.start: .*is not a time"),
    ("null for none", {"window": {"start": "2026-11-01T00:00:00Z", "end": 0}}, r"terms\.window\.end: expected text"),
    ("depth without leave", {"sublicensing": {"allowed": False, "max_depth": 1}}, r"terms\.sublicensing: max_depth"),
    ("leave without depth", {"sublicensing": {"allowed": True, "max_depth": 0}}, r"terms\.sublicensing: max_depth"),
    ("a flag missing", {"ai_use": {"data_mining": "permitted"}}, r"terms\.ai_use\.(inference|\w+_training): missing"),
    (
        "amount with a sign",
        {"payment": {"amount": "-1", "currency": "EUR", "shares": []}},
        r"terms\.payment\.amount: expected an amount in minor units",
    ),
    (
        "amount with a zero before it",
        {"payment": {"amount": "012", "currency": "EUR", "shares": []}},
        r"terms\.payment\.amount",
    ),
    (
        "shares short of the whole",
        {"payment": {"amount": "1", "currency": "EUR", "shares": [{"party": LICENSOR, "basis_points": 9999}]}},
        r"terms\.payment: shares: expected 10000 basis points together, found 9999",
    ),
    (
        "two shares for one",
        {"payment": {"amount": "1", "currency": "EUR", "shares": [{"party": LICENSOR, "basis_points": 5000}] * 2}},
        r"one share for each party",
    ),
    ("an object as licensee", {"licensee": {"party": OBJECT, "holder_kid": "ab" * 32}}, r"names a object, expected"),
    ("a key id in capitals", {"licensee": {"party": LICENSEE, "holder_kid": "AB" * 32}}, r"64 lowercase hex digits"),
    (
        "holdback unsorted",
        {
            "holdback": [
                {"media": ["theatrical", "game"], "territory": ["DE"], "start": "2026-11-01T00:00:00Z"},
            ]
        },
        r"terms\.holdback\[0\]\.media: expected words sorted",
    ),
    (
        "windows out of order",
        {"windows": [{"start": "2027-11-01T00:00:00Z", "end": END}, {"start": "2026-11-01T00:00:00Z", "end": END}]},
        r"terms\.windows: expected windows in order",
    ),
    (
        "windows that overlap in one scope",
        {
            "windows": [
                {"start": "2026-11-01T00:00:00Z", "end": "2027-11-01T00:00:00Z"},
                {"start": "2027-10-01T00:00:00Z", "end": END},
            ]
        },
        r"terms\.windows: windows from 2026-11-01T00:00:00Z and 2027-10-01T00:00:00Z of one scope meet",
    ),
    (
        "a window stated twice",
        {"windows": [{"start": "2026-11-01T00:00:00Z", "end": END}] * 2},
        r"terms\.windows: windows from .* of one scope meet",
    ),
    (
        "a window that ends before it begins",
        {"windows": [{"start": END, "end": "2026-11-01T00:00:00Z"}]},
        r"terms\.windows: end .* is not after start",
    ),
    (
        "a window before the term",
        {"windows": [{"start": "2026-10-31T23:59:59Z", "end": END}]},
        r"terms\.windows\[0\]: lies outside the term",
    ),
    (
        "a window after the term",
        {"windows": [{"start": "2026-11-01T00:00:00Z", "end": "2028-11-01T00:00:01Z"}]},
        r"terms\.windows\[0\]: lies outside the term",
    ),
    (
        "a window without end in a term with one",
        {"windows": [{"start": "2026-11-01T00:00:00Z"}]},
        r"terms\.windows\[0\]: lies outside the term",
    ),
    (
        "an umbrella and its word in a window",
        {"windows": [{"start": END, "media": {"include": ["streaming", "streaming-svod"], "exclude": []}}]},
        r"terms\.windows\[0\]\.media: include: streaming already covers",
    ),
    ("no windows", {"windows": []}, r"terms\.windows: expected 1 to"),
    ("control character", {"attribution": "a\nb"}, r"terms\.attribution: holds a control character"),
]


@pytest.mark.parametrize(("changes", "message"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_refused_with_the_field_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(FieldError, match=message):
        decode_terms(terms(**changes))


def test_a_disclosure_of_a_term_that_the_leaf_does_not_name_is_refused() -> None:
    with pytest.raises(FieldError, match=r"terms\.count: disclosed, but the licence commits to no such term"):
        disclosed_terms(MANDATORY, {"count": TERMS["count"]})


def test_a_committed_name_of_a_later_version_is_refused_even_when_withheld() -> None:
    with pytest.raises(FieldError, match=r"terms\.blackout: unknown term; version 2 knows:"):
        disclosed_terms([*MANDATORY, "blackout"], {})


def test_a_term_of_version_2_is_unknown_to_version_1() -> None:
    assert [version_under(rules) for rules in (1, 2, 3)] == [1, 1, 2]
    check_names([*MANDATORY, "windows"], 2)
    with pytest.raises(FieldError, match=r"^terms\.windows: unknown term; version 1 knows: licensee, .*, contract$"):
        check_names([*MANDATORY, "windows"], 1)


def test_the_json_of_terms_is_within_the_canonical_profile() -> None:
    assert canonical.decode(canonical.encode(TERMS), 100_000) == TERMS


def test_every_term_has_a_name_and_words_in_both_languages() -> None:
    complete = decode_terms(TERMS)
    assert tuple(wording.NAMES) == NAMES
    for name in NAMES:
        text = wording.clause_text(name, getattr(complete, name))
        assert text.zh
        assert text.en
    assert wording.clause_text("territory", complete.territory) == wording.Wording(
        "AT、CH、DE；不含FR", "AT, CH, DE; not FR"
    )
    assert wording.clause_text("count", complete.count).zh == "至多100场放映"


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("zh", "zh-Hans-CN", True),
        ("zh-CN", "zh-Hans-CN", True),
        ("zh-Hans", "zh-CN", True),
        ("zh-CN", "zh-Hans-TW", False),
        ("zh-Hans", "zh-Hant-CN", False),
        ("en-US", "en-Latn-US", True),
        ("en-US", "en-GB", False),
        ("en", "de", False),
        ("es-419", "es-Latn-419", True),
    ],
)
def test_tags_meet_where_something_may_bear_both(one: str, other: str, meet: bool) -> None:
    """An exclusion of ``zh-CN`` is not passed by writing the script: ``zh-Hans-CN``."""
    assert vocabulary.languages_meet(one, other) is vocabulary.languages_meet(other, one) is meet
    assert vocabulary.touches(vocabulary.language_covers, one, other) is meet
