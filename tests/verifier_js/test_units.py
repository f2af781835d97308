"""The second verifier's own tests of its parts, in the language that they are written in."""

from __future__ import annotations

import re
import subprocess

from tests.verifier_js.both import PATIENCE, Second


def test_its_parts_hold(second: Second) -> None:
    command = [str(second.node), "--test", "--test-reporter=tap", str(second.folder / "unit.mjs")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    counted = dict(re.findall(r"^# (tests|pass|fail) (\d+)$", done.stdout, re.M))
    assert counted == {"tests": counted["pass"], "pass": counted["pass"], "fail": "0"}
    assert int(counted["pass"]) > 15
