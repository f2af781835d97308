"""Identifiers: DOI syntax (ISO 26324, GB/T 36369) with a type letter, 80 random bits and a check character.

``10.5555/A-7K3M-9QXR-0B2C-D4EF-H``: prefix, ``/``, type letter, sixteen
Crockford base-32 characters (80 bits) in fours, check character by
ISO/IEC 7064 MOD 37,36 over the letters and digits of all that stands before it.
A client makes one offline; whoever reads a mistyped one can tell.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache, lru_cache
from typing import NewType

from tallystick.errors import MalformedInput

Identifier = NewType("Identifier", str)

DEFAULT_PREFIX = "10.5555"
RANDOM_BYTES = 10

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_PAIRS = [first + second for first in _CROCKFORD for second in _CROCKFORD]
# What a character makes of the remainder so far (1 to 36): add its value modulo 36, double modulo 37.
_STEPS = {
    character: [((remainder + value) % 36 or 36) * 2 % 37 for remainder in range(37)]
    for value, character in enumerate(_ALPHABET)
}
_BEHIND = len("-XXXX-XXXX-XXXX-XXXX-C")
_PLACES = [start - _BEHIND for group in range(1, 20, 5) for start in (group, group + 2)]
_SHIFTS = range(70, -1, -10)
_PREFIX = re.compile(r"10\.[0-9]{4,9}(?:\.[0-9]{1,9}){0,3}", re.ASCII)
_FORM = re.compile(rf"(10\.[0-9.]{{4,40}})/([A-Z])((?:-[{_CROCKFORD}]{{4}}){{4}})-([0-9A-Z])", re.ASCII)


class Letter(StrEnum):
    """What an identifier names."""

    PARTY = "P"
    OBJECT = "A"
    CAPABILITY = "M"
    JOB = "J"
    WORKFLOW = "W"
    LICENCE = "L"
    CERTIFICATE = "R"
    DISPUTE = "D"


_MOST_KNOWN = 16_384
_known: dict[str, Letter] = {}
_LETTERS: dict[str, Letter] = {letter.value: letter for letter in Letter}


def new_identifier(letter: Letter, random: bytes, prefix: str = DEFAULT_PREFIX) -> Identifier:
    """An identifier from ``RANDOM_BYTES`` random bytes (the caller brings them: no chance in here)."""
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"an identifier takes {RANDOM_BYTES} random bytes, got {len(random)}")
    begin, remainder = _beginning(prefix, letter)
    number, steps = int.from_bytes(random, "big"), _pair_steps()
    # Two characters at a time.
    pairs = [number >> shift & 1023 for shift in _SHIFTS]
    for pair in pairs:
        remainder = steps[pair][remainder]
    a, b, c, d, e, f, g, h = [_PAIRS[pair] for pair in pairs]
    made = f"{begin}-{a}{b}-{c}{d}-{e}{f}-{g}{h}-{_ALPHABET[(37 - remainder) % 36]}"
    _remember(made, letter)
    return Identifier(made)


@lru_cache(maxsize=64)
def _beginning(prefix: str, letter: Letter) -> tuple[str, int]:
    """What is the same for all identifiers of a kind, and the remainder after it."""
    check_prefix(prefix)
    begin = f"{prefix}/{letter.value}"
    return begin, _remainder(begin)


@lru_cache(maxsize=64)
def _beginning_of(begin: str) -> int | None:
    """The remainder after prefix and letter, at least 1; ``None``: there is no such prefix."""
    return _remainder(begin) if _PREFIX.fullmatch(begin[: -len("/A")]) else None


@cache
def _steps_of_pairs() -> dict[str, bytes]:
    return dict(zip(_PAIRS, _pair_steps(), strict=True))


@cache
def _pair_steps() -> list[bytes]:
    """What each of ``_PAIRS`` makes of the remainder so far."""
    steps = {character: bytes(_STEPS[character]) for character in _CROCKFORD}
    after = {character: step.ljust(256, b"\0") for character, step in steps.items()}
    return [steps[pair[0]].translate(after[pair[1]]) for pair in _PAIRS]


def parse_identifier(text: str, letter: Letter | None = None) -> Identifier:
    """Check form, check character and, if given, type letter. Raises ``MalformedInput`` that says which is wrong."""
    found = _known.get(text) or _letter_in(text)
    if letter is not None and found is not letter:
        raise MalformedInput(f"{text!r} names a {found.name.lower()}, expected a {letter.name.lower()}")
    return Identifier(text)


def is_known(text: str, letter: Letter | None = None) -> bool:
    """Whether ``parse_identifier`` took it before, most likely; of any other nothing is said."""
    found = _known.get(text)
    return found is not None and (letter is None or found is letter)


def has_form(text: str) -> bool:
    """Whether form and check character are those of an identifier of any letter: a later version may assign more."""
    if text in _known:
        return True
    remainder = _FORM.fullmatch(text) and _beginning_of(text[:-_BEHIND])
    if not remainder:
        return False
    steps = _steps_of_pairs()
    # Two characters at a time.
    for at in _PLACES:
        remainder = steps[text[at : at + 2]][remainder]
    return text[-1] == _ALPHABET[(37 - remainder) % 36]


def _letter_in(text: str) -> Letter:
    match = _FORM.fullmatch(text)
    if not match or not _PREFIX.fullmatch(match[1]):
        raise MalformedInput(f"{text[:60]!r} is not an identifier; expected the form 10.5555/A-XXXX-XXXX-XXXX-XXXX-C")
    expected = check_character(text[: -len("-C")])
    if match[4] != expected:
        raise MalformedInput(
            f"{text!r} looks mistyped: its check character is {match[4]!r}, the rest demands {expected!r}"
        )
    letter = letter_of(Identifier(text))
    _remember(text, letter)
    return letter


def _remember(text: str, letter: Letter) -> None:
    # An event's identifiers are met several times on its way, its parties' in every event.
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    _known[text] = letter


def letter_of(identifier: Identifier) -> Letter:
    """The type letter. Raises ``MalformedInput`` for one that is not assigned."""
    value = identifier[identifier.index("/") + 1]
    found = _LETTERS.get(value)
    if found is None:
        raise MalformedInput(f"{identifier!r} has the unknown type letter {value!r}")
    return found


def prefix_of(identifier: Identifier) -> str:
    """The DOI prefix, ``10.`` included."""
    return identifier[: identifier.index("/")]


def check_prefix(prefix: str) -> None:
    """Raise ``MalformedInput`` unless ``prefix`` is a DOI prefix."""
    if not _PREFIX.fullmatch(prefix):
        raise MalformedInput(f"{prefix[:40]!r} is not a DOI prefix such as {DEFAULT_PREFIX}")


def check_character(text: str) -> str:
    """ISO/IEC 7064:2003 hybrid system MOD 37,36 over the letters and digits of ``text``."""
    return _ALPHABET[(37 - _remainder(text)) % 36]


def _remainder(text: str) -> int:
    remainder = 36
    for character in text:
        if character in _STEPS:
            remainder = _STEPS[character][remainder]
    return remainder
