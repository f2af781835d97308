"""Identifiers: ISO 7064 MOD 37,36 as published, and what the check character catches, counted."""

from __future__ import annotations

import hashlib
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.errors import MalformedInput
from tallystick.identifiers import (
    DEFAULT_PREFIX,
    RANDOM_BYTES,
    Letter,
    check_character,
    check_prefix,
    has_form,
    is_known,
    letter_of,
    new_identifier,
    parse_identifier,
    prefix_of,
)

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LETTERS = st.sampled_from(list(Letter))
RANDOM = st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES)
PREFIXES = st.sampled_from(["10.5555", "10.1000", "10.123456789", "10.1000.10", "10.1000.1.2.3"])
EXAMPLE = new_identifier(Letter.OBJECT, bytes(range(10)))


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ("A12425GABC1234002", "M"),  # Global Release Identifier A1-2425G-ABC1234002-M
        ("00000000C36D002B00000000", "E"),  # ISAN 0000-0000-C36D-002B-0000-0000-E, root and episode, then version
    ],
)
def test_known_check_characters(text: str, check: str) -> None:
    if text == "00000000C36D002B00000000":
        # ISAN computes two: K after the sixteen of root and episode, E over these and the version.
        assert check_character(text[:16]) == "K"
    assert check_character(text) == check


def test_marks_between_letters_and_digits_do_not_count() -> None:
    assert check_character("A1-2425G-ABC123/400.2") == "M"


def test_the_layout() -> None:
    assert EXAMPLE == "10.5555/A-000G-40R4-0M30-E209-9"
    assert new_identifier(Letter.PARTY, b"\xff" * 10, "10.1000.10")[:28] == "10.1000.10/P-ZZZZ-ZZZZ-ZZZZ-"


@given(LETTERS, RANDOM, PREFIXES)
def test_round_trip(letter: Letter, random: bytes, prefix: str) -> None:
    made = new_identifier(letter, random, prefix)
    assert parse_identifier(made) == made == parse_identifier(made, letter)
    assert (letter_of(made), prefix_of(made)) == (letter, prefix)
    shown = made.split("/")[1][2:-2].replace("-", "")
    assert sum(CROCKFORD.index(one) << 5 * (15 - at) for at, one in enumerate(shown)) == int.from_bytes(random, "big")


@given(LETTERS, RANDOM, PREFIXES)
def test_every_single_changed_character_is_noticed(letter: Letter, random: bytes, prefix: str) -> None:
    made = new_identifier(letter, random, prefix)
    for at, old in enumerate(made):
        for new in ALPHABET + "abc-./ _":
            if new != old:
                with pytest.raises(MalformedInput):
                    parse_identifier(made[:at] + new + made[at + 1 :])


def test_what_the_check_character_catches_counted_over_all_states() -> None:
    """Every substitution; and of the 630 transpositions in each of its 36 states all but one, of neighbours.

    So one adjacent transposition in 630 goes unnoticed. One leading character reaches each state.
    """
    missed: list[tuple[str, str, str]] = []
    for lead in ALPHABET:
        checks = {one: check_character(lead + one) for one in ALPHABET}
        assert len(set(checks.values())) == 36
        pairs = [(one, other) for one in ALPHABET for other in ALPHABET if one < other]
        assert len(pairs) == 630
        missed += [(lead, *pair) for pair in pairs if _after_swap(lead, *pair)]
    assert len(missed) == 36
    assert len({lead for lead, _, _ in missed}) == 36
    assert {(ALPHABET.index(other) - ALPHABET.index(one)) % 36 for _, one, other in missed} <= {1, 35}


def _after_swap(lead: str, one: str, other: str) -> bool:
    return check_character(lead + one + other) == check_character(lead + other + one)


def test_of_ten_thousand_transpositions_all_but_a_few_are_noticed() -> None:
    found = missed = 0
    for number in range(400):
        made = new_identifier(Letter.OBJECT, hashlib.sha256(bytes([number % 256, number // 256])).digest()[:10])
        for at in range(len(made) - 1):
            swapped = made[:at] + made[at + 1] + made[at] + made[at + 2 :]
            if swapped != made:
                found += 1
                missed += _is_accepted(swapped)
    assert (found, missed) == (10_654, 5)


def _is_accepted(text: str) -> bool:
    try:
        parse_identifier(text)
    except MalformedInput:
        return False
    return True


def test_moving_the_dot_of_a_prefix_is_not_noticed_by_the_check_character() -> None:
    """Known and stated: only letters and digits count. Admission refuses another prefix."""
    made = new_identifier(Letter.OBJECT, bytes(10), "10.1000.10")
    assert parse_identifier(made.replace("10.1000.10", "10.10001.0")) != made


def test_messages_say_what_is_wrong() -> None:
    with pytest.raises(MalformedInput, match="looks mistyped: its check character is 'W', the rest demands '9'"):
        parse_identifier(EXAMPLE[:-1] + "W")
    with pytest.raises(MalformedInput, match="names a object, expected a party"):
        parse_identifier(EXAMPLE, Letter.PARTY)
    with pytest.raises(MalformedInput, match=r"expected the form 10\.5555/A-XXXX"):
        parse_identifier("nonsense")
    unknown = "10.5555/B-000G-40R4-0M30-E209"
    with pytest.raises(MalformedInput, match="unknown type letter 'B'"):
        parse_identifier(f"{unknown}-{check_character(unknown)}")


@pytest.mark.parametrize(
    "text",
    [
        "", EXAMPLE.lower(), f" {EXAMPLE}", f"{EXAMPLE}\n", f"{EXAMPLE} ", EXAMPLE.replace("-", ""), f"doi:{EXAMPLE}",
        f"https://doi.org/{EXAMPLE}", EXAMPLE.replace("10.", "11."), EXAMPLE.replace("/", "//"), EXAMPLE[:-2],
        f"{EXAMPLE}-{EXAMPLE}", EXAMPLE.replace("000G", "OO0G"), EXAMPLE.replace("000G", "０００G"),
        EXAMPLE.replace("10.5555", "10.555"), EXAMPLE.replace("10.5555", "10.5555."),
        EXAMPLE.replace("5555", "5555..1"), EXAMPLE.replace("5555", "5" * 10),
        EXAMPLE.replace("5555", "5555.1.1.1.1"), EXAMPLE * 1000,
    ],
)  # fmt: skip
def test_other_forms_are_malformed(text: str) -> None:
    with pytest.raises(MalformedInput):
        parse_identifier(text)


@pytest.mark.parametrize("prefix", ["", "10", "10.", "10.123", "11.5555", "10.5555/", "10.5555 ", "10.55a5", "10.٥٥٥٥"])
def test_prefixes_that_are_none(prefix: str) -> None:
    with pytest.raises(MalformedInput, match="is not a DOI prefix"):
        check_prefix(prefix)
    with pytest.raises(MalformedInput):
        new_identifier(Letter.OBJECT, bytes(10), prefix)


@pytest.mark.parametrize("length", [0, 9, 11, 32])
def test_chance_comes_in_the_right_amount(length: int) -> None:
    with pytest.raises(ValueError, match="takes 10 random bytes"):
        new_identifier(Letter.OBJECT, bytes(length))


@given(st.text(max_size=40) | st.text("10.5/APM-XH ", max_size=40))
def test_any_text_is_an_identifier_or_malformed(text: str) -> None:
    try:
        assert parse_identifier(text) == text
    except MalformedInput:
        return


def test_the_default_prefix_is_the_doi_test_prefix() -> None:
    check_prefix(DEFAULT_PREFIX)
    assert DEFAULT_PREFIX == "10.5555"


FORMS = st.builds(
    lambda prefix, letter, groups, last, at, put: (
        (text := f"{prefix}/{letter}-{'-'.join(groups)}-{last}")[:at] + put + text[at + len(put) :]
    ),
    st.sampled_from(["10.5555", "10.1234.5", "10.12345678901", "10.99.", "10.1234.", "11.5555", "10.0.0.0.0.0"]),
    st.sampled_from("ABZ"),
    st.lists(st.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=4, max_size=4), min_size=4, max_size=4),
    st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    st.integers(0, 40),
    st.sampled_from(["", "", "", "A", "I", "-", "/", ".", "0", "\n", "灯", "-A"]),
)


@settings(max_examples=1500)
@given(FORMS, st.booleans())
def test_the_form_seen_two_characters_at_a_time(text: str, right: bool) -> None:
    """Against the same, one character at a time, and the letters that there are."""
    if right:
        text = text[:-1] + check_character(text[:-2])
    prefix, _, rest = text.partition("/")
    try:
        check_prefix(prefix)
        formed = re.fullmatch("[A-Z](-[0-9A-HJKMNP-TV-Z]{4}){4}-[0-9A-Z]", rest, re.ASCII) is not None
    except MalformedInput:
        formed = False
    assert has_form(text) == (formed and text[-1] == check_character(text[:-2]))


def test_what_is_known_was_parsed_before_and_names_what_it_names() -> None:
    made = new_identifier(Letter.OBJECT, b"0123456789")
    assert is_known(made)
    assert is_known(made, Letter.OBJECT)
    assert not is_known(made, Letter.PARTY)
    for other in ("", made[:-1], made + "0", made.lower(), made[:-1] + ("0" if made[-1] != "0" else "1")):
        assert not is_known(other)
        assert not is_known(other, Letter.OBJECT)
