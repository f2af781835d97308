"""The ODRL export, read by ODRL's own rules: a schema of its information model, and an evaluator of its rules."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given

from tallystick.errors import MalformedInput
from tallystick.licence.answer import Verdict, answer
from tallystick.licence.odrl import ACTIONS, PROFILE, agreement, iri
from tallystick.licence.question import Question, parse_question
from tallystick.licence.terms import DisclosedTerms, disclosed_terms

from .examples import LICENCE, LICENSEE, LICENSOR, OBJECT, WITHIN, disclosed
from .test_answer_properties import INSTANT, any_terms, questions

# ODRL Vocabulary & Expression 2.2: what may stand in these places without a profile.
COMMON_ACTIONS = {
    "use", "play", "display", "reproduce", "distribute", "stream", "derive", "translate", "synchronize", "extract",
    "print", "archive", "grantUse", "compensate", "attribute", "obtainConsent", "ensureExclusivity",
}  # fmt: skip
LEFT_OPERANDS = {"spatial", "dateTime", "media", "language", "deliveryChannel", "count", "payAmount"}
OPERATORS = ["eq", "gt", "gteq", "lt", "lteq", "neq", "isA", "hasPart", "isPartOf", "isAllOf", "isAnyOf", "isNoneOf"]

CONSTRAINT = {
    "oneOf": [
        {
            "type": "object",
            "required": ["leftOperand", "operator", "rightOperand"],
            "properties": {
                "leftOperand": {"anyOf": [{"enum": sorted(LEFT_OPERANDS)}, {"type": "string", "pattern": "^ts:"}]},
                "operator": {"enum": OPERATORS},
                "rightOperand": {},
                "unit": {"type": "string"},
            },
            "additionalProperties": False,
        },
        {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "properties": {name: {"$ref": "#/$defs/operands"} for name in ("or", "xone", "and", "andSequence")},
            "additionalProperties": False,
        },
    ]
}
ACTION = {"anyOf": [{"enum": sorted(COMMON_ACTIONS)}, {"type": "string", "pattern": "^ts:"}]}
REFINED = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "required": ["rdf:value", "refinement"],
        "properties": {"refinement": {"type": "array"}},
    },
}
RULE = {
    "type": "object",
    "required": ["target", "assigner", "assignee", "action"],
    "properties": {
        "target": {"type": "object", "required": ["@id"], "properties": {"@id": {"format": "uri"}}},
        "assigner": {"type": "string", "pattern": "^info:doi/10[.]"},
        "assignee": {"type": "string", "pattern": "^info:doi/10[.]"},
        "action": {"anyOf": [ACTION, REFINED]},
        "constraint": {"type": "array", "minItems": 1, "items": CONSTRAINT},
        "duty": {"type": "array", "minItems": 1, "items": {"type": "object", "required": ["action"]}},
        "ts:shares": {"type": "array"},
    },
    "additionalProperties": False,
}
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$defs": {
        "operands": {
            "type": "object",
            "required": ["@list"],
            "properties": {"@list": {"type": "array", "minItems": 1, "items": CONSTRAINT}},
        }
    },
    "type": "object",
    "required": ["@context", "@type", "uid", "profile", "permission"],
    "properties": {
        "@type": {"const": "Agreement"},
        "uid": {"type": "string", "format": "uri"},
        "profile": {"type": "string", "format": "uri"},
        "conflict": {"enum": ["perm", "prohibit", "invalid"]},
        "permission": {"type": "array", "minItems": 1, "items": RULE},
        "prohibition": {"type": "array", "minItems": 1, "items": {**RULE, "not": {"required": ["duty"]}}},
        "obligation": {"type": "array", "minItems": 1, "items": {**RULE, "not": {"required": ["duty"]}}},
    },
    "patternProperties": {"^ts:": {}},
    "additionalProperties": False,
}
"""ODRL Information Model 2.2 §2.1 to §2.6, an Agreement of atomic rules."""
SCHEMA["properties"]["@context"] = {"type": "array", "contains": {"const": "http://www.w3.org/ns/odrl.jsonld"}}


def made(shown: DisclosedTerms) -> dict[str, Any]:
    return agreement(LICENCE, LICENSOR, shown)


def test_the_example_is_an_agreement_of_odrl() -> None:
    found = made(disclosed())
    jsonschema.validate(found, SCHEMA)
    assert (found["uid"], found["profile"], found["conflict"]) == (iri(LICENCE), PROFILE, "prohibit")
    first = found["permission"][0]
    assert (first["assigner"], first["assignee"]) == (iri(LICENSOR), iri(LICENSEE))
    assert first["target"]["@id"] == iri(OBJECT)
    (payment,) = found["obligation"]
    assert payment["action"][0]["refinement"][0]["rightOperand"] == "1200000"


def test_actions_are_those_of_the_common_vocabulary_or_of_the_profile() -> None:
    assert all(action in COMMON_ACTIONS or action.startswith("ts:") for action in ACTIONS.values())
    assert len(set(ACTIONS.values())) == len(ACTIONS)


@pytest.mark.parametrize(
    "name", ["territory", "window", "windows", "holdback", "licensee", "use", "ai_use", "format", "count"]
)
def test_no_agreement_is_written_that_would_say_more_than_the_licence(name: str) -> None:
    with pytest.raises(MalformedInput, match=f"the term {name} is withheld"):
        made(disclosed(name))


def test_what_limits_nothing_may_be_withheld() -> None:
    found = made(disclosed("payment", "contract"))
    assert found["ts:withheld"] == ["contract", "payment"]
    assert "obligation" not in found


# --- an evaluator of ODRL ------------------------------------------------------------

Request = dict[str, Any]
_UMBRELLA = ("streaming", "broadcast")


def _is(word: str, asked: str) -> bool:
    """The profile's words: the world, umbrella media, and language ranges take in what is narrower."""
    return word in (asked, "WW") or (asked.startswith(f"{word}-") and (word in _UMBRELLA or len(word) <= 7))


def _meets(left: str, constraint: dict[str, Any], request: Request) -> bool:
    right, asked = constraint["rightOperand"], request.get(left)
    if left == "dateTime":
        return bool(asked >= right["@value"] if constraint["operator"] == "gteq" else asked < right["@value"])
    if asked is None:
        return True
    if constraint["operator"] == "isAnyOf":
        return any(_is(word, asked) for word in right)
    if constraint["operator"] == "isNoneOf":
        return not any(_is(word, asked) or _is(asked, word) for word in right)
    return True


def satisfied(constraint: dict[str, Any], request: Request) -> bool:
    if "or" in constraint:
        return any(satisfied(one, request) for one in constraint["or"]["@list"])
    if "and" in constraint:
        return all(satisfied(one, request) for one in constraint["and"]["@list"])
    return _meets(constraint["leftOperand"], constraint, request)


def touched(constraint: dict[str, Any], request: Request) -> bool:
    """A prohibition concerns a request that it overlaps at all."""
    left, asked = constraint["leftOperand"], request.get(constraint["leftOperand"])
    if left == "dateTime":
        return satisfied(constraint, request)
    return asked is not None and any(_is(word, asked) or _is(asked, word) for word in constraint["rightOperand"])


def permits(policy: dict[str, Any], request: Request) -> bool:
    """ODRL Information Model §2.4 to §2.6, ``conflict: prohibit``: a permission is met, no prohibition concerns it."""
    for rule in policy.get("prohibition", []):
        concerned = rule["action"] in (request["action"], "use")
        if concerned and all(touched(one, request) for one in rule.get("constraint", [])):
            return False
    return any(
        rule["action"] == request["action"] and all(satisfied(one, request) for one in rule.get("constraint", []))
        for rule in policy["permission"]
    )


def request_of(question: Question, at: str) -> Request:
    return {
        "action": ACTIONS[question.use],
        "spatial": question.territory,
        "media": question.media,
        "ts:format": question.format,
        "language": question.language,
        "dateTime": at,
    }


@pytest.mark.parametrize(
    ("text", "permitted"),
    [
        ("play in DE on theatrical", True),
        ("play in US on theatrical", False),
        ("advertise in DE on theatrical", False),
        ("play in DE on streaming-avod", False),
        ("play in CH on streaming-svod", False),
        ("ai-inference in DE", True),
        ("ai-generative-training in DE", False),
        ("sublicense in DE on theatrical", True),
        ("play in DE on theatrical language de-CH", False),
    ],
)
def test_the_evaluator_on_the_example(text: str, permitted: bool) -> None:
    assert permits(made(disclosed()), request_of(parse_question(text), WITHIN)) is permitted


@given(any_terms(), questions(), INSTANT)
def test_the_export_permits_exactly_what_the_terms_permit(value: dict[str, Any], question: Question, at: str) -> None:
    if "conditional" in value["window"] or question.party is not None:
        return
    if question.media is None and any("media" in one for one in value.get("windows", ())):
        return
    shown = disclosed_terms(value.keys(), value)
    policy = made(shown)
    jsonschema.validate(policy, SCHEMA)
    found = answer(shown, question, at).verdict is Verdict.PERMITTED
    assert permits(policy, request_of(question, at)) is found
