"""The service's own bundles, proved to the end of the tree, and every attack on the tail: both verifiers alike."""

from __future__ import annotations

from pathlib import Path

from tallystick.times import format_time
from tallystick.trust import encode_trust
from tests.api.audited import auditing
from tests.api.tail_attacks import ATTACKS, exports, signed
from tests.verifier_js.both import Second, Trial, compare


def test_the_tail_and_the_attacks_on_it(second: Second, tmp_path: Path) -> None:
    with auditing(tmp_path) as house:
        found = exports(house)
        bundles = {"early": found.early, "late": found.late, "told": found.told}
        bundles |= {name: attack.apply(found) for name, attack in ATTACKS.items()}
        trust, at = tmp_path / "trust.json", format_time(house.at)
        trust.write_bytes(encode_trust(house.trust("capture", "completeness", "custody")))
        trials = []
        for number, (name, members) in enumerate(bundles.items()):
            path = tmp_path / f"{number}.zip"
            path.write_bytes(signed(house, members))
            trials.append(Trial(name, path, trust, at))
    assert compare(second, trials) == len(ATTACKS) + 3
