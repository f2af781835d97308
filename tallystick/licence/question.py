"""The question asked of a licence: may WHO do WHAT with this, WHERE, on WHICH medium, HOW?

Grammar (words separated by single spaces; clauses after the use in any order, each at most once)::

    question  = use *( SP clause )
    clause    = "in" SP territory            ; ISO 3166-1 alpha-2, or WW for the whole world
              / "on" SP medium               ; an umbrella such as streaming asks for all that it covers
              / "in" SP "format" SP format
              / [ "in" SP ] "language" SP tag ; BCP 47
              / ( "as" / "to" ) SP party     ; a party identifier

``in`` is required, and so is ``on`` except for AI uses: a question that does
not say where has no answer. Time is not part of it; the caller gives the instant.
"""

from __future__ import annotations

from collections.abc import Callable

from tallystick.errors import MalformedInput
from tallystick.identifiers import Letter, parse_identifier
from tallystick.lazy_dataclass import dataclass
from tallystick.licence import vocabulary
from tallystick.licence.clauses import LANGUAGE

MAX_CHARACTERS = 400
EXAMPLE = "play in DE on streaming"

_ACTIONS = frozenset({*vocabulary.USES, *vocabulary.AI_USES, vocabulary.SUBLICENSE})


@dataclass(frozen=True)
class Question:
    """One question. ``None``: not asked about; the answer then names what the licence says of it as a condition."""

    use: str
    territory: str
    media: str | None = None
    format: str | None = None
    language: str | None = None
    party: str | None = None

    @property
    def text(self) -> str:
        """The question in the grammar, clauses in one order."""
        clauses = (
            ("in", self.territory),
            ("on", self.media),
            ("in format", self.format),
            ("in language", self.language),
            ("as", self.party),
        )
        return " ".join([self.use, *(f"{words} {value}" for words, value in clauses if value is not None)])


def parse_question(text: str) -> Question:
    """Read a question. Raises ``MalformedInput`` that names the known words and shows an example."""
    if len(text) > MAX_CHARACTERS:
        raise MalformedInput(f"a question has at most {MAX_CHARACTERS} characters, found {len(text)}")
    words = text.split(" ")
    vocabulary.check_word(words[0], _ACTIONS, "use")
    found: dict[str, str] = {}
    rest = words[1:]
    while rest:
        name, taken = _clause(rest)
        if len(rest) <= taken:
            raise MalformedInput(f"the question ends after {rest[-1]!r}; expected {_KINDS[name].what} to follow")
        if name in found:
            raise MalformedInput(f"the question names {_KINDS[name].what} twice; ask one question at a time")
        found[name] = rest[taken]
        _KINDS[name].check(rest[taken])
        rest = rest[taken + 1 :]
    return _complete(words[0], found)


@dataclass(frozen=True)
class _Kind:
    what: str
    check: Callable[[str], object]


def _among(known: frozenset[str], what: str) -> Callable[[str], object]:
    return lambda word: vocabulary.check_word(word, known, what)


_KINDS = {
    "territory": _Kind("a territory", _among(vocabulary.TERRITORIES | {vocabulary.WORLD}, "territory")),
    "media": _Kind("a medium", _among(frozenset(vocabulary.MEDIA), "medium")),
    "format": _Kind("a format", _among(frozenset(vocabulary.FORMATS), "format")),
    "language": _Kind("a language", LANGUAGE.check),
    "party": _Kind("a party", lambda word: parse_identifier(word, Letter.PARTY)),
}

# Longest first: "in format" must be seen before "in".
_INTRODUCERS = (
    (("in", "format"), "format"),
    (("in", "language"), "language"),
    (("language",), "language"),
    (("in",), "territory"),
    (("on",), "media"),
    (("as",), "party"),
    (("to",), "party"),
)


def _clause(words: list[str]) -> tuple[str, int]:
    """Which clause starts here, and how many words introduce it."""
    for introducer, name in _INTRODUCERS:
        if tuple(words[: len(introducer)]) == introducer:
            return name, len(introducer)
    known = ", ".join(" ".join(introducer) for introducer, _ in _INTRODUCERS)
    raise MalformedInput(f"unknown word {words[0][:40]!r} in the question; known: {known}; for example {EXAMPLE!r}")


def _complete(use: str, found: dict[str, str]) -> Question:
    if "territory" not in found:
        raise MalformedInput(f"the question does not say where; add 'in' and a territory, for example {EXAMPLE!r}")
    if "media" not in found and use not in vocabulary.AI_USES:
        raise MalformedInput(
            f"the question does not say on which medium; add 'on' and a medium, for example {EXAMPLE!r}"
        )
    return Question(use, **found)
