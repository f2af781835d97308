"""Terms in the few characters that a card has room for; the whole terms stand in the file's assertion."""

from __future__ import annotations

from tallystick.licence.clauses import AiUse, Scope, Window
from tallystick.licence.terms import DisclosedTerms
from tallystick.licence.vocabulary import MEDIA
from tallystick.licence.wording import NAMES, WITHHELD

_EXCLUSIVITY = {"exclusive": "专有 exclusive", "sole": "排他 sole", "non-exclusive": "普通 non-exclusive"}
_ROOM = 40
"""Characters of a list before the rest is only counted."""


def territory(shown: DisclosedTerms) -> str:
    """Codes, and those excluded."""
    return _known(shown, "territory") or _scope(shown.terms.territory)


def media(shown: DisclosedTerms) -> str:
    """Words of the vocabulary, and those excluded; one word in Chinese too."""
    told = _known(shown, "media") or _scope(shown.terms.media)
    return f"{MEDIA[told].zh} {told}" if told in MEDIA else told


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


def _scope(scope: Scope | None) -> str:
    assert scope is not None  # _known saw to it
    included = _list(scope.include)
    return f"{included}; not {_list(scope.exclude)}" if scope.exclude else included


def _list(words: tuple[str, ...]) -> str:
    shown: list[str] = []
    for word in words:
        if len(", ".join([*shown, word])) > _ROOM:
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
