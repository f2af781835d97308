"""The terms of a licence, version 1: an ODRL 2.2 Agreement in the words of film.

Terms are a mapping of *named* terms. Each named term is one salted commitment
in the grant's leaf, so that a holder shows territory and window and keeps price
and parties to itself. Names are public and values are not: a verifier always
knows which terms exist and are withheld. (The leaf therefore says that a price
was agreed, never which.)
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Literal

from tallystick.canonical import JsonValue
from tallystick.licence import clauses
from tallystick.schema import FieldError, items, read, record, text, write

VERSION = 1

MANDATORY = (
    "licensee",
    "asset",
    "use",
    "exclusivity",
    "territory",
    "window",
    "media",
    "sublicensing",
    "ai_use",
)
"""Terms without which nobody can say what was licensed; the others are optional."""


@record
class Terms:
    """Every term by its name. ``None`` is a term that the licence does not have, or that was withheld."""

    licensee: clauses.Licensee | None = None
    asset: clauses.Asset | None = None
    use: Annotated[clauses.Scope, clauses.USES] | None = None
    exclusivity: Literal["exclusive", "sole", "non-exclusive"] | None = None
    territory: Annotated[clauses.Scope, clauses.TERRITORIES] | None = None
    window: Annotated[clauses.Window, clauses.PERIOD] | None = None
    media: Annotated[clauses.Scope, clauses.MEDIA] | None = None
    sublicensing: Annotated[clauses.Sublicensing, clauses.DEPTH] | None = None
    ai_use: clauses.AiUse | None = None
    channel: Annotated[tuple[Annotated[str, text(100)], ...], items(100, 1)] | None = None
    format: Annotated[clauses.Scope, clauses.FORMATS] | None = None
    language: Annotated[clauses.Scope, clauses.LANGUAGES] | None = None
    holdback: (
        Annotated[tuple[Annotated[clauses.Holdback, clauses.PERIOD], ...], items(clauses.MAX_HOLDBACKS, 1)] | None
    ) = None
    count: clauses.Count | None = None
    derivatives: Literal["permitted", "with-approval", "prohibited"] | None = None
    attribution: Annotated[str, text(500)] | None = None
    payment: Annotated[clauses.Payment, clauses.SHARES] | None = None
    consent: Annotated[tuple[clauses.Consent, ...], items(100, 1)] | None = None
    contract: clauses.Contract | None = None


NAMES = tuple(field.name for field in fields(Terms))
"""The names of all terms, in the order in which people read them."""


@dataclass(frozen=True)
class DisclosedTerms:
    """What a verifier may know: the opened terms, and the names of those that exist and are withheld."""

    terms: Terms
    withheld: frozenset[str]


def decode_terms(value: JsonValue) -> Terms:
    """Complete terms from a JSON object of named terms. Raises ``FieldError`` naming the field."""
    terms = read(Terms, value, "terms")
    check_names(name for name in NAMES if getattr(terms, name) is not None)
    return terms


def encode_terms(terms: Terms) -> dict[str, JsonValue]:
    """The JSON object of named terms: each item is what one disclosure carries. Inverse of ``decode_terms``."""
    named: dict[str, JsonValue] = write(terms)
    return named


def disclosed_terms(committed: Collection[str], opened: Mapping[str, JsonValue]) -> DisclosedTerms:
    """Terms as a holder shows them.

    ``committed``: the names in the leaf; ``opened``: values already checked against
    their commitments (``tallystick.commitments.open_commitments``). Raises
    ``FieldError`` for a name or value that version 1 does not know: an unread term
    may forbid what is asked.
    """
    check_names(committed)
    for name in opened:
        if name not in committed:
            raise FieldError(f"terms.{name}", "disclosed, but the licence commits to no such term")
    terms = read(Terms, dict(opened), "terms")
    return DisclosedTerms(terms, frozenset(committed) - frozenset(opened))


def check_names(names: Iterable[str]) -> None:
    """Raise ``FieldError`` unless every mandatory term is among ``names``, and nothing unknown to this version."""
    found = set(names)
    for name in sorted(found.difference(NAMES)):
        raise FieldError(f"terms.{name}", f"unknown term; version {VERSION} knows: {', '.join(NAMES)}")
    for name in MANDATORY:
        if name not in found:
            raise FieldError(f"terms.{name}", "missing; every licence states it")
