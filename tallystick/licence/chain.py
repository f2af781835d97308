"""The answer of a chain of licences: the licence that is asked about, and all above it.

What a sublicence permits counts only as far as every licence above it permits the
same, and may be sublicensed so deep. Default deny and prohibition wins across the whole
chain; what an ancestor withholds is unknown, never assumed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from tallystick.lazy_dataclass import dataclass
from tallystick.licence import vocabulary, wording
from tallystick.licence.answer import Answer, Effect, TermReason, Verdict, answer
from tallystick.licence.question import Question
from tallystick.licence.terms import DisclosedTerms
from tallystick.wording import Wording


@dataclass(frozen=True)
class Link:
    """One licence of a chain: its terms as shown, and when the condition of its start came about, by the log."""

    licence: str
    disclosed: DisclosedTerms
    commenced: str | None = None


@dataclass(frozen=True)
class ChainReason:
    """A reason, and the licence whose term it is."""

    licence: str
    reason: TermReason


@dataclass(frozen=True)
class ChainAnswer:
    """The verdict at ``at``; ``reasons`` of the licence, then of those above; ``deciding``: the clause that decides."""

    verdict: Verdict
    question: Question
    at: str
    reasons: tuple[ChainReason, ...]
    deciding: ChainReason


_DUTIES = frozenset({"attribution", "channel", "consent", "count", "derivatives"})
"""Terms that bind whoever uses the work, however many licences down; payment is between those who agreed on it."""


def as_answer(found: ChainAnswer) -> Answer:
    """The same as one answer: reasons of licences above the one asked about name it in their words."""
    last = found.reasons[0].licence
    reasons = tuple(_named(one, last) for one in found.reasons)
    deciding = reasons[found.reasons.index(found.deciding)]
    return Answer(found.verdict, found.question, found.at, reasons, deciding)


def _named(found: ChainReason, last: str) -> TermReason:
    if found.licence == last:
        return found.reason
    why = found.reason.why
    text = Wording(f"上级许可{found.licence}：{why.zh}", f"the parent licence {found.licence}: {why.en}")
    return dataclasses.replace(found.reason, why=text)


def answer_chain(links: Sequence[Link], question: Question, at: str) -> ChainAnswer:
    """What the chain ``links``, the root first and the licence asked about last, says to the question at ``at``.

    Raises ``ValueError`` for an empty chain.
    """
    if not links:
        raise ValueError("a chain has at least one licence")
    last = links[-1]
    own: Answer = answer(last.disclosed, question, at, last.commenced)
    found = [ChainReason(last.licence, one) for one in own.reasons]
    for below, link in enumerate(reversed(links[:-1]), 1 + (question.use == vocabulary.SUBLICENSE)):
        # The party asked about is the last licensee; whoever stands above it is bound to its own licence.
        above = answer(link.disclosed, dataclasses.replace(question, party=None), at, link.commenced)
        bound = (one for one in above.reasons if one.effect is not Effect.CONDITION or one.term in _DUTIES)
        reasons = (_depth(link.disclosed, below), *bound)
        found += [ChainReason(link.licence, one) for one in reasons]
    for effect, verdict in ((Effect.PROHIBITS, Verdict.PROHIBITED), (Effect.UNKNOWN, Verdict.CANNOT_TELL)):
        for each in found:
            if each.reason.effect is effect:
                return ChainAnswer(verdict, question, at, tuple(found), each)
    return ChainAnswer(own.verdict, question, at, tuple(found), ChainReason(last.licence, own.deciding))


def _depth(disclosed: DisclosedTerms, needed: int) -> TermReason:
    """Whether a licence may be sublicensed so many licences deep."""
    value = disclosed.terms.sublicensing
    if value is None:
        ask = Wording(
            "上级许可的“转许可”条款未披露", "the parent's term 'sublicensing' is withheld; ask to have it disclosed"
        )
        return TermReason("sublicensing", Effect.UNKNOWN, wording.WITHHELD, ask)
    clause = wording.clause_text("sublicensing", value)
    if value.max_depth >= needed:
        met = Wording(f"允许转许可{needed}层", f"sublicences {needed} deep are allowed")
        return TermReason("sublicensing", Effect.MET, clause, met)
    why = Wording(f"不允许转许可{needed}层", f"sublicences {needed} deep are not allowed")
    return TermReason("sublicensing", Effect.PROHIBITS, clause, why)
