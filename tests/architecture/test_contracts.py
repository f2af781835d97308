"""The import contracts of pyproject.toml bite: each is broken on purpose in a copy, and must say so."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.tree import PACKAGES, ROOT

CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
# Contract -> (file, the import that it must refuse)
VIOLATIONS = {
    "layers": [
        ("ledger/planted_a.py", "import api"),
        ("ledger/planted_b.py", "import anchors"),
        ("anchors/planted.py", "import credentials"),
        ("credentials/planted.py", "import ledger"),
        ("tallystick/planted_a.py", "import ledger"),
        ("tallystick/planted_serving.py", "import serving"),
        ("serving/planted.py", "import ledger"),
    ],
    "pure-core": [
        (f"tallystick/planted_{name}.py", f"import {name}")
        for contract in CONFIG["contracts"]
        if contract["id"] == "pure-core"
        for name in contract["forbidden_modules"]
    ],
    "rows-stay-in-the-store": [
        ("api/planted_rows.py", "import sqlmodel"),
        ("ledger/planted_rows.py", "import sqlalchemy"),
    ],
    "http-stays-in-api": [
        ("ledger/planted_http.py", "import fastapi"),
        ("anchors/planted_http.py", "import starlette"),
    ],
    "no-test-material": [
        ("tallystick/planted_keys.py", "import fixtures"),
        ("api/planted_demo.py", "import demo"),
        ("ledger/planted_test.py", "import tests"),
        ("anchors/planted_bench.py", "import benchmarks"),
    ],
}
NAMES = {contract["id"]: contract["name"] for contract in CONFIG["contracts"]}


def lint(folder: Path, contract: str) -> str:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    environment = {**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "400"}
    done = subprocess.run(
        [*command, "--no-cache", "--contract", contract], cwd=folder, env=environment, capture_output=True, text=True
    )
    return f"exit {done.returncode}\n{done.stdout}{done.stderr}"


@pytest.fixture(scope="module")
def broken_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree of our packages, empty but for the planted imports."""
    folder = tmp_path_factory.mktemp("broken")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in PACKAGES:
        (folder / package).mkdir()
        (folder / package / "__init__.py").touch()
    for path, statement in (violation for violations in VIOLATIONS.values() for violation in violations):
        (folder / path).write_text(statement + "\n")
    return folder


def test_every_contract_has_planted_violations() -> None:
    assert set(VIOLATIONS) == set(NAMES)


@pytest.mark.parametrize("contract", sorted(VIOLATIONS))
def test_planted_imports_are_refused(contract: str, broken_tree: Path) -> None:
    said = lint(broken_tree, contract)
    assert said.startswith("exit 1\n"), said
    for path, statement in VIOLATIONS[contract]:
        module = path.removesuffix(".py").replace("/", ".")
        assert f"{module} -> {statement.removeprefix('import ')} " in said, said
