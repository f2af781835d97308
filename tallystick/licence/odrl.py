"""A licence as an ODRL 2.2 Agreement in JSON-LD, for other people's software (profile ``urn:tallystick:odrl:1``).

An export, not a proof: what counts stands in the log. Atomic rules (one action,
one target, one assigner, one assignee each), ``conflict`` is ``prohibit``, and what no permission grants is
denied. Withheld terms are named in ``ts:withheld``, and a reader that needs one cannot tell.
W3C ODRL Information Model 2.2 §2; docs/licence.md tells the profile.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tallystick.errors import MalformedInput
from tallystick.licence import clauses, vocabulary
from tallystick.licence.terms import DisclosedTerms, Terms

PROFILE = "urn:tallystick:odrl:1"
CONTEXT: tuple[Any, ...] = ("http://www.w3.org/ns/odrl.jsonld", {"ts": f"{PROFILE}#"})
ACTIONS = {
    "play": "play",
    "display": "display",
    "perform": "ts:perform",
    "reproduce": "reproduce",
    "distribute": "distribute",
    "broadcast": "ts:broadcast",
    "stream": "stream",
    "adapt": "derive",
    "translate": "translate",
    "synchronize": "synchronize",
    "extract": "extract",
    "print": "print",
    "render": "ts:render",
    "fabricate": "ts:fabricate",
    "archive": "archive",
    "advertise": "ts:advertise",
    **{use: f"ts:{use}" for use in vocabulary.AI_USES},
    vocabulary.SUBLICENSE: "grantUse",
}
"""From our uses to actions of the ODRL Common Vocabulary, or of the profile where it has none."""
_NEEDED = ("licensee", "asset", "use", "territory", "window", "media", "sublicensing", "ai_use")
_LIMITS = ("windows", "format", "language", "channel", "holdback", "count", "derivatives", "attribution")

Json = dict[str, Any]


def agreement(licence: str, licensor: str, disclosed: DisclosedTerms, parent: str | None = None) -> Json:
    """The agreement as a JSON-LD object.

    Raises ``MalformedInput`` that names a term which is withheld and without which no agreement can be written:
    leaving a limit out would grant more than the licence does.
    """
    terms = disclosed.terms
    for name in (*_NEEDED, *_LIMITS):
        if name in disclosed.withheld:
            raise MalformedInput(f"the term {name} is withheld: an agreement without it would say more than it does")
    rule = _Rules(terms, licensor)
    made: Json = {
        "@context": list(CONTEXT),
        "@type": "Agreement",
        "uid": iri(licence),
        "profile": PROFILE,
        "conflict": "prohibit",
        "permission": rule.permissions(),
        "prohibition": rule.prohibitions(),
        "obligation": rule.obligations(),
        "ts:exclusivity": terms.exclusivity,
        "ts:consent": [{"ts:kind": one.kind, "ts:sha256": one.sha256} for one in terms.consent or ()],
        "ts:contract": _contract(terms.contract),
        "ts:parent": None if parent is None else {"@id": iri(parent)},
        "ts:withheld": sorted(disclosed.withheld),
    }
    return {name: value for name, value in made.items() if value not in (None, [])}


def iri(identifier: str) -> str:
    """An identifier of the log as an IRI (RFC 4452)."""
    return f"info:doi/{identifier}"


class _Rules:
    """The rules of one licence."""

    def __init__(self, terms: Terms, licensor: str) -> None:
        self.terms = terms
        self._licensor = iri(licensor)
        self._licensee = iri(_need(terms.licensee).party)
        asset: clauses.Asset = _need(terms.asset)
        self._target: Json = {"@id": iri(asset.object), "@type": "Asset", "ts:sha256": asset.sha256}
        if asset.edit is not None:
            self._target["ts:edit"] = asset.edit

    def permissions(self) -> list[Json]:
        """One for each use that is granted, within every limit."""
        terms, limits = self.terms, self._limits()
        duties = self._duties()
        found = [self._rule(ACTIONS[use], limits, duties) for use in _need(terms.use).include]
        if terms.derivatives == "with-approval":
            approved = [*duties, {"action": "obtainConsent", "consentingParty": self._licensor}]
            found = [{**one, "duty": approved} if one["action"] == "derive" else one for one in found]
        for use, (field, _) in vocabulary.AI_USES.items():
            if getattr(_need(terms.ai_use), field) == "permitted":
                found.append(self._rule(ACTIONS[use], limits, duties))
        sub: clauses.Sublicensing = _need(terms.sublicensing)
        if sub.allowed:
            depth = _constraint("ts:depth", "lteq", sub.max_depth)
            found.append(self._rule("grantUse", [*limits, depth], duties))
        return found

    def prohibitions(self) -> list[Json]:
        """What is expressly denied: it wins over every permission."""
        terms = self.terms
        found = [self._rule(ACTIONS[use]) for use in _need(terms.use).exclude]
        for use, (field, _) in vocabulary.AI_USES.items():
            if getattr(_need(terms.ai_use), field) == "prohibited":
                found.append(self._rule(ACTIONS[use]))
        if terms.derivatives == "prohibited":
            found.append(self._rule("derive"))
        if not _need(terms.sublicensing).allowed:
            found.append(self._rule("grantUse"))
        for held in terms.holdback or ():
            # "use" is the action above all others: nothing is exploited there and then.
            limits = [
                _constraint("media", "isAnyOf", list(held.media)),
                _constraint("spatial", "isAnyOf", list(held.territory)),
                *_period(held.start, held.end),
            ]
            found.append(self._rule("use", limits))
        return found

    def obligations(self) -> list[Json]:
        """Payment by the licensee, exclusivity by the licensor."""
        found = []
        if (payment := self.terms.payment) is not None:
            amount = _constraint("payAmount", "eq", payment.amount)
            amount["unit"] = f"ts:minor-{payment.currency}"
            action = {"rdf:value": {"@id": "odrl:compensate"}, "refinement": [amount]}
            shares = [{"ts:party": iri(one.party), "ts:basisPoints": one.basis_points} for one in payment.shares]
            found.append({**self._between(self._licensor, self._licensee), "action": [action], "ts:shares": shares})
        if self.terms.exclusivity in ("exclusive", "sole"):
            found.append({**self._between(self._licensee, self._licensor), "action": "ensureExclusivity"})
        return found

    def _between(self, assigner: str, assignee: str) -> Json:
        return {"target": self._target, "assigner": assigner, "assignee": assignee}

    def _rule(self, action: str, constraints: Sequence[Json] = (), duties: Sequence[Json] = ()) -> Json:
        made: Json = {**self._between(self._licensor, self._licensee), "action": action}
        if constraints:
            made["constraint"] = list(constraints)
        if duties:
            made["duty"] = list(duties)
        return made

    def _limits(self) -> list[Json]:
        terms = self.terms
        window: clauses.Window = _need(terms.window)
        found = [*_scope("spatial", _need(terms.territory)), *_period(window.start, window.end)]
        if window.conditional is not None:
            found.append(_constraint("ts:startCondition", "eq", window.conditional))
        if terms.windows:
            found.append({"or": {"@list": [_release(each) for each in terms.windows]}})
        found += _scope("media", _need(terms.media))
        if terms.format is not None:
            found += _scope("ts:format", terms.format)
        if terms.language is not None:
            found += _scope("language", terms.language)
        if terms.channel is not None:
            found.append(_constraint("deliveryChannel", "isAnyOf", list(terms.channel)))
        if terms.count is not None:
            found.append({**_constraint("count", "lteq", terms.count.limit), "unit": f"ts:{terms.count.unit}"})
        return found

    def _duties(self) -> list[Json]:
        if self.terms.attribution is None:
            return []
        return [{"action": "attribute", "attributedParty": self._licensor, "ts:text": self.terms.attribution}]


def _constraint(left: str, operator: str, right: Any) -> Json:
    return {"leftOperand": left, "operator": operator, "rightOperand": right}


def _scope(left: str, scope: clauses.Scope) -> Iterable[Json]:
    yield _constraint(left, "isAnyOf", list(scope.include))
    if scope.exclude:
        yield _constraint(left, "isNoneOf", list(scope.exclude))


def _period(start: str, end: str | None) -> Iterable[Json]:
    yield _constraint("dateTime", "gteq", {"@value": start, "@type": "xsd:dateTime"})
    if end is not None:
        yield _constraint("dateTime", "lt", {"@value": end, "@type": "xsd:dateTime"})


def _release(each: clauses.Release) -> Json:
    parts = list(_period(each.start, each.end))
    if each.territory is not None:
        parts += _scope("spatial", each.territory)
    if each.media is not None:
        parts += _scope("media", each.media)
    return {"and": {"@list": parts}}


def _contract(contract: clauses.Contract | None) -> Json | None:
    if contract is None:
        return None
    return {
        "ts:sha256": contract.sha256,
        "ts:governingLaw": contract.governing_law,
        "ts:forum": contract.forum,
        "ts:controllingLanguage": contract.controlling_language,
    }


def _need(value: Any) -> Any:
    """A term that ``agreement`` saw to be shown."""
    if value is None:
        raise ValueError("a mandatory term is neither stated nor withheld")
    return value
