"""Case version 3, histories by the map: every case that a test of the first verifier makes, judged by both alike."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tallystick.case import MapMaterial, case_members
from tallystick.map import NAMED, OWN, key_of
from tallystick.schema import write
from tallystick.trust import Trust, encode_trust
from tests.core import builders
from tests.core.verify import test_histories as told_cases
from tests.core.verify.kit import Scene
from tests.core.verify.test_histories_aside import stated
from tests.verifier_js import changes
from tests.verifier_js.both import Second, Trial, captured, compare, first
from tests.verifier_js.forge import canonical, members_of, rebuilt, trusting, zipped
from tests.world import START, World

AT = "2026-02-02T00:00:00Z"
KINDS = (changes.each_member, changes.of_json, changes.of_text, changes.more_members)
FEW = 8


def written(folder: Path, name: str, bundle: bytes, trust: Trust) -> Trial:
    (folder / f"{name}.zip").write_bytes(bundle)
    (folder / f"{name}.json").write_bytes(encode_trust(trust.file))
    return Trial(name, folder / f"{name}.zip", folder / f"{name}.json", AT)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> told_cases.Told:
    return told_cases.tell(tmp_path_factory.mktemp("told"))


def audited(told: told_cases.Told) -> bytes:
    return told.scene.bundle(case_members(told.material(audits=(told.audit(),))))


def test_every_case_of_the_first_verifiers_tests_is_judged_alike(second: Second, tmp_path: Path) -> None:
    trials = captured(tmp_path, "tests/core/verify/test_histories.py", "tests/core/verify/test_histories_aside.py")
    outcomes = [first(trial)["claims"][-1]["outcome"] for trial in trials]
    assert {"proved", "needs_external_fact", "not_proved", "contradicted"} <= set(outcomes)
    assert compare(second, trials) >= 35


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_changed_histories_are_judged_alike(second: Second, told: told_cases.Told, kind: Any, tmp_path: Path) -> None:
    assert compare(second, altered(told, kind, tmp_path, FEW)) >= FEW - 2


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_changed_history_is_judged_alike(
    second: Second, told: told_cases.Told, kind: Any, tmp_path: Path
) -> None:
    assert compare(second, altered(told, kind, tmp_path, None)) > 40


def altered(told: told_cases.Told, kind: Any, folder: Path, few: int | None) -> list[Trial]:
    members = members_of(audited(told))
    (folder / "given.json").write_bytes(encode_trust(told.trust().file))
    (folder / "trust.json").write_bytes(canonical(trusting(folder / "given.json")))
    made = list(kind(members))
    step = 1 if few is None else max(1, -(-len(made) // few))
    trials = []
    for number, (name, change) in enumerate(made[::step]):
        changed = dict(members)
        change(changed)
        (folder / f"{number}.zip").write_bytes(zipped(rebuilt(changed)))
        trials.append(Trial(name, folder / f"{number}.zip", folder / "trust.json", AT))
    return trials


@pytest.mark.parametrize("seconds", [-3600, -301, -300, -299, 0, 1, 86_400, 86_401])
def test_an_audit_dated_before_its_root_is_judged_alike(
    second: Second, told: told_cases.Told, seconds: int, tmp_path: Path
) -> None:
    made = told.material(audits=(told.audit(at=START + seconds),))
    trial = written(tmp_path, "dated", told.scene.bundle(case_members(made)), told.trust())
    counts = first(trial)["claims"][-1]["outcome"] == "proved"
    assert counts == (-300 <= seconds <= 86_400)
    assert compare(second, [trial]) == 1


def replaced(value: Any, old: frozenset[str], new: str) -> Any:
    """A body with identifiers exchanged, at any depth."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return dataclasses.replace(value, **{f.name: replaced(getattr(value, f.name), old, new) for f in fields})
    if isinstance(value, tuple | list):
        return type(value)(replaced(one, old, new) for one in value)
    if isinstance(value, dict):
        return {key: replaced(one, old, new) for key, one in value.items()}
    return new if isinstance(value, str) and value in old else value


OBJECTS = frozenset((builders.OBJECT, builders.SOURCE))
ABOUT_LOG = tuple(one for one in builders.FULL.values() if one.subject == builders.ORIGIN)
NAMING = tuple(
    one
    for one in (*builders.FULL.values(), *builders.LATER_THIRD.values())
    if any(name in str(write(one.body)) for name in sorted(OBJECTS))
)


def set_aside(into: Path) -> Iterator[tuple[str, Trial, str]]:
    """A statement of each type that names the object, or is about the log, put under `map/entries/`."""
    for number, event in enumerate((*ABOUT_LOG, *NAMING)):
        folder = into / str(number)
        scene = Scene(folder, World(f"aside {number}"))
        world, log = scene.world, scene.log
        picture = world.object()
        subject = picture.event.subject
        log.add(world.register(world.studio, "studio"), picture)
        about = world.origin if event in ABOUT_LOG else event.subject
        body = event.body if event in ABOUT_LOG else replaced(event.body, OBJECTS, subject)
        statement = world.say(world.studio, event.type, about, body)
        position = log.size
        log.add(statement)
        scene.anchor()
        told = stated(scene, subject)
        whole, audits = told.map(), (told.audit(),)
        known = {one.event.subject for at, one in enumerate(log.statements) if at != position} | {subject}
        wanted = [*((OWN, one) for one in sorted(known)), (NAMED, subject)]
        proofs = {one: whole.prove(key_of(*one)) for one in wanted}
        aside = MapMaterial({told.root_at: proofs}, audits, {position: statement.entry})
        made = told.without(told.material(audits=audits), position, map=aside)
        yield event.type, written(folder, "aside", scene.bundle(case_members(made)), told.trust()), about


def test_what_stands_aside_is_judged_alike(second: Second, tmp_path: Path) -> None:
    """Uses alone count there, and what the map is not about."""
    made = list(set_aside(tmp_path))
    assert compare(second, [trial for _, trial, _ in made]) > 12
    counted = {kind for kind, trial, _ in made if first(trial)["claims"][-1]["outcome"] == "proved"}
    nothing = {"log.batch", "log.time", "log.map-root"}
    assert counted == {"object.register", "job.register", "job.complete", *nothing}
