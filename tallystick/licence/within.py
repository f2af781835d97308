"""Whether a sublicence stays within its parent, term by term: never more territory, time, media, uses or depth.

What is withheld on either side is unknown, never assumed. If this finds a
sublicence within its parent, then whatever the sublicence permits its parent
permits as well; a test holds that against ``answer`` for random terms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any

from tallystick.lazy_dataclass import dataclass
from tallystick.licence import clauses, vocabulary, wording
from tallystick.licence.terms import DisclosedTerms, Terms
from tallystick.wording import Wording

Covers = Callable[[str, str], bool]
Problem = Wording | None


class Containment(StrEnum):
    """What one term comes to."""

    WITHIN = "within"
    EXCEEDS = "exceeds"
    UNKNOWN = "unknown"
    """A side is withheld: it needs the disclosure."""


@dataclass(frozen=True)
class TermFinding:
    """One term of both licences, in words, and why it is within, exceeds, or cannot be told."""

    term: str
    containment: Containment
    parent: Wording
    child: Wording
    why: Wording


@dataclass(frozen=True)
class Within:
    """Every term compared, in a fixed order; ``deciding``: the first that exceeds, else the first unknown, if any."""

    containment: Containment
    findings: tuple[TermFinding, ...]
    deciding: TermFinding | None


def within(parent: DisclosedTerms, child: DisclosedTerms) -> Within:
    """Compare the terms of a sublicence with those of its parent."""
    findings = tuple(_finding(name, parent, child) for name in _JUDGES if _exists(parent, name))
    for containment in (Containment.EXCEEDS, Containment.UNKNOWN):
        for finding in findings:
            if finding.containment is containment:
                return Within(containment, findings, finding)
    return Within(Containment.WITHIN, findings, None)


_WITHIN = Wording("在上级许可范围之内", "within what the parent grants")
_WITHHELD = Wording("一方未披露，无法比较", "withheld on one side: it cannot be compared")
_ABSENT = Wording("（无此条款）", "(no such term)")
_ROOM = ("territory", "media", "window")
"""Terms of the sublicence that show whether a holdback of the parent concerns it at all."""


def _finding(name: str, parent: DisclosedTerms, child: DisclosedTerms) -> TermFinding:
    words = _clause(parent, name), _clause(child, name)
    if name in parent.withheld or name in child.withheld:
        return TermFinding(name, Containment.UNKNOWN, *words, _WITHHELD)
    problem = _JUDGES[name](parent.terms, child.terms)
    if problem is None:
        return TermFinding(name, Containment.WITHIN, *words, _WITHIN)
    if name in ("holdback", "windows") and child.withheld.intersection(_ROOM):
        return TermFinding(name, Containment.UNKNOWN, *words, _WITHHELD)
    return TermFinding(name, Containment.EXCEEDS, *words, problem)


def _exists(disclosed: DisclosedTerms, name: str) -> bool:
    return name in disclosed.withheld or getattr(disclosed.terms, name) is not None


def _clause(disclosed: DisclosedTerms, name: str) -> Wording:
    if name in disclosed.withheld:
        return wording.WITHHELD
    value = getattr(disclosed.terms, name)
    return _ABSENT if value is None else wording.clause_text(name, value)


# --- scopes ---------------------------------------------------------------------


def scope_within(parent: clauses.Scope, child: clauses.Scope, covers: Covers) -> Problem:
    """The child grants no word that the parent does not, and excludes what the parent excludes of it."""
    for word in child.include:
        if not any(covers(granted, word) for granted in parent.include):
            return Wording(f"上级未许可{word}", f"the parent does not grant {word}")
        for denied in parent.exclude:
            if not vocabulary.touches(covers, denied, word):
                continue
            if not any(covers(own, denied) for own in child.exclude):
                return Wording(f"上级排除{denied}", f"the parent excludes {denied}")
    return None


def _scope(name: str, covers: Covers) -> Callable[[Terms, Terms], Problem]:
    def judge(parent: Terms, child: Terms) -> Problem:
        own = getattr(child, name)
        if own is None:
            return Wording("上级有此限制，转许可没有", "the parent has this limit, the sublicence has none")
        return scope_within(getattr(parent, name), own, covers)

    return judge


# --- time -----------------------------------------------------------------------


def _window(parent: Terms, child: Terms) -> Problem:
    outer, inner = _need(parent.window), _need(child.window)
    if inner.start < outer.start:
        return Wording(f"早于上级起始日{outer.start}", f"begins before the parent, {outer.start}")
    if outer.end is not None and (inner.end is None or inner.end > outer.end):
        return Wording(f"晚于上级终止日{outer.end}", f"ends after the parent, {outer.end}")
    if outer.conditional not in (None, inner.conditional):
        return Wording("上级附起始条件，转许可未附同一条件", "the parent starts on a condition that is not stated here")
    return None


def _windows(parent: Terms, child: Terms) -> Problem:
    term = child.window
    inner = child.windows or (clauses.Release(term.start, term.end) if term else clauses.Release("0"),)
    for each in inner:
        if not any(_release_within(outer, each, child) for outer in parent.windows or ()):
            text = wording.clause_text("windows", (each,))
            return Wording(f"不属于上级的任何窗口：{text.zh}", f"lies in no window of the parent: {text.en}")
    return None


def _release_within(outer: clauses.Release, inner: clauses.Release, child: Terms) -> bool:
    if inner.start < outer.start or (outer.end is not None and (inner.end is None or inner.end > outer.end)):
        return False
    scopes = (
        (outer.territory, (inner.territory, child.territory), vocabulary.territory_covers),
        (outer.media, (inner.media, child.media), vocabulary.media_covers),
    )
    # The window's own scope and the sublicence's bind together: that one of them stays within is enough.
    return all(
        limit is None or any(own is not None and scope_within(limit, own, covers) is None for own in owns)
        for limit, owns, covers in scopes
    )


def _holdback(parent: Terms, child: Terms) -> Problem:
    for held in parent.holdback or ():
        for media, territory in _pairs(held):
            if _concerns(child, held, media, territory) and not _held_as_well(child, held, media, territory):
                text = wording.holdback_text(held)
                return Wording(f"未承担上级的保留期：{text.zh}", f"does not keep the parent's holdback: {text.en}")
    return None


def _pairs(held: clauses.Holdback) -> Iterator[tuple[str, str]]:
    return ((media, territory) for media in held.media for territory in held.territory)


def _concerns(child: Terms, held: clauses.Holdback, media: str, territory: str) -> bool:
    window = child.window
    if window is not None:
        begins_after = held.end is not None and window.start >= held.end
        ends_before = window.end is not None and window.end <= held.start
        if begins_after or ends_before:
            return False
    return _touches(child.media, media, vocabulary.media_covers) and _touches(
        child.territory, territory, vocabulary.territory_covers
    )


def _touches(scope: clauses.Scope | None, word: str, covers: Covers) -> bool:
    if scope is None:
        return True
    if any(covers(denied, word) for denied in scope.exclude):
        return False
    return any(covers(granted, word) or covers(word, granted) for granted in scope.include)


def _held_as_well(child: Terms, held: clauses.Holdback, media: str, territory: str) -> bool:
    window = child.window
    start = max(held.start, window.start) if window is not None else held.start
    ends = [end for end in (held.end, window.end if window is not None else None) if end is not None]
    end = min(ends) if ends else None
    return any(
        own.start <= start
        and (own.end is None or (end is not None and own.end >= end))
        and any(vocabulary.media_covers(each, media) for each in own.media)
        and any(vocabulary.territory_covers(each, territory) for each in own.territory)
        for own in child.holdback or ()
    )


# --- the others -------------------------------------------------------------------


def _asset(parent: Terms, child: Terms) -> Problem:
    outer, inner = _need(parent.asset), _need(child.asset)
    same = (outer.object, outer.sha256) == (inner.object, inner.sha256)
    if not same or outer.edit not in (None, inner.edit):
        return Wording("标的与上级不同", "the asset is not the parent's")
    return None


def _ranked(name: str, order: tuple[str, ...]) -> Callable[[Terms, Terms], Problem]:
    """``order``: from the least to the most; absent is the most."""

    def judge(parent: Terms, child: Terms) -> Problem:
        outer, inner = getattr(parent, name), getattr(child, name)
        most = len(order) - 1
        if (most if inner is None else order.index(inner)) <= order.index(outer):
            return None
        return Wording(f"上级仅为：{outer}", f"the parent is {outer} only")

    return judge


def _sublicensing(parent: Terms, child: Terms) -> Problem:
    outer, inner = _need(parent.sublicensing), _need(child.sublicensing)
    if not outer.allowed:
        return Wording("上级不得转许可", "the parent may not be sublicensed")
    if inner.max_depth > outer.max_depth - 1:
        left = outer.max_depth - 1
        return Wording(f"上级仅余{left}层", f"the parent leaves {left} more licences, found {inner.max_depth}")
    return None


def _ai_use(parent: Terms, child: Terms) -> Problem:
    outer, inner = _need(parent.ai_use), _need(child.ai_use)
    for field, label in vocabulary.AI_USES.values():
        if getattr(inner, field) == "permitted" and getattr(outer, field) != "permitted":
            return Wording(f"上级禁止：{label.zh}", f"the parent prohibits: {label.en}")
    return None


def _channel(parent: Terms, child: Terms) -> Problem:
    extra = sorted(set(child.channel or ()) - set(parent.channel or ()))
    if child.channel is None or extra:
        return Wording("超出上级的渠道", f"channels that the parent has not: {', '.join(extra) or 'all'}")
    return None


def _count(parent: Terms, child: Terms) -> Problem:
    outer, inner = _need(parent.count), child.count
    if inner is None or inner.unit != outer.unit or inner.limit > outer.limit:
        text = wording.clause_text("count", outer)
        return Wording(f"上级：{text.zh}", f"the parent has {text.en}")
    return None


def _attribution(parent: Terms, child: Terms) -> Problem:
    if _need(parent.attribution) in (child.attribution or ""):
        return None
    return Wording("未保留上级要求的署名", "does not keep the attribution that the parent demands")


def _need(value: Any) -> Any:
    """A term that is mandatory, or was found to exist and not to be withheld."""
    if value is None:
        raise ValueError("a mandatory term is neither stated nor withheld")
    return value


# Party, payment, consent and contract are each licence's own. In the order in which the answer names terms.
_JUDGES: dict[str, Callable[[Terms, Terms], Problem]] = {
    "asset": _asset,
    "use": _scope("use", vocabulary.same),
    "exclusivity": _ranked("exclusivity", ("non-exclusive", "sole", "exclusive")),
    "territory": _scope("territory", vocabulary.territory_covers),
    "window": _window,
    "windows": _windows,
    "media": _scope("media", vocabulary.media_covers),
    "sublicensing": _sublicensing,
    "ai_use": _ai_use,
    "channel": _channel,
    "format": _scope("format", vocabulary.same),
    "language": _scope("language", vocabulary.language_covers),
    "holdback": _holdback,
    "count": _count,
    "derivatives": _ranked("derivatives", ("prohibited", "with-approval", "permitted")),
    "attribution": _attribution,
}
