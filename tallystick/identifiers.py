"""Identifiers: DOI syntax (ISO 26324, GB/T 36369) with a type letter, 80 random bits and a check character.

``10.5555/A-7K3M-9QXR-0B2C-D4EF-H``: prefix, ``/``, type letter, sixteen
Crockford base-32 characters (80 bits) in fours, check character by
ISO/IEC 7064 MOD 37,36 over the letters and digits of all that stands before it.
A client makes one offline; whoever reads a mistyped one can tell.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NewType

from tallystick.errors import MalformedInput

Identifier = NewType("Identifier", str)

DEFAULT_PREFIX = "10.5555"
RANDOM_BYTES = 10

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
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


def new_identifier(letter: Letter, random: bytes, prefix: str = DEFAULT_PREFIX) -> Identifier:
    """An identifier from ``RANDOM_BYTES`` random bytes (the caller brings them: no chance in here)."""
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"an identifier takes {RANDOM_BYTES} random bytes, got {len(random)}")
    check_prefix(prefix)
    number = int.from_bytes(random, "big")
    text = "".join(_CROCKFORD[number >> shift & 31] for shift in range(75, -1, -5))
    groups = "-".join(text[at : at + 4] for at in range(0, 16, 4))
    head = f"{prefix}/{letter.value}-{groups}"
    return Identifier(f"{head}-{check_character(head)}")


def parse_identifier(text: str, letter: Letter | None = None) -> Identifier:
    """Check form, check character and, if given, type letter. Raises ``MalformedInput`` that says which is wrong."""
    match = _FORM.fullmatch(text)
    if not match or not _PREFIX.fullmatch(match[1]):
        raise MalformedInput(f"{text[:60]!r} is not an identifier; expected the form 10.5555/A-XXXX-XXXX-XXXX-XXXX-C")
    expected = check_character(text[: -len("-C")])
    if match[4] != expected:
        raise MalformedInput(
            f"{text!r} looks mistyped: its check character is {match[4]!r}, the rest demands {expected!r}"
        )
    found = letter_of(Identifier(text))
    if letter is not None and found is not letter:
        raise MalformedInput(f"{text!r} names a {found.name.lower()}, expected a {letter.name.lower()}")
    return Identifier(text)


def letter_of(identifier: Identifier) -> Letter:
    """The type letter. Raises ``MalformedInput`` for one that is not assigned."""
    value = identifier[identifier.index("/") + 1]
    try:
        return Letter(value)
    except ValueError:
        raise MalformedInput(f"{identifier!r} has the unknown type letter {value!r}") from None


def prefix_of(identifier: Identifier) -> str:
    """The DOI prefix, ``10.`` included."""
    return identifier[: identifier.index("/")]


def check_prefix(prefix: str) -> None:
    """Raise ``MalformedInput`` unless ``prefix`` is a DOI prefix."""
    if not _PREFIX.fullmatch(prefix):
        raise MalformedInput(f"{prefix[:40]!r} is not a DOI prefix such as {DEFAULT_PREFIX}")


def check_character(text: str) -> str:
    """ISO/IEC 7064:2003 hybrid system MOD 37,36 over the letters and digits of ``text``."""
    remainder = 36
    for character in text:
        if character in _ALPHABET:
            remainder = (remainder + _ALPHABET.index(character)) % 36 or 36
            remainder = remainder * 2 % 37
    return _ALPHABET[(37 - remainder) % 36]
