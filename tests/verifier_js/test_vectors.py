"""The second verifier computes every published vector, and its types hold."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from tests.verifier_js.both import ROOT, Second
from tools import outsiders

VECTORS = ROOT / "docs" / "vectors"


def test_every_vector_is_computed_again(second: Second) -> None:
    done = second.run("vectors.mjs", str(VECTORS))
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"[4-9][0-9]{2} compared\n", done.stdout), done.stdout


def test_a_vector_that_differs_is_told(second: Second, tmp_path: Path) -> None:
    shutil.copytree(VECTORS, tmp_path / "vectors")
    path = tmp_path / "vectors" / "keys.json"
    keys = json.loads(path.read_text())
    keys[0]["kid"] = "00" * 32
    path.write_text(json.dumps(keys))
    assert "key ed25519: " in second.run("vectors.mjs", str(tmp_path / "vectors")).stdout


def test_types_hold_under_the_strict_compiler(second: Second) -> None:
    packages = outsiders.npm_packages("verifier") / "node_modules"
    done = second.run(str(packages / "typescript" / "bin" / "tsc"), "--noEmit", "--project", str(ROOT / "verifier-js"))
    assert (done.returncode, done.stdout) == (0, "")
