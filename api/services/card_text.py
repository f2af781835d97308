"""Terms in the few characters that a card has room for; the whole terms stand in the file's assertion."""

from __future__ import annotations

from collections.abc import Mapping

from tallystick.licence.clauses import AiUse, Scope, Window
from tallystick.licence.terms import DisclosedTerms
from tallystick.licence.vocabulary import MEDIA, USES, Word
from tallystick.licence.wording import NAMES, WITHHELD

_EXCLUSIVITY = {"exclusive": "专有 exclusive", "sole": "排他 sole", "non-exclusive": "普通 non-exclusive"}
_ROOM = 40
"""Characters of a list before the rest is only counted; a Chinese character is two."""
_ROOM_BEFORE, _ROOM_OF_BOTH = 20, 36
"""Where something is excluded: of what is included, and of both together."""


def use(shown: DisclosedTerms) -> str:
    """What may be done, and what is excluded: words of the vocabulary, in Chinese too where there is room."""
    return _known(shown, "use") or _scope(shown.terms.use, USES)


def territory(shown: DisclosedTerms) -> str:
    """Codes, and those excluded."""
    return _known(shown, "territory") or _scope(shown.terms.territory)


def media(shown: DisclosedTerms) -> str:
    """As ``use``, of media."""
    return _known(shown, "media") or _scope(shown.terms.media, MEDIA)


def window(shown: DisclosedTerms) -> str:
    """First day, and the day before which it ends, which is said: it is no day of the licence any more."""
    return _known(shown, "window") or _window(shown.terms.window)


def exclusivity(shown: DisclosedTerms) -> str:
    """The word."""
    return _known(shown, "exclusivity") or _EXCLUSIVITY[str(shown.terms.exclusivity)]


def ai_use(shown: DisclosedTerms) -> str:
    """What is permitted, if anything."""
    return _known(shown, "ai_use") or _ai_use(shown.terms.ai_use)


def licensee(shown: DisclosedTerms) -> str:
    """The party."""
    found = shown.terms.licensee
    return _known(shown, "licensee") or (found.party if found else "—")


def _known(shown: DisclosedTerms, name: str) -> str | None:
    """Why there is nothing to show, or ``None`` when there is."""
    if name not in NAMES or getattr(shown.terms, name) is not None:
        return None
    return f"{WITHHELD.zh} {WITHHELD.en}" if name in shown.withheld else "—"


def _scope(scope: Scope | None, known: Mapping[str, Word] | None = None) -> str:
    """As long as the card has room for, in any type: what was granted must not be refused its card."""
    assert scope is not None  # _known saw to it
    if known:
        both = _joined(*([f"{known[word].zh} {word}" for word in words] for words in (scope.include, scope.exclude)))
        if _width(both) <= _ROOM:
            return both
    if not scope.exclude:
        return _list(scope.include, _ROOM)
    included = _list(scope.include, _ROOM_BEFORE)
    return f"{included}; not {_list(scope.exclude, _ROOM_OF_BOTH - len(included))}"


def _joined(included: list[str], excluded: list[str]) -> str:
    return "; not ".join(", ".join(words) for words in (included, excluded) if words)


def _width(text: str) -> int:
    return sum(1 if character.isascii() else 2 for character in text)


def _list(words: tuple[str, ...], room: int) -> str:
    shown: list[str] = []
    for word in words:
        if len(", ".join([*shown, word])) > room:
            return f"{', '.join(shown)} +{len(words) - len(shown)}"
        shown.append(word)
    return ", ".join(shown)


def _window(window: Window | None) -> str:
    assert window is not None  # _known saw to it
    if window.end is None:
        return f"{window.start[:10]} – …"
    return f"{window.start[:10]} – {window.end[:10]} 前 before"


def _ai_use(flags: AiUse | None) -> str:
    assert flags is not None  # _known saw to it
    names = ("data_mining", "inference", "generative_training", "other_training")
    permitted = [name.replace("_", " ") for name in names if getattr(flags, name) == "permitted"]
    return ", ".join(permitted) if permitted else "禁止 prohibited"
