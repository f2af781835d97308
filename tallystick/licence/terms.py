"""The terms of a licence, versions 1 and 2: an ODRL 2.2 Agreement in the words of film.

Terms are a mapping of *named* terms. Each named term is one salted commitment
in the grant's leaf, so that a holder shows territory and window and keeps price
and parties to itself. Names are public and values are not: a verifier always
knows which terms exist and are withheld. (The leaf therefore says that a price
was agreed, never which.)
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields
from typing import Annotated, Literal

from tallystick.canonical import JsonValue
from tallystick.lazy_dataclass import dataclass
from tallystick.licence import clauses
from tallystick.schema import FieldError, items, read, record, text, write

VERSION = 2
_SINCE_VERSION = {"windows": 2}
"""Version of the terms that first knows a name, for all that version 1 did not know."""

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
    windows: Annotated[tuple[clauses.Release, ...], items(clauses.MAX_WINDOWS, 1), clauses.RELEASES] | None = None


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
    _check_windows(terms)
    return terms


def encode_terms(terms: Terms) -> dict[str, JsonValue]:
    """The JSON object of named terms: each item is what one disclosure carries. Inverse of ``decode_terms``."""
    named: dict[str, JsonValue] = write(terms)
    return named


def disclosed_terms(committed: Collection[str], opened: Mapping[str, JsonValue]) -> DisclosedTerms:
    """Terms as a holder shows them.

    ``committed``: the names in the leaf; ``opened``: values already checked against
    their commitments (``tallystick.commitments.open_commitments``). Raises
    ``FieldError`` for a name or value that version 2 does not know: an unread term
    may forbid what is asked.
    """
    check_names(committed)
    for name in opened:
        if name not in committed:
            raise FieldError(f"terms.{name}", "disclosed, but the licence commits to no such term")
    terms = read(Terms, dict(opened), "terms")
    _check_windows(terms)
    return DisclosedTerms(terms, frozenset(committed) - frozenset(opened))


def version_under(rules: int) -> int:
    """The version of the terms that a licence may have under this version of the admission rules."""
    return 2 if rules >= 3 else 1


def check_names(names: Iterable[str], version: int = VERSION) -> None:
    """Raise ``FieldError`` unless every mandatory term is among ``names``, and nothing unknown to this version."""
    found = set(names)
    known = [name for name in NAMES if _SINCE_VERSION.get(name, 1) <= version]
    for name in sorted(found.difference(known)):
        raise FieldError(f"terms.{name}", f"unknown term; version {version} knows: {', '.join(known)}")
    for name in MANDATORY:
        if name not in found:
            raise FieldError(f"terms.{name}", "missing; every licence states it")


def _check_windows(terms: Terms) -> None:
    """Windows divide the term; they do not lengthen it."""
    term = terms.window
    for index, each in enumerate(terms.windows or ()):
        if term is None:
            return
        if each.start < term.start or (term.end is not None and (each.end is None or each.end > term.end)):
            raise FieldError(f"terms.windows[{index}]", "lies outside the term that window states")
