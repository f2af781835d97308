"""A tail that is not the log's: left out, replaced, reordered, or longer than what is shown."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from tallystick.trust import encode_trust, parse_trust
from tallystick.verify import Report, verify_case
from tests.api.audited import FACTS, Audited, auditing
from tests.api.tail_attacks import ATTACKS, Exports, exports, signed
from tests.core.verify.mutate import Members


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    with auditing(tmp_path_factory.mktemp("audited")) as found:
        yield found


@pytest.fixture(scope="module")
def found(house: Audited) -> Exports:
    return exports(house)


def judged(house: Audited, members: Members) -> Report:
    """By a reader who demands the facts."""
    trust = parse_trust(encode_trust(house.trust("capture", "completeness", "custody")))
    return verify_case(io.BytesIO(signed(house, members)), trust, house.at)


@pytest.mark.parametrize("name", ["early", "late"])
def test_the_honest_ones_are_proved(house: Audited, found: Exports, name: str) -> None:
    report = judged(house, getattr(found, name))
    assert report.verdict == "proved"
    assert {one: report.claim(one).outcome for one in FACTS} == dict.fromkeys(FACTS, "proved")


def test_the_damage_is_told_where_it_is_shown(house: Audited, found: Exports) -> None:
    report = judged(house, found.told)
    assert (report.verdict, report.claim("custody").outcome) == ("not_proved", "contradicted")


@pytest.mark.parametrize("name", ATTACKS)
def test_attack(house: Audited, found: Exports, name: str) -> None:
    attack = ATTACKS[name]
    report = judged(house, attack.apply(found))
    assert (report.verdict, report.refused_at) == ("not_proved", attack.step)
    assert report.claim("custody").outcome == attack.custody
