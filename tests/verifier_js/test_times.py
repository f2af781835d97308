"""Times with fractions and accuracies: both verifiers count the same ones, and bound by them alike."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tallystick.case import TimestampMaterial, case_members
from tallystick.note import parse_note
from tallystick.trust import encode_trust
from tests.core.timestamp.forge import Recipe, token
from tests.core.verify import test_timestamps as stamped
from tests.core.verify.kit import AT, Kit, build_kit
from tests.verifier_js.both import Second, Trial, compare, first

WHOLE = datetime.fromtimestamp(AT - 3600, UTC).strftime("%Y%m%d%H%M%S").encode()
FRACTIONS = (b"", b".5", b".000001", b".999999")
ACCURACIES: tuple[dict[str, int] | None, ...] = (
    None,
    {"millis": 1},
    {"millis": 500},
    {"millis": 500, "micros": 1},
    {"seconds": 1, "millis": 999, "micros": 999},
    {"seconds": 3599, "millis": 600},
    {"seconds": 3600},
)


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    return build_kit(tmp_path_factory.mktemp("kit"))


def bundle(kit: Kit, fraction: bytes, accuracy: dict[str, int] | None) -> bytes:
    note = kit.log.note()
    more: dict[str, Any] = {} if accuracy is None else {"accuracy": accuracy}
    text = parse_note(note).text.encode()
    made = token(Recipe(stamped.TSA, message=text, gen_time=WHOLE + fraction + b"Z", **more))
    return kit.scene.bundle(case_members(stamped.of_sizes(kit, TimestampMaterial(made, note))))


@pytest.mark.parametrize("fraction", FRACTIONS, ids=["whole", "half", "a millionth more", "a millionth less"])
def test_times_are_rounded_alike(second: Second, kit: Kit, fraction: bytes, tmp_path: Path) -> None:
    trust = tmp_path / "trust.json"
    known = stamped.trusting(("the observatory", stamped.ROOT, True))
    trust.write_bytes(encode_trust(kit.scene.trust_file(**known)))
    trials = []
    for number, accuracy in enumerate(ACCURACIES):
        path = tmp_path / f"{number}.zip"
        path.write_bytes(bundle(kit, fraction, accuracy))
        trials.append(Trial(f"{fraction!r} {accuracy}", path, trust, "2026-02-02T00:00:00Z"))
    assert compare(second, trials) == len(ACCURACIES)
    for trial, found in zip(trials, second.judge(trials), strict=True):
        expected = first(trial)["facts"]["time"]
        assert {name: found["facts"]["time"][name] for name in ("independent", "operator", "claimed")} == {
            name: expected[name] for name in ("independent", "operator", "claimed")
        }, trial.name
