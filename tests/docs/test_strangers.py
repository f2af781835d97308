"""docs/strangers.md names the versions that the locks pin and tests that exist."""

from __future__ import annotations

import json
import re

import pytest

from tests.architecture.tree import ROOT

PAGE = (ROOT / "docs" / "strangers.md").read_text(encoding="utf-8")
LOCKS = {"merkletools": "requirements-merkletools.lock"}


@pytest.mark.parametrize("name", ["tlog-scales", "sigstore", "pymerkle", "scitt-cose", "merkletools", "encypher-c2pa"])
def test_the_table_has_the_versions_of_the_locks(name: str) -> None:
    lock = (ROOT / LOCKS.get(name, "requirements-dev.lock")).read_text()
    (pin,) = re.findall(rf"^{name}==(\S+)", lock, re.MULTILINE)
    assert f"| PyPI `{name}` {pin} |" in PAGE


@pytest.mark.parametrize("name", ["@sigstore/verify", "@trustnxt/c2pa-ts"])
def test_the_table_has_the_version_of_the_npm_lock(name: str) -> None:
    packages = json.loads((ROOT / "tests" / "strangers" / "npm" / "package-lock.json").read_text())["packages"]
    pin = packages[f"node_modules/{name}"]["version"]
    assert f"| npm `{name}` {pin} |" in PAGE


def test_each_test_that_it_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    written = "".join(path.read_text() for path in (ROOT / "tests" / "strangers").glob("test_*.py"))
    assert len(named) > 6
    assert {name for name in named if f"def {name}(" not in written} == set()
