"""Both verifiers on bundles that were changed, most of them signed again by an exporter whom the trust file names.

Verdict, the step that refused, and every claim must be the same, file for file. What may differ is listed: where only
the Content Credential of a signed file is left, the second verifier says that it needs an external fact.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tallystick.trust import encode_trust
from tests.core.verify import attacks_on_facts
from tests.core.verify.attacks import ATTACKS
from tests.core.verify.kit import Kit, build_kit
from tests.verifier_js import changes
from tests.verifier_js.both import GOLDEN, ROOT, Second, Trial, captured, compare, first, outcomes
from tests.verifier_js.forge import canonical, members_of, rebuilt, trusting, zipped

assert attacks_on_facts  # its attacks stand in the same table
AT = "2026-02-02T00:00:00Z"
BUNDLES = {
    "1/evidence": "trust.json",
    "2/evidence": "trust.json",
    "rules-2/rotation": "trust-before.json",
}
KINDS = (changes.each_member, changes.without_entries, changes.of_json, changes.of_text, changes.more_members)
FEW = 12
"""Trials of one kind and bundle in the daily run; the exhaustive one tries all of them."""


@pytest.fixture(scope="module")
def kits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Kit, Kit]:
    folder = tmp_path_factory.mktemp("kits")
    return build_kit(folder / "one"), build_kit(folder / "other", "another world", "log.example/another")


class Bench:
    """A kept bundle to be changed, and where the changed ones are put."""

    def __init__(self, folder: Path, bundle: str) -> None:
        self.folder = folder
        self.members = members_of((GOLDEN / bundle / "case.zip").read_bytes())
        self.trust = trusting(GOLDEN / bundle / BUNDLES[bundle])
        self.trust_path = folder / "trust.json"
        self.trust_path.write_bytes(canonical(self.trust))

    def written(self, name: str, data: bytes) -> Path:
        path = self.folder / f"{name}.zip"
        path.write_bytes(data)
        return path

    def changed(self, kind: Callable[[Any], Iterator[tuple[str, changes.Change]]], few: int | None) -> Iterator[Trial]:
        made = list(kind(self.members))
        step = 1 if few is None else max(1, -(-len(made) // few))
        for number, (name, change) in enumerate(made[::step]):
            members = dict(self.members)
            change(members)
            yield Trial(name, self.written(str(number), zipped(rebuilt(members))), self.trust_path, AT)


@pytest.mark.parametrize("bundle", BUNDLES)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_changed_bundles_are_judged_alike(second: Second, bundle: str, kind: Any, tmp_path: Path) -> None:
    assert compare(second, list(Bench(tmp_path, bundle).changed(kind, FEW))) >= 8


@pytest.mark.exhaustive
@pytest.mark.parametrize("bundle", BUNDLES)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_changed_bundle_is_judged_alike(second: Second, bundle: str, kind: Any, tmp_path: Path) -> None:
    assert compare(second, list(Bench(tmp_path, bundle).changed(kind, None))) > 10


@pytest.mark.parametrize("bundle", BUNDLES)
def test_bytes_flipped_without_a_new_signature_are_judged_alike(second: Second, bundle: str, tmp_path: Path) -> None:
    data, trust = (GOLDEN / bundle / "case.zip").read_bytes(), GOLDEN / bundle / BUNDLES[bundle]
    trials = []
    for number in range(40):
        at = (number * 7919) % len(data)
        path = tmp_path / f"{number}.zip"
        path.write_bytes(data[:at] + bytes([data[at] ^ (1 << number % 8)]) + data[at + 1 :])
        trials.append(Trial(f"bit {number % 8} of byte {at}", path, trust, AT))
    for number, altered in enumerate([b"", data[:-1], data[:22], data + b"\n", b"\n" + data, data + data, data[-22:]]):
        path = tmp_path / f"altered-{number}.zip"
        path.write_bytes(altered)
        trials.append(Trial(f"altered {number}", path, trust, AT))
    assert compare(second, trials) == 47


@pytest.mark.parametrize("bundle", BUNDLES)
def test_every_choice_of_the_reader_is_judged_alike(second: Second, bundle: str, tmp_path: Path) -> None:
    bench = Bench(tmp_path, bundle)
    whole = bench.written("whole", zipped(rebuilt(bench.members)))
    trials = [Trial(f"at {at!r}", whole, bench.trust_path, at) for at in changes.INSTANTS]
    share = slice(list(BUNDLES).index(bundle), None, len(BUNDLES))
    for number, (name, change) in enumerate(list(changes.of_trust())[share]):
        trust = json.loads(canonical(bench.trust))
        change(trust)
        path = tmp_path / f"trust-{number}.json"
        path.write_bytes(canonical(trust))
        trials.append(Trial(name, whole, path, AT))
    assert compare(second, trials) > 70


def test_the_named_attacks_are_refused_at_the_same_step(second: Second, kits: tuple[Kit, Kit], tmp_path: Path) -> None:
    kit, other = kits
    trust = tmp_path / "trust.json"
    trust.write_bytes(encode_trust(kit.scene.trust_file()))
    trials = []
    for name, attack in ATTACKS.items():
        path = tmp_path / f"{name}.zip"
        honest = {name: data for name, data in members_of(kit.bundle()).items() if name.startswith("data/")}
        path.write_bytes(kit.bundle(attack.change(kit, other, honest)))
        trials.append(Trial(name, path, trust, AT))
    assert compare(second, trials) > 60
    for trial, found in zip(trials, second.judge(trials), strict=True):
        assert found["refused_at"] == ATTACKS[trial.name].step, trial.name


def test_a_difference_would_be_told(second: Second, tmp_path: Path) -> None:
    bench = Bench(tmp_path, "2/evidence")
    trial = Trial("whole", bench.written("whole", zipped(rebuilt(bench.members))), bench.trust_path, AT)
    altered = Trial("whole", trial.path, trial.trust, "2026-01-01T00:00:00Z")
    (found,) = second.judge([trial])
    assert outcomes(found) == outcomes(first(trial))
    assert outcomes(found) != outcomes(first(altered))


SHARES = 8
JUDGING = sorted((ROOT / "tests" / "core" / "verify").glob("test_*.py"))
FLIPPED = {"test_flips.py", "test_fuzz.py"}
"""Flipped bits have their own test."""


@pytest.mark.exhaustive
@pytest.mark.parametrize("share", range(SHARES))
def test_every_bundle_that_the_first_verifiers_tests_make_is_judged_alike(
    second: Second, share: int, tmp_path: Path
) -> None:
    """Attacks, time, other chains, rotations, erasures, signed files, histories: nothing is left to other programs."""
    modules = [str(one.relative_to(ROOT)) for one in JUDGING if one.name not in FLIPPED][share::SHARES]
    left: set[str] = set()
    assert compare(second, captured(tmp_path, *modules), left) >= 15
    assert left == set()
