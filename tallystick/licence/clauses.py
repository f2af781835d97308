"""The value of each named term of a licence, versions 1 and 2 (docs/licence.md).

Every record is strict: unknown fields, unknown words, unsorted or redundant
lists are refused, so that one meaning has one byte string to commit to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Literal

from tallystick.errors import MalformedInput
from tallystick.identifiers import Letter
from tallystick.licence import vocabulary
from tallystick.schema import HEX32, TIME, Rule, between, identifier, items, matching, record, text

MAX_WORDS = 300
MAX_HOLDBACKS = 32
MAX_WINDOWS = 64
WHOLE_SHARE = 10_000  # basis points

LANGUAGE = matching(
    r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?", "a BCP 47 language tag such as de or zh-Hans-CN"
)
MINOR_UNITS = matching(r"0|[1-9][0-9]{0,17}", "an amount in minor units: digits, no sign, no leading zero")
CURRENCY = matching(r"[A-Z]{3}", "an ISO 4217 currency code such as EUR")
_NOTE = text(500)


@record
class Scope:
    """What is granted and what of it is forbidden; what neither lists is denied, and ``exclude`` wins."""

    include: Annotated[tuple[str, ...], items(MAX_WORDS, 1)]
    exclude: Annotated[tuple[str, ...], items(MAX_WORDS)]


def _check_scope(scope: Scope, check: Callable[[str], object], covers: Callable[[str, str], bool]) -> None:
    for name, words in (("include", scope.include), ("exclude", scope.exclude)):
        for word in words:
            check(word)
        if list(words) != sorted(set(words)):
            raise MalformedInput(f"{name}: expected words sorted and without repeats, found {', '.join(words)}")
        for broad in words:
            for narrow in words:
                if broad != narrow and covers(broad, narrow):
                    raise MalformedInput(f"{name}: {broad} already covers {narrow}; leave {narrow} out")
    for granted in scope.include:
        for denied in scope.exclude:
            if covers(denied, granted):
                raise MalformedInput(f"exclude: {denied} takes back the whole of {granted}, which include grants")


def _scope_of(known: Iterable[str], what: str, covers: Callable[[str, str], bool]) -> Rule:
    words = frozenset(known)

    def check_word(word: str) -> None:
        vocabulary.check_word(word, words, what)

    def check(scope: Scope) -> None:
        _check_scope(scope, check_word, covers)

    return Rule(f"a scope of {what}", check)


_TERRITORY_WORDS = vocabulary.TERRITORIES | {vocabulary.WORLD}
USES = _scope_of(vocabulary.USES, "use", vocabulary.same)
TERRITORIES = _scope_of(_TERRITORY_WORDS, "territory", vocabulary.territory_covers)
MEDIA = _scope_of(vocabulary.MEDIA, "medium", vocabulary.media_covers)
FORMATS = _scope_of(vocabulary.FORMATS, "format", vocabulary.same)
LANGUAGES = Rule("a scope of languages", lambda scope: _check_scope(scope, LANGUAGE.check, vocabulary.language_covers))


def _sorted_words(known: Iterable[str], what: str) -> Rule:
    words = frozenset(known)

    def check(found: tuple[str, ...]) -> None:
        for word in found:
            vocabulary.check_word(word, words, what)
        if list(found) != sorted(set(found)):
            raise MalformedInput(f"expected words sorted and without repeats, found {', '.join(found)}")

    return Rule(f"a sorted list of {what}", check)


def _check_period(period: Window | Holdback | Release) -> None:
    if period.end is not None and period.end <= period.start:
        raise MalformedInput(f"end {period.end} is not after start {period.start}")


PERIOD = Rule("a start before its end", _check_period)


@record
class Licensee:
    """Who may act: a party and the thumbprint of the key (RFC 9679, hex) with which it shows that it is the holder."""

    party: Annotated[str, identifier(Letter.PARTY)]
    holder_kid: Annotated[str, HEX32]


@record
class Asset:
    """What is licensed: the registered object, the SHA-256 of its content (a folder: its tree root), the edit."""

    object: Annotated[str, identifier(Letter.OBJECT)]
    sha256: Annotated[str, HEX32]
    edit: Annotated[str, text(100)] | None = None


@record
class Window:
    """From ``start`` up to, not including, ``end`` (absent: no end); ``conditional``: what must happen first."""

    start: Annotated[str, TIME]
    end: Annotated[str, TIME] | None = None
    conditional: Annotated[str, _NOTE] | None = None


@record
class Holdback:
    """From ``start`` up to ``end`` nothing is exploited in these media and territories."""

    media: Annotated[tuple[str, ...], items(MAX_WORDS, 1), _sorted_words(vocabulary.MEDIA, "medium")]
    territory: Annotated[tuple[str, ...], items(MAX_WORDS, 1), _sorted_words(_TERRITORY_WORDS, "territory")]
    start: Annotated[str, TIME]
    end: Annotated[str, TIME] | None = None


@record
class Release:
    """One window of several: from ``start`` up to ``end``, in these media and territories (absent: in all granted)."""

    start: Annotated[str, TIME]
    end: Annotated[str, TIME] | None = None
    media: Annotated[Scope, MEDIA] | None = None
    territory: Annotated[Scope, TERRITORIES] | None = None


def _check_releases(windows: tuple[Release, ...]) -> None:
    keys = [_release_key(each) for each in windows]
    if keys != sorted(keys):
        raise MalformedInput("expected windows in order of start, end, media and territory")
    for index, each in enumerate(windows):
        _check_period(each)
        for later in windows[index + 1 :]:
            same = (each.media, each.territory) == (later.media, later.territory)
            if same and (each.end is None or later.start <= each.end):
                raise MalformedInput(f"windows from {each.start} and {later.start} of one scope meet; state one")


def _release_key(each: Release) -> tuple[str, str, tuple[tuple[str, ...], ...]]:
    scopes = [scope for scope in (each.media, each.territory) if scope is not None]
    # "~" sorts after every time: a window without end is the longest.
    return each.start, each.end or "~", tuple(words for scope in scopes for words in (scope.include, scope.exclude))


RELEASES = Rule("windows in order, each stated once", _check_releases)


@record
class Count:
    """At most ``limit`` units. No offline check can enforce it: contractual."""

    limit: Annotated[int, between(1, 1_000_000_000)]
    unit: Literal["play", "screening", "broadcast", "copy", "download", "seat", "title", "render"]


@record
class Sublicensing:
    """Whether the licensee may license on, and how many licences deep. (The parent licence stands in the leaf.)"""

    allowed: bool
    max_depth: Annotated[int, between(0, 16)]


def _check_depth(value: Sublicensing) -> None:
    if value.allowed != (value.max_depth > 0):
        raise MalformedInput("max_depth is 0 where sublicensing is not allowed, and at least 1 where it is")


DEPTH = Rule("a depth that agrees with allowed", _check_depth)


@record
class Share:
    """A party's part of the payment, in basis points (1/100 of a percent)."""

    party: Annotated[str, identifier(Letter.PARTY)]
    basis_points: Annotated[int, between(1, WHOLE_SHARE)]


@record
class Payment:
    """The price in minor units of its currency (cents, fen) as text, and how it is shared."""

    amount: Annotated[str, MINOR_UNITS]
    currency: Annotated[str, CURRENCY]
    shares: Annotated[tuple[Share, ...], items(100, 1)]


def check_shares(shares: tuple[Share, ...]) -> None:
    """Raise ``MalformedInput`` unless they are of exactly 100 %, one for each party, sorted by party."""
    parties = [share.party for share in shares]
    if parties != sorted(set(parties)):
        raise MalformedInput("shares: expected one share for each party, sorted by party")
    total = sum(share.basis_points for share in shares)
    if total != WHOLE_SHARE:
        raise MalformedInput(f"shares: expected {WHOLE_SHARE} basis points together, found {total}")


SHARES = Rule("shares of exactly 100 %", lambda payment: check_shares(payment.shares))

Flag = Literal["permitted", "prohibited"]


@record
class AiUse:
    """Four separate flags (CAWG training-mining); none follows from another."""

    data_mining: Flag
    inference: Flag
    generative_training: Flag
    other_training: Flag


@record
class Consent:
    """A consent of a person whose likeness or voice is in the asset: SHA-256 of the document, party if known."""

    kind: Literal["likeness", "voice"]
    sha256: Annotated[str, HEX32]
    party: Annotated[str, identifier(Letter.PARTY)] | None = None


@record
class Contract:
    """The contract on paper: SHA-256 of its file, governing law, forum, the language that prevails."""

    sha256: Annotated[str, HEX32]
    governing_law: Annotated[str, text(200)]
    forum: Annotated[str, text(200)]
    controlling_language: Annotated[str, LANGUAGE]
