"""A licence, job or dispute without a root of the map, held against the reader's own copy of the log."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tallystick.case import Kind
from tallystick.events.log import MapRoot
from tallystick.verify import Report, verify_case
from tests.core.verify.kit import AT
from tests.core.verify.mutate import Members, without_entry
from tests.core.verify.test_kind_demands import Play, as_of, lines, members_of, play, shown_below, warned

KINDS = ("licence", "job", "dispute")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Play:
    return play(tmp_path_factory.mktemp("play"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Play:
    return play(tmp_path_factory.mktemp("other"), 3)


def copy_of(told: Play) -> list[bytes]:
    return [one.entry for one in told.scene.log.statements]


def judged(told: Play, members: Members, copy: list[bytes]) -> Report:
    bundle = io.BytesIO(told.scene.bundle(members))
    return verify_case(bundle, told.scene.trust(), AT, (), partial(iter, copy))


def bare(told: Play, kind: Kind) -> Members:
    return members_of(told.case(kind, map=None))


@pytest.mark.parametrize(("kind", "count"), [("licence", 1), ("job", 1), ("dispute", 2)])
def test_a_copy_serves_as_a_root_does_and_reaches_to_the_end(kind: Kind, count: int, told: Play) -> None:
    members = bare(told, kind)
    assert told.judge(members).refused_at == 9, "without a copy"
    report = judged(told, members, copy_of(told))
    assert (report.verdict, report.claim("completeness").outcome) == ("proved", "proved")
    head = report.facts["checkpoint"]
    assert as_of(report) == [{"size": head["size"], "time": head["signed_at"]}] * count
    assert warned(report) == []


def test_a_copy_that_goes_on_is_read_to_the_end_of_the_tree(told: Play) -> None:
    report = judged(told, bare(told, "licence"), [*copy_of(told), b"what the log took later"])
    assert report.verdict == "proved"


def test_it_reaches_farther_than_the_root_that_is_shown(told: Play) -> None:
    report = judged(told, members_of(told.case("licence")), copy_of(told))
    assert report.facts["standing"]["as_of"]["size"] == report.facts["checkpoint"]["size"]
    assert told.roots[-1] < report.facts["checkpoint"]["size"]


def test_under_an_older_root_the_copy_does_not_serve(told: Play) -> None:
    """The revocation came later and is not shown: what is told is told up to the root, not to the end of the tree."""
    at = told.roots[0]
    report = judged(told, members_of(shown_below(told.case("licence", root=0), at + 2)), copy_of(told))
    assert report.facts["standing"]["as_of"]["size"] == at
    assert report.claim("completeness").outcome == "not_proved"


WITHHELD: dict[str, tuple[Kind, str, int]] = {
    "the revocation": ("licence", "licence.status", 0),
    "a dispute about it": ("licence", "dispute.open", 1),
    "the resolution": ("dispute", "dispute.resolve", 0),
}


@pytest.mark.parametrize("name", WITHHELD)
def test_what_is_withheld_is_missed_by_the_copy(name: str, told: Play) -> None:
    kind, event, number = WITHHELD[name]
    members = without_entry(bare(told, kind), told.scene.log.find(event, number))
    report = judged(told, members, copy_of(told))
    assert (report.verdict, report.refused_at) == ("not_proved", 9)
    assert lines(report, "traceability") >= {"traceability.no-history"}
    assert report.claim("completeness").outcome == "contradicted"


COPIES: dict[str, Callable[[Play, Play], list[bytes]]] = {
    "of another log": lambda told, other: copy_of(other),
    "too short": lambda told, other: copy_of(told)[:-1],
    "empty": lambda told, other: [],
    "with an entry left out": lambda told, other: copy_of(told)[:5] + copy_of(told)[6:],
    "with the revocation made something else": lambda told, other: [
        b"nothing" if at == told.scene.log.find("licence.status") else one for at, one in enumerate(copy_of(told))
    ],
    "in another order": lambda told, other: [*copy_of(told)[:-2], *copy_of(told)[:-3:-1]],
}


@pytest.mark.parametrize("name", COPIES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_of_something_else_does_not_serve(kind: Kind, name: str, told: Play, other: Play) -> None:
    report = judged(told, bare(told, kind), COPIES[name](told, other))
    assert (report.verdict, report.refused_at) == ("not_proved", 9)
    assert lines(report, "traceability") >= {"traceability.no-history"}


def test_a_root_that_the_copy_refutes_takes_its_word_too(tmp_path: Path) -> None:
    """The log stated the map of another history: no standing is told to the end of the tree."""
    lied = play(tmp_path)
    log, world = lied.scene.log, lied.scene.world
    size = log.size
    log.add(world.say(world.log, "log.map-root", world.origin, MapRoot(size, "11" * 32)))
    lied.scene.anchor()
    honest = lied.case("licence")
    assert honest.map is not None
    proofs = dict(honest.map.proofs)
    material = replace(honest, map=replace(honest.map, proofs={**proofs, size: {}}))
    report = judged(lied, members_of(material), copy_of(lied))
    assert (report.verdict, report.claim("completeness").outcome) == ("not_proved", "contradicted")
    assert "map.lie" in lines(report, "completeness")
    assert report.facts["standing"]["as_of"]["size"] == lied.roots[-1]


def test_an_older_log_of_which_no_root_is_demanded_is_told_to_the_end_of_the_tree(other: Play) -> None:
    members = bare(other, "licence")
    assert as_of(other.judge(members)) == [None]
    report = judged(other, members, copy_of(other))
    assert report.verdict == "proved"
    assert report.facts["standing"]["as_of"]["size"] == report.facts["checkpoint"]["size"]


def test_a_later_version_that_is_withheld_is_missed_by_all_that_was_logged_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = play(tmp_path, 3)
    log, world = older.scene.log, older.scene.world
    world.rules, at = 4, log.size
    monkeypatch.setattr(world, "batch", partial(world.batch, policy=at))
    log.add(world.policy())
    older.state()
    older.scene.anchor()
    whole = members_of(older.case("licence"))
    assert older.judge(whole).verdict == "proved"
    report = older.judge(without_entry(whole, at))
    assert (report.verdict, report.refused_at) == ("not_proved", 6)
    refused = {line.values["position"] for line in report.claim("entitlement").evidence if "position" in line.values}
    assert refused == set(range(at + 1, log.size))
