"""The answer that a licence's terms give to a question: default deny, prohibition wins, and the clause that decides.

What is withheld is unknown, not absent: an answer that needs it is *cannot
tell*. So withholding a term can never turn a refusal into a permission.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from tallystick.lazy_dataclass import dataclass
from tallystick.licence import clauses, vocabulary, wording
from tallystick.licence.question import Question
from tallystick.licence.terms import DisclosedTerms
from tallystick.times import parse_time
from tallystick.wording import Wording


class Verdict(StrEnum):
    """What the terms say."""

    PERMITTED = "permitted"
    PROHIBITED = "prohibited"
    CANNOT_TELL = "cannot_tell"


class Effect(StrEnum):
    """What one term does to the answer."""

    MET = "met"
    PROHIBITS = "prohibits"
    UNKNOWN = "unknown"
    CONDITION = "condition"
    """Not decided here: not asked about, or a duty that no offline check can enforce (contractual)."""


@dataclass(frozen=True)
class TermReason:
    """What the term named ``term`` does to the answer, its words, and why."""

    term: str
    effect: Effect
    clause: Wording
    why: Wording


@dataclass(frozen=True)
class Answer:
    """The verdict at the instant ``at``, every reason in a fixed order, and the one that decides."""

    verdict: Verdict
    question: Question
    at: str
    reasons: tuple[TermReason, ...]
    deciding: TermReason


_Finding = tuple[Effect, Wording]


def answer(disclosed: DisclosedTerms, question: Question, at: str, commenced: str | None = None) -> Answer:
    """Whether the disclosed terms permit what is asked at the instant ``at`` (YYYY-MM-DDTHH:MM:SSZ).

    ``commenced``: when, by the log, the condition of a conditional start came about.
    """
    parse_time(at)
    granting = _granting(disclosed, question)
    reasons = (granting, *_limits(disclosed, question, at, commenced), *_conditions(disclosed, question))
    for effect, verdict in ((Effect.PROHIBITS, Verdict.PROHIBITED), (Effect.UNKNOWN, Verdict.CANNOT_TELL)):
        for reason in reasons:
            if reason.effect is effect:
                return Answer(verdict, question, at, reasons, reason)
    return Answer(Verdict.PERMITTED, question, at, reasons, granting)


# --- the term that grants the use ---------------------------------------------


def _granting(disclosed: DisclosedTerms, question: Question) -> TermReason:
    if question.use in vocabulary.AI_USES:
        return _judged(disclosed, "ai_use", lambda value: _ai_use(value, question.use))
    if question.use == vocabulary.SUBLICENSE:
        return _judged(disclosed, "sublicensing", _sublicensing)
    return _judged(disclosed, "use", lambda value: _in_scope(value, question.use, vocabulary.same, vocabulary.USES))


def _ai_use(value: clauses.AiUse, use: str) -> _Finding:
    field, label = vocabulary.AI_USES[use]
    if getattr(value, field) == "permitted":
        return Effect.MET, Wording(f"允许：{label.zh}", f"permitted: {label.en}")
    return Effect.PROHIBITS, Wording(f"禁止：{label.zh}", f"prohibited: {label.en}")


def _sublicensing(value: clauses.Sublicensing) -> _Finding:
    if value.allowed:
        return Effect.MET, Wording("允许转许可", "sublicensing is allowed")
    return Effect.PROHIBITS, Wording("不得转许可", "sublicensing is not allowed")


# --- the terms that limit it ----------------------------------------------------


def _limits(disclosed: DisclosedTerms, question: Question, at: str, commenced: str | None) -> list[TermReason]:
    """Every term that the question touches; any of them can deny."""
    limits = [
        _judged(
            disclosed,
            "territory",
            lambda value: _in_scope(value, question.territory, vocabulary.territory_covers, {}),
        ),
        _judged(disclosed, "window", lambda value: _window(value, at, commenced)),
    ]
    if _exists(disclosed, "windows"):
        limits.append(_judged(disclosed, "windows", lambda value: _windows(value, question, at)))
    for name, asked, covers, known in (
        ("media", question.media, vocabulary.media_covers, vocabulary.MEDIA),
        ("format", question.format, vocabulary.same, vocabulary.FORMATS),
        ("language", question.language, vocabulary.language_covers, {}),
    ):
        if asked is not None and _exists(disclosed, name):
            limits.append(_judged(disclosed, name, _scope_judge(asked, covers, known)))
    if question.media is not None and _exists(disclosed, "holdback"):
        limits.append(_judged(disclosed, "holdback", lambda value: _holdback(value, question, at)))
    if question.use == "adapt" and _exists(disclosed, "derivatives"):
        limits.append(_judged(disclosed, "derivatives", _derivatives))
    if question.party is not None:
        limits.append(_judged(disclosed, "licensee", lambda value: _licensee(value, question.party)))
    return limits


def _scope_judge(
    asked: str, covers: Callable[[str, str], bool], known: dict[str, vocabulary.Word]
) -> Callable[[clauses.Scope], _Finding]:
    return lambda scope: _in_scope(scope, asked, covers, known)


def _in_scope(
    scope: clauses.Scope, asked: str, covers: Callable[[str, str], bool], known: dict[str, vocabulary.Word]
) -> _Finding:
    """Granted only if one included word covers all that is asked, and no excluded word touches it."""
    what = wording.word(asked, known)
    for denied in scope.exclude:
        if vocabulary.touches(covers, denied, asked):
            by = wording.word(denied, known)
            return Effect.PROHIBITS, Wording(f"明确排除{by.zh}", f"{by.en} is expressly excluded")
    if any(covers(granted, asked) for granted in scope.include):
        return Effect.MET, Wording(f"包含{what.zh}", f"{what.en} is granted")
    return Effect.PROHIBITS, Wording(f"未许可{what.zh}", f"{what.en} is not granted")


def _window(value: clauses.Window, at: str, commenced: str | None) -> _Finding:
    # One form per instant, so text order is time order.
    if at < value.start:
        return Effect.PROHIBITS, Wording(f"{at}时期限尚未开始", f"at {at} the term has not begun")
    if value.end is not None and at >= value.end:
        return Effect.PROHIBITS, Wording(f"{at}时期限已届满", f"at {at} the term has ended")
    if value.conditional is not None and commenced is not None:
        if at < commenced:
            return Effect.PROHIBITS, Wording(
                f"起始条件于{commenced}方成就", f"the condition of its start came about at {commenced}"
            )
        return Effect.MET, Wording(
            f"{at}在期限内；起始条件已于{commenced}成就（日志所载）",
            f"{at} lies within the term, whose condition came about at {commenced}, by the log",
        )
    if value.conditional is not None:
        return Effect.UNKNOWN, Wording(
            f"期限以条件成就为起点，未见其成就的证明：{value.conditional}",
            f"the term starts on a condition, and nothing here proves that it came about: {value.conditional}",
        )
    return Effect.MET, Wording(f"{at}在期限内", f"{at} lies within the term")


def _windows(value: tuple[clauses.Release, ...], question: Question, at: str) -> _Finding:
    """One window must take in all that is asked; what two of them share out is granted by neither.

    A question that names no medium (an AI use) lies in a window of certain media only if it is asked about them.
    """
    open_now = [
        each for each in value if each.start <= at and (each.end is None or at < each.end) and _takes_in(each, question)
    ]
    for each in open_now:
        if each.media is None or question.media is not None:
            text = wording.clause_text("windows", (each,))
            return Effect.MET, Wording(f"属于窗口：{text.zh}", f"lies in the window {text.en}")
    if open_now:
        return Effect.UNKNOWN, Wording(
            f"{at}时开放的窗口仅限若干媒介，而问题未指明媒介",
            f"the windows that are open at {at} are for certain media, and the question names none: ask with 'on'",
        )
    return Effect.PROHIBITS, Wording(f"{at}时无窗口开放", f"at {at} no window is open for what is asked")


def _takes_in(window: clauses.Release, question: Question) -> bool:
    asked: tuple[tuple[clauses.Scope | None, str | None, Callable[[str, str], bool], dict[str, vocabulary.Word]], ...]
    asked = (
        (window.territory, question.territory, vocabulary.territory_covers, {}),
        (window.media, question.media, vocabulary.media_covers, vocabulary.MEDIA),
    )
    return all(
        scope is None or word is None or _in_scope(scope, word, covers, known)[0] is Effect.MET
        for scope, word, covers, known in asked
    )


def _holdback(value: tuple[clauses.Holdback, ...], question: Question, at: str) -> _Finding:
    for each in value:
        running = each.start <= at and (each.end is None or at < each.end)
        if running and _touches(each, question):
            text = wording.holdback_text(each)
            return Effect.PROHIBITS, Wording(f"处于保留期：{text.zh}", f"held back: {text.en}")
    return Effect.MET, Wording("不在保留期内", "not held back")


def _touches(holdback: clauses.Holdback, question: Question) -> bool:
    """Any overlap counts, from either side: asking for all streaming touches a holdback of subscription streaming."""
    media, territory = question.media, question.territory
    return (
        media is not None
        and any(vocabulary.media_covers(m, media) or vocabulary.media_covers(media, m) for m in holdback.media)
        and any(
            vocabulary.territory_covers(t, territory) or vocabulary.territory_covers(territory, t)
            for t in holdback.territory
        )
    )


def _derivatives(value: str) -> _Finding:
    if value == "prohibited":
        return Effect.PROHIBITS, Wording("禁止衍生作品", "derivative works are prohibited")
    if value == "with-approval":
        return Effect.CONDITION, Wording("须经许可人批准", "needs the licensor's approval")
    return Effect.MET, Wording("允许衍生作品", "derivative works are permitted")


def _licensee(value: clauses.Licensee, party: str | None) -> _Finding:
    if value.party == party:
        return Effect.MET, Wording("即被许可人", "is the licensee")
    return Effect.PROHIBITS, Wording(f"{party}不是被许可人", f"{party} is not the licensee")


# --- what stays to be kept --------------------------------------------------------


_UNASKED = Wording("未就此提问", "the question does not ask about it")
_NOT_COMPARED = Wording(
    "仅签名者称此文件即该标的；请与标的原件比对",
    "that this file shows it is its signer's word alone; compare it with the original",
)
_DUTY = Wording("须按合同履行；离线核验无法强制", "a duty under the contract; an offline check cannot enforce it")
_DUTIES = ("channel", "count", "attribution", "payment", "consent")


def _conditions(disclosed: DisclosedTerms, question: Question) -> list[TermReason]:
    asked = {"media": question.media, "format": question.format, "language": question.language}
    unasked = [name for name, value in asked.items() if value is None]
    if question.media is None:
        unasked.append("holdback")
    if question.party is None:
        unasked.append("licensee")
    conditions = [("asset", _NOT_COMPARED), *((name, _UNASKED) for name in unasked)]
    conditions += [(name, _DUTY) for name in _DUTIES]
    return [
        TermReason(name, Effect.CONDITION, _clause(disclosed, name), why)
        for name, why in conditions
        if _exists(disclosed, name)
    ]


# --- shared -------------------------------------------------------------------


def _exists(disclosed: DisclosedTerms, name: str) -> bool:
    return name in disclosed.withheld or getattr(disclosed.terms, name) is not None


def _clause(disclosed: DisclosedTerms, name: str) -> Wording:
    value = getattr(disclosed.terms, name)
    return wording.WITHHELD if value is None else wording.clause_text(name, value)


def _judged(disclosed: DisclosedTerms, name: str, judge: Callable[[Any], _Finding]) -> TermReason:
    """What the term does, or that nobody can tell because it is withheld."""
    value = getattr(disclosed.terms, name)
    if value is None:
        ask = Wording(
            f"“{wording.NAMES[name].zh}”条款未披露，请向持有人索取",
            f"the term {name!r} is withheld; ask the holder to disclose it",
        )
        return TermReason(name, Effect.UNKNOWN, wording.WITHHELD, ask)
    effect, why = judge(value)
    return TermReason(name, effect, _clause(disclosed, name), why)
