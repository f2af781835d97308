"""The grammar of questions."""

from __future__ import annotations

import pytest

from tallystick.errors import MalformedInput
from tallystick.licence.question import Question, parse_question

from .examples import LICENSEE, OBJECT

READ = {
    "play in DE on streaming": Question("play", "DE", "streaming"),
    "play on streaming in DE": Question("play", "DE", "streaming"),
    f"display in WW on theatrical as {LICENSEE}": Question("display", "WW", "theatrical", party=LICENSEE),
    f"display in WW to {LICENSEE} on theatrical": Question("display", "WW", "theatrical", party=LICENSEE),
    "play in CN on streaming-svod in format uhd language zh-Hans": Question(
        "play", "CN", "streaming-svod", "uhd", "zh-Hans"
    ),
    "play in CN on game in language de": Question("play", "CN", "game", language="de"),
    "ai-generative-training in US": Question("ai-generative-training", "US"),
    "sublicense in AT on theatrical": Question("sublicense", "AT", "theatrical"),
}


@pytest.mark.parametrize("text", READ)
def test_read(text: str) -> None:
    question = parse_question(text)
    assert question == READ[text]
    assert parse_question(question.text) == question


REFUSED = {
    "": "unknown use ''; known: adapt,",
    "watch in DE on streaming": "unknown use 'watch'; known: adapt,",
    "paly in DE on streaming": r"unknown use 'paly' \(did you mean play\?\)",
    "play": "does not say where; add 'in' and a territory",
    "play in DE": "does not say on which medium",
    "play on streaming": "does not say where",
    "play in de on streaming": r"unknown territory 'de' \(did you mean DE\?\); known: ISO 3166",
    "play in Germany on streaming": "unknown territory 'Germany'; known: ISO 3166-1",
    "play in DE on netflix": "unknown medium 'netflix'; known: advertising,",
    "play in DE on streaming in DE": "names a territory twice",
    "play in DE on": "the question ends after 'on'; expected a medium to follow",
    "play in format": "the question ends after 'format'; expected a format to follow",
    "play in DE on streaming in format vhs": "unknown format 'vhs'; known: 8k,",
    "play in DE on streaming language German": "expected a BCP 47 language tag",
    "play in DE on streaming as studio": "is not an identifier",
    f"play in DE on streaming as {OBJECT}": "expected a party",
    "play  in DE on streaming": "unknown word ''",
    " play in DE on streaming": "unknown use ''",
    "play in DE on streaming ": "unknown word ''",
    "play in DE on streaming please": "unknown word 'please' in the question; known: in format, in language,",
    "play in DE on streaming\n": "unknown medium",
    "play in DE " + "on streaming " * 40: "at most 400 characters",
}


@pytest.mark.parametrize("text", REFUSED)
def test_refused_with_what_is_known(text: str) -> None:
    with pytest.raises(MalformedInput, match=REFUSED[text]):
        parse_question(text)
