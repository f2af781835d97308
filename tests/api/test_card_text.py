"""Terms in the few characters of a card: what was granted is never refused its card for the length of a list."""

from __future__ import annotations

from dataclasses import replace

import pytest

from api.services.card_text import media, territory, use
from credentials.card import render_card
from tallystick.licence.clauses import Scope
from tallystick.licence.terms import DisclosedTerms, Terms
from tallystick.licence.vocabulary import MEDIA, USES
from tests.credentials.test_documents import CARD

PNG = b"\x89PNG\r\n\x1a\n"


def shown(**terms: Scope) -> DisclosedTerms:
    return DisclosedTerms(Terms(**terms), frozenset())


@pytest.mark.parametrize(
    ("include", "exclude", "said"),
    [
        (("play",), (), "播放 play"),
        (("play", "stream"), ("advertise",), "play, stream; not advertise"),
        (("play", "display"), (), "播放 play, 展示 display"),
        (("play", "display", "print"), (), "播放 play, 展示 display, 印刷 print"),
        (("play", "display", "perform", "archive"), (), "play, display, perform, archive"),
        (tuple(USES), (), "play, display, perform, reproduce +12"),
        (tuple(USES), ("advertise", "adapt"), "play, display +14; not advertise, adapt"),
    ],
)
def test_the_uses_of_a_card(include: tuple[str, ...], exclude: tuple[str, ...], said: str) -> None:
    assert use(shown(use=Scope(include, exclude))) == said


def test_uses_that_are_not_disclosed_are_said_to_be_withheld() -> None:
    assert use(DisclosedTerms(Terms(), frozenset({"use"}))).endswith("(withheld)")


def test_the_longest_lists_have_room_on_the_card() -> None:
    """Of media nine and nine were refused their card before, long after they were granted."""
    words, countries = tuple(sorted(MEDIA, key=len)), ("CN", "DE", "GB", "US", "MM", "MW", "WS", "CM", "GM", "OM")
    for scope in (Scope(words[9:], words[:9]), Scope(words[-9:], words[-9:]), Scope(words, ())):
        drawn = render_card(replace(CARD, media=media(shown(media=scope)), use=media(shown(media=scope))))
        assert drawn.startswith(PNG)
    for scope in (Scope(countries, countries), Scope(("WW",), countries * 3), Scope(("MW",) * 40, ())):
        drawn = render_card(replace(CARD, territory=territory(shown(territory=scope))))
        assert drawn.startswith(PNG)
